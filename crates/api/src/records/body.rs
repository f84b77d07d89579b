//! Bodies of hand-written actions: one declaration says what is read and what is documented.

use farley_domain::{
    identity::password,
    model::{
        entity::Entity,
        field::{FieldType, Hint},
        input,
        record::Record,
        value::Standards,
    },
};
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type, schema::AdditionalProperties};

use super::schemas::{self, Notes, annotate, nullable};
use crate::http::{clock, problem::Problem, request::standards};

/// Declares the body of an action. Its fields are typed handles, as those of an entity:
///
/// ```ignore
/// body! {
///     /// How an opportunity ended.
///     pub struct OpportunityClosing {
///         /// Why it was won or lost.
///         close_reason: Option<String> => text(200),
///     }
///     example json!({"close_reason": "价格"})
/// }
/// ```
#[macro_export]
macro_rules! body {
    (
        $(#[doc = $doc:literal])+
        $visibility:vis struct $body:ident {
            $( $(#[doc = $field_doc:literal])* $field:ident: $type:ty => $kind:ident($($argument:expr),*) $(.$step:ident($($value:expr),*))* ,)*
        }
        example $example:expr
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $body {}

        const _: () = {
            #[allow(unused_imports, reason = "a body may have no field")]
            use farley_domain::model::{entity::{Entity, kind}, handle::Handle, object::Object, recurring::slots};

            #[allow(non_camel_case_types, reason = "the fields by their names")]
            enum Own { $($field,)* After }

            #[allow(non_upper_case_globals, reason = "handles bear the names of fields")]
            impl $body {
                $(
                    $(#[doc = $field_doc])*
                    pub const $field: Handle<$body, $type> =
                        Handle::declared(stringify!($field), slots::OWN + Own::$field as usize);
                )*
            }

            impl Entity for $body {
                const NAME: &'static str = stringify!($body);

                fn object() -> &'static Object {
                    static OBJECT: std::sync::LazyLock<Object> = std::sync::LazyLock::new(|| {
                        let fields = Vec::from([
                            $( kind::$kind(stringify!($field) $(, $argument)*)
                                .doc(concat!("" $(, $field_doc)*))
                                $(.$step($($value),*))*
                                .at::<$type>(slots::OWN + Own::$field as usize) ,)*
                        ]);
                        debug_assert_eq!(fields.len(), Own::After as usize);
                        Object::new(stringify!($body), "", "", ("", ""), concat!($($doc),+), fields)
                    });
                    &OBJECT
                }
            }

            impl utoipa::PartialSchema for $body {
                fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                    $crate::records::body::schema::<$body>(&$example)
                }
            }

            impl utoipa::ToSchema for $body {
                fn name() -> std::borrow::Cow<'static, str> {
                    std::borrow::Cow::Borrowed(stringify!($body))
                }
            }
        };
    };
}

body! {
    /// The body of an action that asks for nothing.
    pub struct Nothing {}
    example Value::Null
}

/// Reads a body: unknown members are refused, and every fault is reported at once.
pub fn read<B: Entity>(body: &Value, standards: &Standards<'_>) -> Result<Record<B>, Problem> {
    let members = input::form(&B::object().fields, body, standards)?;
    Ok(Record::from_json(B::object(), &Value::Object(members)).into_entity())
}

/// Reads a body of which nothing is read by a tenant's standards.
pub fn read_plain<B: Entity>(body: &Value) -> Result<Record<B>, Problem> {
    read(body, &standards(clock::now()))
}

fn text(max: usize, hint: Option<Hint>) -> ObjectBuilder {
    let text = match hint {
        None => schemas::text(),
        Some(Hint::Email) => schemas::format("email"),
        Some(Hint::Password) => schemas::format("password"),
        Some(Hint::NewPassword) => schemas::format("password").min_length(Some(password::MIN_LENGTH)),
    };
    text.max_length(Some(max))
}

/// The schema of a body, from its declaration.
#[must_use]
pub fn schema<B: Entity>(example: &Value) -> RefOr<Schema> {
    let object = B::object();
    let mut schema = schemas::of_type(Type::Object)
        .description(Some(object.doc.trim()))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    for field in &object.fields {
        let value = match &field.kind {
            // A body stands alone, so what it holds is described in place.
            FieldType::Choice(choices) => schemas::choices(choices, "").into(),
            FieldType::Structure(structure) => schemas::in_place(structure),
            FieldType::Text { max } | FieldType::LongText { max } => text(*max, field.hint).into(),
            _ => schemas::value(object, field),
        };
        let value = if field.required { value } else { nullable(value) };
        let notes = Notes { description: &field.doc, example: field.example.as_ref(), read_only: false };
        schema = schema.property(field.name.as_ref(), annotate(value, &notes));
        if field.required {
            schema = schema.required(field.name.as_ref());
        }
    }
    if !example.is_null() {
        schema = schema.examples([example.clone()]);
    }
    schema.into()
}
