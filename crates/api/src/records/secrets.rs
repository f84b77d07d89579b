//! Secrets by which other systems know Farley's messages, and Farley theirs: told from a key of the tenant's own, and kept nowhere. Each is
//! replaced by the next number, and the former one holds for a while beside it.

use farley_domain::values::{id::Id, time::Timestamp};

use crate::{access::sealed::digest, http::problem::Problem};

/// For how long a former secret may hold, in hours.
pub const LONGEST_OVERLAP: i64 = 7 * 24;

crate::body! {
    /// How a secret is replaced.
    pub struct SecretRotation {
        /// For how many hours the former secret holds beside the new one: what Farley sends is signed with both, and what comes in may
        /// be signed with either. With 0 it ends at once.
        overlap_hours: i64 => integer(0, LONGEST_OVERLAP).default(24),
    }
    example serde_json::json!({"overlap_hours": 24})
}

/// The secret of one record.
#[derive(Clone, Copy, Debug)]
pub struct Secret {
    /// What it is a secret of, so that no two records share one.
    pub of: &'static [u8],
    pub id: Id,
    pub number: i64,
    pub former_until: Option<Timestamp>,
}

impl Secret {
    fn former_holds(&self, now: Timestamp) -> bool {
        self.former_until.is_some_and(|until| now < until)
    }

    /// The secret that holds now, by the key of the tenant.
    pub fn present(&self, key: &[u8]) -> Result<Vec<u8>, Problem> {
        self.numbered(key, self.number)
    }

    /// The secrets that hold now, the present one first.
    pub fn all(&self, key: &[u8], now: Timestamp) -> Result<Vec<Vec<u8>>, Problem> {
        let mut all = vec![self.present(key)?];
        if self.former_holds(now) {
            all.push(self.numbered(key, self.number - 1)?);
        }
        Ok(all)
    }

    /// The number of the next secret, and until when the present one holds beside it. While a former one holds still, there is no
    /// other, unless the overlap is to end at once.
    pub fn next(&self, rotation_hours: i64, now: Timestamp) -> Result<(i64, Option<Timestamp>), Problem> {
        if rotation_hours > 0 && self.former_holds(now) {
            return Err(Problem::state("still using its former secret", &[]));
        }
        Ok((self.number + 1, (rotation_hours > 0).then(|| now.plus_seconds(rotation_hours * 3_600))))
    }

    fn numbered(&self, key: &[u8], number: i64) -> Result<Vec<u8>, Problem> {
        digest(key, &[self.of, self.id.0.as_bytes(), &number.to_be_bytes()])
    }
}
