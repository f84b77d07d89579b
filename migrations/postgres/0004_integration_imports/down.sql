DROP TABLE import_faults;
DROP TABLE import_files;
DROP TABLE imports;
