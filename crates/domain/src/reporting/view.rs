//! Views: lists as people look at them again and again.

use serde_json::{Value, json};

use crate::{
    entity,
    identity::sharing::Sharing,
    model::{
        fault::{FaultCode, unknown},
        record::Draft,
        registry,
        structures::filter::FILTER,
    },
};

/// How many columns a view has at most.
const MOST_COLUMNS: usize = 60;
/// How many fields a view is sorted by at most.
const MOST_KEYS: usize = 5;

entity! {
    /// A view: a list of an object's records that is looked at again and again, with its filter, sort order and columns. Lists and
    /// searches take it as `view`; whoever uses it sees what they may see themselves.
    pub struct View("view", "views", "views", "View", "视图") [owned, external] {
        /// The name.
        name: String => text(200).required().title().indexed().label("Name", "名称").example("华东重点客户"),
        /// What it shows.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The object whose records it lists.
        object: String => text(40).required().on_create().indexed().label("Object", "对象").example("customer"),
        /// The records that it lists: a filter, as searches take it. If absent, all. Relative days and `me` are those of whoever looks.
        filter: Option<Value> => structure(&FILTER).opaque().label("Filter", "筛选").example(json!({"field": "region", "value": "华东"})),
        /// What it is sorted by: up to five fields, `-` before those that descend. Applies where a list names no other.
        sort: Vec<String> => texts(MOST_KEYS).opaque().label("Sort", "排序").example(json!(["-updated_at"])),
        /// The columns to show, in order: fields, also custom ones and those of related records. They do not narrow what lists return.
        columns: Vec<String> => texts(MOST_COLUMNS).opaque().label("Columns", "列").example(json!(["name", "owner.name", "region"])),
        /// Whether it is the one to open first among the views of its object. Farley keeps it for frontends, and does nothing with it.
        is_default: bool => boolean().default(false).label("Default", "默认视图").example(false),
        /// Who may use it beside its owner; `team` are those who work in its team or lead it.
        shared_with: Option<Sharing> => choice(Sharing::choices()).default("private").indexed().label("Shared with", "共享范围").example("team"),
    }
    extend |object| object
        .configuration()
        .shared_by("shared_with")
        .rule(is_of_an_object)
}

fn is_of_an_object(draft: &mut Draft<'_, View>) {
    match registry::named(draft.after.get(View::object)) {
        Some(object) => draft.after.set(View::object, object.name),
        None => {
            let known = registry::objects().into_iter().map(|object| object.name);
            let fault = unknown(View::object.pointer(), FaultCode::UnknownChoice, draft.after.get(View::object), known);
            draft.faults.add(fault);
        }
    }
}
