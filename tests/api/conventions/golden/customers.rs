//! Customers, contacts and tags; lists, filters and searches over them.

use serde_json::{Value, json};

use crate::{
    conventions::golden::recorder::{Failure, Recorder},
    support::TestDb,
};

/// One customer with all that a customer can have.
fn whole(tag: &str, parent: &str) -> Value {
    json!({
        "kind": "organization", "name": "  华为技术有限公司 ", "other_names": ["Huawei", "ＨＷ"], "status": "active",
        "lifecycle_stage": "customer", "industry": "通信设备", "employee_count": 207_000, "annual_revenue": {"amount": 1_234_500, "currency": "CNY"},
        "founded_year": 1987, "source": "展会", "region": "华南", "website": "HTTPS://www.Huawei.com", "social_credit_code": "914403001922038216",
        "parent_id": parent, "language": "zh-CN", "time_zone": "Asia/Shanghai", "preferred_channel": "email", "description": "多行\n文本",
        "emails": [{"value": "Info@Huawei.com", "label": "work", "primary": true}, {"value": "sales@huawei.com"}],
        "phones": [{"value": "138 0013 8000", "label": "mobile"}, {"value": "+86 755 2878 0808", "primary": true}],
        "addresses": [{"country": "CN", "region": "广东省", "city": "深圳市", "street": "坂田", "postal_code": "518129"}],
        "tag_ids": [tag], "external_ids": {"sap": "10042", "crm": "x"},
        "custom": {"tier": "gold", "rank": 1.25, "since": "2017-01-31", "seen": "2017-01-31T08:00:00Z", "worth": {"amount": 9, "currency": "USD"},
            "langs": ["zh", "en"], "vip": true, "ref": parent, "mail": "A@Example.com", "site": "https://a.example", "call": "13800138001", "note": "x"},
    })
}

async fn declare(r: &mut Recorder) {
    let choices = json!([{"value": "gold", "label_en": "Gold", "label_zh": "金"}, {"value": "silver"}]);
    for (key, kind, name, more) in [
        ("tier", "choice", "choices", choices),
        ("rank", "decimal", "indexed", json!(true)),
        ("since", "date", "label_zh", json!("自")),
        ("seen", "datetime", "label_en", json!("Seen")),
        ("worth", "money", "help_en", Value::Null),
        ("langs", "multi_choice", "choices", json!([{"value": "zh"}, {"value": "en"}])),
        ("vip", "boolean", "required", json!(false)),
        ("ref", "reference", "reference_object", json!("customer")),
        ("mail", "email", "required", json!(false)),
        ("site", "url", "required", json!(false)),
        ("call", "phone", "required", json!(false)),
        ("note", "long_text", "searchable", json!(true)),
        ("count", "integer", "indexed", json!(false)),
    ] {
        let mut body = json!({"object": "customer", "key": key, "field_type": kind});
        if !more.is_null() {
            body[name] = more;
        }
        r.post("/v1/custom-fields", body).await;
    }
}

pub async fn customers_and_contacts(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "customers").await;
    declare(&mut r).await;
    let tag = r.create("tags", json!({"name": "重点客户", "color": "#d4380d", "description": "x"})).await;
    let other = r.create("tags", json!({"name": "VIP"})).await;
    let parent = r.create("customers", json!({"name": "Holding"})).await;
    let tried = r.admin.post("/v1/customers?validate_only=true", whole(&tag, &parent));
    r.play(tried).await;
    let id = r.create("customers", whole(&tag, &parent)).await;
    let path = format!("/v1/customers/{id}");
    r.get(&path).await;
    r.get(&format!("{path}?expand=owner,team,creator,parent,children,contacts,tags")).await;
    r.get("/v1/customers/ext:sap:10042?fields=id,name,parent.name&expand=parent").await;
    for body in [
        json!({"name": "Huawei", "custom": {"rank": null, "vip": false}, "tag_ids": [tag, other]}),
        json!({"emails": [{"value": "new@huawei.com"}], "phones": [], "addresses": [{"country": "DE", "city": "Düsseldorf"}]}),
        json!({"annual_revenue": null, "industry": "", "external_ids": {"crm": null, "erp": "7"}}),
        json!({}),
        json!({"name": "Huawei"}),
        json!({"nmae": 1, "status": "x", "annual_revenue": {"amount": 1.5}, "emails": [{"value": "a@"}], "custom": {"teir": 1, "since": "x"}}),
        json!({"parent_id": id}),
        json!({"name": null, "version": 99, "created_at": "2017-01-01T00:00:00Z"}),
        json!({"tag_ids": [id], "owner_id": parent}),
        json!({"name": "a\u{0}b", "social_credit_code": "1", "website": "x", "time_zone": "Mars", "founded_year": 1}),
    ] {
        r.patch(&path, body).await;
    }
    r.patch(&format!("/v1/customers/{parent}"), json!({"parent_id": id})).await;
    for (query, version, body) in [
        ("", "\"v1\"", json!({"name": "Stale"})),
        ("?on_conflict=fields", "\"v1\"", json!({"name": "Stale", "region": "x"})),
        ("?on_conflict=fields", "\"v1\"", json!({"source": "web"})),
        ("", "nonsense", json!({"source": "web"})),
        ("", "*", json!({"source": "fair"})),
    ] {
        let request = r.admin.patch(&format!("{path}{query}"), body).header("If-Match", version);
        r.play(request).await;
    }
    let current = r.get(&path).await["version"].clone();
    let unchanged = r.admin.get(&path).header("If-None-Match", &format!("\"v{current}\""));
    r.play(unchanged).await;
    for (name, key) in [("Keyed", "k"), ("Keyed", "k"), ("Another", "k")] {
        let keyed = r.admin.post("/v1/customers", json!({"name": name})).header("Idempotency-Key", key);
        r.play(keyed).await;
    }
    // In the way of each other.
    for body in [
        json!({"name": "Twin", "external_ids": {"sap": "10042"}}),
        json!({"name": "Twin", "number": "C-1", "social_credit_code": "914403001922038216"}),
        json!({"id": id, "name": "Twin"}),
        json!({"id": "x", "name": ""}),
        json!([]),
    ] {
        r.post("/v1/customers", body).await;
    }
    for body in [json!({"name": "Upserted", "region": "x"}), json!({"region": "y"}), json!({"region": "y"})] {
        let put = r.admin.put("/v1/customers/ext:sap:777", body);
        r.play(put).await;
    }
    r.create("tags", json!({"name": "to go"})).await;
    r.post("/v1/tags", json!({"name": "重点客户"})).await;

    let contact = json!({
        "name": "李伟", "family_name": "李", "given_name": "伟", "salutation": "先生", "department": "采购部", "birthday": "1980-02-29",
        "emails": [{"value": "li.wei@example.cn"}], "phones": [{"value": "13900139000"}], "external_ids": {"sap": "1"},
        "customers": [{"customer_id": id, "role": "CTO", "buying_role": "champion"}, {"customer_id": parent, "primary": true}],
    });
    let contact = r.create("contacts", contact).await;
    let contact = format!("/v1/contacts/{contact}");
    r.create("contacts", json!({"name": "Ann Smith", "family_name": "Smith", "given_name": "Ann", "customer_id": id})).await;
    r.get(&format!("{contact}?expand=customer,customers,owner")).await;
    r.patch(&contact, json!({"customer_id": id, "department": "研发"})).await;
    r.patch(&contact, json!({"customers": [{"customer_id": parent}, {"customer_id": parent}]})).await;
    r.patch(&contact, json!({"customers": [{"customer_id": contact[13..], "buying_role": "x"}]})).await;
    r.post("/v1/contacts", json!({"emails": [{"value": "x"}]})).await;
    r.get(&format!("{path}?fields=name,contact_count&expand=contacts")).await;

    r.delete(&path).await;
    r.get(&path).await;
    r.patch(&path, json!({"name": "Gone"})).await;
    r.delete(&path).await;
    r.post("/v1/customers", json!({"name": "Takes its key", "external_ids": {"sap": "10042"}})).await;
    r.post(&format!("{path}/restore"), json!({})).await;
    r.delete("/v1/customers/ext:sap:10042").await;
    r.post(&format!("{path}/restore"), json!({})).await;
    r.post(&format!("{path}/restore"), json!({})).await;
    for list in ["?fields=name,archived_at", "?fields=name,archived_at&archived=true", "?fields=name&archived=any&total=true"] {
        r.get(&format!("/v1/customers{list}")).await;
    }
    r.get(&format!("{path}/history")).await;
    r.get(&format!("{path}/history?limit=2")).await;
    r.get(&format!("{path}/timeline")).await;
    r.get(&format!("{contact}/history")).await;
    r.get(&format!("{path}/holders")).await;
    r.end().await
}

pub async fn lists_and_searches(db: TestDb) -> Result<(), Failure> {
    let mut r = Recorder::begin(db, "lists").await;
    declare(&mut r).await;
    let tag = r.create("tags", json!({"name": "重点"})).await;
    let mut ids: Vec<String> = Vec::new();
    let names =
        ["Alpha", "alpha", "ÄPFEL", "华为技术", "华润", "100%", "a_b", "éclair", "ｆｕｌｌ", "😀 emoji", "O'Neil", "İstanbul"];
    for (number, name) in names.into_iter().enumerate() {
        let body = json!({
            "name": name, "industry": (number % 3 > 0).then_some(["IT", "it"][number % 2]), "employee_count": (number % 4 > 0).then_some(number * 7),
            "annual_revenue": (number % 2 > 0).then(|| json!({"amount": number * 100, "currency": if number % 3 == 0 { "USD" } else { "CNY" }})),
            "tag_ids": if number % 6 == 0 { json!([tag]) } else { json!([]) }, "region": format!("r{}", number % 2),
            "phones": [{"value": format!("1380013{:04}", 8000 + number)}], "emails": [{"value": format!("n{number}@example.com")}],
            "parent_id": ids.last().filter(|_| number % 4 == 2), "external_ids": {"sap": number.to_string()},
            "custom": {"tier": if number % 2 == 0 { json!("gold") } else { json!(null) }, "rank": 0.5 * number as f64, "since": format!("20{:02}-01-31", 10 + number),
                "langs": ["zh"], "ref": ids.first(), "note": format!("motto {number}"), "worth": {"amount": number, "currency": "USD"}},
        });
        let made = r.admin.create("customers", body).await;
        ids.push(made);
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    for number in 0..4 {
        let body = json!({"name": format!("Contact {number}"), "customers": [{"customer_id": ids[number]}, {"customer_id": ids[number + 1]}]});
        r.admin.create("contacts", body).await;
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    for query in [
        "name=Alpha",
        "name_ne=Alpha",
        "name_contains=ä",
        "name_contains=%25",
        "name_starts=华",
        "name_gt=a&sort=name",
        "name_in=Alpha,100%25",
        "industry_nin=IT",
        "industry_null=true",
        "employee_count_gte=35&sort=-employee_count",
        "annual_revenue_lt=500&annual_revenue.currency=CNY",
        "annual_revenue_gt=1&sort=annual_revenue",
        "tags_any={tag}",
        "tags_none={tag}&limit=2",
        "custom.tier=gold",
        "custom.rank_gt=4&sort=-custom.rank",
        "custom.langs_any=zh&limit=1",
        "custom.ref={id}&limit=1",
        "custom.since_lte=2012-12-31",
        "custom.worth=3",
        "contacts.name=Contact%201",
        "contacts_null=true&limit=2",
        "parent.name=alpha",
        "children_null=false",
        "emails_any=n3@example.com",
        "phones_any=13800138003",
        "external_ids_any=3",
        "q=华",
        "q=huawei",
        "q=hw",
        "q=motto",
        "q=0013800&limit=3",
        "q=example.com&limit=2",
        "q=",
        "offset=3&limit=2&total=true",
        "created_at_gte=start_of_day&limit=1",
        "sort=-region,name&limit=4",
        "id_in={id}",
        "updated_at_gte=2017-01-01T00:00:00Z&created_at_lt=tomorrow&limit=1",
        "owner.name=Administrator&limit=1",
        "limit=3&total=true&expand=parent,contacts",
        // Refused.
        "nonsense=1",
        "nmae=1",
        "sort=nonsense",
        "limit=0",
        "limit=201",
        "cursor=x",
        "offset=20000",
        "offset=1&cursor=x",
        "fields=nonsense",
        "expand=nonsense",
        "archived=x",
        "employee_count_gt=x",
        "name_gtt=x",
        "status=x",
        "custom.none=1",
        "name_null=x",
        "as_of=-1d",
        "created_at_gte=once",
        "parent.parent.parent.name=x",
    ] {
        let query = query.replace("{tag}", &tag).replace("{id}", &ids[0]);
        let fields = if query.contains("fields") { "" } else { "&fields=name" };
        r.get(&format!("/v1/customers?{query}{fields}")).await;
    }
    for sort in ["name", "-industry,name", "employee_count", "-custom.rank", "-created_at", "custom.tier"] {
        r.pages(&format!("/v1/customers?sort={sort}&limit=5&fields=name")).await;
    }
    for path in [
        "/v1/contacts?customer.industry=it&fields=name",
        "/v1/contacts?sort=-name&expand=customer&fields=name",
        "/v1/tags?q=zd",
        "/v1/search?q=a&limit=5",
        "/v1/search?q=contact",
        "/v1/search?q=华&objects=customer,contact",
        "/v1/search",
        "/v1/search?q=x&objects=lorry",
        "/v1/changes?types=tag.created",
        "/v1/changes?types=tag.created,contact.created&limit=2",
        "/v1/changes?cursor=x",
        "/v1/changes?types=nonsense&limit=0",
        "/v1/customers/summary?group_by=industry&sum=annual_revenue,employee_count",
        "/v1/customers/summary?group_by=region,custom.tier",
    ] {
        r.get(path).await;
    }
    for body in [
        json!({"filter": {"not": {"field": "industry", "value": "IT"}}, "sort": ["name"], "fields": ["name"]}),
        json!({"filter": {"or": [{"field": "name", "op": "contains", "value": "Ä"}, {"field": "employee_count", "op": "gte", "value": 60}]}, "sort": "name", "total": true, "fields": ["name"]}),
        json!({"filter": {"not": {"or": [{"field": "custom.tier", "op": "null", "value": true}, {"field": "created_at", "op": "gt", "value": {"relative": "tomorrow"}}]}}, "fields": ["name"]}),
        json!({"filter": {"field": "contacts", "op": "any", "value": {"field": "name", "op": "starts", "value": "contact"}}, "fields": ["name", "contact_count"]}),
        json!({"filter": {"field": "nmae", "op": "is", "value": 1}, "sort": ["x"], "limit": 0}),
        json!({"filter": {"and": [{"q": "华"}, {"field": "custom.worth", "op": "lt", "value": 5}]}, "fields": ["name"], "limit": 1}),
        json!({"filter": {"and": []}, "limit": 2, "expand": ["contacts"], "fields": ["name"]}),
        json!({"filter": {"field": "employee_count", "op": "in", "value": [7, "x"]}}),
        json!({"filter": 7, "nonsense": true}),
    ] {
        r.post("/v1/customers/search", body).await;
    }
    r.end().await
}
