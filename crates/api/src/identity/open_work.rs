//! The open work of a user: what they have by fields that give work, alone or in a list with others. Which objects these are, and when a
//! record is open, their declarations say.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::{access::Action, user::User},
    model::{
        cell::Cell,
        entity::Entity,
        field::{Field, FieldType, Op, Writable},
        object::Object,
        operand::Operand,
        record::Record,
        registry,
    },
    query::predicate::Predicate,
    sales::{
        opportunity::Opportunity,
        parties::{self, TEAM_MEMBERS, TeamMember},
    },
    values::id::Id,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::Problem,
        request::{parameters, refuse_rest},
    },
    records::{named::Named, operations::base, parameters::suffixed},
};

/// A field by which somebody has work.
#[derive(Clone, Copy)]
pub struct Holding {
    pub object: &'static Object,
    pub field: &'static Field,
}

/// All of them, in the order in which they are handed over: customers before what belongs to them.
pub fn holdings() -> impl Iterator<Item = Holding> {
    let gives = |field: &&'static Field| field.gives_work && names_users(field) && field.writable == Writable::Always;
    let of = move |object: &'static Object| object.fields.iter().filter(gives).map(move |field| Holding { object, field });
    registry::objects().into_iter().flat_map(of)
}

fn names_users(field: &Field) -> bool {
    match &field.kind {
        FieldType::Reference(target) => *target == User::NAME,
        FieldType::References(link) => link.target == User::NAME,
        FieldType::Structure(structure) => **structure == TEAM_MEMBERS,
        _ => false,
    }
}

fn team_members(record: &Record) -> Vec<TeamMember> {
    let is_sale = record.object().name == Opportunity::NAME;
    if is_sale { record.of::<Opportunity>().get(Opportunity::team_members) } else { Vec::new() }
}

impl Holding {
    /// The field and the values that make a record open; none where every live record is.
    fn open(self) -> Option<(&'static Field, &'static [&'static str])> {
        self.object.open.and_then(|(field, values)| Some((self.object.field(field)?, values)))
    }

    /// How records that name a user are asked for.
    fn op(self) -> Op {
        if self.field.kind.is_scalar() { Op::Eq } else { Op::Any }
    }

    /// The users whom a record names.
    fn named(self, record: &Record) -> Vec<Id> {
        match &*record.cell(self.field) {
            Cell::Id(id) => vec![*id],
            Cell::Ids(ids) => ids.clone(),
            _ => team_members(record).into_iter().map(|member| member.user_id).collect(),
        }
    }

    pub fn names(self, record: &Record, user: Id) -> bool {
        self.named(record).contains(&user)
    }

    /// The field of a record when one user takes the place of another, in the form of the API: nobody is named twice.
    pub fn succeeded(self, record: &Record, from: Id, to: Id) -> Value {
        match &*record.cell(self.field) {
            Cell::Id(_) => json!(to),
            Cell::Ids(ids) => {
                let is_there = ids.contains(&to);
                let others = ids.iter().filter(|id| **id != from || !is_there);
                json!(others.map(|id| if *id == from { to } else { *id }).collect::<Vec<_>>())
            }
            _ => json!(parties::succeed(team_members(record), from, to)),
        }
    }

    /// What a user has of it to work on.
    pub fn of_user(self, user: Id) -> Predicate {
        let named = match self.op() {
            Op::Any => Operand::List(vec![Operand::Id(user)]),
            _ => Operand::Id(user),
        };
        let theirs = Predicate::Archived(false).and(Predicate::test(self.field, self.op(), named));
        match self.open() {
            Some((field, values)) => {
                let values = values.iter().map(|value| Operand::Text((*value).to_owned())).collect();
                theirs.and(Predicate::test(field, Op::In, Operand::List(values)))
            }
            None => theirs,
        }
    }

    /// Which records of it the caller may know of by this field; none if none at all.
    pub fn readable(self, principal: &Principal) -> Option<Predicate> {
        let sees = |field: &Field| principal.asker.sees(self.object, field);
        let told = sees(self.field) && self.open().is_none_or(|(field, _)| sees(field));
        principal.asker.rows(self.object, Action::Read).filter(|_| told)
    }

    /// The list that shows a user's.
    fn path(self, user: Id) -> String {
        let open = match self.open() {
            Some((field, [value])) => format!("&{}={value}", field.name),
            Some((field, values)) => format!("&{}={}", suffixed(&field.name, Op::In), values.join(",")),
            None => String::new(),
        };
        format!("{}?{}={user}{open}", base(self.object), suffixed(&self.field.name, self.op()))
    }
}

/// How much open work a user has in the records of one object.
#[derive(Serialize, ToSchema)]
pub struct OpenWorkCount {
    /// The object.
    #[schema(example = "opportunity")]
    object: &'static str,
    /// The field that names the user.
    #[schema(example = "owner_id")]
    field: &'static str,
    /// The number of open records that you can read.
    #[schema(example = 12)]
    count: i64,
    /// The number of further open records, which you cannot read and therefore cannot hand over.
    #[schema(example = 0)]
    unreadable_count: i64,
    /// The list that shows them; null if you cannot read any such record.
    #[schema(example = "/v1/opportunities?owner_id=01890a5d-ac96-774b-bcce-b302099a8057&status=open")]
    path: Option<String>,
}

/// The open work of a user.
#[derive(Serialize, ToSchema)]
pub struct OpenWork {
    /// One entry for each object and field by which users have work, also if the user has none of it.
    data: Vec<OpenWorkCount>,
}

/// Count a user's open work
///
/// Returns how much open work the user has, by object and field: records that are not archived and, where an object has a status, still
/// open (unconverted leads, open opportunities, open tasks, unsolved tickets, planned activities …). Lists that name the user among
/// others, such as the agents of a queue or the followers of a ticket, are included. Requires permission to update the user.
#[utoipa::path(tag = "users", operation_id = "getUserOpenWork",
    params(("id" = String, Path, description = "The user's id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The open work of the user.", body = OpenWork)))]
#[get("/v1/users/{id}/handover")]
pub async fn open_work(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let rows = call.rows(User::object(), Action::Read)?;
    let reached = call.rows(User::object(), Action::Update)?;
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let data = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let id = named.find(reader, &principal, User::object())?.ok_or_else(Problem::not_found)?;
            let (view, layout) = (principal.view(now), principal.layout(User::object()));
            reader.get(&layout, &view, id, &rows)?.ok_or_else(Problem::not_found)?;
            if reader.get(&layout, &view, id, &reached)?.is_none() {
                return Err(Problem::forbidden(Action::Update.as_str(), User::NAME));
            }
            let mut data = Vec::new();
            for holding in holdings() {
                let all = reader.count(holding.object, &holding.of_user(id))?;
                let readable = holding.readable(&principal);
                let path = readable.is_some().then(|| holding.path(id));
                let count = match readable {
                    Some(readable) if all > 0 => reader.count(holding.object, &holding.of_user(id).and(readable))?,
                    Some(_) | None => 0,
                };
                let (object, field) = (holding.object.name, holding.field.declared.unwrap_or_default());
                data.push(OpenWorkCount { object, field, count, unreadable_count: all - count, path });
            }
            Ok(data)
        })
        .await?;
    Ok(HttpResponse::Ok().json(OpenWork { data }))
}
