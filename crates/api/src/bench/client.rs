//! A small HTTP/1.1 client over one keep-alive connection: little of its own to measure, and the same for every work.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::Error;

/// The largest answer taken.
const LARGEST: usize = 64 * 1024 * 1024;

pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Where an answer stands in the buffer.
struct Head {
    status: u16,
    body: usize,
    end: usize,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Result<Client, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a whole request; the status and the body of the answer.
    pub async fn send(&mut self, request: &[u8]) -> Result<(u16, &[u8]), Error> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if let Some(head) = head(&self.buffer)?
                && self.buffer.len() >= head.end
            {
                return Ok((head.status, &self.buffer[head.body..head.end]));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(Error::Answer("the server closed the connection".to_owned()));
            }
        }
    }
}

/// Reads the head of an answer, if all of it has come.
fn head(buffer: &[u8]) -> Result<Option<Head>, Error> {
    let Some(length) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let malformed = || Error::Answer("the answer is no HTTP/1.1 with a length".to_owned());
    let text = std::str::from_utf8(&buffer[..length]).map_err(|_| malformed())?;
    let status: u16 = text.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(malformed)?;
    let mut content = (status == 204 || status == 304).then_some(0);
    for line in text.split("\r\n").skip(1) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            content = value.trim().parse().ok();
        }
    }
    let content: usize = content.filter(|content| *content <= LARGEST).ok_or_else(malformed)?;
    Ok(Some(Head { status, body: length + 4, end: length + 4 + content }))
}

/// A request without a body.
pub fn get(path: &str, token: Option<&str>) -> Vec<u8> {
    let credential = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{credential}\r\n").into_bytes()
}

/// A request with a JSON body; `headers` are whole lines.
pub fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A text as part of a query (RFC 3986).
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_once_they_are_whole() {
        assert!(head(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap().is_none());
        let head = head(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\n{}").unwrap().unwrap();
        assert_eq!((head.status, head.end - head.body), (201, 2));
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(escaped("华 a"), "%E5%8D%8E%20a");
    }
}
