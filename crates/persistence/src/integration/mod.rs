//! Files, whose contents are kept elsewhere, webhooks, tickets for streams, and who is editing what.

mod files;
mod record_locks;
mod stream_tickets;
mod webhooks;
