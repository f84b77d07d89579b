//! Funnels: the steps below each other, as wide as their figures, and what part of the step before came that far.

use super::{
    Number,
    axis::point,
    frame::{Area, SMALL, Shown, TEXT, cut_above},
    number,
    svg::{Anchor, Label, Svg, cleaned},
    width, words,
};

/// The least height of a step.
const STEP: f64 = 24.0;
/// The greatest.
const TALLEST: f64 = 80.0;

/// How many steps a picture of this height has room for.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few steps")]
pub fn most_steps(height: f64) -> usize {
    ((height - 120.0) / STEP).max(2.0) as usize
}

pub fn draw(svg: &mut Svg, shown: &Shown<'_>, area: Area) {
    for (own, panel) in area.columns(shown.panels.len()).zip(&shown.panels) {
        one(svg, shown, panel[0], own, shown.panels.len() > 1);
    }
}

#[allow(clippy::cast_precision_loss, reason = "a few steps")]
fn one(svg: &mut Svg, shown: &Shown<'_>, series: usize, mut area: Area, is_named: bool) {
    let (language, own) = (shown.chart.language, shown.series[series]);
    if is_named {
        svg.label(&Label::new(&own.label, (area.x, area.y + 10.0), TEXT, svg.ink.text).bold().within(area.width));
        cut_above(&mut area, 22.0);
    }
    let steps: Vec<Option<(Number, f64)>> =
        (0..shown.categories.len()).map(|category| shown.figure(series, category).filter(|(_, value)| *value >= 0.0)).collect();
    let height = (area.height / steps.len().max(1) as f64).min(TALLEST);
    let most = steps.iter().flatten().map(|(_, value)| *value).fold(0.0, f64::max);
    let first = steps.iter().flatten().map(|(_, value)| *value).next().unwrap_or(0.0);
    let figures: Vec<String> = steps
        .iter()
        .map(|step| match step {
            Some((number, value)) => {
                let brief = number::brief(*number, own.unit, language);
                if first > 0.0 { format!("{brief} · {}", number::percentage(value / first)) } else { brief }
            }
            None => "–".to_owned(),
        })
        .collect();
    let widest = |texts: &mut dyn Iterator<Item = &String>| {
        texts.map(|text| width::of(cleaned(text).trim(), TEXT, false)).fold(0.0, f64::max)
    };
    // What part of the step before came that far; of the second step that is the part of the first.
    let formers: Vec<Option<String>> = (0..steps.len())
        .map(|place| {
            let (_, value) = steps[place]?;
            let (_, former) = steps[..place].iter().rev().flatten().next().copied()?;
            let is_second = steps[..place].iter().flatten().count() == 1;
            (former > 0.0 && !is_second && height >= 40.0)
                .then(|| words::of_former(language, &number::percentage(value / former)))
        })
        .collect();
    let small = formers.iter().flatten().map(|text| width::of(text, SMALL, false)).fold(0.0, f64::max);
    let right = widest(&mut figures.iter()).max(small).min(area.width * 0.4);
    let left = widest(&mut shown.categories.iter()).min(area.width * 0.28);
    let body = (area.width - left - right - 28.0).max(20.0);
    let middle = area.x + left + 14.0 + body / 2.0;
    let mut former: Option<f64> = None;
    for (place, step) in steps.iter().enumerate() {
        let (top, bottom) = (area.y + height * place as f64, area.y + height * (place + 1) as f64 - 3.0);
        let centre = f64::midpoint(top, bottom);
        svg.label(
            &Label::new(&shown.categories[place], (area.x + left, centre + 4.0), TEXT, svg.ink.text).to(Anchor::End).within(left),
        );
        let beside = area.right() - right;
        let lift = if formers[place].is_some() { -3.0 } else { 4.0 };
        svg.label(&Label::new(&figures[place], (beside, centre + lift), TEXT, svg.ink.text).within(right));
        let Some((number, value)) = step else { continue };
        let next = steps[place + 1..].iter().flatten().map(|(_, value)| *value).next().unwrap_or(*value).min(*value);
        let half = |value: f64| if most > 0.0 { (value / most * body / 2.0).max(0.75) } else { 0.75 };
        // The lower edge points at the next step, halfway.
        let (above, below) = (half(*value), half(f64::midpoint(*value, next)));
        let corners =
            [(middle - above, top), (middle + above, top), (middle + below, bottom), (middle - below, bottom)].map(point);
        let mut title = shown.name(series, place, *number);
        if let Some(former) = former.filter(|former| *former > 0.0) {
            let share = number::percentage(value / former);
            title = format!("{title} · {}", words::of_former(language, &share));
        }
        if let Some(text) = &formers[place] {
            svg.label(&Label::new(text, (beside, centre + 12.0), SMALL, svg.ink.muted).within(right));
        }
        if first > 0.0 {
            title = format!("{title} · {}", words::of_first(language, &number::percentage(value / first)));
        }
        let fill = svg.fill(0);
        svg.mark(&format!("path d=\"M{}Z\" fill=\"{fill}\"", corners.join("L")), *number, &title);
        former = Some(*value);
    }
}
