//! Parts of a work order: what is planned to be built in, and what was.

use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode},
        object::{Reach, Relation, rising},
        record::Draft,
    },
    values::id::Id,
};

entity! {
    /// A part or material of a work order: how much of it is planned, and how much was used.
    pub struct WorkOrderPart("work_order_part", "parts", "work_order_parts", "Part", "备件") [external, custom] {
        /// The work order it belongs to, from the path.
        work_order_id: Option<Id> => reference("work_order").on_create().indexed().label("Work order", "现场服务单"),
        /// The product it is.
        product_id: Option<Id> => reference("product").indexed().label("Product", "产品"),
        /// The name. Defaults to the name of the product.
        name: Option<String> => text(200).filled().title().label("Name", "名称").example("24V 电源").required_when(crate::model::field::when_missing(&["product_id"])),
        /// How much is planned. Defaults to 1 if none was used yet, otherwise to 0.
        quantity_planned: Option<f64> => decimal().filled().label("Planned", "计划数量").example(1),
        /// How much was used. Null as long as nobody has said so.
        quantity_used: Option<f64> => decimal().label("Used", "实际用量").example(1),
        /// What it is counted in.
        unit: Option<String> => text(20).label("Unit", "单位").example("个"),
        /// Notes, such as the serial number.
        note: Option<String> => long_text(2_000).label("Note", "备注").example("SN 8F3A-0042"),
        /// Its position among the parts, ascending. By default it comes last.
        sort_order: Option<i64> => integer(1, 100_000).filled().label("Order", "顺序").example(1),
    }
    extend |object| object
        .below("work_order", "work_order_id")
        .relations([Relation { name: "product", target: "product", reach: Reach::ToOne { field: "product_id" } }])
        .ordered_by([rising("work_order_id"), rising("sort_order")])
        .rule(quantities)
}

fn quantities(draft: &mut Draft<'_, WorkOrderPart>) {
    if draft.after.is_null(WorkOrderPart::quantity_planned) {
        let planned = if draft.after.is_null(WorkOrderPart::quantity_used) { 1.0 } else { 0.0 };
        draft.after.set(WorkOrderPart::quantity_planned, planned);
    }
    for quantity in [WorkOrderPart::quantity_planned, WorkOrderPart::quantity_used] {
        if draft.after.get(quantity).is_some_and(|quantity| quantity < 0.0) {
            draft.faults.add(Fault::new(quantity.pointer(), FaultCode::TooSmall).with("min", 0));
        }
    }
}
