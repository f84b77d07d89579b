//! Links that expire.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{id, uploaded};
use crate::{client::Client, server::Server, support::TestDb};

async fn link(client: &Client, file: &str, seconds: i64) -> String {
    let made = client.post(&format!("/v1/files/{file}/link"), json!({"expires_in": seconds})).await.ok(200);
    let url = made["url"].as_str().unwrap();
    url[url.find("/v1/").unwrap()..].to_owned()
}

pub async fn a_link_is_read_without_a_credential(db: TestDb) {
    let server = Server::start(db).await;
    let (admin, anybody) = (server.admin().await, server.anybody());
    let customer = admin.create("customers", json!({"name": "华为"})).await;
    let file = uploaded(&admin, &format!("name=a.txt&object=customer&record_id={customer}"), "0123456789").await;
    let path = link(&admin, id(&file), 600).await;
    let whole = anybody.get(&path).await;
    assert_eq!((whole.status, whole.text.as_str()), (200, "0123456789"));
    let part = anybody.get(&path).header("Range", "bytes=2-3").await;
    assert_eq!((part.status, part.text.as_str(), part.header("content-range")), (206, "23", "bytes 2-3/10"));
    let head = anybody.request(Method::HEAD, &path).await;
    assert_eq!((head.status, head.header("content-length")), (200, "10"));
    // Whatever is changed in it, it leads nowhere.
    let (front, token) = path.rsplit_once('/').unwrap();
    for place in 0..token.len() - 1 {
        let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
        let forged = format!("{front}/{}{other}{}", &token[..place], &token[place + 1..]);
        anybody.get(&forged).await.refused(404, "not_found");
    }
    // Of another tenant it is not, whatever its key.
    let other = server.other_tenant("other").await;
    let theirs = uploaded(&other, "name=b.txt", "theirs").await;
    let their_link = link(&other, id(&theirs), 600).await;
    assert_eq!(anybody.get(&their_link).await.text, "theirs", "a file of nothing yet, too");
    admin.post(&format!("/v1/files/{}/link", id(&theirs)), json!({})).await.refused(404, "not_found");
    let short = link(&admin, id(&file), 1).await;
    assert_eq!(anybody.get(&short).await.status, 200);
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    anybody.get(&short).await.refused(404, "not_found");
    // It dies with the file, and with the record.
    let file_path = format!("/v1/files/{}", id(&file));
    admin.delete(&file_path).await.ok(204);
    anybody.get(&path).await.refused(404, "not_found");
    admin.get(&format!("{file_path}/content")).await.refused(404, "not_found");
    admin.post(&format!("{file_path}/restore"), json!({})).await.ok(200);
    assert_eq!(anybody.get(&path).await.status, 200);
    admin.delete(&format!("/v1/customers/{customer}")).await.ok(204);
    anybody.get(&path).await.refused(404, "not_found");
    for wrong in [json!({"expires_in": 0}), json!({"expires_in": 604_801})] {
        assert_eq!(admin.post(&format!("{file_path}/link"), wrong).await.status, 400);
    }
}
