//! Nobody grants what they do not hold: not by moving people or teams, nor by handing records over.

use serde_json::{Value, json};

use crate::{client::Client, server::Server, support::TestDb};

/// A team with one below it, one beside them, and in the lower one somebody who manages users and teams but reaches the records
/// of their team alone.
struct Company {
    server: Server,
    admin: Client,
    upper: String,
    lower: String,
    side: String,
    chief: Client,
}

const REACH: &[&str] = &["user * all", "team * all", "role * all", "api_key * all", "customer read team"];

async fn company(db: TestDb) -> Company {
    let server = Server::start(db).await;
    let admin = server.admin().await;
    let upper = admin.create("teams", json!({"name": "Upper"})).await;
    let lower = admin.create("teams", json!({"name": "Lower", "parent_id": upper})).await;
    let side = admin.create("teams", json!({"name": "Side"})).await;
    let chief = server.user_who_may(&admin, "chief", REACH, json!([]), json!({"team_id": lower})).await;
    Company { server, admin, upper, lower, side, chief }
}

fn beyond(problem: &Value, pointer: &str) {
    assert_eq!(
        (&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]),
        (&json!(pointer), &json!("permission_not_held")),
        "{problem}"
    );
}

pub async fn people_go_where_their_movers_reach(db: TestDb) {
    let Company { server, admin, upper, lower, side, chief } = company(db).await;
    let me = format!("/v1/users/{}", chief.id);
    let theirs = admin.create("customers", json!({"name": "Upper's", "owner_id": admin.id, "team_id": upper})).await;
    for team in [&upper, &side] {
        beyond(&chief.patch(&me, json!({"team_id": team})).await.refused(403, "permission_not_held"), "/team_id");
    }
    chief.get(&format!("/v1/customers/{theirs}")).await.refused(404, "not_found");
    // Nor by way of another account.
    let role = admin.get(&me).await.ok(200)["role_ids"].clone();
    let colleague =
        |name: &str, team: &str| json!({"name": name, "email": format!("{name}@example.com"), "role_ids": role, "team_id": team});
    beyond(&chief.post("/v1/users", colleague("a", &upper)).await.refused(403, "permission_not_held"), "/role_ids");
    chief.post("/v1/users", colleague("b", &lower)).await.ok(201);
    let peer = server.user_with(&admin, "peer", role.clone(), json!({"team_id": side})).await;
    let path = format!("/v1/users/{}", peer.id);
    chief.post(&format!("{path}/reset-password"), json!({})).await.refused(403, "permission_not_held");
    chief.post("/v1/api-keys", json!({"name": "x", "user_id": peer.id})).await.refused(403, "permission_not_held");
    // To take is no better than to give.
    beyond(&chief.patch(&path, json!({"team_id": lower})).await.refused(403, "permission_not_held"), "/team_id");
    // Whom no permission makes reach a team's records may be in any.
    let reader = server.user_who_may(&admin, "reader", &["customer read own"], json!([]), json!({"team_id": side})).await;
    chief.patch(&format!("/v1/users/{}", reader.id), json!({"team_id": upper})).await.ok(200);
    // A role reaches as far as the teams of those who have it.
    let own = json!([{"object": "customer", "action": "read", "scope": "own"}]);
    let narrow = chief.post("/v1/roles", json!({"name": "Narrow", "permissions": own})).await.ok(201)["id"].clone();
    admin.patch(&path, json!({"role_ids": [narrow]})).await.ok(200);
    let wide = json!({"permissions": [{"object": "customer", "action": "read", "scope": "team"}]});
    let narrow = format!("/v1/roles/{}", narrow.as_str().unwrap());
    beyond(&chief.patch(&narrow, wide.clone()).await.refused(403, "permission_not_held"), "/permissions");
    admin.patch(&path, json!({"team_id": lower})).await.ok(200);
    chief.patch(&narrow, wide).await.ok(200);
    // Downwards one may go, and not back.
    let deep = chief.create("teams", json!({"name": "Deep", "parent_id": lower})).await;
    chief.patch(&me, json!({"team_id": deep})).await.ok(200);
    chief.patch(&me, json!({"team_id": lower})).await.refused(403, "permission_not_held");
    admin.patch(&me, json!({"team_id": lower})).await.ok(200);
}

pub async fn teams_go_where_their_movers_reach(db: TestDb) {
    let Company { server, admin, upper, lower, side, chief } = company(db).await;
    let theirs = admin.create("customers", json!({"name": "Side's", "owner_id": admin.id, "team_id": side})).await;
    let path = |team: &str| format!("/v1/teams/{team}");
    beyond(&chief.patch(&path(&side), json!({"parent_id": lower})).await.refused(403, "permission_not_held"), "/parent_id");
    chief.get(&format!("/v1/customers/{theirs}")).await.refused(404, "not_found");
    // What is one's own may go anywhere.
    server.user_who_may(&admin, "peer", REACH, json!([]), json!({"team_id": side})).await;
    chief.patch(&path(&lower), json!({"parent_id": side})).await.ok(200);
    chief.patch(&path(&lower), json!({"parent_id": upper})).await.ok(200);
    // What nobody reaches by a team may too; who reaches all moves all.
    let empty = admin.create("teams", json!({"name": "Empty"})).await;
    chief.patch(&path(&upper), json!({"parent_id": empty})).await.ok(200);
    admin.patch(&path(&side), json!({"parent_id": lower})).await.ok(200);
    chief.get(&format!("/v1/customers/{theirs}")).await.ok(200);
    // Teams share pools with those above and below them.
    let pool = admin.create("pools", json!({"name": "Far", "object": "lead", "team_ids": [empty]})).await;
    let may = &["team * all", "pool * all", "lead read team", "lead update team"];
    let keeper = server.user_who_may(&admin, "keeper", may, json!([]), json!({"team_id": upper})).await;
    keeper.patch(&format!("/v1/pools/{pool}"), json!({"team_ids": [upper]})).await.ok(200);
    admin.patch(&path(&upper), json!({"parent_id": null})).await.ok(200);
    let other = admin.create("pools", json!({"name": "Farther", "object": "lead", "team_ids": [empty]})).await;
    let lead = admin.create("leads", json!({"name": "Pooled", "pool_id": other})).await;
    for team_ids in [json!([]), json!([upper])] {
        let problem = keeper.patch(&format!("/v1/pools/{other}"), json!({"team_ids": team_ids})).await;
        beyond(&problem.refused(403, "permission_not_held"), "/team_ids");
    }
    beyond(&keeper.patch(&path(&upper), json!({"parent_id": empty})).await.refused(403, "permission_not_held"), "/parent_id");
    keeper.get(&format!("/v1/leads/{lead}")).await.refused(404, "not_found");
}

/// Whatever names an owner, a team or a pool is judged as a new record there would be.
pub async fn records_go_where_they_could_be_created(db: TestDb) {
    let Company { server, admin, lower, side, .. } = company(db).await;
    let objects = ["customer", "lead", "task", "opportunity"];
    let mut may = vec!["user read all".to_owned(), "team read all".to_owned(), "pool read all".to_owned()];
    may.extend(
        objects
            .iter()
            .flat_map(|object| [format!("{object} read all"), format!("{object} update all"), format!("{object} create own")]),
    );
    let may: Vec<&str> = may.iter().map(String::as_str).collect();
    let rep = server.user_who_may(&admin, "rep", &may, json!([]), json!({"team_id": lower})).await;
    for (collection, name) in [("customers", "name"), ("leads", "name"), ("tasks", "subject"), ("opportunities", "name")] {
        let mine = rep.create(collection, json!({name: "mine"})).await;
        rep.post(&format!("/v1/{collection}"), json!({name: "x", "owner_id": admin.id})).await.refused(403, "forbidden");
        let path = format!("/v1/{collection}/{mine}");
        rep.patch(&path, json!({"owner_id": admin.id})).await.refused(403, "forbidden");
        let faults = rep.patch(&format!("{path}?validate_only=true"), json!({"owner_id": null})).await.refused(403, "forbidden");
        assert_eq!(faults["code"], "forbidden");
        rep.patch(&path, json!({"team_id": side})).await.ok(200);
        let theirs = admin.create(collection, json!({name: "theirs"})).await;
        rep.patch(&format!("/v1/{collection}/{theirs}"), json!({"team_id": lower})).await.refused(403, "forbidden");
        rep.patch(&format!("/v1/{collection}/{theirs}"), json!({"owner_id": rep.id})).await.ok(200);
    }
    let task = rep.create("tasks", json!({"subject": "call"})).await;
    rep.post(&format!("/v1/tasks/{task}/delegate"), json!({"user_id": admin.id})).await.refused(403, "forbidden");
    // Into a pool of others nothing is released; into one's own everything.
    let far = admin.create("pools", json!({"name": "Far", "object": "lead", "team_ids": [side]})).await;
    let near = admin.create("pools", json!({"name": "Near", "object": "lead", "team_ids": [lower]})).await;
    let lead = rep.create("leads", json!({"name": "l"})).await;
    rep.post(&format!("/v1/leads/{lead}/release"), json!({"pool_id": far})).await.refused(403, "forbidden");
    rep.post(&format!("/v1/leads/{lead}/release"), json!({"pool_id": near})).await.ok(200);
}
