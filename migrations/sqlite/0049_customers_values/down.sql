DROP TABLE kept;
DROP TABLE customer_values;
