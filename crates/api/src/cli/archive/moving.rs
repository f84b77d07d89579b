//! A whole tenant out of a database and into another.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use actix_web::web::Bytes;
use clap::Args;
use farley_domain::values::id::Id;
use farley_persistence::{
    JobRow, StoreError,
    archive::{Incoming, Newcomer, Outgoing, Table},
};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::packing::{self, Head, Holds, Packer, TenantHead, failed};
use crate::{
    access::contents::{Contents, Reading},
    app,
    http::{clock, problem::describe},
    records::reindex,
    settings::Settings,
};

/// How many bytes of rows one entry holds, and how many are written at once.
const ENTRY: usize = 8 * 1024 * 1024;
const AT_ONCE: usize = 1024 * 1024;
/// How much of a content is read at once, in bytes.
const CHUNK: usize = 256 * 1024;

#[derive(Args)]
pub struct ExportArgs {
    /// The file to write, such as `acme.farley.tar.gz`. It contains everything, also password hashes and secrets: keep it as you keep a
    /// backup
    file: PathBuf,
    /// The tenant's short name
    #[arg(long, default_value = "default")]
    tenant: String,
}

#[derive(Args)]
pub struct ImportAllArgs {
    /// A file that `farley export` wrote
    file: PathBuf,
    /// Another short name for the tenant
    #[arg(long, value_name = "NAME")]
    slug: Option<String>,
}

/// What waits for the store of files.
fn runtime() -> Result<Runtime, String> {
    Runtime::new().map_err(|error| error.to_string())
}

fn told(error: StoreError) -> String {
    error.to_string()
}

/// Writes a tenant into a file: as it is at this moment, while a server goes on.
pub fn export(args: &ExportArgs, settings: &Settings) -> Result<(), String> {
    let mut outgoing = Outgoing::open(&settings.database_url()).map_err(told)?;
    let (id, name) = outgoing.tenant(&args.tenant).map_err(told)?.ok_or_else(|| format!("there is no tenant {}", args.tenant))?;
    let tenant = TenantHead { id: id.to_string(), slug: args.tenant.clone(), name };
    let head = Head::new(Holds::Tenant, outgoing.schema().map_err(told)?, Some(tenant));
    let mut packer = Packer::create(&args.file, &head)?;
    let mut rows = 0_u64;
    for table in outgoing.tables().map_err(told)? {
        rows += pack_table(&mut outgoing, &mut packer, &table, id)?;
    }
    let contents = outgoing.contents(id).map_err(told)?;
    let (runtime, store) = (runtime()?, Contents::open(settings)?);
    for (content, size) in &contents {
        let size = u64::try_from(*size).unwrap_or(0);
        let reading = runtime.block_on(store.read(id, *content, 0..size)).map_err(|problem| describe(&problem))?;
        packer.add_read(&format!("files/{content}"), size, Pulled { runtime: &runtime, reading, chunk: Bytes::new() })?;
    }
    packer.finish()?;
    println!("{}: {rows} rows and {} files of {}", args.file.display(), contents.len(), args.tenant);
    Ok(())
}

/// Writes the rows of a table, some to each entry; how many there are.
fn pack_table(outgoing: &mut Outgoing, packer: &mut Packer, table: &Table, tenant: Id) -> Result<u64, String> {
    let first = format!("{}\n", json!(table.columns()));
    let (mut lines, mut entry, mut rows) = (String::new(), 0, 0);
    let mut pack = |lines: &mut String| {
        entry += 1;
        let name = format!("tables/{}/{entry:06}.ndjson", table.name());
        packer.add(&name, std::mem::take(lines).as_bytes())
    };
    outgoing
        .rows::<Told>(table, tenant, |line| {
            if lines.is_empty() {
                lines.push_str(&first);
            }
            lines.push_str(line);
            lines.push('\n');
            rows += 1;
            if lines.len() < ENTRY { Ok(()) } else { pack(&mut lines).map_err(Told) }
        })
        .map_err(|Told(error)| error)?;
    if !lines.is_empty() {
        pack(&mut lines)?;
    }
    Ok(rows)
}

/// What went wrong, in words.
struct Told(String);

impl From<StoreError> for Told {
    fn from(error: StoreError) -> Told {
        Told(told(error))
    }
}

/// A content as the thread that packs reads it.
struct Pulled<'a> {
    runtime: &'a Runtime,
    reading: Reading,
    chunk: Bytes,
}

impl Read for Pulled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.chunk.is_empty() {
            let next = self.runtime.block_on(self.reading.try_next());
            self.chunk = next.map_err(|problem| std::io::Error::other(describe(&problem)))?.unwrap_or_default();
        }
        let length = buffer.len().min(self.chunk.len());
        buffer[..length].copy_from_slice(&self.chunk.split_to(length));
        Ok(length)
    }
}

/// Reads a tenant out of a file: all of it, or nothing.
pub fn import_all(args: &ImportAllArgs, settings: Settings) -> Result<(), String> {
    let head = packing::verify(&args.file)?;
    let (Holds::Tenant, Some(tenant)) = (head.holds, &head.tenant) else {
        return Err(failed(&args.file, "it holds no tenant; `farley restore` reads backups"));
    };
    let id: Id = tenant.id.parse().map_err(|_| failed(&args.file, "its tenant has no id"))?;
    let slug = args.slug.clone().unwrap_or_else(|| tenant.slug.clone());
    // Brings the database to the present schema, and makes sure that nobody serves a file.
    let (runtime, url, contents) = (runtime()?, settings.database_url(), Contents::open(&settings)?);
    let _entered = runtime.enter();
    let state = app::open(settings)?;
    state.store.claim().map_err(|error| format!("{error}; stop the server first"))?;
    let mut incoming = Incoming::open(&url, Newcomer { id, slug: slug.clone() }).map_err(told)?;
    let schema = incoming.schema().map_err(told)?;
    if schema != head.schema {
        return Err(failed(
            &args.file,
            format!("its schema is at {}, that of this Farley at {schema}: export it with this version of Farley", head.schema),
        ));
    }
    match incoming.is_taken().map_err(told)? {
        (true, _) => return Err(format!("the tenant {} is in this database already", tenant.name)),
        (false, true) => return Err(format!("there is a tenant {slug} already; choose another short name with --slug")),
        (false, false) => {}
    }
    let shift = incoming.shift();
    let mut kept = Vec::new();
    let unpacked = unpack(&args.file, &mut incoming, id, (&runtime, &contents), &mut kept);
    let rows = match unpacked.and_then(|rows| incoming.finish(indexing(id)).map(|()| rows).map_err(told)) {
        Ok(rows) => rows,
        Err(error) => {
            // No row names them.
            for content in kept {
                drop(runtime.block_on(contents.remove(id, content)));
            }
            return Err(error);
        }
    };
    let files = kept.len();
    state.store.close();
    println!("{rows} rows and {files} files of {slug}; text is found once a server has indexed it");
    if shift > 0 {
        println!(
            "the log goes on behind that of other tenants: cursors of GET /v1/changes, and those that webhooks were created with, are no longer good: begin anew"
        );
    }
    Ok(())
}

/// Writes what a file holds, and notes the contents that were stored; how many rows there were.
fn unpack(
    path: &Path,
    incoming: &mut Incoming,
    tenant: Id,
    contents: (&Runtime, &Contents),
    kept: &mut Vec<Id>,
) -> Result<u64, String> {
    let tables = incoming.tables().map_err(told)?;
    let mut rows = 0;
    packing::each_entry(path, |name, content| {
        if let Some(content_id) = name.strip_prefix("files/") {
            let content_id: Id = content_id.parse().map_err(|_| failed(path, format!("{name} is no file")))?;
            kept.push(content_id);
            return keep_content(contents, (tenant, content_id), content);
        }
        let Some((table, _)) = name.strip_prefix("tables/").and_then(|rest| rest.split_once('/')) else { return Ok(()) };
        let table = tables.iter().find(|known| known.name() == table);
        let table = table.ok_or_else(|| failed(path, format!("{name}: there is no such table")))?;
        rows += add_rows(incoming, table, content).map_err(|error| failed(path, format!("{name}: {error}")))?;
        Ok(())
    })?;
    Ok(rows)
}

fn add_rows(incoming: &mut Incoming, table: &Table, content: &mut dyn Read) -> Result<u64, String> {
    let mut lines = BufReader::new(content).lines();
    let columns = lines.next().and_then(Result::ok).unwrap_or_default();
    if serde_json::from_str::<Value>(&columns).ok() != Some(json!(table.columns())) {
        return Err("its columns are not those of the table".to_owned());
    }
    let (mut some, mut rows) = (String::from("["), 0);
    for line in lines {
        let line = line.map_err(|error| error.to_string())?;
        if some.len() > 1 {
            some.push(',');
        }
        some.push_str(&line);
        rows += 1;
        if some.len() >= AT_ONCE {
            some.push(']');
            incoming.add(table, &some).map_err(told)?;
            some.truncate(1);
        }
    }
    if some.len() > 1 {
        some.push(']');
        incoming.add(table, &some).map_err(told)?;
    }
    Ok(rows)
}

fn keep_content(
    (runtime, contents): (&Runtime, &Contents),
    (tenant, id): (Id, Id),
    content: &mut dyn Read,
) -> Result<(), String> {
    let mut writing = contents.write(tenant, id);
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = content.read(&mut buffer).map_err(|error| error.to_string())?;
        if read == 0 {
            break;
        }
        let chunk = Bytes::copy_from_slice(&buffer[..read]);
        runtime.block_on(writing.add(chunk)).map_err(|problem| describe(&problem))?;
    }
    runtime.block_on(writing.finish()).map_err(|problem| describe(&problem))
}

/// The job that indexes all records.
fn indexing(tenant: Id) -> JobRow {
    let now = clock::now();
    JobRow {
        tenant_id: tenant,
        id: clock::new_id(),
        kind: reindex::KIND.to_owned(),
        payload: reindex::of_everything(),
        state: "waiting".to_owned(),
        run_at: now,
        attempts: 0,
        max_attempts: reindex::ATTEMPTS,
        leased_until: None,
        lease: None,
        last_error: None,
        created_at: now,
        finished_at: None,
        unique_key: None,
        recurring: false,
    }
}
