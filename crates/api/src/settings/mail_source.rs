//! Where mail is fetched from: a folder of an IMAP server, as the settings name it.

use std::fmt;

use farley_domain::values::email;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use secrecy::SecretString;

/// How a connection is kept from being read on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte on.
    Tls,
    /// TLS once the server was asked for it.
    StartTls,
    /// Nothing: for servers on the same machine or network.
    Plain,
}

/// A folder of an IMAP server.
#[derive(Clone, Debug)]
pub struct MailSource {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: String,
    pub password: SecretString,
    pub folder: String,
    /// The address of the mailbox that its mail goes to.
    pub mailbox: String,
    /// The short name of the tenant; of the first one, if absent.
    pub tenant: Option<String>,
}

impl MailSource {
    /// Reads `imaps://user:password@host/folder?mailbox=address&tenant=slug`; the folder is `INBOX` and the mailbox the user's own address
    /// unless they are given.
    pub fn parse(text: &str) -> Result<MailSource, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
        let part = |text: &str, what: &str| decoded(text).map_err(|_| format!("{what} is not UTF-8"));
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("the host is missing")?.to_owned();
        let (user, password) = (part(url.username(), "the user")?, part(url.password().unwrap_or_default(), "the password")?);
        if user.is_empty() || password.is_empty() {
            return Err("it needs a user and a password".to_owned());
        }
        let folder = part(url.path().trim_start_matches('/'), "the folder")?;
        let (mut mailbox, mut tenant, mut wants_tls) = (None, None, false);
        for (name, value) in url.query_pairs() {
            match (name.as_ref(), value.as_ref()) {
                ("mailbox", address) => mailbox = Some(address.to_owned()),
                ("tenant", slug) => tenant = Some(slug.to_owned()),
                ("tls", "required") => wants_tls = true,
                ("tls", _) => return Err("tls can only be `required`".to_owned()),
                (other, _) => return Err(format!("{other} is unknown; there are mailbox, tenant and tls")),
            }
        }
        let (security, usual) = match (url.scheme(), wants_tls) {
            ("imaps", _) => (Security::Tls, 993),
            ("imap", true) => (Security::StartTls, 143),
            ("imap", false) => (Security::Plain, 143),
            _ => return Err("it must begin with imaps:// or imap://".to_owned()),
        };
        let address = mailbox.unwrap_or_else(|| user.clone());
        let mailbox = email::standardise(&address).map_err(|_| "the address of the mailbox is missing: mailbox=…".to_owned())?;
        let folder = if folder.is_empty() { "INBOX".to_owned() } else { folder };
        let port = url.port().unwrap_or(usual);
        Ok(MailSource { host, port, security, user, password: password.into(), folder, mailbox, tenant })
    }

    /// All that a setting names, one after the other with blanks between.
    pub fn all(setting: &str) -> Result<Vec<MailSource>, String> {
        let all: Vec<MailSource> = setting
            .split_whitespace()
            .enumerate()
            .map(|(place, text)| MailSource::parse(text).map_err(|error| format!("address {}: {error}", place + 1)))
            .collect::<Result<_, _>>()?;
        let mut names: Vec<String> = all.iter().map(MailSource::to_string).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(twice) => Err(format!("{} is there twice", twice[0])),
            None => Ok(all),
        }
    }
}

impl fmt::Display for MailSource {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MailSource { user, host, port, folder, .. } = self;
        write!(to, "{user}@{host}:{port}/{folder}")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn addresses_of_folders_are_read() {
        let source = MailSource::parse("imaps://support%40example.cn:p%40ss%2Fw%20rd@imap.example.cn").unwrap();
        assert_eq!((source.port, source.security, source.mailbox.as_str()), (993, Security::Tls, "support@example.cn"));
        assert_eq!((source.password.expose_secret(), source.folder.as_str()), ("p@ss/w rd", "INBOX"));
        let source = "imap://desk:secret@10.0.0.7:1143/Support/In?mailbox=support@example.cn&tenant=acme&tls=required";
        let source = MailSource::parse(source).unwrap();
        assert_eq!((source.security, source.tenant.as_deref()), (Security::StartTls, Some("acme")));
        assert_eq!(source.to_string(), "desk@10.0.0.7:1143/Support/In");
        assert_eq!(MailSource::parse("imap://a:b@h?mailbox=a@b.cn").unwrap().security, Security::Plain);
        assert_eq!(MailSource::all("imap://a:b@h?mailbox=a@b.cn\n imaps://a:b@h?mailbox=a@b.cn ").unwrap().len(), 2);
        for wrong in [
            "imap.example.cn",
            "pop3://a:b@h?mailbox=a@b.cn",
            "imap://h?mailbox=a@b.cn",
            "imap://a@h?mailbox=a@b.cn",
            "imap://a:b@h",
            "imap://a:b@h?mailbox=nobody",
            "imap://a:b@h?mailbox=a@b.cn&tls=maybe",
            "imap://a:b@h?mailbox=a@b.cn&starttls=1",
        ] {
            assert!(MailSource::parse(wrong).is_err(), "{wrong}");
        }
        assert!(MailSource::all("imap://a:b@h?mailbox=a@b.cn imap://a:c@h?mailbox=a@b.cn").is_err(), "the same folder twice");
    }
}
