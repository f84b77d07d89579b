//! Real mail servers of the test's own, from the system's packages: Exim takes mail and keeps it in two boxes, the desk's and the
//! customers'; Dovecot lets the desk's be read.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor, address::Envelope};

use crate::support::{
    new_id,
    scratch::{self, Guard},
};

const SCRIPT: &str = "cd \"$0\" || exit 1\n\
    exim4 -C \"$0/exim.conf\" -bdf & exim=$!\n\
    dovecot -F -c \"$0/dovecot.conf\" & dovecot=$!\n\
    read _\n\
    kill $exim $dovecot\n\
    wait\n";

/// What keeps them from being started here; that fails where they are demanded.
pub fn missing() -> Option<&'static str> {
    let is_there = |program: &str| Path::new("/usr/sbin").join(program).exists();
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let missing = match (is_there("exim4"), is_there("dovecot"), is_root) {
        (true, true, true) => None,
        (true, true, false) => Some("only root may start exim4 and dovecot"),
        _ => Some("it needs exim4 and dovecot"),
    };
    let required = std::env::var("FARLEY_TEST_REQUIRE_MAIL_SERVERS").is_ok_and(|value| value == "1");
    assert!(missing.is_none() || !required, "FARLEY_TEST_REQUIRE_MAIL_SERVERS=1, but {}", missing.unwrap_or_default());
    missing
}

pub struct MailServers {
    folder: PathBuf,
    smtp: u16,
    imap: u16,
    guard: Option<Guard>,
}

impl MailServers {
    /// Starts them. What is written to `own`, with or without something behind a plus, goes to the desk's box.
    pub async fn start(own: &str) -> MailServers {
        let folder = scratch::folder().join(format!("mail-{}", new_id()));
        let (smtp, imap) = (free_port(), free_port());
        let place = folder.to_str().expect("a path in UTF-8");
        for part in ["spool", "log", "mail", "run"] {
            std::fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("a file");
        write("boxes", format!("{own}: desk\n*: customers\n"));
        write(
            "exim.conf",
            format!(
                "primary_hostname = mail.example.cn\nspool_directory = {place}/spool\nlog_file_path = {place}/log/%slog\n\
                 pid_file_path = {place}/exim.pid\nlocal_interfaces = 127.0.0.1\ndaemon_smtp_ports = {smtp}\n\
                 message_size_limit = 60M\nsmtp_accept_max = 0\nacl_smtp_rcpt = every\nexim_user = mail\nexim_group = mail\nnever_users =\n\
                 keep_environment =\ntls_advertise_hosts =\nbegin acl\nevery:\n  accept\nbegin routers\nboxes:\n  driver = accept\n  \
                 address_data = ${{lookup{{${{sg{{$local_part}}{{[+].*}}{{}}}}@$domain}}wildlsearch{{{place}/boxes}}}}\n  transport = box\n\
                 begin transports\nbox:\n  driver = appendfile\n  directory = {place}/mail/$address_data\n  maildir_format\n  \
                 create_directory\n  return_path_add\n  delivery_date_add\n  user = mail\n  group = mail\n"
            ),
        );
        write(
            "dovecot.conf",
            format!(
                "protocols = imap\nlisten = 127.0.0.1\nbase_dir = {place}/run\nstate_dir = {place}/run\nlog_path = {place}/dovecot.log\n\
                 ssl = no\ndisable_plaintext_auth = no\nmail_location = maildir:{place}/mail/%u\nfirst_valid_uid = 1\n\
                 passdb {{\n  driver = static\n  args = password=secret\n}}\n\
                 userdb {{\n  driver = static\n  args = uid=mail gid=mail home={place}/run\n}}\n\
                 service imap-login {{\n  inet_listener imap {{\n    port = {imap}\n  }}\n  inet_listener imaps {{\n    port = 0\n  }}\n}}\n"
            ),
        );
        let mut giving = std::process::Command::new("chown");
        giving.args(["-R", "mail:mail", "spool", "log", "mail"]).current_dir(&folder);
        let owned = giving.status().expect("chown runs");
        assert!(owned.success(), "the folders are given to the user of the servers");
        let guard = Guard::start(SCRIPT, &[place], None);
        let servers = MailServers { folder: folder.clone(), smtp, imap, guard: Some(guard) };
        for port in [smtp, imap] {
            let mut tries = 0;
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tries += 1;
                assert!(tries < 300, "the mail servers do not start: see {place}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        servers
    }

    pub fn smtp_url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.smtp)
    }

    /// Where the desk's box is read.
    pub fn imap_url(&self, own: &str) -> String {
        format!("imap://desk:secret@127.0.0.1:{}/INBOX?mailbox={own}", self.imap)
    }

    /// Hands a raw message over, as a customer's mail server does.
    pub async fn deliver(&self, to: &str, raw: &[u8]) {
        let address = |text: &str| text.parse::<Address>().expect("an address");
        let envelope = Envelope::new(Some(address("somebody@customers.example")), vec![address(to)]).expect("an envelope");
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(self.smtp).build();
        transport.send_raw(&envelope, raw).await.expect("it is taken");
    }

    /// What has reached the customers, in no order.
    pub fn customers_box(&self) -> Vec<Vec<u8>> {
        files_of(&self.folder.join("mail/customers/new")).iter().map(|file| std::fs::read(file).expect("a mail")).collect()
    }

    /// Gives the messages in the desk's box other ids, as where the box is made anew from a copy.
    pub fn give_other_ids(&self) {
        for file in files_of(&self.folder.join("mail/desk")) {
            if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("dovecot")) {
                std::fs::remove_file(file).expect("it is removed");
            }
        }
    }

    /// How many messages in the desk's box are marked as read, and how many are not.
    pub fn desk_box(&self) -> (usize, usize) {
        let files = [files_of(&self.folder.join("mail/desk/new")), files_of(&self.folder.join("mail/desk/cur"))].concat();
        let is_read = |file: &PathBuf| file.to_string_lossy().rsplit_once(":2,").is_some_and(|(_, flags)| flags.contains('S'));
        let read = files.iter().filter(|file| is_read(file)).count();
        (read, files.len() - read)
    }
}

impl Drop for MailServers {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            guard.end();
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.expect("an entry").path()).collect()
}
