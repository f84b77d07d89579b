DELETE FROM jobs WHERE kind = 'text_index';
DROP FUNCTION farley_fold_spelt(text);
DROP FUNCTION farley_fold(text);
