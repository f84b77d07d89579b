//! A year at the service desk: tickets with what was said, done and promised, each step at its own time, written as the API writes it, so
//! that ledgers, clocks and breaches are what they would have been.

use std::sync::Arc;

use farley_domain::{
    model::{entity::Entity, object::Object},
    service::{
        calendar::Calendar,
        clock::StatusKind,
        queue::Queue,
        sla_policy::SlaPolicy,
        ticket::{Ticket, first_status},
        ticket_category::TicketCategory,
        ticket_message::TicketMessage,
        ticket_status::TicketStatus,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Origin, Store, TenantKey, Work};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    Error, Options,
    base::{Base, Owner},
    dice::Dice,
    origin,
};
use crate::{
    access::principal::{self, Principal},
    http::problem::{Problem, describe},
    records::{lookup, named::Named, write::Writer},
    service::timers,
};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// How many tickets are written in one transaction.
const TOGETHER: u64 = 16;
/// How many transactions are under way at once.
const AT_ONCE: usize = 4;
/// Whose dice: those of tickets fall otherwise than those of customers.
const THROWN: u64 = 0x7_1c_ce_75;

/// Somebody who may ask for help.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    pub customer: Id,
    pub contact: Option<Id>,
    /// Whether they write Chinese.
    pub is_chinese: bool,
}

/// What tickets are about: the category, the kind, the subject in Chinese and in English, the solution in both, the cause.
type Matter = (usize, &'static str, [&'static str; 2], [&'static str; 2], &'static str);

#[rustfmt::skip]
const MATTERS: [(u32, Matter); 12] = [
    (14, (0, "incident", ["服务器无法启动", "Server does not start"], ["更换电源模块后恢复正常", "Replaced the power supply"], "电源故障 / Power supply")),
    (10, (0, "incident", ["磁盘告警", "Disk alarm"], ["更换故障磁盘并重建阵列", "Replaced the disk and rebuilt the array"], "磁盘老化 / Worn disk")),
    (8, (0, "request", ["申请现场巡检", "On-site inspection"], ["已完成巡检并提交报告", "Inspected and reported"], "例行 / Routine")),
    (9, (1, "incident", ["交换机端口频繁掉线", "Switch port keeps dropping"], ["升级固件并更换网线", "Updated the firmware and replaced the cable"], "固件缺陷 / Firmware")),
    (7, (1, "question", ["如何配置 VPN 双因素认证", "How to set up two-factor VPN"], ["已发送配置指南", "Sent the guide"], "使用咨询 / How to")),
    (12, (2, "incident", ["报表页面打开很慢", "Reports load slowly"], ["增加索引并清理缓存", "Added an index and cleared the cache"], "性能 / Performance")),
    (10, (2, "question", ["如何导出历史数据", "How to export old data"], ["说明了导出步骤", "Explained the export"], "使用咨询 / How to")),
    (6, (2, "request", ["增加用户账号", "More user accounts"], ["已开通账号", "Accounts created"], "例行 / Routine")),
    (8, (3, "complaint", ["到货延迟", "Late delivery"], ["协调物流，已送达并致歉", "Delivered with an apology"], "物流 / Logistics")),
    (6, (3, "return", ["收到的型号不对", "Wrong model received"], ["已换货", "Exchanged"], "发货错误 / Wrong item")),
    (6, (4, "question", ["发票抬头修改", "Change the name on an invoice"], ["已重开发票", "Issued a new invoice"], "开票 / Invoicing")),
    (4, (4, "complaint", ["账单金额有误", "Wrong amount on a bill"], ["已更正账单", "Corrected the bill"], "开票 / Invoicing")),
];

/// A category with the queue it leads to.
const CATEGORIES: [(&str, usize); 5] =
    [("硬件 / Hardware", 0), ("网络 / Network", 0), ("软件 / Software", 1), ("交付 / Delivery", 2), ("账务 / Billing", 2)];
const QUEUES: [&str; 3] = ["硬件支持 / Hardware support", "软件支持 / Software support", "客户关怀 / Customer care"];

/// What the desk has to work with.
#[derive(Clone)]
struct Desk {
    categories: Vec<Id>,
    statuses: [Id; 4],
    /// The agents, each a member of one queue or two.
    agents: Vec<Owner>,
}

/// The kinds of the statuses that tickets are moved to, in the order of [`Desk::statuses`].
const MOVES: [StatusKind; 4] =
    [StatusKind::WaitingCustomer, StatusKind::WaitingThirdParty, StatusKind::Solved, StatusKind::Closed];

impl From<Problem> for Error {
    fn from(problem: Problem) -> Error {
        match problem.inside() {
            Some(_) => Error::Interrupted,
            None => Error::Faults(describe(&problem)),
        }
    }
}

/// Fills a tenant with a year of tickets; how many there are with how many messages.
pub async fn fill(
    store: &Store,
    tenant: TenantKey,
    base: &Arc<Base>,
    options: &Options,
    askers: Vec<Asker>,
    progress: impl Fn(u64),
) -> Result<(u64, u64), Error> {
    if options.tickets == 0 || askers.is_empty() {
        return Ok((0, 0));
    }
    let opened = options.now.plus_seconds(-366 * DAY);
    let agents = base.owners.get(super::base::DESK).cloned().unwrap_or_default();
    let made = store.write::<_, Problem>(tenant, Origin::system(opened), move |work| make_desk(work, opened, &agents)).await?;
    let (desk, askers) = (Arc::new(made), Arc::new(askers));
    let mut writes = JoinSet::new();
    let (mut tickets, mut messages, mut next) = (0, 0, 0);
    while next < options.tickets || !writes.is_empty() {
        while next < options.tickets && writes.len() < AT_ONCE {
            let numbers = next..options.tickets.min(next + TOGETHER);
            next = numbers.end;
            let (store, desk, askers, options) = (store.clone(), Arc::clone(&desk), Arc::clone(&askers), options.clone());
            writes.spawn(async move {
                let work = move |work: &mut Work<'_>| live(work, &desk, &askers, &options, numbers.clone());
                store.write::<_, Problem>(tenant, Origin::system(opened), work).await
            });
        }
        if let Some(ended) = writes.join_next().await {
            let (some, said) = ended.map_err(|_| Error::Interrupted)??;
            tickets += some;
            messages += said;
            progress(tickets);
        }
    }
    Ok((tickets, messages))
}

fn writer(work: &mut Work<'_>, object: &'static Object, now: Timestamp) -> Result<Writer, Problem> {
    let principal: Arc<Principal> = Arc::new(principal::system(work.reader())?);
    Ok(Writer { principal, object, now, parent: None, quiet: true })
}

/// Queues, categories, hours and promises.
fn make_desk(work: &mut Work<'_>, now: Timestamp, agents: &[Owner]) -> Result<Desk, Problem> {
    let own = writer(work, Queue::object(), now)?;
    let create = |work: &mut Work<'_>, object: &'static Object, body: &Value| {
        own.on(object).create(work, body).map(|(record, _)| record.id())
    };
    let manager = agents.first().map(|agent| agent.user);
    let mut queues = Vec::new();
    for (number, name) in QUEUES.iter().enumerate() {
        let members: Vec<Id> =
            agents.iter().enumerate().filter(|(place, _)| place % 3 != number).map(|(_, agent)| agent.user).collect();
        queues.push(create(work, Queue::object(), &json!({"name": name, "agent_ids": members, "manager_id": manager}))?);
    }
    let mut categories = Vec::new();
    for (name, queue) in CATEGORIES {
        categories.push(create(work, TicketCategory::object(), &json!({"name": name, "queue_id": queues[queue]}))?);
    }
    let day = json!([["08:30", "12:00"], ["13:00", "20:00"]]);
    let week = json!({"mon": day, "tue": day, "wed": day, "thu": day, "fri": day, "sat": [["09:00", "17:00"]]});
    let calendar = create(work, Calendar::object(), &json!({"name": "服务台 / Service desk", "week": week}))?;
    let target = |clock: &str, priority: &str, minutes: i64| {
        let mut target = json!({"clock": clock, "priority": priority, "minutes": minutes, "business": true});
        if clock == "total_resolution" {
            target["pause_in"] = json!(["waiting_customer", "waiting_third_party"]);
        }
        target
    };
    let mut targets = Vec::new();
    for (priority, response, resolution) in [("urgent", 30, 480), ("high", 60, 960), ("normal", 120, 1_920), ("low", 240, 2_880)]
    {
        targets.push(target("first_response", priority, response));
        targets.push(target("next_response", priority, 2 * response));
        targets.push(target("total_resolution", priority, resolution));
    }
    create(
        work,
        SlaPolicy::object(),
        &json!({"name": "标准服务 / Standard service", "calendar_id": calendar, "targets": targets}),
    )?;
    let known = lookup::all::<TicketStatus>(work.reader())?;
    let status = |kind: StatusKind| {
        first_status(&known, kind).map(|status| status.id()).ok_or_else(|| Problem::internal("a kind of status is missing"))
    };
    let statuses = [status(MOVES[0])?, status(MOVES[1])?, status(MOVES[2])?, status(MOVES[3])?];
    Ok(Desk { categories, statuses, agents: agents.to_vec() })
}

/// What happens to a ticket.
enum Deed {
    Assign(Owner),
    Message(&'static str, String),
    Change(Value),
}

/// Lets some tickets live; how many, and how many messages they have.
fn live(
    work: &mut Work<'_>,
    desk: &Desk,
    askers: &[Asker],
    options: &Options,
    numbers: std::ops::Range<u64>,
) -> Result<(u64, u64), Problem> {
    let own = writer(work, Ticket::object(), options.now)?;
    let (mut tickets, mut messages) = (0, 0);
    for number in numbers {
        let mut dice = Dice::of(options.seed ^ THROWN, number);
        let opened = moment(&mut dice, options, number);
        let (body, deeds) = life(&mut dice, desk, *dice_of(askers, options.seed, number), opened);
        work.go_on_as(origin(None, opened));
        let made = Writer { now: opened, ..own.clone() };
        let id = made.create(work, &body)?.0.id();
        tickets += 1;
        let mut agent = None;
        for (at, deed) in deeds.into_iter().take_while(|(at, _)| *at <= options.now) {
            timers::tell_past(work, id, at)?;
            let now = Writer { now: at, ..own.clone() };
            match deed {
                Deed::Assign(owner) => {
                    agent = Some(owner);
                    work.go_on_as(origin(agent, at));
                    patch(work, &now, id, &json!({"owner_id": owner.user}))?;
                }
                Deed::Message(kind, text) => {
                    work.go_on_as(origin(agent.filter(|_| kind != "incoming"), at));
                    let parent = Some(Named::Id(id));
                    let body = json!({"kind": kind, "body": text});
                    Writer { parent, ..now.on(TicketMessage::object()) }.create(work, &body)?;
                    messages += 1;
                }
                Deed::Change(change) => {
                    work.go_on_as(origin(agent, at));
                    patch(work, &now, id, &change)?;
                }
            }
        }
        timers::tell_past(work, id, options.now)?;
    }
    Ok((tickets, messages))
}

fn patch(work: &mut Work<'_>, writer: &Writer, id: Id, change: &Value) -> Result<(), Problem> {
    let loaded = writer.load(work, &Named::Id(id), farley_domain::identity::access::Action::Update)?;
    writer.patch(work, &loaded, change).map(drop)
}

/// Some customers ask more often than others.
fn dice_of(askers: &[Asker], seed: u64, number: u64) -> &Asker {
    let mut dice = Dice::of(seed.wrapping_add(1) ^ THROWN, number);
    let few = askers.len().div_ceil(5);
    if dice.chance(50) { dice.pick(&askers[..few]) } else { dice.pick(askers) }
}

/// When a ticket came in: more and more over the year, mostly by day; the last ones lately.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "seconds of a year fit a float exactly")]
fn moment(dice: &mut Dice, options: &Options, number: u64) -> Timestamp {
    let grown = ((number as f64 + dice.share()) / options.tickets as f64).powf(0.8);
    let since = (365.0 * DAY as f64 * grown) as i64;
    let at = options.now.plus_seconds(since - 365 * DAY);
    if dice.chance(15) {
        return at.min(options.now);
    }
    // From 8 to 20 in Shanghai, which is from 0 to 12 in UTC.
    let seconds = at.milliseconds() / 1_000;
    let day = seconds.div_euclid(DAY) * DAY;
    Timestamp::from_milliseconds((day + (seconds - day) / 2) * 1_000).min(options.now)
}

/// The ticket and what becomes of it, in the order of time.
fn life(dice: &mut Dice, desk: &Desk, asker: Asker, opened: Timestamp) -> (Value, Vec<(Timestamp, Deed)>) {
    let (category, kind, subject, solution, cause) = *dice.weighted(&MATTERS);
    let say = |both: [&'static str; 2]| both[usize::from(!asker.is_chinese)];
    let channel = *dice.weighted(&[(34, "email"), (30, "phone"), (18, "chat"), (12, "web_form"), (6, "in_person")]);
    let priority = *dice.weighted(&[(5, "urgent"), (18, "high"), (55, "normal"), (22, "low")]);
    let body = json!({
        "subject": say(subject), "customer_id": asker.customer, "contact_id": asker.contact, "kind": kind, "channel": channel,
        "priority": priority, "category_id": desk.categories[category], "opened_at": opened,
    });
    let [waiting, third, solved, closed] = desk.statuses;
    let mut at = opened;
    let mut deeds = Vec::new();
    let mut after = |dice: &mut Dice, low: i64, high: i64| {
        at = at.plus_seconds(dice.between(low, high));
        at
    };
    if desk.agents.is_empty() {
        return (body, deeds);
    }
    let agent = *dice.pick(&desk.agents);
    deeds.push((after(dice, 2 * MINUTE, 45 * MINUTE), Deed::Assign(agent)));
    let (low, high) = *dice.weighted(&[(72, (4 * MINUTE, 40 * MINUTE)), (18, (HOUR, 5 * HOUR)), (10, (8 * HOUR, 30 * HOUR))]);
    let reply = |text: [&'static str; 2]| Deed::Message("reply", say(text).to_owned());
    deeds.push((after(dice, low, high), reply(["您好，已收到您的请求，正在处理。", "Thank you, we are looking into it."])));
    if dice.chance(45) {
        deeds.push((
            after(dice, MINUTE, 10 * MINUTE),
            reply(["请补充一下型号和截图。", "Please send us the model and a screenshot."]),
        ));
        deeds.push((after(dice, 1, 60), Deed::Change(json!({"status_id": waiting}))));
        deeds.push((
            after(dice, HOUR, 30 * HOUR),
            Deed::Message("incoming", say(["已发送，请查收。", "Here they are."]).to_owned()),
        ));
        deeds.push((after(dice, 10 * MINUTE, 4 * HOUR), reply(["收到，谢谢。", "Got it, thank you."])));
    }
    if dice.chance(12) {
        deeds.push((after(dice, MINUTE, HOUR), Deed::Change(json!({"status_id": third}))));
        deeds.push((after(dice, 4 * HOUR, 60 * HOUR), Deed::Message("note", "备件已到 / The part has arrived".to_owned())));
    }
    let solve = || Deed::Change(json!({"status_id": solved, "resolution": say(solution), "cause": cause}));
    let (low, high) =
        *dice.weighted(&[(60, (20 * MINUTE, 8 * HOUR)), (30, (8 * HOUR, 48 * HOUR)), (10, (48 * HOUR, 200 * HOUR))]);
    // Some are never settled.
    if dice.chance(2) {
        return (body, deeds);
    }
    deeds.push((after(dice, low, high), solve()));
    if dice.chance(8) {
        deeds.push((
            after(dice, 3 * HOUR, 70 * HOUR),
            Deed::Message("incoming", say(["问题又出现了。", "It happens again."]).to_owned()),
        ));
        deeds.push((after(dice, 15 * MINUTE, 6 * HOUR), reply(["抱歉，我们再检查一次。", "Sorry, we will check again."])));
        deeds.push((after(dice, HOUR, 40 * HOUR), solve()));
    }
    if dice.chance(80) {
        deeds.push((after(dice, 2 * DAY, 7 * DAY), Deed::Change(json!({"status_id": closed}))));
    }
    (body, deeds)
}
