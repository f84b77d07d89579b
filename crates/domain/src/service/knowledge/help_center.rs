//! Help centers: where the public reads articles.

use serde_json::json;

use crate::entity;

entity! {
    /// A help center: shows the published articles that are for everybody at GET /v1/help/{token}, without logging in, so that any site
    /// can render them. Nothing else leaves by it: no drafts, no earlier versions, no articles for customers or users alone.
    pub struct HelpCenter("help_center", "help-centers", "help_centers", "Help center", "帮助中心") [external] {
        /// The name; it is shown to visitors.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("帮助中心"),
        /// Its public identifier; POST …/rotate-token replaces it.
        token: Option<String> => text(100).filled().server_set().opaque().label("Token", "令牌").example("hc_3q2-7w"),
        /// Whether it can be read.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// The language of its articles, if a visitor names none. If absent, articles of all languages are listed.
        language: Option<String> => language().label("Language", "语言").example("zh-CN"),
        /// The origins of the sites allowed to show it. If empty, any site can.
        allowed_origins: Vec<String> => texts(50).opaque().label("Allowed origins", "允许的来源站点").example(json!(["https://help.example.cn"])),
        /// Whether visitors can say if an article was helpful.
        takes_votes: bool => boolean().default(true).label("Takes votes", "允许评价").example(true),
        /// The maximum number of votes per minute from one IP address.
        votes_per_minute: i64 => integer(1, 10_000).default(10).label("Votes per minute", "每分钟评价上限").example(10),
    }
    extend |object| object.configuration()
}
