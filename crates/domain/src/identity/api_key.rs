//! API keys: credentials for programs, acting for a user within narrower scopes.

use serde_json::{Value, json};

use super::access::Action;
use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::Structure,
        object::{Reach, Relation},
        registry,
        value::{Standards, as_text, list},
    },
};

/// What stands for every object or action.
const EVERY: &str = "*";

/// `customer:read`, `customer:*`, `*:read`: which of the user's permissions the key may use.
pub static KEY_SCOPES: Structure = Structure {
    name: "key_scopes",
    accept,
    schema: || {
        json!({
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": {"type": "string", "pattern": "^([a-z_]+|\\*):([a-z_]+|\\*)$", "description": "`object:action`; `*` means every object or action.", "examples": ["customer:read"]}
        })
    },
    ..Structure::PLAIN
};

entity! {
    /// An API key: a credential for a program. It acts on behalf of a user, within its scopes, until it expires or is archived.
    pub struct ApiKey("api_key", "api-keys", "api_keys", "API key", "API 密钥") [] {
        /// What the key is for.
        name: String => text(120).required().title().label("Name", "名称").example("ERP sync"),
        /// The user it acts on behalf of. Defaults to the user who creates it.
        user_id: Option<crate::values::id::Id> => reference("user").filled().on_create().indexed().label("User", "用户"),
        /// Which of the user's permissions it can use.
        scopes: Vec<String> => structure(&KEY_SCOPES).default(json!(["*:*"])).opaque().label("Scopes", "范围").example(json!(["customer:read", "contact:*"])),
        /// The first characters of the key, for identification.
        prefix: Option<String> => text(20).filled().server_set().label("Prefix", "前缀").example("fk_7Qx1"),
        /// When the key expires; null means never.
        expires_at: Option<crate::values::time::Timestamp> => datetime().label("Expires at", "过期时间").example("2027-01-01T00:00:00.000Z"),
    }
    extend |object| object.configuration().relations([Relation { name: "user", target: "user", reach: Reach::ToOne { field: "user_id" } }])
}

fn accept(value: &Value, _: &Standards<'_>) -> Result<Value, Faults> {
    if value.as_array().is_some_and(Vec::is_empty) {
        return Err(Fault::new("", FaultCode::TooShort).with("min", 1).into());
    }
    list(value, 100, |item| {
        let text = as_text(item)?;
        let known = text.split_once(':').is_some_and(|(object, action)| {
            (object == EVERY || registry::subjects().any(|known| known.name == object))
                && (action == EVERY || Action::from_name(action).is_some())
        });
        if known {
            Ok(item.clone())
        } else {
            Err(Fault::new("", FaultCode::WrongType).with("expected", "object:action, such as customer:read or *:read").into())
        }
    })
}

/// Whether the scopes of a key name something that is done to an object: `customer:read`, `customer:*`, `*:read`, `*:*`.
#[must_use]
pub fn covers(scopes: &[String], object: &str, action: Action) -> bool {
    scopes.iter().any(|scope| {
        scope
            .split_once(':')
            .is_some_and(|(named, verb)| (named == EVERY || named == object) && (verb == EVERY || verb == action.as_str()))
    })
}

/// The first thing that the scopes `asked` name and `held` do not, as `object:action`.
#[must_use]
pub fn first_beyond(held: &[String], asked: &[String]) -> Option<String> {
    let each = registry::subjects().flat_map(|object| Action::ALL.map(|action| (object.name, action)));
    let mut beyond = each.filter(|(object, action)| covers(asked, object, *action) && !covers(held, object, *action));
    beyond.next().map(|(object, action)| format!("{object}:{}", action.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_held_against_each_other() {
        let scopes = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        assert_eq!(first_beyond(&scopes(&["*:*"]), &scopes(&["*:*"])), None);
        assert_eq!(first_beyond(&scopes(&["customer:*", "*:read"]), &scopes(&["customer:update", "lead:read"])), None);
        assert_eq!(first_beyond(&scopes(&["customer:read"]), &scopes(&["customer:*"])), Some("customer:create".to_owned()));
        assert!(first_beyond(&scopes(&["customer:*"]), &scopes(&["*:read"])).is_some());
    }
}
