//! Reply templates: what a desk writes again and again.

use serde_json::json;

use crate::{
    entity,
    model::{
        object::rising,
        structures::wording::{WORDING, Wording},
    },
};

entity! {
    /// A reply template: a text for customers, in one language or in several, with placeholders for fields of the ticket. Agents fill one
    /// in with GET …/text; macros and rules reply with it, and mailboxes acknowledge requests with it.
    pub struct ReplyTemplate("reply_template", "reply-templates", "reply_templates", "Reply template", "回复模板") [external] {
        /// The name; unique among live templates.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("已收到"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The text, in Markdown, or one text per language, such as `{"zh": …, "en": …}`. Placeholders stand for fields of the ticket and
        /// of the records that it refers to: `{{ticket.number}}`, `{{ticket.subject}}`, `{{contact.name}}`, or shorter `{number}`.
        text: Option<Wording> => structure(&WORDING).required().opaque().label("Text", "正文").example(json!({"zh": "您好 {{contact.name}}，您的请求 {{ticket.number}} 已收到。", "en": "Dear {{contact.name}}, we have received your request {{ticket.number}}."})),
        /// Whether it can be used.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// The order in which templates are offered, ascending.
        sort_order: i64 => integer(0, 100_000).default(100).indexed().label("Order", "顺序").example(10),
    }
    extend |object| object
        .configuration()
        .unique("reply_templates_name_key", "name")
        .ordered_by([rising("sort_order"), rising("created_at")])
}
