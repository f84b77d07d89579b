//! Links that are their own credential: what they say, signed with a secret of the tenant's own, so that nothing is kept of them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farley_domain::values::{id::Id, time::Timestamp};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::http::problem::Problem;

/// What a link leads to: no link of one form is one of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    File = 1,
    SurveyAnswer = 2,
}

/// The length of what is signed: form, tenant, record, seconds.
const SAID: usize = 1 + 16 + 16 + 8;

/// A link as it was read; nobody knows yet whether it was signed.
pub struct Sealed {
    pub tenant: Id,
    pub record: Id,
    /// In seconds since 1970.
    expires: i64,
    said: [u8; SAID],
    signature: Vec<u8>,
}

impl Sealed {
    /// Reads a link of a form.
    #[must_use]
    pub fn read(form: Form, text: &str) -> Option<Sealed> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (said, signature) = bytes.split_first_chunk::<SAID>()?;
        let (of, rest) = said.split_first()?;
        let (tenant, rest) = rest.split_first_chunk::<16>()?;
        let (record, expires) = rest.split_first_chunk::<16>()?;
        let id = |bytes: &[u8; 16]| Id(Uuid::from_bytes(*bytes));
        (*of == form as u8).then_some(Sealed {
            tenant: id(tenant),
            record: id(record),
            expires: i64::from_be_bytes(expires.try_into().ok()?),
            said: *said,
            signature: signature.to_vec(),
        })
    }

    /// Whether it was signed with the key.
    #[must_use]
    pub fn is_signed(&self, key: &[u8]) -> bool {
        signer(key).is_ok_and(|signer| signer.chain_update(self.said).verify_slice(&self.signature).is_ok())
    }

    /// Whether it was signed with the key and has not expired.
    #[must_use]
    pub fn holds(&self, key: &[u8], now: Timestamp) -> bool {
        self.is_signed(key) && now.milliseconds() < self.expires.saturating_mul(1000)
    }
}

fn signer(key: &[u8]) -> Result<Hmac<Sha256>, Problem> {
    Hmac::new_from_slice(key).map_err(Problem::internal)
}

/// A digest that nobody can make without the key.
pub fn digest(key: &[u8], said: &[&[u8]]) -> Result<Vec<u8>, Problem> {
    let signer = said.iter().fold(signer(key)?, |signer, part| signer.chain_update(part));
    Ok(signer.finalize().into_bytes().to_vec())
}

/// Whether a digest is the one that the key makes of this.
#[must_use]
pub fn is_digest(key: &[u8], said: &[&[u8]], digest: &[u8]) -> bool {
    signer(key)
        .is_ok_and(|signer| said.iter().fold(signer, |signer, part| signer.chain_update(part)).verify_slice(digest).is_ok())
}

/// The secret part of a link to a record.
pub fn seal(key: &[u8], form: Form, tenant: Id, record: Id, expires: Timestamp) -> Result<String, Problem> {
    let seconds = expires.milliseconds().div_euclid(1000) + 1;
    let said = [&[form as u8][..], tenant.0.as_bytes(), record.0.as_bytes(), &seconds.to_be_bytes()].concat();
    let signature = digest(key, &[&said])?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode([said, signature].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::clock;

    #[test]
    fn a_link_holds_as_it_was_made_and_no_longer() {
        let (tenant, file, now) = (clock::new_id(), clock::new_id(), clock::now());
        let link = seal(b"key", Form::File, tenant, file, now.plus_seconds(60)).unwrap();
        let read = |text: &str| Sealed::read(Form::File, text);
        let made = read(&link).unwrap();
        assert_eq!((made.tenant, made.record), (tenant, file));
        assert!(made.holds(b"key", now) && made.holds(b"key", now.plus_seconds(60)));
        assert!(!made.holds(b"key", now.plus_seconds(62)) && !made.holds(b"another", now));
        assert!(Sealed::read(Form::SurveyAnswer, &link).is_none(), "a link of another form");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&link).unwrap();
        for place in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[place] ^= 1;
            let forged = BASE64_URL_SAFE_NO_PAD.encode(forged);
            assert!(!read(&forged).is_some_and(|link| link.holds(b"key", now)), "byte {place}");
        }
        for wrong in ["", "x", "AQ", &link[..link.len() - 4], &format!("{link}AAAA")] {
            assert!(!read(wrong).is_some_and(|link| link.holds(b"key", now)), "{wrong}");
        }
    }
}
