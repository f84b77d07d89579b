//! What a piece of work has read already: rows of an import name the same stages, users and products over and over, and on PostgreSQL
//! each time is a round trip. Only plain reads of one table that hardly changes are remembered, and only until the work writes to it or ends.

use std::{cell::RefCell, collections::HashMap};

use crate::sql::{
    cell::Cell,
    statement::{Bind, Statement},
};

/// Tables of what many records refer to.
const REFERRED: [&str; 9] = ["campaigns", "customers", "pipelines", "pools", "products", "stages", "tags", "teams", "users"];

/// How much is remembered of a table.
const MOST: usize = 1_000;

type Rows = Vec<Vec<Cell>>;
/// What statements of one text answered, by their values.
type Answers = HashMap<String, Vec<(Vec<(usize, Bind)>, Rows)>>;

thread_local! {
    static MEMO: RefCell<Option<HashMap<&'static str, Answers>>> = const { RefCell::new(None) };
}

/// As long as this lives, this thread remembers what it reads.
pub struct Remembering(());

impl Remembering {
    pub fn begin() -> Remembering {
        MEMO.set(Some(HashMap::new()));
        Remembering(())
    }

    /// Forgets what was read of a table.
    pub fn forget_table(&self, table: &str) {
        MEMO.with_borrow_mut(|memo| {
            if let Some(memo) = memo {
                memo.remove(table);
            }
        });
    }

    /// Forgets all: what was read may have been undone, or another may have changed it.
    pub fn forget(&self) {
        MEMO.set(Some(HashMap::new()));
    }
}

impl Drop for Remembering {
    fn drop(&mut self) {
        MEMO.set(None);
    }
}

/// The table that a statement reads, if it is a plain read of one that is remembered.
fn table_read(text: &str) -> Option<&'static str> {
    let (columns, rest) = text.split_once(" FROM ")?;
    if !columns.starts_with("SELECT ") || [" FROM ", " JOIN ", " FOR "].iter().any(|word| rest.contains(word)) {
        return None;
    }
    let table = rest.split(' ').next()?;
    REFERRED.into_iter().find(|known| *known == table)
}

/// The table that a statement writes to.
fn table_written(text: &str) -> Option<&'static str> {
    let rest = ["INSERT INTO ", "UPDATE ", "DELETE FROM "].iter().find_map(|verb| text.strip_prefix(verb))?;
    let table = rest.split([' ', '(']).next()?;
    REFERRED.into_iter().find(|known| *known == table)
}

/// What was read before by the same statement.
pub fn recall(statement: &Statement) -> Option<Rows> {
    MEMO.with_borrow(|memo| {
        let (text, binds) = statement.parts();
        let answers = memo.as_ref()?.get(table_read(text)?)?.get(text)?;
        answers.iter().find(|(known, _)| known == binds).map(|(_, rows)| rows.clone())
    })
}

/// Remembers what was read.
pub fn keep(statement: &Statement, rows: &[Vec<Cell>]) {
    MEMO.with_borrow_mut(|memo| {
        let Some(memo) = memo else { return };
        let (text, binds) = statement.parts();
        let Some(table) = table_read(text) else { return };
        let answers = memo.entry(table).or_default();
        if answers.values().map(Vec::len).sum::<usize>() >= MOST {
            answers.clear();
        }
        answers.entry(text.to_owned()).or_default().push((binds.to_vec(), rows.to_vec()));
    });
}

/// Forgets what was read of a table that a statement writes to.
pub fn written(statement: &Statement) {
    MEMO.with_borrow_mut(|memo| {
        if let (Some(memo), Some(table)) = (memo, table_written(statement.parts().0)) {
            memo.remove(table);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_reads_are_remembered() {
        assert_eq!(table_read("SELECT t.id FROM stages t WHERE t.tenant_id = "), Some("stages"));
        assert_eq!(table_read("SELECT 1 FROM pipelines WHERE id =  FOR SHARE"), None);
        assert_eq!(table_read("SELECT t.id FROM users t WHERE t.id IN (SELECT x FROM y)"), None);
        assert_eq!(table_read("SELECT (SELECT x FROM y) FROM users t"), None);
        assert_eq!(table_read("SELECT t.id FROM opportunities t"), None);
        assert_eq!(table_written("UPDATE users SET name = "), Some("users"));
        assert_eq!(table_written("INSERT INTO stages (id) VALUES "), Some("stages"));
        assert_eq!(table_written("SELECT 1"), None);
    }
}
