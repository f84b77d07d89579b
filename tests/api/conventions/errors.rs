//! Bad input: every refusal is a problem of its kind, and nothing a client sends is a failure of ours.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Answer, pairs},
    server::Server,
    support::{Engine, TestDb},
};

pub async fn bodies_that_cannot_be_read(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let send = |media_type: &str, body: Vec<u8>| admin.request(Method::POST, "/v1/customers").body(media_type, body);
    let json = |body: &str| send("application/json", body.as_bytes().to_vec());
    for body in [
        "{",
        "{\"name\": }",
        "nonsense",
        "{\"name\":\"x\"} trailing",
        "{'name': 1}",
        "\u{feff}{",
        "[1,]",
        "{\"name\":\"\\ud800\"}",
    ] {
        json(body).await.refused(400, "malformed_body");
    }
    send("application/json", vec![b'{', b'"', 0xff, 0xfe, b'"', b':', b'1', b'}']).await.refused(400, "malformed_body");
    for depth in [200, 100_000] {
        json(&format!("{{\"custom\":{}{}}}", "[".repeat(depth), "]".repeat(depth))).await.refused(400, "malformed_body");
    }
    for body in ["[]", "\"x\"", "7", "null", "true"] {
        assert_eq!(json(body).await.faults(400)[0], ("".to_owned(), "wrong_type".to_owned()), "{body}");
    }
    json("{\"name\": \"a\", \"name\": \"b\"}").await.refused(400, "malformed_body");
    json("{}").await.refused(400, "invalid_request");
    for media_type in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "nonsense"]
    {
        send(media_type, b"{}".to_vec()).await.refused(415, "unsupported_media_type");
    }
    send("application/json; charset=utf-8", br#"{"name":"x"}"#.to_vec()).await.ok(201);
    // Too large: by what is declared, and by what comes.
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(1_100_000));
    let problem = json(&large).await.refused(413, "payload_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("1048576"));
    let almost = format!("{{\"name\":\"{}\"}}", "x".repeat(1_000_000));
    assert_eq!(json(&almost).await.faults(400), pairs(&[("/name", "too_long")]));
}

pub async fn values_of_the_wrong_kind(db: TestDb) {
    let engine = db.engine;
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let metadata = admin.get("/v1/metadata/objects").await.ok(200);
    let wrongs = [
        json!({"x": {"y": []}}),
        json!([[1]]),
        json!(true),
        json!(1e300),
        json!(-7),
        json!("\u{0}"),
        json!("\u{feff}x\u{0}y"),
        json!([null]),
        json!("x".repeat(30_000)),
    ];
    for object in metadata["data"].as_array().unwrap() {
        let collection = object["collection"].as_str().unwrap();
        let names: Vec<&str> = object["fields"].as_array().unwrap().iter().map(|field| field["path"].as_str().unwrap()).collect();
        // Values are read before any database is asked: one by one on the quicker engine, on the other all of a record at once.
        let each = match engine {
            Engine::Sqlite => names.chunks(1),
            Engine::Postgres => names.chunks(names.len()),
        };
        for names in each {
            for wrong in &wrongs {
                let mut body =
                    json!({"name": "x", "email": "x@example.com", "object": "customer", "key": "x", "field_type": "text"});
                names.iter().for_each(|name| body[name] = wrong.clone());
                let answer = admin.post(&format!("/v1/{collection}?validate_only=true"), body).await;
                assert!(answer.status < 500, "{collection} {names:?}: {} for {:.60}", answer.text, wrong.to_string());
            }
        }
    }
    // A character that PostgreSQL cannot store is refused on both engines, wherever it comes.
    assert_eq!(
        admin.post("/v1/customers", json!({"name": "a\u{0}b"})).await.faults(400),
        pairs(&[("/name", "invalid_character")])
    );
    for path in
        ["/v1/customers?name=%00", "/v1/customers?q=%00", "/v1/customers?%00=1", "/v1/search?q=%00", "/v1/changes?types=%00"]
    {
        admin.get(path).await.refused(400, "invalid_request");
    }
    for path in [
        "/v1/customers/%00",
        "/v1/customers/ext:sap:%00",
        "/v1/customers/ext:%00:1",
        "/v1/customers/ext:sap:%ff",
        "/v1/users/%00/sessions",
    ] {
        admin.get(path).await.refused(404, "not_found");
    }
    for path in ["/v1/customers/ext:sap:%00", "/v1/customers/ext:S%20AP:1", "/v1/customers/ext::"] {
        let answer = admin.put(path, json!({"name": "x"})).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.text);
    }
    admin.get("/v1/customers?name=%ff").await.refused(400, "malformed_request");
    admin.get("/v1/customers").header("X-Request-Id", "mine-7").await.ok(200);
    let answer = admin.get("/v1/customers/x").header("X-Request-Id", "mine-7").await;
    assert_eq!(answer.refused(404, "not_found")["request_id"], "mine-7");
    server
        .anybody()
        .post("/v1/auth/login", json!({"email": "x\u{0}", "password": "p\u{0}", "tenant": "\u{0}"}))
        .await
        .refused(400, "invalid_request");
    let answer = admin.post("/v1/customers", json!({"name": "x"})).header("Idempotency-Key", "a\tb").await;
    assert!(answer.status < 500, "{}", answer.text);
}

/// Whatever looks like SQL is a text like any other.
pub async fn sql_in_every_string(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for evil in [
        "'; DROP TABLE customers; --",
        "\" OR \"\"=\"",
        "1) OR (1=1",
        "%' OR '1'='1",
        "\\'; SELECT 1; --",
        "${jndi:x}",
        "{{7*7}}",
        "name\"--",
        "$1",
        "?1",
        ":x",
    ] {
        let id = admin.create("customers", json!({"name": evil, "description": evil, "external_ids": {"sap": evil}})).await;
        let encoded: String = form_urlencoded::byte_serialize(evil.as_bytes()).collect();
        assert_eq!(admin.names(&format!("/v1/customers?name={encoded}")).await, [evil]);
        assert_eq!(admin.names(&format!("/v1/customers?description_contains={encoded}")).await, [evil]);
        assert_eq!(admin.matching(json!({"field": "name", "op": "in", "value": [evil]})).await, [evil]);
        admin.get(&format!("/v1/customers?q={encoded}")).await.ok(200);
        for parameter in ["sort", "fields", "expand", "cursor", "custom.x", "limit", "status", "owner_id", "created_at"] {
            admin.get(&format!("/v1/customers?{parameter}={encoded}")).await.refused(400, "invalid_request");
        }
        admin.get(&format!("/v1/customers?{encoded}=1")).await.refused(400, "invalid_request");
        admin.get(&format!("/v1/customers?custom.{encoded}=1")).await.refused(400, "invalid_request");
        for body in [
            json!({"filter": {"field": evil, "value": 1}}),
            json!({"filter": {"field": "name", "op": evil, "value": 1}}),
            json!({"sort": [evil]}),
            json!({"cursor": evil}),
            json!({evil: 1}),
        ] {
            admin.post("/v1/customers/search", body).await.refused(400, "invalid_request");
        }
        let faults =
            admin.post("/v1/custom-fields", json!({"object": "customer", "key": evil, "field_type": "text"})).await.faults(422);
        assert_eq!(faults, pairs(&[("/key", "invalid_key")]));
        admin.get(&format!("/v1/changes?types={encoded}")).await.refused(400, "invalid_request");
        server
            .anybody()
            .post("/v1/auth/login", json!({"email": evil, "password": evil, "tenant": evil}))
            .await
            .refused(401, "wrong_credentials");
        admin.delete(&format!("/v1/customers/{id}")).await.ok(204);
    }
    assert_eq!(admin.get("/v1/customers?total=true").await.ok(200)["page"]["total"], 0);
}

/// JSON in a parameter is read as strictly as a body.
pub async fn members_said_twice_in_parameters(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let once = "%7B%22field%22:%22name%22,%22value%22:%22x%22%7D";
    let twice = "%7B%22field%22:%22name%22,%22value%22:%22x%22,%22value%22:%22y%22%7D";
    for path in ["/v1/customers?filter=", "/v1/customers/summary?filter=", "/v1/customers?name=x&filter="] {
        admin.get(&format!("{path}{once}")).await.ok(200);
        for doubled in [twice.to_owned(), format!("%7B%22not%22:{twice}%7D")] {
            let refused = admin.get(&format!("{path}{doubled}")).await.refused(400, "invalid_request");
            let fault = &refused["errors"][0];
            assert_eq!((&fault["pointer"], &fault["code"]), (&json!("filter"), &json!("malformed")), "{fault}");
            assert!(fault["message"].as_str().unwrap().contains("the member `value` is given twice"), "{fault}");
        }
    }
    // The mapping of an import beside its file.
    let file = |mapping: &str| {
        let path = format!("/v1/imports/preview?object=customer&mapping={mapping}");
        admin.request(reqwest::Method::POST, &path).body("text/csv", "name\nAcme\n")
    };
    let columns = "%22columns%22:[%7B%22column%22:%22name%22,%22field%22:%22name%22%7D]";
    file(&format!("%7B{columns}%7D")).await.ok(200);
    let refused = file(&format!("%7B{columns},{columns}%7D")).await;
    assert_eq!(refused.faults(400), [("mapping".to_owned(), "malformed".to_owned())]);
}

pub async fn filters_without_bounds(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let leaf = json!({"field": "status", "value": "active"});
    let deep = |levels: usize| (0..levels).fold(leaf.clone(), |inner, _| json!({"not": inner}));
    let search = |filter: Value| admin.post("/v1/customers/search", json!({"filter": filter}));
    let code = |answer: Answer| answer.refused(400, "invalid_request")["errors"][0]["code"].as_str().unwrap().to_owned();
    assert_eq!(code(search(deep(60)).await), "too_deep");
    assert_eq!(code(search(json!({"or": vec![leaf.clone(); 500]})).await), "too_many");
    assert_eq!(code(search(json!({"field": "name", "op": "in", "value": vec!["x"; 5000]})).await), "too_many");
    search(json!({"or": vec![leaf; 150]})).await.ok(200);
    let many = vec!["x"; 2000].join(",");
    assert_eq!(code(admin.get(&format!("/v1/customers?name_in={many}")).await), "too_many");
    let wide = (0..300).map(|number| format!("x{number}=1")).collect::<Vec<_>>().join("&");
    let answer = admin.get(&format!("/v1/customers?{wide}")).await;
    assert!(answer.body["errors"].as_array().unwrap().len() <= 101, "no more faults than anybody reads");
    assert_eq!(admin.get(&format!("/v1/customers?q={}", "x".repeat(201))).await.faults(400), pairs(&[("q", "too_long")]));
    let answer = admin.get(&format!("/v1/customers?name={}", "x".repeat(60_000))).await;
    assert!(answer.status < 500, "{}", answer.status);
    let mut expressions = Vec::new();
    for word in ["word", "词", "a1", "1"] {
        expressions.push([word; 60].join(" "));
    }
    for q in expressions {
        admin.get(&format!("/v1/customers?q={}", &q.chars().take(200).collect::<String>())).await.ok(200);
    }
}

pub async fn paths_and_methods_that_are_not_there(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for path in [
        "/v1",
        "/v1/",
        "/v2/customers",
        "/v1/custmers",
        "/v1/customers/",
        "/v1/customers//history",
        "/v1/customers/x/y/z",
        "/favicon.ico",
    ] {
        admin.get(path).await.refused(404, "not_found");
        server.anybody().get(path).await.refused(404, "not_found");
    }
    for (method, path, allow) in [
        (Method::PUT, "/v1/customers", "GET, POST"),
        (Method::DELETE, "/v1/customers", "GET, POST"),
        (Method::GET, "/v1/customers/search", "POST"),
        (Method::GET, "/v1/auth/login", "POST"),
        (Method::POST, "/v1/search", "GET"),
        (Method::POST, "/v1/changes", "GET"),
        (Method::DELETE, "/v1/me", "GET, PATCH"),
        (Method::POST, "/healthz", "GET"),
        (Method::PUT, "/v1/users/x/deactivate", "POST"),
    ] {
        let answer = admin.request(method.clone(), path).await;
        let mut allowed: Vec<&str> =
            answer.header("allow").split(',').map(str::trim).filter(|method| *method != "HEAD").collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(", "), allow, "{method} {path}");
        answer.refused(405, "method_not_allowed");
    }
    // HEAD is GET without a body.
    let head = admin.request(Method::HEAD, "/v1/customers").await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

/// A header that requests are read by is as long as the document says, and no longer.
pub async fn headers_without_end(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    for name in ["Accept-Language", "If-Match", "If-None-Match"] {
        let answer = admin.get("/v1/customers").header(name, &"x".repeat(1_001)).await;
        assert_ne!(answer.header("ratelimit"), "");
        answer.refused(400, "malformed_request");
        assert_ne!(admin.get("/v1/customers").header(name, &"x".repeat(1_000)).await.status, 400, "{name}");
    }
}

/// Every path refuses every method that the document does not declare for it, and names those that it does.
pub async fn undeclared_methods_are_refused(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let document = farley::app::server::document();
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        // The path of an upsert is one of a record too.
        if path.contains("ext:{system}") {
            continue;
        }
        let declared: Vec<String> = item.as_object().expect("a path").keys().map(|method| method.to_uppercase()).collect();
        let path = path.replace("{collection}", "customers");
        let filled = path.split('/').map(|part| match part.contains('{') {
            true => part.replace(
                &part[part.find('{').unwrap_or(0)..=part.find('}').unwrap_or(0)],
                "01890a5d-ac96-774b-bcce-b302099a8057",
            ),
            false => part.to_owned(),
        });
        let filled = filled.collect::<Vec<_>>().join("/");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
            if declared.iter().any(|known| known == method) {
                continue;
            }
            let answer = admin.request(method.parse().expect("a method"), &filled).await;
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text);
            let allowed: Vec<&str> = answer.header("allow").split(", ").collect();
            let missing = declared.iter().filter(|known| *known != "PARAMETERS" && !allowed.contains(&known.as_str()));
            assert_eq!(missing.count(), 0, "{method} {path} allows {allowed:?}, not {declared:?}");
            let more = allowed.iter().filter(|known| **known != "HEAD" && !declared.iter().any(|own| own == *known));
            assert_eq!(more.count(), 0, "{method} {path} allows {allowed:?}, which is more than {declared:?}");
            answer.refused(405, "method_not_allowed");
            tried += 1;
        }
    }
    assert!(tried > 500, "only {tried} tries");
}

pub async fn browsers_are_let_in_by_the_allow_list(db: TestDb) {
    let server =
        Server::start_with(db, |settings| settings.cors_origins = "https://crm.example, https://b.example".to_owned()).await;
    let admin = server.admin().await;
    let preflight = |origin: &'static str| {
        server
            .anybody()
            .request(Method::OPTIONS, "/v1/customers")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type,idempotency-key,x-some-tool")
    };
    let answer = preflight("https://crm.example").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "https://crm.example"));
    assert!(answer.header("access-control-allow-headers").to_lowercase().contains("idempotency-key"));
    assert!(answer.header("access-control-allow-headers").to_lowercase().contains("x-some-tool"), "whatever is asked for");
    let refused = preflight("https://evil.example").await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (400, ""));
    assert!(refused.body["detail"].as_str().unwrap().contains("FARLEY_CORS_ORIGINS"), "{}", refused.text);
    refused.refused(400, "malformed_request");
    for path in ["/v1/customers", "/v1/customers/x"] {
        let answer = admin.get(path).header("Origin", "https://b.example").await;
        assert_eq!(answer.header("access-control-allow-origin"), "https://b.example", "{path}");
        let exposed = answer.header("access-control-expose-headers").to_lowercase();
        let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap().to_lowercase()).collect();
        let by_language = vary.iter().any(|value| value.contains("accept-language"));
        assert_eq!((vary.iter().any(|value| value.contains("origin")), by_language), (true, answer.status == 404), "{path}");
        for name in ["etag", "link", "location", "x-total-count", "ratelimit", "retry-after"] {
            assert!(exposed.contains(name), "{path}: {exposed}");
        }
        assert_eq!(admin.get(path).header("Origin", "https://evil.example").await.header("access-control-allow-origin"), "");
    }
}
