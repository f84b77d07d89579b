//! Pools: where leads and customers wait that nobody owns, and the rules by which they are claimed and fall back.

use super::lead::Lead;
use crate::{
    choices,
    customers::customer::Customer,
    entity,
    model::{
        entity::Entity,
        field::Link,
        object::{Object, Reach, Relation},
        record::Record,
    },
    values::time::Timestamp,
};

const DAY: i64 = 24 * 3600;

choices! {
    /// What is in a pool.
    pub enum Pooled {
        Lead "lead" "Leads" "线索",
        Customer "customer" "Customers" "客户",
    }
}

impl Pooled {
    /// What the records in the pool are; none for records that no pool holds.
    #[must_use]
    pub fn of(object: &Object) -> Option<Pooled> {
        Pooled::from_wire(object.name)
    }

    #[must_use]
    pub fn object(self) -> &'static Object {
        match self {
            Pooled::Lead => Lead::object(),
            Pooled::Customer => Customer::object(),
        }
    }
}

/// The teams entitled to a pool.
pub static POOL_TEAMS: Link = Link { table: "pool_teams", from: "pool_id", to: "team_id", target: "team", shared: false };

entity! {
    /// A pool: unowned leads or customers that entitled users can claim. Claimed records return to the pool according to its
    /// rules.
    pub struct Pool("pool", "pools", "pools", "Pool", "公海") [external] {
        /// The name; unique among live pools.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("华东线索公海"),
        /// The kind of records in the pool.
        object: Option<Pooled> => choice(Pooled::choices()).default("lead").on_create().label("Object", "对象").example("lead"),
        /// What it is for.
        description: Option<String> => long_text(2_000).label("Description", "说明"),
        /// The teams entitled to it, including the teams below them. If empty, everybody who can read such records is entitled.
        team_ids: Vec<crate::values::id::Id> => references(&POOL_TEAMS).label("Entitled teams", "可见团队"),
        /// Whether new records of this kind without a given pool belong to this one. Making a pool the default replaces the
        /// previous default.
        is_default: bool => boolean().default(false).label("Default", "默认").example(false),
        /// The maximum number of its records that a user can claim per day (in the tenant's time zone). If absent, there is no
        /// limit.
        daily_claims: Option<i64> => integer(1, 100_000).label("Claims per day", "每日领取上限").example(20),
        /// The maximum number of its records that a user can hold by claiming; a user who holds that many cannot claim another.
        /// If absent, there is no limit. Converted and disqualified leads do not count.
        holding_cap: Option<i64> => integer(1, 1_000_000).label("Holding cap", "持有上限").example(200),
        /// The number of days that a record is protected from recall after its holder received it.
        protection_days: i64 => integer(0, 3_650).default(0).label("Protection", "保护期（天）").example(3),
        /// The number of days without follow-up after which a held record returns to the pool. If absent, it never does.
        recall_after_days: Option<i64> => integer(1, 3_650).label("Recall after", "未跟进回收（天）").example(15),
        /// The number of days after which a held record without a deal returns to the pool: a lead that has not been converted,
        /// or a customer without a won opportunity in that time. If absent, it never does.
        recall_without_deal_days: Option<i64> => integer(1, 3_650).label("Recall without a deal after", "未成交回收（天）").example(90),
        /// The number of days before a recall that the holder is warned (the event `lead.recall_warned` or
        /// `customer.recall_warned`); 0 for no warning.
        warn_days: i64 => integer(0, 365).default(1).label("Warn before", "回收提醒提前（天）").example(2),
        /// The number of days before a user can claim a record again that they held before.
        cooldown_days: i64 => integer(0, 3_650).default(0).label("Cool-down", "冷却期（天）").example(7),
    }
    extend |object| object
        .configuration()
        .relations([Relation { name: "teams", target: "team", reach: Reach::Linked { link: &POOL_TEAMS, holder: true } }])
        .unique("pools_name_key", "name")
}

/// What is to become of a held record, by the rules of its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recall {
    No,
    /// It falls back at this time unless something is done: its holder is to be warned.
    Warn(Timestamp),
    Now(Reason),
}

/// Why a record falls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    NoFollowUp,
    NoDeal,
}

impl Reason {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::NoFollowUp => "no_follow_up",
            Reason::NoDeal => "no_deal",
        }
    }
}

/// How a record is held.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub since: Timestamp,
    /// The last thing done for it, if later than its coming.
    pub last_activity_at: Option<Timestamp>,
    pub has_deal: bool,
}

/// When a held record falls back, and why; never, where no rule of the pool says so.
#[must_use]
pub fn recalled_at(pool: &Record<Pool>, held: Held) -> Option<(Timestamp, Reason)> {
    let followed = held.last_activity_at.map_or(held.since, |at| at.max(held.since));
    let idle = pool.get(Pool::recall_after_days).map(|days| (followed.plus_seconds(days * DAY), Reason::NoFollowUp));
    let deal = pool.get(Pool::recall_without_deal_days).filter(|_| !held.has_deal);
    let deal = deal.map(|days| (held.since.plus_seconds(days * DAY), Reason::NoDeal));
    let (at, reason) = [idle, deal].into_iter().flatten().min_by_key(|(at, _)| *at)?;
    let protected = held.since.plus_seconds(pool.get(Pool::protection_days) * DAY);
    Some((at.max(protected), reason))
}

/// What is to be done about a held record now.
#[must_use]
pub fn recall(pool: &Record<Pool>, held: Held, now: Timestamp) -> Recall {
    let Some((at, reason)) = recalled_at(pool, held) else { return Recall::No };
    let warned = at.plus_seconds(-pool.get(Pool::warn_days) * DAY);
    if at <= now {
        Recall::Now(reason)
    } else if warned <= now {
        Recall::Warn(at)
    } else {
        Recall::No
    }
}

/// The shortest time with its holder, in seconds, after which a record of the pool can be warned of or recalled; none, if never.
#[must_use]
pub fn shortest(pool: &Record<Pool>) -> Option<i64> {
    let after = [pool.get(Pool::recall_after_days), pool.get(Pool::recall_without_deal_days)].into_iter().flatten().min()?;
    let after = after.max(pool.get(Pool::protection_days));
    Some((after - pool.get(Pool::warn_days)).max(0) * DAY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pool(recall: Option<i64>, deal: Option<i64>, protection: i64, warn: i64) -> Record<Pool> {
        let mut pool = Record::new(<Pool as Entity>::object()).into_entity();
        pool.set(Pool::recall_after_days, recall);
        pool.set(Pool::recall_without_deal_days, deal);
        pool.set(Pool::protection_days, protection);
        pool.set(Pool::warn_days, warn);
        pool
    }

    fn day(number: i64) -> Timestamp {
        Timestamp::from_milliseconds(0).plus_seconds(number * DAY)
    }

    fn held(since: i64, last: Option<i64>, has_deal: bool) -> Held {
        Held { since: day(since), last_activity_at: last.map(day), has_deal }
    }

    #[test]
    fn idle_records_fall_back_after_a_warning() {
        let pool = pool(Some(10), None, 0, 2);
        assert_eq!(recall(&pool, held(0, None, false), day(7)), Recall::No);
        assert_eq!(recall(&pool, held(0, None, false), day(8)), Recall::Warn(day(10)));
        assert_eq!(recall(&pool, held(0, None, false), day(10)), Recall::Now(Reason::NoFollowUp));
        assert_eq!(recall(&pool, held(0, Some(5), false), day(10)), Recall::No);
        // What was done before it came to its holder is not the holder's doing.
        assert_eq!(recall(&pool, held(6, Some(1), false), day(10)), Recall::No);
    }

    #[test]
    fn protection_and_deals_keep_a_record() {
        assert_eq!(recall(&pool(Some(2), None, 5, 0), held(0, None, false), day(4)), Recall::No);
        assert_eq!(recall(&pool(Some(2), None, 5, 0), held(0, None, false), day(5)), Recall::Now(Reason::NoFollowUp));
        assert_eq!(recall(&pool(None, Some(30), 0, 0), held(0, Some(29), false), day(30)), Recall::Now(Reason::NoDeal));
        assert_eq!(recall(&pool(None, Some(30), 0, 0), held(0, Some(29), true), day(300)), Recall::No);
        assert_eq!(recall(&pool(None, None, 0, 0), held(0, None, false), day(9_999)), Recall::No);
    }

    proptest! {
        /// Nothing younger than the shortest time need be looked at.
        #[test]
        fn the_shortest_time_is_a_bound(
            after in prop::option::of(1_i64..40), deal in prop::option::of(1_i64..40), protection in 0_i64..40, warn in 0_i64..20,
            age in 0_i64..60, last in prop::option::of(0_i64..60), has_deal: bool,
        ) {
            let pool = pool(after, deal, protection, warn);
            let verdict = recall(&pool, held(0, last, has_deal), day(age));
            match shortest(&pool) {
                None => prop_assert_eq!(verdict, Recall::No),
                Some(shortest) if age * DAY < shortest => prop_assert_eq!(verdict, Recall::No),
                Some(_) => {}
            }
        }
    }
}
