//! Activities: calls, visits, meetings, messages and notes that happened, or are planned.

use serde_json::json;

use super::{
    attendees::{ATTENDEES, Attendee},
    call::{CallMatch, CallOutcome},
    concerned::{self, CONCERNED, Concerned},
    mentions::{self, MENTIONS},
};
use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode},
        object::{Reach, Relation, falling},
        record::{Draft, Record},
    },
    values::{id::Id, time::Timestamp},
};

/// How long an activity takes at most, in seconds.
pub const LONGEST_SECONDS: i64 = 31 * 24 * 3600;

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
    /// An activity: a call, visit, meeting, email, message or note that has happened or is planned. It can relate to several
    /// records; anyone who can read one of them can read the activity.
    pub struct Activity("activity", "activities", "activities", "Activity", "跟进记录") [owned, tagged, external, custom] {
        /// What was done.
        kind: Option<ActivityKind> => choice(ActivityKind::choices()).required().indexed().label("Kind", "类型").example("call"),
        /// The subject. Defaults to the first line of the body.
        subject: Option<String> => text(200).filled().title().label("Subject", "主题").example("报价沟通").required_when(crate::model::field::when_missing(&["body"])),
        /// What was said or done, in Markdown. `@[王芳](user:01890a5d-ac96-774b-bcce-b302099a8057)` mentions a colleague, who is
        /// notified.
        body: Option<String> => long_text(50_000).detail().searchable().label("Body", "内容").example("客户希望 **下周** 收到报价。"),
        /// When it happened or will start. Defaults to now.
        occurred_at: Option<Timestamp> => datetime().filled().indexed().label("Occurred at", "发生时间").example("2026-03-01T08:00:00.000Z"),
        /// When it ended or will end. `duration_seconds` and this field follow each other, whichever is set.
        ends_at: Option<Timestamp> => datetime().label("Ends at", "结束时间").example("2026-03-01T08:15:00.000Z"),
        /// How long it took or will take. If `occurred_at` changes, the duration stays the same and the end moves with it.
        duration_seconds: Option<i64> => integer(0, LONGEST_SECONDS).detail().label("Duration in seconds", "时长（秒）").example(900),
        /// Whether it has happened. Defaults to `planned` if it is in the future, otherwise `done`. A future activity cannot be
        /// `done`. Only `done` activities count as the last activity of a record.
        status: Option<ActivityStatus> => choice(ActivityStatus::choices()).filled().indexed().label("Status", "状态").example("done"),
        /// Who started it; for calls, emails and messages.
        direction: Option<Direction> => choice(Direction::choices()).detail().label("Direction", "方向").example("outbound"),
        /// The outcome.
        outcome: Option<String> => text(200).detail().label("Outcome", "结果").example("客户有意向"),
        /// Where it took place.
        location: Option<String> => text(300).detail().label("Location", "地点").example("深圳市龙岗区坂田"),
        /// The participants. Meetings and visits appear in the calendars of participating users. Filter by the id of a user or
        /// contact.
        attendees: Vec<Attendee> => structure(&ATTENDEES).default(json!([])).detail().label("Attendees", "参与人").example(json!([{"user_id": null, "contact_id": null, "name": "李伟", "email": "li.wei@example.cn"}])),
        /// The first customer it relates to. Defaults to the customer of the opportunity or contact.
        customer_id: Option<Id> => reference("customer").indexed().label("Customer", "客户"),
        /// The first contact it relates to.
        contact_id: Option<Id> => reference("contact").indexed().label("Contact", "联系人"),
        /// The first opportunity it relates to.
        opportunity_id: Option<Id> => reference("opportunity").indexed().label("Opportunity", "商机"),
        /// The first lead it relates to.
        lead_id: Option<Id> => reference("lead").indexed().label("Lead", "线索"),
        /// All records it relates to. `customer_id`, `contact_id`, `opportunity_id` and `lead_id` hold the first of each kind;
        /// the two representations are kept in sync. `records_any` filters by the id of any of them.
        records: Vec<Concerned> => structure(&CONCERNED).default(json!([])).detail().label("Records", "关联记录"),
        /// The ticket that it is about.
        ticket_id: Option<Id> => reference("ticket").indexed().label("Ticket", "工单"),
        /// The work order that it is about.
        work_order_id: Option<Id> => reference("work_order").indexed().label("Work order", "现场服务单"),
        /// Of a call that a telephone system reported (POST /v1/calls): the caller's number in E.164, `;ext=` before an extension. Null if
        /// it was withheld or is no number of a numbering plan, such as an agent's extension.
        caller_number: Option<String> => phone().server_set().indexed().searchable().sensitive().label("Caller's number", "主叫号码").example("+8613800138000"),
        /// The caller's number as it was reported, if that differs.
        caller_typed: Option<String> => text(60).server_set().detail().opaque().sensitive().label("Caller's number as reported", "主叫号码原文").example("138-0013-8000"),
        /// The number that was called, in E.164.
        called_number: Option<String> => phone().server_set().indexed().searchable().sensitive().label("Called number", "被叫号码").example("+864008208820"),
        /// The number that was called as it was reported, if that differs.
        called_typed: Option<String> => text(60).server_set().detail().opaque().sensitive().label("Called number as reported", "被叫号码原文").example("400-820-8820"),
        /// When somebody answered the call. It began at `occurred_at` and ended at `ends_at`.
        answered_at: Option<Timestamp> => datetime().server_set().detail().label("Answered at", "接听时间").example("2026-03-01T08:00:12.000Z"),
        /// How long the caller waited for an answer, or until the end if nobody answered, in seconds.
        wait_seconds: Option<i64> => integer(0, LONGEST_SECONDS).server_set().detail().label("Wait in seconds", "等待时长（秒）").example(12),
        /// How long they talked, in seconds.
        talk_seconds: Option<i64> => integer(0, LONGEST_SECONDS).server_set().detail().label("Talk in seconds", "通话时长（秒）").example(180),
        /// How the call ended; null while it goes on. A call in which nobody talked has the status `cancelled`, one that goes on
        /// `planned`.
        call_outcome: Option<CallOutcome> => choice(CallOutcome::choices()).server_set().indexed().label("Call outcome", "通话结果").example("answered"),
        /// How it was found whom the call concerns: by what came with it, or by the number of the other party. Of `several` contacts with the number,
        /// the one with the latest activity was taken.
        call_match: Option<CallMatch> => choice(CallMatch::choices()).server_set().detail().label("Call match", "号码匹配").example("one"),
        /// Where the recording is.
        recording_url: Option<String> => url().server_set().detail().opaque().sensitive().label("Recording", "录音地址").example("https://pbx.example.cn/recordings/42.wav"),
        /// When the telephone system last reported on the call, by its own clock.
        reported_at: Option<Timestamp> => datetime().server_set().detail().label("Reported at", "上报时间").example("2026-03-01T08:03:12.000Z"),
        /// The users mentioned in the body.
        mention_ids: Vec<Id> => structure(&MENTIONS).default(json!([])).server_set().detail().label("Mentions", "提及").example(json!([])),
    }
    extend |object| concerned::with_relations(object)
        .relations([
            Relation { name: "ticket", target: "ticket", reach: Reach::ToOne { field: "ticket_id" } },
            Relation { name: "work_order", target: "work_order", reach: Reach::ToOne { field: "work_order_id" } },
        ])
        .titled("subject")
        .open_while("status", &["planned"])
        .ordered_by([falling("occurred_at")])
        .read_with(["customers", "contacts", "opportunities", "leads"])
        .rule(concerned::in_step)
        .rule(subject_from_body)
        .rule(find_mentions)
        .rule(times_fit)
}

/// Whether we reached out to whom it concerns: what is done, not planned, and was begun by us; a note reaches nobody.
#[must_use]
pub fn reaches_out(activity: &Record<Activity>) -> bool {
    let ours = activity.get(Activity::direction) != Some(Direction::Inbound);
    ours && activity.get(Activity::kind) != Some(ActivityKind::Note) && is_done(activity)
}

/// Whether it is a reply of whom it concerns: a call, email or message that came in.
#[must_use]
pub fn is_reply(activity: &Record<Activity>) -> bool {
    let answers = activity.get(Activity::kind).is_some_and(|kind| match kind {
        ActivityKind::Call | ActivityKind::Email | ActivityKind::Message => true,
        ActivityKind::Visit | ActivityKind::Meeting | ActivityKind::Note => false,
    });
    answers && activity.get(Activity::direction) == Some(Direction::Inbound) && is_done(activity)
}

fn is_done(activity: &Record<Activity>) -> bool {
    activity.get(Activity::status) == Some(ActivityStatus::Done) && !activity.is_archived()
}

fn subject_from_body(draft: &mut Draft<'_, Activity>) {
    if !draft.after.is_null(Activity::subject) {
        return;
    }
    let body = mentions::plain(draft.after.get(Activity::body).unwrap_or_default());
    let line = body.lines().map(|line| line.trim_start_matches(['#', '>', '-', '*', ' ']).trim()).find(|line| !line.is_empty());
    match line {
        Some(line) => draft.after.set(Activity::subject, line.chars().take(80).collect::<String>()),
        None => draft.fault(Activity::subject.pointer(), FaultCode::Required),
    }
}

fn find_mentions(draft: &mut Draft<'_, Activity>) {
    if draft.before.is_none() || draft.changes(Activity::body) {
        let ids = mentions::of(draft.after.get(Activity::body).unwrap_or_default());
        draft.after.set(Activity::mention_ids, ids);
    }
}

/// Begin, end and length fit each other and the status.
fn times_fit(draft: &mut Draft<'_, Activity>) {
    let begin = draft.after.get(Activity::occurred_at).unwrap_or(draft.now);
    draft.after.set(Activity::occurred_at, begin);
    let (end_told, length_told) = (draft.changes(Activity::ends_at), draft.changes(Activity::duration_seconds));
    let (end, length) = (draft.after.get(Activity::ends_at), draft.after.get(Activity::duration_seconds));
    let end = if !end_told && (length_told || draft.changes(Activity::occurred_at)) {
        length.map(|seconds| begin.plus_seconds(seconds))
    } else {
        end
    };
    if let Some(end) = end.filter(|end| *end < begin) {
        draft.faults.add(Fault::new(Activity::ends_at.pointer(), FaultCode::TooEarly).with("min", begin));
        draft.after.set(Activity::ends_at, end);
        return;
    }
    let seconds = end.map(|end| (end.milliseconds() - begin.milliseconds()) / 1000);
    if let Some(seconds) = seconds.filter(|seconds| *seconds > LONGEST_SECONDS) {
        let latest = begin.plus_seconds(LONGEST_SECONDS);
        draft.faults.add(Fault::new(Activity::ends_at.pointer(), FaultCode::TooLate).with("max", latest));
        draft.after.set(Activity::duration_seconds, seconds);
        return;
    }
    if end_told && length_told && length.is_some() && length != seconds {
        let fault = Fault::new(Activity::duration_seconds.pointer(), FaultCode::Conflicting);
        draft.faults.add(fault.with("other", Activity::ends_at.name()));
    }
    draft.after.set(Activity::ends_at, end);
    draft.after.set(Activity::duration_seconds, seconds);
    let ahead = begin > draft.now;
    match draft.after.get(Activity::status) {
        None => draft.after.set(Activity::status, if ahead { ActivityStatus::Planned } else { ActivityStatus::Done }),
        Some(ActivityStatus::Done) if ahead && (draft.changes(Activity::status) || draft.changes(Activity::occurred_at)) => {
            draft.faults.add(Fault::new(Activity::occurred_at.pointer(), FaultCode::TooLate).with("max", draft.now));
        }
        Some(ActivityStatus::Done | ActivityStatus::Planned | ActivityStatus::Cancelled) => {}
    }
}

/// When a record was active by this activity; none where it does not count.
#[must_use]
pub fn counts_at(activity: &Record<Activity>) -> Option<Timestamp> {
    activity.get(Activity::occurred_at).filter(|_| is_done(activity))
}
