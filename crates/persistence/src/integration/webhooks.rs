//! How far webhooks have come in the event log.

use farley_domain::{
    integration::webhook_delivery::{KEPT_DAYS, MOST_KEPT},
    values::{id::Id, time::Timestamp},
};

use crate::{
    error::StoreError,
    on,
    reader::{Reader, TenantKey},
    sql::rows::WebhookCursorRow,
    work::Work,
};

impl Reader<'_> {
    /// How far a webhook has come; none, if there is none.
    pub fn webhook_cursor(&mut self, webhook: Id) -> Result<Option<WebhookCursorRow>, StoreError> {
        on!(&mut self.connection, webhooks::cursor(self.tenant.id, webhook))
    }

    /// The webhooks of the tenant that follow the event log.
    pub fn followed_webhooks(&mut self) -> Result<Vec<WebhookCursorRow>, StoreError> {
        on!(&mut self.connection, webhooks::followed(self.tenant.id))
    }

    /// How many deliveries of a webhook are still to be made.
    pub fn open_webhook_deliveries(&mut self, webhook: Id) -> Result<i64, StoreError> {
        on!(&mut self.connection, webhooks::open(self.tenant.id, webhook))
    }

    /// What waits to be delivered to a webhook, at most so many, in the order of the log: the delivery, the record, and when it is due.
    pub fn waiting_webhook_deliveries(&mut self, webhook: Id, most: i64) -> Result<Vec<(Id, Id, Option<Timestamp>)>, StoreError> {
        on!(&mut self.connection, webhooks::waiting(self.tenant.id, webhook, most))
    }

    /// The position in the log of the delivery of a record before one, but for those that were skipped.
    pub fn previous_webhook_delivery(&mut self, webhook: Id, record: Id, before: i64) -> Result<Option<i64>, StoreError> {
        on!(&mut self.connection, webhooks::previous(self.tenant.id, webhook, record, before))
    }

    /// How many of the deliveries of a webhook that are kept are in each state.
    pub fn webhook_delivery_states(&mut self, webhook: Id) -> Result<Vec<(String, i64)>, StoreError> {
        on!(&mut self.connection, webhooks::states(self.tenant.id, webhook))
    }

    /// The state of the latest delivery of each of some records before a position in the log.
    pub fn last_webhook_deliveries(&mut self, webhook: Id, records: &[Id], before: i64) -> Result<Vec<(Id, String)>, StoreError> {
        on!(&mut self.connection, webhooks::last(self.tenant.id, webhook, records, before))
    }

    /// Tenants whose log goes on behind a webhook of theirs that follows it; so many at most.
    pub fn tenants_behind_webhooks(&mut self, limit: i64) -> Result<Vec<TenantKey>, StoreError> {
        let found = on!(&mut self.connection, webhooks::behind(limit))?;
        Ok(found.into_iter().map(|(id, number)| TenantKey { id, number }).collect())
    }
}

impl Work<'_> {
    /// Lets a webhook follow the event log from a position on.
    pub fn begin_webhook_cursor(&mut self, webhook: Id, position: i64) -> Result<(), StoreError> {
        let tenant_id = self.tenant().id;
        let row = WebhookCursorRow {
            tenant_id,
            webhook_id: webhook,
            position,
            is_followed: true,
            failing_since: None,
            rests_until: None,
        };
        on!(self.connection(), webhooks::begin(row))
    }

    /// Notes how far a webhook has come: for those who keep each other out.
    pub fn move_webhook_cursor(&mut self, webhook: Id, position: i64) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), webhooks::place(tenant, webhook, position))
    }

    /// Says whether a webhook follows the event log.
    pub fn follow_for_webhook(&mut self, webhook: Id, is_followed: bool) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), webhooks::follow(tenant, webhook, is_followed))
    }

    /// Notes since when the endpoint of a webhook fails, and until when it wants to be left alone.
    pub fn note_webhook_health(
        &mut self,
        webhook: Id,
        failing_since: Option<Timestamp>,
        rests_until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), webhooks::note_health(tenant, webhook, (failing_since, rests_until)))
    }

    /// Lets what a webhook held back of a record go out.
    pub fn release_webhook_record(&mut self, webhook: Id, record: Id, now: Timestamp) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), webhooks::release(tenant, webhook, record, now))
    }

    /// Holds back what else of a record waits to be delivered.
    pub fn park_webhook_record(&mut self, webhook: Id, record: Id) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), webhooks::park(tenant, webhook, record))
    }

    /// Makes everything due that waits to be delivered to a webhook.
    pub fn hasten_webhook_deliveries(&mut self, webhook: Id, now: Timestamp) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        on!(self.connection(), webhooks::hasten(tenant, webhook, now))
    }

    /// Lets what failed after a position in the log, and what stands behind it, be tried anew; how many.
    pub fn revive_webhook_deliveries(&mut self, webhook: Id, after: i64, now: Timestamp) -> Result<usize, StoreError> {
        let tenant = self.tenant().id;
        let revived = on!(self.connection(), webhooks::revive(tenant, webhook, after, now))?;
        self.forget_read();
        Ok(revived)
    }

    /// Forgets deliveries that are old or too many, but for those that are still to be made.
    pub fn purge_webhook_deliveries(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let tenant = self.tenant().id;
        let old = now.plus_seconds(-KEPT_DAYS * 24 * 3_600);
        let crowded = on!(self.connection(), webhooks::delivery_before(tenant, MOST_KEPT))?;
        on!(self.connection(), webhooks::purge(tenant, crowded.map_or(old, |crowded| crowded.max(old))))?;
        Ok(())
    }
}
