//! Reads predicates as clients write them: as parameters (`amount_gte=100`) or as JSON (`{"field": "amount", "op": "gte",
//! "value": 100}`).
//!
//! A name that crosses relations (`customer.region=华东`) asks whether *some related live record* fits. What negates, negates all
//! of that: `customer.region_ne=华东` is exactly `not` of it, and `customer.region_null=true` is true unless some related record
//! has a region. So a missing relation is null all along the path. What the asker may not see is refused as if it did not exist.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::operand::days;
pub use super::operand::{Given, operand};
use super::{
    CountTest, MAX_DEPTH, MAX_TESTS, Predicate, Test, View,
    path::{self, End, Miss, Path, Step},
    segment::KnownSegment,
};
use crate::{
    model::{
        fault::{Fault, FaultCode, Faults, pointer_token, unknown},
        field::{Field, FieldType, Op, SearchWeight},
        object::{Object, Schema},
        operand::Operand,
        recurring,
        value::Standards,
    },
    values::{
        search_text,
        time::{Timestamp, parse_date},
    },
};

/// The longest text to search for, in characters.
pub const MAX_QUERY: usize = 200;

/// What relations take in place of the operators of a field.
pub const RELATION_OPERATORS: &[Op] = &[Op::Any, Op::None, Op::Null];

/// Reads filters from the parameters that are left over after a list's own ones.
pub fn from_parameters(object: &'static Object, parameters: &[(String, String)], view: &dyn View) -> Result<Predicate, Faults> {
    from_parameters_beside(object, parameters, &[], ("", None), view)
}

/// As [`from_parameters`]; a mistyped name may also have been meant for one of the list's `own` parameters. A filter that came
/// as JSON, in the parameter named, must hold too.
pub(crate) fn from_parameters_beside(
    object: &'static Object,
    parameters: &[(String, String)],
    own: &[&str],
    (filter_name, filter): (&str, Option<&Value>),
    view: &dyn View,
) -> Result<Predicate, Faults> {
    let schema = path::shape_of(object, view);
    let mut reader = Reader::new(view);
    let mut seen = HashSet::new();
    let mut parts = Vec::new();
    for (name, text) in parameters {
        if seen.insert(name) {
            parts.extend(reader.parameter(&schema, name, text, own));
        } else {
            reader.fault(|| Fault::new(name, FaultCode::DuplicateParameter));
        }
    }
    if let Some(filter) = filter {
        parts.extend(reader.filter(&schema, filter, filter_name, 0));
    }
    reader.faults.into_result(Predicate::And(parts))
}

/// Reads a filter from JSON. Pointers of faults are relative to the filter.
pub fn from_json(object: &'static Object, filter: &Value, view: &dyn View) -> Result<Predicate, Faults> {
    let mut reader = Reader::new(view);
    match reader.filter(&path::shape_of(object, view), filter, "", 0) {
        Some(predicate) => reader.faults.into_result(predicate),
        None => Err(reader.faults),
    }
}

/// Reads the filter of a segment of an object: it is the same for whoever asks, and names no other segment. Pointers of faults are relative
/// to the filter.
pub fn of_segment(object: &'static Object, filter: &Value, view: &dyn View) -> Result<Predicate, Faults> {
    let mut reader = Reader::of_segment(view, 0);
    match reader.filter(&path::shape_of(object, view), filter, "", 0) {
        Some(predicate) => reader.faults.into_result(predicate),
        None => Err(reader.faults),
    }
}

/// Reads the text of a full-text search. The fault's pointer is empty.
pub fn search_query(text: &str) -> Result<search_text::Query, Fault> {
    if text.chars().count() > MAX_QUERY {
        return Err(Fault::new("", FaultCode::TooLong).with("max", MAX_QUERY));
    }
    if text.contains('\0') {
        return Err(Fault::new("", FaultCode::InvalidCharacter));
    }
    Ok(search_text::query_terms(text))
}

/// The search as somebody may make it: the index does not tell fields apart, so that with a searchable field hidden only
/// titles are searched, and with a title hidden nothing is found. Else a search would answer what may not be asked.
#[must_use]
pub fn within_sight(query: search_text::Query, schema: &Schema, view: &dyn View) -> search_text::Query {
    let hidden = schema.fields().filter(|field| !view.sees(schema.object, field)).filter_map(|field| field.searchable);
    match hidden.min_by_key(|weight| *weight != SearchWeight::Title) {
        None => query,
        Some(SearchWeight::Title) => search_text::Query::default(),
        Some(SearchWeight::Body) => search_text::Query { titles_only: true, ..query },
    }
}

/// A filter of a list's parameters as it is written in JSON; none if it is not one.
#[must_use]
pub fn parameter_as_json(object: &'static Object, name: &str, text: &str, view: &dyn View) -> Option<Value> {
    if name == "q" && object.is_searchable() {
        return Some(serde_json::json!({"q": text}));
    }
    if name == crate::query::list::FILTER {
        return crate::query::list::written_filter(text).ok();
    }
    let (path, op, field) = named(&path::shape_of(object, view), name, view).ok()?;
    let kind = match path.end {
        End::Field(field) | End::Count(field, _) => field.kind,
        End::Relation(_) => FieldType::Id,
    };
    let scalar = |text: &str| match &kind {
        FieldType::Integer { .. } | FieldType::Decimal | FieldType::Money | FieldType::Count(_) | FieldType::Boolean => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        FieldType::DateTime if Timestamp::parse(text).is_none() && parse_date(text).is_none() => {
            serde_json::json!({"relative": text})
        }
        FieldType::Date if parse_date(text).is_none() => serde_json::json!({"relative": text}),
        _ => Value::from(text),
    };
    let value = match op {
        Op::Null => Value::Bool(text == "true"),
        op if op.takes_list() => super::operand::split(text).ok()?.iter().map(|item| scalar(item)).collect(),
        _ => scalar(text),
    };
    Some(serde_json::json!({"field": field, "op": op.as_str(), "value": value}))
}

/// What the name of a parameter means: the path, the operator, and the path as it was written. A miss comes with the suffix
/// that was taken for an operator.
fn named<'a>(schema: &Schema, name: &'a str, view: &dyn View) -> Result<(Path, Op, &'a str), (Miss, &'a str)> {
    let suffixed = name.rsplit_once('_').and_then(|(field, suffix)| {
        let op = Op::from_name(suffix).filter(|op| *op != Op::Eq)?;
        Some((field, suffix, op))
    });
    match (path::resolve(schema, name, view), suffixed) {
        (Ok(path), _) => Ok((path, Op::Eq, name)),
        (Err(miss), None) => Err((miss, "")),
        (Err(_), Some((field, suffix, op))) => match path::resolve(schema, field, view) {
            Ok(path) => Ok((path, op, field)),
            Err(miss) => Err((miss, suffix)),
        },
    }
}

/// Where the parts of a comparison stand, for the pointers of its faults.
struct Place {
    field: String,
    op: String,
    value: String,
    /// Whether items of a list have pointers of their own.
    itemised: bool,
}

impl Place {
    fn parameter(name: &str) -> Place {
        Place { field: name.to_owned(), op: name.to_owned(), value: name.to_owned(), itemised: false }
    }

    fn json(pointer: &str) -> Place {
        Place {
            field: format!("{pointer}/field"),
            op: format!("{pointer}/op"),
            value: format!("{pointer}/value"),
            itemised: true,
        }
    }
}

/// Reads on after a fault, so that the client hears of all at once: what is faulty reads as none.
struct Reader<'a> {
    view: &'a dyn View,
    standards: Standards<'a>,
    faults: Faults,
    tests: usize,
    /// Whether it is the filter of a segment that is read.
    is_segment: bool,
}

impl<'a> Reader<'a> {
    fn new(view: &'a dyn View) -> Reader<'a> {
        Reader { view, standards: view.standards(), faults: Faults::default(), tests: 0, is_segment: false }
    }

    fn of_segment(view: &'a dyn View, tests: usize) -> Reader<'a> {
        Reader { standards: view.standards().of_nobody(), tests, is_segment: true, ..Reader::new(view) }
    }

    /// More faults than anyone reads are not even made: each costs a search for the nearest name.
    fn fault(&mut self, fault: impl FnOnce() -> Fault) {
        if !self.faults.is_full() {
            self.faults.add(fault());
        }
    }

    /// Counts one more leaf of the predicate; none when there are too many.
    fn count(&mut self, pointer: &str) -> Option<()> {
        self.tests += 1;
        if self.tests == MAX_TESTS + 1 {
            self.fault(|| Fault::new(pointer, FaultCode::TooMany).with("max", MAX_TESTS));
        }
        (self.tests <= MAX_TESTS).then_some(())
    }

    fn parameter(&mut self, schema: &Schema, name: &str, text: &str, own: &[&str]) -> Option<Predicate> {
        let (path, op, _) = match named(schema, name, self.view) {
            Ok(named) => named,
            Err((miss, suffix)) => {
                self.fault(|| unknown_parameter(miss, name, suffix, own));
                return None;
            }
        };
        self.comparison(schema, path, (op, Given::Text(text)), &Place::parameter(name), 0)
    }

    fn filter(&mut self, schema: &Schema, filter: &Value, pointer: &str, depth: usize) -> Option<Predicate> {
        if depth > MAX_DEPTH {
            self.fault(|| Fault::new(pointer, FaultCode::TooDeep).with("max", MAX_DEPTH));
            return None;
        }
        let Some(members) = filter.as_object() else {
            self.fault(|| Fault::new(pointer, FaultCode::WrongType).with("expected", "an object"));
            return None;
        };
        self.members(schema, members, pointer);
        if let Some(filters) = members.get("and") {
            self.filters(schema, filters, &format!("{pointer}/and"), depth + 1).map(Predicate::And)
        } else if let Some(filters) = members.get("or") {
            self.filters(schema, filters, &format!("{pointer}/or"), depth + 1).map(Predicate::Or)
        } else if let Some(filter) = members.get("not") {
            let negated = self.filter(schema, filter, &format!("{pointer}/not"), depth + 1)?;
            Some(Predicate::Not(Box::new(negated)))
        } else if let Some(text) = members.get("q") {
            self.search(schema, text, &format!("{pointer}/q"))
        } else if let Some(field) = members.get("field") {
            self.field(schema, field, members, pointer, depth)
        } else if members.is_empty() {
            self.count(pointer)?;
            Some(Predicate::all())
        } else {
            None
        }
    }

    /// Finds fault with members that are unknown or do not go together.
    fn members(&mut self, schema: &Schema, members: &Map<String, Value>, pointer: &str) {
        const FORMS: &[&str] = &["and", "or", "not", "q", "field"];
        const KNOWN: &[&str] = &["and", "or", "not", "q", "field", "op", "value"];
        let form = FORMS.iter().copied().find(|form| members.contains_key(*form));
        let mut has_unknown = false;
        for name in members.keys().map(String::as_str) {
            let place = || format!("{pointer}/{}", pointer_token(name));
            if !KNOWN.contains(&name) || (name == "q" && !schema.object.is_searchable()) {
                has_unknown = true;
                let known = KNOWN.iter().copied().filter(|known| *known != name);
                self.fault(|| unknown(place(), FaultCode::UnknownMember, name, known));
            } else if let Some(form) = form
                && form != name
                && (form != "field" || FORMS.contains(&name))
            {
                self.fault(|| Fault::new(place(), FaultCode::Conflicting).with("other", form));
            }
        }
        if form.is_none() && !has_unknown && !members.is_empty() {
            self.fault(|| Fault::new(format!("{pointer}/field"), FaultCode::Required));
        }
    }

    fn filters(&mut self, schema: &Schema, filters: &Value, pointer: &str, depth: usize) -> Option<Vec<Predicate>> {
        let Some(filters) = filters.as_array() else {
            self.fault(|| Fault::new(pointer, FaultCode::WrongType).with("expected", "a list of filters"));
            return None;
        };
        if filters.is_empty() {
            self.count(pointer)?;
        }
        let mut read = Vec::with_capacity(filters.len());
        for (position, filter) in filters.iter().enumerate() {
            read.extend(self.filter(schema, filter, &format!("{pointer}/{position}"), depth));
        }
        Some(read)
    }

    fn search(&mut self, schema: &Schema, text: &Value, pointer: &str) -> Option<Predicate> {
        self.count(pointer)?;
        if !schema.object.is_searchable() {
            return None;
        }
        let Some(text) = text.as_str() else {
            self.fault(|| Fault::new(pointer, FaultCode::WrongType).with("expected", "a text"));
            return None;
        };
        match search_query(text) {
            Ok(query) => Some(Predicate::Matches(within_sight(query, schema, self.view))),
            Err(fault) => {
                self.fault(|| fault.under(pointer));
                None
            }
        }
    }

    fn field(
        &mut self,
        schema: &Schema,
        field: &Value,
        members: &Map<String, Value>,
        pointer: &str,
        depth: usize,
    ) -> Option<Predicate> {
        let place = Place::json(pointer);
        let path = field
            .as_str()
            .ok_or_else(|| Fault::new(&place.field, FaultCode::WrongType).with("expected", "a text"))
            .and_then(|name| {
                let unknown = |miss: Miss| miss.fault(&place.field, FaultCode::UnknownMember, name);
                path::resolve(schema, name, self.view).map_err(unknown)
            })
            .map_err(|fault| self.fault(|| fault))
            .ok();
        let op = match members.get("op") {
            None => Some(Op::Eq),
            Some(op) => op.as_str().and_then(Op::from_name),
        };
        if op.is_none() {
            let operators = path.as_ref().map_or(Op::ALL, |path| operators_at(&path.end));
            self.fault(|| wrong_operator(&place.op, operators));
        }
        let value = members.get("value");
        if value.is_none() {
            self.fault(|| Fault::new(&place.value, FaultCode::Required));
        }
        self.comparison(schema, path?, (op?, Given::Json(value?)), &place, depth)
    }

    fn comparison(
        &mut self,
        schema: &Schema,
        path: Path,
        (op, given): (Op, Given<'_>),
        place: &Place,
        depth: usize,
    ) -> Option<Predicate> {
        self.count(&place.field)?;
        let depth = depth + path.steps.len();
        if depth > MAX_DEPTH {
            self.fault(|| Fault::new(&place.field, FaultCode::TooDeep).with("max", MAX_DEPTH));
            return None;
        }
        let operators = operators_at(&path.end);
        if operators.is_empty() {
            self.fault(|| Fault::new(&place.field, FaultCode::NotFilterable));
            return None;
        }
        if !operators.contains(&op) {
            self.fault(|| wrong_operator(&place.op, operators));
            return None;
        }
        let test = match path.end {
            End::Field(field) if field.is_of_segments() => {
                let schema = path.steps.last().map_or(schema, |step| &step.schema);
                self.segments(schema, (field, op, given), place, depth)?
            }
            End::Field(field) => self.test(field, op, given, place)?,
            End::Count(field, counted) => {
                let operand = self.operand(&field, op, given, place)?;
                Predicate::Count(CountTest { counted, op, operand })
            }
            End::Relation(step) => self.related(step, op, given, place, depth)?,
        };
        if path.steps.is_empty() {
            return Some(test);
        }
        let (affirmed, negated) = test.affirmed();
        let crossed = path.steps.into_iter().rev().fold(affirmed, |inner, step| step.related(false, inner));
        Some(if negated { Predicate::Not(Box::new(crossed)) } else { crossed })
    }

    fn test(&mut self, field: Field, op: Op, given: Given<'_>, place: &Place) -> Option<Predicate> {
        let operand = self.operand(&field, op, given, place)?;
        let Some(days) = days(&field, op, given, &self.standards) else {
            return Some(Predicate::Test(Test { field, op, operand }));
        };
        let within = |(first, last)| Predicate::test(&field, Op::Gte, first).and(Predicate::test(&field, Op::Lte, last));
        let any = Predicate::Or(days.into_iter().map(within).collect());
        Some(if matches!(op, Op::Ne | Op::Nin) { Predicate::Not(Box::new(any)) } else { any })
    }

    /// A segment stands for its filter, as the asker may ask it, or for the list of its members.
    fn segments(
        &mut self,
        schema: &Schema,
        (field, op, given): (Field, Op, Given<'_>),
        place: &Place,
        depth: usize,
    ) -> Option<Predicate> {
        if self.is_segment {
            self.fault(|| Fault::new(&place.field, FaultCode::NotFilterable));
            return None;
        }
        let Operand::List(ids) = self.operand(&field, op, given, place)? else { return None };
        let (mut parts, mut listed) = (Vec::new(), Vec::new());
        for (position, id) in ids.into_iter().enumerate() {
            let at = if place.itemised { format!("{}/{position}", place.value) } else { place.value.clone() };
            let known = match id {
                Operand::Id(id) => self.view.segment(id).filter(|segment| segment.object == schema.object.name),
                _ => None,
            };
            match known {
                None => self.fault(|| Fault::new(at, FaultCode::NotFound)),
                Some(KnownSegment { filter: None, .. }) => listed.push(id),
                Some(KnownSegment { filter: Some(filter), .. }) => parts.extend(self.met(schema, filter, &at, depth)),
            }
        }
        if !listed.is_empty() {
            parts.push(Predicate::Test(Test { field, op: Op::Any, operand: Operand::List(listed) }));
        }
        let any = Predicate::Or(parts);
        Some(if op == Op::None { Predicate::Not(Box::new(any)) } else { any })
    }

    /// What the members of a segment meet. Of what the asker may not see in its filter they learn nothing more.
    fn met(&mut self, schema: &Schema, filter: &Value, at: &str, depth: usize) -> Option<Predicate> {
        let mut reader = Reader::of_segment(self.view, self.tests);
        let predicate = reader.filter(schema, filter, "", depth + 1);
        self.tests = reader.tests;
        let Some(fault) = reader.faults.0.into_iter().next() else { return predicate };
        let is_of_size = matches!(fault.code, FaultCode::TooMany | FaultCode::TooDeep);
        let code = if is_of_size { fault.code } else { FaultCode::UnusableSegment };
        self.fault(|| Fault { pointer: at.to_owned(), code, parameters: fault.parameters });
        None
    }

    /// `any` and `none` take the ids of related records or, in JSON, a filter on them; `null` asks whether there are none.
    fn related(&mut self, step: Step, op: Op, given: Given<'_>, place: &Place, depth: usize) -> Option<Predicate> {
        let id = Field::new(recurring::ID.name(), FieldType::Id).in_slot(recurring::slots::ID);
        if op == Op::Null {
            let operand = self.operand(&id, Op::Null, given, place)?;
            return Some(step.related(operand == Operand::Boolean(true), Predicate::all()));
        }
        let predicate = match given {
            Given::Json(filter @ Value::Object(_)) => self.filter(&step.schema, filter, &place.value, depth + 1)?,
            Given::Json(_) | Given::Text(_) => self.test(id, Op::In, given, place)?,
        };
        Some(step.related(op == Op::None, predicate))
    }

    fn operand(&mut self, field: &Field, op: Op, given: Given<'_>, place: &Place) -> Option<Operand> {
        let faults = match operand(field, op, given, &self.standards) {
            Ok(operand) => return Some(operand),
            Err(faults) => faults,
        };
        for fault in faults.0 {
            let fault = if place.itemised { fault.under(&place.value) } else { Fault { pointer: place.value.clone(), ..fault } };
            if !self.faults.0.contains(&fault) {
                self.fault(|| fault);
            }
        }
        None
    }
}

fn operators_at(end: &End) -> &'static [Op] {
    match end {
        End::Field(field) | End::Count(field, _) => super::operators(field),
        End::Relation(_) => RELATION_OPERATORS,
    }
}

fn wrong_operator(pointer: &str, operators: &[Op]) -> Fault {
    let names: Vec<&str> = operators.iter().map(|op| op.as_str()).collect();
    Fault::new(pointer, FaultCode::WrongOperator).with("operators", names.join(", "))
}

/// Suggests names with the suffix that was typed, so that `nmae_contains` becomes `name_contains`.
fn unknown_parameter(miss: Miss, typed: &str, suffix: &str, own: &[&str]) -> Fault {
    let miss = match miss {
        Miss::TooDeep => Miss::TooDeep,
        Miss::Unknown { known } if suffix.is_empty() => {
            Miss::Unknown { known: known.into_iter().chain(own.iter().map(|name| (*name).to_owned())).collect() }
        }
        Miss::Unknown { known } => Miss::Unknown { known: known.into_iter().map(|name| format!("{name}_{suffix}")).collect() },
    };
    miss.fault(typed, FaultCode::UnknownParameter, typed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::query::predicate::sample::{self, Everything};

    fn parameters(written: &[(&str, &str)]) -> Result<Predicate, Faults> {
        let written: Vec<(String, String)> =
            written.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        from_parameters(sample::deal(), &written, &Everything)
    }

    fn json(filter: &Value) -> Result<Predicate, Faults> {
        from_json(sample::deal(), filter, &Everything)
    }

    /// Pointer, code and first parameter of each fault.
    fn faults(result: Result<Predicate, Faults>) -> Vec<(String, &'static str, String)> {
        let faults = result.unwrap_err().0.into_iter();
        faults
            .map(|fault| {
                let parameter = fault.parameters.first().map(|(_, value)| value.clone()).unwrap_or_default();
                (fault.pointer, fault.code.as_str(), parameter)
            })
            .collect()
    }

    fn fault(pointer: &str, code: &'static str, parameter: &str) -> Vec<(String, &'static str, String)> {
        vec![(pointer.to_owned(), code, parameter.to_owned())]
    }

    #[test]
    fn parameters_and_json_say_the_same() {
        let id = sample::id(1).to_string();
        for (name, text, filter) in [
            ("name", "华为", json!({"field": "name", "value": "华为"})),
            ("amount_gte", "100", json!({"field": "amount", "op": "gte", "value": 100})),
            ("amount.currency_in", "CNY,USD", json!({"field": "amount.currency", "op": "in", "value": ["CNY", "USD"]})),
            ("custom.tier_ne", "gold", json!({"field": "custom.tier", "op": "ne", "value": "gold"})),
            ("firm.region", "华东", json!({"field": "firm.region", "value": "华东"})),
            ("firm.deals.custom.rank_lt", "3", json!({"field": "firm.deals.custom.rank", "op": "lt", "value": 3})),
            ("firm_any", &id, json!({"field": "firm", "op": "any", "value": [id]})),
            ("firm.deals_null", "true", json!({"field": "firm.deals", "op": "null", "value": true})),
            ("partners_none", &id, json!({"field": "partners", "op": "none", "value": [id]})),
            ("closes_on_lt", "today", json!({"field": "closes_on", "op": "lt", "value": {"relative": "today"}})),
        ] {
            let json = json(&json!({"and": [filter]})).unwrap_or_else(|faults| panic!("{filter}: {faults:?}"));
            assert_eq!(parameters(&[(name, text)]), Ok(json), "{name}");
        }
    }

    #[test]
    fn relations_carry_what_the_asker_may_see() {
        let filter = json!({"field": "firm.deals", "op": "none", "value": {"field": "won", "value": true}});
        let Ok(Predicate::Not(negated)) = json(&filter) else { panic!("a negation") };
        let Predicate::Related(firm) = *negated else { panic!("a relation") };
        let Predicate::And(parts) = *firm.predicate else { panic!("rows and the rest") };
        let [Predicate::Related(deals)] = parts.as_slice() else { panic!("a relation within") };
        assert!(!firm.none && !deals.none && deals.target.name == "deal");
        // A field that shares its name with the relation takes filters all the same.
        assert!(json(&json!({"field": "partners", "op": "any", "value": {"field": "region", "value": "华东"}})).is_ok());
    }

    #[test]
    fn unknown_names_are_told_the_nearest() {
        assert_eq!(faults(parameters(&[("nmae", "x")])), fault("nmae", "unknown_parameter", "name"));
        assert_eq!(faults(parameters(&[("nmae_contains", "x")])), fault("nmae_contains", "unknown_parameter", "name_contains"));
        assert_eq!(faults(parameters(&[("firm.regoin", "x")])), fault("firm.regoin", "unknown_parameter", "firm.region"));
        assert_eq!(faults(parameters(&[("custom.teir", "x")])), fault("custom.teir", "unknown_parameter", "custom.tier"));
        assert_eq!(faults(json(&json!({"field": "nmae", "value": 1}))), fault("/field", "unknown_member", "name"));
        assert_eq!(faults(json(&json!({"an": []}))), fault("/an", "unknown_member", "and"));
    }

    #[test]
    fn what_is_hidden_does_not_exist() {
        assert_eq!(faults(parameters(&[("secret", "x")]))[0].1, "unknown_parameter");
        assert_eq!(faults(parameters(&[("secrets", "x")])), fault("secrets", "unknown_parameter", ""));
        assert_eq!(faults(parameters(&[("ledger_null", "true")]))[0].1, "unknown_parameter");
        assert_eq!(faults(parameters(&[("firm.secret", "x")]))[0].1, "unknown_parameter");
        assert_eq!(faults(parameters(&[("hash", "x")])), fault("hash", "not_filterable", ""));
        assert_eq!(faults(parameters(&[("custom", "x")])), fault("custom", "not_filterable", ""));
    }

    #[test]
    fn operators_fit_the_field() {
        assert_eq!(faults(parameters(&[("stage_gt", "x")])), fault("stage_gt", "wrong_operator", "eq, ne, in, nin, null"));
        assert_eq!(faults(parameters(&[("firm", "x")])), fault("firm", "wrong_operator", "any, none, null"));
        assert_eq!(faults(parameters(&[("amount.currency_gt", "C")]))[0].2, "eq, ne, in, nin");
        assert_eq!(
            faults(json(&json!({"field": "won", "op": "is", "value": true}))),
            fault("/op", "wrong_operator", "eq, ne, null")
        );
        assert_eq!(faults(parameters(&[("stage", "shut")])), fault("stage", "unknown_choice", "open, won, lost"));
    }

    #[test]
    fn nothing_is_overwritten_or_ignored() {
        assert_eq!(faults(parameters(&[("name", "a"), ("name", "b")])), fault("name", "duplicate_parameter", ""));
        assert_eq!(faults(json(&json!({"and": [], "q": "x"}))), fault("/q", "conflicting", "and"));
        assert_eq!(faults(json(&json!({"not": {}, "value": 1}))), fault("/value", "conflicting", "not"));
        assert_eq!(faults(json(&json!({"value": 1}))), fault("/field", "required", ""));
        assert_eq!(faults(json(&json!({"field": "name"}))), fault("/value", "required", ""));
        assert_eq!(faults(json(&json!([]))), fault("", "wrong_type", "an object"));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let filter = json!({"and": [
            {"field": "amount", "op": "gte", "value": "much"},
            {"or": [{"field": "won", "value": 1}, {"feild": "won"}]},
            {"not": {"field": "firm_id", "op": "in", "value": ["x", "y"]}},
        ]});
        let pointers: Vec<String> = faults(json(&filter)).into_iter().map(|(pointer, _, _)| pointer).collect();
        assert_eq!(
            pointers,
            ["/and/0/value", "/and/1/or/0/value", "/and/1/or/1/feild", "/and/2/not/value/0", "/and/2/not/value/1"]
        );
    }

    #[test]
    fn size_is_bounded() {
        let nested = |depth| (0..depth).fold(json!({}), |inner, _| json!({"not": inner}));
        assert!(json(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(faults(json(&nested(MAX_DEPTH + 1)))[0].1, "too_deep");
        assert_eq!(faults(json(&nested(120)))[0].1, "too_deep");
        let wide = |count| json!({"or": vec![json!({"field": "won", "value": true}); count]});
        assert!(json(&wide(MAX_TESTS)).is_ok());
        assert_eq!(faults(json(&wide(MAX_TESTS + 9))), fault(&format!("/or/{MAX_TESTS}/field"), "too_many", "200"));
        assert!(parameters(&[("firm.deals.firm.region", "x")]).is_ok());
        assert_eq!(
            faults(parameters(&[("firm.deals.firm.deals.name", "x")])),
            fault("firm.deals.firm.deals.name", "too_deep", "3")
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let word = proptest::sample::select(vec![
            "and",
            "or",
            "not",
            "q",
            "field",
            "op",
            "value",
            "relative",
            "any",
            "none",
            "null",
            "in",
            "contains",
            "name",
            "amount",
            "amount.currency",
            "firm",
            "firm.deals",
            "partners",
            "custom.tier",
            "closes_on",
            "created_at",
            "-30d",
            "emails",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            word.clone().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(8, 64, 6, move |inner| {
            let key = prop_oneof![9 => word.clone().prop_map(str::to_owned), 1 => ".{0,8}".prop_map(String::from)];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::hash_map(key, inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_never_panics(filter in any_json()) {
            let _ = json(&filter);
        }

        #[test]
        fn values_never_panic(
            field in proptest::sample::select(vec!["name", "amount", "probability", "closes_on", "created_at", "stage", "channels", "words", "email", "emails", "phone", "firm", "custom.rank"]),
            op in proptest::sample::select(Op::ALL),
            value in any_json(),
            text in ".{0,40}",
        ) {
            let _ = json(&json!({"field": field, "op": op.as_str(), "value": value}));
            let _ = parameters(&[(&format!("{field}_{}", op.as_str()), &text)]);
        }

        #[test]
        fn parameters_never_panic(name in "[a-z._]{0,12}|.{0,20}", text in ".{0,40}") {
            let _ = parameters(&[(&name, &text)]);
        }
    }
}
