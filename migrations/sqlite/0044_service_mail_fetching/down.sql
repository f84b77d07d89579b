DROP TABLE mail_sources;
