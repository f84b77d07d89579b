//! What charts say themselves, in both languages.

use super::ChartKind;
use crate::model::fault::Language;

pub fn kind(kind: ChartKind, language: Language) -> String {
    let choice = ChartKind::choices().into_iter().find(|choice| choice.value == kind.as_str());
    choice.map_or_else(String::new, |choice| said(language, &choice.label.en, &choice.label.zh))
}

pub fn said(language: Language, english: &str, chinese: &str) -> String {
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
    .to_owned()
}

pub fn no_figures(language: Language) -> String {
    said(language, "No data", "暂无数据")
}

pub fn first_categories(language: Language, shown: usize, all: usize) -> String {
    said(language, &format!("Shows the first {shown} of {all} categories."), &format!("仅显示前 {shown} 个类别（共 {all} 个）。"))
}

pub fn first_series(language: Language, shown: usize, all: usize) -> String {
    said(language, &format!("Shows the first {shown} of {all} series."), &format!("仅显示前 {shown} 个系列（共 {all} 个）。"))
}

pub fn left_out(language: Language, names: &[&str]) -> String {
    said(
        language,
        &format!("Not shown for lack of space: {}.", names.join(", ")),
        &format!("因空间不足未显示：{}。", names.join("、")),
    )
}

pub fn no_negatives(language: Language, count: usize) -> String {
    let english =
        if count == 1 { "1 negative value is not shown.".to_owned() } else { format!("{count} negative values are not shown.") };
    said(language, &english, &format!("{count} 个负值未显示。"))
}

/// The rest of a list.
pub fn more(language: Language, count: usize) -> String {
    said(language, &format!("{count} more"), &format!("其余 {count} 项"))
}

pub fn of_first(language: Language, share: &str) -> String {
    said(language, &format!("{share} of the first step"), &format!("占第一步的 {share}"))
}

pub fn of_former(language: Language, share: &str) -> String {
    said(language, &format!("{share} of previous"), &format!("上一步转化率 {share}"))
}

pub fn target(language: Language, figure: &str) -> String {
    said(language, &format!("Target: {figure}"), &format!("目标：{figure}"))
}

/// The names that a mark bears: of its category, its series and the like, and its figure.
pub fn mark(language: Language, names: &[&str], figure: &str) -> String {
    let names: Vec<&str> = names.iter().copied().filter(|name| !name.is_empty()).collect();
    match (names.is_empty(), language) {
        (true, _) => figure.to_owned(),
        (false, Language::English) => format!("{}: {figure}", names.join(", ")),
        (false, Language::Chinese) => format!("{}：{figure}", names.join("，")),
    }
}

pub fn extent(language: Language, label: &str, least: &str, most: &str) -> String {
    said(language, &format!("{label}: {least} to {most}."), &format!("{label}：{least} 至 {most}。"))
}

pub fn categories(language: Language, kind: &str, count: usize, ends: Option<(&str, &str)>) -> String {
    match (language, ends) {
        (Language::English, Some((first, last))) => format!("{kind} of {count} categories, {first} to {last}."),
        (Language::English, None) => format!("{kind} of {count} {}.", if count == 1 { "category" } else { "categories" }),
        (Language::Chinese, Some((first, last))) => format!("{kind}，共 {count} 个类别，从“{first}”到“{last}”。"),
        (Language::Chinese, None) => format!("{kind}，共 {count} 个类别。"),
    }
}
