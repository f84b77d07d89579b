//! Where customers are: real places with their area codes, postal codes and divisions.

/// A Chinese city.
pub struct City {
    pub region: &'static str,
    pub province: &'static str,
    pub name: &'static str,
    pub pinyin: &'static str,
    /// Area code without the leading zero.
    pub area_code: &'static str,
    /// How many digits a landline number has after the area code.
    pub landline_digits: usize,
    /// The first four digits of its administrative division (GB/T 2260).
    pub division: &'static str,
    pub postal_code: &'static str,
    pub districts: &'static [&'static str],
}

type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    usize,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const fn city(row: Row) -> City {
    let (region, province, name, pinyin, area_code, landline_digits, division, postal_code, districts) = row;
    City { region, province, name, pinyin, area_code, landline_digits, division, postal_code, districts }
}

/// How often a customer is there, and where.
#[rustfmt::skip]
pub static CITIES: [(u32, City); 32] = [
    (9, city(("华北", "北京市", "北京市", "beijing", "10", 8, "1101", "100000", &["海淀区", "朝阳区", "丰台区", "西城区", "大兴区"]))),
    (3, city(("华北", "天津市", "天津市", "tianjin", "22", 8, "1201", "300000", &["滨海新区", "和平区", "西青区", "武清区"]))),
    (2, city(("华北", "河北省", "石家庄市", "shijiazhuang", "311", 8, "1301", "050000", &["长安区", "裕华区", "桥西区"]))),
    (1, city(("华北", "山西省", "太原市", "taiyuan", "351", 7, "1401", "030000", &["小店区", "迎泽区", "杏花岭区"]))),
    (2, city(("东北", "辽宁省", "沈阳市", "shenyang", "24", 8, "2101", "110000", &["和平区", "铁西区", "浑南区"]))),
    (2, city(("东北", "辽宁省", "大连市", "dalian", "411", 8, "2102", "116000", &["中山区", "甘井子区", "金州区"]))),
    (1, city(("东北", "黑龙江省", "哈尔滨市", "haerbin", "451", 8, "2301", "150000", &["南岗区", "道里区", "松北区"]))),
    (10, city(("华东", "上海市", "上海市", "shanghai", "21", 8, "3101", "200000", &["浦东新区", "徐汇区", "闵行区", "嘉定区", "松江区"]))),
    (4, city(("华东", "江苏省", "南京市", "nanjing", "25", 8, "3201", "210000", &["玄武区", "江宁区", "建邺区", "栖霞区"]))),
    (6, city(("华东", "江苏省", "苏州市", "suzhou", "512", 8, "3205", "215000", &["姑苏区", "吴中区", "相城区", "昆山市"]))),
    (3, city(("华东", "江苏省", "无锡市", "wuxi", "510", 8, "3202", "214000", &["滨湖区", "梁溪区", "新吴区"]))),
    (6, city(("华东", "浙江省", "杭州市", "hangzhou", "571", 8, "3301", "310000", &["西湖区", "滨江区", "余杭区", "萧山区"]))),
    (4, city(("华东", "浙江省", "宁波市", "ningbo", "574", 8, "3302", "315000", &["鄞州区", "海曙区", "北仑区"]))),
    (2, city(("华东", "安徽省", "合肥市", "hefei", "551", 8, "3401", "230000", &["蜀山区", "包河区", "庐阳区"]))),
    (2, city(("华东", "福建省", "福州市", "fuzhou", "591", 8, "3501", "350000", &["鼓楼区", "台江区", "仓山区"]))),
    (2, city(("华东", "福建省", "厦门市", "xiamen", "592", 7, "3502", "361000", &["思明区", "湖里区", "集美区"]))),
    (1, city(("华东", "江西省", "南昌市", "nanchang", "791", 8, "3601", "330000", &["东湖区", "红谷滩区", "青山湖区"]))),
    (2, city(("华东", "山东省", "济南市", "jinan", "531", 8, "3701", "250000", &["历下区", "市中区", "历城区"]))),
    (4, city(("华东", "山东省", "青岛市", "qingdao", "532", 8, "3702", "266000", &["市南区", "崂山区", "黄岛区", "城阳区"]))),
    (3, city(("华中", "河南省", "郑州市", "zhengzhou", "371", 8, "4101", "450000", &["金水区", "中原区", "二七区"]))),
    (4, city(("华中", "湖北省", "武汉市", "wuhan", "27", 8, "4201", "430000", &["武昌区", "洪山区", "江汉区", "汉阳区"]))),
    (3, city(("华中", "湖南省", "长沙市", "changsha", "731", 8, "4301", "410000", &["岳麓区", "雨花区", "天心区"]))),
    (5, city(("华南", "广东省", "广州市", "guangzhou", "20", 8, "4401", "510000", &["天河区", "越秀区", "番禺区", "黄埔区"]))),
    (8, city(("华南", "广东省", "深圳市", "shenzhen", "755", 8, "4403", "518000", &["南山区", "福田区", "龙岗区", "宝安区"]))),
    (4, city(("华南", "广东省", "东莞市", "dongguan", "769", 8, "4419", "523000", &["南城街道", "松山湖", "虎门镇", "长安镇"]))),
    (3, city(("华南", "广东省", "佛山市", "foshan", "757", 8, "4406", "528000", &["禅城区", "南海区", "顺德区"]))),
    (1, city(("华南", "广西壮族自治区", "南宁市", "nanning", "771", 7, "4501", "530000", &["青秀区", "兴宁区", "良庆区"]))),
    (3, city(("西南", "重庆市", "重庆市", "chongqing", "23", 8, "5001", "400000", &["渝北区", "江北区", "南岸区", "九龙坡区"]))),
    (4, city(("西南", "四川省", "成都市", "chengdu", "28", 8, "5101", "610000", &["武侯区", "锦江区", "双流区", "郫都区"]))),
    (1, city(("西南", "云南省", "昆明市", "kunming", "871", 8, "5301", "650000", &["五华区", "盘龙区", "官渡区"]))),
    (3, city(("西北", "陕西省", "西安市", "xian", "29", 8, "6101", "710000", &["雁塔区", "碑林区", "未央区", "长安区"]))),
    (1, city(("西北", "甘肃省", "兰州市", "lanzhou", "931", 7, "6201", "730000", &["城关区", "七里河区", "安宁区"]))),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Country {
    China,
    UnitedStates,
    UnitedKingdom,
    Germany,
}

impl Country {
    pub fn code(self) -> &'static str {
        match self {
            Country::China => "CN",
            Country::UnitedStates => "US",
            Country::UnitedKingdom => "GB",
            Country::Germany => "DE",
        }
    }

    pub fn currency(self) -> &'static str {
        match self {
            Country::China => "CNY",
            Country::UnitedStates => "USD",
            Country::UnitedKingdom => "GBP",
            Country::Germany => "EUR",
        }
    }

    pub fn time_zone(self) -> &'static str {
        match self {
            Country::China => "Asia/Shanghai",
            Country::UnitedStates => "America/New_York",
            Country::UnitedKingdom => "Europe/London",
            Country::Germany => "Europe/Berlin",
        }
    }

    pub fn language(self) -> &'static str {
        match self {
            Country::China => "zh-CN",
            Country::UnitedStates => "en-US",
            Country::UnitedKingdom => "en-GB",
            Country::Germany => "de-DE",
        }
    }
}

/// A Western town. Phone numbers begin with `phone` and go on with `phone_digits` more: ranges that are kept for films and
/// books, or, in America, the exchange 555.
pub struct Town {
    pub country: Country,
    pub state: &'static str,
    pub name: &'static str,
    pub phone: &'static str,
    pub phone_digits: usize,
    pub postal_code: &'static str,
}

const fn town(
    country: Country,
    state: &'static str,
    name: &'static str,
    (phone, phone_digits): (&'static str, usize),
    postal_code: &'static str,
) -> Town {
    Town { country, state, name, phone, phone_digits, postal_code }
}

use Country::{Germany as DE, UnitedKingdom as GB, UnitedStates as US};

#[rustfmt::skip]
pub static TOWNS: [(u32, Town); 24] = [
    (5, town(US, "New York", "New York", ("+1212555", 4), "10001")),
    (4, town(US, "California", "San Francisco", ("+1415555", 4), "94105")),
    (4, town(US, "California", "Los Angeles", ("+1213555", 4), "90012")),
    (3, town(US, "Illinois", "Chicago", ("+1312555", 4), "60601")),
    (3, town(US, "Texas", "Houston", ("+1713555", 4), "77002")),
    (3, town(US, "Texas", "Dallas", ("+1214555", 4), "75201")),
    (2, town(US, "Massachusetts", "Boston", ("+1617555", 4), "02108")),
    (2, town(US, "Washington", "Seattle", ("+1206555", 4), "98101")),
    (2, town(US, "Georgia", "Atlanta", ("+1404555", 4), "30303")),
    (2, town(US, "Colorado", "Denver", ("+1303555", 4), "80202")),
    (2, town(US, "Michigan", "Detroit", ("+1313555", 4), "48226")),
    (2, town(US, "Ohio", "Cleveland", ("+1216555", 4), "44113")),
    (5, town(GB, "Greater London", "London", ("+442079460", 3), "EC1A 1BB")),
    (2, town(GB, "West Yorkshire", "Leeds", ("+441134960", 3), "LS1 4AP")),
    (2, town(GB, "West Midlands", "Birmingham", ("+441214960", 3), "B2 4QA")),
    (2, town(GB, "Greater Manchester", "Manchester", ("+441614960", 3), "M2 3AE")),
    (1, town(GB, "Scotland", "Edinburgh", ("+441314960", 3), "EH2 2ER")),
    (1, town(GB, "Scotland", "Glasgow", ("+441414960", 3), "G1 3SL")),
    (1, town(GB, "Bristol", "Bristol", ("+441174960", 3), "BS1 5TR")),
    (3, town(DE, "Berlin", "Berlin", ("+493023125", 3), "10117")),
    (2, town(DE, "Hessen", "Frankfurt am Main", ("+496990009", 3), "60311")),
    (2, town(DE, "Hamburg", "Hamburg", ("+494066969", 3), "20095")),
    (1, town(DE, "Nordrhein-Westfalen", "Köln", ("+492214710", 3), "50667")),
    (2, town(DE, "Bayern", "München", ("+498999998", 3), "80331")),
];
