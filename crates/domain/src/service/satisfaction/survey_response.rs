//! Responses: who was asked what, and what they said.

use super::survey::{Survey, SurveyKind};
use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode},
        object::{Reach, Relation},
        record::Record,
    },
    values::{id::Id, time::Timestamp},
};

/// How long a comment may be, in characters.
pub const COMMENT: usize = 5_000;
const DAY: i64 = 24 * 3_600;

entity! {
    /// A customer's response to a survey about a ticket, from the moment they are asked: `answered_at` is null until they answer. Anyone who can
    /// read the ticket can read it. Its history has every answer that was changed.
    pub struct SurveyResponse("survey_response", "survey-responses", "survey_responses", "Survey response", "调查答复") [] {
        /// The survey.
        survey_id: Option<Id> => reference("survey").filled().server_set().indexed().label("Survey", "调查"),
        /// What it measures.
        kind: Option<SurveyKind> => choice(SurveyKind::choices()).filled().server_set().indexed().label("Kind", "类型").example("csat"),
        /// The ticket it is about.
        ticket_id: Option<Id> => reference("ticket").filled().server_set().indexed().label("Ticket", "工单"),
        /// The contact who is asked.
        contact_id: Option<Id> => reference("contact").server_set().indexed().label("Contact", "联系人"),
        /// The customer of the ticket when they were asked.
        customer_id: Option<Id> => reference("customer").server_set().indexed().label("Customer", "客户"),
        /// Who had the ticket when they were asked.
        agent_id: Option<Id> => reference("user").server_set().indexed().label("Agent", "客服人员"),
        /// The language they are asked in.
        language: Option<String> => language().server_set().label("Language", "语言").example("zh-CN"),
        /// When they were asked.
        asked_at: Option<Timestamp> => datetime().filled().server_set().indexed().label("Asked at", "询问时间").example("2026-03-02T08:00:00.000Z"),
        /// Until when they can answer.
        expires_at: Option<Timestamp> => datetime().filled().server_set().label("Expires at", "失效时间").example("2026-03-16T08:00:00.000Z"),
        /// When Farley mailed the link. Null if it did not.
        mailed_at: Option<Timestamp> => datetime().server_set().label("Mailed at", "邮件发送时间").example("2026-03-02T08:00:05.000Z"),
        /// When they first answered. Null until then.
        answered_at: Option<Timestamp> => datetime().server_set().indexed().label("Answered at", "答复时间").example("2026-03-02T09:00:00.000Z"),
        /// Until when they can change the answer.
        changeable_until: Option<Timestamp> => datetime().server_set().label("Changeable until", "可修改至").example("2026-03-09T09:00:00.000Z"),
        /// The score. Null until they answer.
        score: Option<i64> => integer(0, 10).server_set().indexed().label("Score", "评分").example(4),
        /// An additional comment.
        comment: Option<String> => long_text(COMMENT).server_set().detail().searchable().label("Comment", "意见").example("处理很快，谢谢！"),
        /// How many times they changed the answer.
        change_count: i64 => integer(0, 1_000_000).server_set().default(0).label("Times changed", "修改次数").example(0),
        /// The task that its low score opened.
        follow_up_task_id: Option<Id> => reference("task").server_set().label("Follow-up task", "回访任务"),
    }
    extend |object| object
        .relations([
            Relation { name: "survey", target: "survey", reach: Reach::ToOne { field: "survey_id" } },
            Relation { name: "ticket", target: "ticket", reach: Reach::ToOne { field: "ticket_id" } },
            Relation { name: "contact", target: "contact", reach: Reach::ToOne { field: "contact_id" } },
            Relation { name: "customer", target: "customer", reach: Reach::ToOne { field: "customer_id" } },
            Relation { name: "agent", target: "user", reach: Reach::ToOne { field: "agent_id" } },
            Relation { name: "follow_up_task", target: "task", reach: Reach::ToOne { field: "follow_up_task_id" } },
        ])
        .read_only()
        .read_with(["ticket"])
        .titled("kind")
}

/// Why an answer is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It comes too late.
    Expired,
    /// An earlier one can no longer be changed.
    Final,
    /// The score is not on the scale.
    Score(Fault),
}

/// Whether an answer would be taken at a time: the first, or a change.
pub fn takes_answer(response: &Record<SurveyResponse>, now: Timestamp) -> Result<(), Refusal> {
    if response.is_null(SurveyResponse::answered_at) {
        let expires = response.get(SurveyResponse::expires_at);
        return if expires.is_none_or(|expires| now < expires) { Ok(()) } else { Err(Refusal::Expired) };
    }
    let until = response.get(SurveyResponse::changeable_until);
    if until.is_some_and(|until| now < until) { Ok(()) } else { Err(Refusal::Final) }
}

/// The response with an answer; none, if it is as it was.
pub fn answered(
    response: &Record<SurveyResponse>,
    survey: &Record<Survey>,
    (score, comment): (i64, Option<&str>),
    now: Timestamp,
) -> Result<Option<Record<SurveyResponse>>, Refusal> {
    let is_first = response.is_null(SurveyResponse::answered_at);
    if !is_first && response.get(SurveyResponse::score) == Some(score) && response.get(SurveyResponse::comment) == comment {
        // Sent twice, it is one answer.
        return Ok(None);
    }
    takes_answer(response, now)?;
    let (min, max) = response.get(SurveyResponse::kind).unwrap_or(SurveyKind::Nps).scale();
    let fault = |code| Fault::new(SurveyResponse::score.pointer(), code);
    if score < min {
        return Err(Refusal::Score(fault(FaultCode::TooSmall).with("min", min)));
    }
    if score > max {
        return Err(Refusal::Score(fault(FaultCode::TooLarge).with("max", max)));
    }
    let mut answered = response.clone();
    if is_first {
        answered.set(SurveyResponse::answered_at, now);
        answered.set(SurveyResponse::changeable_until, now.plus_seconds(survey.get(Survey::change_days) * DAY));
    } else {
        answered.set(SurveyResponse::change_count, response.get(SurveyResponse::change_count) + 1);
    }
    answered.set(SurveyResponse::score, score);
    answered.set(SurveyResponse::comment, comment.map(str::to_owned));
    Ok(Some(answered))
}

/// Until when a survey that is asked at a time can be answered.
#[must_use]
pub fn expiry(survey: &Record<Survey>, asked: Timestamp) -> Timestamp {
    asked.plus_seconds(survey.get(Survey::valid_days) * DAY)
}

/// Since when a contact must not have been asked to be asked at a time; none, if that is of no account.
#[must_use]
pub fn rested_since(survey: &Record<Survey>, now: Timestamp) -> Option<Timestamp> {
    let days = survey.get(Survey::rest_days);
    (days > 0).then(|| now.plus_seconds(-days * DAY))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::entity::Entity;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(1_772_352_000_000).plus_seconds(seconds)
    }

    fn survey() -> Record<Survey> {
        let members = json!({"kind": "csat", "change_days": 2, "valid_days": 10, "rest_days": 0});
        Record::from_json(Survey::object(), &members).into_entity()
    }

    fn asked() -> Record<SurveyResponse> {
        let members = json!({"kind": "csat", "asked_at": at(0).to_string(), "expires_at": expiry(&survey(), at(0)).to_string(), "change_count": 0});
        Record::from_json(SurveyResponse::object(), &members).into_entity()
    }

    #[test]
    fn an_answer_comes_in_time_and_can_be_changed_for_a_while() {
        let survey = survey();
        let taken = |response: &Record<SurveyResponse>, score, comment, now| answered(response, &survey, (score, comment), now);
        assert_eq!(taken(&asked(), 5, None, at(10 * DAY)), Err(Refusal::Expired));
        let first = taken(&asked(), 5, Some("ok"), at(10 * DAY - 1)).unwrap().unwrap();
        assert_eq!(first.get(SurveyResponse::changeable_until), Some(at(12 * DAY - 1)));
        assert_eq!(first.get(SurveyResponse::change_count), 0);
        // Changed after it would have been too late to answer, and counted.
        let changed = taken(&first, 3, None, at(11 * DAY)).unwrap().unwrap();
        assert_eq!((changed.get(SurveyResponse::change_count), changed.get(SurveyResponse::comment)), (1, None));
        assert_eq!(changed.get(SurveyResponse::answered_at), first.get(SurveyResponse::answered_at));
        assert_eq!(taken(&changed, 4, None, at(12 * DAY - 1)), Err(Refusal::Final));
        // The same once more is nothing new, whenever it comes.
        assert_eq!(taken(&changed, 3, None, at(100 * DAY)), Ok(None));
    }

    #[test]
    fn scores_keep_to_their_scales() {
        for (kind, (min, max)) in SurveyKind::ALL.iter().map(|kind| (kind, kind.scale())) {
            let mut response = asked();
            response.set(SurveyResponse::kind, *kind);
            for score in -1..=11 {
                let taken = answered(&response, &survey(), (score, None), at(0));
                let is_refused = matches!(taken, Err(Refusal::Score(_)));
                assert_eq!(is_refused, !(min..=max).contains(&score), "{kind:?} {score}");
            }
        }
    }
}
