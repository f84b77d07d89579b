//! Quotas: one for each subject, period, pipeline and currency.

use farley_domain::{
    entity::Entity,
    field::Op,
    predicate::{Operand, Predicate},
    record::Record,
    sales::quota::Quota,
};
use farley_persistence::Work;

use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::Problem,
    records::behaviour::{Behaviour, Writing},
};

impl Behaviour for Quota {
    fn before(work: &mut Work<'_>, _: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let object = Quota::object();
        let Some(period) = object.field("period").filter(|_| !record.is_archived()) else { return Ok(()) };
        work.lock("quotas")?;
        let text = record.text("period").unwrap_or_default().to_owned();
        let predicate = Predicate::Archived(false).and(Predicate::test(period, Op::Eq, Operand::Text(text)));
        let others = work.reader().find(&without_custom_fields(object), &Unrestricted, &predicate, 100_000)?;
        let same = |other: &&Record| {
            // A user's quota may have been set while the user was in another team.
            let subject = if record.get("user_id").is_null() { other.get("team_id") == record.get("team_id") } else { true };
            other.id() != record.id()
                && subject
                && other.get("user_id") == record.get("user_id")
                && other.get("pipeline_id") == record.get("pipeline_id")
                && other.get("amount")["currency"] == record.get("amount")["currency"]
        };
        match others.iter().find(same) {
            Some(other) => Err(Problem::duplicate("/period", other.id())),
            None => Ok(()),
        }
    }
}
