//! Fields are named by their handles: text that names a declared field stands in declarations alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use farley_domain::model::registry;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::arrows::{collect, is_for_tests};

/// Macros whose arguments are declarations.
const DECLARING: &[&str] = &["entity", "body", "query", "choices", "structures"];
/// Structs whose values are parts of declarations.
const DECLARED: &[&str] = &["Relation", "ToOne", "Inverse", "Unique", "Link", "Kind", "Structure", "Target"];
/// Methods that declare, in what follows the name of an object.
const STEPS: &[&str] = &[
    "below",
    "titled",
    "ordered_by",
    "open_while",
    "personal",
    "unique",
    "hidden_with",
    "hidden_beside",
    "read_with",
    "recurring",
    "declared",
];
/// Methods whose argument is the name of a field, whatever it is called.
const BY_NAME: &[&str] = &["text", "id_of", "time_of", "changes", "has", "field"];

/// Names that are also words of JSON Schema, HTTP or the program itself count only as an argument of [`BY_NAME`].
fn is_telling(name: &str) -> bool {
    name.contains('_')
}

/// How many texts of each file name a declared field.
pub fn by_file(src: &Path) -> BTreeMap<String, Vec<String>> {
    let fields: BTreeSet<&str> =
        registry::objects().into_iter().flat_map(|object| &object.fields).map(|field| field.name.as_ref()).collect();
    let mut files = Vec::new();
    collect(src, &mut files);
    let mut found = BTreeMap::new();
    for file in files {
        let source = fs::read_to_string(&file).expect("a source can be read");
        let tokens: TokenStream = source.parse().expect("a source is Rust");
        let mut names = Vec::new();
        walk(tokens, &fields, false, &mut names);
        if !names.is_empty() {
            let name = file.strip_prefix(src).expect("below").to_string_lossy().into_owned();
            found.insert(name, names);
        }
    }
    found
}

fn walk(tokens: TokenStream, fields: &BTreeSet<&str>, by_name: bool, names: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            // Attributes and what is only for tests.
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                at += 1;
                if is_for_tests(tokens.get(at)) {
                    while at < tokens.len() && !is_end(&tokens[at]) {
                        at += 1;
                    }
                }
            }
            TokenTree::Group(inner) if !is_declaration(&tokens, at, inner) => {
                walk(inner.stream(), fields, asks_by_name(&tokens, at), names);
            }
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if let Some(text) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                    let name = text.strip_prefix('/').unwrap_or(text);
                    if fields.contains(name) && (by_name || is_telling(name)) {
                        names.push(text.to_owned());
                    }
                }
            }
        }
        at += 1;
    }
}

/// Where an item ends: its body, or a semicolon.
fn is_end(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    }
}

fn ident_before(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at.checked_sub(1)?)? {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        TokenTree::Punct(punct) if punct.as_char() == '!' => ident_before(tokens, at - 1),
        _ => None,
    }
}

fn is_declaration(tokens: &[TokenTree], at: usize, inner: &Group) -> bool {
    // An attribute.
    if inner.delimiter() == Delimiter::Bracket
        && matches!(at.checked_sub(1).map(|before| &tokens[before]), Some(TokenTree::Punct(punct)) if punct.as_char() == '#')
    {
        return true;
    }
    let Some(before) = ident_before(tokens, at) else { return false };
    match inner.delimiter() {
        Delimiter::Brace => DECLARING.contains(&before.as_str()) || DECLARED.contains(&before.as_str()),
        Delimiter::Parenthesis => {
            STEPS.contains(&before.as_str()) || DECLARING.contains(&before.as_str()) || is_new_field(tokens, at)
        }
        Delimiter::Bracket | Delimiter::None => false,
    }
}

/// Whether a group is the arguments of `Field::new`, which declares a member of a structure.
fn is_new_field(tokens: &[TokenTree], at: usize) -> bool {
    let path = at.checked_sub(4).map(|from| tokens[from..at].iter().map(ToString::to_string).collect::<String>());
    path.is_some_and(|path| path == "Field::new")
}

/// Whether a group is the arguments of a method that takes the name of a field.
fn asks_by_name(tokens: &[TokenTree], at: usize) -> bool {
    let is_method =
        at.checked_sub(2).is_some_and(|before| matches!(&tokens[before], TokenTree::Punct(punct) if punct.as_char() == '.'));
    is_method && ident_before(tokens, at).is_some_and(|method| BY_NAME.contains(&method.as_str()))
}
