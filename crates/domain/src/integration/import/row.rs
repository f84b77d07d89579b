//! One row: its cells become members of the body that creates or patches a record, and references still to be looked up.

use serde_json::{Map, Value, json};

use super::{
    cell,
    forms::{Told, decimal_of},
    mapping::{Lookup, Strictness},
    plan::{Place, Plan, PlannedColumn},
};
use crate::{
    model::{
        fault::{Fault, FaultCode},
        field::{Choice, FieldType},
        value::Standards,
    },
    values::{
        country::find_country,
        id::Id,
        text::{clean_line, fold},
    },
};

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Counted from the header, which is row 1.
    pub number: i64,
    pub cells: Vec<String>,
}

impl Row {
    /// A cell without the blanks around it; nothing where the row is short.
    #[must_use]
    pub fn cell(&self, position: usize) -> &str {
        self.cells.get(position).map_or("", |cell| cell.trim())
    }
}

/// What is wrong in a row, and with which cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFault {
    pub column: Option<String>,
    pub typed: Option<String>,
    /// Its pointer leads into the record.
    pub fault: Fault,
}

/// How ids found go into the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// The field is one id.
    One,
    /// The field is a list of ids.
    Many,
    /// The field is a list of objects with a member `customer_id`.
    Link(&'static str),
}

/// A record that a cell names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub path: String,
    pub object: String,
    pub lookup: Lookup,
    /// The content of the cell.
    pub named: String,
    pub column: Option<String>,
    pub wants: Wants,
    /// What becomes of the row if there is no such record.
    pub if_unknown: Strictness,
}

/// A row as read.
#[derive(Clone, Debug, Default)]
pub struct RowRead {
    pub body: Map<String, Value>,
    pub wanted: Vec<Wanted>,
    pub faults: Vec<CellFault>,
    /// What is to be told of the row, but does not stop it.
    pub warnings: Vec<CellFault>,
}

impl RowRead {
    /// Closes the gaps that items without values leave in lists.
    pub fn close_gaps(&mut self) {
        for list in self.body.values_mut().filter_map(Value::as_array_mut) {
            list.retain(|item| item.as_object().is_none_or(|members| !members.is_empty()));
        }
    }

    /// Puts the id that was found for a reference into the body.
    pub fn found(&mut self, wanted: &Wanted, id: Id) {
        let id = Value::from(id.to_string());
        match wanted.wants {
            Wants::One => set(&mut self.body, &wanted.path, id),
            Wants::Many => push(&mut self.body, &wanted.path, id),
            Wants::Link(member) => push(&mut self.body, &wanted.path, json!({member: id})),
        }
    }
}

/// The place of a path in a body: `name`, `custom.tier`, `stage_history.0.entered_at`.
fn slot<'a>(body: &'a mut Map<String, Value>, path: &str) -> &'a mut Value {
    let mut segments = path.split('.');
    let mut slot = body.entry(segments.next().unwrap_or_default()).or_insert(Value::Null);
    for segment in segments {
        match segment.parse::<usize>() {
            Ok(_) if !slot.is_array() => *slot = Value::Array(Vec::new()),
            Err(_) if !slot.is_object() => *slot = Value::Object(Map::new()),
            Ok(_) | Err(_) => {}
        }
        slot = match (slot, segment.parse::<usize>()) {
            (Value::Array(items), Ok(position)) => {
                while items.len() <= position {
                    items.push(Value::Object(Map::new()));
                }
                &mut items[position]
            }
            (Value::Object(members), Err(_)) => members.entry(segment).or_insert(Value::Null),
            (other, Ok(_) | Err(_)) => other,
        };
    }
    slot
}

/// Puts a value at a path.
pub fn set(body: &mut Map<String, Value>, path: &str, value: Value) {
    *slot(body, path) = value;
}

/// Adds a value to the list at a path, unless it is there.
fn push(body: &mut Map<String, Value>, path: &str, value: Value) {
    let slot = slot(body, path);
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    if let Some(items) = slot.as_array_mut()
        && !items.contains(&value)
    {
        items.push(value);
    }
}

impl Plan {
    /// Reads a row. Blank cells are absent: they clear nothing.
    #[must_use]
    pub fn read(&self, row: &Row, standards: &Standards<'_>) -> RowRead {
        let mut read = RowRead::default();
        if row.cells.len() > self.width {
            let fault = Fault::new("", FaultCode::TooMany).with("max", self.width);
            read.faults.push(CellFault { column: None, typed: None, fault });
        }
        for column in self.columns.iter().filter(|column| self.is_given(column, row)) {
            let typed = column.typed(row);
            let told = |fault: Fault| CellFault {
                column: column.header(),
                typed: Some(column.shown(row)),
                fault: fault.under(&format!("/{}", column.path().replace('.', "/"))),
            };
            if typed.trim().is_empty() {
                match column.mapping.if_blank.unwrap_or_default() {
                    Strictness::Accept => {}
                    Strictness::Warn => read.warnings.push(told(Fault::new("", FaultCode::LeftBlank))),
                    Strictness::Refuse => read.faults.push(told(Fault::new("", FaultCode::Required))),
                }
                continue;
            }
            if let Err(fault) = read_cell(column, &typed, standards, &mut read) {
                read.faults.push(told(fault));
            }
        }
        read
    }

    /// A constant of an item of a list says nothing in a row that says nothing else of the item.
    fn is_given(&self, column: &PlannedColumn, row: &Row) -> bool {
        let Some(item) = column.item().filter(|_| column.is_constant()) else { return true };
        let mut told = self.columns.iter().filter(|other| other.item() == Some(item) && !other.is_constant()).peekable();
        told.peek().is_none() || told.any(|other| !other.typed(row).trim().is_empty())
    }
}

fn read_cell(column: &PlannedColumn, typed: &str, standards: &Standards<'_>, read: &mut RowRead) -> Result<(), Fault> {
    let path = column.path();
    let wrong = |code| Fault::new("", code);
    let expected = |what: &'static str| Fault::new("", FaultCode::WrongType).with("expected", what);
    let multiplier = column.mapping.multiplier.unwrap_or(1);
    let (decimal, format, split) = (column.mapping.decimal, column.mapping.date_format, column.mapping.split.as_deref());
    if column.is_digits() && cell::is_shortened(typed) {
        return Err(wrong(FaultCode::PrecisionLost));
    }
    let mut want = |named: &str, object: &str, wants: Wants| {
        read.wanted.push(Wanted {
            path: path.to_owned(),
            object: object.to_owned(),
            lookup: column.lookup.clone(),
            named: clean_line(named),
            column: column.header(),
            wants,
            if_unknown: column.mapping.if_unknown.unwrap_or(Strictness::Refuse),
        });
    };
    match (&column.place, &column.field.kind) {
        (Place::Address(part), _) => {
            let value = match *part {
                "country" => find_country(typed).ok_or_else(|| wrong(FaultCode::UnknownCountry))?.to_owned(),
                _ => typed.to_owned(),
            };
            let addresses = read.body.entry(column.field.name.as_ref()).or_insert_with(|| json!([{}]));
            addresses[0][*part] = value.into();
        }
        (Place::External(system), _) => set(&mut read.body, &format!("{}.{system}", column.field.name), typed.into()),
        (Place::Whole | Place::Item | Place::Part(_), kind) => match kind {
            FieldType::Reference(object) => want(typed, object, Wants::One),
            FieldType::References(link) => {
                for part in cell::split_list(typed, split) {
                    want(part, link.target, Wants::Many);
                }
            }
            FieldType::Structure(structure) => match structure.link {
                Some(link) => {
                    for part in cell::split_list(typed, split) {
                        want(part, link.target, Wants::Link(link.to));
                    }
                }
                None => {
                    for part in cell::split_contacts(typed, split) {
                        let mut point = json!({"value": part});
                        if let Some(label) = &column.mapping.label {
                            point["label"] = label.as_str().into();
                        }
                        push(&mut read.body, path, point);
                    }
                }
            },
            FieldType::Texts { .. } => {
                let written = cell::written_texts(typed);
                let parts = written.unwrap_or_else(|| cell::split_list(typed, split).into_iter().map(str::to_owned).collect());
                for part in parts {
                    push(&mut read.body, path, part.into());
                }
            }
            FieldType::MultiChoice(choices) => {
                for part in cell::split_list(typed, split) {
                    push(&mut read.body, path, choice(choices, part).into());
                }
            }
            FieldType::Choice(choices) => set(&mut read.body, path, choice(choices, typed).into()),
            FieldType::Integer { .. } => {
                let number = cell::integer(typed, multiplier, decimal).map_err(|unread| number_fault(unread, "an integer"))?;
                set(&mut read.body, path, number.into());
            }
            FieldType::Decimal => {
                let number = cell::number(typed, multiplier, decimal).map_err(|unread| number_fault(unread, "a number"))?;
                set(&mut read.body, path, number.into());
            }
            FieldType::Money => {
                let currency = column.mapping.currency.or_else(|| cell::named_currency(typed)).unwrap_or(standards.currency);
                if column.mixed && decimal_of(typed) == Told::Either {
                    let plain = cell::number(typed, multiplier, None).err().unwrap_or(cell::Unread::Not);
                    return Err(number_fault(plain, "an amount"));
                }
                let money = cell::money(typed, multiplier, currency, decimal).map_err(|error| match error {
                    cell::NoMoney::Wrong(error) => Fault::new("", FaultCode::Malformed).with("reason", error),
                    cell::NoMoney::Either(one, other) => number_fault(cell::Unread::Either(one, other), "an amount"),
                })?;
                set(&mut read.body, path, json!({"amount": money.amount, "currency": money.currency.code()}));
            }
            FieldType::Boolean => {
                let flag = cell::boolean(typed).ok_or_else(|| expected("true or false"))?;
                set(&mut read.body, path, flag.into());
            }
            FieldType::Date => {
                let date = cell::date(typed, format).map_err(|unread| date_fault(unread, FaultCode::InvalidDate))?;
                set(&mut read.body, path, date.to_string().into());
            }
            FieldType::DateTime => {
                let time =
                    cell::datetime(typed, standards.zone, format).map_err(|unread| date_fault(unread, FaultCode::InvalidTime))?;
                set(&mut read.body, path, time.to_string().into());
            }
            FieldType::Country => {
                let code = find_country(typed).ok_or_else(|| wrong(FaultCode::UnknownCountry))?;
                set(&mut read.body, path, code.into());
            }
            FieldType::Id
            | FieldType::Text { .. }
            | FieldType::LongText { .. }
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Url
            | FieldType::LanguageTag
            | FieldType::TimeZone
            | FieldType::SocialCreditCode => set(&mut read.body, path, typed.into()),
            FieldType::Custom | FieldType::Count(_) => {}
        },
    }
    Ok(())
}

/// What is wrong with a number.
fn number_fault(unread: cell::Unread, expected: &'static str) -> Fault {
    match unread {
        cell::Unread::Not => Fault::new("", FaultCode::WrongType).with("expected", expected),
        cell::Unread::Either(one, other) => Fault::new("", FaultCode::AmbiguousNumber).with("one", one).with("other", other),
    }
}

/// What is wrong with a date or time.
fn date_fault(unread: cell::Unread, code: FaultCode) -> Fault {
    match unread {
        cell::Unread::Not => Fault::new("", code),
        cell::Unread::Either(one, other) => Fault::new("", FaultCode::AmbiguousDate).with("one", one).with("other", other),
    }
}

/// A choice by its value or either label; what is none of them stays as it is, and is refused with the record.
fn choice(choices: &[Choice], typed: &str) -> String {
    let wanted = fold(typed.trim());
    let meant = choices
        .iter()
        .filter(|choice| !choice.retired)
        .find(|choice| [&choice.value, &choice.label.en, &choice.label.zh].iter().any(|name| fold(name) == wanted));
    meant.map_or_else(|| typed.trim().to_owned(), |choice| choice.value.to_string())
}
