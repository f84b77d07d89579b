//! One row into one record: references looked up, the record matched, the write tried by itself.

use std::{collections::HashMap, sync::Arc};

use farley_domain::{
    identity::access::Action,
    integration::{
        CellFault, Lookup, PlannedColumn, Row, RowRead, Strictness, Wanted,
        import::{cell, key, merge},
    },
    model::{
        cell::Cell,
        fault::{Fault, FaultCode, Language},
        field::{Field, FieldType, Op},
        input,
        object::Object,
        operand::Operand,
        recurring, registry, value,
    },
    query::{
        list::{ListQuery, SortBy, SortKey, Start},
        predicate::Predicate,
    },
    values::{
        id::Id,
        text::{fold, meet},
        time::Timestamp,
    },
};
use farley_persistence::{ImportFaultRow, Layout, Reader, StoreError, Work};
use serde_json::{Map, Value};

use super::{
    options::{Prepared, ROWS_AT_ONCE},
    parts,
};
use crate::{
    access::principal::Principal,
    http::problem::{Code, Problem},
    records::{named::Named, write::Writer},
};

/// What became of a row.
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
    Failed(Vec<RowFault>),
}

farley_domain::choices! {
    /// Whether a fault stopped its row.
    pub enum FaultLevel {
        Fault "fault" "Fault" "错误",
        Warning "warning" "Warning" "警告",
    }
}

/// What is wrong with a row, in every language.
#[derive(Clone, Debug)]
pub struct RowFault {
    pub row: i64,
    pub column: Option<String>,
    pub pointer: String,
    pub code: &'static str,
    pub level: FaultLevel,
    pub typed: Option<String>,
    pub message_en: String,
    pub message_zh: String,
}

impl RowFault {
    #[must_use]
    pub fn of(row: i64, found: CellFault) -> RowFault {
        let CellFault { column, typed, fault } = found;
        RowFault {
            row,
            column,
            typed,
            code: fault.code.as_str(),
            level: FaultLevel::Fault,
            message_en: fault.message(Language::English),
            message_zh: fault.message(Language::Chinese),
            pointer: fault.pointer,
        }
    }

    #[must_use]
    pub fn warning(row: i64, found: CellFault) -> RowFault {
        RowFault { level: FaultLevel::Warning, ..RowFault::of(row, found) }
    }

    #[must_use]
    pub fn stored(&self, tenant: Id, import: Id, position: i64) -> ImportFaultRow {
        ImportFaultRow {
            tenant_id: tenant,
            import_id: import,
            row_number: self.row,
            position,
            column_name: self.column.clone(),
            pointer: self.pointer.clone(),
            code: self.code.to_owned(),
            typed: self.typed.clone(),
            message_en: self.message_en.clone(),
            message_zh: self.message_zh.clone(),
            level: self.level.as_str().to_owned(),
        }
    }
}

/// Imports one row. What fails leaves nothing; only what stops the whole import is an error.
pub fn import(
    work: &mut Work<'_>,
    prepared: &Prepared,
    writer: &Writer,
    row: &Row,
    known: &mut Known,
) -> Result<(Outcome, Vec<RowFault>), Problem> {
    let mut tried = work.attempt(|work| write(work, prepared, writer, row, known));
    if work.is_among_others() && tried.as_ref().is_err_and(|problem| problem.code == Code::Duplicate) {
        // Another may have created the record since it was looked for: now it is found and changed.
        tried = work.attempt(|work| write(work, prepared, writer, row, known));
    }
    let failed = |faults: Vec<RowFault>| Ok((Outcome::Failed(faults), Vec::new()));
    match tried {
        Ok(Ok((outcome, warnings))) => {
            Ok((outcome, warnings.into_iter().map(|warning| RowFault::warning(row.number, warning)).collect()))
        }
        Ok(Err(faults)) => failed(faults.into_iter().map(|fault| RowFault::of(row.number, fault)).collect()),
        Err(problem) => match problem.inside() {
            None | Some(StoreError::Taken(_) | StoreError::Reference | StoreError::SumTooLarge) => {
                failed(explained(prepared, row, &problem))
            }
            Some(
                StoreError::Unavailable(_)
                | StoreError::Unwritable(_)
                | StoreError::Busy
                | StoreError::TooSlow
                | StoreError::Abandoned
                | StoreError::Serialization
                | StoreError::Internal(_),
            ) => Err(problem),
        },
    }
}

/// What a problem of the write says of the row.
fn explained(prepared: &Prepared, row: &Row, problem: &Problem) -> Vec<RowFault> {
    if problem.faults.is_empty() {
        let detail = |language| problem.to_json(language, "", "")["detail"].as_str().unwrap_or_default().to_owned();
        return vec![RowFault {
            row: row.number,
            column: None,
            pointer: String::new(),
            code: problem.code.as_str(),
            level: FaultLevel::Fault,
            typed: None,
            message_en: detail(Language::English),
            message_zh: detail(Language::Chinese),
        }];
    }
    let told = problem.faults.0.iter().map(|fault| {
        let column = prepared.plan.column_of(&fault.pointer);
        CellFault {
            column: column.and_then(PlannedColumn::header),
            typed: column.map(|column| column.shown(row)),
            fault: fault.clone(),
        }
    });
    told.map(|found| RowFault::of(row.number, found)).collect()
}

/// What became of the row, and what else is to be told of it.
type Written = Result<(Outcome, Vec<CellFault>), Vec<CellFault>>;

fn write(work: &mut Work<'_>, prepared: &Prepared, writer: &Writer, row: &Row, known: &mut Known) -> Result<Written, Problem> {
    if prepared.mapping.distinct && prepared.repeated.contains_key(&row.number) {
        return Ok(Ok((Outcome::Unchanged, Vec::new())));
    }
    let standards = writer.principal.standards(writer.now);
    let mut read = prepared.plan.read(row, &standards);
    look_up(work, prepared, writer, &mut read, known)?;
    let matched = match matched(work, prepared, writer, row, &read.body)? {
        Ok(matched) => matched,
        Err(fault) => {
            read.faults.push(fault);
            None
        }
    };
    if !read.faults.is_empty() {
        check(prepared, &writer.principal, writer.now, row, &mut read);
        return Ok(Err(read.faults));
    }
    read.close_gaps();
    let parts = parts::take(prepared, &mut read.body);
    let (id, mut outcome) = match matched {
        None => (writer.create(work, &Value::Object(read.body))?.0.id(), Outcome::Created),
        Some(id) => {
            let loaded = writer.load(work, &Named::Id(id), Action::Update)?;
            let patch = merge::patch(&writer.principal.schema(writer.object), &loaded.record, &read.body, &standards);
            let record = writer.patch(work, &loaded, &Value::Object(patch))?;
            let unchanged = record.version() == loaded.record.version();
            (id, if unchanged { Outcome::Unchanged } else { Outcome::Updated })
        }
    };
    for part in &parts {
        let changed = parts::write(work, writer, id, part)?;
        if changed && matches!(outcome, Outcome::Unchanged) {
            outcome = Outcome::Updated;
        }
    }
    Ok(Ok((outcome, read.warnings)))
}

/// Finds the records that a row names; parents before their parts, so that a stage is looked for in the row's pipeline.
fn look_up(
    work: &mut Work<'_>,
    prepared: &Prepared,
    writer: &Writer,
    read: &mut RowRead,
    known: &mut Known,
) -> Result<(), Problem> {
    let wanted = std::mem::take(&mut read.wanted).into_iter();
    let mut all: Vec<_> = wanted.filter_map(|wanted| registry::object(&wanted.object).map(|target| (wanted, target))).collect();
    all.sort_by_key(|(_, target)| target.parent.is_some());
    for (wanted, target) in all {
        let within = parent_named(target, &read.body);
        let found = known.find(work.reader(), prepared, writer, (target, within), &wanted)?;
        match found.as_slice() {
            [id] => read.found(&wanted, *id),
            [] if is_tried_apart(prepared, target, &wanted) => {}
            [] => {
                let fault = refused(&wanted, Fault::new("", FaultCode::NotFound));
                match wanted.if_unknown {
                    Strictness::Accept => {}
                    Strictness::Warn => read.warnings.push(fault),
                    Strictness::Refuse => read.faults.push(fault),
                }
            }
            several => read.faults.push(refused(&wanted, ambiguous(several))),
        }
    }
    Ok(())
}

/// The record of which records of an object are parts, where the row names it.
fn parent_named(object: &Object, body: &Map<String, Value>) -> Option<Id> {
    body.get(object.parent?.field)?.as_str()?.parse().ok()
}

/// Records found already in this unit of work: most rows name the same few.
#[derive(Default)]
pub struct Known(HashMap<(&'static str, Lookup, String, Option<Id>), Vec<Id>>);

impl Known {
    fn find(
        &mut self,
        reader: &mut Reader<'_>,
        prepared: &Prepared,
        writer: &Writer,
        (target, within): (&'static Object, Option<Id>),
        wanted: &Wanted,
    ) -> Result<Vec<Id>, Problem> {
        // What the rows themselves make is looked up each time.
        if target.name == prepared.options.object.name {
            return find(reader, writer, (target, within), &wanted.lookup, &wanted.named);
        }
        let key = (target.name, wanted.lookup.clone(), wanted.named.clone(), within);
        if let Some(found) = self.0.get(&key) {
            return Ok(found.clone());
        }
        let found = find(reader, writer, (target, within), &wanted.lookup, &wanted.named)?;
        self.0.insert(key, found.clone());
        Ok(found)
    }
}

/// Adds what else is wrong with a row that cannot be written, so that all is told at once.
pub fn check(prepared: &Prepared, principal: &Principal, now: Timestamp, row: &Row, read: &mut RowRead) {
    let (schema, standards) = (principal.schema(prepared.options.object), principal.standards(now));
    let rule = |field: &Field| principal.asker.grants.rule(prepared.options.object, field);
    let mut body = read.body.clone();
    parts::take(prepared, &mut body);
    let body = Value::Object(body);
    let Err(found) = (input::Reader { schema: &schema, standards: &standards, rule: &rule }).create(&body) else { return };
    for fault in found.0 {
        let column = prepared.plan.column_of(&fault.pointer);
        // A row that changes a record need not be whole, and a reference may not have been looked up.
        let is_open = fault.code == FaultCode::Required
            && (prepared.matcher.is_some() || column.is_some_and(|column| column.target().is_some()));
        let name = column.and_then(PlannedColumn::header);
        let known = name.is_some() && read.faults.iter().any(|known| known.column == name);
        if !is_open && !known {
            let typed = column.map(|column| column.shown(row));
            read.faults.push(CellFault { column: name, typed, fault });
        }
    }
}

/// A long file is tried in pieces, each undone before the next, so that a row of an earlier piece is not there any more; of what is
/// only shown, just the first rows are tried.
fn is_tried_apart(prepared: &Prepared, target: &Object, wanted: &Wanted) -> bool {
    let in_pieces = prepared.options.dry_run && prepared.order.len() > ROWS_AT_ONCE;
    let tried = in_pieces || prepared.in_part;
    tried && target.name == prepared.options.object.name && prepared.names.contains(&fold(&wanted.named))
}

fn refused(wanted: &Wanted, fault: Fault) -> CellFault {
    let pointer = format!("/{}", wanted.path.replace('.', "/"));
    CellFault { column: wanted.column.clone(), typed: Some(wanted.named.clone()), fault: fault.under(&pointer) }
}

fn ambiguous(ids: &[Id]) -> Fault {
    let ids: Vec<String> = ids.iter().map(Id::to_string).collect();
    Fault::new("", FaultCode::Ambiguous).with("ids", ids.join(", "))
}

/// The one record that a row matches.
fn matched(
    work: &mut Work<'_>,
    prepared: &Prepared,
    writer: &Writer,
    row: &Row,
    body: &Map<String, Value>,
) -> Result<Result<Option<Id>, CellFault>, Problem> {
    let Some(matcher) = &prepared.matcher else { return Ok(Ok(None)) };
    let fault = |fault: Fault| {
        let pointer = format!("/{}", matcher.column.path().replace('.', "/"));
        CellFault { column: matcher.column.header(), typed: Some(matcher.column.shown(row)), fault: fault.under(&pointer) }
    };
    let keys = matcher.keys(row);
    if keys.is_empty() && cell::is_shortened(&matcher.column.typed(row)) {
        // Which is told with the cell.
        return Ok(Ok(None));
    }
    if keys.is_empty() {
        return Ok(Err(fault(Fault::new("", FaultCode::Required))));
    }
    if let Some(earlier) = prepared.repeated.get(&row.number) {
        return Ok(Err(fault(Fault::new("", FaultCode::RepeatedRow).with("row", earlier))));
    }
    let mut found = Vec::new();
    for key in keys {
        found.extend(find(work.reader(), writer, (writer.object, parent_named(writer.object, body)), &matcher.lookup, &key)?);
    }
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [] => Ok(Ok(None)),
        [id] => Ok(Ok(Some(*id))),
        several => Ok(Err(fault(ambiguous(several)))),
    }
}

/// Live records of an object, parts of one record if that is known, that go by a name, as far as the writer may know of them; a handful at most.
fn find(
    reader: &mut Reader<'_>,
    writer: &Writer,
    (target, parent): (&'static Object, Option<Id>),
    lookup: &Lookup,
    named: &str,
) -> Result<Vec<Id>, Problem> {
    let principal = &writer.principal;
    let Some(rows) = principal.asker.rows(target, Action::Read) else { return Ok(Vec::new()) };
    let mut within = Predicate::Archived(false).and(rows);
    if let (Some(parent), Some(field)) = (parent, target.parent.and_then(|parent| target.field(parent.field))) {
        within = within.and(Predicate::test(field, Op::Eq, Operand::Id(parent)));
    }
    let by_name: Lookup;
    let (lookup, path) = match lookup {
        Lookup::Id => return visible(reader, writer, target, named.parse().ok(), &within),
        Lookup::External(system) => {
            let key = Named::External { system: system.clone(), key: named.to_owned() };
            let id = key.find(reader, principal, target)?;
            return visible(reader, writer, target, id, &within);
        }
        Lookup::Auto => match named.parse() {
            Ok(id) => return visible(reader, writer, target, Some(id), &within),
            Err(_) => {
                let path = by_look(principal, target, named);
                by_name = Lookup::Field(path.to_owned());
                (&by_name, path)
            }
        },
        Lookup::Field(path) => (lookup, path.as_str()),
    };
    let schema = principal.schema(target);
    // By what is hidden nothing is found: that would confirm it.
    let field = schema.field(path).filter(|field| principal.asker.sees(target, field));
    let (Some(field), Some(id)) = (field, recurring::ID.of(target)) else { return Ok(Vec::new()) };
    // What cannot be a value of the field is nobody's.
    let Some(key) = key::standard(field, lookup, named, &principal.standards(writer.now)) else { return Ok(Vec::new()) };
    let predicate = match &field.kind {
        FieldType::Text { .. } if field.keyed.is_some() => return find_alike(reader, writer, target, field, named, within),
        FieldType::Structure(_) => Predicate::test(field, Op::Any, Operand::List(vec![Operand::Text(key)])),
        FieldType::Integer { .. } => match key.parse() {
            Ok(number) => Predicate::test(field, Op::Eq, Operand::Integer(number)),
            Err(_) => return Ok(Vec::new()),
        },
        _ => Predicate::test(field, Op::Eq, Operand::Text(key)),
    };
    let page = reader.list(&ids_only(principal, target), &principal.view(writer.now), &first(within.and(predicate), id, 3))?;
    Ok(page.rows.iter().map(farley_persistence::Row::id).collect())
}

/// The first records that a predicate describes.
fn first(predicate: Predicate, id: &Field, limit: usize) -> ListQuery {
    ListQuery {
        predicate,
        sort: vec![SortKey { by: SortBy::Field(id.clone()), descending: false }],
        limit,
        start: Start::First,
        fields: None,
        expand: Vec::new(),
        total: false,
        as_of: None,
    }
}

/// Records that go by a name exactly, or else by one that is the same to people.
fn find_alike(
    reader: &mut Reader<'_>,
    writer: &Writer,
    target: &'static Object,
    field: &Field,
    named: &str,
    within: Predicate,
) -> Result<Vec<Id>, Problem> {
    /// How many records with the same key are looked at.
    const CANDIDATES: usize = 50;
    let principal = &writer.principal;
    let (Some(keyed), Some(id)) = (field.keyed, recurring::ID.of(target)) else { return Ok(Vec::new()) };
    let accepted = value::accept(field, &named.into(), &principal.standards(writer.now));
    // What cannot be a value of the field is nobody's.
    let Ok(Value::String(named)) = accepted else { return Ok(Vec::new()) };
    let key = Operand::List(vec![Operand::Text(keyed.key(&named))]);
    let query = first(within.and(Predicate::test(field, Op::Any, key)), id, CANDIDATES);
    let layout = Arc::new(Layout::of(&principal.schema(target), &|_| true, Some(&[field.path()]), &[]));
    let page = reader.list(&layout, &principal.view(writer.now), &query)?;
    let mut alike = Vec::new();
    for row in &page.rows {
        let record = row.to_record()?;
        if let Cell::Text(text) = &*record.cell(field)
            && meet(text, &named)
        {
            alike.push((*text == named, row.id()));
        }
    }
    let is_exact = alike.iter().any(|(exact, _)| *exact);
    Ok(alike.into_iter().filter(|(exact, _)| *exact == is_exact).map(|(_, id)| id).take(3).collect())
}

/// By which field a cell names a record: something with an @ is an e-mail address, all else the name.
fn by_look(principal: &Principal, target: &'static Object, named: &str) -> &'static str {
    let schema = principal.schema(target);
    let email = ["email", "emails"].into_iter().find(|path| schema.field(path).is_some());
    email.filter(|_| named.contains('@')).unwrap_or(target.title)
}

fn ids_only(principal: &Principal, target: &'static Object) -> Arc<Layout> {
    Arc::new(Layout::of(&principal.schema(target), &|_| true, Some(&[]), &[]))
}

fn visible(
    reader: &mut Reader<'_>,
    writer: &Writer,
    target: &'static Object,
    id: Option<Id>,
    within: &Predicate,
) -> Result<Vec<Id>, Problem> {
    let Some(id) = id else { return Ok(Vec::new()) };
    let principal = &writer.principal;
    let row = reader.get(&ids_only(principal, target), &principal.view(writer.now), id, within)?;
    Ok(row.iter().map(farley_persistence::Row::id).collect())
}
