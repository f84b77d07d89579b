//! Work that ends without being kept: only validated, only tried, or undone as a whole.

use farley_persistence::{Failure, StoreError};

use crate::http::problem::Problem;

/// How such work ended.
pub enum Unkept<T> {
    Problem(Problem),
    /// Well, with what it came to; nothing of it stays.
    Undone(T),
}

impl<T> From<StoreError> for Unkept<T> {
    fn from(error: StoreError) -> Unkept<T> {
        Unkept::Problem(error.into())
    }
}

impl<T> From<Problem> for Unkept<T> {
    fn from(problem: Problem) -> Unkept<T> {
        Unkept::Problem(problem)
    }
}

impl<T: Send + 'static> Failure for Unkept<T> {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Unkept::Problem(problem) => problem.store_error(),
            Unkept::Undone(_) => None,
        }
    }
}
