//! SQLite databases as copies of one migrated file.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use farley_persistence::{Settings, Store};

use super::{new_id, scratch};

static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
static NUMBER: AtomicUsize = AtomicUsize::new(0);

pub struct Database {
    path: PathBuf,
}

impl Database {
    pub fn create() -> Database {
        let template = TEMPLATE.get_or_init(|| migrate(&scratch::folder().join("template.db")));
        let path = scratch::folder().join(format!("test_{}.db", NUMBER.fetch_add(1, Ordering::Relaxed)));
        fs::copy(template, &path).expect("the template can be copied");
        Database { path }
    }

    pub fn url(&self) -> String {
        url(&self.path)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            drop(fs::remove_file(path));
        }
    }
}

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

fn migrate(path: &Path) -> PathBuf {
    let settings = Settings { url: url(path), connections: 1, heavy: 1, statement_limit: None, new_id };
    // Closing the last connection brings the write-ahead log into the file.
    Store::open(&settings).expect("a new SQLite database opens").close();
    path.to_owned()
}
