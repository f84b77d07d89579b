//! What people are called. The lists are our own: the crates for made-up data know few Chinese names and no Chinese firms, and
//! their data would change with their versions.

use super::{dice::Dice, places::Country};

/// A person's name, and how it is spelt in an e-mail address.
pub struct PersonName {
    pub full: String,
    pub family: &'static str,
    pub given: String,
    pub mailbox: String,
}

#[rustfmt::skip]
const SURNAMES: [(&str, &str); 40] = [
    ("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"), ("黄", "huang"), ("赵", "zhao"),
    ("吴", "wu"), ("周", "zhou"), ("徐", "xu"), ("孙", "sun"), ("马", "ma"), ("朱", "zhu"), ("胡", "hu"), ("郭", "guo"),
    ("何", "he"), ("林", "lin"), ("高", "gao"), ("罗", "luo"), ("郑", "zheng"), ("梁", "liang"), ("谢", "xie"), ("宋", "song"),
    ("唐", "tang"), ("许", "xu"), ("韩", "han"), ("邓", "deng"), ("冯", "feng"), ("曹", "cao"), ("彭", "peng"), ("曾", "zeng"),
    ("肖", "xiao"), ("田", "tian"), ("董", "dong"), ("潘", "pan"), ("袁", "yuan"), ("蔡", "cai"), ("欧阳", "ouyang"), ("诸葛", "zhuge"),
];

#[rustfmt::skip]
const GIVEN: [(&str, &str); 60] = [
    ("伟", "wei"), ("芳", "fang"), ("娜", "na"), ("敏", "min"), ("静", "jing"), ("丽", "li"), ("强", "qiang"), ("磊", "lei"),
    ("洋", "yang"), ("艳", "yan"), ("勇", "yong"), ("军", "jun"), ("杰", "jie"), ("娟", "juan"), ("涛", "tao"), ("明", "ming"),
    ("超", "chao"), ("霞", "xia"), ("平", "ping"), ("刚", "gang"), ("桂", "gui"), ("英", "ying"), ("华", "hua"), ("玉", "yu"),
    ("建", "jian"), ("文", "wen"), ("志", "zhi"), ("国", "guo"), ("海", "hai"), ("晓", "xiao"), ("宇", "yu"), ("轩", "xuan"),
    ("浩", "hao"), ("然", "ran"), ("博", "bo"), ("思", "si"), ("雨", "yu"), ("欣", "xin"), ("怡", "yi"), ("佳", "jia"),
    ("俊", "jun"), ("鹏", "peng"), ("飞", "fei"), ("梅", "mei"), ("婷", "ting"), ("雪", "xue"), ("琳", "lin"), ("晨", "chen"),
    ("凯", "kai"), ("峰", "feng"), ("龙", "long"), ("斌", "bin"), ("慧", "hui"), ("颖", "ying"), ("蕾", "lei"), ("嘉", "jia"),
    ("子", "zi"), ("涵", "han"), ("泽", "ze"), ("睿", "rui"),
];

#[rustfmt::skip]
const ENGLISH_GIVEN: [&str; 48] = [
    "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth", "William", "Susan",
    "Richard", "Jessica", "Thomas", "Sarah", "Daniel", "Karen", "Matthew", "Nancy", "Anthony", "Lisa", "Mark", "Emily", "Paul",
    "Donna", "Steven", "Michelle", "Andrew", "Carol", "George", "Amanda", "Kevin", "Laura", "Brian", "Rebecca", "Edward", "Sharon",
    "Jason", "Cynthia", "Ryan", "Amy", "Jacob", "Angela", "Oliver", "Charlotte", "Henry", "Grace",
];

#[rustfmt::skip]
pub const ENGLISH_SURNAMES: [&str; 56] = [
    "Smith", "Johnson", "Williams", "Brown", "Jones", "Miller", "Davis", "Wilson", "Anderson", "Taylor", "Moore", "Jackson",
    "Martin", "Thompson", "White", "Harris", "Clark", "Lewis", "Robinson", "Walker", "Young", "Allen", "King", "Wright", "Scott",
    "Hill", "Green", "Adams", "Baker", "Nelson", "Carter", "Mitchell", "Roberts", "Turner", "Phillips", "Campbell", "Parker",
    "Evans", "Edwards", "Collins", "Stewart", "Morris", "Cook", "Rogers", "Morgan", "Bell", "Murphy", "Bailey", "Cooper", "Reed",
    "Kelly", "Howard", "Ward", "Watson", "Brooks", "Bennett",
];

#[rustfmt::skip]
const GERMAN_GIVEN: [&str; 28] = [
    "Thomas", "Andreas", "Michael", "Stefan", "Christian", "Martin", "Peter", "Markus", "Klaus", "Jürgen", "Jan", "Lukas", "Felix",
    "Jonas", "Anna", "Julia", "Sabine", "Petra", "Claudia", "Monika", "Katrin", "Lena", "Laura", "Sophie", "Nina", "Heike", "Birgit",
    "Jörg",
];

#[rustfmt::skip]
pub const GERMAN_SURNAMES: [&str; 32] = [
    "Müller", "Schmidt", "Schneider", "Fischer", "Weber", "Meyer", "Wagner", "Becker", "Schulz", "Hoffmann", "Schäfer", "Koch",
    "Bauer", "Richter", "Klein", "Wolf", "Schröder", "Neumann", "Schwarz", "Zimmermann", "Braun", "Krüger", "Hofmann", "Hartmann",
    "Lange", "Werner", "Krause", "Lehmann", "Köhler", "Maier", "Kaiser", "Fuchs",
];

pub fn person(dice: &mut Dice, country: Country) -> PersonName {
    match country {
        Country::China => chinese(dice),
        Country::UnitedStates | Country::UnitedKingdom => western(dice, &ENGLISH_GIVEN, &ENGLISH_SURNAMES),
        Country::Germany => western(dice, &GERMAN_GIVEN, &GERMAN_SURNAMES),
    }
}

fn chinese(dice: &mut Dice) -> PersonName {
    let (family, family_pinyin) = *dice.pick(&SURNAMES);
    let syllables = if dice.chance(70) { 2 } else { 1 };
    let (mut given, mut given_pinyin) = (String::new(), String::new());
    for _ in 0..syllables {
        let (character, pinyin) = *dice.pick(&GIVEN);
        given.push_str(character);
        given_pinyin.push_str(pinyin);
    }
    PersonName { full: format!("{family}{given}"), family, given, mailbox: format!("{given_pinyin}.{family_pinyin}") }
}

fn western(dice: &mut Dice, given: &[&str], families: &[&'static str]) -> PersonName {
    let (given, family) = (*dice.pick(given), *dice.pick(families));
    let mailbox = slug(&format!("{given}.{family}"));
    PersonName { full: format!("{given} {family}"), family, given: given.to_owned(), mailbox }
}

/// Lower-case ASCII for addresses: umlauts spelt out, blanks as hyphens.
pub fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.to_lowercase().chars() {
        match letter {
            'ä' => slug.push_str("ae"),
            'ö' => slug.push_str("oe"),
            'ü' => slug.push_str("ue"),
            ' ' => slug.push('-'),
            other => slug.push(other),
        }
    }
    slug
}
