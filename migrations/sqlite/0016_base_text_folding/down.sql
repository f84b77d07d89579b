DELETE FROM jobs WHERE kind = 'text_index';
