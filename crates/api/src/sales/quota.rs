//! Quotas: one for each subject, period, pipeline and currency.

use farley_domain::{predicate::Predicate, record::Record, sales::quota::Quota};
use farley_persistence::Work;

use crate::{
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Writing},
        lookup,
    },
};

impl Behaviour for Quota {
    fn before(work: &mut Work<'_>, _: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        work.lock("quotas")?;
        let predicate = Predicate::Archived(false).and(Quota::period.eq(record.get(Quota::period).to_owned()));
        let others = lookup::find::<Quota>(work, &predicate, 100_000)?;
        let currency = |quota: &Record<Quota>| quota.get(Quota::amount).map(|amount| amount.currency);
        let same = |other: &&Record<Quota>| {
            // A user's quota may have been set while the user was in another team.
            let subject = !record.is_null(Quota::user_id) || other.agrees(Quota::team_id, record);
            other.id() != record.id()
                && subject
                && other.agrees(Quota::user_id, record)
                && other.agrees(Quota::pipeline_id, record)
                && currency(other) == currency(record)
        };
        match others.iter().find(same) {
            Some(other) => Err(Problem::duplicate(&Quota::period.pointer(), other.id())),
            None => Ok(()),
        }
    }
}
