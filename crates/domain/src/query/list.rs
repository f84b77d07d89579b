//! What a request for records asks for: which, in which order, from where on, and how much of each.

use serde_json::Value;

use crate::{
    model::{
        fault::{Fault, FaultCode, Faults, pointer_token, unknown},
        field::{Field, FieldType, Op},
        object::{Object, Reach, Relation, Schema},
        recurring,
    },
    query::{
        cursor::Cursor,
        past::{AS_OF, AsOf},
        predicate::{
            Operand, Predicate, Related, View,
            parse::{self, Given},
            path::{self, Step},
        },
    },
    values::{search_text::Query, time::Timestamp},
};

pub const DEFAULT_LIMIT: usize = 50;
pub const MAX_LIMIT: usize = 200;
/// How far `offset` reaches; each row skipped is a row read.
pub const MAX_OFFSET: u64 = 10_000;
pub const MAX_SORT_KEYS: usize = 5;
/// Each relation expanded is a query more.
pub const MAX_EXPANDED: usize = 10;
pub const MAX_FIELDS: usize = 500;

const LIST_PARAMETERS: &[&str] =
    &["q", "sort", "limit", "cursor", "offset", "fields", "expand", "total", "archived", AS_OF, FILTER];
const RECORD_PARAMETERS: &[&str] = &["fields", "expand", "archived"];
/// All fields shown without being asked for, among the names in `fields`.
pub const EVERY_FIELD: &str = "*";
/// Live and archived records together, as the value of `archived`.
pub const ANY: &str = "any";
/// A predicate: in the body of a search as it is, among the parameters of a list as a text that holds its JSON.
pub const FILTER: &str = "filter";

/// A request for a page of records.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// Which records: what the client filters by, within what they may read, live or archived.
    pub predicate: Predicate,
    /// Ends in the id, so that no two records are in the same place.
    pub sort: Vec<SortKey>,
    pub limit: usize,
    pub start: Start,
    /// Paths of the fields to show, the id first; none for all but those on request.
    pub fields: Option<Vec<String>>,
    pub expand: Vec<Expanded>,
    /// Whether to count all records that fit.
    pub total: bool,
    /// The time as of which records are read from their ledger; none for now.
    pub as_of: Option<Timestamp>,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    First,
    After(Cursor),
    Offset(u64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    pub by: SortBy,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a list is sorted by a handful of keys")]
pub enum SortBy {
    Field(Field),
    /// What related records tell.
    Far(Far),
    /// How well a record fits the search: a tier, the higher the better.
    Relevance(Query),
}

/// A value that related records tell: a field of the one that a reference leads to, or how many of them there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Far {
    /// As clients write it: `customer.name`, `contact_count`.
    pub path: String,
    /// The field of the related record, or the one that counts.
    pub field: Field,
    /// Those that the asker may read.
    pub related: Related,
}

impl Far {
    /// Whether it counts the related records.
    #[must_use]
    pub fn is_count(&self) -> bool {
        matches!(self.field.kind, FieldType::Count(_))
    }
}

/// A relation whose records are shown beside each record.
#[derive(Clone, Debug, PartialEq)]
pub struct Expanded {
    pub relation: Relation,
    /// Paths of the fields to show of them, the id first; none for all but those on request.
    pub fields: Option<Vec<String>>,
}

/// A request for one record by its id.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordQuery {
    pub fields: Option<Vec<String>>,
    pub expand: Vec<Expanded>,
    /// Whether an archived record will do.
    pub archived: bool,
}

impl ListQuery {
    /// Reads the parameters of a list; those that are not its own are filters.
    pub fn from_parameters(
        object: &'static Object,
        parameters: &[(String, String)],
        view: &dyn View,
    ) -> Result<ListQuery, Faults> {
        let view = &AsOf::of_parameters(view, object, parameters);
        let (own, filters): (Vec<_>, Vec<_>) = parameters.iter().cloned().partition(|(name, _)| is_own(object, name));
        let mut request = Request::of_parameters(object, &own, view);
        let written = request.get(FILTER).and_then(|given| match given {
            Given::Text(text) => request.keep(written_filter(text), FILTER),
            Given::Json(_) => None,
        });
        let filter = parse::from_parameters_beside(object, &filters, LIST_PARAMETERS, (FILTER, written.as_ref()), view);
        let filter = request.keep(filter, "");
        request.list(filter)
    }

    /// Reads the body of a search.
    pub fn from_search_body(object: &'static Object, body: &Value, view: &dyn View) -> Result<ListQuery, Faults> {
        let Some(members) = body.as_object() else {
            return Err(Fault::new("", FaultCode::WrongType).with("expected", "an object").into());
        };
        let view = &AsOf::of(view, object, members.get(AS_OF).is_some_and(|time| !time.is_null()));
        let mut request = Request::new(object, "/", view);
        let mut filter = None;
        for (name, value) in members {
            if !is_own(object, name) {
                if !request.faults.is_full() {
                    let pointer = format!("/{}", pointer_token(name));
                    let known = LIST_PARAMETERS.iter().copied();
                    request.faults.add(unknown(pointer, FaultCode::UnknownMember, name, known));
                }
            } else if value.is_null() {
                // Stands for a member that is absent.
            } else if name == FILTER {
                filter = request.keep(parse::from_json(object, value, view), "/filter");
            } else {
                request.given.push((name, Given::Json(value)));
            }
        }
        request.list(filter)
    }
}

impl RecordQuery {
    pub fn from_parameters(
        object: &'static Object,
        parameters: &[(String, String)],
        view: &dyn View,
    ) -> Result<RecordQuery, Faults> {
        let (own, others): (Vec<_>, Vec<_>) =
            parameters.iter().cloned().partition(|(name, _)| RECORD_PARAMETERS.contains(&name.as_str()));
        let mut request = Request::of_parameters(object, &own, view);
        for (name, _) in &others {
            let known = RECORD_PARAMETERS.iter().copied();
            request.faults.add(unknown(name.clone(), FaultCode::UnknownParameter, name, known));
        }
        let mut expand = request.expand();
        let fields = request.fields(&mut expand);
        let archived = request.boolean("archived");
        request.faults.into_result(RecordQuery { fields, expand, archived })
    }
}

/// The predicate that the parameter `filter` holds. The pointer of the fault is empty.
pub fn written_filter(text: &str) -> Result<Value, Faults> {
    serde_json::from_str(text).map_err(|error| Fault::new("", FaultCode::Malformed).with("reason", error).into())
}

/// Whether a name is one of the list's own; `q` only where there is something to search, `as_of` where there is a ledger.
fn is_own(object: &Object, name: &str) -> bool {
    match name {
        "q" => object.is_searchable(),
        AS_OF => object.ledger.is_some(),
        name => LIST_PARAMETERS.contains(&name),
    }
}

/// The list's own parameters or members, as given; what is faulty reads as absent.
struct Request<'a> {
    schema: Schema,
    view: &'a dyn View,
    given: Vec<(&'a str, Given<'a>)>,
    /// What comes before a name in the pointer of a fault.
    prefix: &'static str,
    faults: Faults,
}

impl<'a> Request<'a> {
    fn new(object: &'static Object, prefix: &'static str, view: &'a dyn View) -> Request<'a> {
        Request { schema: path::shape_of(object, view), view, given: Vec::new(), prefix, faults: Faults::default() }
    }

    fn of_parameters(object: &'static Object, own: &'a [(String, String)], view: &'a dyn View) -> Request<'a> {
        let mut request = Request::new(object, "", view);
        for (name, text) in own {
            if request.get(name).is_some() {
                request.faults.add(Fault::new(name, FaultCode::DuplicateParameter));
            } else {
                request.given.push((name, Given::Text(text)));
            }
        }
        request
    }

    fn list(mut self, filter: Option<Predicate>) -> Result<ListQuery, Faults> {
        let faults = self.faults.0.len();
        let query = self.query();
        if query.is_some() && self.get(AS_OF).is_some() {
            // The index of search knows what is written now.
            self.fault("q", Fault::new("", FaultCode::Conflicting).with("other", AS_OF));
        }
        let sort = self.sort(query.as_ref());
        // Whether a cursor belongs to a sort that could not be read, nobody can say.
        let start = if self.faults.0.len() == faults { self.start(&sort) } else { Start::First };
        let archived = self.archived();
        let limit = self.limit();
        let mut expand = self.expand();
        let fields = self.fields(&mut expand);
        let total = self.boolean("total");
        let as_of = self.as_of();
        let predicate = self
            .view
            .rows(self.schema.object)
            .unwrap_or_else(Predicate::nothing)
            .and(archived)
            .and(query.map_or_else(Predicate::all, Predicate::Matches))
            .and(filter.unwrap_or_else(Predicate::all));
        self.faults.into_result(ListQuery { predicate, sort, limit, start, fields, expand, total, as_of })
    }

    fn get(&self, name: &str) -> Option<Given<'a>> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }

    fn pointer(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn fault(&mut self, name: &str, fault: Fault) {
        self.faults.add(fault.under(&self.pointer(name)));
    }

    fn keep<T>(&mut self, result: Result<T, Faults>, pointer: &str) -> Option<T> {
        let add = |found: Faults| self.faults.extend(found.0.into_iter().map(|fault| fault.under(pointer)));
        result.map_err(add).ok()
    }

    fn read<T>(&mut self, name: &str, read: impl Fn(Given<'a>) -> Result<T, Faults>) -> Option<T> {
        let result = read(self.get(name)?);
        self.keep(result, &self.pointer(name))
    }

    /// A time, as filters write them: also a relative one.
    fn as_of(&mut self) -> Option<Timestamp> {
        let field = Field::new(AS_OF, FieldType::DateTime);
        let standards = self.view.standards();
        match self.read(AS_OF, |given| parse::operand(&field, Op::Lte, given, &standards))? {
            Operand::Time(time) => Some(time),
            _ => None,
        }
    }

    fn boolean(&mut self, name: &str) -> bool {
        self.read(name, Given::boolean).unwrap_or(false)
    }

    /// Live records, archived ones, or both.
    fn archived(&mut self) -> Predicate {
        let wrong = |_| Faults::from(Fault::new("", FaultCode::WrongType).with("expected", "true, false or any"));
        let read = |given: Given<'a>| {
            if given.text().is_ok_and(|text| text == ANY) { Ok(None) } else { given.boolean().map(Some).map_err(wrong) }
        };
        match self.read("archived", read) {
            Some(None) => Predicate::all(),
            Some(Some(archived)) => Predicate::Archived(archived),
            None => Predicate::Archived(false),
        }
    }

    /// The names of a list, each with the pointer to it: separated by commas or, in JSON, also as a list.
    fn names(&mut self, name: &str) -> Option<Vec<(String, &'a str)>> {
        let pointer = self.pointer(name);
        let Some(Given::Json(Value::Array(items))) = self.get(name) else {
            let text = self.read(name, Given::text)?;
            return Some(text.split(',').map(|item| (pointer.clone(), item.trim())).collect());
        };
        let mut names = Vec::with_capacity(items.len());
        for (position, item) in items.iter().enumerate() {
            let pointer = format!("{pointer}/{position}");
            let text = self.keep(Given::Json(item).text(), &pointer);
            names.extend(text.map(|text| (pointer, text)));
        }
        Some(names)
    }

    fn query(&mut self) -> Option<Query> {
        let query = self.read("q", |given| parse::search_query(given.text()?).map_err(Faults::from))?;
        Some(parse::within_sight(query, &self.schema, self.view))
    }

    fn limit(&mut self) -> usize {
        let Some(limit) = self.read("limit", Given::integer) else { return DEFAULT_LIMIT };
        match usize::try_from(limit) {
            Ok(limit @ 1..=MAX_LIMIT) => return limit,
            Ok(1..) => self.fault("limit", Fault::new("", FaultCode::TooLarge).with("max", MAX_LIMIT)),
            Ok(0) | Err(_) => self.fault("limit", Fault::new("", FaultCode::TooSmall).with("min", 1)),
        }
        DEFAULT_LIMIT
    }

    fn start(&mut self, sort: &[SortKey]) -> Start {
        let object = self.schema.object;
        let cursor = self.read("cursor", |given| Cursor::decode(given.text()?, object, sort).map_err(Faults::from));
        if self.get("cursor").is_some() && self.get("offset").is_some() {
            self.fault("offset", Fault::new("", FaultCode::Conflicting).with("other", "cursor"));
        }
        match (cursor, self.read("offset", Given::integer).map(u64::try_from)) {
            (Some(cursor), _) => return Start::After(cursor),
            (None, None) => {}
            (None, Some(Ok(offset @ 0..=MAX_OFFSET))) => return Start::Offset(offset),
            (None, Some(Ok(_))) => self.fault("offset", Fault::new("", FaultCode::Unbound).with("max", MAX_OFFSET)),
            (None, Some(Err(_))) => self.fault("offset", Fault::new("", FaultCode::TooSmall).with("min", 0)),
        }
        Start::First
    }

    /// The keys asked for; without any, the best hits of a search or the newest records come first.
    fn sort(&mut self, query: Option<&Query>) -> Vec<SortKey> {
        let mut keys = self.asked_sort();
        if keys.is_empty() {
            let by = match query {
                Some(query) => Some(SortBy::Relevance(query.clone())),
                None => {
                    let object = self.schema.object;
                    let order = object.field(object.order).filter(|field| self.view.sees(object, field));
                    order.or_else(|| recurring::CREATED_AT.of(object)).cloned().map(SortBy::Field)
                }
            };
            keys.extend(by.map(|by| SortKey { by, descending: true }));
        }
        let is_id = |key: &SortKey| matches!(&key.by, SortBy::Field(Field { kind: FieldType::Id, .. }));
        if !keys.iter().any(is_id) {
            let by = SortBy::Field(Field::new(recurring::ID.name(), FieldType::Id).in_slot(recurring::slots::ID));
            let descending = keys.last().is_none_or(|key| key.descending);
            keys.push(SortKey { by, descending });
        }
        keys
    }

    fn asked_sort(&mut self) -> Vec<SortKey> {
        let names = self.names("sort").unwrap_or_default();
        if names.len() > MAX_SORT_KEYS {
            self.fault("sort", Fault::new("", FaultCode::TooMany).with("max", MAX_SORT_KEYS));
            return Vec::new();
        }
        let mut keys: Vec<SortKey> = Vec::with_capacity(names.len() + 1);
        for (pointer, written) in names {
            let (name, descending) = written.strip_prefix('-').map_or((written, false), |name| (name, true));
            if let Some(by) = self.sort_by(&pointer, name) {
                if keys.iter().any(|key| key.by == by) {
                    self.faults.add(Fault::new(pointer, FaultCode::Repeated));
                } else {
                    keys.push(SortKey { by, descending });
                }
            }
        }
        keys
    }

    /// What a name in `sort` means: a field, or one across a reference.
    fn sort_by(&mut self, pointer: &str, name: &str) -> Option<SortBy> {
        let (schema, view) = (self.schema.clone(), self.view);
        let reached = name.split_once('.').filter(|_| path::visible_field(&schema, name, view).is_none());
        let relation = reached.and_then(|(head, rest)| Some((schema.object.relation(head)?, rest)));
        let Some((step, rest)) = relation.and_then(|(relation, rest)| Some((path::reach(schema.object, relation, view)?, rest)))
        else {
            let field = self.visible(pointer, name)?;
            let far = match field.kind {
                FieldType::Count(counted) => path::counted(schema.object, counted, view),
                _ if field.sortable => return Some(SortBy::Field(field)),
                _ => None,
            };
            if far.is_none() {
                self.faults.add(Fault::new(pointer, FaultCode::NotSortable));
            }
            return far.map(|related| SortBy::Far(Far { path: name.to_owned(), field, related }));
        };
        let Some(field) = path::visible_field(&step.schema, rest, view).cloned() else {
            let known = path::visible_paths(&step.schema, view);
            let known: Vec<String> = known.into_iter().map(|path| format!("{}.{path}", step.relation.name)).collect();
            let known = known.iter().map(String::as_str);
            self.faults.add(unknown(pointer.to_owned(), FaultCode::UnknownMember, name, known));
            return None;
        };
        let is_one = matches!(step.relation.reach, Reach::ToOne { .. });
        // What is counted beyond a reference would be counted once more for each record that refers to it.
        if !is_one || !field.sortable || matches!(field.kind, FieldType::Count(_)) {
            self.faults.add(Fault::new(pointer, FaultCode::NotSortable));
            return None;
        }
        let Step { relation, schema, rows } = step;
        let related = Related { relation, target: schema.object, none: false, predicate: Box::new(rows) };
        Some(SortBy::Far(Far { path: name.to_owned(), field, related }))
    }

    /// The fields to show; those of a relation (`customer.name`) go to what is expanded, which they do by themselves.
    fn fields(&mut self, expanded: &mut Vec<Expanded>) -> Option<Vec<String>> {
        let names = self.names("fields")?;
        if names.len() > MAX_FIELDS {
            self.fault("fields", Fault::new("", FaultCode::TooMany).with("max", MAX_FIELDS));
            return None;
        }
        let schema = self.schema.clone();
        let mut fields = vec![recurring::ID.name().to_owned()];
        let mut is_told = false;
        for (pointer, name) in names {
            let reached = name.split_once('.').filter(|_| path::visible_field(&schema, name, self.view).is_none());
            let step = reached.and_then(|(head, rest)| Some((self.expandable(head)?, rest)));
            match step {
                Some((step, rest)) => {
                    let of_relation = match expanded.iter().position(|one| one.relation == step.relation) {
                        Some(position) => position,
                        None if expanded.len() < MAX_EXPANDED => {
                            expanded.push(Expanded { relation: step.relation, fields: None });
                            expanded.len() - 1
                        }
                        None => {
                            if !is_told {
                                self.faults.add(Fault::new(pointer, FaultCode::TooMany).with("max", MAX_EXPANDED));
                            }
                            is_told = true;
                            continue;
                        }
                    };
                    let shown = expanded[of_relation].fields.get_or_insert_with(|| vec![recurring::ID.name().to_owned()]);
                    self.show(shown, &step.schema, Some(&step.relation), (&pointer, rest));
                }
                None => self.show(&mut fields, &schema, None, (&pointer, name)),
            }
        }
        Some(fields)
    }

    /// Adds a field to those that are shown of an object, or all that are shown without being asked for. `relation` is the way to it, if it is
    /// not the object of the list.
    fn show(&mut self, shown: &mut Vec<String>, schema: &Schema, relation: Option<&Relation>, (pointer, name): (&str, &str)) {
        let view = self.view;
        // Each of many records would have its own related records counted.
        let is_bounded = |field: &&Field| {
            relation.is_none_or(|relation| !relation.reach.is_to_many()) || !matches!(field.kind, FieldType::Count(_))
        };
        let mut add = |path: String| {
            if !shown.contains(&path) {
                shown.push(path);
            }
        };
        if name == EVERY_FIELD {
            let fields = schema.object.fields.iter().filter(|field| !field.on_request && view.sees(schema.object, field));
            fields.map(Field::path).for_each(add);
            return;
        }
        match path::visible_field(schema, name, view).filter(is_bounded) {
            Some(field) => add(field.path()),
            None => {
                let before = relation.map(|relation| format!("{}.", relation.name)).unwrap_or_default();
                let fields = schema.fields().filter(|field| view.sees(schema.object, field)).filter(is_bounded);
                let known: Vec<String> = fields.map(|field| format!("{before}{}", field.path())).collect();
                let known = known.iter().map(String::as_str);
                let fault = unknown(pointer.to_owned(), FaultCode::UnknownMember, &format!("{before}{name}"), known);
                self.faults.add(fault);
            }
        }
    }

    /// The field of this path; one that the asker may not see is unknown.
    fn visible(&mut self, pointer: &str, name: &str) -> Option<Field> {
        let field = path::visible_field(&self.schema, name, self.view).cloned();
        if field.is_none() {
            let known = path::visible_paths(&self.schema, self.view);
            let known = known.iter().map(String::as_str);
            self.faults.add(unknown(pointer.to_owned(), FaultCode::UnknownMember, name, known));
        }
        field
    }

    /// The relation of this name, if it may be expanded.
    fn expandable(&self, name: &str) -> Option<Step> {
        let object = self.schema.object;
        // What is expanded stands beside the fields: a relation named as a field has no place there.
        let relation = object.relation(name).filter(|relation| !object.has(relation.name))?;
        path::reach(object, relation, self.view)
    }

    fn expand(&mut self) -> Vec<Expanded> {
        let names = self.names("expand").unwrap_or_default();
        if names.len() > MAX_EXPANDED {
            self.fault("expand", Fault::new("", FaultCode::TooMany).with("max", MAX_EXPANDED));
            return Vec::new();
        }
        let mut expanded: Vec<Expanded> = Vec::with_capacity(names.len());
        for (pointer, name) in names {
            match self.expandable(name) {
                Some(step) if expanded.iter().any(|one| one.relation == step.relation) => {}
                Some(step) => expanded.push(Expanded { relation: step.relation, fields: None }),
                None => {
                    let relations = self.schema.object.relations.iter().map(|relation| relation.name);
                    let known: Vec<&str> = relations.filter(|name| self.expandable(name).is_some()).collect();
                    self.faults.add(Fault::new(pointer, FaultCode::NotExpandable).with("known", known.join(", ")));
                }
            }
        }
        expanded
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::query::predicate::sample::{self, Everything};

    fn list(written: &[(&str, &str)]) -> Result<ListQuery, Faults> {
        ListQuery::from_parameters(sample::deal(), &owned(written), &Everything)
    }

    fn search(body: &Value) -> Result<ListQuery, Faults> {
        ListQuery::from_search_body(sample::deal(), body, &Everything)
    }

    fn owned(written: &[(&str, &str)]) -> Vec<(String, String)> {
        written.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn codes<T: std::fmt::Debug>(result: Result<T, Faults>) -> Vec<(String, &'static str)> {
        result.unwrap_err().0.into_iter().map(|fault| (fault.pointer, fault.code.as_str())).collect()
    }

    fn only(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
        vec![(pointer.to_owned(), code)]
    }

    fn order(query: &ListQuery) -> Vec<String> {
        let name = |key: &SortKey| match &key.by {
            SortBy::Field(field) => field.path(),
            SortBy::Far(far) => far.path.clone(),
            SortBy::Relevance(_) => "relevance".to_owned(),
        };
        query.sort.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "" }, name(key))).collect()
    }

    #[test]
    fn both_forms_say_the_same() {
        let parameters = list(&[
            ("q", "华为"),
            ("amount_gte", "5"),
            ("sort", "-amount,name"),
            ("limit", "7"),
            ("offset", "3"),
            ("fields", "name,custom.tier"),
            ("expand", "firm"),
            ("total", "true"),
            ("archived", "true"),
        ]);
        let body = search(&json!({
            "q": "华为", "filter": {"and": [{"field": "amount", "op": "gte", "value": 5}]}, "sort": ["-amount", "name"], "limit": 7,
            "offset": 3, "cursor": null, "fields": ["name", "custom.tier"], "expand": ["firm"], "total": true, "archived": true
        }));
        let query = parameters.clone().unwrap();
        assert_eq!(parameters, body);
        assert_eq!(order(&query), ["-amount", "name", "id"]);
        assert_eq!((query.limit, query.total, &query.start), (7, true, &Start::Offset(3)));
        assert_eq!(query.fields, Some(vec!["id".to_owned(), "name".to_owned(), "custom.tier".to_owned()]));
    }

    #[test]
    fn a_written_filter_and_plain_ones_must_all_hold() {
        let written = r#"{"or": [{"field": "won", "value": true}, {"field": "name", "op": "contains", "value": "x"}]}"#;
        let query = list(&[("amount_gte", "5"), ("filter", written)]).unwrap();
        let body = search(&json!({"filter": {"and": [
            {"field": "amount", "op": "gte", "value": 5}, serde_json::from_str::<Value>(written).unwrap()
        ]}}));
        assert_eq!(query.predicate, body.unwrap().predicate);
        let wide = json!({"or": vec![json!({"field": "won", "value": true}); crate::query::predicate::MAX_TESTS]}).to_string();
        assert!(list(&[("filter", &wide)]).is_ok());
        assert_eq!(codes(list(&[("filter", &wide), ("amount_gte", "5")]))[0].1, "too_many");
    }

    #[test]
    fn says_what_it_means_without_being_asked() {
        let query = list(&[]).unwrap();
        assert_eq!(order(&query), ["-created_at", "-id"]);
        assert_eq!(query.predicate, Predicate::And(vec![Predicate::Archived(false)]));
        assert_eq!((query.limit, query.fields, query.start), (DEFAULT_LIMIT, None, Start::First));
        assert_eq!(order(&list(&[("q", "x")]).unwrap()), ["-relevance", "-id"]);
        assert_eq!(order(&list(&[("q", "x"), ("sort", "name")]).unwrap()), ["name", "id"]);
        assert_eq!(order(&list(&[("sort", "-id")]).unwrap()), ["-id"]);
    }

    #[test]
    fn is_refused_rather_than_bent() {
        assert_eq!(codes(list(&[("limit", "0")])), only("limit", "too_small"));
        assert_eq!(codes(list(&[("limit", "-1")])), only("limit", "too_small"));
        assert_eq!(codes(list(&[("limit", "201")])), only("limit", "too_large"));
        assert_eq!(codes(list(&[("limit", "ten")])), only("limit", "wrong_type"));
        assert_eq!(codes(list(&[("offset", "10001")])), only("offset", "too_far"));
        assert_eq!(codes(list(&[("offset", "-1")])), only("offset", "too_small"));
        assert_eq!(codes(list(&[("cursor", "x")])), only("cursor", "invalid_cursor"));
        assert_eq!(codes(list(&[("sort", "nmae")])), only("sort", "unknown_member"));
        assert_eq!(codes(list(&[("sort", "secret")])), only("sort", "unknown_member"));
        assert_eq!(codes(list(&[("sort", "words")])), only("sort", "not_sortable"));
        assert_eq!(codes(list(&[("sort", "name,-name")])), only("sort", "repeated"));
        assert_eq!(codes(list(&[("fields", "secret")])), only("fields", "unknown_member"));
        assert_eq!(codes(list(&[("expand", "ledger")])), only("expand", "not_expandable"));
        assert_eq!(codes(list(&[("sort", "name"), ("sort", "name")])), only("sort", "duplicate_parameter"));
        assert_eq!(codes(list(&[("limti", "5")])), only("limti", "unknown_parameter"));
        assert_eq!(codes(list(&[("filter", "{")])), only("filter", "malformed"));
        assert_eq!(codes(list(&[("filter", r#"{"field": "nmae", "value": 1}"#)])), only("filter/field", "unknown_member"));
        assert_eq!(codes(list(&[("filter", "{}"), ("filter", "{}")])), only("filter", "duplicate_parameter"));
        assert_eq!(list(&[("limti", "5")]).unwrap_err().0[0].parameters, [("nearest", "limit".to_owned())]);
        assert_eq!(codes(search(&json!({"sort": ["name", 1]}))), only("/sort/1", "wrong_type"));
        assert_eq!(codes(search(&json!({"filtre": {}}))), only("/filtre", "unknown_member"));
        assert_eq!(codes(search(&json!({"filter": {"field": "name"}}))), only("/filter/value", "required"));
        assert_eq!(codes(search(&json!([]))), only("", "wrong_type"));
    }

    #[test]
    fn goes_on_after_a_cursor_or_at_an_offset() {
        let sort = list(&[("sort", "name")]).unwrap().sort;
        let cursor = Cursor::of(&sample::record(1), &sort, None);
        let text = cursor.encode(sample::deal(), &sort);
        assert_eq!(list(&[("sort", "name"), ("cursor", &text)]).unwrap().start, Start::After(cursor));
        assert_eq!(codes(list(&[("cursor", &text)])), only("cursor", "invalid_cursor"));
        assert_eq!(codes(list(&[("sort", "name"), ("cursor", &text), ("offset", "1")])), only("offset", "conflicting"));
    }

    #[test]
    fn one_record_takes_less() {
        let record = |written: &[(&str, &str)]| RecordQuery::from_parameters(sample::deal(), &owned(written), &Everything);
        let query = record(&[("fields", "custom"), ("archived", "true")]).unwrap();
        assert_eq!(query.fields, Some(vec!["id".to_owned(), "custom".to_owned()]));
        assert!(query.archived);
        assert_eq!(codes(record(&[("limit", "1")])), only("limit", "unknown_parameter"));
    }

    proptest! {
        #[test]
        fn never_panics(
            name in proptest::sample::select(LIST_PARAMETERS),
            text in "[a-z0-9,._-]{0,12}|.{0,20}",
            number in any::<i64>(),
        ) {
            let _ = list(&[(name, &text)]);
            let _ = search(&json!({name: text.clone()}));
            let _ = search(&json!({name: number, "filter": text}));
        }
    }
}
