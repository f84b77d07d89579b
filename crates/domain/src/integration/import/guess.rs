//! What a column means, told from its header: English and Chinese words, and the names and labels of the fields themselves.

use super::{
    cell::split_list,
    mapping::{ColumnMapping, Mapping},
    plan::{paths, resolve},
    row::Row,
};
use crate::{
    catalog::product::Product,
    customers::{contact::Contact, customer::Customer},
    identity::team::Team,
    model::{
        field::{Field, FieldType},
        object::Schema,
        recurring,
        structures::contact_points::PHONES,
    },
    sales::opportunity::Opportunity,
    values::{country::find_country, money::Currency, text::fold},
};

/// Headers by the path they stand for, without blanks, signs and case. The first path that the object has is taken.
const WORDS: &[(&str, &[&str])] = &[
    ("line_items.0.product_id", &["product", "productname", "item", "产品", "产品名称", "商品", "商品名称"]),
    ("line_items.0.quantity", &["quantity", "qty", "数量"]),
    ("line_items.0.unit_price", &["unitprice", "salesprice", "单价", "销售单价"]),
    ("line_items.0.discount", &["discount", "折扣"]),
    (
        recurring::CUSTOMER_ID.name(),
        &[
            "account",
            "accountname",
            "company",
            "companyname",
            "customer",
            "customername",
            "client",
            "employer",
            "organization",
            "公司",
            "公司名称",
            "客户",
            "客户名称",
            "单位",
            "单位名称",
            "企业",
            "企业名称",
            "所属客户",
        ],
    ),
    (
        "name",
        &[
            "name",
            "fullname",
            "account",
            "accountname",
            "company",
            "companyname",
            "customer",
            "customername",
            "client",
            "clientname",
            "organization",
            "organisation",
            "contact",
            "contactname",
            "contactperson",
            "deal",
            "dealname",
            "机会名称",
            "项目名称",
            "公司",
            "公司名称",
            "客户",
            "客户名称",
            "客户姓名",
            "单位",
            "单位名称",
            "企业",
            "企业名称",
            "姓名",
            "名字",
            "联系人",
            "联系人姓名",
            "名称",
        ],
    ),
    (Contact::given_name.name(), &["firstname", "givenname", "名"]),
    (Contact::family_name.name(), &["lastname", "surname", "familyname", "姓", "姓氏"]),
    (
        "emails",
        &[
            "email",
            "emails",
            "mail",
            "emailaddress",
            "emailaddresses",
            "邮箱",
            "电子邮箱",
            "电子邮件",
            "邮件",
            "邮箱地址",
            "邮件地址",
            "企业邮箱",
        ],
    ),
    ("email", &["mail", "emailaddress", "邮箱", "电子邮箱", "电子邮件"]),
    (
        "phones",
        &[
            "phone",
            "phones",
            "phonenumber",
            "telephone",
            "tel",
            "mobile",
            "mobilephone",
            "cell",
            "cellphone",
            "电话",
            "联系电话",
            "电话号码",
            "手机",
            "手机号",
            "手机号码",
            "座机",
            "固定电话",
            "公司电话",
            "联系方式",
        ],
    ),
    ("phone", &["phonenumber", "telephone", "tel", "mobile", "电话", "手机", "手机号"]),
    ("industry", &["sector", "line", "lineofbusiness", "行业", "所属行业", "行业类别"]),
    (
        Customer::employee_count.name(),
        &[
            "employees",
            "employeecount",
            "headcount",
            "staff",
            "numberofemployees",
            "员工",
            "员工人数",
            "员工数",
            "人数",
            "人员规模",
        ],
    ),
    (
        Customer::annual_revenue.name(),
        &["revenue", "annualrevenue", "turnover", "sales", "年营业额", "营业额", "年收入", "年营收", "营收", "营业收入"],
    ),
    (
        Customer::founded_year.name(),
        &[
            "yearestablished",
            "established",
            "founded",
            "foundedyear",
            "yearfounded",
            "foundedin",
            "成立年份",
            "成立年",
            "创立年份",
        ],
    ),
    (
        recurring::PARENT_ID.name(),
        &[
            "subsidiaryof",
            "parent",
            "parentname",
            "parentcompany",
            "parentaccount",
            "parentcustomer",
            "上级",
            "上级客户",
            "上级公司",
            "母公司",
            "总公司",
            "所属集团",
        ],
    ),
    (
        "addresses.country",
        &["country", "countryregion", "officelocation", "location", "headquarters", "国家", "国家地区", "国别"],
    ),
    ("addresses.region", &["province", "state", "stateprovince", "省", "省份", "州", "省市"]),
    ("addresses.city", &["city", "town", "市", "城市"]),
    ("addresses.district", &["district", "county", "区", "区县", "县", "县区"]),
    (
        "addresses.street",
        &["address", "street", "streetaddress", "addressline1", "地址", "详细地址", "公司地址", "办公地址", "联系地址", "街道"],
    ),
    ("addresses.postal_code", &["zip", "zipcode", "postcode", "postalcode", "邮编", "邮政编码"]),
    ("region", &["salesregion", "territory", "大区", "地区", "片区"]),
    ("source", &["leadsource", "origin", "来源", "客户来源", "线索来源", "渠道"]),
    (
        recurring::OWNER_ID.name(),
        &[
            "owner",
            "agent",
            "rep",
            "ownername",
            "owneremail",
            "salesagent",
            "salesperson",
            "salesrep",
            "accountmanager",
            "accountowner",
            "负责人",
            "销售",
            "销售员",
            "客户经理",
            "业务员",
            "跟进人",
            "商机负责人",
            "所有人",
            "销售负责人",
        ],
    ),
    ("website", &["url", "web", "homepage", "网址", "官网", "网站", "公司网址"]),
    ("description", &["note", "notes", "remark", "remarks", "comment", "comments", "memo", "备注", "说明", "描述", "简介"]),
    (
        Customer::social_credit_code.name(),
        &["creditcode", "uscc", "信用代码", "社会信用代码", "统一社会信用代码", "税号", "纳税人识别号"],
    ),
    (recurring::TAG_IDS.name(), &["tag", "tags", "labels", "标签", "客户标签"]),
    (Opportunity::pipeline_id.name(), &["salespipeline", "管道", "销售管道", "销售流程"]),
    (Opportunity::stage_id.name(), &["dealstage", "salesstage", "opportunitystage", "销售阶段", "商机阶段", "商机状态"]),
    (
        "amount",
        &[
            "value",
            "dealvalue",
            "dealamount",
            "dealsize",
            "closevalue",
            "商机金额",
            "预计金额",
            "成交金额",
            "合同金额",
            "销售金额",
        ],
    ),
    (
        Opportunity::expected_close_on.name(),
        &[
            "closedate",
            "expectedclosedate",
            "expectedclose",
            "estimatedclosedate",
            "预计成交",
            "预计成交时间",
            "预计签单日期",
            "预计结单日期",
        ],
    ),
    (
        Opportunity::closed_at.name(),
        &["dateclosed", "closedon", "closeddate", "成交日期", "成交时间", "关闭日期", "结单日期", "赢单日期", "赢单时间"],
    ),
    (
        recurring::RECEIVED_AT.name(),
        &["inquirydate", "inquirytime", "datereceived", "receivedon", "咨询时间", "咨询日期", "线索时间", "线索创建时间"],
    ),
    (Opportunity::opened_at.name(), &["opendate", "openedon", "startdate", "engagedate", "开始日期", "立项日期", "立项时间"]),
    (Opportunity::close_reason.name(), &["lossreason", "lostreason", "winreason", "reason", "输单原因", "赢单原因", "丢单原因"]),
    ("probability", &["winprobability", "成交概率", "成功率", "可能性"]),
    ("competitors", &["competitor", "竞品", "竞争者"]),
    (Opportunity::next_step.name(), &["nextsteps", "nextaction", "下一步计划"]),
    (
        Product::list_price.name(),
        &["price", "salesprice", "listprice", "unitprice", "价格", "单价", "标准价格", "定价", "销售价", "零售价"],
    ),
    ("family", &["series", "productseries", "productfamily", "category", "产品系列", "产品线", "产品类别", "品类"]),
    ("sku", &["productcode", "code", "itemcode", "编码", "产品编号", "货号", "商品编码"]),
    ("unit", &["unitofmeasure", "uom", "计量单位"]),
    (Team::manager_id.name(), &["manager", "leader", "teamleader", "主管", "经理", "团队负责人"]),
    (recurring::TEAM_ID.name(), &["team", "teamname", "department", "部门", "团队", "所属团队", "所属部门"]),
    (Customer::lifecycle_stage.name(), &["stage", "lifecycle", "生命周期", "客户阶段", "客户状态"]),
    ("kind", &["type", "customertype", "类型", "客户类型"]),
    (Customer::other_names.name(), &["alias", "aliases", "shortname", "nickname", "简称", "别名", "曾用名", "英文名"]),
    ("department", &["dept", "部门", "所在部门"]),
    ("birthday", &["birthdate", "dateofbirth", "dob", "生日", "出生日期"]),
    ("language", &["lang", "语言"]),
    (Customer::time_zone.name(), &["timezone", "时区"]),
];

/// A header without what people vary: case, blanks, signs, what stands in brackets, a number at the end.
fn key(header: &str) -> String {
    let folded = fold(header);
    let mut depth = 0_i32;
    let kept: String = folded
        .chars()
        .filter(|c| {
            match c {
                '(' | '[' => depth += 1,
                ')' | ']' => depth -= 1,
                _ => return depth == 0 && c.is_alphanumeric(),
            }
            false
        })
        .collect();
    let trimmed = kept.trim_end_matches(|c: char| c.is_ascii_digit());
    if trimmed.is_empty() { kept } else { trimmed.to_owned() }
}

/// What a header says of its numbers: 万元, million USD.
fn unit(header: &str) -> (Option<i64>, Option<Currency>) {
    let folded = fold(header);
    let has = |words: &[&str]| words.iter().any(|word| folded.contains(word));
    let multiplier = if has(&["亿元", "亿美元", "(亿"]) {
        Some(100_000_000)
    } else if has(&["million", "百万", "(m)", "mio"]) {
        Some(1_000_000)
    } else if has(&["万元", "万美元", "(万"]) {
        Some(10_000)
    } else if has(&["thousand", "千元", "(k)"]) {
        Some(1_000)
    } else {
        None
    };
    let word = |code: &str| folded.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word == code);
    let currency = if word("usd") || has(&["美元"]) {
        Some(Currency::USD)
    } else if word("eur") || has(&["欧元"]) {
        Some(Currency::EUR)
    } else if word("cny") || word("rmb") || has(&["人民币"]) {
        Some(Currency::CNY)
    } else {
        None
    };
    (multiplier, currency)
}

/// A whole mapping: what was said, and a guess for each column that nothing was said of.
#[must_use]
pub fn complete(
    mapping: &Mapping,
    header: &[String],
    samples: &[Row],
    schema: &Schema,
    writes: &dyn Fn(&Field) -> bool,
) -> Mapping {
    let mut taken: Vec<String> = mapping.columns.iter().filter_map(|said| said.field.clone()).collect();
    let mut columns = Vec::with_capacity(header.len());
    for (position, column) in header.iter().enumerate() {
        let before = columns.len();
        columns.extend(mapping.columns.iter().filter(|said| said.column == *column).cloned());
        if columns.len() > before {
            continue;
        }
        let cells: Vec<&str> = samples.iter().map(|row| row.cell(position)).filter(|cell| !cell.is_empty()).collect();
        let path = guess(column, &cells, schema, writes, &taken);
        let field = path.as_ref().and_then(|path| resolve(path, schema));
        let mut guessed = ColumnMapping { column: column.clone(), field: path.clone(), ..ColumnMapping::default() };
        if let Some((field, _)) = field {
            if matches!(field.kind, FieldType::Money) {
                (guessed.multiplier, guessed.currency) = unit(column);
            }
            if field.kind == FieldType::Structure(&PHONES)
                && ["mobile", "cell", "手机"].iter().any(|word| key(column).contains(word))
            {
                guessed.label = Some("mobile".to_owned());
            }
        }
        taken.extend(path);
        columns.push(guessed);
    }
    columns.extend(mapping.columns.iter().filter(|said| said.column.is_empty()).cloned());
    Mapping { columns, ..mapping.clone() }
}

fn guess(header: &str, cells: &[&str], schema: &Schema, writes: &dyn Fn(&Field) -> bool, taken: &[String]) -> Option<String> {
    let free = |path: &str| {
        resolve(path, schema).is_some_and(|(field, _)| {
            let several = !field.kind.is_scalar() && !path.contains('.');
            field.kind != FieldType::Id && writes(&field) && (several || !taken.iter().any(|taken| taken == path))
        })
    };
    let written = header.trim();
    if free(written) {
        return Some(written.to_owned());
    }
    let wanted = key(header);
    if wanted.is_empty() {
        return None;
    }
    let own = paths(schema).into_iter().find(|path| {
        let labels = schema.field(path).map(|field| [key(&field.label.en), key(&field.label.zh)]);
        let named =
            key(path.strip_prefix("custom.").unwrap_or(path)) == wanted || labels.is_some_and(|labels| labels.contains(&wanted));
        named && free(path)
    });
    // An object's own name heads the column of its names: `product`, `产品名称`.
    let itself = || {
        let labels = [&schema.object.label.en, &schema.object.label.zh].map(|label| key(label));
        let bare = wanted.strip_suffix("name").or_else(|| wanted.strip_suffix("名称")).unwrap_or(&wanted);
        let own = labels.iter().any(|label| label == bare) && schema.object.title == recurring::NAME.name();
        (own && free(recurring::NAME.name())).then(|| recurring::NAME.name().to_owned())
    };
    let word =
        || WORDS.iter().find(|(path, words)| words.contains(&wanted.as_str()) && free(path)).map(|(path, _)| (*path).to_owned());
    let path = own.or_else(itself).or_else(word)?;
    // A place that is no country is a city.
    let is_place = path == "addresses.country" && !cells.is_empty() && !wanted.contains("country") && !wanted.contains("国");
    if is_place && !cells.iter().all(|cell| find_country(cell).is_some()) {
        return free("addresses.city").then(|| "addresses.city".to_owned());
    }
    // So is a number of people only where numbers stand.
    let field = resolve(&path, schema)?.0;
    let numeric = matches!(field.kind, FieldType::Integer { .. } | FieldType::Money | FieldType::Decimal);
    if numeric
        && !cells.is_empty()
        && cells.iter().all(|cell| !split_list(cell, None).iter().any(|part| part.contains(|c: char| c.is_numeric())))
    {
        return None;
    }
    Some(path)
}
