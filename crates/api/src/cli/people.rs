//! `farley tenant …`, `farley user …` and `farley rotate-keys`.

use clap::{Args, Subcommand};
use farley_domain::{
    identity::user::User,
    model::{entity::Entity, operand::Operand},
    values::time::Timestamp,
};
use farley_persistence::{Origin, TenantKey};
use secrecy::ExposeSecret;

use super::block_on;
use crate::{
    access::{
        state::State,
        tokens::{NO_TENANT, new_secret},
        unrestricted::user_record,
    },
    app,
    http::{
        clock,
        problem::{Problem, describe},
    },
    identity::{
        auth::check_strength,
        bootstrap::{FirstUser, NewTenant, create_tenant, create_user},
        user::reset_token,
    },
    settings::Settings,
};

#[derive(Subcommand)]
pub enum TenantCommand {
    /// Create a tenant with its built-in roles and an administrator
    Create(TenantCreate),
    /// List tenants
    List,
}

#[derive(Args)]
pub struct TenantCreate {
    /// The short name used at log-in: lower-case letters, digits and hyphens
    slug: String,
    /// The company's name
    #[arg(long)]
    name: Option<String>,
    /// ISO 3166-1 alpha-2 country of phone numbers without a country code
    #[arg(long)]
    country: Option<String>,
    /// ISO 4217 currency used for totals
    #[arg(long)]
    currency: Option<String>,
    /// IANA time zone in which days start and end
    #[arg(long)]
    time_zone: Option<String>,
    /// The administrator's e-mail address
    #[arg(long)]
    admin_email: String,
}

#[derive(Subcommand)]
pub enum UserCommand {
    /// Create an active user; the password is FARLEY_ADMIN_PASSWORD, or generated and printed once
    Create(UserCreate),
    /// Print a one-time link, or token, that a user sets a new password with
    ResetPassword(UserReset),
}

#[derive(Args)]
pub struct UserReset {
    /// The e-mail address the user logs in with
    email: String,
    /// The tenant's short name
    #[arg(long, default_value = "default")]
    tenant: String,
}

#[derive(Args)]
pub struct UserCreate {
    /// The e-mail address to log in with
    email: String,
    /// The user's name
    #[arg(long)]
    name: Option<String>,
    /// A ready-made role: administrator, sales_manager, sales_representative, service_agent, marketer, read_only, integration
    #[arg(long, default_value = "administrator")]
    role: String,
    /// The tenant's short name
    #[arg(long, default_value = "default")]
    tenant: String,
}

fn open(settings: Settings) -> Result<std::sync::Arc<State>, String> {
    app::open(settings)
}

/// The password given by the environment, or a new one to be printed.
fn password(state: &State, email: &str) -> Result<(String, bool), String> {
    let given = state.settings.admin_password.as_ref().map(|password| password.expose_secret().to_owned());
    let made_up = given.is_none();
    let password = given.unwrap_or_else(|| new_secret("").chars().take(20).collect());
    check_strength(&password, email, "FARLEY_ADMIN_PASSWORD").map_err(|problem| describe(&problem))?;
    Ok((farley_domain::values::text::clean_secret(&password), made_up))
}

fn told(email: &str, password: &str, made_up: bool) {
    if made_up {
        println!("log in as {email} with the password {password} (shown only once)");
    } else {
        println!("log in as {email} with the password from FARLEY_ADMIN_PASSWORD");
    }
}

pub fn tenant(command: TenantCommand, settings: Settings) -> Result<(), String> {
    block_on(async {
        let state = open(settings)?;
        match command {
            TenantCommand::List => {
                let rows = state.store.read::<_, Problem>(NO_TENANT, |reader| Ok(reader.tenants()?)).await;
                for row in rows.map_err(|problem| describe(&problem))? {
                    println!("{}\t{}\t{}", row.slug, row.id, row.name);
                }
            }
            TenantCommand::Create(new) => create(&state, new).await?,
        }
        state.store.close();
        Ok(())
    })
}

async fn create(state: &State, new: TenantCreate) -> Result<(), String> {
    let email = farley_domain::values::email::standardise(&new.admin_email).map_err(|error| format!("--admin-email: {error}"))?;
    let (secret, made_up) = password(state, &email)?;
    let password_hash = state.passwords.hash(&secret).await.map_err(|problem| describe(&problem))?;
    let administrator = FirstUser { name: "Administrator".to_owned(), email: email.clone(), password_hash };
    let settings = &state.settings;
    let tenant = NewTenant {
        name: new.name.unwrap_or_else(|| new.slug.clone()),
        slug: new.slug,
        country: new.country.unwrap_or_else(|| settings.default_country.clone()),
        currency: new.currency.unwrap_or_else(|| settings.default_currency.clone()),
        time_zone: new.time_zone.unwrap_or_else(|| settings.default_time_zone.clone()),
    };
    let slug = tenant.slug.clone();
    let made = state.store.write::<_, Problem>(NO_TENANT, Origin::system(clock::now()), move |work| {
        create_tenant(work, &tenant, Some(&administrator))
    });
    let key = made.await.map_err(|problem| describe(&problem))?;
    println!("created tenant {slug} ({})", key.id);
    told(&email, &secret, made_up);
    Ok(())
}

pub fn user(command: UserCommand, settings: Settings) -> Result<(), String> {
    let new = match command {
        UserCommand::Create(new) => new,
        UserCommand::ResetPassword(reset) => return reset_password(reset, settings),
    };
    block_on(async {
        let state = open(settings)?;
        let email = farley_domain::values::email::standardise(&new.email).map_err(|error| format!("{}: {error}", new.email))?;
        let (secret, made_up) = password(&state, &email)?;
        let password_hash = state.passwords.hash(&secret).await.map_err(|problem| describe(&problem))?;
        let tenant = find_tenant(&state, &new.tenant).await?;
        let user = FirstUser { name: new.name.unwrap_or_else(|| email.clone()), email: email.clone(), password_hash };
        let now: Timestamp = clock::now();
        let made = state.store.write::<_, Problem>(tenant, Origin::system(now), move |work| {
            let tenant = work.reader().own_tenant()?.ok_or_else(Problem::not_found)?;
            create_user(work, &user, &new.role, &tenant.standards(now))
        });
        let id = made.await.map_err(|problem| describe(&problem))?;
        println!("created user {email} ({id})");
        told(&email, &secret, made_up);
        state.store.close();
        Ok(())
    })
}

fn reset_password(reset: UserReset, settings: Settings) -> Result<(), String> {
    block_on(async {
        let state = open(settings)?;
        let email =
            farley_domain::values::email::standardise(&reset.email).map_err(|error| format!("{}: {error}", reset.email))?;
        let tenant = find_tenant(&state, &reset.tenant).await?;
        let wanted = email.clone();
        let issued = state.store.write::<_, Problem>(tenant, Origin::system(clock::now()), move |work| {
            let found = work.reader().by_value(User::object(), User::email.field(), Operand::Text(wanted.clone()))?;
            let user = match found {
                Some(id) => user_record(work.reader(), id)?.filter(|user| !user.is_archived()),
                None => None,
            };
            user.map(|user| reset_token(work, &user)).transpose()
        });
        let issued = issued.await.map_err(|problem| describe(&problem))?;
        let token = issued.ok_or_else(|| format!("there is no user {email} in the tenant {}", reset.tenant))?;
        match state.settings.password_reset_link(&token) {
            Some(link) => println!("{email} can set a new password within 7 days, once, at {link}"),
            None => println!(
                "{email} can set a new password within 7 days, once, with the token {token} (POST /v1/auth/reset-password)"
            ),
        }
        state.store.close();
        Ok(())
    })
}

/// The tenant of a short name.
pub async fn find_tenant(state: &State, slug: &str) -> Result<TenantKey, String> {
    let wanted = slug.to_owned();
    let row = state.store.read::<_, Problem>(NO_TENANT, move |reader| Ok(reader.tenant_by_slug(&wanted)?)).await;
    let row = row.map_err(|problem| describe(&problem))?.ok_or_else(|| format!("there is no tenant {slug}"))?;
    Ok(TenantKey { id: row.id, number: row.number })
}

pub fn rotate_keys(settings: Settings) -> Result<(), String> {
    block_on(async {
        let state = open(settings)?;
        state.tokens.rotate(&state.store).await.map_err(|problem| describe(&problem))?;
        state.store.close();
        println!("new tokens are signed with a new key; existing tokens remain valid until they expire");
        Ok(())
    })
}
