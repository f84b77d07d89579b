//! What becomes of the rows of a file.

use serde_json::{Value, json};

use super::{begin, counts, customers, ended, faults, import, many, told, total};
use crate::{client::pairs, server::Server, support::TestDb};

pub async fn match_by_keys_and_by_fields(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let by_key = |content: &str| json!({"object": "customer", "match_by": "ext:sap", "content": content});
    let done = import(&admin, by_key("name,external_ids.sap,region\nAcme,1,华东\nGlobex,2,华南\n")).await;
    assert_eq!((counts(&done), &done["mode"]), ([2, 0, 0, 0], &json!("upsert")));
    let done = import(&admin, by_key("name,external_ids.sap,region\nAcme 2,1,\nGlobex,2,华南\nNew,3,\n")).await;
    assert_eq!(counts(&done), [1, 1, 1, 0]);
    let acme = admin.get("/v1/customers/ext:sap:1").await.ok(200);
    // A blank cell changes nothing.
    assert_eq!((&acme["name"], &acme["region"], &acme["version"]), (&json!("Acme 2"), &json!("华东"), &json!(2)));

    let by = |field: &str, content: &str| json!({"object": "customer", "match_by": field, "content": content});
    let done = import(&admin, by("name", "name,email\nAcme 2,a@example.com\nNew,b@example.com\n")).await;
    assert_eq!(counts(&done)[3], 0, "{done}");
    let done = import(&admin, by("emails", "email,name,region\nA@Example.com,Acme 3,\nb@example.com,New,华北\n")).await;
    assert_eq!(counts(&done), [0, 2, 0, 0]);
    assert_eq!(admin.get("/v1/customers/ext:sap:1").await.ok(200)["name"], "Acme 3");

    // Two that answer to the name, a row without a key, and a key that stands twice.
    admin.create("customers", json!({"name": "Twin"})).await;
    admin.create("customers", json!({"name": "Twin"})).await;
    let done = import(&admin, by("name", "name,region\nTwin,x\n,y\nNew,1\nNew,2\n")).await;
    let found = faults(&admin, &done).await;
    assert_eq!(found.iter().map(|fault| fault.0).collect::<Vec<_>>(), [2, 3, 5], "{found:?}");
    // Without a key to match by, every row is a new record, and a unique value may be in the way.
    let done = import(&admin, customers("name,external_ids.sap\nAnother,1\n")).await;
    assert_eq!(counts(&done), [0, 0, 0, 1]);
    for wrong in [
        json!({"mode": "upsert"}),
        json!({"match_by": "region"}),
        json!({"match_by": "nothing"}),
        json!({"mode": "create", "match_by": "name"}),
        json!({"mode": "replace"}),
        json!({"object": "event"}),
        json!({"object": "api_key"}),
        json!({"colour": "red"}),
    ] {
        let mut body = customers("name\nx\n");
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let answer = admin.post("/v1/imports", body).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
    }
}

pub async fn have_their_faults_told(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let content = "name,email,phone,parent_id,employee_count\n\
                   Good,good@example.com,0755-28780808,,5\n\
                   Bad,nope,call me,Nobody,many\n\
                   ,x@example.com,,,\n\
                   =HYPERLINK(1),also nope,,,\n\
                   Child,,,Good,\n";
    let done = import(&admin, customers(content)).await;
    assert_eq!((counts(&done), &done["status"], &done["rows_total"]), ([2, 0, 0, 3], &json!("done"), &json!(5)));
    let found = faults(&admin, &done).await;
    let wanted = told(&[
        (3, "email", "invalid_email"),
        (3, "employee_count", "wrong_type"),
        (3, "parent_id", "reference_not_found"),
        (3, "phone", "invalid_phone"),
        (4, "name", "required"),
        (5, "email", "invalid_email"),
    ]);
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(sorted, wanted);
    assert_eq!(admin.names("/v1/customers?parent_id_null=false").await, ["Child"]);
    // In the language of the asker, a page at a time, and as a file that no spreadsheet executes.
    let path = format!("/v1/imports/{}/faults", done["id"].as_str().unwrap());
    let page = admin.get(&format!("{path}?limit=200")).header("Accept-Language", "zh-CN").await.ok(200);
    assert!(page["data"].to_string().contains("不是有效的邮箱地址"), "{page}");
    let page = admin.get(&format!("{path}?limit=2")).await.ok(200);
    let next = page["page"]["next"].as_str().unwrap();
    let rest = admin.get(&format!("{path}?limit=200&cursor={next}")).await.ok(200);
    assert_eq!(rest["data"].as_array().unwrap().len(), 4);
    let file = admin.get(&path).header("Accept", "text/csv").await;
    assert!(file.header("content-type").starts_with("text/csv") && file.text.lines().count() == 7, "{}", file.text);
    // Every record is written as any other write: with its event, by whom the import was asked for.
    let id = admin.list("/v1/customers?name=Good", "id").await.remove(0);
    let event = admin.get(&format!("/v1/customers/{id}/timeline")).await.ok(200)["data"][0].clone();
    assert_eq!((&event["type"], &event["actor"]["user_id"]), (&json!("customer.created"), &json!(admin.id)));
}

pub async fn are_all_taken_or_none_or_only_tried(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let content = "name,email\nOne,one@example.com\nTwo,nope\nThree,\n";
    let body = |more: Value| {
        let mut body = customers(content);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let done = import(&admin, body(json!({"on_fault": "abort"}))).await;
    assert_eq!((&done["status"], counts(&done)), (&json!("failed"), [0, 0, 0, 1]));
    assert!(done["problem"].as_str().unwrap().contains("1 row"), "{done}");
    assert_eq!((total(&admin).await, faults(&admin, &done).await), (0, told(&[(3, "email", "invalid_email")])));
    let done = import(&admin, body(json!({"dry_run": true}))).await;
    assert_eq!((&done["status"], counts(&done), total(&admin).await), (&json!("done"), [2, 0, 0, 1], 0));
    assert_eq!(admin.list("/v1/changes?types=customer.created", "id").await.len(), 0, "nothing happened");
    let done =
        import(&admin, body(json!({"on_fault": "abort", "mapping": {"columns": [{"column": "email", "field": null}]}}))).await;
    assert_eq!((&done["status"], counts(&done), total(&admin).await), (&json!("done"), [3, 0, 0, 0], 3));
    // Longer than what can be undone together.
    let mut long = customers(&many(5_001));
    long["on_fault"] = "abort".into();
    assert_eq!(admin.post("/v1/imports", long).await.faults(400), pairs(&[("/on_fault", "too_many_rows")]));
    // Checked only, and asked for twice under one key.
    let validated = admin.post("/v1/imports?validate_only=true", body(json!({}))).await;
    assert!(validated.status < 300, "{}", validated.text);
    let twice = || admin.post("/v1/imports", body(json!({}))).header("Idempotency-Key", "once");
    let (first, second) = (twice().await.ok(201), twice().await);
    assert_eq!((second.header("idempotency-replayed"), &second.body["id"]), ("true", &first["id"]));
    ended(&admin, first["id"].as_str().unwrap()).await;
    assert_eq!(total(&admin).await, 5);
}

pub async fn come_in_files_of_many_shapes(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let text = "客户名称;所属行业\r\n\"华为；技术\";通信\r\n";
    let (gbk, ..) = encoding_rs::GB18030.encode(text);
    let marked = [b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat();
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let file = |path: &str, bytes: Vec<u8>| admin.request(reqwest::Method::POST, path).body("text/csv", bytes);
    for (bytes, encoding) in [(gbk.into_owned(), "gb18030"), (marked, "UTF-8"), (utf16, "UTF-16LE")] {
        let shown = file("/v1/imports/preview?object=customer", bytes.clone()).await.ok(200);
        assert_eq!((&shown["encoding"], &shown["delimiter"]), (&json!(encoding), &json!(";")));
        assert_eq!(shown["rows"][0]["record"]["name"], "华为；技术");
        let id = file("/v1/imports?object=customer", bytes).await.ok(201)["id"].as_str().unwrap().to_owned();
        assert_eq!(counts(&ended(&admin, &id).await), [1, 0, 0, 0], "{encoding}");
    }
    // Rows too short and too long, quotes within quotes, line ends within cells, blank lines.
    let odd = "name,region,industry\nShort\n\"Say \"\"hi\"\"\",\"two\nlines\",x\n\n,,\nToo,long,a,row\nLast,华东,y\n";
    let done = import(&admin, customers(odd)).await;
    assert_eq!((counts(&done), &done["rows_total"]), ([3, 0, 0, 1], &json!(4)));
    // As a spreadsheet counts: a row with line ends within its cells is one, and blank rows are rows.
    assert_eq!(faults(&admin, &done).await, told(&[(6, "-", "too_many")]));
    assert_eq!(admin.names("/v1/customers?region=华东").await, ["Last"]);
    assert_eq!(admin.names("/v1/customers?name=Say \"hi\"").await, ["Say \"hi\""]);
    // A cell longer than its field is a fault of its row.
    let huge = format!("name,region\n{},x\nGood,y\n", "长".repeat(100_000));
    let done = import(&admin, customers(&huge)).await;
    assert_eq!((counts(&done), faults(&admin, &done).await), ([1, 0, 0, 1], told(&[(2, "name", "too_long")])));
    // A quote that never ends would swallow all that follows.
    for path in ["/v1/imports/preview", "/v1/imports"] {
        let endless = || admin.post(path, customers("name,region\nFirst,z\n\"Endless,x\nGood,y\n"));
        assert_eq!(endless().await.faults(400), pairs(&[("/content", "unclosed_quote")]), "{path}");
        let problem = endless().header("Accept-Language", "zh-CN").await.refused(400, "invalid_request");
        assert_eq!(problem["errors"][0]["message"], "第 3 行的引号没有闭合");
    }
    // Only a header: nothing to do, and that is soon done.
    let done = import(&admin, customers("name,region\n")).await;
    assert_eq!((&done["status"], counts(&done)), (&json!("done"), [0, 0, 0, 0]));
    for content in ["", "\n\n", "a\0b\n1,2"] {
        let answer = admin.post("/v1/imports", customers(content)).await;
        assert_eq!(answer.status, 400, "{content:?}: {}", answer.text);
    }
    let wide = vec!["x"; 1_001].join(",");
    assert_eq!(admin.post("/v1/imports", customers(&wide)).await.faults(400), pairs(&[("/content", "too_many")]));
    // Two columns for one field, and no column for any.
    let answer = admin.post("/v1/imports", customers("name,name\na,b\n")).await;
    assert!([201, 400].contains(&answer.status), "{}", answer.text);
    let answer = admin.post("/v1/imports", customers("mystery\na\n")).await;
    assert!([201, 400].contains(&answer.status), "{}", answer.text);
    assert_eq!(file("/v1/imports?object=customer", vec![0xFF, 0xFF, b'\n']).await.status, 400);
    assert_eq!(file("/v1/imports?object=customer", vec![b'x'; 17 * 1024 * 1024]).await.status, 413);
}

pub async fn need_permission_and_stay_within_the_tenant(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let content = "name,region\nMine,x\n";
    let reader = server.user_who_may(&admin, "Reader", &["customer read all", "customer create all"], json!([]), json!({})).await;
    reader.post("/v1/imports", customers(content)).await.refused(403, "forbidden");
    reader.post("/v1/imports/preview", customers(content)).await.refused(403, "forbidden");
    let may = ["customer read own", "customer create own", "customer update own", "customer import own", "import read own"];
    let owner = server.user_who_may(&admin, "Owner", &may, json!([]), json!({})).await;
    admin.create("customers", json!({"name": "Admin's"})).await;
    // What one may not see is not matched, and what one creates is one's own.
    let mut body = customers("name,region\nAdmin's,x\nMine,y\n");
    body["match_by"] = "name".into();
    let done = import(&owner, body).await;
    assert_eq!(counts(&done), [2, 0, 0, 0]);
    let mut names = owner.names("/v1/customers").await;
    names.sort();
    assert_eq!(names, ["Admin's", "Mine"]);
    assert_eq!(total(&admin).await, 3);
    // Imports are their owners', and their tenant's.
    let path = format!("/v1/imports/{}", done["id"].as_str().unwrap());
    let second = server.user_who_may(&admin, "Second", &may, json!([]), json!({})).await;
    let stranger = server.other_tenant("other").await;
    for client in [&second, &stranger] {
        client.get(&path).await.refused(404, "not_found");
        client.get(&format!("{path}/faults")).await.refused(404, "not_found");
        assert!(client.list("/v1/imports", "id").await.is_empty());
    }
    admin.get(&path).await.ok(200);
    let mut body = customers("name,parent_id\nTheirs,Mine\n");
    body["match_by"] = "name".into();
    let done = import(&stranger, body).await;
    assert_eq!(faults(&stranger, &done).await, told(&[(2, "parent_id", "reference_not_found")]));
    assert!(stranger.list("/v1/customers", "id").await.is_empty());
    // A right that is taken away while the import runs ends it.
    let id = begin(&second, customers(&many(3_000))).await;
    admin.post(&format!("/v1/users/{}/deactivate", second.id), json!({})).await.ok(204);
    let done = ended(&admin, &id).await;
    assert_eq!(done["status"], "failed", "{done}");
}
