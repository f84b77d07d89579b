//! What is asked of an import, read from JSON or from a CSV body with parameters, and made ready: the file taken apart, its
//! columns planned, its rows in order.

use std::collections::{HashMap, HashSet};

use farley_domain::{
    integration::{
        ColumnMapping, Import, Lookup, Mapping, Place, Plan, PlannedColumn, Row,
        import::{
            cell,
            forms::{DateFormat, Decimal},
            key, order,
            plan::Source,
            record::{ImportMode, MAPPING, OnFault, importable},
        },
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType},
        field_rule::FieldRule,
        object::{Object, Schema},
        record::Record,
        recurring, registry,
        value::Standards,
    },
    values::{
        text::{clean_line, fold},
        time::Timestamp,
    },
};
use serde_json::{Value, json};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use super::{
    CONTENT,
    csv_file::ImportFile,
    xlsx_file::{self, Workbook},
};
use crate::{
    access::principal::Principal,
    http::problem::Problem,
    records::{body, parameters},
};

/// How many rows are imported or tried in one piece: all or none goes no further.
pub const ROWS_AT_ONCE: usize = 5_000;
/// How many rows a preview shows and tries.
pub const SAMPLE: usize = 20;

/// What is asked, beside the file.
#[derive(Clone, Debug)]
pub struct Options {
    pub object: &'static Object,
    pub file_name: Option<String>,
    pub mode: ImportMode,
    pub match_by: Option<String>,
    pub all_or_none: bool,
    pub dry_run: bool,
    pub mapping: Mapping,
}

crate::body! {
    /// A file to import. With `text/csv`, the body is the file itself and everything else is given as query parameters (the
    /// mapping as JSON).
    pub struct ImportOptions {
        /// The object to import into; it must be one that can be created through the API.
        object: String => text(40).required().example("customer"),
        /// The file name.
        file_name: Option<String> => text(255).example("customers.csv"),
        /// `create` creates a new record for every row; `upsert` updates the record that a row matches. Defaults to `upsert` if
        /// `match_by` is given.
        mode: Option<ImportMode> => choice(ImportMode::choices()).example("upsert"),
        /// How rows are matched to records: by a mapped field, such as `name`, `emails` or `phones`, or by `ext:{system}`.
        match_by: Option<String> => text(100).example("name"),
        /// `skip` imports the valid rows; `abort` imports no rows if any row has a fault (up to 5,000 rows).
        on_fault: Option<OnFault> => choice(OnFault::choices()).default("skip").example("skip"),
        /// Tries every row without saving anything. Rows are tried in batches of 5,000.
        dry_run: bool => boolean().default(false).example(false),
        /// The mapping of columns to fields; other columns are matched by their headers.
        mapping: Option<Mapping> => structure(&MAPPING).default(json!({"columns": []})),
    }
    example Value::Null
}

/// With a CSV body the options are parameters; with a JSON body they are its members, and none may be.
impl IntoParams for ImportOptions {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        parameters::documented(<ImportOptions as Entity>::object(), "With a `text/csv` body: ", false)
    }
}

impl Options {
    /// The mapping that was said. Where rows are matched by id, the column `id` has it; otherwise nobody knows whose ids these are.
    fn with_ids(&self, header: &[String]) -> Mapping {
        const ID: &str = recurring::ID.name();
        let mut mapping = self.mapping.clone();
        let is_said = mapping.columns.iter().any(|column| column.column == ID || column.field.as_deref() == Some(ID));
        if self.match_by.as_deref() == Some(ID) && !is_said && header.iter().any(|column| column == ID) {
            mapping.columns.push(ColumnMapping { column: ID.to_owned(), field: Some(ID.to_owned()), ..ColumnMapping::default() });
        }
        mapping
    }

    /// Reads the options out of their members.
    pub fn read(members: &Value, standards: &Standards<'_>) -> Result<Options, Problem> {
        let form = body::read::<ImportOptions>(members, standards)?;
        let object = known(form.get(ImportOptions::object))?;
        let match_by = form.get(ImportOptions::match_by).map(str::to_owned);
        let mode = match (form.get(ImportOptions::mode), &match_by) {
            (Some(ImportMode::Upsert), None) => return Err(unmatched(FaultCode::Required).into()),
            (Some(ImportMode::Create), Some(_)) => {
                return Err(unmatched(FaultCode::Conflicting).with("other", "mode create").into());
            }
            (Some(ImportMode::Create) | None, None) => ImportMode::Create,
            (Some(ImportMode::Upsert) | None, Some(_)) => ImportMode::Upsert,
        };
        Ok(Options {
            object,
            file_name: form.get(ImportOptions::file_name).map(str::to_owned),
            mode,
            match_by,
            all_or_none: form.get(ImportOptions::on_fault) == Some(OnFault::Abort),
            dry_run: form.get(ImportOptions::dry_run),
            mapping: form.get(ImportOptions::mapping).unwrap_or_default(),
        })
    }

    /// The options of an import as they were stored with it.
    pub fn of(record: &Record<Import>) -> Result<Options, Problem> {
        Ok(Options {
            object: known(record.get(Import::object))?,
            file_name: record.get(Import::file_name).map(str::to_owned),
            mode: record.get(Import::mode).unwrap_or(ImportMode::Create),
            match_by: record.get(Import::match_by).map(str::to_owned),
            all_or_none: record.get(Import::on_fault) == Some(OnFault::Abort),
            dry_run: record.get(Import::dry_run),
            mapping: record.get(Import::mapping).unwrap_or_default(),
        })
    }

    /// How many rows go into one unit of work: what may have to be undone together goes together; else few enough that
    /// PostgreSQL keeps the savepoints of a unit (64) in memory, and that nobody else waits long for SQLite's one writer.
    #[must_use]
    pub fn batch(&self) -> usize {
        if self.all_or_none || self.dry_run { ROWS_AT_ONCE } else { 60 }
    }
}

/// A fault of what rows are to be matched by.
fn unmatched(code: FaultCode) -> Fault {
    Fault::new(ImportOptions::match_by.pointer(), code)
}

fn known(name: &str) -> Result<&'static Object, Problem> {
    let known = importable();
    let object = registry::objects().into_iter().find(|object| object.name == name || object.collection == name);
    match object.filter(|object| known.contains(&object.name)) {
        Some(object) => Ok(object),
        None => Err(unknown(ImportOptions::object.pointer(), FaultCode::UnknownChoice, name, known.iter().copied()).into()),
    }
}

/// By what rows match records, and the column that says it.
pub struct Matcher {
    pub lookup: Lookup,
    pub column: PlannedColumn,
}

impl Matcher {
    /// The keys of a row; several where the cell holds several e-mail addresses.
    #[must_use]
    pub fn keys(&self, row: &Row) -> Vec<String> {
        let typed = self.column.typed(row);
        if cell::is_shortened(&typed) {
            return Vec::new();
        }
        if self.column.field.kind.is_scalar() || matches!(self.lookup, Lookup::External(_)) {
            Some(clean_line(&typed)).filter(|key| !key.is_empty()).into_iter().collect()
        } else {
            cell::split_contacts(&typed, self.column.mapping.split.as_deref()).into_iter().map(clean_line).collect()
        }
    }
}

/// An import ready to run.
pub struct Prepared {
    pub options: Options,
    pub file: ImportFile,
    pub plan: Plan,
    /// A line for each column, guesses included.
    pub mapping: Mapping,
    pub matcher: Option<Matcher>,
    /// In which order rows are done.
    pub order: Vec<usize>,
    /// Rows whose key stands in an earlier row, which is told.
    pub repeated: HashMap<i64, i64>,
    /// How rows name each other, where they do.
    pub names: HashSet<String>,
    /// What stands in the way of an import, but not of showing how the file would be read.
    pub faults: Faults,
    /// Whether only the first rows are tried, so that what they name may stand in later ones.
    pub in_part: bool,
    /// The trace of the request (W3C), which the job goes on with.
    pub traceparent: Option<String>,
}

impl Prepared {
    /// Writes down in an import what is asked of it.
    pub fn write(&self, import: &mut Record<Import>) {
        let Options { object, file_name, mode, match_by, all_or_none, dry_run, mapping: _ } = &self.options;
        import.set(Import::object, object.name);
        import.set(Import::file_name, file_name.clone());
        import.set(Import::mode, *mode);
        import.set(Import::match_by, match_by.clone());
        import.set(Import::on_fault, if *all_or_none { OnFault::Abort } else { OnFault::Skip });
        import.set(Import::dry_run, *dry_run);
        import.set(Import::mapping, self.mapping.clone());
    }

    /// Makes an import ready to run.
    pub fn make(options: Options, content: &[u8], principal: &Principal, now: Timestamp) -> Result<Prepared, Problem> {
        let prepared = Prepared::read(options, content, principal, now)?;
        if prepared.faults.is_empty() { Ok(prepared) } else { Err(prepared.faults.into()) }
    }

    /// Reads a file, also one that cannot be imported so.
    pub fn read(options: Options, content: &[u8], principal: &Principal, now: Timestamp) -> Result<Prepared, Problem> {
        let schema = principal.schema(options.object);
        let file = open(&options, content, &schema)?;
        if options.all_or_none && file.rows.len() > ROWS_AT_ONCE {
            return Err(Fault::new(ImportOptions::on_fault.pointer(), FaultCode::TooManyRows).with("max", ROWS_AT_ONCE).into());
        }
        let writes = |field: &Field| match principal.asker.grants.rule(options.object, field) {
            None => true,
            Some(FieldRule::Hidden | FieldRule::ReadOnly) => false,
        };
        let said = options.with_ids(&file.header);
        let (mut plan, mut mapping) = Plan::make(&said, &file.header, &file.rows, &schema, &writes)?;
        let mut faults = Faults::default();
        faults.keep(plan.check());
        if let Some(workbook) = &file.workbook {
            mapping.sheet = Some(workbook.sheet.clone());
            mapping.header_row = Some(workbook.header_row);
            plan.columns.iter_mut().for_each(|column| typed_numbers(column, workbook, &mut faults));
        }
        let matcher = options.match_by.as_ref().map(|match_by| matcher(match_by, &plan, &schema));
        let matcher = faults.keep(matcher.transpose()).flatten();
        if options.match_by.is_none() && mapping.distinct {
            faults.add(unmatched(FaultCode::Required));
        }
        let order = order::parents_first(&plan, &file.rows, &schema);
        let standards = principal.standards(now);
        let repeated = matcher.as_ref().map(|matcher| repeated(matcher, &plan, options.object, (&file.rows, &standards)));
        let repeated = repeated.unwrap_or_default();
        let own = |column: &&PlannedColumn| column.place == Place::Whole && column.target() == Some(options.object.name);
        let parent = plan.columns.iter().find(own);
        let key = parent.and_then(|parent| order::key_column(&plan, parent, &schema));
        let names = key.map(|key| file.rows.iter().map(|row| fold(key.typed(row).trim())).collect()).unwrap_or_default();
        Ok(Prepared { options, file, plan, mapping, matcher, order, repeated, names, faults, in_part: false, traceparent: None })
    }
}

/// Takes a file apart, of whichever kind it is.
fn open(options: &Options, content: &[u8], schema: &Schema) -> Result<ImportFile, Problem> {
    let mapping = &options.mapping;
    if xlsx_file::is_archive(content) {
        let known = |header: &[String]| {
            let said = mapping.columns.iter().filter(|said| header.contains(&said.column)).count();
            let guessed = Plan::make(&Mapping::default(), header, &[], schema, &|_| true);
            (said, guessed.map_or(0, |(plan, _)| plan.columns.len()))
        };
        return Ok(xlsx_file::read(content, mapping, &known)?);
    }
    let mut faults = Faults::default();
    let only_in_workbooks = [("/mapping/sheet", mapping.sheet.is_some()), ("/mapping/header_row", mapping.header_row.is_some())];
    for (pointer, _) in only_in_workbooks.into_iter().filter(|(_, is_said)| *is_said) {
        faults.add(Fault::new(pointer, FaultCode::Conflicting).with("other", "CSV"));
    }
    faults.into_result(())?;
    Ok(ImportFile::read(content)?)
}

/// The numbers of a workbook are no texts that need a form to be read; its days may be counted from 1904.
fn typed_numbers(column: &mut PlannedColumn, workbook: &Workbook, faults: &mut Faults) {
    let Source::Column(position) = column.source else { return };
    let Some(only_numbers) = workbook.numbers.get(&position) else { return };
    match &column.field.kind {
        FieldType::Integer { .. } | FieldType::Decimal | FieldType::Money
            if *only_numbers && column.mapping.decimal.is_none() =>
        {
            column.mapping.decimal = Some(Decimal::Point);
        }
        FieldType::Date | FieldType::DateTime if workbook.from_1904 && column.mapping.date_format == Some(DateFormat::Excel) => {
            let reason = format!("the numbers of column {} count days from 1904; format them as dates", column.mapping.column);
            faults.add(Fault::new(format!("/{CONTENT}"), FaultCode::Malformed).with("reason", reason));
        }
        _ => {}
    }
}

fn matcher(match_by: &str, plan: &Plan, schema: &Schema) -> Result<Matcher, Fault> {
    let lookup = Lookup::read(match_by, schema);
    let lookup =
        lookup.ok_or_else(|| unmatched(FaultCode::UnknownChoice).with("choices", "name, emails, ext:SYSTEM or another field"))?;
    let path = match &lookup {
        Lookup::Auto | Lookup::Id => recurring::ID.name().to_owned(),
        Lookup::Field(path) => path.clone(),
        Lookup::External(system) => format!("{}.{system}", recurring::EXTERNAL_IDS.name()),
    };
    match plan.column(&path) {
        Some(column) => Ok(Matcher { lookup, column: column.clone() }),
        None => Err(unmatched(FaultCode::Unmapped).with("field", path)),
    }
}

/// Rows whose key stands in an earlier row; parts of different records may have the same.
fn repeated(matcher: &Matcher, plan: &Plan, object: &Object, (rows, standards): (&[Row], &Standards<'_>)) -> HashMap<i64, i64> {
    let parent = object.parent.and_then(|parent| plan.column(parent.field));
    let field = &matcher.column.field;
    let exact = matches!(field.kind, FieldType::Text { .. }) && field.keyed.is_none();
    let mut first: HashMap<(String, String), i64> = HashMap::new();
    let mut repeated = HashMap::new();
    for row in rows {
        let within = parent.map(|parent| parent.typed(row).into_owned()).unwrap_or_default();
        for typed in matcher.keys(row) {
            // As the record will have it: what people write in several ways is one key.
            let key = key::standard(&matcher.column.field, &matcher.lookup, &typed, standards).unwrap_or(typed);
            let key = (within.clone(), if exact { key } else { fold(&key) });
            let earlier = *first.entry(key).or_insert(row.number);
            if earlier != row.number {
                repeated.insert(row.number, earlier);
            }
        }
    }
    repeated
}
