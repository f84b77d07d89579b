//! What customers are worth and whether they are still there: figures and classes made of when customers bought, for how much,
//! and how they paid.
//!
//! Two models learn from a company's own history: [`bg_nbd`] how often customers buy and when they stop, [`gamma_gamma`] how much
//! a purchase is worth; [`lifetime`] puts the two together. The classes of [`rfm`] and [`classes`], and the risks of [`churn`]
//! and [`credit`], are rules with bounds. [`basket`] tells what is bought together.
//!
//! Everything is a function of values: times are weeks or days, amounts minor units of one currency.

pub mod assessment;
pub mod basket;
pub mod bg_nbd;
pub mod churn;
pub mod classes;
pub mod credit;
pub mod customer_value;
pub mod fit;
pub mod gamma_gamma;
pub mod lifetime;
pub mod purchases;
pub mod rfm;

mod optimum;
mod quantile;
mod special;

#[cfg(test)]
mod samples;
