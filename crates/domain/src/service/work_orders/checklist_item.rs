//! Checklists: what a technician has to look at or to ask before a work order is done.

use crate::{
    entity,
    model::{object::rising, record::Draft},
    values::{id::Id, time::Timestamp},
};

entity! {
    /// An item of the checklist of a work order. A work order is not completed as long as one that is required is not done.
    pub struct ChecklistItem("checklist_item", "checklist-items", "checklist_items", "Checklist item", "检查项") [external] {
        /// The work order it belongs to, from the path.
        work_order_id: Option<Id> => reference("work_order").on_create().indexed().label("Work order", "现场服务单"),
        /// What to check.
        text: String => text(500).required().title().label("Text", "内容").example("断电后再拆机"),
        /// Whether the work order cannot be completed without it.
        is_required: bool => boolean().default(false).label("Required", "必检").example(true),
        /// Whether it is done. Giving an answer does it.
        is_done: bool => boolean().default(false).label("Done", "已完成").example(false),
        /// What was found.
        answer: Option<String> => long_text(5_000).label("Answer", "结果").example("输出电压 24.1V"),
        /// The user who did it last. Null while it is not done.
        done_by_id: Option<Id> => reference("user").server_set().label("Done by", "完成人"),
        /// When it was done. Null while it is not.
        done_at: Option<Timestamp> => datetime().server_set().label("Done at", "完成时间").example("2026-03-02T02:10:00.000Z"),
        /// Its position in the checklist, ascending. By default it comes last.
        sort_order: Option<i64> => integer(1, 100_000).filled().label("Order", "顺序").example(1),
    }
    extend |object| object
        .below("work_order", "work_order_id")
        .titled("text")
        .ordered_by([rising("work_order_id"), rising("sort_order")])
        .rule(tick)
}

/// Notes who has done it and when.
fn tick(draft: &mut Draft<'_, ChecklistItem>) {
    let was_done = draft.before.is_some_and(|before| before.get(ChecklistItem::is_done));
    let answered = draft.changes(ChecklistItem::answer) && !draft.after.is_null(ChecklistItem::answer);
    if answered && !was_done {
        draft.after.set(ChecklistItem::is_done, true);
    }
    match (was_done, draft.after.get(ChecklistItem::is_done)) {
        (false, true) => {
            draft.after.set(ChecklistItem::done_by_id, draft.user);
            draft.after.set(ChecklistItem::done_at, draft.now);
        }
        (true, false) => {
            draft.after.clear(ChecklistItem::done_by_id);
            draft.after.clear(ChecklistItem::done_at);
        }
        (false, false) | (true, true) => {}
    }
}
