//! Which tasks their owners are to be told of.

use farley_domain::{activities::task::Task, model::record::Record, values::id::Id};

use crate::{
    error::StoreError,
    records::statements,
    sql::{
        row::Row,
        statement::{Bind, Dialect, Statement, write_sql},
    },
    work::Work,
};

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
            Notice::Due => (Task::due_at.name(), "due_noted_at"),
            Notice::Reminder => (Task::reminder_at.name(), "reminded_at"),
        }
    }
}

impl Work<'_> {
    /// Open tasks whose owners are to be told by now, at most so many; they are taken to have been told when this work is kept.
    /// A task whose time is moved is told of again.
    pub fn take_notices(
        &mut self,
        schema: &farley_domain::model::object::Schema,
        notice: Notice,
        most: usize,
    ) -> Result<Vec<Record<Task>>, StoreError> {
        let (time, noted) = notice.columns();
        let (tenant, now) = (self.tenant().id, self.origin.now);
        let layout = statements::writing_layout(schema);
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
        let tasks = rows.into_iter().map(|cells| Ok(Row::new(&layout, cells).to_record()?.into_entity::<Task>()));
        let tasks: Vec<Record<Task>> = tasks.collect::<Result<_, StoreError>>()?;
        if !tasks.is_empty() {
            let ids: Vec<Id> = tasks.iter().map(Record::id).collect();
            let mut sql = Statement::new(self.dialect());
            write_sql!(sql, "UPDATE tasks SET ", noted, " = ", time, " WHERE tenant_id = ", tenant);
            sql.sql(" AND id IN (").id_list(&ids).sql(")");
            self.connection().execute(&sql)?;
        }
        Ok(tasks)
    }
}
