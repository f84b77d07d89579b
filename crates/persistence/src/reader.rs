//! Reading: pages, single records, relations and counts, all from one scoped query.

mod credentials;
mod expansion;

use std::sync::Arc;

use farley_domain::{
    identity::tenant::Tenant,
    model::{
        field::{Field, Op},
        object::{Object, Schema},
        operand::Operand,
        record::Record,
    },
    query::{
        cursor::Cursor,
        list::ListQuery,
        predicate::{Predicate, View},
    },
    values::{id::Id, search_text::Query},
};

pub use self::expansion::EXPANDED_EACH;
use crate::{
    engine::Connection,
    error::StoreError,
    on,
    records::{
        filter::{Condition, Place},
        page, statements,
    },
    sql::{
        cell::{Cell, CellRef},
        row::{self, Layout, Row},
        rows::{EventRow, IdempotencyRow, ImportFaultRow, JobRow, LogEnd, TenantRow, WantedEvents},
        statement::{ColumnType, Dialect, Statement, write_sql},
    },
};

/// About as long as a record is as JSON: room is made for it before it is written.
const ROW_BYTES: usize = 2048;

/// A tenant as the store needs it: its id, and the number its search terms begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantKey {
    pub id: Id,
    pub number: i64,
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<Rows = Vec<Row>> {
    pub rows: Rows,
    /// Where the next page begins; none on the last.
    pub next: Option<Cursor>,
    pub total: Option<i64>,
}

/// A record as it is sent.
#[derive(Debug)]
pub struct Written {
    pub version: i64,
    pub json: Vec<u8>,
}

/// Takes a row, and its rank where the order is by relevance.
pub(crate) type Take<'t> = &'t mut dyn FnMut(&[CellRef<'_>], Option<i64>) -> Result<(), StoreError>;

/// The cursor of the last row of a page. The values that related records tell stand behind those of the layout.
fn cursor_of(last: &Row, query: &ListQuery, rank: Option<i64>) -> Result<Cursor, StoreError> {
    let told = last.cells.iter().skip(last.layout.types.len());
    let told: Vec<_> = page::fars(query).zip(told).map(|(far, cell)| cell.to_operand(&far.field)).collect();
    Ok(Cursor::beside(&last.to_record()?, &query.sort, rank, told))
}

/// What is shown of an object: the named fields, or all but those on request.
pub type LayoutOf<'l> = &'l dyn Fn(&'static Object, Option<&[String]>) -> Arc<Layout>;

/// Reads within one tenant.
pub struct Reader<'a> {
    pub(crate) connection: Connection<'a>,
    pub tenant: TenantKey,
}

impl Reader<'_> {
    pub(crate) fn place(&self, object: &'static Object) -> Place {
        Place { tenant: self.tenant.id, tenant_number: self.tenant.number, object, depth: 0, as_of: None }
    }

    /// The place of a list, at the time it is asked for.
    pub(crate) fn place_of(&self, layout: &Layout, query: &ListQuery) -> Place {
        Place { as_of: query.as_of, ..self.place(layout.schema.object) }
    }

    /// One record by id, if it is within what the asker may see.
    pub fn get(&mut self, layout: &Arc<Layout>, view: &dyn View, id: Id, within: &Predicate) -> Result<Option<Row>, StoreError> {
        let place = self.place(layout.schema.object);
        let sql = statements::get(self.connection.dialect(), layout, &place, view, id, within);
        let rows = self.connection.load(&sql, &layout.types)?;
        Ok(rows.into_iter().next().map(|cells| Row::new(layout, cells)))
    }

    /// The same, written as it is read.
    pub fn get_written(
        &mut self,
        layout: &Arc<Layout>,
        view: &dyn View,
        id: Id,
        within: &Predicate,
    ) -> Result<Option<Written>, StoreError> {
        let place = self.place(layout.schema.object);
        let sql = statements::get(self.connection.dialect(), layout, &place, view, id, within);
        let mut written = None;
        self.connection.read(&sql, &layout.types, &mut |cells| {
            let mut json = Vec::with_capacity(ROW_BYTES);
            layout.write_json(cells, &[], &mut json)?;
            written = Some(Written { version: layout.version(cells), json });
            Ok(())
        })?;
        Ok(written)
    }

    /// Several records by id, in no particular order.
    pub fn by_ids(
        &mut self,
        layout: &Arc<Layout>,
        view: &dyn View,
        ids: &[Id],
        within: &Predicate,
    ) -> Result<Vec<Row>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let place = self.place(layout.schema.object);
        let sql = statements::by_ids(self.connection.dialect(), layout, &place, view, ids, within);
        let rows = self.connection.load(&sql, &layout.types)?;
        Ok(rows.into_iter().map(|cells| Row::new(layout, cells)).collect())
    }

    /// A page of a list. The layout must show the fields of the sort, or the next cursor cannot be told.
    pub fn list(&mut self, layout: &Arc<Layout>, view: &dyn View, query: &ListQuery) -> Result<Page, StoreError> {
        let (mut rows, mut ranks) = (Vec::new(), Vec::new());
        self.each(layout, view, query, &mut |cells, rank| {
            rows.push(Row::of(layout, cells));
            ranks.push(rank);
            Ok(())
        })?;
        let mut next = None;
        if rows.len() > query.limit {
            rows.truncate(query.limit);
            if let (Some(last), Some(rank)) = (rows.last(), ranks.get(rows.len().wrapping_sub(1))) {
                next = Some(cursor_of(last, query, *rank)?);
            }
        }
        Ok(Page { rows, next, total: self.total(layout, query)? })
    }

    /// A page of a list, written as it is read: its rows as JSON objects with commas between, after what `json` already holds.
    pub fn list_written(
        &mut self,
        layout: &Arc<Layout>,
        view: &dyn View,
        query: &ListQuery,
        mut json: Vec<u8>,
    ) -> Result<Page<Vec<u8>>, StoreError> {
        let (mut count, mut last, mut next) = (0, None, None);
        self.each(layout, view, query, &mut |cells, rank| {
            if count == query.limit {
                // One row more than asked for: there is a next page, after the row before this.
                if let Some((last, rank)) = last.take() {
                    let last: Row = last;
                    next = Some(cursor_of(&last, query, rank)?);
                }
                return Ok(());
            }
            if count > 0 {
                json.push(b',');
            }
            json.reserve(ROW_BYTES);
            layout.write_json(cells, &[], &mut json)?;
            count += 1;
            if count == query.limit {
                last = Some((Row::of(layout, cells), rank));
            }
            Ok(())
        })?;
        Ok(Page { rows: json, next, total: self.total(layout, query)? })
    }

    fn total(&mut self, layout: &Layout, query: &ListQuery) -> Result<Option<i64>, StoreError> {
        let place = self.place_of(layout, query);
        query.total.then(|| self.count_in(&place, &query.predicate)).transpose()
    }

    /// Gives the rows of a page in order, and one more if there is a next page.
    fn each(&mut self, layout: &Arc<Layout>, view: &dyn View, query: &ListQuery, take: Take<'_>) -> Result<(), StoreError> {
        if let Some(asked) = statements::relevance(&query.sort) {
            return self.each_ranked(layout, view, query, asked, take);
        }
        let place = self.place_of(layout, query);
        let mut types = layout.types.clone();
        types.extend(page::fars(query).map(|far| row::scalar_type(&far.field)));
        let mut rest = query.limit.saturating_add(1);
        for part in page::parts(query) {
            let sql = page::list(self.connection.dialect(), layout, &place, view, query, *part, rest);
            self.connection.read(&sql, &types, &mut |cells| {
                rest = rest.saturating_sub(1);
                take(cells, None)
            })?;
            if rest == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Rows by relevance, with the tier of each.
    pub fn ranked_rows(
        &mut self,
        layout: &Arc<Layout>,
        view: &dyn View,
        query: &ListQuery,
        asked: &Query,
    ) -> Result<(Vec<Row>, Vec<i64>), StoreError> {
        let (mut rows, mut ranks) = (Vec::new(), Vec::new());
        self.each_ranked(layout, view, query, asked, &mut |cells, rank| {
            rows.push(Row::of(layout, cells));
            ranks.extend(rank);
            Ok(())
        })?;
        Ok((rows, ranks))
    }

    pub fn count(&mut self, object: &'static Object, predicate: &Predicate) -> Result<i64, StoreError> {
        let place = self.place(object);
        self.count_in(&place, predicate)
    }

    fn count_in(&mut self, place: &Place, predicate: &Predicate) -> Result<i64, StoreError> {
        let sql = statements::count(self.connection.dialect(), place, predicate);
        let rows = self.connection.load(&sql, &[ColumnType::Integer])?;
        Ok(rows.first().and_then(|cells| cells.first()).and_then(Cell::as_integer).unwrap_or(0))
    }

    /// The live record that has a key in another system.
    pub fn by_external_id(&mut self, object: &str, system: &str, key: &str) -> Result<Option<Id>, StoreError> {
        on!(&mut self.connection, records::by_external_id(self.tenant.id, object, system, key))
    }

    /// The records that have some of many keys in another system, each with its key.
    pub fn by_external_ids(&mut self, named: (&str, &str), keys: &[String]) -> Result<Vec<(String, Id)>, StoreError> {
        on!(&mut self.connection, records::by_external_ids(self.tenant.id, named, keys))
    }

    /// The first live record whose field has a value.
    pub fn by_value(&mut self, object: &'static Object, field: &Field, operand: Operand) -> Result<Option<Id>, StoreError> {
        let op = if field.kind.is_scalar() { Op::Eq } else { Op::Any };
        let operand = if field.kind.is_scalar() { operand } else { Operand::List(vec![operand]) };
        let predicate = Predicate::Archived(false).and(Predicate::test(field, op, operand));
        let place = self.place(object);
        let mut sql = Statement::of(self.connection.dialect(), "SELECT t.id");
        write_sql!(sql, " FROM ", object.table, " t WHERE t.tenant_id = ", self.tenant.id);
        write_sql!(sql, " AND ", Condition(&predicate, &place), " ORDER BY t.id LIMIT 1");
        let rows = self.connection.load(&sql, &[ColumnType::Id])?;
        Ok(rows.first().and_then(|cells| cells[0].as_id()))
    }

    /// Records, archived ones too, with keys of a field that begin alike and are so many characters long: of the first few thousand
    /// that begin so.
    pub fn near_key(
        &mut self,
        object: &'static Object,
        field: &Field,
        beginning: &str,
        length: std::ops::RangeInclusive<usize>,
        most: usize,
    ) -> Result<Vec<Id>, StoreError> {
        /// How far the index is read.
        const WALKED: i64 = 5_000;
        let characters = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let mut sql =
            Statement::of(self.connection.dialect(), "SELECT record_id FROM (SELECT value, record_id FROM lookup_values");
        write_sql!(sql, " WHERE tenant_id = ", self.tenant.id);
        sql.sql(" AND object = ").text(object.name).sql(" AND field = ").text(field.name.as_ref());
        // No character is behind the last one.
        sql.sql(" AND value >= ").text(beginning).sql(" AND value < ").text(format!("{beginning}\u{10ffff}"));
        sql.sql(" ORDER BY value LIMIT ")
            .integer(WALKED)
            .sql(") near WHERE length(value) >= ")
            .integer(characters(*length.start()));
        sql.sql(" AND length(value) <= ").integer(characters(*length.end())).sql(" LIMIT ").integer(characters(most));
        let rows = self.connection.load(&sql, &[ColumnType::Id])?;
        Ok(rows.iter().filter_map(|cells| cells[0].as_id()).collect())
    }

    /// The records that a predicate describes, the oldest first, at most so many: for rules, which need no page.
    pub fn find(
        &mut self,
        schema: &Schema,
        view: &dyn View,
        predicate: &Predicate,
        most: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let layout = statements::writing_layout(schema);
        let place = self.place(schema.object);
        let sql = statements::find(self.connection.dialect(), &layout, &place, view, predicate, most);
        let rows = self.connection.load(&sql, &layout.types)?;
        rows.into_iter().map(|cells| Row::new(&layout, cells).to_record()).collect()
    }

    /// Every record of an object, for the small ones: roles, teams, custom fields.
    pub fn all(&mut self, object: &'static Object) -> Result<Vec<Record>, StoreError> {
        let schema = Schema { object, custom: Arc::from([]) };
        let layout = statements::writing_layout(&schema);
        let mut sql = Statement::of(self.connection.dialect(), "SELECT ");
        write_sql!(sql, layout.columns().as_slice(), " FROM ", object.table, " WHERE tenant_id = ", self.tenant.id);
        let rows = self.connection.load(&sql, &layout.types)?;
        rows.into_iter().map(|cells| Row::new(&layout, cells).to_record()).collect()
    }

    /// The plans the engine makes for a list, to see that no large table is scanned.
    pub fn explain(&mut self, layout: &Arc<Layout>, view: &dyn View, query: &ListQuery) -> Result<String, StoreError> {
        let (dialect, place) = (self.connection.dialect(), self.place(layout.schema.object));
        let parts = page::parts(query).iter();
        let plans = parts.map(|part| self.plan(page::list(dialect, layout, &place, view, query, *part, query.limit)));
        Ok(plans.collect::<Result<Vec<_>, _>>()?.join("\n\n"))
    }

    fn plan(&mut self, list: Statement) -> Result<String, StoreError> {
        let dialect = self.connection.dialect();
        let mut sql = Statement::new(dialect);
        sql.keep = false;
        let columns: &[ColumnType] = match dialect {
            Dialect::Sqlite => {
                sql.sql("EXPLAIN QUERY PLAN ");
                &[ColumnType::Integer, ColumnType::Integer, ColumnType::Integer, ColumnType::Text]
            }
            Dialect::Postgres => {
                sql.sql("EXPLAIN ");
                &[ColumnType::Text]
            }
        };
        sql.append(list);
        let rows = self.connection.load(&sql, columns)?;
        Ok(rows.iter().filter_map(|cells| cells.last()?.as_text()).collect::<Vec<_>>().join("\n"))
    }

    /// The position of the last event of the tenant that may be read: whoever has read up to it has read all there is.
    pub fn log_end(&mut self) -> Result<i64, StoreError> {
        Ok(self.log_end_so_far()?.position)
    }

    /// The same, and whether more is already committed.
    pub fn log_end_so_far(&mut self) -> Result<LogEnd, StoreError> {
        on!(&mut self.connection, locks::horizon(self.tenant.id))
    }

    /// Those events after a position and not after another that somebody wants.
    pub fn events(&mut self, within: (i64, i64), wanted: &WantedEvents, limit: i64) -> Result<Vec<EventRow>, StoreError> {
        on!(&mut self.connection, events::wanted(self.tenant.id, within, wanted, limit))
    }

    /// The events of one record, named by its object and id, and those that stand on its timeline.
    pub fn timeline(&mut self, record: (&str, Id), before: i64, limit: i64) -> Result<Vec<EventRow>, StoreError> {
        on!(&mut self.connection, events::timeline(self.tenant.id, record, before, limit))
    }

    pub fn history(&mut self, record: (&str, Id), before: i64, limit: i64) -> Result<Vec<EventRow>, StoreError> {
        on!(&mut self.connection, events::of_record(self.tenant.id, record, before, limit))
    }

    pub fn events_since_version(&mut self, record: (&str, Id), version: i64) -> Result<Vec<EventRow>, StoreError> {
        on!(&mut self.connection, events::since_version(self.tenant.id, record, version))
    }

    /// Whether an id is, or was, that of a record of another object.
    pub fn is_of_another(&mut self, record: (&str, Id)) -> Result<bool, StoreError> {
        on!(&mut self.connection, events::is_of_another(self.tenant.id, record))
    }

    pub fn idempotent_answer(&mut self, credential: Id, key: &str) -> Result<Option<IdempotencyRow>, StoreError> {
        on!(&mut self.connection, idempotency::find(self.tenant.id, credential, key))
    }

    pub fn jobs(&mut self, state: Option<&str>, before: Option<Id>, limit: i64) -> Result<Vec<JobRow>, StoreError> {
        on!(&mut self.connection, jobs::list(self.tenant.id, state, before, limit))
    }

    pub fn job(&mut self, id: Id) -> Result<Option<JobRow>, StoreError> {
        on!(&mut self.connection, jobs::find(self.tenant.id, id))
    }

    pub fn import_file(&mut self, import: Id) -> Result<Option<Vec<u8>>, StoreError> {
        on!(&mut self.connection, imports::file(self.tenant.id, import))
    }

    /// Faults of an import in the order of its rows, after a row and a position within it; those of one level (`fault`,
    /// `warning`), if it is told.
    pub fn import_faults(
        &mut self,
        import: Id,
        level: Option<&str>,
        after: (i64, i64),
        limit: i64,
    ) -> Result<Vec<ImportFaultRow>, StoreError> {
        on!(&mut self.connection, imports::faults(self.tenant.id, import, level, after, limit))
    }

    /// Whether any job of any tenant, of one of the kinds, waits to be done.
    pub fn has_due_jobs(&mut self, kinds: &[&str], now: farley_domain::values::time::Timestamp) -> Result<bool, StoreError> {
        on!(&mut self.connection, jobs::has_due(kinds, now))
    }

    /// Tenants that have no job of a recurring kind yet; so many at most.
    pub fn tenants_without(&mut self, kind: &str, limit: i64) -> Result<Vec<TenantKey>, StoreError> {
        let found = on!(&mut self.connection, jobs::tenants_without(kind, limit))?;
        Ok(found.into_iter().map(|(id, number)| TenantKey { id, number }).collect())
    }

    /// The tenant itself.
    pub fn own_tenant(&mut self) -> Result<Option<Tenant>, StoreError> {
        on!(&mut self.connection, tenants::find(self.tenant.id))?.map(|row| row.to_tenant()).transpose()
    }

    /// The objects that the tenant knows of.
    pub fn known_objects(&mut self) -> Result<Vec<String>, StoreError> {
        on!(&mut self.connection, tenants::known_objects(self.tenant.id))
    }

    // What stands above tenants.

    /// Tenants that know of fewer objects than so many; `limit` at most.
    pub fn tenants_that_know_less(&mut self, count: i64, limit: i64) -> Result<Vec<TenantKey>, StoreError> {
        let found = on!(&mut self.connection, tenants::that_know_less(count, limit))?;
        Ok(found.into_iter().map(|(id, number)| TenantKey { id, number }).collect())
    }

    pub fn tenants(&mut self) -> Result<Vec<TenantRow>, StoreError> {
        on!(&mut self.connection, tenants::all())
    }

    pub fn tenant(&mut self, id: Id) -> Result<Option<TenantRow>, StoreError> {
        on!(&mut self.connection, tenants::find(id))
    }

    /// The tenant that was there first.
    pub fn first_tenant(&mut self) -> Result<Option<TenantRow>, StoreError> {
        on!(&mut self.connection, tenants::first())
    }

    pub fn tenant_by_slug(&mut self, slug: &str) -> Result<Option<TenantRow>, StoreError> {
        on!(&mut self.connection, tenants::find_by_slug(slug))
    }

    /// Whether the store answers at all.
    pub fn ping(&mut self) -> Result<(), StoreError> {
        on!(&mut self.connection, tenants::ping())
    }
}
