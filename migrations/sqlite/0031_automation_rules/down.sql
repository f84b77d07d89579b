DROP TABLE automation_timers;
DROP TABLE automation_clocks;
DROP TABLE automation_cursors;
DROP TABLE automation_macros;
DROP TABLE automation_runs;
DROP TABLE automation_rules;
