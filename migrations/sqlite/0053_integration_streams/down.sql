DROP TABLE record_locks;
DROP TABLE stream_tickets;
