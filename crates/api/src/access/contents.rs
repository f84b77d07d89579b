//! The contents of files: where they are kept, and how they are written and read in constant memory. A folder of this machine, or a
//! bucket that speaks S3.

use std::{
    io::{Read, Seek, SeekFrom},
    ops::Range,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
};

use actix_web::web::Bytes;
use farley_domain::values::id::Id;
use futures_util::{Stream, StreamExt, stream};
use object_store::{
    GetOptions, GetRange, GetResultPayload, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, aws::AmazonS3Builder,
    local::LocalFileSystem, path::Path,
};
use secrecy::ExposeSecret;

use crate::{
    http::{
        problem::{Code, Problem},
        tls,
    },
    settings::Settings,
};

/// How much of a content is held before it is written, in bytes: a folder takes any, S3 parts of at least 5 MiB.
const LOCAL_PART: usize = 256 * 1024;
const S3_PART: usize = 5 * 1024 * 1024;
/// How much is read from a folder at once, in bytes.
const CHUNK: usize = 128 * 1024;

/// Where contents are kept.
pub struct Contents {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The folder, if it is one.
    folder: Option<PathBuf>,
    part: usize,
}

/// A content as it is read, chunk by chunk.
pub type Reading = Pin<Box<dyn Stream<Item = Result<Bytes, Problem>> + Send>>;

impl Contents {
    /// Opens what the settings name; a folder is made if it is not there.
    pub fn open(settings: &Settings) -> Result<Contents, String> {
        let Some(url) = &settings.files_url else { return Contents::folder(settings.data_dir.join("files")) };
        match url.split_once("://") {
            Some(("s3", place)) => {
                let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
                Contents::bucket(settings, bucket, prefix)
            }
            Some(("file", folder)) => Contents::folder(PathBuf::from(folder)),
            Some(_) | None => Err("must begin with s3:// or file://".to_owned()),
        }
    }

    fn folder(folder: PathBuf) -> Result<Contents, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
        std::fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| failed(&error))?;
        // A row must not outlive its content when the power fails.
        let store = Arc::new(store.with_fsync(true));
        Ok(Contents { store, prefix: Path::default(), folder: Some(folder), part: LOCAL_PART })
    }

    fn bucket(settings: &Settings, bucket: &str, prefix: &str) -> Result<Contents, String> {
        tls::provide();
        // What the settings leave out, the usual variables and the machine's own role may say.
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_region(&settings.files_region);
        // Not every server that speaks S3 deletes several at once.
        builder = builder.with_disable_bulk_delete(true);
        if let Some(endpoint) = &settings.files_endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let (Some(id), Some(key)) = (&settings.files_access_key, &settings.files_secret_key) {
            builder = builder.with_access_key_id(id).with_secret_access_key(key.expose_secret());
        }
        let store = builder.build().map_err(|error| error.to_string())?;
        let prefix = Path::parse(prefix).map_err(|error| error.to_string())?;
        Ok(Contents { store: Arc::new(store), prefix, folder: None, part: S3_PART })
    }

    /// Where a content is. Nothing that a client typed is in it.
    fn place(&self, tenant: Id, content: Id) -> Path {
        let name = content.to_string();
        // The end of an id is random, its beginning tells the time.
        let shelf = name.get(name.len().saturating_sub(2)..).unwrap_or_default().to_owned();
        self.prefix.clone().join(tenant.to_string()).join(shelf).join(name)
    }

    /// Begins to store a content; nothing is there to be read until it has been finished.
    #[must_use]
    pub fn write(&self, tenant: Id, content: Id) -> Writing {
        let place = self.place(tenant, content);
        Writing { store: Arc::clone(&self.store), place, part: self.part, held: Vec::new(), size: 0, upload: None }
    }

    /// Reads bytes of a content.
    pub async fn read(&self, tenant: Id, content: Id, range: Range<u64>) -> Result<Reading, Problem> {
        if range.is_empty() {
            return Ok(stream::empty().boxed());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
        let found = self.store.get_opts(&self.place(tenant, content), options).await.map_err(unreached)?;
        Ok(match found.payload {
            GetResultPayload::File(file, _) => of_file(file, range).boxed(),
            GetResultPayload::Stream(stream) => stream.map(|chunk| chunk.map_err(unreached)).boxed(),
        })
    }

    /// Removes a content, and what is left of one that was not finished.
    pub async fn remove(&self, tenant: Id, content: Id) -> Result<(), Problem> {
        let place = self.place(tenant, content);
        if let Some(folder) = &self.folder {
            // What a process that was killed had begun.
            let begun = folder.join(format!("{place}#1"));
            drop(tokio::task::spawn_blocking(move || std::fs::remove_file(begun)).await);
        }
        match self.store.delete(&place).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unreached(error)),
        }
    }
}

/// Reads a range of a file in chunks, away from the threads that serve.
fn of_file(file: std::fs::File, range: Range<u64>) -> impl Stream<Item = Result<Bytes, Problem>> + Send {
    stream::try_unfold((file, range), |(mut file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let reading = tokio::task::spawn_blocking(move || {
            let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let mut chunk = vec![0; left.min(CHUNK)];
            file.seek(SeekFrom::Start(range.start))?;
            file.read_exact(&mut chunk)?;
            let next = range.start + chunk.len() as u64..range.end;
            Ok::<_, std::io::Error>((Bytes::from(chunk), (file, next)))
        });
        reading.await.map_err(Problem::internal)?.map(Some).map_err(Problem::internal)
    })
}

/// What went wrong with the store, for whoever asked: it is not there now.
fn unreached(error: object_store::Error) -> Problem {
    match error {
        object_store::Error::NotFound { .. } => Problem::internal(error),
        error => {
            tracing::warn!(%error, "the store of files failed");
            Problem::new(Code::Unavailable).retry_after(5)
        }
    }
}

/// A content on its way into the store.
pub struct Writing {
    store: Arc<dyn ObjectStore>,
    place: Path,
    part: usize,
    held: Vec<Bytes>,
    size: usize,
    /// Once it is too large to be stored at once.
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Writing {
    /// Takes the next bytes; waits while the store is slower than its client.
    pub async fn add(&mut self, chunk: Bytes) -> Result<(), Problem> {
        self.size += chunk.len();
        self.held.push(chunk);
        if self.size < self.part {
            return Ok(());
        }
        let part = self.held();
        if self.upload.is_none() {
            self.upload = Some(self.store.put_multipart(&self.place).await.map_err(unreached)?);
        }
        match &mut self.upload {
            Some(upload) => upload.put_part(part).await.map_err(unreached),
            None => Ok(()),
        }
    }

    fn held(&mut self) -> PutPayload {
        self.size = 0;
        // In one piece: thousands of small ones would each keep a buffer of the connection.
        std::mem::take(&mut self.held)
            .into_iter()
            .fold(Vec::new(), |mut all, chunk| {
                all.extend_from_slice(&chunk);
                all
            })
            .into()
    }

    /// Makes the content one that can be read.
    pub async fn finish(mut self) -> Result<(), Problem> {
        let rest = self.held();
        let Some(mut upload) = self.upload.take() else {
            return self.store.put(&self.place, rest).await.map(drop).map_err(unreached);
        };
        if rest.content_length() > 0 {
            upload.put_part(rest).await.map_err(unreached)?;
        }
        upload.complete().await.map(drop).map_err(unreached)
    }

    /// Leaves nothing behind.
    pub async fn abort(mut self) {
        if let Some(mut upload) = self.upload.take()
            && let Err(error) = upload.abort().await
        {
            tracing::debug!(%error, "an upload could not be given up");
        }
    }
}
