//! What reports over several periods of time share: which periods they are, and whose records they are of.

use chrono::NaiveDate;
use farley_domain::{
    choices,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field::Op,
        handle::Handle,
    },
    query::predicate::Predicate,
    sales::opportunity::Opportunity,
    values::{
        calendar::{Period, Span, day_of},
        id::Id,
    },
};
use serde_json::Value;

use super::condition;
use crate::{access::call::Call, http::problem::Problem};

/// How many periods a report has at most.
const MOST_PERIODS: usize = 24;
/// How many there are unless the first day is given.
const PERIODS: usize = 12;

choices! {
    /// How long the periods of a report are.
    pub enum PeriodInterval {
        Month "month" "Months" "月",
        Quarter "quarter" "Quarters" "季度",
    }
}

/// The periods from a day until the day before another that have begun, in the order of time.
pub fn begun(
    (from, to): (Option<NaiveDate>, Option<NaiveDate>),
    interval: Option<PeriodInterval>,
    call: &Call,
) -> Result<Vec<Period>, Problem> {
    let span = match interval {
        Some(PeriodInterval::Quarter) => Span::Quarter,
        Some(PeriodInterval::Month) | None => Span::Month,
    };
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        return Err(Fault::new("to", FaultCode::TooEarly).with("min", from).into());
    }
    let today = day_of(call.now, call.principal.standards(call.now).zone);
    let last = to.and_then(|to| to.pred_opt()).unwrap_or(today).min(today);
    let before = |period: Period| span.around(period.start.pred_opt()?);
    let mut next = match from {
        Some(from) => span.around(from),
        None => (1..PERIODS).try_fold(span.around(last), |period, _| period.map(before)).flatten(),
    };
    let mut periods = Vec::new();
    while let Some(period) = next.filter(|period| period.start <= last) {
        if periods.len() == MOST_PERIODS {
            return Err(Fault::new("interval", FaultCode::TooMany).with("max", MOST_PERIODS).into());
        }
        periods.push(period);
        next = Some(period.next());
    }
    Ok(periods)
}

/// A reference of opportunities, and the record that it is to lead to.
type Narrowing = (Handle<Opportunity, Option<Id>>, Option<Id>);

/// What opportunities are narrowed by, as a predicate and as a filter says it. Who may not see a field cannot ask by it.
pub fn narrowed(call: &Call, asked: [Narrowing; 3]) -> Result<Vec<(Predicate, Value)>, Problem> {
    let mut narrowed = Vec::new();
    for (handle, id) in asked {
        if let Some(id) = id {
            call.demand_fields(Opportunity::object(), &[handle.field()])?;
            narrowed.push((handle.eq(id), condition(handle, Op::Eq, id)));
        }
    }
    Ok(narrowed)
}
