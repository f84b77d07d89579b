//! Pages of a search: whole names first, then those that begin with it, then names, then the rest; within these the documents indexed last come first.
//!
//! SQLite's index gives hits in the order of documents, so that each tier streams until the page is full. PostgreSQL's gives
//! them in none: few hits are all taken and sorted; of many, the newest documents are walked instead.

use std::sync::Arc;

use farley_domain::{
    model::operand::Operand,
    query::{
        list::{ListQuery, Start},
        predicate::{Predicate, View},
    },
    values::{id::Id, search_text::Query},
};

use crate::{
    error::StoreError,
    reader::{Reader, Take},
    records::{
        filter::Place,
        search::{self, Tier},
        statements,
    },
    sql::{
        cell::CellRef,
        row::Layout,
        statement::{Bind, ColumnType, Dialect, Fragment, Number, Statement, write_sql},
    },
};

/// Hits that PostgreSQL sorts without a thought; with more it may be quicker to walk.
const FEW: i64 = 2_000;
/// How many of the newest documents are looked at first, and how many of them must be hits for a search to walk: the index would gather
/// each of its very many hits before the first is known.
const PROBE: (i64, i64) = (100, 5);
/// How many documents are walked at once, at least and at most.
const STRIDE: (usize, usize) = (1_000, 20_000);

/// Below what a walk begins.
#[derive(Clone, Copy)]
enum Below {
    Record(Id),
    Document(i64),
}

/// A page that is asked for.
struct Ranked<'a> {
    layout: &'a Layout,
    view: &'a dyn View,
    place: Place,
    /// What the hits must meet besides.
    predicate: Predicate,
    asked: &'a Query,
    /// The tier and the record after which the page begins.
    after: Option<(i64, Id)>,
}

impl Reader<'_> {
    /// Gives the rows of a page in order with their tiers, and one more if there is a next page.
    pub(crate) fn each_ranked(
        &mut self,
        layout: &Arc<Layout>,
        view: &dyn View,
        query: &ListQuery,
        asked: &Query,
        take: Take<'_>,
    ) -> Result<(), StoreError> {
        let (after, skip) = match &query.start {
            Start::First => (None, 0),
            Start::Offset(offset) => (None, usize::try_from(*offset).unwrap_or(usize::MAX)),
            Start::After(cursor) => match cursor.keys.as_slice() {
                [Some(Operand::Integer(tier)), Some(Operand::Id(id))] => (Some((*tier, *id)), 0),
                _ => return Ok(()),
            },
        };
        // The index gives only what matches; asking each row again would cost more than the search.
        let predicate = without_search(&query.predicate, asked);
        let page = Ranked { layout, view, place: self.place_of(layout, query), predicate, asked, after };
        let wanted = query.limit.saturating_add(skip).saturating_add(1);
        let mut found = 0;
        let mut after_skipped = |cells: &[CellRef<'_>], tier| {
            found += 1;
            if found > skip { take(cells, tier) } else { Ok(()) }
        };
        match self.connection.dialect() {
            Dialect::Sqlite => self.tier_by_tier(&page, wanted, &mut after_skipped),
            Dialect::Postgres => self.few_or_many(&page, wanted, &mut after_skipped),
        }
    }

    fn tier_by_tier(&mut self, page: &Ranked<'_>, wanted: usize, take: Take<'_>) -> Result<(), StoreError> {
        let mut given = Vec::new();
        for tier in Tier::ALL.into_iter().filter(|tier| page.after.is_none_or(|(from, _)| tier.rank() <= from)) {
            if given.len() >= wanted {
                break;
            }
            let below = page.after.filter(|(from, _)| tier.rank() == *from).map(|(_, id)| id);
            // If the better tiers are all in this page, what is in them is known.
            let known = page.after.is_none().then_some(given.as_slice());
            let sql = page.of_tier(tier, below, known, wanted - given.len());
            let Some(sql) = sql else { continue };
            self.connection.read(&sql, &page.types(&[ColumnType::Id]), &mut |cells| {
                if let CellRef::Id(id) = cells[0] {
                    given.push(id);
                }
                take(&cells[1..], Some(tier.rank()))
            })?;
        }
        Ok(())
    }

    fn few_or_many(&mut self, page: &Ranked<'_>, wanted: usize, take: Take<'_>) -> Result<(), StoreError> {
        let asks = |tier| search::asked(Dialect::Postgres, page.asked, tier, &page.place);
        let lowest = if page.asked.titles_only { Tier::Title } else { Tier::Anywhere };
        let Some(all) = asks(lowest) else { return Ok(()) };
        let (exact, begins, title) = (asks(Tier::Exact), asks(Tier::Begins), asks(Tier::Title));
        let tiers = [(Tier::Exact, exact.as_deref()), (Tier::Begins, begins.as_deref()), (Tier::Title, title.as_deref())];
        let (hits, _) = self.sorted(page, (&all, Some(FEW), page.after), &tiers, wanted, take)?;
        if hits <= FEW {
            return Ok(());
        }
        // Walking pays where every so-manieth document is a hit that the asker may see.
        let mut after = page.after;
        let mut given = 0;
        if let Some(title) =
            title.as_deref().filter(|_| is_wide(&page.predicate) && after.is_none_or(|(tier, _)| tier >= Tier::Title.rank()))
            && self.is_dense(page, title)?
        {
            let mut better = None;
            for (position, (tier, question)) in tiers.into_iter().enumerate() {
                let Some(question) = question else { continue };
                let left = wanted.saturating_sub(given);
                if left > 0 && after.is_none_or(|(from, _)| tier.rank() <= from) {
                    let is_walked = match tier {
                        Tier::Exact => false,
                        Tier::Begins => self.is_dense(page, question)?,
                        Tier::Title | Tier::Anywhere => true,
                    };
                    given += if is_walked {
                        self.walked(page, (tier, question, better, after), left, take)?
                    } else {
                        self.sorted(page, (question, None, after), &tiers[..=position], left, take)?.1
                    };
                    // All of the tier have been given: the rest of the page are from those below.
                    after = Some((tier.rank(), Id::NIL));
                }
                better = Some(question);
            }
        }
        if given < wanted {
            self.sorted(page, (&all, None, after), &tiers, wanted - given, take)?;
        }
        Ok(())
    }

    /// Gives a page out of all hits of a question, if there are not more than `most`; how many hits and how many rows there were.
    fn sorted(
        &mut self,
        page: &Ranked<'_>,
        (question, most, after): (&str, Option<i64>, Option<(i64, Id)>),
        tiers: &[(Tier, Option<&str>)],
        wanted: usize,
        take: Take<'_>,
    ) -> Result<(i64, usize), StoreError> {
        let sql = page.sorted(question, most, tiers, after, wanted);
        let (mut hits, mut given) = (0, 0);
        let types = page.types(&[ColumnType::Integer, ColumnType::Integer, ColumnType::Integer]);
        self.connection.read(&sql, &types, &mut |cells| {
            if let CellRef::Integer(count) = cells[0] {
                hits = count;
            }
            // Without a tier, the row only tells how many hits there were.
            if let CellRef::Integer(tier) = cells[1] {
                given += 1;
                take(&cells[3..], Some(tier))?;
            }
            Ok(())
        })?;
        Ok((hits, given))
    }

    /// Gives the newest documents that meet one question and not the other, until there are enough; how many there were.
    fn walked(
        &mut self,
        page: &Ranked<'_>,
        (tier, question, but, after): (Tier, &str, Option<&str>, Option<(i64, Id)>),
        wanted: usize,
        take: Take<'_>,
    ) -> Result<usize, StoreError> {
        let mut below = after.filter(|(from, _)| *from == tier.rank()).map(|(_, id)| Below::Record(id));
        let types = page.types(&[ColumnType::Integer, ColumnType::Integer, ColumnType::Integer]);
        let (mut given, mut walked, mut stride) = (0, 0, STRIDE.0);
        while given < wanted {
            let (mut last, mut seen) = (None, 0);
            let sql = page.walk(question, but, below, stride, wanted - given);
            self.connection.read(&sql, &types, &mut |cells| {
                last = match cells[0] {
                    CellRef::Integer(document) => Some(Below::Document(document)),
                    _ => None,
                };
                if let CellRef::Integer(count) = cells[1] {
                    seen = usize::try_from(count).unwrap_or(0);
                }
                // Without a document, the row only tells how far the walk came.
                if let CellRef::Integer(_) = cells[2] {
                    given += 1;
                    take(&cells[3..], Some(tier.rank()))?;
                }
                Ok(())
            })?;
            if seen < stride {
                break;
            }
            below = last;
            walked += seen;
            // As far as the page should need if hits go on as they came, and a little more.
            stride = ((wanted - given.min(wanted)) * walked / given.max(1) * 5 / 4).clamp(STRIDE.0, STRIDE.1);
        }
        Ok(given)
    }

    /// Whether a question has so many hits that the newest documents show it.
    fn is_dense(&mut self, page: &Ranked<'_>, question: &str) -> Result<bool, StoreError> {
        let mut sql = Statement::of(Dialect::Postgres, "SELECT ");
        page.dense(&mut sql, question);
        sql.sql("::int::bigint");
        let rows = self.connection.load(&sql, &[ColumnType::Integer])?;
        Ok(rows.first().is_some_and(|cells| cells[0].as_integer() == Some(1)))
    }
}

impl Ranked<'_> {
    fn types(&self, before: &[ColumnType]) -> Vec<ColumnType> {
        [before, &self.layout.types].concat()
    }

    /// SQLite: the rows of one tier, each after the id of its record.
    fn of_tier(&self, tier: Tier, below: Option<Id>, known: Option<&[Id]>, limit: usize) -> Option<Statement> {
        let mut sql = Statement::of(Dialect::Sqlite, "SELECT t.id, ");
        sql.keep = statements::is_common(&self.predicate);
        statements::columns(&mut sql, self.layout, &self.place, self.view);
        if !search::tier_source(&mut sql, self.asked, tier, &self.place, known) {
            return None;
        }
        sql.sql(" AND t.tenant_id = ").id(self.place.tenant);
        statements::and(&mut sql, &self.predicate, &self.place);
        if let Some(below) = below {
            sql.sql(" AND s.rowid < ");
            self.document(&mut sql, below);
        }
        sql.sql(" ORDER BY s.rowid DESC LIMIT ").integer(bounded(limit));
        Some(sql)
    }

    /// PostgreSQL: the documents of the place's object that meet a question, with what else is read of them. Behind a subquery it is
    /// unknown to the planner, so that one plan is made for all questions, and kept.
    fn hits(&self, sql: &mut Statement, question: &str, tier: Option<&[(Tier, Option<&str>)]>) {
        sql.sql("SELECT document, record_id");
        if let Some(tiers) = tier {
            sql.sql(", ");
            tier_of(sql, tiers, |sql, question| write_sql!(sql, "terms @@ ", TsQuery(question)));
            sql.sql(" AS tier");
        }
        write_sql!(sql, " FROM search_documents WHERE tenant_id = ", self.place.tenant);
        write_sql!(sql, " AND object = '", self.place.object.name, "' AND terms @@ ", TsQuery(question));
    }

    /// PostgreSQL: whether the newest documents show that very many of them are hits, where there are more than few at all.
    fn dense(&self, sql: &mut Statement, question: &str) {
        let newest = |sql: &mut Statement, column: &'static str| {
            write_sql!(sql, "SELECT ", column, " FROM search_documents WHERE tenant_id = ", self.place.tenant);
            write_sql!(sql, " AND object = '", self.place.object.name, "' ORDER BY document DESC ");
        };
        sql.sql("((SELECT count(*) FROM (");
        newest(sql, "terms");
        write_sql!(sql, "LIMIT ", Number(PROBE.0), ") newest WHERE terms @@ ", TsQuery(question), ") >= ", Number(PROBE.1));
        sql.sql(" AND EXISTS (");
        newest(sql, "document");
        write_sql!(sql, "OFFSET ", Number(FEW), " LIMIT 1))");
    }

    /// PostgreSQL: all hits, sorted, each row after the number of hits, its tier and its document. There is always a row that
    /// tells the number of hits; beyond `most` it is alone, and the number is not counted to the end, or not at all where the newest
    /// documents show that there are more.
    fn sorted(
        &self,
        question: &str,
        most: Option<i64>,
        tiers: &[(Tier, Option<&str>)],
        after: Option<(i64, Id)>,
        limit: usize,
    ) -> Statement {
        let mut sql = Statement::of(Dialect::Postgres, "WITH ");
        sql.keep = statements::is_common(&self.predicate);
        if most.is_some() {
            sql.sql("probe AS MATERIALIZED (SELECT ");
            self.dense(&mut sql, question);
            sql.sql(" AS dense), ");
        }
        sql.sql("hits AS MATERIALIZED (");
        // Of few hits it costs less to look at each for its tier than to ask the index for those of every tier.
        self.hits(&mut sql, question, most.map(|_| tiers));
        if let Some(most) = most {
            write_sql!(sql, " AND NOT (SELECT dense FROM probe) LIMIT ", Number(most + 1));
        }
        sql.sql("), counted AS MATERIALIZED (SELECT ");
        match most {
            Some(most) => write_sql!(sql, "CASE WHEN (SELECT dense FROM probe) THEN ", Number(most + 1), " ELSE count(*) END"),
            None => drop(sql.sql("count(*)")),
        }
        sql.sql(
            " AS hits FROM hits) SELECT counted.hits, page.* FROM counted LEFT JOIN (\
             SELECT d.search_tier, d.search_document, t.* FROM (\
             SELECT record_id, document AS search_document, ",
        );
        match most {
            Some(_) => drop(sql.sql("tier")),
            None => tier_of(&mut sql, tiers, |sql, question| {
                sql.sql("document IN (SELECT document FROM search_documents WHERE terms @@ ");
                write_sql!(sql, TsQuery(question), ")");
            }),
        }
        sql.sql(" AS search_tier FROM hits");
        if let Some(most) = most {
            write_sql!(sql, " WHERE (SELECT hits FROM counted) <= ", Number(most));
        }
        sql.sql(" ORDER BY search_tier DESC, search_document DESC) d CROSS JOIN LATERAL (");
        self.record(&mut sql);
        sql.sql(") t");
        if let Some((tier, id)) = after {
            sql.sql(" WHERE (d.search_tier, d.search_document) < (").integer(tier).sql(", COALESCE(");
            self.document(&mut sql, id);
            sql.sql(", 0))");
        }
        sql.sql(" LIMIT (SELECT ").integer(bounded(limit));
        sql.sql("::bigint)) page ON true ORDER BY page.search_tier DESC, page.search_document DESC");
        sql
    }

    /// PostgreSQL: of so many documents, newest first, those that meet one question and not the other, each row after the last
    /// document, how many there were, and its own. There is always a row that tells the first two.
    fn walk(&self, question: &str, but: Option<&str>, below: Option<Below>, stride: usize, limit: usize) -> Statement {
        let mut sql = Statement::of(Dialect::Postgres, "WITH walked AS MATERIALIZED (SELECT document, record_id, (terms @@ ");
        sql.keep = statements::is_common(&self.predicate);
        write_sql!(sql, TsQuery(question), ")");
        if let Some(but) = but {
            write_sql!(sql, " AND NOT (terms @@ ", TsQuery(but), ")");
        }
        // The limit inside keeps the planner from the index of terms: it reads the documents in their order.
        sql.sql(" AS hit FROM (SELECT document, record_id, terms FROM search_documents WHERE tenant_id = ").id(self.place.tenant);
        write_sql!(sql, " AND object = '", self.place.object.name, "'");
        match below {
            Some(Below::Record(record)) => {
                sql.sql(" AND document < ");
                self.document(&mut sql, record);
            }
            Some(Below::Document(document)) => drop(sql.sql(" AND document < ").integer(document)),
            None => {}
        }
        sql.sql(" ORDER BY document DESC LIMIT (SELECT ").integer(bounded(stride));
        sql.sql(
            "::bigint)) newest), told AS (SELECT min(document) AS last, count(*) AS seen FROM walked) \
             SELECT told.last, told.seen, page.* FROM told LEFT JOIN (SELECT d.document AS search_document, t.* FROM (\
             SELECT document, record_id FROM walked WHERE hit ORDER BY document DESC) d CROSS JOIN LATERAL (",
        );
        self.record(&mut sql);
        sql.sql(") t LIMIT (SELECT ").integer(bounded(limit));
        sql.sql("::bigint)) page ON true ORDER BY page.search_document DESC");
        sql
    }

    /// PostgreSQL: the record of a document `d`, if it meets the predicate.
    fn record(&self, sql: &mut Statement) {
        sql.sql("SELECT ");
        statements::columns(sql, self.layout, &self.place, self.view);
        let (table, tenant) = (self.place.object.table, self.place.tenant);
        write_sql!(sql, " FROM ", table, " t WHERE t.id = d.record_id AND t.tenant_id = ", tenant);
        statements::and(sql, &self.predicate, &self.place);
    }

    fn document(&self, sql: &mut Statement, record: Id) {
        sql.sql("(SELECT document FROM search_documents WHERE tenant_id = ").id(self.place.tenant);
        sql.sql(" AND record_id = ").id(record).sql(")");
    }
}

/// PostgreSQL: the best tier of a document, by whether it meets the question of each.
fn tier_of(sql: &mut Statement, tiers: &[(Tier, Option<&str>)], meets: impl Fn(&mut Statement, &str)) {
    sql.sql("(CASE WHEN false THEN 0");
    for (tier, question) in tiers {
        if let Some(question) = question {
            sql.sql(" WHEN ");
            meets(sql, question);
            write_sql!(sql, " THEN ", Number(tier.rank()));
        }
    }
    write_sql!(sql, " ELSE ", Number(Tier::Anywhere.rank()), " END)::bigint");
}

/// A question in PostgreSQL's own language.
struct TsQuery<'a>(&'a str);

impl Fragment for TsQuery<'_> {
    fn write(self, sql: &mut Statement) {
        write_sql!(sql, "(SELECT ", Bind::Text(self.0.to_owned()), "::tsquery)");
    }
}

fn bounded(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A list's predicate without the search that its order by relevance makes anyway.
fn without_search(predicate: &Predicate, asked: &Query) -> Predicate {
    match predicate {
        Predicate::And(parts) => {
            let rest = parts.iter().filter(|part| **part != Predicate::Matches(asked.clone())).cloned();
            rest.fold(Predicate::all(), Predicate::and)
        }
        other => other.clone(),
    }
}

/// Whether a predicate is true of most records: of all, or of all that are not archived.
fn is_wide(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::And(parts) => parts.iter().all(is_wide),
        Predicate::Archived(archived) => !archived,
        Predicate::Now(part) => is_wide(part),
        Predicate::Or(_)
        | Predicate::Not(_)
        | Predicate::Test(_)
        | Predicate::Related(_)
        | Predicate::Count(_)
        | Predicate::Matches(_) => false,
    }
}
