//! The search index: FTS5 on SQLite, tsvector with GIN on PostgreSQL, both over the terms that the domain prepares.
//!
//! Every term begins with the number of its tenant, so that a search reads the postings of one tenant alone.

use diesel::SqliteConnection;
use farley_domain::values::{
    id::Id,
    search_text::{Query, SearchText, Term},
};

use crate::{
    engine::queries::sqlite::search_terms,
    error::StoreError,
    records::filter::Place,
    sql::statement::{Bind, Dialect, Fragment, Statement, Target, write_sql},
};

/// How well a document matches; better ones come first, then those indexed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// A whole name, address or number is what was asked for.
    Exact,
    /// A name, address or number begins with it.
    Begins,
    /// All terms are in names.
    Title,
    /// All terms are somewhere.
    Anywhere,
}

impl Tier {
    pub const ALL: [Tier; 4] = [Tier::Exact, Tier::Begins, Tier::Title, Tier::Anywhere];

    /// Higher is better, as cursors and orders by relevance have it.
    #[must_use]
    pub fn rank(self) -> i64 {
        match self {
            Tier::Exact => 3,
            Tier::Begins => 2,
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
    let whole = |token: &Option<String>, prefix| token.iter().map(|token| Term { token: token.clone(), prefix }).collect();
    let terms: Vec<Term> = match tier {
        Tier::Exact => whole(&query.exact, false),
        Tier::Begins => whole(&query.begins, true),
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

/// Selects the ids of the records of the place's object that match a query anywhere.
pub(crate) struct Matches<'a>(pub &'a Query, pub &'a Place);

impl Fragment for Matches<'_> {
    fn write(self, sql: &mut Statement) {
        let Matches(query, place) = self;
        let object = place.object.name;
        match (asked(sql.dialect, query, Tier::Anywhere, place), sql.dialect) {
            (None, _) => drop(sql.sql("NULL")),
            (Some(asked), Dialect::Sqlite) => {
                sql.sql("SELECT record_id FROM search_documents WHERE document IN ");
                sql.sql("(SELECT rowid FROM search_terms WHERE search_terms MATCH ").text(asked);
                write_sql!(sql, ") AND object = '", object, "'");
            }
            (Some(asked), Dialect::Postgres) => {
                write_sql!(sql, "SELECT record_id FROM search_documents WHERE tenant_id = ", place.tenant);
                write_sql!(sql, " AND object = '", object, "' AND terms @@ ", Bind::Text(asked), "::tsquery");
            }
        }
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
    write_sql!(sql, " FROM search_terms s CROSS JOIN search_documents d ON d.document = s.rowid CROSS JOIN ", table, " ", alias);
    write_sql!(sql, " ON ", alias.column("tenant_id"), " = d.tenant_id AND ", alias.column("id"), " = d.record_id");
    write_sql!(sql, " WHERE s.search_terms MATCH ", Bind::Text(terms), " AND d.object = '", object, "'");
    // A document of a better tier has already been given.
    match known {
        Some([]) => {}
        Some(known) => drop(sql.sql(" AND ").add(alias.column("id")).sql(" NOT IN (").id_list(known).sql(")")),
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
    conn: &mut SqliteConnection,
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
    let (title, body) = (join(&text.title), join(&text.body));
    let document = if is_new { None } else { search_terms::document(conn, tenant, record)? };
    match document {
        Some(document) => search_terms::update(conn, document, &title, &body),
        None => search_terms::insert(conn, tenant, object, record, &title, &body),
    }
}

/// PostgreSQL: where rows of the index go.
pub(crate) fn target() -> Target {
    Target { table: "search_documents", columns: ["tenant_id", "object", "record_id", "terms"].map(Into::into).to_vec() }
}
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
