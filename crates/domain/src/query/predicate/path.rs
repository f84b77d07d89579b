//! Names in filters: fields (`status`, `custom.tier`), relations (`contacts`) and fields across relations
//! (`customer.region`). What the asker may not see is not there.

use super::{Operand, Predicate, Related, View};
use crate::model::{
    fault::{Fault, FaultCode, unknown},
    field::{Counted, Field, FieldType, Link, Op},
    object::{Object, Reach, Relation, Schema},
};

/// How many relations a dotted name may cross.
pub const MAX_RELATIONS: usize = 3;

/// A relation that the asker may follow, and what they see at its other end.
#[derive(Clone, Debug)]
pub struct Step {
    pub relation: Relation,
    pub schema: Schema,
    /// Which of the related records they may read.
    pub rows: Predicate,
}

impl Step {
    /// True of records that are related to one that meets the predicate, or to none that does.
    #[must_use]
    pub fn related(self, none: bool, predicate: Predicate) -> Predicate {
        Predicate::Related(Related {
            relation: self.relation,
            target: self.schema.object,
            none,
            predicate: Box::new(self.rows.and(predicate)),
        })
    }
}

/// What a name leads to.
#[derive(Clone, Debug)]
pub enum End {
    Field(Field),
    /// A field that counts related records, and which.
    Count(Field, Related),
    Relation(Step),
}

/// A name, resolved: the relations it crosses and what it ends at.
#[derive(Clone, Debug)]
pub struct Path {
    pub steps: Vec<Step>,
    pub end: End,
}

/// Why a name leads nowhere.
#[derive(Clone, Debug)]
pub enum Miss {
    /// Nothing has this name; these would have been known in its place.
    Unknown { known: Vec<String> },
    /// It crosses more than [`MAX_RELATIONS`].
    TooDeep,
}

impl Miss {
    /// The fault, with the nearest known name; `code` says whether it was a parameter or a member.
    #[must_use]
    pub fn fault(&self, pointer: &str, code: FaultCode, typed: &str) -> Fault {
        match self {
            Miss::Unknown { known } => unknown(pointer.to_owned(), code, typed, known.iter().map(String::as_str)),
            Miss::TooDeep => Fault::new(pointer, FaultCode::TooDeep).with("max", MAX_RELATIONS),
        }
    }
}

/// The object as the asker sees it.
#[must_use]
pub fn shape_of(object: &'static Object, view: &dyn View) -> Schema {
    view.schema(object.name).unwrap_or_else(|| Schema { object, custom: [].into() })
}

/// The field of this path, if the asker may see it.
#[must_use]
pub fn visible_field<'a>(schema: &'a Schema, path: &str, view: &dyn View) -> Option<&'a Field> {
    schema.field(path).filter(|field| view.sees(schema.object, field))
}

/// The field that a path leads to, of the object itself or of a related record, if the asker may see it.
#[must_use]
pub fn field_at(schema: &Schema, path: &str, view: &dyn View) -> Option<Field> {
    if let Some(field) = visible_field(schema, path, view) {
        return Some(field.clone());
    }
    let (relation, rest) = path.split_once('.')?;
    let step = reach(schema.object, schema.object.relation(relation)?, view)?;
    visible_field(&step.schema, rest, view).cloned()
}

/// The paths of all fields that the asker may see.
#[must_use]
pub fn visible_paths(schema: &Schema, view: &dyn View) -> Vec<String> {
    schema.fields().filter(|field| view.sees(schema.object, field)).map(Field::path).collect()
}

/// The relation, if the asker may read records at its other end and see the field that makes it.
#[must_use]
pub fn reach(object: &'static Object, relation: &Relation, view: &dyn View) -> Option<Step> {
    let schema = view.schema(relation.target)?;
    let (holder, field) = match relation.reach {
        Reach::ToOne { field } | Reach::Attached { field, .. } => (object, object.field(field)),
        Reach::Inverse { field } => (schema.object, schema.object.field(field)),
        Reach::Linked { link, holder } => {
            let holder = if holder { object } else { schema.object };
            (holder, holder.fields.iter().find(|field| holds(field, link)))
        }
    };
    if !view.follows(object, relation) || field.is_some_and(|field| !view.sees(holder, field)) {
        return None;
    }
    let rows = view.rows(schema.object)?;
    Some(Step { relation: *relation, schema, rows })
}

/// The records that a field counts, within what the asker may read; none if they cannot know which those are.
#[must_use]
pub fn counted(object: &'static Object, counted: Counted, view: &dyn View) -> Option<Related> {
    let step = reach(object, object.relation(counted.relation)?, view)?;
    let target = step.schema.object;
    let which = match target.open.filter(|_| counted.open) {
        None => Predicate::all(),
        Some((field, values)) => {
            let field = target.field(field).filter(|field| view.sees(target, field))?;
            let operands = values.iter().map(|value| Operand::Text((*value).to_owned()));
            Predicate::test(field, Op::In, Operand::List(operands.collect()))
        }
    };
    Some(Related { relation: step.relation, target, none: false, predicate: Box::new(step.rows.and(which)) })
}

/// Whether the links are what the field holds.
fn holds(field: &Field, link: &Link) -> bool {
    matches!(&field.kind, FieldType::References(held) if *held == link)
        || matches!(&field.kind, FieldType::Structure(structure) if structure.link == Some(link))
}

/// Finds what a name means on records of a schema.
pub fn resolve(schema: &Schema, name: &str, view: &dyn View) -> Result<Path, Miss> {
    let mut steps: Vec<Step> = Vec::new();
    let mut rest = name;
    loop {
        let schema = steps.last().map_or(schema, |step| &step.schema);
        let (head, tail) = rest.split_once('.').map_or((rest, None), |(head, tail)| (head, Some(tail)));
        let step = schema.object.relation(head).and_then(|relation| reach(schema.object, relation, view));
        // A list of links may share its name with the relation it makes, which takes all that the list takes, and filters.
        let field = comparable(schema, rest, view)
            .filter(|field| step.is_none() || field.kind.is_scalar() || matches!(field.kind, FieldType::Count(_)));
        if let Some(field) = field {
            let FieldType::Count(count) = field.kind else { return Ok(Path { steps, end: End::Field(field) }) };
            if let Some(counted) = counted(schema.object, count, view) {
                return Ok(Path { steps, end: End::Count(field, counted) });
            }
        }
        let Some(step) = step else {
            let crossed = &name[..name.len() - rest.len()];
            return Err(Miss::Unknown { known: known_names(schema, crossed, view) });
        };
        if steps.len() == MAX_RELATIONS {
            return Err(Miss::TooDeep);
        }
        match tail {
            None => return Ok(Path { steps, end: End::Relation(step) }),
            Some(tail) => {
                steps.push(step);
                rest = tail;
            }
        }
    }
}

/// A field by its path, or the currency of a field of money.
fn comparable(schema: &Schema, path: &str, view: &dyn View) -> Option<Field> {
    if let Some(field) = visible_field(schema, path, view) {
        return Some(field.clone());
    }
    visible_field(schema, path.strip_suffix(".currency")?, view)?.currency()
}

fn known_names(schema: &Schema, crossed: &str, view: &dyn View) -> Vec<String> {
    let relations = schema.object.relations.iter().filter(|relation| reach(schema.object, relation, view).is_some());
    let mut names = visible_paths(schema, view);
    names.extend(relations.map(|relation| relation.name.to_owned()));
    names.iter().map(|name| format!("{crossed}{name}")).collect()
}
