//! Files, whose contents are kept elsewhere, and webhooks.

mod files;
mod webhooks;
