//! The command line.

mod archive;
mod bench;
mod demo;
mod import;
mod people;
mod serve;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, CommandFactory, Parser, Subcommand};

use farley_persistence::{Dialect, scaffold::draft};

use crate::settings::Settings;

/// Farley, the headless CRM: a REST/JSON API server for customers, sales and service.
#[derive(Parser)]
#[command(name = "farley", version, about, after_help = "Without a command, Farley starts the server.")]
struct Cli {
    #[command(flatten)]
    settings: SettingFlags,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Settings as flags; each wins over the variable and the file.
#[derive(Args)]
pub struct SettingFlags {
    /// The settings file
    #[arg(long, global = true, env = "FARLEY_CONFIG", default_value = "farley.toml", value_name = "FILE")]
    config: PathBuf,
    /// The database: `sqlite:PATH` or `postgres://…` [env: DATABASE_URL] [default: sqlite:DATA_DIR/farley.db]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// The address to listen on [env: FARLEY_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The data directory [env: FARLEY_DATA_DIR] [default: ./data]
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// The log level or filter: `info`, `debug`, `farley=debug,actix_web=warn` … [env: FARLEY_LOG] [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// The log format: `text` or `json` [env: FARLEY_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
    /// The address to serve Prometheus metrics on; disabled by default [env: FARLEY_METRICS_LISTEN]
    #[arg(long, global = true, value_name = "ADDRESS")]
    metrics_listen: Option<String>,
    /// Allowed CORS origins, separated by commas; `*` for any [env: FARLEY_CORS_ORIGINS]
    #[arg(long, global = true, value_name = "ORIGINS")]
    cors_origins: Option<String>,
    /// Requests per minute for each credential, and for each address without a valid one; 0 for no limit [env: FARLEY_RATE_LIMIT] [default: 60000]
    #[arg(long, global = true, value_name = "NUMBER")]
    rate_limit: Option<u32>,
    /// HTTP worker threads; 0 for one per core [env: FARLEY_WORKERS] [default: 0]
    #[arg(long, global = true, value_name = "NUMBER")]
    workers: Option<usize>,
    /// Concurrent background jobs on this node; 0 for none [env: FARLEY_JOBS] [default: 4]
    #[arg(long, global = true, value_name = "NUMBER")]
    jobs: Option<usize>,
    /// PostgreSQL connections; 0 for four per core [env: FARLEY_DATABASE_CONNECTIONS] [default: 0]
    #[arg(long, global = true, value_name = "NUMBER")]
    database_connections: Option<usize>,
    /// SQLite reader threads [env: FARLEY_SQLITE_READERS] [default: 2]
    #[arg(long, global = true, value_name = "NUMBER")]
    sqlite_readers: Option<usize>,
    /// Additional connections for heavy queries; 0 for two per core, 4 to 16 [env: FARLEY_HEAVY_READERS] [default: 0]
    #[arg(long, global = true, value_name = "NUMBER")]
    heavy_readers: Option<usize>,
    /// Time limit of a statement in a request, in seconds; 0 for no limit [env: FARLEY_STATEMENT_TIMEOUT] [default: 10]
    #[arg(long, global = true, value_name = "SECONDS")]
    statement_timeout: Option<f64>,
    /// Maximum body size, in bytes [env: FARLEY_MAX_BODY] [default: 1048576]
    #[arg(long, global = true, value_name = "BYTES")]
    max_body: Option<usize>,
    /// How long shutdown waits for running requests, in seconds [env: FARLEY_SHUTDOWN_TIMEOUT] [default: 30]
    #[arg(long, global = true, value_name = "SECONDS")]
    shutdown_timeout: Option<u64>,
}

impl SettingFlags {
    fn read(&self) -> Result<Settings, String> {
        let number = |number: Option<usize>| number.map(|number| number.to_string());
        let flags = [
            ("database_url", self.database_url.clone()),
            ("listen", self.listen.clone()),
            ("data_dir", self.data_dir.clone()),
            ("log", self.log.clone()),
            ("log_format", self.log_format.clone()),
            ("metrics_listen", self.metrics_listen.clone()),
            ("cors_origins", self.cors_origins.clone()),
            ("rate_limit", self.rate_limit.map(|number| number.to_string())),
            ("workers", number(self.workers)),
            ("jobs", number(self.jobs)),
            ("database_connections", number(self.database_connections)),
            ("sqlite_readers", number(self.sqlite_readers)),
            ("heavy_readers", number(self.heavy_readers)),
            ("statement_timeout", self.statement_timeout.map(|seconds| seconds.to_string())),
            ("max_body", number(self.max_body)),
            ("shutdown_timeout", self.shutdown_timeout.map(|number| number.to_string())),
        ];
        let given: Vec<(&str, String)> = flags.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Settings::read(&self.config, &given)
    }
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default)
    Serve,
    /// Migrate the database to the current schema and exit
    Migrate,
    /// Print the OpenAPI document
    Openapi {
        /// The file to write instead, which is either written whole or left as it is
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// The settings
    Config {
        /// Print a farley.toml with every setting, its meaning and its default
        #[arg(long, required = true)]
        example: bool,
    },
    /// Print what a shell needs to complete commands and flags
    Completions { shell: clap_complete::Shell },
    /// Tenants
    #[command(subcommand)]
    Tenant(people::TenantCommand),
    /// Users
    #[command(subcommand)]
    User(people::UserCommand),
    /// Fill a tenant with realistic Chinese and English demo data
    Demo(demo::DemoFlags),
    /// Import a CSV file into an object: customers, contacts, tags …
    Import(import::ImportArgs),
    /// Write a whole tenant into a file, for a database of either engine
    Export(archive::ExportArgs),
    /// Read a whole tenant out of a file that `export` wrote
    ImportAll(archive::ImportAllArgs),
    /// Write the database (SQLite) and its files into a file, while a server goes on
    Backup(archive::BackupArgs),
    /// Put the database (SQLite) and files of a backup where none are
    Restore(archive::RestoreArgs),
    /// Measure a server over HTTP, compared with a bare route and bare SQL
    Bench(bench::BenchFlags),
    /// Serve the bare route that `bench` compares with
    #[command(hide = true)]
    BenchBare { address: std::net::SocketAddr },
    /// Check whether a running server is ready
    Healthcheck,
    /// Print a first draft of the migrations for an object declared in the domain
    #[command(hide = true)]
    Scaffold { object: String },
    /// Rotate the signing keys of access tokens
    RotateKeys,
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    crate::http::tls::provide();
    let cli = Cli::parse();
    let outcome = run(cli.command.unwrap_or(Command::Serve), &cli.settings);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("farley: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command. The settings are read where they are needed: the others help to put them right.
fn run(command: Command, settings: &SettingFlags) -> Result<(), String> {
    match command {
        Command::Serve => serve::serve(settings.read()?),
        Command::Migrate => serve::migrate(&settings.read()?),
        Command::Openapi { output } => print_document(output.as_deref()),
        Command::Config { example: _ } => show(example().as_bytes()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "farley", &mut script);
            show(&script)
        }
        Command::Tenant(command) => people::tenant(command, settings.read()?),
        Command::User(command) => people::user(command, settings.read()?),
        Command::Demo(flags) => demo::demo(flags, settings.read()?),
        Command::Import(args) => import::import(args, settings.read()?),
        Command::Export(args) => archive::export(&args, &settings.read()?),
        Command::ImportAll(args) => archive::import_all(&args, settings.read()?),
        Command::Backup(args) => archive::backup(&args, &settings.read()?),
        Command::Restore(args) => archive::restore(&args, &settings.read()?),
        Command::Bench(flags) => bench::bench(&flags, &settings.read()?),
        Command::BenchBare { address } => bench::bare(address),
        Command::Scaffold { object } => {
            let object = farley_domain::model::registry::object(&object).ok_or_else(|| format!("there is no object {object}"))?;
            for (engine, dialect) in [("sqlite", Dialect::Sqlite), ("postgres", Dialect::Postgres)] {
                let draft = draft(object, dialect);
                println!("-- migrations/{engine}/NNNN_area_what/up.sql\n{}", draft.up);
                println!("-- migrations/{engine}/NNNN_area_what/down.sql\n{}", draft.down);
            }
            Ok(())
        }
        Command::Healthcheck => serve::healthcheck(&settings.read()?),
        Command::RotateKeys => people::rotate_keys(settings.read()?),
    }
}

/// Prints a text that may be piped on: a reader that has seen enough, such as `head`, is no fault.
fn show(text: &[u8]) -> Result<(), String> {
    match std::io::stdout().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(format!("cannot print: {error}")),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The document, whole or not at all: a program that prints it may hold it compiled in.
fn print_document(output: Option<&Path>) -> Result<(), String> {
    let text = crate::app::server::document_text();
    let Some(output) = output else {
        return show(text.as_bytes());
    };
    let beside = output.with_extension("new");
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, output));
    written.map_err(|error| format!("{} cannot be written: {error}", output.display()))
}

/// A file of settings that sets none: each with what it means and its default, or an example where it has none. From the flags that
/// set it too, as far as there are any.
fn example() -> String {
    let mut text = "# Settings of Farley. The environment (FARLEY_LISTEN …) and flags win over this file.\n".to_owned();
    let command = Cli::command();
    for flag in command.get_arguments().filter(|flag| !["config", "help", "version"].contains(&flag.get_id().as_str())) {
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        let (meaning, rest) = help.split_once(" [env: ").unwrap_or((&help, ""));
        let default = rest.split_once("[default: ").map_or("", |(_, default)| default.trim_end_matches(']'));
        let is_number = !default.is_empty() && default.chars().all(|c| c.is_ascii_digit());
        let value = match flag.get_id().as_str() {
            "database_url" => "\"sqlite:./data/farley.db\"".to_owned(),
            "metrics_listen" => "\"127.0.0.1:9100\"".to_owned(),
            _ if is_number => default.to_owned(),
            _ => format!("\"{default}\""),
        };
        text.push_str(&format!("\n# {meaning}\n# {} = {value}\n", flag.get_id()));
    }
    for (name, value, meaning) in WITHOUT_FLAG {
        text.push_str(&format!("\n# {meaning}\n# {name} = {value}\n"));
    }
    text
}

/// Settings that have no flag.
const WITHOUT_FLAG: &[(&str, &str, &str)] = &[
    ("admin_email", "\"admin@example.com\"", "The administrator of the first start"),
    ("admin_password", "\"\"", "Their password; made up and printed once, unless set"),
    ("operator_key", "\"\"", "Lets operators make tenants over the API; nobody can, unless set"),
    (
        "body_timeout",
        "30",
        "How long a request may take to send its body, in seconds; larger ones have a second more for every 16 kB",
    ),
    (
        "refresh_leeway",
        "20",
        "For how long a refresh token that was used gives the same new tokens again, in seconds; not at all, if 0",
    ),
    (
        "trusted_proxies",
        "\"\"",
        "Proxies whose X-Forwarded-For and Forwarded are believed: addresses and networks (10.0.0.0/8), separated by commas",
    ),
    (
        "webhook_allow",
        "\"\"",
        "Private networks that users may let Farley call, by http too: addresses and networks (10.0.0.0/8), separated by commas",
    ),
    ("smtp_url", "\"\"", "The mail server: `smtps://user:password@host`, `smtp://host:587?tls=required`; no mail, unless set"),
    (
        "imap_urls",
        "\"\"",
        "Folders of IMAP servers that mail is fetched from, with blanks between: `imaps://user:password@host/INBOX?mailbox=support@example.cn`; none, unless set",
    ),
    ("imap_interval", "30", "How long a folder is left alone after it was read, in seconds"),
    ("mail_from", "\"Farley <farley@localhost>\"", "The sender of mail"),
    (
        "files_url",
        "\"\"",
        "Where files are kept: `s3://bucket/prefix` or `file:///folder`; `files` in the data directory, unless set",
    ),
    ("files_endpoint", "\"\"", "The S3-compatible server, if not Amazon's"),
    ("files_region", "\"us-east-1\"", "The S3 region"),
    ("files_access_key", "\"\"", "The S3 access key id; the usual `AWS_…` variables and the machine's role, unless set"),
    ("files_secret_key", "\"\"", "The S3 secret access key"),
    ("max_file", "104857600", "The largest file, in bytes"),
    ("file_types", "\"\"", "The media types that files may have, separated by commas: `image/*,application/pdf`; any, if blank"),
    ("file_scanner", "\"\"", "The virus scanner: clamd at `tcp://host:3310` or `unix:///path`; none, unless set"),
    (
        "password_reset_url",
        "\"https://crm.example.com/reset?token={token}\"",
        "The page on which users choose a new password, with {token} for the one-time token; no link is mailed, unless set",
    ),
    ("otel_endpoint", "\"\"", "The OpenTelemetry collector that traces are sent to (`http://127.0.0.1:4318`)"),
    ("otel_service_name", "\"farley\"", "The service name of the traces"),
    ("default_country", "\"CN\"", "The country of the tenant made on the first start"),
    ("default_currency", "\"CNY\"", "Its currency"),
    ("default_time_zone", "\"Asia/Shanghai\"", "Its time zone"),
];

/// Runs a future to its end on a small runtime, for commands that are no servers.
pub fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(future)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::{names, of_file};

    #[test]
    fn the_example_has_every_setting_with_its_default() {
        let example = example();
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let lines = example.lines().filter_map(|line| line.strip_prefix("# "));
        let set = lines.filter(|line| line.split_once(" = ").is_some_and(|(name, _)| is_name(name)));
        let set: Vec<&str> = set.collect();
        let mut told: Vec<&str> = set.iter().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
        let mut names = names();
        told.sort_unstable();
        names.sort_unstable();
        assert_eq!(told, names);
        // As it stands it sets nothing; and what it shows are the defaults, but for those that have none.
        let defaults = of_file("").unwrap();
        let shown = |settings: &Settings| format!("{settings:?}");
        assert_eq!(shown(&of_file(&example).unwrap()), shown(&defaults));
        let mut all = of_file(&set.join("\n")).unwrap();
        assert_eq!(all.database_url(), defaults.database_url());
        assert!(all.metrics_listen.is_some() && all.admin_email.as_deref() == Some("admin@example.com"));
        (all.database_url, all.metrics_listen, all.admin_email, all.password_reset_url) = (None, None, None, None);
        assert_eq!(shown(&all), shown(&defaults));
    }
}
