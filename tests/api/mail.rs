//! A mail server of the test's own.

/// A mail server that takes what it is told, after refusing it once.
pub async fn mail_server() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    let (sender, mails) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut refused = false;
        while let Ok((socket, _)) = listener.accept().await {
            let (reader, mut writer) = socket.into_split();
            let mut lines = BufReader::new(reader).lines();
            let _ = writer.write_all(b"220 mail ready\r\n").await;
            while let Ok(Some(line)) = lines.next_line().await {
                let answer: &[u8] = match line.split([' ', ':']).next().unwrap_or_default() {
                    "MAIL" if !refused => {
                        refused = true;
                        b"451 try again\r\n"
                    }
                    "DATA" => {
                        let _ = writer.write_all(b"354 go on\r\n").await;
                        let mut mail = String::new();
                        while let Ok(Some(line)) = lines.next_line().await {
                            if line == "." {
                                break;
                            }
                            mail.push_str(&line);
                            mail.push('\n');
                        }
                        let _ = sender.send(mail);
                        b"250 taken\r\n"
                    }
                    _ => b"250 fine\r\n",
                };
                let _ = writer.write_all(answer).await;
            }
        }
    });
    (url, mails)
}

/// What a mail server was handed over.
pub struct Post {
    pub sender: String,
    pub recipients: Vec<String>,
    /// The raw message.
    pub raw: Vec<u8>,
}

impl Post {
    /// A header of the message, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.raw).replace("\r\n ", " ").replace("\r\n\t", " ");
        let head = text.split("\r\n\r\n").next().unwrap_or_default().to_owned();
        let found = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())))?;
        Some(found.split_once(':')?.1.trim().to_owned())
    }
}

/// A mail server that takes what it gets, except where it is told what to answer to a command.
pub struct PostOffice {
    pub url: String,
    pub posts: tokio::sync::mpsc::UnboundedReceiver<Post>,
    serving: tokio::task::JoinHandle<()>,
}

impl PostOffice {
    pub async fn open() -> PostOffice {
        PostOffice::answering("127.0.0.1:0", |_| None).await
    }

    /// One at an address; `answer` says what is answered to a command, if not that all is well.
    pub async fn answering(address: &str, answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> PostOffice {
        let listener = tokio::net::TcpListener::bind(address).await.expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("an address"));
        let (sender, posts) = tokio::sync::mpsc::unbounded_channel();
        let answer: Answering = std::sync::Arc::new(answer);
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, std::sync::Arc::clone(&answer), sender.clone()));
            }
        });
        PostOffice { url, posts, serving }
    }

    /// The next mail, which comes within a minute.
    pub async fn post(&mut self) -> Post {
        tokio::time::timeout(std::time::Duration::from_secs(60), self.posts.recv())
            .await
            .expect("a mail in time")
            .expect("a mail")
    }

    pub fn has_more(&mut self) -> bool {
        self.posts.try_recv().is_ok()
    }
}

/// What is answered to a command, if not that all is well.
type Answering = std::sync::Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl Drop for PostOffice {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(socket: tokio::net::TcpStream, answer: Answering, sender: tokio::sync::mpsc::UnboundedSender<Post>) {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let (reader, mut writer) = socket.into_split();
    let mut lines = BufReader::new(reader);
    let mut post = Post { sender: String::new(), recipients: Vec::new(), raw: Vec::new() };
    let _ = writer.write_all(b"220 mail ready\r\n").await;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        let command = String::from_utf8_lossy(&line).trim().to_owned();
        line.clear();
        let address = || command.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let told = answer(&command);
        let well = told.is_none();
        match command.split([' ', ':']).next().unwrap_or_default().to_uppercase().as_str() {
            "MAIL" if well => post = Post { sender: address(), recipients: Vec::new(), raw: Vec::new() },
            "RCPT" if well => post.recipients.push(address()),
            "DATA" if well => {
                let _ = writer.write_all(b"354 go on\r\n").await;
                while lines.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) && line != b".\r\n" {
                    post.raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                    line.clear();
                }
                // Who hangs up before the end has handed nothing over.
                if line != b".\r\n" {
                    return;
                }
                line.clear();
                let taken = std::mem::replace(&mut post, Post { sender: String::new(), recipients: Vec::new(), raw: Vec::new() });
                let _ = sender.send(taken);
            }
            _ => {}
        }
        let told = told.unwrap_or_else(|| "250 fine".to_owned());
        if writer.write_all(format!("{told}\r\n").as_bytes()).await.is_err() {
            break;
        }
    }
}
