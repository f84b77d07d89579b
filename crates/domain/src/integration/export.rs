//! Exports: records of an object as a file.

use serde_json::{Value, json};

use super::import::record::ImportStatus;
use crate::{
    choices, entity,
    model::{
        object::{Reach, Relation},
        structures::filter::FILTER,
    },
    values::{id::Id, time::Timestamp},
};

/// How many columns an export has at most.
pub const MOST_COLUMNS: usize = 300;
/// How many fields it is sorted by at most.
pub const MOST_KEYS: usize = 5;
/// How long the file of an export is kept, in seconds: a week.
pub const KEPT_FOR: i64 = 7 * 24 * 3600;

choices! {
    /// What kind of file an export makes.
    pub enum ExportFormat {
        Csv "csv" "CSV" "CSV",
        Ndjson "ndjson" "NDJSON" "NDJSON",
    }
}

choices! {
    /// How the texts of a file are written.
    pub enum ExportEncoding {
        Utf8 "utf-8" "UTF-8" "UTF-8",
        Gb18030 "gb18030" "GB18030" "GB18030",
    }
}

choices! {
    /// What stands in the first line of a CSV file.
    pub enum ExportHeader {
        Names "names" "Field names" "字段名",
        Labels "labels" "Labels" "字段标签",
    }
}

entity! {
    /// An export of records to a file, in the background.
    pub struct Export("export", "exports", "exports", "Export", "导出") [] {
        /// The object whose records are exported.
        object: String => text(40).server_set().title().indexed().label("Object", "对象").example("customer"),
        /// How far the export is.
        status: Option<ImportStatus> => choice(ImportStatus::choices()).server_set().default("waiting").indexed().label("Status", "状态").example("done"),
        /// What kind of file it makes.
        format: Option<ExportFormat> => choice(ExportFormat::choices()).server_set().default("csv").label("Format", "格式").example("csv"),
        /// Which records: a filter, as searches take it. If absent, all that its author can see.
        filter: Option<Value> => structure(&FILTER).server_set().opaque().label("Filter", "筛选").example(json!({"field": "region", "value": "华东"})),
        /// What the rows are sorted by.
        sort: Vec<String> => texts(MOST_KEYS).server_set().opaque().label("Sort", "排序").example(json!(["-created_at"])),
        /// The fields that are exported, in order.
        columns: Vec<String> => texts(MOST_COLUMNS).server_set().opaque().label("Columns", "列").example(json!(["id", "name", "owner.name"])),
        /// What stands in the first line of a CSV file.
        header: Option<ExportHeader> => choice(ExportHeader::choices()).server_set().default("names").label("Header", "表头").example("names"),
        /// The encoding of a CSV file.
        encoding: Option<ExportEncoding> => choice(ExportEncoding::choices()).server_set().default("utf-8").label("Encoding", "编码").example("utf-8"),
        /// Whether a CSV file in UTF-8 begins with a byte order mark, by which Excel recognizes the encoding.
        bom: bool => boolean().server_set().default(true).label("Byte order mark", "字节顺序标记").example(true),
        /// The number of records when it began.
        rows_total: i64 => integer(0, i64::MAX).server_set().default(0).label("Records", "记录总数").example(85),
        /// The number of records written.
        rows_done: i64 => integer(0, i64::MAX).server_set().default(0).label("Records written", "已导出记录数").example(85),
        /// The file, once it is done; only its author can read it. It is archived after a week.
        file_id: Option<Id> => reference("file").server_set().label("File", "文件"),
        /// Why the export failed.
        problem: Option<String> => text(1_000).server_set().opaque().label("Problem", "问题").example("The permission to export was withdrawn"),
        /// When the first record was read.
        started_at: Option<Timestamp> => datetime().server_set().label("Started at", "开始时间").example("2026-03-01T08:00:00.000Z"),
        /// When the export ended.
        finished_at: Option<Timestamp> => datetime().server_set().label("Finished at", "结束时间").example("2026-03-01T08:00:02.000Z"),
        /// When its file is archived.
        expires_at: Option<Timestamp> => datetime().server_set().indexed().label("Expires at", "过期时间").example("2026-03-08T08:00:02.000Z"),
    }
    extend |object| object
        .titled("object")
        .read_only()
        .relations([Relation { name: "file", target: "file", reach: Reach::ToOne { field: "file_id" } }])
}
