//! Macros: several changes that people apply to records by hand.

use serde_json::json;

use super::action::{ACTIONS, Action, acts_on_something};
use crate::{entity, model::object::rising};

entity! {
    /// A macro: several changes, and perhaps a reply, that are applied together to records by hand, with POST …/apply. It acts with
    /// the permissions of whoever applies it.
    pub struct Macro("macro", "macros", "automation_macros", "Macro", "宏") [external] {
        /// The name; unique among live macros.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("请求补充信息"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The object whose records it is applied to.
        object: String => text(40).required().on_create().indexed().label("Object", "对象").example("ticket"),
        /// Whether it can be applied.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// The order in which macros are offered, ascending.
        sort_order: i64 => integer(0, 100_000).default(100).indexed().label("Order", "顺序").example(10),
        /// What it does, in order, as the actions of rules do.
        actions: Vec<Action> => structure(&ACTIONS).required().opaque().label("Actions", "动作").example(json!([{"type": "set", "fields": {"priority": "high"}}])),
    }
    extend |object| object
        .configuration()
        .unique("automation_macros_name_key", "name")
        .ordered_by([rising("sort_order"), rising("created_at")])
        .rule(|draft| acts_on_something(draft, Macro::object, Macro::actions))
}
