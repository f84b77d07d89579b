//! Random records and filters, made from the field tables; a seed gives the same ones again.

use std::{collections::HashMap, sync::Arc};

use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    identity::{tag::Tag, team::Team, user::User},
    model::{
        cell::Cell,
        entity::Entity,
        field::{Field, FieldType, Op, Writable},
        object::{Object, Reach, Relation, Schema},
        operand::Operand,
        record::Record,
    },
    query::predicate::{
        self,
        evaluate::{self, World},
    },
    values::id::Id,
};
use farley_persistence::StoreError;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Map, Value, json};

use crate::crm::{Crm, Everything, by_user, now};

/// Few enough that values meet, odd enough that engines might differ: case, width, both sigmas, accents, ligatures, wildcards.
pub const TEXTS: &[&str] = &[
    "华为",
    "华为技术有限公司",
    "Huawei",
    "huawei",
    "HUAWEI",
    "ＨＵＡＷＥＩ",
    "ΟΔΟΣ",
    "οδος",
    "οδοσ",
    "É",
    "é",
    "e\u{301}",
    "Straße",
    "STRASSE",
    "İstanbul",
    "ﬁne",
    "Ⅷ",
    "K",
    "a%b_c",
    "a\\b",
    "O'Brien",
    "\"q\"",
    "𠀀",
    "½",
    "ǅ",
    "日本 株式会社",
    "z",
    "Z",
    "Ä",
    "1",
    "10",
    "9",
    "true",
];
const WORDS: &[&str] = &["web", "fair", "华东", "ref"];
const EMAILS: &[&str] = &["li@example.cn", "WANG@Example.cn", "o'brien@example.ie", "info@huawei.com"];
const PHONES: &[&str] = &["13800138000", "+8675528780808", "010 6255 8888", "+49 30 123456"];
const URLS: &[&str] = &["https://www.huawei.com", "example.cn/Path", "http://münchen.de"];
const CUSTOM_TYPES: &[&str] = &[
    "text",
    "long_text",
    "integer",
    "decimal",
    "money",
    "boolean",
    "date",
    "datetime",
    "choice",
    "multi_choice",
    "reference",
    "email",
    "phone",
    "url",
];

pub struct Sample {
    pub view: Everything,
    pub records: HashMap<&'static str, Vec<Arc<Record>>>,
    pub rng: StdRng,
}

impl Sample {
    /// Fills a tenant: a few users, teams and tags, `count` customers and as many contacts, some of each archived.
    pub async fn fill(crm: &mut Crm, seed: u64, count: usize) -> Result<Sample, StoreError> {
        for object in ["customer", "contact"] {
            for kind in CUSTOM_TYPES {
                crm.add_custom_field(custom_field(object, kind)).await?;
            }
        }
        let mut sample = Sample { view: crm.view.clone(), records: HashMap::new(), rng: StdRng::seed_from_u64(seed) };
        for name in ["North", "北区"] {
            let team = crm.team(name).await?;
            sample.keep("team", team);
        }
        for name in ["Anna", "bella", "wang"] {
            let team = sample.records["team"].choose(&mut sample.rng).cloned();
            let user = crm.user(name, team.as_deref()).await?;
            sample.keep("user", user);
        }
        for name in ["VIP", "vip", "重点"] {
            let tag = crm.tag(name).await?;
            sample.keep("tag", tag);
        }
        for object in [Customer::object(), Contact::object()] {
            for number in 0..count {
                let body = sample.body(object, number);
                let user = sample.any_id("user").expect("there are users");
                // Some are made in the same millisecond.
                let at = now().plus_seconds(-(sample.rng.random_range(0..6) * 86_400 * 5));
                let archive = sample.rng.random_bool(0.1);
                let write = move |work: &mut farley_persistence::Work<'_>, view: &Everything| {
                    let record = view.create(work, object, &body)?;
                    if archive { view.archive(work, object, record.id(), true) } else { Ok(record) }
                };
                let record = crm.write_at(by_user(user, at), write).await?;
                sample.keep(object.name, record);
            }
        }
        let archived = crm.archive(Tag::object(), sample.records["tag"][0].id(), true).await?;
        sample.records.get_mut("tag").expect("there are tags")[0] = Arc::new(archived);
        Ok(sample)
    }

    fn keep(&mut self, object: &'static str, record: Record) {
        self.records.entry(object).or_default().push(Arc::new(record));
    }

    pub fn schema(&self, object: &'static Object) -> Schema {
        self.view.of(object)
    }

    fn any_id(&mut self, object: &str) -> Option<Id> {
        let records = self.records.get(object)?;
        records.choose(&mut self.rng).map(|record| record.id())
    }

    fn id_or_nil(&mut self, object: &str) -> Value {
        self.any_id(object).unwrap_or(Id::NIL).to_string().into()
    }

    fn body(&mut self, object: &'static Object, number: usize) -> Value {
        let schema = self.schema(object);
        let (mut body, mut custom) = (Map::new(), Map::new());
        let writable = |field: &&Field| field.writable == Writable::Always && !matches!(field.kind, FieldType::Custom);
        for field in schema.fields().filter(writable) {
            if !field.required && self.rng.random_bool(0.35) {
                continue;
            }
            let value = match field.name.as_ref() {
                // Either of the two is written, as most clients do.
                "customer_id" => continue,
                // Must be unique and have the right check digit: one record has it.
                "social_credit_code" if number > 0 => continue,
                "external_ids" => json!({"sap": format!("{number}"), "erp_2": format!("K-{number}")}),
                _ => self.value(field),
            };
            let members = if field.is_custom() { &mut custom } else { &mut body };
            members.insert(field.name.to_string(), value);
        }
        body.insert("custom".to_owned(), custom.into());
        body.into()
    }

    fn pick<'a>(&mut self, values: &[&'a str]) -> &'a str {
        values.choose(&mut self.rng).copied().unwrap_or_default()
    }

    /// Each value with even odds, in order.
    fn some(&mut self, values: &[&str]) -> Vec<Value> {
        values.iter().filter(|_| self.rng.random_bool(0.4)).map(|value| Value::from(*value)).collect()
    }

    /// A value of a field as a client might send it.
    fn value(&mut self, field: &Field) -> Value {
        match &field.kind {
            FieldType::Text { max: 3 } => self.pick(&["CNY", "USD", "JPY"]).into(),
            FieldType::Text { .. } => self.pick(TEXTS).into(),
            FieldType::LongText { .. } => format!("{}\n{}", self.pick(TEXTS), self.pick(TEXTS)).into(),
            FieldType::Integer { min, .. } => ((*min).max(0) + self.rng.random_range(0..4)).into(),
            FieldType::Count(_) => self.rng.random_range(0..4).into(),
            FieldType::Decimal => {
                json!(*[0.0, 0.1, 0.3, -2.5, 10.0, 1e-9, 123_456_789.125].choose(&mut self.rng).unwrap_or(&0.0))
            }
            FieldType::Money => {
                json!({"amount": self.rng.random_range(-1..3) * 100, "currency": self.pick(&["CNY", "USD", "JPY"])})
            }
            FieldType::Boolean => self.rng.random_bool(0.5).into(),
            FieldType::Date => self.pick(&["1987-09-15", "0001-01-01", "2026-09-30", "2026-10-01", "2024-02-29"]).into(),
            FieldType::DateTime => self
                .pick(&[
                    "2026-09-30T16:00:00+08:00",
                    "2026-09-30T08:00:00.001Z",
                    "2026-09-29T23:59:59.999Z",
                    "1950-01-01T00:00:00Z",
                ])
                .into(),
            FieldType::Choice(choices) => {
                choices.choose(&mut self.rng).map_or(Value::Null, |choice| choice.value.as_ref().into())
            }
            FieldType::MultiChoice(choices) => {
                let values: Vec<&str> = choices.iter().map(|choice| choice.value.as_ref()).collect();
                self.some(&values).into()
            }
            FieldType::Id => self.any_id("customer").map_or(Value::Null, |id| id.to_string().into()),
            FieldType::Reference(object) => self.any_id(object).map_or(Value::Null, |id| id.to_string().into()),
            FieldType::References(link) => {
                let ids: Vec<String> =
                    self.records.get(link.target).into_iter().flatten().map(|record| record.id().to_string()).collect();
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                self.some(&ids).into()
            }
            FieldType::Email => self.pick(EMAILS).into(),
            FieldType::Phone => self.pick(PHONES).into(),
            FieldType::Url => self.pick(URLS).into(),
            FieldType::Country => self.pick(&["CN", "DE"]).into(),
            FieldType::LanguageTag => self.pick(&["zh-CN", "en"]).into(),
            FieldType::TimeZone => self.pick(&["Asia/Shanghai", "Europe/Berlin"]).into(),
            FieldType::SocialCreditCode => "914403001922038216".into(),
            FieldType::Texts { .. } => self.some(&TEXTS[..3]).into(),
            FieldType::Structure(structure) => self.structure(structure.name),
            FieldType::Custom => json!({}),
        }
    }

    fn structure(&mut self, name: &str) -> Value {
        let items = |values: Vec<Value>| values.into_iter().map(|value| json!({"value": value})).collect::<Value>();
        match name {
            "emails" => items(self.some(EMAILS)),
            "phones" => items(self.some(PHONES)),
            "addresses" => json!([{"city": self.pick(WORDS), "region": self.pick(WORDS)}]),
            "contact_customers" => {
                let mut ids: Vec<Id> = (0..self.rng.random_range(0..3)).filter_map(|_| self.any_id("customer")).collect();
                ids.dedup();
                ids.iter().map(|id| json!({"customer_id": id.to_string(), "role": "buyer"})).collect()
            }
            other => panic!("no sample of {other}"),
        }
    }

    /// A filter over records of an object, as JSON.
    pub fn filter(&mut self, object: &'static Object, depth: usize) -> Value {
        match self.rng.random_range(0..10) {
            0 if depth > 0 => json!({"not": self.filter(object, depth - 1)}),
            which @ 1..=3 if depth > 0 => {
                let parts: Vec<Value> = (0..self.rng.random_range(0..4)).map(|_| self.filter(object, depth - 1)).collect();
                if which == 1 { json!({"or": parts}) } else { json!({"and": parts}) }
            }
            4 if object.is_searchable() && self.rng.random_bool(0.5) => {
                json!({"q": self.pick(&["华为", "hw", "huawei", "138", "li", "vip", "???", "o brien"])})
            }
            5 | 6 => self.relation_filter(object, depth),
            _ => self.comparison(object, ""),
        }
    }

    fn relation_filter(&mut self, object: &'static Object, depth: usize) -> Value {
        let Some(relation) = object.relations.choose(&mut self.rng).copied() else { return self.comparison(object, "") };
        let target = farley_domain::model::registry::object(relation.target).expect("a known object");
        let op = self.pick(&["any", "none"]);
        match self.rng.random_range(0..4) {
            0 => json!({"field": relation.name, "op": "null", "value": self.rng.random_bool(0.5)}),
            1 => {
                let ids: Vec<String> =
                    (0..self.rng.random_range(0..3)).filter_map(|_| self.any_id(target.name)).map(|id| id.to_string()).collect();
                json!({"field": relation.name, "op": op, "value": ids})
            }
            2 if depth > 0 => json!({"field": relation.name, "op": op, "value": self.filter(target, depth - 1)}),
            _ => self.comparison(target, &format!("{}.", relation.name)),
        }
    }

    /// A comparison across a relation, or two.
    pub fn far_comparison(&mut self, object: &'static Object) -> Value {
        let (mut end, mut prefix) = (object, String::new());
        for _ in 0..self.rng.random_range(1..3) {
            let known = |relation: &&Relation| self.records.contains_key(relation.target);
            let relations: Vec<Relation> = end.relations.iter().filter(known).copied().collect();
            let Some(relation) = relations.choose(&mut self.rng) else { break };
            prefix.push_str(&format!("{}.", relation.name));
            end = farley_domain::model::registry::object(relation.target).expect("a known object");
        }
        self.comparison(end, &prefix)
    }

    fn comparison(&mut self, object: &'static Object, prefix: &str) -> Value {
        let schema = self.schema(object);
        let currencies = schema.fields().filter_map(Field::currency);
        let fields: Vec<Field> = schema
            .fields()
            .cloned()
            .chain(currencies)
            .filter(|field| !predicate::operators(field).is_empty() && !field.is_of_segments())
            .collect();
        let field = fields.choose(&mut self.rng).expect("some field can be filtered on").clone();
        let op = *predicate::operators(&field).choose(&mut self.rng).expect("it has operators");
        let value = self.operand(object, &field, op);
        json!({"field": format!("{prefix}{}", field.path()), "op": op.as_str(), "value": value})
    }

    pub fn operand(&mut self, object: &'static Object, field: &Field, op: Op) -> Value {
        match op {
            Op::Null => self.rng.random_bool(0.5).into(),
            Op::In | Op::Nin | Op::Any | Op::None => {
                (0..self.rng.random_range(0..4)).map(|_| self.scalar(object, field)).collect()
            }
            Op::Contains | Op::Ncontains | Op::Starts | Op::Ends => {
                let text = self.pick(TEXTS);
                let text: String = text.chars().skip(self.rng.random_range(0..4)).take(self.rng.random_range(0..4)).collect();
                if self.rng.random_bool(0.5) { text.to_uppercase().into() } else { text.to_lowercase().into() }
            }
            Op::Eq | Op::Ne | Op::Gt | Op::Gte | Op::Lt | Op::Lte => self.scalar(object, field),
        }
    }

    /// A value that some record has, or another.
    fn scalar(&mut self, object: &'static Object, field: &Field) -> Value {
        if self.rng.random_bool(0.5)
            && let Some(record) = self.records.get(object.name).and_then(|records| records.choose(&mut self.rng))
            && let Some(stored) = evaluate::stored(field, record)
        {
            return written(&stored);
        }
        match &field.kind {
            FieldType::Money => (self.rng.random_range(-1..3) * 100).into(),
            FieldType::MultiChoice(choices) => {
                choices.choose(&mut self.rng).map_or(Value::Null, |choice| choice.value.as_ref().into())
            }
            FieldType::DateTime | FieldType::Date if self.rng.random_bool(0.4) => {
                let relative = self.pick(&[
                    "-5d",
                    "today",
                    "start_of_month",
                    "start_of_week",
                    "start_of_year-1y",
                    "now",
                    "-10d+0d",
                    "-240h",
                ]);
                json!({"relative": if relative == "-10d+0d" { "-10d" } else { relative }})
            }
            FieldType::Reference(object) => self.id_or_nil(object),
            FieldType::References(link) => self.id_or_nil(link.target),
            FieldType::Texts { .. } => self.pick(TEXTS).into(),
            FieldType::Structure(structure) => match structure.name {
                "emails" => self.pick(EMAILS).into(),
                "phones" => self.pick(PHONES).into(),
                "external_ids" => format!("sap:{}", self.rng.random_range(0..5)).into(),
                _ if structure.link.is_some() => self.id_or_nil("customer"),
                _ => self.pick(WORDS).into(),
            },
            _ => self.value(field),
        }
    }
}

fn written(operand: &Operand) -> Value {
    match operand {
        Operand::Boolean(value) => (*value).into(),
        Operand::Integer(value) => (*value).into(),
        Operand::Decimal(value) => json!(value),
        Operand::Text(value) => value.as_str().into(),
        Operand::Id(value) => value.to_string().into(),
        Operand::Time(value) => value.to_string().into(),
        Operand::Date(value) => value.to_string().into(),
        Operand::List(values) => values.iter().map(written).collect(),
    }
}

fn custom_field(object: &str, kind: &str) -> Value {
    let mut body = json!({"object": object, "key": format!("f_{kind}"), "field_type": kind, "searchable": kind == "text"});
    if kind.ends_with("choice") {
        body["choices"] = json!([{"value": "gold"}, {"value": "silver"}, {"value": "tin"}]);
    }
    if kind == "reference" {
        body["reference_object"] = "user".into();
    }
    body
}

/// The id in a reference field, which relations name.
fn id_of(record: &Record, reference: &str) -> Option<Id> {
    record.object().field(reference).and_then(|field| record.cell(field).as_id())
}

impl World for Sample {
    fn related(&self, object: &'static Object, record: &Record, relation: &Relation) -> Vec<Arc<Record>> {
        let targets = self.records.get(relation.target).into_iter().flatten().filter(|target| !target.is_archived());
        let named = |holder: &'static Object, record: &Record, link, id: Id| {
            let id = id.to_string();
            holder.fields.iter().any(|field| match &field.kind {
                FieldType::References(held) => {
                    *held == link
                        && matches!(&*record.cell(field), Cell::Ids(ids) if ids.iter().any(|held| held.to_string() == id))
                }
                FieldType::Structure(structure) => {
                    structure.link == Some(link) && (structure.lookups)(&record.json(field)).contains(&id)
                }
                _ => false,
            })
        };
        let target_object = farley_domain::model::registry::object(relation.target).expect("a known object");
        let leads_to = |target: &&Arc<Record>| match relation.reach {
            Reach::ToOne { field } => id_of(record, field) == Some(target.id()),
            Reach::Attached { object: told, field } => {
                let is_told = object.field(told).is_some_and(|told| record.json(told) == relation.target);
                is_told && id_of(record, field) == Some(target.id())
            }
            Reach::Inverse { field } => id_of(target, field) == Some(record.id()),
            Reach::Linked { link, holder: true } => named(object, record, link, target.id()),
            Reach::Linked { link, holder: false } => named(target_object, target, link, record.id()),
        };
        targets.filter(leads_to).cloned().collect()
    }

    fn schema(&self, object: &'static Object) -> Schema {
        self.view.of(object)
    }
}

/// The objects that filters are tried on.
pub fn objects() -> [&'static Object; 5] {
    [Customer::object(), Contact::object(), User::object(), Team::object(), Tag::object()]
}
