//! A tenant: one company using Farley. Nothing is ever visible across tenants.

use serde::{Deserialize, Serialize};

use crate::{
    model::value::Standards,
    values::{id::Id, money::Currency, time::Timestamp},
};

/// A company and how its values are to be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    pub id: Id,
    /// The short name used at log-in: lower-case letters, digits and hyphens.
    pub slug: String,
    pub name: String,
    /// ISO 3166-1 alpha-2: the country of phone numbers without a country code.
    pub country: String,
    /// The currency in which amounts are added up.
    pub currency: Currency,
    /// The IANA time zone in which days start and end.
    pub time_zone: String,
    pub created_at: Timestamp,
}

impl Tenant {
    /// How this tenant's values are read at a moment.
    #[must_use]
    pub fn standards(&self, now: Timestamp) -> Standards<'_> {
        Standards {
            country: &self.country,
            currency: self.currency,
            zone: self.time_zone.parse().unwrap_or(chrono_tz::UTC),
            now,
            user: None,
        }
    }
}

/// Whether a text can be a tenant's slug.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
