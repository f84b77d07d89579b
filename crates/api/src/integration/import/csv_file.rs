//! Files taken apart. CSV as it comes: UTF-8 with or without a mark, UTF-16, GB18030; commas, semicolons or tabs; any line ends.

use encoding_rs::{Encoding, GB18030, UTF_8};
use farley_domain::{
    integration::{Row, import::cell},
    model::fault::{Fault, FaultCode},
};

use super::{CONTENT, xlsx_file::Workbook};

/// The most columns a file may have.
pub const MAX_COLUMNS: usize = 1_000;

/// A file taken apart.
pub struct ImportFile {
    pub encoding: &'static str,
    /// What separates cells; none in a workbook.
    pub delimiter: Option<char>,
    pub header: Vec<String>,
    /// Blank rows are left out, but counted.
    pub rows: Vec<Row>,
    /// What it is besides, where it is a workbook.
    pub workbook: Option<Workbook>,
}

impl ImportFile {
    pub fn read(bytes: &[u8]) -> Result<ImportFile, Fault> {
        let malformed =
            |reason: &dyn std::fmt::Display| Fault::new(format!("/{CONTENT}"), FaultCode::Malformed).with("reason", reason);
        let (text, encoding) = decode(bytes).ok_or_else(|| malformed(&"the text is neither UTF-8 nor GB18030"))?;
        if text.contains('\0') {
            return Err(malformed(&"this is not a text file"));
        }
        let (text, said) = without_hint(&text);
        let delimiter = said.unwrap_or_else(|| delimiter(text));
        let (open_quote, mut quote_row) = (open_quote(text, delimiter), 1);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(u8::try_from(delimiter).unwrap_or(b','))
            .from_reader(text.as_bytes());
        let mut header: Vec<String> = Vec::new();
        let mut rows = Vec::new();
        let (mut seen, mut line, mut lines_within, mut last) = (0, 1, 0, 0);
        for record in reader.records() {
            let record = record.map_err(|error| malformed(&error))?;
            // As spreadsheets count: empty lines too, but a row with line ends within its cells once.
            let begins = record.position().map_or(seen, |position| usize::try_from(position.byte()).unwrap_or(seen));
            let blank = text.get(begins..).map_or(0, |rest| rest.len() - rest.trim_start_matches(['\r', '\n']).len());
            line += line_ends(text.get(seen..begins + blank).unwrap_or_default());
            seen = begins + blank;
            let number = (line - lines_within).max(last + 1);
            lines_within += record.iter().map(line_ends).sum::<i64>();
            last = number;
            if open_quote.is_some_and(|place| begins <= place) {
                quote_row = number;
            }
            if header.is_empty() {
                header = headed(record.iter());
            } else if record.iter().any(|cell| !cell.trim().is_empty()) {
                rows.push(Row { number, cells: record.iter().map(cell::bare).collect() });
            }
        }
        if open_quote.is_some() {
            return Err(Fault::new(format!("/{CONTENT}"), FaultCode::UnclosedQuote).with("row", quote_row));
        }
        if header.is_empty() {
            return Err(Fault::new(format!("/{CONTENT}"), FaultCode::Required));
        }
        if header.len() > MAX_COLUMNS {
            return Err(Fault::new(format!("/{CONTENT}"), FaultCode::TooMany).with("max", MAX_COLUMNS));
        }
        Ok(ImportFile { encoding, delimiter: Some(delimiter), header, rows, workbook: None })
    }
}

/// The text without the line by which a file tells Excel what separates its cells, `sep=;`, which Excel does not show; and the sign that it
/// tells.
fn without_hint(text: &str) -> (&str, Option<char>) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let hint = first.trim_end_matches('\r').trim_matches('"');
    let said = hint.get(..4).filter(|word| word.eq_ignore_ascii_case("sep=")).and_then(|_| {
        let mut signs = hint.get(4..)?.chars();
        signs.next().filter(|sign| sign.is_ascii() && signs.next().is_none())
    });
    if said.is_some() { (rest, said) } else { (text, None) }
}

/// Where a quote opens that swallows rows: it is never closed, or by a quote of a later row, with text right behind it.
fn open_quote(text: &str, delimiter: char) -> Option<usize> {
    let (mut opened, mut at_start) = (None, true);
    let mut signs = text.char_indices().peekable();
    while let Some((place, sign)) = signs.next() {
        match opened {
            // Within quotes, two of them stand for one.
            Some(_) if sign == '"' && signs.next_if(|(_, next)| *next == '"').is_some() => {}
            Some(start) if sign == '"' => {
                let goes_on = signs.peek().is_some_and(|(_, next)| *next != delimiter && !next.is_whitespace());
                if goes_on && text.get(start..place).is_some_and(|cell| cell.contains(['\n', '\r'])) {
                    return Some(start);
                }
                opened = None;
            }
            Some(_) => {}
            None if sign == '"' && at_start => (opened, at_start) = (Some(place), false),
            None => at_start = sign == delimiter || matches!(sign, '\n' | '\r'),
        }
    }
    opened
}

fn line_ends(text: &str) -> i64 {
    i64::try_from(text.matches('\n').count()).unwrap_or(0)
}

/// The names of columns, as a row says them.
pub fn headed<'a>(cells: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut header: Vec<String> = Vec::new();
    for (name, place) in cells.zip(1..) {
        let name = named(&cell::bare(name), place);
        // A second column of the same name goes by its place too.
        header.push(if header.contains(&name) { format!("{name} ({place})") } else { name });
    }
    header
}

/// The name of a column; one without a name goes by its place.
fn named(name: &str, place: usize) -> String {
    let name = farley_domain::values::text::clean_line(name);
    if name.is_empty() { format!("({place})") } else { name }
}

fn decode(bytes: &[u8]) -> Option<(String, &'static str)> {
    let (encoding, skip) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, mark),
        None if std::str::from_utf8(bytes).is_ok() => (UTF_8, 0),
        None => (GB18030, 0),
    };
    let (text, wrong) = encoding.decode_without_bom_handling(bytes.get(skip..)?);
    (!wrong).then(|| (text.into_owned(), encoding.name()))
}

/// What separates cells: the sign that stands most often in the header, outside quotes.
fn delimiter(text: &str) -> char {
    let mut quoted = false;
    let mut counts = [(',', 0), (';', 0), ('\t', 0)];
    for c in text.trim_start().chars() {
        match c {
            '"' => quoted = !quoted,
            '\n' | '\r' if !quoted => break,
            other if !quoted => counts.iter_mut().filter(|(sign, _)| *sign == other).for_each(|(_, count)| *count += 1),
            _ => {}
        }
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(',', |(sign, _)| sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(bytes: &[u8]) -> (char, Vec<String>, Vec<Vec<String>>) {
        let file = ImportFile::read(bytes).map_err(|fault| fault.code).unwrap();
        (file.delimiter.unwrap(), file.header, file.rows.into_iter().map(|row| row.cells).collect())
    }

    #[test]
    fn encodings_are_told_apart() {
        let text = "名称,城市\r\n华为,深圳\r\n";
        let (gb, ..) = GB18030.encode(text);
        let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let marked = [b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat();
        for bytes in [text.as_bytes(), &marked, &gb, &utf16] {
            let (_, header, rows) = cells(bytes);
            assert_eq!(header, ["名称", "城市"]);
            assert_eq!(rows, [["华为", "深圳"]]);
        }
        assert!(ImportFile::read(b"a,b\n\xFF\xFF,1").is_err());
        assert!(ImportFile::read(b"a\0b\n1,2").is_err());
        assert!(ImportFile::read(b"").is_err());
    }

    #[test]
    fn quotes_that_swallow_rows_are_faults() {
        let fault = |text: &str| ImportFile::read(text.as_bytes()).err().map(|fault| (fault.code, fault.parameters));
        let at = |row: &str| Some((FaultCode::UnclosedQuote, vec![("row", row.to_owned())]));
        assert_eq!(fault("name,industry\n\"u1,a\nu2,b\n"), at("2"));
        assert_eq!(fault("a,b\n\n\"two\nlines\",\"say \"\"hi\"\"\"\n1,\"x\n2,y\n"), at("4"));
        assert_eq!(fault("a,b\n1,\"x\n2,\"y\"\n"), at("2"), "closed by the quote of another row");
        assert_eq!(fault("a,\"b\n1,2\n"), at("1"));
        assert_eq!(fault("a,b\n5\" pipe,\"6\"\" pipe\"\n\"x\"y,2\n\"two\nlines\" ,1\n"), None);
    }

    #[test]
    fn separators_quotes_and_blank_rows() {
        assert_eq!(cells(b"a;b\n\"1,5\";2").2, [["1,5", "2"]]);
        assert_eq!(cells(b"a\tb\n1\t2").0, '\t');
        assert_eq!(cells(b"only\n1,2").0, ',');
        // What Excel is told, and what it puts around texts that look like numbers.
        let (delimiter, header, rows) = cells(b"\xEF\xBB\xBFsep=;\r\na;b,c;d,e,f\r\n=\"0138\";'01067;'t Hooft\r\n");
        assert_eq!((delimiter, header), (';', vec!["a".to_owned(), "b,c".to_owned(), "d,e,f".to_owned()]));
        assert_eq!(rows, [["0138", "01067", "'t Hooft"]]);
        assert_eq!(cells(b"sep=|\na|b\n1|2").2, [["1", "2"]]);
        assert_eq!(cells(b"sepal\n1").1, ["sepal"]);
        let file = ImportFile::read(b"a,\n\"one\nline\",\"say \"\"hi\"\"\"\n,\n\nlast\n").map_err(|fault| fault.code).unwrap();
        assert_eq!(file.header, ["a", "(2)"]);
        let rows: Vec<_> = file.rows.iter().map(|row| (row.number, row.cells.join("|"))).collect();
        assert_eq!(rows, [(2, "one\nline|say \"hi\"".to_owned()), (5, "last".to_owned())]);
    }
}
