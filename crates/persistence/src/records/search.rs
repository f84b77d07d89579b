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
    records::filter::Place,
    sql::statement::{Bind, ColumnType, Dialect, Statement},
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

/// A token of PostgreSQL's index that is in no name: there one list of terms holds both, told apart by their second sign.
fn prefixed_in_body(tenant_number: i64, token: &str) -> String {
    format!("{tenant_number}!{token}")
}

/// A token of PostgreSQL's index that all documents of an object have: the index itself then leaves out those of other objects,
/// which are many where a sale is named after its customer.
fn of_object(tenant_number: i64, object: &str) -> String {
    format!("{tenant_number}@{object}")
}

/// The text that the engine's own query language asks of the index for the place's object; none if this tier cannot match.
pub(crate) fn asked(dialect: Dialect, query: &Query, tier: Tier, place: &Place) -> Option<String> {
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
        let token = prefixed(place.tenant_number, &term.token);
        match dialect {
            Dialect::Sqlite => format!("\"{token}\"{}", if term.prefix { " *" } else { "" }),
            Dialect::Postgres => {
                let mark = if term.prefix { ":*" } else { "" };
                if in_titles {
                    return format!("'{token}'{mark}");
                }
                let in_body = prefixed_in_body(place.tenant_number, &term.token);
                format!("('{token}'{mark} | '{in_body}'{mark})")
            }
        }
    });
    let terms: Vec<String> = terms.collect();
    Some(match dialect {
        Dialect::Sqlite if in_titles => format!("{{title}} : ({})", terms.join(" AND ")),
        Dialect::Sqlite => terms.join(" AND "),
        Dialect::Postgres => format!("'{}' & {}", of_object(place.tenant_number, place.object.name), terms.join(" & ")),
    })
}

/// Selects the ids of the records of the place's object that match anywhere.
pub fn matching_ids(sql: &mut Statement, query: &Query, place: &Place) {
    match asked(sql.dialect, query, Tier::Anywhere, place) {
        None => drop(sql.sql("NULL")),
        Some(asked) => match sql.dialect {
            Dialect::Sqlite => {
                sql.sql("SELECT record_id FROM search_documents WHERE document IN (SELECT rowid FROM search_terms WHERE search_terms MATCH ");
                sql.text(asked).sql(format!(") AND object = '{}'", place.object.name));
            }
            Dialect::Postgres => {
                sql.sql("SELECT record_id FROM search_documents WHERE tenant_id = ").id(place.tenant);
                sql.sql(format!(" AND object = '{}' AND terms @@ ", place.object.name)).text(asked).sql("::tsquery");
            }
        },
    }
}

/// SQLite: what stands from `FROM` up to the condition of a tier in a search, with the documents as `s` and the object's rows
/// under the place's alias. `known` are the records of better tiers, if those have all been read. False if the tier cannot match.
pub fn tier_source(sql: &mut Statement, query: &Query, tier: Tier, place: &Place, known: Option<&[Id]>) -> bool {
    if query.titles_only && tier == Tier::Anywhere {
        return false;
    }
    let ask = |tier| asked(Dialect::Sqlite, query, tier, place);
    let Some(terms) = ask(tier) else { return false };
    let alias = place.alias();
    let (table, object) = (place.object.table, place.object.name);
    // CROSS JOIN keeps this order, so that the newest documents stream out of the index and the limit stops it.
    sql.sql(format!(
        " FROM search_terms s CROSS JOIN search_documents d ON d.document = s.rowid \
         CROSS JOIN {table} {alias} ON {alias}.tenant_id = d.tenant_id AND {alias}.id = d.record_id \
         WHERE s.search_terms MATCH "
    ));
    sql.text(terms).sql(format!(" AND d.object = '{object}'"));
    // A document of a better tier has already been given.
    match known {
        Some([]) => {}
        Some(known) => drop(sql.sql(format!(" AND {alias}.id NOT IN (")).id_list(known).sql(")")),
        None => {
            for terms in Tier::ALL.into_iter().filter(|better| *better < tier).filter_map(ask) {
                sql.sql(" AND s.rowid NOT IN (SELECT rowid FROM search_terms WHERE search_terms MATCH ").text(terms).sql(")");
            }
        }
    }
    true
}

/// SQLite: puts a record's text into the index, or takes the place of what was there.
pub(crate) fn index_sqlite(
    connection: &mut Connection<'_>,
    (tenant, tenant_number): (Id, i64),
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

/// PostgreSQL: where rows of the index go.
pub(crate) const ROWS: &str = "search_documents (tenant_id, object, record_id, terms)";
/// PostgreSQL: a row takes the place of what was there.
pub(crate) const INSTEAD: &str = " ON CONFLICT (tenant_id, record_id) DO UPDATE SET terms = excluded.terms";

/// PostgreSQL: the row of a record's text in the index.
pub(crate) fn row((tenant, tenant_number): (Id, i64), object: &'static str, record: Id, text: &SearchText) -> Statement {
    let title = text.title.iter().map(|token| prefixed(tenant_number, token));
    let only_in_body = text.body.iter().filter(|token| text.title.binary_search(token).is_err());
    let body = only_in_body.map(|token| prefixed_in_body(tenant_number, token));
    let terms = title.chain(body).chain([of_object(tenant_number, object)]).collect();
    let mut row = Statement::of(Dialect::Postgres, "(");
    row.id(tenant).sql(", ").text(object).sql(", ").id(record).sql(", array_to_tsvector(").bind(Bind::Texts(terms)).sql("))");
    row
}
