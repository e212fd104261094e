//! Private folders and durable files. What every file of a store goes through.
//!
//! - **Private.** Folders are 0700 and files 0600 from the instant they exist, whatever the umask: the
//!   mode is given to the call that creates them, never set afterwards. What belongs to another user,
//!   is a symbolic link, has a second name (a hard link), is no plain file, or is larger than 1 MiB is
//!   refused, and refused at once: nothing here opens a pipe and waits.
//! - **Found too open.** A folder or file of the store that others may read is set right, with a warning
//!   in the log: a folder made by hand is 0755 by custom, and to refuse it would help nobody. Two
//!   exceptions are refused: a home that holds other things and no vault, which may be somebody's whole
//!   home; and the key file (`vault_key.rs`), because who could read it may have.
//! - **Durable.** A write goes to a new file beside its target, is synced, is renamed over the target,
//!   and then the folder is synced. A reader, and whoever comes after a crash, finds the old bytes or
//!   the new ones, whole.
//! - **Leftovers** of writers that were killed are removed by a later write, once they are an hour old:
//!   no living writer takes that long between creating its file and renaming it. One write in 64 looks,
//!   by chance: a look takes as long as the folder has names, and no leftover is in a hurry to go.
//!
//! May not enter: what the bytes mean. The system calls are in `files/unix.rs`, and plain ones for
//! Windows, where a user's own folders are private already, in `files/windows.rs`.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::{Stamp, Watch, key};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::random_bytes;

#[cfg(unix)]
#[path = "files/unix.rs"]
mod platform;
#[cfg(windows)]
#[path = "files/windows.rs"]
mod platform;

pub(crate) use platform::{mode_of, too_open};

/// A record is a few kilobytes. Whatever is larger was not written here.
const MAX_FILE: u64 = 1024 * 1024;
/// See the header.
const LEFTOVER_AGE: Duration = Duration::from_secs(3600);
const WRITES_PER_LOOK: u8 = 64;

/// What may be in a store's home before there is a vault.
#[cfg(unix)]
const OWN_NAMES: [&str; 5] = ["vault.key", "records", "registrations", "locks", "providers"];

/// The folders of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    /// The store itself: `vault.json` and, with a key file, `vault.key`.
    Home,
    /// One sealed file per connection.
    Records,
    /// One sealed file per client registration.
    Registrations,
    /// One empty file per lock.
    Locks,
}

impl Folder {
    /// Where it is in the store at `home`.
    pub(crate) fn path(self, home: &Path) -> PathBuf {
        match self {
            Folder::Home => home.to_owned(),
            Folder::Records => home.join("records"),
            Folder::Registrations => home.join("registrations"),
            Folder::Locks => home.join("locks"),
        }
    }
}

/// A folder that was looked at and found to be ours alone. All calls are on the folder that was looked
/// at, not on whatever bears its name later.
pub(crate) struct PrivateDir {
    place: Place,
    handle: platform::Dir,
}

/// What an error has to name: the file, and the store whose repair is the answer.
pub(crate) struct Place {
    home: PathBuf,
    path: PathBuf,
}

/// A file that was read, and what it looked like before that.
struct ReadFile {
    bytes: Zeroizing<Vec<u8>>,
    seen: Metadata,
    file: File,
}

impl PrivateDir {
    /// The folder, or `None` when it does not exist.
    pub(crate) fn open(home: &Path, folder: Folder) -> Result<Option<Self>> {
        let place = Place { home: home.to_owned(), path: folder.path(home) };
        match platform::Dir::open(&place.path) {
            Ok(handle) => {
                handle.check(&place)?;
                Ok(Some(PrivateDir { place, handle }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(place.failed("cannot be opened", &error)),
        }
    }

    /// The folder, made if need be.
    pub(crate) fn create(home: &Path, folder: Folder) -> Result<Self> {
        if let Some(dir) = PrivateDir::open(home, folder)? {
            return Ok(dir);
        }
        if folder != Folder::Home {
            PrivateDir::create(home, Folder::Home)?;
        }
        let place = Place { home: home.to_owned(), path: folder.path(home) };
        make_dir(&place.path).map_err(|error| place.failed("cannot be made", &error))?;
        PrivateDir::open(home, folder)?
            .ok_or_else(|| place.failed("cannot be made", &io::ErrorKind::NotFound.into()))
    }

    /// Where `name` is.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.place.path.join(name)
    }

    /// All of the file, or `None` when it does not exist. Wiped when dropped: one file is a key.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        Ok(self.open_and_read(name)?.map(|read| read.bytes))
    }

    /// The same, and a watch on the file that was read.
    pub(crate) fn read_watched(&self, name: &str) -> Result<Option<(Zeroizing<Vec<u8>>, Watch)>> {
        let watched = |read: ReadFile| (read.bytes, platform::watch(read.file, &read.seen));
        Ok(self.open_and_read(name)?.map(watched))
    }

    fn open_and_read(&self, name: &str) -> Result<Option<ReadFile>> {
        let place = self.place_of(name);
        let mut file = match self.handle.open_file(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(place.failed("cannot be opened", &error)),
        };
        let seen = platform::check_file(&file, &place)?;
        if seen.len() > MAX_FILE {
            return Err(place.refused("is too large to be a file of the store"));
        }
        // Room for all of it and one more byte: a buffer that grew would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(seen.len()).unwrap_or(0) + 1));
        let read = (&mut file).take(MAX_FILE + 1).read_to_end(&mut bytes);
        read.map_err(|error| place.failed("cannot be read", &error))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(place.refused("is too large to be a file of the store"));
        }
        Ok(Some(ReadFile { bytes, seen, file }))
    }

    /// Replaces the file. When this returns, the new bytes survive a loss of power.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let place = self.place_of(name);
        if bytes.len() as u64 > MAX_FILE {
            return Err(Error::new(ErrorKind::Internal, format!("{place} would grow past its limit")));
        }
        // A name that nobody else can have: even if a lock were lost, each writer renames its own bytes.
        let random = random_bytes::<8>()?;
        let temporary = format!(".{name}.{}.tmp", key::to_hex(&random));
        if random[0].is_multiple_of(WRITES_PER_LOOK) {
            self.remove_leftovers();
        }
        let written = self.write_new(&temporary, bytes).and_then(|()| self.handle.rename(&temporary, name));
        if let Err(error) = written {
            // Best effort: what stays is removed as a leftover.
            let _ = self.handle.unlink(&temporary);
            return Err(place.failed("cannot be written", &error));
        }
        self.handle.sync().map_err(|error| place.failed("cannot be written", &error))
    }

    /// Makes a file and removes it again: whether there is room and permission, only that tells.
    pub(crate) fn check_writable(&self) -> Result<()> {
        let temporary = format!(".check.{}.tmp", key::to_hex(&random_bytes::<8>()?));
        let made = self.write_new(&temporary, b"x");
        let removed = self.handle.unlink(&temporary);
        made.and(removed).map_err(|error| self.place.failed("cannot be written to", &error))
    }

    /// Removes the file, durably; true when there was one.
    pub(crate) fn remove(&self, name: &str) -> Result<bool> {
        let place = self.place_of(name);
        match self.handle.unlink(name) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(place.failed("cannot be removed", &error)),
        }
        self.handle.sync().map_err(|error| place.failed("cannot be removed", &error))?;
        Ok(true)
    }

    /// Renames a damaged file to `<name>.corrupt-<unix seconds>`, where nothing looks for it and
    /// nothing overwrites it. The caller holds the lock that every writer of this file holds, so that
    /// nobody takes the free name between the look and the rename.
    pub(crate) fn keep_aside(&self, name: &str) -> Result<PathBuf> {
        let place = self.place_of(name);
        let now = SystemClock.now().wall.as_unix();
        let mut aside = format!("{name}.corrupt-{now}");
        let mut count = 0;
        while self.handle.exists(&aside).map_err(|error| place.failed("cannot be kept aside", &error))? {
            count += 1;
            aside = format!("{name}.corrupt-{now}-{count}");
        }
        self.handle
            .rename(name, &aside)
            .and_then(|()| self.handle.sync())
            .map_err(|error| place.failed("cannot be kept aside", &error))?;
        Ok(self.path_of(&aside))
    }

    /// The names in the folder, in no order. Names that are no text were not written here.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let failed = |error| self.place.failed("cannot be listed", &error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.place.path).map_err(failed)? {
            if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The stamp of a file, or `None` when it does not exist.
    pub(crate) fn stamp(&self, name: &str) -> Result<Option<Stamp>> {
        match std::fs::symlink_metadata(self.path_of(name)) {
            Ok(found) => Ok(Some(platform::stamp(&found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.place_of(name).failed("cannot be looked at", &error)),
        }
    }

    /// The file that a lock is taken on, made if need be.
    pub(crate) fn lock_file(&self, name: &str) -> Result<File> {
        let place = self.place_of(name);
        let file =
            self.handle.open_or_create(name).map_err(|error| place.failed("cannot be opened", &error))?;
        platform::check_file(&file, &place)?;
        Ok(file)
    }

    /// A new file with these bytes, on disk when this returns.
    fn write_new(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.handle.create_new(name)?;
        file.write_all(bytes)?;
        // Before the rename: a name that points at bytes still in memory would survive a crash, and
        // the bytes would not.
        file.sync_all()
    }

    /// Best effort: a leftover is sealed and private, and only takes up room.
    fn remove_leftovers(&self) {
        for name in self.names().unwrap_or_default() {
            if name.starts_with('.') && name.ends_with(".tmp") {
                let modified =
                    std::fs::symlink_metadata(self.path_of(&name)).and_then(|file| file.modified());
                let age = modified.ok().and_then(|then| SystemTime::now().duration_since(then).ok());
                if age.is_some_and(|age| age > LEFTOVER_AGE) {
                    let _ = self.handle.unlink(&name);
                }
            }
        }
    }

    fn place_of(&self, name: &str) -> Place {
        Place { home: self.place.home.clone(), path: self.path_of(name) }
    }
}

impl Place {
    /// It is not what it should be, and nobody touched it.
    fn refused(&self, why: &str) -> Error {
        Error::new(ErrorKind::StoreUnavailable, format!("{self} {why}")).with_help(format!(
            "look at it, then move it out of the way: `mv {0} {0}.moved`",
            quoted(&self.path)
        ))
    }

    /// A system call on it failed.
    fn failed(&self, what: &str, error: &io::Error) -> Error {
        let help = match error.kind() {
            io::ErrorKind::ReadOnlyFilesystem => Some(
                "the file system is read-only: name a folder that can be written with TOKENKEEP_HOME"
                    .to_owned(),
            ),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("the disk is full: make room and run the command again".to_owned())
            }
            _ => platform::repair(self, error),
        };
        let failed = Error::new(ErrorKind::StoreUnavailable, format!("{self} {what}: {error}"));
        match help {
            Some(help) => failed.with_help(help),
            None => failed,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Makes the folder and those above it, each private, each durable: a folder that a crash takes away
/// takes its files with it.
fn make_dir(path: &Path) -> io::Result<()> {
    let made = match platform::make_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            make_dir(parent.ok_or(error)?)?;
            platform::make_dir(path)
        }
        made => made,
    };
    match made {
        // Another process was faster: its folder will do, once it has been looked at.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// The path as a shell wants it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
