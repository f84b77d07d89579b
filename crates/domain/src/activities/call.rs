//! Calls as telephone systems report them: piece by piece, more than once, and not always in order.

use super::activity::{Activity, ActivityStatus, Direction};
use crate::{
    choices,
    model::{handle::Handle, record::Record},
    values::{phone, time::Timestamp},
};

/// How far a telephone system's clock may be ahead of ours, in seconds.
pub const AHEAD_SECONDS: i64 = 300;

choices! {
    /// How a call ended.
    pub enum CallOutcome {
        Answered "answered" "Answered" "已接通",
        Missed "missed" "Missed" "未接来电",
        Abandoned "abandoned" "Abandoned while waiting" "排队放弃",
        Voicemail "voicemail" "Voicemail" "语音留言",
        Unanswered "unanswered" "Not answered" "无人接听",
        Busy "busy" "Busy" "忙线",
        Rejected "rejected" "Rejected" "拒接",
        Failed "failed" "Failed" "呼叫失败",
    }
}

choices! {
    /// How it was found whom a call concerns.
    pub enum CallMatch {
        Given "given" "Given with the call" "随通话指定",
        One "one" "The only one with the number" "号码唯一匹配",
        Several "several" "One of several with the number" "号码匹配多条记录",
        None "none" "Nobody with the number" "无匹配号码",
    }
}

impl CallOutcome {
    /// Whether something was said to somebody, or to a machine for them.
    #[must_use]
    pub fn is_talk(self) -> bool {
        match self {
            CallOutcome::Answered | CallOutcome::Voicemail => true,
            CallOutcome::Missed
            | CallOutcome::Abandoned
            | CallOutcome::Unanswered
            | CallOutcome::Busy
            | CallOutcome::Rejected
            | CallOutcome::Failed => false,
        }
    }
}

/// A number as a telephone system tells it: that of a line, or an extension, or a word where it is withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// In E.164, if it is a number of a numbering plan.
    pub standard: Option<String>,
    pub typed: String,
}

impl Number {
    #[must_use]
    pub fn of(typed: &str, country: &str) -> Number {
        Number { standard: phone::standardise(typed, country).ok(), typed: typed.to_owned() }
    }
}

/// The parts of a number: what is asked for, and the line itself where an extension was typed.
#[must_use]
pub fn lines(number: &str) -> Vec<String> {
    let line = number.split(phone::EXTENSION).next().unwrap_or(number);
    let mut lines = vec![number.to_owned()];
    if line != number {
        lines.push(line.to_owned());
    }
    lines
}

/// A call cannot end before it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a call that was answered at {answered} does not end before")]
pub struct EndsTooEarly {
    pub answered: Timestamp,
}

/// What a telephone system says of a call.
#[derive(Clone, Debug)]
pub struct Report {
    /// When it said so: what it says later wins.
    pub at: Timestamp,
    pub direction: Option<Direction>,
    pub caller: Option<Number>,
    pub called: Option<Number>,
    pub started_at: Option<Timestamp>,
    pub answered_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub outcome: Option<CallOutcome>,
    pub recording_url: Option<String>,
}

impl Report {
    /// Writes into a call what the report adds to it. The latest report wins, by its own time; an earlier one only adds what is not
    /// known yet: in whatever order reports come, a call that has ended does not ring again.
    pub fn take(&self, call: &mut Record<Activity>) -> Result<(), EndsTooEarly> {
        let wins = call.get(Activity::reported_at).is_none_or(|known| self.at >= known);
        let is_new = call.is_null(Activity::reported_at);
        let takes = |handle: Handle<Activity, Option<Timestamp>>, call: &Record<Activity>| wins || call.is_null(handle);
        if let Some(direction) = self.direction.filter(|_| wins || call.is_null(Activity::direction)) {
            call.set(Activity::direction, direction);
        }
        for (number, standard, typed) in [
            (&self.caller, Activity::caller_number, Activity::caller_typed),
            (&self.called, Activity::called_number, Activity::called_typed),
        ] {
            let is_known = !call.is_null(standard) || !call.is_null(typed);
            if let Some(number) = number.as_ref().filter(|_| wins || !is_known) {
                call.set(standard, number.standard.clone());
                let differs = number.standard.as_ref() != Some(&number.typed);
                call.set(typed, differs.then(|| number.typed.clone()));
            }
        }
        for (time, handle) in [(self.answered_at, Activity::answered_at), (self.ended_at, Activity::ends_at)] {
            if time.is_some() && takes(handle, call) {
                call.set(handle, time);
            }
        }
        if let Some(url) = self.recording_url.as_ref().filter(|_| wins || call.is_null(Activity::recording_url)) {
            call.set(Activity::recording_url, Some(url.clone()));
        }
        if self.outcome.is_some() && (wins || call.is_null(Activity::call_outcome)) {
            call.set(Activity::call_outcome, self.outcome);
        }
        // Whatever is reported first, a call begins with the earliest that is known of it.
        let known = call.get(Activity::occurred_at).filter(|_| !is_new);
        let times = [known, self.started_at, self.answered_at, self.ended_at];
        let begin = times.into_iter().flatten().min().unwrap_or(self.at);
        call.set(Activity::occurred_at, begin);
        call.set(Activity::reported_at, call.get(Activity::reported_at).max(Some(self.at)));
        if call.get(Activity::call_outcome).is_some() && call.is_null(Activity::ends_at) {
            call.set(Activity::ends_at, self.at.max(begin));
        }
        conclude(call, begin)
    }
}

/// What follows from the times of a call.
fn conclude(call: &mut Record<Activity>, begin: Timestamp) -> Result<(), EndsTooEarly> {
    let (answered, end) = (call.get(Activity::answered_at), call.get(Activity::ends_at));
    if let (Some(answered), Some(end)) = (answered, end)
        && end < answered
    {
        return Err(EndsTooEarly { answered });
    }
    let seconds = |from: Timestamp, to: Timestamp| (to.milliseconds() - from.milliseconds()) / 1000;
    call.set(Activity::wait_seconds, answered.or(end).map(|to| seconds(begin, to)));
    call.set(Activity::talk_seconds, answered.zip(end).map(|(from, to)| seconds(from, to)));
    call.set(Activity::duration_seconds, end.map(|end| seconds(begin, end)));
    let Some(_) = end else {
        call.set(Activity::status, ActivityStatus::Planned);
        return Ok(());
    };
    let outcome = match (call.get(Activity::call_outcome), answered) {
        // That nobody answered was concluded from a report that came before that of the answer.
        (None | Some(CallOutcome::Missed | CallOutcome::Unanswered), Some(_)) => CallOutcome::Answered,
        (Some(outcome), _) => outcome,
        (None, None) if call.get(Activity::direction) == Some(Direction::Outbound) => CallOutcome::Unanswered,
        (None, None) => CallOutcome::Missed,
    };
    call.set(Activity::call_outcome, Some(outcome));
    call.set(Activity::status, if outcome.is_talk() { ActivityStatus::Done } else { ActivityStatus::Cancelled });
    Ok(())
}

/// The number of whoever is not one of ours.
#[must_use]
pub fn other_party(call: &Record<Activity>) -> Option<&str> {
    match call.get(Activity::direction) {
        Some(Direction::Outbound) => call.get(Activity::called_number),
        Some(Direction::Inbound) | None => call.get(Activity::caller_number),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::entity::Entity;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(1_772_352_000_000 + seconds * 1000)
    }

    fn report(seconds: i64) -> Report {
        Report {
            at: at(seconds),
            direction: Some(Direction::Inbound),
            caller: Some(Number::of("010-6255 8888", "CN")),
            called: Some(Number::of("801", "CN")),
            started_at: None,
            answered_at: None,
            ended_at: None,
            outcome: None,
            recording_url: None,
        }
    }

    fn taken(reports: &[Report]) -> Record<Activity> {
        let mut call = Record::from_json(Activity::object(), &json!({})).into_entity::<Activity>();
        for report in reports {
            report.take(&mut call).unwrap();
        }
        call
    }

    #[test]
    fn a_call_nobody_answers_is_missed_or_what_is_told() {
        let call = taken(&[Report { started_at: Some(at(0)), ..report(0) }, Report { ended_at: Some(at(20)), ..report(20) }]);
        assert_eq!(call.get(Activity::call_outcome), Some(CallOutcome::Missed));
        assert_eq!(call.get(Activity::status), Some(ActivityStatus::Cancelled));
        assert_eq!((call.get(Activity::wait_seconds), call.get(Activity::talk_seconds)), (Some(20), None));
        assert_eq!(call.get(Activity::caller_number), Some("+861062558888"));
        assert_eq!((call.get(Activity::called_number), call.get(Activity::called_typed)), (None, Some("801")));
        let told = Report { outcome: Some(CallOutcome::Abandoned), ..report(30) };
        assert_eq!(taken(&[told]).get(Activity::ends_at), Some(at(30)));
        let early = Report { answered_at: Some(at(9)), ended_at: Some(at(5)), ..report(9) };
        let mut call = Record::from_json(Activity::object(), &json!({})).into_entity::<Activity>();
        assert_eq!(early.take(&mut call), Err(EndsTooEarly { answered: at(9) }));
    }

    proptest! {
        /// In whatever order the reports of a call come, and however often, it is the same in the end.
        #[test]
        fn the_order_of_reports_does_not_matter(order in Just(vec![0_usize, 1, 2, 3, 0, 1, 2, 3]).prop_shuffle()) {
            let reports = [
                Report { started_at: Some(at(0)), ..report(0) },
                Report { answered_at: Some(at(8)), ..report(8) },
                Report { ended_at: Some(at(98)), ..report(98) },
                Report { recording_url: Some("https://pbx.example.cn/1.wav".to_owned()), ..report(120) },
            ];
            let call = taken(&order.iter().map(|place| reports[*place].clone()).collect::<Vec<_>>());
            prop_assert_eq!(call.get(Activity::occurred_at), Some(at(0)));
            prop_assert_eq!(call.get(Activity::ends_at), Some(at(98)));
            prop_assert_eq!((call.get(Activity::wait_seconds), call.get(Activity::talk_seconds)), (Some(8), Some(90)));
            prop_assert_eq!(call.get(Activity::call_outcome), Some(CallOutcome::Answered));
            prop_assert_eq!(call.get(Activity::status), Some(ActivityStatus::Done));
            prop_assert_eq!(call.get(Activity::recording_url), Some("https://pbx.example.cn/1.wav"));
            prop_assert_eq!(call.get(Activity::reported_at), Some(at(120)));
        }
    }
}
