//! An answer as a workbook: a sheet with the table, typed and formatted; one with the figures of the chart and the chart itself, which Excel draws
//! of them; and one that says what the answer is of.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use farley_domain::{
    model::fault::Language,
    reporting::chart::{Chart, ChartKind, Number, Series, Unit},
    values::money::{Currency, Money},
};
use rust_xlsxwriter::{
    ChartEmptyCells, ChartFormat, ChartMarker, ChartType, ConditionalFormat2ColorScale, DocProperties, ExcelDateTime, Format,
    FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::{
    answer::Report,
    charting::{Charting, truncation},
    layout::{Cell, Layout},
};
use crate::http::problem::Problem;

/// The most columns of a sheet.
const COLUMNS: usize = 16_384;
/// The most characters of a cell.
const LONGEST: usize = 32_767;
/// Whole numbers further from zero are not exact as numbers of Excel, which are floats.
const EXACT: i64 = 1 << 53;
const WIDTHS: std::ops::RangeInclusive<f64> = 9.0..=60.0;
const CHART_SIZE: (u32, u32) = (720, 400);
/// How many rows of a sheet a chart is high.
const CHART_ROWS: u32 = 21;

/// The formats of cells; those of totals are bold, with a line above them.
struct Formats {
    is_total: bool,
    zone: Tz,
    language: Language,
}

impl Formats {
    fn plain(&self) -> Format {
        let format = Format::new();
        if self.is_total { format.set_bold().set_border_top(FormatBorder::Thin) } else { format }
    }

    fn number(&self, code: &str) -> Format {
        self.plain().set_num_format(code)
    }

    fn write(&self, sheet: &mut Worksheet, (row, column): (u32, u16), cell: Cell) -> Result<(), XlsxError> {
        match cell {
            Cell::Empty if self.is_total => sheet.write_blank(row, column, &self.plain())?,
            Cell::Empty => sheet,
            Cell::Text(text) => sheet.write_string_with_format(row, column, clean(&text), &self.plain())?,
            Cell::Integer(number) if (-EXACT..=EXACT).contains(&number) =>
            {
                #[allow(clippy::cast_precision_loss, reason = "it is exact")]
                sheet.write_number_with_format(row, column, number as f64, &self.number("#,##0"))?
            }
            Cell::Integer(number) => self.long(sheet, (row, column), &number.to_string())?,
            Cell::Decimal(number) => sheet.write_number_with_format(row, column, number, &self.number("#,##0.######"))?,
            Cell::Share(share) => sheet.write_number_with_format(row, column, share, &self.number("0.0%"))?,
            Cell::Money(money) => match major(money) {
                Some(amount) => {
                    sheet.write_number_with_format(row, column, amount, &self.number(&money_format(money.currency)))?
                }
                None => self.long(sheet, (row, column), &money.to_decimal_string())?,
            },
            Cell::Day(day, text) => self.date(sheet, (row, column), (day, text), "yyyy-mm-dd")?,
            Cell::Month(month, text) => {
                let code = if self.language == Language::Chinese { "yyyy\"年\"m\"月\"" } else { "mmm yyyy" };
                self.date(sheet, (row, column), (month, text), code)?
            }
            Cell::Time(time, text) => {
                // Excel knows no time zones: it is the clock of the question's.
                let local = time.with_timezone(&self.zone).naive_local();
                match serial(local) {
                    Some(serial) => sheet.write_number_with_format(row, column, serial, &self.number("yyyy-mm-dd hh:mm:ss"))?,
                    None => sheet.write_string_with_format(row, column, clean(&text), &self.plain())?,
                }
            }
        };
        Ok(())
    }

    fn date<'s>(
        &self,
        sheet: &'s mut Worksheet,
        (row, column): (u32, u16),
        (day, text): (NaiveDate, String),
        code: &str,
    ) -> Result<&'s mut Worksheet, XlsxError> {
        let format = self.number(code).set_align(FormatAlign::Left);
        match serial(day.into()) {
            Some(serial) => sheet.write_number_with_format(row, column, serial, &format),
            None => sheet.write_string_with_format(row, column, clean(&text), &self.plain()),
        }
    }

    /// A number of more digits than Excel keeps, as text.
    fn long<'s>(
        &self,
        sheet: &'s mut Worksheet,
        (row, column): (u32, u16),
        digits: &str,
    ) -> Result<&'s mut Worksheet, XlsxError> {
        sheet.write_string_with_format(row, column, digits, &self.plain().set_align(FormatAlign::Right))
    }
}

/// An amount in major units, if a float has it exactly enough to show its minor ones.
fn major(money: Money) -> Option<f64> {
    if !(-EXACT..=EXACT).contains(&money.amount) {
        return None;
    }
    money.to_decimal_string().parse().ok()
}

fn money_format(currency: Currency) -> String {
    let places = usize::try_from(currency.minor_units()).unwrap_or(0);
    let decimals = if places == 0 { String::new() } else { format!(".{}", "0".repeat(places)) };
    format!("[${}] #,##0{decimals}", currency.code())
}

/// The number by which Excel knows a time; none before March 1900, about which its versions differ.
fn serial(time: NaiveDateTime) -> Option<f64> {
    let epoch = NaiveDate::from_ymd_opt(1899, 12, 30)?.and_hms_opt(0, 0, 0)?;
    let since = time - epoch;
    #[allow(clippy::cast_precision_loss, reason = "some ten thousand days, in milliseconds")]
    let days = since.num_milliseconds() as f64 / 86_400_000.0;
    (61.0..2_958_466.0).contains(&days).then_some(days)
}

/// A text without what XML does not know, as long as a cell can be.
fn clean(text: &str) -> String {
    let known =
        |sign: &char| !matches!(sign, '\u{0}'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}');
    let mut left = LONGEST;
    text.chars()
        .filter(known)
        .take_while(|sign| {
            let fits = sign.len_utf16() <= left;
            left = left.saturating_sub(sign.len_utf16());
            fits
        })
        .collect()
}

/// A text of a chart, where what begins as a formula would be taken for one.
fn spoken(text: &str) -> String {
    let text = clean(text);
    if text.starts_with('=') { format!(" {text}") } else { text }
}

/// How wide a text is in a sheet: signs of Chinese as two.
fn width(text: &str) -> f64 {
    text.chars().map(|sign| if u32::from(sign) >= 0x2E80 { 2.1 } else { 1.1 }).sum()
}

fn column(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

fn row(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The answer as an XLSX file.
pub fn xlsx(report: &Report, charting: &Charting, language: Language) -> Result<Vec<u8>, Problem> {
    written(report, charting, language).map_err(Problem::internal)
}

fn written(report: &Report, charting: &Charting, language: Language) -> Result<Vec<u8>, XlsxError> {
    let said = |english: &str, chinese: &str| if language == Language::Chinese { chinese } else { english }.to_owned();
    let zone: Tz = report.meta.time_zone.parse().unwrap_or(Tz::UTC);
    let mut book = Workbook::new();
    let computed: DateTime<Utc> = report.meta.computed_at.to_utc();
    let chart = charting.chart(report, language);
    // The same report is the same file.
    let created = ExcelDateTime::from_timestamp(computed.timestamp())?;
    book.set_properties(&DocProperties::new().set_title(clean(&chart.title)).set_creation_datetime(&created));
    let sheet = book.add_worksheet().set_name(said("Report", "报表"))?;
    let columns = table(sheet, report, language, zone)?;
    if !chart.series.is_empty() && !chart.categories.is_empty() {
        let name = said("Chart", "图表");
        let sheet = book.add_worksheet().set_name(&name)?;
        drawn(sheet, &name, &chart, &Formats { is_total: false, zone, language })?;
    }
    let sheet = book.add_worksheet().set_name(said("About", "说明"))?;
    let mut lines = vec![
        (said("Collection", "对象"), report.meta.collection.to_owned()),
        (said("Time zone", "时区"), report.meta.time_zone.clone()),
        (said("Computed at", "计算时间"), computed.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z").to_string()),
        (said("Rows", "行数"), report.rows.len().to_string()),
    ];
    if let Some(as_of) = report.meta.as_of {
        lines.push((said("As of", "数据时点"), as_of.to_utc().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z").to_string()));
    }
    let none = || said("none", "无");
    lines.push((said("Filter", "筛选条件"), report.meta.filter.as_ref().map_or_else(none, ToString::to_string)));
    for own in &report.columns {
        if let Some(filter) = &own.filter {
            lines.push((format!("{} · {}", said("Filter", "筛选条件"), own.label), filter.to_string()));
        }
    }
    lines.extend(truncation(report, language).map(|note| (said("Note", "备注"), note)));
    if columns > COLUMNS {
        let note = said(
            &format!("Only the first {COLUMNS} of {columns} columns."),
            &format!("仅包含前 {COLUMNS} 列（共 {columns} 列）。"),
        );
        lines.push((said("Note", "备注"), note));
    }
    for (place, (name, text)) in lines.into_iter().enumerate() {
        sheet.write_string_with_format(row(place), 0, clean(&name), &Format::new().set_bold().set_align(FormatAlign::Top))?;
        sheet.write_string_with_format(row(place), 1, clean(&text), &Format::new().set_text_wrap())?;
    }
    sheet.set_column_width(0, 24)?.set_column_width(1, 80)?;
    book.save_to_buffer()
}

/// Writes the table; how many columns it has.
fn table(sheet: &mut Worksheet, report: &Report, language: Language, zone: Tz) -> Result<usize, XlsxError> {
    let layout = Layout::of(report, language);
    let header = layout.header();
    let bold = Format::new().set_bold().set_border_bottom(FormatBorder::Thin).set_text_wrap().set_align(FormatAlign::Top);
    let mut widths: Vec<f64> = Vec::new();
    for (place, title) in header.iter().take(COLUMNS).enumerate() {
        sheet.write_string_with_format(0, column(place), clean(title), &bold)?;
        widths.push(width(title).min(28.0) + 3.0);
    }
    let (mut count, mut rows) = (0, 0);
    for line in layout.lines() {
        count += 1;
        if !line.is_total {
            rows = count;
        }
        let formats = Formats { is_total: line.is_total, zone, language };
        for (place, cell) in line.cells.into_iter().take(COLUMNS).enumerate() {
            let own = match &cell {
                Cell::Text(text) => width(text),
                Cell::Empty => 0.0,
                Cell::Money(_) => 17.0,
                Cell::Integer(_) | Cell::Decimal(_) | Cell::Share(_) | Cell::Day(..) | Cell::Month(..) => 12.0,
                Cell::Time(..) => 19.0,
            };
            widths[place] = widths[place].max(own);
            formats.write(sheet, (row(count), column(place)), cell)?;
        }
    }
    for (place, width) in widths.iter().enumerate() {
        sheet.set_column_width(column(place), width.clamp(*WIDTHS.start(), *WIDTHS.end()))?;
    }
    sheet.set_freeze_panes(1, column(layout.names()))?;
    if !widths.is_empty() {
        // Totals stay where they are, whatever is filtered or sorted above them.
        sheet.autofilter(0, 0, row(rows), column(widths.len() - 1))?;
    }
    Ok(header.len())
}

/// Writes the figures of the chart, and below each other the charts of figures that share a scale.
fn drawn(sheet: &mut Worksheet, name: &str, chart: &Chart, formats: &Formats) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold().set_border_bottom(FormatBorder::Thin).set_text_wrap();
    let across = chart.kind == ChartKind::Scatter;
    sheet.write_string_with_format(0, 0, clean(&chart.category_title), &bold)?;
    for (place, category) in chart.categories.iter().enumerate() {
        sheet.write_string(row(place + 1), 0, clean(category))?;
    }
    let series = &chart.series[..chart.series.len().min(COLUMNS - 1)];
    for (place, own) in series.iter().enumerate() {
        sheet.write_string_with_format(0, column(place + 1), clean(&own.label), &bold)?;
        for (category, value) in own.values.iter().enumerate() {
            formats.write(sheet, (row(category + 1), column(place + 1)), cell(own, *value))?;
        }
        sheet.set_column_width(column(place + 1), 17)?;
    }
    sheet.set_column_width(0, 26)?;
    sheet.set_freeze_panes(1, 1)?;
    let last = row(chart.categories.len());
    if chart.kind == ChartKind::HeatMap {
        let scale = ConditionalFormat2ColorScale::new().set_minimum_color("E6F0F8").set_maximum_color("5B9BCC");
        sheet.add_conditional_format(1, 1, last, column(series.len()), &scale)?;
        return Ok(());
    }
    let mut units: Vec<Unit> = Vec::new();
    for own in series.iter().skip(usize::from(across)) {
        if !units.contains(&own.unit) {
            units.push(own.unit);
        }
    }
    for (panel, unit) in units.into_iter().enumerate() {
        let mut own = rust_xlsxwriter::Chart::new(kind(chart.kind));
        own.title().set_name(&spoken(&chart.title));
        own.set_width(CHART_SIZE.0).set_height(CHART_SIZE.1).set_alt_text(clean(&chart.title));
        own.show_empty_cells_as(ChartEmptyCells::Gaps);
        for (place, _) in series.iter().enumerate().filter(|(place, one)| one.unit == unit && !(across && *place == 0)) {
            let at = column(place + 1);
            let along = if across { 1 } else { 0 };
            let drawn = own.add_series();
            drawn.set_name((name, 0, at)).set_categories((name, 1, along, last, along)).set_values((name, 1, at, last, at));
            if across {
                drawn.set_marker(ChartMarker::new().set_automatic()).set_format(ChartFormat::new().set_no_line());
            }
        }
        if chart.kind == ChartKind::Funnel {
            // The first step on top.
            own.x_axis().set_reverse();
        }
        if chart.kind != ChartKind::Donut {
            own.y_axis().set_num_format(match unit {
                Unit::Share => "0%".to_owned(),
                Unit::Money(currency) => money_format(currency).split('.').next().unwrap_or_default().to_owned(),
                Unit::Integer | Unit::Number => {
                    "#,##0.##".trim_end_matches(if unit == Unit::Integer { ".##" } else { "" }).to_owned()
                }
            });
            own.x_axis().set_name(&spoken(if across { &series[0].label } else { &chart.category_title }));
        }
        sheet.insert_chart(1 + row(panel) * CHART_ROWS, column(series.len() + 2), &own)?;
    }
    Ok(())
}

fn cell(series: &Series, value: Option<Number>) -> Cell {
    match (value, series.unit) {
        (None, _) => Cell::Empty,
        (Some(Number::Whole(amount)), Unit::Money(currency)) => Cell::Money(Money::new(amount, currency)),
        (Some(Number::Whole(number)), Unit::Integer | Unit::Number) => Cell::Integer(number),
        #[allow(clippy::cast_precision_loss, reason = "a share")]
        (Some(Number::Whole(number)), Unit::Share) => Cell::Share(number as f64),
        (Some(Number::Decimal(share)), Unit::Share) => Cell::Share(share),
        (Some(Number::Decimal(number)), Unit::Integer | Unit::Number | Unit::Money(_)) => Cell::Decimal(number),
    }
}

/// What Excel draws that is most like a chart.
fn kind(kind: ChartKind) -> ChartType {
    match kind {
        ChartKind::Bar | ChartKind::HeatMap | ChartKind::Gauge => ChartType::Column,
        ChartKind::StackedBar => ChartType::ColumnStacked,
        ChartKind::Line => ChartType::Line,
        ChartKind::Area => ChartType::Area,
        ChartKind::Donut => ChartType::Doughnut,
        ChartKind::Funnel => ChartType::Bar,
        ChartKind::Scatter => ChartType::Scatter,
    }
}
