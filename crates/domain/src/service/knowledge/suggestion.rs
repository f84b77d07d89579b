//! Which articles may answer a text: those that share its words, rare ones before common ones. A search wants all words of a question;
//! here a text has many, and an article few of them.

use std::collections::HashMap;

use crate::values::{
    id::Id,
    search_text::{Query, Term, query_terms},
};

/// How many words of a text are looked for.
pub const MOST_TERMS: usize = 24;
/// How many articles that have a word are looked at; a word that more have tells nothing.
pub const MOST_MATCHES: usize = 200;

/// Words that say nothing of what a text is about.
const EMPTY: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "does", "for", "from", "get", "had", "has", "have",
    "hello", "help", "hi", "how", "i", "if", "in", "is", "it", "its", "me", "my", "no", "not", "of", "on", "or", "our", "please",
    "re", "so", "that", "the", "there", "this", "to", "us", "was", "we", "were", "what", "when", "which", "why", "will", "with",
    "you", "your", "您好", "你好", "请问", "谢谢", "怎么", "什么", "我们", "你们", "可以", "一个", "没有", "现在", "如何",
    "这个", "怎样", "无法", "不能",
];

/// The words of texts, those of the first before those of the next.
#[must_use]
pub fn terms_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    for text in texts {
        // A question is cut after some terms, so that a long text is asked in pieces.
        for piece in text.split_inclusive(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().chunks(8) {
            for term in query_terms(&piece.concat()).terms {
                let says_something = !EMPTY.contains(&term.token.as_str()) && term.token.chars().count() > 1;
                if says_something && !terms.contains(&term) {
                    terms.push(term);
                }
                if terms.len() == MOST_TERMS {
                    return terms;
                }
            }
        }
    }
    terms
}

/// The question for articles with one word, anywhere or in their titles.
#[must_use]
pub fn question(term: &Term, in_titles: bool) -> Query {
    Query { terms: vec![term.clone()], titles_only: in_titles, ..Query::default() }
}

/// What one word found: articles that have it anywhere, and those that have it in their titles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub anywhere: Vec<Id>,
    pub in_title: Vec<Id>,
}

/// Articles by how well they fit, the best first, with their scores from 0 to 1: the weight of the words that they have, out of that of all words that any
/// has. A word weighs the more the fewer articles have it (ln(1 + all / those)), and twice in a title.
#[must_use]
pub fn ranked(found: &[Found], all: usize) -> Vec<(Id, f64)> {
    let mut scores: HashMap<Id, f64> = HashMap::new();
    let mut most = 0.0;
    for word in found.iter().filter(|word| !word.anywhere.is_empty() && word.anywhere.len() < MOST_MATCHES) {
        let (all, those) = (all.max(word.anywhere.len()), word.anywhere.len());
        #[allow(clippy::cast_precision_loss, reason = "there are not that many articles")]
        let weight = (1.0 + all as f64 / those as f64).ln();
        most += 2.0 * weight;
        for id in &word.anywhere {
            let factor = if word.in_title.contains(id) { 2.0 } else { 1.0 };
            *scores.entry(*id).or_default() += factor * weight;
        }
    }
    let mut ranked: Vec<(Id, f64)> = scores.into_iter().map(|(id, score)| (id, score / most)).collect();
    ranked.sort_by(|(a, left), (b, right)| right.total_cmp(left).then(b.cmp(a)));
    ranked
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn tokens(texts: &[&str]) -> Vec<String> {
        terms_of(texts.iter().copied()).into_iter().map(|term| term.token).collect()
    }

    #[test]
    fn empty_words_are_left_out_and_none_is_asked_twice() {
        assert_eq!(tokens(&["My printer is not printing", "the Printer"]), ["printer", "printing"]);
        assert_eq!(tokens(&["请问打印机"]), ["问打", "打印", "印机"]);
        assert_eq!(tokens(&["", " !? "]), [""; 0]);
        let long: Vec<String> = (0..100).map(|number| format!("word{number}x")).collect();
        assert_eq!(tokens(&[&long.join(" ")]).len(), MOST_TERMS);
    }

    #[test]
    fn rare_words_and_titles_count_more() {
        let id = |number: u128| Id(Uuid::from_u128(number));
        let common = Found { anywhere: vec![id(1), id(2), id(3)], in_title: vec![id(1)] };
        let rare = Found { anywhere: vec![id(2)], in_title: vec![] };
        let ranked = ranked(&[common, rare, Found::default()], 10);
        let (all, common, rare) = (10.0_f64, 3.0, 1.0);
        let (common, rare) = ((1.0 + all / common).ln(), (1.0 + all / rare).ln());
        let most = 2.0 * (common + rare);
        let expected = [(id(2), (common + rare) / most), (id(1), 2.0 * common / most), (id(3), common / most)];
        assert_eq!(ranked.len(), 3);
        for ((id, score), (other, told)) in ranked.iter().zip(expected) {
            assert_eq!(*id, other);
            assert!((score - told).abs() < 1e-9);
        }
    }
}
