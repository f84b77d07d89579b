//! Bounds that part a population into equal shares.

/// The bounds of so many equal parts of sorted values. A value reaches the k-th bound if at least k of the parts lie strictly
/// below it: equal values reach the same bounds, and where there are fewer different values than parts, some bounds are equal.
///
/// With n values, the k-th bound is one above the value at the place ⌈k n / parts⌉ (from one): the quantile of the nearest rank.
/// None of no values.
pub(super) fn bounds<const N: usize>(sorted: &[i64]) -> Option<[i64; N]> {
    let last = sorted.len().checked_sub(1)?;
    Some(std::array::from_fn(|place| {
        let rank = ((place + 1) * sorted.len()).div_ceil(N + 1);
        sorted[rank.saturating_sub(1).min(last)].saturating_add(1)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_reach_the_same_bounds() {
        assert_eq!(bounds::<4>(&[1, 2, 3, 4, 5]), Some([2, 3, 4, 5]));
        assert_eq!(bounds::<4>(&[1, 1, 1, 1, 9]), Some([2, 2, 2, 2]));
        assert_eq!(bounds::<2>(&[7]), Some([8, 8]));
        assert_eq!(bounds::<2>(&[]), None);
    }
}
