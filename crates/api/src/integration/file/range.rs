//! Which part of a content is asked for (RFC 9110, 14).

use std::ops::Range;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it: also where the header cannot be read or names several parts, which a server may pass over.
    Whole,
    Part(Range<u64>),
    /// Nothing that there is.
    Outside,
}

/// Reads a `Range` header for a content of so many bytes.
#[must_use]
pub fn read(header: &str, size: u64) -> Asked {
    let Some((unit, spec)) = header.split_once('=') else { return Asked::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Asked::Whole };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What does not fit is beyond every content.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Asked::Whole;
    }
    let (first, last) = (first.trim(), last.trim());
    match (number(first), number(last)) {
        (None, Some(count)) if first.is_empty() => match count.min(size) {
            0 => Asked::Outside,
            count => Asked::Part(size - count..size),
        },
        (Some(first), None) if last.is_empty() => within(first, u64::MAX, size),
        (Some(first), Some(last)) if first <= last => within(first, last, size),
        _ => Asked::Whole,
    }
}

fn within(first: u64, last: u64, size: u64) -> Asked {
    if first < size { Asked::Part(first..last.min(size - 1) + 1) } else { Asked::Outside }
}

#[cfg(test)]
mod tests {
    use super::{Asked::*, read};

    #[test]
    fn ranges_are_read_by_the_book() {
        assert_eq!(read("bytes=0-9", 100), Part(0..10));
        assert_eq!(read("Bytes = 90-", 100), Part(90..100));
        assert_eq!(read("bytes=-10", 100), Part(90..100));
        assert_eq!(read("bytes=-1000", 100), Part(0..100));
        assert_eq!(read("bytes=50-999", 100), Part(50..100));
        assert_eq!(read("bytes=99-99", 100), Part(99..100));
        assert_eq!(read("bytes=0-99999999999999999999999", 100), Part(0..100));
        for outside in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(read(outside, 100), Outside, "{outside}");
        }
        for whole in
            ["bytes=9-0", "bytes=a-b", "bytes=-", "bytes=", "lines=0-9", "bytes=0-1,5-6", "bytes", "bytes=+1-2", "bytes=1-2-3"]
        {
            assert_eq!(read(whole, 100), Whole, "{whole}");
        }
        assert_eq!((read("bytes=0-", 0), read("bytes=-5", 0)), (Outside, Outside));
    }
}
