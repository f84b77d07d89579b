//! Bars: of several series beside each other, or upon each other.

use super::{
    Number,
    axis::Plot,
    frame::{SMALL, Shown},
    ink::text_on,
    number,
    svg::{Anchor, Label, Svg, rectangle},
    width,
};

/// The part of a category that bars take.
const FULL: f64 = 0.76;
/// The widest bar.
const WIDEST: f64 = 72.0;

pub fn grouped(svg: &mut Svg, shown: &Shown<'_>, panel: &[usize], plot: &Plot) {
    #[allow(clippy::cast_precision_loss, reason = "a few series")]
    let count = panel.len() as f64;
    let slot = (plot.band * FULL / count).min(WIDEST);
    let bar = if slot > 6.0 { slot - 1.5 } else { slot };
    let texts: Vec<String> =
        panel.iter().flat_map(|series| shown.figures(*series).map(|(_, number, _)| brief(shown, *series, number))).collect();
    let room = if panel.len() == 1 { plot.band } else { slot };
    let is_labelled = texts.iter().all(|text| width::of(text, SMALL, false) + 4.0 <= room);
    for (place, series) in panel.iter().enumerate() {
        let fill = svg.fill(*series);
        for (category, number, value) in shown.figures(*series) {
            #[allow(clippy::cast_precision_loss, reason = "a few series")]
            let left = plot.x(category) - slot * count / 2.0 + slot * place as f64;
            let (from, to) = (plot.zero(), plot.y(value));
            let shape = rectangle((left, from.min(to)), (bar, (to - from).abs()), &fill);
            svg.mark(&shape, number, &shown.name(*series, category, number));
            if is_labelled {
                let y = if value < 0.0 { to + 12.0 } else { to - 4.0 };
                let text = brief(shown, *series, number);
                svg.label(&Label::new(&text, (left + bar / 2.0, y), SMALL, svg.ink.text).to(Anchor::Middle).within(room));
            }
        }
    }
}

pub fn stacked(svg: &mut Svg, shown: &Shown<'_>, panel: &[usize], plot: &Plot) {
    let bar = (plot.band * FULL).min(WIDEST);
    for category in 0..shown.categories.len() {
        let left = plot.x(category) - bar / 2.0;
        let (mut above, mut below) = (0.0, 0.0);
        for series in panel {
            let Some((number, value)) = shown.figure(*series, category) else { continue };
            let end: &mut f64 = if value < 0.0 { &mut below } else { &mut above };
            let (from, to) = (plot.y(*end), plot.y(*end + value));
            *end += value;
            let height = (to - from).abs();
            let fill = svg.fill(*series);
            // A thin line of the ground keeps parts apart that are told apart by colour alone.
            let edge = if height > 4.0 && bar > 4.0 { format!(" stroke=\"{}\"", svg.ink.ground) } else { String::new() };
            let shape = rectangle((left, from.min(to)), (bar, height), &fill) + &edge;
            svg.mark(&shape, number, &shown.name(*series, category, number));
            let text = brief(shown, *series, number);
            if height >= 15.0 && width::of(&text, SMALL, false) + 6.0 <= bar && !fill.starts_with("url") {
                let at = (left + bar / 2.0, f64::midpoint(from, to) + 4.0);
                svg.label(&Label::new(&text, at, SMALL, text_on(&fill)).to(Anchor::Middle));
            }
        }
    }
}

fn brief(shown: &Shown<'_>, series: usize, value: Number) -> String {
    number::brief(value, shown.series[series].unit, shown.chart.language)
}
