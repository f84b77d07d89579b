//! Forgotten passwords: `/v1/auth/forgot-password`, `/v1/auth/reset-password` and `farley user reset-password`.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;

use crate::{
    client::pairs,
    mail::mail_server,
    server::{ADMIN, PASSWORD, Server},
    support::TestDb,
};

const NEW: &str = "an entirely new passphrase";

pub async fn passwords_are_reset_by_a_mailed_link(db: TestDb) {
    let (url, mut mails) = mail_server().await;
    let server = Server::start_with(db, |settings| {
        settings.smtp_url = Some(url.into());
        settings.mail_from = "Farley <crm@example.cn>".to_owned();
        settings.password_reset_url = Some("https://crm.example.cn/reset?token={token}".to_owned());
    })
    .await;
    let admin = server.admin().await;
    let anna = server.user(&admin, "Anna", "sales_representative", json!({"language": "en"})).await;
    let gone = server.user(&admin, "Gone", "sales_representative", json!({})).await;
    admin.post(&format!("/v1/users/{}/deactivate", gone.id), json!({})).await.ok(204);
    let anybody = server.anybody();
    let forgot = |body| anybody.post("/v1/auth/forgot-password", body);
    // Nobody, somebody who may not log in, another tenant: the same answer, and no mail.
    let mut answers = Vec::new();
    for body in [
        json!({"email": "nobody@example.com"}),
        json!({"email": "gone@example.com"}),
        json!({"email": "anna@example.com", "tenant": "no-such-tenant"}),
        json!({"email": " Anna@Example.COM "}),
    ] {
        let answer = forgot(body).await;
        answers.push((answer.status, answer.text.clone()));
    }
    assert!(answers.iter().all(|answer| *answer == (204, String::new())), "{answers:?}");
    // The mail server refuses the first attempt.
    let mail = tokio::time::timeout(Duration::from_secs(40), mails.recv()).await.expect("a mail in time").expect("a mail");
    for part in ["From: Farley <crm@example.cn>", "To: Anna <anna@example.com>", "Subject: Reset your password", "one hour"] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    let unfolded = mail.replace("=\n", "").replace("=3D", "=");
    let token = unfolded.split("https://crm.example.cn/reset?token=").nth(1).expect("a link");
    let token: String = token.chars().take_while(|c| !c.is_whitespace()).collect();
    let reset =
        |token: &str, password: &str| anybody.post("/v1/auth/reset-password", json!({"token": token, "password": password}));
    // Nothing has changed yet, and a fault uses nothing up.
    anna.get("/v1/me").await.ok(200);
    assert_eq!(reset(&token, "short").await.faults(422), pairs(&[("/password", "weak_password")]));
    assert_eq!(reset("ft_nonsense", NEW).await.faults(400), pairs(&[("/token", "reference_not_found")]));
    assert_eq!(reset(&token, NEW).await.ok(204), json!(null));
    anna.get("/v1/me").await.refused(401, "session_ended");
    assert_eq!(reset(&token, "yet another passphrase").await.faults(400), pairs(&[("/token", "reference_not_found")]));
    let login = json!({"email": "anna@example.com", "password": PASSWORD});
    anybody.post("/v1/auth/login", login).await.refused(401, "wrong_credentials");
    server.login("anna@example.com", NEW).await;
    let types = admin.list(&format!("/v1/changes?object=user&record_id={}", anna.id), "type").await;
    assert!(
        ["user.password_reset_issued", "user.password_changed"].iter().all(|told| types.contains(&(*told).to_owned())),
        "{types:?}"
    );
    assert!(mails.try_recv().is_err(), "sent once, and to nobody else");
}

pub async fn requests_are_limited_whether_the_user_exists_or_not(db: TestDb) {
    let server = Server::start_with(db, |settings| {
        settings.smtp_url = Some("smtp://127.0.0.1:9".into());
        settings.password_reset_url = Some("https://crm.example.cn/reset?token={token}".to_owned());
    })
    .await;
    for email in ["nobody@example.com", ADMIN] {
        let mut statuses = Vec::new();
        for _ in 0..5 {
            let answer = server.anybody().post("/v1/auth/forgot-password", json!({"email": email})).await;
            assert!(answer.status == 204 || !answer.header("retry-after").is_empty(), "{}", answer.text);
            statuses.push(answer.status);
        }
        assert_eq!(statuses, [204, 204, 204, 429, 429], "{email}");
    }
}

pub async fn tokens_are_handed_out_where_there_is_no_mail(db: TestDb) {
    let server = Server::start(db).await;
    let forgot = server.anybody().post("/v1/auth/forgot-password", json!({"email": ADMIN})).await;
    forgot.refused(409, "mail_not_configured");
    let admin = server.admin().await;
    let anna = server.user(&admin, "Anna", "sales_representative", json!({})).await;
    let reset = async |token: &str, password: &str| {
        server.anybody().post("/v1/auth/reset-password", json!({"token": token, "password": password})).await
    };
    let path = format!("/v1/users/{}/reset-password", anna.id);
    let made = admin.post(&path, json!({})).await.ok(200);
    assert_eq!(made["url"], json!(null));
    reset(made["token"].as_str().unwrap(), NEW).await.ok(204);
    anna.get("/v1/me").await.refused(401, "session_ended");
    // Whoever is deactivated meanwhile is not let in again by a token.
    let made = admin.post(&path, json!({})).await.ok(200);
    admin.post(&format!("/v1/users/{}/deactivate", anna.id), json!({})).await.ok(204);
    assert_eq!(reset(made["token"].as_str().unwrap(), PASSWORD).await.faults(400), pairs(&[("/token", "reference_not_found")]));
    admin.post(&path, json!({})).await.refused(409, "state_conflict");
    admin.post(&format!("/v1/users/{}/activate", anna.id), json!({})).await.ok(204);
    // By the command line, beside the server.
    let run = |email: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farley"));
        command.args(["user", "reset-password", email]).env("DATABASE_URL", &server.db.url);
        command.env("FARLEY_PASSWORD_RESET_URL", "https://crm.example.cn/reset?token={token}");
        command.current_dir(std::env::temp_dir()).stdin(Stdio::null());
        tokio::task::block_in_place(|| command.output()).unwrap()
    };
    assert!(!run("nobody@example.com").status.success());
    let said = run("anna@example.com");
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let token = text.trim().split("token=").nth(1).unwrap_or_else(|| panic!("{said:?}"));
    reset(token, "a passphrase by command").await.ok(204);
    server.login("anna@example.com", "a passphrase by command").await;
}
