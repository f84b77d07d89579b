//! Says when the log of a tenant goes on, so that whoever follows it need not look again and again: what this process writes at once,
//! what other nodes write as PostgreSQL passes their word on. It is a hint and carries nothing: the log itself says what there is.
//!
//! A `NOTIFY` within the writer's transaction would let only one writer commit at a time. So each node passes on what it has committed
//! afterwards, over a connection of its own, for many at once; and as a node may die in between, it is also looked now and then.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use diesel::{
    Connection as _, PgConnection, RunQueryDsl as _,
    connection::SimpleConnection as _,
    sql_types::{Array, BigInt, Integer, Text},
};
use farley_domain::values::id::Id;
use tokio::sync::watch;

use crate::{
    error::StoreError,
    sql::sql_types::{DbId, IdSql},
};

/// How often word is passed on and taken.
const EVERY: Duration = Duration::from_millis(25);
/// How often it is looked whether word has been lost.
const LOOK: Duration = Duration::from_secs(5);
/// How long to wait until a connection is tried again.
const REST: Duration = Duration::from_secs(1);
/// The channel, and how many tenants one notification names: PostgreSQL takes less than 8,000 bytes.
const BEGIN: &str = "SET client_min_messages = warning; SET synchronous_commit = off; LISTEN farley_log";
const TELL: &str = "SELECT pg_notify('farley_log', $1)";
const AT_ONCE: usize = 200;

/// Who waits for which log.
#[derive(Default)]
pub struct Pulse {
    tenants: Mutex<HashMap<Id, watch::Sender<()>>>,
    all: watch::Sender<()>,
    /// What other nodes are still to be told; of a database that has none, nothing.
    untold: Option<Mutex<HashSet<Id>>>,
}

impl Pulse {
    /// For a database with more than one node.
    #[must_use]
    pub fn among_nodes() -> Pulse {
        Pulse { untold: Some(Mutex::default()), ..Pulse::default() }
    }

    /// Changes whenever the log of a tenant may have gone on.
    #[must_use]
    pub fn follow(&self, tenant: Id) -> watch::Receiver<()> {
        let mut tenants = self.tenants();
        if !tenants.contains_key(&tenant) {
            tenants.retain(|_, followed| followed.receiver_count() > 0);
        }
        tenants.entry(tenant).or_default().subscribe()
    }

    /// Changes whenever the log of any tenant may have gone on.
    #[must_use]
    pub fn follow_all(&self) -> watch::Receiver<()> {
        self.all.subscribe()
    }

    /// This process has written events of a tenant.
    pub fn wrote(&self, tenant: Id) {
        self.hear(tenant);
        if let Some(untold) = &self.untold {
            untold.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
        }
    }

    fn hear(&self, tenant: Id) {
        if let Some(followed) = self.tenants().get(&tenant) {
            followed.send_replace(());
        }
        self.all.send_replace(());
    }

    fn hear_all(&self) {
        self.tenants().values().for_each(|followed| followed.send_replace(()));
        self.all.send_replace(());
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<Id, watch::Sender<()>>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn followed(&self) -> Vec<DbId> {
        let tenants = self.tenants();
        tenants.iter().filter(|(_, followed)| followed.receiver_count() > 0).map(|(tenant, _)| DbId(*tenant)).collect()
    }

    fn take_untold(&self) -> Vec<Id> {
        let Some(untold) = &self.untold else { return Vec::new() };
        std::mem::take(&mut *untold.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }

    fn keep_untold(&self, tenants: Vec<Id>) {
        if let Some(untold) = &self.untold {
            untold.lock().unwrap_or_else(PoisonError::into_inner).extend(tenants);
        }
    }
}

/// The connection over which PostgreSQL passes word on.
struct Line {
    conn: PgConnection,
    process: i32,
    looked: Instant,
    /// Up to where the logs of tenants went when it was last looked.
    ends: HashMap<Id, i64>,
}

#[derive(diesel::QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    process: i32,
}

#[derive(diesel::QueryableByName)]
struct End {
    #[diesel(sql_type = IdSql)]
    id: Id,
    #[diesel(sql_type = BigInt)]
    position: i64,
}

/// Passes word on, both ways, until the store is closed.
pub fn serve(url: &str, pulse: &Pulse, end: &Receiver<()>) {
    let mut line: Option<Line> = None;
    let mut rests_until = Instant::now();
    loop {
        let ends = match end.recv_timeout(EVERY) {
            Err(RecvTimeoutError::Timeout) => false,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => true,
        };
        if line.is_none() && (ends || Instant::now() >= rests_until) {
            line = Line::open(url).ok();
            // Nobody knows what went by meanwhile.
            line.iter().for_each(|_| pulse.hear_all());
        }
        if line.as_mut().is_none_or(|line| line.pass_on(pulse).is_err()) {
            line = None;
            rests_until = rests_until.max(Instant::now() + REST);
        }
        if ends {
            return;
        }
    }
}

impl Line {
    fn open(url: &str) -> Result<Line, StoreError> {
        let mut conn = PgConnection::establish(url).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        conn.batch_execute(BEGIN)?;
        let own: Process = diesel::sql_query("SELECT pg_backend_pid() AS process").get_result(&mut conn)?;
        Ok(Line { conn, process: own.process, looked: Instant::now(), ends: HashMap::new() })
    }

    fn pass_on(&mut self, pulse: &Pulse) -> Result<(), StoreError> {
        let untold = pulse.take_untold();
        if let Err(error) = self.tell(&untold) {
            pulse.keep_untold(untold);
            return Err(error);
        }
        for heard in self.conn.notifications_iter() {
            let heard = heard?;
            // What it passed on itself, this node has heard before.
            if heard.process_id != self.process {
                heard.payload.split(' ').filter_map(|tenant| tenant.parse().ok()).for_each(|tenant| pulse.hear(tenant));
            }
        }
        if self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            self.look(pulse)?;
        }
        Ok(())
    }

    fn tell(&mut self, tenants: &[Id]) -> Result<(), StoreError> {
        for some in tenants.chunks(AT_ONCE) {
            let mut payload = String::with_capacity(37 * some.len());
            for tenant in some {
                // Writing to a string does not fail.
                let _ = write!(payload, "{}{tenant}", if payload.is_empty() { "" } else { " " });
            }
            diesel::sql_query(TELL).bind::<Text, _>(payload).execute(&mut self.conn)?;
        }
        Ok(())
    }

    /// One statement for all that is followed.
    fn look(&mut self, pulse: &Pulse) -> Result<(), StoreError> {
        let followed = pulse.followed();
        if followed.is_empty() {
            self.ends.clear();
            return Ok(());
        }
        let found = diesel::sql_query(
            "SELECT tenant.id, COALESCE((SELECT max(seq) FROM events WHERE tenant_id = tenant.id), 0) AS position \
             FROM unnest($1) AS tenant (id)",
        );
        let found: Vec<End> = found.bind::<Array<IdSql>, _>(followed).load(&mut self.conn)?;
        let ends: HashMap<Id, i64> = found.into_iter().map(|end| (end.id, end.position)).collect();
        let has_gone_on = |tenant: &Id, end: i64| self.ends.get(tenant).is_none_or(|before| *before < end);
        ends.iter().filter(|(tenant, end)| has_gone_on(tenant, **end)).for_each(|(tenant, _)| pulse.hear(*tenant));
        self.ends = ends;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Id {
        Id(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn only_those_who_follow_a_tenant_hear_of_it() {
        let pulse = Pulse::default();
        let (mut one, mut other, mut all) = (pulse.follow(id(1)), pulse.follow(id(2)), pulse.follow_all());
        for follower in [&mut one, &mut other, &mut all] {
            follower.mark_unchanged();
        }
        pulse.wrote(id(1));
        let heard = [&one, &other, &all].map(|follower| follower.has_changed().expect("the pulse is there"));
        assert_eq!(heard, [true, false, true]);
        assert!(pulse.take_untold().is_empty(), "there is no other node");
    }

    #[test]
    fn other_nodes_are_told_once_and_nothing_is_kept_of_who_has_gone() {
        let pulse = Pulse::among_nodes();
        drop(pulse.follow(id(1)));
        let _stays = pulse.follow(id(2));
        assert_eq!(pulse.tenants().len(), 1);
        (0..3).for_each(|_| pulse.wrote(id(3)));
        assert_eq!(pulse.take_untold(), [id(3)]);
        assert!(pulse.take_untold().is_empty());
    }
}
