//! Workbooks (XLSX) as they come: one sheet, its header perhaps below rows of instructions, cells with types.
//!
//! A workbook is a ZIP archive, whose size says little of what is in it: it is unpacked once to be measured before it is read.

use std::{
    collections::HashMap,
    io::{Cursor, Read, copy, sink},
};

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use farley_domain::{
    integration::{Mapping, Row},
    model::fault::{Fault, FaultCode, unknown},
};

use super::{
    CONTENT,
    csv_file::{ImportFile, MAX_COLUMNS, headed},
};

/// How many bytes a workbook may come to when unpacked.
const MAX_UNPACKED: u64 = 64 << 20;
/// How many parts the archive may have.
const MAX_PARTS: usize = 10_000;
/// How many bytes its texts may come to, as one text may be that of many cells.
const MAX_TEXT: usize = 64 << 20;
/// How many cells the rows may come to, blank ones before others included.
const MAX_CELLS: usize = 4_000_000;
/// Among how many rows the header is looked for.
const MAX_ABOVE: usize = 20;
/// From here on numbers have more digits than spreadsheets keep: 15.
const TOO_LONG: f64 = 1e15;

/// What a file is that is a workbook.
pub struct Workbook {
    /// All worksheets, in order.
    pub sheets: Vec<String>,
    pub sheet: String,
    /// The row of the sheet that is the header, from 1.
    pub header_row: i64,
    /// Columns, from 0, in which numbers stand, and whether nothing else does.
    pub numbers: HashMap<usize, bool>,
    /// Whether days are counted from 1904.
    pub from_1904: bool,
}

/// Whether the file is an archive.
#[must_use]
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

fn malformed(reason: &dyn std::fmt::Display) -> Fault {
    Fault::new(format!("/{CONTENT}"), FaultCode::Malformed).with("reason", reason)
}

fn unreadable(error: XlsxError) -> Fault {
    malformed(&error)
}

/// Reads the sheet that the mapping names, or else the first that is visible. `known` says how much a row looks like a header.
pub fn read(bytes: &[u8], mapping: &Mapping, known: &dyn Fn(&[String]) -> (usize, usize)) -> Result<ImportFile, Fault> {
    measure(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let (sheets, sheet) = choose(&book, mapping)?;
    let from_1904 = book.has_1904_epoch();
    let Cells { rows, last_numbers, last_texts } = cells(&mut book, &sheet)?;
    let place = header_place(&rows, mapping, known)?;
    let mut rows = rows.into_iter().skip(place);
    let header_row = rows.next().ok_or_else(|| Fault::new(format!("/{CONTENT}"), FaultCode::Required))?;
    let header = headed(header_row.cells.iter().map(String::as_str));
    let rows: Vec<Row> = rows.collect();
    let below = |row: &i64| *row > header_row.number;
    let numbers = last_numbers.into_iter().filter(|(_, row)| below(row));
    let numbers = numbers.map(|(column, _)| (column, !last_texts.get(&column).is_some_and(below))).collect();
    let workbook = Workbook { sheets, sheet, header_row: header_row.number, numbers, from_1904 };
    Ok(ImportFile { encoding: "XLSX", delimiter: None, header, rows, workbook: Some(workbook) })
}

/// Unpacks the archive to nowhere, as the sizes that it tells may be false.
fn measure(bytes: &[u8]) -> Result<(), Fault> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| malformed(&error))?;
    if archive.len() > MAX_PARTS {
        return Err(Fault::new(format!("/{CONTENT}"), FaultCode::TooMany).with("max", MAX_PARTS));
    }
    let mut left = MAX_UNPACKED;
    for part in 0..archive.len() {
        let part = archive.by_index(part).map_err(|error| malformed(&error))?;
        let size = copy(&mut part.take(left + 1), &mut sink()).map_err(|error| malformed(&error))?;
        left = left
            .checked_sub(size)
            .ok_or_else(|| malformed(&format_args!("the workbook is larger than {} MB when unpacked", MAX_UNPACKED >> 20)))?;
    }
    Ok(())
}

/// The names of all worksheets, and that of the one to read.
fn choose(book: &Xlsx<Cursor<&[u8]>>, mapping: &Mapping) -> Result<(Vec<String>, String), Fault> {
    let sheets: Vec<_> = book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let names: Vec<String> = sheets.iter().map(|sheet| sheet.name.clone()).collect();
    let chosen = match &mapping.sheet {
        Some(name) if names.contains(name) => Some(name.clone()),
        Some(name) => {
            let known = names.iter().map(String::as_str);
            return Err(unknown("/mapping/sheet".to_owned(), FaultCode::UnknownChoice, name, known));
        }
        None => sheets.iter().find(|sheet| sheet.visible == SheetVisible::Visible).map(|sheet| sheet.name.clone()),
    };
    let chosen = chosen.ok_or_else(|| malformed(&"the workbook has no visible worksheet"))?;
    Ok((names, chosen))
}

/// The rows of a sheet that are not blank, and the last row of each column with a number, and with anything else.
#[derive(Default)]
struct Cells {
    rows: Vec<Row>,
    last_numbers: HashMap<usize, i64>,
    last_texts: HashMap<usize, i64>,
}

fn cells(book: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Cells, Fault> {
    let mut reader = book.worksheet_cells_reader(sheet).map_err(unreadable)?;
    let Cells { mut rows, mut last_numbers, mut last_texts } = Cells::default();
    let (mut slots, mut bytes) = (0_usize, 0_usize);
    while let Some(cell) = reader.next_cell().map_err(unreadable)? {
        let (row, column) = cell.get_position();
        let (number, column) = (i64::from(row) + 1, usize::try_from(column).unwrap_or(usize::MAX));
        let text = text_of(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        if column >= MAX_COLUMNS {
            return Err(Fault::new(format!("/{CONTENT}"), FaultCode::TooMany).with("max", MAX_COLUMNS));
        }
        let is_number = matches!(cell.get_value(), DataRef::Int(_) | DataRef::Float(_));
        let last = if is_number { &mut last_numbers } else { &mut last_texts };
        last.insert(column, number);
        match rows.last().map(|row| row.number) {
            Some(last) if last > number => return Err(malformed(&"the rows of the sheet are out of order")),
            Some(last) if last == number => {}
            Some(_) | None => rows.push(Row { number, cells: Vec::new() }),
        }
        let Some(row) = rows.last_mut() else { continue };
        bytes += text.len();
        slots += (column + 1).saturating_sub(row.cells.len());
        if bytes > MAX_TEXT || slots > MAX_CELLS {
            return Err(malformed(&format_args!("the sheet has more than {MAX_CELLS} cells or {} MB of text", MAX_TEXT >> 20)));
        }
        if row.cells.len() <= column {
            row.cells.resize(column + 1, String::new());
        }
        if let Some(place) = row.cells.get_mut(column) {
            *place = text;
        }
    }
    Ok(Cells { rows, last_numbers, last_texts })
}

/// Where among the rows the header is: as the mapping says, or else the first of those that name the most columns.
fn header_place(rows: &[Row], mapping: &Mapping, known: &dyn Fn(&[String]) -> (usize, usize)) -> Result<usize, Fault> {
    if let Some(said) = mapping.header_row {
        let place = rows.iter().position(|row| row.number == said);
        return place.ok_or_else(|| Fault::new("/mapping/header_row", FaultCode::LeftBlank));
    }
    let mut best = (0, (0, 0));
    for (place, row) in rows.iter().take(MAX_ABOVE).enumerate() {
        let found = known(&headed(row.cells.iter().map(String::as_str)));
        if found > best.1 {
            best = (place, found);
        }
    }
    Ok(best.0)
}

/// A cell as text. A number that lost digits is shortened, by which it is refused wherever its digits matter.
fn text_of(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        #[allow(clippy::cast_precision_loss, reason = "what is too large for it has lost digits anyway")]
        DataRef::Int(number) => number_of(*number as f64),
        DataRef::Float(number) => number_of(*number),
        DataRef::Bool(yes) => yes.to_string(),
        DataRef::DateTime(time) => time_of(time),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

fn number_of(number: f64) -> String {
    if number.abs() >= TOO_LONG {
        let text = format!("{number:.14E}");
        return text.replace('E', "E+");
    }
    // What is beyond the digits that spreadsheets show comes of their reckoning: 0.30000000000000004.
    format!("{number:.14e}").parse::<f64>().unwrap_or(number).to_string()
}

fn time_of(time: &ExcelDateTime) -> String {
    let serial = time.as_f64();
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    #[allow(clippy::float_cmp, reason = "whole days are exact")]
    let is_day = serial.trunc() == serial;
    match (time.is_datetime(), is_day) {
        (false, _) => number_of(serial),
        (true, true) => format!("{year:04}-{month:02}-{day:02}"),
        (true, false) if serial < 1.0 => format!("{hour:02}:{minute:02}:{second:02}"),
        (true, false) => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_or_refused() {
        for (number, text) in [
            (13_800_138_000.0, "13800138000"),
            (999_999_999_999_999.0, "999999999999999"),
            (110_101_199_003_071_230.0, "1.10101199003071E+17"),
            (-1e15, "-1.00000000000000E+15"),
            (0.1 + 0.2, "0.3"),
            (-2.5, "-2.5"),
            (1e-7, "0.0000001"),
        ] {
            assert_eq!(number_of(number), text);
        }
    }

    #[test]
    fn days_are_counted_from_both_epochs() {
        let day = |serial, from_1904| time_of(&ExcelDateTime::new(serial, calamine::ExcelDateTimeType::DateTime, from_1904));
        assert_eq!((day(46_295.0, false), day(44_833.0, true)), ("2026-09-30".to_owned(), "2026-09-30".to_owned()));
        assert_eq!((day(46_295.75, false), day(0.25, false)), ("2026-09-30 18:00:00".to_owned(), "06:00:00".to_owned()));
    }
}
