//! Quotas: one for each subject, period, pipeline and currency.

use farley_domain::{model::record::Record, query::predicate::Predicate, sales::quota::Quota};
use farley_persistence::Work;

use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
    },
};

/// More currencies than there are.
const MAX_CURRENCIES: usize = 1_000;

impl Behaviour for Quota {
    fn before(work: &mut Work<'_>, _: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        work.lock("quotas")?;
        // One for each currency at most; a user's quota may have been set while the user was in another team.
        let subject = match record.get(Quota::user_id) {
            Some(user) => Quota::user_id.eq(user),
            None => Quota::user_id.is_null().and(Quota::team_id.is(record.get(Quota::team_id))),
        };
        let predicate = Predicate::Archived(false)
            .and(Quota::period.eq(record.get(Quota::period).to_owned()))
            .and(subject)
            .and(Quota::pipeline_id.is(record.get(Quota::pipeline_id)));
        let others = lookup::find::<Quota>(work, &predicate, MAX_CURRENCIES)?;
        let currency = |quota: &Record<Quota>| quota.get(Quota::amount).map(|amount| amount.currency);
        let same = |other: &&Record<Quota>| other.id() != record.id() && currency(other) == currency(record);
        match others.iter().find(same) {
            Some(other) => Err(Problem::duplicate(&Quota::period.pointer(), other.id())),
            None => Ok(()),
        }
    }
}
