//! Automation: how far rules have come, in the event log and in time.

use farley_domain::{
    automation::{rule::Rule, run::KEPT_DAYS, run::MOST_KEPT},
    model::{
        entity::Entity,
        field::{Field, FieldType, Storage},
        object::Object,
    },
    query::predicate::Predicate,
    values::{id::Id, time::Timestamp},
};

use crate::{
    error::StoreError,
    on,
    reader::{Reader, TenantKey},
    records::filter::Condition,
    sql::{
        rows::{RuleCursorRow, TimerRow},
        statement::{Alias, Bind, ColumnType, Statement, write_sql},
    },
    work::Work,
};

const DAY: i64 = 24 * 3_600;
/// For how many days it is kept what was done for a time: longer than rules look back.
const TIMERS_KEPT_DAYS: i64 = 1_000;

/// Records of which a time has passed, for a rule.
#[derive(Clone, Copy, Debug)]
pub struct Passed<'a> {
    pub object: &'static Object,
    /// The records, and that their time is within what is asked for.
    pub predicate: &'a Predicate,
    /// The time that is counted from.
    pub field: &'a Field,
    pub rule: Id,
    pub now: Timestamp,
    /// Only records after this one.
    pub after: Id,
    pub limit: i64,
}

impl Reader<'_> {
    /// How far the rules of the tenant have come in the event log; none where there are none.
    pub fn rule_cursor(&mut self) -> Result<Option<RuleCursorRow>, StoreError> {
        on!(&mut self.connection, automation::cursor(self.tenant.id))
    }

    /// Tenants whose log goes on behind the place where their rules are; so many at most.
    pub fn tenants_behind_log(&mut self, limit: i64) -> Result<Vec<TenantKey>, StoreError> {
        let found = on!(&mut self.connection, automation::behind(limit))?;
        Ok(found.into_iter().map(|(id, number)| TenantKey { id, number }).collect())
    }

    /// Tenants with a rule that is to be looked at, as time has passed; so many at most.
    pub fn tenants_with_due_rules(&mut self, now: Timestamp, limit: i64) -> Result<Vec<TenantKey>, StoreError> {
        let found = on!(&mut self.connection, automation::due_tenants(now, limit))?;
        Ok(found.into_iter().map(|(id, number)| TenantKey { id, number }).collect())
    }

    /// The rules of the tenant that are to be looked at, as time has passed.
    pub fn due_rules(&mut self, now: Timestamp) -> Result<Vec<Id>, StoreError> {
        on!(&mut self.connection, automation::due_rules(self.tenant.id, now))
    }

    /// What a rule has done to records for the time it counts from.
    pub fn timers(&mut self, rule: Id, records: &[Id]) -> Result<Vec<TimerRow>, StoreError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        on!(&mut self.connection, automation::timers(self.tenant.id, rule, records))
    }

    /// Records of which a time has passed, by id. Those for which a rule has done all that is to be done by now are left out, where
    /// the time has a column of its own; else they are among them.
    pub fn passed(&mut self, asked: &Passed<'_>) -> Result<Vec<Id>, StoreError> {
        let place = self.place(asked.object);
        let mut sql = Statement::of(self.connection.dialect(), "SELECT t.id");
        write_sql!(sql, " FROM ", asked.object.table, " t WHERE t.tenant_id = ", self.tenant.id);
        write_sql!(sql, " AND ", Condition(asked.predicate, &place), " AND t.id > ", asked.after);
        if asked.field.storage == Storage::Column && asked.field.kind == FieldType::DateTime {
            let time = Alias::Rows(0).field(asked.field);
            write_sql!(sql, " AND NOT EXISTS (SELECT 1 FROM automation_timers f WHERE f.tenant_id = t.tenant_id");
            write_sql!(sql, " AND f.rule_id = ", asked.rule, " AND f.record_id = t.id AND f.since = ", time);
            write_sql!(sql, " AND (f.next_at IS NULL OR f.next_at > ", Bind::time(asked.now), "))");
        }
        sql.sql(" ORDER BY t.id LIMIT ").integer(asked.limit);
        let rows = self.connection.load(&sql, &[ColumnType::Id])?;
        Ok(rows.iter().filter_map(|cells| cells[0].as_id()).collect())
    }
}

impl Work<'_> {
    /// Lets the rules of the tenant follow the event log from a position on, unless they do already.
    pub fn begin_rule_cursor(&mut self, position: i64) -> Result<(), StoreError> {
        let row = RuleCursorRow { tenant_id: self.tenant().id, position, attempts: 0 };
        on!(self.connection(), automation::begin_cursor(row))
    }

    /// Notes how far the rules of the tenant have come, and how often what comes next has failed; nothing, if they no longer follow
    /// the log.
    pub fn move_rule_cursor(&mut self, position: i64, attempts: i64) -> Result<(), StoreError> {
        let row = RuleCursorRow { tenant_id: self.tenant().id, position, attempts };
        on!(self.connection(), automation::move_cursor(row))
    }

    /// Notes that the tenant has no rules on events.
    pub fn forget_rule_cursor(&mut self) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), automation::forget_cursor(tenant))
    }

    /// Says when a rule is looked at next, as time has passed.
    pub fn set_rule_clock(&mut self, rule: Id, at: Timestamp) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), automation::set_clock(tenant, rule, at))
    }

    pub fn forget_rule_clock(&mut self, rule: Id) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), automation::forget_clock(tenant, rule))
    }

    pub fn set_timer(&mut self, row: TimerRow) -> Result<(), StoreError> {
        on!(self.connection(), automation::set_timer(row))
    }

    /// Forgets what a rule has done to records, as it counts from another time now.
    pub fn forget_timers(&mut self, rule: Id) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), automation::forget_timers(tenant, rule))
    }

    /// Counts a run of a rule, without a new version of it.
    pub fn count_rule_run(&mut self, rule: Id, failed: bool) -> Result<(), StoreError> {
        let (runs, fails, last) = (Rule::run_count.name(), Rule::failed_count.name(), Rule::last_run_at.name());
        let mut sql = Statement::of(self.dialect(), "UPDATE ");
        write_sql!(
            sql,
            <Rule as Entity>::object().table,
            " SET ",
            runs,
            " = ",
            runs,
            " + 1, ",
            last,
            " = ",
            Bind::time(self.origin.now)
        );
        if failed {
            write_sql!(sql, ", ", fails, " = ", fails, " + 1");
        }
        write_sql!(sql, " WHERE tenant_id = ", self.tenant().id, " AND id = ", rule);
        self.connection().execute(&sql)?;
        self.forget_read();
        Ok(())
    }

    /// Forgets runs that are old or too many, and what was done for times long past.
    pub fn purge_rule_runs(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        let old = now.plus_seconds(-KEPT_DAYS * DAY);
        let crowded = on!(self.connection(), automation::run_before(tenant, MOST_KEPT))?;
        on!(self.connection(), automation::purge_runs(tenant, crowded.map_or(old, |crowded| crowded.max(old))))?;
        on!(self.connection(), automation::purge_timers(tenant, now.plus_seconds(-TIMERS_KEPT_DAYS * DAY)))?;
        Ok(())
    }
}
