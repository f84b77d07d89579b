//! What goes out.

use reqwest::Method;

use super::{id, raw, uploaded};
use crate::{server::Server, support::TestDb};

pub async fn ranges_and_conditions_follow_the_book(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let file = uploaded(&admin, "name=digits.txt", "0123456789").await;
    let path = format!("/v1/files/{}/content", id(&file));
    let tag = format!("\"{}\"", file["sha256"].as_str().unwrap());
    let whole = admin.get(&path).await;
    assert_eq!((whole.status, whole.text.as_str()), (200, "0123456789"));
    assert_eq!(
        (whole.header("etag"), whole.header("accept-ranges"), whole.header("content-length")),
        (tag.as_str(), "bytes", "10")
    );
    assert_eq!((whole.header("x-content-type-options"), whole.header("cache-control")), ("nosniff", "private, no-cache"));
    let made = whole.header("last-modified").to_owned();
    for (asked, status, told, text) in [
        ("bytes=0-3", 206, "bytes 0-3/10", "0123"),
        ("bytes=8-", 206, "bytes 8-9/10", "89"),
        ("bytes=-3", 206, "bytes 7-9/10", "789"),
        ("bytes=9-99", 206, "bytes 9-9/10", "9"),
        ("bytes=0-1,4-5", 200, "", "0123456789"),
        ("lines=0-1", 200, "", "0123456789"),
        ("bytes=5-2", 200, "", "0123456789"),
    ] {
        let part = admin.get(&path).header("Range", asked).await;
        assert_eq!((part.status, part.header("content-range"), part.text.as_str()), (status, told, text), "{asked}");
        assert_eq!(part.header("content-length"), text.len().to_string());
    }
    let outside = admin.get(&path).header("Range", "bytes=10-").await;
    assert_eq!(outside.header("content-range"), "bytes */10");
    outside.refused(416, "range_not_satisfiable");
    let part = |condition: &str| admin.get(&path).header("Range", "bytes=0-3").header("If-Range", condition);
    for (condition, status) in [
        (tag.as_str(), 206),
        (made.as_str(), 206),
        ("\"other\"", 200),
        (&format!("W/{tag}"), 200),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 200),
    ] {
        assert_eq!(part(condition).await.status, status, "{condition}");
    }
    for held in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let answer = admin.get(&path).header("If-None-Match", &held).await;
        assert_eq!((answer.status, answer.text.as_str(), answer.header("etag")), (304, "", tag.as_str()), "{held}");
    }
    assert_eq!(admin.get(&path).header("If-Match", &tag).await.status, 200);
    admin.get(&path).header("If-Match", "\"other\"").await.refused(412, "precondition_failed");
    let head = admin.request(Method::HEAD, &path).await;
    assert_eq!(
        (head.status, head.header("content-length"), head.header("etag"), head.text.as_str()),
        (200, "10", tag.as_str(), "")
    );
    let empty = uploaded(&admin, "name=empty.txt", "").await;
    let answer = admin.get(&format!("/v1/files/{}/content", id(&empty))).await;
    assert_eq!((answer.status, answer.header("content-length"), answer.text.as_str()), (200, "0", ""));
}

pub async fn nothing_served_acts_within_a_page(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice();
    let html = b"<!DOCTYPE html><html><script>alert(1)</script></html>".as_slice();
    let svg = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".as_slice();
    for (name, media_type, body, shown) in [
        ("a.png", "image/png", png, "inline"),
        ("a.txt", "text/plain", b"plain".as_slice(), "inline"),
        ("a.html", "text/html", html, "attachment"),
        ("a.svg", "image/svg+xml", svg, "attachment"),
        ("a.png", "image/png", html, "attachment"),
        ("a.txt", "text/plain", html, "attachment"),
        ("a.xml", "application/xml", svg, "attachment"),
        ("a.png", "image/png", b"no picture".as_slice(), "attachment"),
    ] {
        let file = raw(&admin, &format!("name={name}"), media_type, body.to_vec()).await.ok(201);
        let path = format!("/v1/files/{}/content", id(&file));
        let (headers, bytes) = admin.get(&format!("{path}?disposition=inline")).raw().await;
        let header = |name: &str| headers[name].to_str().unwrap();
        assert!(header("content-disposition").starts_with(shown), "{name} {media_type}: {headers:?}");
        assert_eq!((header("x-content-type-options"), bytes.as_slice()), ("nosniff", body));
        assert!(header("content-security-policy").contains("sandbox"));
        let (headers, _) = admin.get(&path).raw().await;
        assert!(headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
        assert!(headers.get("content-encoding").is_none());
    }
}
