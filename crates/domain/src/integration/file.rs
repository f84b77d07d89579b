//! Files: what is kept of one beside its content. A file belongs to one record of any object, and is as visible as that.

use serde_json::{Value, json};

use crate::{
    choices, entity,
    model::{
        fault::{FaultCode, Faults},
        field::{Field, FieldType, Structure},
        handle::{Any, Handle},
        record::{Draft, Record},
        value::{self, Standards, list},
    },
    values::id::Id,
};

/// The longest name of a file, in characters.
pub const LONGEST_NAME: usize = 1_000;
/// How many live files a record may have.
pub const MOST_OF_RECORD: usize = 500;
/// How many files a message may bring along.
pub const MOST_OF_MESSAGE: usize = 50;

choices! {
    /// What a record is that has files.
    pub enum FiledObject {
        Customer "customer" "Customer" "客户",
        Contact "contact" "Contact" "联系人",
        Lead "lead" "Lead" "线索",
        Opportunity "opportunity" "Opportunity" "商机",
        Activity "activity" "Activity" "跟进记录",
        Task "task" "Task" "任务",
        Product "product" "Product" "产品",
        Campaign "campaign" "Campaign" "市场活动",
        Ticket "ticket" "Ticket" "工单",
        TicketMessage "ticket_message" "Ticket message" "工单消息",
        WorkOrder "work_order" "Work order" "现场服务单",
        Order "order" "Order" "订单",
    }
}

choices! {
    /// What a virus scanner says of the content.
    pub enum FileScan {
        Pending "pending" "Pending" "等待扫描",
        Clean "clean" "Clean" "安全",
        Infected "infected" "Infected" "已感染",
        Unscanned "unscanned" "Not scanned" "未扫描",
    }
}

entity! {
    /// A file. It belongs to at most one record, and whoever can read that record can read the file, while the record is live; a file
    /// without a record can be read only by whoever uploaded it. `record_id=…` lists the files of a record.
    pub struct File("file", "files", "files", "File", "文件") [tagged] {
        /// The name, as it was typed; not a path, and not unique.
        name: String => text(LONGEST_NAME).required().title().searchable().label("Name", "名称").example("报价单.pdf"),
        /// What the record is that the file belongs to. Set together with `record_id`.
        object: Option<FiledObject> => choice(FiledObject::choices()).label("Object", "对象").example("customer"),
        /// The record that the file belongs to; attaching requires permission to update it. The files of a ticket message stay
        /// with it.
        record_id: Option<Id> => record_id().indexed().label("Record", "记录").example("01890a5d-ac96-774b-bcce-b302099a8057"),
        /// The media type that the upload declared.
        media_type: Option<String> => text(255).filled().server_set().label("Media type", "媒体类型").example("application/pdf"),
        /// The media type detected from the first bytes of the content; null if none was recognized.
        detected_type: Option<String> => text(255).server_set().label("Detected type", "检测到的类型").example("application/pdf"),
        /// Whether the content looks like something else than declared.
        type_mismatch: bool => boolean().default(false).server_set().label("Type mismatch", "类型不符").example(false),
        /// The size, in bytes.
        size_bytes: Option<i64> => integer(0, i64::MAX).filled().server_set().label("Size in bytes", "大小（字节）").example(48_213),
        /// The SHA-256 of the content, in hexadecimal.
        sha256: Option<String> => text(64).filled().server_set().indexed().label("SHA-256", "SHA-256").example("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        /// The verdict of the virus scanner. Content that is `infected` is never served, and content that is `pending` not yet;
        /// `unscanned` if the server had no scanner when it was uploaded.
        scan: Option<FileScan> => choice(FileScan::choices()).filled().server_set().label("Scan", "病毒扫描").example("clean"),
        /// What the scanner found.
        scan_finding: Option<String> => text(255).server_set().label("Scan finding", "扫描发现").example("Eicar-Test-Signature"),
    }
    extend |object| object
        .titled("name")
        .made_by_hand()
        .attached("object", "record_id", FiledObject::ALL.iter().map(|object| object.as_str()))
        .rule(belongs_as_a_whole)
        .rule(stays_with_its_message)
}

/// A record is told by its object and its id, or not at all.
fn belongs_as_a_whole(draft: &mut Draft<'_, File>) {
    match (draft.after.is_null(File::object), draft.after.is_null(File::record_id)) {
        (true, false) => draft.fault(File::object.pointer(), FaultCode::Required),
        (false, true) => draft.fault(File::record_id.pointer(), FaultCode::Required),
        (true, true) | (false, false) => {}
    }
}

/// What came with a message stays with it, as the message says so too.
fn stays_with_its_message(draft: &mut Draft<'_, File>) {
    let of_message = |file: &Record<File>| file.get(File::object) == Some(FiledObject::TicketMessage);
    let moves = draft.changes(File::object) || draft.changes(File::record_id);
    // A message names its files when it is written.
    let enters = of_message(&draft.after);
    if moves && (enters || draft.before.is_some_and(of_message)) {
        draft.fault(File::record_id.pointer(), FaultCode::WithMessage);
    }
}

/// The record that a file belongs to.
#[must_use]
pub fn record_of(file: &Record<File>) -> Option<(FiledObject, Id)> {
    file.get(File::object).zip(file.get(File::record_id))
}

/// The files that a record of any object names.
pub const FILE_IDS: Handle<Any, Vec<Id>> = Handle::recurring("file_ids");

/// Files named by their ids.
pub static FILES: Structure = Structure {
    name: "files",
    accept,
    schema: || json!({"type": "array", "maxItems": MOST_OF_MESSAGE, "items": {"type": "string", "format": "uuid"}}),
    lookups: |value| value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    lookup_form: |asked, _| Ok(asked.to_ascii_lowercase()),
    search: |_| Vec::new(),
    link: None,
};

fn accept(ids: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let id = Field::new(String::new(), FieldType::Id);
    list(ids, MOST_OF_MESSAGE, |item| value::accept(&id, item, standards))
}
