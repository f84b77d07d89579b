//! Exchange rates: what an amount of one currency comes to in another.

use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode},
        handle::Handle,
        object::falling,
        record::Draft,
    },
    values::money::Currency,
};

entity! {
    /// An exchange rate: what an amount of one currency comes to in another from a day on, until the next rate of the same two. A rate
    /// serves the opposite direction too, unless that has rates of its own.
    pub struct ExchangeRate("exchange_rate", "exchange-rates", "exchange_rates", "Exchange rate", "汇率") [external] {
        /// The two currencies and the day; unique among live rates.
        name: String => text(40).server_set().title().indexed().label("Name", "名称").example("USD/CNY 2026-03-02"),
        /// The currency that is converted, by its code of ISO 4217.
        from_currency: String => text(3).required().on_create().indexed().label("From currency", "源币种").example("USD"),
        /// The currency that it is converted to.
        to_currency: String => text(3).required().on_create().label("To currency", "目标币种").example("CNY"),
        /// The first day on which it applies.
        valid_from: Option<chrono::NaiveDate> => date().required().on_create().indexed().label("Valid from", "生效日期").example("2026-03-02"),
        /// What `per` units of `from_currency` come to, in units of `to_currency`; greater than 0.
        rate: f64 => decimal().required().label("Rate", "汇率").example(7.1886),
        /// How many units of `from_currency` the rate is for, such as the 100 that banks quote yen by.
        per: i64 => integer(1, 1_000_000).default(1).label("Per", "单位数").example(1),
        /// Where the rate is from.
        source: Option<String> => text(200).label("Source", "来源").example("中国外汇交易中心"),
    }
    extend |object| object
        .configuration()
        .unique("exchange_rates_name_key", "name")
        .ordered_by([falling("valid_from"), falling("created_at")])
        .rule(is_of_two_currencies)
        .rule(is_named_after_its_day)
}

fn is_of_two_currencies(draft: &mut Draft<'_, ExchangeRate>) {
    let mut known = |handle: Handle<ExchangeRate, String>| {
        let code = draft.after.get(handle).to_uppercase();
        match code.parse::<Currency>() {
            Ok(currency) => draft.after.set(handle, currency.code().to_owned()),
            Err(_) => draft.faults.add(Fault::new(handle.pointer(), FaultCode::UnknownCurrency)),
        }
    };
    known(ExchangeRate::from_currency);
    known(ExchangeRate::to_currency);
    if draft.after.get(ExchangeRate::from_currency) == draft.after.get(ExchangeRate::to_currency) {
        let pointer = ExchangeRate::to_currency.pointer();
        draft.faults.add(Fault::new(pointer, FaultCode::Conflicting).with("other", ExchangeRate::from_currency.name()));
    }
    if draft.after.get(ExchangeRate::rate) <= 0.0 {
        draft.faults.add(Fault::new(ExchangeRate::rate.pointer(), FaultCode::TooSmall).with("min", "0.000000000001"));
    }
}

fn is_named_after_its_day(draft: &mut Draft<'_, ExchangeRate>) {
    let (from, to) = (draft.after.get(ExchangeRate::from_currency), draft.after.get(ExchangeRate::to_currency));
    let name = draft.after.get(ExchangeRate::valid_from).map(|day| format!("{from}/{to} {day}"));
    if let Some(name) = name {
        draft.after.set(ExchangeRate::name, name);
    }
}
