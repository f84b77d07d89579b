//! Activities: the customer they belong to, who is mentioned, and what records tell of them.

use std::collections::HashSet;

use farley_domain::{
    activities::{
        activity::{self, Activity},
        concerned::{ConcernedObject, ids_of},
    },
    identity::user::User,
    model::record::Record,
};
use farley_persistence::{Standing, Work};

use super::concerned;
use crate::{
    http::problem::Problem,
    records::behaviour::{Behaviour, Shown, Writing},
    sales,
};

impl Behaviour for Activity {
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        concerned::add_customer(work, writing.before.map(Record::any), record.any_mut())?;
        if writing.before.is_none_or(|before| !record.agrees(Activity::mention_ids, before)) {
            // Whoever is none of the tenant's is not mentioned.
            let mut known = record.get(Activity::mention_ids);
            let mut users = HashSet::new();
            for id in &known {
                users.extend(concerned::by_id::<User>(work, *id)?.map(|user| user.id()));
            }
            known.retain(|id| users.contains(id));
            record.set(Activity::mention_ids, known);
        }
        Ok(())
    }

    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        concerned::keep_standing(work, Standing::LastActivity, (writing.before, record), activity::counts_at)?;
        if activity::reaches_out(record) && !writing.before.is_some_and(activity::reaches_out) {
            for lead in ids_of(record.any(), ConcernedObject::Lead) {
                sales::lead_answered(work, &writing.any(), lead)?;
            }
        }
        sales::after_activity(work, writing, record)?;
        Ok(Shown::new())
    }
}
