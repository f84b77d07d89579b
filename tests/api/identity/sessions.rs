//! Refresh tokens: two tabs at once, lost answers, and tokens that come back later.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    client::Answer,
    server::{ADMIN, PASSWORD, Server},
    support::TestDb,
};

async fn login(server: &Server) -> Value {
    server.anybody().post("/v1/auth/login", json!({"email": ADMIN, "password": PASSWORD})).await.ok(200)
}

async fn refresh(server: &Server, tokens: &Value) -> Answer {
    server.anybody().post("/v1/auth/refresh", json!({"refresh_token": tokens["refresh_token"]})).await
}

fn pair(tokens: &Value) -> [&Value; 2] {
    [&tokens["access_token"], &tokens["refresh_token"]]
}

pub async fn tabs_that_refresh_at_once_get_the_same_tokens(db: TestDb) {
    let server = Server::start(db).await;
    let first = login(&server).await;
    let answers = join_all((0..12).map(|_| refresh(&server, &first))).await;
    let answers: Vec<Value> = answers.into_iter().map(|answer| answer.ok(200)).collect();
    let second = &answers[0];
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    for answer in &answers {
        assert_eq!(pair(answer), pair(second));
    }
    // The answer was lost, and the client asks again; also when another tab has gone on meanwhile.
    assert_eq!(pair(&refresh(&server, &first).await.ok(200)), pair(second));
    let third = refresh(&server, second).await.ok(200);
    assert_ne!(third["refresh_token"], second["refresh_token"]);
    assert_eq!(pair(&refresh(&server, &first).await.ok(200)), pair(second));
    assert_eq!(pair(&refresh(&server, second).await.ok(200)), pair(&third));
    let client = server.anybody().with_token(third["access_token"].as_str().unwrap());
    client.get("/v1/me").await.ok(200);
    // A token that was never given is no earlier one, and ends the session.
    let mut made_up = first.clone();
    made_up["refresh_token"] = format!("{}x", first["refresh_token"].as_str().unwrap()).into();
    refresh(&server, &made_up).await.refused(401, "session_ended");
    refresh(&server, &third).await.refused(401, "session_ended");
    // Whoever lost the answer to a refresh logs out with what they have.
    let first = login(&server).await;
    let second = refresh(&server, &first).await.ok(200);
    server.anybody().post("/v1/auth/logout", json!({"refresh_token": first["refresh_token"]})).await.ok(204);
    refresh(&server, &second).await.refused(401, "session_ended");
}

pub async fn a_token_that_comes_back_later_ends_the_session(db: TestDb) {
    let server = Server::start_with(db, |settings| settings.refresh_leeway = 2).await;
    let first = login(&server).await;
    let second = refresh(&server, &first).await.ok(200);
    assert_eq!(pair(&refresh(&server, &first).await.ok(200)), pair(&second));
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    refresh(&server, &first).await.refused(401, "session_ended");
    refresh(&server, &second).await.refused(401, "session_ended");
    server.anybody().with_token(second["access_token"].as_str().unwrap()).get("/v1/me").await.refused(401, "session_ended");
    let types = server.admin().await.list("/v1/changes?types=user.session_reuse_detected", "type").await;
    assert_eq!(types, ["user.session_reuse_detected"]);
}
