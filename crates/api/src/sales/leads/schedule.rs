//! Work schedules: who is at work when.

use farley_domain::{
    model::record::Record,
    sales::leads::schedule::{WorkSchedule, strangers},
};
use farley_persistence::Work;

use crate::{
    http::problem::Problem,
    records::behaviour::{Behaviour, Writing},
};

impl Behaviour for WorkSchedule {
    /// Who is away must be one of those whose hours the schedule tells.
    fn before(_: &mut Work<'_>, _: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let faults = strangers(record);
        if faults.is_empty() || record.is_archived() { Ok(()) } else { Err(Problem::rule(faults)) }
    }
}
