//! Why somebody may or may not do something.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::{
        access::{Action, Grants},
        role::Role,
        setting::Setting,
        user::User,
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        field_rule::FieldRule,
        handle::Handle,
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
    http::{problem::Problem, request::parameters},
    records::body,
};

/// Whether something is allowed, and why.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    pub allowed: bool,
    /// What determined the result: `granted`, `user_not_active`, `no_role_grants_it`, `record_not_found`, `out_of_scope`.
    #[schema(example = "granted")]
    pub reason: &'static str,
    /// The same, in words.
    #[schema(example = "The role Sales manager grants customer:read with scope team, and the record is within it.")]
    pub detail: String,
    /// The widest scope that the user's roles grant: `own`, `team`, `all`; null if none.
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

crate::query! {
    /// Who, what, and on which record.
    pub struct AccessQuery {
        /// The user to check. You can always check your own permissions.
        user_id: Id => reference("user").required(),
        /// The object, by its name (`customer`) or that of its collection (`customers`).
        object: String => text(100).required().example("customer"),
        /// The action: `read`, `create`, `update`, `archive`, `export`, `import`.
        action: String => text(100).required().example("read"),
        /// A record of the object.
        id: Option<Id> => record_id(),
    }
}

/// Explain a permission
///
/// Returns whether a user has permission for an action on an object or one of its records, and why. An API key needs the scopes
/// `user:read` and `role:read`.
#[utoipa::path(tag = "access", operation_id = "explainAccess",
    params(AccessQuery),
    responses((status = 200, description = "Whether the action is allowed, and why.", body = Explanation)))]
#[get("/v1/access/explain")]
pub async fn explain(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    // It tells of the user's roles, which a key may not reach.
    call.principal.permit_oneself(User::object(), Action::Read)?;
    call.principal.permit_oneself(Role::object(), Action::Read)?;
    let asked = body::read_query::<AccessQuery>(&parameters(&request)?)?;
    let choices = |known: &[&str], handle: Handle<AccessQuery, String>| {
        Fault::new(handle.name(), FaultCode::UnknownChoice).with("choices", known.join(", "))
    };
    let object = registry::subject(asked.get(AccessQuery::object)).ok_or_else(|| {
        let known: Vec<&str> = registry::subjects().map(|object| object.name).collect();
        choices(&known, AccessQuery::object)
    })?;
    let action = Action::from_name(asked.get(AccessQuery::action))
        .ok_or_else(|| choices(&Action::ALL.map(Action::as_str), AccessQuery::action))?;
    let (user, record) = (asked.get(AccessQuery::user_id), asked.get(AccessQuery::id));
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
                // Settings are no records: who may write one may write all.
                Some(_) if object.name == Setting::NAME => return Err(Problem::not_found()),
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
                (Some(_), _, _) if object.name == Setting::NAME && action == Action::Read => {
                    (true, "granted", "Every user can read settings.".to_owned())
                }
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
