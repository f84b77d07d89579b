//! New tenants: made with the ready-made roles and an administrator. The first start makes the first one.

use farley_domain::{
    identity::{
        role::{ADMINISTRATOR, READY_MADE, ReadyMade, Role},
        tenant::is_slug,
        user::{User, UserStatus},
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        input::{self, Members, members},
        object::Schema,
        record::Record,
        value::Standards,
    },
    values::{id::Id, money::Currency},
};
use farley_persistence::{Change, Origin, TenantKey, TenantRow, Work};
use secrecy::ExposeSecret;

use super::{auth::check_strength, learning, tenant::TenantCreate};
use crate::{
    access::{state::State, tokens::NO_TENANT},
    http::{clock, problem::Problem},
    records::lookup,
};

/// What a tenant is made of.
#[derive(Clone, Debug)]
pub struct NewTenant {
    pub slug: String,
    pub name: String,
    pub country: String,
    pub currency: String,
    pub time_zone: String,
}

impl NewTenant {
    /// Every fault of it.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        if !is_slug(&self.slug) {
            faults.add(
                Fault::new(TenantCreate::slug.pointer(), FaultCode::WrongType)
                    .with("expected", "2 to 40 lower-case letters, digits and hyphens"),
            );
        }
        if self.name.trim().is_empty() {
            faults.add(Fault::new(TenantCreate::name.pointer(), FaultCode::Blank));
        }
        if !farley_domain::values::country::is_country(&self.country) {
            faults.add(Fault::new(TenantCreate::country.pointer(), FaultCode::UnknownCountry));
        }
        if self.currency.parse::<Currency>().is_err() {
            faults.add(Fault::new(TenantCreate::currency.pointer(), FaultCode::UnknownCurrency));
        }
        if self.time_zone.parse::<chrono_tz::Tz>().is_err() {
            faults.add(Fault::new(TenantCreate::time_zone.pointer(), FaultCode::UnknownTimeZone));
        }
        faults.into_result(())
    }
}

/// Somebody to be made administrator, with a password already hashed.
#[derive(Clone, Debug)]
pub struct FirstUser {
    pub name: String,
    pub email: String,
    pub password_hash: String,
}

/// Makes a tenant with its ready-made roles and, if given, an administrator.
pub fn create_tenant(work: &mut Work<'_>, new: &NewTenant, administrator: Option<&FirstUser>) -> Result<TenantKey, Problem> {
    new.check()?;
    if let Some(other) = work.reader().tenant_by_slug(&new.slug)? {
        return Err(Problem::duplicate("/slug", other.id));
    }
    let now = work.origin.now;
    let key = TenantKey { id: work.new_id(), number: work.next_tenant_number()? };
    let row = TenantRow {
        id: key.id,
        number: key.number,
        slug: new.slug.clone(),
        name: new.name.clone(),
        country: new.country.clone(),
        currency: new.currency.clone(),
        time_zone: new.time_zone.clone(),
        created_at: now,
    };
    let standards = row.to_tenant()?;
    work.add_tenant(&row)?;
    work.enter(key);
    let standards = standards.standards(now);
    for ready in READY_MADE {
        make_role(work, ready, &standards)?;
    }
    learning::begin_all(work, &standards)?;
    if let Some(user) = administrator {
        create_user(work, user, ADMINISTRATOR, &standards)?;
    }
    Ok(key)
}

/// Makes a ready-made role.
pub fn make_role(work: &mut Work<'_>, ready: &ReadyMade, standards: &Standards<'_>) -> Result<(), Problem> {
    let body = members()
        .with(Role::name, ready.name)
        .with(Role::description, ready.description.to_owned())
        .with(Role::permissions, ready.permissions());
    let (schema, mut role) = read(body, standards)?;
    role.set(Role::key, ready.key.to_owned());
    work.insert(&schema, role.any_mut(), &Change::new("created"))?;
    Ok(())
}

/// Makes an active user with the ready-made role of a key.
pub fn create_user(work: &mut Work<'_>, user: &FirstUser, role_key: &str, standards: &Standards<'_>) -> Result<Id, Problem> {
    let roles = lookup::all::<Role>(work.reader())?;
    let role = roles.iter().find(|role| role.get(Role::key) == Some(role_key) && !role.is_archived());
    let role = role.ok_or_else(|| Problem::from(Fault::new("/role", FaultCode::NotFound)))?;
    let body = members()
        .with(User::name, user.name.as_str())
        .with(User::email, user.email.as_str())
        .with(User::role_ids, vec![role.id()]);
    let (schema, mut record) = read(body, standards)?;
    crate::records::references::check_unique(work, None, User::object(), None, record.any())?;
    record.set(User::status, UserStatus::Active);
    work.insert(&schema, record.any_mut(), &Change::new("created"))?;
    work.set_password(record.id(), &user.password_hash)?;
    Ok(record.id())
}

fn read<E: Entity>(body: Members<E>, standards: &Standards<'_>) -> Result<(Schema, Record<E>), Problem> {
    let schema = Schema { object: E::object(), custom: std::sync::Arc::from([]) };
    let record = input::Reader { schema: &schema, standards, rule: &|_| None }.create(&body.into_json())?;
    Ok((schema, record.into_entity()))
}

/// What the first start has to say.
pub struct Welcome {
    pub email: String,
    /// Told only if it was made up here.
    pub password: Option<String>,
}

/// Makes the default tenant and its administrator in an empty database.
pub async fn first_start(state: &State) -> Result<Option<Welcome>, Problem> {
    let tenants = state.store.read::<_, Problem>(NO_TENANT, |reader| Ok(reader.tenants()?)).await?;
    if !tenants.is_empty() {
        return Ok(None);
    }
    let settings = &state.settings;
    let email = settings.admin_email.clone().unwrap_or_else(|| "admin@example.com".to_owned());
    let given = settings.admin_password.as_ref().map(|password| password.expose_secret().to_owned());
    let made_up = given.is_none().then(|| crate::access::tokens::new_secret("").chars().take(20).collect::<String>());
    let password = given.or_else(|| made_up.clone()).unwrap_or_default();
    check_strength(&password, &email, "FARLEY_ADMIN_PASSWORD")?;
    let password_hash = state.passwords.hash(&farley_domain::values::text::clean_secret(&password)).await?;
    let administrator = FirstUser { name: "Administrator".to_owned(), email: email.clone(), password_hash };
    let tenant = NewTenant {
        slug: "default".to_owned(),
        name: "Default".to_owned(),
        country: settings.default_country.clone(),
        currency: settings.default_currency.clone(),
        time_zone: settings.default_time_zone.clone(),
    };
    let made = state.store.write::<_, Problem>(NO_TENANT, Origin::system(clock::now()), move |work| {
        // Another node may have been quicker.
        if work.reader().tenants()?.is_empty() {
            create_tenant(work, &tenant, Some(&administrator))?;
            return Ok(true);
        }
        Ok(false)
    });
    let made = match made.await {
        Ok(made) => made,
        Err(problem) if problem.code == crate::http::problem::Code::Duplicate => false,
        Err(problem) => return Err(problem),
    };
    Ok(made.then_some(Welcome { email, password: made_up }))
}
