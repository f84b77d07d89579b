//! Servers of others that Farley posts to: they keep what they get, and answer what they are told to.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use farley::http::clock;
use farley_domain::integration::signature;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A bridge that keeps what it gets and answers what it is told to, in turn; the last answer again and again.
pub struct Bridge {
    pub url: String,
    posts: tokio::sync::mpsc::UnboundedReceiver<Post>,
}

pub struct Post {
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Post {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether it is signed with a secret.
    pub fn holds(&self, secret: &Value) -> bool {
        let told = [signature::ID, signature::TIMESTAMP, signature::SIGNATURE].map(|name| self.header(name));
        signature::verify(&[key(secret)], told, &self.body, clock::now()).is_ok()
    }
}

/// What a bridge answers: status, after how many seconds to come back, body.
pub type Answered = (u16, Option<u32>, &'static str);

impl Bridge {
    pub async fn open(answers: &'static [(u16, &'static str)]) -> Bridge {
        Bridge::answering(move |turn, _| {
            let (status, body) = answers[answers.len().min(turn + 1) - 1];
            (status, None, body)
        })
        .await
    }

    /// One that answers by the turn and by what it gets.
    pub async fn answering(answer: impl Fn(usize, &Value) -> Answered + Send + 'static) -> Bridge {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (sender, posts) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            for turn in 0.. {
                let Ok((mut socket, _)) = listener.accept().await else { return };
                let mut read = Vec::new();
                let (head, length) = loop {
                    if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
                        break (0, 0);
                    }
                    let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                    let text = String::from_utf8_lossy(&read[..head]).to_lowercase();
                    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                    break (head, length.unwrap_or(0));
                };
                while read.len() < head + 4 + length && socket.read_buf(&mut read).await.unwrap_or(0) > 0 {}
                let text = String::from_utf8_lossy(&read[..head]).into_owned();
                let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
                let headers = text.lines().skip(1).filter_map(pair).collect();
                let post = Post { headers, body: read.get(head + 4..).unwrap_or_default().to_vec() };
                let (status, later, body) = answer(turn, &serde_json::from_slice(&post.body).unwrap_or_default());
                let _ = sender.send(post);
                let later = later.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
                let head =
                    format!("HTTP/1.1 {status} x\r\n{later}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
                let _ = socket.write_all(head.as_bytes()).await;
            }
        });
        Bridge { url, posts }
    }

    /// The text of the next message that it gets.
    pub async fn text(&mut self) -> String {
        let told: Value = serde_json::from_slice(&self.post().await.body).unwrap();
        told["data"]["text"].as_str().unwrap().to_owned()
    }

    pub async fn post(&mut self) -> Post {
        tokio::time::timeout(Duration::from_secs(60), self.posts.recv()).await.expect("a post in time").expect("a post")
    }
}

pub fn key(secret: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(secret.as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap()
}
