//! Counts the ledger of a cohort, row by row.

use std::collections::HashMap;

use farley_domain::{sales::opportunity::OpportunityStatus, values::id::Id};

use super::{MAX_STAGES, Median, Moves, Travelled, Travels, status};
use crate::{
    error::StoreError,
    sql::cell::{Cell, CellRef},
};

/// A slice, by the order in which they came.
type Slice = usize;

pub(super) struct Tally {
    /// The bit of each stage.
    bits: HashMap<Id, i64>,
    slices: Vec<Cell>,
    /// Slices by their values as JSON.
    known: HashMap<Vec<u8>, Slice>,
    now: Option<Opportunity>,
    travelled: HashMap<Alike, Sums>,
    /// How many seconds each move took to come.
    moves: HashMap<(Slice, Id, Id), Vec<i64>>,
    scratch: Vec<u8>,
}

/// The opportunity whose entries are being read.
struct Opportunity {
    id: Id,
    alike: Alike,
    amount: i64,
    lasted: i64,
}

/// What opportunities have in common that are counted together.
#[derive(PartialEq, Eq, Hash)]
struct Alike {
    slice: Slice,
    currency: Option<String>,
    status: Option<OpportunityStatus>,
    stage: Id,
    entered: i64,
}

#[derive(Default)]
struct Sums {
    count: i64,
    amount: i128,
    lasted: i64,
}

impl Tally {
    pub fn of(stages: &[Id]) -> Tally {
        let bits = stages.iter().take(MAX_STAGES).enumerate().map(|(place, stage)| (*stage, 1_i64 << place));
        Tally {
            bits: bits.collect(),
            slices: Vec::new(),
            known: HashMap::new(),
            now: None,
            travelled: HashMap::new(),
            moves: HashMap::new(),
            scratch: Vec::new(),
        }
    }

    /// Takes one row: id, slice, currency, status, stage, amount and milliseconds of the opportunity, then the stage it was in and, with a move,
    /// the one left and the seconds in that.
    pub fn take(&mut self, cells: &[CellRef<'_>]) -> Result<(), StoreError> {
        let [id, slice, currency, status, stage, amount, lasted, entered, left, seconds] = cells else {
            return Err(StoreError::Internal("an entry has other columns".to_owned()));
        };
        let id = id_of(*id).unwrap_or(Id::NIL);
        if self.now.as_ref().is_none_or(|now| now.id != id) {
            self.count();
            let alike = Alike {
                slice: self.slice(*slice)?,
                currency: text_of(*currency).map(str::to_owned),
                status: self::status(text_of(*status))?,
                stage: id_of(*stage).unwrap_or(Id::NIL),
                entered: 0,
            };
            self.now = Some(Opportunity { id, alike, amount: number_of(*amount), lasted: number_of(*lasted) });
        }
        let (Some(now), Some(entered)) = (&mut self.now, id_of(*entered)) else { return Ok(()) };
        now.alike.entered |= self.bits.get(&entered).copied().unwrap_or(0);
        if let Some(left) = id_of(*left) {
            self.moves.entry((now.alike.slice, left, entered)).or_default().push(number_of(*seconds));
        }
        Ok(())
    }

    fn slice(&mut self, value: CellRef<'_>) -> Result<Slice, StoreError> {
        self.scratch.clear();
        value.write_json(&mut self.scratch)?;
        if let Some(known) = self.known.get(&self.scratch) {
            return Ok(*known);
        }
        self.known.insert(self.scratch.clone(), self.slices.len());
        self.slices.push(value.to_cell());
        Ok(self.slices.len() - 1)
    }

    /// Counts the opportunity whose entries have all been read.
    fn count(&mut self) {
        let Some(Opportunity { alike, amount, lasted, .. }) = self.now.take() else { return };
        let lasted = if alike.status == Some(OpportunityStatus::Won) { lasted } else { 0 };
        let sums = self.travelled.entry(alike).or_default();
        sums.count += 1;
        sums.amount += i128::from(amount);
        sums.lasted = sums.lasted.saturating_add(lasted);
    }

    pub fn finish(mut self) -> Travels {
        self.count();
        let slice = |number: Slice| self.slices.get(number).cloned().unwrap_or(Cell::Null);
        let travelled = self.travelled.into_iter().map(|(alike, sums)| Travelled {
            slice: slice(alike.slice),
            currency: alike.currency,
            status: alike.status,
            stage_id: alike.stage,
            entered: alike.entered,
            count: sums.count,
            amount: sums.amount,
            won_milliseconds: sums.lasted,
        });
        let mut stays: HashMap<(Slice, Id), Vec<i64>> = HashMap::new();
        let moves = self.moves.into_iter().map(|((number, from, to), took)| {
            let count = i64::try_from(took.len()).unwrap_or(i64::MAX);
            let seconds = took.iter().fold(0_i64, |sum, seconds| sum.saturating_add(*seconds));
            stays.entry((number, from)).or_default().extend(took);
            Moves { slice: slice(number), from, to, count, seconds }
        });
        let (travelled, moves) = (travelled.collect(), moves.collect());
        let medians = stays.into_iter().filter_map(|((number, stage_id), mut stays)| {
            Some(Median { slice: slice(number), stage_id, seconds: median(&mut stays)? })
        });
        Travels { travelled, moves, medians: medians.collect() }
    }
}

/// The middle one; of an even number the mean of the two in the middle, as PostgreSQL's percentile has it.
fn median(numbers: &mut [i64]) -> Option<f64> {
    if numbers.is_empty() {
        return None;
    }
    let is_even = numbers.len().is_multiple_of(2);
    let (below, upper, _) = numbers.select_nth_unstable(numbers.len() / 2);
    let lower = below.iter().max().filter(|_| is_even).unwrap_or(upper);
    #[allow(clippy::cast_precision_loss, reason = "seconds between two times need no more than 40 bits")]
    Some((*lower as f64 + *upper as f64) / 2.0)
}

fn id_of(cell: CellRef<'_>) -> Option<Id> {
    match cell {
        CellRef::Id(id) => Some(id),
        _ => None,
    }
}

fn text_of(cell: CellRef<'_>) -> Option<&str> {
    match cell {
        CellRef::Text(text) => Some(text),
        _ => None,
    }
}

fn number_of(cell: CellRef<'_>) -> i64 {
    match cell {
        CellRef::Integer(number) => number,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn medians_are_as_percentiles_have_them() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [7]), Some(7.0));
        assert_eq!(median(&mut [9, 1, 4]), Some(4.0));
        assert_eq!(median(&mut [9, 1, 4, 7]), Some(5.5));
        assert_eq!(median(&mut [3, 3]), Some(3.0));
    }
}
