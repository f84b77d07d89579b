//! Surveys: what customers are asked once their ticket is solved.

use serde_json::json;

use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode},
        object::{Reach, Relation},
        record::Draft,
        structures::by_language::{BY_LANGUAGE, ByLanguage},
    },
};

choices! {
    /// What a survey measures, and on which scale; a higher score is always better.
    pub enum SurveyKind {
        Csat "csat" "Satisfaction (CSAT, 1 to 5)" "满意度（CSAT，1 至 5）",
        Ces "ces" "Ease (CES, 1 to 7)" "轻松度（CES，1 至 7）",
        Nps "nps" "Recommendation (NPS, 0 to 10)" "推荐意愿（NPS，0 至 10）",
    }
}

impl SurveyKind {
    /// The lowest and the highest score.
    #[must_use]
    pub fn scale(self) -> (i64, i64) {
        match self {
            SurveyKind::Csat => (1, 5),
            SurveyKind::Ces => (1, 7),
            SurveyKind::Nps => (0, 10),
        }
    }

    /// Whether a score says that somebody is satisfied: 4 and 5 of CSAT, 5 to 7 of CES; never of NPS, which has groups of its own.
    #[must_use]
    pub fn satisfies(self, score: i64) -> bool {
        match self {
            SurveyKind::Csat => score >= 4,
            SurveyKind::Ces => score >= 5,
            SurveyKind::Nps => false,
        }
    }
}

/// Whether a score of NPS is that of a promoter.
#[must_use]
pub fn promotes(score: i64) -> bool {
    score >= 9
}

/// Whether a score of NPS is that of a detractor.
#[must_use]
pub fn detracts(score: i64) -> bool {
    score <= 6
}

/// What stands in the address of a page for the token.
pub const TOKEN: &str = "{token}";

entity! {
    /// A survey that customers answer once their ticket is solved, each by a link of their own. Rules ask it (`ask_survey`), or somebody does
    /// by POST /v1/tickets/{id}/ask-survey.
    pub struct Survey("survey", "surveys", "surveys", "Survey", "满意度调查") [external] {
        /// The name; unique among live surveys. Customers do not see it.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("工单满意度"),
        /// What it measures: `csat` from 1 to 5, `ces` from 1 to 7, `nps` from 0 to 10; a higher score is always better.
        kind: Option<SurveyKind> => choice(SurveyKind::choices()).required().on_create().label("Kind", "类型").example("csat"),
        /// Whether it is asked. Customers who were asked before can still answer.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// The question, by language; customers get theirs, or English, or any.
        question: Option<ByLanguage> => structure(&BY_LANGUAGE).required().opaque().label("Question", "问题").example(json!({"zh": "您对本次服务满意吗？", "en": "How satisfied are you with our service?"})),
        /// The question for a comment, by language. If absent, a comment can be given all the same.
        comment_question: Option<ByLanguage> => structure(&BY_LANGUAGE).opaque().label("Question for a comment", "意见问题").example(json!({"zh": "我们哪里可以做得更好？", "en": "What could we do better?"})),
        /// The page where customers answer, with `{token}` where the token goes; it calls GET and POST /v1/survey-answers/{token}. Without
        /// it there are no links to send.
        page_url: Option<String> => text(500).opaque().label("Page", "答题页面").example("https://help.example.cn/rate?token={token}"),
        /// Whether Farley mails the link to the contact, if it is configured to send mail. Otherwise send it yourself: by
        /// `{survey_link}` in the reply of a rule or macro, or with POST /v1/survey-responses/{id}/link.
        sends_mail: bool => boolean().default(true).label("Sends mail", "发送邮件").example(true),
        /// For how many days it can be answered.
        valid_days: i64 => integer(1, 365).default(14).label("Valid for days", "有效天数").example(14),
        /// For how many days an answer can be changed.
        change_days: i64 => integer(0, 365).default(7).label("Changeable for days", "可修改天数").example(7),
        /// For how many days a contact is not asked again. Rules that would ask them do nothing.
        rest_days: i64 => integer(0, 365).default(0).label("Days between surveys", "重复间隔天数").example(30),
        /// The highest score that opens a task for the owner of the ticket, or for the manager of its queue if it has none. If absent, none
        /// does.
        low_score: Option<i64> => integer(0, 10).label("Low score", "低分阈值").example(2),
        /// After how many minutes that task is due.
        follow_up_minutes: Option<i64> => integer(0, 525_600).label("Follow-up within minutes", "回访时限（分钟）").example(1440),
    }
    extend |object| object
        .configuration()
        .relations([Relation { name: "responses", target: "survey_response", reach: Reach::Inverse { field: "survey_id" } }])
        .unique("surveys_name_key", "name")
        .rule(low_is_on_the_scale)
        .rule(page_takes_the_token)
}

fn low_is_on_the_scale(draft: &mut Draft<'_, Survey>) {
    let (Some(kind), Some(low)) = (draft.after.get(Survey::kind), draft.after.get(Survey::low_score)) else { return };
    let (min, max) = kind.scale();
    let fault = |code| Fault::new(Survey::low_score.pointer(), code);
    if low < min {
        draft.faults.add(fault(FaultCode::TooSmall).with("min", min));
    }
    if low > max {
        draft.faults.add(fault(FaultCode::TooLarge).with("max", max));
    }
}

fn page_takes_the_token(draft: &mut Draft<'_, Survey>) {
    let Some(page) = draft.after.get(Survey::page_url) else { return };
    let is_page = ["https://", "http://"].iter().any(|scheme| page.starts_with(scheme))
        && page.contains(TOKEN)
        && !page.contains(|c: char| c.is_whitespace() || c.is_control());
    if !is_page {
        draft.fault(Survey::page_url.pointer(), FaultCode::TokenMissing);
    }
}
