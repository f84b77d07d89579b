//! SQL and the in-memory evaluator answer alike, and lists are ordered and paged as the domain orders them.

use std::sync::Arc;

use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    identity::user::User,
    model::{
        entity::Entity,
        field::{Field, FieldType, Op},
        object::{Object, Reach, Schema},
        operand::Operand,
        record::Record,
        registry,
    },
    query::{
        cursor::Cursor,
        list::{Far, ListQuery, SortBy, SortKey, Start},
        predicate::{self, Predicate, evaluate, parse},
    },
    values::{id::Id, text},
};
use farley_persistence::{Layout, StoreError};
use rand::{RngExt, seq::IndexedRandom};
use serde_json::{Value, json};

use crate::{
    crm::{Crm, Everything},
    sample::{Sample, objects},
    support::TestDb,
};

const RECORDS: usize = 60;
const FILTERS: usize = 400;

/// `FARLEY_TEST_SEED=7` tries other records and filters.
fn seed() -> u64 {
    std::env::var("FARLEY_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

async fn filled(db: &TestDb) -> Result<(Crm, Sample), StoreError> {
    let mut crm = Crm::new(db).await;
    // What another tenant has must make no difference.
    let mut neighbour = crm.another(2).await;
    Sample::fill(&mut neighbour, seed() + 1000, 5).await?;
    let sample = Sample::fill(&mut crm, seed(), RECORDS).await?;
    Ok((crm, sample))
}

fn by_id(predicate: Predicate) -> ListQuery {
    let by = SortBy::Field(Field::new("id", FieldType::Id));
    ListQuery {
        predicate,
        sort: vec![SortKey { by, descending: false }],
        limit: 1000,
        start: Start::First,
        fields: None,
        expand: Vec::new(),
        total: true,
        as_of: None,
    }
}

/// The ids that SQL finds, and how many it counts.
async fn found(crm: &Crm, object: &'static Object, predicate: Predicate) -> Result<(Vec<Id>, i64), StoreError> {
    crm.read(move |reader, view| {
        let layout = Arc::new(Layout::of(&view.of(object), &|_| true, Some(&["id".to_owned()]), &[]));
        let page = reader.list(&layout, view, &by_id(predicate))?;
        Ok((page.rows.iter().map(|row| row.id()).collect(), page.total.unwrap_or(-1)))
    })
    .await
}

/// The same where records of the object are `known`; else the engines have to answer.
async fn agree_within(crm: &Crm, sample: &Sample, object: &'static Object, filter: &Value, known: bool) {
    if known {
        return agree(crm, sample, object, filter).await;
    }
    let answer = found(crm, object, parsed(crm, object, filter)).await;
    answer.unwrap_or_else(|error| panic!("{} {filter}: {error}", object.name));
}

async fn agree(crm: &Crm, sample: &Sample, object: &'static Object, filter: &Value) {
    let predicate = parsed(crm, object, filter);
    let records = &sample.records[object.name];
    let mut expected: Vec<Id> =
        records.iter().filter(|record| evaluate::meets(&predicate, object, record, sample)).map(|record| record.id()).collect();
    expected.sort_unstable();
    let (found, total) = found(crm, object, predicate).await.unwrap_or_else(|error| panic!("{} {filter}: {error}", object.name));
    let differs = records.iter().find(|record| expected.contains(&record.id()) != found.contains(&record.id()));
    if let Some(record) = differs {
        let by = if found.contains(&record.id()) { "SQL alone" } else { "memory alone" };
        panic!("{} {filter}, seed {}: found by {by}: {}", object.name, seed(), Value::from(record.members()));
    }
    assert_eq!(found, expected, "{filter}");
    assert_eq!(total, i64::try_from(found.len()).expect("few"), "{filter}");
}

pub async fn sql_and_memory_agree(db: TestDb) -> Result<(), StoreError> {
    let (crm, mut sample) = filled(&db).await?;
    for round in 0..FILTERS {
        let object = match round % 5 {
            0 | 1 => Customer::object(),
            2 | 3 => Contact::object(),
            _ => objects()[2 + round / 5 % 3],
        };
        let filter = sample.filter(object, round % 4);
        agree(&crm, &sample, object, &filter).await;
    }
    Ok(())
}

/// Every filterable field of every object, with every operator that it takes: both engines answer, and memory as they do.
pub async fn every_field_takes_its_operators(db: TestDb) -> Result<(), StoreError> {
    let (crm, mut sample) = filled(&db).await?;
    for object in registry::objects() {
        let known = sample.records.contains_key(object.name);
        let schema = sample.schema(object);
        let fields: Vec<Field> = schema.fields().cloned().chain(schema.fields().filter_map(Field::currency)).collect();
        // Segments are records that an asker may use, and there are none here.
        for field in fields.into_iter().filter(|field| !field.is_of_segments()) {
            for op in predicate::operators(&field) {
                let values = match op {
                    Op::Null => vec![json!(true), json!(false)],
                    op if op.takes_list() => vec![json!([]), sample.operand(object, &field, *op)],
                    op => vec![sample.operand(object, &field, *op)],
                };
                for value in values {
                    let filter = json!({"field": field.path(), "op": op.as_str(), "value": value});
                    // Records of the others there are none of.
                    agree_within(&crm, &sample, object, &filter, known).await;
                }
            }
        }
        for relation in &object.relations {
            for (op, value) in
                [("null", json!(true)), ("null", json!(false)), ("any", json!([])), ("none", json!([Id::NIL.to_string()]))]
            {
                let filter = json!({"field": relation.name, "op": op, "value": value});
                agree_within(&crm, &sample, object, &filter, known).await;
            }
        }
    }
    Ok(())
}

/// Of comparisons, also across relations of which some are missing, those that negate are the negations of the others.
pub async fn negations_leave_nothing_out(db: TestDb) -> Result<(), StoreError> {
    let (crm, mut sample) = filled(&db).await?;
    for round in 0..FILTERS {
        let object = [Customer::object(), Contact::object(), User::object()][round % 3];
        let mut filter = sample.far_comparison(object);
        let negation = match filter["op"].as_str() {
            Some("eq") => "ne",
            Some("in") => "nin",
            Some("any") => "none",
            Some("null") => "null",
            _ => continue,
        };
        let (affirmed, _) = found(&crm, object, parsed(&crm, object, &filter)).await?;
        let (refused, _) = found(&crm, object, parsed(&crm, object, &json!({"not": filter}))).await?;
        filter["op"] = negation.into();
        if let Some(null) = filter["value"].as_bool().filter(|_| negation == "null") {
            filter["value"] = (!null).into();
        }
        agree(&crm, &sample, object, &filter).await;
        let (negated, _) = found(&crm, object, parsed(&crm, object, &filter)).await?;
        assert_eq!(negated, refused, "{filter}");
        assert_eq!(affirmed.len() + negated.len(), sample.records[object.name].len(), "{filter}");
    }
    Ok(())
}

fn parsed(crm: &Crm, object: &'static Object, filter: &Value) -> Predicate {
    parse::from_json(object, filter, &crm.view).unwrap_or_else(|faults| panic!("{filter}: {faults:?}"))
}

pub async fn days_begin_where_the_tenant_is(db: TestDb) -> Result<(), StoreError> {
    let (mut crm, mut sample) = filled(&db).await?;
    for zone in [chrono_tz::America::New_York, chrono_tz::Pacific::Kiritimati, chrono_tz::Asia::Shanghai] {
        crm.view = Everything { zone, ..crm.view };
        sample.view = crm.view.clone();
        for relative in ["today", "start_of_month", "start_of_week", "-5d", "-15d", "start_of_year", "-120h"] {
            for field in ["created_at", "custom.f_datetime", "custom.f_date", "birthday"] {
                let filter = json!({"field": field, "op": "gte", "value": {"relative": relative}});
                agree(&crm, &sample, Customer::object(), &filter).await;
            }
        }
    }
    Ok(())
}

/// Stored and read again, a record is what it was.
pub async fn records_read_back_as_written(db: TestDb) -> Result<(), StoreError> {
    let (crm, sample) = filled(&db).await?;
    for object in objects() {
        for record in &sample.records[object.name] {
            let read = crm.get(object, record.id()).await?.expect("it is there");
            assert_eq!(serde_json::to_string_pretty(&sorted(&read))?, serde_json::to_string_pretty(&sorted(record))?);
        }
    }
    Ok(())
}

fn sorted(record: &Record) -> std::collections::BTreeMap<String, Value> {
    // A member without a value and a member that is null are one.
    record.members().into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// Letters of many scripts, folded in the database as in the domain.
pub async fn folding_is_the_same(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let scripts = [
        0x21..=0x24f,
        0x370..=0x52f,
        0x531..=0x587,
        0x10a0..=0x10ff,
        0x1e00..=0x1fff,
        0x2100..=0x218b,
        0x24b6..=0x24e9,
        0x2c60..=0x2ce3,
        0xa640..=0xa69d,
        0xa722..=0xa788,
        0xf900..=0xfa6d,
        0xfb00..=0xfb17,
        0xff01..=0xffdc,
        0x10400..=0x1044f,
    ];
    let letters: Vec<char> = scripts.into_iter().flatten().filter_map(char::from_u32).filter(|c| c.is_alphanumeric()).collect();
    for letters in letters.chunks(100) {
        let text: String = letters.iter().map(|letter| format!("{letter} ")).collect();
        let record = crm.create(Customer::object(), json!({"name": "Letters", "description": text})).await?;
        for asked in [&text, &text.to_lowercase()] {
            let filter = json!({"and": [
                {"field": "id", "value": record.id().to_string()},
                {"field": "description", "op": "contains", "value": asked},
            ]});
            let predicate = parse::from_json(Customer::object(), &filter, &crm.view).expect("a filter");
            let asked = text::fold(&text::clean_text(asked));
            let in_memory =
                record.of::<Customer>().get(Customer::description).is_some_and(|text| text::fold(text).contains(&asked));
            let (found, _) = found(&crm, Customer::object(), predicate).await?;
            assert_eq!(!found.is_empty(), in_memory, "{asked}");
        }
    }
    Ok(())
}

/// Every traditional character meets its simplified form in both engines, and each spelling of an umlaut the other.
pub async fn ways_of_writing_meet(db: TestDb) -> Result<(), StoreError> {
    let crm = Crm::new(&db).await;
    let meets = async |stored: &str, asked: &str| -> Result<bool, StoreError> {
        let record = crm.create(Customer::object(), json!({"name": "x", "description": stored})).await?;
        let filter = json!({"and": [
            {"field": "id", "value": record.id().to_string()},
            {"field": "description", "op": "contains", "value": asked},
        ]});
        let predicate = parse::from_json(Customer::object(), &filter, &crm.view).expect("a filter");
        let in_memory =
            text::fold(stored).contains(&text::fold(asked)) || text::fold_spelt(stored).contains(&text::fold_spelt(asked));
        let in_database = !found(&crm, Customer::object(), predicate).await?.0.is_empty();
        assert_eq!(in_database, in_memory, "{asked} in {stored}");
        Ok(in_database)
    };
    for pairs in text::SIMPLIFIED.chunks(500) {
        let (traditional, simplified): (String, String) = pairs.iter().copied().unzip();
        assert!(meets(&traditional, &simplified).await? && meets(&simplified, &traditional).await?);
    }
    for (one, other) in [
        ("Müller", "Mueller"),
        ("Søren", "soeren"),
        ("Straße", "STRASSE"),
        ("İzmir", "izmir"),
        ("Łódź", "lodz"),
        ("臺灣", "台湾"),
        ("a  b", "A B"),
    ] {
        let (one, other) = (format!("an {one}."), format!("An {other}"));
        assert!(meets(&one, &other).await? && meets(&other, one.trim_end_matches('.')).await?, "{one} {other}");
    }
    assert!(meets("Müller", "muller").await? && !meets("Muller", "mueller").await? && !meets("Blue", "blu e").await?);
    Ok(())
}

pub async fn pages_follow_the_order(db: TestDb) -> Result<(), StoreError> {
    let (crm, mut sample) = filled(&db).await?;
    for object in [Customer::object(), Contact::object()] {
        let sortable = |object| {
            let is_count = |field: &Field| matches!(field.kind, FieldType::Count(_));
            let schema: Schema = sample.schema(object);
            schema.fields().filter(|field| field.sortable).map(|field| (field.path(), is_count(field))).collect::<Vec<_>>()
        };
        let mut names: Vec<String> = sortable(object).into_iter().map(|(path, _)| path).collect();
        for relation in &object.relations {
            let is_one = matches!(relation.reach, Reach::ToOne { .. }) && sample.records.contains_key(relation.target);
            let Some(target) = registry::object(relation.target).filter(|_| is_one) else { continue };
            let fields = sortable(target).into_iter().filter(|(_, is_count)| !is_count);
            names.extend(fields.map(|(path, _)| format!("{}.{path}", relation.name)));
        }
        let mut sorts: Vec<String> = names.iter().flat_map(|name| [name.clone(), format!("-{name}")]).collect();
        for _ in 0..40 {
            let keys: Vec<&String> = names.sample(&mut sample.rng, 3).collect();
            let keys: Vec<String> =
                keys.into_iter().map(|key| if sample.rng.random_bool(0.5) { format!("-{key}") } else { key.clone() }).collect();
            sorts.push(keys.join(","));
        }
        for sort in sorts {
            let limit = sample.rng.random_range(7..40);
            paged(&crm, &sample, object, &sort, limit).await?;
        }
    }
    Ok(())
}

/// What related records tell of a record, archived ones of a reference too.
fn told(sample: &Sample, object: &'static Object, record: &Record, sort: &[SortKey]) -> Vec<Option<Operand>> {
    let value = |far: &Far| {
        if far.is_count() {
            return Some(Operand::Integer(evaluate::count(&far.related, object, record, sample)));
        }
        let Reach::ToOne { field } = far.related.relation.reach else { panic!("{} leads to several", far.path) };
        let id = record.cell(object.field(field)?).as_id()?;
        let target = sample.records[far.related.target.name].iter().find(|target| target.id() == id)?;
        let is_readable = evaluate::meets(&far.related.predicate, far.related.target, target, sample);
        evaluate::stored(&far.field, target).filter(|_| is_readable)
    };
    let fars = sort.iter().filter_map(|key| match &key.by {
        SortBy::Far(far) => Some(far),
        SortBy::Field(_) | SortBy::Relevance(_) => None,
    });
    fars.map(value).collect()
}

async fn paged(crm: &Crm, sample: &Sample, object: &'static Object, sort: &str, limit: usize) -> Result<(), StoreError> {
    let limit = limit.to_string();
    let query = crm.query(object, &[("sort", sort), ("limit", &limit)]);
    let place = |record: &Record| Cursor::beside(record, &query.sort, None, told(sample, object, record, &query.sort));
    let mut expected: Vec<&Arc<Record>> = sample.records[object.name].iter().filter(|record| !record.is_archived()).collect();
    expected.sort_by(|left, right| place(left).order(&place(right), &query.sort));
    let expected: Vec<Id> = expected.into_iter().map(|record| record.id()).collect();

    let also: Vec<String> = sort.split(',').map(|key| key.trim_start_matches('-').to_owned()).collect();
    let layout = Arc::new(Layout::of(&sample.schema(object), &|_| true, Some(&["id".to_owned()]), &also));
    let mut seen = Vec::new();
    let mut next = query.clone();
    loop {
        let (layout, asked) = (Arc::clone(&layout), next.clone());
        let page = crm
            .read(move |reader, view| reader.list(&layout, view, &asked))
            .await
            .unwrap_or_else(|error| panic!("{sort}: {error}"));
        seen.extend(page.rows.iter().map(|row| row.id()));
        assert!(seen.len() <= expected.len(), "{} by {sort}: rows repeat", object.name);
        let Some(cursor) = page.next else { break };
        // As a client carries it.
        next = crm.query(object, &[("sort", sort), ("limit", &limit), ("cursor", &cursor.encode(object, &query.sort))]);
    }
    assert_eq!(seen, expected, "{} by {sort}, {limit} a page, seed {}", object.name, seed());

    let skipped = crm.list(object, &[("sort", sort), ("limit", "200"), ("offset", "13")]).await?;
    assert_eq!(skipped.iter().map(Record::id).collect::<Vec<_>>(), expected[13..], "{sort} from 13 on");
    Ok(())
}
