//! What comes of fitting a model to a company's history, or why nothing does.

use serde::{Deserialize, Serialize};

/// A model whose parameters make what happened most likely.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit<Model> {
    pub model: Model,
    /// The natural logarithm of the likelihood of all that was looked at, at its largest.
    pub log_likelihood: f64,
    /// How many customers it learned from.
    pub customers: usize,
    /// How many steps it took.
    pub iterations: u32,
}

/// A parameter of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    R,
    Alpha,
    A,
    B,
    P,
    Q,
    V,
}

/// Why a model does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Unfit {
    /// There are too few customers to learn anything from.
    #[error("{customers} customers are too few; {needed} are needed")]
    TooFewCustomers { customers: usize, needed: usize },
    /// No customer has bought twice, so nothing is known of coming back.
    #[error("no customer has bought a second time")]
    NobodyReturned,
    /// A number is not finite or negative, or the last purchase lies after today.
    #[error("customer {place} of the list has impossible numbers")]
    Unsound { place: usize },
    /// The likelihood was still rising, or could not be seen to rise, when the steps were used up.
    #[error("the fit did not converge in {iterations} steps")]
    DidNotConverge { iterations: u32 },
    /// The caller asked to stop.
    #[error("the fit was stopped after {iterations} steps")]
    Stopped { iterations: u32 },
    /// The likelihood rises for ever as a parameter goes to zero or infinity: customers differ too little, or none has ever
    /// stopped, for the model to tell how much they differ.
    #[error("the parameter {parameter:?} runs away ({value})")]
    RanAway { parameter: Parameter, value: f64 },
}
