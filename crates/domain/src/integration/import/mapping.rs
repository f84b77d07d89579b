//! Which column of a file goes into which field, as a client says it and as it is checked against the field table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{guess, row::Row};
use crate::{
    fault::{Fault, FaultCode, Faults, unknown},
    field::{Field, FieldType, Writable},
    money::Currency,
    object::Shape,
    registry,
    value::external_ids::is_system,
};

/// The parts of an address that a column can fill.
pub const ADDRESS_PARTS: [&str; 7] = ["country", "region", "city", "district", "street", "postal_code", "kind"];

/// What a client says of the columns; those it does not name are guessed from their headers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[serde(default)]
    pub columns: Vec<ColumnMapping>,
}

/// What a client says of one column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMapping {
    /// The header of the column.
    pub column: String,
    /// Where it goes; none leaves it out.
    #[serde(default)]
    pub field: Option<String>,
    /// Cells that are read as something else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// What a number is multiplied by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiplier: Option<i64>,
    /// The currency of amounts; the tenant's, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// How a reference names its record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<String>,
    /// The label of e-mail addresses and phone numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Mapping {
    /// Reads a mapping; the reason, if it is none.
    pub fn read(value: &Value) -> Result<Mapping, String> {
        Mapping::deserialize(value).map_err(|error| error.to_string())
    }
}

/// How a cell names the record that it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Told from the cell: an id, an e-mail address, else the name.
    Auto,
    Id,
    /// By a field of the record.
    Field(String),
    /// By its key in another system.
    External(String),
}

impl Lookup {
    /// Reads `id`, `name`, `ext:sap`; `email` also stands for a list of e-mail addresses.
    #[must_use]
    pub fn read(text: &str, shape: &Shape) -> Option<Lookup> {
        if text == "id" {
            return Some(Lookup::Id);
        }
        if let Some(system) = text.strip_prefix("ext:") {
            return (is_system(system) && shape.object.has("external_ids")).then(|| Lookup::External(system.to_owned()));
        }
        let plural = format!("{text}s");
        let path = [text, plural.as_str()]
            .into_iter()
            .find(|path| shape.field(path).is_some_and(|field| field.filterable && finds(field)))?;
        Some(Lookup::Field(path.to_owned()))
    }
}

/// Whether records can be found by a value of a field.
fn finds(field: &Field) -> bool {
    match &field.kind {
        FieldType::Text { .. }
        | FieldType::Integer { .. }
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::SocialCreditCode => true,
        FieldType::Structure(structure) => matches!(structure.name, "emails" | "phones"),
        FieldType::Id
        | FieldType::LongText { .. }
        | FieldType::Decimal
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
        | FieldType::Texts { .. }
        | FieldType::Custom
        | FieldType::Count(_) => false,
    }
}

/// Where within its field a column goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Whole,
    /// A member of the address.
    Address(&'static str),
    /// The key in a system.
    External(String),
}

/// One column, checked.
#[derive(Clone, Debug)]
pub struct PlannedColumn {
    /// Its place in the file, from 0.
    pub position: usize,
    pub mapping: ColumnMapping,
    pub field: Field,
    pub place: Place,
    pub lookup: Lookup,
}

impl PlannedColumn {
    /// The object that the column refers to, if it does.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        match &self.field.kind {
            FieldType::Reference(object) => Some(object),
            FieldType::References(link) => Some(link.target),
            FieldType::Structure(structure) => structure.link.map(|link| link.target),
            _ => None,
        }
    }

    /// The path that the mapping names.
    #[must_use]
    pub fn path(&self) -> &str {
        self.mapping.field.as_deref().unwrap_or_default()
    }
}

/// All columns of a file that go anywhere.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub columns: Vec<PlannedColumn>,
    /// How many columns the file has.
    pub width: usize,
}

impl Plan {
    /// Completes a mapping by guesses and checks it. Answers the plan and the whole mapping, a line for each column.
    pub fn make(
        mapping: &Mapping,
        header: &[String],
        samples: &[Row],
        shape: &Shape,
        writes: &dyn Fn(&Field) -> bool,
    ) -> Result<(Plan, Mapping), Faults> {
        let mut faults = Faults::default();
        for (position, said) in mapping.columns.iter().enumerate() {
            let pointer = format!("/mapping/columns/{position}/column");
            if !header.contains(&said.column) {
                faults.add(unknown(pointer, FaultCode::UnknownMember, &said.column, header.iter().map(String::as_str)));
            } else if mapping.columns.iter().take(position).any(|earlier| earlier.column == said.column) {
                faults.add(Fault::new(pointer, FaultCode::Repeated));
            }
        }
        let whole = guess::complete(mapping, header, samples, shape, writes);
        let mut plan = Plan { columns: Vec::new(), width: header.len() };
        for (position, column) in whole.columns.iter().enumerate() {
            let said = mapping.columns.iter().position(|said| said.column == column.column).unwrap_or(position);
            match planned(position, column, shape) {
                Ok(None) => {}
                Ok(Some(planned))
                    if takes_several(&planned) || plan.columns.iter().all(|other| other.path() != planned.path()) =>
                {
                    plan.columns.push(planned);
                }
                Ok(Some(_)) => faults.add(Fault::new(format!("/mapping/columns/{said}/field"), FaultCode::Repeated)),
                Err(fault) => faults.add(fault.under(&format!("/mapping/columns/{said}"))),
            }
        }
        if plan.columns.is_empty() && faults.is_empty() {
            faults.add(Fault::new("/mapping", FaultCode::Required));
        }
        faults.into_result((plan, whole))
    }

    /// The column that fills a path.
    #[must_use]
    pub fn column(&self, path: &str) -> Option<&PlannedColumn> {
        self.columns.iter().find(|column| column.path() == path)
    }

    /// The name of the column that a fault of the record speaks of, and its cell.
    #[must_use]
    pub fn column_of(&self, pointer: &str) -> Option<&PlannedColumn> {
        let segments: Vec<&str> =
            pointer.split('/').filter(|segment| !segment.is_empty() && segment.parse::<usize>().is_err()).collect();
        let of = |depth: usize| segments.get(..depth).and_then(|path| self.column(&path.join(".")));
        of(2)
            .or_else(|| of(1))
            .or_else(|| self.columns.iter().find(|column| segments.first() == Some(&column.field.name.as_ref())))
    }
}

/// Whether several columns may go into the same field.
fn takes_several(column: &PlannedColumn) -> bool {
    column.place == Place::Whole && !column.field.kind.is_scalar()
}

fn planned(position: usize, mapping: &ColumnMapping, shape: &Shape) -> Result<Option<PlannedColumn>, Fault> {
    let Some(path) = &mapping.field else { return Ok(None) };
    let Some((field, place)) = resolve(path, shape) else {
        let known = paths(shape);
        return Err(unknown("/field".to_owned(), FaultCode::UnknownMember, path, known.iter().map(String::as_str)));
    };
    let mut column = PlannedColumn { position, mapping: mapping.clone(), field, place, lookup: Lookup::Auto };
    if let Some(lookup) = &mapping.lookup {
        let target = column
            .target()
            .and_then(registry::object)
            .ok_or_else(|| Fault::new("/lookup", FaultCode::Conflicting).with("other", path))?;
        let target = Shape { object: target, custom: std::sync::Arc::from([]) };
        column.lookup = Lookup::read(lookup, &target).ok_or_else(|| {
            Fault::new("/lookup", FaultCode::UnknownChoice).with("choices", "id, name, email, number, ext:SYSTEM")
        })?;
    }
    if mapping.multiplier.is_some_and(|multiplier| multiplier < 1) {
        return Err(Fault::new("/multiplier", FaultCode::TooSmall).with("min", 1));
    }
    Ok(Some(column))
}

/// The field of a path, and where within it the path leads.
#[must_use]
pub fn resolve(path: &str, shape: &Shape) -> Option<(Field, Place)> {
    let writable = |name: &str| shape.field(name).filter(|field| field.writable != Writable::Never).cloned();
    if let Some(part) = path.strip_prefix("addresses.") {
        let part = ADDRESS_PARTS.into_iter().find(|known| *known == part)?;
        return Some((writable("addresses")?, Place::Address(part)));
    }
    if let Some(system) = path.strip_prefix("external_ids.") {
        return is_system(system).then_some((writable("external_ids")?, Place::External(system.to_owned())));
    }
    let field = writable(path)?;
    let fits = match &field.kind {
        FieldType::Structure(structure) => matches!(structure.name, "emails" | "phones" | "contact_customers"),
        FieldType::Custom | FieldType::Count(_) => false,
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
        | FieldType::MultiChoice(_)
        | FieldType::Reference(_)
        | FieldType::References(_)
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Country
        | FieldType::LanguageTag
        | FieldType::TimeZone
        | FieldType::SocialCreditCode
        | FieldType::Texts { .. } => true,
    };
    fits.then_some((field, Place::Whole))
}

/// Every path that a column can go to.
#[must_use]
pub fn paths(shape: &Shape) -> Vec<String> {
    let mut paths: Vec<String> = shape.paths().into_iter().filter(|path| resolve(path, shape).is_some()).collect();
    paths.extend(ADDRESS_PARTS.iter().map(|part| format!("addresses.{part}")).filter(|path| resolve(path, shape).is_some()));
    paths
}
