//! Reports: what the records say, taken together.

pub mod dashboard;
pub mod figures;
pub mod forecast_accuracy;
mod periods;
pub mod query;
pub mod ready;
pub mod sales_funnel;
pub mod sales_velocity;
pub mod saved_report;
pub mod service;
mod view;

use farley_domain::{
    model::{field::Op, handle::Handle},
    reporting::{dashboard::Dashboard, saved_report::SavedReport, view::View},
};
use serde_json::{Value, json};

use crate::records::{area::Area, behaviour::Behaviours};

/// What the area brings along.
pub static AREA: Area = Area {
    behaviours: &[Behaviours::of::<SavedReport>(), Behaviours::of::<Dashboard>(), Behaviours::of::<View>()],
    jobs: &[],
    watches: &[],
    beginnings: &[],
};

/// A comparison as a client writes it.
fn condition<E, T>(handle: Handle<E, T>, op: Op, value: impl serde::Serialize) -> Value {
    json!({"field": handle.name(), "op": op.as_str(), "value": value})
}
