//! Rows as they are read, and how they become records of the API: straight to JSON where nothing else is needed.

use std::{borrow::Cow, sync::Arc};

use chrono::NaiveDate;
use farley_domain::{
    field::{Field, FieldType, Storage},
    id::Id,
    object::Shape,
    record::Record,
    time::Timestamp,
};
use serde::{
    Serialize, Serializer,
    de::{Deserialize, Deserializer, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Value, value::RawValue};

use crate::{StoreError, statement::ColumnType};

/// One stored value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(String),
    Id(Id),
    Time(Timestamp),
    Date(NaiveDate),
    /// JSON as it was written.
    Json(String),
}

impl Cell {
    #[must_use]
    pub fn as_id(&self) -> Option<Id> {
        match self {
            Cell::Id(id) => Some(*id),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Cell::Integer(number) => Some(*number),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) | Cell::Json(text) => Some(text),
            _ => None,
        }
    }
}

impl Cell {
    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), StoreError> {
        let quoted = |out: &mut Vec<u8>, text: &str| {
            out.push(b'"');
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
        };
        match self {
            Cell::Json(json) => out.extend_from_slice(json.as_bytes()),
            Cell::Null => out.extend_from_slice(b"null"),
            Cell::Id(id) => {
                let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
                quoted(out, id.0.hyphenated().encode_lower(&mut buffer));
            }
            Cell::Time(time) => {
                let mut buffer = [0; farley_domain::time::WRITTEN];
                quoted(out, time.write(&mut buffer));
            }
            Cell::Boolean(_) | Cell::Integer(_) | Cell::Double(_) | Cell::Text(_) | Cell::Date(_) => {
                serde_json::to_writer(out, self)?;
            }
        }
        Ok(())
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Null => serializer.serialize_unit(),
            Cell::Boolean(value) => serializer.serialize_bool(*value),
            Cell::Integer(value) => serializer.serialize_i64(*value),
            // Whole numbers are written as such, as they came in.
            #[allow(clippy::cast_possible_truncation, reason = "a whole number below 1e15")]
            Cell::Double(value) if value.fract() == 0.0 && value.abs() < 1e15 => serializer.serialize_i64(*value as i64),
            Cell::Double(value) => serializer.serialize_f64(*value),
            Cell::Text(value) => serializer.serialize_str(value),
            Cell::Id(value) => serializer.collect_str(value),
            Cell::Time(value) => serializer.collect_str(value),
            Cell::Date(value) => serializer.collect_str(value),
            Cell::Json(value) => {
                let raw: &RawValue = serde_json::from_str(value).map_err(serde::ser::Error::custom)?;
                raw.serialize(serializer)
            }
        }
    }
}

/// How a field of the answer is made of the cells of a row.
#[derive(Debug, Clone)]
enum Source {
    Cell(usize),
    /// Amount and currency.
    Money(usize, usize),
    Detail,
    /// The whole object of custom fields.
    Custom(usize),
}

#[derive(Debug, Clone)]
struct Output {
    name: String,
    /// The name as JSON writes it before a value: `"name":`.
    key: String,
    source: Source,
    /// Whether it is part of the answer, or only needed to make it (sort keys, references to expand).
    shown: bool,
}

/// A selected expression.
#[derive(Debug, Clone)]
pub enum Selected {
    /// A column of the table.
    Column(String),
    /// How many live records a relation has.
    Count(&'static str),
}

/// What is selected of an object and how it is shown.
#[derive(Debug, Clone)]
pub struct Layout {
    pub shape: Shape,
    pub selected: Vec<Selected>,
    pub types: Vec<ColumnType>,
    outputs: Vec<Output>,
    /// Which cell holds the column `details`.
    details: Option<usize>,
    /// The custom fields shown.
    custom: Vec<Field>,
}

impl Layout {
    /// All fields that are shown without being asked for.
    #[must_use]
    pub fn full(shape: &Shape, sees: &dyn Fn(&Field) -> bool) -> Layout {
        Layout::of(shape, sees, None, &[])
    }

    /// The named fields (`name`, `custom`, `custom.tier`), or all when none are named; `also` are read but not shown.
    #[must_use]
    pub fn of(shape: &Shape, sees: &dyn Fn(&Field) -> bool, asked: Option<&[String]>, also: &[String]) -> Layout {
        let mut layout = Layout {
            shape: shape.clone(),
            selected: Vec::new(),
            types: Vec::new(),
            outputs: Vec::new(),
            details: None,
            custom: Vec::new(),
        };
        let wants = |field: &Field| match asked {
            None => !field.on_request,
            Some(names) => {
                field.name == "id"
                    || names.iter().any(|name| *name == field.name)
                    || (field.kind == FieldType::Custom && names.iter().any(|name| name.starts_with("custom.")))
            }
        };
        for field in &shape.object.fields {
            let shown = wants(field) && sees(field);
            let needed = also.iter().any(|name| *name == field.name)
                || (field.kind == FieldType::Custom && also.iter().any(|name| name.starts_with("custom.")));
            if shown || needed {
                let source = layout.source(field);
                let key = format!("\"{}\":", field.name);
                layout.outputs.push(Output { name: field.name.to_string(), key, source, shown });
            }
        }
        let whole = asked.is_none_or(|names| names.iter().any(|name| name == "custom"));
        layout.custom = shape
            .custom
            .iter()
            .filter(|field| sees(field))
            .filter(|field| whole || asked.is_some_and(|names| names.contains(&field.path())) || also.contains(&field.path()))
            .cloned()
            .collect();
        layout
    }

    /// The columns it reads, as they are called in the table.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let columns = self.selected.iter().filter_map(|selected| match selected {
            Selected::Column(column) => Some(column.as_str()),
            Selected::Count(_) => None,
        });
        columns.collect()
    }

    fn source(&mut self, field: &Field) -> Source {
        match (&field.storage, &field.kind) {
            (Storage::Detail, _) => {
                if self.details.is_none() {
                    self.details = Some(self.select("details".to_owned(), ColumnType::Json));
                }
                Source::Detail
            }
            (_, FieldType::Count(relation)) => {
                self.selected.push(Selected::Count(relation));
                self.types.push(ColumnType::Integer);
                Source::Cell(self.types.len() - 1)
            }
            (_, FieldType::Money) => {
                let amount = self.select(field.name.to_string(), ColumnType::Integer);
                let currency = self.select(format!("{}_currency", field.name), ColumnType::Text);
                Source::Money(amount, currency)
            }
            (_, FieldType::Custom) => Source::Custom(self.select("custom".to_owned(), ColumnType::Json)),
            (_, kind) => Source::Cell(self.select(field.name.to_string(), column_type(kind))),
        }
    }

    fn select(&mut self, column: String, kind: ColumnType) -> usize {
        self.selected.push(Selected::Column(column));
        self.types.push(kind);
        self.types.len() - 1
    }
}

/// The type of the column that holds a field.
#[must_use]
pub fn column_type(kind: &FieldType) -> ColumnType {
    match kind {
        FieldType::Id | FieldType::Reference(_) => ColumnType::Id,
        FieldType::Integer { .. } | FieldType::Money | FieldType::Count(_) => ColumnType::Integer,
        FieldType::Decimal => ColumnType::Double,
        FieldType::Boolean => ColumnType::Boolean,
        FieldType::Date => ColumnType::Date,
        FieldType::DateTime => ColumnType::Time,
        FieldType::Text { .. }
        | FieldType::LongText { .. }
        | FieldType::Choice(_)
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Country
        | FieldType::LanguageTag
        | FieldType::TimeZone
        | FieldType::SocialCreditCode => ColumnType::Text,
        FieldType::MultiChoice(_)
        | FieldType::References(_)
        | FieldType::Texts { .. }
        | FieldType::Structure(_)
        | FieldType::Custom => ColumnType::Json,
    }
}

/// One row of a list, ready to be shown.
#[derive(Debug, Clone)]
pub struct Row {
    pub layout: Arc<Layout>,
    pub cells: Vec<Cell>,
    /// Members beside the fields: what was expanded.
    pub expanded: Vec<(String, Value)>,
}

impl Row {
    #[must_use]
    pub fn new(layout: &Arc<Layout>, cells: Vec<Cell>) -> Row {
        Row { layout: Arc::clone(layout), cells, expanded: Vec::new() }
    }

    #[must_use]
    pub fn id(&self) -> Id {
        self.cell("id").and_then(Cell::as_id).unwrap_or(Id::NIL)
    }

    #[must_use]
    pub fn version(&self) -> i64 {
        self.cell("version").and_then(Cell::as_integer).unwrap_or(0)
    }

    /// The cell of a field kept in a column of its own, if it was selected.
    #[must_use]
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        let output = self.layout.outputs.iter().find(|output| output.name == name)?;
        match output.source {
            Source::Cell(position) => self.cells.get(position),
            Source::Money(..) | Source::Detail | Source::Custom(_) => None,
        }
    }

    /// The record with all that was read, as rules, events and cursors see it.
    pub fn to_record(&self) -> Result<Record, StoreError> {
        match serde_json::to_value(Whole(self))? {
            Value::Object(members) => Ok(Record(members)),
            _ => Err(StoreError::Internal("a row is no object".to_owned())),
        }
    }

    /// The column `custom` as it is stored, retired fields included.
    #[must_use]
    pub fn stored_custom(&self) -> &str {
        let custom = self.layout.outputs.iter().find_map(|output| match output.source {
            Source::Custom(position) => self.cells.get(position)?.as_text(),
            Source::Cell(_) | Source::Money(..) | Source::Detail => None,
        });
        custom.unwrap_or("{}")
    }

    /// Writes what is shown as JSON. Lists are what servers do most: stored JSON goes out as it is, names are ready-made.
    pub fn write_json(&self, out: &mut Vec<u8>) -> Result<(), StoreError> {
        let layout = &self.layout;
        let details = layout.details.map(|position| Members::read(&self.cells[position])).unwrap_or_default();
        out.push(b'{');
        for output in layout.outputs.iter().filter(|output| output.shown) {
            out.extend_from_slice(output.key.as_bytes());
            match output.source {
                Source::Cell(position) => self.cells[position].write_json(out)?,
                Source::Money(amount, currency) => match (&self.cells[amount], &self.cells[currency]) {
                    (Cell::Integer(amount), Cell::Text(currency)) => {
                        serde_json::to_writer(&mut *out, &StoredMoney { amount: *amount, currency })?;
                    }
                    _ => out.extend_from_slice(b"null"),
                },
                Source::Detail => {
                    out.extend_from_slice(details.get(&output.name).map_or("null", RawValue::get).as_bytes());
                }
                Source::Custom(position) => {
                    let custom = CustomMembers { fields: &layout.custom, cell: &self.cells[position] };
                    serde_json::to_writer(&mut *out, &custom)?;
                }
            }
            out.push(b',');
        }
        for (name, value) in &self.expanded {
            serde_json::to_writer(&mut *out, name)?;
            out.push(b':');
            serde_json::to_writer(&mut *out, value)?;
            out.push(b',');
        }
        // Every member has left a comma behind.
        if out.last() == Some(&b',') {
            out.pop();
        }
        out.push(b'}');
        Ok(())
    }

    fn write<S: Serializer>(&self, serializer: S, whole: bool) -> Result<S::Ok, S::Error> {
        let layout = &self.layout;
        let details = layout.details.map(|position| Members::read(&self.cells[position])).unwrap_or_default();
        let mut map = serializer.serialize_map(None)?;
        for output in layout.outputs.iter().filter(|output| whole || output.shown) {
            match output.source {
                Source::Cell(position) => map.serialize_entry(&output.name, &self.cells[position])?,
                Source::Money(amount, currency) => match (&self.cells[amount], &self.cells[currency]) {
                    (Cell::Integer(amount), Cell::Text(currency)) => {
                        map.serialize_entry(&output.name, &StoredMoney { amount: *amount, currency })?;
                    }
                    _ => map.serialize_entry(&output.name, &())?,
                },
                Source::Detail => map.serialize_entry(&output.name, &details.get(&output.name))?,
                Source::Custom(position) => {
                    map.serialize_entry(&output.name, &CustomMembers { fields: &layout.custom, cell: &self.cells[position] })?;
                }
            }
        }
        for (name, value) in &self.expanded {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write(serializer, false)
    }
}

/// A row with what was read but is not shown.
struct Whole<'a>(&'a Row);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer, true)
    }
}

#[derive(Serialize)]
struct StoredMoney<'a> {
    amount: i64,
    currency: &'a str,
}

/// The custom fields of a row by their present names; those retired stay behind.
struct CustomMembers<'a> {
    fields: &'a [Field],
    cell: &'a Cell,
}

impl Serialize for CustomMembers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.fields.is_empty() {
            let members = Members::read(self.cell);
            for field in self.fields {
                if let Storage::Custom { key } = &field.storage
                    && let Some(value) = members.get(key)
                {
                    map.serialize_entry(&field.name, value)?;
                }
            }
        }
        map.end()
    }
}

/// The members of a JSON object, each still as it was written.
#[derive(Default)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    fn read(cell: &'a Cell) -> Members<'a> {
        match cell {
            Cell::Json(text) => serde_json::from_str(text).unwrap_or_default(),
            _ => Members::default(),
        }
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'de>, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(12);
                while let Some(entry) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}
