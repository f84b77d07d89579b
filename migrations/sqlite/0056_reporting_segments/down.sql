DROP TABLE segment_cursors;
DROP TABLE segment_members;
DROP TABLE segments;
