//! Everything that can go wrong with a request, as RFC 9457 problems in the language of the asker.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use farley_domain::model::fault::{Fault, Faults, Language, state_in_chinese};
use farley_persistence::{Failure, StoreError};
use serde_json::{Map, Value, json};

/// Declares the problem codes: status, title and detail in every language.
macro_rules! problem_codes {
    ($($variant:ident $code:literal $status:literal $title:literal $title_zh:literal $detail:literal $detail_zh:literal,)*) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($variant,)* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Code::$variant => $status,)* }
            }

            fn title(self, language: Language) -> &'static str {
                match (self, language) { $((Code::$variant, Language::English) => $title, (Code::$variant, Language::Chinese) => $title_zh,)* }
            }

            fn detail(self, language: Language) -> &'static str {
                match (self, language) { $((Code::$variant, Language::English) => $detail, (Code::$variant, Language::Chinese) => $detail_zh,)* }
            }
        }
    };
}

problem_codes! {
    InvalidRequest "invalid_request" 400 "Bad request" "请求有误" "The request is invalid. Number of faults: {count}; see `errors`." "请求中有 {count} 处错误。",
    MalformedBody "malformed_body" 400 "Malformed body" "请求体无法解析" "The body cannot be read as JSON: {reason}" "请求体不是有效的 JSON：{reason}",
    MalformedRequest "malformed_request" 400 "Malformed request" "请求格式错误" "The request cannot be read: {reason}" "请求无法解析：{reason}",
    DigestMismatch "digest_mismatch" 400 "Digest mismatch" "摘要不符" "The content does not match its Content-Digest, so nothing was stored." "内容与 Content-Digest 不符，未保存任何内容。",
    Unauthorized "unauthorized" 401 "Unauthorized" "未认证" "A valid access token or API key is required." "需要有效的访问令牌或 API 密钥。",
    InvalidSignature "invalid_signature" 401 "Invalid signature" "签名无效" "The request is not signed as the channel demands: {reason}." "请求签名不符合要求：{reason}。",
    TokenExpired "token_expired" 401 "Unauthorized" "未认证" "The access token has expired." "访问令牌已过期。",
    WrongCredentials "wrong_credentials" 401 "Wrong credentials" "凭据错误" "The e-mail address or password is incorrect." "邮箱或密码错误。",
    SessionEnded "session_ended" 401 "Session ended" "会话已结束" "The session has ended. Log in again." "会话已结束，请重新登录。",
    Forbidden "forbidden" 403 "Forbidden" "无权操作" "You do not have permission to {action} {object}." "您没有对 {object} 执行 {action} 的权限。",
    BeyondHeld "permission_not_held" 403 "Forbidden" "无权授予" "You cannot grant a permission that you do not have: {permission}." "不能授予您自己没有的权限：{permission}。",
    FileInfected "file_infected" 403 "File infected" "文件已感染" "The virus scanner found {finding} in this file, so its content is not served." "病毒扫描程序在此文件中发现 {finding}，不提供其内容。",
    NotFound "not_found" 404 "Not found" "未找到" "The resource does not exist, or you do not have access to it." "请求的资源不存在，或您无权访问。",
    MethodNotAllowed "method_not_allowed" 405 "Method not allowed" "方法不允许" "This resource does not support that method." "此资源不支持该方法。",
    RequestTimeout "request_timeout" 408 "Request timeout" "请求超时" "The body did not arrive in time." "请求体未能及时送达。",
    Duplicate "duplicate" 409 "Duplicate" "重复" "Another live record already has this value." "已有记录使用了该值。",
    ImportFileGone "import_file_gone" 409 "File no longer kept" "文件已不再保留" "The file of this import is no longer kept, so it cannot go on. Import the file again." "此导入的文件已不再保留，无法继续。请重新导入该文件。",
    StateConflict "state_conflict" 409 "Conflict" "状态冲突" "The record is {state}; allowed: {allowed}." "记录当前状态：{state}；此时允许：{allowed}。",
    AtCapacity "at_capacity" 409 "At capacity" "已达工单上限" "You have {load} unsolved tickets and may have {capacity}, so you are given no other." "您有 {load} 个未解决的工单，上限为 {capacity} 个，因此不再分配。",
    SkillMissing "skill_missing" 409 "Skill missing" "缺少技能" "Tickets are waiting, but each requires a skill that you do not have." "队列中有等待的工单，但都要求您不具备的技能。",
    LaterMessages "later_messages" 409 "Later messages" "已有后续消息" "Messages came after the merge: {messages}, see `stays`. With `leave_later`, they stay where they are." "合并之后又有 {messages} 条消息，见 `stays`；指定 `leave_later` 则将其保留在原处。",
    TechnicianBusy "technician_busy" 409 "Technician busy" "技师时间冲突" "The technician has other work orders at that time: {number}, see `conflicts`. With `allow_overlap`, it is scheduled all the same." "技师在该时间已有 {number} 张现场服务单，见 `conflicts`；指定 `allow_overlap` 可照样派工。",
    MailNotConfigured "mail_not_configured" 409 "Mail not configured" "未配置邮件" "This server is not configured to send this mail. Ask an administrator." "此服务器未配置邮件发送，请联系管理员。",
    FileNotScanned "file_not_scanned" 409 "File not scanned yet" "文件尚未扫描" "The virus scanner has not checked this file yet. Try again in {seconds} seconds." "病毒扫描程序尚未检查此文件，请在 {seconds} 秒后重试。",
    StillRunning "idempotency_in_progress" 409 "Still running" "仍在处理" "A request with this Idempotency-Key is still running." "使用该 Idempotency-Key 的请求仍在处理中。",
    CountChanged "count_changed" 409 "Count changed" "数量已变化" "The request is about {count} records, not {expected}, so nothing was changed." "请求涉及 {count} 条记录，而不是 {expected} 条，未作任何更改。",
    CursorGone "cursor_expired" 410 "Gone" "游标已失效" "The cursor has expired: it points to events that are no longer kept." "游标已失效：其指向的事件已超过保留期限。",
    VersionMismatch "version_mismatch" 412 "Precondition failed" "版本不一致" "The record is at version {current}, which does not match If-Match.{changes_en}" "记录当前版本为 {current}，与 If-Match 指定的版本不一致。{changes_zh}",
    PreconditionFailed "precondition_failed" 412 "Precondition failed" "前置条件不满足" "The content is not the one that If-Match names." "内容与 If-Match 指定的不一致。",
    PayloadTooLarge "payload_too_large" 413 "Payload too large" "请求体过大" "The body must not exceed {max} bytes." "请求体最多 {max} 字节。",
    UnsupportedMediaType "unsupported_media_type" 415 "Unsupported media type" "不支持的媒体类型" "Send {expected}." "请使用 {expected}。",
    RangeNotSatisfiable "range_not_satisfiable" 416 "Range not satisfiable" "范围无效" "The content has {size} bytes; the range lies outside of it." "内容共 {size} 字节，请求的范围超出内容。",
    RuleViolated "rule_violated" 422 "Unprocessable content" "违反规则" "The request violates rules. Number of faults: {count}; see `errors`." "请求中有 {count} 处违反规则。",
    SumTooLarge "sum_too_large" 422 "Sum too large" "合计过大" "The sum exceeds the range of 64-bit integers. Narrow down the query." "合计超出 64 位整数范围，请缩小查询范围。",
    ExchangeRateMissing "exchange_rate_missing" 422 "Exchange rate missing" "缺少汇率" "There is no exchange rate to {currency} for: {missing}. Add the rates under /v1/exchange-rates, or leave out `currency`." "缺少兑换为 {currency} 的汇率：{missing}。请在 /v1/exchange-rates 中补充汇率，或不指定 `currency`。",
    MixedCurrencies "mixed_currencies" 422 "Mixed currencies" "币种混合" "Amounts of several currencies are not divided or compared: {currencies}. Filter by one currency, or group by it." "涉及多个币种的金额，无法相除或比较：{currencies}。请按单一币种筛选，或按币种分组。",
    RolledBack "batch_rolled_back" 422 "Rolled back" "已全部回滚" "Nothing was written, as {number} of the parts failed; see what became of each." "有 {number} 项失败，因此未写入任何内容；详见各项结果。",
    FailedDependency "failed_dependency" 424 "Failed dependency" "依赖的操作失败" "The operation needs the result of {needed}, which failed." "此操作需要 {needed} 的结果，而该操作已失败。",
    KeyReused "idempotency_key_reused" 422 "Idempotency-Key reused" "幂等键被重用" "This Idempotency-Key was already used for a different request." "该 Idempotency-Key 已用于另一个请求。",
    PreconditionRequired "precondition_required" 428 "Precondition required" "缺少前置条件" "on_conflict requires If-Match with the version that the edit was based on." "使用 on_conflict 时必须提供 If-Match 版本。",
    TooManyStreams "too_many_streams" 429 "Too many streams" "数据流过多" "A session or key may have {max} streams open at a time. Close one, or use one stream for several purposes." "同一会话或密钥最多可同时打开 {max} 个数据流。请关闭其中一个，或将多种用途合并到一个数据流。",
    RecordLocked "record_locked" 409 "Being edited" "正在编辑" "Another user is editing the record, see `lock`. With `take_over`, it is yours." "其他用户正在编辑此记录，见 `lock`；指定 `take_over` 可接管。",
    RateLimited "rate_limited" 429 "Too many requests" "请求过多" "Try again in {seconds} seconds." "请在 {seconds} 秒后重试。",
    Internal "internal" 500 "Internal error" "内部错误" "An internal error occurred. It was logged under the request id." "服务器内部错误，已按请求编号记录。",
    QueryTooSlow "query_too_slow" 503 "Query too slow" "查询过慢" "The query exceeded the time limit. Narrow it down: use a shorter period, a stricter filter, fewer groups or related records, no total, or a cursor instead of an offset." "查询超出了单条语句的时限。请缩小范围：缩短时间段、收紧筛选条件、减少分组或关联记录、不要总数、用游标代替偏移。",
    Busy "busy" 503 "Too busy" "繁忙" "Too many summaries, reports, counts and large searches are in progress, either yours or in total. Try again in {seconds} seconds." "正在处理的汇总、报表、计数和大范围搜索过多（您自己的或全部的），请在 {seconds} 秒后重试。",
    Unavailable "unavailable" 503 "Service unavailable" "服务暂不可用" "The server is overloaded or its database is unavailable. Try again in {seconds} seconds." "服务器过载或数据库暂不可用，请在 {seconds} 秒后重试。",
}

/// What answers in the asker's language say in `Vary`.
pub const BY_LANGUAGE: &str = "accept-language";

/// A problem on its way to the client.
#[derive(Clone, Debug)]
pub struct Problem {
    pub code: Code,
    parameters: Vec<(&'static str, String)>,
    pub faults: Faults,
    more: Map<String, Value>,
    retry_after: Option<u64>,
    allow: Option<String>,
    /// What a store said, for the log and for trying again; never shown.
    inside: Option<std::sync::Arc<StoreError>>,
}

impl Problem {
    #[must_use]
    pub fn new(code: Code) -> Problem {
        Problem {
            code,
            parameters: Vec::new(),
            faults: Faults::default(),
            more: Map::new(),
            retry_after: None,
            allow: None,
            inside: None,
        }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Problem {
        self.parameters.push((name, value.to_string()));
        self
    }

    /// A member beside the common ones.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The same with its faults at other places.
    #[must_use]
    pub fn placed(self, place: impl Fn(Fault) -> Fault) -> Problem {
        Problem { faults: Faults(self.faults.0.into_iter().map(place).collect()), ..self }
    }

    /// The same with its faults below a place.
    #[must_use]
    pub fn under(self, pointer: &str) -> Problem {
        Problem { faults: self.faults.under(pointer), ..self }
    }

    /// The same without what it says beside the common members.
    #[must_use]
    pub fn without_members(self) -> Problem {
        Problem { more: Map::new(), ..self }
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Problem {
        self.retry_after = Some(seconds);
        self.with("seconds", seconds)
    }

    #[must_use]
    pub fn allow(mut self, methods: String) -> Problem {
        self.allow = Some(methods);
        self
    }

    #[must_use]
    pub fn not_found() -> Problem {
        Problem::new(Code::NotFound)
    }

    #[must_use]
    pub fn forbidden(action: &str, object: &str) -> Problem {
        Problem::new(Code::Forbidden).with("action", action).with("object", object)
    }

    /// A rule was broken, as opposed to a request that cannot be read.
    #[must_use]
    pub fn rule(faults: Faults) -> Problem {
        Problem { code: Code::RuleViolated, ..Problem::from(faults) }
    }

    #[must_use]
    pub fn internal(reason: impl ToString) -> Problem {
        Problem::from(StoreError::Internal(reason.to_string()))
    }

    /// A write to what is archived.
    #[must_use]
    pub fn archived() -> Problem {
        Problem::state("archived", &["restore"])
    }

    /// What was asked for does not fit the state of the record; `allowed` would.
    #[must_use]
    pub fn state(state: &str, allowed: &[&str]) -> Problem {
        let problem = Problem::new(Code::StateConflict).with("state", state).member("allowed", allowed.to_vec());
        if allowed.is_empty() { problem } else { problem.with("allowed", allowed.join(", ")) }
    }

    /// Another live record has the value.
    #[must_use]
    pub fn duplicate(pointer: &str, id: farley_domain::values::id::Id) -> Problem {
        let fault = Fault::new(pointer, farley_domain::model::fault::FaultCode::Taken).with("id", id);
        Problem { faults: fault.into(), ..Problem::new(Code::Duplicate) }.member("existing_id", id.to_string())
    }

    /// Another live record has the value, of which the caller may not know more.
    #[must_use]
    pub fn duplicate_of_unseen(pointer: &str) -> Problem {
        Problem {
            faults: Fault::new(pointer, farley_domain::model::fault::FaultCode::Taken).into(),
            ..Problem::new(Code::Duplicate)
        }
    }

    /// Somebody would grant, or take, what they do not hold.
    #[must_use]
    pub fn beyond_held(pointer: &str, permission: &str) -> Problem {
        let fault = Fault::new(pointer, farley_domain::model::fault::FaultCode::NotHeld).with("permission", permission);
        Problem { faults: fault.into(), ..Problem::new(Code::BeyondHeld) }.with("permission", permission)
    }

    /// What the log should know of an internal failure.
    #[must_use]
    pub fn inside(&self) -> Option<&StoreError> {
        self.inside.as_deref()
    }

    /// Whether it is that what is there can be read and nothing be written: the disk is full, or read-only.
    #[must_use]
    pub fn is_unwritable(&self) -> bool {
        matches!(self.inside(), Some(StoreError::Unwritable(_)))
    }

    /// The answer, in a language.
    #[must_use]
    pub fn to_json(&self, language: Language, instance: &str, request_id: &str) -> Value {
        let mut detail = self.code.detail(language).to_owned();
        let count = self.faults.0.len().min(Faults::MOST).to_string() + if self.faults.is_full() { "+" } else { "" };
        detail = detail.replace("{count}", &count);
        for (name, value) in &self.parameters {
            let value = match (language, *name) {
                (Language::Chinese, "state") => state_in_chinese(value),
                _ => value,
            };
            detail = detail.replace(&format!("{{{name}}}"), value);
        }
        if self.faults.is_full() {
            detail = detail.replace("lists them all", &format!("lists the first {}", Faults::MOST));
        }
        // A state without a way out is told without the ways.
        detail = detail.replace("; allowed: {allowed}", "").replace("；此时允许：{allowed}", "");
        let mut problem = json!({
            "type": format!("https://farley.dev/problems/{}", self.code.as_str()),
            "title": self.code.title(language),
            "status": self.code.status(),
            "detail": detail,
            "instance": instance,
            "code": self.code.as_str(),
            "request_id": request_id,
        });
        if let Some(members) = problem.as_object_mut() {
            if !self.faults.is_empty() {
                let faults: Vec<_> = self.faults.0.iter().take(Faults::MOST).map(|fault| fault.to_wire(language)).collect();
                members.insert("errors".to_owned(), json!(faults));
                if self.faults.is_full() {
                    members.insert("truncated".to_owned(), true.into());
                }
            }
            members.extend(self.more.clone());
        }
        problem
    }

    #[must_use]
    pub fn respond(&self, language: Language, instance: &str, request_id: &str) -> HttpResponse {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.content_type("application/problem+json").insert_header((header::CONTENT_LANGUAGE, language.tag()));
        response.insert_header((header::VARY, BY_LANGUAGE));
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Some(methods) = &self.allow {
            response.insert_header((header::ALLOW, methods.as_str()));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"farley\""));
        }
        response.body(self.to_json(language, instance, request_id).to_string())
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Problem {
        Problem { faults, ..Problem::new(Code::InvalidRequest) }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        Problem::from(Faults::from(fault))
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        let problem = match &error {
            StoreError::Unavailable(_) | StoreError::Unwritable(_) | StoreError::Serialization => {
                Problem::new(Code::Unavailable).retry_after(2)
            }
            StoreError::Busy => Problem::new(Code::Busy).retry_after(1),
            StoreError::TooSlow => Problem::new(Code::QueryTooSlow).retry_after(30),
            // Nobody reads this answer.
            StoreError::Abandoned => Problem::new(Code::Unavailable).retry_after(2),
            StoreError::Taken(_) => Problem::new(Code::Duplicate),
            StoreError::Reference => Problem::new(Code::RuleViolated),
            StoreError::SumTooLarge => return Problem::new(Code::SumTooLarge),
            StoreError::Internal(_) => Problem::new(Code::Internal),
        };
        Problem { inside: Some(std::sync::Arc::new(error)), ..problem }
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Problem {
        Problem::internal(error)
    }
}

impl Failure for Problem {
    fn store_error(&self) -> Option<&StoreError> {
        self.inside()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The frame around all handlers renders problems again, in the asker's language and with the request's id.
    fn error_response(&self) -> HttpResponse {
        self.respond(Language::English, "", "")
    }
}

/// A problem in one line, for the command line.
#[must_use]
pub fn describe(problem: &Problem) -> String {
    let faults: Vec<String> =
        problem.faults.0.iter().map(|fault| format!("{}: {}", fault.pointer, fault.message(Language::English))).collect();
    match (faults.is_empty(), problem.inside()) {
        (false, _) => faults.join("; "),
        (true, Some(inside)) => inside.to_string(),
        (true, None) => problem.to_string(),
    }
}
