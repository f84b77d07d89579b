//! Full-text search, in one collection (`q=`) and across all (`/v1/search`).

use serde_json::json;

use crate::{client::pairs, server::Server, support::TestDb};

pub async fn finds_what_people_type_at_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let huawei = json!({
        "name": "华为技术有限公司", "phones": [{"value": "0755-28780808"}], "emails": [{"value": "sales.team@huawei.com"}],
        "social_credit_code": "914403001922038216", "description": "全球领先的通信基础设施",
    });
    let path = format!("/v1/customers/{}", admin.create("customers", huawei).await);
    admin.create("customers", json!({"name": "中兴通讯", "phones": [{"value": "13800138000"}]})).await;
    for q in [
        "华为",
        "huawei",
        "hw",
        "HuaWei",
        "技术",
        "hwjs",
        "28780808",
        "8780808",
        "0755-2878",
        "sales.team",
        "team@huawei",
        "huawei.com",
        "9144030019",
        "基础设施",
        "华为 技术",
        "ＨＵＡＷＥＩ",
    ] {
        assert_eq!(admin.names(&format!("/v1/customers?q={q}")).await, ["华为技术有限公司"], "{q}");
    }
    for q in ["华位", "huaweix", "99999", "' OR 1=1 --", "\"", "*", "AND", "NEAR(", "-", "华*为"] {
        let found = admin.names(&format!("/v1/customers?q={q}")).await;
        assert!(!found.contains(&"中兴通讯".to_owned()), "{q}: {found:?}");
    }
    // Renamed, archived, restored: the next search knows.
    admin.patch(&path, json!({"name": "菊厂"})).await.ok(200);
    assert_eq!(admin.names("/v1/customers?q=juchang").await, ["菊厂"]);
    assert!(admin.names("/v1/customers?q=技术").await.is_empty());
    admin.delete(&path).await.ok(204);
    assert!(admin.names("/v1/customers?q=juchang").await.is_empty());
    assert_eq!(admin.names("/v1/customers?q=juchang&archived=true").await, ["菊厂"]);
    admin.post(&format!("{path}/restore"), json!({})).await.ok(200);
    assert_eq!(admin.names("/v1/customers?q=juchang").await, ["菊厂"]);
}

pub async fn shows_the_best_first(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for body in [
        json!({"name": "华为"}),
        json!({"name": "上海华为经销商"}),
        json!({"name": "Acme", "description": "华为的供应商"}),
        json!({"name": "无关"}),
    ] {
        admin.create("customers", body).await;
    }
    assert_eq!(admin.names("/v1/customers?q=华为").await, ["华为", "上海华为经销商", "Acme"]);
    // Page by page the same; another sort where asked for.
    let page = admin.get("/v1/customers?q=华为&limit=1&total=true").await.ok(200);
    assert_eq!(page["page"]["total"], 3);
    let next = page["page"]["next"].as_str().unwrap();
    assert_eq!(admin.names(&format!("/v1/customers?q=华为&limit=5&cursor={next}")).await, ["上海华为经销商", "Acme"]);
    assert_eq!(admin.names("/v1/customers?q=华为&sort=-name").await[2], "Acme");
    assert_eq!(admin.names("/v1/customers?q=华为&name_ne=Acme").await.len(), 2);
}

pub async fn goes_across_objects(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let customer = admin.create("customers", json!({"name": "Weiland GmbH"})).await;
    admin.create("contacts", json!({"name": "Wei", "customer_id": customer})).await;
    admin.create("tags", json!({"name": "wei tag"})).await;
    let found = admin.get("/v1/search?q=wei").await.ok(200);
    let hits = found["data"].as_array().unwrap();
    let titles: Vec<&str> = hits.iter().map(|hit| hit["title"].as_str().unwrap()).collect();
    assert_eq!(titles[0], "Wei", "the whole name first: {titles:?}");
    assert_eq!(titles.len(), 3);
    assert_eq!((&hits[0]["object"], &hits[0]["collection"]), (&json!("contact"), &json!("contacts")));
    assert_eq!(hits[0]["record"]["customer_id"], customer.as_str());
    let found = admin.get("/v1/search?q=wei&objects=customer,tag&limit=1").await.ok(200);
    assert_eq!((found["data"].as_array().unwrap().len(), &found["has_more"]), (1, &json!(true)));
    assert_eq!(admin.get("/v1/search?q=wei&objects=custmer").await.faults(400), pairs(&[("objects", "unknown_choice")]));
    assert_eq!(admin.get("/v1/search").await.faults(400), pairs(&[("q", "required")]));
    assert_eq!(admin.get("/v1/search?q=x&objcts=tag").await.faults(400), pairs(&[("objcts", "unknown_parameter")]));
    let long = "x".repeat(201);
    assert_eq!(admin.get(&format!("/v1/search?q={long}")).await.faults(400), pairs(&[("q", "too_long")]));
    assert_eq!(admin.get("/v1/search?q=").await.ok(200)["data"], json!([]));
}

pub async fn signs_count_and_records_come_first(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for name in ["C++ House", "C# House", "C House", ".NET Works", "Netflix", "AT&T", "At Tea", "Rocket 🚀", "Zed"] {
        admin.create("customers", json!({"name": name})).await;
    }
    for (q, found) in [
        ("C%2B%2B", &["C++ House"][..]),
        ("C%23", &["C# House"]),
        (".NET", &[".NET Works"]),
        ("AT%26T", &["AT&T"]),
        ("at%20%26%20t", &["AT&T", "At Tea"]),
        ("🚀", &["Rocket 🚀"]),
        ("🎉", &[]),
        ("net", &["Netflix", ".NET Works"]),
        ("c", &["C House", "C# House", "C++ House"]),
        ("z", &["Zed"]),
        ("q", &[]),
        ("7", &[]),
    ] {
        let mut names = admin.names(&format!("/v1/customers?q={q}")).await;
        let mut wanted: Vec<String> = found.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        wanted.sort();
        assert_eq!(names, wanted, "{q}");
    }
    // What begins with it before what only has it, and settings after all records.
    let customer = admin.create("customers", json!({"name": "华为"})).await;
    admin.create("customers", json!({"name": "华为技术"})).await;
    let note = json!({"kind": "note", "subject": "关于华为的笔记", "records": [{"object": "customer", "id": customer}]});
    admin.create("activities", note).await;
    admin.create("tags", json!({"name": "华为"})).await;
    admin.create("roles", json!({"name": "华为团队"})).await;
    let found = admin.get("/v1/search?q=华为").await.ok(200);
    let titles: Vec<&str> = found["data"].as_array().unwrap().iter().map(|hit| hit["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["华为", "华为技术", "关于华为的笔记", "华为", "华为团队"]);
    assert_eq!(found["data"][0]["object"], "customer");
    let page = admin.get("/v1/customers?q=华为&limit=1").await.ok(200);
    let next = page["page"]["next"].as_str().unwrap();
    assert_eq!(admin.names(&format!("/v1/customers?q=华为&cursor={next}")).await, ["华为技术"]);
}

pub async fn companies_meet_whatever_their_legal_form(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.create("customers", json!({"name": "Kingsway Trading Limited"})).await;
    admin.create("customers", json!({"name": "华为技术有限公司"})).await;
    for q in ["Kingsway Trading Ltd.", "kingsway trading co., ltd", "KINGSWAY", "kingsway limited"] {
        assert_eq!(admin.names(&format!("/v1/customers?q={q}")).await, ["Kingsway Trading Limited"], "{q}");
    }
    for q in ["华为公司", "华为技术公司", "華為技術股份有限公司", "华为技术有限公司"] {
        assert_eq!(admin.names(&format!("/v1/customers?q={q}")).await, ["华为技术有限公司"], "{q}");
    }
}
