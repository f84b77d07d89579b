//! `GET /v1/{collection}/summary`.

use farley_domain::{
    model::{entity::Entity, field::FieldType, object::Schema, registry},
    query::predicate::Predicate,
    sales::opportunity::Opportunity,
    values::{
        id::Id,
        money::{Currency, Money},
        time::Timestamp,
    },
};
use farley_persistence::{Change, Origin, StoreError, TenantKey};
use serde_json::{Value, json};

use super::{is_listed, sales, yuan};
use crate::{server::Server, support::TestDb};

pub async fn count_and_add_up(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    sales(&admin).await;
    admin.create("opportunities", json!({"name": "G", "amount": {"amount": 7, "currency": "USD"}})).await;
    let path = "/v1/opportunities/summary?group_by=status&sum=amount,probability";
    let summary = admin.get(path).await.ok(200);
    let groups = summary["data"].as_array().unwrap();
    let told: Vec<(&Value, &Value, &Value)> =
        groups.iter().map(|group| (&group["group"]["status"], &group["count"], &group["sums"]["amount"])).collect();
    assert_eq!(told[0], (&json!("lost"), &json!(2), &json!([yuan(3_400)])));
    assert_eq!(told[1], (&json!("open"), &json!(3), &json!([yuan(2_400), {"amount": 7, "currency": "USD"}])));
    assert_eq!(groups[2]["sums"]["probability"], 200);
    admin.create("opportunities", json!({"name": "H"})).await;
    for path in [
        path,
        "/v1/opportunities/summary?group_by=amount.currency",
        "/v1/opportunities/summary?group_by=closed_at.quarter,owner.name",
        "/v1/opportunities/summary?group_by=opened_at.month&opened_at_gte=2017-01-15T00:00:00Z&opened_at_lt=2017-03-11T00:00:00Z",
        "/v1/opportunities/summary?group_by=source&q=A",
        "/v1/opportunities/summary?group_by=amount.currency,stage.name",
        "/v1/opportunities/summary?as_of=2017-02-15T00:00:00Z&group_by=stage_id",
        "/v1/customers/summary",
    ] {
        let summary = admin.get(path).await.ok(200);
        assert!(!summary["data"].as_array().unwrap().is_empty(), "{path}");
        for group in summary["data"].as_array().unwrap() {
            let list = group["list"].as_str().unwrap();
            let list = format!("{list}{}total=true", if list.contains('?') { "&" } else { "?" });
            assert_eq!(admin.get(&list).await.ok(200)["page"]["total"], group["count"], "{path}: {list}");
        }
    }
    // Whatever an object is grouped by, each group tells where its records are.
    let customer = admin.create("customers", json!({"name": "A & B, C=D", "annual_revenue": yuan(5), "region": "华东"})).await;
    admin.create("customers", json!({"name": "Plain"})).await;
    admin.create("contacts", json!({"name": "李伟", "customer_id": customer})).await;
    admin.create("leads", json!({"name": "L", "budget_min": yuan(1)})).await;
    admin.create("products", json!({"name": "P", "list_price": yuan(3)})).await;
    admin.create("products", json!({"name": "Q"})).await;
    admin.create("campaigns", json!({"name": "K", "budget": yuan(4)})).await;
    admin.create("activities", json!({"kind": "call", "subject": "s", "customer_id": customer})).await;
    let mut followed = 0;
    for object in registry::objects().into_iter().filter(|object| object.parent.is_none()) {
        for field in object.fields.iter().filter(|field| field.filterable && field.kind.is_scalar()) {
            let name = match field.kind {
                FieldType::Date | FieldType::DateTime => format!("{}.month", field.name),
                FieldType::Money => format!("{}.currency", field.name),
                _ => field.name.to_string(),
            };
            let path = format!("/v1/{}/summary?group_by={name}", object.collection);
            let answer = admin.get(&path).await;
            if [400, 404].contains(&answer.status) {
                continue;
            }
            for group in answer.ok(200)["data"].as_array().unwrap() {
                let list = format!("{}&total=true", group["list"].as_str().unwrap());
                assert_eq!(admin.get(&list).await.ok(200)["page"]["total"], group["count"], "{path}: {list}");
                followed += 1;
            }
        }
    }
    assert!(followed > 200, "{followed}");
    let quarters = admin.get("/v1/opportunities/summary?group_by=closed_at.quarter").await.ok(200);
    let names: Vec<&Value> =
        quarters["data"].as_array().unwrap().iter().map(|group| &group["group"]["closed_at.quarter"]).collect();
    assert_eq!(names, [&json!("2017-Q1"), &json!("2017-Q2"), &Value::Null]);
    let faults = admin
        .get("/v1/opportunities/summary?group_by=created_at,stat,line_items.name,name.month&sum=name&limit=3")
        .await
        .faults(400);
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.0.as_str()).collect();
    assert_eq!(pointers, ["group_by", "group_by", "group_by", "group_by", "sum", "limit"]);
    // Only what one may see is counted, and hidden fields are no way to it.
    let seller = server.user(&admin, "Li Wei", "sales_representative", json!({})).await;
    assert_eq!(seller.get("/v1/opportunities/summary").await.ok(200)["data"][0]["count"], 0);
}

/// However large the amounts are, they are added up or it is said that they cannot be; also those from before there was a limit.
pub async fn have_no_sums_too_large(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, stages) = sales(&admin).await;
    let most = 999_999_999_999_999_i64;
    let mut ids = Vec::new();
    for name in ["X", "Y"] {
        let body = json!({"name": name, "amount": yuan(most), "probability": 50, "expected_close_on": "2026-11-30", "stage_id": stages[1]});
        ids.push(admin.create("opportunities", body).await);
    }
    admin.create("opportunities", json!({"name": "Z", "stage_id": stages[1]})).await;
    let paths = [
        "/v1/opportunities/summary?sum=amount&amount.currency=CNY&name_in=X,Y".to_owned(),
        "/v1/forecasts?period=2026-Q4".to_owned(),
        "/v1/reports/sales-funnel?name_in=X,Y".to_owned(),
        "/v1/reports/sales-funnel?basis=snapshot&name_in=X,Y".to_owned(),
        format!("/v1/pipelines/{pipeline}/board?name_in=X,Y,Z"),
    ];
    let sums = [
        "/data/0/sums/amount/0/amount",
        "/data/0/computed/pipeline",
        "/slices/0/all/amounts/0/amount",
        "/slices/0/all/amounts/0/amount",
        "/stages/1/totals/0/amount",
    ];
    for (path, sum) in paths.iter().zip(sums) {
        assert_eq!(admin.get(path).await.ok(200).pointer(sum), Some(&json!(2 * most)), "{path}");
    }
    assert_eq!(admin.get(&paths[1]).await.ok(200)["data"][0]["computed"]["weighted"], most);
    let board = admin.get(&paths[4]).await.ok(200);
    let currencies: Vec<&Value> =
        board["stages"][1]["totals"].as_array().unwrap().iter().map(|total| &total["currency"]).collect();
    assert_eq!(currencies, [&json!("CNY"), &Value::Null]);
    assert_eq!(board["stages"][1]["totals"][0]["weighted"], most);

    let before_the_limit = 9_000_000_000_000_000_001_i64;
    let nobody = TenantKey { id: Id::NIL, number: 0 };
    let reading = server.app.store.read::<_, StoreError>(nobody, |reader| reader.tenants()).await.expect("tenants");
    let tenant = TenantKey { id: reading[0].id, number: reading[0].number };
    let enlarge = async |id: &str| {
        let id: Id = id.parse().expect("an id");
        let origin = Origin::system(Timestamp::parse("2030-01-01T00:00:00Z").expect("a time"));
        let written = server.app.store.write::<_, StoreError>(tenant, origin, move |work| {
            let schema = Schema { object: Opportunity::object(), custom: [].into() };
            let loaded =
                work.load(&schema, &farley::access::unrestricted::Unrestricted, id, &Predicate::all())?.expect("it is there");
            let mut record = loaded.record.clone();
            record.of_mut().set(Opportunity::amount, Money::new(before_the_limit, Currency::CNY));
            work.update(&schema, &loaded, &mut record, &Change::new("updated")).map(drop)
        });
        written.await.expect("it is written");
    };
    enlarge(&ids[0]).await;
    let board = admin.get(&format!("/v1/pipelines/{pipeline}/board?name=X")).await.ok(200);
    let total = &board["stages"][1]["totals"][0];
    assert_eq!((&total["amount"], &total["weighted"]), (&json!(before_the_limit), &json!(before_the_limit / 2 + 1)));
    enlarge(&ids[1]).await;
    for path in &paths {
        admin.get(path).await.refused(422, "sum_too_large");
    }
}

/// What a role hides is told by no sum, and what cannot be listed by parameters has no list.
pub async fn keep_what_is_hidden(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (pipeline, _) = sales(&admin).await;
    let rules = json!([{"object": "opportunity", "field": "amount", "rule": "hidden"}]);
    let clerk = server.user_who_may(&admin, "clerk", &["opportunity read all", "pipeline read all"], rules, json!({})).await;
    let board = clerk.get(&format!("/v1/pipelines/{pipeline}/board")).await.ok(200);
    assert_eq!((&board["stages"][0]["count"], &board["stages"][0]["totals"]), (&json!(1), &json!([])));
    let funnel = clerk.get("/v1/reports/sales-funnel").await.ok(200);
    assert_eq!((&funnel["slices"][0]["won"]["count"], &funnel["slices"][0]["won"]["amounts"]), (&json!(2), &json!([])));
    clerk.get("/v1/forecasts?period=2017-Q1").await.refused(403, "forbidden");
    assert_eq!(clerk.get("/v1/opportunities/summary?sum=amount").await.faults(400)[0].1, "unknown_choice");
    for parameter in ["sort=name", "cursor=x", "fields=id", "expand=owner"] {
        let faults = admin.get(&format!("/v1/pipelines/{pipeline}/board?{parameter}")).await.faults(400);
        assert_eq!(faults[0].1, "unknown_parameter", "{parameter}");
    }
    // Without a customer there is no industry, nor a parameter that says so; a filter can.
    let summary = admin.get("/v1/opportunities/summary?group_by=customer.industry").await.ok(200);
    assert_eq!((&summary["data"][0]["count"], &summary["data"][0]["list"]), (&json!(6), &Value::Null));
    let funnel = admin.get("/v1/reports/sales-funnel?slice=customer.industry").await.ok(200);
    is_listed(&admin, &funnel["slices"][0]["all"]).await;
}
