//! The record of an import: what was asked for, and how far it is.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::mapping::Mapping;
use crate::{
    choices, entity,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::Structure,
        object::Object,
        registry,
        value::Standards,
    },
};

choices! {
    /// How far an import is.
    pub enum ImportStatus {
        Waiting "waiting" "Waiting" "等待中",
        Running "running" "Running" "进行中",
        Done "done" "Done" "已完成",
        Failed "failed" "Failed" "已失败",
    }
}

choices! {
    /// What is done with a row.
    pub enum ImportMode {
        Create "create" "Create" "仅新建",
        Upsert "upsert" "Create or update" "新建或更新",
    }
}

choices! {
    /// What happens when rows are at fault.
    pub enum OnFault {
        Skip "skip" "Import the good rows" "跳过错误行",
        Abort "abort" "Import none" "全部放弃",
    }
}

/// The mapping of an import as it is stored.
pub static MAPPING: Structure = Structure {
    name: "import_mapping",
    accept: accept_mapping,
    schema: || SCHEMA.clone(),
    lookups: |_| Vec::new(),
    lookup_form: |asked, _| Ok(asked.to_owned()),
    search: |_| Vec::new(),
    link: None,
};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let nullable = |kind: &str, description: &str, example: Value| json!({"type": [kind, "null"], "description": description, "examples": [example]});
    let strictness = |description: &str, example: &str| json!({"type": ["string", "null"], "enum": ["accept", "warn", "refuse", null], "description": description, "examples": [example]});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "distinct": {"type": "boolean", "default": false, "description": "Whether a row whose key (`match_by`) stands in an earlier row is passed over, counted as unchanged; else it is at fault. So a column of a wider file becomes records of its own."},
            "columns": {
                "type": "array",
                "maxItems": 1000,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "column": {"type": "string", "description": "The column, by its header. Named several times, it goes to several fields.", "examples": ["revenue"]},
                        "value": nullable("string", "In place of a column: a text made of columns, `{account} – {product}` (what stands between two columns is left out where one is blank), in a form if need be, `{agent|dotted}@example.com` (`lower`, `upper`; `dotted`: anna.snelling); or a constant.", json!("{account} – {product}")),
                        "field": nullable("string", "Where it goes: a field, `addresses.country`, `external_ids.sap`, `custom.tier`, a member of an item of a list such as `stage_history.0.entered_at`, a field of a part such as `line_items.0.product_id`; null leaves the column out. Constants of an item count only where another of its columns has a value.", json!("annual_revenue")),
                        "values": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Cells that are read as something else.", "examples": [{"technolgy": "technology"}]},
                        "multiplier": nullable("integer", "What a number is multiplied by: 1000000 where the column is in millions.", json!(1_000_000)),
                        "currency": nullable("string", "The currency of amounts (ISO 4217); by default the tenant's.", json!("USD")),
                        "lookup": nullable("string", "How a reference names its record: `id`, `name`, `email`, `number` or another field, `ext:sap`; by default guessed from the cell. Stages are looked for in the row's pipeline.", json!("name")),
                        "label": nullable("string", "The label of e-mail addresses and phone numbers.", json!("work")),
                        "decimal": json!({"type": ["string", "null"], "enum": [".", ",", null], "description": "The sign before the decimals of numbers; the other one separates thousands. Told from all rows, unless said.", "examples": [","]}),
                        "date_format": nullable("string", "The order of dates with the year last: `dmy` or `mdy`, also as a pattern, `DD/MM/YYYY`; `excel`, where days are numbers of a spreadsheet. Told from all rows, unless said.", json!("dmy")),
                        "split": nullable("string", "The signs between several values of a cell, each of them: e-mail addresses, phone numbers, tags.", json!("/")),
                        "if_blank": strictness("What becomes of a row where the cell is blank: `accept` (the default), `warn` (imported, and reported), `refuse`.", "warn"),
                        "if_unknown": strictness("What becomes of a row where the cell names no record: `refuse` (the default), `warn` (imported without it, and reported), `accept`.", "warn")
                    }
                }
            }
        }
    })
});

fn accept_mapping(value: &Value, _: &Standards<'_>) -> Result<Value, Faults> {
    let mapping = Mapping::read(value).map_err(|reason| Fault::new("", FaultCode::Malformed).with("reason", reason))?;
    serde_json::to_value(mapping).map_err(|error| Fault::new("", FaultCode::Malformed).with("reason", error).into())
}

entity! {
    /// An import: a CSV file read into one object, row by row, in the background.
    pub struct Import("import", "imports", "imports", "Import", "导入") [] {
        /// The object its rows become.
        object: String => text(40).server_set().indexed().label("Object", "对象").example("customer"),
        /// How far it is.
        status: Option<ImportStatus> => choice(ImportStatus::choices()).server_set().default("waiting").indexed().label("Status", "状态").example("running"),
        /// What the file is called.
        file_name: Option<String> => text(255).server_set().label("File", "文件").example("accounts.csv"),
        /// Whether rows only become new records, or change those they match.
        mode: Option<ImportMode> => choice(ImportMode::choices()).server_set().default("create").label("Mode", "方式").example("upsert"),
        /// By what a row matches a record: a field such as `name` or `emails`, or `ext:sap`.
        match_by: Option<String> => text(100).server_set().label("Matched by", "匹配字段").example("name"),
        /// Whether the good rows are imported where others are at fault, or none.
        on_fault: Option<OnFault> => choice(OnFault::choices()).server_set().default("skip").label("On faults", "出错时").example("skip"),
        /// Whether everything was only tried, and nothing kept.
        dry_run: bool => boolean().server_set().default(false).label("Dry run", "试运行").example(false),
        /// Which column goes where.
        mapping: Option<Mapping> => structure(&MAPPING).server_set().opaque().default(json!({"columns": []})).label("Mapping", "列映射").example(json!({"columns": [{"column": "revenue", "field": "annual_revenue", "multiplier": 1_000_000, "currency": "USD"}]})),
        /// How many rows the file has, the header and blank rows not counted.
        rows_total: i64 => integer(0, i64::MAX).server_set().default(0).label("Rows", "总行数").example(85),
        /// How many of them are done.
        rows_done: i64 => integer(0, i64::MAX).server_set().default(0).label("Rows done", "已处理行数").example(85),
        /// How many rows became new records.
        created_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Created", "新建").example(80),
        /// How many rows changed a record.
        updated_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Updated", "更新").example(3),
        /// How many rows said what their record says already.
        unchanged_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Unchanged", "未变").example(1),
        /// How many rows were at fault; `/v1/imports/{id}/faults` says why.
        failed_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Failed", "失败").example(1),
        /// How many imported rows have warnings, listed with the faults.
        warned_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Warned", "警告").example(2),
        /// Why the import as a whole failed.
        problem: Option<String> => text(1_000).server_set().opaque().label("Problem", "问题").example("1 row was at fault, so none was imported"),
        /// When the first row was read.
        started_at: Option<crate::values::time::Timestamp> => datetime().server_set().label("Started at", "开始时间").example("2026-03-01T08:00:00.000Z"),
        /// When the import ended.
        finished_at: Option<crate::values::time::Timestamp> => datetime().server_set().label("Finished at", "结束时间").example("2026-03-01T08:00:02.000Z"),
    }
    extend |object| object.titled("file_name").read_only()
}

/// Whether rows of a file can become records of an object: all that clients create, but for keys, which are shown once only.
#[must_use]
pub fn takes_imports(object: &Object) -> bool {
    !object.read_only && object.name != "api_key"
}

/// The objects that take imports.
#[must_use]
pub fn importable() -> Vec<&'static str> {
    registry::objects().into_iter().filter(|object| takes_imports(object)).map(|object| object.name).collect()
}
