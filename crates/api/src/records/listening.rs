//! Server-sent events out of the log of a tenant: what all streams have in common. Each stands at a position of the log and goes on from
//! there, so that whoever comes back with the id of the last event misses none, over whichever node.

use std::{collections::VecDeque, convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header, web::Bytes};
use farley_domain::model::{entity::Entity, handle::Handle, record::Record};
use farley_persistence::{EventRow, WantedEvents};
use futures_util::stream;
use serde::Serialize;
use tokio::{sync::watch, time::Instant};

use super::{body, events};
use crate::{
    access::{
        call::Call,
        pass::{Counted, Pass},
        principal::{Principal, is_of_access},
        state::State,
        tail::{After, Tail},
    },
    http::{
        clock,
        problem::{Code, Problem},
        request::parameters,
    },
};

/// What a listener hears at the end of a node: to come back soon, where another may be.
const FAREWELL: &[u8] = b"retry: 1000\n: this server stops\n\n";
/// How often a sign of life is given. It carries how far the log has been looked through, so that nobody looks through it again.
const SIGN: Duration = Duration::from_secs(15);
/// After how long it is asked once more who listens, where events are shown, and where none are.
const BELIEVED: Duration = Duration::from_secs(2);
const BELIEVED_IDLE: Duration = Duration::from_secs(300);
/// And after what may have changed that: a node keeps what it knows of a caller for less.
const FORGOTTEN: Duration = Duration::from_millis(2_500);
/// How many events are looked at in one go.
const AT_ONCE: usize = 50;
/// How long it waits where the store cannot be read.
const BROKEN: Duration = Duration::from_secs(1);

/// One event on its way to a listener.
pub struct Sent {
    pub seq: i64,
    pub event: &'static str,
    pub json: String,
}

/// What is shown, of those events that may concern the listener, in their order.
pub type Showing = Pin<Box<dyn Future<Output = Result<Vec<Sent>, Problem>> + Send>>;

/// What a stream shows.
pub trait Shown: Send + Sync + 'static {
    /// Whether an event may concern the listener: asked of each, without the store.
    fn concerns(&self, event: &EventRow, principal: &Principal) -> bool;
    /// What of these events they may know.
    fn show(&self, state: &Arc<State>, principal: &Arc<Principal>, events: Vec<Arc<EventRow>>) -> Showing;
}

/// One listener.
struct Listener {
    counted: Counted,
    pass: Pass,
    principal: Arc<Principal>,
    /// When it was asked who listens.
    resolved: Instant,
    /// When it is to be asked again, as something has changed.
    doubted: Option<Instant>,
    shown: Box<dyn Shown>,
    tail: Arc<Tail>,
    news: watch::Receiver<i64>,
    /// The position in the log up to which everything has been sent.
    after: i64,
    waiting: VecDeque<Bytes>,
    sign: Instant,
    ended: bool,
}

/// Reads what a stream is asked for, and who asks.
pub async fn enter<Q: Entity>(
    request: &HttpRequest,
    ticket: Handle<Q, Option<String>>,
) -> Result<(Call, Pass, Record<Q>), Problem> {
    let parameters = parameters(request)?;
    match body::read_query::<Q>(&parameters) {
        Ok(asked) => {
            let (call, pass) = Pass::of(request, asked.get(ticket)).await?;
            Ok((call, pass, asked))
        }
        // No ticket is spent on what is refused.
        Err(faults) if parameters.iter().any(|(name, _)| name == ticket.name()) => Err(faults.into()),
        Err(faults) => {
            Pass::of(request, None).await?;
            Err(faults.into())
        }
    }
}

/// Where a stream begins.
pub enum Begin {
    At(i64),
    /// The position asked for is none of this log.
    Nowhere,
}

impl Begin {
    #[must_use]
    pub fn cursor(&self) -> Option<String> {
        match self {
            Begin::At(position) => Some(events::cursor(*position)),
            Begin::Nowhere => None,
        }
    }
}

/// Where a client wants to go on: behind the last event it has had or, when it connects first, behind a cursor.
pub fn begin(request: &HttpRequest, cursor: Option<&str>, end: i64) -> Begin {
    let last = request.headers().get("Last-Event-ID").and_then(|value| value.to_str().ok()).filter(|id| !id.is_empty());
    match last.or(cursor) {
        None | Some(events::NOW) => Begin::At(end),
        Some(text) => match events::position(text) {
            Some(position) if position <= end => Begin::At(position),
            Some(_) | None => Begin::Nowhere,
        },
    }
}

/// Opens a stream. `ready` is what its first event says.
pub async fn open(
    (call, pass): (Call, Pass),
    begin: Begin,
    ready: &impl Serialize,
    shown: impl Shown,
) -> Result<HttpResponse, Problem> {
    let counted = Counted::begin(&call.state, call.principal.credential)?;
    let tail = call.state.tails.follow(&call.state.store, call.tenant()).await?;
    let mut waiting = VecDeque::new();
    let (after, ended) = match begin {
        Begin::At(position) => {
            let json = serde_json::to_string(ready)?;
            let text = format!("retry: 3000\nevent: ready\nid: {}\ndata: {json}\n\n", events::cursor(position));
            waiting.push_back(Bytes::from(text));
            (position, false)
        }
        Begin::Nowhere => {
            // An answer other than 200 would end an event source for good, and say nothing to whoever listens to it. The empty id makes
            // it begin anew when it comes back.
            let code = Code::CursorGone.as_str();
            waiting.push_back(Bytes::from(format!("retry: 3000\nevent: reset\nid\ndata: {{\"code\":\"{code}\"}}\n\n")));
            (0, true)
        }
    };
    let now = Instant::now();
    let listener = Listener {
        counted,
        pass,
        principal: Arc::clone(&call.principal),
        resolved: now,
        doubted: None,
        shown: Box::new(shown),
        news: tail.watch(),
        tail,
        after,
        waiting,
        sign: now + SIGN,
        ended,
    };
    let body = stream::unfold(listener, |mut listener| async move {
        let next = listener.next().await?;
        Some((Ok::<Bytes, Infallible>(next), listener))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(body)))
}

impl Listener {
    fn state(&self) -> &Arc<State> {
        self.counted.state()
    }

    /// What is to be sent next; none when the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                return Some(bytes);
            }
            if self.ended {
                return None;
            }
            if self.state().stopping.is_begun() {
                self.ended = true;
                return Some(Bytes::from_static(FAREWELL));
            }
            match self.go_on().await {
                Ok(true) => {}
                Ok(false) => self.wait().await,
                // The store may come back; where this listener stands is not lost.
                Err(problem) if problem.inside().is_some() => {
                    tracing::debug!(%problem, "a stream could not look into the log");
                    tokio::time::sleep(BROKEN).await;
                }
                Err(problem) => {
                    // Whoever listens needs another token or ticket, and says so to nobody but its own server.
                    let code = problem.code.as_str();
                    self.waiting.push_back(Bytes::from(format!("event: reauth\ndata: {{\"code\":\"{code}\"}}\n\n")));
                    self.ended = true;
                }
            }
        }
    }

    /// Waits until there may be something to do.
    async fn wait(&mut self) {
        let stopping = Arc::clone(&self.state().stopping);
        let believed = self.resolved + BELIEVED_IDLE;
        let until = self.pass.until.map(|until| until.milliseconds() - clock::now().milliseconds());
        let expiry = until.map(|rest| Instant::now() + Duration::from_millis(u64::try_from(rest).unwrap_or(0)));
        let next = [Some(self.sign), Some(believed), expiry, self.doubted].into_iter().flatten().min().unwrap_or(self.sign);
        tokio::select! {
            () = stopping.wait() => {}
            // The reading of a tail ends with its listeners only.
            _ = self.news.changed() => {}
            () = tokio::time::sleep_until(next) => {}
        }
    }

    /// Does what is to be done by now; whether there may be more at once.
    async fn go_on(&mut self) -> Result<bool, Problem> {
        let now = Instant::now();
        if self.doubted.is_some_and(|doubted| doubted <= now)
            || self.resolved + BELIEVED_IDLE <= now
            || self.pass.until.is_some_and(|until| until <= clock::now())
        {
            self.resolve().await?;
        }
        self.news.mark_unchanged();
        let (events, until) = match self.tail.after(self.after, AT_ONCE) {
            After::Events(events, until) => (events, until),
            After::TooFarBack => self.read().await?,
        };
        let is_full = events.len() >= AT_ONCE;
        if events.iter().any(|event| is_of_access(&event.object)) {
            self.resolve().await?;
            // What this node has kept of them may be from just before.
            self.doubted = Some(now + FORGOTTEN);
        }
        let events: Vec<Arc<EventRow>> = events.into_iter().filter(|event| self.shown.concerns(event, &self.principal)).collect();
        if !events.is_empty() {
            if self.resolved + BELIEVED <= now {
                self.resolve().await?;
            }
            for Sent { seq, event, json } in self.shown.show(self.state(), &self.principal, events).await? {
                let text = format!("event: {event}\nid: {}\ndata: {json}\n\n", events::cursor(seq));
                self.waiting.push_back(Bytes::from(text));
            }
        }
        self.after = until.max(self.after);
        if self.waiting.is_empty() && self.sign <= now {
            self.waiting.push_back(Bytes::from(format!(": still here\nid: {}\n\n", events::cursor(self.after))));
        }
        if !self.waiting.is_empty() {
            self.sign = now + SIGN;
        }
        Ok(is_full || !self.waiting.is_empty())
    }

    async fn resolve(&mut self) -> Result<(), Problem> {
        self.principal = self.pass.holder(self.state()).await?;
        self.resolved = Instant::now();
        self.doubted = None;
        Ok(())
    }

    /// Reads what lies further back than the tail.
    async fn read(&self) -> Result<(Vec<Arc<EventRow>>, i64), Problem> {
        let after = self.after;
        let reading = self.state().store.read::<_, Problem>(self.principal.key, move |reader| {
            let end = reader.log_end()?;
            let most = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
            let events = reader.events((after, end), &WantedEvents::default(), most)?;
            let until = events.last().filter(|_| events.len() >= AT_ONCE).map_or(end, |last| last.seq);
            Ok((events.into_iter().map(Arc::new).collect(), until))
        });
        reading.await
    }
}
