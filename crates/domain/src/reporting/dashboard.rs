//! Dashboards: several reports that are looked at together.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::saved_report::QUESTION;
use crate::{
    entity,
    identity::sharing::Sharing,
    model::{
        fault::{Fault, FaultCode},
        field::{Field, FieldType, Structure},
        structures::object_of_values::VALUES,
        value::{Members, list},
    },
    values::id::Id,
};

/// How many widgets a dashboard has at most.
pub const MOST_WIDGETS: usize = 24;

/// A part of a dashboard: a report, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Widget {
    pub title: Option<String>,
    /// A ready-made report, by its name.
    pub report: Option<String>,
    pub saved_report_id: Option<Id>,
    pub question: Option<Value>,
    /// Values of the report's parameters.
    pub parameters: Map<String, Value>,
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
}

crate::structures! { Widget }

static WIDGET_FIELDS: LazyLock<[Field; 9]> = LazyLock::new(|| {
    let cells =
        |name: &'static str, min: i64, default: i64| Field::new(name, FieldType::Integer { min, max: 1_000 }).default(default);
    [
        Field::new("title", FieldType::Text { max: 200 }),
        Field::new("report", FieldType::Text { max: 60 }),
        Field::new("saved_report_id", FieldType::Id),
        Field::new("question", FieldType::Structure(&QUESTION)),
        Field::new("parameters", FieldType::Structure(&VALUES)).default(json!({})),
        cells("x", 0, 0),
        cells("y", 0, 0),
        cells("width", 1, 6),
        cells("height", 1, 4),
    ]
});

/// The widgets of a dashboard, each of one report.
pub static WIDGETS: Structure = Structure {
    name: "dashboard_widgets",
    accept: |value, standards| {
        list(value, MOST_WIDGETS, |item| {
            let mut members = Members::read(item, &*WIDGET_FIELDS, standards)?;
            let sources = ["report", "saved_report_id", "question"];
            let given: Vec<&str> = sources.into_iter().filter(|name| !members.accepted[*name].is_null()).collect();
            match given.as_slice() {
                [] if members.faults.is_empty() => members.faults.add(Fault::new("/report", FaultCode::Required)),
                [_, other, ..] => {
                    members.faults.add(Fault::new(format!("/{other}"), FaultCode::Conflicting).with("other", given[0]));
                }
                _ => {}
            }
            members.finish()
        })
    },
    schema: || {
        let cells = |min: i64, default: i64, description: &str| json!({"type": "integer", "minimum": min, "maximum": 1_000, "description": format!("{description} Defaults to {default}.")});
        json!({
            "type": "array",
            "maxItems": MOST_WIDGETS,
            "items": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "title": {"type": ["string", "null"], "maxLength": 200, "description": "The heading. Defaults to that of the report.", "examples": ["本季赢单"]},
                    "report": {"type": ["string", "null"], "maxLength": 60, "description": "The name of a ready-made report, see GET /v1/reports. Exactly one of `report`, `saved_report_id` and `question` is given.", "examples": ["sales-performance"]},
                    "saved_report_id": {"type": ["string", "null"], "format": "uuid", "description": "A saved report."},
                    "question": {"anyOf": [{"$ref": "#/components/schemas/ReportQuestion"}, {"type": "null"}], "description": "A question of the widget's own."},
                    "parameters": {"type": "object", "additionalProperties": true, "description": "Values of the report's parameters, by name. Those given when the dashboard is run take precedence.", "examples": [{}]},
                    "x": cells(0, 0, "The column it begins in."),
                    "y": cells(0, 0, "The row it begins in."),
                    "width": cells(1, 6, "How many columns it is wide."),
                    "height": cells(1, 4, "How many rows it is high."),
                }
            }
        })
    },
    ..Structure::PLAIN
};

entity! {
    /// A dashboard: several reports that are looked at together. Whoever runs it sees what they may see themselves.
    pub struct Dashboard("dashboard", "dashboards", "dashboards", "Dashboard", "仪表盘") [owned, external] {
        /// The name.
        name: String => text(200).required().title().indexed().label("Name", "名称").example("销售总览"),
        /// What it is for.
        description: Option<String> => long_text(5_000).label("Description", "说明"),
        /// Its reports, each with its place on a grid.
        widgets: Vec<Widget> => structure(&WIDGETS).default(json!([])).opaque().label("Widgets", "组件").example(json!([{"report": "sales-performance", "parameters": {"from": "start_of_quarter"}}])),
        /// Who may read and run it beside its owner; `team` are those who work in its team or lead it.
        shared_with: Option<Sharing> => choice(Sharing::choices()).default("private").indexed().label("Shared with", "共享范围").example("team"),
    }
    extend |object| object.configuration().shared_by("shared_with")
}
