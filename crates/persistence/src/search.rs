//! The search index: FTS5 on SQLite, tsvector with GIN on PostgreSQL, both over the terms that the domain prepares.
//!
//! Every term begins with the number of its tenant, so that a search reads the postings of one tenant alone.

use farley_domain::{
    id::Id,
    search_text::{Query, SearchText, Term},
};

use crate::{
    engine::Connection,
    error::StoreError,
    filter::Place,
    statement::{Bind, ColumnType, Dialect, Statement},
};

/// How well a document matches; better ones come first, then those indexed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// A whole name, address or number is what was asked for.
    Exact,
    /// All terms are in names.
    Title,
    /// All terms are somewhere.
    Anywhere,
}

impl Tier {
    pub const ALL: [Tier; 3] = [Tier::Exact, Tier::Title, Tier::Anywhere];

    /// Higher is better, as cursors and orders by relevance have it.
    #[must_use]
    pub fn rank(self) -> i64 {
        match self {
            Tier::Exact => 2,
            Tier::Title => 1,
            Tier::Anywhere => 0,
        }
    }
}

fn prefixed(tenant_number: i64, token: &str) -> String {
    format!("{tenant_number}:{token}")
}

/// The text that the engine's own query language asks of the index; none if this tier cannot match.
fn asked(dialect: Dialect, query: &Query, tier: Tier, tenant_number: i64) -> Option<String> {
    if query.is_empty() {
        return None;
    }
    let in_titles = query.titles_only || tier != Tier::Anywhere;
    let exact = query.exact.as_ref().map(|token| Term { token: token.clone(), prefix: false });
    let terms: Vec<Term> = match tier {
        Tier::Exact => exact.into_iter().collect(),
        Tier::Title | Tier::Anywhere => query.terms.clone(),
    };
    if terms.is_empty() {
        return None;
    }
    let terms = terms.iter().map(|term| {
        let token = prefixed(tenant_number, &term.token);
        match (dialect, term.prefix) {
            (Dialect::Sqlite, false) => format!("\"{token}\""),
            (Dialect::Sqlite, true) => format!("\"{token}\" *"),
            (Dialect::Postgres, false) => format!("'{token}'"),
            (Dialect::Postgres, true) => format!("'{token}':*"),
        }
    });
    Some(match dialect {
        Dialect::Sqlite => {
            let terms: Vec<String> = terms.collect();
            let all = terms.join(" AND ");
            if in_titles { format!("{{title}} : ({all})") } else { all }
        }
        Dialect::Postgres => terms.collect::<Vec<_>>().join(" & "),
    })
}

/// The column of PostgreSQL's table that a question is put to.
fn column(query: &Query) -> &'static str {
    if query.titles_only { "title" } else { "terms" }
}

/// Selects the ids of the records of the place's object that match anywhere.
pub fn matching_ids(sql: &mut Statement, query: &Query, place: &Place) {
    match asked(sql.dialect, query, Tier::Anywhere, place.tenant_number) {
        None => drop(sql.sql("NULL")),
        Some(asked) => match sql.dialect {
            Dialect::Sqlite => {
                sql.sql("SELECT record_id FROM search_documents WHERE document IN (SELECT rowid FROM search_terms WHERE search_terms MATCH ");
                sql.text(asked).sql(format!(") AND object = '{}'", place.object.name));
            }
            Dialect::Postgres => {
                sql.sql("SELECT record_id FROM search_documents WHERE tenant_id = ").id(place.tenant);
                sql.sql(format!(" AND object = '{}' AND {} @@ ", place.object.name, column(query))).text(asked).sql("::tsquery");
            }
        },
    }
}

/// Writes the joins that stand before the object's own rows in a search of one tier: `FROM … `, up to `WHERE`, and the
/// condition of the tier. False if the tier cannot match.
pub fn ranked_source(sql: &mut Statement, query: &Query, tier: Tier, place: &Place) -> bool {
    let dialect = sql.dialect;
    if query.titles_only && tier == Tier::Anywhere {
        return false;
    }
    let Some(terms) = asked(dialect, query, tier, place.tenant_number) else { return false };
    let alias = place.alias();
    let (table, object) = (place.object.table, place.object.name);
    match dialect {
        Dialect::Sqlite => {
            // CROSS JOIN keeps this order, so that the newest documents stream out of the index and the limit stops it.
            sql.sql(format!(
                " FROM search_terms s CROSS JOIN search_documents d ON d.document = s.rowid \
                 CROSS JOIN {table} {alias} ON {alias}.tenant_id = d.tenant_id AND {alias}.id = d.record_id \
                 WHERE s.search_terms MATCH "
            ));
            sql.text(terms).sql(format!(" AND d.object = '{object}'"));
        }
        Dialect::Postgres => {
            sql.sql(format!(
                " FROM search_documents d JOIN {table} {alias} ON {alias}.tenant_id = d.tenant_id AND {alias}.id = d.record_id WHERE d.tenant_id = "
            ));
            sql.id(place.tenant).sql(format!(" AND d.object = '{object}' AND d.terms @@ ")).text(terms.clone()).sql("::tsquery");
            if tier != Tier::Anywhere {
                sql.sql(" AND d.title @@ ").text(terms).sql("::tsquery");
            }
        }
    }
    // A document of a better tier has already been given.
    for better in Tier::ALL.into_iter().filter(|better| *better < tier) {
        let Some(terms) = asked(dialect, query, better, place.tenant_number) else { continue };
        match dialect {
            Dialect::Sqlite => {
                sql.sql(" AND s.rowid NOT IN (SELECT rowid FROM search_terms WHERE search_terms MATCH ").text(terms).sql(")");
            }
            Dialect::Postgres => {
                sql.sql(" AND NOT (d.title @@ ").text(terms).sql("::tsquery)");
            }
        }
    }
    true
}

/// The column that orders documents of a tier.
#[must_use]
pub fn document_column(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "s.rowid",
        Dialect::Postgres => "d.document",
    }
}

/// Puts a record's text into the index, or takes the place of what was there.
pub fn index(
    connection: &mut Connection<'_>,
    tenant: Id,
    tenant_number: i64,
    object: &'static str,
    record: Id,
    text: &SearchText,
    is_new: bool,
) -> Result<(), StoreError> {
    match connection.dialect() {
        Dialect::Sqlite => index_sqlite(connection, tenant, tenant_number, object, record, text, is_new),
        Dialect::Postgres => index_postgres(connection, tenant, tenant_number, object, record, text),
    }
}

fn index_sqlite(
    connection: &mut Connection<'_>,
    tenant: Id,
    tenant_number: i64,
    object: &'static str,
    record: Id,
    text: &SearchText,
    is_new: bool,
) -> Result<(), StoreError> {
    let join = |tokens: &[String]| {
        let mut joined = String::with_capacity(tokens.len() * 12);
        for token in tokens {
            joined.push_str(&prefixed(tenant_number, token));
            joined.push(' ');
        }
        joined
    };
    let mut document = None;
    if !is_new {
        let mut find = Statement::of(Dialect::Sqlite, "SELECT document FROM search_documents WHERE tenant_id = ");
        find.id(tenant).sql(" AND record_id = ").id(record);
        document = connection.load(&find, &[ColumnType::Integer])?.first().and_then(|row| row[0].as_integer());
    }
    if let Some(document) = document {
        let mut update = Statement::of(Dialect::Sqlite, "UPDATE search_terms SET title = ");
        update.text(join(&text.title)).sql(", body = ").text(join(&text.body)).sql(" WHERE rowid = ").integer(document);
        connection.execute(&update)?;
    } else {
        let mut insert = Statement::of(Dialect::Sqlite, "INSERT INTO search_documents (tenant_id, object, record_id) VALUES (");
        insert.id(tenant).sql(", ").text(object).sql(", ").id(record).sql(")");
        connection.execute(&insert)?;
        let mut insert =
            Statement::of(Dialect::Sqlite, "INSERT INTO search_terms (rowid, title, body) VALUES (last_insert_rowid(), ");
        insert.text(join(&text.title)).sql(", ").text(join(&text.body)).sql(")");
        connection.execute(&insert)?;
    }
    Ok(())
}

fn index_postgres(
    connection: &mut Connection<'_>,
    tenant: Id,
    tenant_number: i64,
    object: &'static str,
    record: Id,
    text: &SearchText,
) -> Result<(), StoreError> {
    let title: Vec<String> = text.title.iter().map(|token| prefixed(tenant_number, token)).collect();
    let all: Vec<String> = title.iter().cloned().chain(text.body.iter().map(|token| prefixed(tenant_number, token))).collect();
    let mut insert =
        Statement::of(Dialect::Postgres, "INSERT INTO search_documents (tenant_id, object, record_id, title, terms) VALUES (");
    insert.id(tenant).sql(", ").text(object).sql(", ").id(record).sql(", array_to_tsvector(");
    insert.bind(Bind::Texts(title)).sql("), array_to_tsvector(").bind(Bind::Texts(all));
    insert.sql(")) ON CONFLICT (tenant_id, record_id) DO UPDATE SET title = excluded.title, terms = excluded.terms");
    connection.execute(&insert)?;
    Ok(())
}
