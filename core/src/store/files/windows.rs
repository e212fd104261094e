//! The calls of a private folder, on Windows: the folders of a user's profile are private by
//! inheritance, so the modes and owners of Unix have nothing to add; links and odd files are refused
//! all the same.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::Place;
use crate::error::Result;

/// A folder, by its path: Windows does not open files relative to a folder.
pub(super) struct Dir(PathBuf);

impl Dir {
    pub(super) fn open(path: &Path) -> io::Result<Dir> {
        let found = std::fs::symlink_metadata(path)?;
        if found.is_dir() { Ok(Dir(path.to_owned())) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    pub(super) fn check(&self, _place: &Place) -> Result<()> {
        Ok(())
    }

    pub(super) fn open_file(&self, name: &str) -> io::Result<File> {
        self.refuse_link(name)?;
        File::open(self.0.join(name))
    }

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

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.0.join(from), self.0.join(to))
    }

    pub(super) fn unlink(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.0.join(name))
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        // NTFS keeps its own journal of names; a folder cannot be synced without more rights.
        Ok(())
    }

    fn refuse_link(&self, name: &str) -> io::Result<()> {
        match std::fs::symlink_metadata(self.0.join(name)) {
            Ok(found) if !found.is_file() => Err(io::Error::other("it is not a plain file")),
            _ => Ok(()),
        }
    }
}

pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

/// Refuses what is not a plain file. Tells its length.
pub(super) fn check_file(file: &File, place: &Place) -> Result<u64> {
    let found = file.metadata().map_err(|error| place.failed("cannot be looked at", &error))?;
    if found.is_file() { Ok(found.len()) } else { Err(place.refused("is not a plain file")) }
}

/// Windows has no permission bits.
pub(crate) fn too_open(_found: &Metadata) -> bool {
    false
}

/// Windows has no permission bits.
pub(crate) fn mode_of(_found: &Metadata) -> Option<u32> {
    None
}

pub(super) fn repair(_place: &Place, _error: &io::Error) -> Option<String> {
    None
}
