DROP TABLE campaigns;
DROP TABLE products;
