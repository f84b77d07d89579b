//! SLA policies: their filters are asked before they are stored.

use farley_domain::{
    model::{entity::Entity, record::Record},
    service::{sla_policy::SlaPolicy, ticket::Ticket},
};
use farley_persistence::Work;

use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Writing},
        filters,
    },
};

impl Behaviour for SlaPolicy {
    fn before(_: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        filters::check(writing, record, SlaPolicy::filter.name(), Ticket::object())
    }
}
