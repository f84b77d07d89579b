//! What follows from activities and tasks: when each record was last active and when something is next to be done with it, and
//! which tasks their owners are to be told of.

use farley_domain::{id::Id, object::Object, record::Record, time::Timestamp};

use crate::{
    error::StoreError,
    on,
    reader::Reader,
    records,
    row::Row,
    statement::{Bind, Dialect, Fragment, Statement, write_sql},
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
            Standing::LastActivity => "last_activity_at",
            Standing::NextTask => "next_task_at",
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

/// What a worker is to tell owners of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    Due,
    Reminder,
}

/// For how long it is news that a task came due.
const NEWS_SECONDS: i64 = 7 * 24 * 3600;

impl Notice {
    /// The time it is for, and the column that says for which time it was given.
    fn columns(self) -> (&'static str, &'static str) {
        match self {
            Notice::Due => ("due_at", "due_noted_at"),
            Notice::Reminder => ("reminder_at", "reminded_at"),
        }
    }
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
        if standing == Standing::LastActivity && object.has("rots_at") {
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

    /// Open tasks whose owners are to be told by now, at most so many; they are taken to have been told when this work is kept.
    /// A task whose time is moved is told of again.
    pub fn take_notices(
        &mut self,
        shape: &farley_domain::object::Shape,
        notice: Notice,
        most: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let (time, noted) = notice.columns();
        let (tenant, now) = (self.tenant().id, self.origin.now);
        let layout = records::writing_layout(shape);
        let mut sql = Statement::new(self.dialect());
        write_sql!(sql, "SELECT ", layout.columns().as_slice(), " FROM tasks WHERE tenant_id = ", tenant);
        write_sql!(sql, " AND ", time, " <= ", Bind::time(now));
        // What has been due for long is no news: it was brought in from elsewhere.
        write_sql!(sql, " AND ", time, " > ", Bind::time(now.plus_seconds(-NEWS_SECONDS)));
        write_sql!(sql, " AND status = 'open' AND archived_at IS NULL AND (", noted, " IS NULL OR ", noted, " <> ", time);
        write_sql!(sql, ") ORDER BY ", time, " LIMIT ");
        sql.integer(i64::try_from(most).unwrap_or(i64::MAX));
        if self.dialect() == Dialect::Postgres {
            sql.sql(" FOR UPDATE SKIP LOCKED");
        }
        let rows = self.connection().load(&sql, &layout.types)?;
        let tasks: Vec<Record> = rows.into_iter().map(|cells| Row::new(&layout, cells).to_record()).collect::<Result<_, _>>()?;
        if !tasks.is_empty() {
            let ids: Vec<Id> = tasks.iter().map(Record::id).collect();
            let mut sql = Statement::new(self.dialect());
            write_sql!(sql, "UPDATE tasks SET ", noted, " = ", time, " WHERE tenant_id = ", tenant);
            sql.sql(" AND id IN (").id_list(&ids).sql(")");
            self.connection().execute(&sql)?;
        }
        Ok(tasks)
    }

    /// Marks all notifications of a user as read; how many there were.
    pub fn read_notifications(&mut self, user: Id) -> Result<usize, StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), records::read_notifications(tenant, user, now))
    }

    /// Gives the calendar of a user a new secret address.
    pub fn set_calendar_feed(&mut self, user: Id, hash: &[u8]) -> Result<(), StoreError> {
        let (tenant, now) = (self.tenant().id, self.origin.now);
        on!(self.connection(), calendars::set_feed(tenant, user, hash, now))
    }

    /// Takes the address away; false if there was none.
    pub fn revoke_calendar_feed(&mut self, user: Id) -> Result<bool, StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), calendars::revoke_feed(tenant, user))
    }

    /// Keeps what a user wants to be notified of.
    pub fn set_notification_preferences(&mut self, user: Id, preferences: &serde_json::Value) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), records::set_notification_preferences(tenant, user, preferences.to_string()))
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

impl Reader<'_> {
    /// What a user wants to be notified of; empty until they say.
    pub fn notification_preferences(&mut self, user: Id) -> Result<serde_json::Value, StoreError> {
        match on!(&mut self.connection, records::notification_preferences(self.tenant.id, user))? {
            Some(preferences) => Ok(serde_json::from_str(&preferences)?),
            None => Ok(serde_json::json!({})),
        }
    }

    /// Whose calendar has a secret address: tenant and user.
    pub fn calendar_feed(&mut self, hash: &[u8]) -> Result<Option<(Id, Id)>, StoreError> {
        on!(&mut self.connection, calendars::feed(hash))
    }

    /// How many notifications a user has not read.
    pub fn unread_notifications(&mut self, user: Id) -> Result<i64, StoreError> {
        on!(&mut self.connection, records::unread_notifications(self.tenant.id, user))
    }
}
