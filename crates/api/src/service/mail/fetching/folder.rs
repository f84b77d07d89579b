//! A folder of an IMAP server, opened to read it. Whatever the server does, no step takes for ever.

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_imap::{Client, Session, types::Fetch};
use futures_util::TryStreamExt;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::settings::mail_source::{MailSource, Security};

/// How long the server may keep us waiting at each step, and for one message.
const PATIENCE: Duration = Duration::from_secs(20);
const PATIENCE_FOR_A_MESSAGE: Duration = Duration::from_secs(120);

/// What carries the bytes.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Debug {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Debug> Stream for S {}

type Connection = Box<dyn Stream>;

/// An open folder.
pub struct Folder {
    session: Session<Connection>,
    /// What the ids of its messages belong to: with another one, they are ids of other messages.
    pub uid_validity: i64,
    /// The id that the next message will have at least, if the server says.
    pub uid_next: Option<i64>,
}

impl Folder {
    pub async fn open(source: &MailSource) -> Result<Folder, String> {
        let mut client = connect(source).await?;
        if source.security == Security::StartTls {
            step(client.run_command_and_check_ok("STARTTLS", None)).await?;
            client = Client::new(Box::new(tls(client.into_inner(), &source.host).await?));
        }
        let login = client.login(&source.user, source.password.expose_secret());
        let mut session = match timeout(PATIENCE, login).await {
            Ok(Ok(session)) => session,
            Ok(Err((error, _))) => return Err(format!("the server does not let us in: {error}")),
            Err(_) => return Err(TOO_SLOW.to_owned()),
        };
        // NetEase (163.com, 126.com) opens no folder for programs that do not say who they are.
        if step(session.capabilities()).await?.has_str("ID") {
            step(session.id([("name", Some("Farley")), ("version", Some(env!("CARGO_PKG_VERSION")))])).await?;
        }
        let opened = step(session.select(&source.folder)).await?;
        let uid_validity = opened.uid_validity.ok_or("the server gives its messages no lasting ids")?;
        Ok(Folder { session, uid_validity: uid_validity.into(), uid_next: opened.uid_next.map(Into::into) })
    }

    /// The ids of messages behind one, in their order.
    pub async fn behind(&mut self, uid: i64) -> Result<Vec<i64>, String> {
        // `*` is the last message, whatever its id.
        let mut found = self.search(&format!("UID {}:*", uid + 1)).await?;
        found.retain(|found| *found > uid);
        Ok(found)
    }

    /// The ids of messages that nobody has read, in their order.
    pub async fn unread(&mut self) -> Result<Vec<i64>, String> {
        self.search("UNSEEN UNDELETED").await
    }

    async fn search(&mut self, query: &str) -> Result<Vec<i64>, String> {
        let mut found: Vec<i64> = step(self.session.uid_search(query)).await?.into_iter().map(Into::into).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// The size of a message in bytes; none if it is gone.
    pub async fn size(&mut self, uid: i64) -> Result<Option<u64>, String> {
        let fetched = self.fetch(uid, "(UID RFC822.SIZE)", PATIENCE).await?;
        Ok(fetched.map(|fetched| fetched.size.map_or(0, u64::from)))
    }

    /// A message as it was received; none if it is gone.
    pub async fn read(&mut self, uid: i64) -> Result<Option<Vec<u8>>, String> {
        let fetched = self.fetch(uid, "(UID BODY.PEEK[])", PATIENCE_FOR_A_MESSAGE).await?;
        Ok(fetched.and_then(|fetched| fetched.body().map(<[u8]>::to_vec)))
    }

    async fn fetch(&mut self, uid: i64, what: &str, patience: Duration) -> Result<Option<Fetch>, String> {
        let fetching = async {
            let all: Vec<Fetch> = self.session.uid_fetch(uid.to_string(), what).await?.try_collect().await?;
            Ok::<_, async_imap::error::Error>(all)
        };
        let all = timeout(patience, fetching).await.map_err(|_| TOO_SLOW.to_owned())?.map_err(|error| error.to_string())?;
        Ok(all.into_iter().find(|fetched| fetched.uid.map(i64::from) == Some(uid)))
    }

    /// Marks a message as read.
    pub async fn mark(&mut self, uid: i64) -> Result<(), String> {
        step(async {
            let told = self.session.uid_store(uid.to_string(), "+FLAGS.SILENT (\\Seen)").await?;
            told.try_for_each(|_| std::future::ready(Ok(()))).await
        })
        .await
    }

    pub async fn close(mut self) {
        // What was read is read, whatever the server says to our leaving.
        drop(step(self.session.logout()).await);
    }
}

const TOO_SLOW: &str = "the server took too long to answer";

async fn step<T>(doing: impl Future<Output = async_imap::error::Result<T>>) -> Result<T, String> {
    timeout(PATIENCE, doing).await.map_err(|_| TOO_SLOW.to_owned())?.map_err(|error| error.to_string())
}

async fn connect(source: &MailSource) -> Result<Client<Connection>, String> {
    let connecting = TcpStream::connect((source.host.as_str(), source.port));
    let tcp = timeout(PATIENCE, connecting).await.map_err(|_| TOO_SLOW.to_owned())?.map_err(|error| error.to_string())?;
    let stream: Connection = match source.security {
        Security::Tls => Box::new(tls(Box::new(tcp), &source.host).await?),
        Security::StartTls | Security::Plain => Box::new(tcp),
    };
    let mut client = Client::new(stream);
    let greeting = timeout(PATIENCE, client.read_response()).await.map_err(|_| TOO_SLOW.to_owned())?;
    greeting.map_err(|error| error.to_string())?.ok_or("the server hung up")?;
    Ok(client)
}

async fn tls(stream: Connection, host: &str) -> Result<impl Stream + 'static, String> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    timeout(PATIENCE, connecting).await.map_err(|_| TOO_SLOW.to_owned())?.map_err(|error| error.to_string())
}
