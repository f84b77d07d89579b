//! The orders of a contact: what they bought, what of it they paid, and what is still to be paid by when.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    model::{entity::Entity, handle::Handle, record::Record},
    query::predicate::Predicate,
    sales::orders::{
        line::{MOST_LINES, OrderLine},
        order::{Order, OrderStatus, PaymentStatus},
        payment::{MOST_PAYMENTS, Payment, PaymentMethod},
        refund::Refund,
    },
    service::portal::their_orders,
    values::{id::Id, money::Money},
};
use farley_persistence::Reader;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    access::{Visit, named},
    page::{Latest, linked, private},
    tickets::PortalScope,
};
use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::{
        problem::Problem,
        request::{parameters, refuse_rest},
    },
    records::{body, read::PageInfo, schemas},
};

crate::query! {
    /// Which orders to list.
    pub struct PortalOrdersQuery {
        /// Only their own orders, or all that they see.
        scope: Option<PortalScope> => choice(PortalScope::choices()).default("organization"),
        /// The maximum number of orders, 1 to 100.
        limit: i64 => integer(1, 100).default(20),
        /// The `page.next` of the previous page, to continue from there.
        cursor: Option<String> => long_text(4_000),
        /// Whether to count all orders.
        total: bool => boolean().default(false),
    }
}

/// A page of orders.
#[derive(Serialize, ToSchema)]
pub struct PortalOrders {
    data: Vec<PortalOrder>,
    page: PageInfo,
}

/// An order as its customer sees it.
#[derive(Serialize, ToSchema)]
pub struct PortalOrder {
    #[schema(value_type = String, format = "uuid")]
    id: Id,
    #[schema(example = "O-000042")]
    number: Option<String>,
    #[schema(value_type = Option<String>, format = "date", example = "2026-03-01")]
    ordered_on: Option<NaiveDate>,
    /// `confirmed`, `fulfilled` or `cancelled`.
    #[schema(value_type = Option<String>, example = "confirmed")]
    status: Option<OrderStatus>,
    /// Whether it is their own, and not only their organization's.
    is_mine: bool,
    /// What it costs, tax included.
    #[schema(schema_with = schemas::money)]
    amount: Option<Money>,
    /// The tax within the amount; null if it is not known.
    #[schema(schema_with = schemas::money)]
    tax_amount: Option<Money>,
    #[schema(schema_with = schemas::money)]
    paid_amount: Option<Money>,
    #[schema(schema_with = schemas::money)]
    refunded_amount: Option<Money>,
    /// What is left to be paid.
    #[schema(schema_with = schemas::money)]
    outstanding_amount: Option<Money>,
    /// `unpaid`, `partly_paid`, `paid`, `partly_refunded` or `refunded`.
    #[schema(value_type = Option<String>, example = "partly_paid")]
    payment_status: Option<PaymentStatus>,
    /// The day by which the next payment is to be made.
    #[schema(value_type = Option<String>, format = "date", example = "2026-04-01")]
    next_due_on: Option<NaiveDate>,
}

/// An order with all that belongs to it.
#[derive(Serialize, ToSchema)]
pub struct PortalOrderDetails {
    #[serde(flatten)]
    order: PortalOrder,
    lines: Vec<PortalOrderLine>,
    payments: Vec<PortalPayment>,
    refunds: Vec<PortalRefund>,
}

/// A line of an order.
#[derive(Serialize, ToSchema)]
pub struct PortalOrderLine {
    #[schema(example = "GTX Pro")]
    name: Option<String>,
    #[schema(example = 4)]
    quantity: f64,
    #[schema(example = "台")]
    unit: Option<String>,
    #[schema(schema_with = schemas::money)]
    unit_price: Option<Money>,
    /// The discount, in per cent.
    #[schema(example = 10)]
    discount: f64,
    /// The rate of tax, in per cent.
    #[schema(example = 13)]
    tax_rate: f64,
    /// What the line comes to, tax included.
    #[schema(schema_with = schemas::money)]
    amount: Option<Money>,
}

/// A payment, made or to be made.
#[derive(Serialize, ToSchema)]
pub struct PortalPayment {
    #[schema(schema_with = schemas::money)]
    amount: Option<Money>,
    #[schema(value_type = Option<String>, format = "date", example = "2026-04-01")]
    due_on: Option<NaiveDate>,
    /// Null as long as it was not made.
    #[schema(value_type = Option<String>, format = "date", example = "2026-03-28")]
    paid_on: Option<NaiveDate>,
    #[schema(value_type = Option<String>, example = "bank_transfer")]
    method: Option<PaymentMethod>,
}

/// Money that was given back.
#[derive(Serialize, ToSchema)]
pub struct PortalRefund {
    #[schema(schema_with = schemas::money)]
    amount: Option<Money>,
    #[schema(value_type = Option<String>, format = "date", example = "2026-04-10")]
    refunded_on: Option<NaiveDate>,
    #[schema(example = "包装破损")]
    reason: Option<String>,
}

/// List the contact's orders
///
/// Returns the orders of the contact, and those of their organization if they see these, the latest first. Drafts are left out.
#[utoipa::path(tag = "portals", operation_id = "listPortalOrders", security(("portalToken" = [])),
    params(PortalOrdersQuery, ("token" = String, Path, description = "The token of the portal.")),
    responses((status = 200, description = "A page of orders.", body = PortalOrders)))]
#[get("/v1/portal/{token}/orders")]
pub async fn list(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked = body::read_query::<PortalOrdersQuery>(&parameters(&request)?)?;
    let visit = Visit::of(&request).await?;
    let wanted = Latest {
        by: Order::ordered_on.name(),
        limit: asked.get(PortalOrdersQuery::limit),
        cursor: asked.get(PortalOrdersQuery::cursor).map(str::to_owned),
        total: asked.get(PortalOrdersQuery::total),
    };
    let mut within = their_orders(&visit.portal, &visit.contact);
    if asked.get(PortalOrdersQuery::scope) == Some(PortalScope::Own) {
        within = within.and(Order::contact_id.eq(visit.contact.id()));
    }
    let call = visit.call.clone();
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let (orders, page) = wanted.read::<Order>(reader, within.clone())?;
        Ok(PortalOrders { data: orders.iter().map(|order| shown(&visit, order)).collect(), page })
    });
    let page = reading.await?;
    Ok(linked(&request, &page.page).json(page))
}

/// Get an order of the contact
///
/// Returns the order with its lines, payments and refunds.
#[utoipa::path(tag = "portals", operation_id = "getPortalOrder", security(("portalToken" = [])),
    params(("token" = String, Path, description = "The token of the portal."), ("id" = String, Path, description = "The id of the order.")),
    responses((status = 200, description = "The order.", body = PortalOrderDetails)))]
#[get("/v1/portal/{token}/orders/{id}")]
pub async fn get(request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let visit = Visit::of(&request).await?;
    let id = named(&request)?;
    let call = visit.call.clone();
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let within = Order::id.eq(id).and(their_orders(&visit.portal, &visit.contact));
        let found = reader.find(&without_custom_fields(Order::object()), &Unrestricted, &within, 1)?;
        let order = found.into_iter().next().map(Record::into_entity).ok_or_else(Problem::not_found)?;
        details(reader, &visit, &order)
    });
    Ok(private(HttpResponse::Ok()).json(reading.await?))
}

fn shown(visit: &Visit, order: &Record<Order>) -> PortalOrder {
    PortalOrder {
        id: order.id(),
        number: order.get(Order::number).map(str::to_owned),
        ordered_on: order.get(Order::ordered_on),
        status: order.get(Order::status),
        is_mine: order.get(Order::contact_id) == Some(visit.contact.id()),
        amount: order.get(Order::amount),
        tax_amount: order.get(Order::tax_amount),
        paid_amount: order.get(Order::paid_amount),
        refunded_amount: order.get(Order::refunded_amount),
        outstanding_amount: order.get(Order::outstanding_amount),
        payment_status: order.get(Order::payment_status),
        next_due_on: order.get(Order::next_due_on),
    }
}

fn details(reader: &mut Reader<'_>, visit: &Visit, order: &Record<Order>) -> Result<PortalOrderDetails, Problem> {
    let id = order.id();
    let mut lines = parts_of(reader, id, OrderLine::order_id, MOST_LINES)?;
    lines.sort_by_key(|line| (line.get(OrderLine::sort_order), line.id()));
    let lines = lines.iter().map(|line| PortalOrderLine {
        name: line.get(OrderLine::name).map(str::to_owned),
        quantity: line.get(OrderLine::quantity),
        unit: line.get(OrderLine::unit).map(str::to_owned),
        unit_price: line.get(OrderLine::unit_price),
        discount: line.get(OrderLine::discount),
        tax_rate: line.get(OrderLine::tax_rate),
        amount: line.get(OrderLine::amount),
    });
    let mut payments = parts_of(reader, id, Payment::order_id, MOST_PAYMENTS)?;
    payments.sort_by_key(|payment| (payment.get(Payment::due_on).or(payment.get(Payment::paid_on)), payment.id()));
    let payments = payments.iter().map(|payment| PortalPayment {
        amount: payment.get(Payment::amount),
        due_on: payment.get(Payment::due_on),
        paid_on: payment.get(Payment::paid_on),
        method: payment.get(Payment::method),
    });
    let mut refunds = parts_of(reader, id, Refund::order_id, MOST_PAYMENTS)?;
    refunds.sort_by_key(|refund| (refund.get(Refund::refunded_on), refund.id()));
    let refunds = refunds.iter().map(|refund| PortalRefund {
        amount: refund.get(Refund::amount),
        refunded_on: refund.get(Refund::refunded_on),
        reason: refund.get(Refund::reason).map(str::to_owned),
    });
    Ok(PortalOrderDetails {
        order: shown(visit, order),
        lines: lines.collect(),
        payments: payments.collect(),
        refunds: refunds.collect(),
    })
}

fn parts_of<E: Entity>(
    reader: &mut Reader<'_>,
    order: Id,
    of: Handle<E, Option<Id>>,
    most: usize,
) -> Result<Vec<Record<E>>, Problem> {
    let within = Predicate::Archived(false).and(of.eq(order));
    let found = reader.find(&without_custom_fields(E::object()), &Unrestricted, &within, most)?;
    Ok(found.into_iter().map(Record::into_entity).collect())
}
