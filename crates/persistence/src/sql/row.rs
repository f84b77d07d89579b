//! Rows as they are read, and how they become records of the API: straight to JSON where nothing else is needed.

use std::{borrow::Cow, sync::Arc};

use farley_domain::{
    model::{
        cell as record_cell,
        field::{Counted, Field, FieldType, Storage},
        object::Schema,
        record::Record,
        recurring,
    },
    values::{id::Id, money::Money},
};
use serde::{
    Serialize, Serializer,
    de::{Deserialize, Deserializer, MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    error::StoreError,
    sql::{
        cell::{Cell, CellRef, misfit, write_text},
        statement::{Column, ColumnType},
    },
};

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
    /// The place of the field in the table of its object.
    position: usize,
    /// The name as JSON writes it before a value: `"name":`.
    key: String,
    source: Source,
    /// Whether it is part of the answer, or only needed to make it (sort keys, references to expand).
    shown: bool,
}

/// What a field of the answer shows of a row.
enum Shown<'a> {
    Cell(CellRef<'a>),
    Money { amount: i64, currency: &'a str },
    Custom(Vec<(&'a str, &'a RawValue)>),
}

/// Ends an object whose every member has left a comma behind.
fn end_object(out: &mut Vec<u8>) {
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.push(b'}');
}

/// A selected expression.
#[derive(Debug, Clone)]
pub enum Selected {
    /// A column of the table.
    Column(Column),
    /// How many live records a relation has.
    Count(Counted),
}

/// What is selected of an object and how it is shown.
#[derive(Debug, Clone)]
pub struct Layout {
    pub schema: Schema,
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
    pub fn full(schema: &Schema, sees: &dyn Fn(&Field) -> bool) -> Layout {
        Layout::of(schema, sees, None, &[])
    }

    /// All that is stored of a record, also what is shown only when asked for: what writing it again must know.
    #[must_use]
    pub fn stored(schema: &Schema) -> Layout {
        let on_request = |field: &&Field| field.on_request && field.storage != Storage::Computed;
        let also: Vec<String> = schema.object.fields.iter().filter(on_request).map(|field| field.name.to_string()).collect();
        Layout::of(schema, &|_| true, None, &also)
    }

    /// The named fields (`name`, `custom`, `custom.tier`), or all when none are named; `also` are read but not shown.
    #[must_use]
    pub fn of(schema: &Schema, sees: &dyn Fn(&Field) -> bool, asked: Option<&[String]>, also: &[String]) -> Layout {
        let mut layout = Layout {
            schema: schema.clone(),
            selected: Vec::new(),
            types: Vec::new(),
            outputs: Vec::new(),
            details: None,
            custom: Vec::new(),
        };
        let wants = |field: &Field| match asked {
            None => !field.on_request,
            Some(names) => {
                field.name == recurring::ID.name()
                    || names.iter().any(|name| *name == field.name)
                    || (field.kind == FieldType::Custom && names.iter().any(|name| name.starts_with("custom.")))
            }
        };
        for (position, field) in schema.object.fields.iter().enumerate().filter(|(_, field)| field.is_shown()) {
            let shown = wants(field) && sees(field);
            let needed = also.iter().any(|name| *name == field.name)
                || (field.kind == FieldType::Custom && also.iter().any(|name| name.starts_with("custom.")));
            if (shown || needed)
                && let Some(source) = layout.source(field)
            {
                let key = format!("\"{}\":", field.name);
                layout.outputs.push(Output { name: field.name.to_string(), position, key, source, shown });
            }
        }
        let whole = asked.is_none_or(|names| names.iter().any(|name| name == recurring::CUSTOM.name()));
        layout.custom = schema
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
    pub(crate) fn columns(&self) -> Vec<Column> {
        let columns = self.selected.iter().filter_map(|selected| match selected {
            Selected::Column(column) => Some(*column),
            Selected::Count(_) => None,
        });
        columns.collect()
    }

    /// Selects what a field is made of; none if no column of its table holds it.
    fn source(&mut self, field: &Field) -> Option<Source> {
        if field.derived {
            return None;
        }
        Some(match (&field.storage, &field.kind) {
            (Storage::Detail, _) => {
                if self.details.is_none() {
                    self.details = Some(self.select("details".into(), ColumnType::Json));
                }
                Source::Detail
            }
            (_, FieldType::Count(counted)) => {
                self.selected.push(Selected::Count(*counted));
                self.types.push(ColumnType::Integer);
                Source::Cell(self.types.len() - 1)
            }
            (_, FieldType::Money) => {
                let column = Column::of(field)?;
                let amount = self.select(column, ColumnType::Integer);
                let currency = self.select(column.currency(), ColumnType::Text);
                Source::Money(amount, currency)
            }
            (_, FieldType::Custom) => Source::Custom(self.select("custom".into(), ColumnType::Json)),
            (_, kind) => Source::Cell(self.select(Column::of(field)?, column_type(kind))),
        })
    }

    fn select(&mut self, column: Column, kind: ColumnType) -> usize {
        self.selected.push(Selected::Column(column));
        self.types.push(kind);
        self.types.len() - 1
    }

    /// Which cell holds a field kept in a column of its own, if it is selected.
    fn position(&self, name: &str) -> Option<usize> {
        match self.outputs.iter().find(|output| output.name == name)?.source {
            Source::Cell(position) => Some(position),
            Source::Money(..) | Source::Detail | Source::Custom(_) => None,
        }
    }

    /// The version of a row; 0 if it was not selected.
    pub(crate) fn version(&self, cells: &[CellRef<'_>]) -> i64 {
        match self.position(recurring::VERSION.name()).map(|position| cells[position]) {
            Some(CellRef::Integer(version)) => version,
            _ => 0,
        }
    }

    /// The fields of an answer with what each shows of a row: the one place that knows, for JSON and for values alike.
    fn shown<'a>(&'a self, cells: &'a [CellRef<'a>], whole: bool) -> impl Iterator<Item = (&'a Output, Shown<'a>)> {
        let details = self.details.map(|position| Members::read(cells[position])).unwrap_or_default();
        self.outputs.iter().filter(move |output| whole || output.shown).map(move |output| {
            let shown = match output.source {
                Source::Cell(position) => Shown::Cell(cells[position]),
                Source::Money(amount, currency) => match (cells[amount], cells[currency]) {
                    (CellRef::Integer(amount), CellRef::Text(currency)) => Shown::Money { amount, currency },
                    _ => Shown::Cell(CellRef::Null),
                },
                Source::Detail => {
                    Shown::Cell(details.get(&output.name).map_or(CellRef::Null, |value| CellRef::Json(value.get())))
                }
                Source::Custom(position) => Shown::Custom(self.custom_members(cells[position])),
            };
            (output, shown)
        })
    }

    /// The custom fields of a row by their present names; those retired stay behind.
    fn custom_members<'a>(&'a self, cell: CellRef<'a>) -> Vec<(&'a str, &'a RawValue)> {
        if self.custom.is_empty() {
            return Vec::new();
        }
        let members = Members::read(cell);
        let member = |field: &'a Field| match &field.storage {
            Storage::Custom { key } => Some((field.name.as_ref(), members.get(key)?)),
            Storage::Column | Storage::Detail | Storage::Computed => None,
        };
        self.custom.iter().filter_map(member).collect()
    }

    /// Writes what is shown of a row as JSON. Lists are what servers do most: stored JSON goes out as it is, names are ready-made.
    pub(crate) fn write_json(
        &self,
        cells: &[CellRef<'_>],
        expanded: &[(String, Value)],
        out: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        out.push(b'{');
        for (output, shown) in self.shown(cells, false) {
            out.extend_from_slice(output.key.as_bytes());
            match shown {
                Shown::Cell(cell) => cell.write_json(out)?,
                Shown::Money { amount, currency } => serde_json::to_writer(&mut *out, &StoredMoney { amount, currency })?,
                Shown::Custom(members) => {
                    out.push(b'{');
                    for (name, value) in members {
                        write_text(name, out)?;
                        out.push(b':');
                        out.extend_from_slice(value.get().as_bytes());
                        out.push(b',');
                    }
                    end_object(out);
                }
            }
            out.push(b',');
        }
        for (name, value) in expanded {
            write_text(name, out)?;
            out.push(b':');
            serde_json::to_writer(&mut *out, value)?;
            out.push(b',');
        }
        end_object(out);
        Ok(())
    }

    /// The members of a row that are shown.
    fn to_members(&self, cells: &[CellRef<'_>]) -> Result<Map<String, Value>, StoreError> {
        let mut map = Map::new();
        for (output, shown) in self.shown(cells, false) {
            let value = match shown {
                Shown::Cell(cell) => cell.to_value()?,
                Shown::Money { amount, currency } => serde_json::to_value(StoredMoney { amount, currency })?,
                Shown::Custom(members) => custom_value(members)?,
            };
            map.insert(output.name.clone(), value);
        }
        Ok(map)
    }

    /// The record that a row makes, with what was read for other ends as well.
    pub(crate) fn to_record(&self, cells: &[CellRef<'_>]) -> Result<Record, StoreError> {
        let object = self.schema.object;
        let mut record = Record::unread(object);
        for (output, shown) in self.shown(cells, true) {
            let field = &object.fields[output.position];
            let cell = match shown {
                Shown::Cell(cell) => cell.of_field(field)?,
                Shown::Money { amount, currency } => {
                    let currency = currency.parse().map_err(|_| misfit(field))?;
                    record_cell::Cell::Money(Money { amount, currency })
                }
                Shown::Custom(members) => record_cell::Cell::Json(custom_value(members)?),
            };
            record.put(field, cell);
        }
        Ok(record)
    }
}

fn custom_value(members: Vec<(&str, &RawValue)>) -> Result<Value, StoreError> {
    let value = |(name, value): (&str, &RawValue)| Ok((name.to_owned(), serde_json::from_str(value.get())?));
    Ok(Value::Object(members.into_iter().map(value).collect::<Result<_, StoreError>>()?))
}

/// The type of a field's value where it is read by itself: members of JSON are as JSON writes them.
#[must_use]
pub fn scalar_type(field: &Field) -> ColumnType {
    let kind = column_type(&field.kind);
    match (&field.storage, kind) {
        (Storage::Column | Storage::Computed, kind)
        | (_, kind @ (ColumnType::Integer | ColumnType::Double | ColumnType::Boolean)) => kind,
        (Storage::Detail | Storage::Custom { .. }, _) => ColumnType::Text,
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

    pub(crate) fn of(layout: &Arc<Layout>, cells: &[CellRef<'_>]) -> Row {
        Row::new(layout, cells.iter().map(|cell| cell.to_cell()).collect())
    }

    #[must_use]
    pub fn id(&self) -> Id {
        self.cell(recurring::ID.name()).and_then(Cell::as_id).unwrap_or(Id::NIL)
    }

    #[must_use]
    pub fn version(&self) -> i64 {
        self.cell(recurring::VERSION.name()).and_then(Cell::as_integer).unwrap_or(0)
    }

    /// The cell of a field kept in a column of its own, if it was selected.
    #[must_use]
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.get(self.layout.position(name)?)
    }

    /// The record with all that was read, as rules, events and cursors see it. A stored value that its field cannot hold is an error.
    pub fn to_record(&self) -> Result<Record, StoreError> {
        self.layout.to_record(&self.borrowed())
    }

    /// What is shown, as a value.
    pub fn to_value(&self) -> Result<Value, StoreError> {
        let mut members = self.layout.to_members(&self.borrowed())?;
        members.extend(self.expanded.iter().cloned());
        Ok(Value::Object(members))
    }

    /// Writes what is shown as JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) -> Result<(), StoreError> {
        self.layout.write_json(&self.borrowed(), &self.expanded, out)
    }

    fn borrowed(&self) -> Vec<CellRef<'_>> {
        self.cells.iter().map(Cell::borrowed).collect()
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
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = Vec::with_capacity(2048);
        self.write_json(&mut json).map_err(serde::ser::Error::custom)?;
        let raw: &RawValue = serde_json::from_slice(&json).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[derive(Serialize)]
struct StoredMoney<'a> {
    amount: i64,
    currency: &'a str,
}

/// The members of a JSON object, each still as it was written.
#[derive(Default)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    fn read(cell: CellRef<'a>) -> Members<'a> {
        cell.json().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
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
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// The name of a member: borrowed unless it is written with escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name<'de>, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Name<'de>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a name")
            }
            fn visit_borrowed_str<E: serde::de::Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Read)
    }
}
