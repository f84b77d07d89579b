//! The 360° view of a customer: what a page about it shows first, in one request and as of one moment. Each part is a list as its endpoint would
//! answer it, with its rights and its order, cut off after a few.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    activities::{
        activity::{Activity, ActivityStatus},
        task::Task,
    },
    customers::{contact::Contact, customer::Customer, value::customer_value::CustomerValue},
    identity::access::Action,
    model::{entity::Entity, field::Op, object::Object, recurring},
    query::list::ListQuery,
    sales::{opportunity::Opportunity, orders::order::Order},
    service::{ticket::Ticket, work_orders::work_order::WorkOrder},
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Reader, Row};
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{Ref, RefOr, Schema},
};

use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::Problem,
        request::{parameters, refuse_rest},
    },
    records::{named::Named, names, operations::base, parameters::suffixed, read::layout_for, schemas::nullable},
};

/// How many records of a part are shown.
const SHOWN: usize = 5;

/// A customer with what is going on.
#[derive(Serialize, ToSchema)]
pub struct CustomerOverview {
    /// The customer.
    #[schema(schema_with = customer_schema)]
    customer: Row,
    /// What the customer is worth; null if there is no value, or you may not read it.
    #[schema(schema_with = value_schema)]
    value: Option<Row>,
    /// The contacts, newest first. A part is null if you may not read its records or not see what they are found by.
    contacts: Option<OverviewPart>,
    /// The open opportunities, the next to close first.
    opportunities: Option<OverviewPart>,
    /// The unsolved tickets, newest first.
    tickets: Option<OverviewPart>,
    /// The orders, the latest first.
    orders: Option<OverviewPart>,
    /// The work orders that are not done, newest first.
    work_orders: Option<OverviewPart>,
    /// The activities that were done, the latest first.
    activities: Option<OverviewPart>,
    /// The open tasks, the next due first.
    tasks: Option<OverviewPart>,
}

/// The first few records of a list.
#[derive(Serialize, ToSchema)]
pub struct OverviewPart {
    /// At most five.
    #[schema(value_type = Vec<Object>)]
    data: Vec<Row>,
    /// How many there are in all.
    #[schema(example = 12)]
    total: i64,
    /// The list that shows all of them.
    #[schema(example = "/v1/tickets?customer_id=01890a5d-ac96-774b-bcce-b302099a8057&status_in=new,open")]
    list: String,
}

/// Which records of a part count.
enum Wanted {
    All,
    /// Those that are open, as their object says it.
    Open,
    Done,
}

/// A part: the list that shows it.
struct Part {
    object: fn() -> &'static Object,
    /// How its records name the customer.
    by: &'static str,
    wanted: Wanted,
    /// What comes first, as in `sort`.
    first: (&'static str, bool),
}

/// By the customers that records concern, or belong to, of which there may be several.
const OF_SEVERAL: &str = "customers.id";
const NEWEST: (&str, bool) = (recurring::CREATED_AT.name(), true);

const CONTACTS: Part = Part { object: Contact::object, by: OF_SEVERAL, wanted: Wanted::All, first: NEWEST };
const OPPORTUNITIES: Part = Part {
    object: Opportunity::object,
    by: Opportunity::customer_id.name(),
    wanted: Wanted::Open,
    first: (Opportunity::expected_close_on.name(), false),
};
const TICKETS: Part = Part { object: Ticket::object, by: Ticket::customer_id.name(), wanted: Wanted::Open, first: NEWEST };
const ORDERS: Part =
    Part { object: Order::object, by: Order::customer_id.name(), wanted: Wanted::All, first: (Order::ordered_on.name(), true) };
const WORK_ORDERS: Part =
    Part { object: WorkOrder::object, by: WorkOrder::customer_id.name(), wanted: Wanted::Open, first: NEWEST };
const ACTIVITIES: Part =
    Part { object: Activity::object, by: OF_SEVERAL, wanted: Wanted::Done, first: (Activity::occurred_at.name(), true) };
const TASKS: Part = Part { object: Task::object, by: OF_SEVERAL, wanted: Wanted::Open, first: (Task::due_at.name(), false) };

impl Part {
    /// The parameters of its list.
    fn parameters(&self, customer: Id) -> Vec<(String, String)> {
        let mut parameters = vec![(self.by.to_owned(), customer.to_string())];
        match (&self.wanted, (self.object)().open) {
            (Wanted::Open, Some((field, values))) => parameters.push((suffixed(field, Op::In), values.join(","))),
            (Wanted::Done, _) => {
                parameters.push((Activity::status.name().to_owned(), ActivityStatus::Done.as_str().to_owned()));
            }
            (Wanted::Open | Wanted::All, _) => {}
        }
        let (first, descending) = self.first;
        parameters.push(("sort".to_owned(), format!("{}{first}", if descending { "-" } else { "" })));
        parameters
    }

    fn read(
        &self,
        reader: &mut Reader<'_>,
        asker: (&Principal, Timestamp),
        customer: Id,
    ) -> Result<Option<OverviewPart>, Problem> {
        let (principal, now) = asker;
        let object = (self.object)();
        if principal.asker.rows(object, Action::Read).is_none() {
            return Ok(None);
        }
        let mut parameters = self.parameters(customer);
        let list: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let list = format!("{}?{}", base(object), list.join("&"));
        parameters.extend([("limit".to_owned(), SHOWN.to_string()), ("total".to_owned(), true.to_string())]);
        let view = principal.view(now);
        // What is hidden of a part makes its list one that the caller could not ask for either.
        let Ok(query) = ListQuery::from_parameters(object, &parameters, &view) else { return Ok(None) };
        let layout = layout_for(principal, object, None, &[], (&query.sort, false));
        let page = reader.list(&layout, &view, &query)?;
        Ok(Some(OverviewPart { data: page.rows, total: page.total.unwrap_or(0), list }))
    }
}

fn customer_schema() -> RefOr<Schema> {
    Ref::from_schema_name(names::record(Customer::object())).into()
}

fn value_schema() -> RefOr<Schema> {
    nullable(Ref::from_schema_name(names::record(CustomerValue::object())).into())
}

/// Get the overview of a customer
///
/// Returns the 360° view in one request: the customer, its value, contacts, open sales, unsolved tickets, orders, visits, last activities and next
/// tasks, each as far as you may read it and at most five of each.
#[utoipa::path(tag = "customers", operation_id = "getCustomerOverview",
    params(("id" = String, Path, description = "The customer's id, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The overview.", body = CustomerOverview)))]
#[get("/v1/customers/{id}/overview")]
pub async fn customer_overview(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(Customer::object(), Action::Read)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let view = principal.view(now);
        let id = named.find(reader, &principal, Customer::object())?.ok_or_else(Problem::not_found)?;
        let customer = reader.get(&principal.layout(Customer::object()), &view, id, &rows)?.ok_or_else(Problem::not_found)?;
        let value = match principal.asker.rows(CustomerValue::object(), Action::Read) {
            Some(rows) => reader.get(&principal.layout(CustomerValue::object()), &view, id, &rows)?,
            None => None,
        };
        let mut part = |part: &Part| part.read(reader, (&principal, now), id);
        Ok(CustomerOverview {
            customer,
            value,
            contacts: part(&CONTACTS)?,
            opportunities: part(&OPPORTUNITIES)?,
            tickets: part(&TICKETS)?,
            orders: part(&ORDERS)?,
            work_orders: part(&WORK_ORDERS)?,
            activities: part(&ACTIVITIES)?,
            tasks: part(&TASKS)?,
        })
    });
    Ok(HttpResponse::Ok().json(reading.await?))
}
