//! A whole database of SQLite, with the files in its folder.

use std::{
    fs::{self, File},
    io::{self, Read, Write as _},
    path::{Component, Path, PathBuf},
};

use clap::Args;
use farley_persistence::archive::{Outgoing, snapshot};

use super::packing::{self, Head, Holds, Packer, failed};
use crate::settings::Settings;

/// The entry of the database, and where the files begin.
const DATABASE: &str = "farley.db";
const FILES: &str = "files";

#[derive(Args)]
pub struct BackupArgs {
    /// The file to write, such as `farley.backup.tar.gz`
    file: PathBuf,
}

#[derive(Args)]
pub struct RestoreArgs {
    /// A file that `farley backup` wrote
    file: PathBuf,
}

/// Where the database is, and the folder of files, if there is one.
fn places(settings: &Settings) -> Result<(String, PathBuf, Option<PathBuf>), String> {
    let url = settings.database_url();
    let Some(path) = url.strip_prefix("sqlite:") else {
        return Err("PostgreSQL is backed up by its own means: pg_dump, or continuous archiving; the README says how".to_owned());
    };
    let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
    let files = match &settings.files_url {
        None => Some(settings.data_dir.join("files")),
        Some(url) => url.strip_prefix("file://").map(PathBuf::from),
    };
    Ok((url, path, files))
}

/// Writes the database, as it is at this moment, and the files into one file; a server may go on meanwhile.
pub fn backup(args: &BackupArgs, settings: &Settings) -> Result<(), String> {
    let (url, path, files) = places(settings)?;
    if !path.exists() {
        return Err(failed(&path, "there is no database"));
    }
    let told = |error: farley_persistence::StoreError| error.to_string();
    let head = Head::new(Holds::Database, Outgoing::open(&url).and_then(|mut outgoing| outgoing.schema()).map_err(told)?, None);
    let mut packer = Packer::create(&args.file, &head)?;
    let mut copy = args.file.as_os_str().to_owned();
    copy.push(".db.part");
    let copy = PathBuf::from(copy);
    // SQLite writes into an empty file that is there.
    packing::secret_file(&copy).map_err(|error| failed(&copy, error))?;
    let copied = copy.to_str().ok_or_else(|| failed(&copy, "the path is not UTF-8"))?;
    snapshot(&url, copied).map_err(told)?;
    let packed = pack_file(&mut packer, DATABASE, &copy);
    drop(fs::remove_file(&copy));
    packed?;
    // A content is stored before its row: what the database knows of is there by now.
    let mut count = 0;
    for (name, file) in files.iter().map(|folder| below(folder, FILES)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        count += usize::from(pack_file(&mut packer, &name, &file)?);
    }
    packer.finish()?;
    println!("{}: {} and {count} files", args.file.display(), path.display());
    if files.is_none() {
        println!("the files are in {}, and not in the backup", settings.files_url.as_deref().unwrap_or_default());
    }
    Ok(())
}

/// Adds a file; false if it has been removed meanwhile.
fn pack_file(packer: &mut Packer, name: &str, path: &Path) -> Result<bool, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(path, error)),
    };
    let bytes = file.metadata().map_err(|error| failed(path, error))?.len();
    packer.add_read(name, bytes, file)?;
    Ok(true)
}

/// The files below a folder with their names in the archive. What is only begun to be stored has a `#` in its name.
fn below(folder: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(folder, error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(folder, error))?;
        let (path, own) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let name = format!("{name}/{own}");
        if path.is_dir() {
            found.extend(below(&path, &name)?);
        } else if !own.contains('#') {
            found.push((name, path));
        }
    }
    Ok(found)
}

/// Puts a database and its files where none are; nothing is there by halves: the database gets its name last.
pub fn restore(args: &RestoreArgs, settings: &Settings) -> Result<(), String> {
    let (_, path, files) = places(settings)?;
    let head = packing::verify(&args.file)?;
    if head.holds != Holds::Database {
        return Err(failed(&args.file, "it is no backup; `farley import-all` reads tenants"));
    }
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    if let Some(there) = [path.clone(), beside("-wal")].iter().find(|path| path.exists()) {
        return Err(failed(there, "there is a database already; move it away first"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let (part, mut count, mut has_database) = (beside(".part"), 0, false);
    packing::each_entry(&args.file, |name, content| {
        if name == DATABASE {
            has_database = true;
            return unpack_file(&part, content);
        }
        let Some(rest) = name.strip_prefix(FILES).and_then(|rest| rest.strip_prefix('/')) else { return Ok(()) };
        let is_below = Path::new(rest).components().all(|component| matches!(component, Component::Normal(_)));
        let files = files.as_ref().filter(|_| is_below);
        let files = files.ok_or_else(|| failed(&args.file, format!("{name} has no place here")))?;
        count += 1;
        unpack_file(&files.join(rest), content)
    })?;
    if !has_database {
        return Err(failed(&args.file, "there is no database in it"));
    }
    fs::rename(&part, &path).map_err(|error| failed(&part, error))?;
    sync(folder)?;
    println!("{}: the database of {} and {count} files", path.display(), head.written_at);
    Ok(())
}

fn unpack_file(path: &Path, content: &mut dyn Read) -> Result<(), String> {
    let failed = |error: io::Error| failed(path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = packing::secret_file(path).map_err(failed)?;
    io::copy(content, &mut file).map_err(failed)?;
    file.flush().map_err(failed)?;
    file.sync_all().map_err(failed)
}

/// Makes names in a folder last.
fn sync(folder: &Path) -> Result<(), String> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, error))?;
    }
    Ok(())
}
