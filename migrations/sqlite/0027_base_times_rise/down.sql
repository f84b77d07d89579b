-- Which times were before others is not kept, and nothing depends on it.
SELECT 1;
