//! `farley import`: a file read into the tenant here and now, without a server, by the same job that a server would run. An import
//! that was interrupted is gone on with when the same command comes again.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use farley_domain::{
    identity::{
        role::{ADMINISTRATOR, Role},
        user::{User, is_at_hand},
    },
    integration::{Import, import::record::ImportStatus},
    model::record::Record,
    values::id::Id,
};
use farley_persistence::{ImportFaultRow, Lease, Origin, Reader, TenantKey};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{block_on, people::find_tenant};
use crate::{
    access::{
        principal::{Principal, acting},
        state::State,
        unrestricted::entity_of,
    },
    app,
    http::{
        clock,
        problem::{Problem, describe},
    },
    identity::bootstrap::first_start,
    integration::import::{
        KIND,
        options::{Options, Prepared},
        permit,
        row::FaultLevel,
        run::{self, Payload},
        start,
    },
    records::{
        area::{Halt, LEASE_SECONDS},
        lookup,
    },
    settings::Settings,
};

/// How many faults are printed; the rest can be read over the API.
const SHOWN: i64 = 100;
/// Among how many jobs an import that was interrupted is looked for.
const UNFINISHED: i64 = 200;
/// How many warnings are summed up.
const WARNINGS: i64 = 1_000_000;

#[derive(Args)]
pub struct ImportArgs {
    /// The object to import into: `customers`, `contacts`, `tags` …
    object: String,
    /// The CSV file: UTF-8, UTF-16 or GB18030, separated by commas, semicolons or tabs
    file: PathBuf,
    /// A JSON file with the mapping of columns to fields; other columns are matched by their headers.
    ///
    /// {"columns": [{"column": "revenue", "field": "annual_revenue", "multiplier": 1000000, "currency": "USD"}]}: each entry names a
    /// `column`, or has a `value` instead, made of columns ("{account} – {product}", "{agent|dotted}@example.com") or a constant; and a
    /// `field`: also "addresses.country", "external_ids.crm", "custom.tier", "stage_history.0.entered_at",
    /// "line_items.0.product_id", or null to leave it out. Also `values` (cells read as something else), `decimal` ("." or
    /// ","), `date_format` ("dmy", "mdy", "excel"), `split` (signs between several values), `lookup` (how a
    /// reference names its record: "name", "email", "ext:crm"), `if_blank` and `if_unknown` ("accept", "warn", "refuse"). With
    /// "distinct": true, rows whose key repeats are passed over. POST /v1/imports documents it all
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// The tenant's short name
    #[arg(long, default_value = "default")]
    tenant: String,
    /// The e-mail address of the importing user; by default the first administrator
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// Update the records that rows match, by a field such as `name` or `emails`, or by `ext:SYSTEM`
    #[arg(long, value_name = "FIELD")]
    match_by: Option<String>,
    /// Try every row without saving anything
    #[arg(long)]
    dry_run: bool,
    /// Import nothing if any row has a fault (up to 5,000 rows)
    #[arg(long)]
    all_or_none: bool,
}

/// Imports, and says how it went; a failure if rows were at fault.
pub fn import(args: ImportArgs, settings: Settings) -> Result<(), String> {
    block_on(async move {
        let state = app::open(settings)?;
        let done = run_import(&state, args).await;
        state.store.close();
        done
    })
}

async fn run_import(state: &Arc<State>, args: ImportArgs) -> Result<(), String> {
    let content = std::fs::read(&args.file).map_err(|error| format!("{}: {error}", args.file.display()))?;
    let mapping = match &args.mapping {
        None => Value::Null,
        Some(path) => {
            let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?
        }
    };
    let told = |problem: Problem| describe(&problem);
    if let Some(welcome) = first_start(state).await.map_err(told)? {
        let password = welcome.password.unwrap_or_else(|| "from FARLEY_ADMIN_PASSWORD".to_owned());
        println!("first start: log in as {} with the password {password}", welcome.email);
    }
    let tenant = find_tenant(state, &args.tenant).await?;
    let wanted = args.user.clone();
    let principal =
        state.store.read::<_, Problem>(tenant, move |reader| importer(reader, wanted.as_deref())).await.map_err(told)?;
    let members = json!({
        (Import::object.name()): args.object,
        (Import::file_name.name()): args.file.file_name().map(|name| name.to_string_lossy()),
        (Import::match_by.name()): args.match_by,
        (Import::on_fault.name()): if args.all_or_none { "abort" } else { "skip" },
        (Import::dry_run.name()): args.dry_run,
        (Import::mapping.name()): mapping,
    });
    let options = Options::read(&members, &principal.standards(clock::now())).map_err(told)?;
    permit(&principal, &options).map_err(told)?;
    let prepared = Prepared::make(options, &content, &principal, clock::now()).map_err(told)?;
    print_mapping(&prepared);
    let bar = progress(prepared.file.rows.len() as u64);
    let (user, prepared, content) = (principal.user_id(), Arc::new(prepared), Arc::new(content));
    let (asked, file) = (Arc::clone(&prepared), Arc::clone(&content));
    let reading = state.store.read::<_, Problem>(tenant, move |reader| unfinished(reader, user, &asked, &file));
    let begun = match reading.await.map_err(told)? {
        Some(begun) => {
            println!("continuing import {}, which was not finished", begun.import);
            begun
        }
        None => begin(state, tenant, principal, prepared, content).await.map_err(told)?,
    };
    if let Some(lease) = take(state, tenant, &begun, &bar).await.map_err(told)? {
        perform(state, tenant, &begun, lease, &bar).await?;
    }
    bar.finish_and_clear();
    match report(state, tenant, begun.import).await.map_err(told)? {
        true => Ok(()),
        false => Err("not every row could be imported".to_owned()),
    }
}

/// Who imports: the user of an e-mail address, or whoever has been administrator longest.
fn importer(reader: &mut Reader<'_>, email: Option<&str>) -> Result<Principal, Problem> {
    let roles = lookup::all::<Role>(reader)?;
    let administrators: Vec<Id> =
        roles.iter().filter(|role| role.get(Role::key) == Some(ADMINISTRATOR)).map(Record::id).collect();
    let email = email.map(|email| farley_domain::values::email::standardise(email).unwrap_or_else(|_| email.to_owned()));
    let fits = |user: &Record<User>| match &email {
        Some(email) => user.get(User::email) == email,
        None => user.get(User::role_ids).iter().any(|role| administrators.contains(role)),
    };
    let users = lookup::all::<User>(reader)?;
    let live = users.iter().filter(|user| is_at_hand(user) && fits(user));
    let user = live.min_by_key(|user| user.get(User::created_at)).ok_or_else(Problem::not_found)?;
    acting(reader, user.id(), None, clock::now())
}

/// An import in the queue.
struct Begun {
    import: Id,
    job: Id,
    payload: String,
}

fn rows_done(import: &Record<Import>) -> u64 {
    u64::try_from(import.get(Import::rows_done)).unwrap_or(0)
}

/// Stores the import and its job.
async fn begin(
    state: &State,
    tenant: TenantKey,
    principal: Principal,
    prepared: Arc<Prepared>,
    content: Arc<Vec<u8>>,
) -> Result<Begun, Problem> {
    let origin = Origin { actor: principal.actor.clone(), request_id: None, now: clock::now(), cause: None, client_tag: None };
    let written = state.store.write::<_, Problem>(tenant, origin, move |work| {
        let (record, job) = start(work, &principal, &prepared, &content)?;
        let payload = work.reader().job(job)?.ok_or_else(Problem::not_found)?.payload;
        Ok(Begun { import: record.id(), job, payload })
    });
    written.await
}

/// The import of the same file in the same way by the same user, if there is one that has not ended.
fn unfinished(reader: &mut Reader<'_>, user: Id, prepared: &Prepared, content: &[u8]) -> Result<Option<Begun>, Problem> {
    let mut jobs = reader.jobs(Some("running"), None, UNFINISHED)?;
    jobs.extend(reader.jobs(Some("waiting"), None, UNFINISHED)?);
    for job in jobs.into_iter().filter(|job| job.kind == KIND) {
        let payload: Payload = serde_json::from_str(&job.payload)?;
        let import = payload.import_id;
        let Some(record) = entity_of::<Import>(reader, import)?.filter(|_| payload.user_id == user) else { continue };
        let mut asked = record.clone();
        prepared.write(&mut asked);
        if asked == record && reader.import_file(import)?.is_some_and(|file| file == content) {
            return Ok(Some(Begun { import, job: job.id, payload: job.payload }));
        }
    }
    Ok(None)
}

/// Takes the job of the import as soon as nobody else is at it; none if somebody else ended it.
async fn take(state: &State, tenant: TenantKey, begun: &Begun, bar: &ProgressBar) -> Result<Option<Lease>, Problem> {
    let (job, import) = (begun.job, begun.import);
    loop {
        let lease = Lease { tenant: tenant.id, job, id: clock::new_id() };
        let now = clock::now();
        let taking = state.store.write::<_, Problem>(tenant, Origin::system(now), move |work| {
            let taken = work.start_job(job, lease.id, now.plus_seconds(LEASE_SECONDS))?;
            let standing = work.reader().job(job)?.map(|job| job.state);
            let record = entity_of::<Import>(work.reader(), import)?.ok_or_else(Problem::not_found)?;
            Ok((taken, standing, rows_done(&record)))
        });
        let (taken, standing, done) = taking.await?;
        if taken {
            return Ok(Some(lease));
        }
        if !matches!(standing.as_deref(), Some("waiting" | "running")) {
            return Ok(None);
        }
        // A server is at it, or whoever was has just died.
        bar.set_position(done);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Does the job here; interrupted, it is handed back.
async fn perform(state: &Arc<State>, tenant: TenantKey, begun: &Begun, lease: Lease, bar: &ProgressBar) -> Result<(), String> {
    let interrupted = Arc::clone(state);
    let listening = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.stopping.begin();
        }
    });
    let reported = bar.clone();
    let done = run::perform(state, tenant, lease, &begun.payload, true, &move |record| {
        reported.set_position(rows_done(record));
    })
    .await;
    listening.abort();
    let now = clock::now();
    let outcome = done.clone();
    let ended = state.store.write::<_, Problem>(tenant, Origin::system(now), move |work| {
        match &outcome {
            Ok(()) => work.finish_job(lease, "done", None, now, None).map(drop)?,
            Err(Halt::Failed(error) | Halt::Throttled { reason: error, .. }) => {
                work.finish_job(lease, "dead", Some(error), now, None).map(drop)?
            }
            Err(Halt::Stopped | Halt::Unreached(_) | Halt::Progressed(_) | Halt::Waits(_)) => work.hand_back(lease)?,
        }
        Ok(())
    });
    ended.await.map_err(|problem| describe(&problem))?;
    match done {
        Ok(()) => Ok(()),
        Err(Halt::Failed(error) | Halt::Throttled { reason: error, .. }) => Err(error),
        Err(Halt::Unreached(error) | Halt::Progressed(error)) => {
            bar.abandon();
            Err(format!("{error}: the same command goes on with it, and so does a server"))
        }
        Err(Halt::Stopped | Halt::Waits(_)) => {
            bar.abandon();
            let (done, all) = (bar.position(), bar.length().unwrap_or(0));
            Err(format!("interrupted after {done} of {all} rows; run the same command or start a server to continue"))
        }
    }
}

fn progress(rows: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} rows, {eta} to go");
    let bar = ProgressBar::new(rows);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn print_mapping(prepared: &Prepared) {
    for column in &prepared.mapping.columns {
        let name = column.value.as_deref().map_or_else(|| column.column.clone(), |value| format!("“{value}”"));
        let unit = column.multiplier.map(|multiplier| format!(" × {multiplier}")).unwrap_or_default();
        let currency = column.currency.map(|currency| format!(" {currency}")).unwrap_or_default();
        println!("{name} → {}{unit}{currency}", column.field.as_deref().unwrap_or("(ignored)"));
    }
}

/// Warnings that say the same, with their rows.
fn alike(warnings: &[ImportFaultRow]) -> BTreeMap<String, Vec<i64>> {
    let mut alike: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for warning in warnings {
        let subject = warning.column_name.as_deref().unwrap_or(&warning.pointer);
        let typed = warning.typed.as_deref().filter(|typed| !typed.is_empty()).map(|typed| format!(" “{typed}”"));
        let what = format!("{subject}{} {}", typed.unwrap_or_default(), warning.message_en);
        alike.entry(what).or_default().push(warning.row_number);
    }
    alike
}

async fn report(state: &State, tenant: TenantKey, import: Id) -> Result<bool, Problem> {
    let read = state.store.read::<_, Problem>(tenant, move |reader| {
        Ok((
            entity_of::<Import>(reader, import)?.ok_or_else(Problem::not_found)?,
            reader.import_faults(import, Some(FaultLevel::Fault.as_str()), (0, 0), SHOWN + 1)?,
            reader.import_faults(import, Some(FaultLevel::Warning.as_str()), (0, 0), WARNINGS)?,
        ))
    });
    let (record, faults, warnings) = read.await?;
    for fault in faults.iter().take(usize::try_from(SHOWN).unwrap_or(usize::MAX)) {
        let column = fault.column_name.as_deref().map(|column| format!(", {column}")).unwrap_or_default();
        let typed = fault.typed.as_deref().map(|typed| format!(" “{typed}”")).unwrap_or_default();
        println!("row {}{column}:{typed} {}", fault.row_number, fault.message_en);
    }
    if faults.len() > usize::try_from(SHOWN).unwrap_or(usize::MAX) {
        println!("… more at GET /v1/imports/{import}/faults");
    }
    for (what, rows) in alike(&warnings) {
        let first: Vec<String> = rows.iter().take(5).map(i64::to_string).collect();
        let more = if rows.len() > first.len() { ", …" } else { "" };
        println!("{} rows with a warning: {what} (row {}{more})", rows.len(), first.join(", "));
    }
    let dry = if record.get(Import::dry_run) { " (dry run, nothing saved)" } else { "" };
    println!(
        "{} {}: {} created, {} updated, {} unchanged, {} failed{dry}",
        record.get(Import::rows_done),
        if record.get(Import::rows_done) == 1 { "row" } else { "rows" },
        record.get(Import::created_count),
        record.get(Import::updated_count),
        record.get(Import::unchanged_count),
        record.get(Import::failed_count)
    );
    if let Some(problem) = record.get(Import::problem) {
        println!("{problem}");
    }
    Ok(record.get(Import::status) == Some(ImportStatus::Done) && record.get(Import::failed_count) == 0)
}
