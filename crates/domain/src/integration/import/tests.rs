use std::sync::LazyLock;

use serde_json::json;

use super::{
    cell::{self, Unread},
    forms::{DateFormat, Decimal},
    mapping::{ColumnMapping, Mapping, Strictness},
    merge, order,
    plan::Plan,
    row::Row,
    template::Template,
};
use crate::{
    catalog::product::Product,
    customers::{contact::Contact, customer::Customer},
    model::{
        entity::Entity,
        fault::FaultCode,
        object::{Object, Schema},
        record::Record,
        value::Standards,
    },
    sales::opportunity::Opportunity,
    values::{money::Currency, time::Timestamp},
};

static STANDARDS: LazyLock<Standards<'static>> = LazyLock::new(|| Standards {
    country: "CN",
    currency: Currency::CNY,
    zone: chrono_tz::Asia::Shanghai,
    now: Timestamp::from_milliseconds(0),
    user: None,
});

fn schema(object: &'static Object) -> Schema {
    Schema { object, custom: std::sync::Arc::from([]) }
}

fn texts(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn rows(rows: &[&[&str]]) -> Vec<Row> {
    rows.iter().zip(2..).map(|(cells, number)| Row { number, cells: texts(cells) }).collect()
}

fn guessed(object: &'static Object, header: &[&str], samples: &[&[&str]]) -> Vec<Option<String>> {
    let (_, whole) = Plan::make(&Mapping::default(), &texts(header), &rows(samples), &schema(object), &|_| true).unwrap();
    whole.columns.into_iter().map(|column| column.field).collect()
}

fn fields(paths: &[&str]) -> Vec<Option<String>> {
    paths.iter().map(|path| (!path.is_empty()).then(|| (*path).to_owned())).collect()
}

fn plan(header: &[&str], said: Vec<ColumnMapping>) -> Plan {
    Plan::make(&Mapping { columns: said, ..Mapping::default() }, &texts(header), &[], &schema(Customer::object()), &|_| true)
        .unwrap()
        .0
}

#[test]
fn the_accounts_are_guessed() {
    let header = ["account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of"];
    let sample: &[&str] = &["Bioholding", "medical", "2012", "587.34", "1356", "Philipines", "Acme Corporation"];
    let wanted = ["name", "industry", "founded_year", "annual_revenue", "employee_count", "addresses.country", "parent_id"];
    assert_eq!(guessed(Customer::object(), &header, &[sample]), fields(&wanted));
}

#[test]
fn chinese_headers_are_guessed() {
    let header = [
        "客户名称",
        "行业",
        "省份",
        "城市",
        "区",
        "详细地址",
        "手机",
        "邮箱",
        "来源",
        "负责人",
        "上级客户",
        "年营业额（万元）",
        "标签",
        "没有这一列",
    ];
    let wanted = [
        "name",
        "industry",
        "addresses.region",
        "addresses.city",
        "addresses.district",
        "addresses.street",
        "phones",
        "emails",
        "source",
        "owner_id",
        "parent_id",
        "annual_revenue",
        "tag_ids",
        "",
    ];
    assert_eq!(guessed(Customer::object(), &header, &[]), fields(&wanted));
    let header = ["姓名", "公司", "职务", "电话1", "电话2", "备注"];
    assert_eq!(guessed(Contact::object(), &header, &[]), fields(&["name", "customer_id", "", "phones", "phones", "description"]));
}

#[test]
fn a_place_that_is_no_country_is_a_city() {
    assert_eq!(guessed(Customer::object(), &["name", "location"], &[&["A", "Springfield"]]), fields(&["name", "addresses.city"]));
    assert_eq!(guessed(Customer::object(), &["name", "Sales"], &[&["A", "Moses Frase"]]), fields(&["name", ""]));
}

#[test]
fn the_header_tells_the_unit() {
    let header = texts(&["名称", "年营业额（万元）"]);
    let (_, whole) = Plan::make(&Mapping::default(), &header, &[], &schema(Customer::object()), &|_| true).unwrap();
    assert_eq!(whole.columns[1].multiplier, Some(10_000));
}

#[test]
fn cells_become_a_body() {
    let revenue = ColumnMapping {
        column: "revenue".into(),
        field: Some("annual_revenue".into()),
        multiplier: Some(1_000_000),
        currency: Some(Currency::USD),
        ..ColumnMapping::default()
    };
    let sector = ColumnMapping {
        column: "sector".into(),
        field: Some("industry".into()),
        values: [("technolgy".to_owned(), "technology".to_owned())].into(),
        ..ColumnMapping::default()
    };
    let plan = plan(
        &["account", "sector", "revenue", "employees", "office_location", "subsidiary_of", "phone", "birthday", "kind"],
        vec![revenue, sector],
    );
    let cells = [
        "Acme",
        "technolgy",
        "1,100.04",
        "2,822",
        "Philipines",
        "Massive Dynamic",
        "010-62345678、13800138000",
        "2012年3月5日",
        "个人",
    ];
    let mut read = plan.read(&Row { number: 2, cells: texts(&cells) }, &STANDARDS);
    assert_eq!(read.faults, []);
    let wanted = read.wanted.first().unwrap().clone();
    assert_eq!((wanted.path.as_str(), wanted.named.as_str()), ("parent_id", "Massive Dynamic"));
    let parent = crate::values::id::Id::NIL;
    read.found(&wanted, parent);
    assert_eq!(
        serde_json::Value::Object(read.body),
        json!({
            "name": "Acme", "industry": "technology", "annual_revenue": {"amount": 110_004_000_000_i64, "currency": "USD"}, "employee_count": 2822,
            "addresses": [{"country": "PH"}], "phones": [{"value": "010-62345678"}, {"value": "13800138000"}], "birthday": "2012-03-05",
            "kind": "person", "parent_id": parent.to_string(),
        })
    );
}

#[test]
fn faults_name_the_column() {
    let plan = plan(&["name", "employees", "country", "revenue", "birthday"], Vec::new());
    let read =
        plan.read(&Row { number: 7, cells: texts(&["A", "many", "Atlantis", "five", "1/2/2012", "one too many"]) }, &STANDARDS);
    let found: Vec<_> =
        read.faults.iter().map(|fault| (fault.column.as_deref(), fault.fault.pointer.as_str(), fault.fault.code)).collect();
    assert_eq!(
        found,
        [
            (None, "", FaultCode::TooMany),
            (Some("employees"), "/employee_count", FaultCode::WrongType),
            (Some("country"), "/addresses/country", FaultCode::UnknownCountry),
            (Some("revenue"), "/annual_revenue", FaultCode::Malformed),
            (Some("birthday"), "/birthday", FaultCode::AmbiguousDate),
        ]
    );
    assert_eq!(plan.column_of("/addresses/0/country").unwrap().mapping.column, "country");
    assert_eq!(plan.column_of("/annual_revenue/amount").unwrap().mapping.column, "revenue");
    assert!(plan.column_of("/owner_id").is_none());
}

#[test]
fn a_wrong_mapping_is_refused() {
    let said = |column: &str, field: &str| ColumnMapping {
        column: column.into(),
        field: Some(field.into()),
        ..ColumnMapping::default()
    };
    let columns = vec![said("nmae", "name"), said("sector", "industri"), said("other", "version"), said("again", "name")];
    let header = texts(&["name", "sector", "other", "again"]);
    let faults =
        Plan::make(&Mapping { columns, ..Mapping::default() }, &header, &[], &schema(Customer::object()), &|_| true).unwrap_err();
    let pointers: Vec<&str> = faults.0.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/mapping/columns/0/column", "/mapping/columns/1/field", "/mapping/columns/2/field"]);
}

#[test]
fn sales_are_guessed() {
    let header = ["商机名称", "客户名称", "金额（万元）", "销售阶段", "预计成交日期", "负责人", "产品名称", "单价", "输单原因"];
    let wanted = [
        "name",
        "customer_id",
        "amount",
        "stage_id",
        "expected_close_on",
        "owner_id",
        "line_items.0.product_id",
        "line_items.0.unit_price",
        "close_reason",
    ];
    assert_eq!(guessed(Opportunity::object(), &header, &[]), fields(&wanted));
    let header = ["opportunity", "account", "deal_stage", "close_value", "sales_agent", "product", "close_date"];
    let wanted = ["name", "customer_id", "stage_id", "amount", "owner_id", "line_items.0.product_id", "expected_close_on"];
    assert_eq!(guessed(Opportunity::object(), &header, &[]), fields(&wanted));
    let header = ["产品名称", "产品编码", "系列", "单价", "单位"];
    assert_eq!(guessed(Product::object(), &header, &[]), fields(&["name", "sku", "family", "list_price", "unit"]));
    assert_eq!(guessed(Customer::object(), &["name", "product", "team"], &[]), fields(&["name", "", "team_id"]));
}

#[test]
fn texts_are_made_of_columns() {
    let header = texts(&["account", "product", "agent"]);
    let write = |text: &str, cells: &[&str]| {
        let values =
            |name: &str| if name == "product" { [("GTXPro".to_owned(), "GTX Pro".to_owned())].into() } else { [].into() };
        let template = Template::read(text, &header, &values).unwrap();
        template.write(&Row { number: 2, cells: texts(cells) })
    };
    assert_eq!(write("{account} – {product}", &["Acme", "GTXPro", ""]), "Acme – GTX Pro");
    assert_eq!(write("{account} – {product}", &["", "GTXPro", ""]), "GTX Pro");
    assert_eq!(write("{account} – {product} / {agent}", &["Acme", "", "Anna"]), "Acme / Anna");
    assert_eq!(write("{agent|dotted}@example.com", &["", "", "Mei-Mei O'Neil"]), "mei.mei.o.neil@example.com");
    assert_eq!(write("{agent|dotted}@example.com", &["Acme", "", ""]), "");
    assert_eq!(write("Team {agent|upper}", &["", "", "Anna"]), "Team ANNA");
    assert_eq!(write("Hardware", &["", "", ""]), "Hardware");
    for text in ["{nobody}", "{agent", "{agent|shouted}"] {
        assert!(Template::read(text, &header, &|_| [].into()).is_err(), "{text}");
    }
}

#[test]
fn columns_reach_into_lists_and_parts() {
    let said = |column: &str, value: Option<&str>, field: &str| ColumnMapping {
        column: column.into(),
        value: value.map(str::to_owned),
        field: Some(field.into()),
        ..ColumnMapping::default()
    };
    let columns = vec![
        said("engaged", None, "opened_at"),
        said("engaged", None, "stage_history.0.entered_at"),
        said("", Some("Engaging"), "stage_history.0.stage_id"),
        ColumnMapping { if_blank: Some(Strictness::Warn), ..said("account", None, "customer_id") },
        said("product", None, "line_items.0.product_id"),
        said("", Some("2"), "line_items.0.quantity"),
        said("", Some("no"), "amount_from_lines"),
    ];
    let header = texts(&["account", "product", "engaged"]);
    let mapping = Mapping { columns, ..Mapping::default() };
    let (plan, whole) = Plan::make(&mapping, &header, &[], &schema(Opportunity::object()), &|_| true).unwrap();
    assert_eq!(whole.columns.len(), 7);
    // What was completed is taken again, by the job.
    assert_eq!(Plan::make(&whole, &header, &[], &schema(Opportunity::object()), &|_| true).unwrap().1, whole);
    let read = |cells: &[&str]| plan.read(&Row { number: 2, cells: texts(cells) }, &STANDARDS);
    let mut first = read(&["Acme", "GTX", "2016-10-20"]);
    for wanted in first.wanted.clone() {
        first.found(&wanted, crate::values::id::Id::NIL);
    }
    let (time, id) = ("2016-10-19T16:00:00.000Z", crate::values::id::Id::NIL.to_string());
    assert_eq!(
        serde_json::Value::Object(first.body),
        json!({
            "opened_at": time, "customer_id": id, "amount_from_lines": false,
            "stage_history": [{"entered_at": time, "stage_id": id}], "line_items": [{"product_id": id, "quantity": "2"}],
        })
    );
    let bare = read(&["", "", ""]);
    assert_eq!(serde_json::Value::Object(bare.body), json!({"amount_from_lines": false}));
    assert_eq!((bare.wanted.len(), bare.faults.len()), (0, 0));
    let warned: Vec<_> = bare.warnings.iter().map(|warning| (warning.column.as_deref(), warning.fault.code)).collect();
    assert_eq!(warned, [(Some("account"), FaultCode::LeftBlank)]);
    assert_eq!(plan.column_of("/stage_history/0/entered_at").unwrap().path(), "stage_history.0.entered_at");
}

#[test]
fn parents_come_first() {
    let plan = plan(&["name", "parent"], Vec::new());
    let of = |cells: &[&[&str]]| order::parents_first(&plan, &rows(cells), &schema(Customer::object()));
    assert_eq!(of(&[&["A", "C"], &["B", ""], &["C", "D"], &["D", ""]]), [3, 2, 0, 1]);
    assert_eq!(of(&[&["A", "B"], &["B", "A"], &["C", "C"]]).len(), 3);
    assert_eq!(of(&[&["A", "Elsewhere"], &["B", ""]]), [0, 1]);
}

#[test]
fn lists_grow_and_lose_nothing() {
    let before = Record::from_json(
        Customer::object(),
        &json!({
            "emails": [{"value": "a@x.cn", "typed": null, "label": "work", "primary": true}],
            "addresses": [{"kind": "office", "country": "CN", "city": "深圳市", "primary": true}],
            "phones": []
        }),
    );
    let body = json!({"name": "A", "emails": [{"value": "A@x.cn"}, {"value": "b@x.cn"}], "addresses": [{"city": "广州市"}], "phones": [{"value": "13800138000"}]});
    let patch = merge::patch(&schema(Customer::object()), &before, body.as_object().unwrap(), &STANDARDS);
    let emails: Vec<_> =
        patch["emails"].as_array().unwrap().iter().map(|item| (&item["value"], &item["label"], &item["primary"])).collect();
    assert_eq!(emails, [(&json!("a@x.cn"), &json!("work"), &json!(true)), (&json!("b@x.cn"), &json!(null), &json!(false))]);
    assert_eq!(patch["addresses"], json!([{"kind": "office", "country": "CN", "city": "广州市", "primary": true}]));
    assert_eq!(patch["phones"], json!([{"value": "13800138000"}]));
}

#[test]
fn dates_in_usual_forms() {
    for typed in
        ["2026-09-30", "2026/9/30", "2026.9.30", "2026年9月30日", "20260930", "２０２６年９月３０日", "2026-09-30 00:00:00"]
    {
        assert_eq!(cell::date(typed, None).map(|date| date.to_string()).as_deref(), Ok("2026-09-30"), "{typed}");
    }
    // Also with the year last, where that is said or there is but one way to read it.
    let (dmy, mdy, excel) = (Some(DateFormat::Dmy), Some(DateFormat::Mdy), Some(DateFormat::Excel));
    for (typed, format) in
        [("30/9/2026", None), ("9/30/2026", None), ("30.9.2026", dmy), ("9-30-2026", mdy), ("46295", excel), ("2026-09-30", mdy)]
    {
        assert_eq!(cell::date(typed, format).map(|date| date.to_string()).as_deref(), Ok("2026-09-30"), "{typed}");
    }
    let day = |typed: &str, format| cell::date(typed, format).map(|date| date.to_string());
    assert_eq!((day("03/08/2026", dmy), day("03/08/2026", mdy)), (Ok("2026-08-03".to_owned()), Ok("2026-03-08".to_owned())));
    assert_eq!(day("8.3.2026", None), Ok("2026-03-08".to_owned()));
    assert_eq!(day("03/08/2026", None), Err(Unread::Either("2026-08-03".to_owned(), "2026-03-08".to_owned())));
    for (typed, format) in [
        ("2026-13-01", None),
        ("2026", None),
        ("26-9-30", None),
        ("yesterday", None),
        ("2026-2-30", None),
        ("46295", None),
        ("30/9/2026", mdy),
        ("30/02/2026", dmy),
    ] {
        assert_eq!(cell::date(typed, format), Err(Unread::Not), "{typed}");
    }
    let time = |typed: &str, format| cell::datetime(typed, chrono_tz::Asia::Shanghai, format).map(|time| time.to_string());
    for (typed, format, at) in [
        ("2026/9/30 8:05", None, "2026-09-30T00:05:00.000Z"),
        ("2026-09-30", None, "2026-09-29T16:00:00.000Z"),
        ("2026-09-30T08:00:00Z", None, "2026-09-30T08:00:00.000Z"),
        ("03/08/2026 5:06 PM", mdy, "2026-03-08T09:06:00.000Z"),
        ("03/08/2026 12:06am", dmy, "2026-08-02T16:06:00.000Z"),
        ("2026-03-08 5:06:07 p.m.", None, "2026-03-08T09:06:07.000Z"),
        ("2026年3月8日 下午5:06", None, "2026-03-08T09:06:00.000Z"),
        ("46295.5", excel, "2026-09-30T04:00:00.000Z"),
        ("46295", excel, "2026-09-29T16:00:00.000Z"),
    ] {
        assert_eq!(time(typed, format).as_deref(), Ok(at), "{typed}");
    }
    assert_eq!(time("2026-03-08 25:06", None), Err(Unread::Not));
}

#[test]
fn numbers_are_multiplied_exactly() {
    for (typed, multiplier, number) in [
        ("1100.04", 1_000_000, "1100040000"),
        ("4.54", 1_000_000, "4540000"),
        ("1,234.5", 1, "1234.5"),
        ("-0.1", 10, "-1"),
        ("0.30", 1, "0.3"),
        ("3.2万", 1, "32000"),
        ("１亿", 1, "100000000"),
        (".5", 1, "0.5"),
        ("-0", 1, "0"),
        ("0.001", 10, "0.01"),
    ] {
        assert_eq!(cell::number(typed, multiplier, None).as_deref(), Ok(number), "{typed}");
    }
    for typed in ["", "12,34,567", "1.2.3", "1e5", "--1", "five", "万"] {
        assert_eq!(cell::number(typed, 1, None), Err(Unread::Not), "{typed}");
    }
    assert_eq!(cell::integer("2822.0", 1, None), Ok(2822));
    assert_eq!(cell::integer("2822.5", 1, None), Err(Unread::Not));
    let money = |typed: &str, multiplier, currency| cell::money(typed, multiplier, currency, None).map(|money| money.amount);
    assert_eq!(money("$1,100.04", 1_000_000, Currency::USD), Ok(110_004_000_000));
    assert_eq!(money("¥1,234.50", 1, Currency::CNY), Ok(123_450));
    assert_eq!(money("5万元", 1, Currency::CNY), Ok(5_000_000));
    assert!(money("$5", 1, Currency::CNY).is_err());
}

#[test]
fn no_number_is_taken_for_a_thousand_times_itself() {
    let (point, comma) = (Some(Decimal::Point), Some(Decimal::Comma));
    for (typed, decimal, number) in [
        ("1.234,50", None, "1234.5"),
        ("1.234.567", None, "1234567"),
        ("12,5", None, "12.5"),
        ("0,500", None, "0.5"),
        ("1.234", comma, "1234"),
        ("1,234", comma, "1.234"),
        ("1.234", point, "1.234"),
        ("1,234", point, "1234"),
    ] {
        assert_eq!(cell::number(typed, 1, decimal).as_deref(), Ok(number), "{typed}");
    }
    for typed in ["1.234", "1,234", "-12,500"] {
        assert!(matches!(cell::number(typed, 1, None), Err(Unread::Either(..))), "{typed}");
    }
    assert_eq!(cell::number("1,5", 1, point), Err(Unread::Not));
    assert_eq!((cell::integer("2,822", 1, None), cell::integer("2.822", 1, comma)), (Ok(2822), Ok(2822)));
    assert!(cell::integer("2.000", 1, None).is_err());
    let eur: Currency = "EUR".parse().unwrap();
    let money = |typed: &str, decimal| cell::money(typed, 1, eur, decimal).map(|money| money.amount).ok();
    assert_eq!(money("1.234,50", None), Some(123_450));
    assert_eq!(money("€ 1.234,50", comma), Some(123_450));
    assert_eq!(money("12,50 €", None), Some(1_250));
    assert_eq!(money("1,234", None), Some(123_400), "no euros have three places behind a comma");
    assert_eq!((money("1.234", None), money("1.234", comma), money("1.234", point)), (None, Some(123_400), None));
    assert_eq!((money("12.500", None), money("12.500", point)), (None, Some(1_250)));
    assert!(cell::money("1,234", 1_000_000, Currency::USD, None).is_err(), "millions may have them");
}

#[test]
fn what_spreadsheets_do_to_texts_is_undone_or_told() {
    for (typed, bare) in [
        ("=\"0138\"", "0138"),
        ("=\"a\"\"b\"", "a\"b"),
        ("'01067", "01067"),
        ("'+86", "+86"),
        ("'t Hooft", "'t Hooft"),
        (" x ", " x "),
    ] {
        assert_eq!(cell::bare(typed), bare);
    }
    for (typed, shortened) in [
        ("4.2E+17", true),
        ("1E+05", true),
        ("-8.1E+18", true),
        ("4,2E+17", true),
        ("1E5", false),
        ("E+17", false),
        ("42E+17", false),
        ("", false),
    ] {
        assert_eq!(cell::is_shortened(typed), shortened, "{typed}");
    }
    let plan = plan(
        &["id", "phone", "note"],
        vec![
            ColumnMapping { column: "id".into(), field: Some("external_ids.erp".into()), ..Default::default() },
            ColumnMapping { column: "phone".into(), field: Some("phones".into()), ..Default::default() },
            ColumnMapping { column: "note".into(), field: Some("description".into()), ..Default::default() },
        ],
    );
    let read = plan.read(&rows(&[&["4.2E+17", "1.38E+10", "1.38E+10"]])[0], &STANDARDS);
    let faults: Vec<_> = read.faults.iter().map(|fault| (fault.column.clone().unwrap(), fault.fault.code)).collect();
    assert_eq!(faults, [("id".to_owned(), FaultCode::PrecisionLost), ("phone".to_owned(), FaultCode::PrecisionLost)]);
}

#[test]
fn the_forms_of_a_column_are_told_from_all_rows() {
    let header = texts(&["name", "revenue", "founded", "phone"]);
    let many: Vec<Vec<String>> =
        (0..40).map(|row| texts(&["A", if row == 39 { "12,5" } else { "1.234" }, "", "13800138000/13900139000"])).collect();
    let many: Vec<Row> = many.into_iter().zip(2..).map(|(cells, number)| Row { number, cells }).collect();
    let (_, whole) = Plan::make(&Mapping::default(), &header, &many, &schema(Customer::object()), &|_| true).unwrap();
    let of = |name: &str| whole.columns.iter().find(|column| column.column == name).unwrap().clone();
    assert_eq!(of("revenue").decimal, Some(Decimal::Comma));
    assert!(of("phone").split.unwrap().starts_with('/'));
    // Where they contradict each other, only what can be read in one way is read.
    let mixed = rows(&[&["A", "1.234,5", "", ""], &["B", "1,234.5", "", ""], &["C", "1,500", "", ""]]);
    let (plan, whole) = Plan::make(&Mapping::default(), &header, &mixed, &schema(Customer::object()), &|_| true).unwrap();
    assert_eq!(whole.columns[1].decimal, None);
    let codes: Vec<Vec<FaultCode>> =
        mixed.iter().map(|row| plan.read(row, &STANDARDS).faults.iter().map(|fault| fault.fault.code).collect()).collect();
    assert_eq!(codes, [vec![], vec![], vec![FaultCode::AmbiguousNumber]]);
}

#[test]
fn flags_as_people_write_them() {
    assert_eq!(
        ["是", "YES", "1", "√", "否", "False", "0"].map(cell::boolean).map(Option::unwrap),
        [true, true, true, true, false, false, false]
    );
    assert_eq!(cell::boolean("maybe"), None);
}

proptest::proptest! {
    #[test]
    fn nothing_panics(typed in proptest::prelude::any::<String>()) {
        for format in [None, Some(DateFormat::Dmy), Some(DateFormat::Excel)] {
            let _ = (cell::date(&typed, format), cell::datetime(&typed, chrono_tz::UTC, format), cell::boolean(&typed));
        }
        for decimal in [None, Some(Decimal::Point), Some(Decimal::Comma)] {
            let _ = (cell::number(&typed, 1000, decimal), cell::money(&typed, 7, Currency::CNY, decimal));
        }
        let _ = (cell::bare(&typed), cell::is_shortened(&typed), cell::split_list(&typed, None).len());
        let _ = Plan::make(&Mapping::default(), &[typed.clone(), typed.clone()], &[], &schema(Customer::object()), &|_| true);
    }
}
