//! What hand-written endpoints are asked: the bodies of actions (`body!`) and the parameters of reads (`query!`). One declaration says
//! what is read and what is documented.

use farley_domain::{
    identity::password,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Hint},
        input,
        object::Object,
        record::Record,
        value::Standards,
    },
};
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type, schema::AdditionalProperties};

use super::schemas::{self, Notes, annotate, nullable};
use crate::http::{clock, problem::Problem, request::standards};

/// Declares a few fields that are asked for together, as an entity of its own. For `body!` and `query!`.
#[doc(hidden)]
#[macro_export]
macro_rules! asked {
    (
        $(#[doc = $doc:literal])+
        $visibility:vis struct $body:ident {
            $( $(#[doc = $field_doc:literal])* $field:ident: $type:ty => $kind:ident($($argument:expr),*) $(.$step:ident($($value:expr),*))* ,)*
        }
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
        };
    };
}

/// Declares the body of an action. Its fields are typed handles, as those of an entity:
///
/// ```ignore
/// body! {
///     /// How an opportunity was closed.
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
        $visibility:vis struct $body:ident { $($fields:tt)* }
        example $example:expr
    ) => {
        $crate::asked! { $(#[doc = $doc])+ $visibility struct $body { $($fields)* } }

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
}

/// Declares the parameters of a read, in the same manner.
#[macro_export]
macro_rules! query {
    (
        $(#[doc = $doc:literal])+
        $visibility:vis struct $query:ident { $($fields:tt)* }
    ) => {
        $crate::asked! { $(#[doc = $doc])+ $visibility struct $query { $($fields)* } }

        impl utoipa::IntoParams for $query {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                $crate::records::parameters::of_query::<$query>()
            }
        }
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
    let empty = B::object().fields.iter().filter(|field| field.required).filter_map(|field| {
        let code = match members.get(field.name.as_ref())? {
            Value::Array(items) if items.is_empty() => FaultCode::Required,
            // An empty password is a wrong one.
            Value::String(text) if text.is_empty() && !field.is_password() => FaultCode::Blank,
            _ => return None,
        };
        Some(Fault::new(format!("/{}", field.name), code))
    });
    let faults = Faults(empty.collect());
    faults.into_result(())?;
    Ok(Record::from_json(B::object(), &Value::Object(members)).into_entity())
}

/// Reads a body of which nothing is read by a tenant's standards.
pub fn read_plain<B: Entity>(body: &Value) -> Result<Record<B>, Problem> {
    read(body, &standards(clock::now()))
}

/// Reads the parameters of a read: those that it does not declare are refused, and every fault is reported at once.
pub fn read_query<Q: Entity>(parameters: &[(String, String)]) -> Result<Record<Q>, Faults> {
    let members = input::parameters(&Q::object().fields, parameters, &standards(clock::now()))?;
    Ok(Record::from_json(Q::object(), &Value::Object(members)).into_entity())
}

/// Reads what a read declares and takes it out of the parameters; what is left filters the records.
pub fn take_query<Q: Entity>(parameters: &mut Vec<(String, String)>) -> Result<Record<Q>, Faults> {
    let own: Vec<_> = parameters.extract_if(.., |(name, _)| Q::object().has(name)).collect();
    read_query(&own)
}

fn text(field: &Field, max: usize) -> ObjectBuilder {
    let written = |text| schemas::written(field, text, max);
    match field.hint {
        None => written(schemas::text()),
        Some(Hint::Email) => written(schemas::format("email")),
        Some(Hint::Password) => written(schemas::format("password")),
        Some(Hint::NewPassword) => written(schemas::format("password")).min_length(Some(password::MIN_LENGTH)),
    }
}

/// The schema of one field of a body, which stands alone: what it holds is described in place.
#[must_use]
pub fn in_place(object: &Object, field: &Field) -> RefOr<Schema> {
    match &field.kind {
        FieldType::Choice(choices) => schemas::choices(choices, "").into(),
        FieldType::Structure(structure) => schemas::in_place(structure),
        FieldType::Text { max } | FieldType::LongText { max } => text(field, *max).into(),
        _ => schemas::value(object, field),
    }
}

/// The schema of a body, from its declaration.
#[must_use]
pub fn schema<B: Entity>(example: &Value) -> RefOr<Schema> {
    let object = B::object();
    let mut schema = schemas::of_type(Type::Object)
        .description(Some(object.doc.trim()))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    for field in &object.fields {
        let value = match in_place(object, field) {
            // A list that must be there must hold something.
            RefOr::T(Schema::Array(mut list)) if field.required => {
                list.min_items = Some(1);
                list.into()
            }
            other => other,
        };
        let value = if field.required { value } else { nullable(value) };
        let description = schemas::doc_with_default(field);
        let notes = Notes { description: &description, example: field.example.as_ref(), read_only: false };
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
