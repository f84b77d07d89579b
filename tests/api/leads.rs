//! `/v1/leads` and `/v1/pools`: inquiries, who may claim them, and what becomes of them.

use farley::{
    http::clock,
    sales::leads::{recalls, responses, scoring},
};
use farley_domain::time::Timestamp;
use farley_persistence::TenantKey;
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

async fn tenant(server: &Server) -> TenantKey {
    let nobody = TenantKey { id: farley_domain::id::Id::NIL, number: 0 };
    let read = server.app.store.read::<_, farley_persistence::StoreError>(nobody, |reader| reader.tenants());
    let rows = read.await.expect("tenants");
    rows.first().map(|row| TenantKey { id: row.id, number: row.number }).expect("a tenant")
}

fn in_days(days: i64) -> Timestamp {
    clock::now().plus_seconds(days * 24 * 3600)
}

async fn pool(admin: &Client, more: Value) -> String {
    let mut body = json!({"name": "公海"});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    admin.create("pools", body).await
}

async fn rep(server: &Server, admin: &Client, name: &str) -> Client {
    server.user(admin, name, "sales_representative", json!({})).await
}

async fn types(client: &Client, path: &str) -> Vec<String> {
    client.list(&format!("{path}/history"), "type").await
}

pub async fn go_step_by_step(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let lead = admin
        .post(
            "/v1/leads",
            json!({"company": "大族机器人", "person_name": "李伟", "phones": [{"value": "13800138000"}],
                   "addresses": [{"country": "CN", "region": "广东省"}], "utm": {"source": "baidu"},
                   "consent": [{"channel": "email", "given_at": "2026-09-01T08:00:00Z", "text": "同意"}],
                   "budget_min": {"amount": 100, "currency": "CNY"}, "budget_max": {"amount": 300, "currency": "CNY"}}),
        )
        .await
        .ok(201);
    assert_eq!((&lead["name"], &lead["status"], &lead["region"]), (&json!("大族机器人"), &json!("new"), &json!("广东省")));
    assert_eq!((&lead["owner_id"], &lead["utm"]["source"]), (&json!(admin.id), &json!("baidu")));
    assert_eq!(lead["phones"][0]["value"], "+8613800138000");
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());

    let nameless = admin.post("/v1/leads", json!({"source": "官网"})).await.faults(422);
    assert_eq!(nameless, pairs(&[("/name", "required")]));
    let body =
        json!({"name": "x", "budget_min": {"amount": 5, "currency": "CNY"}, "budget_max": {"amount": 4, "currency": "CNY"}});
    assert_eq!(admin.post("/v1/leads", body).await.faults(422), pairs(&[("/budget_max/amount", "too_small")]));
    assert_eq!(admin.patch(&path, json!({"status": "converted"})).await.faults(422), pairs(&[("/status", "step_not_allowed")]));
    assert_eq!(
        admin.patch(&path, json!({"status": "disqualified"})).await.faults(422),
        pairs(&[("/disqualify_reason", "required")])
    );
    let lead = admin.patch(&path, json!({"status": "contacted"})).await.ok(200);
    assert!(lead["first_responded_at"].is_string() && lead["response_seconds"].is_i64(), "{lead}");
    admin.patch(&path, json!({"status": "qualified"})).await.ok(200);
    let gone = admin.post(&format!("{path}/disqualify"), json!({"reason": "无预算"})).await.ok(200);
    assert_eq!((&gone["status"], &gone["disqualify_reason"]), (&json!("disqualified"), &json!("无预算")));
    admin.post(&format!("{path}/disqualify"), json!({"reason": "无预算"})).await.refused(409, "state_conflict");
    let back = admin.post(&format!("{path}/reopen"), json!({})).await.ok(200);
    assert_eq!((&back["status"], &back["disqualify_reason"]), (&json!("new"), &Value::Null));
    admin.post(&format!("{path}/reopen"), json!({})).await.refused(409, "state_conflict");
    let told = types(&admin, &path).await;
    assert_eq!(told, ["lead.reopened", "lead.disqualified", "lead.qualified", "lead.contacted", "lead.created"]);
    let ledger = admin.get(&format!("{path}/ledger")).await.ok(200);
    let steps: Vec<&str> =
        ledger["data"].as_array().unwrap().iter().map(|entry| entry["changes"]["status"]["to"].as_str().unwrap()).collect();
    assert_eq!(steps, ["new", "disqualified", "qualified", "contacted", "new"]);
    // Money and consent are filtered on where they are kept.
    assert_eq!(admin.names("/v1/leads?budget_max_gte=300&budget_max.currency=CNY").await, ["大族机器人"]);
    assert_eq!(admin.names("/v1/leads?consent_any=email&person_name_contains=李").await, ["大族机器人"]);
    assert!(admin.names("/v1/leads?budget_max_gt=300").await.is_empty());
    assert_eq!(admin.names("/v1/leads?q=13800138000").await, ["大族机器人"]);
}

/// Of fifty who claim one lead at once, one gets it.
pub async fn are_claimed_by_one_alone(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let pool = pool(&admin, json!({})).await;
    let lead = admin.post("/v1/leads", json!({"name": "Everybody's", "pool_id": pool})).await.ok(201);
    assert_eq!(lead["owner_id"], Value::Null);
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    let mut reps = Vec::new();
    for number in 0..5 {
        reps.push(rep(&server, &admin, &format!("Rep {number}")).await);
    }
    let claims = (0..50).map(|number| {
        let request = reps[number % 5].post(&format!("{path}/claim"), json!({}));
        tokio::spawn(async move { request.await })
    });
    let mut won = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        let answer = claim.await.unwrap();
        if answer.status == 200 {
            won.push(answer.body["owner_id"].clone());
        } else {
            let problem = answer.refused(409, "state_conflict");
            assert!(matches!(problem["standing"].as_str(), Some("yours" | "held_by_someone")), "{problem}");
        }
    }
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(admin.get(&path).await.ok(200)["owner_id"], won[0]);
    let holders = admin.get(&format!("{path}/holders")).await.ok(200);
    assert_eq!(holders["data"].as_array().unwrap().len(), 1, "{holders}");
    assert_eq!((&holders["data"][0]["user_id"], &holders["data"][0]["began"]), (&won[0], &json!("claimed")));
    assert_eq!(types(&admin, &path).await, ["lead.claimed", "lead.created"]);
}

pub async fn in_a_pool_are_seen_by_those_entitled(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let east = admin.create("teams", json!({"name": "East"})).await;
    let shanghai = admin.create("teams", json!({"name": "Shanghai", "parent_id": east})).await;
    let west = admin.create("teams", json!({"name": "West"})).await;
    let pool = pool(&admin, json!({"team_ids": [east]})).await;
    let customers = admin.create("pools", json!({"name": "客户公海", "object": "customer", "is_default": true})).await;
    let wang = server.user(&admin, "Wang", "sales_representative", json!({"team_id": shanghai})).await;
    let chen = server.user(&admin, "Chen", "sales_representative", json!({"team_id": west})).await;
    let lead = admin.create("leads", json!({"name": "Ours", "pool_id": pool})).await;
    let mine = admin.create("leads", json!({"name": "Held", "pool_id": pool, "owner_id": admin.id})).await;
    assert_eq!(wang.names("/v1/leads").await, ["Ours"]);
    assert!(chen.names("/v1/leads").await.is_empty());
    assert_eq!(wang.names("/v1/leads?pool.name=公海&owner_id_null=true").await, ["Ours"]);
    let claim = |client: &Client, id: &str| client.post(&format!("/v1/leads/{id}/claim"), json!({}));
    claim(&chen, &lead).await.refused(404, "not_found");
    // Seen is not owned.
    wang.patch(&format!("/v1/leads/{lead}"), json!({"name": "x"})).await.refused(403, "forbidden");
    let problem = claim(&wang, &mine).await.refused(409, "state_conflict");
    assert_eq!(problem["standing"], "held_by_someone");
    wang.get(&format!("/v1/leads/{mine}")).await.refused(404, "not_found");
    let claimed = claim(&wang, &lead).await.ok(200);
    assert_eq!((&claimed["owner_id"], &claimed["team_id"]), (&json!(wang.id), &json!(shanghai)));
    wang.patch(&format!("/v1/leads/{lead}"), json!({"name": "Mine now"})).await.ok(200);
    // Who is entitled may put something there.
    wang.post("/v1/leads", json!({"name": "Given away", "pool_id": pool})).await.ok(201);
    chen.post("/v1/leads", json!({"name": "Not there", "pool_id": pool})).await.refused(403, "forbidden");
    // Customers alike: the default pool is theirs from the beginning.
    let acme = admin.post("/v1/customers", json!({"name": "Acme"})).await.ok(201);
    assert_eq!((&acme["pool_id"], &acme["owner_id"]), (&json!(customers), &json!(admin.id)));
    let acme = format!("/v1/customers/{}", acme["id"].as_str().unwrap());
    assert!(chen.names("/v1/customers").await.is_empty());
    admin.post(&format!("{acme}/release"), json!({"reason": "暂无需求"})).await.ok(200);
    assert_eq!(chen.names("/v1/customers").await, ["Acme"]);
    chen.post(&format!("{acme}/claim"), json!({})).await.ok(200);
    let holders = chen.get(&format!("{acme}/holders")).await.ok(200);
    let told: Vec<_> =
        holders["data"].as_array().unwrap().iter().map(|held| (&held["user_id"], &held["ended"], &held["reason"])).collect();
    assert_eq!(told, [(&json!(chen.id), &Value::Null, &Value::Null), (&json!(admin.id), &json!("released"), &json!("暂无需求"))]);
    let faults = admin.patch(&acme, json!({"pool_id": pool})).await.faults(422);
    assert_eq!(faults, pairs(&[("/pool_id", "reference_not_found")]));
    admin.delete(&format!("/v1/pools/{pool}")).await.refused(409, "state_conflict");
    assert_eq!(types(&chen, &acme).await, ["customer.claimed", "customer.released", "customer.created"]);
}

pub async fn of_a_pool_follow_its_quotas(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let pool = pool(&admin, json!({"daily_claims": 3, "holding_cap": 2, "cooldown_days": 7})).await;
    let wang = rep(&server, &admin, "Wang").await;
    let mut leads = Vec::new();
    for number in 0..8 {
        leads.push(admin.create("leads", json!({"name": format!("Lead {number}"), "pool_id": pool})).await);
    }
    // Also of eight claims at once, no more than the cap come through.
    let claims = leads.iter().map(|lead| {
        let request = wang.post(&format!("/v1/leads/{lead}/claim"), json!({}));
        tokio::spawn(async move { request.await })
    });
    let (mut got, mut left) = (Vec::new(), Vec::new());
    for (claim, lead) in claims.collect::<Vec<_>>().into_iter().zip(&leads) {
        let answer = claim.await.unwrap();
        if answer.status == 200 { got.push(lead) } else { left.push((lead, answer.faults(422))) }
    }
    assert_eq!(got.len(), 2);
    assert!(left.iter().all(|(_, faults)| *faults == pairs(&[("", "holding_cap_reached")])), "{left:?}");
    let claim = |lead: &str| wang.post(&format!("/v1/leads/{lead}/claim"), json!({}));
    wang.post(&format!("/v1/leads/{}/release", got[0]), json!({"reason": "x"})).await.ok(200);
    assert_eq!(claim(got[0]).await.faults(422), pairs(&[("", "cooling_down")]));
    assert_eq!(claim(left[0].0).await.ok(200)["owner_id"], wang.id.as_str());
    // What has ended is not held any more.
    wang.post(&format!("/v1/leads/{}/disqualify", got[1]), json!({"reason": "x"})).await.ok(200);
    assert_eq!(claim(left[1].0).await.faults(422), pairs(&[("", "daily_claims_reached")]));
}

pub async fn left_alone_fall_back(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let tenant = tenant(&server).await;
    let pool = pool(&admin, json!({"is_default": true, "recall_after_days": 10, "warn_days": 2, "protection_days": 1})).await;
    let wang = rep(&server, &admin, "Wang").await;
    let lead = wang.post("/v1/leads", json!({"name": "Idle"})).await.ok(201);
    assert_eq!(lead["pool_id"], pool.as_str());
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    let ended = wang.create("leads", json!({"name": "Ended", "status": "disqualified", "disqualify_reason": "x"})).await;
    let run = async |days: i64| recalls::perform(&server.app, tenant, in_days(days)).await.expect("the job is done");
    run(7).await;
    assert_eq!(types(&admin, &path).await, ["lead.created"]);
    run(9).await;
    run(9).await;
    assert_eq!(types(&admin, &path).await, ["lead.recall_warned", "lead.created"]);
    run(11).await;
    run(11).await;
    assert_eq!(types(&admin, &path).await, ["lead.recalled", "lead.recall_warned", "lead.created"]);
    let back = admin.get(&path).await.ok(200);
    assert_eq!((&back["owner_id"], &back["team_id"], &back["pool_id"]), (&Value::Null, &Value::Null, &json!(pool)));
    let holders = admin.get(&format!("{path}/holders")).await.ok(200);
    assert_eq!((&holders["data"][0]["ended"], &holders["data"][0]["reason"]), (&json!("recalled"), &json!("no_follow_up")));
    assert_eq!(admin.get(&format!("/v1/leads/{ended}")).await.ok(200)["owner_id"], wang.id.as_str());
    wang.post(&format!("{path}/claim"), json!({})).await.ok(200);
}

pub async fn alike_are_told_without_giving_them_away(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let pool = pool(&admin, json!({})).await;
    let (wang, chen) = (rep(&server, &admin, "Wang").await, rep(&server, &admin, "Chen").await);
    let body = json!({"name": "A", "company": "深圳大族机器人有限公司", "phones": [{"value": "13800138000"}]});
    let held = wang.create("leads", body).await;
    admin.create("leads", json!({"name": "B", "emails": [{"value": "li.wei@example.cn"}], "pool_id": pool})).await;
    let ask = |client: &Client, body: Value| client.post("/v1/leads/check-duplicates", body);
    let answer = ask(&chen, json!({"phones": ["+86 138 0013 8000"], "company": "深圳大族机器人"})).await.ok(200);
    assert_eq!(answer["standing"], "held_by_someone");
    let found = json!([{"object": "lead", "standing": "held_by_someone", "matched_by": ["phones", "company"], "id": null}]);
    assert_eq!(answer["matches"], found);
    let answer = ask(&wang, json!({"phones": ["13800138000"]})).await.ok(200);
    assert_eq!((&answer["standing"], &answer["matches"][0]["id"]), (&json!("yours"), &json!(held)));
    let answer = ask(&chen, json!({"emails": ["LI.WEI@example.cn"]})).await.ok(200);
    assert_eq!((&answer["standing"], answer["matches"][0]["id"].is_string()), (&json!("in_pool"), true));
    assert_eq!(ask(&chen, json!({"company": "别的公司"})).await.ok(200), json!({"standing": "none", "matches": []}));
    admin.create("customers", json!({"name": "深圳大族机器人"})).await;
    let answer = ask(&admin, json!({"company": "深圳大族机器人有限公司"})).await.ok(200);
    let objects: Vec<_> = answer["matches"].as_array().unwrap().iter().map(|found| found["object"].clone()).collect();
    assert_eq!(objects, ["lead", "customer"]);
}

pub async fn are_converted_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for object in ["lead", "customer", "opportunity"] {
        admin.custom_field("tier", "text", json!({"object": object})).await;
    }
    let campaign = admin.create("campaigns", json!({"name": "展会"})).await;
    let tag = admin.create("tags", json!({"name": "重点"})).await;
    let wang = rep(&server, &admin, "Wang").await;
    let lead = json!({"company": "大族机器人", "person_name": "李伟", "job_title": "CTO", "phones": [{"value": "13800138000"}],
        "emails": [{"value": "li.wei@example.cn"}], "source": "展会", "campaign_id": campaign, "tag_ids": [tag], "custom": {"tier": "gold"},
        "budget_max": {"amount": 500, "currency": "CNY"}, "description": "六轴"});
    let id = wang.create("leads", lead.clone()).await;
    let path = format!("/v1/leads/{id}");
    let preview = wang.post(&format!("{path}/convert?validate_only=true"), json!({"opportunity": {}})).await.ok(200);
    assert_eq!(preview["customer"]["name"], "大族机器人");
    assert_eq!(wang.get(&path).await.ok(200)["status"], "new");
    assert!(wang.names("/v1/customers").await.is_empty());

    let faults = wang.post(&format!("{path}/convert"), json!({"opportunity": {"nmae": "x"}})).await.faults(400);
    assert_eq!(faults, pairs(&[("/opportunity/nmae", "unknown_member")]));
    assert!(wang.names("/v1/customers").await.is_empty(), "all or nothing");

    let conversions = (0..6).map(|_| {
        let request = wang.post(&format!("{path}/convert"), json!({"opportunity": {"expected_close_on": "2026-12-31"}}));
        tokio::spawn(async move { request.await })
    });
    let (mut done, mut late) = (Vec::new(), Vec::new());
    for conversion in conversions.collect::<Vec<_>>() {
        let answer = conversion.await.unwrap();
        if answer.status == 200 { done.push(answer.body) } else { late.push(answer.refused(409, "state_conflict")) }
    }
    assert_eq!((done.len(), late.len()), (1, 5));
    let all = &done[0];
    assert!(late.iter().all(|problem| problem["customer_id"] == all["customer"]["id"]), "{late:?}");
    assert_eq!(all["lead"]["status"], "converted");
    let refused = wang.post(&format!("{path}/disqualify"), json!({"reason": "x"})).await.refused(409, "state_conflict");
    assert_eq!((&refused["detail"], &refused["allowed"]), (&json!("The record is converted."), &json!([])));
    assert_eq!((&all["customer"]["kind"], &all["customer"]["custom"]["tier"]), (&json!("organization"), &json!("gold")));
    assert_eq!((&all["contact"]["name"], &all["contact"]["customers"][0]["role"]), (&json!("李伟"), &json!("CTO")));
    assert_eq!(all["contact"]["phones"][0]["value"], "+8613800138000");
    let opportunity = &all["opportunity"];
    assert_eq!((&opportunity["campaign_id"], &opportunity["tag_ids"]), (&json!(campaign), &json!([tag])));
    assert_eq!((&opportunity["amount"]["amount"], &opportunity["description"]), (&json!(500), &json!("六轴")));
    assert_eq!(opportunity["contacts"][0]["contact_id"], all["contact"]["id"]);
    assert_eq!(opportunity["owner_id"], wang.id.as_str());
    for (name, part) in [("customer_id", "customer"), ("contact_id", "contact"), ("opportunity_id", "opportunity")] {
        assert_eq!(all["lead"][name], all[part]["id"], "{name}");
    }
    let timeline = wang.list(&format!("/v1/customers/{}/timeline", all["customer"]["id"].as_str().unwrap()), "type").await;
    assert!(timeline.contains(&"lead.converted".to_owned()), "{timeline:?}");
    assert_eq!(wang.patch(&path, json!({"status": "new"})).await.faults(422), pairs(&[("/status", "step_not_allowed")]));

    // Another lead of the same company goes to the customer that is there.
    let id = wang.create("leads", json!({"company": "大族机器人有限公司", "person_name": "王芳"})).await;
    let again = wang.post(&format!("/v1/leads/{id}/convert"), json!({"match_customer": true})).await.ok(200);
    assert_eq!((&again["customer"]["id"], &again["opportunity"]), (&all["customer"]["id"], &Value::Null));
    assert_eq!(again["contact"]["customer_id"], all["customer"]["id"]);
    // A person alone becomes a customer.
    let id = wang.create("leads", json!({"person_name": "张三", "phones": [{"value": "13900139000"}]})).await;
    let alone = wang.post(&format!("/v1/leads/{id}/convert"), json!({"customer": {"region": "华东"}})).await.ok(200);
    assert_eq!((&alone["customer"]["kind"], &alone["customer"]["region"]), (&json!("person"), &json!("华东")));
    assert_eq!((&alone["contact"], &alone["customer"]["phones"][0]["value"]), (&Value::Null, &json!("+8613900139000")));
}

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

pub async fn come_by_web_forms(db: TestDb) {
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

pub async fn come_from_the_sites_a_form_allows(db: TestDb) {
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

pub async fn are_assigned_by_rules(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let team = admin.create("teams", json!({"name": "East"})).await;
    let mut reps = Vec::new();
    for number in 0..3 {
        reps.push(server.user(&admin, &format!("Rep {number}"), "sales_representative", json!({"team_id": team})).await);
    }
    let ids: Vec<&str> = reps.iter().map(|rep| rep.id.as_str()).collect();
    admin.post("/v1/leads", json!({"name": "No rules yet", "assign": true})).await.ok(201);
    let pool = pool(&admin, json!({})).await;
    let rule = async |body: Value| admin.post("/v1/assignment-rules", body).await.ok(201)["id"].clone();
    let junk = rule(json!({"name": "Junk", "sort_order": 1, "target": "pool", "pool_id": pool, "filter": {"field": "source", "value": "名单"}})).await;
    let south = json!({"name": "South", "sort_order": 2, "target": "territory", "territories": [{"region": "华南", "user_id": ids[2]}, {"region": "华北", "team_id": team}]});
    let south = rule(south).await;
    let turns =
        rule(json!({"name": "Turns", "sort_order": 3, "target": "round_robin", "user_ids": ids, "first_response_minutes": 15}))
            .await;
    let create = async |body: Value| {
        let mut whole = json!({"name": "L", "assign": true});
        whole.as_object_mut().unwrap().extend(body.as_object().cloned().unwrap());
        admin.post("/v1/leads", whole).await.ok(201)
    };
    let lead = create(json!({"source": "名单"})).await;
    assert_eq!((&lead["owner_id"], &lead["pool_id"], &lead["assigned_by_rule_id"]), (&Value::Null, &json!(pool), &junk));
    let lead = create(json!({"region": "华南"})).await;
    assert_eq!(
        (&lead["owner_id"], &lead["assigned_by_rule_id"], &lead["first_response_due_at"]),
        (&json!(ids[2]), &south, &Value::Null)
    );
    let lead = create(json!({"region": "华北"})).await;
    assert_eq!((&lead["owner_id"], &lead["team_id"]), (&Value::Null, &json!(team)));
    // Thirty at once, ten each.
    let made = (0..30).map(|number| {
        let request = reps[0].post("/v1/leads", json!({"name": format!("L {number}"), "assign": true, "region": "西南"}));
        tokio::spawn(async move { request.await.ok(201) })
    });
    let mut owners = Vec::new();
    for lead in made.collect::<Vec<_>>() {
        let lead = lead.await.unwrap();
        assert_eq!((&lead["assigned_by_rule_id"], lead["first_response_due_at"].is_string()), (&turns, true));
        owners.push(lead["owner_id"].as_str().unwrap().to_owned());
    }
    for id in &ids {
        assert_eq!(owners.iter().filter(|owner| owner == id).count(), 10, "{owners:?}");
    }
    // Who is away gets nothing; the rest take their turns.
    let away = json!({"name": "Away", "user_ids": [ids[0], ids[1]], "absences": [
        {"user_id": ids[0], "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"}]});
    let schedule = admin.create("work-schedules", away).await;
    for _ in 0..4 {
        assert_ne!(create(json!({})).await["owner_id"], ids[0]);
    }
    let all = json!({"absences": [{"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"}], "user_ids": ids});
    admin.patch(&format!("/v1/work-schedules/{schedule}"), all).await.ok(200);
    let lead = create(json!({})).await;
    assert_eq!((&lead["owner_id"], &lead["assigned_by_rule_id"]), (&json!(admin.id), &Value::Null), "nobody is at work");
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    assert_eq!(admin.post(&format!("{path}/assign"), json!({})).await.faults(422), pairs(&[("", "no_rule")]));
    admin.delete(&format!("/v1/work-schedules/{schedule}")).await.ok(204);
    let lead = admin.post(&format!("{path}/assign"), json!({})).await.ok(200);
    assert!(ids.contains(&lead["owner_id"].as_str().unwrap()) && lead["assigned_by_rule_id"] == turns);
    assert_eq!(types(&admin, &path).await, ["lead.assigned", "lead.created"]);
    let lead = admin.patch(&path, json!({"owner_id": admin.id})).await.ok(200);
    assert_eq!(lead["assigned_by_rule_id"], Value::Null);

    // By load: who has least gets the next ones.
    admin.patch(&format!("/v1/assignment-rules/{}", turns.as_str().unwrap()), json!({"target": "least_loaded"})).await.ok(200);
    let mine = admin.names(&format!("/v1/leads?owner_id={}&limit=200", ids[1])).await.len();
    let list = admin.get(&format!("/v1/leads?owner_id={}&limit=200", ids[1])).await.ok(200);
    for lead in list["data"].as_array().unwrap() {
        let path = format!("/v1/leads/{}/disqualify", lead["id"].as_str().unwrap());
        admin.post(&path, json!({"reason": "x"})).await.ok(200);
    }
    assert!(mine >= 10);
    for _ in 0..3 {
        assert_eq!(create(json!({})).await["owner_id"], ids[1]);
    }
    let faults = admin.post("/v1/assignment-rules", json!({"name": "X", "target": "user"})).await.faults(422);
    assert_eq!(faults, pairs(&[("/user_ids", "required")]));
    let body = json!({"name": "X", "filter": {"field": "campaign.name", "value": "x"}});
    assert_eq!(admin.post("/v1/assignment-rules", body).await.faults(400), pairs(&[("/filter", "wrong_type")]));
}

pub async fn that_wait_too_long_are_told_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let tenant = tenant(&server).await;
    let due = json!({"name": "L", "first_response_due_at": "2026-01-01T00:00:00Z"});
    let waiting = format!("/v1/leads/{}", admin.create("leads", due.clone()).await);
    let answered = format!("/v1/leads/{}", admin.create("leads", due).await);
    admin.patch(&answered, json!({"status": "contacted"})).await.ok(200);
    let later = format!(
        "/v1/leads/{}",
        admin.create("leads", json!({"name": "L", "first_response_due_at": "2090-01-01T00:00:00Z"})).await
    );
    for _ in 0..2 {
        responses::perform(&server.app, tenant, in_days(1)).await.expect("the job is done");
    }
    assert_eq!(types(&admin, &waiting).await, ["lead.waiting_too_long", "lead.created"]);
    assert_eq!(types(&admin, &answered).await, ["lead.contacted", "lead.created"]);
    assert_eq!(types(&admin, &later).await, ["lead.created"]);
}

pub async fn are_scored_by_rules(db: TestDb) {
    let server = Server::start_with(db, |settings| settings.jobs = 0).await;
    let admin = server.admin().await;
    let tenant = tenant(&server).await;
    let rule = async |body: Value| admin.create("scoring-rules", body).await;
    let fair = rule(json!({"name": "Fair", "points": 30, "filter": {"field": "source", "value": "展会"}})).await;
    rule(json!({"name": "Fresh", "points": 40, "decay_field": "created_at", "half_life_days": 30})).await;
    rule(json!({"name": "Nameless", "points": -15, "filter": {"field": "person_name", "op": "null", "value": true}})).await;
    let lead = admin.post("/v1/leads", json!({"name": "A", "source": "展会"})).await.ok(201);
    assert_eq!(lead["score"], 55);
    let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    assert_eq!(admin.patch(&path, json!({"person_name": "李伟"})).await.ok(200)["score"], 70);
    admin.create("leads", json!({"name": "B"})).await;
    assert_eq!(admin.names("/v1/leads?sort=-score&score_gt=0").await, ["A", "B"]);
    let told = admin.get(&format!("{path}/score")).await.ok(200);
    assert_eq!((&told["score"], &told["learned"]), (&json!(70), &Value::Null));
    let counted: Vec<_> = told["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["name"].clone(), rule["meets"].clone(), rule["counted"].clone()))
        .collect();
    let expected = [("Fair", true, 30), ("Fresh", true, 40), ("Nameless", false, 0)];
    assert_eq!(counted, expected.map(|(name, meets, points)| (json!(name), json!(meets), json!(points))));
    scoring::perform(&server.app, tenant, in_days(30)).await.expect("the job is done");
    assert_eq!(admin.list("/v1/leads?sort=-score", "score").await, ["50", "5"]);
    admin.patch(&format!("/v1/scoring-rules/{fair}"), json!({"points": 100})).await.ok(200);
    scoring::perform(&server.app, tenant, clock::now()).await.expect("the job is done");
    assert_eq!(admin.list("/v1/leads?sort=-score", "score").await, ["140", "25"]);
    assert_eq!(types(&admin, &path).await, ["lead.updated", "lead.created"], "scores are no changes");
    let faults =
        admin.post("/v1/scoring-rules", json!({"name": "X", "decay_field": "nmae", "half_life_days": 3})).await.faults(422);
    assert_eq!(faults, pairs(&[("/decay_field", "unknown_member")]));
    assert_eq!(
        admin.post("/v1/scoring-rules", json!({"name": "X", "half_life_days": 3})).await.faults(422),
        pairs(&[("/decay_field", "required")])
    );
}

/// What is kept while leads end, are opened again, changed and archived is what counting them all anew gives.
pub async fn teach_how_they_end(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("fit", "boolean", json!({"object": "lead"})).await;
    let sources = ["展会", "官网", "名单"];
    let (mut last, mut ends) = (String::new(), Vec::new());
    for number in 0..56_usize {
        let source = sources[(number * 7 + number / 5) % 3];
        let body = json!({"name": format!("L {number}"), "source": source, "custom": {"fit": number % 4 == 0}, "company": if number % 3 == 0 { json!("Acme") } else { Value::Null }});
        let id = admin.create("leads", body).await;
        let path = format!("/v1/leads/{id}");
        if number % 2 == 0 || (source == "展会" && number % 5 == 0) {
            admin.post(&format!("{path}/convert"), json!({"create_contact": false})).await.ok(200);
        } else {
            admin.post(&format!("{path}/disqualify"), json!({"reason": "x"})).await.ok(200);
            ends.push(path.clone());
        }
        if number == 10 {
            let told = admin.get(&format!("{path}/score")).await.ok(200);
            assert_eq!((&told["learned"], &told["history"]["needed"]), (&Value::Null, &json!(20)), "too little to learn from");
        }
        last = path;
    }
    admin.post(&format!("{}/reopen", ends[0]), json!({})).await.ok(200);
    admin.patch(&ends[1], json!({"source": "转介绍", "custom": {"fit": true}})).await.ok(200);
    admin.delete(&ends[2]).await.ok(204);
    admin.delete(&ends[3]).await.ok(204);
    admin.post(&format!("{}/restore", ends[3]), json!({})).await.ok(200);

    let all = admin.get("/v1/leads?limit=200&status_in=converted,disqualified").await.ok(200);
    let leads: Vec<Value> = all["data"].as_array().unwrap().clone();
    let asked = admin.get(&last).await.ok(200);
    let known = |lead: &Value| {
        let has = |name: &str| json!(!(lead[name].is_null() || lead[name] == json!([])));
        [lead["source"].clone(), lead["custom"]["fit"].clone(), has("company"), has("phones"), has("emails")]
    };
    let of = |end: &str| leads.iter().filter(|lead| lead["status"] == end).map(known).collect::<Vec<_>>();
    let (won, lost) = (of("converted"), of("disqualified"));
    let mut odds = won.len() as f64 / lost.len() as f64;
    for (field, value) in known(&asked).iter().enumerate() {
        let mut values: Vec<String> = won.iter().chain(&lost).map(|lead| lead[field].to_string()).collect();
        values.sort();
        values.dedup();
        let share = |leads: &[[Value; 5]]| {
            let with = leads.iter().filter(|lead| lead[field] == *value).count();
            (with as f64 + 1.0) / (leads.len() + values.len()) as f64
        };
        odds *= share(&won) / share(&lost);
    }
    let told = admin.get(&format!("{last}/score")).await.ok(200);
    assert_eq!((&told["history"]["won"], &told["history"]["lost"]), (&json!(won.len()), &json!(lost.len())));
    let probability = told["learned"]["probability"].as_f64().expect("enough to learn from");
    assert!((probability - odds / (1.0 + odds)).abs() < 1e-3, "{told}");
    let reasons = told["learned"]["reasons"].as_array().unwrap();
    assert_eq!(reasons.len(), 5, "{told}");
    let sum: f64 = reasons.iter().map(|reason| reason["log_odds"].as_f64().unwrap()).sum();
    let sum = sum + told["learned"]["prior_log_odds"].as_f64().unwrap();
    assert!((1.0 / (1.0 + (-sum).exp()) - probability).abs() < 1e-3, "{told}");
}
