//! What can be wrong with a request: one list of codes, each with its message in every language Farley speaks.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// A language of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    /// Picks from an `Accept-Language` header, by its weights; English when it names neither.
    #[must_use]
    pub fn from_accept(header: &str) -> Language {
        let mut best = (Language::English, 0.0_f32);
        for part in header.split(',') {
            let mut pieces = part.split(';');
            let tag = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight = pieces.find_map(|piece| piece.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
            let language = match tag.split('-').next() {
                Some("zh") => Language::Chinese,
                Some("en") => Language::English,
                _ => continue,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// The BCP 47 tag of answers in this language.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }
}

/// Declares the fault codes with their messages; `{x}` in a message is a parameter of the fault.
macro_rules! fault_codes {
    ($($variant:ident $code:literal $en:literal $zh:literal,)*) => {
        /// Why one member of a request is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FaultCode { $($variant,)* }

        impl FaultCode {
            /// Every code, for documentation and tests.
            pub const ALL: &'static [FaultCode] = &[$(FaultCode::$variant,)*];

            /// The stable name that clients may match on.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(FaultCode::$variant => $code,)* }
            }

            /// The message, with its parameters still to be filled in.
            #[must_use]
            pub fn template(self, language: Language) -> &'static str {
                match (self, language) {
                    $((FaultCode::$variant, Language::English) => $en,
                      (FaultCode::$variant, Language::Chinese) => $zh,)*
                }
            }
        }
    };
}

fault_codes! {
    Required "required" "is required" "为必填项",
    WrongType "wrong_type" "must be {expected}" "类型应为{expected}",
    UnknownMember "unknown_member" "is not a known field; did you mean `{nearest}`?" "不是已知字段；您是否想写“{nearest}”？",
    UnknownParameter "unknown_parameter" "is not a known parameter; did you mean `{nearest}`?" "不是已知参数；您是否想写“{nearest}”？",
    DuplicateParameter "duplicate_parameter" "is given more than once" "重复出现",
    ReadOnly "read_only" "is set by the server and cannot be written" "由服务器维护，不能写入",
    HiddenField "hidden_field" "a rule about a field that is hidden from you is not met" "未满足与您无权查看的字段有关的规则",
    NotPermitted "field_not_permitted" "you do not have permission to change this field" "您无权修改此字段",
    CreateOnly "create_only" "can be set only when the record is created" "只能在创建时设置",
    TooLong "too_long" "must have at most {max} characters" "最多{max}个字符",
    TooShort "too_short" "must have at least {min} characters" "至少{min}个字符",
    TooSmall "too_small" "must be at least {min}" "不能小于{min}",
    TooLarge "too_large" "must be at most {max}" "不能大于{max}",
    TooMany "too_many" "must have at most {max} items" "最多{max}项",
    TooDeep "too_deep" "is nested deeper than {max} levels" "嵌套超过{max}层",
    Blank "blank" "must not be blank" "不能为空白",
    UnknownChoice "unknown_choice" "must be one of: {choices}" "必须是以下之一：{choices}",
    UnknownCurrency "unknown_currency" "is not an ISO 4217 currency code" "不是有效的 ISO 4217 货币代码",
    UnknownCountry "unknown_country" "is not an ISO 3166-1 alpha-2 country code" "不是有效的 ISO 3166-1 国家代码",
    UnknownTimeZone "unknown_time_zone" "is not an IANA time zone such as Asia/Shanghai" "不是有效的 IANA 时区，例如 Asia/Shanghai",
    UnknownLanguage "unknown_language" "is not a language tag such as zh-CN" "不是有效的语言标签，例如 zh-CN",
    InvalidId "invalid_id" "is not a UUID in its hyphenated form" "不是带连字符的 UUID",
    InvalidTime "invalid_time" "is not an RFC 3339 time such as 2026-09-30T08:00:00Z" "不是 RFC 3339 时间，例如 2026-09-30T08:00:00Z",
    InvalidDate "invalid_date" "is not a date such as 2026-09-30" "不是日期，例如 2026-09-30",
    InvalidEmail "invalid_email" "is not an e-mail address" "不是有效的邮箱地址",
    InvalidPhone "invalid_phone" "is not a phone number: {reason}" "不是有效的电话号码：{reason}",
    InvalidUrl "invalid_url" "is not an http or https address" "不是有效的 http 或 https 网址",
    InvalidSocialCreditCode "invalid_social_credit_code" "is not a unified social credit code (18 characters with a check digit)" "不是有效的统一社会信用代码（18 位，含校验位）",
    InvalidDecimal "invalid_decimal" "must be a number of at most 15 significant digits" "必须是最多 15 位有效数字的数值",
    InvalidKey "invalid_key" "must match ^[a-z][a-z0-9_]*$ and have at most 40 characters" "必须匹配 ^[a-z][a-z0-9_]*$，且最多 40 个字符",
    InvalidCharacter "invalid_character" "contains a character that cannot be stored" "包含无法存储的字符",
    InvalidRelativeTime "invalid_relative_time" "is not a relative time such as -30d or start_of_month" "不是相对时间，例如 -30d 或 start_of_month",
    InvalidCursor "invalid_cursor" "is not a valid cursor for this list and sort order" "不是此列表在当前排序下的有效游标",
    TooEarly "too_early" "must not be before {min}" "不能早于 {min}",
    TooLate "too_late" "must not be after {max}" "不能晚于 {max}",
    NotOfPipeline "stage_of_other_pipeline" "is not an active stage of the opportunity's pipeline" "不是该商机所属管道的有效阶段",
    NoStage "no_stage" "the pipeline has no stage of the kind {kind}" "该管道没有类型为 {kind} 的阶段",
    NeededByStage "needed_by_stage" "is required in the stage {stage}" "进入阶段“{stage}”时必填",
    ExitRule "exit_rule" "cannot leave the stage {stage} until its exit rule is met" "未满足阶段“{stage}”的离开条件",
    MoveNotAllowed "move_not_allowed" "cannot move from {from} to {to} in this pipeline" "此管道不允许从“{from}”移动到“{to}”",
    ReasonNeeded "reason_needed" "a reason is required when an opportunity is won or lost" "必须说明赢单或输单原因",
    OpenHasNone "open_has_none" "applies only to closed opportunities" "仅适用于已关闭的商机",
    OpenIsNotClosed "open_is_not_closed" "cannot be `closed` in an open stage" "进行中的阶段不能归为已成交",
    NoStatus "no_status" "there is no active status of the kind {kind}" "没有类型为 {kind} 的有效状态",
    NeededByStatus "needed_by_status" "is required in the status {status}" "进入状态“{status}”时必填",
    ReopenTooLate "reopen_too_late" "could be reopened until {until}; create a follow-up ticket instead" "只能在 {until} 之前重新打开；请改为创建后续工单",
    UnsolvedHasNone "unsolved_has_none" "applies only to solved and closed tickets" "仅适用于已解决或已关闭的工单",
    AlreadySolved "already_solved" "cannot be changed after the ticket was solved" "工单解决后不能修改",
    BeforeWindow "before_window" "is before the window that the customer was promised ({min}); `allow_outside_window` schedules it all the same" "早于向客户承诺的时段（{min}）；指定 `allow_outside_window` 可照样派工",
    AfterWindow "after_window" "is after the window that the customer was promised ({max}); `allow_outside_window` schedules it all the same" "晚于向客户承诺的时段（{max}）；指定 `allow_outside_window` 可照样派工",
    MissingSkills "missing_skills" "does not have the skills: {skills}; `allow_missing_skills` schedules it all the same" "缺少所需技能：{skills}；指定 `allow_missing_skills` 可照样派工",
    TechnicianAbsent "technician_absent" "is absent from {from} to {until}" "{from} 至 {until} 缺勤",
    OpenItem "open_item" "the required item “{item}” is not done" "必检项“{item}”尚未完成",
    CalendarNeeded "calendar_needed" "business time requires a calendar in `calendar_id`" "按工作时间计算时必须在 `calendar_id` 中指定日历",
    NotOfTicket "message_of_other_ticket" "is not a message of this ticket" "不是该工单的消息",
    InvalidPeriod "invalid_period" "is not a month, quarter or year such as 2026-10, 2026-Q4 or 2026" "不是月份、季度或年份，例如 2026-10、2026-Q4 或 2026",
    DailyClaims "daily_claims_reached" "you have reached the limit of {max} claims per day" "每日最多领取 {max} 条，您已达到上限",
    HoldingCap "holding_cap_reached" "you have reached the limit of {max} held records" "最多持有 {max} 条，您已达到上限",
    CoolingDown "cooling_down" "you held this record before; you can claim it again from {until}" "您曾持有该记录，{until} 之后才能再次领取",
    UserDeactivated "user_deactivated" "is deactivated and cannot be given work" "已停用，不能再分配工作",
    OwnWork "own_work" "is the user whose work is handed over" "即为移交工作的用户本人",
    NoManager "no_manager" "neither the queue nor the team has a manager who takes work" "队列和团队都没有可接受工作的负责人",
    NoRule "no_rule" "no matching assignment rule finds an owner" "没有适用的分配规则能找到负责人",
    AlreadyEnrolled "already_enrolled" "is already in this cadence (enrolment {id})" "已在此跟进计划中（加入记录 {id}）",
    CannotEnrol "cannot_enrol" "is {state} and cannot be enrolled in a cadence" "状态为 {state}，不能加入跟进计划",
    StepNotAllowed "step_not_allowed" "cannot change from {from} to {to}; allowed: {allowed}" "不能从 {from} 变为 {to}；可变为：{allowed}",
    InvalidRecurrence "invalid_recurrence" "is not a valid recurrence rule of days, weeks, months or years (RFC 5545): {reason}" "不是有效的按日、周、月或年重复的规则（RFC 5545）：{reason}",
    WaitsForTask "waits_for_task" "cannot be completed before the task it depends on: {task}" "前置任务“{task}”尚未完成",
    DependencyCycle "dependency_cycle" "would make the task depend on itself" "会使任务依赖自身",
    SumTooSmall "sum_too_small" "the line items would add up to less than {min}" "明细合计不能小于{min}",
    SumTooLarge "sum_too_large" "the line items would add up to more than {max}" "明细合计不能大于{max}",
    DefaultNeeded "default_needed" "cannot be unset; make another pipeline the default instead" "请改为将另一个销售管道设为默认",
    SplitTooLarge "split_too_large" "adds up to {sum} per cent; the maximum is 100" "分成合计为 {sum}%，不能超过 100%",
    OtherCurrency "other_currency" "must be in {currency}, like the other amounts" "币种必须与其他金额一致：{currency}",
    NotFound "reference_not_found" "does not refer to a record you have access to" "引用的记录不存在或您无权访问",
    Taken "taken" "is already used by {id}" "已被 {id} 使用",
    Repeated "repeated" "is given more than once" "重复出现",
    OnePrimary "one_primary" "must have at most one primary item" "最多只能有一个主要项",
    Cycle "cycle" "would make a record its own ancestor" "会使记录成为自己的上级",
    NotFilterable "not_filterable" "cannot be filtered on" "不能用于筛选",
    UnusableSegment "unusable_segment" "is a segment whose filter names fields that you do not have access to, or that are no longer there" "是客户分群，但其筛选条件中有您无权访问或已不存在的字段",
    NotSortable "not_sortable" "cannot be sorted by" "不能用于排序",
    NotExpandable "not_expandable" "is not a relation that can be expanded here; available: {known}" "不是可展开的关联；可用：{known}",
    WrongOperator "wrong_operator" "is not supported for this type of field; available: {operators}" "不适用于此类型的字段；可用：{operators}",
    Unbound "too_far" "is limited to row {max}; use the cursor to continue" "最多到第 {max} 行；请改用游标",
    Conflicting "conflicting" "cannot be combined with {other}" "不能与 {other} 同时使用",
    WeakPassword "weak_password" "must have at least 10 characters and must not be a common password" "至少 10 个字符，且不能是常见密码",
    WrongPassword "wrong_password" "is not the current password" "当前密码不正确",
    NotHeld "permission_not_held" "grants {permission}, which you do not have" "授予了您自己没有的权限 {permission}",
    TooManyRows "too_many_rows" "supports at most {max} rows" "最多支持 {max} 行",
    UnclosedQuote "unclosed_quote" "has an unclosed quote in row {row}" "第 {row} 行的引号没有闭合",
    Unmapped "unmapped" "requires a column mapped to {field}" "需要将某一列映射到字段 {field}",
    LeftBlank "left_blank" "is blank" "为空",
    DuplicateInRequest "duplicate_in_request" "duplicates item {index} of the request" "与请求中的第 {index} 项（从 0 起）重复",
    NotInBatch "not_in_batch" "is not an operation on records that a batch can contain" "不是批处理可包含的记录操作",
    NotEarlier "not_earlier" "does not refer to an earlier operation" "引用的不是之前的操作",
    NoSuchResult "no_such_result" "refers to {reference}, which the result does not have" "引用的 {reference} 在结果中不存在",
    RepeatedRow "repeated_row" "duplicates row {row}" "与第 {row} 行重复",
    Ambiguous "ambiguous" "matches several records: {ids}" "匹配多条记录：{ids}",
    AmbiguousNumber "ambiguous_number" "is ambiguous: {one} or {other}; set `decimal` to the decimal separator, . or ," "可读作 {one} 或 {other}：请用 `decimal` 指定小数点是 . 还是 ,",
    AmbiguousDate "ambiguous_date" "is ambiguous: {one} or {other}; set the order with `date_format`" "可读作 {one} 或 {other}：请用 `date_format` 指定顺序",
    PrecisionLost "precision_lost" "was abbreviated by a spreadsheet, so digits are lost" "已被电子表格缩写，部分数字已丢失",
    InvalidSettingKey "invalid_setting_key" "must consist of 1 to {max} lower-case letters, digits, dots, underscores and hyphens" "只能由 1 到 {max} 个小写字母、数字、点、下划线和连字符组成",
    TooManyBytes "too_many_bytes" "must have at most {max} bytes as JSON" "以 JSON 表示时最多 {max} 字节",
    TooManySettings "too_many_settings" "would be one setting too many: {max} are allowed, so delete one first" "超出上限：最多 {max} 项设置，请先删除一项",
    FileNotAccepted "file_not_accepted" "is a file; files are not accepted here" "是文件，此处不接受文件",
    FileTypeNotAccepted "file_type_not_accepted" "has the type {type}, which is not accepted here; accepted: {accepted}" "类型为 {type}，此处不接受；可接受：{accepted}",
    FileAttached "file_attached" "is a file that belongs to another record" "该文件已属于另一条记录",
    WithMessage "stays_with_message" "cannot be changed: a file of a ticket message stays with it, and a message names its files in `file_ids` when it is written" "不能修改：工单消息的文件始终属于该消息，且只能在写消息时通过 `file_ids` 指定",
    NotFailed "not_failed" "has not failed, so it is not sent again" "未发送失败，不重新发送",
    OwnMailbox "own_mailbox" "is the address of one of your mailboxes" "是服务台自己的邮箱地址",
    MailTooLarge "mail_too_large" "add up to more than a mail can carry ({max} bytes)" "合计超过一封邮件可携带的大小（{max} 字节）",
    IsTranslation "is_translation" "is a translation itself; name the article that it is a translation of" "本身是译文，请指定其原文",
    HasTranslations "has_translations" "has translations, so it cannot be a translation itself" "已有译文，不能再设为译文",
    TokenMissing "token_missing" "must be an http or https address with the word token in braces where the token goes" "必须是 http 或 https 网址，并用花括号中的 token 标明令牌的位置",
    NoHours "no_hours" "must have working hours on at least one day" "至少一天须有工作时间",
    Malformed "malformed" "cannot be read: {reason}" "无法读取：{reason}",
}

/// An invalid member of a request, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer into the body (`/emails/0/value`), or the name of a parameter.
    pub pointer: String,
    pub code: FaultCode,
    pub parameters: Vec<(&'static str, String)>,
}

impl Fault {
    #[must_use]
    pub fn new(pointer: impl Into<String>, code: FaultCode) -> Fault {
        Fault { pointer: pointer.into(), code, parameters: Vec::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Fault {
        self.parameters.retain(|(known, _)| *known != name);
        self.parameters.push((name, value.to_string()));
        self
    }

    /// The same fault one level further down: `/value` under `/emails/0` is `/emails/0/value`.
    #[must_use]
    pub fn under(mut self, parent: &str) -> Fault {
        self.pointer.insert_str(0, parent);
        self
    }

    /// The message in a language, parameters filled in.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        let template = self.code.template(language);
        let mut message = template.to_owned();
        for (name, value) in &self.parameters {
            let value = match (language, *name) {
                (Language::Chinese, "expected") => expected_in_chinese(value).into(),
                (Language::Chinese, "state") => state_in_chinese(value).into(),
                (_, "reason") => reason_in(language, value),
                _ => Cow::Borrowed(value.as_str()),
            };
            message = message.replace(&format!("{{{name}}}"), &value);
        }
        // What may become nothing else is told without a list.
        let message = message.replace("; allowed: {allowed}", "").replace("；可变为：{allowed}", "");
        // Who may not know of the record in the way hears that there is one.
        let message = message.replace(" by {id}", "").replace("已被 {id} 使用", "已被使用");
        // A fault without a near name ends where the suggestion would begin.
        match message.find("; did you mean `{").or_else(|| message.find("；您是否想写“{")) {
            Some(end) => message[..end].to_owned(),
            None => message,
        }
    }

    #[must_use]
    pub fn to_wire(&self, language: Language) -> WireFault {
        /// The longest pointer that is told in full, in characters: what is longer was made up.
        const LONG: usize = 500;
        let pointer = match self.pointer.char_indices().nth(LONG) {
            Some((end, _)) => format!("{}…", &self.pointer[..end]),
            None => self.pointer.clone(),
        };
        WireFault { pointer, code: self.code.as_str(), message: self.message(language) }
    }
}

/// What a value should have been, as English has it, in Chinese.
fn expected_in_chinese(expected: &str) -> &str {
    match expected {
        "a filter on the opportunity's own fields" => "仅涉及商机自身字段的筛选条件",
        "a filter on the lead's own fields" => "仅涉及线索自身字段的筛选条件",
        "a filter on the customer's own fields" => "仅涉及客户自身字段的筛选条件",
        "a time of day such as 09:00" => "时刻，例如 09:00",
        "all live stages of the pipeline, each exactly once" => "该管道的全部有效阶段，每个恰好一次",
        "a single-valued field other than a date" => "非日期的单值字段",
        "a day such as 2026-09-30" => "日期，例如 2026-09-30",
        "a bucket of a date or time only" => "仅用于日期或时间的时段",
        "a bucket, as times are not grouped one by one" => "时段，因为时间不逐个分组",
        "a day of a field with a bucket" => "带时段的字段的日期",
        "a field of the record itself or of one related record, for buckets and ranges" => {
            "时段和区间须用记录自身或单个关联记录的字段"
        }
        "ranges of a number only" => "仅用于数值的区间",
        "ranges, as amounts are not grouped one by one" => "区间，因为金额不逐个分组",
        "the first values of a field without buckets and ranges" => "没有时段和区间的字段的前几个值",
        "a dimension of dates in buckets that follow each other" => "时段前后相继的日期维度",
        "a count or sum, which adds up" => "可以累加的计数或合计",
        "a measure that needs no other rows" => "不依赖其他行的度量",
        "every dimension in rows or columns" => "每个维度都放在行或列中",
        "a single-valued field, also of a related record" => "单值字段，也可以是关联记录的字段",
        "two names of measures" => "两个度量的名称",
        "eq, ne, gt, gte, lt, lte or null" => "eq、ne、gt、gte、lt、lte 或 null",
        "fields, not relations" => "字段而非关联",
        "a single-valued field, also of a related record; dates and times with .day, .week, .month, .quarter or .year" => {
            "单值字段（也可取自关联记录）；日期和时间需加 .day、.week、.month、.quarter 或 .year"
        }
        "a list" => "列表",
        "a list of 2 numbers" => "包含 2 个数字的列表",
        "a list of 4 numbers" => "包含 4 个数字的列表",
        "a list of filters" => "筛选条件列表",
        "a number" => "数值",
        "an amount" => "金额",
        "a text" => "文本",
        "a text, or an object with the single member relative" => "文本，或仅含成员 relative 的对象",
        "an integer" => "整数",
        "an integer in minor units" => "以最小货币单位表示的整数",
        "an object" => "对象",
        "an object that maps systems to keys" => "以外部系统为键的对象",
        "an object with amount and currency" => "含 amount 和 currency 的对象",
        "true or false" => " true 或 false",
        "true, false or any" => " true、false 或 any",
        "# and six hexadecimal digits" => " # 加六位十六进制数字",
        "2 to 40 lower-case letters, digits and hyphens" => " 2 到 40 个小写字母、数字和连字符",
        "object:action, such as customer:read or *:read" => " object:action 形式，例如 customer:read 或 *:read",
        other => other,
    }
}

/// Why something cannot be read, as English has it, in a language; what a library says in English stays so.
#[must_use]
pub fn reason_in(language: Language, reason: &str) -> Cow<'_, str> {
    if language == Language::English {
        return reason.into();
    }
    if let Some(part) = reason.strip_suffix(" has an invalid value") {
        return format!("{part} 的值无效").into();
    }
    if let Some(parts) = reason.strip_prefix("allowed parts: ") {
        return format!("可用的部分：{parts}").into();
    }
    if let Some(sign) = reason.strip_suffix(" is not allowed in a phone number") {
        return format!("{sign} 不应出现在电话号码中").into();
    }
    if let Some(text) = reason.strip_suffix(" is not an amount") {
        return format!("{text} 不是金额").into();
    }
    if let Some((sign, currency)) = reason.split_once(" is not a symbol of ") {
        return format!("{sign} 不是 {currency} 的符号").into();
    }
    if let Some((currency, places)) = reason.strip_suffix(" decimal places").and_then(|reason| reason.split_once(" has ")) {
        return format!("{currency} 有 {places} 位小数").into();
    }
    let known = match reason {
        "parts are written as NAME=VALUE, separated by semicolons" => "各部分应写作 NAME=VALUE，以分号分隔",
        "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY" => "FREQ 必须是 DAILY、WEEKLY、MONTHLY 或 YEARLY",
        "a part is given twice" => "某一部分重复出现",
        "INTERVAL must be a whole number of at least 1" => "INTERVAL 必须是不小于 1 的整数",
        "COUNT must be a whole number of at least 1" => "COUNT 必须是不小于 1 的整数",
        "COUNT and UNTIL cannot be combined" => "COUNT 与 UNTIL 不能同时使用",
        "UNTIL must be a day or a time such as 20261231 or 20261231T155959Z" => {
            "UNTIL 必须是日期或时间，例如 20261231 或 20261231T155959Z"
        }
        "UNTIL is before the first occurrence" => "UNTIL 早于首次发生的时间",
        "no date ever matches it" => "没有任何一天符合",
        "the phone number is empty" => "电话号码为空",
        "the area code is missing" => "缺少区号",
        "the extension must be 1 to 8 digits" => "分机号应为 1 到 8 位数字",
        "the phone number is too short" => "电话号码太短",
        "the phone number is too long" => "电话号码太长",
        "there is no such phone number in the numbering plan of its country" => "该国家的编号方案中没有这样的电话号码",
        "the amount is empty" => "金额为空",
        "thousands are separated in groups of three digits" => "千位分隔应为每三位一组",
        "the amount is too large" => "金额过大",
        "an unclosed {" => "{ 没有闭合",
        "a quote is not closed" => "引号没有闭合",
        "a closing quote is followed by text" => "右引号之后还有文本",
        "the text is neither UTF-8 nor GB18030" => "文本既不是 UTF-8 也不是 GB18030",
        "this is not a text file" => "这不是文本文件",
        other => other,
    };
    known.into()
}

/// What a record is, as English has it, in Chinese.
#[must_use]
pub fn state_in_chinese(state: &str) -> &str {
    match state {
        "a draft" => "草稿",
        "active" => "进行中",
        "answered" => "已答复",
        "asked a short time ago" => "近期已询问过",
        "archived" => "已归档",
        "cancelled" => "已取消",
        "closed" => "已关闭",
        "completed" => "已完成",
        "contacted" => "已联系",
        "converted" => "已转化",
        "dead" => "永久失败",
        "disqualified" => "无效",
        "done" => "已完成",
        "dynamic" => "动态客户分群",
        "expired" => "已过期",
        "finished" => "已结束",
        "given up" => "无法完成",
        "held by someone else" => "由他人持有",
        "held by you" => "由您持有",
        "in progress" => "进行中",
        "in review" => "审核中",
        "in no pool" => "不在任何公海",
        "in use by live records" => "有记录在使用",
        "in use by open opportunities" => "有进行中的商机在使用",
        "inactive" => "未启用",
        "lost" => "输单",
        "merged" => "已合并",
        "neither solved nor closed" => "未解决也未关闭",
        "new" => "新线索",
        "bounced" => "被退回",
        "delivered" => "已送达",
        "failed" => "发送失败",
        "not sent" => "未由本系统发出",
        "partly_failed" => "部分发送失败",
        "queued" => "等待发送",
        "read" => "已读",
        "sent" => "已发送",
        "not published" => "未发布",
        "on the way" => "正在前往现场",
        "open" => "待办",
        "paused" => "已暂停",
        "published" => "已发布",
        "qualified" => "已确认",
        "running" => "进行中",
        "scheduled" => "已派工",
        "solved" => "已解决",
        "still using its former secret" => "旧密钥仍有效",
        "not active" => "未启用",
        "stopped" => "已停止",
        "the only active status of its kind" => "该类型唯一的有效状态",
        "the last administrator" => "最后一位管理员",
        "undone" => "已撤销",
        "unscheduled" => "待派工",
        "unowned" => "无负责人",
        "waiting" => "等待中",
        "with a technician on site" => "技师在现场",
        "without a technician on site" => "没有技师在现场",
        "won" => "赢单",
        other => other,
    }
}

/// A fault as clients see it.
#[derive(Clone, Debug, Serialize)]
pub struct WireFault {
    pub pointer: String,
    pub code: &'static str,
    pub message: String,
}

/// Faults gathered on the way, so that a client hears of all at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// So many are told; one more is kept, so that it is known that there are more.
    pub const MOST: usize = 100;

    pub fn add(&mut self, fault: Fault) {
        if !self.is_full() {
            self.0.push(fault);
        }
    }

    /// Adds what was found elsewhere.
    pub fn extend(&mut self, found: impl IntoIterator<Item = Fault>) {
        let room = (Self::MOST + 1).saturating_sub(self.0.len());
        self.0.extend(found.into_iter().take(room));
    }

    /// Whether more than are told have been found: looking for others is of no use.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.len() > Self::MOST
    }

    /// Keeps the value, or the fault.
    pub fn keep<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.add(fault)).ok()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, if nothing was wrong.
    pub fn into_result<T>(self, value: T) -> Result<T, Faults> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl Faults {
    /// The same faults one level further down.
    #[must_use]
    pub fn under(self, parent: &str) -> Faults {
        Faults(self.0.into_iter().map(|fault| fault.under(parent)).collect())
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Faults {
        Faults(vec![fault])
    }
}

/// The nearest known name to a mistyped one, if one is near enough to suggest.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(typed.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The longest mistyped name that is worth a suggestion, and among how many names one is looked for: comparing costs the product.
const MAX_SUGGESTED: usize = 64;
const MAX_COMPARED: usize = 1_000;

/// A fault for a name that nothing here has, with the nearest known one unless the name is absurdly long.
#[must_use]
pub fn unknown<'a>(pointer: String, code: FaultCode, typed: &str, known: impl Iterator<Item = &'a str>) -> Fault {
    let known: Vec<&str> = known.take(MAX_COMPARED).collect();
    let fault = Fault::new(pointer, code);
    // The message of a choice lists all that there are.
    let fault = if code == FaultCode::UnknownChoice { fault.with("choices", known.join(", ")) } else { fault };
    if typed.len() > MAX_SUGGESTED {
        return fault;
    }
    // A name that is known elsewhere is no help where it is not.
    match nearest(typed, known.into_iter().filter(|name| *name != typed)) {
        Some(name) => fault.with("nearest", name),
        None => fault,
    }
}

/// Escapes one member name for a JSON pointer (RFC 6901).
#[must_use]
pub fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
