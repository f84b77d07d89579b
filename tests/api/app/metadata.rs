//! What a frontend is told to draw forms and tables.

use std::collections::BTreeSet;

use farley_domain::model::help;
use serde_json::{Value, json};

use crate::{
    client::pairs,
    server::Server,
    support::{TestDb, new_id},
};

pub async fn tells_one_object_at_a_time(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let answer = admin.get("/v1/metadata/objects/lead").await;
    let tag = answer.header("etag").to_owned();
    let lead = answer.ok(200);
    assert_eq!(admin.get("/v1/metadata/objects/leads").await.ok(200), lead, "by its collection too");
    let again = admin.get("/v1/metadata/objects/lead").header("If-None-Match", &tag).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    let field = |path: &str| lead["fields"].as_array().unwrap().iter().find(|field| field["path"] == path).unwrap().clone();
    let status = json!({"field": "status", "op": "in", "value": ["disqualified"]});
    assert_eq!((&field("disqualify_reason")["required_when"], &field("disqualify_reason")["shown_when"]), (&status, &status));
    assert_eq!(field("emails")["members"][0]["name"], "value");
    assert_eq!((&lead["sections"][0]["key"], &lead["sections"][0]["fields"][0]), (&json!("basics"), &json!("name")));
    assert_eq!(lead["sections"][0]["label"], json!({"en": "Basics", "zh": "基本信息"}));
    let in_form: usize =
        lead["sections"].as_array().unwrap().iter().map(|section| section["fields"].as_array().unwrap().len()).sum();
    assert_eq!(in_form, lead["fields"].as_array().unwrap().len(), "each field once");
    assert_eq!(lead["can"], Value::Null);
    // A field of the tenant's own changes the tag.
    let of_customers = admin.get("/v1/metadata/objects/customer").await.header("etag").to_owned();
    admin.custom_field("tier", "text", json!({})).await;
    let changed = admin.get("/v1/metadata/objects/customer").header("If-None-Match", &of_customers).await.ok(200);
    let custom = changed["sections"].as_array().unwrap().iter().find(|section| section["key"] == "custom").unwrap();
    assert_eq!(custom["fields"], json!(["custom.tier"]));
    admin.get("/v1/metadata/objects/nothing").await.refused(404, "not_found");
    let faults = admin.get("/v1/metadata/objects/lead?record_id=x").await.faults(400);
    assert_eq!(faults, pairs(&[("record_id", "invalid_id")]));
    let nobody = server.user_with(&admin, "Nobody", json!([]), json!({})).await;
    nobody.get("/v1/metadata/objects/lead").await.refused(403, "forbidden");
}

/// Whatever is described has its description in Chinese too, and nothing is translated that nobody reads.
pub async fn helps_in_both_languages(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let is_chinese = |text: &str| text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
    let (mut untranslated, mut read) = (Vec::new(), BTreeSet::new());
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    for object in list(&admin.get("/v1/metadata/objects").await.ok(200), "data") {
        let fields = list(&object, "fields");
        let members: Vec<Value> = fields.iter().flat_map(|field| list(field, "members")).collect();
        for described in [object].iter().chain(&fields).chain(&members) {
            let (english, help) = (described["description"].as_str().unwrap().trim(), &described["help"]);
            assert_eq!(help["en"], english);
            if !english.is_empty() {
                read.insert(english.to_owned());
                if !is_chinese(help["zh"].as_str().unwrap()) {
                    untranslated.push(english.to_owned());
                }
            }
        }
    }
    assert_eq!(untranslated, [""; 0], "crates/domain/src/model/help.zh-CN.po lacks these");
    let unread: Vec<&str> = help::translated().filter(|english| !read.contains(*english)).collect();
    assert_eq!(unread, [""; 0], "nothing is described so any more");
}

/// Only what one may call is offered, and of one record what one may do with it.
pub async fn tells_what_the_caller_may_do(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let team = admin.create("teams", json!({"name": "Sales"})).await;
    let seller = server.user(&admin, "Seller", "sales_representative", json!({"team_id": team})).await;
    let methods = |metadata: &Value| {
        metadata["operations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let of = async |client: &crate::client::Client, object: &str| {
        methods(&client.get(&format!("/v1/metadata/objects/{object}")).await.ok(200))
    };
    let actions = |ids: &[String]| -> Vec<String> {
        let known = [
            "moveOpportunity",
            "winOpportunity",
            "loseOpportunity",
            "solveTicket",
            "followUpTicket",
            "reorderStages",
            "getBoard",
        ];
        let mut ids: Vec<String> = ids.iter().filter(|id| known.contains(&id.as_str())).cloned().collect();
        ids.sort();
        ids
    };
    assert_eq!(actions(&of(&seller, "opportunity").await), ["loseOpportunity", "moveOpportunity", "winOpportunity"]);
    assert_eq!(actions(&of(&seller, "ticket").await), Vec::<String>::new(), "who only reads tickets solves none");
    assert_eq!(actions(&of(&admin, "ticket").await), ["followUpTicket", "solveTicket"]);
    assert_eq!(actions(&of(&seller, "pipeline").await), ["getBoard"]);
    assert_eq!(
        (actions(&of(&seller, "stage").await), actions(&of(&admin, "stage").await)),
        (Vec::new(), vec!["reorderStages".to_owned()])
    );
    let pools = seller.get("/v1/metadata/objects/pool").await.ok(200);
    assert_eq!(methods(&pools), ["listPools", "searchPools", "summarizePools", "getPool", "listPoolHistory"]);
    assert!(methods(&seller.get("/v1/metadata/objects/lead").await.ok(200)).contains(&"createLead".to_owned()));
    let mine = seller.create("customers", json!({"name": "Mine"})).await;
    let other = admin.create("customers", json!({"name": "Other", "team_id": team})).await;
    let can = async |client: &crate::client::Client, id: &str| {
        client.get(&format!("/v1/metadata/objects/customer?record_id={id}")).await.ok(200)["can"].clone()
    };
    assert_eq!(can(&seller, &mine).await, json!({"update": true, "archive": true, "restore": false}));
    assert_eq!(can(&seller, &other).await, json!({"update": false, "archive": false, "restore": false}));
    assert_eq!(can(&admin, &other).await, json!({"update": true, "archive": true, "restore": false}));
    admin.delete(&format!("/v1/customers/{other}")).await.ok(204);
    assert_eq!(can(&admin, &other).await, json!({"update": false, "archive": false, "restore": true}));
    let unseen = admin.create("customers", json!({"name": "Unseen"})).await;
    seller.get(&format!("/v1/metadata/objects/customer?record_id={unseen}")).await.refused(404, "not_found");
}

/// Every operator that metadata names for a field works in a list, by its suffix and in `filter`.
pub async fn tells_the_filters_that_lists_take(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let parent = admin.list("/v1/pipelines", "id").await.remove(0);
    let sale = admin.create("opportunities", json!({"name": "x"})).await;
    let ticket = admin.create("tickets", json!({"subject": "x"})).await;
    let order = admin.create("work-orders", json!({"subject": "x"})).await;
    let customer = admin.create("customers", json!({"name": "x"})).await;
    let purchase = admin.create("orders", json!({"customer_id": customer})).await;
    let objects = admin.get("/v1/metadata/objects").await.ok(200);
    let encoded = |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let mut tried = 0;
    for object in objects["data"].as_array().unwrap() {
        let path = object["operations"].as_array().unwrap().iter().find(|one| one["id"].as_str().unwrap().starts_with("list"));
        let path = path.unwrap()["path"]
            .as_str()
            .unwrap()
            .replace("{pipeline_id}", &parent)
            .replace("{opportunity_id}", &sale)
            .replace("{ticket_id}", &ticket)
            .replace("{work_order_id}", &order)
            .replace("{order_id}", &purchase);
        for field in
            object["fields"].as_array().unwrap().iter().filter(|field| !field["operators"].as_array().unwrap().is_empty())
        {
            let name = field["path"].as_str().unwrap();
            let value = match field["type"].as_str().unwrap() {
                "integer" => field["limits"]["min"].as_i64().map_or(json!(1), |least| json!(least.max(1))),
                "decimal" | "money" | "count" => json!(1),
                "email" | "emails" => json!("wei@example.com"),
                "phone" | "phones" => json!("+8613800138000"),
                "url" => json!("https://example.com"),
                "country" => json!("CN"),
                "language" => json!("zh-CN"),
                "time_zone" => json!("Asia/Shanghai"),
                "social_credit_code" => json!("914403001922038216"),
                "boolean" => json!(true),
                "date" => json!("2026-03-01"),
                "datetime" => json!("2026-03-01T00:00:00Z"),
                "choice" | "multi_choice" => field["choices"][0]["value"].clone(),
                // A segment that is not there cannot be asked for.
                _ if name == "segments" => {
                    let segment = json!({"name": "x", "object": object["name"], "kind": "fixed"});
                    json!(admin.create("segments", segment).await)
                }
                _ => json!(new_id().to_string()),
            };
            let (mut plain, mut tests) = (Vec::new(), Vec::new());
            for op in field["operators"].as_array().unwrap().iter().map(|op| op.as_str().unwrap()) {
                let value = match op {
                    "null" => json!(false),
                    "in" | "nin" | "any" | "none" => json!([value]),
                    "contains" | "ncontains" | "starts" | "ends" => json!("x"),
                    _ => value.clone(),
                };
                let text = match &value {
                    Value::Array(items) => items[0].as_str().map_or_else(|| items[0].to_string(), str::to_owned),
                    other => other.as_str().map_or_else(|| other.to_string(), str::to_owned),
                };
                let suffix = if op == "eq" { String::new() } else { format!("_{op}") };
                plain.push(format!("{name}{suffix}={}", encoded(&text)));
                tests.push(json!({"field": name, "op": op, "value": value}));
                tried += 1;
            }
            admin.get(&format!("{path}?limit=1&{}", plain.join("&"))).await.ok(200);
            let filter = encoded(&json!({"or": tests}).to_string());
            admin.get(&format!("{path}?limit=1&filter={filter}")).await.ok(200);
        }
    }
    assert!(tried > 2_000, "only {tried}");
}

pub async fn tells_what_there_is_to_choose_from(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let find = async |list: &str, key: &str, value: &str| {
        let answer = admin.get(&format!("/v1/metadata/{list}")).await;
        let tag = answer.header("etag").to_owned();
        assert_eq!(admin.get(&format!("/v1/metadata/{list}")).header("If-None-Match", &tag).await.status, 304);
        let body = answer.ok(200);
        body["data"].as_array().unwrap().iter().find(|entry| entry[key] == value).unwrap_or_else(|| panic!("{value}")).clone()
    };
    let yen = find("currencies", "code", "JPY").await;
    assert_eq!((&yen["minor_units"], &yen["sign"]), (&json!(0), &json!("¥")));
    assert_eq!(find("countries", "code", "DE").await["label"], json!({"en": "Germany", "zh": "德国"}));
    assert_eq!(find("languages", "code", "zh-CN").await["label"]["en"], "Chinese (China)");
    assert_eq!(find("time-zones", "name", "Asia/Shanghai").await["offset_minutes"], 480);
    server.anybody().get("/v1/metadata/currencies").await.refused(401, "unauthorized");
}
