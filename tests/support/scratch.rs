//! The process's own temporary folder, and children that clean up even after a process that was killed: each reads from a pipe
//! that closes when the process ends, however it ends.

use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock},
};

static FOLDER: OnceLock<PathBuf> = OnceLock::new();
static GUARD: Mutex<Option<Guard>> = Mutex::new(None);

/// A shell that waits for the end of this process and then does its last lines.
pub struct Guard(Child);

impl Guard {
    /// Runs a script in which `read _` waits for the end of the process; `$0`, `$1` … are the arguments.
    pub fn start(script: &str, arguments: &[&str], user: Option<(u32, u32)>) -> Guard {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own: an interrupt from the terminal is for the tests, not for who cleans up after them.
        command.process_group(0);
        if let Some((user, group)) = user {
            command.uid(user).gid(group);
        }
        Guard(command.spawn().expect("a shell starts"))
    }

    /// Lets the script end, and waits for it.
    pub fn end(mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

/// The folder, made when first asked for.
pub fn folder() -> &'static Path {
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("farley-test-{}", std::process::id()));
        // A process of the same number may have left one behind long ago.
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let path = folder.to_str().expect("a path in UTF-8");
        *GUARD.lock().expect("no panic while held") = Some(Guard::start("read _; rm -rf \"$0\"", &[path], None));
        folder
    })
}

pub fn remove() {
    let guard = GUARD.lock().ok().and_then(|mut guard| guard.take());
    if let Some(guard) = guard {
        guard.end();
    }
}
