//! What is asked of an import, read from JSON or from a CSV body with parameters, and made ready: the file taken apart, its
//! columns planned, its rows in order.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use farley_domain::{
    fault::{Fault, FaultCode, unknown},
    field::{Field, FieldType},
    identity::access::FieldRule,
    input,
    integration::{
        Lookup, Mapping, Place, Plan, PlannedColumn, Row,
        import::{
            cell, order,
            record::{ImportMode, MAPPING, OnFault, importable},
        },
    },
    object::{Object, Shape},
    record::Record,
    registry,
    text::{clean_line, fold},
    value::Standards,
};
use serde_json::{Map, Value, json};

use super::csv_file::CsvFile;
use crate::{access::principal::Principal, http::problem::Problem};

/// How many rows are imported or tried in one piece: all or none goes no further.
pub const ROWS_AT_ONCE: usize = 5_000;
/// How many rows are samples for guesses and previews.
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

static FIELDS: LazyLock<[Field; 7]> = LazyLock::new(|| {
    [
        Field::new("object", FieldType::Text { max: 40 }).required(),
        Field::new("file_name", FieldType::Text { max: 255 }),
        Field::new("mode", FieldType::Choice(ImportMode::choices().into())),
        Field::new("match_by", FieldType::Text { max: 100 }),
        Field::new("on_fault", FieldType::Choice(OnFault::choices().into())).default("skip"),
        Field::new("dry_run", FieldType::Boolean).default(false),
        Field::new("mapping", FieldType::Structure(&MAPPING)).default(json!({"columns": []})),
    ]
});

/// The names of the options.
pub fn names() -> Vec<&'static str> {
    vec!["object", "file_name", "mode", "match_by", "on_fault", "dry_run", "mapping"]
}

impl Options {
    /// Reads the options out of their members.
    pub fn read(members: &Value, standards: &Standards<'_>) -> Result<Options, Problem> {
        let form = input::form(&*FIELDS, members, standards)?;
        let text = |name: &str| form.get(name).and_then(Value::as_str);
        let object = known(text("object").unwrap_or_default())?;
        let match_by = text("match_by").map(str::to_owned);
        let mode = match (text("mode"), &match_by) {
            (Some("upsert"), None) => return Err(Fault::new("/match_by", FaultCode::Required).into()),
            (Some("create"), Some(_)) => {
                return Err(Fault::new("/match_by", FaultCode::Conflicting).with("other", "mode create").into());
            }
            (_, None) => ImportMode::Create,
            (_, Some(_)) => ImportMode::Upsert,
        };
        Ok(Options {
            object,
            file_name: text("file_name").map(str::to_owned),
            mode,
            match_by,
            all_or_none: text("on_fault") == Some("abort"),
            dry_run: form.get("dry_run") == Some(&Value::Bool(true)),
            mapping: Mapping::read(form.get("mapping").unwrap_or(&Value::Null)).map_err(Problem::internal)?,
        })
    }

    /// The options of an import as they were stored with it.
    pub fn of(record: &Record) -> Result<Options, Problem> {
        let upsert = record.text("mode") == Some("upsert");
        Ok(Options {
            object: known(record.text("object").unwrap_or_default())?,
            file_name: record.text("file_name").map(str::to_owned),
            mode: if upsert { ImportMode::Upsert } else { ImportMode::Create },
            match_by: record.text("match_by").map(str::to_owned),
            all_or_none: record.text("on_fault") == Some("abort"),
            dry_run: record.get("dry_run") == &Value::Bool(true),
            mapping: Mapping::read(record.get("mapping")).map_err(Problem::internal)?,
        })
    }

    /// What an import keeps of its options.
    #[must_use]
    pub fn members(&self) -> Map<String, Value> {
        let on_fault = if self.all_or_none { OnFault::Abort } else { OnFault::Skip };
        Map::from_iter([
            ("object".to_owned(), self.object.name.into()),
            ("file_name".to_owned(), self.file_name.clone().into()),
            ("mode".to_owned(), self.mode.as_str().into()),
            ("match_by".to_owned(), self.match_by.clone().into()),
            ("on_fault".to_owned(), on_fault.as_str().into()),
            ("dry_run".to_owned(), self.dry_run.into()),
        ])
    }

    /// How many rows go into one unit of work: what may have to be undone together goes together; else few enough that
    /// PostgreSQL keeps the savepoints of a unit (64) in memory, and that nobody else waits long for SQLite's one writer.
    #[must_use]
    pub fn batch(&self) -> usize {
        if self.all_or_none || self.dry_run { ROWS_AT_ONCE } else { 60 }
    }
}

fn known(name: &str) -> Result<&'static Object, Problem> {
    let known = importable();
    let object = registry::objects().into_iter().find(|object| object.name == name || object.collection == name);
    match object.filter(|object| known.contains(&object.name)) {
        Some(object) => Ok(object),
        None => Err(unknown("/object".to_owned(), FaultCode::UnknownChoice, name, known.iter().copied())
            .with("choices", known.join(", "))
            .into()),
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
        if self.column.field.kind.is_scalar() || matches!(self.lookup, Lookup::External(_)) {
            Some(clean_line(&typed)).filter(|key| !key.is_empty()).into_iter().collect()
        } else {
            cell::split_contacts(&typed).into_iter().map(clean_line).collect()
        }
    }
}

/// An import ready to run.
pub struct Prepared {
    pub options: Options,
    pub file: CsvFile,
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
    /// The trace of the request (W3C), which the job goes on with.
    pub traceparent: Option<String>,
}

impl Prepared {
    pub fn make(options: Options, content: &[u8], principal: &Principal) -> Result<Prepared, Problem> {
        let file = CsvFile::read(content)?;
        if options.all_or_none && file.rows.len() > ROWS_AT_ONCE {
            return Err(Fault::new("/on_fault", FaultCode::TooManyRows).with("max", ROWS_AT_ONCE).into());
        }
        let shape = principal.shape(options.object);
        let samples = file.rows.get(..SAMPLE).unwrap_or(&file.rows);
        let writes = |field: &Field| match principal.asker.grants.rule(options.object, field) {
            None => true,
            Some(FieldRule::Hidden | FieldRule::ReadOnly) => false,
        };
        let (plan, mapping) = Plan::make(&options.mapping, &file.header, samples, &shape, &writes)?;
        let matcher = match &options.match_by {
            Some(match_by) => Some(matcher(match_by, &plan, &shape)?),
            None => None,
        };
        if matcher.is_none() && mapping.distinct {
            return Err(Fault::new("/match_by", FaultCode::Required).into());
        }
        let order = order::parents_first(&plan, &file.rows, &shape);
        let repeated = matcher.as_ref().map(|matcher| repeated(matcher, &plan, options.object, &file.rows)).unwrap_or_default();
        let own = |column: &&PlannedColumn| column.place == Place::Whole && column.target() == Some(options.object.name);
        let parent = plan.columns.iter().find(own);
        let key = parent.and_then(|parent| order::key_column(&plan, parent, &shape));
        let names = key.map(|key| file.rows.iter().map(|row| clean_line(&key.typed(row))).collect()).unwrap_or_default();
        Ok(Prepared { options, file, plan, mapping, matcher, order, repeated, names, traceparent: None })
    }
}

fn matcher(match_by: &str, plan: &Plan, shape: &Shape) -> Result<Matcher, Problem> {
    let lookup = Lookup::read(match_by, shape);
    let lookup = lookup.ok_or_else(|| {
        Fault::new("/match_by", FaultCode::UnknownChoice).with("choices", "name, emails, ext:SYSTEM or another field")
    })?;
    let path = match &lookup {
        Lookup::Auto | Lookup::Id => "id".to_owned(),
        Lookup::Field(path) => path.clone(),
        Lookup::External(system) => format!("external_ids.{system}"),
    };
    match plan.column(&path) {
        Some(column) => Ok(Matcher { lookup, column: column.clone() }),
        None => Err(Fault::new("/match_by", FaultCode::Unmapped).with("field", path).into()),
    }
}

/// Rows whose key stands in an earlier row; parts of different records may have the same.
fn repeated(matcher: &Matcher, plan: &Plan, object: &Object, rows: &[Row]) -> HashMap<i64, i64> {
    let parent = object.parent.and_then(|parent| plan.column(parent.field));
    let exact = matches!(matcher.column.field.kind, FieldType::Text { .. });
    let mut first: HashMap<(String, String), i64> = HashMap::new();
    let mut repeated = HashMap::new();
    for row in rows {
        let within = parent.map(|parent| parent.typed(row).into_owned()).unwrap_or_default();
        for key in matcher.keys(row) {
            let key = (within.clone(), if exact { key } else { fold(&key) });
            let earlier = *first.entry(key).or_insert(row.number);
            if earlier != row.number {
                repeated.insert(row.number, earlier);
            }
        }
    }
    repeated
}
