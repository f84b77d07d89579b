//! The endpoints of objects that are written by hand, as metadata offers them: to whom they are of use.

use actix_web::http::Method;
use farley_domain::{
    automation::{macros::Macro, rule::Rule},
    customers::{contact::Contact, customer::Customer},
    identity::{
        access::{Action, Grants},
        user::User,
    },
    integration::file::File,
    model::{entity::Entity, object::Object, registry},
    reporting::{dashboard::Dashboard, saved_report::SavedReport},
    sales::{
        cadences::{cadence::Cadence, enrolment::CadenceEnrolment},
        leads::lead::Lead,
        opportunity::Opportunity,
        pipeline::Pipeline,
    },
    service::{
        knowledge::{article::Article, article_version::ArticleVersion},
        queue::Queue,
        satisfaction::{survey::Survey, survey_response::SurveyResponse},
        ticket::Ticket,
        ticket_merge::TicketMerge,
    },
};
use utoipa::{
    OpenApi,
    openapi::{path::Operation, security::SecurityRequirement},
};

use super::endpoints::Handwritten;
use crate::records::{
    area::{Needs, Verb},
    bulk,
    operations::{base, generic_operations},
};

/// Whether an endpoint is of use to somebody with these grants.
type Allowed = fn(&Grants) -> bool;

/// What is not simply to be read, or a change of its object.
const OTHERWISE: &[(&str, Allowed)] = &[
    ("takeInboundMail", takes_mail),
    ("checkLeadDuplicates", |grants| may(grants, Lead::NAME, Action::Read)),
    ("convertLead", |grants| may(grants, Lead::NAME, Action::Update) && converts(grants)),
    ("followUpTicket", |grants| may(grants, Ticket::NAME, Action::Read) && may(grants, Ticket::NAME, Action::Create)),
    ("undoTicketMerge", |grants| may(grants, TicketMerge::NAME, Action::Read) && may(grants, Ticket::NAME, Action::Update)),
    ("splitTicket", |grants| may(grants, Ticket::NAME, Action::Update) && may(grants, Ticket::NAME, Action::Create)),
    ("takeNextTicket", |grants| may(grants, Queue::NAME, Action::Read) && may(grants, Ticket::NAME, Action::Update)),
    ("suggestArticles", |grants| may(grants, ArticleVersion::NAME, Action::Read)),
    ("suggestTicketArticles", |grants| {
        may(grants, Ticket::NAME, Action::Read) && may(grants, ArticleVersion::NAME, Action::Read)
    }),
    ("sendBackArticle", publishes),
    ("publishArticle", publishes),
    ("withdrawArticle", publishes),
    ("voteOnArticle", |grants| may(grants, Article::NAME, Action::Read)),
    ("askSurvey", |grants| may(grants, Ticket::NAME, Action::Read) && may(grants, SurveyResponse::NAME, Action::Create)),
    ("linkSurveyResponse", |grants| {
        may(grants, SurveyResponse::NAME, Action::Read) && may(grants, SurveyResponse::NAME, Action::Create)
    }),
    ("getSurveyResults", |grants| may(grants, Survey::NAME, Action::Read) && may(grants, SurveyResponse::NAME, Action::Read)),
    ("readNotification", |_| true),
    ("readAllNotifications", |_| true),
    ("getBoard", |grants| may(grants, Pipeline::NAME, Action::Read) && may(grants, Opportunity::NAME, Action::Read)),
    ("enrolInCadence", |grants| may(grants, Cadence::NAME, Action::Read) && steers(grants)),
    ("pauseCadenceEnrolment", |grants| may(grants, CadenceEnrolment::NAME, Action::Read) && steers(grants)),
    ("resumeCadenceEnrolment", |grants| may(grants, CadenceEnrolment::NAME, Action::Read) && steers(grants)),
    ("stopCadenceEnrolment", |grants| may(grants, CadenceEnrolment::NAME, Action::Read) && steers(grants)),
    ("listUserSessions", |grants| may(grants, User::NAME, Action::Update)),
    ("getUserOpenWork", |grants| may(grants, User::NAME, Action::Update)),
    ("uploadFile", |grants| may(grants, File::NAME, Action::Create)),
    ("linkFile", |grants| may(grants, File::NAME, Action::Read)),
    ("applyMacro", |grants| may(grants, Macro::NAME, Action::Read)),
    ("dryRunUnsavedRule", |grants| may(grants, Rule::NAME, Action::Create)),
    ("createImport", imports),
    ("previewImport", imports),
    ("createExport", exports),
    ("runSavedReport", |grants| may(grants, SavedReport::NAME, Action::Read)),
    ("runDashboard", |grants| may(grants, Dashboard::NAME, Action::Read)),
];

fn may(grants: &Grants, object: &str, action: Action) -> bool {
    grants.scope(object, action).is_some()
}

/// Whoever may make a ticket of a mail, or write to one, and keep what comes along.
fn takes_mail(grants: &Grants) -> bool {
    let tickets = [Action::Create, Action::Update].into_iter().all(|action| may(grants, Ticket::NAME, action));
    tickets && may(grants, Contact::NAME, Action::Create) && may(grants, File::NAME, Action::Create)
}

/// Whoever may create versions of articles decides what readers get.
fn publishes(grants: &Grants) -> bool {
    may(grants, Article::NAME, Action::Update) && may(grants, ArticleVersion::NAME, Action::Create)
}

/// Whoever may make something of what a lead becomes.
fn converts(grants: &Grants) -> bool {
    [Customer::NAME, Contact::NAME, Opportunity::NAME].into_iter().any(|object| may(grants, object, Action::Create))
}

/// Whoever may change what is enrolled in cadences says how far that goes.
fn steers(grants: &Grants) -> bool {
    [Lead::NAME, Customer::NAME].into_iter().any(|object| may(grants, object, Action::Update))
}

/// Whoever may import records of some object.
fn imports(grants: &Grants) -> bool {
    let imported = |object: &Object| may(grants, object.name, Action::Import) && may(grants, object.name, Action::Create);
    registry::objects().into_iter().any(|object| object.parent.is_none() && imported(object))
}

/// Whoever may export records of some object.
fn exports(grants: &Grants) -> bool {
    let exported = |object: &Object| may(grants, object.name, Action::Export) && may(grants, object.name, Action::Read);
    registry::objects().into_iter().any(exported)
}

/// All of them, in the order of their paths.
pub fn all() -> Vec<Verb> {
    let mut verbs = Vec::new();
    for (path, item) in Handwritten::openapi().paths.paths {
        let objects = objects_of(&path);
        if objects.is_empty() {
            continue;
        }
        let operations = [
            (Method::GET, item.get),
            (Method::POST, item.post),
            (Method::PUT, item.put),
            (Method::PATCH, item.patch),
            (Method::DELETE, item.delete),
        ];
        for (method, operation) in operations {
            // What is open to everybody is for other programs, and no work on records.
            let operation = operation.filter(|operation| !is_open(operation));
            let Some(id) = operation.and_then(|operation: Operation| operation.operation_id) else { continue };
            let own = match bulk::needed(&path) {
                Some((_, actions)) => Needs::OneOf(actions),
                None if method == Method::GET => Needs::Own(Action::Read),
                None => Needs::Own(Action::Update),
            };
            let otherwise = OTHERWISE.iter().find(|(known, _)| *known == id);
            let needs = otherwise.map_or(own, |(_, allowed)| Needs::Otherwise(*allowed));
            for object in &objects {
                let path = path.replace(bulk::ANY, object.collection);
                verbs.push(Verb { object, id: id.clone(), method: method.clone(), path, needs });
            }
        }
    }
    verbs
}

/// Whether an endpoint needs no credential.
fn is_open(operation: &Operation) -> bool {
    let needed = operation.security.as_ref();
    needed.is_some_and(|needed| needed.iter().all(|one| *one == SecurityRequirement::default()))
}

/// The objects that an endpoint is of.
fn objects_of(path: &str) -> Vec<&'static Object> {
    match bulk::needed(path) {
        Some((generic, _)) => {
            registry::objects().into_iter().filter(|object| generic_operations(object).contains(&generic)).collect()
        }
        None => object_of(path).into_iter().collect(),
    }
}

/// The object whose collection a path is below: of a part, its own, and not that of what it is a part of.
fn object_of(path: &str) -> Option<&'static Object> {
    let is_below = |object: &&'static Object| {
        let rest = path.strip_prefix(&base(object));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && !generic_operations(object).is_empty()
    };
    registry::objects().into_iter().filter(is_below).max_by_key(|object| base(object).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_otherwise_is_said_of_an_endpoint() {
        let verbs = all();
        for (id, _) in OTHERWISE {
            assert!(verbs.iter().any(|verb| verb.id == *id), "there is no {id}");
        }
        let reorder = verbs.iter().find(|verb| verb.id == "reorderStages").expect("stages are put in order");
        assert_eq!(reorder.object.collection, "stages");
    }
}
