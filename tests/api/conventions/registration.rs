//! No case is forgotten: what is not listed is dead code, and a file that is not compiled is found here.

use std::{fs, path::Path};

use crate::support::TestDb;

/// Each file of both test binaries is a module of the one above it.
pub async fn every_file_is_a_module(_db: TestDb) {
    let tests = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests"));
    for binary in ["api", "persistence"] {
        let mut folders = vec![(tests.join(binary), tests.join(binary).join("main.rs"))];
        while let Some((folder, parent)) = folders.pop() {
            let declared = fs::read_to_string(&parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
            for entry in fs::read_dir(&folder).expect("a folder of tests").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    let inner = path.join("mod.rs");
                    let parent = if inner.exists() { inner } else { path.with_extension("rs") };
                    folders.push((path, parent));
                } else if path == parent {
                    continue;
                }
                let Some(name) = entry.path().file_stem().map(|name| name.to_string_lossy().into_owned()) else { continue };
                let is_named = declared.lines().any(|line| line.trim_start_matches("pub ") == format!("mod {name};"));
                assert!(
                    is_named || name == "mod",
                    "{} is not compiled: {} does not name it",
                    entry.path().display(),
                    parent.display()
                );
            }
        }
    }
}
