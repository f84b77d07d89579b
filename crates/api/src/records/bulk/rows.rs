//! The same done with each of many rows in one unit of work: all of them at a stroke where nothing is wrong, and otherwise each by itself.

use farley_persistence::{StoreError, Work};

use crate::http::problem::{Code, Problem};

/// What became of each row: done, or refused with nothing of it left. An error is what ends the work as a whole.
///
/// A savepoint a row costs more than the row: on PostgreSQL a round trip or two, on SQLite what the search index has gathered. So rows
/// share one, with the rest of what many rows can share, and only if one of them fails are all of them undone and tried one by one.
pub fn each<R, T>(
    work: &mut Work<'_>,
    rows: &[R],
    one: impl Fn(&mut Work<'_>, &R) -> Result<T, Problem>,
) -> Result<Vec<Result<T, Problem>>, Problem> {
    let together = work.at_a_stroke(|work| rows.iter().map(|row| one(work, row)).collect::<Result<Vec<T>, Problem>>());
    match together {
        Ok(done) => return Ok(done.into_iter().map(Ok).collect()),
        Err(problem) if !is_of_a_row(&problem) => return Err(problem),
        Err(_) => {}
    }
    rows.iter().map(|row| by_itself(work, row, &one)).collect()
}

/// One row, of which nothing is left if it is refused.
pub fn by_itself<R, T>(
    work: &mut Work<'_>,
    row: &R,
    one: &impl Fn(&mut Work<'_>, &R) -> Result<T, Problem>,
) -> Result<Result<T, Problem>, Problem> {
    let mut tried = work.attempt(|work| one(work, row));
    if work.is_among_others() && tried.as_ref().is_err_and(|problem| matches!(problem.inside(), Some(StoreError::Taken(_)))) {
        // Another was quicker with the same value: now its record is found, and can be changed or named.
        tried = work.attempt(|work| one(work, row));
    }
    match tried {
        Err(problem) if !is_of_a_row(&problem) => Err(problem),
        tried => Ok(tried),
    }
}

/// Whether a problem says something of the row, and not that nothing can be written now.
#[must_use]
pub fn is_of_a_row(problem: &Problem) -> bool {
    match problem.inside() {
        None => problem.code != Code::Unavailable,
        Some(StoreError::Taken(_) | StoreError::Reference | StoreError::SumTooLarge) => true,
        Some(
            StoreError::Unavailable(_)
            | StoreError::Unwritable(_)
            | StoreError::Busy
            | StoreError::TooSlow
            | StoreError::Abandoned
            | StoreError::Serialization
            | StoreError::Internal(_),
        ) => false,
    }
}
