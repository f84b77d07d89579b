//! The body of an upload as it arrives: passed on from the connection, whose stream belongs to one thread, and checked against the
//! digest that the client gave (RFC 9530).

use std::pin::Pin;

use actix_web::{
    HttpRequest,
    dev::Payload,
    web::{self, Bytes},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::{Stream, stream};
use sha2::{Digest, Sha256, Sha512};
use tokio::sync::{mpsc, oneshot};

use crate::http::{
    problem::{Code, Problem},
    request::Incoming,
};

/// How many pieces wait for the store before the connection does.
const WAITING: usize = 4;

/// The pieces of a body, with the problem at which it ends before its time.
pub type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Problem>> + Send>>;

/// A body as it arrives.
pub struct Arriving {
    pieces: Pieces,
    /// Whether it was the one that `Content-Digest` tells of; nothing comes where it did not end well.
    is_right: oneshot::Receiver<bool>,
}

impl Arriving {
    /// The body of a request, of at most `max` bytes.
    pub fn of(request: &HttpRequest, payload: web::Payload, max: usize) -> Result<Arriving, Problem> {
        let digest = Expected::of(request)?;
        let mut payload = payload.into_inner();
        // What the headers say is judged at once.
        drop(Incoming::of(request, &mut payload, max)?);
        let (giver, mut taker) = mpsc::channel(WAITING);
        let (judge, is_right) = oneshot::channel();
        let request = request.clone();
        actix_web::rt::spawn(async move {
            if let Err(problem) = pass_on(&request, &mut payload, max, digest, (&giver, judge)).await {
                drop(giver.send(Err(problem)).await);
            }
        });
        Ok(Arriving { pieces: Box::pin(stream::poll_fn(move |context| taker.poll_recv(context))), is_right })
    }

    /// Takes the pieces; what is left judges the body when they have been read.
    #[must_use]
    pub fn split(self) -> (Pieces, Judge) {
        (self.pieces, Judge(self.is_right))
    }
}

/// Tells whether a body was right as a whole.
pub struct Judge(oneshot::Receiver<bool>);

impl Judge {
    /// Waits for the end of the body.
    pub async fn judge(self) -> Result<(), Problem> {
        match self.0.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Problem::new(Code::DigestMismatch)),
            Err(_) => Err(Problem::new(Code::MalformedRequest).with("reason", "the body ends before its time")),
        }
    }
}

/// Passes a body on to whoever reads it. What nobody reads any more is read here while somebody waits for the judgement.
async fn pass_on(
    request: &HttpRequest,
    payload: &mut Payload,
    max: usize,
    mut digest: Expected,
    (giver, judge): (&mpsc::Sender<Result<Bytes, Problem>>, oneshot::Sender<bool>),
) -> Result<(), Problem> {
    let mut incoming = Incoming::of(request, payload, max)?;
    let mut is_read = true;
    while let Some(chunk) = incoming.next().await? {
        digest.add(&chunk);
        is_read = is_read && giver.send(Ok(chunk)).await.is_ok();
        if !is_read && judge.is_closed() {
            return Ok(());
        }
    }
    // Nobody may wait for it any more.
    let _ = judge.send(digest.is_met());
    Ok(())
}

/// The digests that a client gave, as far as we know their algorithms.
struct Expected {
    sha256: Option<(Sha256, Vec<u8>)>,
    sha512: Option<(Sha512, Vec<u8>)>,
}

impl Expected {
    /// Reads `Content-Digest: sha-256=:…:, sha-512=:…:`; other algorithms are passed over, as the RFC has it.
    fn of(request: &HttpRequest) -> Result<Expected, Problem> {
        let mut expected = Expected { sha256: None, sha512: None };
        let malformed = || Problem::new(Code::MalformedRequest).with("reason", "Content-Digest is not as RFC 9530 writes it");
        for header in request.headers().get_all("Content-Digest") {
            for member in header.to_str().map_err(|_| malformed())?.split(',').filter(|member| !member.trim().is_empty()) {
                let (algorithm, value) = member.trim().split_once('=').ok_or_else(malformed)?;
                let value = value.split(';').next().unwrap_or_default().trim();
                let encoded = value.strip_prefix(':').and_then(|value| value.strip_suffix(':')).ok_or_else(malformed)?;
                let value = BASE64_STANDARD.decode(encoded).map_err(|_| malformed())?;
                match algorithm {
                    "sha-256" => expected.sha256 = Some((Sha256::new(), value)),
                    "sha-512" => expected.sha512 = Some((Sha512::new(), value)),
                    _ => {}
                }
            }
        }
        Ok(expected)
    }

    fn add(&mut self, chunk: &[u8]) {
        if let Some((hasher, _)) = &mut self.sha256 {
            hasher.update(chunk);
        }
        if let Some((hasher, _)) = &mut self.sha512 {
            hasher.update(chunk);
        }
    }

    fn is_met(&mut self) -> bool {
        let sha256 = self.sha256.take().is_none_or(|(hasher, value)| hasher.finalize()[..] == value[..]);
        sha256 && self.sha512.take().is_none_or(|(hasher, value)| hasher.finalize()[..] == value[..])
    }
}
