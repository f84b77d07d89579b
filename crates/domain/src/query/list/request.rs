//! The parameters of a list or the members of a search, read one by one.

use serde_json::Value;

use super::{
    ANY, DEFAULT_LIMIT, EVERY_FIELD, Expanded, Far, ListQuery, MAX_EXPANDED, MAX_FIELDS, MAX_LIMIT, MAX_OFFSET, MAX_SORT_KEYS,
    MERGED, SortBy, SortKey, Start,
};
use crate::{
    model::{
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType, Op},
        object::{Object, Order, Reach, Relation, Schema},
        recurring,
    },
    query::{
        cursor::Cursor,
        past::AS_OF,
        predicate::{
            Operand, Predicate, Related, View,
            parse::{self, Given},
            path::{self, Step},
        },
    },
    values::{search_text::Query, time::Timestamp},
};

/// The list's own parameters or members, as given; what is faulty reads as absent.
pub(super) struct Request<'a> {
    schema: Schema,
    view: &'a dyn View,
    pub given: Vec<(&'a str, Given<'a>)>,
    /// What comes before a name in the pointer of a fault.
    prefix: &'static str,
    pub faults: Faults,
}

impl<'a> Request<'a> {
    pub fn new(object: &'static Object, prefix: &'static str, view: &'a dyn View) -> Request<'a> {
        Request { schema: path::shape_of(object, view), view, given: Vec::new(), prefix, faults: Faults::default() }
    }

    pub fn of_parameters(object: &'static Object, own: &'a [(String, String)], view: &'a dyn View) -> Request<'a> {
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

    pub fn list(mut self, filter: Option<Predicate>) -> Result<ListQuery, Faults> {
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
        let merged = self.merged();
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
            .and(merged)
            .and(query.map_or_else(Predicate::all, Predicate::Matches))
            .and(filter.unwrap_or_else(Predicate::all));
        self.faults.into_result(ListQuery { predicate, sort, limit, start, fields, expand, total, as_of })
    }

    pub fn get(&self, name: &str) -> Option<Given<'a>> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }

    fn pointer(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn fault(&mut self, name: &str, fault: Fault) {
        self.faults.add(fault.under(&self.pointer(name)));
    }

    pub fn keep<T>(&mut self, result: Result<T, Faults>, pointer: &str) -> Option<T> {
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

    pub fn boolean(&mut self, name: &str) -> bool {
        self.read(name, Given::boolean).unwrap_or(false)
    }

    /// Live records, archived ones, or both.
    fn archived(&mut self) -> Predicate {
        match self.one_or_any("archived") {
            Some(None) => Predicate::all(),
            Some(Some(archived)) => Predicate::Archived(archived),
            None => Predicate::Archived(false),
        }
    }

    /// Records that were merged into others are left out, unless they are asked for.
    fn merged(&mut self) -> Predicate {
        let object = self.schema.object;
        let Some(field) = object.superseded_by.and_then(|name| object.field(name)) else { return Predicate::all() };
        match self.one_or_any(MERGED) {
            Some(None) => Predicate::all(),
            asked => Predicate::test(field, Op::Null, Operand::Boolean(asked != Some(Some(true)))),
        }
    }

    /// What is true or false, or both; none if nothing is asked.
    pub fn one_or_any(&mut self, name: &str) -> Option<Option<bool>> {
        let wrong = |_| Faults::from(Fault::new("", FaultCode::WrongType).with("expected", "true, false or any"));
        self.read(name, |given| {
            if given.text().is_ok_and(|text| text == ANY) { Ok(None) } else { given.boolean().map(Some).map_err(wrong) }
        })
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

    /// The keys asked for; without any, the best hits of a search come first, or records in the order of their object.
    fn sort(&mut self, query: Option<&Query>) -> Vec<SortKey> {
        let mut keys = self.asked_sort();
        if keys.is_empty() {
            match query {
                Some(query) => keys.push(SortKey { by: SortBy::Relevance(query.clone()), descending: true }),
                None => keys = self.own_order(),
            }
        }
        let is_id = |key: &SortKey| matches!(&key.by, SortBy::Field(Field { kind: FieldType::Id, .. }));
        if !keys.iter().any(is_id) {
            let by = SortBy::Field(Field::new(recurring::ID.name(), FieldType::Id).in_slot(recurring::slots::ID));
            let descending = keys.last().is_none_or(|key| key.descending);
            keys.push(SortKey { by, descending });
        }
        keys
    }

    /// The order that the object declares.
    fn own_order(&self) -> Vec<SortKey> {
        let object = self.schema.object;
        let order = object.order_seen(|field| self.view.sees(object, field)).into_iter();
        let key = |key: Order| Some((object.field(key.field)?.clone(), key.descending));
        order.filter_map(key).map(|(field, descending)| SortKey { by: SortBy::Field(field), descending }).collect()
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
    pub fn fields(&mut self, expanded: &mut Vec<Expanded>) -> Option<Vec<String>> {
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
            let is_related = relation.is_some_and(|relation| relation.reach.is_to_many());
            !(is_related && matches!(field.kind, FieldType::Count(_)) || relation.is_some() && field.derived)
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

    pub fn expand(&mut self) -> Vec<Expanded> {
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
