//! Roles: named collections of permissions, and the ready-made ones of a new tenant.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{Action, Scope};
use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType, Structure},
        field_rule::FieldRule,
        object::{Object, Reach, Relation},
        recurring, registry,
        value::{Members, Standards, list},
    },
};

/// What stands for every object or action.
const EVERY: &str = "*";

/// One permission of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// An object; `*` stands for every one.
    pub object: String,
    pub action: Actions,
    pub scope: Scope,
}

impl Permission {
    /// Whether it is about records of an object.
    #[must_use]
    pub fn reaches(&self, object: &Object) -> bool {
        self.object == EVERY || self.object == object.name
    }
}

/// What a permission allows to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actions {
    #[serde(rename = "*")]
    Every,
    #[serde(untagged)]
    One(Action),
}

impl Actions {
    /// Reads the name of an action, or what stands for every one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Actions> {
        if name == EVERY { Some(Actions::Every) } else { Action::from_name(name).map(Actions::One) }
    }
}

/// What a role does to one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuledField {
    pub object: String,
    /// The name of the field; `custom.key` for a custom field.
    pub field: String,
    pub rule: FieldRule,
}

crate::structures! { Permission, RuledField }

/// The permissions of a role, as stored: object × action × scope; `*` stands for every object or action.
pub static PERMISSIONS: Structure = Structure {
    name: "permissions",
    accept: accept_permissions,
    schema: || {
        json!({
            "type": "array",
            "maxItems": 200,
            "items": {
                "type": "object",
                "required": ["object", "action", "scope"],
                "additionalProperties": false,
                "properties": {
                    "object": {"type": "string", "description": "An object such as `customer`; `*` for every object.", "examples": ["customer"]},
                    "action": {"type": "string", "enum": action_names(), "description": "The permitted action; `*` for every action."},
                    "scope": {"type": "string", "enum": ["own", "team", "all"], "description": "The records it applies to: the user's own, those of the user's team and the teams below it, or all."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

/// What a role hides or freezes.
pub static FIELD_RULES: Structure = Structure {
    name: "field_rules",
    accept: accept_field_rules,
    schema: || {
        json!({
            "type": "array",
            "maxItems": 200,
            "items": {
                "type": "object",
                "required": ["object", "field", "rule"],
                "additionalProperties": false,
                "properties": {
                    "object": {"type": "string", "description": "An object such as `customer`.", "examples": ["customer"]},
                    "field": {"type": "string", "description": "One of its fields; `custom.key` for a custom field.", "examples": ["annual_revenue"]},
                    "rule": {"type": "string", "enum": ["hidden", "read_only"], "description": "Whether the field is hidden or read-only."}
                }
            }
        })
    },
    ..Structure::PLAIN
};

entity! {
    /// A role: a named set of permissions and field rules. A user can have several roles; a permission granted by any of them
    /// applies.
    pub struct Role("role", "roles", "roles", "Role", "角色") [external] {
        /// The name; unique among live roles.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("Sales manager"),
        /// Names a ready-made role, whatever it is called now.
        key: Option<String> => text(40).server_set().label("Key", "标识").example("sales_manager"),
        /// What the role is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The permissions that the role grants.
        permissions: Vec<Permission> => structure(&PERMISSIONS).default(json!([])).opaque().label("Permissions", "权限").example(json!([{"object": "customer", "action": "read", "scope": "team"}])),
        /// The fields that the role hides or makes read-only. A field remains accessible to a user if another of their roles
        /// does not restrict it.
        field_rules: Vec<RuledField> => structure(&FIELD_RULES).default(json!([])).opaque().label("Field rules", "字段规则").example(json!([{"object": "customer", "field": "annual_revenue", "rule": "hidden"}])),
    }
    extend |object| object
        .configuration()
        .relations([Relation {
            name: "users",
            target: "user",
            reach: Reach::Linked { link: &super::user::USER_ROLES, holder: false },
        }])
        .unique("roles_name_key", "name")
}

fn action_names() -> Vec<&'static str> {
    Action::ALL.iter().map(|action| action.as_str()).chain([EVERY]).collect()
}

/// What permissions name; parts of other objects go with these.
fn known_objects() -> impl Iterator<Item = &'static str> {
    registry::subjects().filter(|object| object.parent.is_none()).map(|object| object.name).chain([EVERY])
}

static TEXT: LazyLock<[Field; 5]> = LazyLock::new(|| {
    let text = |name: &'static str| Field::new(name, FieldType::Text { max: 100 }).required();
    [text("object"), text("action"), text("scope"), text("field"), text("rule")]
});

fn accept_permissions(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let [object, action, scope, _, _] = &*TEXT;
    list(value, 200, |item| {
        let mut members = Members::of(item, &["object", "action", "scope"])?;
        for field in [object, action, scope] {
            members.take(field, standards);
        }
        check_name(&mut members, "object", &known_objects().collect::<Vec<_>>());
        check_name(&mut members, "action", &action_names());
        check_name(&mut members, "scope", &Scope::ALL.map(Scope::as_str));
        members.finish()
    })
}

fn accept_field_rules(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let [object, _, _, field, rule] = &*TEXT;
    list(value, 200, |item| {
        let mut members = Members::of(item, &["object", "field", "rule"])?;
        for field in [object, field, rule] {
            members.take(field, standards);
        }
        check_name(&mut members, "object", &registry::objects().map(|object| object.name));
        check_name(&mut members, "rule", &["hidden", "read_only"]);
        check_field(&mut members);
        members.finish()
    })
}

fn check_name(members: &mut Members<'_>, member: &str, known: &[&str]) {
    let Some(name) = members.accepted.get(member).and_then(Value::as_str) else { return };
    if !known.contains(&name) {
        members.faults.add(Fault::new(format!("/{member}"), FaultCode::UnknownChoice).with("choices", known.join(", ")));
    }
}

fn check_field(members: &mut Members<'_>) {
    const OPEN: [&str; 3] = [recurring::ID.name(), recurring::VERSION.name(), recurring::ARCHIVED_AT.name()];
    let object = members.accepted.get("object").and_then(Value::as_str).and_then(registry::object);
    let (Some(object), Some(field)) = (object, members.accepted.get("field").and_then(Value::as_str)) else { return };
    // A custom field may be declared later than the rule that hides it.
    let known = field.starts_with("custom.") || (object.has(field) && !OPEN.contains(&field));
    if !known {
        let names = object.fields.iter().map(|field| field.name.as_ref());
        members.faults.add(unknown("/field".to_owned(), FaultCode::UnknownMember, field, names));
    }
}

/// The key of the ready-made role that may do everything.
pub const ADMINISTRATOR: &str = "administrator";

/// A ready-made role of a new tenant.
pub struct ReadyMade {
    pub key: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    /// The object with which it came, for tenants that are older than that.
    pub came_with: Option<&'static str>,
    /// `object action scope`, several objects or actions separated by commas. Tenants that are older than an object learn of it here
    /// too.
    grants: &'static [&'static str],
}

impl ReadyMade {
    /// The role's permissions, one by one.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission> {
        let mut permissions = Vec::new();
        for grant in self.grants {
            let mut words = grant.split(' ');
            let (Some(objects), Some(actions), Some(scope)) = (words.next(), words.next(), words.next()) else { continue };
            let Some(scope) = Scope::from_name(scope) else { continue };
            for object in objects.split(',') {
                let granted = actions.split(',').filter_map(Actions::from_name);
                permissions.extend(granted.map(|action| Permission { object: object.to_owned(), action, scope }));
            }
        }
        permissions
    }
}

/// The roles that a new tenant begins with; it may change all of them but the administrator.
pub static READY_MADE: &[ReadyMade] = &[
    ReadyMade {
        key: ADMINISTRATOR,
        name: "Administrator / 管理员",
        description: "May do everything in the tenant.",
        came_with: None,
        grants: &["* * all"],
    },
    ReadyMade {
        key: "sales_manager",
        name: "Sales manager / 销售经理",
        description: "Leads a team: works with all of its customers and sales and those of the teams below.",
        came_with: None,
        grants: &[
            "lead,customer,contact,opportunity,order,activity,task read,create,update,archive,export,import team",
            "task create all",
            "ticket,queue,ticket_status,ticket_category read all",
            "ticket_merge read own",
            "article,article_category read all",
            "article_version read own",
            "survey_response read own",
            "notification,customer_value read own",
            "pool,lead_form,assignment_rule,scoring_rule,work_schedule,cadence,pipeline,product,campaign,macro read all",
            "pool,lead_form,assignment_rule,scoring_rule,work_schedule,cadence,pipeline,product,macro create,update,archive all",
            "cadence_enrolment read own",
            "quota,forecast_override read,create,update,archive team",
            "tag read,create,update all",
            "user,team,role,custom_field read all",
            "import,export read own",
            "file read,create,update,archive all",
            "saved_report,dashboard,view,segment read,create,update,archive own",
            "exchange_rate read all",
        ],
    },
    ReadyMade {
        key: "sales_representative",
        name: "Sales representative / 销售代表",
        description: "Looks after their own customers and sales, and sees those of the team.",
        came_with: None,
        grants: &[
            "lead,customer,contact,opportunity,order read team",
            "lead,customer,contact,opportunity,order create,update,archive own",
            "activity,task read team",
            "activity,task create,update,archive own",
            "task create all",
            "ticket,queue,ticket_status,ticket_category read all",
            "ticket_merge read own",
            "article,article_category read all",
            "article_version read own",
            "survey_response read own",
            "notification,customer_value read own",
            "cadence,pool,pipeline,product,campaign,macro read all",
            "cadence_enrolment,quota,forecast_override read own",
            "tag read,create all",
            "user,team,custom_field read all",
            "file read,create,update,archive all",
            "saved_report,dashboard,view,segment read,create,update,archive own",
            "exchange_rate read all",
        ],
    },
    ReadyMade {
        key: "service_agent",
        name: "Service agent / 客服",
        description: "Serves every customer and keeps their details right.",
        came_with: None,
        grants: &[
            "customer,contact read,update all",
            "contact create all",
            "activity,task read all",
            "activity,task create,update,archive own",
            "task create all",
            "survey,order read all",
            "survey_response read own",
            "survey_response create all",
            "notification,customer_value read own",
            "ticket,work_order read,create,update,export all",
            "ticket_merge read own",
            "article read,create,update all",
            "article_category read all",
            "article_version read own",
            "queue,mailbox,channel,reply_template,ticket_status,ticket_category,sla_policy,calendar,product,tag,macro read all",
            "user,team,custom_field read all",
            "file read,create,update,archive all",
            "saved_report,dashboard,view,segment read,create,update,archive own",
            "exchange_rate read all",
        ],
    },
    ReadyMade {
        key: "service_manager",
        name: "Service manager / 客服经理",
        description: "Leads the service desk: works with all tickets, and sets up queues, statuses, calendars and SLA policies.",
        came_with: Some("ticket"),
        grants: &[
            "ticket,work_order read,create,update,archive,export,import all",
            "ticket_merge read own",
            "article,article_category,help_center,portal read,create,update,archive all",
            "article export,import all",
            "article_version read,create all",
            "queue,mailbox,channel,reply_template,ticket_status,ticket_category,sla_policy,calendar,rule,macro read,create,update,archive all",
            "rule_run read all",
            "customer,contact read,create,update all",
            "activity,task read,create,update,archive all",
            "survey read,create,update,archive all",
            "survey_response read,create,export all",
            "notification,customer_value read own",
            "product,order read all",
            "tag read,create,update all",
            "user,team,role,custom_field read all",
            "import,export read own",
            "file read,create,update,archive all",
            "saved_report,dashboard,view,segment read,create,update,archive own",
            "exchange_rate read all",
        ],
    },
    ReadyMade {
        key: "service_technician",
        name: "Service technician / 现场技师",
        description: "Does work orders at customers: sees their own, and the customers.",
        came_with: Some("work_order"),
        grants: &[
            "work_order read,update own",
            "customer,contact read all",
            "activity,task read,create,update own",
            "article,article_category read all",
            "article_version read own",
            "notification read own",
            "product,tag read all",
            "user,team,custom_field read all",
            "file read,create,update,archive all",
            "saved_report,dashboard,view,segment read,create,update,archive own",
            "exchange_rate read all",
        ],
    },
    ReadyMade {
        key: "marketer",
        name: "Marketer / 市场专员",
        description: "Works with all customers and contacts as an audience.",
        came_with: None,
        grants: &[
            "lead,customer,contact read,export,import all",
            "lead,customer,contact create,update own",
            "campaign read,create,update,archive,export,import all",
            "cadence,lead_form read,create,update,archive all",
            "cadence_enrolment read own",
            "opportunity,order,pool,assignment_rule,scoring_rule,pipeline,product read all",
            "activity,task read all",
            "activity,task create,update,archive own",
            "article read,create,update all",
            "article_category read all",
            "article_version read own",
            "survey,survey_response read all",
            "notification,customer_value read own",
            "tag read,create,update,archive all",
            "user,team,custom_field read all",
            "import,export read own",
            "file read,create,update,archive all",
            "saved_report,dashboard,view,segment read,create,update,archive own",
            "exchange_rate read all",
        ],
    },
    ReadyMade {
        key: "read_only",
        name: "Read only / 只读",
        description: "Sees everything, changes nothing.",
        came_with: None,
        grants: &[
            "ticket,work_order,queue,mailbox,channel,reply_template,ticket_status,ticket_category,sla_policy,rule,rule_run,macro read all",
            "ticket_merge read own",
            "article,article_version,article_category,help_center,portal read all",
            "lead,pool,lead_form,assignment_rule,scoring_rule,work_schedule,calendar,cadence,cadence_enrolment,customer,contact,opportunity,order read all",
            "activity,task,pipeline,product,campaign,quota,forecast_override read all",
            "tag,user,team,role,custom_field read all",
            "survey,survey_response read all",
            "notification read own",
            "customer_value read all",
            "file read all",
            "exchange_rate read all",
            "saved_report,dashboard,view,segment read own",
        ],
    },
    ReadyMade {
        key: "integration",
        name: "Integration / 集成",
        description: "Keeps another system in step: reads and writes customers, contacts, activities, tasks, opportunities, orders and products.",
        came_with: None,
        grants: &[
            "lead,pool,customer,contact,opportunity,order,activity,task read,create,update,archive,export,import all",
            "pipeline,product,campaign,tag read,create,update,archive,export,import all",
            "ticket read,create,update,archive,export,import all",
            "ticket_merge read own",
            "survey,customer_value read all",
            "survey_response read,create all",
            "article,article_category read,create,update,archive,export,import all",
            "article_version,help_center,portal read all",
            "queue,mailbox,channel,reply_template,ticket_status,ticket_category,sla_policy,calendar read all",
            "cadence,cadence_enrolment read all",
            "user,team,custom_field read all",
            "import,export read own",
            "file read,create,update,archive all",
            "saved_report,dashboard,view,segment read,create,update,archive own",
            "exchange_rate read all",
            "webhook read,create,update,archive own",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Its description promises it, and a new object is easily forgotten.
    #[test]
    fn who_sees_everything_reads_every_object() {
        // Of oneself alone, and of those who administer.
        const OTHERS: [&str; 5] = ["api_key", "import", "export", "webhook", "webhook_delivery"];
        let ready = READY_MADE.iter().find(|ready| ready.key == "read_only").expect("the role");
        let permissions = ready.permissions();
        let reads = |name: &str| permissions.iter().any(|one| one.object == name && one.action == Actions::One(Action::Read));
        let unread: Vec<&str> = registry::objects()
            .into_iter()
            .filter(|object| object.parent.is_none() && !reads(object.name) && !OTHERS.contains(&object.name))
            .map(|object| object.name)
            .collect();
        assert_eq!(unread, [""; 0]);
    }
}
