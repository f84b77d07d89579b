//! Users: the people who work here.

use crate::{
    choices, entity,
    model::{
        field::Link,
        object::{Reach, Relation},
        record::Record,
    },
};

choices! {
    /// Whether a user can log in.
    pub enum UserStatus {
        Invited "invited" "Invited" "已邀请",
        Active "active" "Active" "启用",
        Deactivated "deactivated" "Deactivated" "停用",
    }
}

/// The roles of a user.
pub static USER_ROLES: Link = Link { table: "user_roles", from: "user_id", to: "role_id", target: "role", shared: false };

entity! {
    /// A user: a member of the organization. A user is invited, sets a password, and is active until deactivated.
    pub struct User("user", "users", "users", "User", "用户") [external, custom] {
        /// The user's name.
        name: String => text(120).required().title().indexed().keyed().label("Name", "姓名").example("王芳"),
        /// The e-mail address to log in with; unique among live users.
        email: String => email().required().searchable().indexed().sensitive().label("E-mail", "邮箱").example("wang.fang@example.cn"),
        /// The user's phone number.
        phone: Option<String> => phone().sensitive().label("Phone", "电话").example("+8613800138000"),
        /// Whether the user can log in; changed with `deactivate` and `activate`.
        status: Option<UserStatus> => choice(UserStatus::choices()).server_set().indexed().default("invited").label("Status", "状态").example("active"),
        /// The team the user belongs to.
        team_id: Option<crate::values::id::Id> => reference("team").indexed().label("Team", "团队"),
        /// The roles that determine what the user can do.
        role_ids: Vec<crate::values::id::Id> => references(&USER_ROLES).indexed().label("Roles", "角色"),
        /// The user's skills: a queue gives a ticket only to agents with all skills that it requires, regardless of case and width.
        skills: Vec<String> => texts(50).label("Skills", "技能").example(serde_json::json!(["network", "日语"])),
        /// How many unsolved tickets queues may let the user have; as many as the queue says, if absent.
        ticket_capacity: Option<i64> => integer(0, 10_000).label("Ticket capacity", "工单上限").example(20),
        /// The user's job title.
        title: Option<String> => text(100).label("Title", "职务").example("销售经理"),
        /// What is put under the user's mails to customers, in Markdown.
        signature: Option<String> => long_text(2_000).opaque().label("Signature", "签名").example("王芳"),
        /// The language of messages to the user.
        language: Option<String> => language().opaque().label("Language", "语言").example("zh-CN"),
        /// The user's time zone.
        time_zone: Option<String> => time_zone().opaque().label("Time zone", "时区").example("Asia/Shanghai"),
    }
    extend |object| object
        .relations([
            Relation { name: "team", target: "team", reach: Reach::ToOne { field: "team_id" } },
            Relation { name: "roles", target: "role", reach: Reach::Linked { link: &USER_ROLES, holder: true } },
        ])
        .unique("users_email_key", "email")
}

/// Whether a user may be given new work: not once deactivated or archived. What is given to somebody who is only invited waits for
/// them.
#[must_use]
pub fn takes_work(user: &Record<User>) -> bool {
    let is_deactivated = match user.get(User::status) {
        Some(UserStatus::Deactivated) => true,
        Some(UserStatus::Active | UserStatus::Invited) | None => false,
    };
    !user.is_archived() && !is_deactivated
}

/// Whether Farley itself may choose a user for new work, whom nobody has named: those who can see it now.
#[must_use]
pub fn is_at_hand(user: &Record<User>) -> bool {
    takes_work(user) && user.get(User::status) == Some(UserStatus::Active)
}
