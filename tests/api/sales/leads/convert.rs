//! `POST /v1/leads/{id}/convert`.

use serde_json::{Value, json};

use super::rep;
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn happens_once(db: TestDb) {
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
    assert_eq!(all["contact"]["phones"][0]["typed"], "13800138000");
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

/// Whoever is at the customer already is not there twice.
pub async fn takes_the_contact_that_is_there(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = admin.create("customers", json!({"name": "Kingsway Trading Ltd."})).await;
    let contact = async |name: &str, more: Value| {
        let mut body = json!({"name": name, "customer_id": customer});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.create("contacts", body).await
    };
    let desk = json!([{"value": "0755-28780808"}]);
    let wang = contact("Wang Fang", json!({"phones": desk})).await;
    let li = contact("Li Wei", json!({"phones": desk, "emails": [{"value": "li@例子.公司"}]})).await;
    admin.create("contacts", json!({"name": "Elsewhere", "emails": [{"value": "chen@example.cn"}]})).await;
    let convert = async |lead: Value| {
        let lead = admin.create("leads", lead).await;
        admin.post(&format!("/v1/leads/{lead}/convert"), json!({"match_customer": true})).await.ok(200)
    };
    let lead = |person: &str, more: Value| {
        let mut body = json!({"company": "KINGSWAY TRADING LIMITED", "person_name": person});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (lead, taken) in [
        (lead("Lee", json!({"emails": [{"value": "LI@xn--fsqu00a.xn--55qx5d"}]})), &li),
        (lead("Fang, Wang", json!({"phones": desk})), &wang),
        (lead("Wei Li", json!({"phones": [{"value": "+86 755 2878 0808"}]})), &li),
    ] {
        let done = convert(lead.clone()).await;
        assert_eq!((&done["customer"]["id"], &done["contact"]["id"]), (&json!(customer), &json!(taken)), "{lead}");
        assert_eq!(done["lead"]["contact_id"], json!(taken));
    }
    let done = convert(lead("Chen", json!({"emails": [{"value": "chen@example.cn"}]}))).await;
    assert_eq!(done["contact"]["customer_id"], json!(customer));
    assert_eq!(admin.names(&format!("/v1/contacts?customer_id={customer}")).await.len(), 3);
}
