//! What might happen to a ticket: moves of a simulation.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clock::{Party, StatusKind};
use crate::{
    activities::task::Priority,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Choice, Field, FieldType, Structure},
        value::{Members, list},
    },
    values::time::Timestamp,
};

/// The most moves of a simulation.
const MOST: usize = 200;

/// One thing that happens: a status, a message or a priority, or several at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub at: Timestamp,
    pub status: Option<StatusKind>,
    pub message: Option<Party>,
    pub priority: Option<Priority>,
}

crate::structures! { Move }

static FIELDS: LazyLock<[Field; 4]> = LazyLock::new(|| {
    [
        Field::new("at", FieldType::DateTime).required(),
        Field::new("status", FieldType::Choice(StatusKind::choices().into())),
        Field::new("message", FieldType::Choice(Party::choices().into())),
        Field::new("priority", FieldType::Choice(Priority::choices().into())),
    ]
});

/// The moves of a simulation, in the order of time.
pub static MOVES: Structure = Structure {
    name: "sla_moves",
    accept: |value, standards| list(value, MOST, |item| Members::read(item, &*FIELDS, standards)?.finish()),
    schema: || {
        let names =
            |choices: Vec<Choice>| choices.into_iter().map(|choice| json!(choice.value)).chain([Value::Null]).collect::<Vec<_>>();
        json!({
            "type": "array",
            "maxItems": MOST,
            "items": {
                "type": "object",
                "required": ["at"],
                "additionalProperties": false,
                "properties": {
                    "at": {"type": "string", "format": "date-time", "description": "When it happens."},
                    "status": {"type": ["string", "null"], "enum": names(StatusKind::choices()), "description": "The kind of status it enters."},
                    "message": {"type": ["string", "null"], "enum": names(Party::choices()), "description": "Who writes to whom: the customer, or an agent to the customer."},
                    "priority": {"type": ["string", "null"], "enum": names(Priority::choices()), "description": "The priority it gets."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

/// Moves are in order, after the beginning and before the time asked about; faults at the pointers of the moves and of that time.
pub fn check(moves: &[Move], opened: Timestamp, at: Timestamp, pointers: (&str, &str)) -> Result<(), Faults> {
    let mut faults = Faults::default();
    let mut last = opened;
    for (position, one) in moves.iter().enumerate() {
        if one.at < last {
            faults.add(Fault::new(format!("{}/{position}/at", pointers.0), FaultCode::TooEarly).with("min", last));
        }
        last = last.max(one.at);
    }
    if at < last {
        faults.add(Fault::new(pointers.1, FaultCode::TooEarly).with("min", last));
    }
    faults.into_result(())
}
