//! `/v1/calls` and `/v1/lookup`: what a telephone system reports, and who calls.

use serde_json::{Value, json};

use super::later;
use crate::{client::pairs, server::Server, support::TestDb};

/// A call in pieces, out of order and twice, is one activity; whom it concerns is found by the number however that is written.
pub async fn a_call_is_one_activity(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let anna = server.user_who_may(&admin, "Anna", &["activity read all"], json!([]), json!({})).await;
    admin.patch(&format!("/v1/users/{}", anna.id), json!({"external_ids": {"pbx": "801"}})).await.ok(200);
    let acme = admin.create("customers", json!({"name": "Acme", "phones": [{"value": "021-62345678"}]})).await;
    let li = json!({"name": "李伟", "customer_id": acme, "phones": [{"value": "021-6234 5678 转 801"}]});
    let li = admin.create("contacts", li).await;
    let ticket = admin.create("tickets", json!({"subject": "Paper jam", "contact_id": li})).await;
    let report = |more: Value| {
        let mut body = json!({"call_id": "a.1", "direction": "inbound", "caller": "(021) 6234-5678", "called": "801"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.post("/v1/calls", body)
    };
    // The end comes before the beginning.
    let ended = json!({"at": "2026-03-01T08:02:00Z", "ended_at": "2026-03-01T08:02:00Z"});
    let first = report(ended.clone()).await.ok(201);
    let told = ["kind", "status", "call_outcome", "call_match", "contact_id", "customer_id", "ticket_id", "subject"];
    let told = told.map(|name| first[name].clone());
    assert_eq!(told[..4], [json!("call"), json!("cancelled"), json!("missed"), json!("one")]);
    assert_eq!(told[4..7], [json!(li), json!(acme), json!(ticket)]);
    assert_eq!(told[7], "李伟 +862162345678");
    assert!(admin.get(&format!("/v1/contacts/{li}")).await.ok(200)["last_activity_at"].is_null(), "nobody talked");
    let answered = json!({"at": "2026-03-01T08:00:12Z", "answered_at": "2026-03-01T08:00:12Z", "agent": "ext:pbx:801"});
    let answered = report(answered).await.ok(200);
    assert_eq!((&answered["id"], &answered["owner_id"]), (&first["id"], &json!(anna.id)));
    report(json!({"at": "2026-03-01T08:00:00Z", "started_at": "2026-03-01T08:00:00Z"})).await.ok(200);
    let recording = json!({"at": "2026-03-01T08:03:00Z", "recording_url": "https://pbx.example.cn/a.1.wav"});
    let last = report(recording.clone()).await.ok(200);
    let told = ["status", "call_outcome", "wait_seconds", "talk_seconds", "duration_seconds"].map(|name| last[name].clone());
    assert_eq!(told, [json!("done"), json!("answered"), json!(12), json!(108), json!(120)]);
    assert_eq!(
        (&last["occurred_at"], &last["ends_at"]),
        (&json!("2026-03-01T08:00:00.000Z"), &json!("2026-03-01T08:02:00.000Z"))
    );
    assert_eq!((&last["caller_number"], &last["caller_typed"]), (&json!("+862162345678"), &json!("(021) 6234-5678")));
    assert_eq!((&last["called_number"], &last["called_typed"]), (&Value::Null, &json!("801")));
    assert_eq!(admin.get(&format!("/v1/contacts/{li}")).await.ok(200)["last_activity_at"], "2026-03-01T08:00:00.000Z");
    // What is repeated changes nothing.
    for again in [ended, recording] {
        assert_eq!(report(again).await.ok(200)["version"], last["version"]);
    }
    assert_eq!(admin.list("/v1/activities?call_outcome=answered&ticket.subject=Paper jam", "call_match").await.len(), 1);
    assert_eq!(admin.get("/v1/activities/ext:pbx:a.1").await.ok(200)["id"], first["id"]);
    // Two of the same number: the one with the latest activity, and it is said.
    let wang = admin.create("contacts", json!({"name": "Wang", "phones": [{"value": "+86 21 6234 5678 ext 9"}]})).await;
    let second = report(json!({"call_id": "a.2", "started_at": "2026-03-02T08:00:00Z"})).await.ok(201);
    let told = ["status", "call_outcome", "call_match", "contact_id"].map(|name| second[name].clone());
    assert_eq!(told, [json!("planned"), Value::Null, json!("several"), json!(li)]);
    let given =
        report(json!({"call_id": "a.2", "at": "2026-03-02T08:01:00Z", "contact_id": wang, "outcome": "voicemail"})).await.ok(200);
    assert_eq!((&given["call_match"], &given["status"], &given["contact_id"]), (&json!("given"), &json!("done"), &json!(wang)));
    let withheld = json!({"call_id": "a.3", "caller": "anonymous", "outcome": "abandoned"});
    let withheld = report(withheld).await.ok(201);
    assert_eq!((&withheld["caller_number"], &withheld["contact_id"]), (&Value::Null, &Value::Null));
    let wrong = json!({"call_id": "a.4", "answered_at": "2026-03-02T08:00:00Z", "ended_at": "2026-03-02T07:00:00Z", "started_at": later(7200)});
    let faults = report(wrong).await.faults(400);
    assert_eq!(faults, pairs(&[("/started_at", "too_late"), ("/answered_at", "too_early"), ("/ended_at", "too_early")]));
    let nobody = report(json!({"call_id": "a.4", "agent": "nobody@example.cn"})).await;
    assert_eq!(nobody.faults(400), pairs(&[("/agent", "reference_not_found")]));
    assert_eq!(admin.get("/v1/activities/ext:pbx:a.4").await.status, 404);
}

/// A number as anybody types it leads to all that is open with whom it belongs to, and to no more than the asker may read.
pub async fn a_number_leads_to_what_is_open(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let acme = admin.create("customers", json!({"name": "Acme", "phones": [{"value": "0755-28780808"}]})).await;
    let li = admin.create("contacts", json!({"name": "Li", "customer_id": acme, "phones": [{"value": "138 0013 8000"}]})).await;
    admin.create("leads", json!({"name": "Lead", "phones": [{"value": "138-0013-8000"}]})).await;
    let open = admin.create("tickets", json!({"subject": "Open", "contact_id": li})).await;
    let solved = admin.create("tickets", json!({"subject": "Solved", "contact_id": li})).await;
    admin.post(&format!("/v1/tickets/{solved}/solve"), json!({"resolution": "x"})).await.ok(200);
    let deal = super::opportunity(&admin, "Servers", &acme).await;
    let look = async |typed: &str| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("phone", typed).finish();
        admin.get(&format!("/v1/lookup?{query}")).await
    };
    for typed in ["+8613800138000", "0086 138-0013-8000", "13800138000 转 12", "＋８６ １３８ ００１３ ８０００"] {
        let found = look(typed).await.ok(200);
        let ids = |name: &str| found[name].as_array().unwrap().iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
        assert_eq!((ids("contacts"), ids("customers")), (vec![json!(li)], vec![json!(acme)]), "{typed}");
        assert_eq!((ids("tickets"), ids("opportunities")), (vec![json!(open)], vec![json!(deal)]), "{typed}");
        assert_eq!((&found["leads"][0]["name"], &found["has_more"]), (&json!("Lead"), &json!(false)), "{typed}");
    }
    let switchboard = look("(0755) 2878 0808").await.ok(200);
    assert_eq!((&switchboard["customers"][0]["name"], &switchboard["contacts"]), (&json!("Acme"), &json!([])));
    let unknown = look("13900139000").await.ok(200);
    assert_eq!(unknown["phone"], "+8613900139000");
    for list in ["customers", "contacts", "leads", "tickets", "opportunities"] {
        assert_eq!(unknown[list], json!([]));
    }
    assert_eq!(look("call me").await.faults(400), pairs(&[("phone", "invalid_phone")]));
    // Not what others have, nor by a number that may not be seen.
    let own = ["contact read own", "customer read all", "ticket read all"];
    let anna = server
        .user_who_may(&admin, "Anna", &own, json!([{"object": "customer", "field": "phones", "rule": "hidden"}]), json!({}))
        .await;
    let found = anna.get("/v1/lookup?phone=13800138000").await.ok(200);
    let told = ["customers", "contacts", "leads", "tickets", "opportunities"].map(|name| found[name].clone());
    assert_eq!(told, [Value::Null, json!([]), Value::Null, json!([]), Value::Null]);
}

/// Where a ticket was merged, calls and callers are led to the one in which it goes on.
pub async fn calls_follow_merged_tickets(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let li = admin.create("contacts", json!({"name": "Li", "phones": [{"value": "138 0013 8000"}]})).await;
    let wu = admin.create("contacts", json!({"name": "Wu", "phones": [{"value": "139 0013 9000"}]})).await;
    let acme = admin.create("customers", json!({"name": "Acme", "phones": [{"value": "0755-28780808"}]})).await;
    let mut tickets = Vec::new();
    for (subject, whose, who) in
        [("A", "contact_id", &li), ("B", "contact_id", &wu), ("C", "contact_id", &wu), ("D", "customer_id", &acme)]
    {
        tickets.push(admin.create("tickets", json!({"subject": subject, whose: who})).await);
    }
    let looked = async |client: &crate::client::Client, phone: &str| {
        let found = client.get(&format!("/v1/lookup?phone={phone}")).await.ok(200);
        let mut ids: Vec<String> =
            found["tickets"].as_array().unwrap().iter().map(|row| row["subject"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids.join("")
    };
    let report = |id: &str, more: Value| {
        let mut body = json!({"call_id": id, "caller": "13800138000"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.post("/v1/calls", body)
    };
    let before = report("m.1", json!({})).await.ok(201);
    assert_eq!(before["ticket_id"], tickets[0]);
    let merge = async |from: usize, into: usize| {
        admin.post(&format!("/v1/tickets/{}/merge", tickets[from]), json!({"into": tickets[into]})).await.ok(200);
    };
    assert_eq!((looked(&admin, "13800138000").await, looked(&admin, "13900139000").await), ("A".into(), "BC".into()));
    merge(0, 1).await;
    assert_eq!((looked(&admin, "13800138000").await, looked(&admin, "13900139000").await), ("B".into(), "BC".into()));
    merge(1, 2).await;
    merge(3, 2).await;
    for phone in ["13800138000", "13900139000", "075528780808"] {
        assert_eq!(looked(&admin, phone).await, "C", "{phone}");
        let call = report(&format!("m.{phone}"), json!({"caller": phone})).await.ok(201);
        assert_eq!(call["ticket_id"], tickets[2], "{phone}");
    }
    // A call that was about it before, and one that names it.
    let after = report("m.1", json!({"recording_url": "https://pbx.example.cn/m.wav"})).await.ok(200);
    assert_eq!((&after["id"], &after["ticket_id"]), (&before["id"], &json!(tickets[2])));
    let named = report("m.2", json!({"ticket_id": tickets[0]})).await.ok(201);
    assert_eq!((&named["ticket_id"], &named["contact_id"]), (&json!(tickets[2]), &json!(li)));
    assert_eq!(admin.list(&format!("/v1/activities?ticket_id={}", tickets[2]), "id").await.len(), 5);
    // Whoever may not read the merged ticket does not learn where it went.
    let anna = server.user_who_may(&admin, "Anna", &["contact read all", "ticket read own"], json!([]), json!({})).await;
    admin.patch(&format!("/v1/tickets/{}", tickets[2]), json!({"owner_id": anna.id})).await.ok(200);
    assert_eq!((looked(&anna, "13800138000").await, looked(&anna, "13900139000").await), ("".into(), "C".into()));
    // Solved, it is no longer open with anybody.
    admin.post(&format!("/v1/tickets/{}/solve", tickets[2]), json!({"resolution": "x"})).await.ok(200);
    assert_eq!(looked(&admin, "13800138000").await, "");
    assert_eq!(report("m.3", json!({})).await.ok(201)["ticket_id"], Value::Null);
}
