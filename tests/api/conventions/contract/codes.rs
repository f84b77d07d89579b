//! The codes of problems and faults, read out of the sources.

use farley::{app::server, http::problem::Code};
use farley_domain::{
    activities::task::TaskStatus,
    model::fault::{FaultCode, state_in_chinese},
    sales::{cadences::enrolment::EnrolmentStatus, leads::status::LeadStatus},
};

use crate::support::TestDb;

/// Each code is given somewhere, under one name, with its texts.
pub async fn are_used_and_documented(_db: TestDb) {
    let sources = sources(&["api", "domain", "persistence"]);
    let used = |name: String, defined_in: &str| {
        sources.iter().any(|(path, text)| {
            !path.ends_with(defined_in)
                && text.match_indices(&name).any(|(at, _)| {
                    let before = text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
                    before && text[at + name.len()..].chars().next().is_none_or(|after| !after.is_alphanumeric())
                })
        })
    };
    for code in Code::ALL {
        let by_store = sources
            .iter()
            .any(|(path, text)| path.ends_with("problem.rs") && text.contains(&format!("Problem::new(Code::{code:?})")));
        let rule =
            sources.iter().any(|(path, text)| path.ends_with("problem.rs") && text.contains(&format!("code: Code::{code:?}")));
        assert!(by_store || rule || used(format!("Code::{code:?}"), "api/src/http/problem.rs"), "{code:?} is never given");
    }
    for code in FaultCode::ALL {
        assert!(used(format!("FaultCode::{code:?}"), "domain/src/model/fault.rs"), "{code:?} is never given");
    }
    let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "two problems share a code");
    // Whoever reads Chinese reads of states in Chinese.
    let literals = sources.iter().flat_map(|(_, text)| text.split("Problem::state(\"").skip(1));
    let states = literals.filter_map(|rest| rest.split('"').next().map(str::to_owned));
    let choices = LeadStatus::choices().into_iter().chain(EnrolmentStatus::choices()).chain(TaskStatus::choices());
    for state in states.chain(choices.map(|choice| choice.value.to_string())) {
        assert_ne!(state_in_chinese(&state), state, "is not told in Chinese");
    }
    // A reader of the document can learn every code.
    let text = server::document_text();
    let undocumented: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .chain(FaultCode::ALL.iter().map(|code| code.as_str()))
        .filter(|code| !text.contains(*code))
        .collect();
    assert!(undocumented.is_empty(), "undocumented: {undocumented:?}");
}

fn sources(crates: &[&str]) -> Vec<(String, String)> {
    let mut folders: Vec<_> =
        crates.iter().map(|name| std::path::PathBuf::from(format!("{}/../{name}/src", env!("CARGO_MANIFEST_DIR")))).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                sources.push((path.to_string_lossy().into_owned(), text));
            }
        }
    }
    sources
}
