//! Access tokens: JWTs signed with Ed25519. The keys live in the database, so that every node signs and knows the same ones.

use std::{
    collections::HashMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farley_domain::values::{id::Id, time::Timestamp};
use farley_persistence::{Origin, SigningKeyRow, Store, TenantKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::http::{
    clock,
    problem::{Code, Problem},
};

/// How long an access token holds, in seconds.
pub const ACCESS_SECONDS: i64 = 15 * 60;
/// How long a key signs; then another takes its place.
const SIGNING_SECONDS: i64 = 30 * 24 * 3600;
/// How long before its retirement a key's successor is published, so that every verifier knows it in time.
const OVERLAP_SECONDS: i64 = 24 * 3600;
/// How often unknown keys may make us read the keys again.
const REREAD_MILLISECONDS: i64 = 1000;
const ISSUER: &str = "farley";
/// Whom the tokens are for: a token of the same keys for anything else is none of ours.
const AUDIENCE: &str = "farley-api";
/// Whom the tokens of contacts in customer portals are for.
pub const PORTAL_AUDIENCE: &str = "farley-portal";
/// What the tokens are (RFC 9068).
const TOKEN_TYPE: &str = "at+jwt";
/// How far the clocks of two nodes may be apart, in seconds.
const SKEW_SECONDS: i64 = 30;
/// Work on what stands above tenants is done in no tenant.
pub const NO_TENANT: TenantKey = TenantKey { id: Id::NIL, number: 0 };

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The user, or the contact in a portal.
    pub sub: Id,
    /// The tenant.
    pub tid: Id,
    /// The session.
    pub sid: Id,
    pub iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    pub exp: i64,
}

struct Key {
    id: Id,
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: Vec<u8>,
    created_at: Timestamp,
    retires_at: Timestamp,
}

/// The keys in use, and tokens that have been verified already: a check of a signature costs more than the rest of a read.
pub struct Tokens {
    keys: RwLock<Arc<HashMap<Id, Key>>>,
    verified: moka::sync::Cache<String, Arc<Claims>>,
    /// When an unknown key last made us read the keys again, in milliseconds.
    reread: AtomicI64,
}

impl Default for Tokens {
    fn default() -> Tokens {
        let verified = moka::sync::Cache::builder()
            .max_capacity(20_000)
            .time_to_live(Duration::from_secs(ACCESS_SECONDS.unsigned_abs()))
            .build();
        Tokens { keys: RwLock::default(), verified, reread: AtomicI64::new(0) }
    }
}

impl Tokens {
    /// Reads the keys again, makes one where none signs, and a successor where one soon retires.
    pub async fn refresh(&self, store: &Store) -> Result<(), Problem> {
        let now = clock::now();
        let rows = store.read::<_, Problem>(NO_TENANT, |reader| Ok(reader.signing_keys()?)).await?;
        let lasting = rows.iter().any(|row| row.retires_at > now.plus_seconds(OVERLAP_SECONDS));
        let rows = if lasting {
            rows
        } else {
            match self.add_key(store, now).await {
                Err(problem) if problem.is_unwritable() && !rows.is_empty() => rows,
                made => made?,
            }
        };
        let keys = rows.into_iter().map(|row| Ok((row.id, Key::read(row)))).collect::<Result<_, Problem>>()?;
        if let Ok(mut current) = self.keys.write() {
            *current = Arc::new(keys);
        }
        Ok(())
    }

    async fn add_key(&self, store: &Store, now: Timestamp) -> Result<Vec<SigningKeyRow>, Problem> {
        let seed = clock::random_bytes::<32>();
        let public_key = public_key(&seed)?;
        let write = move |work: &mut farley_persistence::Work<'_>| {
            let row = SigningKeyRow {
                id: work.new_id(),
                private_key: seed.to_vec(),
                public_key: public_key.clone(),
                created_at: now,
                retires_at: now.plus_seconds(SIGNING_SECONDS),
            };
            work.forget_signing_keys(now.plus_seconds(-2 * ACCESS_SECONDS))?;
            work.add_signing_key(&row)?;
            Ok::<_, Problem>(work.reader().signing_keys()?)
        };
        store.write(NO_TENANT, Origin::system(now), write).await
    }

    /// Retires every key that signs now and makes a new one; tokens of the old ones hold until they expire.
    pub async fn rotate(&self, store: &Store) -> Result<(), Problem> {
        store.write(NO_TENANT, Origin::system(clock::now()), |work| Ok::<_, Problem>(work.retire_signing_keys()?)).await?;
        self.refresh(store).await
    }

    fn keys(&self) -> Arc<HashMap<Id, Key>> {
        self.keys.read().map(|keys| Arc::clone(&keys)).unwrap_or_default()
    }

    pub fn sign(&self, tenant: Id, user: Id, session: Id, now: Timestamp) -> Result<String, Problem> {
        self.sign_for(AUDIENCE, tenant, user, session, now)
    }

    /// Signs a token that is good for one audience alone.
    pub fn sign_for(&self, audience: &'static str, tenant: Id, user: Id, session: Id, now: Timestamp) -> Result<String, Problem> {
        let keys = self.keys();
        // The oldest key that still signs: its successor is published before it is used.
        let signing = keys.values().filter(|key| key.retires_at > now).min_by_key(|key| key.created_at);
        // Where no successor could be stored, the last one goes on.
        let signing = signing.or_else(|| keys.values().max_by_key(|key| key.created_at));
        let key = signing.ok_or_else(|| Problem::internal("no key signs"))?;
        let issued = now.milliseconds() / 1000;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: audience.to_owned(),
            sub: user,
            tid: tenant,
            sid: session,
            iat: issued,
            nbf: None,
            exp: issued + ACCESS_SECONDS,
        };
        let typ = Some(TOKEN_TYPE.to_owned());
        let header = Header { typ, kid: Some(key.id.to_string()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(Problem::internal)
    }

    /// The claims of a token, if it is ours and still holds.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Claims>, Problem> {
        self.verify_for(AUDIENCE, token, now)
    }

    /// The same of a token for an audience.
    pub fn verify_for(&self, audience: &'static str, token: &str, now: Timestamp) -> Result<Arc<Claims>, Problem> {
        let seconds = now.milliseconds() / 1000;
        if let Some(claims) = self.verified.get(token) {
            if claims.aud != audience {
                return Err(Problem::new(Code::Unauthorized));
            }
            return if claims.exp > seconds { Ok(claims) } else { Err(Problem::new(Code::TokenExpired)) };
        }
        let refused = || Problem::new(Code::Unauthorized);
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused())?;
        if !header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case(TOKEN_TYPE)) || has_critical_parts(token) {
            return Err(refused());
        }
        let kid: Id = header.kid.and_then(|kid| kid.parse().ok()).ok_or_else(refused)?;
        let keys = self.keys();
        let key = keys.get(&kid).ok_or_else(refused)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "aud", "exp"]);
        validation.leeway = 0;
        // The expiry is judged below, by our clock.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).map_err(|_| refused())?.claims;
        let latest = seconds + SKEW_SECONDS;
        if claims.iat > latest || claims.nbf.is_some_and(|from| from > latest) {
            return Err(refused());
        }
        if claims.exp <= seconds {
            return Err(Problem::new(Code::TokenExpired));
        }
        let claims = Arc::new(claims);
        self.verified.insert(token.to_owned(), Arc::clone(&claims));
        Ok(claims)
    }

    /// The same; a token of a key that another node has just made is verified after the keys have been read again.
    pub async fn verify_fresh(&self, store: &Store, token: &str, now: Timestamp) -> Result<Arc<Claims>, Problem> {
        self.verify_fresh_for(AUDIENCE, store, token, now).await
    }

    /// The same of a token for an audience.
    pub async fn verify_fresh_for(
        &self,
        audience: &'static str,
        store: &Store,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<Claims>, Problem> {
        match self.verify_for(audience, token, now) {
            Err(problem) if problem.code == Code::Unauthorized && self.knows_not(token) => {
                let last = self.reread.swap(now.milliseconds(), Ordering::Relaxed);
                if now.milliseconds() - last > REREAD_MILLISECONDS {
                    self.refresh(store).await?;
                }
                self.verify_for(audience, token, now)
            }
            result => result,
        }
    }

    fn knows_not(&self, token: &str) -> bool {
        let header = jsonwebtoken::decode_header(token).ok();
        let kid = header.and_then(|header| header.kid?.parse::<Id>().ok());
        kid.is_some_and(|kid| !self.keys().contains_key(&kid))
    }

    /// The public keys, for others who verify our tokens.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        let keys = self.keys();
        let mut keys: Vec<&Key> = keys.values().collect();
        keys.sort_by_key(|key| key.created_at);
        let public = |key: &Key| Jwk {
            kty: "OKP",
            crv: "Ed25519",
            r#use: "sig",
            alg: "EdDSA",
            kid: key.id.to_string(),
            x: BASE64_URL_SAFE_NO_PAD.encode(&key.public),
        };
        Jwks { keys: keys.into_iter().map(public).collect() }
    }
}

/// Whether the header demands that something be understood (`crit`, RFC 7515): we understand no extension.
fn has_critical_parts(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let header =
        BASE64_URL_SAFE_NO_PAD.decode(header).ok().and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    header.is_none_or(|header| header.get("crit").is_some())
}

/// A public key of the server (RFC 7517).
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Jwk {
    #[schema(example = "OKP")]
    kty: &'static str,
    #[schema(example = "Ed25519")]
    crv: &'static str,
    r#use: &'static str,
    #[schema(example = "EdDSA")]
    alg: &'static str,
    kid: String,
    x: String,
}

/// The public keys of the server.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

impl Key {
    fn read(row: SigningKeyRow) -> Key {
        Key {
            id: row.id,
            encoding: EncodingKey::from_ed_der(&pkcs8(&row.private_key)),
            decoding: DecodingKey::from_ed_der(&row.public_key),
            public: row.public_key,
            created_at: row.created_at,
            retires_at: row.retires_at,
        }
    }
}

fn public_key(seed: &[u8; 32]) -> Result<Vec<u8>, Problem> {
    Ok(ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes().to_vec())
}

/// The seed in the frame of PKCS #8 (RFC 8410) that the JWT library reads.
fn pkcs8(seed: &[u8]) -> Vec<u8> {
    const FRAME: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    [FRAME.as_slice(), seed].concat()
}

/// The SHA-256 under which a long random secret is stored.
#[must_use]
pub fn secret_hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// A new secret of 256 bits with a prefix that tells what it is.
#[must_use]
pub fn new_secret(prefix: &str) -> String {
    format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>()))
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};
    use serde_json::{Value, json};

    use super::*;

    const SEED: [u8; 32] = [7; 32];

    struct Signed {
        tokens: Tokens,
        now: Timestamp,
        header: Value,
        claims: Value,
    }

    impl Signed {
        fn new() -> Signed {
            let (now, kid) = (clock::now(), clock::new_id());
            let row = SigningKeyRow {
                id: kid,
                private_key: SEED.to_vec(),
                public_key: public_key(&SEED).unwrap(),
                created_at: now,
                retires_at: now.plus_seconds(SIGNING_SECONDS),
            };
            let tokens = Tokens::default();
            *tokens.keys.write().unwrap() = Arc::new(HashMap::from([(kid, Key::read(row))]));
            let issued = now.milliseconds() / 1000;
            let [user, tenant, session] = [(); 3].map(|()| clock::new_id());
            Signed {
                tokens,
                now,
                header: json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid}),
                claims: json!({"iss": "farley", "aud": "farley-api", "sub": user, "tid": tenant, "sid": session,
                    "iat": issued, "exp": issued + ACCESS_SECONDS}),
            }
        }

        /// Why the token is refused if a member of its header or claims is another; null takes it away.
        fn refusal(&self, of_header: bool, member: &str, value: Value) -> Option<Code> {
            let (mut header, mut claims) = (self.header.clone(), self.claims.clone());
            let changed = if of_header { &mut header } else { &mut claims }.as_object_mut().unwrap();
            if value.is_null() {
                changed.shift_remove(member);
            } else {
                changed.insert(member.to_owned(), value);
            }
            self.verify(&token(&SEED, &header, &claims))
        }

        fn verify(&self, token: &str) -> Option<Code> {
            self.tokens.verify(token, self.now).err().map(|problem| problem.code)
        }
    }

    fn token(seed: &[u8; 32], header: &Value, claims: &Value) -> String {
        let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let signature = SigningKey::from_bytes(seed).sign(format!("{header}.{claims}").as_bytes());
        format!("{header}.{claims}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    #[test]
    fn tokens_for_something_else_are_refused() {
        let signed = Signed::new();
        let issued = signed.now.milliseconds() / 1000;
        assert_eq!(signed.verify(&token(&SEED, &signed.header, &signed.claims)), None);
        assert_eq!(signed.verify(&token(&[8; 32], &signed.header, &signed.claims)), Some(Code::Unauthorized), "another key's");
        for (member, value) in [
            ("typ", json!("JWT")),
            ("typ", json!(null)),
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("kid", json!(null)),
            ("kid", json!(clock::new_id())),
        ] {
            assert_eq!(signed.refusal(true, member, value.clone()), Some(Code::Unauthorized), "{member}: {value}");
        }
        for (member, value) in [
            ("aud", json!("another-api")),
            ("aud", json!(null)),
            ("iss", json!("another")),
            ("iss", json!(null)),
            ("exp", json!(null)),
            ("sid", json!(null)),
            ("iat", json!(issued + SKEW_SECONDS + 1)),
            ("nbf", json!(issued + SKEW_SECONDS + 1)),
        ] {
            assert_eq!(signed.refusal(false, member, value.clone()), Some(Code::Unauthorized), "{member}: {value}");
        }
        assert_eq!(signed.refusal(false, "exp", json!(issued)), Some(Code::TokenExpired));
        // The clock of the node that signed may be a little ahead, and a media type is written in any case.
        assert_eq!(signed.refusal(false, "iat", json!(issued + SKEW_SECONDS)), None);
        assert_eq!(signed.refusal(false, "nbf", json!(issued + SKEW_SECONDS)), None);
        assert_eq!(signed.refusal(true, "typ", json!("AT+JWT")), None);
    }

    #[test]
    fn a_token_is_good_for_its_audience_alone() {
        let signed = Signed::new();
        let [tenant, contact, session] = [(); 3].map(|()| clock::new_id());
        let of_portal = signed.tokens.sign_for(PORTAL_AUDIENCE, tenant, contact, session, signed.now).unwrap();
        let of_staff = signed.tokens.sign(tenant, contact, session, signed.now).unwrap();
        // The second time it is known.
        for _ in 0..2 {
            let good = |audience, token: &str| signed.tokens.verify_for(audience, token, signed.now).is_ok();
            assert!(good(PORTAL_AUDIENCE, &of_portal) && good(AUDIENCE, &of_staff));
            assert!(!good(AUDIENCE, &of_portal) && !good(PORTAL_AUDIENCE, &of_staff));
        }
    }

    #[test]
    fn a_token_that_was_verified_expires_all_the_same() {
        let signed = Signed::new();
        let [tenant, user, session] = [(); 3].map(|()| clock::new_id());
        let token = signed.tokens.sign(tenant, user, session, signed.now).unwrap();
        let claims = signed.tokens.verify(&token, signed.now).unwrap();
        assert_eq!((claims.tid, claims.sub, claims.sid), (tenant, user, session));
        let later = signed.now.plus_seconds(ACCESS_SECONDS);
        assert_eq!(signed.tokens.verify(&token, later).err().map(|problem| problem.code), Some(Code::TokenExpired));
    }
}
