//! `/v1/work-orders`: visits at customers, from the ticket to the signature.

use std::collections::BTreeMap;

use farley::http::clock;
use farley_domain::values::time::Timestamp;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::{TestDb, new_id},
};

/// A time so many minutes ahead, or ago.
fn ahead(minutes: i64) -> String {
    clock::now().plus_seconds(60 * minutes).to_string()
}

/// A Monday in 2030, in Shanghai, so many minutes after midnight.
fn monday(minutes: i64) -> Timestamp {
    Timestamp::parse("2030-03-03T16:00:00Z").unwrap().plus_seconds(60 * minutes)
}

async fn technician(server: &Server, admin: &Client, name: &str, more: Value) -> Client {
    server.user(admin, name, "service_technician", more).await
}

async fn event_types(client: &Client, record: &str) -> Vec<String> {
    let mut types = client.list(&format!("/v1/work-orders/{record}/history?limit=200"), "type").await;
    types.reverse();
    types
}

fn path(order: &str) -> String {
    format!("/v1/work-orders/{order}")
}

async fn act(client: &Client, order: &str, action: &str, body: Value) -> crate::client::Answer {
    client.post(&format!("{}/{action}", path(order)), body).await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

pub async fn a_ticket_becomes_a_visit_that_is_done(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let agent = server.user(&admin, "agent", "service_agent", json!({})).await;
    let technician = technician(&server, &admin, "wang", json!({})).await;
    let office = json!({"region": "广东省", "city": "深圳市", "district": "龙岗区", "street": "坂田街道 1 号"});
    let customer = admin.create("customers", json!({"name": "华为技术有限公司", "addresses": [office]})).await;
    let contact = json!({"name": "李伟", "customers": [{"customer_id": customer, "primary": true}]});
    let contact = admin.create("contacts", contact).await;
    let ticket = json!({"subject": "打印机无法开机", "description": "三楼", "contact_id": contact, "priority": "high"});
    let ticket = admin.create("tickets", ticket).await;
    let made = agent.post("/v1/work-orders", json!({"ticket_id": ticket})).await.ok(201);
    let order = text(&made["id"]).to_owned();
    assert_eq!((&made["subject"], &made["description"]), (&json!("打印机无法开机"), &json!("三楼")));
    assert_eq!((&made["customer_id"], &made["contact_id"]), (&json!(customer), &json!(contact)));
    assert_eq!(
        (&made["priority"], &made["status"], &made["number"]),
        (&json!("high"), &json!("unscheduled"), &json!("WO-000001"))
    );
    assert_eq!(made["address"]["street"], "坂田街道 1 号", "the contact has none, so that of the customer");
    assert_eq!(made["owner_id"], Value::Null, "nobody's until it is scheduled");
    // What is said is not taken over, and of another customer the contact is another's.
    let other = admin.create("customers", json!({"name": "Acme"})).await;
    let own = json!({"ticket_id": ticket, "subject": "Own", "customer_id": other, "address": {"city": "München"}});
    let own = agent.post("/v1/work-orders", own).await.ok(201);
    assert_eq!((&own["subject"], &own["contact_id"], &own["address"]["city"]), (&json!("Own"), &Value::Null, &json!("München")));
    assert_eq!(agent.post("/v1/work-orders", json!({})).await.faults(422), pairs(&[("/subject", "required")]));

    // Both ends know each other.
    assert_eq!(admin.list("/v1/tickets?work_orders.status=unscheduled&fields=id", "id").await, std::slice::from_ref(&ticket));
    let count = admin.get(&format!("/v1/tickets/{ticket}?fields=open_work_order_count")).await.ok(200);
    assert_eq!(count["open_work_order_count"], 2);
    let count = admin.get(&format!("/v1/customers/{customer}?fields=open_work_order_count")).await.ok(200);
    assert_eq!(count["open_work_order_count"], 1);
    assert_eq!(admin.list("/v1/work-orders?ticket.priority=high&customer.name=Acme&fields=subject", "subject").await, ["Own"]);

    // Parts are named after their products and keep their order.
    let product = admin.create("products", json!({"name": "24V 电源"})).await;
    let parts = format!("{}/parts", path(&order));
    let part = agent.post(&parts, json!({"product_id": product})).await.ok(201);
    assert_eq!((&part["name"], &part["quantity_planned"], &part["quantity_used"]), (&json!("24V 电源"), &json!(1), &Value::Null));
    let unplanned = agent.post(&parts, json!({"name": "螺丝", "quantity_used": 4, "unit": "个"})).await.ok(201);
    assert_eq!((&unplanned["quantity_planned"], &unplanned["sort_order"]), (&json!(0), &json!(2)));
    assert_eq!(agent.post(&parts, json!({"quantity_used": -1})).await.faults(422), pairs(&[("/quantity_used", "too_small")]));
    assert_eq!(agent.post(&parts, json!({})).await.faults(422), pairs(&[("/name", "required")]));
    let items = format!("{}/checklist-items", path(&order));
    let mut ids = Vec::new();
    for (item, required) in [("断电后再拆机", true), ("输出电压", true), ("清洁外壳", false)] {
        let item = agent.post(&items, json!({"text": item, "is_required": required})).await.ok(201);
        ids.push(text(&item["id"]).to_owned());
    }

    // The way there and back.
    let plan = json!({"owner_id": technician.id, "scheduled_from": ahead(30), "scheduled_to": ahead(120)});
    let planned = act(&agent, &order, "schedule", plan).await.ok(200);
    assert_eq!((&planned["status"], &planned["owner_id"]), (&json!("scheduled"), &json!(technician.id)));
    let told = technician.get("/v1/notifications").await.ok(200);
    assert_eq!((&told["data"][0]["kind"], &told["data"][0]["record_id"]), (&json!("assigned"), &json!(order)));
    let moved = json!({"scheduled_from": ahead(60)});
    let planned = act(&agent, &order, "schedule", moved).await.ok(200);
    assert_eq!(planned["owner_id"], technician.id, "who had it");
    let told = technician.get("/v1/notifications").await.ok(200);
    assert_eq!((&told["data"][0]["kind"], &told["data"].as_array().unwrap().len()), (&json!("rescheduled"), &2));
    act(&technician, &order, "check-out", json!({})).await.refused(409, "state_conflict");
    let left = act(&technician, &order, "depart", json!({"at": ahead(-100)})).await.ok(200);
    assert_eq!((&left["status"], &left["departure"]["position"]), (&json!("travelling"), &Value::Null));
    let here = json!({"latitude": 22.543_096_000_000_01, "longitude": 114.057_865, "accuracy_m": 12.5});
    let came = ahead(-90);
    let there = act(&technician, &order, "check-in", json!({"at": came, "position": here})).await.ok(200);
    assert_eq!((&there["status"], &there["checked_in_at"]), (&json!("in_progress"), &json!(came)));
    assert_eq!(there["check_in"]["position"], json!({"latitude": 22.543_096, "longitude": 114.057_865, "accuracy_m": 12.5}));
    assert_eq!((&there["check_in"]["at"], &there["check_in"]["user_id"]), (&json!(came), &json!(technician.id)));
    assert!(text(&there["check_in"]["recorded_at"]) > came.as_str(), "beside the time of the server");
    act(&technician, &order, "check-in", json!({})).await.refused(409, "state_conflict");
    act(&agent, &order, "schedule", json!({"scheduled_from": ahead(60)})).await.refused(409, "state_conflict");
    // Another visit follows the first, and both count.
    let went = act(&technician, &order, "check-out", json!({"at": ahead(-60)})).await.ok(200);
    assert_eq!((&went["on_site_seconds"], &went["status"]), (&json!(1_800), &json!("in_progress")));
    let again = act(&technician, &order, "check-in", json!({"at": ahead(-40)})).await.ok(200);
    assert_eq!((&again["checked_out_at"], &again["check_out"]), (&Value::Null, &Value::Null));

    // All that is required is done first.
    let answer = technician.post(&format!("{}/complete", path(&order)), json!({"signed_at": ahead(0)}));
    let problem = answer.header("Accept-Language", "zh-CN").await.refused(422, "rule_violated");
    let faults: Vec<(&str, &str)> =
        problem["errors"].as_array().unwrap().iter().map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect();
    let at = |item: &str| format!("/checklist_items/{item}");
    assert_eq!(faults, [(&*at(&ids[0]), "open_item"), (&*at(&ids[1]), "open_item"), ("/signed_by", "required")]);
    assert_eq!(problem["errors"][0]["message"], "必检项“断电后再拆机”尚未完成");
    let ticked = technician.patch(&format!("{items}/{}", ids[0]), json!({"is_done": true})).await.ok(200);
    assert_eq!((&ticked["done_by_id"], ticked["done_at"].is_string()), (&json!(technician.id), true));
    let unticked = technician.patch(&format!("{items}/{}", ids[0]), json!({"is_done": false})).await.ok(200);
    assert_eq!((&unticked["done_by_id"], &unticked["done_at"]), (&Value::Null, &Value::Null));
    technician.patch(&format!("{items}/{}", ids[0]), json!({"is_done": true})).await.ok(200);
    let answered = technician.patch(&format!("{items}/{}", ids[1]), json!({"answer": "24.1V"})).await.ok(200);
    assert_eq!(answered["is_done"], true);
    let upload = |name: &str| technician.request(Method::POST, &format!("/v1/files?name={name}")).body("image/png", "drawn");
    let signature = upload("signature.png").await.ok(201);
    // A photo is a file of the work order.
    let photo = format!("/v1/files?name=photo.png&object=work_order&record_id={order}");
    technician.request(Method::POST, &photo).body("image/png", "seen").await.ok(201);
    let foreign = admin.request(Method::POST, "/v1/files?name=x").body("text/plain", "x").await.ok(201);
    let signed = json!({"signature_file_id": foreign["id"], "signed_by": "李伟"});
    let faults = act(&technician, &order, "complete", signed).await.faults(422);
    assert_eq!(faults, pairs(&[("/signature_file_id", "reference_not_found")]));
    let done = json!({"resolution": "已更换电源", "signature_file_id": signature["id"], "signed_by": "李伟", "at": ahead(-5)});
    let tried = technician.post(&format!("{}/complete?validate_only=true", path(&order)), done.clone()).await;
    assert_eq!(tried.ok(200)["status"], "completed");
    assert_eq!(admin.get(&path(&order)).await.ok(200)["status"], "in_progress", "it was only tried");
    let stale = technician.post(&format!("{}/complete", path(&order)), done.clone()).header("If-Match", "\"v1\"").await;
    stale.refused(412, "version_mismatch");
    let send = || technician.post(&format!("{}/complete", path(&order)), done.clone()).header("Idempotency-Key", "done");
    let completed = send().await.ok(200);
    assert_eq!(send().await.ok(200), completed, "replayed");
    assert_eq!((&completed["status"], &completed["closed_at"]), (&json!("completed"), &done["at"]));
    assert_eq!((&completed["signed_by"], &completed["signed_at"]), (&json!("李伟"), &done["at"]));
    let mut files = admin.names(&format!("/v1/files?record_id={order}")).await;
    files.sort_unstable();
    assert_eq!(files, ["photo.png", "signature.png"]);
    let out = act(&technician, &order, "check-out", json!({"at": ahead(-1)})).await.ok(200);
    let second = (out["on_site_seconds"].as_i64().unwrap() - 1_800) / 60;
    assert!((38..=39).contains(&second), "both visits are added up: {second}");
    // What was signed stays.
    technician.patch(&format!("{items}/{}", ids[2]), json!({"is_done": true})).await.refused(409, "state_conflict");
    assert_eq!(
        event_types(&admin, &order).await,
        ["created", "scheduled", "scheduled", "departed", "checked_in", "checked_out", "checked_in", "completed", "checked_out"]
            .map(|verb| format!("work_order.{verb}"))
    );
    let shown = admin.get(&format!("{}?expand=parts,checklist_items,signature,ticket", path(&order))).await.ok(200);
    assert_eq!(shown["parts"].as_array().unwrap().len(), 2);
    assert_eq!(shown["checklist_items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect::<Vec<_>>(), ids);
    assert_eq!((&shown["signature"]["name"], &shown["ticket"]["id"]), (&json!("signature.png"), &json!(ticket)));
    let note = json!({"kind": "note", "body": "客户很满意", "work_order_id": order});
    technician.create("activities", note).await;
    assert_eq!(admin.list("/v1/work-orders?activities.kind=note&fields=id", "id").await, std::slice::from_ref(&order));

    let problem = act(&technician, &order, "cancel", json!({"reason": "x"})).await.refused(409, "state_conflict");
    assert_eq!(problem["allowed"], json!(["reopen"]));
    let reopened = act(&agent, &order, "reopen", json!({})).await.ok(200);
    assert_eq!(
        (&reopened["status"], &reopened["scheduled_from"], &reopened["closed_at"]),
        (&json!("unscheduled"), &Value::Null, &Value::Null)
    );
    assert_eq!(
        (&reopened["signed_by"], &reopened["signature_file_id"], &reopened["reopen_count"]),
        (&Value::Null, &Value::Null, &json!(1))
    );
    assert_eq!((&reopened["on_site_seconds"], &reopened["check_in"]), (&out["on_site_seconds"], &Value::Null));
    assert_eq!(act(&agent, &order, "cancel", json!({})).await.faults(400), pairs(&[("/reason", "required")]));
    let cancelled = act(&agent, &order, "cancel", json!({"reason": "客户取消"})).await.ok(200);
    assert_eq!(
        (&cancelled["status"], &cancelled["reason"], cancelled["closed_at"].is_string()),
        (&json!("cancelled"), &json!("客户取消"), true)
    );
    let own = text(&own["id"]);
    act(&agent, own, "cannot-complete", json!({"reason": "x"})).await.refused(409, "state_conflict");
    act(&agent, own, "schedule", json!({"owner_id": technician.id, "scheduled_from": ahead(600)})).await.ok(200);
    let given_up = act(&technician, own, "cannot-complete", json!({"reason": "客户不在现场"})).await.ok(200);
    assert_eq!((&given_up["status"], &given_up["reason"]), (&json!("cannot_complete"), &json!("客户不在现场")));
}

pub async fn nobody_is_in_two_places(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (wang, li) = (technician(&server, &admin, "wang", json!({})).await, technician(&server, &admin, "li", json!({})).await);
    let mut orders = Vec::new();
    for number in 0..4 {
        orders.push(admin.create("work-orders", json!({"subject": format!("o{number}"), "duration_minutes": 90})).await);
    }
    let plan = |owner: &Client, from: i64| json!({"owner_id": owner.id, "scheduled_from": monday(from).to_string()});
    act(&admin, &orders[0], "schedule", plan(&wang, 540)).await.ok(200);
    for from in [451, 540, 629] {
        let problem = act(&admin, &orders[1], "schedule", plan(&wang, from)).await.refused(409, "technician_busy");
        let conflict = json!([{"id": orders[0], "number": "WO-000001", "subject": "o0",
            "scheduled_from": monday(540).to_string(), "scheduled_to": monday(630).to_string()}]);
        assert_eq!(problem["conflicts"], conflict, "{from}");
    }
    // One after the other is no overlap, nor are two technicians at one time.
    act(&admin, &orders[1], "schedule", plan(&wang, 630)).await.ok(200);
    act(&admin, &orders[2], "schedule", plan(&wang, 450)).await.ok(200);
    act(&admin, &orders[3], "schedule", plan(&li, 560)).await.ok(200);
    // It may be moved over its own time.
    act(&admin, &orders[3], "schedule", plan(&li, 600)).await.ok(200);
    // By no other way either.
    let given = admin.patch(&path(&orders[3]), json!({"owner_id": wang.id})).await.refused(409, "technician_busy");
    assert_eq!(given["conflicts"].as_array().unwrap().len(), 2, "{given}");
    assert_eq!(admin.patch(&path(&orders[3]), json!({"owner_id": null})).await.faults(422), pairs(&[("/owner_id", "required")]));
    let busy = admin.post(&path(&orders[3]).replace(&orders[3], ""), json!({})).await;
    assert_eq!(busy.status, 404);
    let handover = json!({"user_ids": [wang.id], "objects": ["work_order"]});
    let handed = admin.post(&format!("/v1/users/{}/handover", li.id), handover).await.ok(200);
    assert_eq!((&handed["refused"][0]["problem"]["code"], &handed["handed_over"]), (&json!("technician_busy"), &json!([])));
    let mut told = plan(&wang, 600);
    told["allow_overlap"] = json!(true);
    assert_eq!(act(&admin, &orders[3], "schedule", told).await.ok(200)["overlap_allowed"], true);
    // What is done, cancelled, taken off the plan or archived takes no time.
    act(&admin, &orders[3], "unschedule", json!({})).await.ok(200);
    act(&admin, &orders[2], "schedule", plan(&wang, 600)).await.refused(409, "technician_busy");
    admin.delete(&path(&orders[1])).await.ok(204);
    act(&admin, &orders[0], "cancel", json!({"reason": "x"})).await.ok(200);
    act(&admin, &orders[2], "schedule", plan(&wang, 600)).await.ok(200);
    admin.post(&format!("{}/restore", path(&orders[1])), json!({})).await.refused(409, "technician_busy");
    act(&admin, &orders[2], "complete", json!({})).await.ok(200);
    admin.post(&format!("{}/restore", path(&orders[1])), json!({})).await.ok(200);

    // Of several at once one wins, whatever they are and whoever asks.
    for round in 0..6 {
        let day = monday(1_440 * (round + 1));
        let mut rivals = Vec::new();
        for number in 0..4 {
            rivals.push(admin.create("work-orders", json!({"subject": format!("r{round} {number}")})).await);
        }
        let plan = |place: usize| {
            let from = day.plus_seconds(600 * i64::try_from(place).unwrap()).to_string();
            json!({"owner_id": li.id, "scheduled_from": from})
        };
        let asked = rivals.iter().enumerate().map(|(place, rival)| act(&admin, rival, "schedule", plan(place)));
        let mut statuses: Vec<u16> = join_all(asked).await.into_iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409], "round {round}");
    }
    let planned = admin.get(&format!("/v1/work-orders?owner_id={}&status=scheduled&limit=200", li.id)).await.ok(200);
    assert_eq!(planned["data"].as_array().unwrap().len(), 6);
}

pub async fn technicians_are_there_skilled_and_at_hand(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let wang = technician(&server, &admin, "wang", json!({"skills": ["ＶＰＮ", "电工"]})).await;
    let away = json!([{"user_id": wang.id, "starts_at": monday(600).to_string(), "ends_at": monday(720).to_string()}]);
    admin.create("work-schedules", json!({"name": "x", "user_ids": [wang.id], "absences": away})).await;
    let body = json!({"subject": "x", "required_skills": ["vpn", "高压"], "duration_minutes": 60,
        "window_from": monday(540).to_string(), "window_to": monday(660).to_string()});
    let order = admin.create("work-orders", body).await;
    let plan = |from: i64| json!({"owner_id": wang.id, "scheduled_from": monday(from).to_string()});
    let faults = act(&admin, &order, "schedule", plan(700)).await.faults(422);
    let expected = [("/scheduled_from", "after_window"), ("/owner_id", "missing_skills"), ("/owner_id", "technician_absent")];
    assert_eq!(faults, pairs(&expected), "all at once");
    let request = admin.post(&format!("{}/schedule", path(&order)), plan(570)).header("Accept-Language", "zh-CN");
    let problem = request.await.refused(422, "rule_violated");
    let messages: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|fault| text(&fault["message"])).collect();
    let absent = format!("{} 至 {} 缺勤", monday(600), monday(720));
    assert_eq!(messages, ["缺少所需技能：高压；指定 `allow_missing_skills` 可照样派工", &absent]);
    let mut told = plan(480);
    assert_eq!(
        act(&admin, &order, "schedule", told.clone()).await.faults(422),
        pairs(&[("/scheduled_from", "before_window"), ("/owner_id", "missing_skills")])
    );
    told["allow_missing_skills"] = json!(true);
    told["allow_outside_window"] = json!(true);
    act(&admin, &order, "schedule", told.clone()).await.ok(200);
    // Up to the absence, and after it.
    told["scheduled_from"] = json!(monday(540).to_string());
    act(&admin, &order, "schedule", told.clone()).await.ok(200);
    told["scheduled_from"] = json!(monday(720).to_string());
    act(&admin, &order, "schedule", told.clone()).await.ok(200);
    // Nobody, somebody unknown, and somebody who works here no more.
    let free = admin.create("work-orders", json!({"subject": "y"})).await;
    let at = monday(900).to_string();
    assert_eq!(
        act(&admin, &free, "schedule", json!({"scheduled_from": at})).await.faults(422),
        pairs(&[("/owner_id", "required")])
    );
    let unknown = json!({"scheduled_from": at, "owner_id": new_id()});
    assert_eq!(act(&admin, &free, "schedule", unknown).await.faults(422), pairs(&[("/owner_id", "reference_not_found")]));
    admin.post(&format!("/v1/users/{}/deactivate", wang.id), json!({})).await.ok(204);
    let gone = json!({"scheduled_from": at, "owner_id": wang.id});
    assert_eq!(act(&admin, &free, "schedule", gone).await.faults(422), pairs(&[("/owner_id", "user_deactivated")]));
    assert_eq!(
        act(&admin, &order, "schedule", told.clone()).await.faults(422),
        pairs(&[("/owner_id", "user_deactivated")]),
        "nor is it moved"
    );
    for (from, to, fault) in [
        (at.clone(), at.clone(), "too_early"),
        (at.clone(), monday(0).to_string(), "too_early"),
        (at.clone(), monday(900 + 7 * 1_440 + 1).to_string(), "too_late"),
    ] {
        let plan = json!({"owner_id": admin.id, "scheduled_from": from, "scheduled_to": to});
        assert_eq!(act(&admin, &free, "schedule", plan).await.faults(422), pairs(&[("/scheduled_to", fault)]));
    }
    assert_eq!(act(&admin, &free, "schedule", json!({})).await.faults(400), pairs(&[("/scheduled_from", "required")]));
    let window = json!({"subject": "z", "window_from": at, "window_to": at});
    assert_eq!(admin.post("/v1/work-orders", window).await.faults(422), pairs(&[("/window_to", "too_early")]));
}

pub async fn what_is_told_from_the_road_is_checked(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let order = admin.create("work-orders", json!({"subject": "x"})).await;
    act(&admin, &order, "check-in", json!({})).await.refused(409, "state_conflict");
    act(&admin, &order, "depart", json!({})).await.refused(409, "state_conflict");
    act(&admin, &order, "complete", json!({})).await.refused(409, "state_conflict");
    act(&admin, &order, "reopen", json!({})).await.refused(409, "state_conflict");
    let state = admin.post(&format!("{}/unschedule", path(&order)), json!({})).header("Accept-Language", "zh-CN").await;
    let problem = state.refused(409, "state_conflict");
    assert_eq!(problem["detail"], "记录当前状态：待派工；此时允许：schedule, cancel。");
    act(&admin, &order, "schedule", json!({"owner_id": admin.id, "scheduled_from": ahead(0)})).await.ok(200);
    let at = |latitude: Value, longitude: Value, accuracy: Value| json!({"position": {"latitude": latitude, "longitude": longitude, "accuracy_m": accuracy}});
    let places = ["/position/latitude", "/position/longitude", "/position/accuracy_m"];
    for (body, faults) in [
        (
            at(json!(90.1), json!(-181), json!(-1)),
            vec![(places[0], "too_large"), (places[1], "too_small"), (places[2], "too_small")],
        ),
        (
            at(Value::Null, json!("east"), json!(2e6)),
            vec![(places[0], "required"), (places[1], "invalid_decimal"), (places[2], "too_large")],
        ),
        (at(json!([1]), json!(1e308), json!(null)), vec![(places[0], "wrong_type"), (places[1], "invalid_decimal")]),
        (json!({"position": [22, 114]}), vec![("/position", "wrong_type")]),
        (
            json!({"position": {"lat": 1}}),
            vec![("/position/lat", "unknown_member"), (places[0], "required"), (places[1], "required")],
        ),
        (json!({"at": "noon"}), vec![("/at", "invalid_time")]),
        (json!({"when": ahead(0)}), vec![("/when", "unknown_member")]),
    ] {
        let answer = act(&admin, &order, "check-in", body.clone()).await.faults(400);
        assert_eq!(answer, pairs(&faults), "{body}");
    }
    for (minutes, fault) in [(6, "too_late"), (-7 * 1_440 - 1, "too_early")] {
        assert_eq!(act(&admin, &order, "check-in", json!({"at": ahead(minutes)})).await.faults(422), pairs(&[("/at", fault)]));
    }
    act(&admin, &order, "depart", json!({"at": ahead(-30)})).await.ok(200);
    let early = act(&admin, &order, "check-in", json!({"at": ahead(-31)})).await.faults(422);
    assert_eq!(early, pairs(&[("/at", "too_early")]), "before setting out");
    act(&admin, &order, "check-in", json!({"at": ahead(4)})).await.ok(200);
    // By a clock that was ahead, whoever leaves at once was there for no time, and not for less.
    let out = act(&admin, &order, "check-out", json!({})).await.ok(200);
    assert_eq!(out["on_site_seconds"], 0);
    assert_eq!(admin.patch(&path(&order), json!({"status": "completed"})).await.faults(400), pairs(&[("/status", "read_only")]));
    let check_in = json!({"check_in": {"at": ahead(0), "recorded_at": ahead(0)}});
    assert_eq!(admin.patch(&path(&order), check_in).await.faults(400), pairs(&[("/check_in", "read_only")]));
    let far = json!({"subject": "x", "position": {"latitude": 91, "longitude": 0}});
    assert_eq!(admin.post("/v1/work-orders", far).await.faults(400), pairs(&[("/position/latitude", "too_large")]));
    let long = json!({"subject": "x", "duration_minutes": 10_081, "address": {"planet": "Mars"}});
    let faults = admin.post("/v1/work-orders", long).await.faults(400);
    assert_eq!(faults, pairs(&[("/duration_minutes", "too_large"), ("/address/planet", "unknown_member")]));
}

pub async fn technicians_see_their_own(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let team = admin.create("teams", json!({"name": "South"})).await;
    let (wang, li) = (
        technician(&server, &admin, "wang", json!({"team_id": team})).await,
        technician(&server, &admin, "li", json!({"team_id": team})).await,
    );
    let may = ["work_order read team", "work_order create team", "work_order update team", "user read team", "team read all"];
    let dispatcher = server.user_who_may(&admin, "chief", &may, json!([]), json!({"team_id": team})).await;
    let outsider = server.user_who_may(&admin, "outsider", &may, json!([]), json!({})).await;
    let mut orders = Vec::new();
    for (number, owner) in [(0, &wang), (1, &li)] {
        let order = admin.create("work-orders", json!({"subject": format!("o{number}"), "team_id": team})).await;
        let plan = json!({"owner_id": owner.id, "scheduled_from": monday(540).to_string()});
        act(&dispatcher, &order, "schedule", plan).await.ok(200);
        orders.push(order);
    }
    let items = |order: &str| format!("{}/checklist-items", path(order));
    let item = admin.post(&items(&orders[1]), json!({"text": "x"})).await.ok(201);
    assert_eq!(wang.list("/v1/work-orders", "id").await, [orders[0].clone()]);
    assert_eq!(wang.list("/v1/work-orders?owner_id=me&fields=subject", "subject").await, ["o0"]);
    wang.get(&path(&orders[1])).await.refused(404, "not_found");
    wang.get(&items(&orders[1])).await.refused(404, "not_found");
    wang.patch(&format!("{}/{}", items(&orders[1]), text(&item["id"])), json!({"is_done": true})).await.refused(404, "not_found");
    for action in ["schedule", "unschedule", "depart", "check-in", "check-out", "complete", "cannot-complete", "cancel", "reopen"]
    {
        let body = match action {
            "schedule" => json!({"scheduled_from": monday(600).to_string()}),
            "cancel" | "cannot-complete" => json!({"reason": "x"}),
            _ => json!({}),
        };
        act(&wang, &orders[1], action, body.clone()).await.refused(404, "not_found");
        act(&outsider, &orders[1], action, body).await.refused(404, "not_found");
    }
    wang.post("/v1/work-orders", json!({"subject": "x"})).await.refused(403, "forbidden");
    // Their own they report on and move, and do not give away.
    let moved = json!({"scheduled_from": monday(600).to_string()});
    act(&wang, &orders[0], "schedule", moved).await.ok(200);
    let away = json!({"owner_id": li.id, "scheduled_from": monday(900).to_string()});
    act(&wang, &orders[0], "schedule", away).await.refused(403, "forbidden");
    act(&wang, &orders[0], "unschedule", json!({})).await.refused(403, "forbidden");
    wang.post(&items(&orders[0]), json!({"text": "mine"})).await.ok(201);
    act(&wang, &orders[0], "check-in", json!({})).await.ok(200);
    // Who is told of what is in the way hears no more than they may know.
    let third = outsider.create("work-orders", json!({"subject": "theirs", "owner_id": outsider.id})).await;
    let may = ["work_order * own", "user read all"];
    let solo = server.user_who_may(&admin, "solo", &may, json!([]), json!({})).await;
    let fourth = solo.create("work-orders", json!({"subject": "fourth", "owner_id": solo.id})).await;
    let hidden = json!({"owner_id": solo.id, "scheduled_from": monday(540).to_string()});
    act(&solo, &fourth, "schedule", hidden.clone()).await.ok(200);
    let fifth = admin.create("work-orders", json!({"subject": "fifth"})).await;
    act(&admin, &fifth, "schedule", json!({"owner_id": li.id, "scheduled_from": monday(700).to_string()})).await.ok(200);
    let sixth = dispatcher.create("work-orders", json!({"subject": "sixth", "team_id": team})).await;
    admin.patch(&path(&fifth), json!({"team_id": null})).await.ok(200);
    let problem =
        act(&dispatcher, &sixth, "schedule", json!({"owner_id": li.id, "scheduled_from": monday(720).to_string()})).await;
    let problem = problem.refused(409, "technician_busy");
    let times = json!([{"scheduled_from": monday(700).to_string(), "scheduled_to": monday(760).to_string()}]);
    assert_eq!(problem["conflicts"], times);
    // The plan shows what each may see.
    let plan = async |client: &Client, query: &str| {
        let plan = client.get(&format!("/v1/work-orders/dispatch?date=2030-03-04{query}")).await.ok(200);
        let technicians = plan["technicians"].as_array().unwrap().clone();
        let orders =
            |one: &Value| one["work_orders"].as_array().unwrap().iter().map(|order| text(&order["subject"]).to_owned()).collect();
        technicians.iter().map(|one| (text(&one["user_id"]).to_owned(), orders(one))).collect::<BTreeMap<String, Vec<String>>>()
    };
    let of = |pairs: &[(&Client, &[&str])]| -> BTreeMap<String, Vec<String>> {
        pairs.iter().map(|(user, orders)| (user.id.clone(), orders.iter().map(|order| (*order).to_owned()).collect())).collect()
    };
    assert_eq!(plan(&wang, "").await, of(&[(&wang, &["o0"])]));
    assert_eq!(plan(&wang, "&technician_id=me").await, of(&[(&wang, &["o0"])]));
    assert_eq!(
        plan(&wang, &format!("&technician_id={}", li.id)).await,
        of(&[(&li, &[])]),
        "whom they may know, and nothing of theirs"
    );
    assert_eq!(plan(&dispatcher, &format!("&team_id={team}")).await, of(&[(&wang, &["o0"]), (&li, &["o1"]), (&dispatcher, &[])]));
    assert_eq!(plan(&outsider, "").await, of(&[]));
    let unknown = outsider.get(&format!("/v1/work-orders/dispatch?technician_id={}", li.id)).await.faults(400);
    assert_eq!(unknown, pairs(&[("technician_id", "reference_not_found")]));
    let waiting = outsider.get("/v1/work-orders/dispatch").await.ok(200);
    assert_eq!(waiting["unscheduled"][0]["id"], third);
    let nobody = server.user_with(&admin, "nobody", json!([]), json!({})).await;
    nobody.get("/v1/work-orders/dispatch").await.refused(403, "forbidden");
    for field in ["owner_id", "scheduled_from"] {
        let rules = json!([{"object": "work_order", "field": field, "rule": "hidden"}]);
        let blind = server.user_who_may(&admin, &format!("blind {field}"), &["work_order read all"], rules, json!({})).await;
        blind.get("/v1/work-orders/dispatch").await.refused(403, "forbidden");
    }
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 40).unwrap() % most
    }
}

pub async fn the_plan_of_a_day_is_complete(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let south = admin.create("teams", json!({"name": "South"})).await;
    let below = admin.create("teams", json!({"name": "Below", "parent_id": south})).await;
    let mut technicians = Vec::new();
    for (name, team) in [("a", &south), ("b", &below), ("c", &below)] {
        technicians.push(technician(&server, &admin, name, json!({"team_id": team})).await);
    }
    technicians.push(technician(&server, &admin, "d", json!({})).await);
    let mut dice = Dice(7);
    for number in 0..60 {
        let owner = &technicians[usize::try_from(dice.below(4)).unwrap()];
        let team = if number % 3 == 0 { json!(below) } else { Value::Null };
        let body = json!({"subject": format!("o{number}"), "team_id": team, "window_from": (number % 4 != 0).then(|| monday(dice.below(5_000)).to_string())});
        let order = admin.create("work-orders", body).await;
        if number % 5 == 0 {
            continue;
        }
        // From two days before to a day after, some of them long.
        let from = dice.below(5_760) - 2_880;
        let length = [30, 60, 240, 1_500, 4_000][usize::try_from(dice.below(5)).unwrap()];
        let plan = json!({"owner_id": owner.id, "scheduled_from": monday(from).to_string(), "scheduled_to": monday(from + length).to_string(),
            "allow_overlap": true, "allow_outside_window": true});
        act(&admin, &order, "schedule", plan).await.ok(200);
        match dice.below(6) {
            0 => drop(act(&admin, &order, "cancel", json!({"reason": "x"})).await.ok(200)),
            1 => drop(act(&admin, &order, "complete", json!({})).await.ok(200)),
            2 => drop(act(&admin, &order, "cannot-complete", json!({"reason": "x"})).await.ok(200)),
            3 if number % 2 == 0 => drop(admin.delete(&path(&order)).await.ok(204)),
            _ => {}
        }
    }
    let all =
        admin.get("/v1/work-orders?limit=200&archived=any&sort=created_at").await.ok(200)["data"].as_array().unwrap().clone();
    assert_eq!(all.len(), 60);
    let time = |value: &Value| Timestamp::parse(text(value)).unwrap();
    let (from, to) = (monday(0), monday(1_440));
    let lives = |order: &&Value| order["archived_at"].is_null();
    let of_day = |owner: &str| -> (Vec<String>, i64) {
        let shown =
            |order: &&Value| !["unscheduled", "cancelled"].contains(&text(&order["status"])) && order["owner_id"] == owner;
        let mut theirs: Vec<&Value> = all.iter().filter(lives).filter(shown).collect();
        theirs.retain(|order| time(&order["scheduled_from"]) < to && time(&order["scheduled_to"]) > from);
        theirs.sort_by_key(|order| (time(&order["scheduled_from"]), text(&order["id"]).to_owned()));
        let minute = |order: &Value, minute: i64| {
            let at = monday(minute);
            time(&order["scheduled_from"]) <= at && at < time(&order["scheduled_to"])
        };
        let taken = (0..1_440).filter(|at| theirs.iter().any(|order| minute(order, *at))).count();
        (theirs.iter().map(|order| text(&order["id"]).to_owned()).collect(), i64::try_from(taken).unwrap())
    };
    let unscheduled = |fits: &(dyn Fn(&Value) -> bool + Sync)| -> Vec<String> {
        let mut waiting: Vec<&Value> =
            all.iter().filter(lives).filter(|order| order["status"] == "unscheduled" && fits(order)).collect();
        waiting.sort_by_key(|order| {
            let window = &order["window_from"];
            (window.is_null(), window.as_str().map(str::to_owned), text(&order["id"]).to_owned())
        });
        waiting.iter().map(|order| text(&order["id"]).to_owned()).collect()
    };
    let ids = |orders: &Value| -> Vec<String> {
        orders.as_array().unwrap().iter().map(|order| text(&order["id"]).to_owned()).collect()
    };
    let team_query = format!("&team_id={south}");
    let one_query = format!("&technician_id={}", technicians[3].id);
    let is_of_team =
        |order: &Value| order["team_id"].is_null() || order["team_id"] == json!(south) || order["team_id"] == json!(below);
    let is_of_one = |order: &Value| order["owner_id"].is_null() || order["owner_id"] == json!(technicians[3].id);
    for (query, whose, fits) in [
        ("", &technicians[..], &(|_: &Value| true) as &(dyn Fn(&Value) -> bool + Sync)),
        (&*team_query, &technicians[..3], &is_of_team),
        (&*one_query, &technicians[3..], &is_of_one),
    ] {
        let plan = admin.get(&format!("/v1/work-orders/dispatch?date=2030-03-04&unscheduled=200{query}")).await.ok(200);
        assert_eq!((&plan["from"], &plan["to"]), (&json!(from.to_string()), &json!(to.to_string())));
        assert_eq!((&plan["date"], &plan["time_zone"]), (&json!("2030-03-04"), &json!("Asia/Shanghai")));
        let shown = plan["technicians"].as_array().unwrap();
        assert_eq!(shown.len(), whose.len(), "{query}");
        for (one, technician) in shown.iter().zip(whose) {
            let (orders, minutes) = of_day(&technician.id);
            assert_eq!(one["user_id"], technician.id, "by name");
            assert_eq!(ids(&one["work_orders"]), orders, "{query}");
            assert_eq!(one["planned_minutes"], minutes, "{query}");
        }
        assert!(shown.iter().all(|one| !one["work_orders"].as_array().unwrap().is_empty()), "the dice give each something");
        assert_eq!((ids(&plan["unscheduled"]), &plan["has_more_unscheduled"]), (unscheduled(fits), &json!(false)), "{query}");
    }
    let few = admin.get("/v1/work-orders/dispatch?date=2030-03-04&unscheduled=3").await.ok(200);
    assert_eq!((ids(&few["unscheduled"]), &few["has_more_unscheduled"]), (unscheduled(&|_| true)[..3].to_vec(), &json!(true)));
    let none = admin.get("/v1/work-orders/dispatch?date=2030-03-04&unscheduled=0").await.ok(200);
    assert_eq!((&none["unscheduled"], &none["has_more_unscheduled"]), (&json!([]), &json!(true)));
    // The list that the answer names goes on where that ends.
    let listed = admin.list("/v1/work-orders?status=unscheduled&sort=window_from&limit=200&fields=id", "id").await;
    assert_eq!(listed, unscheduled(&|_| true));
    for (query, fault) in [
        ("date=tomorrow", ("date", "invalid_date")),
        ("date=2030-02-30", ("date", "invalid_date")),
        ("unscheduled=201", ("unscheduled", "too_large")),
        ("technician_id=nobody", ("technician_id", "reference_not_found")),
        ("technician_id=ext:hr:7", ("technician_id", "reference_not_found")),
        (&format!("team_id={}", new_id()), ("team_id", "reference_not_found")),
        (&format!("team_id={south}&technician_id=me"), ("team_id", "conflicting")),
        ("days=7", ("days", "unknown_parameter")),
    ] {
        let faults = admin.get(&format!("/v1/work-orders/dispatch?{query}")).await.faults(400);
        assert_eq!(faults, pairs(&[fault]), "{query}");
    }
    for day in ["0001-01-01", "9999-12-31"] {
        assert_eq!(admin.get(&format!("/v1/work-orders/dispatch?date={day}")).await.ok(200)["technicians"], json!([]));
    }
}

pub async fn visits_are_in_the_calendar(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let wang = technician(&server, &admin, "wang", json!({})).await;
    let site = json!({"region": "广东省", "city": "深圳市", "street": "坂田街道 1 号"});
    let order = admin.create("work-orders", json!({"subject": "更换电源", "address": site, "description": "三楼"})).await;
    let plan = json!({"owner_id": wang.id, "scheduled_from": ahead(60), "scheduled_to": ahead(120)});
    let planned = act(&admin, &order, "schedule", plan).await.ok(200);
    let made = wang.post("/v1/me/calendar-feed", json!({})).await.ok(201);
    let feed = text(&made["url"]).strip_prefix(&server.url).expect("of this server").to_owned();
    let read = async || server.anybody().get(&feed).await.text.replace("\r\n ", "");
    let calendar = read().await;
    let stamp = |time: &Value| text(time)[..19].replace(['-', ':'], "") + "Z";
    for line in [
        &*format!("UID:{order}@farley"),
        "SUMMARY:WO-000001 更换电源",
        "LOCATION:广东省深圳市坂田街道 1 号",
        "DESCRIPTION:三楼",
        "STATUS:CONFIRMED",
        &*format!("SEQUENCE:{}", planned["version"]),
        &*format!("DTSTART:{}", stamp(&planned["scheduled_from"])),
        &*format!("DTEND:{}", stamp(&planned["scheduled_to"])),
    ] {
        assert!(calendar.contains(&format!("{line}\r\n")), "{line}\n{calendar}");
    }
    let moved = act(&admin, &order, "schedule", json!({"scheduled_from": ahead(240)})).await.ok(200);
    let calendar = read().await;
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 1);
    assert!(
        calendar.contains(&format!("SEQUENCE:{}\r\n", moved["version"])) && calendar.contains(&format!("UID:{order}@farley"))
    );
    let range = format!("from={}&to={}", ahead(0), ahead(600));
    let own = wang.get(&format!("/v1/calendar?{range}")).await.ok(200);
    let entry = &own["data"][0];
    assert_eq!((&entry["object"], &entry["id"], &entry["title"]), (&json!("work_order"), &json!(order), &json!("更换电源")));
    assert_eq!((&entry["location"], &entry["status"]), (&json!("广东省深圳市坂田街道 1 号"), &json!("scheduled")));
    assert_eq!((&entry["starts_at"], &entry["user_ids"]), (&moved["scheduled_from"], &json!([wang.id])));
    let busy = json!([{"user_id": wang.id, "starts_at": moved["scheduled_from"], "ends_at": moved["scheduled_to"]}]);
    assert_eq!(own["busy"], busy);
    // Who may not read it sees that it takes time.
    let may = ["activity read own", "user read all"];
    let other = server.user_who_may(&admin, "other", &may, json!([]), json!({})).await;
    let seen = other.get(&format!("/v1/calendar?{range}&user_id={}", wang.id)).await.ok(200);
    assert_eq!((&seen["data"][0]["kind"], &seen["data"][0]["title"], &seen["busy"]), (&json!("busy"), &Value::Null, &busy));
    act(&admin, &order, "cancel", json!({"reason": "x"})).await.ok(200);
    assert_eq!(read().await.matches("BEGIN:VEVENT").count(), 0);
    assert_eq!(wang.get(&format!("/v1/calendar?{range}")).await.ok(200)["data"], json!([]));
    // A key is good for the calendar only if it is for all of it.
    for (scopes, status) in [
        (json!(["activity:read", "task:read", "user:update"]), 403),
        (json!(["activity:read", "task:read", "work_order:read", "user:update"]), 201),
    ] {
        let key = admin.post("/v1/api-keys", json!({"name": "x", "scopes": scopes})).await.ok(201);
        let key = server.anybody().with_token(text(&key["key"]));
        assert_eq!(key.post("/v1/me/calendar-feed", json!({})).await.status, status);
    }
}
