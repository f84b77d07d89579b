//! What a record is found by: the text of its searchable fields, made ready for the index.

use serde_json::Value;

use crate::{
    model::{
        cell::Cell,
        field::{Field, FieldType, SearchKind, SearchWeight, Writable},
        object::Schema,
        record::Record,
    },
    values::search_text::{Indexer, SearchText},
};

/// The search terms of a record, those of its title fields apart from the others.
#[must_use]
pub fn search_text(schema: &Schema, record: &Record) -> SearchText {
    let mut indexer = Indexer::default();
    for field in schema.fields() {
        let Some(weight) = field.searchable else { continue };
        add(&mut indexer, field, weight, &record.cell(field));
    }
    indexer.finish()
}

/// The terms of a record before it is written, made while nobody waits for them.
#[derive(Clone, Debug)]
pub struct Foreseen {
    record: Record,
    text: SearchText,
}

impl Foreseen {
    #[must_use]
    pub fn of(schema: &Schema, record: &Record) -> Foreseen {
        Foreseen { record: record.clone(), text: search_text(schema, record) }
    }

    /// The terms of the record as it is written; what was not there before is added. None if something else has changed.
    #[must_use]
    pub fn complete(&self, schema: &Schema, record: &Record) -> Option<SearchText> {
        if self.record.object().name != record.object().name {
            return None;
        }
        let mut indexer = Indexer::of(self.text.clone());
        for field in schema.fields() {
            let Some(weight) = field.searchable else { continue };
            let (foreseen, cell) = (self.record.cell(field), record.cell(field));
            if foreseen == cell {
                continue;
            }
            if !foreseen.is_null() {
                return None;
            }
            add(&mut indexer, field, weight, &cell);
        }
        Some(indexer.finish())
    }
}

fn add(indexer: &mut Indexer, field: &Field, weight: SearchWeight, cell: &Cell) {
    for (kind, text) in texts(field, weight, cell) {
        match weight {
            SearchWeight::Title => indexer.title(kind, &text),
            SearchWeight::Body => indexer.body(kind, &text),
        }
    }
}

fn texts(field: &Field, weight: SearchWeight, cell: &Cell) -> Vec<(SearchKind, String)> {
    // Names of people and firms are also found by their sound; of running text that would only be noise.
    let named = match weight {
        SearchWeight::Title => SearchKind::Name,
        SearchWeight::Body => SearchKind::Text,
    };
    let value = cell.as_json().unwrap_or(&Value::Null);
    let one = |kind| match cell {
        Cell::Text(text) => vec![(kind, text.clone())],
        Cell::Id(id) => vec![(kind, id.to_string())],
        Cell::Integer(number) => vec![(kind, number.to_string())],
        _ => Vec::new(),
    };
    match &field.kind {
        // What Farley numbers records by is no name.
        FieldType::Text { .. } if field.writable == Writable::Never => one(SearchKind::Code),
        FieldType::Text { .. } => one(named),
        FieldType::Texts { .. } => {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(|text| (named, text.to_owned())).collect()
        }
        FieldType::LongText { .. } => one(SearchKind::Text),
        FieldType::Email => one(SearchKind::Email),
        FieldType::Phone => one(SearchKind::Phone),
        FieldType::Structure(structure) => (structure.search)(value),
        FieldType::Id | FieldType::Url | FieldType::SocialCreditCode | FieldType::Integer { .. } => one(SearchKind::Code),
        FieldType::Decimal
        | FieldType::Money
        | FieldType::Boolean
        | FieldType::Date
        | FieldType::DateTime
        | FieldType::Choice(_)
        | FieldType::MultiChoice(_)
        | FieldType::Reference(_)
        | FieldType::References(_)
        | FieldType::Country
        | FieldType::LanguageTag
        | FieldType::TimeZone
        | FieldType::Custom
        | FieldType::Count(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::predicate::{evaluate::World, sample};

    #[test]
    fn what_was_foreseen_is_completed() {
        let schema = World::schema(&sample::Everything, sample::deal());
        for number in 0..40 {
            let record = sample::record(number);
            for field in sample::deal().fields.iter().filter(|field| field.searchable.is_some()) {
                let mut before = record.clone();
                before.put(field, Cell::Null);
                let completed = Foreseen::of(&schema, &before).complete(&schema, &record);
                assert_eq!(completed, Some(search_text(&schema, &record)), "{}", field.name);
                let other = Foreseen::of(&schema, &record).complete(&schema, &before);
                assert!(record.cell(field).is_null() || other.is_none(), "{}", field.name);
            }
        }
    }

    #[test]
    fn titles_stand_apart() {
        let text = search_text(&World::schema(&sample::Everything, sample::deal()), &sample::record(1));
        assert!(text.title.iter().any(|term| term == "deal"), "{text:?}");
        assert!(text.body.iter().any(|term| term == "note"), "{text:?}");
        assert!(!text.body.iter().any(|term| term == "deal"), "{text:?}");
    }
}
