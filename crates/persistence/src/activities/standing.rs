//! What follows from activities and tasks: when each record was last active and when something is next to be done with it.

use farley_domain::{
    model::{entity::Entity, object::Object, recurring},
    sales::opportunity::Opportunity,
    values::{id::Id, time::Timestamp},
};

use crate::{
    error::StoreError,
    sql::statement::{Bind, Dialect, Fragment, Statement, write_sql},
    work::Work,
};

/// What a record tells of the activities or tasks that concern it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The latest activity done.
    LastActivity,
    /// The earliest due time of an open task.
    NextTask,
}

impl Standing {
    fn column(self) -> &'static str {
        match self {
            Standing::LastActivity => recurring::LAST_ACTIVITY_AT.name(),
            Standing::NextTask => recurring::NEXT_TASK_AT.name(),
        }
    }

    /// Whether a time comes before another in what is looked for: the later activity, the earlier task.
    #[must_use]
    pub fn leads(self, time: Timestamp, other: Timestamp) -> bool {
        match self {
            Standing::LastActivity => time > other,
            Standing::NextTask => time < other,
        }
    }
}

/// How the standing of some records changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// Something new counts for them.
    To(Timestamp),
    /// What counted may be gone: it is looked up again.
    Anew,
}

impl Work<'_> {
    /// Keeps other writers of activities and tasks away from records whose standing is about to change, until the end of the work.
    /// Whoever works on several objects goes through them in one order.
    pub fn lock_standing(&mut self, object: &Object, ids: &[Id]) -> Result<(), StoreError> {
        if self.dialect() == Dialect::Postgres && !ids.is_empty() {
            let mut sql = Statement::new(Dialect::Postgres);
            write_sql!(sql, "SELECT 1 FROM ", object.table, " WHERE tenant_id = ", self.tenant().id);
            // No key of theirs changes, so whoever only refers to them need not wait.
            sql.sql(" AND id IN (").id_list(ids).sql(") ORDER BY id FOR NO KEY UPDATE");
            self.connection().load(&sql, &[])?;
        }
        Ok(())
    }

    /// Changes what records tell, without a new version of them. They must be locked, and what caused the change be stored.
    pub fn shift_standing(&mut self, standing: Standing, object: &Object, ids: &[Id], shift: Shift) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let (table, column, tenant) = (object.table, standing.column(), self.tenant().id);
        let mut sql = Statement::new(self.dialect());
        write_sql!(sql, "UPDATE ", table, " SET ", column, " = ");
        match shift {
            Shift::To(time) => drop(sql.bind(Bind::time(time))),
            Shift::Anew => drop(sql.add(Anew(standing, table))),
        }
        sql.sql(" WHERE tenant_id = ").id(tenant).sql(" AND id IN (").id_list(ids).sql(")");
        if let Shift::To(time) = shift {
            let sign = if standing == Standing::LastActivity { " < " } else { " > " };
            write_sql!(sql, " AND (", column, " IS NULL OR ", column, sign, Bind::time(time), ")");
        }
        self.connection().execute(&sql)?;
        if standing == Standing::LastActivity && object.name == Opportunity::NAME {
            self.rot_anew(ids)?;
        }
        Ok(())
    }

    /// Opportunities rot after their last activity.
    fn rot_anew(&mut self, ids: &[Id]) -> Result<(), StoreError> {
        let mut sql = Statement::new(self.dialect());
        let when = match sql.dialect {
            Dialect::Sqlite => {
                "MAX(opportunities.stage_entered_at, COALESCE(opportunities.last_activity_at, opportunities.stage_entered_at)) \
                 + s.rotting_days * 86400000000"
            }
            Dialect::Postgres => {
                "GREATEST(opportunities.stage_entered_at, opportunities.last_activity_at) + interval '1 day' * s.rotting_days"
            }
        };
        write_sql!(sql, "UPDATE opportunities SET rots_at = (SELECT ", when, " FROM stages s");
        sql.sql(" WHERE s.tenant_id = opportunities.tenant_id AND s.id = opportunities.stage_id) WHERE tenant_id = ");
        sql.id(self.tenant().id).sql(" AND id IN (").id_list(ids).sql(") AND status = 'open'");
        self.connection().execute(&sql)?;
        Ok(())
    }
}

/// The standing of a row of a table, looked up from all that concerns it.
struct Anew(Standing, &'static str);

impl Fragment for Anew {
    fn write(self, sql: &mut Statement) {
        let Anew(standing, table) = self;
        let (value, from, object, counts) = match standing {
            Standing::LastActivity => ("MAX(a.occurred_at)", "activities", "activity", "a.status = 'done'"),
            Standing::NextTask => ("MIN(a.due_at)", "tasks", "task", "a.status = 'open'"),
        };
        write_sql!(sql, "(SELECT ", value, " FROM concerned_records l JOIN ", from, " a");
        write_sql!(sql, " ON a.tenant_id = l.tenant_id AND a.id = l.record_id WHERE l.tenant_id = ", table, ".tenant_id");
        write_sql!(
            sql,
            " AND l.target_id = ",
            table,
            ".id AND l.object = '",
            object,
            "' AND a.archived_at IS NULL AND ",
            counts,
            ")"
        );
    }
}
