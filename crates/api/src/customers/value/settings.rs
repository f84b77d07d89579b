//! The bounds by which customers are judged: a tenant's own where it has set them.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, get, put};
use farley_domain::{
    customers::value::{
        basket::BasketBounds,
        churn::ChurnBounds,
        classes::{Levels, LoyaltyBounds},
        credit::{CreditBound, CreditBounds},
        customer_value::CustomerValue,
        lifetime::Terms,
        rfm::Thresholds,
    },
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Structure},
        handle::Handle,
        record::Record,
        value,
    },
};
use farley_persistence::{Reader, StoreError};
use serde_json::{Map, Value, json};

use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{Body, parameters, refuse_rest},
    },
    records::{
        body,
        mutation::{Answer, Mutation},
    },
};

/// Under which name they are kept.
const NAME: &str = "customer_value_settings";

/// Bounds that rise, each at least the one before it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Bounds(Vec<i64>);

farley_domain::structures! { Bounds }

static FOUR: Structure = Structure {
    name: "four_bounds",
    accept: |value, standards| accept(value, standards, 4),
    schema: || schema(4),
    ..Structure::PLAIN
};
static TWO: Structure = Structure {
    name: "two_bounds",
    accept: |value, standards| accept(value, standards, 2),
    schema: || schema(2),
    ..Structure::PLAIN
};

static BOUND: LazyLock<Field> = LazyLock::new(|| Field::new("bound", FieldType::Integer { min: 0, max: i64::MAX }));

fn accept(value: &Value, standards: &value::Standards<'_>, count: usize) -> Result<Value, Faults> {
    let items = value.as_array().filter(|items| items.len() == count);
    let expected = if count == 2 { "a list of 2 numbers" } else { "a list of 4 numbers" };
    let items = items.ok_or_else(|| Fault::new("", FaultCode::WrongType).with("expected", expected))?;
    let (mut faults, mut least) = (Faults::default(), 0);
    for (place, item) in items.iter().enumerate() {
        match value::accept(&BOUND, item, standards).map(|bound| bound.as_i64().unwrap_or(0)) {
            Ok(bound) if bound < least => {
                faults.add(Fault::new(format!("/{place}"), FaultCode::TooSmall).with("min", least));
            }
            Ok(bound) => least = bound,
            Err(found) => faults.extend(found.under(&format!("/{place}")).0),
        }
    }
    faults.into_result(value.clone())
}

fn schema(count: usize) -> Value {
    let bound = json!({"type": "integer", "minimum": 0, "maximum": i64::MAX});
    json!({"type": "array", "minItems": count, "maxItems": count, "items": bound})
}

crate::body! {
    /// The bounds by which customers are judged. What is absent or null has its default.
    pub struct CustomerValueSettings {
        /// Days: a last order at most so many days ago scores 5, 4, 3 and 2. By default the bounds of fifths of all customers.
        rfm_recency: Option<Bounds> => structure(&FOUR).example(json!([30, 90, 180, 365])),
        /// Orders: at least so many score 2, 3, 4 and 5. By default the bounds of fifths.
        rfm_frequency: Option<Bounds> => structure(&FOUR).example(json!([2, 4, 8, 16])),
        /// Minor units of the base currency: at least so much scores 2, 3, 4 and 5. By default the bounds of fifths.
        rfm_monetary: Option<Bounds> => structure(&FOUR).example(json!([100_000, 500_000, 2_000_000, 10_000_000])),
        /// Minor units of the base currency: at least so much is middle and high sales. By default the bounds of thirds.
        sales_levels: Option<Bounds> => structure(&TWO).example(json!([500_000, 5_000_000])),
        /// Orders: at least so many are middle and high frequency. By default the bounds of thirds.
        frequency_levels: Option<Bounds> => structure(&TWO).example(json!([2, 6])),
        /// A last order at most so many days ago is recent.
        recent_days: i64 => integer(0, 36_500).default(90).example(90),
        /// Customers whose last order is more than so many days ago are lost.
        lost_days: i64 => integer(0, 36_500).default(365).example(365),
        /// Customers who are active with a probability below this are lost, 0 to 1.
        lost_below: f64 => decimal().default(0.2).example(0.2),
        /// Below this probability of being active the risk of churn is high, 0 to 1.
        churn_high_below: f64 => decimal().default(0.3).example(0.3),
        /// From this probability on it is low, 0 to 1.
        churn_low_from: f64 => decimal().default(0.7).example(0.7),
        /// A customer is overdue who has been silent for more than so many times their mean interval.
        overdue_factor: f64 => decimal().default(2).example(2),
        /// Orders are fewer, or smaller, if they are so by at least this share, 0 to 1.
        decline: f64 => decimal().default(0.2).example(0.2),
        /// Mean days late from which the credit risk is medium.
        credit_medium_days_late: f64 => decimal().default(7).example(7),
        /// Mean days late from which it is high.
        credit_high_days_late: f64 => decimal().default(30).example(30),
        /// The share paid late from which the credit risk is medium, 0 to 1.
        credit_medium_share_late: f64 => decimal().default(0.2).example(0.2),
        /// The share paid late from which it is high, 0 to 1.
        credit_high_share_late: f64 => decimal().default(0.5).example(0.5),
        /// The overdue amount from which the credit risk is medium, in minor units of the base currency.
        credit_medium_overdue: i64 => integer(1, i64::MAX).default(1_000_000).example(1_000_000),
        /// The overdue amount from which it is high.
        credit_high_overdue: i64 => integer(1, i64::MAX).default(10_000_000).example(10_000_000),
        /// How many weeks ahead purchases and lifetime value are expected.
        horizon_weeks: i64 => integer(1, 520).default(52).example(52),
        /// By how much a year makes money worth less: 0.1 for 10 %.
        yearly_discount: f64 => decimal().default(0.1).example(0.1),
        /// The share of the value that is profit, 0 to 1.
        margin: f64 => decimal().default(1).example(0.3),
        /// Products are offered together that are together in at least so many orders.
        bought_together_orders: i64 => integer(1, 1_000_000).default(5).example(5),
    }
    example json!({"recent_days": 60, "lost_days": 180, "margin": 0.3})
}

type Settings = CustomerValueSettings;

/// Refuses shares beyond 0 to 1, and numbers below zero.
fn check(settings: &Record<Settings>) -> Result<(), Faults> {
    let shares: [Handle<Settings, f64>; 8] = [
        Settings::lost_below,
        Settings::churn_high_below,
        Settings::churn_low_from,
        Settings::decline,
        Settings::credit_medium_share_late,
        Settings::credit_high_share_late,
        Settings::margin,
        Settings::yearly_discount,
    ];
    let numbers = [Settings::overdue_factor, Settings::credit_medium_days_late, Settings::credit_high_days_late];
    let mut faults = Faults::default();
    for field in shares.into_iter().chain(numbers) {
        let number = settings.get(field);
        if number < 0.0 {
            faults.add(Fault::new(field.pointer(), FaultCode::TooSmall).with("min", 0));
        } else if number > 1.0 && shares.iter().any(|share| share.name() == field.name()) {
            faults.add(Fault::new(field.pointer(), FaultCode::TooLarge).with("max", 1));
        }
    }
    faults.into_result(())
}

/// The settings in force.
pub fn of(reader: &mut Reader<'_>) -> Result<Record<Settings>, Problem> {
    let kept = reader.kept(NAME)?.map(|row| row.value).unwrap_or_else(|| "{}".to_owned());
    let kept: Value = serde_json::from_str(&kept).map_err(|error| StoreError::Internal(error.to_string()))?;
    body::read_plain(&kept)
}

/// What was set, member by member, with the defaults of the rest.
fn told(settings: &Record<Settings>) -> Value {
    let members = Settings::object().fields.iter().map(|field| (field.name.to_string(), settings.json(field)));
    Value::Object(members.collect())
}

/// Thresholds that are set, all of them.
pub fn thresholds(settings: &Record<Settings>, found: Thresholds) -> Thresholds {
    let set = |field: Handle<Settings, Option<Bounds>>, found: [i64; 4]| {
        settings.get(field).and_then(|bounds| <[i64; 4]>::try_from(bounds.0).ok()).unwrap_or(found)
    };
    Thresholds {
        recency: set(Settings::rfm_recency, found.recency),
        frequency: set(Settings::rfm_frequency, found.frequency),
        monetary: set(Settings::rfm_monetary, found.monetary),
    }
}

pub fn sales(settings: &Record<Settings>, found: Levels) -> Levels {
    levels(settings, Settings::sales_levels, found)
}

pub fn frequency(settings: &Record<Settings>, found: Levels) -> Levels {
    levels(settings, Settings::frequency_levels, found)
}

fn levels(settings: &Record<Settings>, field: Handle<Settings, Option<Bounds>>, found: Levels) -> Levels {
    let set = settings.get(field).and_then(|bounds| <[i64; 2]>::try_from(bounds.0).ok());
    set.map_or(found, |[middle, high]| Levels { middle, high })
}

pub fn loyalty(settings: &Record<Settings>) -> LoyaltyBounds {
    LoyaltyBounds {
        recent_days: settings.get(Settings::recent_days),
        lost_days: settings.get(Settings::lost_days),
        lost_below: settings.get(Settings::lost_below),
    }
}

pub fn churn(settings: &Record<Settings>) -> ChurnBounds {
    ChurnBounds {
        high_below: settings.get(Settings::churn_high_below),
        low_from: settings.get(Settings::churn_low_from),
        overdue_factor: settings.get(Settings::overdue_factor),
        decline: settings.get(Settings::decline),
    }
}

pub fn credit(settings: &Record<Settings>) -> CreditBounds {
    CreditBounds {
        medium: CreditBound {
            days_late: settings.get(Settings::credit_medium_days_late),
            share_late: settings.get(Settings::credit_medium_share_late),
            overdue: settings.get(Settings::credit_medium_overdue),
        },
        high: CreditBound {
            days_late: settings.get(Settings::credit_high_days_late),
            share_late: settings.get(Settings::credit_high_share_late),
            overdue: settings.get(Settings::credit_high_overdue),
        },
    }
}

pub fn terms(settings: &Record<Settings>) -> Terms {
    Terms {
        weeks: u32::try_from(settings.get(Settings::horizon_weeks)).unwrap_or(Terms::MOST_WEEKS),
        yearly_discount: settings.get(Settings::yearly_discount),
        margin: settings.get(Settings::margin),
    }
}

pub fn baskets(settings: &Record<Settings>) -> BasketBounds {
    let least = u32::try_from(settings.get(Settings::bought_together_orders)).unwrap_or(u32::MAX);
    BasketBounds { least_orders: least, ..BasketBounds::default() }
}

/// Get the settings of customer values
///
/// Returns every bound, also those that have their defaults.
#[utoipa::path(tag = "customer-values", operation_id = "getCustomerValueSettings",
    responses((status = 200, description = "The settings.", body = CustomerValueSettings)))]
#[get("/v1/customer-values/settings")]
pub async fn get_settings(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    call.rows(CustomerValue::object(), Action::Read)?;
    refuse_rest(&parameters(&request)?, &[])?;
    let settings = call.state.store.read::<_, Problem>(call.tenant(), of).await?;
    Ok(HttpResponse::Ok().json(told(&settings)))
}

/// Set the settings of customer values
///
/// Replaces all of them; the values are computed anew with the next computation.
#[utoipa::path(tag = "customer-values", operation_id = "putCustomerValueSettings", request_body = CustomerValueSettings,
    responses((status = 200, description = "The settings.", body = CustomerValueSettings)))]
#[put("/v1/customer-values/settings")]
pub async fn put_settings(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    call.demand_all(CustomerValue::object(), Action::Update)?;
    let mut parameters = parameters(&request)?;
    let mutation = Mutation::of(&request, &mut parameters, &body.0)?;
    refuse_rest(&parameters, &["validate_only"])?;
    let settings = body::read::<Settings>(&body.0, &call.principal.standards(call.now))?;
    check(&settings).map_err(Problem::rule)?;
    mutation
        .run(&call, move |work| {
            let told = told(&settings);
            work.keep(NAME, told.to_string())?;
            let tenant = work.tenant().id;
            work.event(CustomerValue::NAME, "settings_changed", tenant, 1, Map::new(), &[]);
            Answer::json(200, &told)
        })
        .await
}
