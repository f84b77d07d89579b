//! `GET /v1/{collection}/summary`.

use std::collections::BTreeMap;

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
        .get("/v1/opportunities/summary?group_by=created_at,stat,customer.contacts.name,name.month&sum=name&limit=0")
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

/// What a list says of a group, worked out one record at a time: decimals by their digits, in millionths of millionths.
struct ByHand(Vec<Value>);

impl ByHand {
    fn values(&self, path: &str) -> Vec<&Value> {
        self.0.iter().filter_map(|record| record.pointer(path)).filter(|value| !value.is_null()).collect()
    }

    fn exact(value: &Value) -> i128 {
        const PLACES: usize = 12;
        let written = value.to_string();
        let (whole, decimals) = written.split_once('.').unwrap_or((&written, ""));
        format!("{whole}{decimals:0<PLACES$}").parse().expect("a decimal")
    }

    /// A sum of so many millionths of millionths, divided and rounded to millionths, half away from zero.
    fn rounded(sum: i128, count: usize) -> f64 {
        let unit = 1_000_000 * i128::try_from(count).expect("a count");
        let half = if sum < 0 { -unit } else { unit };
        #[allow(clippy::cast_precision_loss, reason = "small numbers")]
        let millionths = ((2 * sum + half) / (2 * unit)) as f64;
        millionths / 1_000_000.0
    }

    /// Sum, mean, least and greatest of numbers.
    fn numbers(&self, path: &str) -> [Value; 4] {
        let values = self.values(path);
        let exact: Vec<i128> = values.iter().map(|value| Self::exact(value)).collect();
        let sum = exact.iter().sum();
        #[allow(clippy::cast_precision_loss, reason = "of few digits")]
        let end = |value: Option<&i128>| value.map_or(Value::Null, |value| json!(*value as f64 / 1e12));
        let mean = if exact.is_empty() { Value::Null } else { json!(Self::rounded(sum, exact.len())) };
        [json!(Self::rounded(sum, 1)), mean, end(exact.iter().min()), end(exact.iter().max())]
    }

    /// The same of money, of each currency.
    fn money(&self, path: &str) -> [Value; 4] {
        let mut all: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for value in self.values(path) {
            all.entry(value["currency"].as_str().unwrap().to_owned()).or_default().push(value["amount"].as_i64().unwrap());
        }
        let each = |of: &dyn Fn(&[i64]) -> i64| {
            json!(all.iter().map(|(code, amounts)| json!({"amount": of(amounts), "currency": code})).collect::<Vec<_>>())
        };
        let mean = |amounts: &[i64]| {
            let (sum, count) = (amounts.iter().sum::<i64>(), i64::try_from(amounts.len()).unwrap());
            (2 * sum + count * sum.signum()) / (2 * count)
        };
        [
            each(&|amounts| amounts.iter().sum()),
            each(&mean),
            each(&|amounts| *amounts.iter().min().unwrap()),
            each(&|amounts| *amounts.iter().max().unwrap()),
        ]
    }
}

fn same(told: &Value, expected: &Value) -> bool {
    match (told.as_f64(), expected.as_f64()) {
        (Some(told), Some(expected)) => told.to_bits() == expected.to_bits() || (told - expected).abs() < f64::EPSILON,
        _ => told == expected,
    }
}

pub async fn measure_by_hand(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let (_, stages) = sales(&admin).await;
    admin.custom_field("hours", "decimal", json!({"object": "opportunity"})).await;
    admin.custom_field("visit", "date", json!({"object": "opportunity"})).await;
    let mut ids = Vec::new();
    for (place, hours) in [0.1, 0.2, 0.3, 1_234.567_891, -0.25, 2.0 / 3.0].into_iter().enumerate() {
        let hours = if place == 5 { 0.666_666_666_667 } else { hours };
        let currency = if place % 3 == 2 { "USD" } else { "CNY" };
        let body = json!({"name": format!("m{place}"), "stage_id": stages[place % 3], "amount": {"amount": 7 + 10 * place, "currency": currency},
            "probability": 5 * place, "opened_at": format!("2017-0{}-11T01:02:03.456Z", 1 + place),
            "expected_close_on": format!("2017-1{}-05", place % 3),
            "custom": {"hours": hours, "visit": format!("201{place}-02-03")}});
        ids.push(admin.create("opportunities", body).await);
    }
    admin.create("opportunities", json!({"name": "bare", "stage_id": stages[1], "source": "none"})).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let then = farley::http::clock::now();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let numbers = "probability,amount,custom.hours";
    let measures = format!(
        "sum={numbers}&avg={numbers}&min={numbers},opened_at&max=probability,custom.hours,custom.visit,expected_close_on"
    );
    let check = async |group_by: &str, measures: &str, extra: &str| {
        let summary = admin.get(&format!("/v1/opportunities/summary?group_by={group_by}&{measures}{extra}")).await.ok(200);
        let groups = summary["data"].as_array().unwrap();
        assert!(groups.len() > 1, "{group_by}");
        assert!(summary.get("rest").is_none(), "nothing is left out");
        for group in groups {
            let list = admin.get(&format!("{}&limit=200", group["list"].as_str().unwrap())).await.ok(200);
            let hand = ByHand(list["data"].as_array().unwrap().clone());
            assert_eq!(group["count"], hand.0.len(), "{group}");
            let mut compared = 0;
            for (field, expected) in [
                ("probability", hand.numbers("/probability")),
                ("custom.hours", hand.numbers("/custom/hours")),
                ("amount", hand.money("/amount")),
            ] {
                for (member, expected) in ["sums", "averages", "minimums", "maximums"].into_iter().zip(&expected) {
                    if let Some(told) = group[member].get(field) {
                        assert!(same(told, expected), "{member} of {field}: {told}, not {expected}; {group}");
                        compared += 1;
                    }
                }
            }
            assert!(compared >= 4, "{group}");
            let texts = |path: &str| hand.values(path).into_iter().map(|value| value.as_str().unwrap().to_owned());
            for (member, field, expected) in [
                ("minimums", "opened_at", texts("/opened_at").min()),
                ("maximums", "custom.visit", texts("/custom/visit").max()),
                ("maximums", "expected_close_on", texts("/expected_close_on").max()),
            ] {
                if let Some(told) = group[member].get(field) {
                    assert_eq!(told, &json!(expected), "{member} of {field}");
                }
            }
        }
    };
    check("stage_id", &measures, "").await;
    check("source", &measures, "&status=open").await;
    // The past has its own figures.
    for id in &ids[..3] {
        admin.patch(&format!("/v1/opportunities/{id}"), json!({"amount": yuan(99_999), "probability": 99})).await.ok(200);
    }
    let known = "sum=amount,probability&avg=amount,probability&min=amount,probability&max=amount,probability";
    check("stage_id", known, &format!("&as_of={then}")).await;
    check("stage_id", known, "").await;
    // Line items are summed as well.
    let path = format!("/v1/opportunities/{}/line-items", ids[0]);
    for quantity in [0.1, 0.2, 1.5] {
        let body = json!({"name": "x", "quantity": quantity, "unit_price": yuan(100)});
        admin.post(&path, body).await.ok(201);
    }
    let lines =
        admin.get(&format!("{path}/summary?sum=quantity,amount&avg=quantity&max=quantity")).await.ok(200)["data"][0].clone();
    assert_eq!((&lines["sums"]["quantity"], &lines["sums"]["amount"]), (&json!(1.8), &json!([yuan(180)])), "{lines}");
    assert_eq!((&lines["averages"]["quantity"], &lines["maximums"]["quantity"]), (&json!(0.6), &json!(1.5)), "{lines}");
    // Nothing has no mean.
    let nothing =
        admin.get("/v1/opportunities/summary?name=nobody&sum=custom.hours&avg=probability,amount&min=opened_at").await.ok(200);
    let group = &nothing["data"][0];
    assert_eq!(
        (&group["averages"], &group["sums"]),
        (&json!({"probability": null, "amount": []}), &json!({"custom.hours": 0.0}))
    );
    assert_eq!(group["minimums"], json!({"opened_at": null}));
    assert!(group.get("maximums").is_none(), "not asked for");
}

pub async fn are_sorted_and_cut(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for (source, amount, currency) in
        [("a", 5, "CNY"), ("a", 2, "CNY"), ("b", 7, "CNY"), ("b", 1, "USD"), ("c", 7, "CNY"), ("d", 50, "USD"), ("e", 1, "CNY")]
    {
        let body = json!({"name": "x", "source": source, "amount": {"amount": amount, "currency": currency}});
        admin.create("opportunities", body).await;
    }
    let order = async |query: &str| -> Vec<String> {
        let summary = admin.get(&format!("/v1/opportunities/summary?group_by=source&{query}")).await.ok(200);
        let groups = summary["data"].as_array().unwrap();
        groups.iter().map(|group| group["group"]["source"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(order("sort=-count").await, ["a", "b", "c", "d", "e"], "ties in the order of the values");
    assert_eq!(order("sort=count").await, ["c", "d", "e", "a", "b"]);
    assert_eq!(order("sum=amount&sort=-sum.amount.CNY").await, ["a", "b", "c", "e", "d"], "nothing in the currency comes last");
    assert_eq!(order("sum=amount&sort=sum.amount.CNY").await, ["e", "a", "b", "c", "d"]);
    assert_eq!(order("sum=amount&sort=-sum.amount.USD&limit=2").await, ["d", "b"]);
    assert_eq!(order("max=amount&sort=-max.amount.CNY&limit=3").await, ["b", "c", "a"]);
    assert_eq!(order("limit=2").await, ["a", "b"]);
    for (query, fault) in [
        ("sort=-sum.amount&sum=amount", ("sort", "unknown_choice")),
        ("sort=sum.amount.CNY", ("sort", "unknown_choice")),
        ("sort=sum.amount.XYZ&sum=amount", ("sort", "unknown_choice")),
        ("limit=0", ("limit", "too_small")),
        ("limit=2001", ("limit", "too_large")),
        ("limit=x", ("limit", "wrong_type")),
        ("avg=closed_at", ("avg", "unknown_choice")),
        ("min=name", ("min", "unknown_choice")),
    ] {
        let faults = admin.get(&format!("/v1/opportunities/summary?group_by=source&{query}")).await.faults(400);
        assert_eq!(faults, crate::client::pairs(&[fault]), "{query}");
    }
}

/// The groups that are left out come to what a summary of their records says.
pub async fn say_what_the_rest_comes_to(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("hours", "decimal", json!({"object": "opportunity"})).await;
    for (place, source) in ["a", "a", "b", "b", "b", "c", "d", "d", "e"].into_iter().enumerate() {
        let currency = ["CNY", "USD", "EUR"][place % 3];
        let mut body = json!({"name": "x", "source": source, "amount": {"amount": 7 + 13 * place * place, "currency": currency},
            "opened_at": format!("2017-0{}-11T01:02:03.456Z", 1 + place), "custom": {"hours": (json!([0.1, 0.25, 1.333_333, -2.5])[place % 4])}});
        if place == 6 {
            (body["amount"], body["custom"]) = (Value::Null, json!({}));
        }
        admin.create("opportunities", body).await;
    }
    admin.create("opportunities", json!({"name": "x"})).await;
    let measures = "sum=amount,custom.hours,probability&avg=amount,custom.hours,probability&min=amount,opened_at,custom.hours&max=amount,opened_at,custom.hours";
    for (group_by, most) in [("source", 6), ("amount.currency", 4), ("opened_at.month", 10), ("source,amount.currency", 9)] {
        for order in ["", "&sort=-count", "&sort=-sum.amount.CNY"] {
            let asked = format!("/v1/opportunities/summary?group_by={group_by}&{measures}{order}");
            let all = admin.get(&asked).await.ok(200);
            let groups = all["data"].as_array().unwrap();
            assert!(groups.len() >= most - 1, "{group_by}: {}", groups.len());
            for limit in 1..=groups.len() {
                let cut = admin.get(&format!("{asked}&limit={limit}")).await.ok(200);
                assert_eq!(cut["data"].as_array().unwrap(), &groups[..limit], "{asked}");
                if limit == groups.len() {
                    assert!(cut.get("rest").is_none(), "nothing is left out: {cut}");
                    continue;
                }
                let mut records = Vec::new();
                for group in &groups[limit..] {
                    let list = admin.get(&format!("{}&limit=200", group["list"].as_str().unwrap())).await.ok(200);
                    records.extend(list["data"].as_array().unwrap().clone());
                }
                let rest = &cut["rest"];
                assert_eq!((&rest["groups"], &rest["count"]), (&json!(groups.len() - limit), &json!(records.len())), "{asked}");
                let hand = ByHand(records);
                for (field, expected) in [
                    ("amount", hand.money("/amount")),
                    ("custom.hours", hand.numbers("/custom/hours")),
                    ("probability", hand.numbers("/probability")),
                ] {
                    for (member, expected) in ["sums", "averages", "minimums", "maximums"].into_iter().zip(&expected) {
                        let Some(told) = rest[member].get(field) else { continue };
                        assert!(same(told, expected), "{member} of {field}: {told}, not {expected}; {asked}, {limit}");
                    }
                }
                let mut opened: Vec<&Value> = hand.values("/opened_at");
                opened.sort_by_key(|time| time.to_string());
                let ends = [opened.first(), opened.last()].map(|end| end.map_or(Value::Null, |end| (*end).clone()));
                assert_eq!([&rest["minimums"]["opened_at"], &rest["maximums"]["opened_at"]], [&ends[0], &ends[1]], "{asked}");
            }
        }
    }
    // A record in several groups has no place in one rest.
    let many = admin.get("/v1/opportunities/summary?group_by=tags.name&limit=1").await.ok(200);
    assert!(many.get("rest").is_none());
    let object = admin.get("/v1/metadata/objects/opportunity").await.ok(200);
    let field = |path: &str| object["fields"].as_array().unwrap().iter().find(|field| field["path"] == path).unwrap().clone();
    for (path, groupable, measures) in [
        ("amount", false, json!(["sum", "avg", "min", "max"])),
        ("source", true, json!([])),
        ("opened_at", true, json!(["min", "max"])),
        ("custom.hours", true, json!(["sum", "avg", "min", "max"])),
        ("description", false, json!([])),
    ] {
        assert_eq!((&field(path)["groupable"], &field(path)["measures"]), (&json!(groupable), &measures), "{path}");
    }
    // The metadata promises what summaries keep.
    for field in object["fields"].as_array().unwrap() {
        let path = field["path"].as_str().unwrap();
        let dated = field["type"] == "date" || field["type"] == "datetime";
        let grouped = admin.get(&format!("/v1/opportunities/summary?group_by={path}{}", if dated { ".month" } else { "" })).await;
        assert_eq!(grouped.status == 200, field["groupable"] == true, "{path}: {}", grouped.text);
        for figure in ["sum", "avg", "min", "max"] {
            let measured = admin.get(&format!("/v1/opportunities/summary?{figure}={path}")).await;
            let promised = field["measures"].as_array().unwrap().iter().any(|known| known == figure);
            assert_eq!(measured.status == 200, promised, "{figure} of {path}: {}", measured.text);
        }
    }
}

/// Days far apart are as good as any, as long as there are not too many on which there is something.
pub async fn are_cut_by_days_far_apart(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("visit", "date", json!({"object": "opportunity"})).await;
    admin.custom_field("seen", "datetime", json!({"object": "opportunity"})).await;
    let times = [
        "1990-01-01T15:59:59.999Z",
        "1990-01-01T16:00:00Z",
        "2005-06-07T08:00:00Z",
        "2005-06-08T08:00:00Z",
        "2026-11-01T00:00:00Z",
    ];
    for (place, time) in times.into_iter().enumerate() {
        for _ in 0..=place {
            let body = json!({"name": "x", "opened_at": time, "amount": yuan(10), "expected_close_on": &time[..10],
                "custom": {"visit": &time[..10], "seen": time}});
            admin.create("opportunities", body).await;
        }
    }
    admin.create("opportunities", json!({"name": "none"})).await;
    for field in ["opened_at", "expected_close_on", "custom.visit", "custom.seen"] {
        let days = if field.ends_with("seen") || field == "opened_at" {
            vec![("1990-01-01", 1), ("1990-01-02", 2), ("2005-06-07", 3), ("2005-06-08", 4), ("2026-11-01", 5)]
        } else {
            vec![("1990-01-01", 3), ("2005-06-07", 3), ("2005-06-08", 4), ("2026-11-01", 5)]
        };
        let path = format!("/v1/opportunities/summary?group_by={field}.day&sum=amount&name=x");
        let summary = admin.get(&path).await.ok(200);
        let groups = summary["data"].as_array().unwrap();
        let told: Vec<(&str, i64)> = groups
            .iter()
            .map(|group| (group["group"][format!("{field}.day")].as_str().unwrap(), group["count"].as_i64().unwrap()))
            .collect();
        assert_eq!(told, days, "{field}");
        for group in groups {
            let list = format!("{}&total=true", group["list"].as_str().unwrap());
            assert_eq!(admin.get(&list).await.ok(200)["page"]["total"], group["count"], "{list}");
            assert_eq!(group["sums"]["amount"][0]["amount"], 10 * group["count"].as_i64().unwrap());
        }
    }
}

/// A record counts once for each tag it has and each value of its related records, and among those without one if it has none.
pub async fn count_once_in_each_of_many(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut tags = Vec::new();
    for name in ["red", "green", "blue"] {
        tags.push(admin.create("tags", json!({"name": name})).await);
    }
    for (place, own) in [vec![0], vec![0, 1], vec![0, 1, 2], vec![], vec![2]].into_iter().enumerate() {
        let tag_ids: Vec<&String> = own.iter().map(|tag: &usize| &tags[*tag]).collect();
        let body = json!({"name": format!("{place}"), "amount": yuan(1 << place), "tag_ids": tag_ids, "probability": place});
        let id = admin.create("opportunities", body).await;
        for _ in 0..place {
            let line =
                json!({"name": if place % 2 == 0 { "even" } else { "odd" }, "quantity": 1, "unit_price": yuan(1 << place)});
            admin.post(&format!("/v1/opportunities/{id}/line-items"), line).await.ok(201);
        }
    }
    for (path, list) in [("tags.name", "tags"), ("line_items.name", "line_items")] {
        let groups =
            admin.get(&format!("/v1/opportunities/summary?group_by={path}&sum=amount,probability&avg=probability")).await.ok(200);
        let expand = if list == "tags" { "&expand=tags" } else { "" };
        let all = admin.get(&format!("/v1/opportunities?limit=200{expand}")).await.ok(200)["data"].as_array().unwrap().clone();
        let mut by_hand: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for record in all {
            let related = match list {
                "tags" => record["tags"].as_array().unwrap().clone(),
                _ => {
                    let lines = format!("/v1/opportunities/{}/line-items", record["id"].as_str().unwrap());
                    admin.get(&lines).await.ok(200)["data"].as_array().unwrap().clone()
                }
            };
            let mut names: Vec<String> = related.iter().map(|one| one["name"].to_string()).collect();
            names.sort();
            names.dedup();
            if names.is_empty() {
                names.push("null".to_owned());
            }
            for name in names {
                by_hand.entry(name).or_default().push(record.clone());
            }
        }
        let groups = groups["data"].as_array().unwrap();
        assert_eq!(groups.len(), by_hand.len(), "{path}");
        for group in groups {
            let hand = ByHand(by_hand[&group["group"][path].to_string()].clone());
            let [sum, mean, ..] = hand.numbers("/probability");
            assert_eq!((&group["count"], &group["sums"]["amount"]), (&json!(hand.0.len()), &hand.money("/amount")[0]), "{group}");
            assert!(same(&group["sums"]["probability"], &sum) && same(&group["averages"]["probability"], &mean), "{group}");
            if let Some(list) = group["list"].as_str() {
                assert_eq!(admin.get(&format!("{list}&total=true")).await.ok(200)["page"]["total"], group["count"], "{list}");
            } else {
                assert!(group["group"][path].is_null());
            }
        }
    }
    let faults = admin.get("/v1/opportunities/summary?group_by=tags.name,line_items.name").await.faults(400);
    assert_eq!(faults, crate::client::pairs(&[("group_by", "conflicting")]));
    assert_eq!(admin.get("/v1/reports/sales-funnel?slice=tags.name").await.faults(400)[0].1, "wrong_type");
}
