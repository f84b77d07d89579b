//! What somebody may do: object × action × scope out of their roles, and which fields are hidden or frozen.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    api_key,
    role::{Actions, Role},
    sharing::Sharing,
    user::User,
};
pub use crate::model::field_rule::FieldRule;
use crate::{
    model::{
        cell::Cell,
        entity::Entity,
        field::{Field, Op},
        object::{Attached, Catalog, Object, Reach, Relation, Schema},
        record::Record,
        recurring, registry,
        value::Standards,
    },
    query::predicate::{Operand, Predicate, Related, View, segment::KnownSegment},
    values::id::Id,
};

/// What can be done to records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Read,
    Create,
    Update,
    Archive,
    Export,
    Import,
}

impl Action {
    pub const ALL: [Action; 6] = [Action::Read, Action::Create, Action::Update, Action::Archive, Action::Export, Action::Import];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Create => "create",
            Action::Update => "update",
            Action::Archive => "archive",
            Action::Export => "export",
            Action::Import => "import",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

/// To which records a permission reaches; each includes the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Own,
    Team,
    All,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Own, Scope::Team, Scope::All];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Own => "own",
            Scope::Team => "team",
            Scope::All => "all",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// What a set of roles grants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grants {
    scopes: HashMap<(&'static str, Action), Scope>,
    rules: HashMap<&'static str, HashMap<String, FieldRule>>,
}

impl Grants {
    /// Adds up roles: the widest scope counts, and a field is hidden or frozen only if every role that lets its
    /// object be read does so.
    #[must_use]
    pub fn of_roles(roles: &[Record<Role>]) -> Grants {
        let mut grants = Grants::default();
        let mut ruled: HashMap<&'static str, Vec<HashMap<String, FieldRule>>> = HashMap::new();
        for role in roles {
            let permissions = permissions(role);
            for (object, action, scope) in &permissions {
                let held = grants.scopes.entry((object, *action)).or_insert(*scope);
                *held = (*held).max(*scope);
            }
            let readable: HashSet<&'static str> = permissions.iter().map(|(object, _, _)| *object).collect();
            for object in readable {
                ruled.entry(object).or_default().push(field_rules(role, object));
            }
        }
        for (object, roles) in ruled {
            let Some((first, others)) = roles.split_first() else { continue };
            let common: HashMap<String, FieldRule> = first
                .iter()
                .filter_map(|(field, rule)| {
                    let weakest = others.iter().try_fold(*rule, |weakest, other| Some(weakest.min(*other.get(field)?)))?;
                    Some((field.clone(), weakest))
                })
                .collect();
            grants.rules.insert(object, common);
        }
        grants
    }

    /// Everything there is to do.
    #[must_use]
    pub fn everything() -> Grants {
        let all = registry::subjects().flat_map(|object| Action::ALL.map(|action| ((object.name, action), Scope::All)));
        Grants { scopes: all.collect(), rules: HashMap::new() }
    }

    /// Keeps only what the scopes of an API key name: `customer:read`, `customer:*`, `*:read`, `*:*`.
    #[must_use]
    pub fn limited_to(mut self, key_scopes: &[String]) -> Grants {
        self.scopes.retain(|(object, action), _| api_key::covers(key_scopes, object, *action));
        self
    }

    #[must_use]
    pub fn scope(&self, object: &str, action: Action) -> Option<Scope> {
        // The map's keys are the registry's own names.
        let object = registry::subject(object)?;
        match &object.parent {
            Some(parent) => self.scope(parent.object, upon_parent(action)),
            None => self.scopes.get(&(object.name, action)).copied(),
        }
    }

    #[must_use]
    pub fn rule(&self, object: &'static Object, field: &Field) -> Option<FieldRule> {
        let own = self.rules.get(object.name).filter(|rules| !rules.is_empty()).and_then(|rules| rules.get(&field.path()));
        own.copied().max(self.hidden_with_parent(object, field)).max(self.hidden_beside(object, field))
    }

    /// The rule of a field by its path alone, also of one that the tenant has no more: what was written of it is not forgotten.
    #[must_use]
    pub fn rule_of_path(&self, object: &'static Object, schema: &Schema, path: &str) -> Option<FieldRule> {
        match schema.field(path) {
            Some(field) => self.rule(object, field),
            None => self.rules.get(object.name)?.get(path).copied(),
        }
    }

    /// Hides what would tell a hidden field of the same record.
    fn hidden_beside(&self, object: &'static Object, field: &Field) -> Option<FieldRule> {
        let rules = self.rules.get(object.name).filter(|rules| !rules.is_empty() && !field.is_custom())?;
        let mut told = object.hidden_beside.iter().filter(|(own, _)| field.name == *own).map(|(_, told)| *told);
        told.any(|told| rules.get(told) == Some(&FieldRule::Hidden)).then_some(FieldRule::Hidden)
    }

    /// Hides what would tell a hidden field of the record that this one is a part of.
    fn hidden_with_parent(&self, object: &'static Object, field: &Field) -> Option<FieldRule> {
        let (_, of_parent) = object.hidden_with.iter().find(|(own, _)| !field.is_custom() && field.name == *own)?;
        let rule = self.rules.get(object.parent?.object)?.get(*of_parent)?;
        (*rule == FieldRule::Hidden).then_some(FieldRule::Hidden)
    }

    /// The first permission in `asked` that goes beyond what is held, as `object:action:scope`.
    #[must_use]
    pub fn first_beyond(&self, asked: &Grants) -> Option<String> {
        let mut beyond: Vec<String> = asked
            .scopes
            .iter()
            .filter(|(key, scope)| self.scopes.get(*key).is_none_or(|held| held < scope))
            .map(|((object, action), scope)| format!("{object}:{}:{}", action.as_str(), scope.as_str()))
            .collect();
        for (object, rules) in &self.rules {
            let Some(theirs) = asked.rules.get(object) else { continue };
            let opened = rules.iter().filter(|(field, rule)| theirs.get(*field).is_none_or(|theirs| theirs < *rule));
            beyond.extend(opened.map(|(field, _)| format!("{object}.{field}")));
        }
        beyond.sort();
        beyond.into_iter().next()
    }

    /// Every permission held, for `GET /v1/me`.
    #[must_use]
    pub fn list(&self) -> Vec<(&'static str, Action, Scope)> {
        let mut list: Vec<_> = self.scopes.iter().map(|((object, action), scope)| (*object, *action, *scope)).collect();
        list.sort_by_key(|(object, action, _)| (*object, action.as_str()));
        list
    }
}

/// What somebody must be permitted to do to a record to do something to its parts.
#[must_use]
pub fn upon_parent(action: Action) -> Action {
    match action {
        Action::Read | Action::Export => action,
        Action::Create | Action::Update | Action::Archive | Action::Import => Action::Update,
    }
}

fn permissions(role: &Record<Role>) -> Vec<(&'static str, Action, Scope)> {
    let mut permissions = Vec::new();
    for permission in role.get(Role::permissions) {
        for known in registry::subjects().filter(|known| permission.reaches(known)) {
            let actions = Action::ALL.into_iter().filter(|action| match permission.action {
                Actions::Every => true,
                Actions::One(permitted) => permitted == *action,
            });
            permissions.extend(actions.map(|action| (known.name, action, permission.scope)));
        }
    }
    permissions
}

fn field_rules(role: &Record<Role>, object: &str) -> HashMap<String, FieldRule> {
    let rules = role.get(Role::field_rules).into_iter();
    rules.filter(|ruled| ruled.object == object).map(|ruled| (ruled.field, ruled.rule)).collect()
}

/// Somebody who asks: a user of a tenant with what they may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Asker {
    pub user_id: Id,
    /// The user's own team and all below it.
    pub teams: Vec<Id>,
    /// The pools whose unowned records the user may know of, to claim them.
    pub pools: Vec<EntitledPool>,
    pub grants: Grants,
}

/// A pool that somebody is entitled to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntitledPool {
    pub id: Id,
    /// The object whose records are in it.
    pub object: String,
}

impl Asker {
    /// Which rows of an object an action reaches; none if it is not permitted at all.
    #[must_use]
    pub fn rows(&self, object: &'static Object, action: Action) -> Option<Predicate> {
        let scope = self.grants.scope(object.name, action)?;
        if let Some(user) = object.personal {
            return object.field(user).map(|field| Predicate::test(field, Op::Eq, Operand::Id(self.user_id)));
        }
        if let Some(attached) = &object.attached {
            return self.attached_rows(object, attached, action);
        }
        if scope == Scope::All {
            return Some(Predicate::all());
        }
        if let Some(parent) = object.parent {
            return self.related(object, parent.object, upon_parent(action));
        }
        let mut ways = vec![self.scoped_rows(object, scope)?];
        if action == Action::Read {
            ways.extend(self.pooled_rows(object));
            if let Some(author) = recurring::CREATED_BY.of(object).filter(|_| object.read_by_author) {
                ways.push(Predicate::test(author, Op::Eq, Operand::Id(self.user_id)));
            }
            ways.extend(self.shared_rows(object));
            ways.extend(object.read_with.iter().filter_map(|relation| self.related(object, relation, action)));
        }
        Some(if ways.len() == 1 { ways.remove(0) } else { Predicate::Or(ways) })
    }

    /// What others share with the user.
    fn shared_rows(&self, object: &'static Object) -> Option<Predicate> {
        let shared = object.field(object.shared_by?)?;
        let with = |sharing: Sharing| Predicate::test(shared, Op::Eq, Operand::Text(sharing.as_str().to_owned()));
        let teams = Operand::List(self.teams.iter().copied().map(Operand::Id).collect());
        let team = Predicate::test(recurring::TEAM_ID.of(object)?, Op::In, teams);
        Some(Predicate::Or(vec![with(Sharing::Everyone), with(Sharing::Team).and(team)]))
    }

    /// Whether a record is shared with the user.
    fn is_shared(&self, object: &Object, record: &Record) -> bool {
        let shared = object.shared_by.and_then(|name| object.field(name)).map(|field| record.cell(field));
        let shared = match shared.as_deref() {
            Some(Cell::Text(name)) => Sharing::from_wire(name),
            _ => None,
        };
        match shared {
            Some(Sharing::Everyone) => true,
            Some(Sharing::Team) => record.get(recurring::TEAM_ID).is_some_and(|team| self.teams.contains(&team)),
            Some(Sharing::Private) | None => false,
        }
    }

    /// What nobody owns of the pools that the user is entitled to.
    fn pooled_rows(&self, object: &'static Object) -> Option<Predicate> {
        let (owner, pool) = (recurring::OWNER_ID.of(object)?, recurring::POOL_ID.of(object)?);
        let pools: Vec<Operand> = self.pools_of(object).map(Operand::Id).collect();
        let unowned = Predicate::test(owner, Op::Null, Operand::Boolean(true));
        (!pools.is_empty()).then(|| unowned.and(Predicate::test(pool, Op::In, Operand::List(pools))))
    }

    fn pools_of(&self, object: &Object) -> impl Iterator<Item = Id> {
        self.pools.iter().filter(|pool| pool.object == object.name).map(|pool| pool.id)
    }

    /// The first permission of somebody that goes beyond what is held: of their roles, or of the teams and pools these reach.
    #[must_use]
    pub fn first_beyond(&self, theirs: &Asker) -> Option<String> {
        self.grants.first_beyond(&theirs.grants).or_else(|| self.first_reach_beyond(theirs, &theirs.in_no_team()))
    }

    /// The same grants without a place among the teams.
    #[must_use]
    pub fn in_no_team(&self) -> Asker {
        Asker { teams: Vec::new(), pools: Vec::new(), ..self.clone() }
    }

    /// The first permission of somebody by which their place among the teams reaches what is not held, but for what they reach
    /// from another place. Told is what would have to be held: the permission on all records.
    #[must_use]
    pub fn first_reach_beyond(&self, theirs: &Asker, other: &Asker) -> Option<String> {
        let by_team = theirs.teams.iter().any(|team| !other.teams.contains(team) && !self.teams.contains(team));
        let by_team = theirs.grants.scopes.iter().filter(|((object, _), scope)| {
            by_team && **scope == Scope::Team && registry::object(object).is_some_and(|object| object.bears(recurring::TEAM_ID))
        });
        let by_pool = theirs.pools.iter().filter(|pool| !other.pools.contains(pool) && !self.pools.contains(pool));
        let by_pool = by_pool.filter_map(|pool| {
            let object = registry::object(&pool.object)?;
            theirs.grants.scope(object.name, Action::Read).map(|_| (object.name, Action::Read))
        });
        let beyond = by_team.map(|(key, _)| *key).chain(by_pool).filter(|key| self.grants.scopes.get(key) != Some(&Scope::All));
        beyond.map(|(object, action)| format!("{object}:{}:{}", action.as_str(), Scope::All.as_str())).min()
    }

    /// Whether the user is entitled to the pool that a record belongs to.
    #[must_use]
    pub fn is_entitled(&self, object: &Object, record: &Record) -> bool {
        record.get(recurring::POOL_ID).is_some_and(|pool| self.pools_of(object).any(|known| known == pool))
    }

    /// Rows attached to a live record that an action reaches, and those of the user's own that are attached to nothing yet.
    fn attached_rows(&self, object: &'static Object, attached: &Attached, action: Action) -> Option<Predicate> {
        let nothing = Predicate::test(object.field(attached.field)?, Op::Null, Operand::Boolean(true));
        let author = Predicate::test(recurring::CREATED_BY.of(object)?, Op::Eq, Operand::Id(self.user_id));
        let reached = attached.targets.iter().filter_map(|target| {
            let target = registry::object(target)?;
            let mut rows = self.rows(target, upon_parent(action))?;
            if let Some(whole) = target.parent.and_then(|parent| target.relation(parent.object)) {
                // A part is not at hand while the whole is archived.
                let whole = Self::to(*whole, Predicate::all())?;
                rows = rows.and(whole);
            }
            let reach = Reach::Attached { object: attached.object, field: attached.field };
            Self::to(Relation { name: target.name, target: target.name, reach }, rows)
        });
        Some(Predicate::Or(std::iter::once(nothing.and(author)).chain(reached).collect()))
    }

    /// Rows related to a live record that a predicate describes.
    fn to(relation: Relation, predicate: Predicate) -> Option<Predicate> {
        let target = registry::object(relation.target)?;
        Some(Predicate::Related(Related { relation, target, none: false, predicate: Box::new(predicate) }))
    }

    /// Rows related to a record that an action reaches.
    fn related(&self, object: &'static Object, relation: &str, action: Action) -> Option<Predicate> {
        let relation = *object.relation(relation)?;
        let target = registry::object(relation.target)?;
        Self::to(relation, self.rows(target, action)?)
    }

    /// Rows told from their own owner and team.
    fn scoped_rows(&self, object: &'static Object, scope: Scope) -> Option<Predicate> {
        let own = || owner_field(object).map(|field| Predicate::test(field, Op::Eq, Operand::Id(self.user_id)));
        match (scope, recurring::TEAM_ID.of(object)) {
            (Scope::All, _) => Some(Predicate::all()),
            (Scope::Own, _) | (Scope::Team, None) => own(),
            (Scope::Team, Some(team)) => {
                let teams = self.teams.iter().copied().map(Operand::Id).collect();
                let team = Predicate::test(team, Op::In, Operand::List(teams));
                Some(Predicate::Or(vec![own()?, team]))
            }
        }
    }

    /// Whether an action reaches a record, told from its owner and team; a part of another record is reached as that is.
    #[must_use]
    pub fn reaches(&self, object: &'static Object, action: Action, record: &Record) -> bool {
        if let Some(user) = object.personal {
            return self.grants.scope(object.name, action).is_some() && self.is_named(record, object.field(user));
        }
        if object.attached.is_some() {
            // Whether it is read is told by the record that it belongs to, and whether it is changed is checked with that.
            return action != Action::Read && self.grants.scope(object.name, action).is_some();
        }
        // Who is entitled to a pool may read what is in it, and put new records there.
        let pooled = || {
            matches!(action, Action::Read | Action::Create)
                && object.bears(recurring::OWNER_ID)
                && record.is_null(recurring::OWNER_ID)
                && self.is_entitled(object, record)
        };
        let shared = || action == Action::Read && self.is_shared(object, record);
        let own = self.is_named(record, owner_field(object)) || pooled() || shared();
        match self.grants.scope(object.name, action) {
            None => false,
            Some(Scope::All) => true,
            Some(Scope::Own) => own,
            Some(Scope::Team) => own || record.get(recurring::TEAM_ID).is_some_and(|team| self.teams.contains(&team)),
        }
    }

    fn is_named(&self, record: &Record, field: Option<&Field>) -> bool {
        field.and_then(|field| record.cell(field).as_id()) == Some(self.user_id)
    }

    #[must_use]
    pub fn sees(&self, object: &'static Object, field: &Field) -> bool {
        self.grants.rule(object, field) != Some(FieldRule::Hidden)
    }

    /// The same of a field as the log names it.
    #[must_use]
    pub fn sees_path(&self, object: &'static Object, schema: &Schema, path: &str) -> bool {
        self.grants.rule_of_path(object, schema, path) != Some(FieldRule::Hidden)
    }
}

/// The field that says whose a record is.
fn owner_field(object: &Object) -> Option<&Field> {
    if object.name == User::NAME {
        return recurring::ID.of(object);
    }
    [recurring::OWNER_ID, recurring::USER_ID, recurring::CREATED_BY].into_iter().find_map(|owner| owner.of(object))
}

/// What an asker sees of a tenant's records.
pub struct AskerView<'a> {
    pub catalog: &'a Catalog,
    pub asker: &'a Asker,
    /// The segments that the asker may use.
    pub segments: &'a [KnownSegment],
    pub standards: Standards<'a>,
}

impl AskerView<'_> {
    /// The same for what is kept and asked later, for whoever: there nobody is `me`.
    #[must_use]
    pub fn of_nobody(self) -> Self {
        AskerView { standards: self.standards.of_nobody(), ..self }
    }

    /// The same for what a record alone must answer: who is in a segment may be decided elsewhere meanwhile.
    #[must_use]
    pub fn without_segments(self) -> Self {
        AskerView { segments: &[], ..self }
    }
}

impl View for AskerView<'_> {
    fn schema(&self, object: &str) -> Option<Schema> {
        registry::object(object).map(|object| self.catalog.schema(object))
    }

    fn rows(&self, object: &'static Object) -> Option<Predicate> {
        self.asker.rows(object, Action::Read)
    }

    fn sees(&self, object: &'static Object, field: &Field) -> bool {
        self.asker.sees(object, field)
    }

    fn segment(&self, id: Id) -> Option<&KnownSegment> {
        self.segments.iter().find(|segment| segment.id == id)
    }

    fn standards(&self) -> Standards<'_> {
        self.standards
    }
}
