//! The daily computation. It reads the orders of all customers once, learns from them, and then writes the values of a few customers at a
//! time: what it keeps in memory is a few numbers for each customer who has bought something.

use std::collections::{HashMap, HashSet};

use chrono::{Days, NaiveDate};
use farley_domain::{
    customers::value::{
        assessment::{History, Standards, Summary},
        basket::{self, BasketBounds, Rule},
        bg_nbd::BgNbd,
        classes::Levels,
        customer_value::CustomerValue,
        gamma_gamma::{GammaGamma, Spend, correlation},
        purchases::Purchases,
        rfm::{Means, Rfm, Scores, Thresholds},
    },
    model::{entity::Entity, record::Record},
    query::predicate::Predicate,
    service::{
        clock::StatusKind,
        ticket::{Ticket, TicketKind},
    },
    values::{calendar::day_of, id::Id, money::Currency, time::Timestamp},
};
use farley_persistence::{Bought, Line, Origin, Reader, TenantKey, Work};

use super::{
    CustomerValueProgress,
    model::{BoughtTogether, CustomerValueModel, NotFitted, PurchasingModel, RfmBounds, SpendingModel},
    settings::{self, CustomerValueSettings},
};
use crate::{
    access::{
        principal,
        state::State,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
};

/// The kind of the recurring job.
pub const KIND: &str = "customer_values";
/// Once a day, in seconds.
pub const EVERY: i64 = 86_400;
/// Under which names what was learnt, and how far it has come, are kept.
pub const MODEL: &str = "customer_value_model";
pub const PROGRESS: &str = "customer_value_progress";

/// How many days with orders are read at once.
const DAYS_AT_ONCE: usize = 50_000;
/// How many customers are written at once.
const CUSTOMERS_AT_ONCE: usize = 200;
/// How many lines of orders are read at once, and of how many orders at most.
const LINES_AT_ONCE: usize = 50_000;
const MOST_BASKETS: usize = 200_000;
/// How long ago what was bought together may have been, in days.
const BASKET_DAYS: u64 = 730;
/// How many pairs of products the model shows.
const PAIRS_SHOWN: usize = 200;
/// The steps that a fit may take.
const BUDGET: u32 = 5_000;
/// How many tickets of a few customers are counted.
const MOST_TICKETS: usize = 10_000;

/// A customer who bought something.
struct Buyer {
    id: Id,
    summary: Summary,
}

/// What is read of the tenant first.
struct Ground {
    today: NaiveDate,
    currency: Currency,
    /// The day that was asked for, if it is not today.
    as_of: Option<NaiveDate>,
    settings: Record<CustomerValueSettings>,
}

/// Computes the values of all customers of a tenant.
pub async fn perform(state: &State, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let mut work = Computation { state, tenant, now, as_of: None };
    let ground = work.ground().await?;
    work.as_of = ground.as_of;
    work.note("reading", 0, None).await?;
    let buyers = work.buyers(&ground).await?;
    let baskets = work.baskets(&ground).await?;
    work.note("fitting", 0, Some(buyers.len())).await?;
    let learning = tokio::task::spawn_blocking(move || learn(&ground, buyers, baskets));
    let learnt = learning.await.map_err(|error| Problem::internal(error.to_string()))?;
    let Some(Learnt { standards, rules, model, buyers }) = learnt else {
        work.remove_all_but(&HashSet::new()).await?;
        work.finish(CustomerValueModel { computed_at: Some(now), ..CustomerValueModel::default() }).await?;
        return work.note("done", 0, Some(0)).await;
    };
    let mut written = 0;
    for some in buyers.chunks(CUSTOMERS_AT_ONCE) {
        work.write(&standards, &rules, some).await?;
        written += some.len();
        work.note("writing", written, Some(buyers.len())).await?;
    }
    work.remove_all_but(&buyers.iter().copied().collect()).await?;
    work.finish(CustomerValueModel { computed_at: Some(now), ..model }).await?;
    work.note("done", written, Some(written)).await
}

struct Computation<'a> {
    state: &'a State,
    tenant: TenantKey,
    now: Timestamp,
    as_of: Option<NaiveDate>,
}

impl Computation<'_> {
    /// Reads something.
    async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&mut Reader<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.state.background.read::<_, Problem>(self.tenant, read).await
    }

    /// Writes something as Farley itself.
    async fn change(&self, change: impl Fn(&mut Work<'_>) -> Result<(), Problem> + Send + 'static) -> Result<(), Problem> {
        self.state.background.write::<_, Problem>(self.tenant, Origin::system(self.now), change).await
    }

    async fn note(&self, state: &str, customers: usize, total: Option<usize>) -> Result<(), Problem> {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let at = crate::http::clock::now();
        let (state, customers, total, as_of) = (state.to_owned(), count(customers), total.map(count), self.as_of);
        let progress = CustomerValueProgress { state, customers, total, as_of, at };
        let progress = serde_json::to_string(&progress)?;
        self.change(move |work| Ok(work.keep(PROGRESS, progress.clone())?)).await
    }

    async fn finish(&self, model: CustomerValueModel) -> Result<(), Problem> {
        let model = serde_json::to_string(&model)?;
        self.change(move |work| Ok(work.keep(MODEL, model.clone())?)).await
    }

    async fn ground(&self) -> Result<Ground, Problem> {
        let now = self.now;
        self.read(move |reader| {
            let principal = principal::system(reader)?;
            let standards = principal.standards(now);
            let currency = standards.currency;
            // What was asked for and not begun, or begun and not finished.
            let asked = match reader.kept(PROGRESS)? {
                Some(row) => serde_json::from_str::<CustomerValueProgress>(&row.value)?.unfinished(),
                None => None,
            };
            let today = asked.unwrap_or_else(|| day_of(now, standards.zone));
            Ok(Ground { today, currency, as_of: asked, settings: settings::of(reader)? })
        })
        .await
    }

    async fn buyers(&self, ground: &Ground) -> Result<Vec<Buyer>, Problem> {
        let (today, currency) = (ground.today, ground.currency);
        let (mut buyers, mut after) = (Vec::new(), Id::NIL);
        loop {
            let mut days = self.read(move |reader| Ok(reader.bought(currency, after, DAYS_AT_ONCE)?)).await?;
            let is_last = days.len() < DAYS_AT_ONCE;
            if let Some(last) = days.last().map(|day| day.customer).filter(|_| !is_last) {
                // Of the last one there may be more.
                days.retain(|day| day.customer != last);
            }
            let of_each = days.chunk_by(|one, other| one.customer == other.customer);
            buyers.extend(of_each.filter_map(|days| summary(days, today)));
            match days.last() {
                Some(last) if !is_last => after = last.customer,
                Some(_) | None => return Ok(buyers),
            }
        }
    }

    /// The products of orders of the last two years.
    async fn baskets(&self, ground: &Ground) -> Result<Vec<Vec<Id>>, Problem> {
        let since = ground.today.checked_sub_days(Days::new(BASKET_DAYS)).unwrap_or(NaiveDate::MIN);
        let (mut baskets, mut after) = (Vec::<(Id, Vec<Id>)>::new(), Line { order: Id::NIL, product: Id::NIL });
        loop {
            let lines = self.read(move |reader| Ok(reader.lines_since(since, after, LINES_AT_ONCE)?)).await?;
            for line in &lines {
                match baskets.last_mut().filter(|(order, _)| *order == line.order) {
                    Some((_, products)) => products.push(line.product),
                    None => baskets.push((line.order, vec![line.product])),
                }
            }
            match lines.last().filter(|_| lines.len() == LINES_AT_ONCE && baskets.len() < MOST_BASKETS) {
                Some(last) => after = *last,
                None => return Ok(baskets.into_iter().map(|(_, products)| products).collect()),
            }
        }
    }

    /// Writes the values of a few customers, where they are not what is there.
    async fn write(&self, standards: &Standards, rules: &HashMap<Id, Vec<Rule>>, customers: &[Id]) -> Result<(), Problem> {
        let (standards, ids) = (standards.clone(), customers.to_vec());
        let histories = {
            let (currency, today) = (standards.currency, standards.today);
            self.read(move |reader| histories(reader, currency, today, &ids)).await?
        };
        let assessed = histories.into_iter().filter_map(|(customer, history)| {
            let rules: Vec<Rule> = history.products.iter().filter_map(|product| rules.get(product)).flatten().copied().collect();
            standards.assess(customer, &history, &rules)
        });
        let assessed: Vec<Record<CustomerValue>> = assessed.collect();
        self.change(move |work| assessed.iter().try_for_each(|value| store(work, value.clone()))).await
    }

    /// Takes away the values of customers who have bought nothing any more.
    async fn remove_all_but(&self, buyers: &HashSet<Id>) -> Result<(), Problem> {
        let mut after = Id::NIL;
        loop {
            let there = self.read(move |reader| values_after(reader, after)).await?;
            let gone: Vec<Id> = there.iter().copied().filter(|id| !buyers.contains(id)).collect();
            if !gone.is_empty() {
                self.change(move |work| Ok(work.remove_values(&gone)?)).await?;
            }
            match there.last().filter(|_| there.len() == CUSTOMERS_AT_ONCE) {
                Some(last) => after = *last,
                None => return Ok(()),
            }
        }
    }
}

fn values_after(reader: &mut Reader<'_>, after: Id) -> Result<Vec<Id>, Problem> {
    let within = CustomerValue::id.gt(after);
    let found = reader.find(&without_custom_fields(CustomerValue::object()), &Unrestricted, &within, CUSTOMERS_AT_ONCE)?;
    Ok(found.iter().map(Record::id).collect())
}

fn summary(days: &[Bought], today: NaiveDate) -> Option<Buyer> {
    let id = days.first()?.customer;
    let days: Vec<(NaiveDate, i64, i64)> = days.iter().map(|bought| (bought.day, bought.orders, bought.value)).collect();
    Some(Buyer { id, summary: Summary::of(&days, today)? })
}

/// What a few customers bought and paid, and what troubles them.
fn histories(
    reader: &mut Reader<'_>,
    currency: Currency,
    today: NaiveDate,
    customers: &[Id],
) -> Result<HashMap<Id, History>, Problem> {
    let mut histories: HashMap<Id, History> = customers.iter().map(|id| (*id, History::default())).collect();
    let mut of = |id: Id, add: &dyn Fn(&mut History)| histories.get_mut(&id).map(add).unwrap_or_default();
    for (customer, day, value) in reader.orders_of(currency, customers)?.into_iter().filter(|(_, day, _)| *day <= today) {
        of(customer, &|history| history.orders.push((day, value)));
    }
    for (customer, orders) in reader.orders_beside(currency, customers)? {
        of(customer, &|history| history.orders_in_other_currencies = orders);
    }
    for (customer, due) in reader.dues_of(currency, customers)? {
        of(customer, &|history| history.dues.push(due));
    }
    for (customer, product) in reader.products_of(customers)? {
        of(customer, &|history| history.products.push(product));
    }
    let open = StatusKind::ALL.iter().copied().filter(|kind| !kind.is_done());
    let troubles = Predicate::Or(vec![Ticket::kind.eq(TicketKind::Complaint), Ticket::sla_breached_at.is_not_null()]);
    let troubles = Predicate::Archived(false)
        .and(Ticket::customer_id.is_in(customers.iter().copied()))
        .and(Ticket::status.is_in(open))
        .and(troubles);
    for ticket in reader.find(&without_custom_fields(Ticket::object()), &Unrestricted, &troubles, MOST_TICKETS)? {
        let ticket = ticket.into_entity::<Ticket>();
        let Some(customer) = ticket.get(Ticket::customer_id) else { continue };
        of(customer, &|history| {
            history.open_complaints += u32::from(ticket.get(Ticket::kind) == Some(TicketKind::Complaint));
            history.late_tickets += u32::from(!ticket.is_null(Ticket::sla_breached_at));
        });
    }
    Ok(histories)
}

/// Stores a value, unless it is there already.
fn store(work: &mut Work<'_>, mut value: Record<CustomerValue>) -> Result<(), Problem> {
    let schema = without_custom_fields(CustomerValue::object());
    let Some(before) = work.load(&schema, &Unrestricted, value.id(), &Predicate::all())? else {
        return Ok(work.keep_value(&schema, None, &mut value)?);
    };
    let mut after = before.record.of::<CustomerValue>().clone();
    for field in CustomerValue::object().fields.iter().filter(|field| field.slot >= farley_domain::model::recurring::slots::OWN) {
        after.put(field, value.cell(field).into_owned());
    }
    Ok(work.keep_value(&schema, Some(&before), &mut after)?)
}

/// What was learnt from all customers.
struct Learnt {
    standards: Standards,
    /// By the product that leads to others.
    rules: HashMap<Id, Vec<Rule>>,
    model: CustomerValueModel,
    buyers: Vec<Id>,
}

/// Fits the models and finds the bounds; none where nobody has bought anything.
fn learn(ground: &Ground, buyers: Vec<Buyer>, baskets: Vec<Vec<Id>>) -> Option<Learnt> {
    let settings = &ground.settings;
    let rfm: Vec<Rfm> = buyers.iter().map(|buyer| buyer.summary.rfm).collect();
    let thresholds = settings::thresholds(settings, Thresholds::by_quantile(&rfm)?);
    let scores: Vec<Scores> = rfm.iter().map(|rfm| thresholds.scores(rfm)).collect();
    let means = Means::of(&scores)?;
    let totals: Vec<i64> = rfm.iter().map(|rfm| rfm.monetary).collect();
    let counts: Vec<i64> = rfm.iter().map(|rfm| rfm.frequency).collect();
    let sales = settings::sales(settings, Levels::by_quantile(&totals)?);
    let frequency = settings::frequency(settings, Levels::by_quantile(&counts)?);

    let purchases: Vec<Purchases> = buyers.iter().map(|buyer| buyer.summary.purchases).collect();
    // What was given back altogether is worth nothing, and the model knows no such purchases.
    let spends: Vec<Spend> =
        buyers.iter().map(|buyer| buyer.summary.spend).filter(|spend| spend.repeats > 0 && spend.mean > 0.0).collect();
    let mut go_on = |_| true;
    let purchasing = BgNbd::fit(&purchases, BUDGET, &mut go_on);
    let spending = GammaGamma::fit(&spends, BUDGET, &mut go_on);
    let unfit = [("purchasing", purchasing.as_ref().err()), ("spending", spending.as_ref().err())];
    let not_fitted = unfit.into_iter().filter_map(|(model, unfit)| Some(NotFitted::of(model, unfit?))).collect();

    let bounds: BasketBounds = settings::baskets(settings);
    let rules = basket::rules(&baskets, &bounds);
    let mut strongest: Vec<&Rule> = rules.iter().collect();
    strongest
        .sort_by(|one, other| other.lift.total_cmp(&one.lift).then((one.who_buys, one.buys).cmp(&(other.who_buys, other.buys))));
    let model = CustomerValueModel {
        computed_at: None,
        today: Some(ground.today),
        currency: Some(ground.currency.code().to_owned()),
        customers: buyers.len(),
        purchasing: purchasing.as_ref().ok().map(|fit| PurchasingModel::of(fit, &purchases)),
        spending: spending.as_ref().ok().map(|fit| SpendingModel::of(fit, correlation(&spends))),
        not_fitted,
        rfm: Some(RfmBounds {
            recency: thresholds.recency,
            frequency: thresholds.frequency,
            monetary: thresholds.monetary,
            mean_recency: means.recency,
            mean_frequency: means.frequency,
            mean_monetary: means.monetary,
        }),
        sales_levels: Some([sales.middle, sales.high]),
        frequency_levels: Some([frequency.middle, frequency.high]),
        baskets: baskets.len(),
        bought_together: strongest.into_iter().take(PAIRS_SHOWN).map(BoughtTogether::from).collect(),
        progress: None,
    };
    let mut by_product: HashMap<Id, Vec<Rule>> = HashMap::new();
    for rule in rules {
        by_product.entry(rule.who_buys).or_default().push(rule);
    }
    let standards = Standards {
        today: ground.today,
        currency: ground.currency,
        purchasing: purchasing.ok().map(|fit| fit.model),
        spending: spending.ok().map(|fit| fit.model),
        terms: settings::terms(settings),
        thresholds,
        means,
        sales,
        frequency,
        loyalty: settings::loyalty(settings),
        churn: settings::churn(settings),
        credit: settings::credit(settings),
    };
    Some(Learnt { standards, rules: by_product, model, buyers: buyers.into_iter().map(|buyer| buyer.id).collect() })
}
