//! What a batch is asked and what it answers.

use farley_domain::model::{
    fault::{Fault, FaultCode, Language},
    field::Structure,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::MOST;
use crate::{
    http::problem::Problem,
    records::{bulk::outcome::Told, mutation::Answer},
};

static OPERATIONS: Structure = Structure {
    name: "batch_operations",
    accept: |value, _| match value.as_array() {
        None => Err(Fault::new("", FaultCode::WrongType).with("expected", "a list").into()),
        Some(operations) if operations.len() > MOST => Err(Fault::new("", FaultCode::TooMany).with("max", MOST).into()),
        Some(_) => Ok(value.clone()),
    },
    schema: || {
        let text = |max: usize, doc: &str| json!({"type": ["string", "null"], "maxLength": max, "description": doc});
        json!({"type": "array", "maxItems": MOST, "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["method", "path"],
            "properties": {
                "ref": text(40, "A name under which later operations refer to the result, `{{c.id}}`: a lower-case letter, followed by lower-case letters, digits and `_`."),
                "method": {"type": "string", "enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]},
                "path": {"type": "string", "maxLength": 2000, "description": "The path, as in a request of its own: of a collection to create in it, of a record, or of its `/restore`."},
                "body": {"type": ["object", "null"], "description": "The body, as in a request of its own."},
                "if_match": text(200, "The version that the record must have, such as `v7`."),
                "needs": {"type": ["array", "null"], "maxItems": MOST, "description": "Earlier operations that must have gone well, by their `ref`, beside those referred to.",
                    "items": {"type": "string", "maxLength": 50}}
            }
        }})
    },
    ..Structure::PLAIN
};

crate::body! {
    /// Operations to perform.
    pub struct Batch {
        /// The operations, performed in this order.
        operations: Option<Value> => structure(&OPERATIONS).required(),
        /// Whether all are undone if one fails.
        atomic: bool => boolean().default(false),
        /// Whether nothing is kept, and all operations are tried, also after one that failed.
        validate_only: bool => boolean().default(false),
    }
    example json!({"atomic": true, "operations": [
        {"ref": "c", "method": "POST", "path": "/v1/customers", "body": {"name": "华为技术有限公司"}},
        {"method": "POST", "path": "/v1/contacts", "body": {"name": "李伟", "customer_id": "{{c.id}}"}}
    ]})
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchOutcome {
    Done,
    /// Nothing of it was written.
    Failed,
    /// It was done, and undone as another failed.
    RolledBack,
    /// It was not tried, as another had failed.
    NotTried,
}

/// What became of the operations.
#[derive(Serialize, ToSchema)]
pub struct BatchAnswer {
    /// Whether what was done is kept.
    #[schema(example = true)]
    pub committed: bool,
    /// What became of each operation, in the order of the request.
    pub operations: Vec<BatchResult>,
}

/// What became of one operation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BatchResult {
    /// The name that the request gave it.
    #[serde(rename = "ref")]
    #[schema(example = "c")]
    pub name: Option<String>,
    pub outcome: BatchOutcome,
    /// The HTTP status of a request of its own; null if it was not tried or is undone.
    #[schema(example = 201, minimum = 200, maximum = 599)]
    pub status: Option<u16>,
    /// The id of the record.
    #[schema(value_type = Option<String>, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    pub id: Value,
    /// The version of the record.
    #[schema(value_type = Option<i64>, example = 1)]
    pub version: Value,
    /// The path of a new record.
    #[schema(example = "/v1/customers/01890a5d-ac96-774b-bcce-b302099a8057")]
    pub location: Option<String>,
    /// The record; null if there is nothing to show.
    #[schema(value_type = Option<Object>, example = json!({"id": "01890a5d-ac96-774b-bcce-b302099a8057"}))]
    pub body: Value,
    /// The problem that a request of its own would be answered with; null if it did not fail. Pointers begin at the body of the operation.
    #[schema(value_type = Option<Object>, example = json!(null))]
    pub problem: Option<Value>,
}

impl BatchResult {
    fn bare(name: Option<&str>, outcome: BatchOutcome) -> BatchResult {
        let (id, version, body) = (Value::Null, Value::Null, Value::Null);
        BatchResult { name: name.map(str::to_owned), outcome, status: None, id, version, location: None, body, problem: None }
    }

    /// Of an operation that was done. `replayed` is what is shown when the request is repeated.
    pub fn done(name: Option<&str>, answer: &Answer, (kept, replayed): (bool, bool)) -> Result<BatchResult, Problem> {
        let text = answer.replayed_body.as_ref().filter(|_| replayed).unwrap_or(&answer.body);
        let body: Value = if text.is_empty() { Value::Null } else { serde_json::from_str(text)? };
        let member = |name: &str| body.get(name).cloned().unwrap_or(Value::Null);
        let location = answer.headers.iter().find(|(name, _)| name == "Location").map(|(_, path)| path.clone());
        Ok(BatchResult {
            // Nothing was written, so nothing is anywhere.
            status: Some(if !kept && answer.status == 201 { 200 } else { answer.status }),
            id: member("id"),
            version: member("version"),
            location: location.filter(|_| kept),
            body,
            ..BatchResult::bare(name, BatchOutcome::Done)
        })
    }

    #[must_use]
    pub fn failed(name: Option<&str>, problem: &Problem, language: Language) -> BatchResult {
        let Told { errors, problem: told } = Told::of(problem, language);
        let told = told.map(|mut told| {
            if let Some(members) = told.as_object_mut().filter(|_| !errors.is_empty()) {
                members.insert("errors".to_owned(), json!(errors));
            }
            told
        });
        let failed = BatchResult::bare(name, BatchOutcome::Failed);
        BatchResult { status: Some(problem.code.status()), problem: told, ..failed }
    }

    #[must_use]
    pub fn not_tried(name: Option<&str>) -> BatchResult {
        BatchResult::bare(name, BatchOutcome::NotTried)
    }

    #[must_use]
    pub fn undone(&self) -> BatchResult {
        match self.outcome {
            BatchOutcome::Done => BatchResult::bare(self.name.as_deref(), BatchOutcome::RolledBack),
            BatchOutcome::Failed | BatchOutcome::RolledBack | BatchOutcome::NotTried => self.clone(),
        }
    }
}
