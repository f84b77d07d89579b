//! The timeline of a customer.

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{customers::customer::Customer, identity::access::Action, model::entity::Entity};

use crate::{
    access::call::Call,
    http::problem::Problem,
    records::{
        events::{Of, list_of_record},
        named::Named,
        read::PageQuery,
    },
};

/// The timeline of a customer
///
/// Everything that happened to the customer and to the records that name it (contacts …), newest first.
#[utoipa::path(
    tag = "customers",
    operation_id = "listCustomerTimeline",
    params(("id" = String, Path, description = "The customer's id, or `ext:{system}:{key}`."),
           PageQuery),
    responses((status = 200, description = "A page of events.", body = ref("#/components/schemas/EventPage")))
)]
#[get("/v1/customers/{id}/timeline")]
pub async fn customer_timeline(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let object = Customer::object();
    let rows = call.rows(object, Action::Read)?;
    let named = Named::parse(request.match_info().query("id"))?;
    list_of_record(&call, &request, Of::Timeline(object), (named, None), rows).await
}
