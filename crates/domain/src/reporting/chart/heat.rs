//! Heat maps: a colour for each category and series, from pale to strong; below zero from pale to strong in another.

use super::{
    axis::{Categories, heading},
    frame::{Area, SMALL, Shown},
    ink::{shade, text_on},
    number,
    svg::{Anchor, Label, Svg, cleaned, rectangle},
    width,
};

#[allow(clippy::cast_precision_loss, reason = "at most some hundred")]
pub fn draw(svg: &mut Svg, shown: &Shown<'_>, area: Area) {
    let rows: usize = shown.panels.iter().map(Vec::len).sum();
    let labels =
        shown.panels.iter().flatten().map(|series| width::of(cleaned(&shown.series[*series].label).trim(), SMALL, false));
    let left = labels.fold(0.0, f64::max).min(area.width * 0.3) + 10.0;
    let title_room = if shown.chart.category_title.is_empty() || area.height < 190.0 { 0.0 } else { 18.0 };
    let axis = Categories::plan(shown.categories, shown.chart.is_course, area.width - left, area.height * 0.35);
    let height = area.height - axis.height - title_room;
    let mut top = area.y;
    for panel in &shown.panels {
        // As much of the height as it has of the rows.
        let own = Area { y: top, height: height * panel.len() as f64 / rows as f64, ..area };
        let own = if shown.panels.len() > 1 { Area { height: height / shown.panels.len() as f64, ..own } } else { own };
        map(svg, shown, panel, own, (left, axis.band));
        top += own.height;
    }
    axis.write(svg, shown.categories, (area.x + left, top), shown.size.0);
    if title_room > 0.0 {
        let at = (area.x + left + (area.width - left) / 2.0, area.bottom() - 3.0);
        svg.label(
            &Label::new(&shown.chart.category_title, at, SMALL, svg.ink.muted).to(Anchor::Middle).within(area.width - left),
        );
    }
}

#[allow(clippy::cast_precision_loss, reason = "at most some hundred")]
fn map(svg: &mut Svg, shown: &Shown<'_>, panel: &[usize], area: Area, (left, band): (f64, f64)) {
    let (language, unit) = (shown.chart.language, shown.series[panel[0]].unit);
    let all = || panel.iter().flat_map(|series| shown.figures(*series).map(|(_, number, value)| (number, value)));
    let least = all().min_by(|one, other| one.1.total_cmp(&other.1));
    let most = all().max_by(|one, other| one.1.total_cmp(&other.1));
    let (Some((least, low)), Some((most, high))) = (least, most) else { return };
    let furthest = low.abs().max(high.abs());
    let colour = |value: f64, svg: &Svg| {
        if low < 0.0 {
            // Both sides of zero by one measure.
            let share = value.abs() / furthest;
            if value < 0.0 { shade(&svg.ink.falling, share) } else { shade(&svg.ink.rising, share) }
        } else {
            shade(&svg.ink.rising, if high > low { (value - low) / (high - low) } else { 0.5 })
        }
    };
    let ends = [number::brief(least, unit, language), number::brief(most, unit, language)];
    let widths = ends.each_ref().map(|end| width::of(end, SMALL, false));
    let (bar, steps) = (100.0, 10);
    let from = area.right() - widths[1] - 6.0 - bar;
    let room = from - widths[0] - 6.0 - area.x - 12.0;
    svg.label(&Label::new(&heading(shown, panel), (area.x, area.y + 9.0), SMALL, svg.ink.muted).within(room));
    svg.label(&Label::new(&ends[0], (from - 6.0, area.y + 9.0), SMALL, svg.ink.muted).to(Anchor::End));
    svg.label(&Label::new(&ends[1], (area.right(), area.y + 9.0), SMALL, svg.ink.muted).to(Anchor::End));
    for step in 0..steps {
        let share = (f64::from(step) + 0.5) / f64::from(steps);
        let fill = colour(low + (high - low) * share, svg);
        let width = bar / f64::from(steps);
        svg.shape(&rectangle((from + width * f64::from(step), area.y), (width + 0.3, 10.0), &fill));
    }
    let top = area.y + 20.0;
    let row = (area.height - 20.0 - 4.0) / panel.len() as f64;
    let gap = if row.min(band) > 6.0 { 1.0 } else { 0.0 };
    // Labels of rows that are lower than a line: every other one.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few rows")]
    let every = (13.0 / row).ceil().max(1.0) as usize;
    for (place, series) in panel.iter().enumerate() {
        let y = top + row * place as f64;
        if place % every == 0 {
            let at = (area.x + left - 8.0, y + row / 2.0 + 4.0);
            svg.label(&Label::new(&shown.series[*series].label, at, SMALL, svg.ink.text).to(Anchor::End).within(left - 8.0));
        }
        for category in 0..shown.categories.len() {
            let at = (area.x + left + band * category as f64, y);
            let size = ((band - gap).max(0.1), (row - gap).max(0.1));
            let Some((number, value)) = shown.figure(*series, category) else {
                svg.shape(&rectangle(at, size, svg.ink.empty));
                continue;
            };
            let fill = colour(value, svg);
            svg.mark(&rectangle(at, size, &fill), number, &shown.name(*series, category, number));
            let text = number::brief(number, unit, language);
            if row >= 15.0 && width::of(&text, SMALL, false) + 4.0 <= band {
                let middle = (at.0 + band / 2.0, y + row / 2.0 + 4.0);
                svg.label(&Label::new(&text, middle, SMALL, text_on(&fill)).to(Anchor::Middle));
            }
        }
    }
}
