//! The file itself: entries with their checksums, written and read in constant memory.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs::{File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tar::{Archive, Builder, EntryType, Header};

/// The first entry, and the last.
pub const HEAD: &str = "farley.json";
const CHECKSUMS: &str = "checksums.json";
/// The version of the form of such files.
const FORMAT: u32 = 1;

/// What a file says first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    pub format: u32,
    /// `tenant` or `database`.
    pub holds: Holds,
    /// The version of Farley that wrote it.
    pub farley: String,
    /// The newest migration of the database it comes from.
    pub schema: String,
    pub written_at: String,
    pub tenant: Option<TenantHead>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    Tenant,
    Database,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TenantHead {
    pub id: String,
    pub slug: String,
    pub name: String,
}

impl Head {
    pub fn new(holds: Holds, schema: String, tenant: Option<TenantHead>) -> Head {
        let written_at = crate::http::clock::now().to_string();
        Head { format: FORMAT, holds, farley: env!("CARGO_PKG_VERSION").to_owned(), schema, written_at, tenant }
    }
}

/// What an entry is, to be known again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Checksum {
    bytes: u64,
    sha256: String,
}

pub fn failed(path: &Path, error: impl Display) -> String {
    format!("{}: {error}", path.display())
}

/// A new file, in place of what an interrupted command left, that nobody but its owner reads where the system knows owners: it has secrets.
pub fn secret_file(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file that is being written. It has its name once it is whole.
pub struct Packer {
    path: PathBuf,
    beside: PathBuf,
    tar: Builder<GzEncoder<BufWriter<File>>>,
    checksums: BTreeMap<String, Checksum>,
}

impl Packer {
    pub fn create(path: &Path, head: &Head) -> Result<Packer, String> {
        if path.exists() {
            return Err(failed(path, "there is such a file already"));
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(".part");
        let beside = PathBuf::from(beside);
        let file = secret_file(&beside).map_err(|error| failed(&beside, error))?;
        let tar = Builder::new(GzEncoder::new(BufWriter::new(file), Compression::fast()));
        let mut packer = Packer { path: path.to_owned(), beside, tar, checksums: BTreeMap::new() };
        let head = serde_json::to_vec(head).map_err(|error| error.to_string())?;
        packer.add(HEAD, &head)?;
        Ok(packer)
    }

    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), String> {
        self.add_read(name, content.len() as u64, content)
    }

    /// Adds an entry of so many bytes as they are read.
    pub fn add_read(&mut self, name: &str, bytes: u64, content: impl Read) -> Result<(), String> {
        let mut hashed = Hashed { inner: content.take(bytes), hash: Sha256::new(), bytes: 0 };
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(bytes);
        header.set_mode(0o600);
        self.tar.append_data(&mut header, name, &mut hashed).map_err(|error| failed(&self.beside, error))?;
        if hashed.bytes != bytes {
            return Err(failed(&self.beside, format!("{name} has {} bytes, not {bytes}", hashed.bytes)));
        }
        self.checksums.insert(name.to_owned(), hashed.checksum());
        Ok(())
    }

    /// Ends the file, with the checksums, and gives it its name.
    pub fn finish(mut self) -> Result<(), String> {
        let checksums = serde_json::to_vec(&self.checksums).map_err(|error| error.to_string())?;
        self.add(CHECKSUMS, &checksums)?;
        let Packer { path, beside, tar, .. } = self;
        let written = tar.into_inner().and_then(GzEncoder::finish).and_then(|mut file| {
            file.flush()?;
            file.get_ref().sync_all()?;
            std::fs::rename(&beside, &path)
        });
        written.map_err(|error| failed(&path, error))
    }
}

/// What counts and hashes what is read.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R> Hashed<R> {
    fn checksum(self) -> Checksum {
        Checksum { bytes: self.bytes, sha256: format!("{:x}", self.hash.finalize()) }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Reads a file to its end and holds each entry against its checksum; what it says first, if all of it is whole.
pub fn verify(path: &Path) -> Result<Head, String> {
    let (mut head, mut found, mut listed) = (None, BTreeMap::new(), None);
    each_entry(path, |name, content| {
        if listed.is_some() {
            return Err(failed(path, "there is something behind its end"));
        }
        let mut hashed = Hashed { inner: content, hash: Sha256::new(), bytes: 0 };
        if name == HEAD {
            head = Some(read_json::<Head>(path, &mut hashed)?);
        } else if name == CHECKSUMS {
            listed = Some(read_json::<BTreeMap<String, Checksum>>(path, &mut hashed)?);
            return Ok(());
        } else {
            io::copy(&mut hashed, &mut io::sink()).map_err(|error| failed(path, error))?;
        }
        let again = found.insert(name.to_owned(), hashed.checksum());
        again.map_or(Ok(()), |_| Err(failed(path, format!("{name} is in it twice"))))
    })?;
    let listed = listed.ok_or_else(|| failed(path, "it ends too soon: it was cut off, or is no file of Farley's"))?;
    if listed != found {
        let wrong = found.iter().find(|(name, checksum)| listed.get(*name) != Some(checksum)).map(|(name, _)| name.as_str());
        return Err(failed(path, format!("{} is not as it was written", wrong.unwrap_or("an entry"))));
    }
    let head = head.ok_or_else(|| failed(path, "it does not say what it is"))?;
    if head.format != FORMAT {
        return Err(failed(path, format!("it has the form {}, which this Farley does not know", head.format)));
    }
    Ok(head)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path, content: &mut impl Read) -> Result<T, String> {
    let read = serde_json::from_reader(BufReader::new(&mut *content)).map_err(|error| failed(path, error))?;
    // What is behind it counts too.
    io::copy(content, &mut io::sink()).map_err(|error| failed(path, error))?;
    Ok(read)
}

/// Gives each entry with its name.
pub fn each_entry(path: &Path, mut take: impl FnMut(&str, &mut dyn Read) -> Result<(), String>) -> Result<(), String> {
    let failed = |error: io::Error| failed(path, error);
    let file = File::open(path).map_err(failed)?;
    let mut archive = Archive::new(GzDecoder::new(BufReader::new(file)));
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let name = entry.path().map_err(failed)?.to_string_lossy().into_owned();
        take(&name, &mut entry)?;
    }
    Ok(())
}
