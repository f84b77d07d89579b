//! The knowledge base: articles become versions, readers get what was published and nothing else, and votes count once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

async fn desk(db: TestDb) -> (Server, Client, Value) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let center = admin.post("/v1/help-centers", json!({"name": "Help"})).await.ok(201);
    (server, admin, center)
}

fn help(center: &Value, rest: &str) -> String {
    format!("/v1/help/{}{rest}", center["token"].as_str().expect("a token"))
}

fn id(record: &Value) -> &str {
    record["id"].as_str().expect("an id")
}

/// An article, published.
async fn published(admin: &Client, body: Value) -> Value {
    let article = admin.post("/v1/articles", body).await.ok(201);
    publish(admin, id(&article)).await
}

async fn publish(admin: &Client, article: &str) -> Value {
    admin.post(&format!("/v1/articles/{article}/submit"), json!({})).await.ok(200);
    admin.post(&format!("/v1/articles/{article}/publish"), json!({})).await.ok(200)
}

/// Draft, review, published; what readers have stays as it is while the next version is written, and goes when it is withdrawn.
pub async fn what_is_published_stays_while_the_next_is_written(db: TestDb) {
    let (server, admin, center) = desk(db).await;
    let anybody = server.anybody();
    let body = json!({"title": "Printer", "body": "Press **reset**.", "language": "en", "visibility": "public"});
    let article = admin.post("/v1/articles", body).await.ok(201);
    let path = format!("/v1/articles/{}", id(&article));
    let act = async |verb: &str| admin.post(&format!("{path}/{verb}"), json!({})).await;
    let shown = help(&center, &format!("/articles/{}", id(&article)));
    assert_eq!((&article["status"], &article["published_version"]), (&json!("draft"), &Value::Null));
    anybody.get(&shown).await.refused(404, "not_found");
    // Nothing is skipped.
    let refused = act("publish").await.refused(409, "state_conflict");
    assert_eq!(refused["allowed"], json!(["submit"]));
    act("withdraw").await.refused(409, "state_conflict");
    act("send-back").await.refused(409, "state_conflict");
    assert_eq!(act("submit").await.ok(200)["status"], "in_review");
    act("submit").await.refused(409, "state_conflict");
    let back = admin.post(&format!("{path}/send-back"), json!({"note": "Which printer?"})).await.ok(200);
    assert_eq!((&back["status"], &back["review_note"]), (&json!("draft"), &json!("Which printer?")));
    act("submit").await.ok(200);
    let first = act("publish").await.ok(200);
    assert_eq!(
        (&first["status"], &first["published_version"], &first["review_note"]),
        (&json!("published"), &json!(1), &Value::Null)
    );
    let read = anybody.get(&shown).await.ok(200);
    assert_eq!((&read["title"], &read["body_html"]), (&json!("Printer"), &json!("<p>Press <strong>reset</strong>.</p>\n")));
    assert_eq!(read["number"], article["number"]);
    // The next version: readers see nothing of it, whatever is changed.
    let edited = admin.patch(&path, json!({"title": "Secret", "body": "Hold *reset*.", "visibility": "internal"})).await.ok(200);
    assert_eq!((&edited["status"], &edited["published_version"]), (&json!("draft"), &json!(1)));
    assert_eq!(anybody.get(&shown).await.ok(200), read);
    assert_eq!(admin.get(&format!("{path}/preview")).await.ok(200)["body_html"], "<p>Hold <em>reset</em>.</p>\n");
    assert!(anybody.get(&help(&center, "/articles?q=secret")).await.each("id").is_empty());
    // What readers see nothing of begins no draft.
    admin.patch(&path, json!({"title": "Printer", "body": "Press **reset**.", "visibility": "public"})).await.ok(200);
    publish(&admin, id(&article)).await;
    let tagged = admin.patch(&path, json!({"external_ids": {"wiki": "12"}})).await.ok(200);
    assert_eq!((&tagged["status"], &tagged["published_version"]), (&json!("published"), &json!(2)));
    // As internal it is out of their sight, and withdrawn it is gone.
    admin.patch(&path, json!({"visibility": "internal"})).await.ok(200);
    publish(&admin, id(&article)).await;
    anybody.get(&shown).await.refused(404, "not_found");
    let gone = act("withdraw").await.ok(200);
    assert_eq!(
        (&gone["status"], &gone["published_version"], &gone["published_at"]),
        (&json!("draft"), &Value::Null, &Value::Null)
    );
    let versions = admin.get(&format!("/v1/article-versions?article_id={}&sort=created_at", id(&article))).await.ok(200);
    let versions = versions["data"].as_array().unwrap();
    let told: Vec<(i64, bool)> =
        versions.iter().map(|version| (version["number"].as_i64().unwrap(), version["ended_at"].is_string())).collect();
    assert_eq!(told, [(1, true), (2, true), (3, true)]);
    // Archived, nothing is left to read; restored, it has to be published again.
    admin.patch(&path, json!({"visibility": "public"})).await.ok(200);
    assert_eq!(publish(&admin, id(&article)).await["published_version"], 4);
    anybody.get(&shown).await.ok(200);
    admin.delete(&path).await.ok(204);
    anybody.get(&shown).await.refused(404, "not_found");
    let back = admin.post(&format!("{path}/restore"), json!({})).await.ok(200);
    assert_eq!((&back["status"], &back["published_version"]), (&json!("draft"), &Value::Null));
    anybody.get(&shown).await.refused(404, "not_found");
    // Without a text there is nothing to review.
    let empty = admin.create("articles", json!({"title": "Empty", "language": "en"})).await;
    let faults = admin.post(&format!("/v1/articles/{empty}/submit"), json!({})).await.faults(422);
    assert_eq!(faults, pairs(&[("/body", "required")]));
}

/// Who writes need not be who publishes, and who reads at the desk reads what is not for the public too.
pub async fn who_publishes_is_another_matter(db: TestDb) {
    let (server, admin, center) = desk(db).await;
    let agent = server.user(&admin, "Agent", "service_agent", json!({})).await;
    let manager = server.user(&admin, "Manager", "service_manager", json!({})).await;
    let body = json!({"title": "Inside", "body": "x", "language": "en"});
    let article = agent.post("/v1/articles", body).await.ok(201);
    assert_eq!((&article["visibility"], &article["owner_id"]), (&json!("internal"), &json!(agent.id)));
    let path = format!("/v1/articles/{}", id(&article));
    agent.post(&format!("{path}/submit"), json!({})).await.ok(200);
    for verb in ["publish", "send-back", "withdraw"] {
        agent.post(&format!("{path}/{verb}"), json!({})).await.refused(403, "forbidden");
        // Rights are asked before anything is looked at.
        let nowhere = format!("/v1/articles/{}/{verb}", crate::support::new_id());
        agent.post(&nowhere, json!({})).await.refused(403, "forbidden");
        manager.post(&nowhere, json!({})).await.refused(404, "not_found");
    }
    manager.post(&format!("{path}/publish"), json!({})).await.ok(200);
    let versions = format!("/v1/article-versions?article_id={}", id(&article));
    assert_eq!(agent.list(&versions, "title").await, ["Inside"]);
    agent.get("/v1/help-centers").await.refused(403, "forbidden");
    manager.get("/v1/help-centers").await.ok(200);
    server.anybody().get(&help(&center, &format!("/articles/{}", id(&article)))).await.refused(404, "not_found");
    // Whoever may not read articles reads neither their versions.
    let other = server.user_who_may(&admin, "Other", &["ticket read all"], json!([]), json!({})).await;
    for path in [&path, &versions, &format!("{path}/preview")] {
        other.get(path).await.refused(403, "forbidden");
    }
    // Nor is what is hidden told by its HTML, or by what it fits.
    let rules = json!([{"object": "article", "field": "body", "rule": "hidden"}, {"object": "article_version", "field": "body", "rule": "hidden"}]);
    let may = ["article read all", "article_version read all", "ticket read all"];
    let blind = server.user_who_may(&admin, "Blind", &may, rules, json!({})).await;
    blind.get(&format!("{path}/preview")).await.refused(403, "forbidden");
    published(&admin, json!({"title": "Toner", "body": "cartridge", "language": "en"})).await;
    let suggested =
        async |client: &Client| client.post("/v1/articles/suggest", json!({"text": "cartridge"})).await.ok(200)["data"].clone();
    assert_eq!(suggested(&blind).await, json!([]));
    assert_eq!(suggested(&agent).await[0]["version"]["title"], "Toner");
}

/// Only what is public leaves, by a token that can be rotated, for the sites that may show it, with headers for caches.
pub async fn help_centers_show_what_is_public(db: TestDb) {
    let (server, admin, center) = desk(db).await;
    let anybody = server.anybody();
    let parent = admin.create("article-categories", json!({"name": "Hardware"})).await;
    let category = admin.create("article-categories", json!({"name": "Printers", "parent_id": parent})).await;
    let secret = admin.create("article-categories", json!({"name": "Fraud"})).await;
    admin.patch(&format!("/v1/article-categories/{parent}"), json!({"parent_id": category})).await.faults(422);
    let article = |title: &str, language: &str, visibility: &str, category: &str| json!({"title": title, "body": format!("About {title}"), "language": language, "visibility": visibility, "category_id": category});
    let printer = published(&admin, article("打印机无法开机", "zh-CN", "public", &category)).await;
    let english = json!({"title": "Printer does not start", "body": "x", "language": "en", "visibility": "public",
        "category_id": category, "translation_of_id": id(&printer)});
    let english = published(&admin, english).await;
    let hidden = published(&admin, article("Fraud signs", "en", "internal", &secret)).await;
    let customers = published(&admin, article("For customers", "en", "customers", &secret)).await;
    let draft = admin.post("/v1/articles", article("Draft", "en", "public", &secret)).await.ok(201);
    let told = anybody.get(&help(&center, "")).await.ok(200);
    let categories: Vec<(&str, i64)> = told["categories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["article_count"].as_i64().unwrap()))
        .collect();
    assert_eq!(categories, [("Hardware", 0), ("Printers", 2)]);
    // Lists: by language and its regions, by category with its parts, by words in both languages, page by page.
    let titles = async |rest: &str| anybody.get(&help(&center, &format!("/articles{rest}"))).await.each("title");
    let (zh, en) = ("打印机无法开机", "Printer does not start");
    assert_eq!(titles("").await, [en, zh]);
    assert_eq!((titles("?language=zh").await, titles("?language=zh-CN").await), (vec![zh.to_owned()], vec![zh.to_owned()]));
    assert_eq!(titles("?language=zh-TW").await, [""; 0]);
    assert_eq!(titles(&format!("?category_id={parent}")).await, [en, zh]);
    assert_eq!(titles(&format!("?category_id={secret}")).await, [""; 0]);
    for (question, found) in [("打印", zh), ("无法开机", zh), ("start", en), ("PRINTER", en)] {
        assert_eq!(titles(&format!("?q={question}")).await, [found], "{question}");
    }
    assert_eq!(titles("?q=fraud").await, [""; 0]);
    let first = anybody.get(&help(&center, "/articles?limit=1")).await.ok(200);
    assert_eq!((&first["data"][0]["title"], &first["page"]["has_more"]), (&json!(en), &json!(true)));
    let next = first["page"]["next"].as_str().unwrap();
    assert_eq!(titles(&format!("?limit=1&cursor={next}")).await, [zh]);
    // One article, its translations, and nothing that is not for everybody.
    let read = anybody.get(&help(&center, &format!("/articles/{}", id(&printer)))).await.ok(200);
    let translations = json!([{"id": english["id"], "language": "en", "title": en}]);
    assert_eq!((&read["translations"], &read["category_id"]), (&translations, &json!(category)));
    let members: Vec<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        ["id", "number", "title", "summary", "language", "category_id", "published_at", "body_html", "translations"]
    );
    for other in [&hidden, &customers, &draft] {
        anybody.get(&help(&center, &format!("/articles/{}", id(other)))).await.refused(404, "not_found");
        anybody
            .post(&help(&center, &format!("/articles/{}/vote", id(other))), json!({"helpful": true}))
            .await
            .refused(404, "not_found");
    }
    anybody.get(&help(&center, "/articles/nonsense")).await.refused(404, "not_found");
    anybody.get(&help(&center, "/articles?owner_id=x")).await.refused(400, "invalid_request");
    // Caches: a minute, and then by the tag.
    for path in [help(&center, ""), help(&center, "/articles"), help(&center, &format!("/articles/{}", id(&printer)))] {
        let answer = anybody.get(&path).await;
        assert_eq!(answer.header("cache-control"), "public, max-age=60", "{path}");
        let tag = answer.header("etag").to_owned();
        let again = anybody.get(&path).header("If-None-Match", &tag).await;
        assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag.as_str()));
    }
    let tag = anybody.get(&help(&center, "/articles")).await.header("etag").to_owned();
    published(&admin, article("New", "en", "public", &category)).await;
    anybody.get(&help(&center, "/articles")).header("If-None-Match", &tag).await.ok(200);
    // Sites: any, until some are named.
    let path = format!("/v1/help-centers/{}", id(&center));
    let from = async |origin: &str| anybody.get(&help(&center, "")).header("Origin", origin).await;
    assert_eq!(from("https://a.example").await.header("access-control-allow-origin"), "https://a.example");
    admin.patch(&path, json!({"allowed_origins": ["https://help.example"], "language": "zh-CN"})).await.ok(200);
    from("https://a.example").await.refused(403, "forbidden");
    assert_eq!(from("https://help.example").await.header("access-control-allow-origin"), "https://help.example");
    let preflight = anybody
        .request(Method::OPTIONS, &help(&center, "/articles"))
        .header("Origin", "https://help.example")
        .header("Access-Control-Request-Method", "GET")
        .await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, "https://help.example"));
    assert_eq!(titles("").await, [zh], "the language of the help center");
    // Tokens: unknown ones, rotated ones, and of what is off.
    for token in ["hc_nonsense", "lf_nonsense", "x", &"x".repeat(200)] {
        anybody.get(&format!("/v1/help/{token}")).await.refused(404, "not_found");
        anybody.get(&format!("/v1/help/{token}/articles")).await.refused(404, "not_found");
    }
    let rotated = admin.post(&format!("{path}/rotate-token"), json!({})).await.ok(200);
    anybody.get(&help(&center, "")).await.refused(404, "not_found");
    anybody.get(&help(&rotated, "")).await.ok(200);
    admin.patch(&path, json!({"is_active": false})).await.ok(200);
    anybody.get(&help(&rotated, "/articles")).await.refused(404, "not_found");
}

/// A translation belongs to one original, in a language that nobody else of the family has.
pub async fn translations_are_one_family(db: TestDb) {
    let (_server, admin, _) = desk(db).await;
    let article = |language: &str, of: Option<&str>| json!({"title": "A", "language": language, "translation_of_id": of});
    let original = admin.create("articles", article("zh-CN", None)).await;
    let english = admin.create("articles", article("en", Some(&original))).await;
    let german = admin.create("articles", article("de", Some(&original))).await;
    admin.post("/v1/articles", article("en", Some(&original))).await.refused(409, "duplicate");
    admin.post("/v1/articles", article("zh-CN", Some(&original))).await.refused(409, "duplicate");
    let faults = admin.post("/v1/articles", article("fr", Some(&english))).await.faults(422);
    assert_eq!(faults, pairs(&[("/translation_of_id", "is_translation")]));
    let path = format!("/v1/articles/{original}");
    let other = admin.create("articles", article("ja", None)).await;
    let faults = admin.patch(&path, json!({"translation_of_id": other})).await.faults(422);
    assert_eq!(faults, pairs(&[("/translation_of_id", "has_translations")]));
    let faults = admin.patch(&path, json!({"translation_of_id": original})).await.faults(422);
    assert_eq!(faults, pairs(&[("/translation_of_id", "cycle")]));
    admin.patch(&path, json!({"language": "de"})).await.refused(409, "duplicate");
    admin.patch(&format!("/v1/articles/{german}"), json!({"language": "en"})).await.refused(409, "duplicate");
    // What is archived is in nobody's way, until it is to come back.
    admin.delete(&format!("/v1/articles/{english}")).await.ok(204);
    let again = admin.create("articles", article("en", Some(&original))).await;
    admin.post(&format!("/v1/articles/{english}/restore"), json!({})).await.refused(409, "duplicate");
    let shown = admin.get(&format!("/v1/articles?id={original}&expand=translations")).await.ok(200);
    let mut translations: Vec<&str> =
        shown["data"][0]["translations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    translations.sort_unstable();
    let mut expected = [german.as_str(), again.as_str()];
    expected.sort_unstable();
    assert_eq!(translations, expected);
    // Two at once are one.
    let (left, right) = tokio::join!(
        admin.post("/v1/articles", article("ko", Some(&original))),
        admin.post("/v1/articles", article("ko", Some(&original)))
    );
    let mut statuses = [left.status, right.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

/// Each reader counts once, also where many vote at once, and can think otherwise.
pub async fn votes_count_once_a_reader(db: TestDb) {
    let (server, admin, center) = desk(db).await;
    admin.patch(&format!("/v1/help-centers/{}", id(&center)), json!({"votes_per_minute": 30})).await.ok(200);
    let anybody = server.anybody();
    let article = published(&admin, json!({"title": "A", "body": "x", "language": "en", "visibility": "public"})).await;
    let path = format!("/v1/articles/{}", id(&article));
    let counts = async || {
        let article = admin.get(&path).await.ok(200);
        (article["helpful_count"].as_i64().unwrap(), article["unhelpful_count"].as_i64().unwrap(), article["version"].clone())
    };
    let (.., version) = counts().await;
    let vote = |helpful: bool, visitor: &str| {
        anybody.post(&help(&center, &format!("/articles/{}/vote", id(&article))), json!({"helpful": helpful, "visitor": visitor}))
    };
    // Brute force: of ten visitors at once, each twice, some against.
    let (mut yes, mut no) = (0, 0);
    let visitors: Vec<(String, bool)> = (0..8).map(|number| (format!("v{number}"), number % 3 != 0)).collect();
    let mut asked = Vec::new();
    for (visitor, helpful) in visitors.iter().chain(&visitors) {
        asked.push(tokio::spawn(std::future::IntoFuture::into_future(vote(*helpful, visitor))));
    }
    for answer in asked {
        answer.await.expect("an answer").ok(200);
    }
    visitors.iter().for_each(|(_, helpful)| if *helpful { yes += 1 } else { no += 1 });
    assert_eq!(counts().await, (yes, no, version.clone()));
    vote(false, "v1").await.ok(200);
    assert_eq!(counts().await, (yes - 1, no + 1, version.clone()));
    // Without a name, an address is one visitor; users are themselves.
    let unnamed =
        |helpful: bool| anybody.post(&help(&center, &format!("/articles/{}/vote", id(&article))), json!({"helpful": helpful}));
    unnamed(true).await.ok(200);
    unnamed(true).await.ok(200);
    let agent = server.user(&admin, "Agent", "service_agent", json!({})).await;
    agent.post(&format!("{path}/vote"), json!({"helpful": false})).await.ok(200);
    agent.post(&format!("{path}/vote"), json!({"helpful": true})).await.ok(200);
    assert_eq!(counts().await, (yes + 1, no + 1, version.clone()));
    // An edit of the article keeps what is counted.
    admin.patch(&path, json!({"summary": "x"})).await.ok(200);
    assert_eq!((counts().await.0, counts().await.1), (yes + 1, no + 1));
    assert_eq!(
        anybody.post(&help(&center, &format!("/articles/{}/vote", id(&article))), json!({})).await.faults(400),
        pairs(&[("/helpful", "required")])
    );
    // So many a minute, and none where none are taken.
    let mut limited = false;
    for number in 0..30 {
        limited |= vote(true, &format!("w{number}")).await.status == 429;
    }
    assert!(limited);
    let quiet = admin.post("/v1/help-centers", json!({"name": "Quiet", "takes_votes": false})).await.ok(201);
    anybody
        .post(&help(&quiet, &format!("/articles/{}/vote", id(&article))), json!({"helpful": true}))
        .await
        .refused(404, "not_found");
    let reader = server.user_who_may(&admin, "Reader", &["ticket read all"], json!([]), json!({})).await;
    reader.post(&format!("{path}/vote"), json!({"helpful": true})).await.refused(403, "forbidden");
}

/// A ticket's words lead to the articles that have them, in both languages; what helped is linked to it.
pub async fn tickets_find_their_articles(db: TestDb) {
    let (_server, admin, _) = desk(db).await;
    let article = |title: &str, body: &str, language: &str| json!({"title": title, "body": body, "language": language});
    let printer = published(&admin, article("打印机无法开机怎么办", "检查电源线，按复位键。", "zh-CN")).await;
    published(&admin, article("扫描仪无法连接", "检查网络。", "zh-CN")).await;
    let toner = published(&admin, article("Replacing the toner cartridge", "Open the front cover of the printer.", "en")).await;
    published(&admin, article("Opening hours", "We are open on weekdays.", "en")).await;
    admin.create("articles", article("Printer toner draft", "toner cartridge", "en")).await;
    let ticket = |subject: &str, description: &str| json!({"subject": subject, "description": description});
    let suggested = async |ticket: Value, rest: &str| {
        let ticket = admin.create("tickets", ticket).await;
        let answer = admin.get(&format!("/v1/tickets/{ticket}/article-suggestions{rest}")).await.ok(200);
        let titles = answer["data"].as_array().unwrap().iter().map(|one| one["version"]["title"].as_str().unwrap().to_owned());
        let titles: Vec<String> = titles.collect();
        assert!(answer["data"].as_array().unwrap().iter().all(|one| one["version"].get("body").is_none()));
        titles
    };
    let found = suggested(ticket("打印机坏了", "您好，我们的打印机今天早上无法开机，电源灯不亮"), "").await;
    assert_eq!(found[0], printer["title"].as_str().unwrap());
    let found = suggested(ticket("Toner empty", "Please help, how do I change the cartridge of my printer?"), "").await;
    assert_eq!(found, [toner["title"].as_str().unwrap()]);
    assert_eq!(suggested(ticket("Toner", ""), "?language=zh").await, [""; 0]);
    assert_eq!(suggested(ticket("???", ""), "").await, [""; 0]);
    assert_eq!(suggested(ticket("打印机 扫描仪 无法", ""), "?limit=1").await.len(), 1);
    // Linked, they are counted and found from both ends.
    let linked = admin.post("/v1/tickets", json!({"subject": "Toner", "article_ids": [id(&toner)]})).await.ok(201);
    assert_eq!(linked["article_ids"], json!([id(&toner)]));
    let counted = admin.get(&format!("/v1/articles/{}?fields=ticket_count", id(&toner))).await.ok(200);
    assert_eq!(counted["ticket_count"], 1);
    assert_eq!(admin.list(&format!("/v1/tickets?article_ids_any={}", id(&toner)), "id").await, [id(&linked)]);
    let refused = admin.post("/v1/tickets", json!({"subject": "x", "article_ids": [crate::support::new_id().to_string()]})).await;
    assert_eq!(refused.faults(422), pairs(&[("/article_ids/0", "reference_not_found")]));
}

/// Whatever is written, what is shown runs nothing.
pub async fn hostile_articles_do_no_harm(db: TestDb) {
    let (server, admin, center) = desk(db).await;
    let hostile = "# Hi <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[a](javascript:alert(1)) [b](https://ok.example)\n\n\
        <iframe src=https://evil.example></iframe>\n\n![c](data:text/html;base64,PHNjcmlwdD4=)";
    let body = json!({"title": "<script>alert(1)</script>", "body": hostile, "language": "en", "visibility": "public"});
    let article = published(&admin, body).await;
    let read = server.anybody().get(&help(&center, &format!("/articles/{}", id(&article)))).await.ok(200);
    let html = read["body_html"].as_str().unwrap();
    for bad in ["<script", "<img src=\"x\"", "<iframe", "href=\"javascript", "data:text", "onerror=\""] {
        assert!(!html.contains(bad), "{bad} in {html}");
    }
    assert!(html.contains("&lt;script&gt;") && html.contains("<a href=\"https://ok.example\""), "{html}");
    // A title is text, which whoever shows it escapes.
    assert_eq!(read["title"], "<script>alert(1)</script>");
    let long = "[".repeat(200_001);
    let faults = admin.post("/v1/articles", json!({"title": "x", "language": "en", "body": long})).await.faults(400);
    assert_eq!(faults, pairs(&[("/body", "too_long")]));
    let many = admin.create("articles", json!({"title": "x", "language": "en", "body": "[".repeat(199_999)})).await;
    admin.get(&format!("/v1/articles/{many}/preview")).await.ok(200);
}
