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
        for (kind, text) in texts(field, weight, &record.cell(field)) {
            match weight {
                SearchWeight::Title => indexer.title(kind, &text),
                SearchWeight::Body => indexer.body(kind, &text),
            }
        }
    }
    indexer.finish()
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
    fn titles_stand_apart() {
        let text = search_text(&World::schema(&sample::Everything, sample::deal()), &sample::record(1));
        assert!(text.title.iter().any(|term| term == "deal"), "{text:?}");
        assert!(text.body.iter().any(|term| term == "note"), "{text:?}");
        assert!(!text.body.iter().any(|term| term == "deal"), "{text:?}");
    }
}
