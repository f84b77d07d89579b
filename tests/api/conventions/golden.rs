//! Golden files: what the API answers, records and tells today, call by call, the same on both engines.
//!
//! Each scenario writes `tests/golden/<area>.json` (answers, then the whole change feed, then the ledgers) and
//! `tests/golden/messages/<area>.json` (the words of every refusal in both languages, kept apart so that a change of wording hides no
//! change of structure). `FARLEY_TEST_UPDATE_GOLDEN=1` rewrites them; look at the difference before it is committed.

mod activities;
mod cadences;
mod customers;
mod identity;
mod imports;
mod leads;
mod recorder;
mod reporting;
mod sales;
mod setup;

pub use activities::activities_and_tasks;
pub use cadences::cadences_and_enrolments;
pub use customers::{customers_and_contacts, lists_and_searches};
pub use identity::{custom_fields, users_and_roles};
pub use imports::imports_and_their_faults;
pub use leads::{leads_of_pools, leads_to_customers};
pub use reporting::reports_and_forecasts;
pub use sales::{opportunities, pipelines_and_products};
pub use setup::a_new_tenant;
