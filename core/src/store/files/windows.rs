//! The calls of a private folder, on Windows: the folders of a user's profile are private by
//! inheritance, so the modes and owners of Unix have nothing to add; links and odd files are refused
//! all the same. What is new here is that a file which somebody has open may refuse to be replaced.
//!
//! The calls are those of `unix.rs`, by the same names.
//!
//! May not enter: what is written, and when.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::super::{Stamp, Watch};
use super::Place;
use crate::error::Result;

/// One second in all: longer than any reader, and than a scanner of a small file.
const PATIENCE: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// A folder, by its path: Windows does not open files relative to a folder.
pub(super) struct Dir(PathBuf);

impl Dir {
    /// The folder itself: a link in its place is an error.
    pub(super) fn open(path: &Path) -> io::Result<Dir> {
        let found = std::fs::symlink_metadata(path)?;
        if found.is_dir() { Ok(Dir(path.to_owned())) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    /// The profile's own rights are all there is to check, and the system does.
    pub(super) fn check(&self, _place: &Place) -> Result<()> {
        Ok(())
    }

    pub(super) fn open_file(&self, name: &str) -> io::Result<File> {
        self.refuse_link(name)?;
        patiently(|| File::open(self.0.join(name)))
    }

    /// Makes a file that nobody had before.
    pub(super) fn create_new(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.0.join(name))
    }

    pub(super) fn open_or_create(&self, name: &str) -> io::Result<File> {
        self.refuse_link(name)?;
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(self.0.join(name))
    }

    pub(super) fn exists(&self, name: &str) -> io::Result<bool> {
        match std::fs::symlink_metadata(self.0.join(name)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives a file another name, over whatever has that name.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        patiently(|| std::fs::rename(self.0.join(from), self.0.join(to)))
    }

    pub(super) fn unlink(&self, name: &str) -> io::Result<()> {
        patiently(|| std::fs::remove_file(self.0.join(name)))
    }

    /// Nothing to do.
    pub(super) fn sync(&self) -> io::Result<()> {
        // NTFS keeps its own journal of names; a folder cannot be synced without more rights.
        Ok(())
    }

    /// A link, a folder or a device in the place of a file.
    fn refuse_link(&self, name: &str) -> io::Result<()> {
        match std::fs::symlink_metadata(self.0.join(name)) {
            Ok(found) if !found.is_file() => Err(io::Error::other("it is not a plain file")),
            _ => Ok(()),
        }
    }
}

/// A reader, or a virus scanner, that has the old file open keeps it from being replaced, and a file
/// that is being replaced does not open. Either lasts for moments, and no call tells when it is over.
fn patiently<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    const SHARING_VIOLATION: i32 = 32;
    for _ in 0..PATIENCE {
        match call() {
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied
                    || error.raw_os_error() == Some(SHARING_VIOLATION) =>
            {
                thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
    call()
}

/// Makes one folder; it inherits the rights of the one above.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

/// Refuses what is not a plain file. Tells what it looks like.
pub(super) fn check_file(file: &File, place: &Place) -> Result<Metadata> {
    let found = file.metadata().map_err(|error| place.failed("cannot be looked at", &error))?;
    if found.is_file() { Ok(found) } else { Err(place.refused("is not a plain file")) }
}

/// A file that is kept open could not be replaced, so none is: whoever asks reads again.
pub(super) fn watch(_file: File, _seen: &Metadata) -> Watch {
    Watch::new(|| false)
}

/// No number of the file: only an open one tells it. Its times are counted in tenths of a microsecond.
pub(super) fn stamp(found: &Metadata) -> Stamp {
    Stamp::new([found.creation_time(), found.file_size(), found.last_write_time(), 0])
}

/// Windows has no permission bits.
pub(crate) fn too_open(_found: &Metadata) -> bool {
    false
}

/// Windows has no permission bits.
pub(crate) fn mode_of(_found: &Metadata) -> Option<u32> {
    None
}

/// No command of Windows is shorter than the error.
pub(super) fn repair(_place: &Place, _error: &io::Error) -> Option<String> {
    None
}
