//! Leads: out of forms, in pools, scored, assigned, and what becomes of them.

use farley::sales::leads::{recalls, responses, scoring};
use serde_json::{Value, json};

use crate::{
    conventions::golden::recorder::{Failure, Recorder},
    support::TestDb,
};

fn yuan(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

pub async fn leads_to_customers(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "leads").await;
    for object in ["lead", "customer", "opportunity"] {
        r.post("/v1/custom-fields", json!({"object": object, "key": "tier", "field_type": "text"})).await;
    }
    let campaign = r.create("campaigns", json!({"name": "工博会", "kind": "trade_show", "status": "active", "starts_on": "2017-09-22", "ends_on": "2017-09-26", "budget": yuan(20_000)})).await;
    r.post("/v1/campaigns", json!({"name": "x", "starts_on": "2017-09-22", "ends_on": "2017-09-21"})).await;
    let tag = r.create("tags", json!({"name": "重点"})).await;
    let wang = r.server.user(&r.admin, "Wang", "sales_representative", json!({})).await;
    let whole = json!({
        "name": "询价", "company": "大族机器人", "person_name": "李伟", "job_title": "CTO", "phones": [{"value": "13800138000"}], "emails": [{"value": "li.wei@example.cn"}],
        "addresses": [{"country": "CN", "region": "广东省"}], "utm": {"source": "baidu"}, "source": "展会", "campaign_id": campaign, "tag_ids": [tag],
        "consent": [{"channel": "email", "given_at": "2017-09-01T08:00:00Z", "text": "同意"}], "budget_min": yuan(100), "budget_max": yuan(300), "description": "六轴",
        "custom": {"tier": "gold"}, "external_ids": {"web": "1"}, "owner_id": wang.id, "first_response_due_at": "2040-01-01T00:00:00Z",
    });
    let id = r.create("leads", whole).await;
    let path = format!("/v1/leads/{id}");
    for body in [
        json!({"source": "官网"}),
        json!({"name": "x", "budget_min": yuan(5), "budget_max": yuan(4)}),
        json!({"name": "x", "status": "converted"}),
        json!({"name": "x", "status": "disqualified"}),
        json!({"company": "Only a company", "consent": [{"channel": "pigeon"}], "utm": {"nonsense": 1}}),
    ] {
        r.post("/v1/leads", body).await;
    }
    for status in ["converted", "disqualified", "contacted", "qualified", "new"] {
        r.patch(&path, json!({"status": status})).await;
    }
    r.post(&format!("{path}/disqualify"), json!({})).await;
    r.post(&format!("{path}/disqualify"), json!({"reason": "无预算", "comment": "明年", "nonsense": 1})).await;
    for (verb, body) in [
        ("disqualify", json!({"reason": "无预算", "comment": "明年"})),
        ("disqualify", json!({"reason": "无预算"})),
        ("reopen", json!({})),
        ("reopen", json!({})),
    ] {
        r.post(&format!("{path}/{verb}"), body).await;
    }
    r.get(&format!("{path}?expand=owner,campaign,tags,creator")).await;
    for query in [
        "budget_max_gte=300&budget_max.currency=CNY",
        "consent_any=email&person_name_contains=李",
        "budget_max_gt=300",
        "q=13800138000",
    ] {
        r.get(&format!("/v1/leads?{query}&fields=name,budget_max,consent")).await;
    }
    for body in [
        json!({"opportunity": {"nmae": "x"}}),
        json!({"customer_id": id}),
        json!({"customer": {"name": ""}, "nonsense": 1}),
        json!({"customer": 7, "match_customer": "x"}),
    ] {
        r.post(&format!("{path}/convert"), body).await;
    }
    let tried = wang.post(&format!("{path}/convert?validate_only=true"), json!({"opportunity": {}}));
    r.play(tried).await;
    let opportunity = json!({"opportunity": {"expected_close_on": "2040-12-31", "custom": {"tier": "silver"}}});
    for _ in 0..2 {
        let convert = wang.post(&format!("{path}/convert"), opportunity.clone());
        r.play(convert).await;
    }
    r.post(&format!("{path}/disqualify"), json!({"reason": "x"})).await;
    r.patch(&path, json!({"status": "new"})).await;
    r.delete(&path).await;
    let again = r.create("leads", json!({"company": "大族机器人有限公司", "person_name": "王芳"})).await;
    r.post(&format!("/v1/leads/{again}/convert"), json!({"match_customer": true})).await;
    let alone = r.create("leads", json!({"person_name": "张三", "phones": [{"value": "13900139000"}]})).await;
    r.post(&format!("/v1/leads/{alone}/convert"), json!({"customer": {"region": "华东"}, "create_contact": false})).await;
    for body in [
        json!({"phones": ["+86 138 0013 8000"], "company": "大族机器人"}),
        json!({"emails": ["nobody@example.com"]}),
        json!({"phones": ["x"], "company": 7}),
        json!({}),
    ] {
        r.post("/v1/leads/check-duplicates", body).await;
    }

    let form = json!({
        "name": "官网咨询", "source": "官网", "assign": false, "consent_text": "同意联系我", "honeypot": "website_url", "thank_you": "谢谢", "first_response_minutes": 60,
        "fields": [{"name": "name", "field": "person_name", "label": "姓名", "required": true}, {"name": "phone", "field": "phones"}, {"name": "need", "field": "description"}, {"field": "custom.tier"}],
    });
    let form = r.post("/v1/lead-forms", form).await;
    let (form_path, token) =
        (format!("/v1/lead-forms/{}", form["id"].as_str().unwrap()), form["token"].as_str().unwrap().to_owned());
    let visitor = r.server.anybody();
    let public = format!("/v1/forms/{token}");
    let seen = visitor.get(&public);
    r.play(seen).await;
    for body in [
        json!({"name": "赵六", "phone": "137 0013 7000", "need": "六轴", "consent": true, "utm_source": "baidu", "custom_tier": "gold"}),
        json!({"name": "Zhao", "phone": "13700137000", "need": "交期", "consent": true}),
        json!({"name": "Bot", "website_url": "http://x"}),
        json!({"phone": "abc", "nmae": "x"}),
    ] {
        let answered = visitor.post(&public, body);
        r.play(answered).await;
    }
    let html = visitor
        .request(reqwest::Method::POST, &public)
        .body("application/x-www-form-urlencoded", "name=Li&phone=13600136000&consent=on");
    r.play(html).await;
    r.get("/v1/leads?sort=created_at&lead_form_id_null=false").await;
    r.post(&format!("{form_path}/rotate-token"), json!({})).await;
    let gone = visitor.get(&public);
    r.play(gone).await;
    r.post(
        "/v1/lead-forms",
        json!({"name": "F", "fields": [{"field": "owner_id"}, {"field": "emials"}, {"field": "phones", "name": "consent"}]}),
    )
    .await;
    r.get("/v1/leads/summary?group_by=status").await;
    r.get(&format!("{path}/history")).await;
    r.get(&format!("{path}/ledger")).await;
    r.get(&format!("{path}/ledger?limit=2")).await;
    let put = r.admin.put("/v1/leads/ext:web:2", json!({"name": "Upserted"}));
    r.play(put).await;
    let put = r.admin.put("/v1/leads/ext:web:2", json!({"job_title": "CEO"}));
    r.play(put).await;
    r.end().await
}

pub async fn leads_of_pools(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "pools").await;
    let east = r.create("teams", json!({"name": "East"})).await;
    let shanghai = r.create("teams", json!({"name": "Shanghai", "parent_id": east})).await;
    let west = r.create("teams", json!({"name": "West"})).await;
    let wang = r.server.user(&r.admin, "Wang", "sales_representative", json!({"team_id": shanghai})).await;
    let chen = r.server.user(&r.admin, "Chen", "sales_representative", json!({"team_id": west})).await;
    let pool = r.create("pools", json!({"name": "线索公海", "team_ids": [east], "daily_claims": 3, "holding_cap": 2, "cooldown_days": 7, "recall_after_days": 10, "warn_days": 2, "protection_days": 1})).await;
    let customers = r.create("pools", json!({"name": "客户公海", "object": "customer", "is_default": true})).await;
    r.post("/v1/pools", json!({"name": "x", "object": "contact", "daily_claims": -1})).await;
    r.post("/v1/pools", json!({"name": "x", "warn_days": 9, "recall_after_days": 3})).await;
    let mut leads = Vec::new();
    for number in 0..4 {
        leads.push(r.create("leads", json!({"name": format!("Lead {number}"), "pool_id": pool})).await);
    }
    let held = r.create("leads", json!({"name": "Held", "pool_id": pool, "owner_id": r.admin.id})).await;
    let calls = [
        wang.get("/v1/leads?fields=name,owner_id&sort=name"),
        chen.get("/v1/leads"),
        chen.post(&format!("/v1/leads/{}/claim", leads[0]), json!({})),
        wang.patch(&format!("/v1/leads/{}", leads[0]), json!({"name": "x"})),
        wang.post(&format!("/v1/leads/{held}/claim"), json!({})),
        wang.get(&format!("/v1/leads/{held}")),
        wang.post(&format!("/v1/leads/{}/claim?validate_only=true", leads[0]), json!({})),
        wang.post(&format!("/v1/leads/{}/claim", leads[0]), json!({})),
        wang.post(&format!("/v1/leads/{}/claim", leads[0]), json!({})),
        wang.post(&format!("/v1/leads/{}/claim", leads[1]), json!({})),
        wang.post(&format!("/v1/leads/{}/claim", leads[2]), json!({})),
        wang.post(&format!("/v1/leads/{}/release", leads[0]), json!({"reason": "暂无需求"})),
        wang.post(&format!("/v1/leads/{}/release", leads[0]), json!({})),
        wang.post(&format!("/v1/leads/{}/claim", leads[0]), json!({})),
        wang.post(&format!("/v1/leads/{}/claim", leads[2]), json!({})),
        wang.post(&format!("/v1/leads/{}/disqualify", leads[2]), json!({"reason": "x"})),
        wang.post(&format!("/v1/leads/{}/claim", leads[3]), json!({})),
        wang.post("/v1/leads", json!({"name": "Given away", "pool_id": pool})),
        chen.post("/v1/leads", json!({"name": "Not there", "pool_id": pool})),
        wang.get(&format!("/v1/leads/{}/holders", leads[0])),
    ];
    for call in calls {
        r.play(call).await;
    }
    let acme = r.create("customers", json!({"name": "Acme"})).await;
    let acme = format!("/v1/customers/{acme}");
    r.post(&format!("{acme}/release"), json!({"reason": "x", "pool_id": pool})).await;
    r.post(&format!("{acme}/release"), json!({"reason": "x"})).await;
    let claim = chen.post(&format!("{acme}/claim"), json!({}));
    r.play(claim).await;
    r.get(&format!("{acme}/holders")).await;
    r.patch(&acme, json!({"pool_id": pool})).await;
    r.delete(&format!("/v1/pools/{pool}")).await;
    r.get(&format!("/v1/pools/{customers}")).await;

    // Rules that assign and rules that score.
    let none = r.post("/v1/leads", json!({"name": "No rules yet", "assign": true})).await;
    r.post(&format!("/v1/leads/{}/assign", none["id"].as_str().unwrap()), json!({})).await;
    for body in [
        json!({"name": "Junk", "sort_order": 1, "target": "pool", "pool_id": pool, "filter": {"field": "source", "value": "名单"}}),
        json!({"name": "South", "sort_order": 2, "target": "territory", "territories": [{"region": "华南", "user_id": chen.id}, {"region": "华北", "team_id": east}]}),
        json!({"name": "Turns", "sort_order": 3, "target": "round_robin", "user_ids": [wang.id, chen.id], "first_response_minutes": 60}),
        json!({"name": "X", "target": "user"}),
        json!({"name": "X", "filter": {"field": "campaign.name", "value": "x"}}),
    ] {
        r.post("/v1/assignment-rules", body).await;
    }
    for body in [
        json!({"name": "Fair", "points": 30, "filter": {"field": "source", "value": "展会"}}),
        json!({"name": "Nameless", "points": -15, "filter": {"field": "person_name", "op": "null", "value": true}}),
        json!({"name": "Old", "points": 40, "decay_field": "first_response_due_at", "half_life_days": 30}),
        json!({"name": "X", "decay_field": "nmae", "half_life_days": 3}),
        json!({"name": "X", "half_life_days": 3}),
    ] {
        r.post("/v1/scoring-rules", body).await;
    }
    let mut made = String::new();
    for more in [
        json!({"source": "名单"}),
        json!({"region": "华南"}),
        json!({"region": "华北"}),
        json!({"source": "展会"}),
        json!({"person_name": "李"}),
        json!({}),
    ] {
        let mut body = json!({"name": "L", "assign": true});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        made = r.create("leads", body).await;
    }
    let path = format!("/v1/leads/{made}");
    r.post(&format!("{path}/assign"), json!({})).await;
    r.patch(&path, json!({"person_name": "王", "source": "展会"})).await;
    r.patch(&path, json!({"owner_id": r.admin.id})).await;
    r.get(&format!("{path}/score")).await;
    r.get("/v1/leads?sort=-score,created_at&fields=name,score,owner_id").await;
    let away = json!({"name": "Away", "user_ids": [wang.id, chen.id], "time_zone": "Asia/Shanghai", "weekly": [{"weekday": 1, "from": "09:00", "to": "18:00"}],
        "absences": [{"user_id": wang.id, "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z", "reason": "休假"}]});
    r.create("work-schedules", away).await;
    r.post(
        "/v1/work-schedules",
        json!({"name": "x", "time_zone": "Mars", "weekly": [{"weekday": 9, "from": "18:00", "to": "09:00"}]}),
    )
    .await;

    let waiting =
        r.create("leads", json!({"name": "Waiting", "first_response_due_at": "2017-01-01T00:00:00Z", "owner_id": wang.id})).await;
    let (tenant, now) = (r.tenant().await, farley::http::clock::now());
    let day = |days: i64| now.plus_seconds(days * 86_400);
    responses::perform(&r.server.app, tenant, day(1)).await.expect("the job is done");
    for days in [9, 11] {
        recalls::perform(&r.server.app, tenant, day(days)).await.expect("the job is done");
    }
    scoring::perform(&r.server.app, tenant, now).await.expect("the job is done");
    r.get(&format!("/v1/leads/{waiting}")).await;
    r.get("/v1/leads?sort=-score,created_at&fields=name,score,owner_id,pool_id").await;
    r.get(&format!("/v1/leads/{}/holders", leads[1])).await;
    r.end().await
}
