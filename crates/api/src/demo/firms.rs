//! What firms are called, and what they do.

use super::{
    dice::Dice,
    persons::{ENGLISH_SURNAMES, GERMAN_SURNAMES, slug},
    places::Country,
};

/// A firm's name, a short one, and a label for its internet domain.
pub struct FirmName {
    pub full: String,
    pub short: String,
    pub domain: String,
}

/// A line of business in the languages of the demo.
pub struct Trade {
    pub zh: &'static str,
    pub zh_industry: &'static str,
    pub en: &'static str,
    pub en_industry: &'static str,
    pub de: &'static str,
}

const fn trade(
    zh: &'static str,
    zh_industry: &'static str,
    en: &'static str,
    en_industry: &'static str,
    de: &'static str,
) -> Trade {
    Trade { zh, zh_industry, en, en_industry, de }
}

#[rustfmt::skip]
pub static TRADES: [(u32, Trade); 24] = [
    (6, trade("精密机械", "机械制造", "Precision Machining", "Machinery", "Präzisionstechnik")),
    (6, trade("电子科技", "电子", "Electronics", "Electronics", "Elektronik")),
    (6, trade("信息技术", "软件与信息服务", "Software", "Software", "Software")),
    (4, trade("自动化设备", "机械制造", "Automation", "Machinery", "Automatisierung")),
    (4, trade("新能源", "新能源", "Energy Systems", "Energy", "Energietechnik")),
    (4, trade("物流", "物流运输", "Logistics", "Logistics", "Logistik")),
    (4, trade("食品", "食品饮料", "Foods", "Food and beverage", "Lebensmittel")),
    (3, trade("医疗器械", "医疗健康", "Medical Devices", "Health care", "Medizintechnik")),
    (3, trade("生物医药", "医疗健康", "Biotech", "Health care", "Pharma")),
    (3, trade("建筑工程", "建筑", "Construction", "Construction", "Bau")),
    (3, trade("汽车零部件", "汽车", "Auto Parts", "Automotive", "Fahrzeugtechnik")),
    (3, trade("纺织", "纺织服装", "Textiles", "Textiles", "Textil")),
    (3, trade("化工", "化工", "Chemicals", "Chemicals", "Chemie")),
    (3, trade("贸易", "批发零售", "Trading", "Wholesale and retail", "Handel")),
    (2, trade("包装材料", "包装印刷", "Packaging", "Packaging", "Verpackungen")),
    (2, trade("环保科技", "环保", "Environmental Services", "Environment", "Umwelttechnik")),
    (2, trade("家具", "家居", "Furniture", "Furniture", "Möbel")),
    (2, trade("文化传媒", "文化传媒", "Media", "Media", "Medien")),
    (2, trade("教育科技", "教育", "Education", "Education", "Bildung")),
    (2, trade("酒店管理", "住宿餐饮", "Hospitality", "Hospitality", "Gastronomie")),
    (2, trade("光电", "电子", "Optics", "Electronics", "Optik")),
    (2, trade("通信设备", "通信", "Communications", "Telecommunications", "Nachrichtentechnik")),
    (2, trade("农业科技", "农业", "Agritech", "Agriculture", "Agrar")),
    (1, trade("航空航天", "航空航天", "Aerospace", "Aerospace", "Luftfahrt")),
];

/// Characters that firms like in their names.
#[rustfmt::skip]
const LUCKY: [(&str, &str); 40] = [
    ("华", "hua"), ("鑫", "xin"), ("瑞", "rui"), ("恒", "heng"), ("盛", "sheng"), ("达", "da"), ("宏", "hong"), ("远", "yuan"),
    ("博", "bo"), ("润", "run"), ("诚", "cheng"), ("信", "xin"), ("泰", "tai"), ("安", "an"), ("嘉", "jia"), ("联", "lian"),
    ("创", "chuang"), ("新", "xin"), ("众", "zhong"), ("天", "tian"), ("海", "hai"), ("科", "ke"), ("凯", "kai"), ("德", "de"),
    ("卓", "zhuo"), ("越", "yue"), ("锦", "jin"), ("元", "yuan"), ("航", "hang"), ("星", "xing"), ("云", "yun"), ("智", "zhi"),
    ("领", "ling"), ("佳", "jia"), ("美", "mei"), ("光", "guang"), ("旭", "xu"), ("东", "dong"), ("方", "fang"), ("康", "kang"),
];

#[rustfmt::skip]
const BRANDS: [&str; 48] = [
    "Northgate", "Summit", "Harbor", "Blue Ridge", "Cedar", "Ironbridge", "Sterling", "Beacon", "Granite", "Westfield", "Redwood",
    "Lakeside", "Pinnacle", "Silverton", "Oakmont", "Keystone", "Fairview", "Bluestone", "Crescent", "Highland", "Maple", "Meridian",
    "Cascade", "Stonebrook", "Clearwater", "Kingsway", "Greenfield", "Atlas", "Vanguard", "Horizon", "Evergreen", "Riverside",
    "Coastal", "Titan", "Falcon", "Phoenix", "Orchard", "Millbrook", "Ashford", "Thornton", "Wexford", "Hamilton", "Lancaster",
    "Windsor", "Aurora", "Juniper", "Prairie", "Copper Canyon",
];

/// A Chinese firm: place, brand, trade, legal form.
pub fn chinese_firm(dice: &mut Dice, place: &str, place_pinyin: &str, trade: &Trade) -> FirmName {
    const FORMS: [(u32, &str); 5] =
        [(76, "有限公司"), (11, "股份有限公司"), (6, "有限责任公司"), (4, "集团有限公司"), (3, "（集团）股份有限公司")];
    let (mut brand, mut pinyin) = (String::new(), String::new());
    for _ in 0..if dice.chance(25) { 3 } else { 2 } {
        let (character, sound) = *dice.pick(&LUCKY);
        brand.push_str(character);
        pinyin.push_str(sound);
    }
    // Some write the place without its rank: 深圳 instead of 深圳市.
    let place = if dice.chance(50) { place.trim_end_matches('市') } else { place };
    FirmName {
        full: format!("{place}{brand}{}{}", trade.zh, dice.weighted(&FORMS)),
        short: format!("{brand}{}", trade.zh),
        domain: format!("{pinyin}-{place_pinyin}.example.cn"),
    }
}

/// A Western firm: brand or founder, trade, legal form.
pub fn western_firm(dice: &mut Dice, country: Country, town: &str, trade: &Trade) -> FirmName {
    let (brand, line, forms): (&str, &str, &[(u32, &str)]) = match country {
        Country::China | Country::UnitedStates => {
            (founder(dice, &ENGLISH_SURNAMES), trade.en, &[(50, "Inc."), (35, "LLC"), (15, "Corporation")])
        }
        Country::UnitedKingdom => (founder(dice, &ENGLISH_SURNAMES), trade.en, &[(80, "Ltd"), (12, "plc"), (8, "LLP")]),
        Country::Germany => (founder(dice, &GERMAN_SURNAMES), trade.de, &[(70, "GmbH"), (20, "GmbH & Co. KG"), (10, "AG")]),
    };
    let short = if dice.chance(20) { format!("{brand} {town} {line}") } else { format!("{brand} {line}") };
    FirmName { full: format!("{short} {}", dice.weighted(forms)), domain: format!("{}.example.com", slug(&short)), short }
}

fn founder(dice: &mut Dice, surnames: &[&'static str]) -> &'static str {
    if dice.chance(60) { dice.pick::<&str>(&BRANDS) } else { dice.pick::<&str>(surnames) }
}
