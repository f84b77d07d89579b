//! The types of fields, and what each of them can do.

use std::borrow::Cow;

use serde_json::Value;

use super::{Label, Op, SearchKind, Text};
use crate::model::{fault::Faults, value::Standards};

/// One value of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub value: Text,
    pub label: Label,
    /// Whether records that have it keep it and are found by it, but no other gets it any more.
    pub retired: bool,
}

/// A field whose value is a JSON structure of its own (phones, addresses, grants …).
#[derive(Debug)]
pub struct Structure {
    pub name: &'static str,
    /// Checks and standardises what a client sent.
    pub accept: fn(&Value, &Standards<'_>) -> Result<Value, Faults>,
    /// The JSON schema of the structure.
    pub schema: fn() -> Value,
    /// The values by which records are found (`_any`, `_none`); empty where that makes no sense.
    pub lookups: fn(&Value) -> Vec<String>,
    /// Brings what a client asks for into the form of the lookups; a fault where it can never be among them.
    pub lookup_form: fn(&str, &Standards<'_>) -> Result<String, Faults>,
    /// The text to search by.
    pub search: fn(&Value) -> Vec<(SearchKind, String)>,
    /// Where the lookups are ids of records: the table that links them.
    pub link: Option<&'static Link>,
}

impl Structure {
    /// What structures have that are neither found by what is in them nor searched: any JSON, until more is said of it.
    pub const PLAIN: Structure = Structure {
        name: "any",
        accept: |value, _| Ok(value.clone()),
        schema: || serde_json::json!({}),
        lookups: |_| Vec::new(),
        lookup_form: |asked, _| Ok(asked.to_owned()),
        search: |_| Vec::new(),
        link: None,
    };

    /// Whether a merge patch goes into it. A predicate is written whole: a mixture of two means neither.
    #[must_use]
    pub fn merges(&self) -> bool {
        self.name != crate::model::structures::filter::FILTER.name
    }
}

impl PartialEq for Structure {
    fn eq(&self, other: &Structure) -> bool {
        self.name == other.name
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum FieldType {
    Id,
    /// One line, at most `max` characters.
    Text {
        max: usize,
    },
    /// Several lines, at most `max` characters.
    LongText {
        max: usize,
    },
    Integer {
        min: i64,
        max: i64,
    },
    /// A number of at most 15 significant digits, so that every engine and client holds it exactly.
    Decimal,
    /// Minor units and a currency: two columns.
    Money,
    Boolean,
    Date,
    DateTime,
    Choice(Cow<'static, [Choice]>),
    /// Several of the choices, as a list.
    MultiChoice(Cow<'static, [Choice]>),
    /// The id of a record of the named object.
    Reference(Text),
    /// Ids of records of the named object, kept in a table of links.
    References(&'static Link),
    Email,
    Phone,
    Url,
    Country,
    LanguageTag,
    TimeZone,
    SocialCreditCode,
    /// Short texts, as a list.
    Texts {
        max_items: usize,
    },
    Structure(&'static Structure),
    /// The tenant's own fields, as an object.
    Custom,
    /// How many live records a to-many relation has; computed when asked for.
    Count(Counted),
}

/// Which related records a count counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub relation: &'static str,
    /// Only those that are open, as their object says what that is.
    pub open: bool,
}

/// Stands for any object, where the object of each id is told beside it.
pub const ANY_OBJECT: &str = "*";

/// A table of links from records of one object to records of another.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    pub table: &'static str,
    /// The column with the id of the record that holds the field.
    pub from: &'static str,
    /// The column with the id of the record referred to.
    pub to: &'static str,
    /// The object referred to.
    pub target: &'static str,
    /// Whether the table serves several objects, told apart by a column `object`.
    pub shared: bool,
}

impl FieldType {
    /// The name of the type in metadata and in the declaration of custom fields.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            FieldType::Id => "id",
            FieldType::Text { .. } => "text",
            FieldType::LongText { .. } => "long_text",
            FieldType::Integer { .. } => "integer",
            FieldType::Decimal => "decimal",
            FieldType::Money => "money",
            FieldType::Boolean => "boolean",
            FieldType::Date => "date",
            FieldType::DateTime => "datetime",
            FieldType::Choice(_) => "choice",
            FieldType::MultiChoice(_) => "multi_choice",
            FieldType::Reference(_) => "reference",
            FieldType::References(_) => "references",
            FieldType::Email => "email",
            FieldType::Phone => "phone",
            FieldType::Url => "url",
            FieldType::Country => "country",
            FieldType::LanguageTag => "language",
            FieldType::TimeZone => "time_zone",
            FieldType::SocialCreditCode => "social_credit_code",
            FieldType::Texts { .. } => "texts",
            FieldType::Structure(structure) => structure.name,
            FieldType::Custom => "custom",
            FieldType::Count(_) => "count",
        }
    }

    /// Whether it holds one value that can be compared and ordered.
    #[must_use]
    pub fn is_scalar(&self) -> bool {
        match self {
            FieldType::MultiChoice(_)
            | FieldType::References(_)
            | FieldType::Texts { .. }
            | FieldType::Structure(_)
            | FieldType::Custom
            | FieldType::Count(_) => false,
            FieldType::Id
            | FieldType::Text { .. }
            | FieldType::LongText { .. }
            | FieldType::Integer { .. }
            | FieldType::Decimal
            | FieldType::Money
            | FieldType::Boolean
            | FieldType::Date
            | FieldType::DateTime
            | FieldType::Choice(_)
            | FieldType::Reference(_)
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Url
            | FieldType::Country
            | FieldType::LanguageTag
            | FieldType::TimeZone
            | FieldType::SocialCreditCode => true,
        }
    }

    /// Whether its values are texts that people write, rather than choose.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(
            self,
            FieldType::Text { .. }
                | FieldType::LongText { .. }
                | FieldType::Email
                | FieldType::Phone
                | FieldType::Url
                | FieldType::Country
                | FieldType::LanguageTag
                | FieldType::TimeZone
                | FieldType::SocialCreditCode
        )
    }

    /// Whether it holds a list of single values.
    #[must_use]
    pub fn is_list(&self) -> bool {
        matches!(self, FieldType::MultiChoice(_) | FieldType::References(_) | FieldType::Texts { .. })
    }

    pub(super) fn operators(&self) -> &'static [Op] {
        const ORDERED: &[Op] = &[Op::Eq, Op::Ne, Op::Gt, Op::Gte, Op::Lt, Op::Lte, Op::In, Op::Nin, Op::Null];
        #[rustfmt::skip]
        const TEXT: &[Op] = &[
            Op::Eq, Op::Ne, Op::Gt, Op::Gte, Op::Lt, Op::Lte, Op::In, Op::Nin,
            Op::Contains, Op::Ncontains, Op::Starts, Op::Ends, Op::Null,
        ];
        const NAMED: &[Op] = &[Op::Eq, Op::Ne, Op::In, Op::Nin, Op::Null];
        const MANY: &[Op] = &[Op::Any, Op::None, Op::Null];
        match self {
            FieldType::Text { .. } | FieldType::Email | FieldType::Phone | FieldType::Url | FieldType::SocialCreditCode => TEXT,
            FieldType::LongText { .. } => &[Op::Contains, Op::Ncontains, Op::Starts, Op::Ends, Op::Null],
            FieldType::Integer { .. }
            | FieldType::Decimal
            | FieldType::Money
            | FieldType::Date
            | FieldType::DateTime
            | FieldType::Id => ORDERED,
            FieldType::Boolean => &[Op::Eq, Op::Ne, Op::Null],
            FieldType::Choice(_)
            | FieldType::Reference(_)
            | FieldType::Country
            | FieldType::LanguageTag
            | FieldType::TimeZone => NAMED,
            FieldType::MultiChoice(_) | FieldType::References(_) | FieldType::Texts { .. } => MANY,
            FieldType::Structure(_) => MANY,
            FieldType::Count(_) => &[Op::Eq, Op::Ne, Op::Gt, Op::Gte, Op::Lt, Op::Lte, Op::In, Op::Nin],
            FieldType::Custom => &[],
        }
    }
}
