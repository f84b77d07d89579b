//! `/v1/auth` and credentials: sessions, tokens, keys, and what ends them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::{ADMIN, PASSWORD, Server},
    support::TestDb,
};

async fn refresh(server: &Server, tokens: &Value) -> crate::client::Answer {
    server.anybody().post("/v1/auth/refresh", json!({"refresh_token": tokens["refresh_token"]})).await
}

fn with_tokens(server: &Server, tokens: &Value) -> Client {
    server.anybody().with_token(tokens["access_token"].as_str().unwrap())
}

pub async fn refresh_tokens_rotate_and_a_reused_one_ends_the_session(db: TestDb) {
    let server = Server::start_with(db, |settings| settings.refresh_leeway = 0).await;
    let login = server.anybody().post("/v1/auth/login", json!({"email": " Admin@Example.COM ", "password": PASSWORD})).await;
    assert_eq!(login.header("cache-control"), "no-store");
    let first = login.ok(200);
    assert_eq!((&first["token_type"], &first["expires_in"]), (&json!("Bearer"), &json!(900)));
    let second = refresh(&server, &first).await.ok(200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    with_tokens(&server, &second).get("/v1/me").await.ok(200);
    // Somebody has an old one: nobody keeps the session.
    refresh(&server, &first).await.refused(401, "session_ended");
    refresh(&server, &second).await.refused(401, "session_ended");
    for tokens in [&first, &second] {
        with_tokens(&server, tokens).get("/v1/me").await.refused(401, "session_ended");
    }
    let admin = server.admin().await;
    let types = admin.list("/v1/changes?types=user.session_reuse_detected", "type").await;
    assert_eq!(types, ["user.session_reuse_detected"]);
    for token in ["", "fr_", "fr_x", "nonsense", "fr_00000000000000000000000000000000ffffffffffffffffffffffffffffffff_x"] {
        let answer = server.anybody().post("/v1/auth/refresh", json!({"refresh_token": token})).await;
        assert!(matches!(answer.status, 400 | 401), "{token}: {}", answer.text);
    }
}

pub async fn sessions_are_listed_and_ended(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let other = server.admin().await;
    let sessions = admin.get("/v1/me/sessions").await.ok(200);
    let sessions = sessions["data"].as_array().unwrap();
    assert_eq!((sessions.len(), sessions.iter().filter(|session| session["current"] == true).count()), (2, 1));
    let others = sessions.iter().find(|session| session["current"] == false).unwrap();
    admin.delete(&format!("/v1/me/sessions/{}", others["id"].as_str().unwrap())).await.ok(204);
    other.get("/v1/me").await.refused(401, "session_ended");
    // Logged out twice is logged out.
    for _ in 0..2 {
        server.anybody().post("/v1/auth/logout", json!({"refresh_token": admin.tokens["refresh_token"]})).await.ok(204);
    }
    admin.get("/v1/me").await.refused(401, "session_ended");
    refresh(&server, &admin.tokens).await.refused(401, "session_ended");
    // By the access token alone.
    let admin = server.admin().await;
    admin.post("/v1/auth/logout", json!({})).await.ok(204);
    admin.get("/v1/me").await.refused(401, "session_ended");
    // Those who manage users end theirs.
    let admin = server.admin().await;
    let wang = server.user(&admin, "Wang", "read_only", json!({})).await;
    let path = format!("/v1/users/{}/sessions", wang.id);
    let session = admin.get(&path).await.each("id")[0].clone();
    wang.get(&path).await.refused(403, "forbidden");
    admin.delete(&format!("{path}/{session}")).await.ok(204);
    wang.get("/v1/me").await.refused(401, "session_ended");
    admin.delete(&format!("{path}/{session}x")).await.refused(404, "not_found");
}

pub async fn what_is_taken_away_is_gone_at_once(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let wang = server.user(&admin, "Wang", "integration", json!({})).await;
    let key = wang.post("/v1/api-keys", json!({"name": "x"})).await;
    key.refused(403, "forbidden");
    let made = admin.post("/v1/api-keys", json!({"name": "ERP", "user_id": wang.id, "scopes": ["customer:*"]})).await.ok(201);
    let erp = server.anybody().with_token(made["key"].as_str().unwrap());
    erp.post("/v1/customers", json!({"name": "Acme"})).await.ok(201);
    // A role taken: the next request knows.
    let path = format!("/v1/users/{}", wang.id);
    let read_only = admin.role("read_only").await;
    admin.patch(&path, json!({"role_ids": [read_only]})).await.ok(200);
    for client in [&wang, &erp] {
        client.post("/v1/customers", json!({"name": "Acme"})).await.refused(403, "forbidden");
        client.get("/v1/customers").await.ok(200);
    }
    // A role changed.
    let role = admin.post("/v1/roles", json!({"name": "Nothing much", "permissions": []})).await.ok(201);
    admin.patch(&path, json!({"role_ids": [role["id"]]})).await.ok(200);
    wang.get("/v1/customers").await.refused(403, "forbidden");
    let more = json!({"permissions": [{"object": "customer", "action": "read", "scope": "all"}]});
    admin.patch(&format!("/v1/roles/{}", role["id"].as_str().unwrap()), more).await.ok(200);
    wang.get("/v1/customers").await.ok(200);
    // Deactivated: no session, no key, no log-in; activated: the same password.
    admin.post(&format!("{path}/deactivate"), json!({})).await.ok(204);
    wang.get("/v1/customers").await.refused(401, "session_ended");
    assert_eq!(erp.get("/v1/customers").await.status, 401);
    let login = json!({"email": "wang@example.com", "password": PASSWORD});
    server.anybody().post("/v1/auth/login", login.clone()).await.refused(401, "wrong_credentials");
    refresh(&server, &wang.tokens).await.refused(401, "session_ended");
    admin.post(&format!("{path}/activate"), json!({})).await.ok(204);
    server.anybody().login(login).await;
    erp.get("/v1/customers").await.ok(200);
    // A key revoked, and one that has run out.
    admin.delete(&format!("/v1/api-keys/{}", made["id"].as_str().unwrap())).await.ok(204);
    erp.get("/v1/customers").await.refused(401, "unauthorized");
    let past = json!({"name": "Old", "expires_at": "2020-01-01T00:00:00Z"});
    let old = admin.post("/v1/api-keys", past).await.ok(201);
    server.anybody().with_token(old["key"].as_str().unwrap()).get("/v1/me").await.refused(401, "unauthorized");
    admin.post(&format!("/v1/users/{}/deactivate", admin.id), json!({})).await.refused(409, "state_conflict");
}

pub async fn keys_reach_no_further_than_their_scopes(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let key = async |scopes: Value| {
        let made = admin.post("/v1/api-keys", json!({"name": "k", "scopes": scopes})).await.ok(201);
        server.anybody().with_token(made["key"].as_str().unwrap())
    };
    let reader = key(json!(["customer:read"])).await;
    reader.get("/v1/customers").await.ok(200);
    reader.get("/v1/contacts").await.refused(403, "forbidden");
    reader.post("/v1/customers", json!({"name": "x"})).await.refused(403, "forbidden");
    assert_eq!(reader.get("/v1/me").await.ok(200)["permissions"], json!(["customer:read:all"]));
    // What a user does of their own a key does only where its scopes say so.
    assert!(reader.get("/v1/me").await.ok(200)["email"].is_null(), "users are not among its scopes");
    let other = server.admin().await;
    let sessions = other.get("/v1/me/sessions").await.ok(200);
    let current = sessions["data"].as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    let session = format!("/v1/me/sessions/{}", current["id"].as_str().unwrap());
    let ways = async |key: &Client| {
        let answers = [
            key.patch("/v1/me", json!({"title": "By key"})).await,
            key.get("/v1/me/sessions").await,
            key.delete(&session).await,
            key.post("/v1/me/calendar-feed", json!({})).await,
            key.patch("/v1/me/notification-preferences", json!({"assigned": {"email": true}})).await,
            key.post("/v1/notifications/read-all", json!({})).await,
        ];
        answers.map(|answer| answer.status)
    };
    for scopes in [json!(["customer:*"]), json!(["user:create", "notification:read", "activity:read"])] {
        assert_eq!(ways(&key(scopes).await).await, [403; 6]);
    }
    assert_eq!(other.get("/v1/me").await.ok(200)["title"], Value::Null);
    assert_eq!(ways(&key(json!(["*:*"])).await).await, [200, 200, 204, 201, 200, 200]);
    // A key cannot change the account's password, nor make a wider key.
    let maker = key(json!(["api_key:*", "customer:read"])).await;
    maker.post("/v1/api-keys", json!({"name": "x", "scopes": ["*:*"]})).await.refused(403, "permission_not_held");
    maker.post("/v1/api-keys", json!({"name": "x", "scopes": ["customer:read"]})).await.ok(201);
    // Not even where its user holds nothing more yet: they may tomorrow.
    let may = &["api_key * all", "customer read all"];
    let clerk = server.user_who_may(&admin, "clerk", may, json!([]), json!({})).await;
    let made = clerk.post("/v1/api-keys", json!({"name": "k", "scopes": ["api_key:*", "customer:read"]})).await.ok(201);
    let clerks = server.anybody().with_token(made["key"].as_str().unwrap());
    for scopes in [json!(["*:*"]), json!(["user:update"]), json!(["customer:*"])] {
        let problem =
            clerks.post("/v1/api-keys", json!({"name": "x", "scopes": scopes})).await.refused(403, "permission_not_held");
        assert_eq!(problem["errors"][0]["pointer"], "/scopes");
    }
    let change = json!({"current_password": PASSWORD, "new_password": "another long passphrase"});
    maker.post("/v1/me/password", change).await.refused(403, "forbidden");
    let faults =
        admin.post("/v1/api-keys", json!({"name": "x", "scopes": ["custmer:read", "customer:*", "customer"]})).await.faults(400);
    assert_eq!(faults, pairs(&[("/scopes/0", "wrong_type"), ("/scopes/2", "wrong_type")]));
    // Stored hashed, shown once.
    let list = admin.get("/v1/api-keys").await;
    assert!(!list.text.contains(reader.token()));
    for token in ["fk_", "fk_x", &format!("{}x", reader.token())] {
        server.anybody().with_token(token).get("/v1/customers").await.refused(401, "unauthorized");
    }
}

pub async fn an_unknown_address_is_no_different_from_a_wrong_password(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.post("/v1/users", json!({"name": "Invited", "email": "invited@example.com"})).await.ok(201);
    let mut answers = Vec::new();
    for email in [ADMIN, "nobody@example.com", "invited@example.com"] {
        for tenant in [Value::Null, json!("nowhere")] {
            let mut body = json!({"email": email, "password": "a wrong passphrase"});
            if !tenant.is_null() {
                body["tenant"] = tenant;
            }
            let mut problem = server.anybody().post("/v1/auth/login", body).await.refused(401, "wrong_credentials");
            problem["request_id"] = Value::Null;
            answers.push(problem);
        }
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
}

pub async fn failures_slow_an_account_down(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    server.user(&admin, "Wang", "read_only", json!({})).await;
    for email in ["wang@example.com", "nobody@example.com"] {
        let attempt = |password: &str| server.anybody().post("/v1/auth/login", json!({"email": email, "password": password}));
        for _ in 0..5 {
            attempt("a wrong passphrase").await.refused(401, "wrong_credentials");
        }
        // Even with the right one, and just the same for an address that is nobody's.
        let answer = attempt(PASSWORD).await;
        assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
        answer.refused(429, "rate_limited");
    }
    // Others go on.
    server.admin().await;
}

pub async fn guesses_at_once_are_counted_as_one_after_the_other(db: TestDb) {
    let server = Server::start_with(db, |settings| settings.trusted_proxies = "127.0.0.0/8".to_owned()).await;
    let admin = server.admin().await;
    let wang = server.user(&admin, "Wang", "read_only", json!({})).await;
    let guess = |email: &str, from: usize| {
        let body = json!({"email": email, "password": "a wrong passphrase"});
        server.anybody().post("/v1/auth/login", body).header("X-Forwarded-For", &format!("198.51.100.{from}"))
    };
    let answers = futures_util::future::join_all((0..30).map(async |_| guess("wang@example.com", 1).await.status)).await;
    let judged = answers.iter().filter(|status| **status == 401).count();
    assert_eq!((judged, answers.iter().filter(|status| **status == 429).count()), (5, 25), "{answers:?}");
    let failed = admin.list("/v1/changes?types=user.login_failed", "type").await;
    assert_eq!(failed.len(), 5);
    // The same for who is logged in and guesses the password behind it.
    let change = || wang.post("/v1/me/password", json!({"current_password": "wrong", "new_password": "another long passphrase"}));
    change().await.refused(429, "rate_limited");
    // Many wrong names block the address they come from, and no other behind the same proxy.
    let mut statuses = Vec::new();
    for number in 0..52 {
        statuses.push(guess(&format!("nobody{number}@example.com"), 2).await.status);
    }
    assert_eq!((statuses[44], statuses[51]), (401, 429), "{statuses:?}");
    assert_eq!(guess("somebody@example.com", 3).await.status, 401);
}

pub async fn requests_are_limited_by_credential(db: TestDb) {
    let server = Server::start_with(db, |settings| settings.rate_limit = 20).await;
    let admin = server.admin().await;
    let mut statuses = Vec::new();
    for _ in 0..30 {
        let answer = admin.get("/v1/me").await;
        assert!(answer.header("ratelimit").starts_with("\"default\";r="), "{:?}", answer.headers);
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=20;w=60");
        if answer.status == 429 {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
            answer.clone().refused(429, "rate_limited");
        }
        statuses.push(answer.status);
    }
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
}

/// Whoever shows no valid credential is counted by address, on every path that takes none or refuses what it is shown.
pub async fn strangers_are_limited_by_address(db: TestDb) {
    const QUOTA: usize = 20;
    for (method, path) in [
        ("GET", "/v1/customers"),
        ("POST", "/v1/customers"),
        ("POST", "/v1/auth/login"),
        ("POST", "/v1/auth/refresh"),
        ("POST", "/v1/auth/logout"),
        ("POST", "/v1/auth/accept"),
        ("POST", "/v1/auth/forgot-password"),
        ("POST", "/v1/auth/reset-password"),
        ("GET", "/v1/forms/none"),
        ("POST", "/v1/forms/none"),
        ("GET", "/v1/calendar-feeds/none.ics"),
        ("GET", "/v1/tenants"),
    ] {
        let server =
            Server::start_with(TestDb::new(db.engine), |settings| settings.rate_limit = u32::try_from(QUOTA).unwrap()).await;
        let admin = server.admin().await;
        // With a credential that is none, and without one; a slow machine may be given a few more meanwhile.
        let mut taken = 0;
        for client in [server.anybody().with_token("nonsense"), server.anybody()].into_iter().cycle().take(3 * QUOTA) {
            let answer = client.request(method.parse().unwrap(), path).json(&json!({})).await;
            if answer.status == 429 {
                assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0), "{method} {path}");
                answer.refused(429, "rate_limited");
                break;
            }
            assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.text);
            taken += 1;
        }
        assert!((QUOTA - 3..3 * QUOTA).contains(&taken), "{method} {path}: {taken} requests were taken");
        // Whoever is known is counted by themselves, from the same address too.
        admin.get("/v1/me").await.ok(200);
    }
}

/// While every turn at hashing is taken, whoever logs in waits, and nobody else does.
pub async fn hashing_keeps_nobody_else_waiting(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let mut turns = Vec::new();
    while let Some(turn) = server.app.passwords.turn().now_or_never() {
        turns.push(turn.expect("a turn"));
    }
    assert!(!turns.is_empty());
    let logins: Vec<_> = (0..20)
        .map(|_| {
            let login = server.anybody().post("/v1/auth/login", json!({"email": ADMIN, "password": PASSWORD}));
            tokio::spawn(async move { login.await.status })
        })
        .collect();
    // Each of them has come as far as it can.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    for _ in 0..20 {
        admin.get("/v1/me").await.ok(200);
    }
    admin.create("customers", json!({"name": "meanwhile"})).await;
    assert!(logins.iter().all(|login| !login.is_finished()), "nobody logs in without a turn");
    drop(turns);
    for login in logins {
        assert_eq!(login.await.unwrap(), 200);
    }
}

pub async fn tokens_are_verified_by_the_published_keys(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let keys = server.anybody().get("/.well-known/jwks.json").await.ok(200);
    let token = admin.token().to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let header: Value = serde_json::from_slice(&decode(parts[0])).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).expect("the key is published");
    assert_eq!((&key["kty"], &key["crv"], &header["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    let public: [u8; 32] = decode(key["x"].as_str().unwrap()).try_into().unwrap();
    let signature = Signature::from_slice(&decode(parts[2])).unwrap();
    let signed = format!("{}.{}", parts[0], parts[1]);
    VerifyingKey::from_bytes(&public).unwrap().verify(signed.as_bytes(), &signature).expect("a true signature");

    // Forgeries: another payload, no algorithm, the public key as a secret, an unknown key, a token cut short.
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let mut claims: Value = serde_json::from_slice(&decode(parts[1])).unwrap();
    claims["exp"] = json!(4_000_000_000_i64);
    let kid = &header["kid"];
    let unsigned = encode(&json!({"alg": "none", "typ": "JWT", "kid": kid}));
    let symmetric = jsonwebtoken::Header {
        kid: kid.as_str().map(str::to_owned),
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
    };
    let symmetric = jsonwebtoken::encode(&symmetric, &claims, &jsonwebtoken::EncodingKey::from_secret(&public)).unwrap();
    let stranger = encode(&json!({"alg": "EdDSA", "typ": "JWT", "kid": "01890a5d-ac96-774b-bcce-b302099a8057"}));
    for forged in [
        format!("{}.{}.{}", parts[0], encode(&claims), parts[2]),
        format!("{unsigned}.{}.", encode(&claims)),
        format!("{unsigned}.{}.{}", encode(&claims), parts[2]),
        format!("{stranger}.{}.{}", parts[1], parts[2]),
        symmetric,
        signed,
        token[..token.len() - 2].to_owned(),
        "x".repeat(6000),
        "a.b.c".to_owned(),
        "..".to_owned(),
    ] {
        server.anybody().with_token(&forged).get("/v1/me").await.refused(401, "unauthorized");
    }
    // Signed by us, but long ago.
    let expired = server.app.tokens.sign(
        claims["tid"].as_str().unwrap().parse().unwrap(),
        claims["sub"].as_str().unwrap().parse().unwrap(),
        claims["sid"].as_str().unwrap().parse().unwrap(),
        farley_domain::values::time::Timestamp::from_milliseconds((claims["iat"].as_i64().unwrap() - 3600) * 1000),
    );
    server.anybody().with_token(&expired.unwrap()).get("/v1/me").await.refused(401, "token_expired");
    // Another scheme, and none.
    let basic = server.anybody().get("/v1/me").header("Authorization", "Basic YWRtaW46YWRtaW4=").await;
    assert!(basic.header("www-authenticate").starts_with("Bearer"));
    basic.refused(401, "unauthorized");
    // After rotation, tokens of before hold and new ones are signed by another key.
    server.app.tokens.rotate(&server.app.store).await.unwrap();
    admin.get("/v1/me").await.ok(200);
    let later = server.admin().await;
    assert_ne!(later.token().split('.').next(), Some(parts[0]));
    assert!(server.anybody().get("/.well-known/jwks.json").await.ok(200)["keys"].as_array().unwrap().len() > 1);
}

pub async fn passwords_are_changed_and_reset(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let wang = server.user(&admin, "Wang", "read_only", json!({})).await;
    let second = server.login("wang@example.com", PASSWORD).await;
    let change =
        |current: &str, new: &str| second.post("/v1/me/password", json!({"current_password": current, "new_password": new}));
    assert_eq!(
        change("wrong wrong wrong", "another long passphrase").await.faults(422),
        pairs(&[("/current_password", "wrong_password")])
    );
    for weak in ["short", "P@ssw0rd123", "Password2024!", "wang@example.com"] {
        assert_eq!(change(PASSWORD, weak).await.faults(422), pairs(&[("/new_password", "weak_password")]), "{weak}");
    }
    change(PASSWORD, "another long passphrase").await.ok(204);
    // Other sessions end, this one goes on.
    wang.get("/v1/me").await.refused(401, "session_ended");
    second.get("/v1/me").await.ok(200);
    let reset = admin.post(&format!("/v1/users/{}/reset-password", wang.id), json!({})).await.ok(200);
    let accept =
        |password: &str| server.anybody().post("/v1/auth/accept", json!({"token": reset["token"], "password": password}));
    assert_eq!(accept("short").await.faults(422), pairs(&[("/password", "weak_password")]));
    accept("a third long passphrase").await.ok(200);
    let again = accept("a fourth long passphrase").await;
    assert!((400..500).contains(&again.status), "a token is good once: {}", again.text);
    second.get("/v1/me").await.refused(401, "session_ended");
    server.login("wang@example.com", "a third long passphrase").await;
    server
        .anybody()
        .post("/v1/auth/login", json!({"email": "wang@example.com", "password": PASSWORD}))
        .await
        .refused(401, "wrong_credentials");
    // One's own name, not one's own roles.
    let wang = server.login("wang@example.com", "a third long passphrase").await;
    assert_eq!(wang.patch("/v1/me", json!({"name": "王芳", "phone": "13800138000"})).await.ok(200)["phone"], "+8613800138000");
    let faults = wang.patch("/v1/me", json!({"role_ids": [], "email": "x@example.com", "nmae": "x"})).await.faults(400);
    let expected = [("/role_ids", "field_not_permitted"), ("/email", "field_not_permitted"), ("/nmae", "unknown_member")];
    assert_eq!(faults, pairs(&expected));
}
