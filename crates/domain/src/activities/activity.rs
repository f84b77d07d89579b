//! Activities: calls, visits, meetings, messages and notes that happened, or are planned.

use serde_json::{Value, json};

use super::{
    attendees::{ATTENDEES, Attendee},
    concerned::{self, CONCERNED, Concerned},
    mentions::{self, MENTIONS},
};
use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode},
        object::Object,
        record::Draft,
    },
    values::time::Timestamp,
};

choices! {
    /// What was done.
    pub enum ActivityKind {
        Call "call" "Call" "电话",
        Visit "visit" "Visit" "拜访",
        Meeting "meeting" "Meeting" "会议",
        Email "email" "E-mail" "邮件",
        Message "message" "Message" "消息",
        Note "note" "Note" "记录",
    }
}

choices! {
    /// Who began it.
    pub enum Direction {
        Inbound "inbound" "Inbound" "呼入",
        Outbound "outbound" "Outbound" "呼出",
    }
}

choices! {
    /// Whether it happened.
    pub enum ActivityStatus {
        Planned "planned" "Planned" "计划中",
        Done "done" "Done" "已完成",
        Cancelled "cancelled" "Cancelled" "已取消",
    }
}

entity! {
    /// An activity: a call, visit, meeting, email, message or note that happened, or is planned. It may concern several records;
    /// who may read one of them may read the activity.
    pub struct Activity("activity", "activities", "activities", "Activity", "跟进记录") [owned, tagged, external, custom] {
        /// What was done.
        kind: Option<ActivityKind> => choice(ActivityKind::choices()).required().indexed().label("Kind", "类型").example("call"),
        /// What it was about; the first line of the body, unless told.
        subject: Option<String> => text(200).title().label("Subject", "主题").example("报价沟通"),
        /// What was said and done, in Markdown. `@[王芳](user:01890a5d-ac96-774b-bcce-b302099a8057)` mentions a colleague, who is notified.
        body: Option<String> => long_text(50_000).detail().searchable().label("Body", "内容").example("客户希望 **下周** 收到报价。"),
        /// When it happened or is to begin; now, unless told.
        occurred_at: Option<Timestamp> => datetime().indexed().label("Occurred at", "发生时间").example("2026-03-01T08:00:00.000Z"),
        /// When it ended or is to end. Follows `duration_seconds`, and the other way round, whichever is written.
        ends_at: Option<Timestamp> => datetime().label("Ends at", "结束时间").example("2026-03-01T08:15:00.000Z"),
        /// How long it took or is to take. If `occurred_at` is moved, this stays as it is, and the end moves along.
        duration_seconds: Option<i64> => integer(0, 31 * 24 * 3600).detail().label("Duration in seconds", "时长（秒）").example(900),
        /// Whether it happened: `planned` if it lies ahead, else `done`, unless told. What lies ahead cannot be done. Only what is done counts as the last activity of a record.
        status: Option<ActivityStatus> => choice(ActivityStatus::choices()).indexed().label("Status", "状态").example("done"),
        /// Who began it: of calls, emails and messages.
        direction: Option<Direction> => choice(Direction::choices()).detail().label("Direction", "方向").example("outbound"),
        /// What came of it.
        outcome: Option<String> => text(200).detail().label("Outcome", "结果").example("客户有意向"),
        /// Where it took place.
        location: Option<String> => text(300).detail().label("Location", "地点").example("深圳市龙岗区坂田"),
        /// Who took part. Meetings and visits stand in the calendars of the users among them. Find by the id of a user or contact.
        attendees: Vec<Attendee> => structure(&ATTENDEES).default(json!([])).detail().label("Attendees", "参与人").example(json!([{"user_id": null, "contact_id": null, "name": "李伟", "email": "li.wei@example.cn"}])),
        /// The first customer it concerns; that of the opportunity or contact, unless told.
        customer_id: Option<crate::values::id::Id> => reference("customer").indexed().label("Customer", "客户"),
        /// The first contact it concerns.
        contact_id: Option<crate::values::id::Id> => reference("contact").indexed().label("Contact", "联系人"),
        /// The first opportunity it concerns.
        opportunity_id: Option<crate::values::id::Id> => reference("opportunity").indexed().label("Opportunity", "商机"),
        /// The first lead it concerns.
        lead_id: Option<crate::values::id::Id> => reference("lead").indexed().label("Lead", "线索"),
        /// Every record it concerns. `customer_id`, `contact_id`, `opportunity_id` and `lead_id` name the first of each kind; writing either keeps both the same. `records_any` finds by the id of any.
        records: Vec<Concerned> => structure(&CONCERNED).default(json!([])).detail().label("Records", "关联记录"),
        /// The users mentioned in the body.
        mention_ids: Vec<crate::values::id::Id> => structure(&MENTIONS).default(json!([])).server_set().detail().label("Mentions", "提及").example(json!([])),
    }
    extend |object| concerned::with_relations(object)
        .titled("subject")
        .ordered_by("occurred_at")
        .read_with(["customers", "contacts", "opportunities", "leads"])
        .rule(concerned::in_step)
        .rule(subject_from_body)
        .rule(find_mentions)
        .rule(times_fit)
}

/// Whether we reached out to whom it concerns: what is done, not planned, and was begun by us; a note reaches nobody.
#[must_use]
pub fn reaches_out(activity: &crate::model::record::Record) -> bool {
    let ours = activity.get("direction") != "inbound" && activity.get("kind") != "note";
    ours && activity.get("status") == "done" && !activity.is_archived()
}

/// Whether it is a reply of whom it concerns: a call, email or message that came in.
#[must_use]
pub fn is_reply(activity: &crate::model::record::Record) -> bool {
    let kinds = [ActivityKind::Call, ActivityKind::Email, ActivityKind::Message].map(ActivityKind::as_str);
    let came_in = activity.get("direction") == "inbound" && activity.text("kind").is_some_and(|kind| kinds.contains(&kind));
    came_in && activity.get("status") == "done" && !activity.is_archived()
}

fn subject_from_body(draft: &mut Draft<'_>) {
    if !draft.after.get("subject").is_null() {
        return;
    }
    let body = mentions::plain(draft.after.text("body").unwrap_or_default());
    let line = body.lines().map(|line| line.trim_start_matches(['#', '>', '-', '*', ' ']).trim()).find(|line| !line.is_empty());
    match line {
        Some(line) => draft.after.set("subject", line.chars().take(80).collect::<String>()),
        None => draft.fault("/subject", FaultCode::Required),
    }
}

fn find_mentions(draft: &mut Draft<'_>) {
    if draft.before.is_none() || draft.changes("body") {
        let ids = mentions::of(draft.after.text("body").unwrap_or_default());
        draft.after.set("mention_ids", ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
}

/// Begin, end and length fit each other and the status.
fn times_fit(draft: &mut Draft<'_>) {
    if draft.after.get("occurred_at").is_null() {
        draft.after.set("occurred_at", draft.now.to_string());
    }
    let Some(begin) = draft.after.time_of("occurred_at") else { return };
    let told = |name: &str| draft.changes(name);
    let length = draft.after.get("duration_seconds").as_i64();
    let end = if told("ends_at") {
        draft.after.time_of("ends_at")
    } else if told("duration_seconds") || told("occurred_at") {
        length.map(|seconds| begin.plus_seconds(seconds))
    } else {
        draft.after.time_of("ends_at")
    };
    if let Some(end) = end.filter(|end| *end < begin) {
        draft.faults.add(Fault::new("/ends_at", FaultCode::TooEarly).with("min", begin));
        draft.after.set("ends_at", end.to_string());
        return;
    }
    let seconds = end.map(|end| (end.milliseconds() - begin.milliseconds()) / 1000);
    if let Some(seconds) = seconds.filter(|seconds| *seconds > 31 * 24 * 3600) {
        draft.faults.add(Fault::new("/ends_at", FaultCode::TooLate).with("max", begin.plus_seconds(31 * 24 * 3600)));
        draft.after.set("duration_seconds", seconds);
        return;
    }
    if told("ends_at") && told("duration_seconds") && length.is_some() && length != seconds {
        draft.faults.add(Fault::new("/duration_seconds", FaultCode::Conflicting).with("other", "ends_at"));
    }
    draft.after.set("ends_at", end.map_or(Value::Null, |end| end.to_string().into()));
    draft.after.set("duration_seconds", seconds);
    let ahead = begin > draft.now;
    match draft.after.text("status") {
        None => draft.after.set("status", if ahead { "planned" } else { "done" }),
        Some("done") if ahead && (draft.changes("status") || draft.changes("occurred_at")) => {
            draft.faults.add(Fault::new("/occurred_at", FaultCode::TooLate).with("max", draft.now));
        }
        Some(_) => {}
    }
}

/// When a record was active by this activity; none where it does not count.
#[must_use]
pub fn counts_at(record: &crate::model::record::Record) -> Option<Timestamp> {
    record.time_of("occurred_at").filter(|_| !record.is_archived() && record.get("status") == "done")
}

/// The object, for those who need no struct.
#[must_use]
pub fn object() -> &'static Object {
    <Activity as crate::model::entity::Entity>::object()
}
