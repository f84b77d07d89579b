//! `/v1/lead-forms` and the public `/v1/forms/{token}`.

use serde_json::{Value, json};

use super::{pool, types};
use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

async fn form(admin: &Client, more: Value) -> Value {
    let mut body = json!({"name": "官网咨询", "source": "官网", "assign": false, "consent_text": "同意联系我", "honeypot": "website_url",
    "thank_you": "谢谢", "fields": [
        {"name": "name", "field": "person_name", "label": "姓名", "required": true},
        {"name": "phone", "field": "phones"},
        {"name": "email", "field": "emails"},
        {"name": "need", "field": "description"},
        {"field": "custom.size"},
    ]});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    admin.post("/v1/lead-forms", body).await.ok(201)
}

pub async fn become_leads_when_answered(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("size", "integer", json!({"object": "lead"})).await;
    let pool = pool(&admin, json!({})).await;
    let record = form(&admin, json!({"pool_id": pool, "first_response_minutes": 30})).await;
    let (id, token) = (record["id"].as_str().unwrap(), record["token"].as_str().unwrap());
    let visitor = server.anybody();
    let path = format!("/v1/forms/{token}");
    let shown = visitor.get(&path).header("Accept-Language", "zh").await.ok(200);
    assert_eq!(
        shown["fields"][1],
        json!({"name": "phone", "label": "电话", "placeholder": null, "required": false, "type": "tel", "choices": null, "max_length": null})
    );
    assert_eq!((&shown["consent"]["text"], &shown["honeypot"]), (&json!("同意联系我"), &json!("website_url")));
    let names: Vec<&str> = shown["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["name", "phone", "email", "need", "custom_size"]);

    let said = json!({"name": "李伟", "phone": "138 0013 8000", "need": "六轴", "consent": true, "utm_source": "baidu", "custom_size": 7});
    let thanks = visitor.post(&path, said).await.ok(201);
    assert_eq!(thanks, json!({"message": "谢谢", "redirect_url": null}));
    let lead = admin.get("/v1/leads").await.ok(200)["data"][0].clone();
    assert_eq!((&lead["name"], &lead["source"], &lead["owner_id"]), (&json!("李伟"), &json!("官网"), &Value::Null));
    assert_eq!((&lead["pool_id"], &lead["lead_form_id"]), (&json!(pool), &json!(id)));
    assert_eq!((&lead["phones"][0]["value"], &lead["custom"]["size"]), (&json!("+8613800138000"), &json!(7)));
    assert_eq!((&lead["utm"]["source"], &lead["created_by"]), (&json!("baidu"), &Value::Null));
    let consent = &lead["consent"][0];
    assert_eq!(
        (&consent["channel"], &consent["text"], consent["given_at"].is_string()),
        (&json!("phone"), &json!("同意联系我"), true)
    );
    assert!(lead["first_response_due_at"].as_str().unwrap() > lead["created_at"].as_str().unwrap());

    // The same number again, out of an HTML form: it is added.
    let html = |body: &'static str| visitor.request(reqwest::Method::POST, &path).body("application/x-www-form-urlencoded", body);
    html("name=Li+Wei&phone=13800138000&email=li.wei%40example.cn&need=%E4%BA%A4%E6%9C%9F&consent=on").await.ok(201);
    let leads = admin.get("/v1/leads").await.ok(200);
    assert_eq!(leads["data"].as_array().unwrap().len(), 1);
    let lead = &leads["data"][0];
    assert_eq!((&lead["person_name"], &lead["description"]), (&json!("李伟"), &json!("六轴\n\n交期")));
    assert_eq!((&lead["emails"][0]["value"], lead["consent"].as_array().unwrap().len()), (&json!("li.wei@example.cn"), 1));
    let lead_path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    assert_eq!(types(&admin, &lead_path).await, ["lead.answered_again", "lead.created"]);
    // Whoever fills in what nobody sees is thanked alike.
    assert_eq!(html("name=Bot&website_url=http%3A%2F%2Fx").await.ok(201), thanks);
    let faults = visitor.post(&path, json!({"phone": "abc", "nmae": "x"})).await.faults(400);
    assert_eq!(faults, pairs(&[("/nmae", "unknown_member"), ("/name", "required"), ("/phone", "invalid_phone")]));
    assert_eq!(admin.names("/v1/leads").await.len(), 1);
    // Many at once of one visitor are one lead.
    let answers = (0..8).map(|_| {
        let request = visitor.post(&path, json!({"name": "王芳", "phone": "13900139000"}));
        tokio::spawn(async move { request.await.status })
    });
    let mut statuses = Vec::new();
    for answer in answers.collect::<Vec<_>>() {
        statuses.push(answer.await.unwrap());
    }
    assert!(statuses.iter().all(|status| matches!(status, 201 | 429)), "{statuses:?}");
    assert_eq!(admin.names("/v1/leads").await.len(), 2);

    let form_path = format!("/v1/lead-forms/{id}");
    admin
        .patch(&form_path, json!({"redirect_url": "https://www.example.cn/thanks", "submissions_per_minute": 100}))
        .await
        .ok(200);
    let sent_on = html("name=X").await;
    assert_eq!((sent_on.status, sent_on.header("location")), (303, "https://www.example.cn/thanks"));
    let new = admin.post(&format!("{form_path}/rotate-token"), json!({})).await.ok(200)["token"].clone();
    assert_ne!(new, token);
    visitor.get(&path).await.refused(404, "not_found");
    let path = format!("/v1/forms/{}", new.as_str().unwrap());
    visitor.get(&path).await.ok(200);
    admin.patch(&form_path, json!({"is_active": false})).await.ok(200);
    visitor.get(&path).await.refused(404, "not_found");
    let wrong =
        json!({"name": "F", "fields": [{"field": "owner_id"}, {"field": "emials"}, {"field": "phones", "name": "consent"}]});
    let faults = admin.post("/v1/lead-forms", wrong).await.faults(422);
    assert_eq!(
        faults,
        pairs(&[("/fields/0/field", "unknown_member"), ("/fields/1/field", "unknown_member"), ("/fields/2/name", "repeated")])
    );
}

pub async fn are_answered_from_the_sites_they_allow(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("size", "integer", json!({"object": "lead"})).await;
    let record = form(&admin, json!({"allowed_origins": ["https://www.example.cn"], "submissions_per_minute": 2})).await;
    let path = format!("/v1/forms/{}", record["token"].as_str().unwrap());
    let visitor = server.anybody();
    let preflight = async |origin: &str| {
        let request = visitor.request(reqwest::Method::OPTIONS, &path).header("Origin", origin);
        request.header("Access-Control-Request-Method", "POST").header("Access-Control-Request-Headers", "content-type").await
    };
    let allowed = preflight("https://www.example.cn").await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, "https://www.example.cn"));
    assert_eq!(preflight("https://evil.example").await.header("access-control-allow-origin"), "");
    let shown = visitor.get(&path).header("Origin", "https://www.example.cn").await;
    assert_eq!(shown.header("access-control-allow-origin"), "https://www.example.cn");
    visitor.get(&path).header("Origin", "https://evil.example").await.refused(403, "forbidden");
    // Faults can be read by the page too.
    let faulty = visitor.post(&path, json!({})).header("Origin", "https://www.example.cn").await;
    assert_eq!((faulty.status, faulty.header("access-control-allow-origin")), (400, "https://www.example.cn"));
    visitor.post(&path, json!({"name": "A"})).await.ok(201);
    // The third in a minute, unless a new one has just begun.
    let (third, fourth, fifth) = (
        visitor.post(&path, json!({"name": "B"})).await,
        visitor.post(&path, json!({"name": "C"})).await,
        visitor.post(&path, json!({"name": "D"})).await,
    );
    let late = [third, fourth, fifth].into_iter().filter(|answer| answer.status == 429).collect::<Vec<_>>();
    assert!(!late.is_empty());
    assert!(!late[0].header("retry-after").is_empty());
}
