//! Why somebody may or may not do something.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::{
        access::{Action, Grants},
        role::Role,
        user::User,
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field_rule::FieldRule,
        registry,
    },
    query::predicate::Predicate,
    values::id::Id,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{
        call::Call,
        grants::{asker_of, roles_of},
        unrestricted::{Unrestricted, user_record},
    },
    http::{
        problem::Problem,
        request::{parameters, refuse_rest, take, take_required},
    },
};

/// Whether something is allowed, and why.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    pub allowed: bool,
    /// What decided it: `granted`, `user_not_active`, `no_role_grants_it`, `record_not_found`, `out_of_scope`.
    #[schema(example = "granted")]
    pub reason: &'static str,
    /// The same in words.
    #[schema(example = "The role Sales manager grants customer:read with scope team, and the record is within it.")]
    pub detail: String,
    /// The widest scope that the user's roles grant: `own`, `team`, `all`; null if none does.
    #[schema(example = "team")]
    pub scope: Option<&'static str>,
    /// The roles that grant it.
    pub roles: Vec<GrantingRole>,
    /// Fields that are hidden from the user.
    pub hidden_fields: Vec<String>,
    /// Fields that the user cannot write.
    pub read_only_fields: Vec<String>,
}

/// A role that grants a permission.
#[derive(Serialize, ToSchema)]
pub struct GrantingRole {
    #[schema(value_type = String, format = "uuid")]
    pub id: Id,
    #[schema(example = "Sales manager")]
    pub name: String,
    #[schema(example = "team")]
    pub scope: &'static str,
}

/// Explain a permission
///
/// Says whether a user may do something to an object or to one record of it, and why. An API key needs the scopes `user:read` and
/// `role:read`.
#[utoipa::path(tag = "access", operation_id = "explainAccess",
    params(("user_id" = String, Query, description = "The user asked about; oneself may always be asked about."),
           ("object" = String, Query, description = "The object, such as `customer`.", example = "customer"),
           ("action" = String, Query, description = "The action: `read`, `create`, `update`, `archive`, `export`, `import`.", example = "read"),
           ("id" = Option<String>, Query, description = "One record of the object.")),
    responses((status = 200, description = "Yes or no, and why.", body = Explanation)))]
#[get("/v1/access/explain")]
pub async fn explain(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    // It tells of the user's roles, which a key may not reach.
    call.principal.permit_oneself(User::object(), Action::Read)?;
    call.principal.permit_oneself(Role::object(), Action::Read)?;
    let mut parameters = parameters(&request)?;
    let known = ["user_id", "object", "action", "id"];
    let mut required = |name: &str| take_required(&mut parameters, name, &known);
    let user: Id = required("user_id")?.parse().map_err(|_| Fault::new("user_id", FaultCode::InvalidId))?;
    let object = required("object")?;
    let action = required("action")?;
    let record = take(&mut parameters, "id")?;
    refuse_rest(&parameters, &known)?;
    let choices =
        |known: Vec<&str>, pointer: &str| Fault::new(pointer, FaultCode::UnknownChoice).with("choices", known.join(", "));
    let object = registry::object(&object)
        .ok_or_else(|| choices(registry::objects().into_iter().map(|object| object.name).collect(), "object"))?;
    let action = Action::from_name(&action).ok_or_else(|| choices(Action::ALL.map(Action::as_str).to_vec(), "action"))?;
    let record: Option<Id> = record.map(|id| id.parse()).transpose().map_err(|_| Fault::new("id", FaultCode::InvalidId))?;
    if user != call.principal.user_id() {
        call.demand_all(Role::object(), Action::Read)?;
        call.demand_all(User::object(), Action::Read)?;
    }
    let principal = Arc::clone(&call.principal);
    let explanation = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let account = user_record(reader, user)?.ok_or_else(Problem::not_found)?;
            let roles = roles_of(reader, &account)?;
            let granting = roles.iter().filter_map(|role| {
                let scope = Grants::of_roles(std::slice::from_ref(role)).scope(object.name, action)?;
                Some(GrantingRole { id: role.id(), name: role.get(Role::name).to_owned(), scope: scope.as_str() })
            });
            let granting: Vec<GrantingRole> = granting.collect();
            let asker = asker_of(reader, user)?;
            let grants = asker.as_ref().map_or_else(|| Grants::of_roles(&roles), |asker| asker.grants.clone());
            let scope = grants.scope(object.name, action);
            let schema = principal.schema(object);
            let ruled = |wanted: FieldRule| -> Vec<String> {
                let fields = schema.fields().filter(|field| grants.rule(object, field) == Some(wanted));
                fields.map(farley_domain::model::field::Field::path).collect()
            };
            let found = match record {
                None => None,
                Some(id) => {
                    let layout = Arc::new(farley_persistence::Layout::full(&schema, &|_| true));
                    let within = principal.asker.rows(object, Action::Read).unwrap_or_else(Predicate::nothing);
                    let row = reader.get(&layout, &Unrestricted, id, &within)?.ok_or_else(Problem::not_found)?;
                    Some(row.to_record()?)
                }
            };
            let reached = match (&asker, &found) {
                (Some(asker), Some(record)) => {
                    let within = asker.rows(object, action).unwrap_or_else(Predicate::nothing);
                    let layout = Arc::new(farley_persistence::Layout::of(&schema, &|_| true, Some(&[]), &[]));
                    reader.get(&layout, &Unrestricted, record.id(), &within)?.is_some()
                }
                (Some(_) | None, _) => false,
            };
            let names: Vec<&str> = granting.iter().map(|role| role.name.as_str()).collect();
            let permission = format!("{}:{}", object.name, action.as_str());
            let (allowed, reason, detail) = match (&asker, scope, &found) {
                (None, _, _) => (false, "user_not_active", "The user is not active.".to_owned()),
                (Some(_), None, _) => (false, "no_role_grants_it", format!("None of the user's roles grants {permission}.")),
                (Some(_), Some(scope), None) => {
                    (true, "granted", format!("{} grants {permission} with scope {}.", names.join(", "), scope.as_str()))
                }
                (Some(_), Some(scope), Some(_)) if reached => (
                    true,
                    "granted",
                    format!(
                        "{} grants {permission} with scope {}, and the record is within it.",
                        names.join(", "),
                        scope.as_str()
                    ),
                ),
                (Some(_), Some(scope), Some(_)) => (
                    false,
                    "out_of_scope",
                    format!(
                        "{} grants {permission} with scope {}, but the record is outside it.",
                        names.join(", "),
                        scope.as_str()
                    ),
                ),
            };
            let scope = scope.map(farley_domain::identity::access::Scope::as_str);
            let (hidden_fields, read_only_fields) = (ruled(FieldRule::Hidden), ruled(FieldRule::ReadOnly));
            Ok(Explanation { allowed, reason, detail, scope, roles: granting, hidden_fields, read_only_fields })
        })
        .await?;
    Ok(HttpResponse::Ok().json(explanation))
}
