//! Workbooks (XLSX), as spreadsheets and other systems write them.

use std::io::Write;

use reqwest::Method;
use rust_xlsxwriter::{Format, Workbook};
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{counts, ended, faults, told, total};
use crate::{
    client::{Answer, Client},
    server::Server,
    support::TestDb,
};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn send(client: &Client, path: &str, mapping: Value, file: Vec<u8>) -> Answer {
    let mapping: String = form_urlencoded::byte_serialize(mapping.to_string().as_bytes()).collect();
    let path = format!("{path}?object=customer&file_name=k.xlsx&mapping={mapping}");
    client.request(Method::POST, &path).body(XLSX, file).await
}

async fn preview(client: &Client, mapping: Value, file: Vec<u8>) -> Value {
    send(client, "/v1/imports/preview", mapping, file).await.ok(200)
}

async fn import(client: &Client, mapping: Value, file: Vec<u8>) -> Value {
    let begun = send(client, "/v1/imports", mapping, file).await.ok(201);
    ended(client, begun["id"].as_str().unwrap()).await
}

/// What Excel and WPS write: shared texts, instructions above the header, phone numbers and keys as numbers.
fn written() -> Vec<u8> {
    let mut book = Workbook::new();
    let day = Format::new().set_num_format("yyyy-mm-dd");
    let sheet = book.add_worksheet().set_name("客户").unwrap();
    sheet.write(0, 0, "客户导入模板").unwrap();
    sheet.write(1, 0, "说明：名称必填；手机号不要加空格").unwrap();
    for (column, name) in (0..).zip(["客户名称", "手机", "所属行业", "编号", "Since", "Load"]) {
        sheet.write(3, column, name).unwrap();
    }
    for (row, name, phone, key) in [
        (4, "华为技术有限公司", 13_800_138_000.0, 10_042.0),
        (6, "坏", 13_900_139_000.0, 110_101_199_003_071_230.0),
        (7, "好", 13_700_137_000.0, 999_999_999_999_999.0),
    ] {
        sheet.write(row, 0, name).unwrap();
        sheet.write(row, 1, phone).unwrap();
        sheet.write(row, 2, "通信设备").unwrap();
        sheet.write(row, 3, key).unwrap();
        sheet.write_number_with_format(row, 4, 46_295.0, &day).unwrap();
        sheet.write(row, 5, 1.234).unwrap();
    }
    let other = book.add_worksheet().set_name("备用").unwrap();
    other.write(0, 0, "客户名称").unwrap();
    other.write(1, 0, "乙").unwrap();
    book.save_to_buffer().unwrap()
}

/// A workbook of one sheet in plain XML.
fn plain(sheet: &str, from_1904: bool) -> Vec<u8> {
    let main = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main""#;
    let links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let types = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let related = "http://schemas.openxmlformats.org/package/2006/relationships";
    let parts = [
        (
            "[Content_Types].xml",
            format!(
                r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/></Types>"#
            ),
        ),
        (
            "_rels/.rels",
            format!(
                r#"<Relationships xmlns="{related}"><Relationship Id="rId1" Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                r#"<workbook {main} xmlns:r="{links}"><workbookPr date1904="{}"/><sheets><sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
                u8::from(from_1904)
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                r#"<Relationships xmlns="{related}"><Relationship Id="rId1" Type="{links}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{links}/styles" Target="styles.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/styles.xml",
            format!(r#"<styleSheet {main}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet {main}><sheetData>{sheet}</sheetData></worksheet>")),
    ];
    archive(&parts.map(|(name, text)| (name, text.into_bytes())))
}

fn archive(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn text(place: &str, text: &str) -> String {
    format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#)
}

pub async fn are_read_by_type_below_their_instructions(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("since", "date", json!({"label_en": "Since"})).await;
    admin.custom_field("load", "decimal", json!({"label_en": "Load"})).await;
    let keyed = json!({"columns": [{"column": "编号", "field": "external_ids.erp"}]});
    let shown = preview(&admin, keyed.clone(), written()).await;
    assert_eq!((&shown["encoding"], &shown["delimiter"], &shown["rows_total"]), (&json!("XLSX"), &json!(null), &json!(3)));
    assert_eq!((&shown["sheets"], &shown["mapping"]["sheet"]), (&json!(["客户", "备用"]), &json!("客户")));
    assert_eq!((&shown["mapping"]["header_row"], &shown["rows"][0]["row"]), (&json!(4), &json!(5)));
    assert_eq!(total(&admin).await, 0, "a preview writes nothing");
    let done = import(&admin, keyed.clone(), written()).await;
    assert_eq!((counts(&done), &done["file_name"]), ([2, 0, 0, 1], &json!("k.xlsx")));
    assert_eq!((&done["mapping"]["sheet"], &done["mapping"]["header_row"]), (&json!("客户"), &json!(4)));
    assert_eq!(faults(&admin, &done).await, told(&[(7, "编号", "precision_lost")]));
    let record = admin.get("/v1/customers/ext:erp:10042").await.ok(200);
    assert_eq!((&record["name"], &record["phones"][0]["value"]), (&json!("华为技术有限公司"), &json!("+8613800138000")));
    assert_eq!(
        (&record["custom"]["since"], record["custom"]["load"].to_string().trim_matches('"')),
        (&json!("2026-09-30"), "1.234")
    );
    assert_eq!(admin.get("/v1/customers/ext:erp:999999999999999").await.ok(200)["name"], "好", "15 digits are kept");
    // The sheet and the header can be said; what is not there is told at its place.
    let shown = preview(&admin, json!({"columns": [], "sheet": "备用"}), written()).await;
    assert_eq!((&shown["rows"][0]["record"]["name"], &shown["mapping"]["header_row"]), (&json!("乙"), &json!(1)));
    for (mapping, pointer, code) in [
        (json!({"columns": [], "sheet": "备"}), "/mapping/sheet", "unknown_choice"),
        (json!({"columns": [], "header_row": 3}), "/mapping/header_row", "left_blank"),
        (
            json!({"columns": [{"column": "编号", "field": "external_ids.erp"}], "header_row": 5}),
            "/mapping/columns/0/column",
            "unknown_member",
        ),
    ] {
        let told = send(&admin, "/v1/imports", mapping, written()).await.faults(400);
        assert_eq!((told[0].0.as_str(), told[0].1.as_str()), (pointer, code));
    }
}

pub async fn count_days_from_their_own_epoch(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    admin.custom_field("since", "date", json!({"label_en": "Since"})).await;
    let sheet = |style: u8, day: u32| {
        let header = text("A1", "name") + &text("B1", "Since");
        let row = text("A2", &format!("D{day}")) + &format!(r#"<c r="B2" s="{style}"><v>{day}</v></c>"#);
        format!(r#"<row r="1">{header}</row><row r="2">{row}</row>"#)
    };
    let all = || json!({"columns": []});
    for (day, from_1904) in [(44_833, true), (46_295, false)] {
        let done = import(&admin, all(), plain(&sheet(1, day), from_1904)).await;
        assert_eq!(counts(&done), [1, 0, 0, 0]);
        let record = admin.get(&format!("/v1/customers?name=D{day}")).await.ok(200)["data"][0].clone();
        assert_eq!(record["custom"]["since"], "2026-09-30");
    }
    // A number that is not formatted as a date is one only where days are counted from 1900, as they are everywhere else.
    let shown = preview(&admin, all(), plain(&sheet(0, 46_295), false)).await;
    assert_eq!(shown["rows"][0]["record"]["custom"]["since"], "2026-09-30");
    let shown = preview(&admin, all(), plain(&sheet(0, 44_833), true)).await;
    assert_eq!(shown["faults"][0]["code"], "malformed");
    assert_eq!(send(&admin, "/v1/imports", all(), plain(&sheet(0, 44_833), true)).await.faults(400)[0].1, "malformed");
    assert_eq!(total(&admin).await, 2);
}

pub async fn are_bounded_and_refused_at_their_place(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let wide = format!(r#"<row r="1">{}</row>"#, text("A1", "name") + &text("ALM1", "too far right"));
    let tall = format!(r#"<row r="9">{}</row><row r="2">{}</row>"#, text("A9", "name"), text("A2", "x"));
    let bomb = archive(&[("xl/workbook.xml", vec![b' '; 65 << 20])]);
    assert!(bomb.len() < 1 << 20);
    for (file, code) in [
        (plain(&wide, false), "too_many"),
        (plain(&tall, false), "malformed"),
        (plain("", false), "required"),
        (bomb, "malformed"),
        (archive(&[("readme.txt", b"no workbook".to_vec())]), "malformed"),
        (b"PK\x03\x04 and nothing".to_vec(), "malformed"),
        (written()[..900].to_vec(), "malformed"),
    ] {
        for path in ["/v1/imports/preview", "/v1/imports"] {
            let told = send(&admin, path, json!({"columns": []}), file.clone()).await.faults(400);
            assert_eq!((told[0].0.as_str(), told[0].1.as_str()), ("/content", code));
        }
    }
    let body = json!({"object": "customer", "content": "name\nA\n", "mapping": {"columns": [], "sheet": "S", "header_row": 1}});
    let told = admin.post("/v1/imports", body).await.faults(400);
    assert_eq!(told.iter().map(|fault| fault.0.as_str()).collect::<Vec<_>>(), ["/mapping/sheet", "/mapping/header_row"]);
    assert_eq!(admin.get("/v1/imports?total=true").await.ok(200)["page"]["total"], 0);
}
