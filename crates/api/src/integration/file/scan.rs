//! The virus scanner: clamd, to which each new content is shown by its `INSTREAM` command. Until it has spoken the content is not
//! served.

use std::{sync::Arc, time::Duration};

use farley_domain::{
    integration::file::{File, FileScan},
    model::{entity::Entity, record::Record},
    query::predicate::Predicate,
    values::id::Id,
};
use farley_persistence::{Change, Origin, TenantKey, Work};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::content::{Found, with_content};
use crate::{
    access::{
        contents::Reading,
        state::State,
        unrestricted::{Unrestricted, entity_of, without_custom_fields},
    },
    http::{clock, problem::Problem},
    records::area::Halt,
};

/// The kind of the job.
pub const KIND: &str = "file_scan";
/// How often a content is shown again that the scanner could not judge.
const ATTEMPTS: i64 = 8;
/// How long the scanner may keep us waiting at each step.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest answer, in bytes.
const LONGEST: u64 = 4_096;

#[derive(Serialize, Deserialize)]
struct Payload {
    file_id: Id,
}

/// Lets a new file be scanned.
pub fn enqueue(work: &mut Work<'_>, file: Id) -> Result<(), Problem> {
    let (payload, now) = (serde_json::to_value(Payload { file_id: file })?, work.origin.now);
    work.enqueue(KIND, &payload, now, ATTEMPTS)?;
    Ok(())
}

/// Shows the content of a file to the scanner and keeps its verdict.
pub async fn perform(state: &Arc<State>, tenant: TenantKey, payload: &str) -> Result<(), Halt> {
    let Payload { file_id } = serde_json::from_str(payload).map_err(|error| Halt::Failed(error.to_string()))?;
    let reading = state.background.read::<_, Problem>(tenant, move |reader| {
        let Some(file) = entity_of::<File>(reader, file_id)? else { return Ok(None) };
        if file.get(File::scan) != Some(FileScan::Pending) {
            return Ok(None);
        }
        with_content(reader, file).map(Some)
    });
    let Some(Found { file, content }) = reading.await? else { return Ok(()) };
    let verdict = match &state.settings.file_scanner {
        Some(scanner) => {
            let size = file.get(File::size_bytes).map_or(0, i64::unsigned_abs);
            let reading = state.contents()?.read(tenant.id, content, 0..size).await?;
            ask(scanner, reading).await?
        }
        // The scanner has been taken away meanwhile.
        None => (FileScan::Unscanned, None),
    };
    keep(state, tenant, file.id(), verdict).await
}

/// What the scanner says, and what it found.
type Verdict = (FileScan, Option<String>);

async fn keep(state: &State, tenant: TenantKey, file: Id, (scan, finding): Verdict) -> Result<(), Halt> {
    let written = state.background.write::<_, Problem>(tenant, Origin::system(clock::now()), move |work| {
        let schema = without_custom_fields(<File as Entity>::object());
        let Some(loaded) = work.load(&schema, &Unrestricted, file, &Predicate::all())? else { return Ok(()) };
        let mut record: Record = loaded.record.clone();
        let file = record.of_mut::<File>();
        file.set(File::scan, scan);
        file.set(File::scan_finding, finding.clone());
        work.update(&schema, &loaded, &mut record, &Change::new("scanned"))?;
        Ok(())
    });
    Ok(written.await?)
}

/// Shows a content to the scanner at an address.
async fn ask(scanner: &str, content: Reading) -> Result<Verdict, Halt> {
    let unreached = |error: &dyn std::fmt::Display| Halt::Unreached(format!("the virus scanner at {scanner}: {error}"));
    let late = |_| unreached(&"no connection in time");
    match scanner.split_once("://") {
        Some(("tcp", address)) => {
            let connecting = timeout(PATIENCE, TcpStream::connect(address)).await.map_err(late)?;
            talk(connecting.map_err(|error| unreached(&error))?, content, &unreached).await
        }
        #[cfg(unix)]
        Some(("unix", path)) => {
            let connecting = timeout(PATIENCE, tokio::net::UnixStream::connect(path)).await.map_err(late)?;
            talk(connecting.map_err(|error| unreached(&error))?, content, &unreached).await
        }
        Some(_) | None => Err(Halt::Failed(format!("the address {scanner} is of no known kind"))),
    }
}

/// `zINSTREAM`, the content in pieces with their lengths before them, an empty one at the end; then the verdict.
async fn talk(
    mut line: impl AsyncRead + AsyncWrite + Unpin,
    mut content: Reading,
    unreached: &impl Fn(&dyn std::fmt::Display) -> Halt,
) -> Result<Verdict, Halt> {
    let talking = async {
        line.write_all(b"zINSTREAM\0").await?;
        while let Some(chunk) = content.next().await {
            let chunk = chunk.map_err(std::io::Error::other)?;
            let length = u32::try_from(chunk.len()).map_err(std::io::Error::other)?;
            let sending = async {
                line.write_all(&length.to_be_bytes()).await?;
                line.write_all(&chunk).await
            };
            // It may have an answer already, and hang up.
            if timeout(PATIENCE, sending).await.map_err(std::io::Error::other)?.is_err() {
                break;
            }
        }
        drop(line.write_all(&0_u32.to_be_bytes()).await);
        let mut answer = Vec::new();
        let mut hearing = (&mut line).take(LONGEST);
        timeout(PATIENCE, hearing.read_to_end(&mut answer)).await.map_err(std::io::Error::other)??;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = talking.await.map_err(|error| unreached(&error))?;
    verdict(&answer).ok_or_else(|| match answer.trim_matches(['\0', '\n', ' ']) {
        "" => unreached(&"it hung up without a verdict"),
        // Too large for it, or it is out of order: the content stays unserved.
        told => Halt::Failed(format!("the virus scanner says: {told}")),
    })
}

/// What an answer such as `stream: Eicar-Test-Signature FOUND` says; none if it is no verdict.
fn verdict(answer: &str) -> Option<Verdict> {
    let told = answer.trim_matches(['\0', '\n', ' ']).strip_prefix("stream:")?.trim();
    match told.strip_suffix(" FOUND") {
        Some(finding) => Some((FileScan::Infected, Some(finding.chars().take(255).collect()))),
        None => (told == "OK").then_some((FileScan::Clean, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_read() {
        assert_eq!(verdict("stream: OK\0"), Some((FileScan::Clean, None)));
        let found = Some("Eicar-Test-Signature".to_owned());
        assert_eq!(verdict("stream: Eicar-Test-Signature FOUND\0"), Some((FileScan::Infected, found)));
        for none in ["", "stream: ", "INSTREAM size limit exceeded. ERROR\0", "stream: NOT OK", "OK"] {
            assert_eq!(verdict(none), None, "{none}");
        }
    }
}
