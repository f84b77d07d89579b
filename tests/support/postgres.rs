//! PostgreSQL for the tests: the server of `FARLEY_TEST_POSTGRES_URL`, else a private cluster of this process made with the
//! server binaries of the machine, also when run as root; and databases as copies of one migrated template.

use std::{
    env, fs,
    os::unix::{fs::MetadataExt, fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use farley_persistence::{Settings, Store};

use super::{
    new_id,
    scratch::{self, Guard},
};

/// How to have one, for messages.
pub const WAYS: &str = "Set FARLEY_TEST_POSTGRES_URL, or install the server so that initdb and postgres are on the PATH or below \
                        /usr/lib/postgresql.";

/// Test settings: nothing here outlives the process, so nothing need reach a disk.
const OPTIONS: &[&str] = &[
    "listen_addresses=",
    "max_connections=300",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=128MB",
    "autovacuum=off",
    "jit=off",
];

/// The user that the private cluster's `initdb` is told to make.
const USER: &str = "farley";

static SERVER: OnceLock<Server> = OnceLock::new();
static CLUSTER: Mutex<Option<Guard>> = Mutex::new(None);
/// Copying a template takes a lock of the whole cluster; in turn is quicker than all at once.
static COPYING: Mutex<()> = Mutex::new(());
static NUMBER: AtomicUsize = AtomicUsize::new(0);

struct Server {
    /// The URL up to the name of the database, and after it.
    before: String,
    after: String,
    template: String,
}

pub struct Database {
    name: String,
}

impl Database {
    pub fn create() -> Database {
        let server = server();
        let name = format!("{}_{}", server.template, NUMBER.fetch_add(1, Ordering::Relaxed));
        let copying = COPYING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        server.execute(&format!("CREATE DATABASE {name} TEMPLATE {}", server.template)).expect("the template can be copied");
        drop(copying);
        Database { name }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn url(&self) -> String {
        server().url(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = server().execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)) {
            eprintln!("{} is left behind: {error}", self.name);
        }
    }
}

/// Whether tests on PostgreSQL can run at all.
pub fn is_there() -> bool {
    given().is_some() || binaries().is_some()
}

/// Takes the template away, and the cluster if it is this process's own.
pub fn stop() {
    if let Some(server) = SERVER.get() {
        drop(server.execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", server.template)));
    }
    let cluster = CLUSTER.lock().ok().and_then(|mut cluster| cluster.take());
    if let Some(cluster) = cluster {
        cluster.end();
    }
}

fn given() -> Option<String> {
    env::var("FARLEY_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}

/// The folder that has both `initdb` and `postgres`; of several versions the newest.
fn binaries() -> Option<PathBuf> {
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let mut installed: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|folders| folders.flatten().map(|folder| folder.path().join("bin")).collect())
        .unwrap_or_default();
    installed.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    let complete = |folder: &PathBuf| folder.join("initdb").exists() && folder.join("postgres").exists();
    on_path.into_iter().chain(installed).find(complete)
}

fn server() -> &'static Server {
    SERVER.get_or_init(|| {
        let template = format!("farley_test_{}", std::process::id());
        let (before, after) = match given() {
            Some(url) => split(&url),
            None => start_cluster(&binaries().unwrap_or_else(|| panic!("there is no PostgreSQL. {WAYS}"))),
        };
        let server = Server { before, after, template };
        let drop_old = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", server.template);
        server.execute(&drop_old).expect("the server answers");
        let create = format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", server.template);
        server.execute(&create).expect("the user may create databases");
        let settings = Settings { url: server.url(&server.template), connections: 1, heavy: 1, statement_limit: None, new_id };
        Store::open(&settings).expect("a new PostgreSQL database opens").close();
        server
    })
}

/// A URL parted around the name of its database.
fn split(url: &str) -> (String, String) {
    let (address, query) = url.split_once('?').map_or((url, String::new()), |(address, query)| (address, format!("?{query}")));
    let authority = address.find("://").map_or(0, |scheme| scheme + 3);
    let end = address[authority..].find('/').map_or(address.len(), |slash| authority + slash);
    (format!("{}/", &address[..end]), query)
}

impl Server {
    fn url(&self, database: &str) -> String {
        format!("{}{database}{}", self.before, self.after)
    }

    fn execute(&self, sql: &str) -> Result<(), String> {
        let mut connection = PgConnection::establish(&self.url("postgres")).map_err(|error| error.to_string())?;
        connection.batch_execute(sql).map_err(|error| error.to_string())
    }
}

/// Makes a cluster that listens on a socket in its own folder, and ends with this process.
fn start_cluster(binaries: &Path) -> (String, String) {
    let folder = scratch::folder().join("postgres");
    fs::create_dir_all(&folder).expect("a folder for the cluster");
    let user = unprivileged(&folder);
    let path = folder.to_str().expect("a path in UTF-8");

    let mut initdb = Command::new(binaries.join("initdb"));
    initdb.args(["--pgdata", path, "--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"]);
    initdb.current_dir("/");
    if let Some((user, group)) = user {
        initdb.uid(user).gid(group);
    }
    let made = initdb.output().expect("initdb runs");
    assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));

    let postgres = binaries.join("postgres");
    let mut arguments = vec![postgres.to_str().expect("a path in UTF-8"), "-D", path, "-k", path];
    arguments.extend(OPTIONS.iter().flat_map(|option| ["-c", option]));
    // The shell is the server's parent: it ends it at once (SIGQUIT) when this process is gone.
    let script = "cd /; \"$0\" \"$@\" >\"$2/log\" 2>&1 & read _; kill -QUIT $!; wait $!";
    *CLUSTER.lock().expect("no panic while held") = Some(Guard::start(script, &arguments, user));

    let (before, after) = (format!("postgres://{USER}@/"), format!("?host={path}"));
    let started = Instant::now();
    while let Err(error) = PgConnection::establish(&format!("{before}postgres{after}")) {
        let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(started.elapsed() < Duration::from_secs(60), "PostgreSQL does not start: {error}\n{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    (before, after)
}

/// Run as root, whom PostgreSQL refuses: the user to run it as, who is given the folder.
fn unprivileged(folder: &Path) -> Option<(u32, u32)> {
    // The owner of what this process makes tells who it is.
    let is_root = fs::metadata(folder).is_ok_and(|metadata| metadata.uid() == 0);
    if !is_root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |wanted: &str| {
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.first() == Some(&wanted)).then(|| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))?
        })
    };
    let (user, group) = find("postgres").or_else(|| find("nobody")).expect("a user that is not root");
    chown(folder, Some(user), Some(group)).expect("root may give a folder away");
    Some((user, group))
}
