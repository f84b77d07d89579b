DROP TABLE file_link_keys;
DROP TABLE file_contents;
DROP TABLE files;
