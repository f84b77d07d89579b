//! One declaration gives an entity: the Rust struct that rules work on, and the table of its fields from which
//! the API, the storage, the documentation and the permissions are made.

use crate::model::object::Object;

/// What [`entity!`](crate::entity!) declares: a type that stands for an object.
pub trait Entity: Sized + 'static {
    /// The object's name: `opportunity`.
    const NAME: &'static str;

    /// The object it is, with its field table.
    fn object() -> &'static Object;
}

/// Declares an entity. Each field has a doc comment, a Rust type and its entry in the field table:
///
/// ```ignore
/// entity! {
///     /// A word to group records by.
///     pub struct Tag("tag", "tags", "tags", "Tag", "标签") [] {
///         /// What the tag says.
///         name: String => text(80).required().title().label("Name", "名称").example("VIP"),
///     }
///     extend |object| object.unique("tags_name_key", "name")
/// }
/// ```
///
/// Each field becomes a typed handle, `Tag::name`. The features in brackets add the fields that recur: `owned`, `tagged`,
/// `external`, `custom`.
#[macro_export]
macro_rules! entity {
    (
        $(#[doc = $doc:literal])+
        pub struct $entity:ident($name:literal, $collection:literal, $table:literal, $en:literal, $zh:literal)
            [$($feature:ident),*] {
            $( $(#[doc = $field_doc:literal])+ $field:ident: $type:ty => $kind:ident($($argument:expr),*) $(.$step:ident($($value:expr),*))* ,)*
        }
        extend |$object:ident| $extended:expr
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $entity {}

        const _: () = {
            use $crate::model::recurring::slots;

            #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "the fields by their names")]
            enum Own { $($field),* }

            #[allow(non_upper_case_globals, reason = "handles bear the names of fields")]
            impl $entity {
                $(
                    $(#[doc = $field_doc])+
                    pub const $field: $crate::model::handle::Handle<$entity, $type> =
                        $crate::model::handle::Handle::declared(stringify!($field), slots::OWN + Own::$field as usize);
                )*
            }
            $crate::recurring_handles!($entity identity);
            $( $crate::recurring_handles!($entity $feature); )*

            impl $crate::model::entity::Entity for $entity {
                const NAME: &'static str = $name;

                fn object() -> &'static $crate::model::object::Object {
                    static OBJECT: std::sync::LazyLock<$crate::model::object::Object> = std::sync::LazyLock::new(|| {
                        let mut fields = $crate::model::entity::identity_fields();
                        fields.extend([
                            $( $crate::model::entity::kind::$kind(stringify!($field) $(, $argument)*)
                                .doc(concat!($($field_doc),+))
                                $(.$step($($value),*))*
                                .at::<$type>(slots::OWN + Own::$field as usize) ,)*
                        ]);
                        $( fields.extend($crate::model::entity::feature::$feature()); )*
                        fields.extend($crate::model::entity::history_fields());
                        let $object = $crate::model::object::Object::new(
                            $name, $collection, $table, ($en, $zh), concat!($($doc),+), fields,
                        );
                        let $object = $crate::model::entity::with_features($object, &[$(stringify!($feature)),*]);
                        $extended
                    });
                    &OBJECT
                }
            }
        };
    };
}

/// The handles of the fields that recur, for an entity that has them.
#[doc(hidden)]
#[macro_export]
macro_rules! recurring_handles {
    ($entity:ident identity) => {
        $crate::recurring_handles! { @ $entity
            id: $crate::values::id::Id = ID;
            version: i64 = VERSION;
            created_at: Option<$crate::values::time::Timestamp> = CREATED_AT;
            created_by: Option<$crate::values::id::Id> = CREATED_BY;
            updated_at: Option<$crate::values::time::Timestamp> = UPDATED_AT;
            updated_by: Option<$crate::values::id::Id> = UPDATED_BY;
            archived_at: Option<$crate::values::time::Timestamp> = ARCHIVED_AT;
        }
    };
    ($entity:ident owned) => {
        $crate::recurring_handles! { @ $entity
            owner_id: Option<$crate::values::id::Id> = OWNER_ID;
            team_id: Option<$crate::values::id::Id> = TEAM_ID;
        }
    };
    ($entity:ident tagged) => {
        $crate::recurring_handles! { @ $entity tag_ids: Vec<$crate::values::id::Id> = TAG_IDS; }
    };
    ($entity:ident external) => {
        $crate::recurring_handles! { @ $entity external_ids: serde_json::Map<String, serde_json::Value> = EXTERNAL_IDS; }
    };
    ($entity:ident custom) => {
        $crate::recurring_handles! { @ $entity custom: serde_json::Map<String, serde_json::Value> = CUSTOM; }
    };
    (@ $entity:ident $($field:ident: $type:ty = $slot:ident;)+) => {
        #[allow(non_upper_case_globals, missing_docs, reason = "handles bear the names of fields")]
        impl $entity {
            $(
                pub const $field: $crate::model::handle::Handle<$entity, $type> =
                    $crate::model::handle::Handle::declared(stringify!($field), $crate::model::recurring::slots::$slot);
            )+
        }
    };
}

use crate::model::{
    field::{Field, FieldType, Link},
    object::{Reach, Relation},
    recurring::slots,
};

/// `id` and `version`, which every record begins with.
#[must_use]
pub fn identity_fields() -> Vec<Field> {
    let example = "01890a5d-ac96-774b-bcce-b302099a8057";
    vec![
        Field::new("id", FieldType::Id)
            .in_slot(slots::ID)
            .label("Id", "标识")
            .doc("A UUID, made by Farley as version 7. Clients can choose the id of records they create, a UUID of any version.")
            .example(example)
            .on_create()
            .indexed(),
        Field::new("version", FieldType::Integer { min: 1, max: i64::MAX })
            .in_slot(slots::VERSION)
            .label("Version", "版本")
            .doc("The version number, incremented on every change; the ETag of version 7 is \"v7\".")
            .example(1)
            .server_set(),
    ]
}

/// Who made and changed a record, and when: what every record ends with.
#[must_use]
pub fn history_fields() -> Vec<Field> {
    let user = || FieldType::Reference("user".into());
    vec![
        Field::new("created_at", FieldType::DateTime)
            .in_slot(slots::CREATED_AT)
            .label("Created at", "创建时间")
            .doc("When the record was created.")
            .example("2026-03-01T08:00:00.000Z")
            .server_set()
            .indexed(),
        Field::new("created_by", user())
            .in_slot(slots::CREATED_BY)
            .label("Created by", "创建人")
            .doc("The user who created the record; null for the system.")
            .server_set(),
        Field::new("updated_at", FieldType::DateTime)
            .in_slot(slots::UPDATED_AT)
            .label("Updated at", "更新时间")
            .doc("When the record was last changed.")
            .example("2026-03-01T08:00:00.000Z")
            .server_set()
            .indexed(),
        Field::new("updated_by", user())
            .in_slot(slots::UPDATED_BY)
            .label("Updated by", "更新人")
            .doc("The user who last changed the record; null for the system.")
            .server_set(),
        Field::new("archived_at", FieldType::DateTime)
            .in_slot(slots::ARCHIVED_AT)
            .label("Archived at", "归档时间")
            .doc("When the record was archived; null while it is live.")
            .server_set(),
    ]
}

/// Joins the relations that recurring fields bring along.
#[must_use]
pub fn with_features(object: Object, features: &[&str]) -> Object {
    let object = object.relations([Relation { name: "creator", target: "user", reach: Reach::ToOne { field: "created_by" } }]);
    features.iter().fold(object, |object, feature| match *feature {
        "owned" => object.relations([
            Relation { name: "owner", target: "user", reach: Reach::ToOne { field: "owner_id" } },
            Relation { name: "team", target: "team", reach: Reach::ToOne { field: "team_id" } },
        ]),
        "tagged" => {
            object.relations([Relation { name: "tags", target: "tag", reach: Reach::Linked { link: &TAGS, holder: true } }])
        }
        _ => object,
    })
}

/// Which tags a record bears.
pub static TAGS: Link = Link { table: "record_tags", from: "record_id", to: "tag_id", target: "tag", shared: true };

/// The recurring fields of each feature.
pub mod feature {
    use super::{Field, FieldType, TAGS, slots};

    #[must_use]
    pub fn owned() -> Vec<Field> {
        vec![
            Field::new("owner_id", FieldType::Reference("user".into()))
                .in_slot(slots::OWNER_ID)
                .label("Owner", "负责人")
                .doc("The user responsible for the record. Defaults to the user who creates it. A deactivated user cannot become the owner.")
                .gives_work()
                .indexed(),
            Field::new("team_id", FieldType::Reference("team".into()))
                .in_slot(slots::TEAM_ID)
                .label("Team", "团队")
                .doc("The team the record belongs to. Defaults to the owner's team, and follows when the owner changes, unless the same change gives another team.")
                .indexed(),
        ]
    }

    #[must_use]
    pub fn tagged() -> Vec<Field> {
        vec![
            Field::new("tag_ids", FieldType::References(&TAGS))
                .in_slot(slots::TAG_IDS)
                .label("Tags", "标签")
                .doc("The tags of the record.")
                .default(serde_json::json!([]))
                .indexed(),
        ]
    }

    #[must_use]
    pub fn external() -> Vec<Field> {
        vec![
            Field::new("external_ids", FieldType::Structure(&crate::model::structures::external_ids::EXTERNAL_IDS))
                .in_slot(slots::EXTERNAL_IDS)
                .label("External ids", "外部标识")
                .doc("Keys of the record in external systems: one per system, unique among live records.")
                .example(serde_json::json!({"sap": "10042"}))
                .default(serde_json::json!({}))
                .searchable()
                .indexed(),
        ]
    }

    #[must_use]
    pub fn custom() -> Vec<Field> {
        vec![
            Field::new("custom", FieldType::Custom)
                .in_slot(slots::CUSTOM)
                .label("Custom fields", "自定义字段")
                .doc("The values of custom fields, by key; custom fields are defined under /v1/custom-fields.")
                .example(serde_json::json!({"tier": "gold"}))
                .default(serde_json::json!({}))
                .opaque(),
        ]
    }
}

/// The field types as an entity's declaration names them.
pub mod kind {
    use std::borrow::Cow;

    use crate::model::field::{Choice, Counted, Field, FieldType, Link, Structure};

    #[must_use]
    pub fn text(name: &'static str, max: usize) -> Field {
        Field::new(name, FieldType::Text { max })
    }
    #[must_use]
    pub fn long_text(name: &'static str, max: usize) -> Field {
        Field::new(name, FieldType::LongText { max })
    }
    #[must_use]
    pub fn integer(name: &'static str, min: i64, max: i64) -> Field {
        Field::new(name, FieldType::Integer { min, max })
    }
    #[must_use]
    pub fn money(name: &'static str) -> Field {
        Field::new(name, FieldType::Money)
    }
    #[must_use]
    pub fn boolean(name: &'static str) -> Field {
        Field::new(name, FieldType::Boolean)
    }
    #[must_use]
    pub fn decimal(name: &'static str) -> Field {
        Field::new(name, FieldType::Decimal)
    }
    #[must_use]
    pub fn date(name: &'static str) -> Field {
        Field::new(name, FieldType::Date)
    }
    #[must_use]
    pub fn datetime(name: &'static str) -> Field {
        Field::new(name, FieldType::DateTime)
    }
    #[must_use]
    pub fn choice(name: &'static str, choices: Vec<Choice>) -> Field {
        Field::new(name, FieldType::Choice(Cow::Owned(choices)))
    }
    #[must_use]
    pub fn reference(name: &'static str, object: &'static str) -> Field {
        Field::new(name, FieldType::Reference(object.into()))
    }
    /// The id of a record whose object another field tells.
    #[must_use]
    pub fn record_id(name: &'static str) -> Field {
        Field::new(name, FieldType::Id)
    }
    #[must_use]
    pub fn references(name: &'static str, link: &'static Link) -> Field {
        Field::new(name, FieldType::References(link)).default(serde_json::json!([]))
    }
    #[must_use]
    pub fn email(name: &'static str) -> Field {
        Field::new(name, FieldType::Email)
    }
    #[must_use]
    pub fn phone(name: &'static str) -> Field {
        Field::new(name, FieldType::Phone)
    }
    #[must_use]
    pub fn url(name: &'static str) -> Field {
        Field::new(name, FieldType::Url)
    }
    #[must_use]
    pub fn country(name: &'static str) -> Field {
        Field::new(name, FieldType::Country)
    }
    #[must_use]
    pub fn language(name: &'static str) -> Field {
        Field::new(name, FieldType::LanguageTag)
    }
    #[must_use]
    pub fn time_zone(name: &'static str) -> Field {
        Field::new(name, FieldType::TimeZone)
    }
    #[must_use]
    pub fn social_credit_code(name: &'static str) -> Field {
        Field::new(name, FieldType::SocialCreditCode)
    }
    #[must_use]
    pub fn texts(name: &'static str, max_items: usize) -> Field {
        Field::new(name, FieldType::Texts { max_items }).default(serde_json::json!([]))
    }
    #[must_use]
    pub fn structure(name: &'static str, structure: &'static Structure) -> Field {
        Field::new(name, FieldType::Structure(structure))
    }
    #[must_use]
    pub fn count(name: &'static str, relation: &'static str) -> Field {
        counted(name, Counted { relation, open: false })
    }
    /// How many of the related records are open.
    #[must_use]
    pub fn open_count(name: &'static str, relation: &'static str) -> Field {
        counted(name, Counted { relation, open: true })
    }
    fn counted(name: &'static str, counted: Counted) -> Field {
        Field { filterable: true, sortable: true, ..Field::new(name, FieldType::Count(counted)).computed() }
    }
}

/// Declares an enum of choices with their wire names and labels.
#[macro_export]
macro_rules! choices {
    ($(#[doc = $doc:literal])+ pub enum $name:ident { $($variant:ident $value:literal $en:literal $zh:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $( #[serde(rename = $value)] $variant, )+ }

        impl $name {
            /// Every choice.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The choice with this wire name.
            #[must_use]
            pub fn from_wire(name: &str) -> Option<$name> {
                match name {
                    $($value => Some($name::$variant),)+
                    _ => None,
                }
            }

            /// Every choice, as the field table lists them.
            #[must_use]
            pub fn choices() -> Vec<$crate::model::field::Choice> {
                vec![$( $crate::model::field::Choice {
                    value: $value.into(),
                    label: $crate::model::field::Label { en: $en.into(), zh: $zh.into() },
                    retired: false,
                }, )+]
            }

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( $name::$variant => $value, )+ }
            }
        }

        impl $crate::model::handle::Single for $name {
            type Read<'a> = $name;

            fn read_value(cell: &$crate::model::cell::Cell) -> Option<$name> {
                match cell {
                    $crate::model::cell::Cell::Text(name) => $name::from_wire(name),
                    _ => None,
                }
            }

            fn write_value(self) -> $crate::model::cell::Cell {
                $crate::model::cell::Cell::Text(self.as_str().to_owned())
            }

            fn suits_kind(kind: &$crate::model::field::FieldType) -> bool {
                matches!(kind, $crate::model::field::FieldType::Choice(_))
            }
        }

        impl $crate::model::handle::Comparable for $name {
            fn operand(self) -> $crate::model::operand::Operand {
                $crate::model::operand::Operand::Text(self.as_str().to_owned())
            }
        }
    };
}
