//! The form of an object: its fields by what they are about.

use farley_domain::model::{
    field::{Choice, Field, FieldType, SearchWeight, Writable},
    object::Object,
    recurring,
    structures::{
        addresses::ADDRESSES,
        contact_points::{EMAILS, PHONES},
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use super::describe::{FieldMetadata, LabelMetadata, label};

/// A section of a form.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SectionMetadata {
    /// The section: `basics`, `contact`, `ownership`, `notes`, `custom`, `system`.
    #[schema(example = "basics")]
    pub key: &'static str,
    pub label: LabelMetadata,
    /// The paths of its fields, in order.
    #[schema(example = json!(["name", "status"]))]
    pub fields: Vec<String>,
}

farley_domain::choices! {
    /// What fields are about, in the order of a form.
    pub enum Section {
        Basics "basics" "Basics" "基本信息",
        Contact "contact" "Contact" "联系方式",
        Ownership "ownership" "Ownership" "归属",
        Notes "notes" "Notes" "备注",
        Custom "custom" "Custom fields" "自定义字段",
        System "system" "System" "系统信息",
    }
}

fn section_of(field: &Field) -> Section {
    let whose = [recurring::OWNER_ID.name(), recurring::TEAM_ID.name(), recurring::POOL_ID.name(), recurring::TAG_IDS.name()];
    if field.is_custom() {
        return Section::Custom;
    }
    if field.writable == Writable::Never || field.kind == FieldType::Id || field.name == recurring::EXTERNAL_IDS.name() {
        return Section::System;
    }
    if whose.contains(&field.name.as_ref()) {
        return Section::Ownership;
    }
    match &field.kind {
        FieldType::LongText { .. } => Section::Notes,
        FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Country
        | FieldType::LanguageTag
        | FieldType::TimeZone => Section::Contact,
        FieldType::Structure(structure) if [&EMAILS, &PHONES, &ADDRESSES].contains(structure) => Section::Contact,
        _ => Section::Basics,
    }
}

/// The sections of an object's form that have fields: what records are known by and what they must have goes first, all else as it is
/// declared.
pub fn sections(object: &Object, fields: &[(&Field, FieldMetadata)]) -> Vec<SectionMetadata> {
    let rank = |field: &Field| match (field.name == object.title || field.searchable == Some(SearchWeight::Title), field.required)
    {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    };
    let section = |(section, choice): (&Section, Choice)| {
        let mut own: Vec<&Field> = fields.iter().map(|(field, _)| *field).filter(|field| section_of(field) == *section).collect();
        own.sort_by_key(|field| rank(field));
        SectionMetadata { key: section.as_str(), label: label(&choice.label), fields: own.into_iter().map(Field::path).collect() }
    };
    Section::ALL.iter().zip(Section::choices()).map(section).filter(|section| !section.fields.is_empty()).collect()
}
