//! Two objects with a field of every type, for the tests of this room and of its neighbours.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Predicate, View, evaluate::World};
use crate::model::operand::Operand;
use crate::{
    model::{
        cell::Cell,
        field::{Choice, Field, FieldType, Label, Link, Op, Storage, Structure},
        object::{Object, Reach, Relation, Schema},
        record::Record,
        structures::contact_points::EMAILS,
        value::Standards,
    },
    values::{id::Id, money::Currency, time::Timestamp},
};

fn choices(values: &[&'static str]) -> Vec<Choice> {
    let label = |value: &'static str| Label { en: value.into(), zh: value.into() };
    values.iter().map(|value| Choice { value: (*value).into(), label: label(value), retired: false }).collect()
}

static PARTNER_LINKS: Link = Link { table: "deal_partners", from: "deal_id", to: "firm_id", target: "firm", shared: false };

static PARTNERS: Structure = Structure {
    name: "partners",
    accept: |value, _| Ok(value.clone()),
    schema: || json!({"type": "array"}),
    lookups: |value| value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search: |_| Vec::new(),
    link: Some(&PARTNER_LINKS),
};

/// A firm, with deals.
pub fn firm() -> &'static Object {
    static FIRM: LazyLock<Object> = LazyLock::new(|| {
        let fields = vec![
            Field::new("id", FieldType::Id),
            Field::new("name", FieldType::Text { max: 200 }).title(),
            Field::new("region", FieldType::Text { max: 80 }),
            Field::new("secret", FieldType::Text { max: 80 }),
            Field::new("parent_id", FieldType::Reference("firm".into())),
            Field::new("archived_at", FieldType::DateTime),
        ];
        Object::new("firm", "firms", "firms", ("Firm", "公司"), "A firm.", fields).relations([
            Relation { name: "deals", target: "deal", reach: Reach::Inverse { field: "firm_id" } },
            Relation { name: "parent", target: "firm", reach: Reach::ToOne { field: "parent_id" } },
        ])
    });
    &FIRM
}

/// A deal, of a firm.
pub fn deal() -> &'static Object {
    static DEAL: LazyLock<Object> = LazyLock::new(|| {
        let fields = vec![
            Field::new("id", FieldType::Id),
            Field::new("version", FieldType::Integer { min: 1, max: i64::MAX }),
            Field::new("name", FieldType::Text { max: 200 }).title(),
            Field::new("phone", FieldType::Phone).searchable(),
            Field::new("note", FieldType::LongText { max: 2000 }).searchable(),
            Field::new("amount", FieldType::Money),
            Field::new("probability", FieldType::Decimal),
            Field::new("closes_on", FieldType::Date),
            Field::new("won", FieldType::Boolean),
            Field::new("stage", FieldType::Choice(choices(&["open", "won", "lost"]).into())),
            Field::new("channels", FieldType::MultiChoice(choices(&["web", "fair"]).into())),
            Field::new("words", FieldType::Texts { max_items: 9 }),
            Field::new("email", FieldType::Email).searchable(),
            Field::new("emails", FieldType::Structure(&EMAILS)),
            Field::new("firm_id", FieldType::Reference("firm".into())),
            Field::new("partners", FieldType::Structure(&PARTNERS)),
            Field::new("hash", FieldType::Text { max: 80 }).opaque(),
            Field::new("secret", FieldType::Text { max: 80 }),
            Field::new("custom", FieldType::Custom).opaque(),
            Field::new("created_at", FieldType::DateTime),
            Field::new("archived_at", FieldType::DateTime),
        ];
        let hidden = Relation { name: "ledger", target: "ledger", reach: Reach::ToOne { field: "firm_id" } };
        let firm = Relation { name: "firm", target: "firm", reach: Reach::ToOne { field: "firm_id" } };
        let partners = Relation { name: "partners", target: "firm", reach: Reach::Linked { link: &PARTNER_LINKS, holder: true } };
        Object::new("deal", "deals", "deals", ("Deal", "商机"), "A deal.", fields).relations([firm, hidden, partners])
    });
    &DEAL
}

fn ledger() -> &'static Object {
    static LEDGER: LazyLock<Object> =
        LazyLock::new(|| Object::new("ledger", "ledgers", "ledgers", ("Ledger", "账"), "A ledger.", Vec::new()));
    &LEDGER
}

fn custom(name: &'static str, kind: FieldType) -> Field {
    Field { storage: Storage::Custom { key: name.to_owned() }, ..Field::new(name, kind) }
}

/// Who may see all but fields called `secret`, and no ledger.
pub struct Everything;

impl View for Everything {
    fn schema(&self, object: &str) -> Option<Schema> {
        let object = [firm(), deal(), ledger()].into_iter().find(|known| known.name == object)?;
        Some(World::schema(self, object))
    }

    fn rows(&self, object: &'static Object) -> Option<Predicate> {
        (object.name != "ledger").then(Predicate::all)
    }

    fn sees(&self, _: &'static Object, field: &Field) -> bool {
        field.name != "secret"
    }

    fn standards(&self) -> Standards<'_> {
        standards()
    }
}

impl World for Everything {
    /// Each record is related to one: firm 7 of Region 华东, or the deal of number 7.
    fn related(&self, _: &'static Object, _: &Record, relation: &Relation) -> Vec<Arc<Record>> {
        match relation.target {
            "firm" => {
                vec![Arc::new(Record::from_json(firm(), &json!({"id": id(7).to_string(), "name": "Firm", "region": "华东"})))]
            }
            _ => vec![Arc::new(record(7))],
        }
    }

    fn schema(&self, object: &'static Object) -> Schema {
        let custom = if object.name == "deal" {
            vec![
                custom("tier", FieldType::Choice(choices(&["gold", "silver"]).into())),
                custom("rank", FieldType::Integer { min: 0, max: 100 }),
                custom("budget", FieldType::Money),
            ]
        } else {
            Vec::new()
        };
        Schema { object, custom: custom.into() }
    }
}

pub fn standards() -> Standards<'static> {
    Standards {
        country: "CN",
        currency: "CNY".parse::<Currency>().unwrap_or_else(|_| panic!("a currency")),
        zone: chrono_tz::Asia::Shanghai,
        now: Timestamp::parse("2026-09-30T08:00:00Z").unwrap(),
        user: Some(id(9)),
    }
}

/// The id of this number.
pub fn id(number: usize) -> Id {
    format!("01890a5d-ac96-774b-bcce-{number:012x}").parse().unwrap()
}

/// A deal of this number with all values.
pub fn record(number: usize) -> Record {
    let record = json!({
        "id": id(number).to_string(), "version": 1, "name": "华为 Deal", "note": "A Note", "amount": {"amount": 500, "currency": "CNY"},
        "probability": 0.5, "closes_on": "2026-10-01", "won": false, "stage": "open", "channels": ["web"], "words": ["a", "b"],
        "email": "li@example.cn", "emails": [{"value": "li@example.cn"}], "firm_id": id(7).to_string(),
        "custom": {"tier": "gold", "rank": 3, "budget": {"amount": 9, "currency": "USD"}},
        "created_at": "2026-09-30T08:00:00.000Z", "archived_at": null
    });
    Record::from_json(deal(), &record)
}

fn or_null(values: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 3 => values]
}

/// Gives a field a value in the form of the API.
pub fn put(record: &mut Record, name: &str, value: impl Into<Value>) {
    let field = record.object().field(name).unwrap();
    record.put(field, Cell::from_json(&field.kind, &value.into()).unwrap());
}

/// Deals of few different values, so that ties and nulls are frequent.
pub fn any_record() -> impl Strategy<Value = Record> {
    let members = (
        or_null(prop_oneof![Just(json!("A")), Just(json!("a")), Just(json!("华为")), "\\PC{0,4}".prop_map(Value::from)]),
        or_null((0_i64..4).prop_map(|amount| json!({"amount": amount, "currency": "CNY"}))),
        or_null(prop_oneof![Just(json!(1)), (-1e3..1e3).prop_map(|number: f64| json!(number))]),
        or_null((1..4).prop_map(|day| json!(format!("2026-10-{day:02}")))),
        or_null(any::<bool>().prop_map(Value::from)),
        or_null((0..4).prop_map(|second| json!(format!("2026-10-01T00:00:0{second}.000Z")))),
        or_null(Just(json!("gold"))),
        or_null((0..3).prop_map(Value::from)),
    );
    members.prop_map(|(name, amount, probability, closes_on, won, created_at, tier, rank)| {
        let mut record = record(1);
        put(&mut record, "name", name);
        put(&mut record, "amount", amount);
        put(&mut record, "probability", probability);
        put(&mut record, "closes_on", closes_on);
        put(&mut record, "won", won);
        put(&mut record, "created_at", created_at);
        put(&mut record, "custom", json!({"tier": tier, "rank": rank}));
        record
    })
}

/// Predicates over deals.
pub fn any_predicate() -> impl Strategy<Value = Predicate> {
    let text = prop_oneof![Just("A".to_owned()), Just("a".to_owned()), Just("华为".to_owned())].prop_map(Operand::Text);
    let integer = (0_i64..4).prop_map(Operand::Integer);
    let ordered = || proptest::sample::select(vec![Op::Eq, Op::Ne, Op::Gt, Op::Gte, Op::Lt, Op::Lte]);
    let field = |name: &str| World::schema(&Everything, deal()).field(name).cloned().unwrap();
    let (name, amount, rank) = (field("name"), field("amount"), field("custom.rank"));
    let (amount_again, tier) = (amount.clone(), field("custom.tier"));
    let leaf = prop_oneof![
        (ordered(), text).prop_map(move |(op, operand)| Predicate::test(&name, op, operand)),
        (ordered(), integer.clone()).prop_map(move |(op, operand)| Predicate::test(&amount, op, operand)),
        (ordered(), integer.clone()).prop_map(move |(op, operand)| Predicate::test(&rank, op, operand)),
        (any::<bool>(), proptest::collection::vec(integer, 0..3)).prop_map(move |(nin, list)| {
            Predicate::test(&amount_again, if nin { Op::Nin } else { Op::In }, Operand::List(list))
        }),
        any::<bool>().prop_map(move |null| Predicate::test(&tier, Op::Null, Operand::Boolean(null))),
        any::<bool>().prop_map(Predicate::Archived),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Or),
            inner.clone().prop_map(Predicate::now),
            inner.prop_map(|part| Predicate::Not(Box::new(part))),
        ]
    })
}
