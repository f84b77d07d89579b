//! The works that are measured, and what each is to reach.

use std::sync::Arc;

use farley_domain::values::id::Id;

use super::{
    client::{escaped, get, post},
    measure::Requests,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub fn of(url: &str) -> Engine {
        if url.starts_with("sqlite:") { Engine::Sqlite } else { Engine::Postgres }
    }

    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// The bare actix route.
    Bare,
    Get,
    List,
    /// The same list, so many rows down.
    Deep {
        rows: usize,
    },
    /// A search for part of a name or number. Targets hold where hits are few, as when somebody is looked up.
    Search {
        fragment: String,
        hits: u64,
        few: bool,
    },
    Create,
}

/// What a work's rate is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    OfBare(f64),
    /// Of the same list's first page.
    OfFirstPage(f64),
}

impl Work {
    pub fn label(&self) -> String {
        match self {
            Work::Bare => "bare actix route".to_owned(),
            Work::Get => "GET by id".to_owned(),
            Work::List => "list of 50, newest first".to_owned(),
            Work::Deep { rows } => format!("list of 50, {rows} rows deep"),
            Work::Search { fragment, hits, .. } => format!("search {fragment}, 50 of {hits} hits"),
            Work::Create => "durable create".to_owned(),
        }
    }

    pub fn target(&self, engine: Engine) -> Option<Target> {
        let each = |sqlite: f64, postgres: f64| match engine {
            Engine::Sqlite => Target::OfBare(sqlite),
            Engine::Postgres => Target::OfBare(postgres),
        };
        match self {
            Work::Bare | Work::Search { few: false, .. } => None,
            Work::Get => Some(each(0.25, 0.20)),
            Work::List => Some(each(0.08, 0.06)),
            Work::Deep { .. } => Some(Target::OfFirstPage(0.85)),
            Work::Search { few: true, .. } => Some(each(0.04, 0.04)),
            Work::Create => Some(each(0.10, 0.06)),
        }
    }

    pub fn status(&self) -> u16 {
        match self {
            Work::Bare | Work::Get | Work::List | Work::Deep { .. } | Work::Search { .. } => 200,
            Work::Create => 201,
        }
    }
}

/// The filter of the lists.
pub const LIST: &str = "/v1/customers?status=active&limit=50";

/// What the requests are made of.
pub struct Ground {
    pub token: String,
    pub ids: Arc<[Id]>,
    /// The cursor far down the list.
    pub cursor: String,
    /// Makes this run's keys and bodies differ from those of all others.
    pub run: Id,
}

pub fn requests(work: &Work, ground: &Ground) -> Requests {
    let token = ground.token.clone();
    let always = |request: Vec<u8>| -> Requests { Arc::new(move |_, _| request.clone()) };
    match work {
        Work::Bare => always(get("/", None)),
        Work::Get => {
            let ids = Arc::clone(&ground.ids);
            Arc::new(move |connection, number| {
                let id = ids[(connection * 7919 + number * 104_729) % ids.len()];
                get(&format!("/v1/customers/{id}"), Some(&token))
            })
        }
        Work::List => always(get(LIST, Some(&token))),
        Work::Deep { .. } => always(get(&format!("{LIST}&cursor={}", escaped(&ground.cursor)), Some(&token))),
        Work::Search { fragment, .. } => always(get(&search_path(fragment), Some(&token))),
        Work::Create => {
            let run = ground.run;
            Arc::new(move |connection, number| create(&token, run, connection, number))
        }
    }
}

pub fn search_path(fragment: &str) -> String {
    format!("/v1/customers?q={}&limit=50", escaped(fragment))
}

/// A customer that nobody has sent before.
fn create(token: &str, run: Id, connection: usize, number: usize) -> Vec<u8> {
    let mark = format!("{:08x}{connection:02}{number:06}", run.0.as_u128() & 0xffff_ffff);
    let body = format!(
        r#"{{"name":"深圳市恒远{mark}精密机械有限公司","kind":"organization","status":"active","industry":"机械制造","source":"展会",
"region":"华南","employee_count":120,"annual_revenue":{{"amount":1234500000,"currency":"CNY"}},
"emails":[{{"value":"info{mark}@example.cn","label":"work"}}],"phones":[{{"value":"+86138{connection:02}{:06}","label":"mobile"}}],
"addresses":[{{"kind":"office","country":"CN","region":"广东省","city":"深圳市","district":"南山区","street":"科技园路{number}号"}}]}}"#,
        number % 1_000_000
    );
    let headers = format!("Authorization: Bearer {token}\r\nIdempotency-Key: bench-{run}-{connection}-{number}\r\n");
    post("/v1/customers", &headers, &body)
}
