//! Arithmetic of whole numbers, and decimals as whole numbers.

/// A quotient rounded to a whole number, half away from zero (四舍五入): 1/2 is 1, −1/2 is −1. None where there is no such number: nothing
/// is divided by zero.
#[must_use]
pub fn half_away(numerator: i128, denominator: i128) -> Option<i128> {
    let (quotient, rest) = (numerator.checked_div(denominator)?, numerator.checked_rem(denominator)?);
    let is_half = rest.unsigned_abs() >= denominator.unsigned_abs() - rest.unsigned_abs();
    Some(if is_half { quotient + numerator.signum() * denominator.signum() } else { quotient })
}

/// A decimal number as a whole one and how many of its digits are decimals.
#[must_use]
pub fn exact(number: f64) -> Option<(i128, u32)> {
    let written = format!("{number:.12}");
    let (whole, decimals) = written.split_once('.').unwrap_or((&written, ""));
    let decimals = decimals.trim_end_matches('0');
    let digits: i128 = format!("{whole}{decimals}").parse().ok()?;
    Some((digits, u32::try_from(decimals.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        let cases = [(1, 2, 1), (-1, 2, -1), (1, -2, -1), (-1, -2, 1), (1, 3, 0), (2, 3, 1), (-2, 3, -1), (-3, 2, -2), (0, 5, 0)];
        for (numerator, denominator, rounded) in cases {
            assert_eq!(half_away(numerator, denominator), Some(rounded), "{numerator}/{denominator}");
        }
        assert_eq!((half_away(1, 0), half_away(i128::MIN, -1)), (None, None));
        assert_eq!((half_away(i128::MIN, 1), half_away(i128::MAX, i128::MAX)), (Some(i128::MIN), Some(1)));
        assert_eq!((half_away(i128::MIN, i128::MIN), half_away(i128::MAX, i128::MIN)), (Some(1), Some(-1)));
    }

    proptest! {
        /// The nearest whole number; of two that are equally near, the one farther from zero.
        #[test]
        fn it_is_the_nearest_whole_number(numerator in any::<i64>(), denominator in any::<i64>(), small in -1_000_i64..1_000, by in -40_i64..40) {
            for (numerator, denominator) in [(numerator, denominator), (small, by)] {
                let (above, below) = (i128::from(numerator), i128::from(denominator));
                let Some(rounded) = half_away(above, below) else {
                    prop_assert_eq!(denominator, 0);
                    continue;
                };
                let off = |whole: i128| (whole * below - above).abs();
                prop_assert!(off(rounded) * 2 <= below.abs());
                let farther = rounded + if (above < 0) == (below < 0) { 1 } else { -1 };
                prop_assert!(off(farther) > off(rounded));
            }
        }
    }
}
