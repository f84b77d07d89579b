//! `/v1/forms/{token}` where answers become tickets.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{client::pairs, mail::PostOffice, server::Server, support::TestDb};

/// A visitor's answer becomes a ticket of the contact whom it names, is acknowledged, and answered by mail; nothing of it is lost.
pub async fn become_tickets_when_answered(db: TestDb) {
    let mut office = PostOffice::open().await;
    let url = office.url.clone();
    let server = Server::start_with(db, |settings| settings.smtp_url = Some(url.into())).await;
    let admin = server.admin().await;
    admin.custom_field("serial", "text", json!({"object": "ticket"})).await;
    let template = admin.create("reply-templates", json!({"name": "Received", "text": "We have {number}."})).await;
    let mailbox = json!({"name": "Support", "address": "support@example.cn", "acknowledgement_template_id": template});
    let mailbox = admin.create("mailboxes", mailbox).await;
    admin.create("mailboxes", json!({"name": "Other", "address": "other@example.cn"})).await;
    let queue = admin.create("queues", json!({"name": "Hardware"})).await;
    let category = admin.create("ticket-categories", json!({"name": "Printers", "queue_id": queue})).await;
    let customer = admin.create("customers", json!({"name": "Acme"})).await;
    let fang = json!({"name": "王芳", "emails": [{"value": "fang@example.cn"}], "customer_id": customer});
    let fang = admin.create("contacts", fang).await;
    let form = json!({"name": "报修", "target": "ticket", "honeypot": "url", "thank_you": "谢谢", "consent_text": "同意处理信息",
        "ticket_category_id": category, "ticket_kind": "incident", "ticket_priority": "high", "mailbox_id": mailbox,
        "submissions_per_minute": 1000, "fields": [
            {"field": "contact.name", "name": "name"}, {"field": "contact.emails", "name": "email", "required": true},
            {"field": "contact.phones"}, {"field": "description", "name": "what", "required": true}, {"field": "urgency"},
            {"field": "custom.serial", "name": "serial"}]});
    let wrong = json!({"name": "F", "target": "ticket", "assign": false, "first_response_minutes": 5, "fields": []});
    assert_eq!(admin.post("/v1/lead-forms", wrong).await.faults(422), pairs(&[("/first_response_minutes", "conflicting")]));
    let wrong = json!({"name": "F", "ticket_kind": "incident", "fields": [{"field": "contact.emails"}]});
    assert_eq!(admin.post("/v1/lead-forms", wrong).await.faults(422), pairs(&[("/ticket_kind", "conflicting")]));
    let wrong = json!({"name": "F", "target": "ticket", "fields": [{"field": "priority"}, {"field": "contact.birthday"}, {"field": "owner_id"}]});
    let unknown = ["/fields/0/field", "/fields/1/field", "/fields/2/field"].map(|pointer| (pointer, "unknown_member"));
    assert_eq!(admin.post("/v1/lead-forms", wrong).await.faults(422), pairs(&unknown));
    let form = admin.post("/v1/lead-forms", form).await.ok(201);
    let (visitor, path) = (server.anybody(), format!("/v1/forms/{}", form["token"].as_str().unwrap()));
    let shown = visitor.get(&path).await.ok(200);
    let inputs: Vec<&str> = shown["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(inputs, ["name", "email", "contact_phones", "what", "urgency", "serial"]);
    assert_eq!((&shown["fields"][1]["type"], &shown["hidden_inputs"]), (&json!("email"), &json!([])));

    let said = json!({"name": "Fang", "email": "Fang@example.cn", "what": "打印机卡纸\n请尽快处理", "urgency": "high", "serial": "X-1", "consent": true});
    let thanks = visitor.post(&path, said.clone()).await.ok(201);
    assert_eq!(thanks, json!({"message": "谢谢", "redirect_url": null, "reference": "T-000001"}));
    let ticket = admin.get("/v1/tickets").await.ok(200)["data"][0].clone();
    let expected = json!({"subject": "打印机卡纸", "channel": "web_form", "kind": "incident", "priority": "high", "queue_id": queue,
        "category_id": category, "contact_id": fang, "customer_id": customer, "created_by": null, "owner_id": null});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(ticket[name], *value, "{name}: {ticket}");
    }
    assert_eq!(ticket["custom"]["serial"], "X-1");
    assert!(ticket["waiting_since"].is_string());
    let messages = format!("/v1/tickets/{}/messages", ticket["id"].as_str().unwrap());
    let kept =
        admin.get(&format!("{messages}?kind=incoming&fields=*,sender_address,sender_name,body")).await.ok(200)["data"][0].clone();
    assert_eq!((&kept["sender_address"], &kept["sender_name"]), (&json!("fang@example.cn"), &json!("Fang")));
    assert_eq!((&kept["body"], &kept["contact_id"]), (&json!("打印机卡纸\n请尽快处理"), &json!(fang)));
    assert_eq!(admin.list(&format!("{messages}?kind=note&fields=body"), "body").await, ["✓ 同意处理信息"]);
    let post = office.post().await;
    assert_eq!((post.recipients, post.sender.as_str()), (vec!["fang@example.cn".to_owned()], "support@example.cn"));
    // Clicked twice, it is one; and what fills in the hidden input is nothing.
    assert_eq!(visitor.post(&path, said.clone()).await.ok(201)["reference"], "T-000001");
    let mut bot = said.clone();
    bot["url"] = json!("http://x");
    assert_eq!(visitor.post(&path, bot).await.ok(201)["reference"], Value::Null);
    // The reply goes by mail to whoever asked, from the mailbox of the form.
    admin.post(&messages, json!({"body": "已派人处理"})).await.ok(201);
    let post = office.post().await;
    assert_eq!((post.recipients.as_slice(), post.sender.as_str()), (&["fang@example.cn".to_owned()][..], "support@example.cn"));
    assert!(post.header("In-Reply-To").is_none(), "a form has no id that mail programs know");

    // Out of an HTML form, from somebody new; then several share the address, and the name decides, or nobody is named.
    let html = |body: &str| visitor.request(Method::POST, &path).body("application/x-www-form-urlencoded", body.to_owned());
    let latest = async || admin.get("/v1/tickets?sort=-number&limit=1&expand=contact").await.ok(200)["data"][0].clone();
    html("name=Li+Wei&email=li%40example.cn&what=Help&contact_phones=13800138000").await.ok(201);
    let ticket = latest().await;
    let contact = &ticket["contact"];
    assert_eq!((&contact["name"], &contact["phones"][0]["value"]), (&json!("Li Wei"), &json!("+8613800138000")));
    admin.create("contacts", json!({"name": "Li Na", "emails": [{"value": "li@example.cn"}]})).await;
    html("name=li+wei&email=li%40example.cn&what=Again").await.ok(201);
    assert_eq!(latest().await["contact_id"], contact["id"]);
    let page = html("name=Somebody&email=li%40example.cn&what=Third").header("Accept", "text/html").await;
    assert!(page.status == 201 && page.text.contains("T-000004"), "{}", page.text);
    let ticket = latest().await;
    assert_eq!((&ticket["number"], &ticket["contact_id"]), (&json!("T-000004"), &Value::Null));
    let faults = visitor.post(&path, json!({"email": "x", "urgency": "soon", "utm_source": "x"})).await.faults(400);
    let told =
        [("/utm_source", "unknown_member"), ("/email", "invalid_email"), ("/what", "required"), ("/urgency", "unknown_choice")];
    assert_eq!(faults, pairs(&told));
    // A queue that has gone takes no request with it.
    admin.patch(&format!("/v1/ticket-categories/{category}"), json!({"queue_id": null})).await.ok(200);
    admin.delete(&format!("/v1/ticket-categories/{category}")).await.ok(204);
    html("email=new%40example.cn&what=Late").await.ok(201);
    assert_eq!(latest().await["category_id"], Value::Null);
}
