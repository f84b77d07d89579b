//! `/v1/lead-forms` and the public `/v1/forms/{token}`.

use serde_json::{Value, json};

use super::{pool, types};
use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

/// What browsers say that they take when somebody goes to a page.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const ENCODED: &str = "application/x-www-form-urlencoded";

async fn form(admin: &Client, more: Value) -> Value {
    let mut body = json!({"name": "官网咨询", "source": "官网", "assign": false, "consent_text": "同意联系我", "honeypot": "website_url",
    "thank_you": "谢谢", "fields": [
        {"name": "name", "field": "person_name", "label": "姓名", "required": true},
        {"name": "phone", "field": "phones"},
        {"name": "email", "field": "emails"},
        {"name": "need", "field": "description"},
        {"field": "custom.size"},
    ]});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    admin.post("/v1/lead-forms", body).await.ok(201)
}

pub async fn become_leads_when_answered(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("size", "integer", json!({"object": "lead"})).await;
    let pool = pool(&admin, json!({})).await;
    let record = form(&admin, json!({"pool_id": pool, "first_response_minutes": 30})).await;
    let (id, token) = (record["id"].as_str().unwrap(), record["token"].as_str().unwrap());
    let visitor = server.anybody();
    let path = format!("/v1/forms/{token}");
    let shown = visitor.get(&path).header("Accept-Language", "zh").await.ok(200);
    assert_eq!(
        shown["fields"][1],
        json!({"name": "phone", "label": "电话", "placeholder": null, "required": false, "type": "tel", "choices": null, "max_length": null})
    );
    assert_eq!((&shown["consent"]["text"], &shown["honeypot"]), (&json!("同意联系我"), &json!("website_url")));
    let names: Vec<&str> = shown["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["name", "phone", "email", "need", "custom_size"]);

    let said = json!({"name": "李伟", "phone": "138 0013 8000", "need": "六轴", "consent": true, "utm_source": "baidu", "custom_size": 7});
    let thanks = visitor.post(&path, said).await.ok(201);
    assert_eq!(thanks, json!({"message": "谢谢", "redirect_url": null, "reference": null}));
    let lead = admin.get("/v1/leads").await.ok(200)["data"][0].clone();
    assert_eq!((&lead["name"], &lead["source"], &lead["owner_id"]), (&json!("李伟"), &json!("官网"), &Value::Null));
    assert_eq!((&lead["pool_id"], &lead["lead_form_id"]), (&json!(pool), &json!(id)));
    assert_eq!((&lead["phones"][0]["value"], &lead["custom"]["size"]), (&json!("+8613800138000"), &json!(7)));
    assert_eq!((&lead["utm"]["source"], &lead["created_by"]), (&json!("baidu"), &Value::Null));
    let consent = &lead["consent"][0];
    assert_eq!(
        (&consent["channel"], &consent["text"], consent["given_at"].is_string()),
        (&json!("phone"), &json!("同意联系我"), true)
    );
    assert!(lead["first_response_due_at"].as_str().unwrap() > lead["created_at"].as_str().unwrap());

    // The same number again, out of an HTML form: it is added.
    let html = |body: &'static str| visitor.request(reqwest::Method::POST, &path).body("application/x-www-form-urlencoded", body);
    html("name=Li+Wei&phone=13800138000&email=li.wei%40example.cn&need=%E4%BA%A4%E6%9C%9F&consent=on").await.ok(201);
    let leads = admin.get("/v1/leads").await.ok(200);
    assert_eq!(leads["data"].as_array().unwrap().len(), 1);
    let lead = &leads["data"][0];
    assert_eq!((&lead["person_name"], &lead["description"]), (&json!("李伟"), &json!("六轴\n\n交期")));
    assert_eq!((&lead["emails"][0]["value"], lead["consent"].as_array().unwrap().len()), (&json!("li.wei@example.cn"), 1));
    let lead_path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
    assert_eq!(types(&admin, &lead_path).await, ["lead.answered_again", "lead.created"]);
    // Whoever fills in what nobody sees is thanked alike.
    assert_eq!(html("name=Bot&website_url=http%3A%2F%2Fx").await.ok(201), thanks);
    let faults = visitor.post(&path, json!({"phone": "abc", "nmae": "x"})).await.faults(400);
    assert_eq!(faults, pairs(&[("/nmae", "unknown_member"), ("/name", "required"), ("/phone", "invalid_phone")]));
    assert_eq!(admin.names("/v1/leads").await.len(), 1);
    // Many at once of one visitor are one lead.
    let answers = (0..8).map(|_| {
        let request = visitor.post(&path, json!({"name": "王芳", "phone": "13900139000"}));
        tokio::spawn(async move { request.await.status })
    });
    let mut statuses = Vec::new();
    for answer in answers.collect::<Vec<_>>() {
        statuses.push(answer.await.unwrap());
    }
    assert!(statuses.iter().all(|status| matches!(status, 201 | 429)), "{statuses:?}");
    assert_eq!(admin.names("/v1/leads").await.len(), 2);

    let form_path = format!("/v1/lead-forms/{id}");
    admin
        .patch(&form_path, json!({"redirect_url": "https://www.example.cn/thanks", "submissions_per_minute": 100}))
        .await
        .ok(200);
    let sent_on = html("name=X").header("Accept", BROWSER).await;
    assert_eq!((sent_on.status, sent_on.header("location")), (303, "https://www.example.cn/thanks"));
    // A script, or curl, is told where to go on.
    assert_eq!(html("name=X").await.ok(201)["redirect_url"], "https://www.example.cn/thanks");
    let new = admin.post(&format!("{form_path}/rotate-token"), json!({})).await.ok(200)["token"].clone();
    assert_ne!(new, token);
    visitor.get(&path).await.refused(404, "not_found");
    let path = format!("/v1/forms/{}", new.as_str().unwrap());
    visitor.get(&path).await.ok(200);
    admin.patch(&form_path, json!({"is_active": false})).await.ok(200);
    visitor.get(&path).await.refused(404, "not_found");
    let wrong =
        json!({"name": "F", "fields": [{"field": "owner_id"}, {"field": "emials"}, {"field": "phones", "name": "consent"}]});
    let faults = admin.post("/v1/lead-forms", wrong).await.faults(422);
    assert_eq!(
        faults,
        pairs(&[("/fields/0/field", "unknown_member"), ("/fields/1/field", "unknown_member"), ("/fields/2/name", "repeated")])
    );
}

pub async fn are_answered_from_the_sites_they_allow(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("size", "integer", json!({"object": "lead"})).await;
    let record = form(&admin, json!({"allowed_origins": ["https://www.example.cn"], "submissions_per_minute": 2})).await;
    let path = format!("/v1/forms/{}", record["token"].as_str().unwrap());
    let visitor = server.anybody();
    let preflight = async |origin: &str| {
        let request = visitor.request(reqwest::Method::OPTIONS, &path).header("Origin", origin);
        request.header("Access-Control-Request-Method", "POST").header("Access-Control-Request-Headers", "content-type").await
    };
    let allowed = preflight("https://www.example.cn").await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, "https://www.example.cn"));
    assert_eq!(preflight("https://evil.example").await.header("access-control-allow-origin"), "");
    let shown = visitor.get(&path).header("Origin", "https://www.example.cn").await;
    assert_eq!(shown.header("access-control-allow-origin"), "https://www.example.cn");
    visitor.get(&path).header("Origin", "https://evil.example").await.refused(403, "forbidden");
    // Faults can be read by the page too.
    let faulty = visitor.post(&path, json!({})).header("Origin", "https://www.example.cn").await;
    assert_eq!((faulty.status, faulty.header("access-control-allow-origin")), (400, "https://www.example.cn"));
    visitor.post(&path, json!({"name": "A"})).await.ok(201);
    // The third in a minute, unless a new one has just begun.
    let (third, fourth, fifth) = (
        visitor.post(&path, json!({"name": "B"})).await,
        visitor.post(&path, json!({"name": "C"})).await,
        visitor.post(&path, json!({"name": "D"})).await,
    );
    let late = [third, fourth, fifth].into_iter().filter(|answer| answer.status == 429).collect::<Vec<_>>();
    assert!(!late.is_empty());
    assert!(!late[0].header("retry-after").is_empty());
}

/// A form with a field of each kind that can be said several times, and its address.
async fn form_of_many(admin: &Client, more: Value) -> String {
    let choices = json!([{"value": "arm", "label_zh": "机械臂"}, {"value": "agv"}, {"value": "视觉"}]);
    admin.custom_field("interests", "multi_choice", json!({"object": "lead", "choices": choices})).await;
    let mut fields = json!({"duplicate_days": 0, "submissions_per_minute": 1000, "fields": [
        {"name": "姓名", "field": "person_name", "required": true},
        {"name": "phone", "field": "phones", "label": "手机"},
        {"name": "need", "field": "description"},
        {"name": "interest", "field": "custom.interests"},
    ]});
    fields.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let record = form(admin, fields).await;
    format!("/v1/forms/{}", record["token"].as_str().unwrap())
}

/// The lead that came last.
async fn latest(admin: &Client) -> Value {
    admin.get("/v1/leads?sort=-created_at&limit=1").await.ok(200)["data"][0].clone()
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

/// `multipart/form-data` as browsers write it: head and content of each part.
fn in_parts(parts: &[(&[u8], &[u8])]) -> Vec<u8> {
    let part = |(head, content): &(&[u8], &[u8])| {
        [b"------WebKitFormBoundary7M\r\nContent-Disposition: form-data; ".as_slice(), head, b"\r\n\r\n", content, b"\r\n"]
            .concat()
    };
    [parts.iter().map(part).collect::<Vec<_>>().concat(), b"------WebKitFormBoundary7M--\r\n".to_vec()].concat()
}

const IN_PARTS: &str = "multipart/form-data; boundary=----WebKitFormBoundary7M";

pub async fn are_read_as_browsers_send_them(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let path = form_of_many(&admin, json!({})).await;
    let visitor = server.anybody();
    let post = |media_type: &str, body: Vec<u8>| visitor.request(reqwest::Method::POST, &path).body(media_type, body);
    let shown = visitor.get(&path).await.ok(200);
    assert_eq!((&shown["fields"][3]["type"], &shown["fields"][3]["choices"][2]["value"]), (&json!("checkboxes"), &json!("视觉")));
    // One person and wish, in the character sets of Chinese pages, told or not.
    let encodings = [encoding_rs::UTF_8, encoding_rs::GBK, encoding_rs::GB18030];
    let mut wanted = Vec::new();
    for (number, encoding) in encodings.into_iter().enumerate() {
        let bytes = |text: &str| encoding.encode(text).0.into_owned();
        let (name, need) = (format!("李伟{number}"), "六轴 & 视觉\n含税？");
        let pairs = format!("{}={}&need={}", escaped(&bytes("姓名")), escaped(&bytes(&name)), escaped(&bytes(need)));
        let label = encoding.name().to_ascii_lowercase();
        let name_head = [b"name=\"".as_slice(), &bytes("姓名"), b"\""].concat();
        let (name_bytes, need_bytes) = (bytes(&name), bytes(need));
        let parts: [(&[u8], &[u8]); 2] = [(&name_head, &name_bytes), (b"name=\"need\"", &need_bytes)];
        let told: [(&[u8], &[u8]); 3] = [parts[0], parts[1], (b"name=\"_charset_\"", label.as_bytes())];
        for (media_type, body) in [
            (ENCODED.to_owned(), pairs.clone().into_bytes()),
            (format!("{ENCODED}; charset={label}"), pairs.clone().into_bytes()),
            (ENCODED.to_owned(), format!("{pairs}&_charset_={}", encoding.name()).into_bytes()),
            (IN_PARTS.to_owned(), in_parts(&parts)),
            (IN_PARTS.to_owned(), in_parts(&told)),
        ] {
            post(&media_type, body).await.ok(201);
            wanted.push((name.clone(), need.to_owned()));
        }
    }
    let leads = admin.get("/v1/leads?sort=created_at&limit=200").await.ok(200);
    let text = |lead: &Value, field: &str| lead[field].as_str().unwrap_or_default().to_owned();
    let found: Vec<(String, String)> =
        leads["data"].as_array().unwrap().iter().map(|lead| (text(lead, "person_name"), text(lead, "description"))).collect();
    assert_eq!(found, wanted);

    // Checkboxes of one name are a list, further telephones too; of what there is one of, the last counts; blanks are not said.
    let name = escaped("姓名".as_bytes());
    let many = format!(
        "{name}=A&{name}=B&{name}=+&interest=arm&interest=%E8%A7%86%E8%A7%89&interest=arm&need=&phone=13800138000&phone=&phone=13900139000"
    );
    for (media_type, body) in [
        (ENCODED, many.clone().into_bytes()),
        (
            IN_PARTS,
            in_parts(&[
                ("name=\"姓名\"".as_bytes(), b"A"),
                ("name=\"姓名\"".as_bytes(), b"B"),
                (b"name=\"interest\"", b"arm"),
                (b"name=\"interest\"", "视觉".as_bytes()),
                (b"name=\"need\"", b""),
                (b"name=\"phone\"", b"13800138000"),
                (b"name=\"phone\"", b"13900139000"),
                (b"name=\"need\"; filename=\"\"\r\nContent-Type: application/octet-stream", b""),
            ]),
        ),
        (
            "application/json",
            json!({"姓名": "B", "interest": ["arm", "视觉"], "phone": ["13800138000", "13900139000"], "need": null})
                .to_string()
                .into_bytes(),
        ),
    ] {
        post(media_type, body).await.ok(201);
        let lead = latest(&admin).await;
        assert_eq!((&lead["person_name"], &lead["description"]), (&json!("B"), &Value::Null), "{media_type}");
        let mut interests: Vec<&str> = lead["custom"]["interests"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        interests.sort_unstable();
        assert_eq!(interests, ["arm", "视觉"]);
        let phones: Vec<&Value> = lead["phones"].as_array().unwrap().iter().map(|phone| &phone["value"]).collect();
        assert_eq!(phones, ["+8613800138000", "+8613900139000"], "{media_type}");
    }
    // One checkbox is a list of one.
    post(ENCODED, format!("{name}=C&interest=agv").into_bytes()).await.ok(201);
    assert_eq!(latest(&admin).await["custom"]["interests"], json!(["agv"]));

    // Every fault at its input, and nothing is kept.
    let count = admin.get("/v1/leads?total=true&limit=1").await.ok(200)["page"]["total"].clone();
    let faults = post(ENCODED, b"phone=abc&interest=arm&interest=x&nmae=1&_charset_=utf-8".to_vec()).await.faults(400);
    let expected =
        [("/nmae", "unknown_member"), ("/姓名", "required"), ("/phone", "invalid_phone"), ("/interest", "unknown_choice")];
    assert_eq!(faults, pairs(&expected));
    let files: [(&[u8], &[u8]); 3] = [
        ("name=\"姓名\"".as_bytes(), b"A"),
        (b"name=\"need\"; filename=\"a.txt\"\r\nContent-Type: text/plain", b"x"),
        (b"name=\"cv\"; filename=\"\xC0\xEE.doc\"", b"x"),
    ];
    let refused = post(IN_PARTS, in_parts(&files)).header("Accept-Language", "zh").await;
    assert!(refused.text.contains("是文件，此处不接受文件"), "{}", refused.text);
    assert_eq!(refused.faults(400), pairs(&[("/need", "file_not_accepted"), ("/cv", "file_not_accepted")]));
    assert_eq!(post(ENCODED, b"need=%FF%FE%FD".to_vec()).await.faults(400), pairs(&[("", "malformed")]));
    post(&format!("{ENCODED}; charset=klingon"), b"need=1".to_vec()).await.refused(415, "unsupported_media_type");
    post("text/plain", b"need=1".to_vec()).await.refused(415, "unsupported_media_type");
    post("multipart/form-data", b"need=1".to_vec()).await.refused(400, "malformed_request");
    post(IN_PARTS, b"------WebKitFormBoundary7M\r\nContent-Disp".to_vec()).await.refused(400, "malformed_request");
    let large = [(b"name=\"need\"".as_slice(), "x".repeat(70_000).into_bytes())];
    let large: Vec<(&[u8], &[u8])> = large.iter().map(|(head, content)| (*head, content.as_slice())).collect();
    post(IN_PARTS, in_parts(&large)).await.refused(413, "payload_too_large");
    let inputs = (0..501).map(|number| format!("n{number}=1")).collect::<Vec<_>>().join("&");
    assert_eq!(post(ENCODED, inputs.into_bytes()).await.faults(400), pairs(&[("", "too_many")]));
    assert_eq!(admin.get("/v1/leads?total=true&limit=1").await.ok(200)["page"]["total"], count);
}

pub async fn answer_browsers_with_pages(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let path = form_of_many(&admin, json!({"thank_you": "谢谢 <您>", "allowed_origins": ["https://www.example.cn"]})).await;
    let visitor = server.anybody();
    let name = escaped("姓名".as_bytes());
    let send = |path: &str, body: String| {
        let request = visitor.request(reqwest::Method::POST, path).body(ENCODED, body);
        request.header("Accept", BROWSER).header("Accept-Language", "zh-CN,zh;q=0.9")
    };
    let page = |answer: crate::client::Answer, status: u16, parts: &[&str]| {
        assert_eq!((answer.status, answer.header("content-type")), (status, "text/html; charset=utf-8"), "{}", answer.text);
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(answer.header("vary").contains("accept") && !answer.header("x-request-id").is_empty());
        for part in parts.iter().chain(&["<!doctype html>", "lang=\"zh-CN\""]) {
            assert!(answer.text.contains(part), "{part}: {}", answer.text);
        }
        answer
    };
    page(send(&path, format!("{name}=%E6%9D%8E")).await, 201, &["<h1>官网咨询</h1>", "谢谢 &lt;您&gt;"]);
    assert_eq!(latest(&admin).await["person_name"], "李");
    // Faults under the labels of their inputs, as a visitor knows them.
    let faulty = page(
        send(&path, "phone=abc&x=1".to_owned()).await,
        400,
        &["姓名：为必填项", "手机：不是有效的电话号码", "x：不是已知字段"],
    );
    assert!(!faulty.text.contains("pointer"), "{}", faulty.text);
    page(send("/v1/forms/lf_unknown", format!("{name}=x")).await, 404, &[]);
    page(send(&path, format!("{name}=x")).header("Origin", "https://evil.example").await, 403, &[]);
    page(send(&path, format!("need={}", "x".repeat(70_000))).await, 413, &["65536"]);
    // Whoever does not ask for a page gets JSON, whichever way the inputs came.
    for accept in ["*/*", "application/json", "application/json, text/plain, */*"] {
        let request = |body: String| visitor.request(reqwest::Method::POST, &path).body(ENCODED, body).header("Accept", accept);
        assert_eq!(request(format!("{name}=y")).await.ok(201)["message"], "谢谢 <您>");
        request("phone=abc".to_owned()).await.refused(400, "invalid_request");
    }
    // JSON too, if it is a browser that sends it.
    let json = visitor.post(&path, json!({"phone": "abc"})).header("Accept", BROWSER).header("Accept-Language", "zh").await;
    page(json, 400, &["姓名：为必填项"]);
    let id = admin.get("/v1/lead-forms").await.ok(200)["data"][0]["id"].as_str().unwrap().to_owned();
    admin.patch(&format!("/v1/lead-forms/{id}"), json!({"redirect_url": "https://www.example.cn/谢谢?a=1&b=2"})).await.ok(200);
    let sent_on = send(&path, format!("{name}=z")).await;
    assert_eq!((sent_on.status, sent_on.header("location")), (303, "https://www.example.cn/%E8%B0%A2%E8%B0%A2?a=1&b=2"));
    page(send(&path, "phone=abc".to_owned()).await, 400, &[]);
    admin.patch(&format!("/v1/lead-forms/{id}"), json!({"submissions_per_minute": 1})).await.ok(200);
    let mut limited = send(&path, format!("{name}=z")).await;
    for _ in 0..2 {
        limited = send(&path, format!("{name}=z")).await;
        if limited.status == 429 {
            break;
        }
    }
    assert!(!limited.header("retry-after").is_empty());
    page(limited, 429, &["秒后重试"]);
}

/// A lead that was converted is over: whoever inquires again is a new lead, of the customer that is known by now.
pub async fn know_the_customers_that_leads_became(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("size", "integer", json!({"object": "lead"})).await;
    let record = form(&admin, json!({"submissions_per_minute": 1000, "fields": [
        {"name": "name", "field": "person_name"}, {"name": "company", "field": "company"}, {"name": "phone", "field": "phones"},
        {"name": "email", "field": "emails"}, {"name": "need", "field": "description"},
    ]}))
    .await;
    let path = format!("/v1/forms/{}", record["token"].as_str().unwrap());
    let visitor = server.anybody();
    let ask = async |body: Value| {
        visitor.post(&path, body).await.ok(201);
        latest(&admin).await
    };
    let first =
        ask(json!({"name": "李伟", "company": "大族", "phone": "13800138000", "email": "li@example.cn", "need": "六轴"})).await;
    assert_eq!((&first["customer_id"], &first["contact_id"]), (&Value::Null, &Value::Null));
    let id = |record: &Value| record["id"].as_str().unwrap().to_owned();
    let lead_path = |lead: &Value| format!("/v1/leads/{}", id(lead));
    let done = admin.post(&format!("{}/convert", lead_path(&first)), json!({"opportunity": {}})).await.ok(200);
    let (customer, contact) = (&done["customer"]["id"], &done["contact"]["id"]);
    assert!(customer.is_string() && contact.is_string());

    // By the telephone, or by the address; many at once are one lead.
    let asked = (0..5).map(|_| {
        let request = visitor.post(&path, json!({"name": "Li Wei", "phone": "138 0013 8000", "need": "交期"}));
        tokio::spawn(async move { request.await.status })
    });
    for status in asked.collect::<Vec<_>>() {
        assert_eq!(status.await.unwrap(), 201);
    }
    let second = latest(&admin).await;
    assert_ne!(second["id"], first["id"]);
    assert_eq!((&second["status"], &second["opportunity_id"]), (&json!("new"), &Value::Null));
    assert_eq!((&second["customer_id"], &second["contact_id"]), (customer, contact));
    assert_eq!(admin.list("/v1/leads", "id").await.len(), 2);
    // The former one stays as it was, and the customer's timeline tells of the new one.
    assert_eq!(admin.get(&lead_path(&first)).await.ok(200), done["lead"]);
    let timeline = admin.list(&format!("/v1/customers/{}/timeline", customer.as_str().unwrap()), "type").await;
    assert_eq!(timeline.iter().filter(|kind| *kind == "lead.created").count(), 1, "{timeline:?}");
    // Converted, it goes to the customer and the contact that are known; nobody is there twice.
    let again = admin.post(&format!("{}/convert", lead_path(&second)), json!({"opportunity": {"name": "交期"}})).await.ok(200);
    assert_eq!((&again["customer"]["id"], &again["contact"]["id"]), (customer, contact));
    assert_eq!(again["opportunity"]["customer_id"], *customer);
    assert_eq!((admin.names("/v1/customers").await.len(), admin.names("/v1/contacts").await.len()), (1, 1));

    // Of several the latest, but a namesake before others who share the telephone.
    let other = ask(json!({"name": "王芳", "company": "Other", "phone": "13800138000"})).await;
    let told = json!({"customer": {"name": "Other"}, "contact": {"name": "王芳"}});
    let others = admin.post(&format!("{}/convert", lead_path(&other)), told).await.ok(200);
    assert_ne!(others["customer"]["id"], *customer, "what is told of a new customer makes one");
    assert_eq!(ask(json!({"name": "李伟", "phone": "13800138000"})).await["customer_id"], *customer);
    let third = ask(json!({"name": "Zhao", "phone": "13800138000"})).await;
    assert_eq!(third["customer_id"], *customer, "it is added to the open one");
    admin.post(&format!("{}/disqualify", lead_path(&third)), json!({"reason": "x"})).await.ok(200);
    let fourth = ask(json!({"name": "Zhao", "phone": "13800138000"})).await;
    assert_eq!((&fourth["customer_id"], &fourth["contact_id"]), (&others["customer"]["id"], &others["contact"]["id"]));
    // Forms that merge nothing know customers too; of what is archived nobody knows.
    let form_path = format!("/v1/lead-forms/{}", id(&record));
    admin.patch(&form_path, json!({"duplicate_days": 0})).await.ok(200);
    assert_eq!(ask(json!({"name": "A", "email": "LI@example.cn"})).await["customer_id"], *customer);
    admin.delete(&format!("/v1/contacts/{}", contact.as_str().unwrap())).await.ok(204);
    let fifth = ask(json!({"name": "A", "email": "li@example.cn"})).await;
    assert_eq!((&fifth["customer_id"], &fifth["contact_id"]), (customer, &Value::Null));
    admin.delete(&format!("/v1/customers/{}", customer.as_str().unwrap())).await.ok(204);
    assert_eq!(ask(json!({"name": "A", "email": "li@example.cn"})).await["customer_id"], Value::Null);
    assert_eq!(ask(json!({"name": "B", "phone": "13700137000"})).await["customer_id"], Value::Null);
}
