//! What rules and macros do to a record: a list of actions, each of a kind of its own.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    activities::{activity::ActivityKind, task::Priority},
    choices,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType, Structure},
        handle::Handle,
        object::Object,
        record::Draft,
        recurring, registry,
        structures::wording::{self, Wording},
        value::{Members, Standards, accept, list, wrong},
    },
    service::satisfaction::survey_response::SurveyResponse,
    values::id::Id,
};

/// How many actions a rule or macro has at most.
const MOST_ACTIONS: usize = 20;
/// How many tags or users one action names at most.
const MOST_IDS: usize = 50;
/// The longest time until a task is due, in minutes: two years.
const MOST_MINUTES: i64 = 2 * 366 * 24 * 60;
/// How long the text of a message may be, in characters.
pub const MESSAGE: usize = wording::LONGEST;
/// How long the subject of a task may be.
pub const SUBJECT: usize = 200;
/// How long a notification may be.
pub const NOTICE: usize = 300;

choices! {
    /// What an action does.
    pub enum ActionKind {
        Set "set" "Set fields" "设置字段",
        AddTags "add_tags" "Add tags" "添加标签",
        RemoveTags "remove_tags" "Remove tags" "移除标签",
        Assign "assign" "Assign" "分配",
        CreateTask "create_task" "Create a task" "创建任务",
        Notify "notify" "Notify" "通知",
        AddNote "add_note" "Add a note" "添加备注",
        Reply "reply" "Reply to the customer" "回复客户",
        AskSurvey "ask_survey" "Ask a survey" "发起满意度调查",
        Perform "perform" "Perform an action of the record" "执行记录操作",
    }
}

choices! {
    /// Who is told of something, as the record says.
    pub enum Recipient {
        Owner "owner" "The owner" "负责人",
        Creator "creator" "The creator" "创建人",
        Followers "followers" "The followers" "关注人",
        Manager "manager" "The manager" "主管",
    }
}

/// An action of a rule or macro.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    Set {
        fields: Map<String, Value>,
    },
    AddTags {
        tag_ids: Vec<Id>,
    },
    RemoveTags {
        tag_ids: Vec<Id>,
    },
    Assign(Assignee),
    CreateTask(NewTask),
    Notify(Notice),
    AddNote {
        text: Wording,
    },
    /// Exactly one of these is given.
    Reply {
        text: Option<Wording>,
        template_id: Option<Id>,
    },
    AskSurvey {
        survey_id: Id,
    },
    Perform {
        action: String,
    },
}

crate::structures! { Action }

/// Who a record is assigned to: exactly one of these is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignee {
    pub user_id: Option<Id>,
    /// The members of the team take turns.
    pub team_id: Option<Id>,
}

/// A task to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    pub subject: String,
    pub description: Option<String>,
    pub kind: Option<ActivityKind>,
    pub priority: Priority,
    /// After how many minutes it is due; never, if absent.
    pub due_in_minutes: Option<i64>,
    /// Who gets it; the owner of the record, if absent.
    pub user_id: Option<Id>,
}

/// Who is told, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub to: Vec<Recipient>,
    pub user_ids: Vec<Id>,
    /// What they read; the name of the record, if absent.
    pub message: Option<String>,
}

impl Action {
    /// What it does.
    #[must_use]
    pub fn kind(&self) -> ActionKind {
        match self {
            Action::Set { .. } => ActionKind::Set,
            Action::AddTags { .. } => ActionKind::AddTags,
            Action::RemoveTags { .. } => ActionKind::RemoveTags,
            Action::Assign(_) => ActionKind::Assign,
            Action::CreateTask(_) => ActionKind::CreateTask,
            Action::Notify(_) => ActionKind::Notify,
            Action::AddNote { .. } => ActionKind::AddNote,
            Action::Reply { .. } => ActionKind::Reply,
            Action::AskSurvey { .. } => ActionKind::AskSurvey,
            Action::Perform { .. } => ActionKind::Perform,
        }
    }
}

/// The actions, in the order in which they are done.
pub static ACTIONS: Structure = Structure {
    name: "automation_actions",
    accept: accept_actions,
    schema: || {
        let text = wording::schema();
        let described = |description: &str| {
            let mut schema = text.clone();
            schema["description"] = json!(description);
            schema
        };
        let id = json!({"type": "string", "format": "uuid"});
        let optional = |description: &str| json!({"type": ["string", "null"], "format": "uuid", "description": description});
        json!({
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_ACTIONS,
            "items": {
                "type": "object",
                "required": ["type"],
                "additionalProperties": false,
                "properties": {
                    "type": {"type": "string", "enum": ActionKind::ALL, "description": "What it does; the other members depend on it. `set`: `fields`. `add_tags`, `remove_tags`: `tag_ids`. `assign`: `user_id`, or `team_id`, whose active members take turns. `create_task`: `subject`, `description`, `kind`, `priority`, `due_in_minutes`, `user_id`. `notify`: `to`, `user_ids`, `message`. `add_note`: `text`. `reply`: `text` or `template_id`; by a rule it is an automatic message, which is no first response. `ask_survey`: `survey_id`. `perform`: `action`."},
                    "fields": {"type": "object", "description": "For `set`: the values, as in a PATCH of the record. Texts may have placeholders.", "examples": [{"priority": "high"}]},
                    "tag_ids": {"type": "array", "minItems": 1, "maxItems": MOST_IDS, "items": id, "description": "For `add_tags` and `remove_tags`: the tags."},
                    "user_id": optional("For `assign`: the new owner. For `create_task`: who gets the task; the owner of the record if absent."),
                    "team_id": optional("For `assign`: the team whose active members take turns."),
                    "subject": {"type": "string", "maxLength": SUBJECT, "description": "For `create_task`: the subject, with placeholders.", "examples": ["回访 {subject}"]},
                    "description": {"type": ["string", "null"], "maxLength": MESSAGE, "description": "For `create_task`: the description, with placeholders."},
                    "kind": {"type": ["string", "null"], "enum": ActivityKind::ALL.iter().map(|kind| json!(kind.as_str())).chain([Value::Null]).collect::<Vec<_>>(), "description": "For `create_task`: the kind of activity."},
                    "priority": {"type": "string", "enum": Priority::ALL, "default": Priority::Normal, "description": "For `create_task`: its priority."},
                    "due_in_minutes": {"type": ["integer", "null"], "minimum": 0, "maximum": MOST_MINUTES, "description": "For `create_task`: after how many minutes it is due.", "examples": [1440]},
                    "to": {"type": "array", "items": {"type": "string", "enum": Recipient::ALL}, "description": "For `notify`: people whom the record names. `manager` is the manager of the record's team; of a ticket without one, that of its queue."},
                    "user_ids": {"type": "array", "maxItems": MOST_IDS, "items": id, "description": "For `notify`: further users."},
                    "message": {"type": ["string", "null"], "maxLength": NOTICE, "description": "For `notify`: what they read, with placeholders; the name of the record if absent. Users who cannot read the record see no text."},
                    "text": described("For `add_note` and `reply`: the text, with placeholders such as `{subject}` or `{contact.name}`; or one text per language, such as `{\"zh\": …, \"en\": …}`, of which a reply takes the customer's."),
                    "survey_id": {"type": "string", "format": "uuid", "description": "For `ask_survey`, on tickets: the survey. Nothing is done if it is inactive or the contact was asked within its `rest_days`; a later action can use the link as the placeholder `{survey_link}`."},
                    "template_id": optional("For `reply`: the reply template whose text it is, instead of `text`."),
                    "action": {"type": "string", "description": "For `perform`: the action; for tickets `solve`, `reopen`, `close`, or `escalate` to the manager of the queue, otherwise of the team.", "examples": ["solve"]}
                }
            }
        })
    },
    ..Structure::PLAIN
};

fn text(name: &'static str, max: usize) -> Field {
    Field::new(name, FieldType::LongText { max })
}

fn user(name: &'static str) -> Field {
    Field::new(name, FieldType::Reference("user".into()))
}

/// The plain members of each kind of action.
fn members_of(kind: ActionKind) -> &'static [Field] {
    static ASSIGN: LazyLock<[Field; 2]> = LazyLock::new(|| {
        let team = Field::new(recurring::TEAM_ID.name(), FieldType::Reference("team".into()));
        [user(recurring::USER_ID.name()), team]
    });
    static CREATE_TASK: LazyLock<[Field; 6]> = LazyLock::new(|| {
        [
            Field::new("subject", FieldType::Text { max: SUBJECT }).required(),
            text("description", MESSAGE),
            Field::new("kind", FieldType::Choice(ActivityKind::choices().into())),
            Field::new("priority", FieldType::Choice(Priority::choices().into())).default(Priority::Normal.as_str()),
            Field::new("due_in_minutes", FieldType::Integer { min: 0, max: MOST_MINUTES }),
            user(recurring::USER_ID.name()),
        ]
    });
    static NOTIFY: LazyLock<[Field; 1]> = LazyLock::new(|| [Field::new("message", FieldType::Text { max: NOTICE })]);
    static REPLY: LazyLock<[Field; 1]> = LazyLock::new(|| [Field::new(TEMPLATE, FieldType::Reference("reply_template".into()))]);
    static ASK_SURVEY: LazyLock<[Field; 1]> =
        LazyLock::new(|| [Field::new(SurveyResponse::survey_id.name(), FieldType::Reference("survey".into())).required()]);
    static PERFORM: LazyLock<[Field; 1]> = LazyLock::new(|| [Field::new("action", FieldType::Text { max: 40 }).required()]);
    match kind {
        ActionKind::Assign => &*ASSIGN,
        ActionKind::CreateTask => &*CREATE_TASK,
        ActionKind::Notify => &*NOTIFY,
        ActionKind::AskSurvey => &*ASK_SURVEY,
        ActionKind::Perform => &*PERFORM,
        ActionKind::Reply => &*REPLY,
        ActionKind::Set | ActionKind::AddTags | ActionKind::RemoveTags | ActionKind::AddNote => &[],
    }
}

/// The members of each kind that are more than one value.
fn lists_of(kind: ActionKind) -> &'static [&'static str] {
    match kind {
        ActionKind::Set => &[FIELDS],
        ActionKind::AddTags | ActionKind::RemoveTags => &[TAGS],
        ActionKind::Notify => &[TO, USERS],
        ActionKind::AddNote | ActionKind::Reply => &[TEXT],
        ActionKind::Assign | ActionKind::CreateTask | ActionKind::AskSurvey | ActionKind::Perform => &[],
    }
}

const KIND: &str = "type";
const FIELDS: &str = "fields";
const TO: &str = "to";
const USERS: &str = crate::sales::leads::assignment::AssignmentRule::user_ids.name();
const TEXT: &str = "text";
const TEMPLATE: &str = "template_id";
const TAGS: &str = recurring::TAG_IDS.name();

fn accept_actions(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    list(value, MOST_ACTIONS, |item| accept_action(item, standards))
}

fn accept_action(item: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let members = item.as_object().ok_or_else(|| wrong("an object"))?;
    let typed = members.get(KIND).filter(|kind| !kind.is_null());
    let Some(kind) = typed.and_then(Value::as_str).and_then(ActionKind::from_wire) else {
        let code = if typed.is_some() { FaultCode::UnknownChoice } else { FaultCode::Required };
        let known: Vec<&str> = ActionKind::ALL.iter().map(|kind| kind.as_str()).collect();
        return Err(Fault::new("/type", code).with("choices", known.join(", ")).into());
    };
    let plain = members_of(kind);
    let known: Vec<&str> =
        [KIND].into_iter().chain(plain.iter().map(|field| field.name.as_ref())).chain(lists_of(kind).iter().copied()).collect();
    let mut accepted = Members::of(item, &known)?;
    accepted.accepted.insert(KIND.to_owned(), kind.as_str().into());
    for field in plain {
        accepted.take(field, standards);
    }
    let absent = Value::Null;
    for name in lists_of(kind) {
        let given = members.get(*name).unwrap_or(&absent);
        let taken = match *name {
            FIELDS => accept_fields(given),
            TO => accept_choices(given),
            USERS => accept_ids(given, "user", standards),
            TEXT if kind == ActionKind::Reply && given.is_null() => Ok(Value::Null),
            TEXT => wording::accept(given, standards),
            _ => accept_ids(given, "tag", standards).and_then(|ids| match ids.as_array() {
                Some(ids) if ids.is_empty() => Err(Fault::new("", FaultCode::Required).into()),
                Some(_) | None => Ok(ids),
            }),
        };
        match taken {
            Ok(value) => drop(accepted.accepted.insert((*name).to_owned(), value)),
            Err(faults) => {
                accepted.faults.extend(faults.0.into_iter().map(|fault| fault.under(&format!("/{name}"))));
            }
        }
    }
    check_together(kind, &mut accepted);
    accepted.finish()
}

/// What members of an action demand of each other.
fn check_together(kind: ActionKind, accepted: &mut Members<'_>) {
    let is_given = |accepted: &Members<'_>, name: &str| {
        accepted
            .accepted
            .get(name)
            .is_some_and(|value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()))
    };
    let (first, second) = match kind {
        ActionKind::Assign => (recurring::USER_ID.name(), recurring::TEAM_ID.name()),
        ActionKind::Notify => (TO, USERS),
        ActionKind::Reply => (TEXT, TEMPLATE),
        _ => return,
    };
    let (one, other) = (is_given(accepted, first), is_given(accepted, second));
    if !one && !other && accepted.faults.is_empty() {
        accepted.faults.add(Fault::new(format!("/{first}"), FaultCode::Required));
    }
    if one && other && kind != ActionKind::Notify {
        accepted.faults.add(Fault::new(format!("/{second}"), FaultCode::Conflicting).with("other", first));
    }
}

fn accept_fields(value: &Value) -> Result<Value, Faults> {
    match value.as_object() {
        Some(fields) if !fields.is_empty() => Ok(value.clone()),
        Some(_) => Err(Fault::new("", FaultCode::Required).into()),
        None if value.is_null() => Err(Fault::new("", FaultCode::Required).into()),
        None => Err(wrong("an object")),
    }
}

fn accept_choices(value: &Value) -> Result<Value, Faults> {
    static FIELD: LazyLock<Field> = LazyLock::new(|| Field::new(TO, FieldType::MultiChoice(Recipient::choices().into())));
    if value.is_null() { Ok(json!([])) } else { accept(&FIELD, value, &nothing()) }
}

/// What choices are read by: nothing.
fn nothing() -> Standards<'static> {
    use crate::values::{money::Currency, time::Timestamp};
    Standards { country: "CN", currency: Currency::CNY, zone: chrono_tz::UTC, now: Timestamp::from_milliseconds(0), user: None }
}

fn accept_ids(value: &Value, object: &'static str, standards: &Standards<'_>) -> Result<Value, Faults> {
    if value.is_null() {
        return Ok(json!([]));
    }
    let item = Field::new("id", FieldType::Reference(object.into()));
    list(value, MOST_IDS, |id| accept(&item, id, standards))
}

/// Whether rules and macros can be about the records of an object: what people work with, and not how the work is set up.
#[must_use]
pub fn is_automatable(object: &Object) -> bool {
    let is_worked_with = object.bears(recurring::OWNER_ID) || object.bears(recurring::TAG_IDS);
    let by_itself = object.parent.is_none() && object.personal.is_none() && object.attached.is_none();
    is_worked_with && !object.configuration && !object.read_only && by_itself
}

/// The object that a rule or macro is about; a fault, if there is no such one.
pub fn automated(name: &str, pointer: String) -> Result<&'static Object, Fault> {
    registry::object(name).filter(|object| is_automatable(object)).ok_or_else(|| {
        let known: Vec<&str> =
            registry::objects().into_iter().filter(|object| is_automatable(object)).map(|object| object.name).collect();
        unknown(pointer, FaultCode::UnknownChoice, name, known.iter().copied())
    })
}

/// What a rule and a macro have alike: they do something, to records that they can be about.
pub fn acts_on_something<E: Entity>(draft: &mut Draft<'_, E>, object: Handle<E, String>, actions: Handle<E, Vec<Action>>) {
    if draft.after.get(actions).is_empty() {
        draft.fault(actions.pointer(), FaultCode::Required);
    }
    if let Err(fault) = automated(draft.after.get(object), object.pointer()) {
        draft.faults.add(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &Value) -> Vec<(String, &'static str)> {
        let faults = accept_actions(value, &nothing()).unwrap_err();
        faults.0.into_iter().map(|fault| (fault.pointer, fault.code.as_str())).collect()
    }

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn what_is_accepted_is_read_as_it_was_meant() {
        let accepted = accept_actions(
            &json!([
                {"type": "set", "fields": {"priority": "high"}},
                {"type": "add_tags", "tag_ids": [ID]},
                {"type": "assign", "team_id": ID},
                {"type": "create_task", "subject": "call {name}"},
                {"type": "notify", "to": ["owner", "manager"]},
                {"type": "reply", "text": {"zh": "您好", "en-GB": "hello"}},
                {"type": "perform", "action": "solve"},
                {"type": "ask_survey", "survey_id": ID},
            ]),
            &nothing(),
        )
        .unwrap();
        let actions: Vec<Action> = serde_json::from_value(accepted).unwrap();
        assert_eq!(actions.len(), 8);
        assert!(matches!(actions[7], Action::AskSurvey { .. }), "{actions:?}");
        let Action::Reply { text: Some(text), template_id: None } = &actions[5] else { panic!("{actions:?}") };
        assert_eq!((text.in_language(Some("zh-CN")), text.in_language(Some("en-GB"))), ("您好", "hello"));
        assert_eq!(text.in_language(None), "hello", "any, where nothing fits");
        assert_eq!(
            actions[3],
            Action::CreateTask(NewTask {
                subject: "call {name}".to_owned(),
                description: None,
                kind: None,
                priority: Priority::Normal,
                due_in_minutes: None,
                user_id: None,
            })
        );
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        let faults = told(&json!([
            {"type": "sett"},
            {},
            {"type": "set", "fields": {}, "tag_ids": []},
            {"type": "add_tags"},
            {"type": "assign", "user_id": ID, "team_id": ID},
            {"type": "assign"},
            {"type": "create_task", "subject": "", "due_in_minutes": -1},
            {"type": "notify", "to": ["boss"]},
            {"type": "reply", "text": {"klingon!": "x", "en": ""}},
            {"type": "reply"},
            {"type": "reply", "text": "x", "template_id": ID},
            7,
        ]));
        let expected = [
            ("/0/type", "unknown_choice"),
            ("/1/type", "required"),
            ("/2/tag_ids", "unknown_member"),
            ("/2/fields", "required"),
            ("/3/tag_ids", "required"),
            ("/4/team_id", "conflicting"),
            ("/5/user_id", "required"),
            ("/6/subject", "blank"),
            ("/6/due_in_minutes", "too_small"),
            ("/7/to/0", "unknown_choice"),
            ("/8/text/klingon!", "unknown_language"),
            ("/8/text/en", "blank"),
            ("/9/text", "required"),
            ("/10/template_id", "conflicting"),
            ("/11", "wrong_type"),
        ];
        assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    #[test]
    fn rules_are_about_what_people_work_with() {
        let names: Vec<&str> =
            registry::objects().into_iter().filter(|object| is_automatable(object)).map(|object| object.name).collect();
        assert_eq!(
            names,
            [
                "customer",
                "contact",
                "lead",
                "activity",
                "task",
                "opportunity",
                "order",
                "ticket",
                "work_order",
                "article",
                "product",
                "campaign"
            ]
        );
    }
}
