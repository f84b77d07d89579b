//! What is asked of a chart, as part of a question. Whether its dimensions and measures exist is checked where the question is known.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ChartKind, HEIGHTS, Theme, WIDTHS};
use crate::{
    model::{
        field::{Field, FieldType, Structure},
        value::Members,
    },
    reporting::question::{MAX_MEASURES, MAX_NAME, asked, name, names_of, texts},
};

/// The longest title, in characters.
const MAX_TITLE: usize = 200;
/// The size that charts have unless they are given one.
const SIZE: (u32, u32) = (800, 450);

/// How an answer is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedChart {
    pub kind: Option<ChartKind>,
    pub title: Option<String>,
    pub theme: Theme,
    pub width: u32,
    pub height: u32,
    pub category: Option<String>,
    pub series: Option<String>,
    pub measures: Vec<String>,
}

impl Default for AskedChart {
    fn default() -> AskedChart {
        AskedChart {
            kind: None,
            title: None,
            theme: Theme::Light,
            width: SIZE.0,
            height: SIZE.1,
            category: None,
            series: None,
            measures: Vec::new(),
        }
    }
}

crate::structures! { AskedChart }

static FIELDS: LazyLock<[Field; 8]> = LazyLock::new(|| {
    let size = |(min, max): (u32, u32)| FieldType::Integer { min: min.into(), max: max.into() };
    [
        Field::new("kind", FieldType::Choice(ChartKind::choices().into())),
        Field::new("title", FieldType::Text { max: MAX_TITLE }),
        Field::new("theme", FieldType::Choice(Theme::choices().into())).default(Theme::Light.as_str()),
        Field::new("width", size(WIDTHS)).default(SIZE.0),
        Field::new("height", size(HEIGHTS)).default(SIZE.1),
        Field::new("category", name()),
        Field::new("series", name()),
        Field::new("measures", FieldType::Structure(&NAMES)).default(json!([])),
    ]
});

static NAMES: Structure = asked(
    "report_chart_measures",
    |value, _| texts(value, MAX_MEASURES),
    || json!({"type": ["array", "null"], "maxItems": MAX_MEASURES, "items": {"type": "string", "maxLength": MAX_NAME}}),
);

/// How the answer is drawn.
pub static CHART: Structure = asked(
    "report_chart",
    |value, standards| Members::read(value, &*FIELDS, standards)?.finish(),
    || {
        json!({
            "type": ["object", "null"],
            "additionalProperties": false,
            "properties": {
                "kind": {"type": ["string", "null"], "enum": names_of(ChartKind::choices()), "description": "What the chart looks like. Defaults to `line` if the categories are periods of time, otherwise to `bar`. A `scatter` plot takes two measures: the first along the bottom, the second up the side. A `gauge` takes a second measure of the same kind for the target of the first. The rows of a `heat_map` are its series."},
                "title": {"type": ["string", "null"], "maxLength": MAX_TITLE, "description": "The title above the chart. Defaults to the labels of what is drawn."},
                "theme": {"type": ["string", "null"], "enum": names_of(Theme::choices()), "description": "The colors. Defaults to `light`."},
                "width": {"type": ["integer", "null"], "minimum": WIDTHS.0, "maximum": WIDTHS.1, "description": "The width in pixels. Defaults to 800."},
                "height": {"type": ["integer", "null"], "minimum": HEIGHTS.0, "maximum": HEIGHTS.1, "description": "The height in pixels. Defaults to 450."},
                "category": {"type": ["string", "null"], "maxLength": MAX_NAME, "description": "The dimension along the axis. Defaults to the first one of time, otherwise to the first one. Dimensions that are neither this nor the series are part of the categories."},
                "series": {"type": ["string", "null"], "maxLength": MAX_NAME, "description": "The dimension whose values are told apart by color. Defaults to the first one that is not the category."},
                "measures": {"type": ["array", "null"], "maxItems": MAX_MEASURES, "items": {"type": "string", "maxLength": MAX_NAME}, "description": "The measures that are drawn. Defaults to the first one, and with bars, lines and areas of one dimension to all of its kind. Amounts are drawn as one series for each currency; figures of different kinds or currencies never share an axis."}
            }
        })
    },
);
