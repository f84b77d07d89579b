//! The steps of a lead: new → contacted → qualified → converted, or disqualified and perhaps opened again.

use super::lead::Lead;
use crate::{
    choices,
    model::{
        fault::{Fault, FaultCode},
        record::{Draft, Record},
    },
    values::time::Timestamp,
};

choices! {
    /// How far a lead has come.
    pub enum LeadStatus {
        New "new" "New" "新线索",
        Contacted "contacted" "Contacted" "已联系",
        Qualified "qualified" "Qualified" "已确认",
        Converted "converted" "Converted" "已转化",
        Disqualified "disqualified" "Disqualified" "无效",
    }
}

impl LeadStatus {
    /// The steps in which nobody has to work on it any more.
    pub const ENDED: [LeadStatus; 2] = [LeadStatus::Converted, LeadStatus::Disqualified];

    #[must_use]
    pub fn of(lead: &Record<Lead>) -> LeadStatus {
        lead.get(Lead::status).unwrap_or(LeadStatus::New)
    }

    /// What an edit may make of it. Only a conversion makes it converted, and nothing undoes that.
    #[must_use]
    pub fn next(self) -> &'static [LeadStatus] {
        use LeadStatus::{Contacted, Disqualified, New, Qualified};
        match self {
            LeadStatus::New => &[Contacted, Qualified, Disqualified],
            LeadStatus::Contacted => &[Qualified, Disqualified],
            LeadStatus::Qualified => &[Contacted, Disqualified],
            LeadStatus::Disqualified => &[New, Contacted, Qualified],
            LeadStatus::Converted => &[],
        }
    }

    /// Whether somebody still has to work on it.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            LeadStatus::New | LeadStatus::Contacted | LeadStatus::Qualified => true,
            LeadStatus::Converted | LeadStatus::Disqualified => false,
        }
    }
}

/// Puts a lead into a step, now.
pub fn enter(lead: &mut Record<Lead>, status: LeadStatus, now: Timestamp) {
    lead.set(Lead::status, status);
    lead.set(Lead::status_entered_at, now);
}

/// Notes the first answer to a lead: whatever reaches out to it first. Later ones change nothing.
pub fn respond(lead: &mut Record<Lead>, at: Timestamp) {
    if !lead.is_null(Lead::first_responded_at) {
        return;
    }
    lead.set(Lead::first_responded_at, at);
    time_response(lead);
}

/// How long the first answer took.
fn time_response(lead: &mut Record<Lead>) {
    if let (Some(received), Some(responded)) = (lead.get(Lead::received_at), lead.get(Lead::first_responded_at)) {
        lead.set(Lead::response_seconds, (responded.milliseconds() - received.milliseconds()).max(0) / 1000);
    }
}

/// What is told of a lead that came elsewhere lies between its coming and now. One that ended there says when.
fn begin(draft: &mut Draft<'_, Lead>, status: LeadStatus) {
    let now = draft.now;
    let received = draft.after.get(Lead::received_at).unwrap_or(now);
    draft.after.set(Lead::received_at, received);
    for (told, min) in
        [(Lead::received_at, None), (Lead::status_entered_at, Some(received)), (Lead::first_responded_at, Some(received))]
    {
        let Some(time) = draft.after.get(told) else { continue };
        if time > now {
            draft.faults.add(Fault::new(told.pointer(), FaultCode::TooLate).with("max", now));
        } else if let Some(min) = min.filter(|min| time < *min) {
            draft.faults.add(Fault::new(told.pointer(), FaultCode::TooEarly).with("min", min));
        }
    }
    let entered = draft.after.get(Lead::status_entered_at);
    if status == LeadStatus::Converted && entered.is_none() {
        draft.faults.add(not_allowed(LeadStatus::New, status));
    }
    // A customer may inquire again, who is known; what comes of it is not.
    if status != LeadStatus::Converted && !draft.after.is_null(Lead::opportunity_id) {
        let other = format!("{} {}", Lead::status.name(), status.as_str());
        draft.faults.add(Fault::new(Lead::opportunity_id.pointer(), FaultCode::Conflicting).with("other", other));
    }
    let began = if status == LeadStatus::New { received } else { now };
    draft.after.set(Lead::status_entered_at, entered.unwrap_or(began));
    time_response(&mut draft.after);
}

/// A lead cannot go from one status to the other; whereto it can is told.
fn not_allowed(from: LeadStatus, to: LeadStatus) -> Fault {
    let fault = Fault::new(Lead::status.pointer(), FaultCode::StepNotAllowed).with("from", from.as_str()).with("to", to.as_str());
    let next: Vec<&str> = from.next().iter().map(|status| status.as_str()).collect();
    if next.is_empty() { fault } else { fault.with("allowed", next.join(", ")) }
}

/// What follows from the status of a lead about to be written.
pub fn follow_status(draft: &mut Draft<'_, Lead>) {
    let (to, now) = (LeadStatus::of(&draft.after), draft.now);
    let from = draft.before.map(LeadStatus::of);
    match from {
        None => begin(draft, to),
        Some(from) if from != to => {
            if !from.next().contains(&to) {
                draft.faults.add(not_allowed(from, to));
                return;
            }
            enter(&mut draft.after, to, now);
            match to {
                LeadStatus::Contacted | LeadStatus::Qualified => respond(&mut draft.after, now),
                LeadStatus::New | LeadStatus::Converted | LeadStatus::Disqualified => {}
            }
        }
        Some(_) => {}
    }
    reason(draft, from, to);
}

/// A reason is told when a lead is given up, and gone when it is opened again.
fn reason(draft: &mut Draft<'_, Lead>, from: Option<LeadStatus>, to: LeadStatus) {
    if to == LeadStatus::Disqualified {
        if draft.after.is_null(Lead::disqualify_reason) {
            draft.fault(Lead::disqualify_reason.pointer(), FaultCode::Required);
        }
        return;
    }
    for field in [Lead::disqualify_reason, Lead::disqualify_comment] {
        let as_before = draft.before.is_some_and(|before| before.agrees(field, &draft.after));
        if from == Some(LeadStatus::Disqualified) && as_before {
            draft.after.clear(field);
        } else if !draft.after.is_null(field) {
            let other = format!("{} {}", Lead::status.name(), to.as_str());
            draft.faults.add(Fault::new(field.pointer(), FaultCode::Conflicting).with("other", other));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::entity::Entity;

    #[test]
    fn nothing_but_a_conversion_converts_and_nothing_undoes_it() {
        for status in LeadStatus::ALL {
            assert!(!status.next().contains(&LeadStatus::Converted) && !status.next().contains(status));
            assert_eq!(status.is_open(), !LeadStatus::ENDED.contains(status));
        }
        assert!(LeadStatus::Converted.next().is_empty());
        assert!(LeadStatus::Disqualified.next().contains(&LeadStatus::New), "it can be opened again");
    }

    #[test]
    fn only_the_first_answer_counts() {
        let created = Timestamp::parse("2026-09-01T08:00:00Z").unwrap();
        let mut lead = Record::new(Lead::object()).into_entity();
        lead.set(Lead::received_at, created);
        respond(&mut lead, created.plus_seconds(90));
        respond(&mut lead, created.plus_seconds(900));
        assert_eq!(lead.get(Lead::response_seconds), Some(90));
        assert_eq!(lead.get(Lead::first_responded_at), Some(created.plus_seconds(90)));
    }
}
