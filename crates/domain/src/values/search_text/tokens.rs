//! The tokens of one value, by its kind.

use std::collections::BTreeSet;

use pinyin::ToPinyin;

use super::{Kind, readings::known_readings, signs::*};
use crate::values::text::is_cjk;

/// Syllables of one name that are spelt in pinyin.
const SYLLABLES: usize = 40;

#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) set: BTreeSet<String>,
    limit: usize,
}

impl Tokens {
    pub(super) fn at_most(limit: usize) -> Self {
        Tokens { set: BTreeSet::new(), limit }
    }

    pub(super) fn add(&mut self, token: &str) {
        let token = cut(token);
        if token.contains(char::is_alphanumeric) && self.set.len() < self.limit {
            self.set.insert(token);
        }
    }

    /// The `^` token of the value, and for a phone those of its national forms.
    pub(super) fn whole(&mut self, kind: Kind, text: &str) {
        if kind == Kind::Phone {
            for form in phone_forms(text) {
                self.add(&format!("^{form}"));
            }
        } else if let Some(token) = whole_token(text) {
            self.add(&token);
        }
    }

    pub(super) fn value(&mut self, kind: Kind, text: &str) {
        match kind {
            Kind::Name => {
                self.text(text);
                self.name(text);
            }
            Kind::Text => self.text(text),
            Kind::Email => self.email(text),
            Kind::Phone => {
                for form in phone_forms(text) {
                    self.endings(&form, SHORTEST_ENDING);
                }
            }
            Kind::Code => {
                self.text(text);
                let joined: String = text.chars().filter(|c| c.is_alphanumeric()).take(TOKEN_CHARS).collect();
                // Order numbers are told by their last digits; less than four would mostly find the wrong one.
                self.endings(&joined, SHORTEST_ENDING + 1);
            }
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        for run in runs(text) {
            match run {
                Run::Cjk(run) => self.cjk(&run),
                Run::Word(word) => self.word(word),
            }
        }
        self.numbers(text);
    }

    pub(super) fn cjk(&mut self, run: &[char]) {
        pairs(run).for_each(|pair| self.add(&pair));
        if let Some(last) = run.last() {
            self.add(&last.to_string());
        }
    }

    pub(super) fn word(&mut self, word: &str) {
        let parts: Vec<(usize, &str)> = parts(word).collect();
        for (_, part) in &parts {
            self.add(part);
        }
        if parts.len() < 2 {
            return;
        }
        if word.contains(['@', '.']) {
            for (start, _) in parts.iter().take(PART_ENDINGS) {
                self.add(&word[*start..]);
            }
        }
        if !word.contains('@') {
            for first in 0..(parts.len() - 1).min(PART_ENDINGS) {
                self.add(&parts[first..].iter().map(|(_, part)| *part).collect::<String>());
            }
        }
    }

    /// Numbers written in groups (`138 0013 8000`, `(010) 6255-8888`) are asked for as one number.
    pub(super) fn numbers(&mut self, text: &str) {
        for stretch in text.split(|c: char| !is_number_sign(c)) {
            let groups: Vec<&str> = digit_groups(stretch).collect();
            if groups.len() < 2 {
                continue;
            }
            for first in 0..groups.len() {
                let joined: String = groups[first..].iter().take(PART_ENDINGS).copied().collect();
                self.add(&joined);
            }
        }
    }

    pub(super) fn email(&mut self, address: &str) {
        let address: String = address
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| if c.is_alphanumeric() || is_joint(c) { c } else { '-' })
            .collect();
        let Some((local, domain)) = address.rsplit_once('@') else {
            return self.text(&address);
        };
        self.add(&address);
        for start in local_starts(local) {
            self.add(&address[start..]);
        }
        // Alone, so that a question in several words meets them: the words of both sides, and the domain from each label on.
        for (_, part) in parts(local) {
            self.add(part);
        }
        for (start, part) in parts(domain) {
            self.add(part);
            self.add(&domain[start..]);
        }
        // `ab12-34@…` asked for as `2-34`, which is a number to the question.
        for stretch in local.split(|c: char| !is_number_sign(c)).filter(|s| digit_groups(s).count() > 1) {
            self.endings(&digit_groups(stretch).collect::<String>(), 1);
        }
    }

    /// Every ending of at least `shortest` characters.
    pub(super) fn endings(&mut self, text: &str, shortest: usize) {
        let count = text.chars().count();
        self.add(text);
        for (start, _) in text.char_indices().take((count + 1).saturating_sub(shortest)) {
            self.add(&text[start..]);
        }
    }

    /// What only names have: pairs across blanks and punctuation (`张 三` is asked for as `张三`), and pinyin.
    pub(super) fn name(&mut self, text: &str) {
        let mut run = Vec::new();
        for c in text.chars() {
            if is_cjk(c) {
                run.push(c);
            } else if c.is_alphanumeric() {
                self.name_run(&run);
                run.clear();
            }
        }
        self.name_run(&run);
    }

    pub(super) fn name_run(&mut self, run: &[char]) {
        self.cjk(run);
        for spoken in run.split(|c| c.to_pinyin().is_none()) {
            let spoken = &spoken[..spoken.len().min(SYLLABLES)];
            let usual: Vec<&str> = spoken.iter().filter_map(|c| c.to_pinyin()).map(|p| p.plain()).collect();
            let known = known_readings(spoken, &usual);
            self.spell(&usual);
            if known != usual {
                self.spell(&known);
            }
        }
    }

    pub(super) fn spell(&mut self, syllables: &[&str]) {
        for start in 0..syllables.len() {
            // Keyboards have no ü and input methods take v for it.
            self.add(&syllables[start..].concat().replace('ü', "v"));
            let initials: String = syllables[start..].iter().filter_map(|s| s.chars().next()).collect();
            // A single initial is the beginning of its syllable, which is there already.
            if initials.len() > 1 {
                self.add(&initials);
            }
        }
    }
}
