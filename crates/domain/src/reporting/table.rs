//! What is worked out of the figures of groups: ratios, running totals, shares and comparisons. Where a figure was not given, there is
//! none; sums of nothing are 0.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::question::{Comparison, Shown};
use crate::values::money::Currency;

/// A figure of one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// There is none.
    None,
    Integer(i128),
    Decimal(f64),
    /// Minor units, each currency apart; of no currency where there is nothing.
    Money(BTreeMap<Currency, i128>),
    /// A date or time, as it is written.
    Text(String),
}

/// Amounts of several currencies, of which there is no one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mixed(pub Vec<Currency>);

impl Figure {
    /// The figure as one number, money in minor units of its only currency; none where there is no figure.
    pub fn number(&self) -> Result<Option<f64>, Mixed> {
        #[allow(clippy::cast_precision_loss, reason = "shares and ratios count with 15 digits")]
        Ok(match self {
            Figure::None | Figure::Text(_) => None,
            Figure::Integer(number) => Some(*number as f64),
            Figure::Decimal(number) => Some(*number),
            Figure::Money(amounts) => match amounts.values().copied().collect::<Vec<_>>().as_slice() {
                [] => None,
                [amount] => Some(*amount as f64),
                _ => return Err(Mixed(amounts.keys().copied().collect())),
            },
        })
    }

    /// Whether there is a figure, and not that of nothing.
    fn is_something(&self) -> bool {
        match self {
            Figure::None => false,
            Figure::Integer(number) => *number != 0,
            Figure::Decimal(number) => *number != 0.0,
            Figure::Money(amounts) => amounts.values().any(|amount| *amount != 0),
            Figure::Text(_) => true,
        }
    }

    /// The sum of two figures; what is none adds nothing.
    #[must_use]
    pub fn plus(&self, other: &Figure) -> Figure {
        self.joined(other, |left, right| left + right, |left, right| left + right)
    }

    /// This figure less another, currency by currency.
    #[must_use]
    pub fn less(&self, other: &Figure) -> Figure {
        self.joined(other, |left, right| left - right, |left, right| left - right)
    }

    fn joined(&self, other: &Figure, whole: fn(i128, i128) -> i128, parts: fn(f64, f64) -> f64) -> Figure {
        #[allow(clippy::cast_precision_loss, reason = "only figures of one kind are joined")]
        match (self, other) {
            (Figure::Integer(left), Figure::Integer(right)) => Figure::Integer(whole(*left, *right)),
            (Figure::Decimal(left), Figure::Decimal(right)) => Figure::Decimal(parts(*left, *right)),
            (Figure::Integer(left), Figure::Decimal(right)) => Figure::Decimal(parts(*left as f64, *right)),
            (Figure::Decimal(left), Figure::Integer(right)) => Figure::Decimal(parts(*left, *right as f64)),
            (Figure::Money(left), Figure::Money(right)) => {
                let mut amounts = left.clone();
                for (currency, amount) in right {
                    let known = amounts.entry(*currency).or_insert(0);
                    *known = whole(*known, *amount);
                }
                Figure::Money(amounts)
            }
            (Figure::None, figure) if matches!(figure, Figure::Integer(_) | Figure::Decimal(_)) => {
                Figure::Integer(0).joined(figure, whole, parts)
            }
            (Figure::None, Figure::Money(_)) => Figure::Money(BTreeMap::new()).joined(other, whole, parts),
            (figure, _) => figure.clone(),
        }
    }
}

/// A figure that is worked out of others: measures and dimensions by their places.
#[derive(Clone, Debug, PartialEq)]
pub enum Derived {
    /// The first divided by the second.
    Ratio(usize, usize),
    /// Added up along a dimension.
    Running { of: usize, along: usize },
    /// As a share of all rows with the same values of some dimensions.
    Share { of: usize, within: Vec<usize> },
    /// The figure of an earlier period.
    Compared { of: usize, along: usize, with: Comparison, show: Shown },
}

/// One group: the place of its value in each dimension, none where the dimension is added up; and its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub key: Vec<Option<usize>>,
    pub figures: Vec<Figure>,
}

/// What a dimension of dates has come before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// How many of its values are periods, in order of time. What has no date comes after them.
    pub periods: usize,
    /// How many of the first periods are only there to be compared with, and part of no total.
    pub lead: usize,
    /// The place of the period a year before, for each.
    pub year_before: Vec<Option<usize>>,
    /// The first day of each period.
    pub starts: Vec<NaiveDate>,
}

/// The first period with a figure, for each combination of the values of the other dimensions.
type Firsts = HashMap<Vec<Option<usize>>, usize>;

impl Course {
    fn earlier(&self, row: &Row, along: usize, with: Comparison, firsts: &Firsts) -> Option<usize> {
        let place = row.key[along]?;
        match with {
            Comparison::PreviousPeriod => place.checked_sub(1).filter(|_| place < self.periods),
            Comparison::SamePeriodLastYear => self.year_before.get(place).copied().flatten(),
            Comparison::FirstPeriod => {
                firsts.get(&others(row, along)).copied().filter(|first| (*first..self.periods).contains(&place))
            }
        }
    }
}

/// The values of all dimensions but one.
fn others(row: &Row, along: usize) -> Vec<Option<usize>> {
    let mut key = row.key.clone();
    key[along] = None;
    key
}

/// The first periods with a figure. What begins before the row's period of another dimension of dates is no part of that, and where the
/// periods of another are added up, there is no one beginning.
fn firsts(rows: &[Row], (of, along): (usize, usize), courses: &[Course]) -> Firsts {
    let mut firsts = Firsts::new();
    for row in rows.iter().filter(|row| is_asked(row, courses) && row.figures[of].is_something()) {
        let own = |dimension: usize| courses[dimension].starts.get(row.key[dimension]?).copied();
        let (Some(place), Some(start)) = (row.key[along], own(along)) else { continue };
        let mut dated = (0..courses.len()).filter(|dimension| *dimension != along && !courses[*dimension].starts.is_empty());
        if dated.all(|dimension| own(dimension).is_some_and(|begins| begins <= start)) {
            let first = firsts.entry(others(row, along)).or_insert(place);
            *first = place.min(*first);
        }
    }
    firsts
}

/// Fills in a figure of every row that is worked out of those there are. `nothing` is what the measure it is of has where there are no
/// records; `courses` are those of the dimensions, of dates where they have periods.
pub fn derive(rows: &mut [Row], place: usize, derived: &Derived, nothing: &Figure, courses: &[Course]) -> Result<(), Mixed> {
    match derived {
        Derived::Ratio(above, below) => {
            for row in rows {
                let (above, below) = (row.figures[*above].number()?, row.figures[*below].number()?);
                row.figures[place] = quotient(above, below);
            }
        }
        Derived::Running { of, along } => run(rows, place, (*of, *along), courses),
        Derived::Share { of, within } => {
            let same = |row: &Row| -> Option<Vec<usize>> { within.iter().map(|dimension| row.key[*dimension]).collect() };
            let mut sums: HashMap<Vec<usize>, Figure> = HashMap::new();
            for row in rows.iter().filter(|row| is_asked(row, courses)) {
                if let Some(key) = same(row) {
                    let sum = sums.entry(key).or_insert(Figure::None);
                    *sum = sum.plus(&row.figures[*of]);
                }
            }
            for row in rows {
                let whole = same(row).and_then(|key| sums.get(&key));
                row.figures[place] = match whole {
                    Some(whole) => quotient(row.figures[*of].number()?.or(Some(0.0)), whole.number()?),
                    None => Figure::None,
                };
            }
        }
        Derived::Compared { of, along, with, show } => {
            let known: HashMap<Vec<Option<usize>>, Figure> =
                rows.iter().map(|row| (row.key.clone(), row.figures[*of].clone())).collect();
            let firsts = match with {
                Comparison::FirstPeriod => firsts(rows, (*of, *along), courses),
                Comparison::PreviousPeriod | Comparison::SamePeriodLastYear => Firsts::new(),
            };
            for row in rows {
                let earlier = courses[*along].earlier(row, *along, *with, &firsts);
                let Some(earlier) = earlier else {
                    row.figures[place] = Figure::None;
                    continue;
                };
                let mut key = row.key.clone();
                key[*along] = Some(earlier);
                let before = known.get(&key).unwrap_or(nothing);
                let now = &row.figures[*of];
                let is_known = *now != Figure::None && *before != Figure::None;
                row.figures[place] = match show {
                    Shown::Value => before.clone(),
                    Shown::Difference if is_known => now.less(before),
                    Shown::Change if is_known => quotient(now.less(before).number()?, before.number()?),
                    Shown::Difference | Shown::Change => Figure::None,
                };
            }
        }
    }
    Ok(())
}

/// Whether a row is part of the question, and not only there to be compared with.
fn is_asked(row: &Row, courses: &[Course]) -> bool {
    row.key.iter().zip(courses).all(|(place, course)| place.is_none_or(|place| place >= course.lead))
}

/// Adds up along a dimension, for each combination of the others.
fn run(rows: &mut [Row], place: usize, (of, along): (usize, usize), courses: &[Course]) {
    let course = &courses[along];
    let mut order: Vec<usize> = (0..rows.len()).filter(|row| is_asked(&rows[*row], courses)).collect();
    order.sort_by_key(|row| rows[*row].key[along]);
    let mut sums: HashMap<Vec<Option<usize>>, Figure> = HashMap::new();
    for row in order {
        let mut others = rows[row].key.clone();
        let now = others[along].take();
        rows[row].figures[place] = match now.filter(|now| *now < course.periods) {
            None => Figure::None,
            Some(_) => {
                let sum = sums.entry(others).or_insert(Figure::None);
                *sum = sum.plus(&rows[row].figures[of]);
                sum.clone()
            }
        };
    }
}

/// Rounded to six decimal places, half away from zero; none where there is nothing to divide, or by.
fn quotient(above: Option<f64>, below: Option<f64>) -> Figure {
    const MILLION: f64 = 1_000_000.0;
    match (above, below) {
        (Some(above), Some(below)) if below != 0.0 => Figure::Decimal((above / below * MILLION).round() / MILLION),
        _ => Figure::None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(figures: &[(usize, usize, i128)]) -> Vec<Row> {
        let row = |(period, other, figure): &(usize, usize, i128)| Row {
            key: vec![Some(*period), Some(*other)],
            figures: vec![Figure::Integer(*figure), Figure::None],
        };
        figures.iter().map(row).collect()
    }

    fn derived(rows: &mut [Row], derived: &Derived, course: Course) -> Vec<Figure> {
        derive(rows, 1, derived, &Figure::Integer(0), &[course, Course::default()]).unwrap();
        rows.iter().map(|row| row.figures[1].clone()).collect()
    }

    #[test]
    fn amounts_of_several_currencies_are_no_number() {
        let both = Figure::Money([(Currency::CNY, 1), (Currency::USD, 2)].into());
        assert_eq!(both.number(), Err(Mixed(vec![Currency::CNY, Currency::USD])));
        let more = both.plus(&Figure::Money([(Currency::USD, 5)].into()));
        assert_eq!(more, Figure::Money([(Currency::CNY, 1), (Currency::USD, 7)].into()));
        assert_eq!(Figure::None.less(&Figure::Integer(3)), Figure::Integer(-3));
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        let mut rows = rows(&[(0, 0, 1), (0, 1, 0)]);
        let shares = derived(&mut rows, &Derived::Share { of: 0, within: vec![1] }, Course::default());
        assert_eq!(shares, [Figure::Decimal(1.0), Figure::None]);
    }

    #[test]
    fn cohorts_are_compared_with_their_own_beginning() {
        let starts: Vec<NaiveDate> = (1..=4).filter_map(|month| NaiveDate::from_ymd_opt(2026, month, 1)).collect();
        let course = Course { periods: 4, starts: starts.clone(), ..Course::default() };
        // What the second cohort has before its own beginning is no beginning, and neither is nothing.
        let mut table = rows(&[(0, 0, 9), (2, 0, 3), (0, 1, 5), (1, 1, 8), (3, 1, 4), (1, 2, 7), (2, 2, 0), (3, 2, 6)]);
        table.push(Row { key: vec![Some(3), None], figures: vec![Figure::Integer(10), Figure::None] });
        table.push(Row { key: vec![None, Some(0)], figures: vec![Figure::Integer(12), Figure::None] });
        let first = Derived::Compared { of: 0, along: 0, with: Comparison::FirstPeriod, show: Shown::Value };
        derive(&mut table, 1, &first, &Figure::Integer(0), &[course.clone(), course.clone()]).unwrap();
        let found: Vec<Option<f64>> = table.iter().map(|row| row.figures[1].number().unwrap()).collect();
        let expected = [Some(9.0), Some(9.0), None, Some(8.0), Some(8.0), None, None, Some(6.0), None, None];
        assert_eq!(found, expected);
        // Beside a dimension that is none of dates, it is simply the first.
        let mut table = rows(&[(0, 1, 0), (1, 1, 8), (3, 1, 4)]);
        let found = derived(&mut table, &first, course);
        assert_eq!(found, [Figure::None, Figure::Integer(8), Figure::Integer(8)]);
    }

    fn any_rows() -> impl Strategy<Value = Vec<(usize, usize, i128)>> {
        proptest::collection::btree_map((0_usize..6, 0_usize..3), -50_i128..50, 0..18)
            .prop_map(|found| found.into_iter().map(|((period, other), figure)| (period, other, figure)).collect())
    }

    proptest! {
        /// What a running total says is the sum of all earlier rows of the same others; periods that are asked about alone are added up.
        #[test]
        fn running_totals_are_sums(found in any_rows(), periods in 0_usize..7, lead in 0_usize..3) {
            let mut table = rows(&found);
            let course = Course { periods, lead, ..Course::default() };
            let totals = derived(&mut table, &Derived::Running { of: 0, along: 0 }, course);
            for ((period, other, _), total) in found.iter().zip(totals) {
                let sum = found.iter().filter(|one| one.1 == *other && (lead..=*period).contains(&one.0)).map(|one| one.2).sum();
                prop_assert_eq!(total, if (lead..periods).contains(period) { Figure::Integer(sum) } else { Figure::None });
            }
        }

        /// Shares of a whole add up to it; what is only compared with is no part of it.
        #[test]
        fn shares_add_up(found in any_rows(), lead in 0_usize..3) {
            let found: Vec<_> = found.into_iter().map(|(period, other, figure)| (period, other, figure.abs() + 1)).collect();
            let mut table = rows(&found);
            let course = Course { periods: 6, lead, ..Course::default() };
            let shares = derived(&mut table, &Derived::Share { of: 0, within: vec![0] }, course.clone());
            let sum_of = |rows: &[(usize, usize, i128)], shares: &[Figure], is_in: &dyn Fn(usize) -> bool| -> (usize, f64) {
                let own = rows.iter().zip(shares).filter(|(row, _)| is_in(row.0));
                (own.clone().count(), own.filter_map(|(_, share)| share.number().unwrap()).sum())
            };
            for period in lead..6 {
                let (count, sum) = sum_of(&found, &shares, &|one| one == period);
                prop_assert!(count == 0 || (sum - 1.0).abs() < 1e-4);
            }
            let shares = derived(&mut table, &Derived::Share { of: 0, within: vec![] }, course);
            let (count, sum) = sum_of(&found, &shares, &|one| one >= lead);
            prop_assert!(count == 0 || (sum - 1.0).abs() < 1e-4);
        }

        /// An earlier period is that of the same others; where it has no row, there was nothing.
        #[test]
        fn earlier_periods_are_compared(found in any_rows()) {
            let mut table = rows(&found);
            let course = Course { periods: 6, lead: 0, year_before: (0..6).map(|place: usize| place.checked_sub(4)).collect(), starts: Vec::new() };
            for (with, back) in [(Comparison::PreviousPeriod, 1), (Comparison::SamePeriodLastYear, 4)] {
                let compared = Derived::Compared { of: 0, along: 0, with, show: Shown::Difference };
                let differences = derived(&mut table, &compared, course.clone());
                for ((period, other, figure), difference) in found.iter().zip(differences) {
                    let before = period.checked_sub(back);
                    let former = |before: usize| found.iter().find(|one| (one.0, one.1) == (before, *other)).map_or(0, |one| one.2);
                    let expected = before.map_or(Figure::None, |before| Figure::Integer(figure - former(before)));
                    prop_assert_eq!(difference, expected);
                }
            }
        }
    }
}
