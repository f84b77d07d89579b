//! The parts that a question is put together from: what records are grouped by, what is computed of each group, and how the answer is laid
//! out. Whether fields exist and fit is checked where their object is known.

use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bucket::Bucket;
use crate::{
    choices,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Choice, Field, FieldType, Structure},
        structures::filter::FILTER,
        value::{Members, Standards, list, wrong},
    },
    query::predicate::relative::resolve_date,
    values::time::parse_date,
};

/// How many fields records are grouped by at most.
pub const MAX_DIMENSIONS: usize = 4;
/// How many figures are computed at most.
pub const MAX_MEASURES: usize = 20;
/// How many bounds ranges have at most.
pub const MAX_RANGES: usize = 50;
/// How many of the first values there can be.
pub const MAX_TOP: i64 = 100;
/// The longest name that a dimension or measure is given.
pub(super) const MAX_NAME: usize = 60;
/// The longest path of a field.
pub(super) const MAX_PATH: usize = 300;

choices! {
    /// What is computed of the records of a group.
    pub enum Function {
        Count "count" "Number of records" "记录数",
        Distinct "distinct" "Number of different values" "不同值的个数",
        Sum "sum" "Sum" "合计",
        Avg "avg" "Mean" "平均值",
        Min "min" "Least value" "最小值",
        Max "max" "Greatest value" "最大值",
        Median "median" "Median" "中位数",
        P90 "p90" "90th percentile" "90 分位数",
    }
}

choices! {
    /// What a figure is compared with.
    pub enum Comparison {
        PreviousPeriod "previous_period" "The period before" "上一期",
        SamePeriodLastYear "same_period_last_year" "The same period of the year before" "去年同期",
        FirstPeriod "first_period" "The first period with a figure" "首个有数据的期间",
    }
}

choices! {
    /// What is shown of a comparison.
    pub enum Shown {
        Value "value" "The earlier figure" "前期值",
        Difference "difference" "The figure less the earlier one" "差额",
        Change "change" "The difference as a share of the earlier figure" "变化率",
    }
}

choices! {
    /// Which sums are answered beside the rows.
    pub enum Totals {
        Rows "rows" "One for each row of the pivot table" "每行合计",
        Columns "columns" "One for each column of the pivot table" "每列合计",
        Subtotals "subtotals" "One for the values of the first dimension, of the first two, and so on" "逐级小计",
        Grand "grand" "One of everything" "总计",
    }
}

choices! {
    /// What an answer is written as.
    pub enum AnswerFormat {
        Json "json" "JSON" "JSON",
        Csv "csv" "CSV file" "CSV 文件",
        Xlsx "xlsx" "Excel workbook" "Excel 工作簿",
        Svg "svg" "Chart (SVG)" "图表（SVG）",
    }
}

/// The first values of a dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Top {
    pub n: i64,
    pub by: String,
    pub other: bool,
    pub least: bool,
}

/// What records are grouped by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dimension {
    pub field: String,
    #[serde(rename = "as")]
    pub name: Option<String>,
    pub bucket: Option<Bucket>,
    /// A day, or one relative to today.
    pub from: Option<String>,
    pub to: Option<String>,
    pub fill: bool,
    pub ranges: Option<Vec<f64>>,
    pub top: Option<Top>,
}

impl Dimension {
    /// What it is called in the answer.
    #[must_use]
    pub fn called(&self) -> String {
        let own = || match self.bucket {
            Some(bucket) => format!("{}.{}", self.field, bucket.as_str()),
            None => self.field.clone(),
        };
        self.name.clone().unwrap_or_else(own)
    }
}

/// What is computed of each group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    #[serde(rename = "as")]
    pub name: Option<String>,
    #[serde(rename = "fn")]
    pub function: Option<Function>,
    pub field: Option<String>,
    pub filter: Option<Value>,
    pub ratio: Option<Vec<String>>,
    pub of: Option<String>,
    pub running: Option<String>,
    pub within: Option<Vec<String>>,
    pub compare: Option<Comparison>,
    pub along: Option<String>,
    pub show: Shown,
    pub label: Option<String>,
}

impl Measure {
    /// What it is called in the answer.
    #[must_use]
    pub fn called(&self) -> String {
        let own = || match (self.function, &self.field, &self.of) {
            (Some(function), Some(field), _) => format!("{}.{field}", function.as_str()),
            (Some(function), None, _) => function.as_str().to_owned(),
            (None, _, Some(of)) if self.running.is_some() => format!("running.{of}"),
            (None, _, Some(of)) if self.within.is_some() => format!("share.{of}"),
            (None, _, Some(of)) => format!("{}.{of}", self.compare.map_or("of", Comparison::as_str)),
            (None, ..) => "ratio".to_owned(),
        };
        self.name.clone().unwrap_or_else(own)
    }
}

/// How a table is laid out: dimensions by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pivot {
    pub rows: Vec<String>,
    pub columns: Vec<String>,
}

crate::structures! { Dimension, Measure, Pivot }

pub(super) fn name() -> FieldType {
    FieldType::Text { max: MAX_NAME }
}

fn path() -> FieldType {
    FieldType::Text { max: MAX_PATH }
}

/// A day, or one relative to today: `2026-03-01`, `start_of_quarter`.
pub static DAY: Structure = asked(
    "report_day",
    |value, standards| match value.as_str() {
        None => Err(wrong("a text")),
        Some(text) if day(text, standards).is_some() => Ok(value.clone()),
        Some(_) => Err(Fault::new("", FaultCode::InvalidDate).into()),
    },
    || {
        json!({
            "type": ["string", "null"],
            "maxLength": 40,
            "description": "A day (`2026-03-01`), or one relative to today (`start_of_quarter`, `-90d`).",
            "examples": ["2026-01-01"]
        })
    },
);

/// The day that a text means now.
#[must_use]
pub fn day(text: &str, standards: &Standards<'_>) -> Option<NaiveDate> {
    parse_date(text).or_else(|| resolve_date(text, standards.now, standards.zone))
}

static TOP_FIELDS: LazyLock<[Field; 4]> = LazyLock::new(|| {
    [
        Field::new("n", FieldType::Integer { min: 1, max: MAX_TOP }).required(),
        Field::new("by", name()).required(),
        Field::new("other", FieldType::Boolean).default(true),
        Field::new("least", FieldType::Boolean).default(false),
    ]
});

static DIMENSION_FIELDS: LazyLock<[Field; 8]> = LazyLock::new(|| {
    [
        Field::new("field", path()).required(),
        Field::new("as", name()),
        Field::new("bucket", FieldType::Choice(Bucket::choices().into())),
        Field::new("from", FieldType::Structure(&DAY)),
        Field::new("to", FieldType::Structure(&DAY)),
        Field::new("fill", FieldType::Boolean).default(true),
        Field::new("ranges", FieldType::Structure(&RANGES)),
        Field::new("top", FieldType::Structure(&TOP)),
    ]
});

static MEASURE_FIELDS: LazyLock<[Field; 12]> = LazyLock::new(|| {
    [
        Field::new("as", name()),
        Field::new("fn", FieldType::Choice(Function::choices().into())),
        Field::new("field", path()),
        Field::new("filter", FieldType::Structure(&FILTER)),
        Field::new("ratio", FieldType::Structure(&PAIR)),
        Field::new("of", name()),
        Field::new("running", name()),
        Field::new("within", FieldType::Structure(&NAMES)),
        Field::new("compare", FieldType::Choice(Comparison::choices().into())),
        Field::new("along", name()),
        Field::new("show", FieldType::Choice(Shown::choices().into())).default(Shown::Value.as_str()),
        Field::new("label", FieldType::Text { max: 120 }),
    ]
});

static PIVOT_FIELDS: LazyLock<[Field; 2]> = LazyLock::new(|| {
    [
        Field::new("rows", FieldType::Structure(&NAMES)).default(json!([])),
        Field::new("columns", FieldType::Structure(&NAMES)).default(json!([])),
    ]
});

/// A structure that is only asked for, never stored or searched.
pub(super) const fn asked(
    name: &'static str,
    accept: fn(&Value, &Standards<'_>) -> Result<Value, Faults>,
    schema: fn() -> Value,
) -> Structure {
    Structure { name, accept, schema, ..Structure::PLAIN }
}

pub(super) fn texts(value: &Value, most: usize) -> Result<Value, Faults> {
    list(value, most, |item| match item {
        Value::String(text) if text.chars().count() <= MAX_PATH => Ok(item.clone()),
        Value::String(_) => Err(Fault::new("", FaultCode::TooLong).with("max", MAX_PATH).into()),
        _ => Err(wrong("a text")),
    })
}

fn names_schema(most: usize) -> Value {
    json!({"type": ["array", "null"], "maxItems": most, "items": {"type": "string", "maxLength": MAX_PATH}})
}

static NAMES: Structure = asked("report_names", |value, _| texts(value, MAX_DIMENSIONS), || names_schema(MAX_DIMENSIONS));

static PAIR: Structure = asked(
    "report_pair",
    |value, _| match value.as_array().map(Vec::as_slice) {
        Some([Value::String(_), Value::String(_)]) => Ok(value.clone()),
        _ => Err(wrong("two names of measures")),
    },
    || json!({"type": ["array", "null"], "minItems": 2, "maxItems": 2, "items": {"type": "string", "maxLength": MAX_PATH}}),
);

static RANGES: Structure = asked(
    "report_ranges",
    |value, _| {
        let items = value.as_array().ok_or_else(|| wrong("a list"))?;
        if items.is_empty() {
            return Err(Fault::new("", FaultCode::Required).into());
        }
        if items.len() > MAX_RANGES {
            return Err(Fault::new("", FaultCode::TooMany).with("max", MAX_RANGES).into());
        }
        let mut faults = Faults::default();
        let mut last: Option<f64> = None;
        for (position, item) in items.iter().enumerate() {
            let pointer = format!("/{position}");
            match item.as_f64() {
                None => faults.add(Fault::new(pointer, FaultCode::WrongType).with("expected", "a number")),
                Some(number) if last.is_some_and(|last| number <= last) => {
                    faults.add(Fault::new(pointer, FaultCode::TooSmall).with("min", last.unwrap_or(number)));
                }
                number => last = number,
            }
        }
        faults.into_result(value.clone())
    },
    || json!({"type": ["array", "null"], "minItems": 1, "maxItems": MAX_RANGES, "items": {"type": "number"}}),
);

static TOP: Structure = asked(
    "report_top",
    |value, standards| Members::read(value, &*TOP_FIELDS, standards)?.finish(),
    || {
        json!({
            "type": ["object", "null"],
            "required": ["n", "by"],
            "additionalProperties": false,
            "properties": {
                "n": {"type": "integer", "minimum": 1, "maximum": MAX_TOP, "description": "How many."},
                "by": {"type": "string", "maxLength": MAX_NAME, "description": "The measure by which the first are found, of all records of the question."},
                "other": {"type": ["boolean", "null"], "description": "Whether all other records are one more group, of the key `other`; else they are left out, of totals too. Defaults to true."},
                "least": {"type": ["boolean", "null"], "description": "Whether the least come first. Defaults to false."}
            }
        })
    },
);

pub(super) fn names_of(choices: Vec<Choice>) -> Vec<Value> {
    choices.into_iter().map(|choice| json!(choice.value)).chain([Value::Null]).collect()
}

/// Which totals are asked for.
pub static TOTALS: Structure = asked(
    "report_totals",
    |value, _| texts(value, Totals::ALL.len()),
    || {
        let names: Vec<&str> = Totals::ALL.iter().map(|totals| totals.as_str()).collect();
        json!({"type": ["array", "null"], "maxItems": Totals::ALL.len(), "items": {"type": "string", "enum": names}})
    },
);

/// What records are grouped by, the outermost first.
pub static DIMENSIONS: Structure = asked(
    "report_dimensions",
    |value, standards| list(value, MAX_DIMENSIONS, |item| Members::read(item, &*DIMENSION_FIELDS, standards)?.finish()),
    || {
        json!({
            "type": "array",
            "maxItems": MAX_DIMENSIONS,
            "items": {
                "type": "object",
                "required": ["field"],
                "additionalProperties": false,
                "properties": {
                    "field": {"type": "string", "maxLength": MAX_PATH, "description": "A single-valued field, also a custom one (`custom.tier`) or of a related record (`customer.region`). One dimension may lead to many related records (`tags.name`): a record then counts once for each different value."},
                    "as": {"type": ["string", "null"], "maxLength": MAX_NAME, "description": "The name in the answer. Defaults to the field, with its bucket: `closed_at.month`."},
                    "bucket": {"type": ["string", "null"], "enum": names_of(Bucket::choices()), "description": "What the values of a date or time are grouped by, in the time zone of the question. Times need one."},
                    "from": {"type": ["string", "null"], "maxLength": 40, "description": "The first day, or one relative to today (`start_of_year`, `-90d`); only records from then on are part of the question.", "examples": ["2026-01-01"]},
                    "to": {"type": ["string", "null"], "maxLength": 40, "description": "The day after the last day, in the same way.", "examples": ["2027-01-01"]},
                    "fill": {"type": ["boolean", "null"], "description": "Whether buckets without records are answered too. Defaults to true."},
                    "ranges": {"type": ["array", "null"], "minItems": 1, "maxItems": MAX_RANGES, "items": {"type": "number"}, "description": "The bounds between ranges of a number, rising; amounts of money in minor units. The first range is below the first bound, the last one from the last bound on."},
                    "top": (TOP.schema)()
                }
            }
        })
    },
);

/// What is computed.
pub static MEASURES: Structure = asked(
    "report_measures",
    |value, standards| {
        let read = |item: &Value| {
            let mut members = Members::read(item, &*MEASURE_FIELDS, standards)?;
            let given: Vec<&str> = ["fn", "ratio", "of"].into_iter().filter(|name| !members.accepted[*name].is_null()).collect();
            match given.as_slice() {
                [] => members.faults.add(Fault::new("/fn", FaultCode::Required)),
                [_, other, ..] => {
                    members.faults.add(Fault::new(format!("/{other}"), FaultCode::Conflicting).with("other", given[0]))
                }
                ["of"] => {
                    let ways = ["running", "within", "compare"];
                    let ways: Vec<&str> = ways.into_iter().filter(|name| !members.accepted[*name].is_null()).collect();
                    match ways.as_slice() {
                        [] => members.faults.add(Fault::new("/running", FaultCode::Required)),
                        [_] => {}
                        [first, other, ..] => {
                            members.faults.add(Fault::new(format!("/{other}"), FaultCode::Conflicting).with("other", first));
                        }
                    }
                }
                [_] => {}
            }
            members.finish()
        };
        list(value, MAX_MEASURES, read)
    },
    || {
        json!({
            "type": "array",
            "maxItems": MAX_MEASURES,
            "items": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "label": {"type": ["string", "null"], "maxLength": 120, "description": "What people read above its figures. Defaults to `as`, or to what is computed.", "examples": ["赢单金额"]},
                    "as": {"type": ["string", "null"], "maxLength": MAX_NAME, "description": "The name in the answer. Defaults to what is computed: `count`, `sum.amount`."},
                    "fn": {"type": ["string", "null"], "enum": names_of(Function::choices()), "description": "What is computed of the records of each group. `median` and `p90` interpolate linearly between two values, as PostgreSQL's percentile_cont does."},
                    "field": {"type": ["string", "null"], "maxLength": MAX_PATH, "description": "The field it is computed of; without one, `count` counts records, with one those that have a value in it."},
                    "filter": {"$ref": "#/components/schemas/Filter"},
                    "ratio": {"type": ["array", "null"], "minItems": 2, "maxItems": 2, "items": {"type": "string", "maxLength": MAX_PATH}, "description": "Two measures, of which the first is divided by the second; null where that is 0. Totals are divided anew."},
                    "of": {"type": ["string", "null"], "maxLength": MAX_NAME, "description": "The measure that `running`, `within` or `compare` is about."},
                    "running": {"type": ["string", "null"], "maxLength": MAX_NAME, "description": "The dimension of dates along which a count or sum is added up."},
                    "within": {"type": ["array", "null"], "maxItems": MAX_DIMENSIONS, "items": {"type": "string", "maxLength": MAX_PATH}, "description": "A count or sum as a share, 0 to 1, of all rows with the same values of these dimensions; `[]` for a share of everything."},
                    "compare": {"type": ["string", "null"], "enum": names_of(Comparison::choices()), "description": "The same measure of an earlier period: the bucket before (`previous_period`), the one a year before (of weeks 52 weeks before; 29 February is compared with 28 February), or the first one with a figure (`first_period`). If there is another dimension of dates, the first one does not begin before the row's bucket of that: a cohort is compared with its own beginning, by buckets of the same size."},
                    "along": {"type": ["string", "null"], "maxLength": MAX_NAME, "description": "The dimension of dates that is compared along. Defaults to the first one."},
                    "show": {"type": ["string", "null"], "enum": names_of(Shown::choices()), "description": "What is shown of a comparison: the earlier figure (`value`), the figure less that (`difference`), or the difference divided by it (`change`). Defaults to `value`."}
                }
            }
        })
    },
);

/// How the rows are laid out as a pivot table.
pub static PIVOT: Structure = asked(
    "report_pivot",
    |value, standards| Members::read(value, &*PIVOT_FIELDS, standards)?.finish(),
    || {
        json!({
            "type": ["object", "null"],
            "additionalProperties": false,
            "properties": {
                "rows": {"type": ["array", "null"], "maxItems": MAX_DIMENSIONS, "items": {"type": "string", "maxLength": MAX_PATH}, "description": "The dimensions down the side."},
                "columns": {"type": ["array", "null"], "maxItems": MAX_DIMENSIONS, "items": {"type": "string", "maxLength": MAX_PATH}, "description": "The dimensions along the top."}
            }
        })
    },
);
