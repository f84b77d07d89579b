//! The stream of customers with their contacts, made one after the other.

use std::sync::Arc;

use farley_domain::{
    customers::{contact::Contact, customer::Customer},
    model::{entity::Entity, fault::Faults, object::Schema, record::Record},
    values::{id::Id, time::Timestamp},
};

use super::{
    Options,
    base::{Base, Owner},
    build, contacts, customers,
    dice::Dice,
    opportunities::{self, Buyer, Deal},
};

/// Firms that later ones may belong to; older ones make room, so that memory stays bounded.
const PARENTS: usize = 2000;

/// So many customers do not belong to each other, only to earlier ones; whatever the size of a batch, so that it changes nothing.
const GENERATION: u64 = 512;

const DAY: f64 = 86_400_000.0;

/// A customer with its contacts, all made at one moment by one user.
#[derive(Debug)]
pub struct Family {
    pub at: Timestamp,
    pub owner: Option<Owner>,
    pub customer: Record,
    pub contacts: Vec<Record>,
    /// What it was or is to buy.
    pub deals: Vec<Deal>,
}

pub struct Generator {
    base: Arc<Base>,
    customer: Schema,
    contact: Schema,
    seed: u64,
    opened: Timestamp,
    now: Timestamp,
    customers: u64,
    opportunities: u64,
    next: u64,
    parents: Vec<Id>,
    /// Firms of the generation in the making: nobody may refer to them before they are stored.
    fresh: Vec<Id>,
}

impl Generator {
    pub fn new(base: Arc<Base>, options: &Options, opened: Timestamp) -> Generator {
        Generator {
            customer: base.schema(Customer::object()),
            contact: base.schema(Contact::object()),
            base,
            seed: options.seed,
            opened,
            now: options.now,
            customers: options.customers,
            opportunities: options.opportunities,
            next: 0,
            parents: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// The next customers with their opportunities, about `size` in all; none when all are made.
    pub fn batch(&mut self, size: u64) -> Option<Result<Vec<Family>, Faults>> {
        if self.next == self.customers {
            return None;
        }
        if self.next.is_multiple_of(GENERATION) {
            self.settle();
        }
        let share = u128::from(size) * u128::from(self.customers) / u128::from(self.customers + self.opportunities);
        let size = u64::try_from(share).unwrap_or(GENERATION).max(1);
        let until = self.customers.min(self.next + size).min((self.next / GENERATION + 1) * GENERATION);
        let batch = (self.next..until).map(|number| self.family(number)).collect();
        self.next = until;
        Some(batch)
    }

    /// Takes the firms of the generation before into the circle of parents.
    fn settle(&mut self) {
        for firm in std::mem::take(&mut self.fresh) {
            if self.parents.len() < PARENTS {
                self.parents.push(firm);
            } else {
                let place = firm.0.as_u128() % PARENTS as u128;
                self.parents[usize::try_from(place).unwrap_or(0)] = firm;
            }
        }
    }

    fn family(&mut self, number: u64) -> Result<Family, Faults> {
        let mut dice = Dice::of(self.seed, number);
        let at = self.moment(number, &mut dice);
        let standards = self.base.tenant.standards(at);
        let id = dice.id(at);
        let thrown = customers::throw(&mut dice, &self.base, number, at, &self.parents);
        let customer = build::record(&self.customer, &standards, id, &thrown.body)?;
        let mut people = Vec::new();
        if thrown.domain.is_some() {
            for _ in 0..contacts::count(&mut dice) {
                let also = (!self.parents.is_empty() && dice.chance(4)).then(|| *dice.pick(&self.parents));
                let also = also.filter(|also| *also != id);
                let body = contacts::throw(&mut dice, &self.base, id, &thrown, also);
                let contact_id = dice.id(at);
                people.push(build::record(&self.contact, &standards, contact_id, &body)?);
            }
            self.fresh.push(id);
        }
        let buyer = Buyer { id, since: at, thrown: &thrown, contacts: &people };
        let mut deals = Vec::new();
        for _ in self.deals_before(number)..self.deals_before(number + 1) {
            deals.push(opportunities::throw(&mut dice, &self.base, &buyer, self.now)?);
        }
        Ok(Family { at, owner: thrown.owner, customer, contacts: people, deals })
    }

    /// How many opportunities the customers before a number have: all of them spread evenly.
    fn deals_before(&self, number: u64) -> u64 {
        let share = u128::from(number) * u128::from(self.opportunities) / u128::from(self.customers.max(1));
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// When a customer came in: more and more over the years, in the working hours of Shanghai (08:00–19:00), in the order
    /// of the numbers but for the hour.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "milliseconds of some years fit a float exactly"
    )]
    fn moment(&self, number: u64, dice: &mut Dice) -> Timestamp {
        let (first, last) = (self.opened.milliseconds(), self.now.milliseconds());
        let grown = ((number as f64 + dice.share()) / self.customers as f64).powf(0.7);
        let time = first as f64 + grown * (last - first) as f64;
        let (day, of_day) = ((time / DAY).floor(), time % DAY);
        let working = day * DAY + of_day / 24.0 * 11.0;
        Timestamp::from_milliseconds((working as i64).clamp(first, last))
    }
}
