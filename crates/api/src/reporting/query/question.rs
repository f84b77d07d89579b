//! A question, understood: what records are grouped by, what is computed of each group, and how the answer is laid out.

use chrono::NaiveDate;
use chrono_tz::Tz;
use farley_domain::{
    model::{
        field::{Field, FieldType},
        object::Object,
    },
    query::predicate::Predicate,
    reporting::{
        bucket::{Bucket, Fiscal},
        question::{Comparison, Function, Shown, Totals},
        table::Derived,
    },
    values::{money::Currency, time::Timestamp},
};
use farley_persistence::Group;
use serde_json::Value;

use super::{charting::Charting, having::Having};

/// A question, understood.
pub struct Question {
    pub object: &'static Object,
    pub zone: Tz,
    pub fiscal: Fiscal,
    pub dimensions: Vec<Dimension>,
    pub measures: Vec<Measure>,
    /// The rows asked about, within the asker's rights.
    pub rows: Predicate,
    pub as_of: Option<Timestamp>,
    /// The filter as it was asked, its times as instants.
    pub filter: Option<Value>,
    pub having: Option<Having>,
    /// Whether descending, and by what.
    pub sort: Vec<(bool, By)>,
    pub limit: usize,
    pub totals: Vec<Totals>,
    pub pivot: Option<(Vec<usize>, Vec<usize>)>,
    /// How the answer is drawn.
    pub charting: Charting,
    pub conversion: Option<Conversion>,
}

/// Into which currency amounts are converted, and the field that tells on which day.
pub struct Conversion {
    pub to: Currency,
    /// As filters name it, and as it is read; none for the day on which the question is asked.
    pub by: Option<(String, Group)>,
}

/// What rows are sorted by.
#[derive(Clone, Copy)]
pub enum By {
    Dimension(usize),
    Measure(usize),
}

pub struct Dimension {
    pub name: String,
    /// As filters name it.
    pub path: String,
    pub group: Group,
    pub cut: Cutting,
    pub top: Option<Top>,
    /// How far before `from` figures are read, to compare with.
    pub lead: Lead,
}

/// How the values of a dimension become groups.
pub enum Cutting {
    Each,
    Buckets { bucket: Bucket, from: Option<NaiveDate>, to: Option<NaiveDate>, fill: bool },
    Ranges(Vec<f64>),
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lead {
    #[default]
    None,
    Period,
    Year,
}

pub struct Top {
    pub n: usize,
    /// The place of the measure.
    pub by: usize,
    pub other: bool,
    pub least: bool,
}

pub struct Measure {
    pub name: String,
    /// What the asker calls it, if they do.
    pub label: Option<String>,
    pub how: How,
    /// The narrower filter of it alone, its times as instants.
    pub filter: Option<Value>,
}

#[allow(clippy::large_enum_variant, reason = "a handful a question")]
pub enum How {
    Read { function: Function, field: Option<Field>, of: Option<Predicate> },
    Derived(Derived),
}

impl Measure {
    /// Whether figures of several groups add up to that of all.
    pub fn adds_up(&self, all: &[Measure]) -> bool {
        match &self.how {
            How::Read { function, .. } => matches!(function, Function::Count | Function::Sum),
            // What every row of a cohort is compared with would be added up many times.
            How::Derived(Derived::Compared { with: Comparison::FirstPeriod, .. }) => false,
            How::Derived(Derived::Compared { of, show, .. }) => *show == Shown::Value && all[*of].adds_up(all),
            How::Derived(Derived::Ratio(..) | Derived::Running { .. } | Derived::Share { .. }) => false,
        }
    }

    pub fn field(&self) -> Option<&Field> {
        match &self.how {
            How::Read { field, .. } => field.as_ref(),
            How::Derived(_) => None,
        }
    }

    /// Whether its figures are amounts, one for each currency.
    pub fn is_money(&self) -> bool {
        let counts = |function: &Function| matches!(function, Function::Count | Function::Distinct);
        match &self.how {
            How::Read { function, field, .. } => {
                !counts(function) && field.as_ref().is_some_and(|field| field.kind == FieldType::Money)
            }
            How::Derived(_) => false,
        }
    }
}
