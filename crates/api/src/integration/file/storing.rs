//! A content on its way into the store: measured, hashed and looked at while it passes, and given up unless a file gets it.

use std::sync::Arc;

use actix_web::web::Bytes;
use farley_domain::{
    integration::media_type::{self, UNKNOWN},
    model::fault::{Fault, FaultCode},
    values::id::Id,
};
use farley_persistence::{Origin, TenantKey};
use sha2::{Digest, Sha256};

use crate::{
    access::{
        contents::{Contents, Writing},
        state::State,
    },
    http::{
        clock,
        problem::{Code, Problem},
    },
};

/// How much of the beginning tells what a content is, in bytes.
const HEAD: usize = 8 * 1024;

/// A content that is stored and no file's yet.
pub struct Stored {
    pub content: Id,
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// As it was declared.
    pub media_type: String,
    /// As it looks.
    pub detected: Option<&'static str>,
}

/// A content that is being stored.
pub struct Storing {
    state: Arc<State>,
    tenant: TenantKey,
    contents: Arc<Contents>,
    content: Id,
    writing: Writing,
    hasher: Sha256,
    head: Vec<u8>,
    size: u64,
    media_type: String,
    detected: Option<&'static str>,
}

impl Storing {
    /// Begins, if the declared type is accepted here.
    pub async fn begin(state: &Arc<State>, tenant: TenantKey, declared: Option<&str>) -> Result<Storing, Problem> {
        let media_type = declared.and_then(media_type::essence).unwrap_or_else(|| UNKNOWN.to_owned());
        accept(state, &media_type)?;
        let contents = state.contents()?;
        let content = clock::new_id();
        let noting = move |work: &mut farley_persistence::Work<'_>| Ok::<_, Problem>(work.expect_content(content)?);
        state.store.write(tenant, Origin::system(clock::now()), noting).await?;
        Ok(Storing {
            writing: contents.write(tenant.id, content),
            state: Arc::clone(state),
            tenant,
            contents,
            content,
            hasher: Sha256::new(),
            head: Vec::new(),
            size: 0,
            media_type,
            detected: None,
        })
    }

    /// Takes the next bytes.
    pub async fn add(&mut self, chunk: Bytes) -> Result<(), Problem> {
        self.size += chunk.len() as u64;
        let max = self.state.settings.max_file;
        if self.size > max {
            return Err(Problem::new(Code::PayloadTooLarge).with("max", max));
        }
        self.hasher.update(&chunk);
        if self.head.len() < HEAD {
            let wanted = (HEAD - self.head.len()).min(chunk.len());
            self.head.extend_from_slice(&chunk[..wanted]);
            if self.head.len() == HEAD {
                self.look()?;
            }
        }
        self.writing.add(chunk).await
    }

    /// Tells by its beginning what the content is.
    fn look(&mut self) -> Result<(), Problem> {
        self.detected = infer::get(&self.head).map(|kind| kind.mime_type());
        self.detected.map_or(Ok(()), |detected| accept(&self.state, detected))
    }

    /// Stores the content, if `judged` well; otherwise nothing is left of it.
    pub async fn end(mut self, judged: Result<(), Problem>) -> Result<Stored, Problem> {
        let judged = judged.and_then(|()| if self.head.len() < HEAD { self.look() } else { Ok(()) });
        let Storing { state, tenant, contents, content, writing, hasher, size, media_type, detected, .. } = self;
        let finished = match judged {
            Ok(()) => writing.finish().await,
            Err(problem) => {
                writing.abort().await;
                Err(problem)
            }
        };
        match finished {
            Ok(()) => {
                let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
                Ok(Stored { content, size, sha256, media_type, detected })
            }
            Err(problem) => {
                give_up(&state, tenant, &contents, content).await;
                Err(problem)
            }
        }
    }
}

/// Removes a content unless a file has got it. What cannot be removed now is found by the job that looks for such.
pub async fn give_up(state: &State, tenant: TenantKey, contents: &Contents, content: Id) {
    let origin = || Origin::system(clock::now());
    let abandoning = move |work: &mut farley_persistence::Work<'_>| Ok::<_, Problem>(work.abandon_content(content)?);
    match state.store.write(tenant, origin(), abandoning).await {
        Ok(false) => return,
        Ok(true) => {}
        Err(problem) => {
            tracing::warn!(%problem, "a content could not be given up");
            return;
        }
    }
    if let Err(problem) = contents.remove(tenant.id, content).await {
        tracing::warn!(%problem, "a content could not be removed");
        return;
    }
    let forgetting = move |work: &mut farley_persistence::Work<'_>| Ok::<_, Problem>(work.forget_contents(&[content])?);
    if let Err(problem) = state.store.write(tenant, origin(), forgetting).await {
        tracing::warn!(%problem, "a content could not be forgotten");
    }
}

/// Refuses a type that is not accepted on this server.
fn accept(state: &State, media_type: &str) -> Result<(), Problem> {
    let list = &state.settings.file_types;
    if media_type::is_listed(list, media_type) {
        return Ok(());
    }
    let fault = Fault::new(farley_domain::integration::file::File::media_type.pointer(), FaultCode::FileTypeNotAccepted);
    Err(Problem::rule(fault.with("type", media_type).with("accepted", list).into()))
}
