//! What was learnt from all customers, shown as it is: parameters, fit, bounds, and what is bought together.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use farley_domain::{
    customers::value::{
        basket::Rule,
        bg_nbd::{BgNbd, histogram},
        customer_value::CustomerValue,
        fit::{Fit, Unfit},
        gamma_gamma::GammaGamma,
        purchases::Purchases,
    },
    identity::access::Action,
    model::entity::Entity,
    values::{id::Id, time::Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CustomerValueProgress, job};
use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{parameters, refuse_rest},
    },
};

/// What customer values were last computed with.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct CustomerValueModel {
    /// When; null before the first time.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub computed_at: Option<Timestamp>,
    /// The day up to which orders counted, in the tenant's time zone.
    #[schema(value_type = Option<String>, format = "date", example = "2026-03-01")]
    pub today: Option<NaiveDate>,
    /// The base currency; orders in others do not count.
    #[schema(example = "CNY")]
    pub currency: Option<String>,
    /// The customers who bought something.
    #[schema(example = 2357)]
    pub customers: usize,
    /// How often customers buy, and whether they still do: BG/NBD. Null if it could not be fitted.
    pub purchasing: Option<PurchasingModel>,
    /// What a purchase is worth: Gamma-Gamma. Null likewise.
    pub spending: Option<SpendingModel>,
    /// Why a model could not be fitted; empty if both were.
    #[schema(example = json!([]))]
    pub not_fitted: Vec<NotFitted>,
    /// The bounds of the RFM scores 2 to 5, and the mean scores above which a score is high.
    pub rfm: Option<RfmBounds>,
    /// From how much on sales are middle and high, in minor units.
    #[schema(example = json!([500_000, 5_000_000]))]
    pub sales_levels: Option<[i64; 2]>,
    /// From how many orders on frequency is middle and high.
    #[schema(example = json!([2, 6]))]
    pub frequency_levels: Option<[i64; 2]>,
    /// The orders with products of the last two years, among which it was counted what is bought together; at most 200,000.
    #[schema(example = 1204)]
    pub baskets: usize,
    /// What is bought together: the 200 pairs of the highest lift.
    pub bought_together: Vec<BoughtTogether>,
    /// How far the computation has come that runs or ran last; null before the first.
    pub progress: Option<CustomerValueProgress>,
}

/// The BG/NBD model of Fader, Hardie and Lee, "Counting Your Customers" the Easy Way (2005), fitted by maximum likelihood; time is in weeks.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct PurchasingModel {
    #[schema(example = 0.243)]
    pub r: f64,
    #[schema(example = 4.414)]
    pub alpha: f64,
    #[schema(example = 0.793)]
    pub a: f64,
    #[schema(example = 2.426)]
    pub b: f64,
    #[schema(example = -9582.4)]
    pub log_likelihood: f64,
    #[schema(example = 2357)]
    pub customers: usize,
    /// Steps of the search.
    #[schema(example = 105)]
    pub iterations: u32,
    /// How many customers have bought again so many times, and how many the model expects: how well it fits.
    pub histogram: Vec<FitBar>,
}

/// How many customers have bought again so many times.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct FitBar {
    /// Days with an order after the first.
    #[schema(example = 1)]
    pub repeats: u32,
    /// Whether those who bought more often are counted here too.
    #[schema(example = false)]
    pub and_more: bool,
    #[schema(example = 439)]
    pub actual: usize,
    #[schema(example = 460.3)]
    pub expected: f64,
}

/// The Gamma-Gamma model of Fader and Hardie (2013), fitted over customers who have bought more than once; values are in minor units.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SpendingModel {
    #[schema(example = 6.25)]
    pub p: f64,
    #[schema(example = 3.74)]
    pub q: f64,
    #[schema(example = 15.44)]
    pub v: f64,
    #[schema(example = -4055.9)]
    pub log_likelihood: f64,
    #[schema(example = 946)]
    pub customers: usize,
    /// The correlation of how often and for how much customers buy, which the model assumes to be near 0; null if there is none.
    #[schema(example = 0.11)]
    pub correlation: Option<f64>,
}

/// Why a model could not be fitted.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct NotFitted {
    /// `purchasing` or `spending`.
    #[schema(example = "purchasing")]
    pub model: String,
    /// `too_few_customers`, `nobody_returned`, `unsound`, `did_not_converge`, `stopped` or `ran_away`.
    #[schema(example = "too_few_customers")]
    pub reason: String,
    /// In words.
    pub detail: String,
}

/// The bounds of RFM.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RfmBounds {
    /// Days: a last order at most so many days ago scores 5, 4, 3 and 2.
    #[schema(example = json!([30, 90, 180, 365]))]
    pub recency: [i64; 4],
    #[schema(example = json!([2, 4, 8, 16]))]
    pub frequency: [i64; 4],
    #[schema(example = json!([100_000, 500_000, 2_000_000, 10_000_000]))]
    pub monetary: [i64; 4],
    #[schema(example = 3.1)]
    pub mean_recency: f64,
    #[schema(example = 2.4)]
    pub mean_frequency: f64,
    #[schema(example = 3.0)]
    pub mean_monetary: f64,
}

/// Who buys a product buys another.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct BoughtTogether {
    #[schema(value_type = String, format = "uuid")]
    pub product_id: Id,
    #[schema(value_type = String, format = "uuid")]
    pub with_product_id: Id,
    /// The orders with both.
    #[schema(example = 42)]
    pub orders: u32,
    /// The share of all orders that have both.
    #[schema(example = 0.035)]
    pub support: f64,
    /// The share of the orders with the first that have the second too.
    #[schema(example = 0.42)]
    pub confidence: f64,
    /// How many times as often the second is in orders with the first as in all orders.
    #[schema(example = 3.1)]
    pub lift: f64,
}

impl PurchasingModel {
    pub fn of(fit: &Fit<BgNbd>, customers: &[Purchases]) -> PurchasingModel {
        let bars = histogram(&fit.model, customers).into_iter();
        PurchasingModel {
            r: fit.model.r,
            alpha: fit.model.alpha,
            a: fit.model.a,
            b: fit.model.b,
            log_likelihood: fit.log_likelihood,
            customers: fit.customers,
            iterations: fit.iterations,
            histogram: bars
                .map(|bar| FitBar { repeats: bar.repeats, and_more: bar.and_more, actual: bar.actual, expected: bar.expected })
                .collect(),
        }
    }
}

impl SpendingModel {
    pub fn of(fit: &Fit<GammaGamma>, correlation: Option<f64>) -> SpendingModel {
        let GammaGamma { p, q, v } = fit.model;
        SpendingModel { p, q, v, log_likelihood: fit.log_likelihood, customers: fit.customers, correlation }
    }
}

impl NotFitted {
    pub fn of(model: &str, unfit: &Unfit) -> NotFitted {
        let told = serde_json::to_value(unfit).unwrap_or_default();
        let reason = told["reason"].as_str().unwrap_or_default().to_owned();
        NotFitted { model: model.to_owned(), reason, detail: unfit.to_string() }
    }
}

impl From<&Rule> for BoughtTogether {
    fn from(rule: &Rule) -> BoughtTogether {
        let Rule { who_buys, buys, orders, support, confidence, lift } = *rule;
        BoughtTogether { product_id: who_buys, with_product_id: buys, orders, support, confidence, lift }
    }
}

/// Get the model of customer values
///
/// Returns what the values were last computed with: the fitted models with how well they fit, the bounds of the classes, and what is bought
/// together.
#[utoipa::path(tag = "customer-values", operation_id = "getCustomerValueModel",
    responses((status = 200, description = "The model.", body = CustomerValueModel)))]
#[get("/v1/customer-values/model")]
pub async fn get_model(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.demand_all(CustomerValue::object(), Action::Read)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let reading = call.state.store.read::<_, Problem>(call.tenant(), |reader| {
        let kept = reader.kept(job::MODEL)?;
        let mut model: CustomerValueModel = match kept {
            Some(row) => serde_json::from_str(&row.value)?,
            None => CustomerValueModel::default(),
        };
        if let Some(row) = reader.kept(job::PROGRESS)? {
            model.progress = Some(serde_json::from_str(&row.value)?);
        }
        Ok(model)
    });
    Ok(HttpResponse::Ok().json(reading.await?))
}
