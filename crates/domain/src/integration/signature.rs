//! Signatures of what is posted to other systems, and of what they post: Standard Webhooks 1.0.0, with secrets that both sides know.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::values::time::Timestamp;

/// The headers that bear the id of a message, the time of the attempt in seconds since 1970, and the signatures.
pub const ID: &str = "webhook-id";
pub const TIMESTAMP: &str = "webhook-timestamp";
pub const SIGNATURE: &str = "webhook-signature";
/// How far the clocks of both sides may differ, in seconds.
pub const TOLERANCE_SECONDS: i64 = 300;
/// What secrets begin with.
const SECRET: &str = "whsec_";
/// What public keys begin with.
const PUBLIC_KEY: &str = "whpk_";
/// What stands before a signature by a private key.
const PUBLIC_VERSION: &str = "v1a,";
/// What stands before a signature by a secret that both sides know.
const VERSION: &str = "v1,";
/// The longest id of a message.
const LONGEST_ID: usize = 256;
/// How many signatures of one message are looked at.
const MOST_SIGNATURES: usize = 10;

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("webhook-id is missing, longer than 256 bytes, or has a full stop")]
    Id,
    #[error("webhook-timestamp is no number of seconds since 1970")]
    Timestamp,
    #[error("webhook-timestamp is more than five minutes off")]
    Clock,
    #[error("no v1 signature in webhook-signature is right")]
    Signature,
}

/// A secret as people paste it.
#[must_use]
pub fn secret(key: &[u8]) -> String {
    format!("{SECRET}{}", BASE64_STANDARD.encode(key))
}

/// A public key as people paste it.
#[must_use]
pub fn public_key(key: &[u8]) -> String {
    format!("{PUBLIC_KEY}{}", BASE64_STANDARD.encode(key))
}

/// The headers of a message, signed with each of the keys: while a secret is being replaced, with the former one too.
#[must_use]
pub fn headers(keys: &[Vec<u8>], id: &str, at: Timestamp, body: &[u8]) -> [(&'static str, String); 3] {
    let seconds = seconds_of(at);
    let signatures = keys.iter().filter_map(|key| {
        let signature = signer(key, id, &seconds, body)?.finalize().into_bytes();
        Some(format!("{VERSION}{}", BASE64_STANDARD.encode(signature)))
    });
    let signatures = signatures.collect::<Vec<_>>().join(" ");
    [(ID, id.to_owned()), (TIMESTAMP, seconds), (SIGNATURE, signatures)]
}

/// The headers of a message that is signed with private keys (Ed25519): `sign` makes the signatures of what it is given.
#[must_use]
pub fn public_headers(sign: impl Fn(&[u8]) -> Vec<Vec<u8>>, id: &str, at: Timestamp, body: &[u8]) -> [(&'static str, String); 3] {
    let seconds = seconds_of(at);
    let signed = [id.as_bytes(), b".", seconds.as_bytes(), b".", body].concat();
    let signatures = sign(&signed).into_iter().map(|signature| format!("{PUBLIC_VERSION}{}", BASE64_STANDARD.encode(signature)));
    let signatures = signatures.collect::<Vec<_>>().join(" ");
    [(ID, id.to_owned()), (TIMESTAMP, seconds), (SIGNATURE, signatures)]
}

fn seconds_of(at: Timestamp) -> String {
    at.milliseconds().div_euclid(1000).to_string()
}

/// Whether a message was signed, a moment ago, with one of the keys. It takes as long whatever is wrong with a signature.
pub fn verify(
    keys: &[Vec<u8>],
    [id, timestamp, signatures]: [&str; 3],
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    if id.is_empty() || id.len() > LONGEST_ID || id.contains('.') {
        return Err(SignatureError::Id);
    }
    let seconds: i64 = timestamp.parse().map_err(|_| SignatureError::Timestamp)?;
    // Written in another way it would not be what was signed.
    if seconds.to_string() != timestamp {
        return Err(SignatureError::Timestamp);
    }
    if now.milliseconds().div_euclid(1000).abs_diff(seconds) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(SignatureError::Clock);
    }
    let mut holds = false;
    for signature in signatures.split(' ').filter_map(|one| one.strip_prefix(VERSION)).take(MOST_SIGNATURES) {
        let Ok(signature) = BASE64_STANDARD.decode(signature) else { continue };
        for signer in keys.iter().filter_map(|key| signer(key, id, timestamp, body)) {
            holds |= signer.verify_slice(&signature).is_ok();
        }
    }
    if holds { Ok(()) } else { Err(SignatureError::Signature) }
}

fn signer(key: &[u8], id: &str, seconds: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let signer = Hmac::<Sha256>::new_from_slice(key).ok()?;
    Some([id.as_bytes(), b".", seconds.as_bytes(), b".", body].into_iter().fold(signer, |signer, part| signer.chain_update(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn signs_as_the_specification_does() {
        let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_milliseconds(1_614_265_330_000);
        let body = br#"{"test": 2432232314}"#;
        let [id, timestamp, signature] = headers(std::slice::from_ref(&key), "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body);
        assert_eq!(timestamp, (TIMESTAMP, "1614265330".to_owned()));
        assert_eq!(signature.1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(secret(&key), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let told = [id.1.as_str(), timestamp.1.as_str(), signature.1.as_str()];
        assert_eq!(verify(&[b"new".to_vec(), key.clone()], told, body, at.plus_seconds(299)), Ok(()));
        let two = format!("v1a,AAAA v1,AAAA {}", signature.1);
        assert_eq!(verify(std::slice::from_ref(&key), [told[0], told[1], &two], body, at), Ok(()));
        let refused = |told: [&str; 3], body: &[u8], now| verify(std::slice::from_ref(&key), told, body, now).unwrap_err();
        assert_eq!(refused(told, b"{}", at), SignatureError::Signature);
        assert_eq!(refused([told[0], told[1], ""], body, at), SignatureError::Signature);
        assert_eq!(refused([told[0], "1614265331", told[2]], body, at), SignatureError::Signature);
        assert_eq!(refused([told[0], "+1614265330", told[2]], body, at), SignatureError::Timestamp);
        assert_eq!(refused(["a.b", told[1], told[2]], body, at), SignatureError::Id);
        assert_eq!(refused(told, body, at.plus_seconds(301)), SignatureError::Clock);
        assert_eq!(refused(told, body, at.plus_seconds(-301)), SignatureError::Clock);
    }
}
