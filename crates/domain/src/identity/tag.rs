//! Tags: words to group records by.

use crate::entity;

entity! {
    /// A tag: a label for grouping records.
    pub struct Tag("tag", "tags", "tags", "Tag", "标签") [external, custom] {
        /// The name; unique among live tags.
        name: String => text(80).required().title().indexed().label("Name", "名称").example("重点客户"),
        /// The display colour: `#` and six hexadecimal digits.
        color: Option<String> => text(7).opaque().label("Colour", "颜色").example("#d4380d"),
        /// When to use the tag.
        description: Option<String> => long_text(2_000).label("Description", "说明").example("Customers the board looks at"),
    }
    extend |object| object.configuration().unique("tags_name_key", "name").rule(color_is_hexadecimal)
}

fn color_is_hexadecimal(draft: &mut crate::model::record::Draft<'_, Tag>) {
    let Some(color) = draft.after.get(Tag::color) else { return };
    let digits = color.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        let color = color.to_ascii_lowercase();
        draft.after.set(Tag::color, color);
    } else {
        let fault = crate::model::fault::Fault::new(Tag::color.pointer(), crate::model::fault::FaultCode::WrongType)
            .with("expected", "# and six hexadecimal digits");
        draft.faults.add(fault);
    }
}
