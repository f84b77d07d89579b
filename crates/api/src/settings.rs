//! The settings: `farley.toml`, then variables of the environment, then flags.

pub mod mail_source;

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
    value::Value,
};
use lettre::{AsyncSmtpTransport, Tokio1Executor, message::Mailbox};
use secrecy::{ExposeSecret, SecretString};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IntoDeserializer, value::StringDeserializer},
};

use self::mail_source::MailSource;

/// Every setting, with its default. In the environment each is `FARLEY_` and its name in capitals, except `DATABASE_URL`. One without a
/// default is not set where it is blank, as container files leave variables.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `sqlite:PATH` or `postgres://…` (`DATABASE_URL`). Defaults to a file in the data directory.
    #[serde(default, deserialize_with = "unless_blank")]
    pub database_url: Option<String>,
    /// Where to listen.
    pub listen: std::net::SocketAddr,
    /// Where files are kept.
    pub data_dir: PathBuf,
    /// Of the administrator created on the first start.
    #[serde(default, deserialize_with = "unless_blank")]
    pub admin_email: Option<String>,
    /// Of the administrator created on the first start. By default, it is generated and printed once.
    #[serde(default, deserialize_with = "unless_blank")]
    pub admin_password: Option<SecretString>,
    /// What is logged: `info`, `debug`, `farley=debug,actix_web=warn` …
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// The address to serve Prometheus metrics on; disabled by default.
    #[serde(default, deserialize_with = "unless_blank")]
    pub metrics_listen: Option<std::net::SocketAddr>,
    /// The address of the OpenTelemetry collector that traces are sent to; disabled by default.
    #[serde(default, deserialize_with = "unless_blank")]
    pub otel_endpoint: Option<String>,
    /// The service name of the traces.
    pub otel_service_name: String,
    /// Allowed CORS origins, separated by commas; `*` for any.
    pub cors_origins: String,
    /// Requests per minute for each credential, and for each address without a valid one; 0 for no limit.
    pub rate_limit: u32,
    /// PostgreSQL connections; 0 for four per core.
    pub database_connections: usize,
    /// SQLite reader threads.
    pub sqlite_readers: usize,
    /// Additional connections for summaries, reports, counts and other heavy queries; 0 for two per core, 4 to 16.
    pub heavy_readers: usize,
    /// Time limit of a statement in a request, in seconds, fractions allowed; 0 for no limit.
    pub statement_timeout: f64,
    /// HTTP worker threads; 0 for one per core.
    pub workers: usize,
    /// Concurrent background jobs on this node; 0 for none.
    pub jobs: usize,
    /// Maximum body size, in bytes; sixteen times as much for imports.
    pub max_body: usize,
    /// How long a request may take to send its body, in seconds; larger ones have a second more for every 16 kB.
    pub body_timeout: u32,
    /// For how long a refresh token that was used gives the same new tokens again, in seconds; not at all, if 0.
    pub refresh_leeway: u32,
    /// Proxies whose `X-Forwarded-For` and `Forwarded` are believed: addresses and networks (`10.0.0.0/8`), separated by commas.
    pub trusted_proxies: String,
    /// Private networks that users may let this server call, by http too: addresses and networks (`10.0.0.0/8`), separated by commas.
    /// Link-local addresses and those where clouds keep credentials are never called.
    pub webhook_allow: String,
    /// The key that lets operators create tenants through the API; disabled by default.
    #[serde(default, deserialize_with = "unless_blank")]
    pub operator_key: Option<SecretString>,
    /// The mail server that replies to customers, notifications and password resets are sent through: `smtps://user:password@host`, `smtp://host:587?tls=required`; no mail is
    /// sent, unless set.
    #[serde(default, deserialize_with = "unless_blank")]
    pub smtp_url: Option<SecretString>,
    /// Folders of IMAP servers that mail is fetched from, with blanks between: `imaps://user:password@host/INBOX?mailbox=support@example.cn`.
    #[serde(default, deserialize_with = "unless_blank")]
    pub imap_urls: Option<SecretString>,
    /// How long a folder is left alone after it was read, in seconds.
    pub imap_interval: u32,
    /// Who notifications and password resets are from; replies are from their mailbox.
    pub mail_from: String,
    /// The page on which users choose a new password, with `{token}` where the one-time token goes:
    /// `https://crm.example.com/reset?token={token}`; links to it are mailed to users who forgot their password.
    #[serde(default, deserialize_with = "unless_blank")]
    pub password_reset_url: Option<String>,
    /// Where the contents of files are kept: `s3://bucket/prefix` or `file:///folder`. Defaults to the folder `files` in the data
    /// directory.
    #[serde(default, deserialize_with = "unless_blank")]
    pub files_url: Option<String>,
    /// The address of an S3-compatible server other than Amazon's.
    #[serde(default, deserialize_with = "unless_blank")]
    pub files_endpoint: Option<String>,
    /// The S3 region.
    pub files_region: String,
    /// The S3 access key id. By default, the usual `AWS_…` variables and the machine's own role are used.
    #[serde(default, deserialize_with = "unless_blank")]
    pub files_access_key: Option<String>,
    /// The S3 secret access key.
    #[serde(default, deserialize_with = "unless_blank")]
    pub files_secret_key: Option<SecretString>,
    /// Maximum size of a file, in bytes.
    pub max_file: u64,
    /// The media types that files may have, separated by commas, `image/*` for all of a kind; any type by default.
    pub file_types: String,
    /// The virus scanner that files are shown to: clamd at `tcp://host:3310` or `unix:///run/clamav/clamd.ctl`; none by default.
    #[serde(default, deserialize_with = "unless_blank")]
    pub file_scanner: Option<String>,
    /// How long shutdown waits for running requests, in seconds.
    pub shutdown_timeout: u64,
    /// ISO 3166-1 alpha-2 country of the tenant created on the first start.
    pub default_country: String,
    /// ISO 4217 currency of the tenant created on the first start.
    pub default_currency: String,
    /// IANA time zone of the tenant created on the first start.
    pub default_time_zone: String,
}

fn unless_blank<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(value)?.filter(|text| !text.trim().is_empty());
    let text: Option<StringDeserializer<D::Error>> = text.map(IntoDeserializer::into_deserializer);
    text.map(T::deserialize).transpose()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Serialize)]
struct Defaults {
    listen: &'static str,
    data_dir: &'static str,
    log: &'static str,
    log_format: LogFormat,
    otel_service_name: &'static str,
    cors_origins: &'static str,
    rate_limit: u32,
    database_connections: usize,
    sqlite_readers: usize,
    heavy_readers: usize,
    statement_timeout: f64,
    workers: usize,
    jobs: usize,
    max_body: usize,
    body_timeout: u32,
    refresh_leeway: u32,
    imap_interval: u32,
    trusted_proxies: &'static str,
    webhook_allow: &'static str,
    mail_from: &'static str,
    files_region: &'static str,
    max_file: u64,
    file_types: &'static str,
    shutdown_timeout: u64,
    default_country: &'static str,
    default_currency: &'static str,
    default_time_zone: &'static str,
}

const DEFAULTS: Defaults = Defaults {
    listen: "127.0.0.1:8080",
    data_dir: "./data",
    log: "info",
    log_format: LogFormat::Text,
    otel_service_name: "farley",
    cors_origins: "",
    rate_limit: 60_000,
    database_connections: 0,
    sqlite_readers: 2,
    heavy_readers: 0,
    statement_timeout: 10.0,
    workers: 0,
    jobs: 4,
    max_body: 1_048_576,
    body_timeout: 30,
    refresh_leeway: 20,
    imap_interval: 30,
    trusted_proxies: "",
    webhook_allow: "",
    mail_from: "Farley <farley@localhost>",
    files_region: "us-east-1",
    max_file: 104_857_600,
    file_types: "",
    shutdown_timeout: 30,
    default_country: "CN",
    default_currency: "CNY",
    default_time_zone: "Asia/Shanghai",
};

/// The settings that are numbers. All others are taken as they are typed: a password may look like a number, or be quoted.
const NUMBERS: &[&str] = &[
    "rate_limit",
    "database_connections",
    "sqlite_readers",
    "heavy_readers",
    "workers",
    "jobs",
    "max_body",
    "body_timeout",
    "refresh_leeway",
    "imap_interval",
    "max_file",
    "shutdown_timeout",
];

fn typed(name: &str, text: &str) -> Value {
    if let Some(seconds) = text.trim().parse::<f64>().ok().filter(|_| name == "statement_timeout") {
        return Value::from(seconds);
    }
    let number = text.trim().parse::<u64>().ok().filter(|_| NUMBERS.contains(&name));
    number.map_or_else(|| Value::from(text), Value::from)
}

impl Settings {
    /// Reads the settings; `flags` win over the environment, the environment over the file. What is wrong is said in one line.
    pub fn read(file: &Path, flags: &[(&str, String)]) -> Result<Settings, String> {
        let mut figment = Figment::from(Serialized::defaults(DEFAULTS)).merge(Toml::file(file));
        // Variables that are not Unicode are not ours.
        let variables = std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
        for (name, text) in variables {
            let name = match name.strip_prefix("FARLEY_") {
                // The name of the settings file itself, and what the tests are told.
                Some(name) if name != "CONFIG" && !name.starts_with("TEST_") => name.to_lowercase(),
                None if name == "DATABASE_URL" => name.to_lowercase(),
                Some(_) | None => continue,
            };
            let value = typed(&name, &text);
            figment = figment.merge((name, value));
        }
        for (name, text) in flags {
            figment = figment.merge((*name, typed(name, text)));
        }
        Settings::of(&figment)
    }

    fn of(figment: &Figment) -> Result<Settings, String> {
        let settings: Settings = figment.extract().map_err(|error| {
            let error = error.into_iter().next();
            error.map_or_else(
                || "the settings cannot be read".to_owned(),
                |error| match error.path.last() {
                    Some(name) if name == "database_url" => format!("setting DATABASE_URL: {}", error.kind),
                    Some(name) => format!("setting FARLEY_{}: {}", name.to_uppercase(), error.kind),
                    None => format!("setting {}", error.kind),
                },
            )
        })?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), String> {
        let url = self.database_url();
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err("setting DATABASE_URL must begin with sqlite: or postgres://".to_owned());
        }
        if !farley_domain::values::country::is_country(&self.default_country) {
            return Err(format!("setting FARLEY_DEFAULT_COUNTRY: {} is not an ISO 3166-1 country code", self.default_country));
        }
        if self.default_currency.parse::<farley_domain::values::money::Currency>().is_err() {
            return Err(format!("setting FARLEY_DEFAULT_CURRENCY: {} is not an ISO 4217 currency code", self.default_currency));
        }
        if self.default_time_zone.parse::<chrono_tz::Tz>().is_err() {
            return Err(format!("setting FARLEY_DEFAULT_TIME_ZONE: {} is not an IANA time zone", self.default_time_zone));
        }
        if let Some(Err(error)) = self.smtp_url.as_ref().map(|url| check_url(url.expose_secret())) {
            return Err(format!("setting FARLEY_SMTP_URL: {error}"));
        }
        if let Some(Err(error)) = self.imap_urls.as_ref().map(|urls| MailSource::all(urls.expose_secret())) {
            return Err(format!("setting FARLEY_IMAP_URLS: {error}"));
        }
        if let Err(error) = check_sender(&self.mail_from) {
            return Err(format!("setting FARLEY_MAIL_FROM: {error}"));
        }
        if let Some(Err(error)) = self.password_reset_url.as_deref().map(check_link) {
            return Err(format!("setting FARLEY_PASSWORD_RESET_URL {error}"));
        }
        if self.files_url.as_ref().is_some_and(|url| !["s3://", "file:///"].iter().any(|scheme| url.starts_with(scheme))) {
            return Err("setting FARLEY_FILES_URL must begin with s3:// or file:///".to_owned());
        }
        if self.files_endpoint.as_ref().is_some_and(|url| !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme))) {
            return Err("setting FARLEY_FILES_ENDPOINT must begin with http:// or https://".to_owned());
        }
        if self.file_scanner.as_ref().is_some_and(|url| !["tcp://", "unix:///"].iter().any(|scheme| url.starts_with(scheme))) {
            return Err("setting FARLEY_FILE_SCANNER must begin with tcp:// or unix:///".to_owned());
        }
        if std::time::Duration::try_from_secs_f64(self.statement_timeout).is_err() {
            return Err("setting FARLEY_STATEMENT_TIMEOUT must be a number of seconds, 0 or more".to_owned());
        }
        if self.max_body < 1024 {
            return Err("setting FARLEY_MAX_BODY must be at least 1024".to_owned());
        }
        Ok(())
    }

    /// The link to the page on which a new password is chosen with a token, if there is such a page.
    #[must_use]
    pub fn password_reset_link(&self, token: &str) -> Option<String> {
        self.password_reset_url.as_ref().map(|link| link.replace("{token}", token))
    }

    /// Where mail is fetched from.
    #[must_use]
    pub fn mail_sources(&self) -> Vec<MailSource> {
        // They were checked when the settings were read.
        self.imap_urls.as_ref().and_then(|urls| MailSource::all(urls.expose_secret()).ok()).unwrap_or_default()
    }

    #[must_use]
    pub fn database_url(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| format!("sqlite:{}", self.data_dir.join("farley.db").display()))
    }
}

/// How many cores this machine lets us use.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// What is wrong with the address of a mail server.
fn check_url(url: &str) -> Result<(), String> {
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map(drop).map_err(|error| error.to_string())
}

/// What is wrong with a link that a token goes into.
fn check_link(link: &str) -> Result<(), &'static str> {
    if !["http://", "https://"].iter().any(|scheme| link.starts_with(scheme)) {
        return Err("must begin with http:// or https://");
    }
    if link.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("must have no spaces");
    }
    if link.contains("{token}") { Ok(()) } else { Err("must contain {token}") }
}

/// What is wrong with the sender of mails.
fn check_sender(from: &str) -> Result<(), String> {
    from.parse::<Mailbox>().map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What the settings are called in files.
    pub(crate) fn names() -> Vec<&'static str> {
        let error = Figment::from(("no_such_setting", 1)).merge(Serialized::defaults(DEFAULTS)).extract::<Settings>();
        match error.unwrap_err().kind {
            figment::error::Kind::UnknownField(_, names) => names.to_vec(),
            other => panic!("{other}"),
        }
    }

    /// Reads a file of settings, without the environment.
    pub(crate) fn of_file(text: &str) -> Result<Settings, String> {
        Settings::of(&Figment::from(Serialized::defaults(DEFAULTS)).merge(Toml::string(text)))
    }

    #[test]
    fn what_is_left_blank_is_not_set() {
        let optional = [
            "database_url",
            "admin_email",
            "admin_password",
            "metrics_listen",
            "otel_endpoint",
            "operator_key",
            "smtp_url",
            "imap_urls",
            "password_reset_url",
            "files_url",
            "files_endpoint",
            "files_access_key",
            "files_secret_key",
            "file_scanner",
        ];
        let blank: String = optional.iter().map(|name| format!("{name} = \" \"\n")).collect();
        assert_eq!(format!("{:?}", of_file(&blank).unwrap()), format!("{:?}", of_file("").unwrap()));
        let set = of_file("metrics_listen = \"127.0.0.1:9100\"\nadmin_password = \"secret\"").unwrap();
        assert!(set.metrics_listen.is_some() && set.admin_password.is_some());
        assert!(of_file("metrics_listen = \"9100\"").unwrap_err().starts_with("setting FARLEY_METRICS_LISTEN"));
    }

    /// The table of the README has every setting, and nothing else.
    #[test]
    fn the_readme_tells_of_every_setting() {
        let readme = include_str!("../../../README.md");
        let rows = readme.lines().filter(|line| line.starts_with("| `FARLEY_") || line.starts_with("| `DATABASE_URL`"));
        let told = rows.filter_map(|line| line.split('|').nth(1)).flat_map(|cell| cell.split('`').skip(1).step_by(2));
        let mut told: Vec<String> = told.map(|name| name.trim_start_matches("FARLEY_").to_lowercase()).collect();
        let mut names = names();
        told.sort_unstable();
        names.sort_unstable();
        assert_eq!(told, names);
    }

    #[test]
    fn settings_are_checked() {
        assert!(check_url("smtp://127.0.0.1:2525").is_ok() && check_url("smtps://u:p@mail.example.com").is_ok());
        assert!(check_url("mail.example.com").is_err() && check_url("http://mail").is_err());
        assert!(check_link("https://crm.example.com/reset?token={token}").is_ok());
        for link in ["https://crm.example.com/reset", "crm.example.com/{token}", "https://crm.example.com/ {token}"] {
            assert!(check_link(link).is_err(), "{link}");
        }
        assert!(check_sender("Farley <crm@example.cn>").is_ok() && check_sender("nobody").is_err());
    }
}
