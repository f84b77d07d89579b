//! Files of messages, and of what becomes something else.

use serde_json::{Value, json};

use super::{id, uploaded};
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn bring_their_files_along(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let agent = server.user(&admin, "agent", "service_agent", json!({})).await;
    let stranger = server.user_who_may(&admin, "stranger", &["ticket * own", "file * all"], json!([]), json!({})).await;
    let ticket = agent.create("tickets", json!({"subject": "打印机", "owner_id": agent.id})).await;
    let messages = format!("/v1/tickets/{ticket}/messages");
    let (log, note) = (uploaded(&agent, "name=log.txt", "log").await, uploaded(&agent, "name=note.txt", "note").await);
    let of_ticket = uploaded(&agent, &format!("name=photo.txt&object=ticket&record_id={ticket}"), "photo").await;
    let body = json!({"kind": "reply", "body": "见附件", "file_ids": [id(&log), id(&of_ticket)]});
    let reply = agent.post(&messages, body).await.ok(201);
    assert_eq!(reply["file_ids"], json!([id(&log), id(&of_ticket)]));
    let internal = agent.post(&messages, json!({"kind": "note", "body": "内部", "file_ids": [id(&note)]})).await.ok(201);
    for (file, message, text) in [(&log, &reply, "log"), (&of_ticket, &reply, "photo"), (&note, &internal, "note")] {
        let now = agent.get(&format!("/v1/files/{}", id(file))).await.ok(200);
        assert_eq!((&now["object"], &now["record_id"]), (&json!("ticket_message"), &message["id"]));
        let content = format!("/v1/files/{}/content", id(file));
        assert_eq!(agent.get(&content).await.text, text);
        stranger.get(&content).await.refused(404, "not_found");
        // They stay where they were sent.
        let path = format!("/v1/files/{}", id(file));
        let away = json!({"object": "ticket", "record_id": ticket});
        assert_eq!(agent.patch(&path, away).await.faults(422), pairs(&[("/record_id", "stays_with_message")]));
        assert_eq!(
            agent.patch(&path, json!({"object": null, "record_id": null})).await.faults(422),
            pairs(&[("/record_id", "stays_with_message")])
        );
    }
    // Nobody answers with what is another's, or another message's, or archived.
    let (theirs, gone) = (uploaded(&stranger, "name=t.txt", "t").await, uploaded(&agent, "name=g.txt", "g").await);
    agent.delete(&format!("/v1/files/{}", id(&gone))).await.ok(204);
    for (file, code) in [(&theirs, "reference_not_found"), (&note, "file_attached"), (&gone, "reference_not_found")] {
        let body = json!({"kind": "reply", "body": "x", "file_ids": [id(file)]});
        assert_eq!(agent.post(&messages, body).await.faults(422), pairs(&[("/file_ids/0", code)]));
    }
    let twice = json!({"kind": "reply", "body": "x", "file_ids": [id(&gone), id(&gone)]});
    assert_eq!(agent.post(&messages, twice).await.faults(400), pairs(&[("/file_ids/1", "repeated")]));
    let own = uploaded(&agent, "name=own.txt", "x").await;
    let direct = json!({"object": "ticket_message", "record_id": reply["id"]});
    assert_eq!(
        agent.patch(&format!("/v1/files/{}", id(&own)), direct).await.faults(422),
        pairs(&[("/record_id", "stays_with_message")])
    );
    // What is internal is archived with its ticket as all else is.
    admin.delete(&format!("/v1/tickets/{ticket}")).await.ok(204);
    agent.get(&format!("/v1/files/{}/content", id(&note))).await.refused(404, "not_found");
}

pub async fn a_converted_lead_takes_its_files_along(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let lead = admin.create("leads", json!({"company": "华为技术有限公司", "person_name": "李伟", "status": "qualified"})).await;
    let file = uploaded(&admin, &format!("name=need.txt&object=lead&record_id={lead}"), "need").await;
    let converted = admin.post(&format!("/v1/leads/{lead}/convert"), json!({})).await.ok(200);
    let now = admin.get(&format!("/v1/files/{}", id(&file))).await.ok(200);
    assert_eq!((&now["object"], &now["record_id"]), (&json!("customer"), &converted["customer"]["id"]));
    assert_eq!(admin.get(&format!("/v1/files/{}/content", id(&file))).await.text, "need");
    let history = admin.get(&format!("/v1/files/{}/history", id(&file))).await.ok(200);
    let types: Vec<&Value> = history["data"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert!(types.contains(&&json!("file.moved")), "{types:?}");
}
