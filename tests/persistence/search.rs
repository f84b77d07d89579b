//! Full-text search: what is found, in which order, and how soon.

use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    model::{entity::Entity, record::Record, recurring},
};
use farley_persistence::StoreError;
use serde_json::json;

use crate::{crm::Crm, support::TestDb};

async fn names(crm: &Crm, q: &str) -> Result<Vec<String>, StoreError> {
    Ok(listed(&crm.list(Customer::object(), &[("q", q)]).await?))
}

fn listed(records: &[Record]) -> Vec<String> {
    records.iter().filter_map(|record| record.get(recurring::NAME)).map(str::to_owned).collect()
}

async fn customer(crm: &Crm, name: &str) -> Result<Record, StoreError> {
    crm.create(Customer::object(), json!({"name": name})).await
}

pub async fn finds_what_people_type(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let huawei = json!({
        "name": "华为技术有限公司", "other_names": ["Huawei"], "emails": [{"value": "zhang.san@huawei.com"}],
        "phones": [{"value": "13800138000"}], "description": "O'Brien's key account: \"tier 1\"",
        "addresses": [{"city": "深圳市", "street": "坂田街道 1 号"}], "social_credit_code": "914403001922038216",
    });
    crm.create(Customer::object(), huawei).await?;
    customer(&crm, "Müller & Söhne GmbH").await?;
    for q in [
        "华为",
        "技术",
        "华",
        "huawei",
        "HUAWEI",
        "hua",
        "hw",
        "hwjs",
        "huaweijishu",
        "jishu",
        "ＨＵＡＷＥＩ",
        "13800138000",
        "0138",
        "138 0013 8000",
        "+86 138 0013 8000",
        "8000",
        "zhang.san@huawei.com",
        "zhang",
        "huawei.com",
        "@huawei",
        "san huawei",
        "深圳",
        "account",
        "o'brien",
        "914403001922038216",
        "C-000001",
        "华为 8000",
    ] {
        assert_eq!(names(&crm, q).await?, ["华为技术有限公司"], "{q}");
    }
    for q in ["müller", "Muller", "MÜLLER söh", "muller sohne"] {
        assert_eq!(names(&crm, q).await?, ["Müller & Söhne GmbH"], "{q}");
    }
    for q in
        ["", "  ", "!?", "\"", "'", "*", "AND", "NEAR(", "华为 nothing", "title:huawei", "a:b OR c", "\\", "7:hua", "-", "😀"]
    {
        assert_eq!(names(&crm, q).await?, Vec::<String>::new(), "{q}");
    }
    Ok(())
}

pub async fn the_best_come_first(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    customer(&crm, "Acme").await?;
    crm.create(Customer::object(), json!({"name": "Other", "description": "once sold to acme"})).await?;
    customer(&crm, "Acme Tools").await?;
    crm.create(Customer::object(), json!({"name": "Another", "description": "acme again"})).await?;
    // The whole name, then names, then the rest; within these the newest first.
    assert_eq!(names(&crm, "acme").await?, ["Acme", "Acme Tools", "Another", "Other"]);
    assert_eq!(
        listed(&crm.list(Customer::object(), &[("q", "acme"), ("sort", "name")]).await?),
        ["Acme", "Acme Tools", "Another", "Other"]
    );
    assert_eq!(
        listed(&crm.list(Customer::object(), &[("q", "acme"), ("offset", "1"), ("limit", "2")]).await?),
        ["Acme Tools", "Another"]
    );
    assert_eq!(listed(&crm.list(Customer::object(), &[("q", "acme"), ("name_starts", "an")]).await?), ["Another"]);
    Ok(())
}

pub async fn follows_every_write(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    for round in 0..20 {
        let name = format!("Firm{round}x");
        let id = customer(&crm, &name).await?.id();
        assert_eq!(names(&crm, &name).await?, [name.as_str()]);
        crm.patch(Customer::object(), id, json!({"name": format!("Renamed{round}x")})).await?;
        assert!(names(&crm, &name).await?.is_empty(), "{name} is called otherwise now");
        assert_eq!(names(&crm, &format!("renamed{round}x")).await?.len(), 1);
        crm.archive(Customer::object(), id, true).await?;
        assert!(names(&crm, &format!("renamed{round}x")).await?.is_empty());
        assert_eq!(crm.list(Customer::object(), &[("q", &format!("renamed{round}x")), ("archived", "true")]).await?.len(), 1);
        crm.archive(Customer::object(), id, false).await?;
        assert_eq!(names(&crm, &format!("renamed{round}x")).await?.len(), 1);
    }
    Ok(())
}

pub async fn stays_within_tenant_and_object(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    // 1 and 11: the number of one is the beginning of the other's.
    let other = crm.another(11).await;
    customer(&crm, "1:acme").await?;
    customer(&other, "Acme of others").await?;
    crm.create(Contact::object(), json!({"name": "Acme contact"})).await?;
    assert_eq!(names(&crm, "acme").await?, ["1:acme"]);
    assert_eq!(names(&other, "acme").await?, ["Acme of others"]);
    assert!(names(&other, "1:acme").await?.is_empty());
    assert_eq!(crm.list(Contact::object(), &[("q", "acme")]).await?.len(), 1);
    Ok(())
}

pub async fn pages_show_each_hit_once(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    for number in 0..45 {
        let body = match number % 3 {
            0 => json!({"name": "Acme"}),
            1 => json!({"name": format!("Acme {number}")}),
            _ => json!({"name": format!("Firm {number}"), "description": "acme"}),
        };
        crm.create(Customer::object(), body).await?;
    }
    let query = crm.query(Customer::object(), &[("q", "acme"), ("limit", "7"), ("total", "true")]);
    let (mut seen, mut next) = (Vec::new(), query.clone());
    loop {
        let asked = next.clone();
        let page = crm.read(move |reader, view| view.list(reader, Customer::object(), &asked)).await?;
        assert_eq!(page.total, Some(if seen.is_empty() { 45 } else { 46 }));
        if seen.is_empty() {
            // A better and newer hit that comes meanwhile repeats none and hides none.
            customer(&crm, "Acme").await?;
        }
        seen.extend(page.rows.iter().map(|row| row.id()));
        assert!(seen.len() <= 45, "hits repeat");
        let Some(cursor) = page.next else { break };
        next = crm.query(
            Customer::object(),
            &[("q", "acme"), ("limit", "7"), ("total", "true"), ("cursor", &cursor.encode(Customer::object(), &query.sort))],
        );
    }
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((all, seen.len()), (45, 45));
    Ok(())
}

/// Many hits are read in another way than few; nobody is to notice.
pub async fn many_hits_come_in_the_same_order(db: TestDb) -> Result<(), StoreError> {
    const HITS: usize = 800;
    let crm = Crm::new(&db).await;
    let name = |number: usize| match number % 10 {
        0 => "Acme".to_owned(),
        1 | 2 => format!("Firm {number}"),
        _ => format!("Acme {number}"),
    };
    crm.write(move |work, view| {
        for number in 0..HITS {
            view.create(work, Customer::object(), &json!({"name": name(number), "description": "acme"}))?;
        }
        Ok(())
    })
    .await?;
    let of = |digits: &'static [usize]| (0..HITS).rev().filter(|number| digits.contains(&(number % 10))).map(name);
    let expected: Vec<String> = of(&[0]).chain(of(&[3, 4, 5, 6, 7, 8, 9])).chain(of(&[1, 2])).collect();
    for parameters in [&[][..], &[("status", "active")]] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut asked = [&[("q", "acme"), ("limit", "150")], parameters].concat();
            if !cursor.is_empty() {
                asked.push(("cursor", &cursor));
            }
            let query = crm.query(Customer::object(), &asked);
            let sort = query.sort.clone();
            let page = crm.read(move |reader, view| view.list(reader, Customer::object(), &query)).await?;
            let records = page.rows.iter().map(|row| row.to_record()).collect::<Result<Vec<_>, _>>()?;
            seen.extend(listed(&records));
            match page.next {
                Some(next) => cursor = next.encode(Customer::object(), &sort),
                None => break,
            }
        }
        assert!(seen == expected, "{parameters:?}: {} instead of {}: {seen:?}", seen.len(), expected.len());
    }
    let page = crm.list(Customer::object(), &[("q", "acme"), ("limit", "20"), ("offset", "630")]).await?;
    assert_eq!(listed(&page), expected[630..650]);
    Ok(())
}
