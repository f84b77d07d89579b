//! What a field is: its type, what may be done with it, and where it is kept.

mod field_type;
mod operator;

use std::borrow::Cow;

use serde_json::Value;

pub use self::{
    field_type::{ANY_OBJECT, Choice, Counted, FieldType, Link, Structure},
    operator::{Op, when_given, when_is, when_missing},
};
pub use crate::values::search_text::Kind as SearchKind;
use crate::{
    model::{cell::Cell, recurring::slots},
    values::{name, text},
};

/// A text of the declaration (`&'static str`) or of a tenant's custom field.
pub type Text = Cow<'static, str>;

/// What people call something, in the languages of the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub en: Text,
    pub zh: Text,
}

/// Where a field's value is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A column of the same name.
    Column,
    /// A member of the JSON column `details`: for what is rarely filtered, so that tables stay narrow.
    Detail,
    /// A member of the JSON column `custom`, under a key that never changes.
    Custom { key: String },
    /// Nowhere: computed when read.
    Computed,
}

/// Who may write a field over the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writable {
    Always,
    OnCreate,
    /// Only Farley itself.
    Never,
}

/// How much a hit in a field counts in search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchWeight {
    Title,
    Body,
}

/// What a text is that is read as any other: it tells clients how to let people enter it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    Email,
    Password,
    /// A password to be, which must not be too short.
    NewPassword,
}

/// The object that filters take the place of.
const SEGMENT: &str = "segment";

/// Under what a text is found: texts that are one to people have one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyed {
    Text,
    /// The name of a company.
    Company,
}

impl Keyed {
    #[must_use]
    pub fn key(self, text: &str) -> String {
        match self {
            Keyed::Text => text::key(text),
            Keyed::Company => text::key(&name::organization_key(text)),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: Text,
    pub kind: FieldType,
    pub label: Label,
    pub doc: Text,
    /// An example value, as JSON.
    pub example: Option<Value>,
    /// The default value for new records.
    pub default: Option<Value>,
    pub required: bool,
    /// Whether Farley fills it in where nobody gives it: no stored record lacks it.
    pub filled: bool,
    pub filterable: bool,
    pub sortable: bool,
    pub searchable: Option<SearchWeight>,
    pub exportable: bool,
    /// Personal data: kept out of logs, shown with care.
    pub sensitive: bool,
    /// An index of the database serves it.
    pub indexed: bool,
    /// Under what records are found by it, however it is written.
    pub keyed: Option<Keyed>,
    pub writable: Writable,
    pub storage: Storage,
    /// Left out of answers unless asked for by `fields`.
    pub on_request: bool,
    /// Not kept but made of something beside the record, where it is asked for.
    pub derived: bool,
    /// Whoever is named in it gets work by it: only users who take new work are put there.
    pub gives_work: bool,
    /// What its text is, where it is read as any other.
    pub hint: Option<Hint>,
    /// When a record must have it: a predicate over the record's own fields, as JSON. For forms: the rules of the object say the same.
    pub required_when: Option<Value>,
    /// When a form shows it; always, if nothing is said.
    pub shown_when: Option<Value>,
    /// Its name, or the name of the money that it is the currency of, where it is declared: such a name can be that of a column.
    pub declared: Option<&'static str>,
    /// Where a record keeps its value; of no meaning for a tenant's own field, which is a member of another.
    pub slot: usize,
}

impl Field {
    /// The slot of a field that has none yet.
    pub const NOWHERE: usize = usize::MAX;

    #[must_use]
    pub fn new(name: impl Into<Text>, kind: FieldType) -> Field {
        let name = name.into();
        let label = Label { en: name.replace('_', " ").into(), zh: name.clone() };
        let scalar = kind.is_scalar();
        let declared = match name {
            Text::Borrowed(name) => Some(name),
            Text::Owned(_) => None,
        };
        Field {
            declared,
            filterable: true,
            sortable: scalar && !matches!(kind, FieldType::LongText { .. } | FieldType::Reference(_)),
            name,
            kind,
            label,
            doc: Text::Borrowed(""),
            example: None,
            default: None,
            required: false,
            filled: false,
            searchable: None,
            exportable: true,
            sensitive: false,
            indexed: false,
            keyed: None,
            writable: Writable::Always,
            storage: Storage::Column,
            on_request: false,
            derived: false,
            gives_work: false,
            hint: None,
            required_when: None,
            shown_when: None,
            slot: Field::NOWHERE,
        }
    }

    #[must_use]
    pub fn label(mut self, en: &'static str, zh: &'static str) -> Field {
        self.label = Label { en: en.into(), zh: zh.into() };
        self
    }

    #[must_use]
    pub fn doc(mut self, doc: &'static str) -> Field {
        self.doc = doc.trim().into();
        self
    }

    #[must_use]
    pub fn example(mut self, example: impl Into<Value>) -> Field {
        self.example = Some(example.into());
        self
    }

    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Field {
        self.default = Some(value.into());
        self
    }

    #[must_use]
    pub fn gives_work(mut self) -> Field {
        self.gives_work = true;
        self
    }

    #[must_use]
    pub fn required(mut self) -> Field {
        self.required = true;
        self
    }

    /// Nobody need give it, and no stored record lacks it: Farley fills it in.
    #[must_use]
    pub fn filled(mut self) -> Field {
        self.filled = true;
        self
    }

    /// Whether every stored record has a value.
    #[must_use]
    pub fn is_never_null(&self) -> bool {
        const ALWAYS: [usize; 4] = [slots::ID, slots::VERSION, slots::CREATED_AT, slots::UPDATED_AT];
        self.required || self.filled || self.default.is_some() || ALWAYS.contains(&self.slot)
    }

    #[must_use]
    pub fn title(mut self) -> Field {
        self.searchable = Some(SearchWeight::Title);
        self
    }

    #[must_use]
    pub fn searchable(mut self) -> Field {
        self.searchable = Some(SearchWeight::Body);
        self
    }

    #[must_use]
    pub fn indexed(mut self) -> Field {
        self.indexed = true;
        self
    }

    /// Records are found by its text, however that is written.
    #[must_use]
    pub fn keyed(mut self) -> Field {
        self.keyed = Some(Keyed::Text);
        self
    }

    /// Records are found by its text, whatever legal form and way of writing the company has.
    #[must_use]
    pub fn company_name(mut self) -> Field {
        self.keyed = Some(Keyed::Company);
        self
    }

    /// The keys under which a record with a value is found.
    #[must_use]
    pub fn keys(&self, cell: &Cell) -> Vec<String> {
        let Some(keyed) = self.keyed else { return Vec::new() };
        let mut keys: Vec<String> = match cell {
            Cell::Text(text) => vec![keyed.key(text)],
            cell => {
                let items = cell.as_json().and_then(Value::as_array).into_iter().flatten();
                items.filter_map(Value::as_str).map(|text| keyed.key(text)).collect()
            }
        };
        keys.retain(|key| !key.is_empty());
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    #[must_use]
    pub fn sensitive(mut self) -> Field {
        self.sensitive = true;
        self
    }

    #[must_use]
    pub fn server_set(mut self) -> Field {
        self.writable = Writable::Never;
        self
    }

    #[must_use]
    pub fn on_create(mut self) -> Field {
        self.writable = Writable::OnCreate;
        self
    }

    /// Tells clients what the text is.
    #[must_use]
    pub fn hint(mut self, hint: Hint) -> Field {
        self.hint = Some(hint);
        self
    }

    /// Says when a record must have it, for forms.
    #[must_use]
    pub fn required_when(mut self, predicate: Value) -> Field {
        self.required_when = Some(predicate);
        self
    }

    /// Says when a form shows it.
    #[must_use]
    pub fn shown_when(mut self, predicate: Value) -> Field {
        self.shown_when = Some(predicate);
        self
    }

    /// For a field that some value of another asks for, and that means nothing without it.
    #[must_use]
    pub fn only_when(self, predicate: Value) -> Field {
        self.required_when(predicate.clone()).shown_when(predicate)
    }

    #[must_use]
    pub fn in_slot(mut self, slot: usize) -> Field {
        self.slot = slot;
        self
    }

    /// The field in its slot, with values of a Rust type that its kind must suit.
    #[must_use]
    pub fn at<T: crate::model::handle::FieldValue>(self, slot: usize) -> Field {
        assert!(
            T::suits(&self.kind),
            "{} is declared as {}, which its kind does not hold",
            self.name,
            std::any::type_name::<T>()
        );
        self.in_slot(slot)
    }

    /// Left out of answers unless asked for.
    #[must_use]
    pub fn on_request(mut self) -> Field {
        self.on_request = true;
        self
    }

    #[must_use]
    pub fn detail(mut self) -> Field {
        self.storage = Storage::Detail;
        self
    }

    #[must_use]
    pub fn computed(mut self) -> Field {
        self.storage = Storage::Computed;
        self.writable = Writable::Never;
        self.filterable = false;
        self.sortable = false;
        self.on_request = true;
        self
    }

    /// Neither kept nor of use in a filter, but shown where it is asked for: its object makes it of something beside the record.
    #[must_use]
    pub fn derived(mut self) -> Field {
        self.derived = true;
        self.computed()
    }

    /// Not kept and not shown: filters find records by a table of links that something else keeps.
    #[must_use]
    pub fn filter_only(mut self) -> Field {
        self.storage = Storage::Computed;
        self.writable = Writable::Never;
        self.on_request = true;
        self
    }

    /// Whether a record can show a value of it.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.storage != Storage::Computed || self.derived || matches!(self.kind, FieldType::Count(_))
    }

    /// Kept and shown, but of no use in a filter or as an order.
    #[must_use]
    pub fn opaque(mut self) -> Field {
        self.filterable = false;
        self.sortable = false;
        self
    }

    /// Whether it takes a password: blanks count in it, and an empty one is at fault rather than none.
    #[must_use]
    pub fn is_password(&self) -> bool {
        matches!(self.hint, Some(Hint::Password | Hint::NewPassword))
    }

    /// The operators a filter on this field takes, the bare one (`eq`) first; none where it cannot be filtered on.
    #[must_use]
    pub fn operators(&self) -> &'static [Op] {
        match (self.filterable, &self.storage) {
            (false, _) => &[],
            (true, Storage::Computed) if matches!(self.kind, FieldType::Count(_)) => self.kind.operators(),
            // Nobody looks at all the segments that there are.
            (true, Storage::Computed) if self.is_of_segments() => &[Op::Any, Op::None],
            // What is not kept is found by its links alone.
            (true, Storage::Computed) => &[Op::Any, Op::None, Op::Null],
            (true, Storage::Column | Storage::Detail | Storage::Custom { .. }) => self.kind.operators(),
        }
    }

    /// The column of its object's table that holds it (of money, its amount); none for a member of a JSON column.
    #[must_use]
    pub fn column(&self) -> Option<&'static str> {
        match self.storage {
            Storage::Column | Storage::Computed => self.declared,
            Storage::Detail | Storage::Custom { .. } => None,
        }
    }

    /// Whether records are found by the segments that they are in.
    #[must_use]
    pub fn is_of_segments(&self) -> bool {
        matches!(self.kind, FieldType::References(link) if link.target == SEGMENT)
    }

    /// Whether this is one of a tenant's own fields.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        matches!(self.storage, Storage::Custom { .. })
    }

    /// How a client names the field in a filter, a sort or `fields`.
    #[must_use]
    pub fn path(&self) -> String {
        if self.is_custom() { format!("custom.{}", self.name) } else { self.name.to_string() }
    }
}
