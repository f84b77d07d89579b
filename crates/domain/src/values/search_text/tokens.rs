//! The tokens of one value, by its kind.

use std::collections::BTreeSet;

use pinyin::ToPinyin;

use super::{Kind, readings::known_readings, signs::*};
use crate::values::{name, text::is_cjk};

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
        if self.set.len() < self.limit && is_token(token) {
            self.set.insert(cut(token));
        }
    }

    /// The `^` token of the value, and for a phone those of its national forms.
    pub(super) fn whole(&mut self, kind: Kind, text: &str) {
        if kind == Kind::Phone {
            for form in phone_forms(text) {
                self.add(&format!("^{form}"));
            }
            return;
        }
        self.add_all(whole_token(text));
        if kind == Kind::Name {
            // The name proper is the whole name too, and so is its sound.
            let proper = name::without_legal_form(text);
            let proper = proper.unwrap_or(text);
            self.add_all(whole_token(proper));
            let letters: Vec<char> = proper.chars().filter(|c| !c.is_whitespace()).collect();
            for sound in sounds(&letters) {
                self.add(&format!("^{}", sound.concat().replace('ü', "v")));
            }
        }
    }

    fn add_all(&mut self, tokens: impl IntoIterator<Item = String>) {
        tokens.into_iter().for_each(|token| self.add(&token));
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
                let mut tokens = Tokens::at_most(self.limit);
                tokens.text(text);
                // The letter that all numbers of an object begin with tells none of them.
                tokens.set.retain(|token| token.chars().nth(1).is_some());
                self.add_all(tokens.set);
                let joined: String = text.chars().filter(|c| c.is_alphanumeric()).take(TOKEN_CHARS).collect();
                // Order numbers are told by their last digits; less than four would mostly find the wrong one.
                self.endings(&joined, SHORTEST_ENDING + 1);
                // Nobody types the zeros that fill a number up.
                for number in digit_groups(text).map(|number| number.trim_start_matches('0')).filter(|number| number.len() > 1) {
                    self.add(number);
                }
            }
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        for run in runs(text) {
            match run {
                Run::Cjk(run) => self.cjk(&run),
                Run::Word(word) => self.word(word),
                Run::Picture(picture) => self.add(picture.encode_utf8(&mut [0; 4])),
            }
        }
        if let Some(joined) = joined_by_and(text) {
            for run in runs(&joined) {
                if let Run::Word(word) = run {
                    self.word(word);
                }
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
        if is_signed(word) {
            for (start, _) in parts.iter().take(PART_ENDINGS) {
                self.from(word, *start);
            }
        }
        if parts.len() > 1 && !word.contains('@') {
            for first in 0..(parts.len() - 1).min(PART_ENDINGS) {
                self.add(&parts[first..].iter().map(|(_, part)| *part).collect::<String>());
            }
        }
    }

    /// A word from a part on, and with the dot before it: who asks for `.net` means that.
    fn from(&mut self, word: &str, start: usize) {
        self.add(&word[start..]);
        if word[..start].ends_with('.') {
            self.add(&word[start - 1..]);
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
            self.from(&address, start);
        }
        // Alone, so that a question in several words meets them: the words of both sides, and the domain from each label on.
        for (_, part) in parts(local) {
            self.add(part);
        }
        for (start, part) in parts(domain) {
            self.add(part);
            self.from(domain, start);
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
        // Of a single letter only names that begin with it are meant.
        for run in runs(text) {
            if let Run::Word(word) = run {
                parts(word)
                    .filter_map(|(_, part)| part.chars().next())
                    .for_each(|first| self.add(first.encode_utf8(&mut [0; 4])));
            }
        }
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
            for syllables in sounds(spoken) {
                self.spell(&syllables);
            }
        }
    }

    pub(super) fn spell(&mut self, syllables: &[&str]) {
        for start in 0..syllables.len() {
            // Keyboards have no ü: input methods take v for it, passports yu, and many leave the dots out.
            let sound = syllables[start..].concat();
            if sound.contains('ü') {
                for letter in ["v", "u", "yu"] {
                    self.add(&sound.replace('ü', letter));
                }
            } else {
                self.add(&sound);
            }
            let initials: String = syllables[start..].iter().filter_map(|s| s.chars().next()).collect();
            self.add(&initials);
            self.add(&initials[..initials.chars().next().map_or(0, char::len_utf8)]);
        }
    }
}

/// How characters are read: as usual, and, where that is otherwise, as in the words they stand in. Nothing if one of them has no
/// reading.
fn sounds(spoken: &[char]) -> Vec<Vec<&'static str>> {
    let spoken = &spoken[..spoken.len().min(SYLLABLES)];
    let usual: Vec<&str> = spoken.iter().filter_map(|c| c.to_pinyin()).map(|p| p.plain()).collect();
    if usual.is_empty() || usual.len() < spoken.len() {
        return Vec::new();
    }
    let known = known_readings(spoken, &usual);
    if known == usual { vec![usual] } else { vec![usual, known] }
}
