//! A small HTTP client for tests: what is sent, and what must come back.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
};

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
    /// As log-in gave them.
    pub tokens: Value,
    /// The user's id.
    pub id: String,
}

impl Client {
    pub fn new(url: &str) -> Client {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        Client { http: http.expect("a client"), url: url.to_owned(), token: None, tokens: Value::Null, id: String::new() }
    }

    pub fn with_token(&self, token: &str) -> Client {
        Client { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    pub async fn login(&self, body: Value) -> Client {
        let tokens = self.post("/v1/auth/login", body).await.ok(200);
        let mut client = self.with_token(tokens["access_token"].as_str().expect("a token"));
        client.tokens = tokens;
        client.id = client.get("/v1/me").await.ok(200)["id"].as_str().expect("an id").to_owned();
        client
    }

    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: Value) -> Request {
        self.request(Method::POST, path).json(&body)
    }

    pub fn put(&self, path: &str, body: Value) -> Request {
        self.request(Method::PUT, path).json(&body)
    }

    pub fn patch(&self, path: &str, body: Value) -> Request {
        self.request(Method::PATCH, path).json(&body)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// Listens to server-sent events, after the one with an id.
    pub async fn stream(&self, path: &str, after: Option<&str>) -> Stream {
        let request = self.request(Method::GET, path);
        let request = if let Some(id) = after { request.header("Last-Event-ID", id) } else { request };
        let response = request.builder.send().await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().expect("a type"))
        );
        Stream { response, text: String::new() }
    }

    pub fn request(&self, method: Method, path: &str) -> Request {
        let builder = self.http.request(method.clone(), format!("{}{path}", self.url));
        let builder = match &self.token {
            Some(token) => builder.bearer_auth(token),
            None => builder,
        };
        Request { builder, what: format!("{method} {path}"), by: self.id.clone(), headers: Vec::new(), sent: Value::Null }
    }

    /// Creates a record and gives its id.
    pub async fn create(&self, collection: &str, body: Value) -> String {
        let record = self.post(&format!("/v1/{collection}"), body).await.ok(201);
        record["id"].as_str().expect("an id").to_owned()
    }

    /// A custom field of customers, in force at once.
    pub async fn custom_field(&self, key: &str, kind: &str, more: Value) -> Value {
        let mut body = json!({"object": "customer", "key": key, "field_type": kind});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        self.post("/v1/custom-fields", body).await.ok(201)
    }

    /// The id of a ready-made role.
    pub async fn role(&self, key: &str) -> String {
        let roles = self.get(&format!("/v1/roles?key={key}")).await.ok(200);
        roles["data"][0]["id"].as_str().expect("a ready-made role").to_owned()
    }

    /// One field of each record of a list, as text.
    pub async fn list(&self, path: &str, field: &str) -> Vec<String> {
        self.get(path).await.each(field)
    }

    /// The names of the records of a list, in its order.
    pub async fn names(&self, path: &str) -> Vec<String> {
        self.list(path, "name").await
    }

    /// The names of the customers that a filter in JSON lets through, in the order of their names.
    pub async fn matching(&self, filter: Value) -> Vec<String> {
        let body = json!({"filter": filter, "sort": "name", "limit": 200});
        self.post("/v1/customers/search", body).await.each("name")
    }
}

/// Server-sent events as they come.
pub struct Stream {
    response: reqwest::Response,
    text: String,
}

#[derive(Debug, Default)]
pub struct StreamEvent {
    pub kind: String,
    pub id: String,
    pub data: String,
}

impl Stream {
    /// The next event; comments are passed over.
    pub async fn event(&mut self) -> StreamEvent {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let mut event = StreamEvent::default();
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("event", kind)) => event.kind = kind.to_owned(),
                        Some(("id", id)) => event.id = id.to_owned(),
                        Some(("data", data)) => event.data = data.to_owned(),
                        _ => {}
                    }
                }
                self.text = rest.to_owned();
                if !event.kind.is_empty() {
                    return event;
                }
                continue;
            }
            let waiting = tokio::time::timeout(std::time::Duration::from_secs(30), self.response.chunk());
            let chunk = waiting.await.expect("an event comes in time").expect("the stream goes on").expect("it has not ended");
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// Whether nothing comes any more.
    pub async fn ends(mut self) -> bool {
        let ending = tokio::time::timeout(std::time::Duration::from_secs(10), self.response.chunk());
        self.text.is_empty() && matches!(ending.await, Ok(Ok(None)))
    }
}

/// A request; awaiting it sends it.
pub struct Request {
    builder: reqwest::RequestBuilder,
    /// Method and path.
    pub what: String,
    /// The id of the user who asks; empty for nobody.
    pub by: String,
    /// The headers that a test sets.
    pub headers: Vec<(String, String)>,
    /// The body, if it is JSON.
    pub sent: Value,
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        Request { builder: self.builder.header(name, value), ..self }
    }

    pub fn json(self, body: &Value) -> Request {
        Request { builder: self.builder.json(body), sent: body.clone(), ..self }
    }

    /// A body as it is, under a media type.
    pub fn body(self, media_type: &str, body: impl Into<reqwest::Body>) -> Request {
        let builder = self.builder.header("Content-Type", media_type).body(body);
        Request { builder, sent: Value::String(format!("({media_type})")), ..self }
    }

    /// The same request once more, if its body can be sent again.
    pub fn again(&self) -> Option<Request> {
        let builder = self.builder.try_clone()?;
        Some(Request {
            builder,
            what: self.what.clone(),
            by: self.by.clone(),
            headers: self.headers.clone(),
            sent: self.sent.clone(),
        })
    }

    /// Sends it and reads no body: the status.
    pub async fn opened(self) -> u16 {
        self.builder.send().await.expect("an answer").status().as_u16()
    }

    /// Sends it; an error if no answer comes.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let response = self.builder.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        let what = if self.sent.is_null() { self.what } else { format!("{} {}", self.what, self.sent) };
        Ok(Answer { what, status, headers, text, body })
    }
}

impl Request {
    /// Sends it; the headers and the bytes of what comes, as they travel.
    pub async fn raw(self) -> (HeaderMap, Vec<u8>) {
        let response = self.builder.send().await.expect("an answer");
        let headers = response.headers().clone();
        (headers, response.bytes().await.expect("all of it").to_vec())
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let what = self.what.clone();
            self.try_send().await.unwrap_or_else(|error| panic!("{what}: {error:?}"))
        })
    }
}

#[derive(Clone, Debug)]
pub struct Answer {
    what: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// Null where there is none.
    pub body: Value,
}

impl Answer {
    /// The body, if the status is the one expected.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}\n{}", self.what, self.text);
        self.body
    }

    /// The problem, which must be a complete one of this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let what = format!("{}\n{}", self.what, self.text);
        assert_eq!((self.status, self.body["code"].as_str().unwrap_or_default()), (status, code), "{what}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{what}");
        assert_eq!(self.body["status"], status, "{what}");
        assert_eq!(self.body["type"], format!("https://farley.dev/problems/{code}"), "{what}");
        assert_eq!(self.body["request_id"], self.header("x-request-id"), "{what}");
        for member in ["title", "detail", "instance"] {
            let text = self.body[member].as_str().unwrap_or_default();
            assert!(!text.is_empty() && !text.contains('{'), "{member}: {what}");
        }
        self.body
    }

    /// Pointer and code of every fault, for a request refused with this status.
    #[track_caller]
    pub fn faults(self, status: u16) -> Vec<(String, String)> {
        let code = match status {
            400 => "invalid_request",
            _ => "rule_violated",
        };
        let problem = self.refused(status, code);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let faults = problem["errors"].as_array().expect("a list of faults").iter();
        faults.map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect()
    }

    /// One field of each record of a list, as text.
    #[track_caller]
    pub fn each(self, field: &str) -> Vec<String> {
        let what = self.what.clone();
        let body = self.ok(200);
        let records = body["data"].as_array().unwrap_or_else(|| panic!("{what}: no list")).iter();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        records.map(|record| text(&record[field])).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Pairs of texts, for comparing faults.
pub fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}
