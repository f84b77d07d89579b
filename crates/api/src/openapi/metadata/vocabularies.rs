//! Lists to choose from that are the same for everybody: currencies, countries, languages, time zones.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::Offset;
use farley_domain::values::{country, language::LANGUAGES, money::Currency};
use serde::Serialize;
use utoipa::ToSchema;

use super::describe::LabelMetadata;
use crate::{
    access::call::Call,
    http::{
        problem::Problem,
        request::{json_unless_held, parameters, refuse_rest},
    },
};

/// A currency of ISO 4217.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CurrencyEntry {
    #[schema(example = "CNY")]
    pub code: String,
    #[schema(example = "Chinese yuan")]
    pub name: String,
    /// Its sign, where it has one.
    #[schema(example = "¥")]
    pub sign: Option<String>,
    /// How many decimal places its amounts have: an amount of minor units divided by ten to this power is one of major units.
    #[schema(example = 2)]
    pub minor_units: u32,
}

/// Currencies.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Currencies {
    /// In the order of their codes.
    pub data: Vec<CurrencyEntry>,
}

/// A country, or a language.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NamedEntry {
    /// Of a country its alpha-2 code (ISO 3166-1), of a language its tag (BCP 47).
    #[schema(example = "CN")]
    pub code: &'static str,
    pub label: LabelMetadata,
}

/// Countries, or languages.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NamedEntries {
    /// In the order of their codes.
    pub data: Vec<NamedEntry>,
}

/// A time zone of the IANA database.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimeZoneEntry {
    #[schema(example = "Asia/Shanghai")]
    pub name: &'static str,
    /// How far its clocks are ahead of UTC now, in minutes.
    #[schema(example = 480)]
    pub offset_minutes: i32,
}

/// Time zones.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimeZones {
    /// In the order of their names.
    pub data: Vec<TimeZoneEntry>,
}

/// Currencies to choose from
#[utoipa::path(tag = "metadata", operation_id = "listCurrencies",
    responses((status = 200, description = "The currencies.", body = Currencies, headers(("ETag" = String, description = "For `If-None-Match`."))),
              (status = 304, description = "They are still as `If-None-Match` has them.")))]
#[get("/v1/metadata/currencies")]
pub async fn currencies(_: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let entry = |currency: Currency| CurrencyEntry {
        code: currency.code().to_owned(),
        name: currency.name(),
        sign: currency.sign(),
        minor_units: currency.minor_units(),
    };
    json_unless_held(&request, &Currencies { data: Currency::all().map(entry).collect() })
}

fn named(entries: impl Iterator<Item = (&'static str, &'static str, &'static str)>) -> NamedEntries {
    let entry = |(code, en, zh): (&'static str, &str, &str)| NamedEntry {
        code,
        label: LabelMetadata { en: en.to_owned(), zh: zh.to_owned() },
    };
    NamedEntries { data: entries.map(entry).collect() }
}

/// Countries to choose from
#[utoipa::path(tag = "metadata", operation_id = "listCountries",
    responses((status = 200, description = "The countries.", body = NamedEntries, headers(("ETag" = String, description = "For `If-None-Match`."))),
              (status = 304, description = "They are still as `If-None-Match` has them.")))]
#[get("/v1/metadata/countries")]
pub async fn countries(_: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    json_unless_held(&request, &named(country::all()))
}

/// Languages to choose from
///
/// A field of a language takes any other tag too.
#[utoipa::path(tag = "metadata", operation_id = "listLanguages",
    responses((status = 200, description = "The languages.", body = NamedEntries, headers(("ETag" = String, description = "For `If-None-Match`."))),
              (status = 304, description = "They are still as `If-None-Match` has them.")))]
#[get("/v1/metadata/languages")]
pub async fn languages(_: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    json_unless_held(&request, &named(LANGUAGES.iter().copied()))
}

/// Time zones to choose from
#[utoipa::path(tag = "metadata", operation_id = "listTimeZones",
    responses((status = 200, description = "The time zones.", body = TimeZones, headers(("ETag" = String, description = "For `If-None-Match`."))),
              (status = 304, description = "They are still as `If-None-Match` has them.")))]
#[get("/v1/metadata/time-zones")]
pub async fn time_zones(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let now = call.now.to_utc();
    let entry = |zone: &chrono_tz::Tz| TimeZoneEntry {
        name: zone.name(),
        offset_minutes: now.with_timezone(zone).offset().fix().local_minus_utc() / 60,
    };
    let mut data: Vec<TimeZoneEntry> = chrono_tz::TZ_VARIANTS.iter().map(entry).collect();
    data.sort_unstable_by_key(|zone| zone.name);
    json_unless_held(&request, &TimeZones { data })
}
