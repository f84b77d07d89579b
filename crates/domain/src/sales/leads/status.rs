//! The steps of a lead: new → contacted → qualified → converted, or disqualified and perhaps opened again.

use serde_json::Value;

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
    #[must_use]
    pub fn of(record: &Record) -> LeadStatus {
        match record.text("status") {
            Some("contacted") => LeadStatus::Contacted,
            Some("qualified") => LeadStatus::Qualified,
            Some("converted") => LeadStatus::Converted,
            Some("disqualified") => LeadStatus::Disqualified,
            _ => LeadStatus::New,
        }
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
pub fn enter(record: &mut Record, status: LeadStatus, now: Timestamp) {
    record.set("status", status.as_str());
    record.set("status_entered_at", now.to_string());
}

/// Notes the first answer to a lead: whatever reaches out to it first. Later ones change nothing.
pub fn respond(record: &mut Record, at: Timestamp) {
    if !record.get("first_responded_at").is_null() {
        return;
    }
    record.set("first_responded_at", at.to_string());
    if let Some(created) = record.time_of("created_at") {
        record.set("response_seconds", (at.milliseconds() - created.milliseconds()).max(0) / 1000);
    }
}

/// What follows from the status of a lead about to be written.
pub fn follow_status(draft: &mut Draft<'_>) {
    let (to, now) = (LeadStatus::of(&draft.after), draft.now);
    let from = draft.before.map(LeadStatus::of);
    if from != Some(to) {
        let allowed = match from {
            Some(from) => from.next().contains(&to),
            None => to != LeadStatus::Converted,
        };
        if !allowed {
            let next: Vec<&str> = from.unwrap_or(LeadStatus::New).next().iter().map(|status| status.as_str()).collect();
            let fault = Fault::new("/status", FaultCode::StepNotAllowed)
                .with("from", from.unwrap_or(LeadStatus::New).as_str())
                .with("to", to.as_str());
            draft.faults.add(if next.is_empty() { fault } else { fault.with("allowed", next.join(", ")) });
            return;
        }
        enter(&mut draft.after, to, now);
        match (from, to) {
            (Some(_), LeadStatus::Contacted | LeadStatus::Qualified) => respond(&mut draft.after, now),
            (None, _) | (Some(_), LeadStatus::New | LeadStatus::Converted | LeadStatus::Disqualified) => {}
        }
    }
    reason(draft, from, to);
}

/// A reason is told when a lead is given up, and gone when it is opened again.
fn reason(draft: &mut Draft<'_>, from: Option<LeadStatus>, to: LeadStatus) {
    if to == LeadStatus::Disqualified {
        if draft.after.get("disqualify_reason").is_null() {
            draft.fault("/disqualify_reason", FaultCode::Required);
        }
        return;
    }
    for name in ["disqualify_reason", "disqualify_comment"] {
        let as_before = draft.before.is_some_and(|before| before.get(name) == draft.after.get(name));
        if from == Some(LeadStatus::Disqualified) && as_before {
            draft.after.set(name, Value::Null);
        } else if !draft.after.get(name).is_null() {
            let fault = Fault::new(format!("/{name}"), FaultCode::Conflicting).with("other", format!("status {}", to.as_str()));
            draft.faults.add(fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lead::Lead;
    use super::*;
    use crate::model::entity::Entity;

    #[test]
    fn nothing_but_a_conversion_converts_and_nothing_undoes_it() {
        let all =
            [LeadStatus::New, LeadStatus::Contacted, LeadStatus::Qualified, LeadStatus::Converted, LeadStatus::Disqualified];
        for status in all {
            assert!(!status.next().contains(&LeadStatus::Converted) && !status.next().contains(&status));
        }
        assert!(LeadStatus::Converted.next().is_empty());
        assert!(LeadStatus::Disqualified.next().contains(&LeadStatus::New), "it can be opened again");
    }

    #[test]
    fn only_the_first_answer_counts() {
        let created = Timestamp::parse("2026-09-01T08:00:00Z").unwrap();
        let mut record = Record::new(Lead::object());
        record.set("created_at", created.to_string());
        respond(&mut record, created.plus_seconds(90));
        respond(&mut record, created.plus_seconds(900));
        assert_eq!(record.get("response_seconds"), 90);
        assert_eq!(record.time_of("first_responded_at"), Some(created.plus_seconds(90)));
    }
}
