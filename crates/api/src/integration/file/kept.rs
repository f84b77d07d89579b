//! Contents that come along with something else: a mail and what is attached to it. They are stored before the work that makes files of
//! them, and given up where it makes none.

use std::sync::Arc;

use actix_web::{
    HttpRequest,
    web::{self, Bytes},
};
use farley_domain::{
    integration::file::{File, FiledObject},
    model::{entity::Entity, input::members},
    values::id::Id,
};
use farley_persistence::{TenantKey, Work};
use futures_util::StreamExt;

use super::{
    parts::Arriving,
    scan,
    storing::{Stored, Storing, give_up},
    upload::describe,
};
use crate::{
    access::{call::Call, state::State},
    http::problem::{Code, Problem},
    records::write::Writer,
};

/// Contents that are stored and no files yet.
#[derive(Clone)]
pub struct Kept {
    /// Each with the name that it will have.
    contents: Vec<Arc<(String, Stored)>>,
    state: Arc<State>,
    tenant: TenantKey,
}

impl Kept {
    /// Nothing yet.
    #[must_use]
    pub fn none(state: &Arc<State>, tenant: TenantKey) -> Kept {
        Kept { contents: Vec::new(), state: Arc::clone(state), tenant }
    }

    /// Keeps the body of a request, of at most `max` bytes, under a name; and answers it.
    pub async fn body(
        call: &Call,
        request: &HttpRequest,
        payload: web::Payload,
        max: usize,
        (name, media_type): (&str, &str),
    ) -> Result<(Kept, Vec<u8>), Problem> {
        let arriving = Arriving::of(request, payload, max)?;
        let mut storing = Storing::begin(&call.state, call.tenant(), Some(media_type)).await?;
        let (mut pieces, judge) = arriving.split();
        let (mut judged, mut body) = (Ok(()), Vec::new());
        while let Some(piece) = pieces.next().await {
            judged = match piece {
                Ok(piece) => {
                    body.extend_from_slice(&piece);
                    storing.add(piece).await
                }
                Err(problem) => Err(problem),
            };
            if judged.is_err() {
                break;
            }
        }
        if judged.is_ok() {
            judged = judge.judge().await;
        }
        let stored = storing.end(judged).await?;
        Ok((Kept::first(&call.state, call.tenant(), name, stored), body))
    }

    /// Keeps a content that is there already, under a name.
    pub async fn of(
        state: &Arc<State>,
        tenant: TenantKey,
        (name, media_type): (&str, &str),
        content: Bytes,
    ) -> Result<Kept, Problem> {
        let mut storing = Storing::begin(state, tenant, Some(media_type)).await?;
        let judged = storing.add(content).await;
        Ok(Kept::first(state, tenant, name, storing.end(judged).await?))
    }

    /// Keeps what is stored already, under a name.
    #[must_use]
    pub fn first(state: &Arc<State>, tenant: TenantKey, name: &str, stored: Stored) -> Kept {
        Kept { contents: vec![Arc::new((name.to_owned(), stored))], ..Kept::none(state, tenant) }
    }

    /// The SHA-256 of the first of them, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.contents.first().map_or("", |content| &content.1.sha256)
    }

    /// Keeps another, and tells its place among them; one of a type that is not accepted here is passed over.
    pub async fn add(&mut self, name: String, media_type: &str, content: Vec<u8>) -> Result<Option<usize>, Problem> {
        let kept = match Storing::begin(&self.state, self.tenant, Some(media_type)).await {
            Ok(mut storing) => {
                let judged = storing.add(Bytes::from(content)).await;
                storing.end(judged).await
            }
            Err(problem) => Err(problem),
        };
        match kept {
            Ok(stored) => self.contents.push(Arc::new((name, stored))),
            Err(problem) if problem.code == Code::RuleViolated => return Ok(None),
            Err(problem) => return Err(problem),
        }
        Ok(Some(self.contents.len() - 1))
    }

    /// Makes files of them, which belong to a record or to nothing yet.
    pub fn files(&self, work: &mut Work<'_>, writer: &Writer, place: Option<(FiledObject, Id)>) -> Result<Vec<Id>, Problem> {
        let writer = writer.on(<File as Entity>::object());
        let scanned = self.state.settings.file_scanner.is_some();
        let mut ids = Vec::new();
        for content in &self.contents {
            let (name, stored) = content.as_ref();
            let (object, record) = place.unzip();
            let body = members().with(File::name, name.clone()).with(File::object, object).with(File::record_id, record);
            let body = body.into_json();
            let (record, _) = writer.create_with(work, &body, |record| describe(record.of_mut(), stored, scanned))?;
            if !work.give_content(stored.content, record.id())? {
                return Err(Problem::new(Code::RequestTimeout));
            }
            if scanned {
                scan::enqueue(work, record.id())?;
            }
            ids.push(record.id());
        }
        Ok(ids)
    }

    /// Removes the contents that no file has got.
    pub async fn give_up(&self) -> Result<(), Problem> {
        if self.contents.is_empty() {
            return Ok(());
        }
        let store = self.state.contents()?;
        for content in &self.contents {
            give_up(&self.state, self.tenant, &store, content.1.content).await;
        }
        Ok(())
    }
}
