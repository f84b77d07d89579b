//! Which column of a file goes into which field: the mapping, completed by guesses and checked against the field table.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    forms::{DateFormat, Decimal, agreed, date_format_of, decimal_of, is_excel_day, split_of},
    guess,
    mapping::{ColumnMapping, Lookup, Mapping},
    row::Row,
    template::Template,
};
use crate::{
    model::{
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType, Writable},
        object::{Object, Schema},
        recurring, registry,
        structures::{contact_points::PHONES, external_ids::is_system},
    },
    sales::parties,
};

/// The parts of an address that a column can fill.
pub const ADDRESS_PARTS: [&str; 7] = ["country", "region", "city", "district", "street", "postal_code", "kind"];

/// How many rows are samples for guesses.
const SAMPLES: usize = 20;

/// How many items of a list columns can name.
const MAX_ITEMS: usize = 50;

/// Where within its field a column goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Whole,
    /// A member of the address.
    Address(&'static str),
    /// The key in a system.
    External(String),
    /// A member of an item of a list: `stage_history.0.entered_at`.
    Item,
    /// A field of a record that is a part of this one: `line_items.0.product_id`.
    Part(&'static str),
}

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A column, by its place in the file, from 0.
    Column(usize),
    Template(Template),
}

/// One column, checked.
#[derive(Clone, Debug)]
pub struct PlannedColumn {
    pub source: Source,
    pub mapping: ColumnMapping,
    pub field: Field,
    pub place: Place,
    pub lookup: Lookup,
    /// Whether its numbers contradict each other in the sign before their decimals, so that none is taken for what is usual.
    pub mixed: bool,
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

    /// Tells from all rows in which form numbers, dates and lists of numbers are written, where nobody says.
    fn tell_forms(&mut self, rows: &[Row]) {
        let cells: Vec<String> = rows.iter().map(|row| self.typed(row).into_owned()).filter(|cell| !cell.is_empty()).collect();
        match &self.field.kind {
            FieldType::Integer { .. } | FieldType::Decimal | FieldType::Money if self.mapping.decimal.is_none() => {
                let (decimal, mixed) = agreed(cells.iter().map(|cell| decimal_of(cell)));
                self.mixed = mixed;
                // Points before decimals are what is usual: they are said only where commas might be taken for them.
                let in_question = decimal == Some(Decimal::Comma) || cells.iter().any(|cell| cell.contains([',', '，']));
                self.mapping.decimal = decimal.filter(|_| in_question);
            }
            FieldType::Date | FieldType::DateTime if self.mapping.date_format.is_none() => {
                let days = !cells.is_empty() && cells.iter().all(|cell| is_excel_day(cell));
                let format = agreed(cells.iter().map(|cell| date_format_of(cell))).0;
                self.mapping.date_format = if days { Some(DateFormat::Excel) } else { format };
            }
            FieldType::Structure(structure) if structure.name == PHONES.name && self.mapping.split.is_none() => {
                let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
                self.mapping.split = split_of(&cells).map(|sign| format!("{sign};；、|,，\n"));
            }
            _ => {}
        }
    }

    /// What the row says here, as it is written.
    #[must_use]
    pub fn written<'a>(&self, row: &'a Row) -> Cow<'a, str> {
        match &self.source {
            Source::Column(position) => Cow::Borrowed(row.cell(*position)),
            Source::Template(template) => Cow::Owned(template.write(row)),
        }
    }

    /// What is read for it: a value may be mapped to another, also to nothing.
    #[must_use]
    pub fn typed<'a>(&'a self, row: &'a Row) -> Cow<'a, str> {
        let written = self.written(row);
        match self.mapping.values.get(written.as_ref()) {
            Some(value) => Cow::Borrowed(value.trim()),
            None => written,
        }
    }

    /// The beginning of what was written, to show with a fault.
    #[must_use]
    pub fn shown(&self, row: &Row) -> String {
        self.written(row).chars().take(200).collect()
    }

    /// The column that a fault speaks of; none where a text is made of several.
    #[must_use]
    pub fn header(&self) -> Option<String> {
        Some(self.mapping.column.clone()).filter(|column| !column.is_empty())
    }

    /// The item of a list that it is about: `line_items.0`.
    #[must_use]
    pub fn item(&self) -> Option<&str> {
        match self.place {
            Place::Item | Place::Part(_) => {
                let mut cuts = self.path().match_indices('.').map(|(cut, _)| cut);
                cuts.nth(1).and_then(|cut| self.path().get(..cut))
            }
            Place::Whole | Place::Address(_) | Place::External(_) => None,
        }
    }

    /// Whether it says the same of every row.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(&self.source, Source::Template(template) if template.is_constant())
    }

    /// Whether it holds texts that may be nothing but digits: keys, phone numbers, names of records.
    #[must_use]
    pub fn is_digits(&self) -> bool {
        match &self.field.kind {
            FieldType::Text { .. }
            | FieldType::Phone
            | FieldType::SocialCreditCode
            | FieldType::Reference(_)
            | FieldType::References(_)
            | FieldType::Structure(_) => true,
            _ => matches!(self.place, Place::External(_)),
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
        rows: &[Row],
        schema: &Schema,
        writes: &dyn Fn(&Field) -> bool,
    ) -> Result<(Plan, Mapping), Faults> {
        let mut faults = Faults::default();
        for (position, said) in mapping.columns.iter().enumerate() {
            let pointer = |member: &str| format!("/mapping/columns/{position}/{member}");
            match (&said.value, said.column.is_empty()) {
                (Some(_), false) => faults.add(Fault::new(pointer("value"), FaultCode::Conflicting).with("other", "column")),
                (None, true) => faults.add(Fault::new(pointer("column"), FaultCode::Required)),
                (None, false) if !header.contains(&said.column) => {
                    let known = header.iter().map(String::as_str);
                    faults.add(unknown(pointer("column"), FaultCode::UnknownMember, &said.column, known));
                }
                (Some(_), true) | (None, false) => {}
            }
        }
        let mut whole = guess::complete(mapping, header, rows.get(..SAMPLES).unwrap_or(rows), schema, writes);
        let mut plan = Plan { columns: Vec::new(), width: header.len() };
        for position in 0..whole.columns.len() {
            let column = &whole.columns[position];
            let said = mapping.columns.iter().position(|said| said == column).unwrap_or(position);
            let planned = planned(column, &whole, header, schema).map(|planned| {
                let mut planned = planned?;
                planned.tell_forms(rows);
                whole.columns[position] = planned.mapping.clone();
                Some(planned)
            });
            match planned {
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
        faults.into_result((plan, whole))
    }

    /// A file of which nothing goes anywhere cannot be imported.
    pub fn check(&self) -> Result<(), Fault> {
        if self.columns.is_empty() { Err(Fault::new("/mapping", FaultCode::Required)) } else { Ok(()) }
    }

    /// The column that fills a path.
    #[must_use]
    pub fn column(&self, path: &str) -> Option<&PlannedColumn> {
        self.columns.iter().find(|column| column.path() == path)
    }

    /// The column that a fault of the record speaks of.
    #[must_use]
    pub fn column_of(&self, pointer: &str) -> Option<&PlannedColumn> {
        let segments: Vec<&str> =
            pointer.split('/').filter(|segment| !segment.is_empty() && segment.parse::<usize>().is_err()).collect();
        let names = |column: &PlannedColumn| {
            column.path().split('.').filter(|segment| segment.parse::<usize>().is_err()).map(str::to_owned).collect::<Vec<_>>()
        };
        let of = |depth: usize| {
            let path = segments.get(..depth).filter(|path| !path.is_empty())?;
            self.columns.iter().find(|column| names(column) == path)
        };
        of(2).or_else(|| of(1)).or_else(|| {
            self.columns
                .iter()
                .find(|column| segments.first().is_some_and(|first| names(column).first().is_some_and(|name| name == first)))
        })
    }

    /// The parts of the record that columns go into: each relation, with the object it leads to.
    #[must_use]
    pub fn parts(&self, object: &Object) -> Vec<(String, &'static Object)> {
        let mut parts: Vec<(String, &'static Object)> = Vec::new();
        for column in &self.columns {
            let Place::Part(target) = column.place else { continue };
            let relation = column.path().split('.').next().unwrap_or_default();
            let known = parts.iter().any(|(name, _)| name == relation) || object.relation(relation).is_none();
            if let Some(target) = registry::object(target).filter(|_| !known) {
                parts.push((relation.to_owned(), target));
            }
        }
        parts
    }
}

/// Whether several columns may go into the same field.
fn takes_several(column: &PlannedColumn) -> bool {
    column.place == Place::Whole && !column.field.kind.is_scalar()
}

fn planned(mapping: &ColumnMapping, whole: &Mapping, header: &[String], schema: &Schema) -> Result<Option<PlannedColumn>, Fault> {
    let Some(path) = &mapping.field else { return Ok(None) };
    let Some((field, place)) = resolve(path, schema) else {
        let known = paths(schema);
        return Err(unknown("/field".to_owned(), FaultCode::UnknownMember, path, known.iter().map(String::as_str)));
    };
    let source = match &mapping.value {
        None => Source::Column(header.iter().position(|name| *name == mapping.column).unwrap_or(usize::MAX)),
        Some(text) => {
            let values = |name: &str| {
                let said = whole.columns.iter().filter(|said| said.column == name);
                said.flat_map(|said| said.values.clone()).collect::<BTreeMap<_, _>>()
            };
            Source::Template(Template::read(text, header, &values).map_err(|fault| fault.under("/value"))?)
        }
    };
    let mut column = PlannedColumn { source, mapping: mapping.clone(), field, place, lookup: Lookup::Auto, mixed: false };
    if let Some(lookup) = &mapping.lookup {
        let target = column
            .target()
            .and_then(registry::object)
            .ok_or_else(|| Fault::new("/lookup", FaultCode::Conflicting).with("other", path))?;
        let target = Schema { object: target, custom: std::sync::Arc::from([]) };
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
pub fn resolve(path: &str, schema: &Schema) -> Option<(Field, Place)> {
    let writable = |name: &str| schema.field(name).filter(|field| field.writable != Writable::Never).cloned();
    match path.split_once('.') {
        Some((name, part)) if name == recurring::ADDRESSES.name() => {
            let part = ADDRESS_PARTS.into_iter().find(|known| *known == part)?;
            return Some((writable(name)?, Place::Address(part)));
        }
        Some((name, system)) if name == recurring::EXTERNAL_IDS.name() => {
            return is_system(system).then_some((writable(name)?, Place::External(system.to_owned())));
        }
        Some(_) | None => {}
    }
    if let [list, position, member] = path.splitn(3, '.').collect::<Vec<_>>().as_slice() {
        position.parse::<usize>().ok().filter(|position| *position < MAX_ITEMS)?;
        return item(list, member, schema, writable(list));
    }
    let field = writable(path)?;
    let fits = match &field.kind {
        FieldType::Structure(structure) => matches!(structure.name, "emails" | "phones" | "contact_customers"),
        kind => kind.is_scalar() || kind.is_list(),
    };
    fits.then_some((field, Place::Whole))
}

/// A member of an item of a list, or a field of a record that is a part of this one.
fn item(list: &str, member: &str, schema: &Schema, field: Option<Field>) -> Option<(Field, Place)> {
    if let Some(FieldType::Structure(structure)) = field.map(|field| field.kind) {
        let members = parties::item_members(structure.name)?;
        return members.iter().find(|field| field.name == member).map(|field| (field.clone(), Place::Item));
    }
    let target = schema.object.relation(list).and_then(|relation| registry::object(relation.target))?;
    target.parent.filter(|parent| parent.object == schema.object.name && parent.field != member)?;
    let whole = Schema { object: target, custom: std::sync::Arc::from([]) };
    match resolve(member, &whole)? {
        (field, Place::Whole) => Some((field, Place::Part(target.name))),
        (_, Place::Address(_) | Place::External(_) | Place::Item | Place::Part(_)) => None,
    }
}

/// Every path that a column can go to.
#[must_use]
pub fn paths(schema: &Schema) -> Vec<String> {
    let mut paths: Vec<String> = schema.paths().into_iter().filter(|path| resolve(path, schema).is_some()).collect();
    paths.extend(ADDRESS_PARTS.iter().map(|part| format!("addresses.{part}")).filter(|path| resolve(path, schema).is_some()));
    paths
}
