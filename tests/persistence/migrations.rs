//! Migrations go down and up again, and make the same schema on both engines.

use std::collections::BTreeSet;

use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types::Text};
use farley_persistence::{StoreError, down_and_up};

use crate::support::{Engine, TestDb};

/// Tables of the engines and of FTS5 itself.
const TABLES: [&str; 2] = [
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'search_terms%'",
    "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'",
];

/// `table.column`, with `?` where it may be null.
const COLUMNS: [&str; 2] = [
    "SELECT t.name || '.' || c.name || CASE WHEN c.\"notnull\" THEN '' ELSE '?' END AS name FROM sqlite_master t, pragma_table_info(t.name) c \
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'search_terms%'",
    "SELECT (table_name || '.' || column_name || CASE is_nullable WHEN 'YES' THEN '?' ELSE '' END)::text AS name \
     FROM information_schema.columns WHERE table_schema = 'public'",
];

/// Names of declared indexes, with their uniqueness.
const INDEXES: [&str; 2] = [
    "SELECT CASE WHEN sql LIKE '%UNIQUE%' THEN 'unique ' ELSE '' END || name AS name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "SELECT (CASE WHEN i.indisunique THEN 'unique ' ELSE '' END || c.relname)::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' \
     AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid AND contype IN ('p', 'u'))",
];

/// `from(columns) -> to`.
const REFERENCES: [&str; 2] = [
    "SELECT name || '(' || columns || ') -> ' || \"table\" AS name FROM (SELECT t.name, f.id, f.\"table\", group_concat(f.\"from\") AS columns \
     FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table' GROUP BY t.name, f.id, f.\"table\")",
    "SELECT (c.conrelid::regclass || '(' || (SELECT string_agg(a.attname, ',' ORDER BY place) FROM unnest(c.conkey) WITH ORDINALITY k(number, place) \
     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number) || ') -> ' || c.confrelid::regclass)::text AS name \
     FROM pg_constraint c WHERE c.contype = 'f'",
];

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(db: &TestDb, [sqlite, postgres]: [&str; 2]) -> BTreeSet<String> {
    let rows: Vec<Named> = match db.engine {
        Engine::Sqlite => sql_query(sqlite).load(&mut SqliteConnection::establish(db.path()).expect("it opens")),
        Engine::Postgres => sql_query(postgres).load(&mut PgConnection::establish(&db.url).expect("it opens")),
    }
    .expect("the catalog can be read");
    rows.into_iter().map(|row| row.name).collect()
}

pub async fn down_and_up_again(db: TestDb) -> Result<(), StoreError> {
    let all = |db: &TestDb| [TABLES, COLUMNS, INDEXES, REFERENCES].map(|what| names(db, what));
    let before = all(&db);
    down_and_up(if db.engine == Engine::Sqlite { db.path() } else { &db.url })?;
    assert_eq!(all(&db), before);
    db.open().close();
    assert_eq!(all(&db), before, "nothing is left to do at the next start");
    Ok(())
}

pub async fn both_engines_have_one_schema(sqlite: TestDb, postgres: TestDb) {
    for (what, queries) in [("tables", TABLES), ("columns", COLUMNS), ("indexes", INDEXES), ("references", REFERENCES)] {
        let (left, right) = (names(&sqlite, queries), names(&postgres, queries));
        let only: Vec<_> = left.symmetric_difference(&right).filter(|name| !is_known_difference(name)).collect();
        assert!(only.is_empty(), "{what} that one engine alone has: {only:?}");
        assert!(!left.is_empty(), "{what} can be told");
    }
}

/// What the engines cannot share: PostgreSQL keeps terms beside the documents, SQLite in a table of FTS5; the log's key on
/// SQLite is its position alone, so that it needs an index by tenant.
fn is_known_difference(name: &str) -> bool {
    const KNOWN: &[&str] = &["search_documents.terms", "search_documents_terms", "events_tenant"];
    KNOWN.contains(&name)
}
