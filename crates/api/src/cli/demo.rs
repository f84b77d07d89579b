//! `farley demo`: fills a tenant with believable data.

use clap::Args;

use super::{block_on, people::find_tenant};
use crate::{
    app, demo,
    http::{
        clock,
        problem::{Problem, describe},
    },
    identity::bootstrap,
    settings::Settings,
};

#[derive(Args)]
pub struct DemoFlags {
    /// Number of customers to create, each with one or two contacts
    #[arg(long, default_value_t = 1000)]
    customers: u64,
    /// Number of opportunities to create, with line items and 18 months of history; by default half the number of customers,
    /// but at most 5,000
    #[arg(long)]
    opportunities: Option<u64>,
    /// Number of service tickets to create, a year of them with messages, statuses and promises; by default as many as customers, but at
    /// most 5,000
    #[arg(long)]
    tickets: Option<u64>,
    /// The same seed generates the same data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The tenant's short name
    #[arg(long, default_value = "default")]
    tenant: String,
}

pub fn demo(flags: DemoFlags, settings: Settings) -> Result<(), String> {
    block_on(async {
        let state = app::open(settings)?;
        let welcome = bootstrap::first_start(&state).await.map_err(|problem| describe(&problem))?;
        let tenant = find_tenant(&state, &flags.tenant).await?;
        let own = state.store.read::<_, Problem>(tenant, |reader| Ok(reader.own_tenant()?)).await;
        let own = own.map_err(|problem| describe(&problem))?.ok_or("the tenant is gone")?;
        let opportunities = flags.opportunities.unwrap_or((flags.customers / 2).min(5_000));
        let tickets = flags.tickets.unwrap_or(flags.customers.min(5_000));
        let options = demo::Options { customers: flags.customers, opportunities, tickets, seed: flags.seed, now: clock::now() };
        let bar = demo::progress_bar(&options);
        let summary = demo::fill(&state.store, tenant, &own, &options, |done| bar.set_position(done)).await;
        bar.finish();
        let summary = summary.map_err(|error| error.to_string())?;
        println!(
            "created {} customers, {} contacts, {} opportunities with {} line items, {} tickets with {} messages, {} products, {} users in {} teams, {} tags and {} custom fields",
            summary.customers,
            summary.contacts,
            summary.opportunities,
            summary.line_items,
            summary.tickets,
            summary.messages,
            summary.products,
            summary.users,
            summary.teams,
            summary.tags,
            summary.custom_fields
        );
        if let Some(welcome) = welcome {
            let password = welcome
                .password
                .map_or_else(|| "from FARLEY_ADMIN_PASSWORD".to_owned(), |password| format!("{password} (shown only once)"));
            println!("log in as {} with the password {password}", welcome.email);
        }
        state.store.close();
        Ok(())
    })
}
