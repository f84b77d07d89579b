//! Lists: filters, sorts, pages, sparse records, and what is refused.

use std::{collections::HashSet, io::Read};

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// `filter` takes what the body of a search takes, in every list, and goes together with plain filters.
pub async fn filters_may_be_written_as_json(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for (name, status) in [("Acme", "active"), ("Acme Oil", "inactive"), ("Beta", "blocked")] {
        admin.create("customers", json!({"name": name, "status": status})).await;
    }
    let written = |filter: Value| -> String { form_urlencoded::byte_serialize(filter.to_string().as_bytes()).collect() };
    let either =
        written(json!({"or": [{"field": "name", "op": "starts", "value": "acme"}, {"field": "status", "value": "blocked"}]}));
    let mut found = admin.names(&format!("/v1/customers?filter={either}")).await;
    found.sort();
    assert_eq!(found, ["Acme", "Acme Oil", "Beta"]);
    assert_eq!(admin.names(&format!("/v1/customers?filter={either}&status=inactive")).await, ["Acme Oil"]);
    // The next page and the lists of a summary keep to it.
    let first = admin.get(&format!("/v1/customers?filter={either}&limit=2&sort=name")).await;
    let link = first.header("link").to_owned();
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    assert_eq!(admin.names(next).await, ["Beta"]);
    let summary = admin.get(&format!("/v1/customers/summary?group_by=status&filter={either}")).await.ok(200);
    assert_eq!(summary["data"].as_array().unwrap().len(), 3);
    assert_eq!(admin.names(summary["data"][0]["list"].as_str().unwrap()).await, ["Acme"]);
    let none = written(json!({"field": "name", "value": "x"}));
    let pipeline = admin.list("/v1/pipelines", "id").await.remove(0);
    for path in [format!("/v1/pipelines/{pipeline}/board"), "/v1/reports/sales-funnel".to_owned()] {
        admin.get(&format!("{path}?filter={none}")).await.ok(200);
        let wrong = written(json!({"field": "nmae", "value": "x"}));
        let faults = admin.get(&format!("{path}?filter={wrong}")).await.faults(400);
        assert_eq!(faults, pairs(&[("filter/field", "unknown_member")]), "{path}");
    }
    for (filter, fault) in [
        ("{".to_owned(), ("filter", "malformed")),
        ("[]".to_owned(), ("filter", "wrong_type")),
        (r#"{"field":"amuont","value":1}"#.to_owned(), ("filter/field", "unknown_member")),
    ] {
        let filter: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        assert_eq!(admin.get(&format!("/v1/customers?filter={filter}")).await.faults(400), pairs(&[fault]));
    }
    // What goes beyond one's sight is not asked for by this way either.
    let faults = admin.get(&format!("/v1/customers?filter={either}&filter={either}")).await.faults(400);
    assert_eq!(faults, pairs(&[("filter", "duplicate_parameter")]));
}

/// Five customers that differ in what filters ask about.
async fn sample(admin: &Client) {
    for body in [
        json!({"name": "Alpha", "industry": "Retail", "employee_count": 10, "annual_revenue": {"amount": 100, "currency": "CNY"},
            "birthday": "2001-01-31", "status": "active", "emails": [{"value": "info@alpha.example.com"}], "phones": [{"value": "13800138000"}]}),
        json!({"name": "beta", "industry": "retail", "employee_count": 20, "annual_revenue": {"amount": 300, "currency": "USD"},
            "status": "inactive", "website": "https://beta.example"}),
        json!({"name": "Gamma", "employee_count": 20, "annual_revenue": {"amount": 200, "currency": "CNY"}, "birthday": "1999-12-31"}),
        json!({"name": "华为技术", "industry": "通信", "status": "blocked", "description": "关键客户"}),
        json!({"name": "100%_\\ 'x'", "employee_count": 0}),
    ] {
        admin.create("customers", body).await;
    }
}

pub async fn take_every_operator(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    sample(&admin).await;
    let (a, b, c, h, x) = ("Alpha", "beta", "Gamma", "华为技术", "100%_\\ 'x'");
    let ids = admin.list("/v1/customers?sort=created_at", "id").await;
    let id_in = format!("id_in={},{}", ids[0], ids[3]);
    for (filter, expected) in [
        ("name=Alpha", vec![a]),
        ("name=ALPHA", vec![]),
        ("name_ne=Alpha", vec![b, c, h, x]),
        ("industry=retail", vec![b]),
        ("industry_ne=retail", vec![a, c, h, x]),
        ("industry_nin=retail,通信", vec![a, c, x]),
        ("industry_in=Retail,通信", vec![a, h]),
        ("industry_null=true", vec![c, x]),
        ("industry_null=false", vec![a, b, h]),
        // In parts of a text, case and width do not matter.
        ("industry_starts=ＲＥ", vec![a, b]),
        ("name_contains=为技", vec![h]),
        ("name_contains=%25_", vec![x]),
        ("name_contains=_", vec![x]),
        ("name_contains='x'", vec![x]),
        ("name_starts=100%25_\\", vec![x]),
        ("name_ends=A", vec![a, b, c]),
        ("name_ends=技术", vec![h]),
        ("name_ends=%27X%27", vec![x]),
        ("name_ncontains=A", vec![h, x]),
        ("website_ncontains=beta", vec![a, c, h, x]),
        ("website_ends=.EXAMPLE", vec![b]),
        ("description_ends=客户", vec![h]),
        ("description_ncontains=关键", vec![a, b, c, x]),
        ("description_contains=关键", vec![h]),
        ("employee_count=20", vec![b, c]),
        ("employee_count_gt=10", vec![b, c]),
        ("employee_count_gte=10", vec![a, b, c]),
        ("employee_count_lt=10", vec![x]),
        ("employee_count_lte=10&employee_count_gt=0", vec![a]),
        ("employee_count_in=0,10", vec![a, x]),
        ("employee_count_nin=0,10", vec![b, c, h]),
        ("employee_count_null=true", vec![h]),
        ("annual_revenue_gte=200", vec![b, c]),
        ("annual_revenue.currency=CNY", vec![a, c]),
        ("annual_revenue_gte=200&annual_revenue.currency=CNY", vec![c]),
        ("birthday_lt=2000-01-01", vec![c]),
        ("birthday=2001-01-31", vec![a]),
        ("status=active", vec![a, c, x]),
        ("status_in=inactive,blocked", vec![b, h]),
        ("status_ne=active", vec![b, h]),
        ("emails_any=INFO@alpha.example.com", vec![a]),
        ("emails_none=info@alpha.example.com", vec![b, c, h, x]),
        ("emails_null=false", vec![a]),
        ("phones_any=138 0013 8000", vec![a]),
        ("website_contains=beta", vec![b]),
        (id_in.as_str(), vec![a, h]),
        ("owner.name=Administrator&status=blocked", vec![h]),
        ("created_at_gte=-1d", vec![a, b, c, h, x]),
        ("created_at_gte=start_of_year&created_at_lt=now", vec![a, b, c, h, x]),
        ("created_at_lt=-1d", vec![]),
    ] {
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        let mut found = admin.names(&format!("/v1/customers?{filter}")).await;
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{filter}");
    }
    let matching = async |filter: Value| {
        let mut names = admin.matching(filter).await;
        names.sort();
        names
    };
    let retail = json!({"field": "industry", "op": "starts", "value": "retail"});
    assert_eq!(matching(json!({"and": [retail, {"field": "employee_count", "op": "gt", "value": 10}]})).await, [b]);
    assert_eq!(
        matching(
            json!({"or": [{"field": "name", "value": "Gamma"}, {"not": {"field": "status", "op": "ne", "value": "blocked"}}]})
        )
        .await,
        [c, h]
    );
    // Not: rows with nulls stay in.
    assert_eq!(matching(json!({"not": retail})).await, [x, c, h]);
    assert_eq!(matching(json!({"field": "created_at", "op": "gte", "value": {"relative": "start_of_month"}})).await.len(), 5);
    assert_eq!(matching(json!({"and": [{"q": "hw"}, {"field": "status", "value": "blocked"}]})).await, [h]);
    assert_eq!(matching(json!({"and": []})).await.len(), 5);
    assert!(matching(json!({"or": []})).await.is_empty());
}

pub async fn read_values_as_people_write_them(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for name in ["Acme, Inc.", "3M", "The \"Q\"", "Other"] {
        admin.create("customers", json!({"name": name})).await;
    }
    // Half an hour into the day of the tenant's zone.
    admin.create("tasks", json!({"subject": "Early", "due_at": "2017-02-28T16:30:00Z"})).await;
    for (filter, expected) in [
        (r#"name_in="Acme, Inc.",3M"#, vec!["3M", "Acme, Inc."]),
        (r#"name_in="Acme, Inc."&name_in=3M"#, vec!["3M", "Acme, Inc."]),
        (r#"name_in=&name_in="The ""Q""""#, vec!["The \"Q\""]),
        (r#"name_nin="Acme, Inc.",3M&name_nin="The ""Q""""#, vec!["Other"]),
        ("created_at_gte=start_of_day&created_at_lte=end_of_day&name=3M", vec!["3M"]),
    ] {
        let mut found = admin.names(&format!("/v1/customers?{filter}")).await;
        found.sort();
        assert_eq!(found, expected, "{filter}");
    }
    for (filter, finds) in [
        ("due_at=2017-03-01", true),
        ("due_at_in=2016-01-01,2017-03-01", true),
        ("due_at_ne=2017-03-01", false),
        ("due_at_gte=2017-03-01", true),
        ("due_at_lt=2017-03-01", false),
        ("due_at_lte=2017-03-01", true),
        ("due_at_gt=2017-03-01", false),
        ("due_at_gt=2017-02-28", true),
    ] {
        let found = admin.list(&format!("/v1/tasks?{filter}"), "subject").await;
        assert_eq!(!found.is_empty(), finds, "{filter}");
    }
    admin.get("/v1/opportunities?as_of=2017-03-01").await.ok(200);
    for (filter, code) in [
        (r#"name_in="Acme"#, "malformed"),
        ("emails_any=nobody", "invalid_email"),
        ("phones_any=12", "invalid_phone"),
        ("annual_revenue.currency=XXQ", "unknown_currency"),
        ("employee_count=-1", "too_small"),
        ("created_at_gte=2017-02-30", "invalid_time"),
    ] {
        let faults = admin.get(&format!("/v1/customers?{filter}")).await.faults(400);
        assert_eq!(faults[0].1, code, "{filter}");
    }
}

pub async fn a_missing_relation_is_null(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let east = Value::from(admin.create("customers", json!({"name": "East", "industry": "Retail"})).await);
    let plain = Value::from(admin.create("customers", json!({"name": "Plain"})).await);
    for (name, customer) in [("Of East", &east), ("Of Plain", &plain), ("Of none", &Value::Null)] {
        admin.create("contacts", json!({"name": name, "customer_id": customer})).await;
    }
    for (filter, expected) in [
        ("customer.industry=Retail", vec!["Of East"]),
        ("customer.industry_ne=Retail", vec!["Of Plain", "Of none"]),
        ("customer.industry_nin=Retail,x", vec!["Of Plain", "Of none"]),
        ("customer.industry_null=true", vec!["Of Plain", "Of none"]),
        ("customer.industry_null=false", vec!["Of East"]),
        ("customer.contacts_null=true", vec!["Of none"]),
        ("customer.parent.name_null=true", vec!["Of East", "Of Plain", "Of none"]),
        ("customer_null=true", vec!["Of none"]),
    ] {
        let mut found = admin.names(&format!("/v1/contacts?{filter}")).await;
        found.sort();
        assert_eq!(found, expected, "{filter}");
    }
    // Nothing keeps these links in a column of their own.
    let deal = admin.create("opportunities", json!({"name": "Deal", "customer_id": east})).await;
    let stage = admin.get(&format!("/v1/opportunities/{deal}")).await.ok(200)["stage_id"].clone();
    for (filter, expected) in [
        ("entered_stage_ids_null=true".to_owned(), vec![]),
        ("entered_stage_ids_null=false".to_owned(), vec!["Deal"]),
        (format!("entered_stage_ids_any={}", stage.as_str().unwrap()), vec!["Deal"]),
        (format!("entered_stage_ids_none={}", stage.as_str().unwrap()), vec![]),
    ] {
        assert_eq!(admin.names(&format!("/v1/opportunities?{filter}")).await, expected, "{filter}");
    }
}

pub async fn are_sorted_with_nulls_last(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    sample(&admin).await;
    let (a, b, c, h, x) = ("Alpha", "beta", "Gamma", "华为技术", "100%_\\ 'x'");
    for (sort, expected) in [
        ("name", [x, a, c, b, h]),
        ("-name", [h, b, c, a, x]),
        ("employee_count,name", [x, a, c, b, h]),
        ("-employee_count,-name", [b, c, a, x, h]),
        ("-employee_count,name", [c, b, a, x, h]),
        ("annual_revenue,name", [a, c, b, x, h]),
        ("birthday,name", [c, a, x, b, h]),
        ("created_at", [a, b, c, h, x]),
    ] {
        assert_eq!(admin.names(&format!("/v1/customers?sort={sort}")).await, expected, "{sort}");
        // In pages of two, by cursor and by offset.
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = admin.get(&format!("/v1/customers?sort={sort}&limit=2{cursor}")).await;
            let link = page.header("link").to_owned();
            let page = page.ok(200);
            paged.extend(page["data"].as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap().to_owned()));
            assert_eq!(page["page"]["has_more"], page["page"]["next"].is_string());
            assert_eq!(page["page"]["total"], Value::Null);
            let Some(next) = page["page"]["next"].as_str() else {
                assert_eq!(link, "");
                break;
            };
            assert_eq!(link, format!("</v1/customers?sort={sort}&limit=2&cursor={next}>; rel=\"next\""));
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, expected, "{sort}");
        assert_eq!(admin.names(&format!("/v1/customers?sort={sort}&limit=2&offset=3")).await, expected[3..]);
    }
    // Without a sort, the newest first.
    assert_eq!(admin.names("/v1/customers").await, [x, h, c, b, a]);
    let body = json!({"sort": ["-employee_count", "name"], "limit": 2, "fields": ["name"], "total": true});
    let page = admin.post("/v1/customers/search", body.clone()).await;
    assert_eq!(page.header("x-total-count"), "5");
    let page = page.ok(200);
    assert_eq!((&page["data"][0]["name"], &page["page"]["total"]), (&json!(c), &json!(5)));
    let mut body = body;
    body["cursor"] = page["page"]["next"].clone();
    assert_eq!(admin.post("/v1/customers/search", body).await.each("name"), [a, x]);
}

/// Many records that tie, read in pages while others come: each that was there is seen once.
pub async fn show_each_record_once_while_others_come(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let create = async |number: usize, batch: &str| {
        let body = json!({"name": format!("{batch} {number}"), "industry": "Same", "employee_count": (!number.is_multiple_of(3)).then_some(number % 2)});
        admin.create("customers", body).await
    };
    let mut there = HashSet::new();
    for number in 0..40 {
        there.insert(create(number, "old").await);
    }
    for sort in ["industry", "-industry", "employee_count", "-employee_count", "-created_at"] {
        let (mut seen, mut next) = (Vec::new(), format!("/v1/customers?sort={sort}&limit=7&fields=id&name_starts=old"));
        let mut pages = 0;
        loop {
            let page = admin.get(&next).await;
            let link = page.header("link").to_owned();
            seen.extend(page.each("id"));
            let Some(path) = link.strip_prefix('<').and_then(|link| link.split_once('>')) else { break };
            next = path.0.to_owned();
            create(pages, "old, but late").await;
            pages += 1;
        }
        if sort == "-created_at" {
            // Another list is not gone on with from here.
            let page = admin.get("/v1/customers?limit=1").await.ok(200);
            let elsewhere = format!("/v1/leads?cursor={}", page["page"]["next"].as_str().unwrap());
            assert_eq!(admin.get(&elsewhere).await.faults(400), pairs(&[("cursor", "invalid_cursor")]));
        }
        let once: HashSet<String> = seen.iter().cloned().collect();
        assert_eq!(once.len(), seen.len(), "{sort}: something was seen twice");
        assert!(there.is_subset(&once), "{sort}: something was missed");
        there.extend(admin.list("/v1/customers?name_starts=old&limit=200", "id").await);
    }
}

pub async fn give_just_the_fields_asked_for(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("tier", "text", json!({})).await;
    let id = admin.create("customers", json!({"name": "Acme", "custom": {"tier": "gold"}})).await;
    let members = |record: &Value| record.as_object().unwrap().keys().cloned().collect::<HashSet<_>>();
    let expected = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<HashSet<_>>();
    let list = admin.get("/v1/customers?fields=name,custom.tier").await.ok(200);
    assert_eq!(members(&list["data"][0]), expected(&["id", "name", "custom"]));
    assert_eq!(list["data"][0]["custom"], json!({"tier": "gold"}));
    let record = admin.get(&format!("/v1/customers/{id}?fields=version,contact_count")).await.ok(200);
    assert_eq!(record, json!({"id": id, "version": 1, "contact_count": 0}));
    assert!(admin.get(&format!("/v1/customers/{id}")).await.ok(200).get("contact_count").is_none());
    let faults = admin.get("/v1/customers?fields=nmae,custom.teir").await.faults(400);
    assert_eq!(faults, pairs(&[("fields", "unknown_member"), ("fields", "unknown_member")]));
}

pub async fn count_and_skip_exactly(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    sample(&admin).await;
    let answer = admin.get("/v1/customers?total=true&limit=2&status=active").await;
    assert_eq!(answer.header("x-total-count"), "3");
    assert_eq!(answer.ok(200)["page"]["total"], 3);
    let answer = admin.get("/v1/customers?total=true&offset=100").await.ok(200);
    assert_eq!(answer, json!({"data": [], "page": {"next": null, "has_more": false, "total": 5}}));
    admin.get("/v1/customers?offset=10000").await.ok(200);
    for (query, fault) in [
        ("offset=10001", ("offset", "too_far")),
        ("offset=-1", ("offset", "too_small")),
        ("limit=0", ("limit", "too_small")),
        ("limit=201", ("limit", "too_large")),
        ("limit=99999999999999999999", ("limit", "wrong_type")),
        ("limit=ten", ("limit", "wrong_type")),
        ("cursor=nonsense", ("cursor", "invalid_cursor")),
        ("sort=emails", ("sort", "not_sortable")),
        ("sort=nmae", ("sort", "unknown_member")),
        ("sort=name,name", ("sort", "repeated")),
        ("sort=name,id,status,industry,region,source", ("sort", "too_many")),
        ("archived=maybe", ("archived", "wrong_type")),
        ("name=a&name=b", ("name", "duplicate_parameter")),
        ("status=actve", ("status", "unknown_choice")),
        ("employee_count=many", ("employee_count", "wrong_type")),
        ("employee_count_contains=1", ("employee_count_contains", "wrong_operator")),
        ("birthday_gt=soon", ("birthday_gt", "invalid_relative_time")),
        ("owner_id=mine", ("owner_id", "invalid_id")),
        ("nmae_contains=x", ("nmae_contains", "unknown_parameter")),
        ("addresses_any=x", ("addresses_any", "not_filterable")),
        ("contacts.customers.contacts.customers.name=x", ("contacts.customers.contacts.customers.name", "too_deep")),
    ] {
        assert_eq!(admin.get(&format!("/v1/customers?{query}")).await.faults(400), pairs(&[fault]), "{query}");
    }
    let problem = admin.get("/v1/customers?lmit=5").await.refused(400, "invalid_request");
    assert_eq!(problem["errors"][0]["message"], "is not a known parameter; did you mean `limit`?");
    // A cursor belongs to its sort, and goes with no offset.
    let page = admin.get("/v1/customers?sort=name&limit=1").await.ok(200);
    let cursor = page["page"]["next"].as_str().unwrap();
    let faults = admin.get(&format!("/v1/customers?sort=-name&cursor={cursor}")).await.faults(400);
    assert_eq!(faults, pairs(&[("cursor", "invalid_cursor")]));
    let faults = admin.get(&format!("/v1/customers?sort=name&cursor={cursor}&offset=1")).await.faults(400);
    assert_eq!(faults, pairs(&[("offset", "conflicting")]));
}

/// Large answers come compressed where the client says that it takes gzip, and are the same underneath.
pub async fn travel_compressed_where_wanted(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for number in 0..20 {
        admin.create("customers", json!({"name": format!("客户 {number}"), "description": "很长的说明 ".repeat(100)})).await;
    }
    let list = "/v1/customers?sort=name";
    let (headers, plain) = admin.get(list).raw().await;
    assert!(!headers.contains_key("content-encoding"));
    let varies = |headers: &HeaderMap| {
        let all = headers.get_all("vary").iter().map(|value| value.to_str().unwrap().to_lowercase());
        all.collect::<Vec<_>>().join(",").contains("accept-encoding")
    };
    assert!(plain.len() > 20_000 && varies(&headers), "{headers:?}");
    for accepted in ["gzip", "br, gzip;q=0.8", "*"] {
        let (headers, bytes) = admin.get(list).header("Accept-Encoding", accepted).raw().await;
        assert_eq!(headers["content-encoding"], "gzip");
        assert!(varies(&headers) && bytes.len() * 4 < plain.len(), "{} of {}", bytes.len(), plain.len());
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
        assert_eq!(text, plain);
    }
    for accepted in ["br", "gzip;q=0", "identity"] {
        assert_eq!(admin.get(list).header("Accept-Encoding", accepted).raw().await.1, plain);
    }
    // Small answers, and records that are known by a strong validator, are left as they are.
    let long = json!({"name": "Long", "description": "很长的说明 ".repeat(900)});
    let id = admin.create("customers", long).await;
    for path in [format!("/v1/customers/{id}"), "/v1/me".to_owned(), "/v1/customers?limit=1&fields=name".to_owned()] {
        let (headers, _) = admin.get(&path).header("Accept-Encoding", "gzip").raw().await;
        assert!(!headers.contains_key("content-encoding"), "{path}");
    }
    let record = admin.get(&format!("/v1/customers/{id}")).header("Accept-Encoding", "gzip").await;
    assert_eq!(record.header("etag"), "\"v1\"");
    let again = admin.get(&format!("/v1/customers/{id}")).header("Accept-Encoding", "gzip").header("If-None-Match", "\"v1\"");
    assert_eq!(again.await.status, 304);
}
