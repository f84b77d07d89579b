//! What stands before the first customer: teams, users, tags, custom fields, products and pipelines.

use std::collections::HashMap;

use farley_domain::{
    identity::{
        custom_field::{self, CustomField},
        role::Role,
        tag::Tag,
        team::Team,
        tenant::Tenant,
        user::{User, UserStatus},
    },
    model::{
        entity::Entity,
        fault::Faults,
        object::{Catalog, Object, Schema},
        record::Record,
    },
    query::predicate::Predicate,
    sales::pipeline::Pipeline,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Change, Origin, Store, StoreError, TenantKey};
use serde_json::{Value, json};

use super::{
    Error, build,
    dice::Dice,
    persons,
    places::Country,
    sales::{self, Sold, Way},
};
use crate::access::unrestricted::Unrestricted;

/// A team, the one it belongs to, and the sales regions its people look after.
struct TeamRow {
    name: &'static str,
    parent: Option<&'static str>,
    regions: &'static [&'static str],
    people: usize,
}

const ROOT: &str = "销售中心";
/// What the people of the service desk look after.
pub const DESK: &str = "service desk";

const TEAMS: [TeamRow; 11] = [
    TeamRow { name: ROOT, parent: None, regions: &[], people: 2 },
    TeamRow { name: "国内销售部", parent: Some(ROOT), regions: &[], people: 1 },
    TeamRow { name: "华北区", parent: Some("国内销售部"), regions: &["华北", "东北"], people: 5 },
    TeamRow { name: "华东区", parent: Some("国内销售部"), regions: &["华东"], people: 8 },
    TeamRow { name: "华南区", parent: Some("国内销售部"), regions: &["华南", "华中"], people: 7 },
    TeamRow { name: "西部区", parent: Some("国内销售部"), regions: &["西南", "西北"], people: 4 },
    TeamRow { name: "International Sales", parent: Some(ROOT), regions: &[], people: 1 },
    TeamRow { name: "North America", parent: Some("International Sales"), regions: &["North America"], people: 6 },
    TeamRow { name: "Europe", parent: Some("International Sales"), regions: &["Europe"], people: 5 },
    TeamRow { name: "客户服务部", parent: None, regions: &[DESK], people: 4 },
    TeamRow { name: "市场部", parent: None, regions: &[], people: 2 },
];

const TAGS: [(&str, &str); 14] = [
    ("重点客户", "#d4380d"),
    ("渠道伙伴", "#1677ff"),
    ("招投标", "#722ed1"),
    ("续约风险", "#fa8c16"),
    ("账期客户", "#13c2c2"),
    ("老客户推荐", "#52c41a"),
    ("展会线索", "#2f54eb"),
    ("上市公司", "#eb2f96"),
    ("VIP", "#faad14"),
    ("Newsletter", "#8c8c8c"),
    ("Reference customer", "#389e0d"),
    ("Price sensitive", "#ad6800"),
    ("Framework agreement", "#0958d9"),
    ("Do not call", "#cf1322"),
];

/// Somebody who looks after customers.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    pub user: Id,
    pub team: Id,
}

/// What the customers are made with.
#[derive(Debug)]
pub struct Base {
    pub tenant: Tenant,
    pub catalog: Catalog,
    /// Owners by sales region.
    pub owners: HashMap<&'static str, Vec<Owner>>,
    pub tags: Vec<Id>,
    pub products: Vec<Sold>,
    /// The pipelines.
    pub ways: Vec<Way>,
    pub teams: usize,
    pub users: usize,
    pub custom_fields: usize,
}

impl Base {
    pub fn schema(&self, object: &'static Object) -> Schema {
        self.catalog.schema(object)
    }
}

/// The rows to insert, made before the transaction.
pub struct Rows<'a> {
    tenant: &'a Tenant,
    at: Timestamp,
    dice: Dice,
    rows: Vec<(&'static Object, Record)>,
}

impl Rows<'_> {
    pub fn add(&mut self, object: &'static Object, body: &Value) -> Result<Id, Faults> {
        let schema = Catalog::default().schema(object);
        let id = self.dice.id(self.at);
        let mut record = build::record(&schema, &self.tenant.standards(self.at), id, body)?;
        if object.name == User::NAME {
            record.of_mut().set(User::status, UserStatus::Active);
        }
        self.rows.push((object, record));
        Ok(id)
    }

    pub fn of(&self, object: &'static Object) -> impl Iterator<Item = &Record> {
        self.rows.iter().filter(|(of, _)| of.name == object.name).map(|(_, record)| record)
    }
}

/// Fills the tenant with everything but customers and opportunities, as if it had been there since `at`.
pub async fn fill(store: &Store, tenant: TenantKey, settings: &Tenant, seed: u64, at: Timestamp) -> Result<Base, Error> {
    let roles = store.read(tenant, |reader| reader.all(Role::object())).await?;
    let teams = store.read(tenant, |reader| reader.all(Team::object())).await?;
    if teams.iter().any(|team| team.of::<Team>().get(Team::name) == ROOT) {
        return Err(Error::AlreadyFilled);
    }
    let mut rows = Rows { tenant: settings, at, dice: Dice::of(seed, u64::MAX), rows: Vec::new() };
    let teams = add_teams(&mut rows)?;
    let owners = add_users(&mut rows, &teams, &role_ids(&roles))?;
    let mut tags = Vec::new();
    for (name, color) in TAGS {
        tags.push(rows.add(Tag::object(), &json!({"name": name, "color": color}))?);
    }
    for body in custom_fields() {
        rows.add(<CustomField as Entity>::object(), &body)?;
    }
    let (products, ways) = (sales::add_products(&mut rows)?, sales::add_pipelines(&mut rows)?);
    let fields: Vec<Record<CustomField>> = rows.of(<CustomField as Entity>::object()).map(|field| field.of().clone()).collect();
    let base = Base {
        tenant: settings.clone(),
        catalog: custom_field::catalog(&fields),
        owners,
        tags,
        products,
        ways,
        teams: rows.of(Team::object()).count(),
        users: rows.of(User::object()).count(),
        custom_fields: fields.len(),
    };
    insert(store, tenant, rows.rows, at, base.catalog.clone()).await?;
    Ok(base)
}

async fn insert(
    store: &Store,
    tenant: TenantKey,
    rows: Vec<(&'static Object, Record)>,
    at: Timestamp,
    catalog: Catalog,
) -> Result<(), StoreError> {
    let work = move |work: &mut farley_persistence::Work<'_>| -> Result<(), StoreError> {
        no_default(work)?;
        for (object, record) in &rows {
            work.insert(&Catalog::default().schema(object), &mut record.clone(), &Change::new("created"))?;
        }
        for object in farley_domain::model::registry::objects() {
            for field in catalog.schema(object).custom.iter().filter(|field| field.indexed) {
                work.index_custom_field(object, field)?;
            }
        }
        Ok(())
    };
    store.write(tenant, Origin::system(at), work).await
}

/// The pipeline that a new tenant begins with makes room for the demo's own.
fn no_default(work: &mut farley_persistence::Work<'_>) -> Result<(), StoreError> {
    let schema = Catalog::default().schema(Pipeline::object());
    let all = work.reader().all(Pipeline::object())?;
    for former in all.into_iter().filter(|pipeline| pipeline.of::<Pipeline>().get(Pipeline::is_default)) {
        let Some(loaded) = work.load(&schema, &Unrestricted, former.id(), &Predicate::all())? else { continue };
        let mut former = loaded.record.clone();
        former.of_mut().set(Pipeline::is_default, false);
        work.update(&schema, &loaded, &mut former, &Change::new("updated"))?;
    }
    Ok(())
}

/// The ids of the ready-made roles by their keys.
fn role_ids(roles: &[Record]) -> HashMap<&str, Id> {
    roles.iter().filter_map(|role| Some((role.of::<Role>().get(Role::key)?, role.id()))).collect()
}

fn add_teams(rows: &mut Rows<'_>) -> Result<HashMap<&'static str, Id>, Faults> {
    let mut teams: HashMap<&'static str, Id> = HashMap::new();
    for team in &TEAMS {
        let parent = team.parent.and_then(|parent| teams.get(parent)).map(Id::to_string);
        let id = rows.add(Team::object(), &json!({"name": team.name, "parent_id": parent}))?;
        teams.insert(team.name, id);
    }
    Ok(teams)
}

/// Adds the people of each team, its leader first; gives who looks after which region.
fn add_users(
    rows: &mut Rows<'_>,
    teams: &HashMap<&'static str, Id>,
    roles: &HashMap<&str, Id>,
) -> Result<HashMap<&'static str, Vec<Owner>>, Faults> {
    let mut owners: HashMap<&'static str, Vec<Owner>> = HashMap::new();
    let mut number = 0;
    for team in &TEAMS {
        let Some(team_id) = teams.get(team.name).copied() else { continue };
        for place in 0..team.people {
            number += 1;
            let (role, title) = post(team.name, place == 0);
            let country = match team.name {
                "International Sales" | "North America" => Country::UnitedStates,
                "Europe" if place % 2 == 0 => Country::Germany,
                "Europe" => Country::UnitedKingdom,
                _ => Country::China,
            };
            let name = persons::person(&mut rows.dice, country);
            let roles: Vec<String> = roles.get(role).map(Id::to_string).into_iter().collect();
            let user = rows.add(
                User::object(),
                &json!({
                    "name": name.full, "email": format!("{}.{number}@demo.example.com", name.mailbox), "team_id": team_id.to_string(),
                    "role_ids": roles, "title": title, "language": country.language(), "time_zone": country.time_zone(),
                }),
            )?;
            let owner = Owner { user, team: team_id };
            for region in team.regions {
                owners.entry(region).or_default().push(owner);
            }
        }
    }
    Ok(owners)
}

/// The ready-made role and the job title of somebody in a team.
fn post(team: &str, leads: bool) -> (&'static str, &'static str) {
    match (team, leads) {
        ("客户服务部", _) => ("service_agent", "客服专员"),
        ("市场部", _) => ("marketer", "市场专员"),
        ("International Sales" | "North America" | "Europe", true) => ("sales_manager", "Sales Manager"),
        ("International Sales" | "North America" | "Europe", false) => ("sales_representative", "Account Executive"),
        (_, true) => ("sales_manager", "销售经理"),
        (_, false) => ("sales_representative", "销售代表"),
    }
}

fn custom_fields() -> Vec<Value> {
    vec![
        json!({
            "object": "customer", "key": "tier", "field_type": "choice", "label_en": "Tier", "label_zh": "客户等级", "indexed": true,
            "position": 10, "choices": [
                {"value": "bronze", "label_en": "Bronze", "label_zh": "铜牌"},
                {"value": "silver", "label_en": "Silver", "label_zh": "银牌"},
                {"value": "gold", "label_en": "Gold", "label_zh": "金牌"},
                {"value": "platinum", "label_en": "Platinum", "label_zh": "白金"},
            ],
        }),
        json!({"object": "customer", "key": "credit_score", "field_type": "integer", "label_en": "Credit score", "label_zh": "信用评分", "position": 20}),
        json!({"object": "customer", "key": "contract_end", "field_type": "date", "label_en": "Contract ends", "label_zh": "合同到期日", "position": 30}),
        json!({"object": "customer", "key": "payment_days", "field_type": "integer", "label_en": "Payment days", "label_zh": "账期（天）", "position": 40}),
        json!({"object": "contact", "key": "wechat", "field_type": "text", "label_en": "WeChat", "label_zh": "微信号", "searchable": true, "position": 10}),
    ]
}
