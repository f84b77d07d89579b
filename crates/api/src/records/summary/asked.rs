//! What a summary is asked for: the fields to group by, the figures, the order and how many groups.

use farley_domain::{
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Storage},
        object::Schema,
    },
    query::predicate::{View, path},
    values::{calendar::Span, money::Currency},
};
use farley_persistence::Group;

use super::MAX_GROUPS;

/// How many fields to group by, and for each measure.
const MAX_FIELDS: usize = 4;

/// A field to group by, as it was asked for.
pub struct Asked {
    pub name: String,
    /// The name without the period.
    pub path: String,
    pub span: Option<Span>,
    pub group: Group,
}

/// Reads the names of a list parameter; what is at fault is left out.
pub fn named<T>(given: Option<String>, parameter: &str, faults: &mut Faults, read: impl Fn(&str) -> Result<T, Fault>) -> Vec<T> {
    let given = given.unwrap_or_default();
    let names: Vec<&str> = given.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.len() > MAX_FIELDS {
        faults.add(Fault::new(parameter, FaultCode::TooMany).with("max", MAX_FIELDS));
    }
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for name in names {
        if seen.contains(&name) {
            faults.add(Fault::new(parameter, FaultCode::Repeated));
        }
        seen.push(name);
        match read(name) {
            Ok(item) => found.push(item),
            Err(fault) => faults.add(fault),
        }
    }
    found
}

/// Whether records can be grouped by a field: one short value in each, and with that a filter for the group's list.
#[must_use]
pub fn is_single(field: &Field) -> bool {
    field.kind.is_scalar() && !matches!(field.kind, FieldType::LongText { .. } | FieldType::Money) && field.filterable
}

pub fn asked(schema: &Schema, name: &str, view: &dyn View) -> Result<Asked, Fault> {
    let (path, span) = match name.rsplit_once('.').and_then(|(path, last)| Some((path, Span::from_name(last)?))) {
        Some((path, span)) => (path, Some(span)),
        None => (name, None),
    };
    let expected = "a single-valued field, also of a related record; dates and times with .day, .week, .month, .quarter or .year";
    let wrong = || Fault::new("group_by", FaultCode::WrongType).with("expected", expected);
    let group = group_of(schema, path, view).map_err(|fault| match fault.code {
        FaultCode::UnknownMember | FaultCode::TooDeep => Fault { pointer: "group_by".to_owned(), ..fault },
        _ => wrong(),
    })?;
    let dated = matches!(group.field.kind, FieldType::Date | FieldType::DateTime);
    let summed_up = span.is_some() || group.field.kind != FieldType::DateTime;
    if (span.is_some() && !dated) || !summed_up || group.field.kind == FieldType::Money {
        return Err(wrong());
    }
    Ok(Asked { name: name.to_owned(), path: path.to_owned(), span, group })
}

/// The values of a field, also of a related record, as groups; the pointer of the fault is empty. Only the first of the relations may lead to
/// many records.
pub fn group_of(schema: &Schema, path: &str, view: &dyn View) -> Result<Group, Fault> {
    let found = path::resolve(schema, path, view).map_err(|miss| miss.fault("", FaultCode::UnknownMember, path))?;
    let path::End::Field(field) = found.end else {
        return Err(Fault::new("", FaultCode::WrongType).with("expected", "fields, not relations"));
    };
    let is_one = is_single(&field) || (field.kind == FieldType::Money && field.filterable);
    let through_one = found.steps.iter().skip(1).all(|step| !step.relation.reach.is_to_many());
    if !is_one || !through_one {
        return Err(Fault::new("", FaultCode::WrongType).with("expected", "a single-valued field, also of a related record"));
    }
    Ok(Group { steps: found.steps, field, cut: None })
}

/// What is computed of a field over the records of a group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    Sum,
    Average,
    Least,
    Greatest,
}

impl Figure {
    pub const ALL: [Figure; 4] = [Figure::Sum, Figure::Average, Figure::Least, Figure::Greatest];

    /// The parameter that asks for it.
    pub fn name(self) -> &'static str {
        match self {
            Figure::Sum => "sum",
            Figure::Average => "avg",
            Figure::Least => "min",
            Figure::Greatest => "max",
        }
    }

    /// Whether it is computed of a field: only what has an order has an end, and only numbers add up.
    pub fn fits(self, field: &Field) -> bool {
        let is_stored = !matches!(field.storage, Storage::Computed);
        is_stored
            && match &field.kind {
                FieldType::Money | FieldType::Integer { .. } | FieldType::Decimal => true,
                FieldType::Date | FieldType::DateTime => matches!(self, Figure::Least | Figure::Greatest),
                _ => false,
            }
    }
}

/// A figure of a field that is asked for.
pub struct Wanted {
    pub figure: Figure,
    pub field: Field,
}

impl Wanted {
    /// Whether it has a figure for each currency.
    pub fn is_money(&self) -> bool {
        self.field.kind == FieldType::Money
    }
}

pub fn measured(schema: &Schema, name: &str, figure: Figure, view: &dyn View) -> Result<Field, Fault> {
    let known = |field: &&Field| figure.fits(field);
    path::visible_field(schema, name, view).filter(known).cloned().ok_or_else(|| {
        let names: Vec<String> =
            schema.fields().filter(|field| known(field) && view.sees(schema.object, field)).map(Field::path).collect();
        Fault::new(figure.name(), FaultCode::UnknownChoice).with("choices", names.join(", "))
    })
}

pub fn read_limit(text: &str) -> Result<usize, Fault> {
    let number: usize = text.parse().map_err(|_| Fault::new("limit", FaultCode::WrongType).with("expected", "an integer"))?;
    match number {
        0 => Err(Fault::new("limit", FaultCode::TooSmall).with("min", 1)),
        number if number > MAX_GROUPS => Err(Fault::new("limit", FaultCode::TooLarge).with("max", MAX_GROUPS)),
        number => Ok(number),
    }
}

/// What groups are sorted by: their number of records, or a figure; of money in one currency.
pub struct Order {
    pub descending: bool,
    /// None for the number of records; else the place of the figure and the currency.
    pub by: Option<(usize, Option<String>)>,
}

impl Order {
    pub fn read(text: &str, wanted: &[Wanted]) -> Result<Order, Fault> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        if name == "count" {
            return Ok(Order { descending, by: None });
        }
        let found = wanted.iter().enumerate().find_map(|(place, wanted)| {
            let rest = name.strip_prefix(wanted.figure.name())?.strip_prefix('.')?.strip_prefix(wanted.field.path().as_str())?;
            match (rest.strip_prefix('.'), wanted.field.kind == FieldType::Money) {
                (None, false) if rest.is_empty() => Some((place, None)),
                (Some(code), true) => code.parse::<Currency>().ok().map(|currency| (place, Some(currency.code().to_owned()))),
                _ => None,
            }
        });
        let names = || {
            let names = wanted.iter().map(|wanted| {
                let currency = if wanted.field.kind == FieldType::Money { ".CNY" } else { "" };
                format!("{}.{}{currency}", wanted.figure.name(), wanted.field.path())
            });
            std::iter::once("count".to_owned()).chain(names).collect::<Vec<_>>().join(", ")
        };
        let by = found.ok_or_else(|| Fault::new("sort", FaultCode::UnknownChoice).with("choices", names()))?;
        Ok(Order { descending, by: Some(by) })
    }
}
