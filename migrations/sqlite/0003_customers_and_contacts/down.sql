DROP TABLE contact_customers;
DROP TABLE contacts;
DROP TABLE customers;
