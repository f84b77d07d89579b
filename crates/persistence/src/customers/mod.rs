//! What customers bought, as their value is computed from it.

mod purchases;

pub use purchases::{Bought, Line};
