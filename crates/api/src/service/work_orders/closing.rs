//! Completing work orders, giving them up, cancelling and reopening them.

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    identity::access::Action,
    integration::file::FiledObject,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        record::Record,
    },
    service::work_orders::{
        checklist_item::ChecklistItem,
        position::happened_at,
        work_order::{WorkOrder, WorkOrderStatus},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::Work;
use serde_json::json;

use super::{checklist_item::items_of, demand, enter, scheduling::off_the_plan};
use crate::{
    access::call::Call,
    body,
    http::{problem::Problem, request::Body},
    integration::take_along,
    records::{
        action::{Asked, act},
        body::Nothing,
    },
};

body! {
    /// How a work order was completed.
    pub struct WorkOrderCompletion {
        /// What was done.
        resolution: Option<String> => long_text(20_000).example("已更换电源，测试正常"),
        /// When it was done, by the clock of the device: at most seven days ago, and at most five minutes ahead. Defaults to now.
        at: Option<Timestamp> => datetime(),
        /// The file with the customer's signature: one of the work order's, or one that you uploaded and that is not attached yet; it becomes the work
        /// order's.
        signature_file_id: Option<Id> => reference("file"),
        /// Who signed. Required with a signature.
        signed_by: Option<String> => text(200).example("李伟"),
        /// When they signed. Defaults to the time of completion.
        signed_at: Option<Timestamp> => datetime(),
    }
    example json!({"resolution": "已更换电源，测试正常", "signed_by": "李伟"})
}

body! {
    /// Why the work is not done.
    pub struct WorkOrderReason {
        /// The reason.
        reason: Option<String> => text(500).required().example("客户不在现场"),
    }
    example json!({"reason": "客户不在现场"})
}

/// Complete a work order
///
/// Returns 422 with every required item of the checklist that is not done, and 409 unless it is scheduled, on the way or in progress. A
/// technician who is on site can check out afterwards.
#[utoipa::path(tag = "work-orders", operation_id = "completeWorkOrder", request_body = WorkOrderCompletion,
    params(("id" = String, Path, description = "The id of the work order, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The completed work order.", body = ref("#/components/schemas/WorkOrder"))))]
#[post("/v1/work-orders/{id}/complete")]
pub async fn complete(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<WorkOrder, WorkOrderCompletion>((call, request, body), Action::Update, |work, asked| {
        let (mut record, body, now) = (asked.record().clone(), &asked.body, asked.writer.now);
        demand(&record, WorkOrderStatus::takes_time)?;
        let mut faults = open_items(work, asked)?;
        let pointer = WorkOrderCompletion::at.pointer();
        let at = happened_at(body.get(WorkOrderCompletion::at), now, record.get(WorkOrder::checked_in_at), &pointer);
        let at = faults.keep(at).unwrap_or(now);
        let signer = body.get(WorkOrderCompletion::signed_by);
        if signer.is_none() && !body.is_null(WorkOrderCompletion::signature_file_id) {
            faults.add(Fault::new(WorkOrderCompletion::signed_by.pointer(), FaultCode::Required));
        }
        if signer.is_none() && !body.is_null(WorkOrderCompletion::signed_at) {
            faults.add(Fault::new(WorkOrderCompletion::signed_by.pointer(), FaultCode::Required));
        }
        let pointer = WorkOrderCompletion::signed_at.pointer();
        let signed_at = happened_at(body.get(WorkOrderCompletion::signed_at).or(Some(at)), now, None, &pointer);
        let signed_at = faults.keep(signed_at);
        faults.into_result(()).map_err(Problem::rule)?;
        if let Some(resolution) = body.get(WorkOrderCompletion::resolution) {
            record.set(WorkOrder::resolution, resolution.to_owned());
        }
        if let Some(signer) = signer {
            record.set(WorkOrder::signed_by, signer.to_owned());
            record.set(WorkOrder::signed_at, signed_at);
        }
        if let Some(file) = body.get(WorkOrderCompletion::signature_file_id) {
            take_signature(work, asked, file)?;
            record.set(WorkOrder::signature_file_id, file);
        }
        record.set(WorkOrder::closed_at, at);
        enter(&mut record, WorkOrderStatus::Completed, now);
        asked.store(work, record, "completed")
    })
    .await
}

/// Give up a work order
///
/// Says that it cannot be completed, and why. Returns 409 unless it is scheduled, on the way or in progress.
#[utoipa::path(tag = "work-orders", operation_id = "giveUpWorkOrder", request_body = WorkOrderReason,
    params(("id" = String, Path, description = "The id of the work order, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The work order, given up.", body = ref("#/components/schemas/WorkOrder"))))]
#[post("/v1/work-orders/{id}/cannot-complete")]
pub async fn cannot_complete(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<WorkOrder, WorkOrderReason>((call, request, body), Action::Update, |work, asked| {
        demand(asked.record(), WorkOrderStatus::takes_time)?;
        let record = closed(asked, WorkOrderStatus::CannotComplete);
        asked.store(work, record, "cannot_complete")
    })
    .await
}

/// Cancel a work order
///
/// Says that it is not to be done, and why; its technician is notified. Returns 409 if it is done already.
#[utoipa::path(tag = "work-orders", operation_id = "cancelWorkOrder", request_body = WorkOrderReason,
    params(("id" = String, Path, description = "The id of the work order, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The cancelled work order.", body = ref("#/components/schemas/WorkOrder"))))]
#[post("/v1/work-orders/{id}/cancel")]
pub async fn cancel(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<WorkOrder, WorkOrderReason>((call, request, body), Action::Update, |work, asked| {
        demand(asked.record(), |status| !status.is_done())?;
        let record = closed(asked, WorkOrderStatus::Cancelled);
        asked.store(work, record, "cancelled")
    })
    .await
}

/// Reopen a work order
///
/// It waits to be scheduled again, with the same technician as long as nobody else is named. The time on site so far stays; reports, reason and
/// signature of the former end are found in its history. Returns 409 unless it was completed, given up or cancelled.
#[utoipa::path(tag = "work-orders", operation_id = "reopenWorkOrder", request_body = Nothing,
    params(("id" = String, Path, description = "The id of the work order, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The reopened work order.", body = ref("#/components/schemas/WorkOrder"))))]
#[post("/v1/work-orders/{id}/reopen")]
pub async fn reopen(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    act::<WorkOrder, Nothing>((call, request, body), Action::Update, |work, asked| {
        let mut record = asked.record().clone();
        demand(&record, WorkOrderStatus::is_done)?;
        off_the_plan(&mut record);
        record.clear(WorkOrder::check_in);
        record.clear(WorkOrder::checked_in_at);
        record.clear(WorkOrder::check_out);
        record.clear(WorkOrder::checked_out_at);
        record.clear(WorkOrder::closed_at);
        record.clear(WorkOrder::reason);
        record.clear(WorkOrder::signature_file_id);
        record.clear(WorkOrder::signed_by);
        record.clear(WorkOrder::signed_at);
        record.set(WorkOrder::reopen_count, record.get(WorkOrder::reopen_count) + 1);
        enter(&mut record, WorkOrderStatus::Unscheduled, asked.writer.now);
        asked.store(work, record, "reopened")
    })
    .await
}

/// The work order as it is once it is closed for a reason.
fn closed(asked: &Asked<WorkOrder, WorkOrderReason>, status: WorkOrderStatus) -> Record<WorkOrder> {
    let (mut record, now) = (asked.record().clone(), asked.writer.now);
    record.set(WorkOrder::reason, asked.body.get(WorkOrderReason::reason).map(str::to_owned));
    record.set(WorkOrder::closed_at, now);
    enter(&mut record, status, now);
    record
}

/// A fault for each required item that is not done.
fn open_items<B>(work: &mut Work<'_>, asked: &Asked<WorkOrder, B>) -> Result<Faults, Problem> {
    let mut faults = Faults::default();
    let may_name = asked.writer.principal.asker.sees(ChecklistItem::object(), ChecklistItem::text.field());
    for item in items_of(work, asked.record().id())? {
        if item.get(ChecklistItem::is_required) && !item.get(ChecklistItem::is_done) {
            let named = if may_name { item.get(ChecklistItem::text).to_owned() } else { item.id().to_string() };
            faults.add(Fault::new(format!("/checklist_items/{}", item.id()), FaultCode::OpenItem).with("item", named));
        }
    }
    Ok(faults)
}

/// Makes the file with the signature one of the work order's.
fn take_signature<B>(work: &mut Work<'_>, asked: &Asked<WorkOrder, B>, file: Id) -> Result<(), Problem> {
    let pointer = WorkOrderCompletion::signature_file_id.pointer();
    let own = (FiledObject::WorkOrder, asked.record().id());
    take_along(work, &asked.writer, &[file], own, (Some(own), &pointer)).map_err(|mut problem| {
        for fault in &mut problem.faults.0 {
            // It is one file, and no list.
            if fault.pointer.starts_with(&pointer) {
                fault.pointer.clone_from(&pointer);
            }
        }
        problem
    })
}
