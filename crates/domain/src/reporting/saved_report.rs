//! Saved reports: questions that are asked again and again, for other periods, teams or regions.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::bucket::Bucket;

use crate::{
    entity,
    identity::sharing::Sharing,
    model::{
        fault::{Fault, FaultCode, Faults, pointer_token, unknown},
        field::{Field, FieldType, Op, Structure},
        value::{Members, list, wrong},
    },
    query::predicate::MAX_VALUES,
};

/// How many parameters a report has at most.
pub const MOST_PARAMETERS: usize = 20;
/// The longest question, in bytes of JSON.
const LONGEST: usize = 65_536;

/// What whoever runs a report can choose: the value that a field is compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    pub label: Option<String>,
    /// The field, as filters name it.
    pub field: String,
    pub op: String,
    /// The value where none is given; without one there is no comparison.
    pub default: Option<Value>,
    pub required: bool,
}

crate::structures! { Parameter }

/// A question as it was asked. What is in it is checked where its object and its asker are known.
pub static QUESTION: Structure = Structure {
    name: "report_question",
    accept: |value, _| match value {
        Value::Object(_) if value.to_string().len() <= LONGEST => Ok(value.clone()),
        Value::Object(_) => Err(Fault::new("", FaultCode::TooLong).with("max", LONGEST).into()),
        _ => Err(wrong("an object")),
    },
    schema: || json!({"$ref": "#/components/schemas/ReportQuestion"}),
    ..Structure::PLAIN
};

static PARAMETER_FIELDS: LazyLock<[Field; 6]> = LazyLock::new(|| {
    [
        Field::new("name", FieldType::Text { max: 60 }).required(),
        Field::new("label", FieldType::Text { max: 120 }),
        Field::new("field", FieldType::Text { max: 300 }).required(),
        Field::new("op", FieldType::Text { max: 20 }).default(Op::Eq.as_str()),
        Field::new("default", FieldType::Structure(&ANY)),
        Field::new("required", FieldType::Boolean).default(false),
    ]
});

/// A value to compare with, as filters write it, or a list of them.
static ANY: Structure = Structure {
    name: "report_value",
    accept: |value, _| match value.as_array() {
        Some(items) if items.len() > MAX_VALUES => Err(Fault::new("", FaultCode::TooMany).with("max", MAX_VALUES).into()),
        _ => Ok(value.clone()),
    },
    schema: || json!({"description": "A value as filters write it, or a list of them for `in`."}),
    ..Structure::PLAIN
};

/// The parameters of a report, each with a name of its own.
pub static PARAMETERS: Structure = Structure {
    name: "report_parameters",
    accept: |value, standards| {
        let mut seen: Vec<String> = Vec::new();
        let mut repeated = Faults::default();
        let accepted = list(value, MOST_PARAMETERS, |item| {
            let accepted = Members::read(item, &*PARAMETER_FIELDS, standards)?.finish()?;
            let is_operator = accepted["op"].as_str().is_some_and(|name| Op::from_name(name).is_some());
            if !is_operator {
                let names: Vec<&str> = Op::ALL.iter().map(|op| op.as_str()).collect();
                return Err(Fault::new("/op", FaultCode::UnknownChoice).with("choices", names.join(", ")).into());
            }
            Ok(accepted)
        })?;
        for (place, item) in accepted.as_array().into_iter().flatten().enumerate() {
            let name = item["name"].as_str().unwrap_or_default().to_owned();
            if seen.contains(&name) {
                repeated.add(Fault::new(format!("/{place}/name"), FaultCode::Repeated));
            }
            seen.push(name);
        }
        repeated.into_result(accepted)
    },
    schema: || {
        json!({
            "type": "array",
            "maxItems": MOST_PARAMETERS,
            "items": {
                "type": "object",
                "required": ["name", "field"],
                "additionalProperties": false,
                "properties": {
                    "name": {"type": "string", "maxLength": 60, "description": "The name by which a value is given; unique in the report.", "examples": ["team"]},
                    "label": {"type": ["string", "null"], "maxLength": 120, "description": "What people are asked for.", "examples": ["团队"]},
                    "field": {"type": "string", "maxLength": 300, "description": "The field that is compared, as filters name it.", "examples": ["team_id"]},
                    "op": {"type": "string", "description": "The operator of filters. Defaults to `eq`.", "examples": ["eq"]},
                    "default": {"type": ["string", "number", "boolean", "array", "object", "null"], "description": "The value where none is given. Without one, nothing is compared."},
                    "required": {"type": "boolean", "description": "Whether a value must be given. Defaults to false."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

entity! {
    /// A saved report: a question that is asked again and again, with parameters for what changes. Whoever runs it sees what they may
    /// see themselves, not what its owner may.
    pub struct SavedReport("saved_report", "saved-reports", "saved_reports", "Saved report", "保存的报表") [owned, external] {
        /// The name.
        name: String => text(200).required().title().indexed().label("Name", "名称").example("各区域月度赢单"),
        /// What it tells, and how to read it.
        description: Option<String> => long_text(5_000).label("Description", "说明"),
        /// The question, as POST /v1/reports/query takes it. It is checked against the permissions of whoever writes it.
        question: Option<Value> => structure(&QUESTION).required().opaque().label("Question", "报表查询").example(json!({"object": "opportunities", "dimensions": [{"field": "status"}], "measures": [{"as": "count", "fn": "count"}]})),
        /// What can be chosen when it is run: each adds a comparison to its filter.
        parameters: Vec<Parameter> => structure(&PARAMETERS).default(json!([])).opaque().label("Parameters", "参数").example(json!([{"name": "team", "field": "team_id"}])),
        /// Who may read and run it beside its owner; `team` are those who work in its team or lead it.
        shared_with: Option<Sharing> => choice(Sharing::choices()).default("private").indexed().label("Shared with", "共享范围").example("team"),
    }
    extend |object| object.configuration().shared_by("shared_with")
}

/// What is chosen when a report is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chosen<'a> {
    /// The days that the question is about: from, and the day after the last.
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
    /// Values of parameters, by name.
    pub parameters: Option<&'a Map<String, Value>>,
    /// A filter to narrow the report by.
    pub filter: Option<&'a Value>,
}

/// A question with what is chosen in it, and where that was.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrowed {
    pub question: Value,
    /// Places in the question, and what they are in the request that chose them.
    places: Vec<(String, String)>,
}

impl Narrowed {
    /// A fault of the question, at the place of what was chosen; what is wrong with the question itself is below `question`.
    #[must_use]
    pub fn placed(&self, fault: Fault) -> Fault {
        let found = self.places.iter().find_map(|(place, asked)| {
            let rest = fault.pointer.strip_prefix(place.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| match asked.strip_suffix('*') {
                // A filter has places of its own, a value has none.
                Some(asked) => format!("{asked}{rest}"),
                None => asked.clone(),
            })
        });
        let pointer = found.unwrap_or_else(|| format!("/question{}", fault.pointer));
        Fault { pointer, ..fault }
    }
}

/// The question of a report with what is chosen: its days become the bounds of the first dimension of dates, each parameter another
/// comparison. Faults are at their places in what is chosen.
pub fn with_chosen(question: &Value, parameters: &[Parameter], chosen: &Chosen<'_>) -> Result<Narrowed, Faults> {
    let mut faults = Faults::default();
    let (mut question, mut places) = (question.clone(), Vec::new());
    for (name, day) in [("from", chosen.from), ("to", chosen.to)] {
        let Some(day) = day else { continue };
        let dimensions = question["dimensions"].as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
        match dimensions.iter_mut().enumerate().find(|(_, dimension)| passes(dimension)) {
            Some((place, dimension)) => {
                dimension[name] = json!(day);
                places.push((format!("/dimensions/{place}/{name}"), format!("/{name}")));
            }
            None => faults.add(
                Fault::new(format!("/{name}"), FaultCode::WrongType)
                    .with("expected", "a report with a dimension of dates in buckets that follow each other"),
            ),
        }
    }
    let nothing = Map::new();
    let given = chosen.parameters.unwrap_or(&nothing);
    for name in given.keys().filter(|name| parameters.iter().all(|parameter| parameter.name != **name)) {
        let known = parameters.iter().map(|parameter| parameter.name.as_str());
        faults.add(unknown(format!("/parameters/{}", pointer_token(name)), FaultCode::UnknownParameter, name, known));
    }
    let own = question.get("filter").filter(|filter| !filter.is_null()).cloned();
    let mut more = Vec::new();
    for parameter in parameters {
        let place = format!("/parameters/{}", pointer_token(&parameter.name));
        let value = given.get(&parameter.name).filter(|value| !value.is_null()).or(parameter.default.as_ref());
        match value {
            Some(value) => more.push((json!({"field": parameter.field, "op": parameter.op, "value": value}), place)),
            None if parameter.required => faults.add(Fault::new(place, FaultCode::Required)),
            None => {}
        }
    }
    more.extend(chosen.filter.map(|filter| (filter.clone(), "/filter*".to_owned())));
    if !more.is_empty() {
        let first = usize::from(own.is_some());
        places.extend((first..).zip(&more).map(|(number, (_, place))| (format!("/filter/and/{number}"), place.clone())));
        let all: Vec<Value> = own.into_iter().chain(more.into_iter().map(|(filter, _)| filter)).collect();
        question["filter"] = json!({"and": all});
    }
    faults.into_result(Narrowed { question, places })
}

/// Whether a question has a dimension of dates, whose bounds can be chosen.
#[must_use]
pub fn has_course(question: &Value) -> bool {
    question["dimensions"].as_array().is_some_and(|dimensions| dimensions.iter().any(passes))
}

/// Whether a dimension is one along which time passes.
fn passes(dimension: &Value) -> bool {
    dimension["bucket"].as_str().and_then(Bucket::from_wire).is_some_and(|bucket| !bucket.is_cyclic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, default: Option<Value>, required: bool) -> Parameter {
        Parameter { name: name.into(), label: None, field: format!("{name}_id"), op: "eq".into(), default, required }
    }

    #[test]
    fn what_is_chosen_narrows_the_question() {
        let question = json!({
            "object": "opportunities",
            "dimensions": [{"field": "status"}, {"field": "closed_at", "bucket": "month", "from": "2026-01-01"}],
            "filter": {"field": "status", "value": "won"}
        });
        let parameters = [parameter("team", None, false), parameter("owner", Some(json!("me")), false)];
        let asked = Map::from_iter([("team".to_owned(), json!("t1"))]);
        let chosen = Chosen { from: Some("2026-07-01"), to: Some("2026-10-01"), parameters: Some(&asked), filter: None };
        let narrowed = with_chosen(&question, &parameters, &chosen).unwrap();
        let places = ["/dimensions/1/to", "/filter/and/1/value", "/filter/and/0/field"];
        let placed = places.map(|place| narrowed.placed(Fault::new(place, FaultCode::Required)).pointer);
        assert_eq!(placed, ["/to", "/parameters/team", "/question/filter/and/0/field"]);
        let found = narrowed.question;
        assert_eq!(
            found["dimensions"][1],
            json!({"field": "closed_at", "bucket": "month", "from": "2026-07-01", "to": "2026-10-01"})
        );
        assert_eq!(
            found["filter"],
            json!({"and": [
                {"field": "status", "value": "won"},
                {"field": "team_id", "op": "eq", "value": "t1"},
                {"field": "owner_id", "op": "eq", "value": "me"},
            ]})
        );
        assert_eq!(with_chosen(&question, &[], &Chosen::default()).unwrap().question, question, "nothing chosen changes nothing");
    }

    #[test]
    fn every_fault_of_what_is_chosen_is_named() {
        let question = json!({"object": "opportunities", "dimensions": [{"field": "closed_at", "bucket": "month_of_year"}]});
        let asked = Map::from_iter([("tema".to_owned(), json!(1))]);
        let chosen = Chosen { from: Some("2026-07-01"), parameters: Some(&asked), ..Chosen::default() };
        let faults = with_chosen(&question, &[parameter("team", None, true)], &chosen).unwrap_err();
        let places: Vec<&str> = faults.0.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/from", "/parameters/tema", "/parameters/team"]);
    }
}
