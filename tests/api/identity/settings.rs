//! `/v1/settings` and `/v1/me/settings`.

use serde_json::{Value, json};

use crate::{
    client::{Answer, Client, pairs},
    server::Server,
    support::TestDb,
};

/// The events of settings that a client can read, oldest first.
async fn events(client: &Client) -> Vec<Value> {
    client.get("/v1/changes?object=setting&limit=200").await.ok(200)["data"].as_array().expect("events").clone()
}

async fn all_at_once(requests: Vec<crate::client::Request>) -> Vec<Answer> {
    let sent: Vec<_> = requests.into_iter().map(|request| tokio::spawn(async move { request.await })).collect();
    let mut answers = Vec::new();
    for one in sent {
        answers.push(one.await.expect("an answer"));
    }
    answers
}

pub async fn are_kept_by_key(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for base in ["/v1/settings", "/v1/me/settings"] {
        let path = format!("{base}/ui.list-columns_2");
        admin.get(&path).await.refused(404, "not_found");
        admin.delete(&path).await.refused(404, "not_found");
        let value = json!({"b": [1, -2.5, null, true, {"深": "圳"}], "a": ""});
        let made = admin.put(&path, json!({"value": value})).await;
        assert_eq!((made.header("etag"), made.header("location")), ("\"v1\"", path.as_str()));
        let made = made.ok(201);
        // Members stay in the order in which they were sent.
        assert_eq!(made["value"].to_string(), value.to_string());
        assert_eq!(
            (&made["key"], &made["version"], &made["updated_by"]),
            (&json!("ui.list-columns_2"), &json!(1), &json!(admin.id))
        );
        let read = admin.get(&path).await;
        assert_eq!(read.header("etag"), "\"v1\"");
        assert_eq!(read.ok(200), made);
        let held = admin.get(&path).header("If-None-Match", "\"v1\"").await;
        assert_eq!((held.status, held.text.as_str()), (304, ""));
        // The same again is no new version, and all that was read may be sent back.
        assert_eq!(admin.put(&path, made.clone()).await.ok(200), made);
        for value in [json!(null), json!(false), json!(0), json!(""), json!([]), json!({}), json!("\u{0}\u{1F600}")] {
            assert_eq!(admin.put(&path, json!({"value": value})).await.ok(200)["value"], value);
            assert_eq!(admin.get(&path).await.ok(200)["value"], value);
        }
        let stale = admin.put(&path, json!({"value": 1})).header("If-Match", "\"v1\"").await.refused(412, "version_mismatch");
        assert_eq!((&stale["base_version"], &stale["current_version"]), (&json!(1), &json!(8)));
        admin.delete(&path).header("If-Match", "\"v7\"").await.refused(412, "version_mismatch");
        let seen = admin.put(&path, json!({"value": 1, "version": 8})).header("If-Match", "\"v8\"").await;
        assert_eq!(seen.ok(200)["version"], 9);
        // What was only validated is not kept; what is repeated under a key is done once.
        assert_eq!(admin.put(&format!("{path}?validate_only=true"), json!({"value": 2})).await.ok(200)["value"], 2);
        assert_eq!(admin.get(&path).await.ok(200)["value"], 1);
        let keyed = || admin.put(&format!("{base}/keyed"), json!({"value": 3})).header("Idempotency-Key", base);
        let (first, again) = (keyed().await, keyed().await);
        assert_eq!((first.status, again.status, again.header("idempotency-replayed")), (201, 201, "true"));
        assert_eq!(first.text, again.text);
        admin.delete(&path).header("If-Match", "\"v9\"").await.ok(204);
        admin.get(&path).await.refused(404, "not_found");
        // What is gone has no version, and none comes back with another value.
        admin.put(&path, json!({"value": 1})).header("If-Match", "\"v9\"").await.refused(412, "version_mismatch");
        admin.put(&path, json!({"value": 1})).header("If-Match", "*").await.refused(412, "version_mismatch");
        assert_eq!(admin.put(&path, json!({"value": 1})).await.ok(201)["version"], 11);
        admin.put(&path, json!({"value": 2})).header("If-Match", "\"v9\", \"v10\"").await.refused(412, "version_mismatch");
    }
    // Of the tenant's the log tells; what a user keeps for themselves is nobody's news.
    let told = events(&admin).await;
    let told: Vec<(&str, i64)> =
        told.iter().map(|event| (event["type"].as_str().unwrap(), event["version"].as_i64().unwrap())).collect();
    let updates = (2..=9).map(|version| ("setting.updated", version));
    let mut expected: Vec<(&str, i64)> = std::iter::once(("setting.created", 1)).chain(updates).collect();
    expected.extend([("setting.created", 1), ("setting.deleted", 10), ("setting.created", 11)]);
    assert_eq!(told, expected);
    let deleted = admin.get("/v1/changes?types=setting.deleted").await.ok(200)["data"][0].clone();
    assert_eq!(deleted["changes"], json!({"key": {"from": "ui.list-columns_2", "to": null}, "value": {"from": 1, "to": null}}));
    let created = admin.get("/v1/changes?types=setting.created").await.ok(200)["data"][1].clone();
    assert_eq!(created["changes"], json!({"key": {"from": null, "to": "keyed"}, "value": {"from": null, "to": 3}}));
}

pub async fn are_listed_by_prefix(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut keys = vec!["a", "ui", "ui.", "ui.a", "ui.b.c", "ui-a", "ui_a", "uj", "0", "z.z", "zz"];
    for base in ["/v1/settings", "/v1/me/settings"] {
        assert_eq!(admin.get(base).await.ok(200), json!({"data": [], "page": {"next": null, "has_more": false, "total": null}}));
        for key in &keys {
            admin.put(&format!("{base}/{key}"), json!({"value": {"secret": key}})).await.ok(201);
        }
        keys.sort_unstable();
        let list = admin.get(base).await;
        assert!(!list.text.contains("secret"), "values are not listed");
        assert_eq!(list.each("key"), keys);
        for prefix in ["ui", "ui.", "z", "0", "q", "ui_a", ""] {
            let expected: Vec<&str> = keys.iter().copied().filter(|key| key.starts_with(prefix)).collect();
            // A page at a time.
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = admin.get(&format!("{base}?prefix={prefix}&limit=2&total=true{cursor}")).await;
                assert_eq!(page.header("x-total-count"), expected.len().to_string());
                let next = page.body["page"]["next"].as_str().map(str::to_owned);
                assert_eq!(page.header("link").is_empty(), next.is_none());
                found.extend(page.each("key"));
                let Some(next) = next else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(found, expected, "{prefix}");
        }
        let faults = admin.get(&format!("{base}?prefix=A%25&cursor=%25&limit=0")).await.faults(400);
        assert_eq!(faults, pairs(&[("limit", "too_small")]));
        let faults = admin.get(&format!("{base}?prefix=A%25&cursor=%25")).await.faults(400);
        assert_eq!(faults, pairs(&[("prefix", "invalid_setting_key"), ("cursor", "invalid_cursor")]));
        admin.get(&format!("{base}?prefx=ui")).await.refused(400, "invalid_request");
    }
}

pub async fn have_their_limits(db: TestDb) {
    const LARGEST: usize = 64 * 1024;
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for base in ["/v1/settings", "/v1/me/settings"] {
        let path = format!("{base}/x");
        for (body, faults) in [
            (json!({}), &[("/value", "required")][..]),
            (json!([]), &[("", "wrong_type")]),
            (json!({"valeu": 1, "version": 1}), &[("/valeu", "unknown_member"), ("/value", "required")]),
            (json!({"value": 1, "version": 1, "key": "x"}), &[("/version", "read_only")]),
            (json!({"value": 1, "key": "y"}), &[("/key", "read_only")]),
        ] {
            assert_eq!(admin.put(&path, body).await.faults(400), pairs(faults));
        }
        admin.get(&path).await.refused(404, "not_found");
        // As many bytes as they are as JSON.
        admin.put(&path, json!({"value": "x".repeat(LARGEST - 2)})).await.ok(201);
        for large in ["x".repeat(LARGEST - 1), "汉".repeat(LARGEST / 3)] {
            let refused = admin.put(&path, json!({"value": large})).header("Accept-Language", "zh").await;
            assert_eq!(refused.faults(422), pairs(&[("/value", "too_many_bytes")]));
        }
        let long = "k".repeat(100);
        admin.put(&format!("{base}/{long}"), json!({"value": 1})).await.ok(201);
        for key in [format!("{long}k"), "Key".to_owned(), "a%20b".to_owned(), "a~b".to_owned(), "%E9%94%AE".to_owned()] {
            for answer in [
                admin.get(&format!("{base}/{key}")).await,
                admin.put(&format!("{base}/{key}"), json!({"value": 1})).await,
                admin.delete(&format!("{base}/{key}")).await,
            ] {
                assert_eq!(answer.faults(400), pairs(&[("key", "invalid_setting_key")]));
            }
        }
        admin.patch(&path, json!({"value": 1})).await.refused(405, "method_not_allowed");
    }
    // One user's settings are counted apart from another's and the tenant's.
    let anna = server.user(&admin, "Anna", "read_only", json!({})).await;
    for (client, base, most) in [(&admin, "/v1/settings", 500), (&admin, "/v1/me/settings", 200), (&anna, "/v1/me/settings", 200)]
    {
        let there = client.get(&format!("{base}?limit=1&total=true")).await.ok(200)["page"]["total"].as_i64().unwrap();
        for number in there..most - 3 {
            client.put(&format!("{base}/n{number}"), json!({"value": number})).await.ok(201);
        }
        // Of many at once that would be too many, just as many are kept as there is room for.
        let last = (0..8).map(|number| client.put(&format!("{base}/last{number}"), json!({"value": 1}))).collect();
        let mut statuses: Vec<u16> = all_at_once(last).await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 201, 422, 422, 422, 422, 422]);
        let full = client.put(&format!("{base}/more"), json!({"value": 1})).await;
        assert!(full.text.contains(&most.to_string()), "{}", full.text);
        assert_eq!(full.faults(422), pairs(&[("key", "too_many_settings")]));
        let total = client.get(&format!("{base}?limit=1&total=true")).await.ok(200)["page"]["total"].clone();
        assert_eq!(total, most);
        // What is there may still change, and makes room by going.
        client.put(&format!("{base}/n{there}"), json!({"value": "other"})).await.ok(200);
        client.delete(&format!("{base}/n{there}")).await.ok(204);
        client.put(&format!("{base}/more"), json!({"value": 1})).await.ok(201);
    }
}

pub async fn are_read_by_all_and_written_by_administrators(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let nobody = server.user_with(&admin, "Nobody", json!([]), json!({})).await;
    let team = server.user_who_may(&admin, "Team", &["setting update team"], json!([]), json!({})).await;
    let keeper = server.user_who_may(&admin, "Keeper", &["setting update all"], json!([]), json!({})).await;
    let there = server.other_tenant("there").await;
    admin.put("/v1/settings/a", json!({"value": "tenant"})).await.ok(201);
    for client in [&nobody, &team, &keeper] {
        assert_eq!(client.get("/v1/settings/a").await.ok(200)["value"], "tenant");
        assert_eq!(client.list("/v1/settings", "key").await, ["a"]);
        assert_eq!(events(client).await.len(), 1, "who may read a setting reads its events");
        // Their own are their own.
        client.put("/v1/me/settings/a", json!({"value": client.id})).await.ok(201);
    }
    for client in [&nobody, &team] {
        client.put("/v1/settings/a", json!({"value": 1})).await.refused(403, "forbidden");
        client.put("/v1/settings/b", json!({"value": 1})).await.refused(403, "forbidden");
        client.delete("/v1/settings/a").await.refused(403, "forbidden");
    }
    for client in [&nobody, &team, &keeper] {
        assert_eq!(client.get("/v1/me/settings/a").await.ok(200)["value"], client.id.as_str());
    }
    admin.get("/v1/me/settings/a").await.refused(404, "not_found");
    keeper.put("/v1/settings/a", json!({"value": "kept"})).await.ok(200);
    keeper.delete("/v1/settings/a").await.ok(204);
    keeper.put("/v1/settings/a", json!({"value": "again"})).await.ok(201);
    // Another tenant knows of none of it.
    there.get("/v1/settings/a").await.refused(404, "not_found");
    there.put("/v1/settings/a", json!({"value": "there"})).await.ok(201);
    assert_eq!(admin.get("/v1/settings/a").await.ok(200)["value"], "again");
    assert_eq!(events(&there).await.len(), 1);
    assert_eq!(events(&admin).await.len(), 4);

    let key = async |scopes: Value| {
        let made = admin.post("/v1/api-keys", json!({"name": "key", "scopes": scopes})).await.ok(201);
        server.anybody().with_token(made["key"].as_str().expect("a key"))
    };
    let (reader, writer, other) =
        (key(json!(["setting:read"])).await, key(json!(["setting:update"])).await, key(json!(["user:*"])).await);
    for base in ["/v1/settings", "/v1/me/settings"] {
        let path = format!("{base}/by.key");
        writer.put(&path, json!({"value": 1})).await.ok(201);
        writer.get(&path).await.refused(403, "forbidden");
        writer.get(base).await.refused(403, "forbidden");
        assert_eq!(reader.get(&path).await.ok(200)["updated_by"], admin.id.as_str());
        reader.put(&path, json!({"value": 2})).await.refused(403, "forbidden");
        reader.delete(&path).await.refused(403, "forbidden");
        for answer in [
            other.get(&path).await,
            other.get(base).await,
            other.put(&path, json!({"value": 2})).await,
            other.delete(&path).await,
        ] {
            answer.refused(403, "forbidden");
        }
    }
    assert!(events(&other).await.is_empty() && events(&reader).await.len() == 5);
    // A key of somebody who may not write cannot either.
    let made = nobody.post("/v1/api-keys", json!({"name": "key"})).await;
    made.refused(403, "forbidden");
    let explained = async |user: &Client, action: &str| {
        let path = format!("/v1/access/explain?user_id={}&object=setting&action={action}", user.id);
        admin.get(&path).await.ok(200)["allowed"].clone()
    };
    assert_eq!((explained(&nobody, "read").await, explained(&nobody, "update").await), (json!(true), json!(false)));
    assert_eq!((explained(&keeper, "read").await, explained(&keeper, "update").await), (json!(true), json!(true)));
}

pub async fn are_written_one_after_the_other(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for base in ["/v1/settings", "/v1/me/settings"] {
        let path = format!("{base}/counter");
        // Of many first ones, one creates it.
        let first = (0..10).map(|number| admin.put(&path, json!({"value": number}))).collect();
        let answers = all_at_once(first).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        let mut versions: Vec<i64> = answers.iter().map(|answer| answer.body["version"].as_i64().expect("a version")).collect();
        versions.sort_unstable();
        assert_eq!(versions, (1..=10).collect::<Vec<i64>>(), "each had its turn");
        // Of many that were begun on one version, one wins.
        for version in 10..20 {
            let tag = format!("\"v{version}\"");
            let rivals: Vec<_> =
                (0..4).map(|number| admin.put(&path, json!({"value": [version, number]})).header("If-Match", &tag)).collect();
            let answers = all_at_once(rivals).await;
            let mut won = answers.iter().filter(|answer| answer.status == 200);
            let winner = won.next().expect("a winner");
            assert!(won.next().is_none(), "only one wins");
            assert_eq!(admin.get(&path).await.ok(200), winner.body);
            assert_eq!(winner.body["version"], version + 1);
            for loser in answers.into_iter().filter(|answer| answer.status != 200) {
                assert_eq!(loser.refused(412, "version_mismatch")["current_version"], version + 1);
            }
        }
        // One deletes, one writes on: whoever comes second is told.
        let tag = "\"v20\"";
        let rivals =
            vec![admin.delete(&path).header("If-Match", tag), admin.put(&path, json!({"value": "x"})).header("If-Match", tag)];
        let mut statuses: Vec<u16> = all_at_once(rivals).await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert!([[200, 412], [204, 412]].contains(&[statuses[0], statuses[1]]), "{statuses:?}");
    }
}
