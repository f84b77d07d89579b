//! Reads which room of a crate knows which: the tokens of its sources, so that paths within macros count too.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// That a file names something in a room.
#[derive(Debug)]
pub struct Arrow {
    pub file: String,
    pub from: String,
    pub to: String,
    pub path: String,
}

/// All arrows of a crate. Its root is above all rooms and may know them all.
pub fn read(src: &Path) -> Vec<Arrow> {
    let mut files = Vec::new();
    collect(src, &mut files);
    let sources: BTreeMap<String, String> = files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(src).expect("a file below the folder").to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).expect("a readable source"))
        })
        .filter(|(name, _)| !matches!(name.as_str(), "lib.rs" | "main.rs"))
        .collect();
    // A macro stands at the root, wherever it is written.
    let macros: Vec<(String, String)> = sources
        .iter()
        .flat_map(|(name, source)| {
            source.lines().filter_map(|line| Some((macro_name(line)?, room_of(&module_of(name)).to_owned())))
        })
        .collect();
    let mut test_only = BTreeSet::new();
    let mut arrows = Vec::new();
    for (name, source) in &sources {
        let (found, tests) = of_file(name, source, &macros);
        arrows.extend(found);
        test_only.extend(tests);
    }
    arrows.retain(|arrow| !test_only.contains(&module_of(&arrow.file)));
    arrows
}

fn macro_name(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("macro_rules!")?;
    Some(rest.trim().trim_end_matches(['{', ' ']).to_owned())
}

pub fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The arrows of one file, and the modules in files of their own that it has for tests only.
pub fn of_file(file: &str, source: &str, macros: &[(String, String)]) -> (Vec<Arrow>, Vec<Vec<String>>) {
    let module = module_of(file);
    let mut reading = Reading { file, room: room_of(&module).to_owned(), macros, arrows: Vec::new(), tests: Vec::new() };
    let tokens: TokenStream = source.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    reading.walk(tokens, &module);
    (reading.arrows, reading.tests)
}

/// `sales/leads/mod.rs` is the module `sales::leads`.
fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

fn room_of(module: &[String]) -> &str {
    module.first().map_or("", String::as_str)
}

struct Reading<'a> {
    file: &'a str,
    room: String,
    macros: &'a [(String, String)],
    arrows: Vec<Arrow>,
    tests: Vec<Vec<String>>,
}

impl Reading<'_> {
    fn walk(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            let after = match &tokens[at] {
                TokenTree::Punct(punct) if punct.as_char() == '#' && is_for_tests(tokens.get(at + 1)) => {
                    Some(self.skip_item(&tokens, at + 2, module))
                }
                TokenTree::Ident(word) if word == "use" => self.tree(&tokens, at + 1, &[], module),
                TokenTree::Ident(word) if word == "mod" => match (tokens.get(at + 1), tokens.get(at + 2)) {
                    (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) => {
                        let inner = [module, &[name.to_string()]].concat();
                        self.walk(body.stream(), &inner);
                        Some(at + 3)
                    }
                    _ => None,
                },
                TokenTree::Ident(word)
                    if (word == "crate" || word == "super" || word == "self") && is_separator(&tokens, at + 1) =>
                {
                    self.tree(&tokens, at, &[], module)
                }
                TokenTree::Group(group) => {
                    self.walk(group.stream(), module);
                    None
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
            };
            at = after.unwrap_or(at + 1);
        }
    }

    /// Follows a path, or the tree of a `use`, from a token on; where it ends.
    fn tree(&mut self, tokens: &[TokenTree], mut at: usize, before: &[String], module: &[String]) -> Option<usize> {
        let mut path = before.to_vec();
        loop {
            match tokens.get(at)? {
                TokenTree::Ident(name) => {
                    path.push(name.to_string());
                    at += 1;
                    if is_separator(tokens, at) {
                        at += 2;
                        continue;
                    }
                    self.note(&path, module);
                    return Some(at);
                }
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
                    for part in inner.split(is_comma).filter(|part| !part.is_empty()) {
                        self.tree(part, 0, &path, module);
                    }
                    return Some(at + 1);
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' || (punct.as_char() == '<' && !path.is_empty()) => {
                    self.note(&path, module);
                    return Some(at);
                }
                TokenTree::Punct(_) | TokenTree::Group(_) | TokenTree::Literal(_) => return None,
            }
        }
    }

    fn note(&mut self, path: &[String], module: &[String]) {
        let mut place = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => module.to_vec(),
            Some(_) | None => return,
        };
        for step in path {
            match step.as_str() {
                "crate" | "self" => {}
                "super" => drop(place.pop()),
                _ => place.push(step.clone()),
            }
        }
        let Some(room) = place.first() else { return };
        let by_macro = self.macros.iter().find(|(name, _)| place.len() == 1 && name == room).map(|(_, room)| room);
        let to = by_macro.unwrap_or(room).clone();
        let path = format!("crate::{}", place.join("::"));
        self.arrows.push(Arrow { file: self.file.to_owned(), from: self.room.clone(), to, path });
    }

    /// Where an item ends that is there for tests only; a module of its own file is remembered.
    fn skip_item(&mut self, tokens: &[TokenTree], from: usize, module: &[String]) -> usize {
        for at in from..tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(word) if word == "mod" => {
                    if let Some(TokenTree::Ident(name)) = tokens.get(at + 1) {
                        self.tests.push([module, &[name.to_string()]].concat());
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => return at + 1,
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return at + 1,
                TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Group(_) | TokenTree::Literal(_) => {}
            }
        }
        tokens.len()
    }
}

pub fn is_for_tests(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    is_colon(tokens.get(at)) && is_colon(tokens.get(at + 1))
}
