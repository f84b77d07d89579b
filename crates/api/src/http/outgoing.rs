//! Calls to addresses that users choose. Nobody reaches by them what only this machine reaches: every address that a name leads to is
//! judged as a number, and the connection goes to the address that was judged and no other. Redirects are not followed, proxies of the
//! environment are not used, and no more is read of an answer than is needed.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use chrono::DateTime;
use farley_domain::values::time::Timestamp;
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::RETRY_AFTER,
    redirect::Policy,
};

use super::{clock, networks::Networks, problem::Problem, tls};

/// How long a call may take, with looking up the name, connecting and reading the answer.
const PATIENCE: Duration = Duration::from_secs(20);
const CONNECT_PATIENCE: Duration = Duration::from_secs(8);
/// How much of an answer is read, in bytes.
const READ: usize = 64 * 1024;

/// Whom users may let this server call.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// What is otherwise private and may be called all the same, by http too.
    allowed: Arc<Networks>,
    secure: Client,
    /// For what is allowed by name; nothing else is sent in the clear.
    plain: Client,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// The beginning of it, if it is long.
    pub body: Vec<u8>,
    /// After how many seconds to come back, if it says so.
    pub retry_after: Option<i64>,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It must not be called; trying again is of no use.
    Blocked(String),
    Unreached(String),
}

impl Outgoing {
    pub fn new(allowed: Networks) -> Result<Outgoing, Problem> {
        tls::provide();
        let allowed = Arc::new(allowed);
        let client = |judge: Judge| {
            Client::builder()
                .user_agent(concat!("Farley/", env!("CARGO_PKG_VERSION")))
                .timeout(PATIENCE)
                .connect_timeout(CONNECT_PATIENCE)
                .redirect(Policy::none())
                .referer(false)
                .no_proxy()
                .dns_resolver(Arc::new(judge))
                .build()
                .map_err(Problem::internal)
        };
        Ok(Outgoing {
            secure: client(Judge { allowed: Arc::clone(&allowed), only_allowed: false })?,
            plain: client(Judge { allowed: Arc::clone(&allowed), only_allowed: true })?,
            allowed,
        })
    }

    /// Posts a body, which must arrive in time.
    pub async fn post(
        &self,
        url: &str,
        headers: impl IntoIterator<Item = (&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<Answer, Unanswered> {
        let (url, is_secure) = self.judged(url)?;
        let client = if is_secure { &self.secure } else { &self.plain };
        let request = client.post(url).header("content-type", "application/json");
        let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let mut response = request.body(body).send().await.map_err(unanswered)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| seconds_of(value.to_str().ok()?, clock::now()));
        let mut body = Vec::new();
        while body.len() < READ {
            // Whether it was taken is told by the status; what cannot be read of the rest is not needed.
            let Ok(Some(piece)) = response.chunk().await else { break };
            body.extend_from_slice(&piece[..piece.len().min(READ - body.len())]);
        }
        Ok(Answer { status, body, retry_after })
    }

    /// The address to call, and whether that goes by TLS. Names are judged when they are looked up; a number is looked up by nobody.
    fn judged(&self, url: &str) -> Result<(Url, bool), Unanswered> {
        let blocked = |reason: String| Unanswered::Blocked(reason);
        let url = Url::parse(url).map_err(|error| blocked(error.to_string()))?;
        let is_secure = match url.scheme() {
            "https" => true,
            "http" => false,
            scheme => return Err(blocked(format!("{scheme} addresses are not called"))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(blocked("the address has a user name or password".to_owned()));
        }
        let host = url.host_str().ok_or_else(|| blocked("the address has no host".to_owned()))?;
        // The parser has brought every way to write a number into the usual one.
        let number = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse::<IpAddr>();
        if let Ok(number) = number {
            let judge = Judge { allowed: Arc::clone(&self.allowed), only_allowed: !is_secure };
            judge.judge(number).map_err(|refused| blocked(refused.to_string()))?;
        }
        Ok((url, is_secure))
    }
}

/// The seconds until the time that a header tells, in seconds or as a date (RFC 9110, 10.2.3).
fn seconds_of(text: &str, now: Timestamp) -> Option<i64> {
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Some(i64::from(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some((at.timestamp_millis() - now.milliseconds()).max(0) / 1000)
}

/// What is told of an error: what stood in its way, if that was a judge.
fn unanswered(error: reqwest::Error) -> Unanswered {
    let error = error.without_url();
    let (mut told, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return Unanswered::Blocked(refused.to_string());
        }
        let text = cause.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        next = cause.source();
    }
    Unanswered::Unreached(told)
}

/// Says which addresses may be called, and stands where names are looked up.
#[derive(Clone, Debug)]
struct Judge {
    allowed: Arc<Networks>,
    /// Whether only what the operator names may be called.
    only_allowed: bool,
}

impl Judge {
    fn judge(&self, address: IpAddr) -> Result<(), Refused> {
        let address = address.to_canonical();
        let refused = |reason| Err(Refused { address, reason });
        for reached in reached(address) {
            match kind(reached) {
                Kind::Never => return refused("is never called"),
                Kind::Private if !self.allowed.have(reached) => {
                    return refused("is private, and FARLEY_WEBHOOK_ALLOW does not name it");
                }
                Kind::Private | Kind::Public => {}
            }
        }
        if self.only_allowed && !self.allowed.have(address) {
            return refused("is called by https only");
        }
        Ok(())
    }
}

impl Resolve for Judge {
    /// All addresses of a name; none, if it has one that may not be called.
    fn resolve(&self, name: Name) -> Resolving {
        let (judge, name) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &found {
                judge.judge(address.ip())?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// An address that is not called.
#[derive(Clone, Copy, Debug)]
struct Refused {
    address: IpAddr,
    reason: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the address {} {}", self.address, self.reason)
    }
}

impl Error for Refused {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Public,
    /// Called if the operator names it.
    Private,
    /// The machine's own link, where clouds keep its credentials, and what is no single machine.
    Never,
}

/// Where clouds tell a machine its credentials, beside link-local addresses: Alibaba, Azure; Amazon, Google.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// What an address may lead to: itself, and the addresses of IPv4 that are written into it.
fn reached(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(six) = address else { return vec![address] };
    let parts = six.segments();
    let four = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    let mut reached = vec![address];
    match parts {
        // IPv4-compatible (RFC 4291), but for `::` and `::1`; NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) != (0, 0) && (high, low) != (0, 1) => reached = vec![four(high, low)],
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => reached = vec![four(high, low)],
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => reached.push(four(high, low)),
        // Teredo (RFC 4380): the server, and the client with its bits turned over.
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            reached.extend([four(server_high, server_low), four(!high, !low)])
        }
        // ISATAP (RFC 5214).
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => reached.push(four(high, low)),
        _ => {}
    }
    reached
}

fn kind(address: IpAddr) -> Kind {
    if METADATA.contains(&address) {
        return Kind::Never;
    }
    match address {
        IpAddr::V4(four) => match four.octets() {
            [0 | 224..=255, ..] | [169, 254, ..] | [192, 0, 0, _] => Kind::Never,
            [10 | 127, ..]
            | [100, 64..=127, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _] => Kind::Private,
            _ => Kind::Public,
        },
        IpAddr::V6(six) => match six.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0] | [0x100, 0, 0, 0, ..] | [0xfe80..=0xfebf | 0xff00..=0xffff, ..] => Kind::Never,
            // Documentation and what IETF protocols have for themselves, but for Teredo.
            [0x2001, 0xdb8, ..] | [0x2001, 1..=0x1ff, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Private,
            [0x2000..=0x3fff, ..] => Kind::Public,
            _ => Kind::Private,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(allowed: &str, url: &str) -> Result<bool, Unanswered> {
        let outgoing = Outgoing::new(Networks::read(allowed).unwrap()).unwrap();
        outgoing.judged(url).map(|(_, is_secure)| is_secure)
    }

    /// However it is written, what is private is not called, and what is never called is not even where it is named.
    #[test]
    fn addresses_are_judged_as_numbers() {
        let everything = "0.0.0.0/0, ::/0";
        for (host, is_private) in [
            ("127.0.0.1", true),
            ("127.1", true),
            ("2130706433", true),
            ("0x7f000001", true),
            ("0x7f.0.0.1", true),
            ("0177.0.0.1", true),
            ("127.0.0.1.", true),
            ("１２７.０.０.１", true),
            ("10.1.2.3", true),
            ("172.31.255.255", true),
            ("192.168.0.1", true),
            ("100.64.0.1", true),
            ("198.18.0.1", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("[::ffff:7f00:1]", true),
            ("[::7f00:1]", true),
            ("[64:ff9b::7f00:1]", true),
            ("[64:ff9b:1::7f00:1]", true),
            ("[2002:7f00:1::]", true),
            ("[2001:0:a00:1::f7f7:f7f7]", true),
            ("[2001:0:808:808::80ff:fffe]", true),
            ("[2a00::5efe:10.0.0.1]", true),
            ("[2a00::200:5efe:10.0.0.1]", true),
            ("[fd00::1]", true),
            ("[fec0::1]", true),
            ("[2001:db8::1]", true),
            ("0.0.0.0", false),
            ("0", false),
            ("[::]", false),
            ("[::ffff:0:0]", false),
            ("169.254.169.254", false),
            ("0xa9fea9fe", false),
            ("[::ffff:a9fe:a9fe]", false),
            ("[::a9fe:a9fe]", false),
            ("[64:ff9b::a9fe:a9fe]", false),
            ("[2002:a9fe:a9fe::]", false),
            ("[2001:0:a9fe:a9fe::]", false),
            ("[2001:0:808:808::5601:5601]", false),
            ("[fe80::1]", false),
            ("[fd00:ec2::254]", false),
            ("100.100.100.200", false),
            ("168.63.129.16", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("[ff02::1]", false),
        ] {
            let url = format!("https://{host}/hook");
            assert!(matches!(judged("", &url), Err(Unanswered::Blocked(_))), "{host}");
            assert_eq!(judged(everything, &url).is_ok(), is_private, "{host}");
        }
        for host in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "[2606:4700::1111]", "[64:ff9b::808:808]", "[2002:808:808::]"] {
            assert_eq!(judged("", &format!("https://{host}:8443/hook")), Ok(true), "{host}");
            assert!(judged("10.0.0.0/8", &format!("http://{host}/hook")).is_err(), "{host}");
        }
        assert_eq!(judged("10.0.0.0/8", "http://10.1.2.3/hook"), Ok(false));
        assert_eq!(judged("10.0.0.0/8", "https://[::ffff:10.1.2.3]/hook"), Ok(true));
        assert!(judged("10.0.0.0/8", "http://192.168.0.1/hook").is_err());
        for url in
            ["ftp://8.8.8.8", "https://user@8.8.8.8", "https://:pass@8.8.8.8", "file:///etc/passwd", "gopher://8.8.8.8", "x"]
        {
            assert!(matches!(judged(everything, url), Err(Unanswered::Blocked(_))), "{url}");
        }
    }

    #[test]
    fn when_to_come_back_is_told_in_seconds_or_as_a_date() {
        let now = Timestamp::parse("2026-03-01T08:00:00Z").unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 01 Mar 2026 08:02:30 GMT", Some(150)),
            ("Sun, 01 Mar 2026 07:00:00 GMT", Some(0)),
            ("-5", None),
            ("99999999999", None),
            ("soon", None),
        ] {
            assert_eq!(seconds_of(text, now), seconds, "{text}");
        }
    }

    /// A name is judged by what it leads to when the connection is made, and a redirect leads nowhere.
    #[actix_web::test]
    async fn names_are_judged_when_they_are_looked_up() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().take(2) {
                let mut stream = stream.unwrap();
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked);
                let long = "x".repeat(READ * 2);
                let head = "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nConnection: close\r\nContent-Length: ";
                let _ = stream.write_all(format!("{head}{}\r\n\r\n{long}", long.len()).as_bytes());
            }
        });
        let url = format!("http://localhost:{port}/hook");
        let call = async |allowed: &str, url: &str| {
            Outgoing::new(Networks::read(allowed).unwrap()).unwrap().post(url, [], b"{}".to_vec()).await
        };
        let blocked = call("", &url).await.unwrap_err();
        assert!(matches!(&blocked, Unanswered::Blocked(reason) if reason.contains("is private")), "{blocked:?}");
        let blocked = call("", &url.replace("http:", "https:")).await.unwrap_err();
        assert!(matches!(&blocked, Unanswered::Blocked(reason) if reason.contains("is private")), "{blocked:?}");
        let answer = call("127.0.0.0/8, ::1", &url).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (302, READ));
        let unreached = call("127.0.0.0/8, ::1", "http://localhost:1/").await.unwrap_err();
        assert!(matches!(&unreached, Unanswered::Unreached(_)), "{unreached:?}");
    }
}
