//! The stretches of a clock's time: what was counted, and why the rest was not.

use super::{Entered, Progress, Target};
use crate::{service::business_time::Kind, values::time::Timestamp};

/// What a stretch of time was to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    Counted,
    /// The status does not count.
    Paused,
    ClosedHours,
    Holiday,
}

impl SegmentKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SegmentKind::Counted => "counted",
            SegmentKind::Paused => "paused",
            SegmentKind::ClosedHours => "closed_hours",
            SegmentKind::Holiday => "holiday",
        }
    }
}

/// A stretch of the time of a clock, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    pub from: Timestamp,
    pub to: Timestamp,
    pub kind: SegmentKind,
    /// The status the ticket had, and the event that set it.
    pub status: Option<Entered>,
}

impl Segment {
    /// In milliseconds.
    #[must_use]
    pub fn length(&self) -> i64 {
        self.to.milliseconds() - self.from.milliseconds()
    }
}

/// What the time between two instants was to a clock with a target, by the statuses that the ticket entered, oldest first; before the
/// first of them, and without any, it counts.
#[must_use]
pub fn segments(from: Timestamp, to: Timestamp, target: &Target, statuses: &[Entered]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let ends = statuses.iter().skip(1).map(|next| next.at).chain([to]);
    let before = statuses.first().map_or(to, |first| first.at);
    let stretches = [(None, from, before)].into_iter();
    let stretches = stretches.chain(statuses.iter().zip(ends).map(|(entered, end)| (Some(*entered), entered.at, end)));
    for (status, begin, end) in stretches {
        let (begin, end) = (begin.max(from), end.min(to));
        if begin >= end {
            continue;
        }
        let progress = status.map_or(Progress::Counts, |entered| target.progress(entered.status, entered.rests.is_some()));
        match (progress, &target.hours) {
            (Progress::Pauses | Progress::Stops | Progress::Rests, _) => {
                segments.push(Segment { from: begin, to: end, kind: SegmentKind::Paused, status });
            }
            (Progress::Counts, None) => segments.push(Segment { from: begin, to: end, kind: SegmentKind::Counted, status }),
            (Progress::Counts, Some(hours)) => segments.extend(hours.stretches(begin, end).map(|stretch| Segment {
                from: stretch.from,
                to: stretch.to,
                kind: match stretch.kind {
                    Kind::Open => SegmentKind::Counted,
                    Kind::ClosedHours => SegmentKind::ClosedHours,
                    Kind::Holiday => SegmentKind::Holiday,
                },
                status,
            })),
        }
    }
    segments
}
