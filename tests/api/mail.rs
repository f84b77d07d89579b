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
