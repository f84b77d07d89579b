//! Whatever is drawn: XML that parses, inside the picture, no label over another, no number that is none, each figure as it was given.

use proptest::prelude::*;
use quick_xml::{Reader, events::Event};

use super::{
    Chart, ChartKind, HEIGHTS, Number, Series, Theme, Unit, WIDTHS, draw,
    ink::{contrast, ink, linear, shade, text_on},
    number, width,
};
use crate::{model::fault::Language, values::money::Currency};

/// A text of a picture, as it lies.
#[derive(Debug)]
struct Text {
    shown: String,
    corners: [(f64, f64); 4],
}

/// A picture, read back.
#[derive(Debug, Default)]
struct Picture {
    texts: Vec<Text>,
    figures: Vec<f64>,
    titles: Vec<String>,
    description: String,
}

fn read(svg: &str) -> Picture {
    let mut reader = Reader::from_str(svg);
    let (mut picture, mut path, mut attributes) = (Picture::default(), Vec::<String>::new(), Vec::<(String, String)>::new());
    let mut said = String::new();
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(tag) => {
                path.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
                let own: Vec<(String, String)> = tag
                    .attributes()
                    .map(|attribute| {
                        let attribute = attribute.expect("an attribute");
                        (
                            String::from_utf8(attribute.key.as_ref().to_vec()).unwrap(),
                            String::from_utf8(attribute.value.to_vec()).unwrap(),
                        )
                    })
                    .collect();
                if let Some((_, value)) = own.iter().find(|(name, _)| name == "data-value") {
                    picture.figures.push(value.parse().expect("a number"));
                }
                if tag.name().as_ref() != b"title" {
                    attributes = own;
                }
                said.clear();
            }
            Event::Text(text) => said.push_str(&text.decode().unwrap()),
            Event::GeneralRef(name) => said.push(match name.as_ref() {
                b"amp" => '&',
                b"lt" => '<',
                b"gt" => '>',
                b"quot" => '"',
                b"#39" => '\'',
                other => panic!("{other:?}"),
            }),
            Event::End(tag) => {
                match tag.name().as_ref() {
                    b"title" => picture.titles.push(std::mem::take(&mut said)),
                    b"desc" => picture.description = std::mem::take(&mut said),
                    b"text" => picture.texts.push(laid(&attributes, std::mem::take(&mut said))),
                    _ => {}
                }
                path.pop();
            }
            Event::Empty(tag) => assert!(tag.attributes().all(|attribute| attribute.is_ok())),
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(path.is_empty());
    picture
}

fn laid(attributes: &[(String, String)], shown: String) -> Text {
    let of = |name: &str| attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let number = |name: &str| of(name).unwrap().parse::<f64>().unwrap();
    let (x, y, size) = (number("x"), number("y"), number("font-size"));
    let wide = width::of(&shown, size, of("font-weight").is_some());
    let left = match of("text-anchor") {
        Some("middle") => x - wide / 2.0,
        Some("end") => x - wide,
        _ => x,
    };
    let turn =
        of("transform").map_or(0.0, |turn| turn.trim_start_matches("rotate(").split(' ').next().unwrap().parse::<f64>().unwrap());
    let turn = turn.to_radians();
    let corners =
        [(left, y - size * 0.75), (left + wide, y - size * 0.75), (left + wide, y + size * 0.2), (left, y + size * 0.2)].map(
            |(cx, cy)| {
                let (dx, dy) = (cx - x, cy - y);
                (x + dx * turn.cos() - dy * turn.sin(), y + dx * turn.sin() + dy * turn.cos())
            },
        );
    Text { shown, corners }
}

/// Whether two turned rectangles lie over each other: there is no line between them along any of their sides.
fn overlap(one: &Text, other: &Text) -> bool {
    let apart = |of: fn(&(f64, f64)) -> f64| {
        let (one, other) = (one.corners.each_ref().map(of), other.corners.each_ref().map(of));
        let ends = |places: [f64; 4]| {
            (places.into_iter().fold(f64::INFINITY, f64::min), places.into_iter().fold(f64::NEG_INFINITY, f64::max))
        };
        let (one, other) = (ends(one), ends(other));
        one.1 <= other.0 || other.1 <= one.0
    };
    if apart(|corner| corner.0) || apart(|corner| corner.1) {
        return false;
    }
    for text in [one, other] {
        for (from, to) in [(0, 1), (1, 2)] {
            let (dx, dy) = (text.corners[to].0 - text.corners[from].0, text.corners[to].1 - text.corners[from].1);
            let long = dx.hypot(dy);
            let along = |text: &Text| {
                let places = text.corners.map(|(x, y)| (x * dx + y * dy) / long);
                (places.iter().copied().fold(f64::INFINITY, f64::min), places.iter().copied().fold(f64::NEG_INFINITY, f64::max))
            };
            let (a, b) = (along(one), along(other));
            if a.1 <= b.0 + 0.5 || b.1 <= a.0 + 0.5 {
                return false;
            }
        }
    }
    true
}

fn check(chart: &Chart) -> Result<Picture, TestCaseError> {
    let svg = draw(chart);
    prop_assert_eq!(&svg, &draw(chart), "the same chart is the same text");
    let picture = read(&svg);
    for (_, coordinates) in svg.split("=\"").filter_map(|part| part.split_once('"').map(|(value, _)| ((), value))) {
        prop_assert!(!coordinates.contains("NaN") && !coordinates.contains("inf"), "{}", coordinates);
    }
    let (width, height) = (f64::from(chart.width.clamp(WIDTHS.0, WIDTHS.1)), f64::from(chart.height.clamp(HEIGHTS.0, HEIGHTS.1)));
    for text in &picture.texts {
        for (x, y) in text.corners {
            prop_assert!(
                (-0.5..=width + 0.5).contains(&x) && (-0.5..=height + 0.5).contains(&y),
                "{:?} in {}x{}\n{:?}",
                text,
                width,
                height,
                chart
            );
        }
    }
    for (place, one) in picture.texts.iter().enumerate() {
        for other in &picture.texts[..place] {
            prop_assert!(!overlap(one, other), "{:?} over {:?}\n{:?}", one, other, chart);
        }
    }
    let given: Vec<f64> = chart
        .series
        .iter()
        .flat_map(|series| &series.values)
        .flatten()
        .map(|number| match number {
            #[allow(clippy::cast_precision_loss, reason = "compared as drawn")]
            Number::Whole(value) => *value as f64,
            Number::Decimal(value) => *value,
        })
        .collect();
    for figure in &picture.figures {
        // What a ring has left over is a sum.
        prop_assert!(chart.kind == ChartKind::Donut || given.contains(figure), "{} is not a figure of the chart", figure);
    }
    Ok(picture)
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Za-z ]{0,24}",
        3 => "[\u{4e00}-\u{9fa5}（），]{0,24}",
        1 => Just("</text><script>alert('&')</script>".to_owned()),
        1 => Just("a\u{0}\u{b}\u{1b}[31m\u{fffe}\u{202e}b\r\n\tc".to_owned()),
        1 => Just("]]>&amp;<!--\"'".to_owned()),
        1 => "\\PC{0,40}",
        1 => any::<String>(),
    ]
}

fn unit() -> impl Strategy<Value = Unit> {
    prop_oneof![
        Just(Unit::Integer),
        Just(Unit::Number),
        Just(Unit::Share),
        Just(Unit::Money(Currency::CNY)),
        Just(Unit::Money(Currency::JPY))
    ]
}

fn figure() -> impl Strategy<Value = Option<Number>> {
    prop_oneof![
        2 => Just(None),
        6 => (-2_000_i64..200_000).prop_map(|value| Some(Number::Whole(value))),
        1 => any::<i64>().prop_map(|value| Some(Number::Whole(value))),
        3 => (-1.0..2.0_f64).prop_map(|value| Some(Number::Decimal(value))),
        1 => any::<f64>().prop_map(|value| Some(Number::Decimal(value))),
        1 => Just(Some(Number::Whole(0))),
    ]
}

fn chart() -> impl Strategy<Value = Chart> {
    let count = prop_oneof![4 => 0..14_usize, 1 => 14..60_usize, 1 => Just(230_usize)];
    let series = prop_oneof![6 => 0..5_usize, 1 => 5..24_usize];
    (0..ChartKind::ALL.len(), count, series).prop_flat_map(|(kind, count, series)| {
        let one = (label(), unit(), prop::collection::vec(figure(), count)).prop_map(|(label, unit, values)| Series {
            label,
            unit,
            values,
        });
        let look = (any::<bool>(), any::<bool>(), any::<bool>(), prop_oneof![Just((800, 450)), (0..2_600_u32, 0..1_800_u32)]);
        (
            label(),
            label(),
            prop::collection::vec(label(), count),
            prop::collection::vec(one, series),
            prop::collection::vec(label(), 0..5),
            look,
        )
            .prop_map(
                move |(title, category_title, categories, series, notes, (dark, chinese, is_course, (width, height)))| Chart {
                    kind: ChartKind::ALL[kind],
                    title,
                    category_title,
                    categories,
                    is_course,
                    series,
                    notes,
                    theme: if dark { Theme::Dark } else { Theme::Light },
                    language: if chinese { Language::Chinese } else { Language::English },
                    width,
                    height,
                },
            )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chart_is_well_drawn(chart in chart()) {
        check(&chart)?;
    }
}

fn plain(kind: ChartKind, categories: usize, series: usize) -> Chart {
    let one = |place: usize| Series {
        label: format!("series {place}"),
        unit: Unit::Integer,
        values: (0..categories)
            .map(|category| Some(Number::Whole(i64::try_from((category * 7 + place * 3) % 50).unwrap() + 1)))
            .collect(),
    };
    Chart {
        kind,
        title: "Title".to_owned(),
        category_title: "Category".to_owned(),
        categories: (0..categories).map(|place| format!("category {place}")).collect(),
        is_course: false,
        series: (0..series).map(one).collect(),
        notes: Vec::new(),
        theme: Theme::Light,
        language: Language::English,
        width: 800,
        height: 450,
    }
}

#[test]
fn every_figure_is_drawn_once() {
    for kind in ChartKind::ALL.iter().copied().filter(|kind| !matches!(kind, ChartKind::Scatter | ChartKind::Gauge)) {
        let chart = plain(kind, 6, 2);
        let mut drawn = check(&chart).unwrap().figures;
        let mut given: Vec<f64> = chart
            .series
            .iter()
            .flat_map(|series| &series.values)
            .flatten()
            .filter_map(|number| number::position(*number, Unit::Integer))
            .collect();
        drawn.sort_by(f64::total_cmp);
        given.sort_by(f64::total_cmp);
        assert_eq!(drawn, given, "{kind:?}");
    }
}

#[test]
fn what_is_left_out_is_said() {
    let picture = check(&plain(ChartKind::Line, 350, 33)).unwrap();
    for said in ["Shows the first 200 of 350 categories.", "Shows the first 20 of 33 series."] {
        assert!(picture.description.contains(said) && picture.texts.iter().any(|text| text.shown == said), "{picture:?}");
    }
    assert_eq!(picture.figures.len(), 4_000);
    let mut negative = plain(ChartKind::Donut, 3, 1);
    negative.series[0].values[1] = Some(Number::Whole(-4));
    assert!(check(&negative).unwrap().description.contains("1 negative value is not shown."));
}

#[test]
fn attacks_are_text() {
    let mut chart = plain(ChartKind::Bar, 2, 2);
    chart.title = "</title><script>alert(1)</script>".to_owned();
    chart.categories[0] = "</text><script>\u{0}\u{8}".to_owned();
    let svg = draw(&chart);
    assert!(!svg.contains("<script") && !svg.contains('\u{0}') && !svg.contains('\u{8}'));
    assert_eq!(read(&svg).titles[0], chart.title);
}

#[test]
fn texts_have_contrast_and_colours_differ() {
    for theme in Theme::ALL {
        let ink = ink(*theme);
        for text in [ink.text, ink.muted] {
            for ground in [ink.ground, ink.empty] {
                assert!(contrast(text, ground) >= 4.5, "{text} on {ground}");
            }
        }
        for colour in ink.palette.iter().chain([&ink.rest, &ink.axis]) {
            assert!(contrast(colour, ink.ground) >= 3.0, "{colour}");
            assert!(contrast(text_on(colour), colour) >= 4.5, "{colour}");
        }
        for stops in [&ink.rising, &ink.falling] {
            for step in 0..=20 {
                let colour = shade(stops, f64::from(step) / 20.0);
                assert!(contrast(text_on(&colour), &colour) >= 4.5, "{colour}");
            }
        }
        for (place, one) in ink.palette.iter().enumerate() {
            for other in &ink.palette[..place] {
                assert!(apart(one, other) > 0.09, "{one} and {other} are {}", apart(one, other));
            }
        }
    }
}

/// How far two colours are apart in OKLab for eyes that see all colours, and for those blind to red, green or blue (Machado, Oliveira and
/// Fernandes 2009), whichever is least.
fn apart(one: &str, other: &str) -> f64 {
    const EYES: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ];
    let times = |matrix: &[[f64; 3]; 3], by: [f64; 3]| matrix.map(|row| row[0] * by[0] + row[1] * by[1] + row[2] * by[2]);
    let lab = |eye: &[[f64; 3]; 3], colour: &str| {
        let seen = times(eye, linear(colour)).map(|part| part.clamp(0.0, 1.0));
        let cones = [
            [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
            [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
            [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
        ];
        let roots = times(&cones, seen).map(f64::cbrt);
        let mix = [
            [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
            [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
            [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
        ];
        times(&mix, roots)
    };
    let distance = |eye: &[[f64; 3]; 3]| {
        let (one, other) = (lab(eye, one), lab(eye, other));
        (0..3).map(|part| (one[part] - other[part]).powi(2)).sum::<f64>().sqrt()
    };
    EYES.iter().map(distance).fold(f64::INFINITY, f64::min)
}

#[test]
fn numbers_are_written_as_people_read_them() {
    let (en, zh) = (Language::English, Language::Chinese);
    let yuan = Unit::Money(Currency::CNY);
    for (number, unit, english, chinese, exact) in [
        (Number::Whole(1_234), Unit::Integer, "1,234", "1,234", "1,234"),
        (Number::Whole(12_345), Unit::Integer, "12.3K", "1.23万", "12,345"),
        (Number::Whole(1_200_000), Unit::Integer, "1.2M", "120万", "1,200,000"),
        (Number::Whole(999_960), Unit::Integer, "1M", "100万", "999,960"),
        (Number::Whole(123_456_789_012), Unit::Integer, "123B", "1,230亿", "123,456,789,012"),
        (Number::Whole(120_000_050), yuan, "1.2M", "120万", "CNY 1,200,000.50"),
        (Number::Whole(-500), yuan, "−5", "−5", "CNY −5.00"),
        (Number::Whole(70), Unit::Money(Currency::JPY), "70", "70", "JPY 70"),
        (Number::Decimal(0.4236), Unit::Share, "42.4%", "42.4%", "42.36%"),
        (Number::Decimal(0.1 + 0.2), Unit::Number, "0.3", "0.3", "0.30000000000000004"),
    ] {
        assert_eq!(
            (number::brief(number, unit, en), number::brief(number, unit, zh), number::exact(number, unit)),
            (english.to_owned(), chinese.to_owned(), exact.to_owned()),
            "{number:?}"
        );
    }
    let ticks =
        |ticks: &[f64], step: f64, unit: Unit, language: Language| number::of_ticks(ticks, step, unit, language).join(" ");
    assert_eq!(ticks(&[0.0, 5e5, 1e6], 5e5, Unit::Integer, en), "0 0.5M 1.0M");
    assert_eq!(ticks(&[0.0, 5e5, 1e6], 5e5, Unit::Integer, zh), "0 50万 100万");
    assert_eq!(ticks(&[-0.2, 0.0, 0.2], 0.2, Unit::Share, zh), "−20% 0% 20%");
    assert_eq!(ticks(&[0.0, 0.05, 0.1], 0.05, Unit::Number, en), "0 0.05 0.10");
}

#[test]
fn chinese_is_an_em_wide() {
    assert!((width::of("销售漏斗", 12.0, false) - 48.0).abs() < 1e-9);
    assert!(width::of("Sales", 12.0, false) < 36.0);
    assert_eq!(width::shortened("华为技术有限公司", 10.0, false, 50.0), "华为技术…");
    assert_eq!(width::shortened("华为", 10.0, false, 20.0), "华为");
    assert_eq!(width::shortened("华为", 10.0, false, 5.0), "");
}
