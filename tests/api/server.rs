//! A server of the test's own, in this process, on a free port.

use std::{path::Path, sync::Arc, thread::JoinHandle};

use actix_web::dev::ServerHandle;
use farley::{access::state::State, app::server, settings::Settings};
use serde_json::{Value, json};

use crate::{client::Client, support::TestDb};

pub const ADMIN: &str = "admin@example.com";
pub const PASSWORD: &str = "a good long passphrase";
/// Lets tests make tenants.
pub const OPERATOR_KEY: &str = "the operator's own key";

pub struct Server {
    pub url: String,
    pub app: Arc<State>,
    /// Keeps the database for as long as the server.
    #[allow(dead_code, reason = "held, not read")]
    pub db: TestDb,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// The settings of a test's server; nothing is taken from the environment that matters here.
pub fn settings(url: &str) -> Settings {
    let flags = [("database_url", url.to_owned()), ("listen", "127.0.0.1:0".to_owned()), ("rate_limit", "0".to_owned())];
    let mut settings = Settings::read(Path::new("no such file"), &flags).expect("settings of a test");
    settings.admin_email = Some(ADMIN.to_owned());
    settings.admin_password = Some(PASSWORD.into());
    settings.data_dir = data_dir(url);
    settings.operator_key = Some(OPERATOR_KEY.into());
    settings.workers = 2;
    settings.database_connections = 8;
    settings.shutdown_timeout = 5;
    settings
}

/// Where the servers on one database keep files.
pub fn data_dir(url: &str) -> std::path::PathBuf {
    let name: String = url.chars().filter(char::is_ascii_alphanumeric).collect();
    crate::support::scratch::folder().join(format!("data_{name}"))
}

impl Server {
    pub async fn start(db: TestDb) -> Server {
        Server::start_with(db, |_| {}).await
    }

    pub async fn start_with(db: TestDb, change: impl FnOnce(&mut Settings)) -> Server {
        let mut settings = settings(&db.url);
        change(&mut settings);
        let (started, starting) = tokio::sync::oneshot::channel();
        // As `farley serve` does it: a thread with actix's own runtime.
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let running = server::start(settings).await.expect("the server starts");
                let told = started.send((running.addresses.clone(), Arc::clone(&running.state), running.server.handle()));
                assert!(told.is_ok(), "the test waits for its server");
                running.run().await.expect("the server ends well");
            });
        });
        let (addresses, app, handle) = starting.await.expect("the server starts");
        Server { url: format!("http://{}", addresses[0]), app, db, handle, thread: Some(thread) }
    }

    /// Somebody who is not logged in.
    pub fn anybody(&self) -> Client {
        Client::new(&self.url)
    }

    pub async fn login(&self, email: &str, password: &str) -> Client {
        self.anybody().login(json!({"email": email, "password": password})).await
    }

    pub async fn admin(&self) -> Client {
        self.login(ADMIN, PASSWORD).await
    }

    /// A new user with a ready-made role, invited and logged in; `more` goes into the user's record.
    pub async fn user(&self, admin: &Client, name: &str, role: &str, more: Value) -> Client {
        let role = admin.role(role).await;
        self.user_with(admin, name, json!([role]), more).await
    }

    /// A new user with just these permissions, as `object action scope`.
    pub async fn user_who_may(
        &self,
        admin: &Client,
        name: &str,
        permissions: &[&str],
        field_rules: Value,
        more: Value,
    ) -> Client {
        let permissions: Vec<Value> = permissions
            .iter()
            .map(|permission| {
                let words: Vec<&str> = permission.split(' ').collect();
                json!({"object": words[0], "action": words[1], "scope": words[2]})
            })
            .collect();
        let body = json!({"name": format!("role of {name}"), "permissions": permissions, "field_rules": field_rules});
        let role = admin.post("/v1/roles", body).await.ok(201);
        self.user_with(admin, name, json!([role["id"]]), more).await
    }

    pub async fn user_with(&self, admin: &Client, name: &str, role_ids: Value, more: Value) -> Client {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let mut body = json!({"name": name, "email": email, "role_ids": role_ids});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let user = admin.post("/v1/users", body).await.ok(201);
        let accepted = json!({"token": user["invitation_token"], "password": PASSWORD});
        let tokens = self.anybody().post("/v1/auth/accept", accepted).await.ok(200);
        let mut client = self.anybody().with_token(tokens["access_token"].as_str().expect("a token"));
        client.tokens = tokens;
        client.id = user["id"].as_str().expect("an id").to_owned();
        client
    }

    /// As a signal to end does: no new requests, those under way are finished, then the store is closed.
    pub async fn stop_gracefully(mut self) {
        self.handle.stop(true).await;
        if let Some(thread) = self.thread.take() {
            tokio::task::spawn_blocking(move || thread.join())
                .await
                .expect("the thread is waited for")
                .expect("the server ends well");
        }
    }

    /// Another tenant with its administrator logged in.
    pub async fn other_tenant(&self, slug: &str) -> Client {
        let body = json!({"slug": slug, "name": slug, "admin_email": ADMIN, "admin_password": PASSWORD});
        self.anybody().with_token(OPERATOR_KEY).post("/v1/tenants", body).await.ok(201);
        self.anybody().login(json!({"email": ADMIN, "password": PASSWORD, "tenant": slug})).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Sends the order at once; the future only waits for it to be carried out.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
