//! Where a page of a list ended: the sort keys of its last record, so that the next page is one index range away.

use std::cmp::Ordering;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    model::{
        fault::{Fault, FaultCode},
        field::{Field, FieldType},
        object::Object,
        record::Record,
    },
    query::{
        list::{Far, SortBy, SortKey},
        predicate::{Operand, evaluate},
    },
    values::time::{Timestamp, parse_date},
};

/// The sort keys of a record, one for each [`SortKey`]; none where the record has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    pub keys: Vec<Option<Operand>>,
}

impl Cursor {
    /// The cursor of a record that was listed, with its tier of relevance if the list was sorted by that.
    #[must_use]
    pub fn of(record: &Record, sort: &[SortKey], tier: Option<i64>) -> Cursor {
        Cursor::beside(record, sort, tier, std::iter::empty())
    }

    /// The same where related records tell some of the keys, whose values come in their order.
    #[must_use]
    pub fn beside(
        record: &Record,
        sort: &[SortKey],
        tier: Option<i64>,
        far: impl IntoIterator<Item = Option<Operand>>,
    ) -> Cursor {
        let mut far = far.into_iter();
        let keys = sort
            .iter()
            .map(|key| match &key.by {
                SortBy::Field(field) => evaluate::stored(field, record),
                SortBy::Far(_) => far.next().flatten(),
                SortBy::Relevance(_) => tier.map(Operand::Integer),
            })
            .collect();
        Cursor { keys }
    }

    /// The order in which a list shows two records. Those without a value come last, whichever way the list is sorted.
    #[must_use]
    pub fn order(&self, other: &Cursor, sort: &[SortKey]) -> Ordering {
        let keys = self.keys.iter().zip(&other.keys).zip(sort);
        let orders = keys.map(|((left, right), key)| match (left, right) {
            (Some(left), Some(right)) => {
                let order = evaluate::compare(left, right).unwrap_or(Ordering::Equal);
                if key.descending { order.reverse() } else { order }
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        });
        orders.fold(Ordering::Equal, Ordering::then)
    }

    /// The cursor as clients pass it on.
    #[must_use]
    pub fn encode(&self, object: &Object, sort: &[SortKey]) -> String {
        let keys = self.keys.iter().map(|key| key.as_ref().map_or(Value::Null, write));
        let members: Value = std::iter::once(Value::from(fingerprint(object, sort))).chain(keys).collect();
        URL_SAFE_NO_PAD.encode(members.to_string())
    }

    /// Reads a cursor that was made for a list of the same object with the same sort. The fault's pointer is empty.
    pub fn decode(text: &str, object: &Object, sort: &[SortKey]) -> Result<Cursor, Fault> {
        decode(text, object, sort).ok_or_else(|| Fault::new("", FaultCode::InvalidCursor))
    }
}

fn decode(text: &str, object: &Object, sort: &[SortKey]) -> Option<Cursor> {
    let json = URL_SAFE_NO_PAD.decode(text).ok()?;
    let members: Vec<Value> = serde_json::from_slice(&json).ok()?;
    let (made_for, values) = members.split_first()?;
    if *made_for != fingerprint(object, sort) || values.len() != sort.len() {
        return None;
    }
    let keys = values.iter().zip(sort).map(|(value, key)| read(value, key)).collect::<Option<_>>()?;
    Some(Cursor { keys })
}

/// Tells lists and their sorts apart: as clients write them, spelled out rather than hashed, so that no two can collide.
fn fingerprint(object: &Object, sort: &[SortKey]) -> String {
    let keys: Vec<String> = sort
        .iter()
        .map(|key| {
            let sign = if key.descending { "-" } else { "" };
            match &key.by {
                SortBy::Field(field) => format!("{sign}{}", field.path()),
                SortBy::Far(far) => format!("{sign}{}", far.path),
                SortBy::Relevance(_) => format!("{sign}~relevance"),
            }
        })
        .collect();
    format!("{} {}", object.collection, keys.join(","))
}

fn write(operand: &Operand) -> Value {
    match operand {
        Operand::Boolean(value) => (*value).into(),
        Operand::Integer(value) => (*value).into(),
        // As text, which reads back to the same bits; a JSON number need not.
        Operand::Decimal(value) => value.to_string().into(),
        Operand::Text(value) => value.as_str().into(),
        Operand::Id(value) => value.to_string().into(),
        Operand::Time(value) => value.to_string().into(),
        Operand::Date(value) => value.to_string().into(),
        Operand::List(values) => values.iter().map(write).collect(),
    }
}

/// Reads one key; outer none if it is not of the key's type.
fn read(value: &Value, key: &SortKey) -> Option<Option<Operand>> {
    match &key.by {
        SortBy::Relevance(_) => value.as_i64().map(Operand::Integer).map(Some),
        // Every record has an id, and where the page ended is decided by it.
        SortBy::Field(Field { kind: FieldType::Id, .. }) => value.as_str()?.parse().ok().map(Operand::Id).map(Some),
        SortBy::Field(_) | SortBy::Far(_) if value.is_null() => Some(None),
        SortBy::Field(field) | SortBy::Far(Far { field, .. }) => read_as(&field.kind, value).map(Some),
    }
}

fn read_as(kind: &FieldType, value: &Value) -> Option<Operand> {
    match kind {
        FieldType::Id | FieldType::Reference(_) => value.as_str()?.parse().ok().map(Operand::Id),
        FieldType::Text { .. }
        | FieldType::LongText { .. }
        | FieldType::Choice(_)
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Country
        | FieldType::LanguageTag
        | FieldType::TimeZone
        | FieldType::SocialCreditCode => {
            value.as_str().filter(|text| !text.contains('\0')).map(|text| Operand::Text(text.to_owned()))
        }
        FieldType::Integer { .. } | FieldType::Money | FieldType::Count(_) => value.as_i64().map(Operand::Integer),
        FieldType::Decimal => {
            let number: f64 = value.as_str()?.parse().ok()?;
            number.is_finite().then_some(Operand::Decimal(number))
        }
        FieldType::Boolean => value.as_bool().map(Operand::Boolean),
        FieldType::Date => value.as_str().and_then(parse_date).map(Operand::Date),
        FieldType::DateTime => value.as_str().and_then(Timestamp::parse).map(Operand::Time),
        FieldType::MultiChoice(_)
        | FieldType::References(_)
        | FieldType::Texts { .. }
        | FieldType::Structure(_)
        | FieldType::Custom => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::recurring,
        query::{list::ListQuery, predicate::sample},
    };

    fn sort(text: &str) -> Vec<SortKey> {
        let parameters = [("sort".to_owned(), text.to_owned())];
        ListQuery::from_parameters(sample::deal(), &parameters, &sample::Everything).unwrap().sort
    }

    fn any_sort() -> impl Strategy<Value = Vec<SortKey>> {
        let names = vec!["name", "amount", "probability", "closes_on", "won", "created_at", "custom.tier", "custom.rank"];
        let signed = (proptest::sample::subsequence(names, 1..=4).prop_shuffle(), proptest::collection::vec(any::<bool>(), 4));
        signed.prop_map(|(names, signs)| {
            let keys: Vec<String> =
                names.iter().zip(signs).map(|(name, minus)| format!("{}{name}", if minus { "-" } else { "" })).collect();
            sort(&keys.join(","))
        })
    }

    #[test]
    fn belongs_to_its_sort() {
        let sort_a = sort("-amount");
        let text = Cursor::of(&sample::record(1), &sort_a, None).encode(sample::deal(), &sort_a);
        assert!(Cursor::decode(&text, sample::deal(), &sort_a).is_ok());
        assert_eq!(Cursor::decode(&text, sample::firm(), &sort_a).unwrap_err().code, FaultCode::InvalidCursor);
        for other in ["amount", "-amount,name", "-probability"] {
            assert_eq!(
                Cursor::decode(&text, sample::deal(), &sort(other)).unwrap_err().code,
                FaultCode::InvalidCursor,
                "{other}"
            );
        }
    }

    #[test]
    fn is_typed_by_its_sort() {
        let sort = sort("-amount");
        for keys in [
            r#"["deals -amount,-id","1","01890a5d-ac96-774b-bcce-b302099a8057"]"#,
            r#"["deals -amount,-id",1,null]"#,
            r#"["deals -amount,-id",1]"#,
        ] {
            assert!(Cursor::decode(&URL_SAFE_NO_PAD.encode(keys), sample::deal(), &sort).is_err(), "{keys}");
        }
        let keys = r#"["deals -amount,-id",null,"01890a5d-ac96-774b-bcce-b302099a8057"]"#;
        assert!(Cursor::decode(&URL_SAFE_NO_PAD.encode(keys), sample::deal(), &sort).is_ok());
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(record in sample::any_record(), sort in any_sort()) {
            let cursor = Cursor::of(&record, &sort, None);
            prop_assert_eq!(Cursor::decode(&cursor.encode(sample::deal(), &sort), sample::deal(), &sort), Ok(cursor));
        }

        #[test]
        fn never_panics(text in ".*", json in "\\[\"deals -amount,-id\",.{0,20}\\]") {
            let sort = sort("-amount");
            let _ = Cursor::decode(&text, sample::deal(), &sort);
            let _ = Cursor::decode(&URL_SAFE_NO_PAD.encode(json), sample::deal(), &sort);
        }

        #[test]
        fn pages_show_every_record_once(
            mut records in proptest::collection::vec(sample::any_record(), 0..40),
            sort in any_sort(),
            limit in 1_usize..7,
        ) {
            for (position, record) in records.iter_mut().enumerate() {
                record.set(recurring::ID, sample::id(position));
            }
            let place = |record: &Record| Cursor::of(record, &sort, None);
            records.sort_by(|left, right| place(left).order(&place(right), &sort));
            let mut shown: Vec<&Record> = Vec::new();
            let mut after: Option<Cursor> = None;
            loop {
                let rest = records.iter().filter(|record| {
                    after.as_ref().is_none_or(|after| place(record).order(after, &sort).is_gt())
                });
                let page: Vec<&Record> = rest.take(limit).collect();
                let Some(last) = page.last() else { break };
                after = Some(Cursor::decode(&place(last).encode(sample::deal(), &sort), sample::deal(), &sort).unwrap());
                shown.extend(page);
            }
            prop_assert_eq!(shown, records.iter().collect::<Vec<_>>());
        }
    }
}
