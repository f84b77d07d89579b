//! Points in time: UTC, milliseconds, RFC 3339 on the wire.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A point in time with millisecond precision: what is shown is what is stored, so a shown time can be filtered on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    milliseconds: i64,
}

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_milliseconds(milliseconds: i64) -> Timestamp {
        Timestamp { milliseconds }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        self.milliseconds
    }

    /// Microseconds since 1970-01-01T00:00:00Z: the unit both engines store.
    #[must_use]
    pub fn microseconds(self) -> i64 {
        self.milliseconds.saturating_mul(1000)
    }

    #[must_use]
    pub fn from_microseconds(microseconds: i64) -> Timestamp {
        Timestamp { milliseconds: microseconds.div_euclid(1000) }
    }

    /// The same instant as a chrono time; the ends of chrono's range stand for what lies beyond them.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.milliseconds).unwrap_or(if self.milliseconds < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }

    #[must_use]
    pub fn plus_milliseconds(self, milliseconds: i64) -> Timestamp {
        Timestamp { milliseconds: self.milliseconds.saturating_add(milliseconds) }
    }

    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Timestamp {
        Timestamp { milliseconds: self.milliseconds.saturating_add(seconds.saturating_mul(1000)) }
    }

    /// Reads RFC 3339 (`2026-09-30T08:00:00Z`, any offset). Years outside 0001–9999 are refused: engines differ there.
    #[must_use]
    pub fn parse(text: &str) -> Option<Timestamp> {
        let time = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
        (1..=9999).contains(&time.year()).then(|| Timestamp::from(time))
    }
}

/// How long a written time is: `2026-09-30T08:00:00.000Z`.
pub const WRITTEN: usize = 24;

impl Timestamp {
    /// Writes the time as the API shows it. By hand, since a page shows hundreds of times.
    pub fn write(self, buffer: &mut [u8; WRITTEN]) -> &str {
        const DAY: i64 = 86_400_000;
        // The years that can be read and stored; what lies beyond stands for its end.
        let milliseconds = self.milliseconds.clamp(-62_135_596_800_000, 253_402_300_799_999);
        let (days, within) = (milliseconds.div_euclid(DAY), milliseconds.rem_euclid(DAY));
        let date = DateTime::from_timestamp_millis(days * DAY).map_or(NaiveDate::MIN, |time| time.date_naive());
        *buffer = *b"0000-00-00T00:00:00.000Z";
        let mut put = |place: usize, digits: usize, number: i64| {
            let mut rest = number;
            for position in (place..place + digits).rev() {
                buffer[position] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
                rest /= 10;
            }
        };
        put(0, 4, date.year().into());
        put(5, 2, date.month().into());
        put(8, 2, date.day().into());
        put(11, 2, within / 3_600_000);
        put(14, 2, within / 60_000 % 60);
        put(17, 2, within / 1000 % 60);
        put(20, 3, within % 1000);
        std::str::from_utf8(buffer).unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Timestamp {
        Timestamp { milliseconds: time.timestamp_millis() }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; WRITTEN];
        f.write_str(self.write(&mut buffer))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time"))
    }
}

/// Reads an ISO 8601 calendar date (`2026-09-30`), years 0001–9999.
#[must_use]
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (text.len() == 10 && (1..=9999).contains(&date.year())).then_some(date)
}

/// The first instant of a calendar day in a time zone; where clocks skip midnight, the first instant that exists.
#[must_use]
pub fn start_of_day(date: NaiveDate, zone: chrono_tz::Tz) -> Timestamp {
    let midnight = date.and_time(chrono::NaiveTime::MIN);
    let mut local = midnight;
    for _ in 0..8 {
        if let Some(time) = zone.from_local_datetime(&local).earliest() {
            return Timestamp::from(time.with_timezone(&Utc));
        }
        local += chrono::Duration::minutes(30);
    }
    Timestamp::from(midnight.and_utc())
}

/// The instant at which clocks of the zone show this: the first, where they show it twice; the next that exists, where
/// they skip it.
pub(crate) fn instant_of(local: chrono::NaiveDateTime, zone: chrono_tz::Tz) -> Timestamp {
    // Zones skip by half hours at least and by a day at most (Samoa, 2011).
    (0..=48)
        .filter_map(|steps| local.checked_add_signed(chrono::Duration::minutes(30 * steps)))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map_or_else(|| Timestamp::from(local.and_utc()), |time: DateTime<chrono_tz::Tz>| time.with_timezone(&Utc).into())
}

/// Minutes since midnight of a time of day; `24:00` is its end.
#[must_use]
pub fn minutes_of_day(text: &str) -> Option<u32> {
    if text == "24:00" {
        return Some(24 * 60);
    }
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| text.len() == 5)?;
    Some(time.hour() * 60 + time.minute())
}

/// Times one after the other, each later than the one before: what came at the same time keeps its order.
#[must_use]
pub fn rising(times: impl Iterator<Item = Timestamp>) -> Vec<Timestamp> {
    let mut rising: Vec<Timestamp> = Vec::new();
    for time in times {
        rising.push(rising.last().map_or(time, |last| time.max(last.plus_milliseconds(1))));
    }
    rising
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Never out of order, never two at once, and none later than need be.
        #[test]
        fn rising_times_hardly_move(told in proptest::collection::vec(0_i64..20, 0..12)) {
            let times = rising(told.iter().copied().map(Timestamp::from_milliseconds));
            prop_assert_eq!(times.len(), told.len());
            for (place, time) in (0_i64..).zip(&times) {
                let least = (0..=place).zip(&told).map(|(before, told)| told + place - before).max();
                prop_assert_eq!(Some(time.milliseconds()), least);
            }
        }

        #[test]
        fn a_time_is_written_as_rfc_3339_and_read_back(milliseconds in -62_135_596_800_000_i64..253_402_300_800_000) {
            let time = Timestamp::from_milliseconds(milliseconds);
            prop_assert_eq!(time.to_string(), time.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true));
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }
    }
}
