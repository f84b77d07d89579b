//! How characters with several readings are read in the names of people and firms.

/// The readings of a run of characters, with those corrected that a dictionary of single characters gets wrong.
pub(super) fn known_readings<'a>(run: &[char], usual: &[&'a str]) -> Vec<&'a str>
where
    'static: 'a,
{
    let mut readings = usual.to_vec();
    let mut at = 0;
    while at < run.len() {
        let surname = if at == 0 { SURNAMES } else { &[] };
        let found = WORDS.iter().chain(surname).find(|(word, _)| starts_with(&run[at..], word));
        let Some((_, spoken)) = found else {
            at += 1;
            continue;
        };
        for syllable in spoken.split(' ') {
            if let Some(reading) = readings.get_mut(at) {
                *reading = syllable;
            }
            at += 1;
        }
    }
    readings
}

pub(super) fn starts_with(run: &[char], word: &str) -> bool {
    let mut run = run.iter();
    word.chars().all(|c| run.next() == Some(&c))
}

/// Words that names of companies, places and people are made of, in which a character is not read as it usually is.
/// Longer ones first where one begins another.
pub(super) const WORDS: &[(&str, &str)] = &[
    // compound surnames
    ("尉迟", "yu chi"),
    ("长孙", "zhang sun"),
    ("单于", "chan yu"),
    ("万俟", "mo qi"),
    ("澹台", "tan tai"),
    // places
    ("重庆", "chong qing"),
    ("厦门", "xia men"),
    ("六安", "lu an"),
    ("六合", "lu he"),
    ("蚌埠", "beng bu"),
    ("番禺", "pan yu"),
    ("东莞", "dong guan"),
    ("台州", "tai zhou"),
    ("乐清", "yue qing"),
    ("乐亭", "lao ting"),
    ("乐陵", "lao ling"),
    ("西藏", "xi zang"),
    ("朝阳", "chao yang"),
    ("牟平", "mu ping"),
    ("铅山", "yan shan"),
    ("大埔", "da bu"),
    ("黄埔", "huang pu"),
    ("十堰", "shi yan"),
    ("洪洞", "hong tong"),
    ("浚县", "xun xian"),
    ("吐鲁番", "tu lu fan"),
    ("长子县", "zhang zi xian"),
    // companies
    ("银行", "yin hang"),
    ("商行", "shang hang"),
    ("分行", "fen hang"),
    ("支行", "zhi hang"),
    ("车行", "che hang"),
    ("药行", "yao hang"),
    ("洋行", "yang hang"),
    ("行业", "hang ye"),
    ("音乐", "yin yue"),
    ("乐器", "yue qi"),
    ("乐团", "yue tuan"),
    ("会计", "kuai ji"),
    ("重工", "zhong gong"),
    ("重型", "zhong xing"),
    ("重机", "zhong ji"),
    ("重汽", "zhong qi"),
    ("传媒", "chuan mei"),
    ("传播", "chuan bo"),
    ("传动", "chuan dong"),
    ("传感", "chuan gan"),
    ("调味", "tiao wei"),
    ("空调", "kong tiao"),
    ("人参", "ren shen"),
    ("宝藏", "bao zang"),
    ("弹簧", "tan huang"),
    ("大厦", "da sha"),
    ("成长", "cheng zhang"),
    ("校长", "xiao zhang"),
    ("董事长", "dong shi zhang"),
    ("生长", "sheng zhang"),
    ("家长", "jia zhang"),
    ("工行", "gong hang"),
    ("建行", "jian hang"),
    ("农行", "nong hang"),
    ("招行", "zhao hang"),
    // In all other names it is long, not elder (长城, 长江, 长安, 延长), and a city, not all (成都, 首都, 都市).
    ("长", "chang"),
    ("都", "du"),
];

/// Surnames that are not read as the character usually is. They count at the beginning of a name only, and beside the
/// usual reading, since a company may begin with the same character.
pub(super) const SURNAMES: &[(&str, &str)] = &[
    ("单", "shan"),
    ("曾", "zeng"),
    ("解", "xie"),
    ("仇", "qiu"),
    ("区", "ou"),
    ("查", "zha"),
    ("盖", "ge"),
    ("朴", "piao"),
    ("重", "chong"),
    ("乐", "yue"),
    ("翟", "zhai"),
    ("覃", "qin"),
    ("召", "shao"),
    ("折", "she"),
    ("缪", "miao"),
    ("员", "yun"),
    ("种", "chong"),
    ("薄", "bo"),
    ("贾", "jia"),
    ("繁", "po"),
    ("秘", "bi"),
    ("能", "nai"),
    ("佴", "nai"),
    ("乜", "nie"),
];
