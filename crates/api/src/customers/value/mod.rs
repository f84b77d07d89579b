//! What customers are worth: [computed](job) every day by [bounds](settings) of the tenant's own and [what was learnt](model) from all
//! customers.

pub mod job;
pub mod model;
pub mod settings;

use actix_web::{HttpRequest, HttpResponse, post};
use chrono::NaiveDate;
use farley_domain::{
    customers::value::customer_value::CustomerValue, identity::access::Action, model::entity::Entity, values::time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    access::call::Call,
    body,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        body,
        mutation::{Answer, Mutation},
    },
};

/// How far the computation has come.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct CustomerValueProgress {
    /// `waiting`, `reading`, `fitting`, `writing` or `done`.
    #[schema(example = "done")]
    pub state: String,
    /// The customers whose values have been written.
    #[schema(example = 2357)]
    pub customers: u64,
    /// The customers who bought something; null until that is known.
    #[schema(example = 2357)]
    pub total: Option<u64>,
    /// The day up to which orders count, if another was asked for than today.
    #[schema(value_type = Option<String>, format = "date")]
    pub as_of: Option<NaiveDate>,
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
}

impl CustomerValueProgress {
    /// The day that was asked for, until its values are there.
    fn unfinished(&self) -> Option<NaiveDate> {
        self.as_of.filter(|_| self.state != "done")
    }
}

body! {
    /// What is to be computed.
    pub struct CustomerValueComputation {
        /// The day up to which orders count, such as the end of a month. Defaults to today. Orders count as they are now: with their present
        /// status, and less all refunds. The next daily computation counts up to its own day again.
        as_of: Option<NaiveDate> => date().example("2026-02-28"),
    }
    example json!({})
}

/// Recompute customer values
///
/// Lets the daily computation come at once. `progress` of `GET /v1/customer-values/model` shows how far it has come.
#[utoipa::path(tag = "customer-values", operation_id = "recomputeCustomerValues", request_body = CustomerValueComputation,
    responses((status = 202, description = "It is about to begin.", body = CustomerValueProgress)))]
#[post("/v1/customer-values/recompute")]
pub async fn recompute(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    call.demand_all(CustomerValue::object(), Action::Update)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let asked = body::read_plain::<CustomerValueComputation>(&body.0)?;
    let (now, as_of) = (call.now, asked.get(CustomerValueComputation::as_of));
    mutation
        .run(&call, move |work| {
            let progress = CustomerValueProgress { state: "waiting".to_owned(), customers: 0, total: None, as_of, at: now };
            work.keep(job::PROGRESS, serde_json::to_string(&progress)?)?;
            work.hasten(job::KIND)?;
            let tenant = work.tenant().id;
            work.event(CustomerValue::NAME, "recompute_requested", tenant, 1, serde_json::Map::new(), &[]);
            Answer::json(202, &progress)
        })
        .await
}
