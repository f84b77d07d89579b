//! The tickets of a contact: listed, opened, closed, opened again, rated.

use actix_web::{HttpRequest, HttpResponse, get, post};
use farley_domain::{
    customers::contact::Contact,
    identity::access::Action,
    model::input::members,
    service::{
        clock::StatusKind,
        portal::{Portal, organization, public_kind},
        queue::Queue,
        satisfaction::survey_response::SurveyResponse,
        ticket::{Ticket, TicketChannel, TicketKind, kind_of},
    },
    values::id::Id,
};
use farley_persistence::Work;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    access::{Visit, named},
    messages::{self, UPLOADS},
    page::{Latest, linked, private},
    shown::{PortalTicket, Showing, survey_of},
};
use crate::{
    http::{
        problem::{Code, Problem},
        request::{Body, parameters, refuse_rest},
    },
    records::{
        body, lookup,
        mutation::{Answer, Mutation},
        named::Named,
        read::PageInfo,
    },
    service::{
        satisfaction::answering::{self, SurveyAnswer},
        ticket::PERFORMANCES,
    },
};

farley_domain::choices! {
    /// Whose tickets are listed.
    pub enum PortalScope {
        Own "own" "Their own" "本人",
        Organization "organization" "Their organization's" "所在单位",
    }
}

farley_domain::choices! {
    /// Which tickets are listed.
    pub enum PortalProgress {
        Open "open" "Not solved yet" "未解决",
        Done "done" "Solved or closed" "已解决或已关闭",
    }
}

crate::query! {
    /// Which tickets to list.
    pub struct PortalTicketsQuery {
        /// Only their own tickets, or all that they see.
        scope: Option<PortalScope> => choice(PortalScope::choices()).default("organization"),
        /// Only tickets that are open, or done.
        progress: Option<PortalProgress> => choice(PortalProgress::choices()),
        /// The maximum number of tickets, 1 to 100.
        limit: i64 => integer(1, 100).default(20),
        /// The `page.next` of the previous page, to continue from there.
        cursor: Option<String> => long_text(4_000),
        /// Whether to count all tickets.
        total: bool => boolean().default(false),
    }
}

/// A page of tickets.
#[derive(Serialize, ToSchema)]
pub struct PortalTickets {
    data: Vec<PortalTicket>,
    page: PageInfo,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub struct PortalMe {
    #[schema(example = "王芳")]
    name: String,
    /// The address that they signed in with.
    #[schema(example = "fang@example.cn")]
    email: String,
    /// Whether they see the tickets of their organization too.
    sees_organization: bool,
}

crate::body! {
    /// What a contact asks for.
    pub struct PortalRequest {
        /// What it is about.
        subject: String => text(300).required().example("打印机无法开机"),
        /// The request.
        description: String => long_text(50_000).required().example("按下电源键没有反应。"),
        /// What it asks for. Defaults to a question.
        kind: Option<TicketKind> => choice(TicketKind::choices()),
        /// The uploads that come with it.
        uploads: Vec<String> => texts(UPLOADS).default(json!([])).example(json!([])),
    }
    example json!({"subject": "打印机无法开机", "description": "按下电源键没有反应。"})
}

/// Get the contact who is signed in
#[utoipa::path(tag = "portals", operation_id = "getPortalContact", security(("portalToken" = [])),
    params(("token" = String, Path, description = "The token of the portal.")),
    responses((status = 200, description = "The contact.", body = PortalMe)))]
#[get("/v1/portal/{token}/me")]
pub async fn me(request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let visit = Visit::of(&request).await?;
    let me = PortalMe {
        name: visit.contact.get(Contact::name).to_owned(),
        email: visit.email.clone(),
        sees_organization: organization(&visit.portal, &visit.contact).is_some(),
    };
    Ok(private(HttpResponse::Ok()).json(me))
}

/// List the contact's tickets
///
/// Returns the tickets of the contact, and those of their organization if they see these, the latest first.
#[utoipa::path(tag = "portals", operation_id = "listPortalTickets", security(("portalToken" = [])),
    params(PortalTicketsQuery, ("token" = String, Path, description = "The token of the portal.")),
    responses((status = 200, description = "A page of tickets.", body = PortalTickets)))]
#[get("/v1/portal/{token}/tickets")]
pub async fn list(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked = body::read_query::<PortalTicketsQuery>(&parameters(&request)?)?;
    let visit = Visit::of(&request).await?;
    let wanted = Latest {
        by: Ticket::created_at.name(),
        limit: asked.get(PortalTicketsQuery::limit),
        cursor: asked.get(PortalTicketsQuery::cursor).map(str::to_owned),
        total: asked.get(PortalTicketsQuery::total),
    };
    let mut within = visit.tickets();
    if asked.get(PortalTicketsQuery::scope) == Some(PortalScope::Own) {
        within = within.and(Ticket::contact_id.eq(visit.contact.id()));
    }
    let done = StatusKind::ALL.iter().copied().filter(|kind| kind.is_done());
    match asked.get(PortalTicketsQuery::progress) {
        Some(PortalProgress::Done) => within = within.and(Ticket::status.is_in(done)),
        Some(PortalProgress::Open) => within = within.and(Ticket::status.is_not_in(done)),
        None => {}
    }
    let call = visit.call.clone();
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let (records, page) = wanted.read::<Ticket>(reader, within.clone())?;
        let mut showing = Showing::of(reader, &visit)?;
        let data = records.iter().map(|ticket| showing.ticket(reader, ticket)).collect::<Result<_, _>>()?;
        Ok(PortalTickets { data, page })
    });
    let page = reading.await?;
    Ok(linked(&request, &page.page).json(page))
}

/// Get a ticket of the contact
///
/// If it was merged into another that they see, returns that one, whose `id` is another.
#[utoipa::path(tag = "portals", operation_id = "getPortalTicket", security(("portalToken" = [])),
    params(("token" = String, Path, description = "The token of the portal."), ("id" = String, Path, description = "The id of the ticket.")),
    responses((status = 200, description = "The ticket.", body = PortalTicket)))]
#[get("/v1/portal/{token}/tickets/{id}")]
pub async fn get(request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let visit = Visit::of(&request).await?;
    let id = named(&request)?;
    let call = visit.call.clone();
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let ticket = visit.ticket(reader, id)?;
        Showing::of(reader, &visit)?.whole(reader, &ticket)
    });
    Ok(private(HttpResponse::Ok()).json(reading.await?))
}

/// Open a ticket in a portal
///
/// Creates a ticket of the contact in the queue of the portal; what they ask is its first message.
#[utoipa::path(tag = "portals", operation_id = "openPortalTicket", request_body = PortalRequest, security(("portalToken" = [])),
    params(("token" = String, Path, description = "The token of the portal.")),
    responses((status = 201, description = "The ticket.", body = PortalTicket)))]
#[post("/v1/portal/{token}/tickets")]
pub async fn open(request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let visit = Visit::of(&request).await?;
    let asked = body::read::<PortalRequest>(&body.0, &visit.call.principal.standards(visit.call.now))?;
    let call = visit.call.clone();
    mutation
        .run(&call, move |work| {
            let files = messages::files(work, &visit, &asked.get(PortalRequest::uploads), &PortalRequest::uploads.pointer())?;
            let queue = match visit.portal.get(Portal::queue_id) {
                Some(queue) => lookup::one::<Queue>(work, queue)?.filter(|queue| !queue.is_archived()).map(|queue| queue.id()),
                None => None,
            };
            let (subject, text) = (asked.get(PortalRequest::subject), asked.get(PortalRequest::description));
            let body = members::<Ticket>()
                .with(Ticket::subject, subject.to_owned())
                .with(Ticket::description, Some(text.to_owned()))
                .with(Ticket::contact_id, Some(visit.contact.id()))
                .with(Ticket::queue_id, queue)
                .with(Ticket::channel, Some(TicketChannel::Portal));
            let body = match asked.get(PortalRequest::kind) {
                Some(kind) => body.with(Ticket::kind, Some(kind)),
                None => body,
            };
            let (ticket, _) = visit.writer().create(work, &body.into_json())?;
            messages::say(work, &visit, ticket.id(), text, files)?;
            shown(work, &visit, ticket.id(), 201)
        })
        .await
}

/// The answer that shows a ticket as it is now.
pub fn shown(work: &mut Work<'_>, visit: &Visit, id: Id, status: u16) -> Result<Answer, Problem> {
    let ticket = lookup::one::<Ticket>(work, id)?.ok_or_else(Problem::not_found)?;
    let reader = work.reader();
    let shown = Showing::of(reader, visit)?.whole(reader, &ticket)?;
    Answer::json(status, &shown)
}

/// Close a ticket in a portal
///
/// Returns 409 if it cannot be closed: see `can_close`; if it was merged, with the ticket in which it goes on in `merged_into_id`.
#[utoipa::path(tag = "portals", operation_id = "closePortalTicket", security(("portalToken" = [])), request_body = body::Nothing,
    params(("token" = String, Path, description = "The token of the portal."), ("id" = String, Path, description = "The id of the ticket.")),
    responses((status = 200, description = "The closed ticket.", body = PortalTicket)))]
#[post("/v1/portal/{token}/tickets/{id}/close")]
pub async fn close(request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    perform(request, body, "close", |visit| visit.portal.get(Portal::lets_close)).await
}

/// Open a ticket again in a portal
///
/// Returns 409 if it cannot be opened again: see `can_reopen`. Then open another. If it was merged, the ticket in which it goes on is in
/// `merged_into_id`.
#[utoipa::path(tag = "portals", operation_id = "reopenPortalTicket", security(("portalToken" = [])), request_body = body::Nothing,
    params(("token" = String, Path, description = "The token of the portal."), ("id" = String, Path, description = "The id of the ticket.")),
    responses((status = 200, description = "The ticket.", body = PortalTicket)))]
#[post("/v1/portal/{token}/tickets/{id}/reopen")]
pub async fn reopen(request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    perform(request, body, "reopen", |_| true).await
}

async fn perform(
    request: HttpRequest,
    body: Body,
    action: &'static str,
    lets: impl Fn(&Visit) -> bool + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let visit = Visit::of(&request).await?;
    body::read_plain::<body::Nothing>(&body.0)?;
    let id = named(&request)?;
    let call = visit.call.clone();
    mutation
        .run(&call, move |work| {
            let ticket = visit.ticket_itself(work.reader(), id)?;
            let refused = || Problem::state(public_kind(kind_of(&ticket)).as_str(), &[]);
            if !lets(&visit) {
                return Err(refused());
            }
            let writer = visit.writer();
            let loaded = writer.load(work, &Named::Id(id), Action::Update)?;
            let performance = PERFORMANCES.iter().find(|known| known.action == action).ok_or_else(Problem::not_found)?;
            // Why the desk's own rules forbid it is told to the desk alone.
            (performance.perform)(work, &writer, &loaded).map_err(|problem| match problem.code {
                Code::RuleViolated | Code::StateConflict => refused(),
                _ => problem,
            })?;
            shown(work, &visit, id, 200)
        })
        .await
}

/// Rate a ticket in a portal
///
/// Answers the survey that the contact was asked about the ticket, as its link would. Returns 409 if they were not asked, or if the answer
/// can no longer be given or changed; if the ticket was merged, with the one in which it goes on in `merged_into_id`.
#[utoipa::path(tag = "portals", operation_id = "ratePortalTicket", request_body = SurveyAnswer, security(("portalToken" = [])),
    params(("token" = String, Path, description = "The token of the portal."), ("id" = String, Path, description = "The id of the ticket.")),
    responses((status = 200, description = "The ticket with the answer.", body = PortalTicket)))]
#[post("/v1/portal/{token}/tickets/{id}/rating")]
pub async fn rate(request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let visit = Visit::of(&request).await?;
    let asked = body::read_plain::<SurveyAnswer>(&body.0)?;
    let id = named(&request)?;
    let call = visit.call.clone();
    mutation
        .run(&call, move |work| {
            let ticket = visit.ticket_itself(work.reader(), id)?;
            let found = survey_of(work.reader(), &visit, id)?;
            let Some((response, survey)) = found else {
                return Err(Problem::state(public_kind(kind_of(&ticket)).as_str(), &[]));
            };
            let ticket = response.get(SurveyResponse::ticket_id);
            answering::take(work, visit.call.now, (response.id(), ticket, &survey), &asked)?;
            shown(work, &visit, id, 200)
        })
        .await
}
