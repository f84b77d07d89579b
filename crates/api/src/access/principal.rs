//! Who calls: the credential of a request, resolved to a tenant, a user and what they may do. Kept for two seconds, so that a
//! deactivated user, a changed role or a revoked key is noticed by every node within five.

use std::{collections::HashMap, sync::Arc, time::Duration};

use farley_domain::{
    identity::{
        access::{Action, Asker, AskerView, Grants},
        api_key::{self, ApiKey},
        custom_field::{self, CustomField},
        role::Role,
        team::Team,
        tenant::Tenant,
        user::User,
    },
    model::{
        entity::Entity,
        event::{Actor, ActorKind},
        object::{Catalog, Object, Schema},
        registry,
        value::Standards,
    },
    query::predicate::{Predicate, segment::KnownSegment},
    reporting::segment::{MOST_SEGMENTS, Segment, known},
    sales::leads::pool::Pool,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Layout, Reader, Store, TenantKey};

use super::{
    grants::asker_of,
    tokens::{NO_TENANT, Tokens, secret_hash},
    unrestricted::{Unrestricted, all_of, entity_of, without_custom_fields},
    unwritten::{Brief, Unwritten},
};
use crate::http::{
    clock,
    problem::{Code, Problem},
};

/// How long a resolved caller is believed.
const BELIEVED: Duration = Duration::from_secs(2);

/// A caller with everything a request needs to know of them.
pub struct Principal {
    pub tenant: Tenant,
    pub key: TenantKey,
    pub catalog: Catalog,
    pub asker: Asker,
    /// The segments that the caller may use.
    segments: Vec<KnownSegment>,
    pub actor: Actor,
    /// The session or API key: idempotency keys and rate limits are counted by it.
    pub credential: Id,
    /// The session, if the credential is one.
    pub session: Option<Id>,
    /// What the credential is limited to, if it is an API key.
    pub scopes: Option<Vec<String>>,
    /// What it was resolved by, if by a request.
    came_with: Option<Credential>,
    layouts: HashMap<&'static str, Arc<Layout>>,
}

impl Principal {
    #[must_use]
    pub fn standards(&self, now: Timestamp) -> Standards<'_> {
        // Farley itself is no user that a filter could mean by `me`.
        let user = Some(self.user_id()).filter(|_| !self.is_system());
        Standards { user, ..self.tenant.standards(now) }
    }

    #[must_use]
    pub fn view(&self, now: Timestamp) -> AskerView<'_> {
        AskerView { catalog: &self.catalog, asker: &self.asker, segments: &self.segments, standards: self.standards(now) }
    }

    #[must_use]
    pub fn schema(&self, object: &'static Object) -> Schema {
        self.catalog.schema(object)
    }

    /// All that the caller may see of an object.
    #[must_use]
    pub fn layout(&self, object: &'static Object) -> Arc<Layout> {
        match self.layouts.get(object.name) {
            Some(layout) => Arc::clone(layout),
            None => Arc::new(self.make_layout(object)),
        }
    }

    fn make_layout(&self, object: &'static Object) -> Layout {
        Layout::full(&self.catalog.schema(object), &|field| self.asker.sees(object, field))
    }

    #[must_use]
    pub fn user_id(&self) -> Id {
        self.asker.user_id
    }

    /// Demands that the credential may do something of its user's own, for which no role is needed: a session may, an API key does
    /// what its scopes name.
    pub fn permit_oneself(&self, object: &'static Object, action: Action) -> Result<(), Problem> {
        match &self.scopes {
            Some(scopes) if !api_key::covers(scopes, object.name, action) => {
                Err(Problem::forbidden(action.as_str(), object.name))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether another says the same of what the caller may do, and of the fields there are.
    fn says_the_same(&self, other: &Principal) -> bool {
        self.asker == other.asker
            && self.catalog == other.catalog
            && self.segments == other.segments
            && self.scopes == other.scopes
    }

    /// Whether this is Farley itself, who is nobody's colleague and owns nothing; also where it does what a contact may have done.
    #[must_use]
    pub fn is_system(&self) -> bool {
        matches!(self.actor.kind, ActorKind::System | ActorKind::Contact)
    }
}

/// What a caller is resolved by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    Session { tenant: Id, session: Id },
    ApiKey { hash: Vec<u8> },
}

/// Principals resolved a moment ago.
pub struct Principals {
    known: moka::future::Cache<Credential, Arc<Principal>>,
    pub unwritten: Unwritten,
}

impl Default for Principals {
    fn default() -> Principals {
        let known = moka::future::Cache::builder().max_capacity(50_000).time_to_live(BELIEVED).build();
        Principals { known, unwritten: Unwritten::default() }
    }
}

impl Principals {
    /// Forgets everybody: after a write that changes what somebody may do or which fields there are.
    pub fn forget(&self) {
        self.known.invalidate_all();
    }

    /// Resolves the value of an `Authorization` header.
    pub async fn resolve(&self, store: &Store, tokens: &Tokens, authorization: Option<&str>) -> Result<Arc<Principal>, Problem> {
        let (credential, _) = read_authorization(store, tokens, authorization).await?;
        self.of(store, credential).await
    }

    /// Resolves a caller by a credential that is known to be theirs.
    pub async fn of(&self, store: &Store, credential: Credential) -> Result<Arc<Principal>, Problem> {
        if let Some(principal) = self.known.get(&credential).await {
            return Ok(principal);
        }
        let load = self.load(store, &credential);
        self.known.try_get_with(credential.clone(), load).await.map_err(|problem| (*problem).clone())
    }

    /// Resolves a caller once more, if the database knows otherwise of them by now: another node may have changed what they may do, or
    /// which fields there are.
    pub async fn anew(&self, store: &Store, known: &Principal) -> Result<Option<Arc<Principal>>, Problem> {
        let Some(credential) = &known.came_with else { return Ok(None) };
        let principal = self.load(store, credential).await?;
        if principal.says_the_same(known) {
            return Ok(None);
        }
        self.known.insert(credential.clone(), Arc::clone(&principal)).await;
        Ok(Some(principal))
    }

    async fn load(&self, store: &Store, credential: &Credential) -> Result<Arc<Principal>, Problem> {
        let wanted = credential.clone();
        let brief = match credential {
            Credential::Session { session, .. } => self.unwritten.session(*session),
            Credential::ApiKey { .. } => None,
        };
        let principal = store.read(NO_TENANT, move |reader| load(reader, &wanted, brief, clock::now())).await?;
        Ok(Arc::new(principal))
    }
}

/// The credential that the value of an `Authorization` header stands for, and when that value expires, if by itself.
pub async fn read_authorization(
    store: &Store,
    tokens: &Tokens,
    authorization: Option<&str>,
) -> Result<(Credential, Option<Timestamp>), Problem> {
    let refused = || Problem::new(Code::Unauthorized);
    let (scheme, token) = authorization.and_then(|value| value.split_once(' ')).ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    let token = token.trim();
    if token.starts_with("fk_") {
        return Ok((Credential::ApiKey { hash: secret_hash(token) }, None));
    }
    let claims = tokens.verify_fresh(store, token, clock::now()).await?;
    let until = Timestamp::from_milliseconds(claims.exp.saturating_mul(1_000));
    Ok((Credential::Session { tenant: claims.tid, session: claims.sid }, Some(until)))
}

/// Whether an event may change what somebody may do: users, what they belong to and what that permits, keys, and the fields and segments
/// there are.
#[must_use]
pub fn is_of_access(object: &str) -> bool {
    [User::NAME, Team::NAME, Role::NAME, Pool::NAME, ApiKey::NAME, CustomField::NAME, Segment::NAME].contains(&object)
}

fn load(reader: &mut Reader<'_>, credential: &Credential, brief: Option<Brief>, now: Timestamp) -> Result<Principal, Problem> {
    let refused = || Problem::new(Code::Unauthorized);
    let ended = || Problem::new(Code::SessionEnded);
    let (tenant_id, api_key) = match credential {
        Credential::Session { tenant, .. } => (*tenant, None),
        Credential::ApiKey { hash } => {
            let (tenant, key) = reader.api_key(hash)?.ok_or_else(refused)?;
            (tenant, Some(key))
        }
    };
    let row = reader.tenant(tenant_id)?.ok_or_else(refused)?;
    let (tenant, key) = (row.to_tenant()?, TenantKey { id: tenant_id, number: row.number });
    reader.tenant = key;
    let (user_id, credential_id, scopes) = match (credential, api_key) {
        (Credential::Session { session, .. }, _) if brief.is_some_and(|brief| brief.tenant == tenant_id) => {
            let brief = brief.ok_or_else(ended)?;
            // Whoever changes a password ends all sessions.
            if reader.password_changed_at(brief.user)?.is_none_or(|changed| changed >= brief.begun) {
                return Err(ended());
            }
            (brief.user, *session, None)
        }
        (Credential::Session { session, .. }, _) => {
            let session = reader.session(*session)?.ok_or_else(ended)?;
            if session.revoked_at.is_some() || session.expires_at <= now {
                return Err(ended());
            }
            (session.user_id, session.id, None)
        }
        (Credential::ApiKey { .. }, api_key) => {
            let id = api_key.ok_or_else(refused)?;
            let (user, scopes) = key_of(reader, id, now)?;
            (user, id, Some(scopes))
        }
    };
    let principal = assemble(reader, (tenant, key), user_id, api_key.zip(scopes), credential_id)?;
    Ok(Principal { came_with: Some(credential.clone()), ..principal })
}

/// Whose an API key is and what it is limited to, if it still holds.
fn key_of(reader: &mut Reader<'_>, id: Id, now: Timestamp) -> Result<(Id, Vec<String>), Problem> {
    let refused = || Problem::new(Code::Unauthorized);
    let key = entity_of::<ApiKey>(reader, id)?.filter(|key| !key.is_archived()).ok_or_else(refused)?;
    if key.get(ApiKey::expires_at).is_some_and(|expires_at| expires_at <= now) {
        return Err(refused());
    }
    Ok((key.get(ApiKey::user_id).ok_or_else(refused)?, key.get(ApiKey::scopes)))
}

/// The caller for whom a job works on after the request has been answered: with what the user, and the API key they came
/// with, may do now. Within the reader's tenant.
pub fn acting(reader: &mut Reader<'_>, user: Id, api_key: Option<Id>, now: Timestamp) -> Result<Principal, Problem> {
    let refused = || Problem::new(Code::Unauthorized);
    let tenant = reader.own_tenant()?.ok_or_else(refused)?;
    let key = match api_key {
        None => None,
        Some(id) => match key_of(reader, id, now)? {
            (owner, scopes) if owner == user => Some((id, scopes)),
            _ => return Err(refused()),
        },
    };
    let tenant = (tenant, reader.tenant);
    assemble(reader, tenant, user, key, api_key.unwrap_or(user))
}

/// Farley itself, for what nobody in particular does: it may do everything in the reader's tenant.
pub fn system(reader: &mut Reader<'_>) -> Result<Principal, Problem> {
    let tenant = reader.own_tenant()?.ok_or_else(Problem::not_found)?;
    let catalog = custom_field::catalog(&all_of::<CustomField>(reader)?);
    let asker = Asker { user_id: Id::NIL, teams: Vec::new(), pools: Vec::new(), grants: Grants::everything() };
    let actor = Actor::SYSTEM;
    let segments = segments_of(reader, &asker)?;
    Ok(with_layouts(Principal {
        segments,
        tenant,
        key: reader.tenant,
        catalog,
        asker,
        actor,
        credential: Id::NIL,
        session: None,
        scopes: None,
        came_with: None,
        layouts: HashMap::new(),
    }))
}

/// A caller, out of who they are and the key they came with.
fn assemble(
    reader: &mut Reader<'_>,
    (tenant, key): (Tenant, TenantKey),
    user_id: Id,
    api_key: Option<(Id, Vec<String>)>,
    credential_id: Id,
) -> Result<Principal, Problem> {
    let ended = || Problem::new(Code::SessionEnded);
    let (api_key, scopes) = api_key.unzip();
    let catalog = custom_field::catalog(&all_of::<CustomField>(reader)?);
    let mut asker = asker_of(reader, user_id)?.ok_or_else(ended)?;
    let kind = if scopes.is_some() { ActorKind::ApiKey } else { ActorKind::User };
    if let Some(scopes) = &scopes {
        asker.grants = asker.grants.limited_to(scopes);
    }
    let actor = Actor { kind, user_id: Some(user_id), api_key_id: api_key, contact_id: None };
    let session = api_key.is_none().then_some(credential_id);
    let credential = credential_id;
    let (layouts, segments) = (HashMap::new(), segments_of(reader, &asker)?);
    let principal =
        Principal { tenant, key, catalog, asker, segments, actor, credential, session, scopes, came_with: None, layouts };
    Ok(with_layouts(principal))
}

/// The live segments that somebody may use.
fn segments_of(reader: &mut Reader<'_>, asker: &Asker) -> Result<Vec<KnownSegment>, Problem> {
    let object = <Segment as Entity>::object();
    let live = reader.find(&without_custom_fields(object), &Unrestricted, &Predicate::Archived(false), MOST_SEGMENTS)?;
    let usable = live.into_iter().filter(|record| asker.reaches(object, Action::Read, record));
    Ok(usable.filter_map(|record| known(record.of())).collect())
}

fn with_layouts(mut principal: Principal) -> Principal {
    principal.layouts =
        registry::objects().into_iter().map(|object| (object.name, Arc::new(principal.make_layout(object)))).collect();
    principal
}
