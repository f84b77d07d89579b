DROP TABLE ticket_articles;
ALTER TABLE tickets DROP COLUMN article_ids;
DROP TABLE article_votes;
DROP TABLE help_centers;
DROP TABLE article_versions;
DROP TABLE articles;
DROP TABLE article_categories;
