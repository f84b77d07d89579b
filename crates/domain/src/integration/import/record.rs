//! The record of an import: what was asked for, and how far it is.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::mapping::Mapping;
use crate::{
    choices,
    customers::customer::Customer,
    entity,
    identity::api_key::ApiKey,
    model::{
        entity::Entity,
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
        Skip "skip" "Skip invalid rows" "跳过错误行",
        Abort "abort" "Abort the import" "全部放弃",
    }
}

/// The mapping of an import as it is stored.
pub static MAPPING: Structure =
    Structure { name: "import_mapping", accept: accept_mapping, schema: || SCHEMA.clone(), ..Structure::PLAIN };

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let nullable = |kind: &str, description: &str, example: Value| json!({"type": [kind, "null"], "description": description, "examples": [example]});
    let strictness = |description: &str, example: &str| json!({"type": ["string", "null"], "enum": ["accept", "warn", "refuse", null], "description": description, "examples": [example]});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "distinct": {"type": "boolean", "default": false, "description": "Whether to skip a row whose key (`match_by`) already appears in an earlier row, and count it as unchanged; otherwise it is a fault. This allows importing one column of a wider file as records."},
            "sheet": nullable("string", "The sheet of a workbook. Defaults to the first visible one.", json!("Sheet1")),
            "header_row": nullable("integer", "The row of the sheet that is its header, counted from 1. Defaults to the first of its first 20 rows that names the most columns.", json!(1)),
            "columns": {
                "type": "array",
                "maxItems": 1000,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "column": {"type": "string", "description": "The column, by its header. A column that is listed several times goes to several fields.", "examples": ["revenue"]},
                        "value": nullable("string", "Instead of a column: a text composed of columns, `{account} – {product}` (the text between two columns is left out if one of them is blank), optionally with a format, `{agent|dotted}@example.com` (`lower`, `upper`; `dotted`: anna.snelling); or a constant.", json!("{account} – {product}")),
                        "field": nullable("string", "The target field, such as `addresses.country`, `external_ids.sap` or `custom.tier`; a member of a list item such as `stage_history.0.entered_at`; or a field of a child record such as `line_items.0.product_id`. Null ignores the column. Constants for a list item apply only if another of its columns has a value.", Customer::annual_revenue.name().into()),
                        "values": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Cell values to replace, and their replacements.", "examples": [{"technolgy": "technology"}]},
                        "multiplier": nullable("integer", "A factor that numbers are multiplied by: 1000000 if the column is in millions.", json!(1_000_000)),
                        "currency": nullable("string", "The currency of amounts (ISO 4217). Defaults to the tenant's currency.", json!("USD")),
                        "lookup": nullable("string", "How references identify their record: `id`, `name`, `email`, `number` or another field, or `ext:sap`. Detected from the cell by default. Stages are looked up in the row's pipeline.", json!("name")),
                        "label": nullable("string", "The label of e-mail addresses and phone numbers.", json!("work")),
                        "decimal": json!({"type": ["string", "null"], "enum": [".", ",", null], "description": "The decimal separator; the other one separates thousands. Detected from all rows by default.", "examples": [","]}),
                        "date_format": nullable("string", "The order of dates with the year last: `dmy` or `mdy`, also as a pattern, `DD/MM/YYYY`; `excel` for spreadsheet serial numbers. Detected from all rows by default.", json!("dmy")),
                        "split": nullable("string", "The characters that separate several values in a cell, such as e-mail addresses, phone numbers or tags.", json!("/")),
                        "if_blank": strictness("What to do with a row if the cell is blank: `accept` (the default), `warn` (import and report it), `refuse`.", "warn"),
                        "if_unknown": strictness("What to do with a row if the cell does not identify a record: `refuse` (the default), `warn` (import without it and report it), `accept`.", "warn")
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
    /// An import: a CSV file imported into one object, row by row, in the background.
    pub struct Import("import", "imports", "imports", "Import", "导入") [] {
        /// The object the rows are imported into.
        object: String => text(40).filled().server_set().indexed().label("Object", "对象").example("customer"),
        /// The status.
        status: Option<ImportStatus> => choice(ImportStatus::choices()).server_set().default("waiting").indexed().label("Status", "状态").example("running"),
        /// The file name.
        file_name: Option<String> => text(255).server_set().label("File", "文件").example("accounts.csv"),
        /// Whether rows only create records, or also update the records they match.
        mode: Option<ImportMode> => choice(ImportMode::choices()).server_set().default("create").label("Mode", "方式").example("upsert"),
        /// How rows are matched to records: by a field such as `name` or `emails`, or by `ext:sap`.
        match_by: Option<String> => text(100).server_set().label("Matched by", "匹配字段").example("name"),
        /// Whether to import the valid rows or no rows at all if some rows have faults.
        on_fault: Option<OnFault> => choice(OnFault::choices()).server_set().default("skip").label("On fault", "出错时").example("skip"),
        /// Whether it was a dry run that saved nothing.
        dry_run: bool => boolean().server_set().default(false).label("Dry run", "试运行").example(false),
        /// The mapping of columns to fields.
        mapping: Option<Mapping> => structure(&MAPPING).server_set().opaque().default(json!({"columns": []})).label("Mapping", "列映射").example(json!({"columns": [{"column": "revenue", "field": "annual_revenue", "multiplier": 1_000_000, "currency": "USD"}]})),
        /// The number of rows in the file, not counting the header and blank rows.
        rows_total: i64 => integer(0, i64::MAX).server_set().default(0).label("Rows", "总行数").example(85),
        /// The number of rows processed.
        rows_done: i64 => integer(0, i64::MAX).server_set().default(0).label("Rows processed", "已处理行数").example(85),
        /// The number of rows that created a record.
        created_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Created", "新建").example(80),
        /// The number of rows that updated a record.
        updated_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Updated", "更新").example(3),
        /// The number of rows that matched a record without changing it.
        unchanged_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Unchanged", "未变").example(1),
        /// The number of rows with faults; see `/v1/imports/{id}/faults` for the reasons.
        failed_count: i64 => integer(0, i64::MAX).server_set().default(0).label("Failed", "失败").example(1),
        /// The number of imported rows with warnings, which are listed with the faults.
        warned_count: i64 => integer(0, i64::MAX).server_set().default(0).label("With warnings", "警告").example(2),
        /// Why the import as a whole failed.
        problem: Option<String> => text(1_000).server_set().opaque().label("Problem", "问题").example("1 row was at fault, so none was imported"),
        /// When the first row was read.
        started_at: Option<crate::values::time::Timestamp> => datetime().server_set().label("Started at", "开始时间").example("2026-03-01T08:00:00.000Z"),
        /// When the import ended.
        finished_at: Option<crate::values::time::Timestamp> => datetime().server_set().label("Finished at", "结束时间").example("2026-03-01T08:00:02.000Z"),
    }
    extend |object| object.titled("file_name").read_only()
}

/// Whether rows of a file can become records of an object: all that clients create by a plain body, but for keys, which are shown once
/// only.
#[must_use]
pub fn takes_imports(object: &Object) -> bool {
    !object.read_only && !object.made_by_hand && object.name != ApiKey::NAME
}

/// The objects that take imports.
#[must_use]
pub fn importable() -> Vec<&'static str> {
    registry::objects().into_iter().filter(|object| takes_imports(object)).map(|object| object.name).collect()
}
