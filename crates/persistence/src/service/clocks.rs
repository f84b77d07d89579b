//! The clocks of tickets, and what was promised for them.

use farley_domain::{
    model::{entity::Entity, handle::Handle},
    service::{
        ticket::Ticket,
        ticket_message::{MessageKind, TicketMessage},
    },
    values::{id::Id, time::Timestamp},
};

use crate::{
    error::StoreError,
    on,
    reader::{Reader, TenantKey},
    sql::{
        cell::Cell,
        rows::{ClockRow, PromiseRow},
        sql_types::DbJson,
        statement::{Bind, ColumnType, Dialect, Statement, write_sql},
    },
    work::Work,
};

/// A message without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageOfTicket {
    pub id: Id,
    pub kind: MessageKind,
    pub sent_at: Timestamp,
    pub created_at: Timestamp,
}

impl Reader<'_> {
    /// What was promised, by its id.
    pub fn promise(&mut self, id: Id) -> Result<Option<PromiseRow>, StoreError> {
        on!(&mut self.connection, sla::promise(self.tenant.id, id))
    }

    /// What was promised by a version of a policy and one of its calendar.
    pub fn promise_of(&mut self, policy: Id, versions: (i64, i64)) -> Result<Option<PromiseRow>, StoreError> {
        on!(&mut self.connection, sla::promise_of(self.tenant.id, policy, versions))
    }

    /// The clocks of a ticket, in the order of their beginning.
    pub fn clocks(&mut self, ticket: Id) -> Result<Vec<ClockRow>, StoreError> {
        on!(&mut self.connection, sla::clocks(self.tenant.id, ticket))
    }

    /// The clocks of tickets, each with what was promised, in the order of their beginning.
    pub fn clocks_of_tickets(&mut self, tickets: Vec<Id>) -> Result<Vec<(ClockRow, PromiseRow)>, StoreError> {
        if tickets.is_empty() {
            return Ok(Vec::new());
        }
        on!(&mut self.connection, sla::clocks_of(self.tenant.id, tickets))
    }

    /// The messages of a ticket in the order in which they were written, archived ones too; without their texts.
    pub fn messages_of_ticket(&mut self, ticket: Id) -> Result<Vec<MessageOfTicket>, StoreError> {
        let (id, kind) = (TicketMessage::id.name(), TicketMessage::kind.name());
        let (sent_at, created_at) = (TicketMessage::sent_at.name(), TicketMessage::created_at.name());
        let mut sql = Statement::of(self.connection.dialect(), "SELECT ");
        write_sql!(sql, id, ", ", kind, ", ", sent_at, ", ", created_at, " FROM ", TicketMessage::object().table);
        write_sql!(sql, " WHERE tenant_id = ", self.tenant.id, " AND ", TicketMessage::ticket_id.name(), " = ", ticket);
        write_sql!(sql, " ORDER BY ", sent_at, ", ", id);
        let rows = self.connection.load(&sql, &[ColumnType::Id, ColumnType::Text, ColumnType::Time, ColumnType::Time])?;
        let read = |cells: Vec<Cell>| {
            let kind = cells.get(1).and_then(Cell::as_text).and_then(MessageKind::from_wire);
            match (cells.first().and_then(Cell::as_id), kind, cells.get(2), cells.get(3)) {
                (Some(id), Some(kind), Some(Cell::Time(sent_at)), Some(Cell::Time(created_at))) => {
                    Ok(MessageOfTicket { id, kind, sent_at: *sent_at, created_at: *created_at })
                }
                _ => Err(StoreError::Internal("a message lacks what every message has".to_owned())),
            }
        };
        rows.into_iter().map(read).collect()
    }

    /// Tickets of which an event is due, the longest due first; one several times, where several clocks are due.
    pub fn due_tickets(&mut self, now: Timestamp, limit: i64) -> Result<Vec<Id>, StoreError> {
        on!(&mut self.connection, sla::due(self.tenant.id, now, limit))
    }

    /// Tenants of whose tickets an event is due.
    pub fn tenants_with_due_tickets(&mut self, now: Timestamp, limit: i64) -> Result<Vec<TenantKey>, StoreError> {
        let found = on!(&mut self.connection, sla::due_tenants(now, limit))?;
        Ok(found.into_iter().map(|(id, number)| TenantKey { id, number }).collect())
    }
}

impl Work<'_> {
    /// The promise of a version of a policy and one of its calendar; kept, if it is not yet.
    pub fn keep_promise(&mut self, row: PromiseRow) -> Result<PromiseRow, StoreError> {
        let (tenant, policy, versions) = (self.tenant().id, row.policy_id, (row.policy_version, row.calendar_version));
        if let Some(kept) = on!(self.connection(), sla::promise_of(tenant, policy, versions))? {
            return Ok(kept);
        }
        on!(self.connection(), sla::keep_promise(row))?;
        let kept = on!(self.connection(), sla::promise_of(tenant, policy, versions))?;
        // Somebody else may have kept it at this moment, where this work does not see it.
        kept.ok_or(StoreError::Serialization)
    }

    pub fn add_clock(&mut self, row: ClockRow) -> Result<(), StoreError> {
        on!(self.connection(), sla::add_clock(row))
    }

    /// Keeps these clocks of a ticket and no others.
    pub fn replace_clocks(&mut self, ticket: Id, rows: Vec<ClockRow>) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), sla::remove_clocks(tenant, ticket))?;
        rows.into_iter().try_for_each(|row| self.add_clock(row))
    }

    pub fn set_clock(&mut self, row: &ClockRow) -> Result<(), StoreError> {
        on!(self.connection(), sla::set_clock(row))
    }

    /// Keeps others from changing a ticket until the end of the work.
    pub fn lock_ticket(&mut self, id: Id) -> Result<(), StoreError> {
        if self.dialect() == Dialect::Postgres {
            let mut sql = Statement::of(Dialect::Postgres, "SELECT 1 FROM ");
            write_sql!(sql, Ticket::object().table, " WHERE tenant_id = ", self.tenant().id, " AND id = ", id);
            sql.sql(" FOR NO KEY UPDATE");
            self.connection().load(&sql, &[])?;
            self.forget_read();
        }
        Ok(())
    }

    /// Says when the next promise of a ticket is due, when one was last broken and how it has fared, without a new version of it.
    pub fn tell_promises(
        &mut self,
        id: Id,
        due: Option<Timestamp>,
        breached: Option<Timestamp>,
        outcomes: &[String],
    ) -> Result<(), StoreError> {
        fn column(handle: Handle<Ticket, Option<Timestamp>>) -> &'static str {
            handle.name()
        }
        let time = |time: Option<Timestamp>| time.map_or(Bind::Null(ColumnType::Time), Bind::time);
        let mut sql = Statement::of(self.dialect(), "UPDATE ");
        write_sql!(sql, Ticket::object().table, " SET ", column(Ticket::sla_due_at), " = ", time(due), ", ");
        write_sql!(sql, column(Ticket::sla_breached_at), " = ", time(breached), ", ");
        write_sql!(sql, Ticket::sla_outcomes.name(), " = ", Bind::Json(DbJson(serde_json::to_string(outcomes)?)));
        write_sql!(sql, " WHERE tenant_id = ", self.tenant().id, " AND id = ", id);
        self.connection().execute(&sql)?;
        self.forget_read();
        Ok(())
    }
}
