//! Which bodies may be left out: an action that needs to know nothing is asked without one.

use utoipa::openapi::{Content, OpenApi, RefOr, Schema};

/// Says of the bodies of actions without a required member that they are optional.
pub fn tell_optional(document: &mut OpenApi) {
    let Some(components) = &document.components else { return };
    let needs_nothing = |schema: &RefOr<Schema>| match schema {
        RefOr::Ref(named) => {
            let name = named.ref_location.rsplit('/').next().unwrap_or_default();
            matches!(components.schemas.get(name), Some(RefOr::T(Schema::Object(body))) if body.required.is_empty())
        }
        RefOr::T(schema) => matches!(schema, Schema::Object(body) if body.required.is_empty()),
    };
    let asks_for_nothing = |content: &RefOr<Content>| match content {
        RefOr::T(content) => content.schema.as_ref().is_some_and(needs_nothing),
        RefOr::Ref(_) => false,
    };
    // A change without a body would change nothing, and is refused.
    for action in document.paths.paths.values_mut().filter_map(|item| item.post.as_mut()) {
        // Nobody makes a record of nothing, even if no one member must be there; and what may come in several types is there for its body.
        let is_new = action.responses.responses.contains_key("201");
        if let Some(RefOr::T(body)) = &mut action.request_body
            && !is_new
            && body.content.values().all(asks_for_nothing)
            && body.content.keys().eq(["application/json"])
        {
            body.required = None;
        }
    }
}
