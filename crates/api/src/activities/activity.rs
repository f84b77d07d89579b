//! Activities: the customer they belong to, who is mentioned, and what records tell of them.

use farley_domain::{
    activities::{
        activity::{self, Activity},
        concerned::ids_of,
    },
    entity::Entity,
    identity::user::User,
    record::Record,
};
use farley_persistence::{Standing, Work};
use serde_json::Value;

use super::concerned;
use crate::{
    http::problem::Problem,
    records::behaviour::{Behaviour, Shown, Writing},
    sales,
};

impl Behaviour for Activity {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let (writing, record) = (&writing.any(), record.any_mut());
        concerned::add_customer(work, writing.before, record)?;
        if writing.before.is_none_or(|before| before.get("mention_ids") != record.get("mention_ids")) {
            // Whoever is none of the tenant's is not mentioned.
            let mut known = Vec::new();
            for id in record.get("mention_ids").as_array().into_iter().flatten() {
                let user = id.as_str().and_then(|id| id.parse().ok());
                let user = user.map(|id| concerned::by_id(work, User::object(), id)).transpose()?.flatten();
                known.extend(user.map(|_| id.clone()));
            }
            record.set("mention_ids", Value::Array(known));
        }
        Ok(())
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let (writing, record) = (&writing.any(), record.any());
        concerned::keep_standing(work, Standing::LastActivity, (writing.before, record), activity::counts_at)?;
        if activity::reaches_out(record) && !writing.before.is_some_and(activity::reaches_out) {
            for lead in ids_of(record, "lead") {
                sales::lead_answered(work, writing, lead)?;
            }
        }
        sales::after_activity(work, writing, record)?;
        Ok(Shown::new())
    }
}
