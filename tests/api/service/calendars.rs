//! `/v1/calendars`: hours, their arithmetic, and dates from elsewhere.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, pairs},
    server::Server,
    support::TestDb,
};

fn week() -> Value {
    let day = json!([["09:00", "12:00"], ["13:30", "18:00"]]);
    json!({"mon": day, "tue": day, "wed": day, "thu": day, "fri": day})
}

async fn desk(client: &Client) -> String {
    let dates = json!([
        {"on": "2027-02-08", "intervals": [], "label": "春节"},
        {"on": "2027-02-06", "intervals": [["09:00", "18:00"]], "label": "春节调休上班"},
        {"on": "2027-02-09", "intervals": []}
    ]);
    client.create("calendars", json!({"name": "上海客服", "time_zone": "Asia/Shanghai", "week": week(), "dates": dates})).await
}

pub async fn business_time_is_counted_and_added(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let id = desk(&admin).await;
    let calendar = admin.get(&format!("/v1/calendars/{id}")).await.ok(200);
    assert_eq!(calendar["week"]["sun"], json!([]), "a day that is not mentioned is closed");
    assert_eq!(calendar["dates"][0]["on"], "2027-02-06", "in order");
    assert_eq!(calendar["dates"][0]["active"], true);
    let path = format!("/v1/calendars/{id}");
    // Each worked minute from Friday to Wednesday, by hand: 450 on the Friday, 540 on the Saturday, nothing until Wednesday.
    for (from, to, minutes, seconds) in [
        ("2027-02-05T00:00:00%2B08:00", "2027-02-06T00:00:00%2B08:00", 450, 27_000),
        ("2027-02-05T00:00:00%2B08:00", "2027-02-10T09:30:00%2B08:00", 450 + 540 + 30, 61_200),
        ("2027-02-05T11:59:30%2B08:00", "2027-02-05T13:30:15%2B08:00", 0, 45),
        ("2027-02-10T00:00:00Z", "2027-02-05T00:00:00Z", 0, 0),
    ] {
        let elapsed = admin.get(&format!("{path}/elapsed?from={from}&to={to}")).await.ok(200);
        assert_eq!((&elapsed["minutes"], &elapsed["seconds"]), (&json!(minutes), &json!(seconds)), "{from} {to}");
        assert_eq!(elapsed["calendar_version"], 1);
    }
    for (from, minutes, at) in [
        ("2027-02-06T17:00:00%2B08:00", 90, "2027-02-10T01:30:00.000Z"),
        ("2027-02-06T17:00:00%2B08:00", 60, "2027-02-06T10:00:00.000Z"),
        ("2027-02-08T12:00:00%2B08:00", 1, "2027-02-10T01:01:00.000Z"),
        ("2027-02-08T12:00:00%2B08:00", 0, "2027-02-08T04:00:00.000Z"),
    ] {
        let due = admin.get(&format!("{path}/add?from={from}&minutes={minutes}")).await.ok(200);
        assert_eq!(due["at"], at, "{from} {minutes}");
    }
    // One minute a week: so many weeks are more than ten years.
    let rare = admin.create("calendars", json!({"name": "Rare", "week": {"mon": [["09:00", "09:01"]]}})).await;
    assert_eq!(
        admin.get(&format!("/v1/calendars/{rare}/add?from=2027-01-01T00:00:00Z&minutes=1000")).await.ok(200)["at"],
        Value::Null
    );
    let faults = admin.get(&format!("{path}/elapsed?from=2000-01-01T00:00:00Z&to=2051-01-01T00:00:00Z&x=1")).await.faults(400);
    assert_eq!(faults, pairs(&[("x", "unknown_parameter")]));
    let faults = admin.get(&format!("{path}/elapsed?from=2000-01-01T00:00:00Z&to=2051-01-01T00:00:00Z")).await.faults(400);
    assert_eq!(faults, pairs(&[("to", "too_late")]));
    let faults = admin.get(&format!("{path}/add?minutes=-1")).await.faults(400);
    assert_eq!(faults, pairs(&[("from", "required"), ("minutes", "too_small")]));
    admin.get("/v1/calendars/01890a5d-ac96-774b-bcce-b302099a8057/add?from=2027-01-01T00:00:00Z&minutes=1").await.ok(404);
}

pub async fn hours_are_checked_at_their_place(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let body = json!({
        "name": "x",
        "week": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]], "monday": [], "tue": [["9:00", "10:00"]]},
        "dates": [{"on": "2027-02-30", "intervals": []}, {"intervals": [["18:00", "24:00"]]}, {"on": "2027-02-08"}]
    });
    let mut faults = admin.post("/v1/calendars", body).await.faults(400);
    faults.sort();
    let mut expected = pairs(&[
        ("/week/mon/1/0", "too_early"),
        ("/week/monday", "unknown_member"),
        ("/week/tue/0/0", "wrong_type"),
        ("/dates/0/on", "invalid_date"),
        ("/dates/1/on", "required"),
        ("/dates/2/intervals", "required"),
    ]);
    expected.sort();
    assert_eq!(faults, expected);
    let faults = admin.post("/v1/calendars", json!({"name": "x", "week": {"mon": []}})).await.faults(422);
    assert_eq!(faults, pairs(&[("/week", "no_hours")]));
    // Its zone is that of the tenant from now on.
    let calendar = admin.post("/v1/calendars", json!({"name": "x", "week": week()})).await.ok(201);
    assert_eq!(calendar["time_zone"], "Asia/Shanghai");
    admin.post("/v1/calendars", json!({"name": "Ｘ", "week": week()})).await.refused(409, "duplicate");
}

const FEED: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//holidays//\r\n\
BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:国庆节 休\r\nDTSTART;VALUE=DATE:20271001\r\nDTEND;VALUE=DATE:20271004\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:国庆节 班\r\nDTSTART;TZID=Asia/Shanghai:20271009T100000\r\nDTEND;TZID=Asia/Shanghai:20271009T160000\r\nEND:VEVENT\r\n\
BEGIN:VEVENT\r\nUID:3\r\nSUMMARY:St. Martin\r\nDESCRIPTION:Observance\r\nDTSTART;VALUE=DATE:20271111\r\nEND:VEVENT\r\n\
END:VCALENDAR\r\n";

pub async fn holidays_and_make_up_days_are_imported(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let id = desk(&admin).await;
    let path = format!("/v1/calendars/{id}");
    let send =
        |query: &str| admin.request(Method::POST, &format!("{path}/import{query}")).body("text/calendar; charset=utf-8", FEED);
    let preview = send("?validate_only=true").await.ok(200);
    assert_eq!(admin.get(&path).await.ok(200)["version"], 1, "a preview changes nothing");
    let imported = send("").await.ok(200);
    assert_eq!(imported["added"], json!(["2027-10-01", "2027-10-02", "2027-10-03", "2027-10-09"]));
    assert_eq!(imported["skipped"], json!([{"on": "2027-11-11", "label": "St. Martin", "reason": "observance"}]));
    assert_eq!((&preview["added"], &preview["skipped"]), (&imported["added"], &imported["skipped"]));
    let elapsed = admin.get(&format!("{path}/elapsed?from=2027-09-30T16:00:00Z&to=2027-10-10T16:00:00Z")).await.ok(200);
    assert_eq!(elapsed["minutes"], 5 * 450 + 360, "the week after, and a Saturday of six hours");
    assert_eq!(elapsed["calendar_version"], imported["calendar_version"]);
    // The same again changes nothing, not even the version.
    let again = send("").await.ok(200);
    assert_eq!((&again["unchanged"], &again["calendar_version"]), (&json!(4), &imported["calendar_version"]));
    let json = json!({"2027-10-01": "work", "2027-10-08": [["10:00", "12:00"]], "2027-10-09": "off"});
    let imported = admin.post(&format!("{path}/import"), json).await.ok(200);
    assert_eq!((&imported["added"], &imported["changed"]), (&json!(["2027-10-08"]), &json!(["2027-10-01", "2027-10-09"])));
    let dates = admin.get(&path).await.ok(200)["dates"].clone();
    let of = |on: &str| dates.as_array().into_iter().flatten().find(|date| date["on"] == on).cloned().unwrap_or_default();
    assert_eq!(of("2027-10-01")["intervals"], json!([["09:00", "12:00"], ["13:30", "18:00"]]), "as an ordinary day");
    assert_eq!(of("2027-10-01")["label"], "国庆节 休", "JSON tells no label, so it stays");
    // Every fault at its place, and nothing is changed.
    let faults = admin.post(&format!("{path}/import"), json!({"2027-13-01": "off", "2027-10-01": 7})).await.faults(400);
    assert_eq!(faults, pairs(&[("/2027-13-01", "invalid_date"), ("/2027-10-01", "wrong_type")]));
    let broken = admin.request(Method::POST, &format!("{path}/import")).body("text/calendar", "no calendar").await;
    assert_eq!(broken.faults(400), pairs(&[("", "malformed")]));
    let verbs = admin.list(&format!("{path}/history"), "type").await;
    assert_eq!(verbs, ["calendar.updated", "calendar.updated", "calendar.created"]);
}

pub async fn imports_keep_to_versions_and_permissions(db: TestDb) {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let id = desk(&admin).await;
    let path = format!("/v1/calendars/{id}/import");
    let body = json!({"2027-10-01": "off"});
    admin.post(&path, body.clone()).header("If-Match", "\"v7\"").await.refused(412, "version_mismatch");
    let reader = server.user(&admin, "Li Na", "service_agent", json!({})).await;
    reader.get(&format!("/v1/calendars/{id}/add?from=2027-01-01T00:00:00Z&minutes=1")).await.ok(200);
    reader.post(&path, body.clone()).await.ok(403);
    let rules = json!([{"object": "calendar", "field": "dates", "rule": "hidden"}]);
    let may = ["calendar read all", "calendar update all"];
    let half = server.user_who_may(&admin, "Half", &may, rules, json!({})).await;
    // What it adds up to would tell of hidden dates.
    half.get(&format!("/v1/calendars/{id}/add?from=2027-01-01T00:00:00Z&minutes=1")).await.ok(403);
    assert_eq!(half.post(&path, body.clone()).await.faults(400), pairs(&[("/dates", "field_not_permitted")]));
    admin.delete(&format!("/v1/calendars/{id}")).await.ok(204);
    admin.post(&path, body).await.ok(409);
}
