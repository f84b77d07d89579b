//! `/v1/segments`: who is in them, for whom, and who enters and leaves.

use std::{collections::BTreeSet, time::Duration};

use farley::{http::clock, reporting::segment::following};
use farley_persistence::{StoreError, TenantKey};
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// Customers of several regions and industries: name, region, industry, employees.
fn firms() -> Vec<(String, &'static str, &'static str, i64)> {
    let pick = |of: [&'static str; 3], number: usize| of[number % 3];
    (0..45)
        .map(|number| {
            let employees = i64::try_from(number * number % 97).unwrap();
            let (region, industry) = (pick(["华东", "华南", "华北"], number), pick(["ict", "trade", "food"], number / 3));
            (format!("f{number:02}"), region, industry, employees)
        })
        .collect()
}

async fn with_firms(admin: &Client, owner: impl Fn(usize) -> String) -> Vec<String> {
    let mut ids = Vec::new();
    for (number, (name, region, industry, employees)) in firms().into_iter().enumerate() {
        let body =
            json!({"name": name, "region": region, "industry": industry, "employee_count": employees, "owner_id": owner(number)});
        ids.push(admin.create("customers", body).await);
    }
    ids
}

/// The names of those that a closure lets through.
fn named(meets: impl Fn(&(String, &str, &str, i64)) -> bool) -> Vec<String> {
    firms().into_iter().filter(meets).map(|firm| firm.0).collect()
}

fn encoded(filter: &Value) -> String {
    percent_encoding::utf8_percent_encode(&filter.to_string(), percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn tenant(server: &Server) -> TenantKey {
    let nobody = farley::access::tokens::NO_TENANT;
    let rows = server.app.store.read::<_, StoreError>(nobody, |reader| reader.tenants()).await.expect("tenants");
    TenantKey { id: rows[0].id, number: rows[0].number }
}

async fn segment(client: &Client, name: &str, filter: Value) -> String {
    client.create("segments", json!({"name": name, "object": "customers", "filter": filter, "shared_with": "everyone"})).await
}

fn large() -> Value {
    json!({"and": [{"field": "employee_count", "op": "gte", "value": 30}, {"not": {"field": "industry", "value": "food"}}]})
}

fn is_large(firm: &(String, &str, &str, i64)) -> bool {
    firm.3 >= 30 && firm.2 != "food"
}

/// A segment is its filter wherever records are asked for, beside whatever else is asked.
pub async fn members_are_those_who_meet_the_filter(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let ids = with_firms(&admin, |_| admin.id.clone()).await;
    let wrong = json!({"name": "x", "object": "ticket", "kind": "dynamic"});
    let faults = admin.post("/v1/segments", wrong).await.faults(422);
    assert_eq!(faults, pairs(&[("/object", "unknown_choice"), ("/filter", "required")]));
    let wrong = json!({"name": "x", "object": "customer", "filter": {"or": [{"field": "regoin", "value": 1}, {"field": "owner_id", "value": "me"}]}});
    let faults = admin.post("/v1/segments", wrong).await.faults(400);
    assert_eq!(faults, pairs(&[("/filter/or/0/field", "unknown_member"), ("/filter/or/1/value", "invalid_id")]));
    let large_ones = segment(&admin, "large", large()).await;
    let east = segment(&admin, "east", json!({"field": "region", "value": "华东"})).await;
    let of_others = json!({"name": "x", "object": "customer", "filter": {"field": "segments", "op": "any", "value": [east]}});
    let faults = admin.post("/v1/segments", of_others.clone()).await.faults(400);
    assert_eq!(faults, pairs(&[("/filter/field", "not_filterable")]), "no segment hangs on another");
    let shown = admin.get(&format!("/v1/segments/{large_ones}")).await.ok(200);
    assert_eq!((&shown["object"], &shown["kind"], &shown["filter"]), (&json!("customer"), &json!("dynamic"), &large()));

    let list = async |query: &str| admin.names(&format!("/v1/customers?sort=name&limit=200&{query}")).await;
    assert_eq!(list(&format!("segments_any={large_ones}")).await, named(is_large));
    assert_eq!(list(&format!("segments_none={large_ones}")).await, named(|firm| !is_large(firm)));
    assert_eq!(list(&format!("segments_any={large_ones},{east}")).await, named(|firm| is_large(firm) || firm.1 == "华东"));
    assert_eq!(list(&format!("segments_none={large_ones},{east}")).await, named(|firm| !is_large(firm) && firm.1 != "华东"));
    let both = format!("segments_any={large_ones}&region=华东&industry_ne=trade");
    assert_eq!(list(&both).await, named(|firm| is_large(firm) && firm.1 == "华东" && firm.2 != "trade"));
    let any = |id: &str| json!({"field": "segments", "op": "any", "value": [id]});
    let filter = json!({"or": [{"and": [any(&large_ones), {"not": any(&east)}]}, {"field": "name", "value": "f00"}]});
    let expected = named(|firm| is_large(firm) && firm.1 != "华东" || firm.0 == "f00");
    assert_eq!(admin.matching(filter.clone()).await, expected);
    assert_eq!(list(&format!("filter={}", encoded(&filter))).await, expected);
    let page = admin.get(&format!("/v1/customers?segments_any={large_ones}&limit=2&total=true")).await.ok(200);
    assert_eq!(page["page"]["total"], named(is_large).len());
    let next =
        admin.get(&format!("/v1/customers?segments_any={large_ones}&limit=2&cursor={}", page["page"]["next"].as_str().unwrap()));
    assert_ne!(next.await.ok(200)["data"][0]["id"], page["data"][0]["id"]);
    let question = json!({"object": "customers", "filter": any(&large_ones), "dimensions": [{"field": "region"}], "measures": [{"as": "n", "fn": "count"}]});
    let answer = admin.post("/v1/reports/query", question).await.ok(200);
    for row in answer["rows"].as_array().unwrap() {
        let region = row["key"]["region"].as_str().unwrap();
        assert_eq!(row["values"]["n"], named(|firm| is_large(firm) && firm.1 == region).len(), "{region}");
    }
    assert!(!answer["rows"].as_array().unwrap().is_empty());
    // By a view, and from records that refer to members.
    let view = admin.create("views", json!({"name": "v", "object": "customer", "filter": any(&east), "sort": ["name"]})).await;
    let seen = admin.names(&format!("/v1/customers?view={view}&limit=200&segments_any={large_ones}")).await;
    assert_eq!(seen, named(|firm| is_large(firm) && firm.1 == "华东"));
    for (number, id) in ids.iter().enumerate().step_by(4) {
        admin.create("opportunities", json!({"name": format!("o{number:02}"), "customer_id": id})).await;
    }
    let sold: Vec<String> = firms()
        .iter()
        .enumerate()
        .filter(|(number, firm)| number % 4 == 0 && is_large(firm))
        .map(|(number, _)| format!("o{number:02}"))
        .collect();
    let sales = admin.names(&format!("/v1/opportunities?sort=name&customer.segments_any={large_ones}")).await;
    assert_eq!(sales, sold);
    let others = admin.names(&format!("/v1/opportunities?sort=name&customer.segments_none={large_ones}")).await;
    assert_eq!(others.len() + sold.len(), 12, "{others:?}");
    // As records and the filter change, so do the members, at once.
    admin.patch(&format!("/v1/customers/{}", ids[0]), json!({"employee_count": 99, "industry": "ict"})).await.ok(200);
    assert!(list(&format!("segments_any={large_ones}")).await.contains(&"f00".to_owned()));
    admin.patch(&format!("/v1/segments/{east}"), json!({"filter": {"field": "region", "value": "华南"}})).await.ok(200);
    assert_eq!(list(&format!("segments_any={east}")).await, named(|firm| firm.1 == "华南"));
    let faults = admin.patch(&format!("/v1/segments/{east}"), json!({"filter": null})).await.faults(422);
    assert_eq!(faults, pairs(&[("/filter", "required")]));

    for (query, code) in [
        ("segments_any=01890a5d-ac96-774b-bcce-b302099a8057".to_owned(), "reference_not_found"),
        (format!("segments={east}"), "wrong_operator"),
        ("segments_null=true".to_owned(), "wrong_operator"),
        ("segments_any=x".to_owned(), "invalid_id"),
    ] {
        assert_eq!(admin.get(&format!("/v1/customers?{query}")).await.faults(400)[0].1, code, "{query}");
    }
    let faults = admin.get(&format!("/v1/contacts?segments_any={east}")).await.faults(400);
    assert_eq!(faults, pairs(&[("segments_any", "reference_not_found")]), "it is of customers");
    // What is archived is of no use until it is restored.
    admin.delete(&format!("/v1/segments/{east}")).await.ok(204);
    let faults = admin.post("/v1/customers/search", json!({"filter": any(&east)})).await.faults(400);
    assert_eq!(faults, pairs(&[("/filter/value/0", "reference_not_found")]));
    admin.get(&format!("/v1/customers?view={view}")).await.faults(400);
    admin.post(&format!("/v1/segments/{east}/restore"), json!({})).await.ok(200);
    assert_eq!(list(&format!("segments_any={east}")).await, named(|firm| firm.1 == "华南"));
    // The filters of several are as large together as one may be.
    let wide = json!({"or": vec![json!({"field": "industry", "value": "ict"}); 150]});
    let wide = [segment(&admin, "wide", wide.clone()).await, segment(&admin, "wide too", wide).await].join(",");
    let faults = admin.get(&format!("/v1/customers?segments_any={wide}")).await.faults(400);
    assert_eq!(faults, pairs(&[("segments_any", "too_many")]));
}

/// Whoever asks finds what they may see, by segments that they may use.
pub async fn rights_are_those_of_the_asker(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let grants = ["customer read own", "segment read own"];
    let own = server.user_who_may(&admin, "Own", &grants, json!([]), json!({})).await;
    let hidden = json!([{"object": "customer", "field": "employee_count", "rule": "hidden"}]);
    let blind = server.user_who_may(&admin, "Blind", &["customer read all", "segment read own"], hidden, json!({})).await;
    with_firms(&admin, |number| if number % 2 == 0 { own.id.clone() } else { admin.id.clone() }).await;
    let large_ones = segment(&admin, "large", large()).await;
    let query = format!("/v1/customers?sort=name&limit=200&segments_any={large_ones}");
    let even = |firm: &(String, &str, &str, i64)| firm.0[1..].parse::<usize>().unwrap() % 2 == 0;
    assert_eq!(own.names(&query).await, named(|firm| is_large(firm) && even(firm)));
    assert_eq!(
        own.get(&format!("{query}&total=true")).await.ok(200)["page"]["total"],
        named(|firm| is_large(firm) && even(firm)).len()
    );
    // Membership would tell what is hidden.
    assert_eq!(blind.get(&query).await.faults(400), pairs(&[("segments_any", "unusable_segment")]));
    let none = json!({"filter": {"not": {"field": "segments", "op": "none", "value": [large_ones]}}});
    assert_eq!(blind.post("/v1/customers/search", none).await.faults(400), pairs(&[("/filter/not/value/0", "unusable_segment")]));
    let question = json!({"object": "customers", "filter": {"field": "segments", "op": "any", "value": [large_ones]}, "measures": [{"as": "n", "fn": "count"}]});
    assert_eq!(blind.post("/v1/reports/query", question).await.faults(400)[0].1, "unusable_segment");
    let fixed = json!({"name": "fixed", "object": "customer", "kind": "fixed", "filter": large(), "shared_with": "everyone"});
    let fixed = admin.create("segments", fixed).await;
    admin.post(&format!("/v1/segments/{fixed}/refresh"), json!({})).await.ok(200);
    assert_eq!(blind.names(&query.replace(&large_ones, &fixed)).await, named(is_large), "that is a list somebody made");
    // A field that is hidden altogether, and one's own scope of a key.
    let of_segments = json!([{"object": "customer", "field": "segments", "rule": "hidden"}]);
    let barred = server.user_who_may(&admin, "Barred", &["customer read all", "segment read own"], of_segments, json!({})).await;
    assert_eq!(barred.get(&query).await.faults(400)[0].1, "unknown_parameter");
    let key = admin.post("/v1/api-keys", json!({"name": "k", "scopes": ["customer:read"]})).await.ok(201);
    let key = server.anybody().with_token(key["key"].as_str().unwrap());
    assert_eq!(key.get(&query).await.faults(400), pairs(&[("segments_any", "reference_not_found")]));
    // What is not shared, or of another tenant, is not there.
    admin.patch(&format!("/v1/segments/{large_ones}"), json!({"shared_with": "private"})).await.ok(200);
    assert_eq!(own.get(&query).await.faults(400), pairs(&[("segments_any", "reference_not_found")]));
    own.get(&format!("/v1/segments/{large_ones}")).await.refused(404, "not_found");
    let other = server.other_tenant("other").await;
    assert_eq!(other.get(&query).await.faults(400), pairs(&[("segments_any", "reference_not_found")]));
    let unable = json!({"name": "x", "object": "lead", "kind": "fixed"});
    own.post("/v1/segments", unable.clone()).await.refused(403, "forbidden");
    let maker = server.user_who_may(&admin, "Maker", &["segment create own", "segment read own"], json!([]), json!({})).await;
    maker.post("/v1/segments", unable).await.refused(403, "forbidden");
    // Rules of single records go by those alone.
    let exit = json!({"name": "x", "target": "user", "user_ids": [admin.id], "filter": {"field": "segments", "op": "any", "value": [fixed]}});
    admin.post("/v1/assignment-rules", exit).await.faults(400);
}

/// The events that tell who enters and leaves: verb, record, segment.
async fn told(client: &Client) -> Vec<(String, String, Value)> {
    let types = "customer.entered_segment,customer.left_segment";
    let events = client.get(&format!("/v1/changes?limit=200&types={types}")).await.ok(200)["data"].clone();
    events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let (change, kind) = (&event["changes"]["segments"], event["type"].as_str().unwrap().to_owned());
            let segment = if kind.ends_with("entered_segment") { &change["to"] } else { &change["from"] };
            (kind["customer.".len()..].to_owned(), event["record_id"].as_str().unwrap().to_owned(), segment.clone())
        })
        .collect()
}

async fn until_told(client: &Client, count: usize) -> Vec<(String, String, Value)> {
    for _ in 0..300 {
        let told = told(client).await;
        if told.len() >= count {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{count} events: {:?}", told(client).await);
}

/// Each record that comes to meet a filter, or ceases to, leaves one event, also over a restart; rules act on it.
pub async fn who_enters_and_leaves_is_told(db: TestDb) {
    let server = Server::start(db.clone()).await;
    let admin = server.admin().await;
    let create = async |name: &str, region: &str| admin.create("customers", json!({"name": name, "region": region})).await;
    let first = create("first", "华东").await;
    let east = segment(&admin, "east", json!({"field": "region", "value": "华东"})).await;
    let old = json!({"field": "created_at", "op": "lt", "value": {"relative": "-30d"}});
    let old = segment(&admin, "old", old).await;
    let size = async || {
        let (id, tenant) = (east.parse().unwrap(), tenant(&server).await);
        server.app.store.read::<_, StoreError>(tenant, move |reader| reader.segment_size(id)).await.unwrap()
    };
    assert_eq!(size().await, 1, "those who are in it from the beginning are noted, and not told");
    let rule = json!({"name": "welcome", "object": "customer", "trigger": {"types": ["customer.entered_segment"]},
        "filter": {"field": "segments", "op": "any", "value": [east]}, "actions": [{"type": "set", "fields": {"industry": "welcomed"}}]});
    admin.create("rules", rule).await;
    let second = create("second", "华东").await;
    let third = create("third", "华南").await;
    let entered = |id: &str, segment: &str| ("entered_segment".to_owned(), id.to_owned(), json!(segment));
    let left = |id: &str, segment: &str| ("left_segment".to_owned(), id.to_owned(), json!(segment));
    let mut expected = vec![entered(&second, &east)];
    assert_eq!(until_told(&admin, 1).await, expected);
    admin.patch(&format!("/v1/customers/{third}"), json!({"region": "华东"})).await.ok(200);
    expected.push(entered(&third, &east));
    assert_eq!(until_told(&admin, 2).await, expected);
    admin.patch(&format!("/v1/customers/{first}"), json!({"region": null})).await.ok(200);
    expected.push(left(&first, &east));
    assert_eq!(until_told(&admin, 3).await, expected);
    admin.delete(&format!("/v1/customers/{second}")).await.ok(204);
    expected.push(left(&second, &east));
    assert_eq!(until_told(&admin, 4).await, expected);
    for _ in 0..100 {
        if admin.get(&format!("/v1/customers/{third}")).await.ok(200)["industry"] == "welcomed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(admin.get(&format!("/v1/customers/{third}")).await.ok(200)["industry"], "welcomed");
    // With time alone: in a month all are old.
    let later = clock::now().plus_seconds(31 * 86_400);
    following::compare(&server.app, tenant(&server).await, later).await.expect("compared");
    let all = until_told(&admin, 6).await;
    let of_time: BTreeSet<(String, String)> = all[4..].iter().map(|(kind, id, _)| (kind.clone(), id.clone())).collect();
    let both = [&first, &third].map(|id| ("entered_segment".to_owned(), id.clone()));
    assert_eq!(of_time, both.into_iter().collect());
    assert!(all[4..].iter().all(|(_, _, segment)| *segment == json!(old)));
    following::compare(&server.app, tenant(&server).await, later).await.expect("compared");
    assert_eq!(told(&admin).await.len(), 6, "each once");
    following::compare(&server.app, tenant(&server).await, clock::now()).await.expect("compared");
    assert_eq!(told(&admin).await.len(), 8, "and back");
    // Who may not see the field, or use the segment, does not hear which it was.
    let hidden = json!([{"object": "customer", "field": "region", "rule": "hidden"}]);
    let blind = server.user_who_may(&admin, "Blind", &["customer read all", "segment read own"], hidden, json!({})).await;
    let heard = told(&blind).await;
    assert_eq!(heard.iter().filter(|(_, _, segment)| segment.is_null()).count(), 4, "{heard:?}");
    assert_eq!(heard.iter().filter(|(_, _, segment)| *segment == json!(old)).count(), 4);
    // What a changed filter finds is noted at once, and not told.
    admin.patch(&format!("/v1/segments/{east}"), json!({"filter": {"field": "industry", "value": "welcomed"}})).await.ok(200);
    assert_eq!(size().await, 1);
    admin.patch(&format!("/v1/segments/{east}"), json!({"filter": {"field": "region", "value": "华北"}})).await.ok(200);
    assert_eq!(size().await, 0);
    drop(admin);
    server.stop_gracefully().await;
    // A node without workers takes writes; the next one tells of them, once.
    let server = Server::start_with(db.clone(), |settings| settings.jobs = 0).await;
    let admin = server.admin().await;
    let fourth = admin.create("customers", json!({"name": "fourth", "region": "华北"})).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(told(&admin).await.len(), 8);
    server.stop_gracefully().await;
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let all = until_told(&admin, 9).await;
    assert_eq!(all[8], entered(&fourth, &east));
    following::compare(&server.app, tenant(&server).await, clock::now()).await.expect("compared");
    assert_eq!(told(&admin).await.len(), 9);
    admin.delete(&format!("/v1/segments/{east}")).await.ok(204);
    admin.create("customers", json!({"name": "fifth", "region": "华北"})).await;
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    assert_eq!(told(&admin).await.len(), 9, "an archived segment is followed no more");
}

/// A fixed segment has the members that were put in, and those of its filter at the time.
pub async fn fixed_segments_hold_what_was_put_in(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let ids = with_firms(&admin, |_| admin.id.clone()).await;
    let fixed = admin.create("segments", json!({"name": "fixed", "object": "customer", "kind": "fixed"})).await;
    let (path, members) = (format!("/v1/segments/{fixed}"), format!("/v1/segments/{fixed}/members"));
    let list = async || admin.names(&format!("/v1/customers?sort=name&limit=200&segments_any={fixed}")).await;
    assert_eq!(list().await, [""; 0]);
    let some = json!({"add": [ids[3], ids[1], ids[4]]});
    let size = admin.post(&members, some.clone()).header("Idempotency-Key", "a").await.ok(200);
    assert_eq!(size, json!({"members": 3}));
    admin.post(&members, some).header("Idempotency-Key", "a").await.ok(200);
    assert_eq!(list().await, ["f01", "f03", "f04"]);
    let changed = json!({"add": [ids[1], ids[7]], "remove": [ids[3], ids[9]]});
    admin.post(&format!("{members}?validate_only=true"), changed.clone()).await.ok(200);
    assert_eq!(list().await, ["f01", "f03", "f04"]);
    assert_eq!(admin.post(&members, changed).await.ok(200), json!({"members": 3}));
    assert_eq!(list().await, ["f01", "f04", "f07"]);
    assert_eq!(
        admin.names(&format!("/v1/customers?sort=name&limit=200&segments_none={fixed}&region=华南")).await,
        named(|firm| firm.1 == "华南" && !["f01", "f04", "f07"].contains(&firm.0.as_str()))
    );
    let verbs: Vec<(String, String)> = told(&admin).await.into_iter().map(|(verb, id, _)| (verb, id)).collect();
    let verb = |verb: &str, number: usize| (verb.to_owned(), ids[number].clone());
    let both: BTreeSet<(String, String)> = verbs.iter().cloned().collect();
    assert_eq!((verbs.len(), both.len()), (5, 5), "{verbs:?}");
    assert!(both.contains(&verb("left_segment", 3)) && both.contains(&verb("entered_segment", 7)));
    let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    let wrong = json!({"add": [ids[0], "x", nobody], "remove": [ids[0]]});
    assert_eq!(
        admin.post(&members, wrong).await.faults(422),
        pairs(&[("/add/1", "invalid_id"), ("/remove/0", "conflicting"), ("/add/2", "reference_not_found")])
    );
    assert_eq!(list().await.len(), 3, "nothing of it was done");
    assert_eq!(
        admin
            .post(
                &members,
                json!({"add": (0..501).collect::<Vec<usize>>().iter().map(ToString::to_string).collect::<Vec<String>>()})
            )
            .await
            .faults(400)[0]
            .1,
        "too_many"
    );
    // Of its filter, when it is asked for and not before.
    assert_eq!(admin.post(&format!("{path}/refresh"), json!({})).await.faults(422), pairs(&[("/filter", "required")]));
    admin.patch(&path, json!({"filter": large()})).await.ok(200);
    assert_eq!(list().await.len(), 3);
    let size = admin.post(&format!("{path}/refresh"), json!({})).await.ok(200);
    assert_eq!(size["members"], named(is_large).len());
    admin.patch(&format!("/v1/customers/{}", ids[0]), json!({"employee_count": 99, "industry": "ict"})).await.ok(200);
    assert_eq!(list().await, named(is_large));
    let dynamic = segment(&admin, "dynamic", large()).await;
    for verb in ["members", "refresh"] {
        admin.post(&format!("/v1/segments/{dynamic}/{verb}"), json!({})).await.refused(409, "state_conflict");
    }
    // Those whom others share it with use it, and change nothing; they put in only what they may see.
    let rep = server.user(&admin, "Rui", "sales_representative", json!({})).await;
    admin.patch(&path, json!({"shared_with": "everyone"})).await.ok(200);
    rep.post(&members, json!({"add": []})).await.refused(403, "forbidden");
    let theirs = rep.create("segments", json!({"name": "mine", "object": "customer", "kind": "fixed", "filter": large()})).await;
    let faults = rep.post(&format!("/v1/segments/{theirs}/members"), json!({"add": [ids[0]]})).await.faults(422);
    assert_eq!(faults, pairs(&[("/add/0", "reference_not_found")]));
    assert_eq!(rep.post(&format!("/v1/segments/{theirs}/refresh"), json!({})).await.ok(200), json!({"members": 0}));
    // Segments are few.
    for number in 0..97 {
        admin.create("segments", json!({"name": format!("s{number}"), "object": "lead", "kind": "fixed"})).await;
    }
    let one_more = json!({"name": "x", "object": "lead", "kind": "fixed"});
    assert_eq!(admin.post("/v1/segments", one_more).await.faults(422), pairs(&[("", "too_many")]));
}
