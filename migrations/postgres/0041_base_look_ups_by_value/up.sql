-- Who changes a record knows by which values it was found.
DROP INDEX lookup_values_record;
