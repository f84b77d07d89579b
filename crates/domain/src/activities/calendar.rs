//! When people are busy: what takes their time, as spans that do not touch each other.

use crate::values::time::Timestamp;

/// From when until when, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// The time that spans cover together, in order; what is empty or lies outside of a range is left out.
#[must_use]
pub fn covered(spans: &[Span], range: Span) -> Vec<Span> {
    let within = |span: &Span| Span { from: span.from.max(range.from), to: span.to.min(range.to) };
    let mut spans: Vec<Span> = spans.iter().map(within).filter(|span| span.from < span.to).collect();
    spans.sort_unstable_by_key(|span| span.from);
    let mut covered: Vec<Span> = Vec::new();
    for span in spans {
        match covered.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            Some(_) | None => covered.push(span),
        }
    }
    covered
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span((from, to): (i64, i64)) -> Span {
        Span { from: Timestamp::from_milliseconds(from), to: Timestamp::from_milliseconds(to) }
    }

    proptest! {
        #[test]
        fn every_moment_is_busy_if_one_span_has_it(
            spans in proptest::collection::vec((0_i64..60, 0_i64..60), 0..12), from in 0_i64..30, length in 0_i64..40
        ) {
            let spans: Vec<Span> = spans.into_iter().map(span).collect();
            let range = span((from, from + length));
            let covered = covered(&spans, range);
            let has = |spans: &[Span], moment: i64| {
                let moment = Timestamp::from_milliseconds(moment);
                spans.iter().any(|span| span.from <= moment && moment < span.to)
            };
            for moment in -1..80 {
                let busy = has(&spans, moment) && (from..from + length).contains(&moment);
                prop_assert_eq!(has(&covered, moment), busy, "{}", moment);
            }
            // In order, and none touches the next.
            prop_assert!(covered.windows(2).all(|pair| pair[0].to < pair[1].from));
        }
    }
}
