//! The writes that are actions of their own: each is sent once, answers as documented, and leaves just its events.

use std::collections::BTreeSet;

use farley::{
    access::tokens::NO_TENANT,
    http::{clock, problem::Problem},
    identity::auth::tenant_of_slug,
    integration::webhook::feeding,
    records::operations::generic_operations,
    service::portal::codes,
};
use farley_domain::model::registry;
use farley_persistence::{Origin, StoreError, TenantKey};
use serde_json::{Value, json};

use super::{Contract, Operation, examples::Examples};
use crate::{
    client::{Answer, Client},
    server::{ADMIN, OPERATOR_KEY, PASSWORD, Server},
    support::TestDb,
};

/// Operations that leave no event, and why that is right. A new one does not belong here: the list is only ever to become shorter.
pub const WITHOUT_EVENT: &[(&str, &str)] = &[
    ("refreshTokens", "every client does it every quarter of an hour; the session was told of when it began"),
    ("forgotPassword", "whether there is such a user is looked up by the job, which leaves the event once it issues a token"),
    ("queryReport", "a question: it writes nothing"),
    ("runReport", "a question: it writes nothing"),
    ("runSavedReport", "a question: it writes nothing"),
    ("runDashboard", "a question: it writes nothing"),
    ("simulateSla", "a question: it writes nothing"),
    ("testWebhook", "it writes nothing"),
    ("dryRunRule", "a question: it writes nothing"),
    ("dryRunUnsavedRule", "a question: it writes nothing"),
    ("requestPortalCode", "whether there is such a contact is looked up by the job; who signs in leaves an event"),
    ("refreshPortalTokens", "as those of users are"),
    ("checkLeadDuplicates", "a question: it writes nothing"),
    ("suggestArticles", "a question: it writes nothing"),
    ("previewImport", "a question: it writes nothing"),
    ("createStreamTicket", "it opens one stream within a minute, and is a secret"),
    ("lockRecord", "advice for editors, that ends by itself"),
    ("unlockRecord", "as it begins"),
    ("createTenant", "its events are those of the new tenant"),
    ("retryJob", "jobs are no records"),
    ("putMySetting", "what users keep for themselves is nobody's news"),
    ("deleteMySetting", "as is what they forget"),
];

struct Walk<'a> {
    /// Whose feed is read: some events are one user's own.
    watcher: Client,
    contract: &'a mut Contract,
    operations: &'a [Operation],
    exercised: &'a mut BTreeSet<String>,
    cursor: String,
    /// What came otherwise than expected.
    faults: Vec<String>,
}

impl Walk<'_> {
    /// The events since the last call.
    async fn events(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let page = self.watcher.get(&format!("/v1/changes?limit=200&cursor={}", self.cursor)).await.ok(200);
            self.cursor = page["page"]["next"].as_str().expect("a cursor").to_owned();
            match page["data"].as_array().expect("events") {
                data if data.is_empty() => return events,
                data => events.extend(data.iter().cloned()),
            }
        }
    }

    /// Sends an operation, its path filled in order, and expects these events of it and no others.
    async fn act(&mut self, client: &Client, id: &str, path: &[&str], body: Value, types: &[&str]) -> Value {
        self.events().await;
        let operation =
            self.operations.iter().find(|operation| operation.id == id).unwrap_or_else(|| panic!("{id} is not there"));
        let filled = path.iter().fold(operation.path.clone(), |filled, value| {
            let (before, rest) = filled.split_once('{').expect("a parameter");
            format!("{before}{value}{}", rest.split_once('}').expect("its end").1)
        });
        assert!(!filled.contains('{'), "{id}: {filled}");
        let request = client.request(operation.method.clone(), &filled);
        let form = operation.declared["requestBody"]["content"].get("application/json").is_none();
        let answer: Answer = match body.as_str() {
            Some(text) if form => request.body("application/x-www-form-urlencoded", text.to_owned()).await,
            _ if body.is_null() => request.await,
            _ => request.json(&body).await,
        };
        self.contract.check(operation, &answer);
        assert!(answer.status < 300, "{id}: {}", answer.text);
        let events = self.events().await;
        let left: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap_or_default()).collect();
        if left != types {
            self.faults.push(format!("{id} leaves {left:?}, not {types:?}"));
        }
        for event in &events {
            if event["request_id"] != answer.header("x-request-id") {
                self.faults.push(format!("{id}: the event is of another request: {event}"));
            }
        }
        if types.is_empty() {
            assert!(WITHOUT_EVENT.iter().any(|(excepted, _)| *excepted == id), "{id} is expected to leave an event");
        } else {
            self.exercised.insert(id.to_owned());
        }
        answer.body
    }
}

fn id(record: &Value) -> &str {
    record["id"].as_str().unwrap_or_else(|| panic!("no id: {record}"))
}

/// Every action once, on records of its own.
pub async fn walk(
    server: &Server,
    admin: &Client,
    contract: &mut Contract,
    operations: &[Operation],
    exercised: &mut BTreeSet<String>,
) {
    let cursor = admin.get("/v1/changes?limit=1").await.ok(200)["page"]["next"].as_str().expect("a cursor").to_owned();
    let mut walk = Walk { watcher: admin.clone(), contract, operations, exercised, cursor, faults: Vec::new() };
    of_identity(&mut walk, server, admin).await;
    of_leads(&mut walk, server, admin).await;
    of_sales(&mut walk, admin).await;
    of_activities(&mut walk, server, admin).await;
    of_service(&mut walk, admin).await;
    of_work_orders(&mut walk, admin).await;
    of_knowledge(&mut walk, server, admin).await;
    of_satisfaction(&mut walk, server, admin).await;
    of_automation(&mut walk, admin).await;
    of_imports(&mut walk, admin).await;
    of_webhooks(&mut walk, server, admin).await;
    of_bulk(&mut walk, admin).await;
    of_segments(&mut walk, admin).await;
    of_files(&mut walk, admin).await;
    of_mail(&mut walk, admin).await;
    of_channels(&mut walk, &server.anybody(), admin).await;
    of_portals(&mut walk, server, admin).await;
    assert!(walk.faults.is_empty(), "{}", walk.faults.join("\n"));
}

async fn of_identity(walk: &mut Walk<'_>, server: &Server, admin: &Client) {
    let anybody = server.anybody();
    let role = admin.role("sales_representative").await;
    let user = json!({"name": "Actor", "email": "actor@example.com", "role_ids": [role]});
    let user = admin.post("/v1/users", user).await.ok(201);
    let accepted = json!({"token": user["invitation_token"], "password": PASSWORD});
    walk.act(&anybody, "acceptInvitation", &[], accepted, &["user.activated", "user.logged_in"]).await;
    let login = json!({"email": "actor@example.com", "password": PASSWORD});
    let tokens = walk.act(&anybody, "login", &[], login.clone(), &["user.logged_in"]).await;
    let form = json!("grant_type=password&username=actor%40example.com&password=a+good+long+passphrase");
    walk.act(&anybody, "requestToken", &[], form, &["user.logged_in"]).await;
    walk.act(&anybody, "refreshTokens", &[], json!({"refresh_token": tokens["refresh_token"]}), &[]).await;
    let gone = anybody.post("/v1/auth/login", login.clone()).await.ok(200);
    walk.act(&anybody, "logout", &[], json!({"refresh_token": gone["refresh_token"]}), &["user.logged_out"]).await;
    let actor = anybody.login(login).await;
    walk.act(&actor, "updateMe", &[], json!({"title": "Actor"}), &["user.updated"]).await;
    let other = async || {
        let sessions = actor.get("/v1/me/sessions").await.ok(200);
        let sessions = sessions["data"].as_array().expect("sessions").iter();
        sessions
            .filter(|session| session["current"] != true)
            .map(|session| id(session).to_owned())
            .next()
            .expect("another session")
    };
    let session = other().await;
    walk.act(&actor, "endMySession", &[&session], Value::Null, &["user.session_ended"]).await;
    let session = other().await;
    walk.act(admin, "endUserSession", &[id(&user), &session], Value::Null, &["user.session_ended"]).await;
    let changed = json!({"current_password": PASSWORD, "new_password": "another good passphrase"});
    walk.act(&actor, "changeMyPassword", &[], changed, &["user.password_changed"]).await;
    walk.act(&actor, "makeCalendarFeed", &[], json!({}), &["user.calendar_feed_made"]).await;
    walk.act(&actor, "revokeCalendarFeed", &[], Value::Null, &["user.calendar_feed_revoked"]).await;
    let wanted = json!({"assigned": {"app": false}});
    walk.act(&actor, "updateNotificationPreferences", &[], wanted, &["user.notification_preferences_changed"]).await;
    walk.act(admin, "putSetting", &["walked"], json!({"value": 1}), &["setting.created"]).await;
    walk.act(admin, "putSetting", &["walked"], json!({"value": 2}), &["setting.updated"]).await;
    walk.act(admin, "deleteSetting", &["walked"], Value::Null, &["setting.deleted"]).await;
    walk.act(&actor, "putMySetting", &["walked"], json!({"value": 1}), &[]).await;
    walk.act(&actor, "deleteMySetting", &["walked"], Value::Null, &[]).await;
    walk.act(admin, "deactivateUser", &[id(&user)], json!({}), &["user.deactivated"]).await;
    walk.act(admin, "activateUser", &[id(&user)], json!({}), &["user.activated"]).await;
    admin.create("customers", json!({"name": "Walked", "owner_id": user["id"]})).await;
    let handed = json!({"user_ids": [admin.id]});
    walk.act(admin, "handOverUserWork", &[id(&user)], handed, &["customer.updated", "user.handed_over"]).await;
    let issued = walk.act(admin, "resetUserPassword", &[id(&user)], json!({}), &["user.password_reset_issued"]).await;
    let reset = json!({"token": issued["token"], "password": "an entirely new passphrase"});
    walk.act(&anybody, "resetPassword", &[], reset, &["user.password_changed"]).await;
    // The events of a new tenant are its own.
    let tenant = json!({"slug": "walked", "name": "Walked", "admin_email": ADMIN, "admin_password": PASSWORD});
    walk.act(&anybody.with_token(OPERATOR_KEY), "createTenant", &[], tenant, &[]).await;
    let theirs = anybody.login(json!({"email": ADMIN, "password": PASSWORD, "tenant": "walked"})).await;
    assert!(theirs.list("/v1/changes", "type").await.contains(&"user.created".to_owned()));
}

async fn of_bulk(walk: &mut Walk<'_>, admin: &Client) {
    let records = json!({"records": [{"name": "Walked"}, {"name": "Walked too"}]});
    let made = walk.act(admin, "writeRecords", &[], records, &["customer.created", "customer.created"]).await;
    let changes = json!({"ids": [made["data"][0]["id"]], "changes": {"industry": "x"}});
    walk.act(admin, "changeRecords", &[], changes, &["customer.updated"]).await;
    let operations = json!({"operations": [{"method": "POST", "path": "/v1/customers", "body": {"name": "Walked"}}]});
    let customer = made["data"][0]["id"].as_str().expect("an id").to_owned();
    walk.act(admin, "lockRecord", &[&customer], json!({}), &[]).await;
    walk.act(admin, "unlockRecord", &[&customer], Value::Null, &[]).await;
    walk.act(admin, "createStreamTicket", &[], json!({}), &[]).await;
    walk.act(admin, "performBatch", &[], operations, &["customer.created"]).await;
}

async fn of_segments(walk: &mut Walk<'_>, admin: &Client) {
    let customer = admin.create("customers", json!({"name": "Walked"})).await;
    let filter = json!({"field": "name", "value": "Walked past"});
    let segment = json!({"name": "Walked", "object": "customer", "kind": "fixed", "filter": filter});
    let segment = admin.create("segments", segment).await;
    let events = &["customer.entered_segment", "segment.members_changed"];
    walk.act(admin, "changeSegmentMembers", &[&segment], json!({"add": [customer]}), events).await;
    walk.act(admin, "refreshSegment", &[&segment], json!({}), &["segment.refreshed"]).await;
}

async fn of_leads(walk: &mut Walk<'_>, server: &Server, admin: &Client) {
    let pool = admin.create("pools", json!({"name": "Walked"})).await;
    let customers = admin.create("pools", json!({"name": "Walked too", "object": "customer"})).await;
    let lead = admin.create("leads", json!({"name": "Walked", "pool_id": pool})).await;
    walk.act(admin, "claimLead", &[&lead], json!({}), &["lead.claimed"]).await;
    walk.act(admin, "releaseLead", &[&lead], json!({"reason": "x"}), &["lead.released"]).await;
    let customer = admin.create("customers", json!({"name": "Walked", "pool_id": customers})).await;
    walk.act(admin, "claimCustomer", &[&customer], json!({}), &["customer.claimed"]).await;
    walk.act(admin, "releaseCustomer", &[&customer], json!({"reason": "x"}), &["customer.released"]).await;
    let rule = json!({"name": "Walked", "target": "user", "user_ids": [admin.id], "sort_order": 0});
    admin.create("assignment-rules", rule).await;
    walk.act(admin, "assignLead", &[&lead], json!({}), &["lead.assigned"]).await;
    walk.act(admin, "disqualifyLead", &[&lead], json!({"reason": "x"}), &["lead.disqualified"]).await;
    walk.act(admin, "reopenLead", &[&lead], json!({}), &["lead.reopened"]).await;
    walk.act(admin, "checkLeadDuplicates", &[], json!({"company": "Walked"}), &[]).await;
    walk.act(
        admin,
        "convertLead",
        &[&lead],
        json!({"opportunity": {}}),
        &["customer.created", "opportunity.created", "lead.converted"],
    )
    .await;
    let form = json!({"name": "Walked", "assign": false, "fields": [{"name": "name", "field": "person_name"}]});
    let form = admin.post("/v1/lead-forms", form).await.ok(201);
    let token = form["token"].as_str().expect("a token");
    walk.act(&server.anybody(), "answerForm", &[token], json!({"name": "Visitor"}), &["lead.created"]).await;
    walk.act(admin, "rotateLeadFormToken", &[id(&form)], json!({}), &["lead_form.token_rotated"]).await;
    let steps = json!([{"day": 2, "kind": "call", "subject": "x"}]);
    let cadence = admin.create("cadences", json!({"name": "Walked", "object": "customer", "steps": steps})).await;
    let enrolled = json!({"record_ids": [customer]});
    let enrolled = walk.act(admin, "enrolInCadence", &[&cadence], enrolled, &["cadence_enrolment.created"]).await;
    for (verb, past) in [("pause", "paused"), ("resume", "resumed"), ("stop", "stopped")] {
        let operation = format!("{verb}CadenceEnrolment");
        walk.act(admin, &operation, &[id(&enrolled["data"][0])], json!({}), &[&format!("cadence_enrolment.{past}")]).await;
    }
}

async fn of_sales(walk: &mut Walk<'_>, admin: &Client) {
    let pipeline = admin.post("/v1/pipelines", json!({"name": "Walked", "reason_required": false})).await.ok(201);
    let stages = format!("pipelines/{}/stages", id(&pipeline));
    let mut ids = Vec::new();
    for (name, kind) in [("A", "open"), ("B", "open"), ("C", "won"), ("D", "lost")] {
        ids.push(admin.create(&stages, json!({"name": name, "kind": kind})).await);
    }
    let listed = admin.list(&format!("/v1/{stages}?sort=sort_order"), "id").await;
    let mut order = listed.clone();
    order.swap(0, 1);
    walk.act(admin, "reorderStages", &[id(&pipeline)], json!({"stage_ids": order}), &["stage.updated", "stage.updated"]).await;
    walk.act(admin, "recomputeCustomerValues", &[], json!({}), &["customer_value.recompute_requested"]).await;
    walk.act(admin, "putCustomerValueSettings", &[], json!({"lost_days": 200}), &["customer_value.settings_changed"]).await;
    let sale = admin.create("opportunities", json!({"name": "Walked", "stage_id": ids[0]})).await;
    let changed = &["opportunity.stage_changed"];
    walk.act(admin, "moveOpportunity", &[&sale], json!({"stage_id": ids[1]}), changed).await;
    walk.act(admin, "winOpportunity", &[&sale], json!({}), changed).await;
    admin.post(&format!("/v1/opportunities/{sale}/move"), json!({"stage_id": ids[0]})).await.ok(200);
    walk.act(admin, "loseOpportunity", &[&sale], json!({}), changed).await;
}

async fn of_activities(walk: &mut Walk<'_>, server: &Server, admin: &Client) {
    let call = json!({"call_id": "walked", "caller": "13800138000"});
    walk.act(admin, "reportCall", &[], call, &["activity.created"]).await;
    let task = admin.create("tasks", json!({"subject": "Walked"})).await;
    walk.act(admin, "completeTask", &[&task], json!({}), &["task.completed"]).await;
    walk.act(admin, "reopenTask", &[&task], json!({}), &["task.reopened"]).await;
    walk.act(admin, "snoozeTask", &[&task], json!({"until": "2090-01-01T00:00:00Z"}), &["task.updated"]).await;
    let reader = server.user(admin, "Reader", "sales_representative", json!({})).await;
    walk.act(admin, "delegateTask", &[&task], json!({"user_id": reader.id}), &["task.delegated"]).await;
    admin.create("tasks", json!({"subject": "Walked too", "owner_id": reader.id})).await;
    let notices = reader.list("/v1/notifications", "id").await;
    walk.watcher = reader.clone();
    walk.act(&reader, "readNotification", &[&notices[0]], json!({}), &["notification.read"]).await;
    walk.watcher = admin.clone();
    walk.act(&reader, "readAllNotifications", &[], json!({}), &["user.notifications_read"]).await;
}

async fn of_service(walk: &mut Walk<'_>, admin: &Client) {
    let calendar = admin.create("calendars", json!({"name": "Walked", "week": {"mon": [["09:00", "18:00"]]}})).await;
    walk.act(admin, "importCalendarDates", &[&calendar], json!({"2027-02-08": "off"}), &["calendar.updated"]).await;
    let ticket = admin.create("tickets", json!({"subject": "Walked"})).await;
    let moved = &["ticket.status_changed"];
    walk.act(admin, "solveTicket", &[&ticket], json!({"resolution": "x"}), moved).await;
    walk.act(admin, "closeTicket", &[&ticket], json!({}), moved).await;
    walk.act(admin, "reopenTicket", &[&ticket], json!({}), moved).await;
    walk.act(admin, "followUpTicket", &[&ticket], json!({}), &["ticket.created"]).await;
    let other = admin.create("tickets", json!({"subject": "Walked as well"})).await;
    let message = json!({"kind": "incoming", "body": "x"});
    let message = admin.post(&format!("/v1/tickets/{ticket}/messages"), message).await.ok(201)["id"].clone();
    let left = &["ticket_merge.created", "ticket_message.moved", "ticket.merged", "ticket.updated"];
    let merge = walk.act(admin, "mergeTicket", &[&ticket], json!({"into": other}), left).await["merge_id"].clone();
    let left = &["ticket_message.moved", "ticket.merge_undone", "ticket.updated", "ticket_merge.undone"];
    walk.act(admin, "undoTicketMerge", &[merge.as_str().expect("an id")], json!({}), left).await;
    let left = &["ticket.created", "ticket.updated", "ticket_message.moved", "ticket.updated", "ticket.split"];
    walk.act(admin, "splitTicket", &[&ticket], json!({"message_ids": [message]}), left).await;
    let queue = admin.create("queues", json!({"name": "Walked"})).await;
    admin.create("tickets", json!({"subject": "Walked too", "queue_id": queue})).await;
    walk.act(admin, "takeNextTicket", &[&queue], json!({}), &["ticket.assigned"]).await;
}

async fn of_work_orders(walk: &mut Walk<'_>, admin: &Client) {
    let order = admin.create("work-orders", json!({"subject": "Walked"})).await;
    let path: &[&str] = &[&order];
    let plan = json!({"owner_id": admin.id, "scheduled_from": "2030-03-04T01:30:00Z"});
    walk.act(admin, "scheduleWorkOrder", path, plan.clone(), &["work_order.scheduled"]).await;
    walk.act(admin, "unscheduleWorkOrder", path, json!({}), &["work_order.unscheduled"]).await;
    admin.post(&format!("/v1/work-orders/{order}/schedule"), plan.clone()).await.ok(200);
    walk.act(admin, "departForWorkOrder", path, json!({}), &["work_order.departed"]).await;
    walk.act(admin, "checkInAtWorkOrder", path, json!({}), &["work_order.checked_in"]).await;
    walk.act(admin, "checkOutOfWorkOrder", path, json!({}), &["work_order.checked_out"]).await;
    walk.act(admin, "completeWorkOrder", path, json!({}), &["work_order.completed"]).await;
    walk.act(admin, "reopenWorkOrder", path, json!({}), &["work_order.reopened"]).await;
    walk.act(admin, "cancelWorkOrder", path, json!({"reason": "x"}), &["work_order.cancelled"]).await;
    admin.post(&format!("/v1/work-orders/{order}/reopen"), json!({})).await.ok(200);
    admin.post(&format!("/v1/work-orders/{order}/schedule"), plan).await.ok(200);
    walk.act(admin, "giveUpWorkOrder", path, json!({"reason": "x"}), &["work_order.cannot_complete"]).await;
}

async fn of_knowledge(walk: &mut Walk<'_>, server: &Server, admin: &Client) {
    let article = json!({"title": "Walked", "body": "x", "language": "en", "visibility": "public"});
    let article = admin.create("articles", article).await;
    walk.act(admin, "submitArticle", &[&article], json!({}), &["article.submitted"]).await;
    walk.act(admin, "sendBackArticle", &[&article], json!({"note": "x"}), &["article.sent_back"]).await;
    admin.post(&format!("/v1/articles/{article}/submit"), json!({})).await.ok(200);
    walk.act(admin, "publishArticle", &[&article], json!({}), &["article_version.created", "article.published"]).await;
    walk.act(admin, "voteOnArticle", &[&article], json!({"helpful": true}), &["article.voted"]).await;
    walk.act(admin, "suggestArticles", &[], json!({"text": "walked"}), &[]).await;
    let center = admin.post("/v1/help-centers", json!({"name": "Walked"})).await.ok(201);
    let token = center["token"].as_str().expect("a token");
    let path = [token, &article];
    walk.act(&server.anybody(), "voteOnPublicArticle", &path, json!({"helpful": false}), &["article.voted"]).await;
    walk.act(admin, "rotateHelpCenterToken", &[id(&center)], json!({}), &["help_center.token_rotated"]).await;
    walk.act(admin, "withdrawArticle", &[&article], json!({}), &["article_version.ended", "article.withdrawn"]).await;
}

async fn of_satisfaction(walk: &mut Walk<'_>, server: &Server, admin: &Client) {
    let survey = json!({"name": "Walked", "kind": "csat", "question": {"en": "?"}, "sends_mail": false});
    let survey = admin.create("surveys", survey).await;
    let ticket = admin.create("tickets", json!({"subject": "Walked"})).await;
    let asked = json!({"survey_id": survey});
    let asked = walk.act(admin, "askSurvey", &[&ticket], asked, &["survey_response.created"]).await;
    let link = walk.act(admin, "linkSurveyResponse", &[id(&asked)], json!({}), &["survey_response.linked"]).await;
    let token = link["token"].as_str().expect("a token");
    let left = &["ticket.rated", "survey_response.answered"];
    walk.act(&server.anybody(), "answerSurvey", &[token], json!({"score": 5}), left).await;
}

async fn of_automation(walk: &mut Walk<'_>, admin: &Client) {
    let actions = json!([{"type": "set", "fields": {"region": "x"}}]);
    let applied = json!({"name": "Walked", "object": "customer", "actions": actions});
    let applied = admin.create("macros", applied).await;
    let customer = admin.create("customers", json!({"name": "Walked by a macro"})).await;
    walk.act(admin, "applyMacro", &[&applied], json!({"record_ids": [customer]}), &["customer.updated"]).await;
    let rule = json!({"name": "Walked", "object": "customer", "is_active": false, "trigger": {"types": ["customer.created"]}, "actions": actions});
    let saved = admin.create("rules", rule.clone()).await;
    walk.act(admin, "dryRunRule", &[&saved], json!({}), &[]).await;
    walk.act(admin, "dryRunUnsavedRule", &[], json!({"rule": rule}), &[]).await;
}

async fn of_webhooks(walk: &mut Walk<'_>, server: &Server, admin: &Client) {
    let hook = json!({"name": "Walked", "url": "https://192.0.2.1/hook", "types": ["tag.created"]});
    let hook = admin.create("webhooks", hook).await;
    admin.create("tags", json!({"name": "Delivered"})).await;
    let tenants = server.app.store.read::<_, StoreError>(NO_TENANT, |reader| reader.tenants()).await.expect("tenants");
    let tenant = TenantKey { id: tenants[0].id, number: tenants[0].number };
    feeding::work_off(&server.app, tenant).await.expect("deliveries are made");
    let delivery = admin.get("/v1/webhook-deliveries").await.ok(200)["data"][0]["id"].clone();
    walk.act(admin, "rotateWebhookSecret", &[&hook], json!({}), &["webhook.secret_rotated"]).await;
    walk.act(admin, "testWebhook", &[&hook], json!({}), &[]).await;
    walk.act(admin, "pauseWebhook", &[&hook], json!({}), &["webhook.paused"]).await;
    walk.act(admin, "redeliverToWebhook", &[&hook], json!({"delivery_id": delivery}), &["webhook.redelivered"]).await;
    walk.act(admin, "resumeWebhook", &[&hook], json!({}), &["webhook.resumed"]).await;
    walk.act(admin, "replayWebhook", &[&hook], json!({"failed_only": true}), &["webhook.replayed"]).await;
}

async fn of_imports(walk: &mut Walk<'_>, admin: &Client) {
    let file = json!({"object": "customer", "content": "name\nWalked\n"});
    walk.act(admin, "previewImport", &[], file.clone(), &[]).await;
    walk.act(admin, "createImport", &[], file, &["import.created"]).await;
    walk.act(admin, "createExport", &[], json!({"object": "customers", "columns": ["name"]}), &["export.created"]).await;
}

/// Metadata offers just the actions that their caller is not forbidden.
pub async fn are_offered_to_whom_may(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let contract = Contract::new();
    let operations = contract.operations();
    let objects = registry::objects().into_iter().filter(|object| object.parent.is_none()).map(|object| object.name);
    let objects: Vec<&str> = objects.collect();
    let all = |actions: &[&str]| -> Vec<String> {
        objects.iter().flat_map(|object| actions.iter().map(move |action| format!("{object} {action} all"))).collect()
    };
    let mut clients = Vec::new();
    for (name, actions) in [("reader", &["read"][..]), ("changer", &["read", "update"]), ("maker", &["read", "create", "import"])]
    {
        let may = all(actions);
        let may: Vec<&str> = may.iter().map(String::as_str).collect();
        clients.push((name, server.user_who_may(&admin, name, &may, json!([]), json!({})).await));
    }
    let mut examples = Examples::new(&admin, &operations);
    let (mut asked, mut wrong) = (0, Vec::new());
    for object in registry::objects() {
        let described = admin.get(&format!("/v1/metadata/objects/{}", object.name)).await.ok(200);
        let generic = generic_operations(object);
        let by_hand = |one: &&Value| {
            !generic.iter().any(|generic| generic.method().as_str() == one["method"] && generic.path(object) == one["path"])
        };
        let by_hand: Vec<&str> =
            described["operations"].as_array().unwrap().iter().filter(by_hand).map(|one| one["id"].as_str().unwrap()).collect();
        for id in by_hand {
            let operation = operations.iter().find(|operation| operation.id == id).expect("it is in the document");
            // Farley alone makes notifications, enrolments and imports, and files come by no plain body; a stream does not end.
            if ((object.read_only || object.made_by_hand) && operation.path.contains("{id}")) || id == "streamNotifications" {
                continue;
            }
            let (parent, record) = match object.parent {
                Some(_) if operation.path.contains("{id}") => {
                    let parent = examples.parent(object).await;
                    let record = examples.make_below(object, &parent).await;
                    (parent, record)
                }
                Some(_) => (examples.parent(object).await, String::new()),
                None if operation.path.contains("{id}") => (String::new(), examples.make(object).await),
                None => Default::default(),
            };
            let mut path = operation.path_below(&parent, &record);
            if ["writeRecords", "changeRecords", "lockRecord", "unlockRecord"].contains(&operation.id.as_str()) {
                path = path.replace("/customers/", &format!("/{}/", object.collection));
            }
            if operation.writes() {
                path += "?validate_only=true";
            }
            for (name, client) in &clients {
                let offered = client.get(&format!("/v1/metadata/objects/{}", object.name)).await.ok(200);
                let offered = offered["operations"].as_array().unwrap().iter().any(|one| one["id"] == id);
                let answer = operation.send(client, &path).await;
                if (answer.status == 403) == offered {
                    wrong.push(format!("{id} to the {name}, offered {offered}: {}", answer.text));
                }
                asked += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked > 80, "only {asked} were asked");
}

/// What is uploaded comes by no plain body, so that its life is walked through here.
async fn of_files(walk: &mut Walk<'_>, admin: &Client) {
    walk.events().await;
    let upload = walk.operations.iter().find(|operation| operation.id == "uploadFile").expect("files are uploaded").clone();
    let request = admin.request(upload.method.clone(), &format!("{}?name=walked.txt", upload.path));
    let answer: Answer = request.body("text/plain", "walked").await;
    walk.contract.check(&upload, &answer);
    let types: Vec<Value> = walk.events().await.iter().map(|event| event["type"].clone()).collect();
    assert_eq!(types, ["file.created"]);
    walk.exercised.insert(upload.id.clone());
    let file = answer.ok(201);
    walk.act(admin, "updateFile", &[id(&file)], json!({"name": "renamed.txt"}), &["file.updated"]).await;
    walk.act(admin, "linkFile", &[id(&file)], json!({}), &["file.linked"]).await;
    walk.act(admin, "archiveFile", &[id(&file)], Value::Null, &["file.archived"]).await;
    walk.act(admin, "restoreFile", &[id(&file)], json!({}), &["file.restored"]).await;
}

/// What bridges post is signed.
async fn of_channels(walk: &mut Walk<'_>, anybody: &Client, admin: &Client) {
    let channel = json!({"name": "Walked", "kind": "chat", "outbound_url": "https://bridge.example.cn/walked"});
    let channel = admin.create("channels", channel).await;
    let rotated = walk.act(admin, "rotateChannelSecret", &[&channel], json!({}), &["channel.secret_rotated"]).await;
    let mut signed = async |id: &str, body: Value, status: u16| {
        walk.events().await;
        let operation = walk.operations.iter().find(|operation| operation.id == id).expect("bridges post it").clone();
        let path = operation.path.replace("{id}", &channel);
        let now = farley::http::clock::now();
        let answer = crate::service::channels::signed(anybody, &path, &rotated["secret"], now, &body).await;
        walk.contract.check(&operation, &answer);
        walk.exercised.insert(operation.id);
        let mut types: Vec<String> = walk.events().await.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        types.sort_unstable();
        (answer.ok(status), types.join(" "))
    };
    let message = json!({"channel_message_id": "1", "conversation_id": "1", "sender": {"id": "walked"}, "text": "Hello"});
    let (taken, types) = signed("takeChannelMessage", message, 202).await;
    assert_eq!(types, "contact.created ticket.created ticket.customer_replied ticket_message.created");
    let messages = format!("tickets/{}/messages", taken["ticket_id"].as_str().unwrap());
    let reply = admin.create(&messages, json!({"body": "Hello"})).await;
    let (_, types) = signed("takeChannelReceipt", json!({"message_id": reply, "state": "delivered"}), 200).await;
    assert_eq!(types, "ticket_message.delivered");
    let again = admin.create(&messages, json!({"body": "Are you there?"})).await;
    signed("takeChannelReceipt", json!({"message_id": again, "state": "failed"}), 200).await;
    let ticket = taken["ticket_id"].as_str().unwrap();
    walk.act(admin, "resendMessage", &[ticket, &again], json!({}), &["ticket_message.resent"]).await;
}

/// Mail comes by no plain body either.
async fn of_mail(walk: &mut Walk<'_>, admin: &Client) {
    admin.create("mailboxes", json!({"name": "Walked", "address": "walked@example.cn"})).await;
    walk.events().await;
    let take = walk.operations.iter().find(|operation| operation.id == "takeInboundMail").expect("mail is taken in").clone();
    let raw =
        "From: Fang <walker@example.cn>\r\nTo: walked@example.cn\r\nMessage-ID: <walk@x>\r\nSubject: Hello\r\n\r\nHello\r\n";
    let answer: Answer = admin.request(take.method.clone(), &take.path).body("message/rfc822", raw).await;
    walk.contract.check(&take, &answer);
    answer.ok(202);
    let mut types: Vec<String> = walk.events().await.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    types.dedup();
    let told =
        ["contact.created", "ticket.created", "file.created", "ticket_message.created", "file.moved", "ticket.customer_replied"];
    let (mut types, mut told) = (types, told.to_vec());
    types.sort_unstable();
    told.sort_unstable();
    assert_eq!(types, told);
    walk.exercised.insert(take.id.clone());
}

/// What contacts do in a portal.
async fn of_portals(walk: &mut Walk<'_>, server: &Server, admin: &Client) {
    const EMAIL: &str = "walker@portal.example";
    let contact = json!({"name": "Walker", "emails": [{"value": EMAIL}]});
    admin.create("contacts", contact).await;
    let portal = admin.post("/v1/portals", json!({"name": "Walked"})).await.ok(201);
    let (key, token) = (id(&portal).parse().expect("an id"), portal["token"].as_str().expect("a token"));
    // Mail goes nowhere here, so that the code is kept by hand.
    let reading = server.app.store.read::<_, Problem>(NO_TENANT, |reader| tenant_of_slug(reader, None));
    let tenant = reading.await.expect("a read").expect("a tenant");
    let origin = Origin::system(clock::now());
    let kept = server.app.store.write::<_, Problem>(tenant, origin, move |work| codes::keep(work, key, EMAIL, "12345678"));
    kept.await.expect("a write");
    let anybody = server.anybody();
    let code = json!({"email": EMAIL, "code": "12345678"});
    let tokens = walk.act(&anybody, "createPortalSession", &[token], code, &["contact.signed_in"]).await;
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let tokens = walk.act(&anybody, "refreshPortalTokens", &[token], refresh, &[]).await;
    let visitor = anybody.with_token(tokens["access_token"].as_str().expect("a token"));
    let asked = json!({"subject": "Walked", "description": "Please help"});
    let said = ["ticket_message.created", "ticket.customer_replied"];
    let opened = ["ticket.created", said[0], said[1]];
    let ticket = walk.act(&visitor, "openPortalTicket", &[token], asked, &opened).await;
    let ticket = id(&ticket);
    // A file that is with no record is its uploader's alone; what happened to it is seen once it has come with a message.
    let upload = walk.operations.iter().find(|operation| operation.id == "uploadPortalFile").expect("it is there").clone();
    let path = format!("{}?name=walked.txt", upload.path.replace("{token}", token));
    let answer: Answer = visitor.request(upload.method.clone(), &path).body("text/plain", "walked").await;
    walk.contract.check(&upload, &answer);
    let file = answer.ok(201);
    walk.exercised.insert(upload.id.clone());
    let said = ["ticket_message.created", "file.moved", "ticket.customer_replied"];
    walk.act(&visitor, "answerPortalTicket", &[token, ticket], json!({"body": "More", "uploads": [file["upload"]]}), &said).await;
    let history = admin.list(&format!("/v1/files/{}/history", id(&file)), "type").await;
    assert_eq!(history, ["file.moved", "file.created"]);
    let moved = &["ticket.status_changed"];
    walk.act(&visitor, "closePortalTicket", &[token, ticket], json!({}), moved).await;
    walk.act(&visitor, "reopenPortalTicket", &[token, ticket], json!({}), moved).await;
    let survey = json!({"name": "Walked portal", "kind": "csat", "question": {"en": "?"}, "sends_mail": false});
    let survey = admin.create("surveys", survey).await;
    admin.post(&format!("/v1/tickets/{ticket}/ask-survey"), json!({"survey_id": survey})).await.ok(201);
    let left = &["ticket.rated", "survey_response.answered"];
    walk.act(&visitor, "ratePortalTicket", &[token, ticket], json!({"score": 5}), left).await;
    walk.act(&visitor, "endPortalSession", &[token], json!({}), &["contact.signed_out"]).await;
    walk.act(admin, "rotatePortalToken", &[id(&portal)], json!({}), &["portal.token_rotated"]).await;
}
