//! The README: what it tells a newcomer to type works as it stands, from top to bottom, in one shell.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{app::crash::Process, server::PASSWORD, support::TestDb};

/// Only the address of the server and the place of the binary are another.
pub async fn works_from_top_to_bottom(db: TestDb) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let blocks: Vec<&str> = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 10, "the README has its blocks");
    let server = Process::start(&db);
    let script = blocks.join("\necho '== next block'\n");
    let script =
        script.replace("http://127.0.0.1:8080", &server.url).replace("target/release/farley", env!("CARGO_BIN_EXE_farley"));
    let mut shell = Command::new("bash");
    shell.args(["-eu", "-c", &script]).current_dir(&root);
    shell.env("DATABASE_URL", &db.url).env("FARLEY_ADMIN_PASSWORD", PASSWORD).env("FARLEY_LOG", "warn");
    let ran = tokio::task::block_in_place(|| shell.output()).unwrap();
    let (said, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}\n{errors}");
    // Whatever the API answers is what the tour shows: problems only where it shows one.
    let answers = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let problems: Vec<String> = answers.filter_map(|answer| answer["code"].as_str().map(str::to_owned)).collect();
    assert_eq!(problems, ["version_mismatch", "invalid_request"], "{said}\n{errors}");
    assert!(said.contains("8800 rows: 8800 created, 0 updated, 0 unchanged, 0 failed"), "{said}\n{errors}");
    assert!(said.contains("\"2017-Q1\"},\"count\":531"), "{said}");
}
