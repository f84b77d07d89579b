//! A bucket: the few requests of S3 that Farley makes, answered from memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use sha2::{Digest, Sha256};

use super::{id, raw, uploaded};
use crate::{server::Server, support::TestDb};

#[derive(Default)]
struct Bucket {
    objects: Mutex<HashMap<String, Vec<u8>>>,
    /// Parts by their numbers.
    begun: Mutex<HashMap<u32, Vec<u8>>>,
}

async fn answer(request: HttpRequest, body: web::Bytes, bucket: web::Data<Bucket>) -> HttpResponse {
    assert!(request.headers().contains_key("authorization"), "requests are signed");
    let key = request.path().to_owned();
    let query: HashMap<String, String> = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let xml = |text: String| HttpResponse::Ok().content_type("application/xml").body(text);
    let mut objects = bucket.objects.lock().unwrap();
    let mut begun = bucket.begun.lock().unwrap();
    match request.method().as_str() {
        "POST" if query.contains_key("uploads") => {
            xml("<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>".to_owned())
        }
        "PUT" if query.contains_key("uploadId") => {
            begun.insert(query["partNumber"].parse().unwrap(), body.to_vec());
            HttpResponse::Ok().insert_header(("ETag", format!("\"{}\"", query["partNumber"]))).finish()
        }
        "POST" => {
            let mut parts: Vec<(u32, Vec<u8>)> = begun.drain().collect();
            parts.sort();
            assert!(parts[..parts.len() - 1].iter().all(|(_, part)| part.len() >= 5 * 1024 * 1024), "S3 refuses small parts");
            objects.insert(key, parts.into_iter().flat_map(|(_, part)| part).collect());
            xml("<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>".to_owned())
        }
        "PUT" => {
            objects.insert(key, body.to_vec());
            HttpResponse::Ok().insert_header(("ETag", "\"whole\"")).finish()
        }
        "DELETE" if query.contains_key("uploadId") => {
            begun.clear();
            HttpResponse::NoContent().finish()
        }
        "DELETE" => {
            objects.remove(&key);
            HttpResponse::NoContent().finish()
        }
        "GET" => {
            let Some(content) = objects.get(&key) else { return HttpResponse::NotFound().finish() };
            let range = request.headers().get("range").unwrap().to_str().unwrap().trim_start_matches("bytes=");
            let (first, last) = range.split_once('-').unwrap();
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            HttpResponse::PartialContent()
                .insert_header(("ETag", "\"whole\""))
                .insert_header(("Last-Modified", "Mon, 02 Mar 2026 08:00:00 GMT"))
                .insert_header(("Content-Range", format!("bytes {first}-{last}/{}", content.len())))
                .body(content[first..=last].to_vec())
        }
        other => panic!("{other} {key}"),
    }
}

/// A server on a free port, until the test process ends.
fn start(bucket: &Arc<Bucket>) -> String {
    let (told, telling) = std::sync::mpsc::channel();
    let bucket = web::Data::from(Arc::clone(bucket));
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let factory = move || {
                let large = web::PayloadConfig::new(64 * 1024 * 1024);
                App::new().app_data(bucket.clone()).app_data(large).default_service(web::to(answer))
            };
            let server = HttpServer::new(factory).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
            told.send(server.addrs()[0]).unwrap();
            server.run().await.unwrap();
        });
    });
    format!("http://{}", telling.recv().unwrap())
}

pub async fn contents_are_kept_in_a_bucket(db: TestDb) {
    let bucket = Arc::new(Bucket::default());
    let endpoint = start(&bucket);
    let server = Server::start_with(db, |settings| {
        settings.files_url = Some("s3://files/farley/test".to_owned());
        settings.files_endpoint = Some(endpoint);
        settings.files_access_key = Some("id".to_owned());
        settings.files_secret_key = Some("key".to_owned().into());
    })
    .await;
    let admin = server.admin().await;
    let small = uploaded(&admin, "name=small.txt", "0123456789").await;
    let content = format!("/v1/files/{}/content", id(&small));
    assert_eq!(admin.get(&content).await.text, "0123456789");
    let part = admin.get(&content).header("Range", "bytes=3-5").await;
    assert_eq!((part.status, part.text.as_str()), (206, "345"));
    let large: Vec<u8> = (0..12_000_000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
    let file = raw(&admin, "name=large.bin", "application/octet-stream", large.clone()).await.ok(201);
    let (_, bytes) = admin.get(&format!("/v1/files/{}/content", id(&file))).raw().await;
    assert!(bytes == large, "the parts are put together");
    assert_eq!(file["sha256"], Sha256::digest(&large).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let keys: Vec<String> = bucket.objects.lock().unwrap().keys().cloned().collect();
    assert!(keys.len() == 2 && keys.iter().all(|key| key.starts_with("/files/farley/test/")), "{keys:?}");
    let wrong = raw(&admin, "name=x", "application/octet-stream", large).header("Content-Digest", "sha-256=:AAAA:").await;
    wrong.refused(400, "digest_mismatch");
    assert_eq!((bucket.objects.lock().unwrap().len(), bucket.begun.lock().unwrap().len()), (2, 0));
    let empty = uploaded(&admin, "name=empty.txt", "").await;
    assert_eq!(admin.get(&format!("/v1/files/{}/content", id(&empty))).await.status, 200);
}
