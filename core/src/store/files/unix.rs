//! The system calls of a private folder, on Unix: relative to an open folder, never following a link,
//! never waiting.
//!
//! An open folder is a descriptor, so what was checked is what is used: whoever swaps the folder under
//! its name in between swaps nothing here. Checks are made on open descriptors for the same reason.
//!
//! May not enter: what is written, and when.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, mkdir, open, openat, renameat, statat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use super::super::vault_file::VAULT_FILE;
use super::super::{Stamp, Watch};
use super::{OWN_NAMES, Place, quoted};
use crate::error::{Error, ErrorKind, Result};

/// What a folder is made with, whatever the umask: a umask takes from the others, who have nothing.
const DIR_MODE: Mode = Mode::RWXU;
/// The same for a file.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// What others may not have.
const OTHERS: u32 = 0o077;
/// NOFOLLOW: a link could lead anywhere. NONBLOCK: a pipe would wait for its other end. NOCTTY: a
/// terminal would become ours. CLOEXEC: a child that we start has no business here.
const ALWAYS: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// An open folder.
pub(super) struct Dir(File);

impl Dir {
    /// Opens the folder itself: a link in its place is an error, links above it are followed.
    pub(super) fn open(path: &Path) -> io::Result<Dir> {
        let flags = ALWAYS | OFlags::DIRECTORY;
        let folder = retry_on_intr(|| open(path, flags, Mode::empty()))?;
        Ok(Dir(File::from(folder)))
    }

    /// Refuses a folder of another user; closes one that is open to others, if it is a store's.
    pub(super) fn check(&self, place: &Place) -> Result<()> {
        let found = self.0.metadata().map_err(|error| place.failed("cannot be looked at", &error))?;
        check_owner(&found, place)?;
        if too_open(&found) && place.path == place.home && !self.is_a_store(place)? {
            // Somebody's whole home, or root's /tmp, named by mistake: not for us to lock others out of.
            let path = quoted(&place.path);
            return Err(Error::new(
                ErrorKind::StoreUnavailable,
                format!("{place} is open to other users and holds other things"),
            )
            .with_help(format!(
                "name a folder of its own with TOKENKEEP_HOME, or close it: `chmod 700 {path}`"
            )));
        }
        close_to_others(&self.0, &found, DIR_MODE, place)
    }

    /// A store, or a folder that is to become one: nothing is in it that is not ours.
    fn is_a_store(&self, place: &Place) -> Result<bool> {
        let failed = |error| place.failed("cannot be looked at", &error);
        if self.exists(VAULT_FILE).map_err(failed)? {
            return Ok(true);
        }
        let mut entries = std::fs::read_dir(&place.path).map_err(failed)?.flatten();
        Ok(entries.all(|entry| OWN_NAMES.iter().any(|name| entry.file_name() == *name)))
    }

    /// Opens a file to read. A pipe opens too, without waiting: `check_file` then refuses it.
    pub(super) fn open_file(&self, name: &str) -> io::Result<File> {
        file(retry_on_intr(|| openat(&self.0, name, ALWAYS | OFlags::RDONLY, Mode::empty())))
    }

    /// Makes a file that nobody had before, not even as a link that leads nowhere.
    pub(super) fn create_new(&self, name: &str) -> io::Result<File> {
        let flags = ALWAYS | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        file(retry_on_intr(|| openat(&self.0, name, flags, FILE_MODE)))
    }

    /// Opens a file to lock, and makes it if need be: two that do so at once get the same file.
    pub(super) fn open_or_create(&self, name: &str) -> io::Result<File> {
        // RDWR: network file systems lock exclusively only what can be written.
        let flags = ALWAYS | OFlags::RDWR | OFlags::CREATE;
        file(retry_on_intr(|| openat(&self.0, name, flags, FILE_MODE)))
    }

    /// True when the name is taken, by a file or by anything else.
    pub(super) fn exists(&self, name: &str) -> io::Result<bool> {
        match statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a file another name, in one step: who looks finds the one or the other.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.0, from, &self.0, to)?)
    }

    /// Takes a file's name away. Who has it open keeps it.
    pub(super) fn unlink(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Makes the folder's names durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        match retry_on_intr(|| rustix::fs::fsync(&self.0)) {
            // Some file systems keep folders durable by themselves and have no such call.
            Err(Errno::INVAL) => Ok(()),
            synced => Ok(synced?),
        }
    }
}

fn file(opened: rustix::io::Result<OwnedFd>) -> io::Result<File> {
    Ok(File::from(opened?))
}

/// Makes one folder, 0700, and syncs the folder that it is in.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    mkdir(path, DIR_MODE)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        // Not `Dir::open`: the folders above are the user's affair and may be links. Some can be passed
        // through and not read: then the system's own next sync has to do.
        Some(parent) => match File::open(parent) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            parent => Dir(parent?).sync(),
        },
        None => Ok(()),
    }
}

/// Refuses what is not a plain file of ours with one name; closes one that is open to others. Tells what it
/// looks like.
pub(super) fn check_file(file: &File, place: &Place) -> Result<Metadata> {
    let found = file.metadata().map_err(|error| place.failed("cannot be looked at", &error))?;
    if !found.is_file() {
        return Err(place.refused("is not a plain file"));
    }
    check_owner(&found, place)?;
    // None at all is well: it was replaced since it was opened, and what is open is whole.
    if found.nlink() > 1 {
        return Err(place.refused("has a second name (a hard link), through which others may reach it"));
    }
    close_to_others(file, &found, FILE_MODE, place)?;
    Ok(found)
}

/// Watches a file that was read after it was `seen`, by keeping it open. Whoever replaces or removes it takes
/// its one name away, and an open file never gets another: there is no moment in which a write is done and the
/// watch does not tell. What is written into the file itself, which nobody does here, shows in its times.
pub(super) fn watch(file: File, seen: &Metadata) -> Watch {
    let before = (seen.ctime(), seen.ctime_nsec(), seen.size());
    // Not `File::metadata`: its call is twice as slow, and this one is made for every token.
    Watch::new(move || match rustix::fs::fstat(&file) {
        Ok(now) => {
            // `_`: one of Unix's systems has it signed already.
            let changed = (now.st_ctime, now.st_ctime_nsec as _, now.st_size as u64);
            now.st_nlink > 0 && changed == before
        }
        Err(_) => false,
    })
}

/// A write makes a new file, with a number that no other file has: the old one's is free for the write after. The time is
/// that of the last change, of which nobody can set another, as a copy or a backup does with that of the last write.
pub(super) fn stamp(found: &Metadata) -> Stamp {
    Stamp::new([found.ino(), found.size(), found.ctime().cast_unsigned(), found.ctime_nsec().cast_unsigned()])
}

/// Another user's file is not ours to read, and a folder of theirs is no place for our secrets.
fn check_owner(found: &Metadata, place: &Place) -> Result<()> {
    let own = rustix::process::geteuid().as_raw();
    if found.uid() == own {
        return Ok(());
    }
    let message = format!("{place} belongs to user {}, and this is user {own}", found.uid());
    Err(Error::new(ErrorKind::StoreUnavailable, message).with_help(ownership_help(place)))
}

/// Takes from others what they should never have had, and says so in the log.
fn close_to_others(file: &File, found: &Metadata, mode: Mode, place: &Place) -> Result<()> {
    if !too_open(found) {
        return Ok(());
    }
    // Through what is open, not by name: the name may be somebody else's by now.
    rustix::fs::fchmod(file, mode).map_err(|error| {
        Error::new(
            ErrorKind::StoreUnavailable,
            format!("{place} is open to other users, and stays so: {error}"),
        )
        .with_help(format!("close it: `chmod -R go= {}`", quoted(&place.home)))
    })?;
    let (old, new) = (found.mode() & 0o7777, mode.bits());
    tracing::warn!("{place} was open to other users (mode {old:04o}); it is now {new:04o}");
    Ok(())
}

/// True when somebody else than the owner may do anything with it.
pub(crate) fn too_open(found: &Metadata) -> bool {
    found.mode() & OTHERS != 0
}

/// The permission bits.
pub(crate) fn mode_of(found: &Metadata) -> Option<u32> {
    Some(found.mode() & 0o7777)
}

/// The command that sets right what made a call fail.
pub(super) fn repair(place: &Place, error: &io::Error) -> Option<String> {
    let found = std::fs::symlink_metadata(&place.path).ok();
    let is_link = found.as_ref().is_some_and(|found| found.file_type().is_symlink());
    if is_link && place.path == place.home {
        return Some("it is a symbolic link: name the folder itself with TOKENKEEP_HOME".to_owned());
    }
    if is_link {
        return Some(format!("it is a symbolic link, which is never followed: `rm {}`", quoted(&place.path)));
    }
    if error.kind() == io::ErrorKind::NotADirectory && place.path == place.home {
        return Some("name a folder with TOKENKEEP_HOME".to_owned());
    }
    if error.kind() != io::ErrorKind::PermissionDenied {
        return None;
    }
    match found {
        Some(found) if found.uid() != rustix::process::geteuid().as_raw() => Some(ownership_help(place)),
        Some(_) => Some(format!("give yourself the right to it: `chmod -R u+rwX {}`", quoted(&place.home))),
        None => Some("name a folder that you may write with TOKENKEEP_HOME".to_owned()),
    }
}

/// A store that a run with sudo left behind is taken back. A folder that may be anybody's is not: the
/// command would take it from them.
fn ownership_help(place: &Place) -> String {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    if user.is_root() {
        return "run this as the user whom the store belongs to, without sudo".to_owned();
    }
    let look = |path: &Path| std::fs::symlink_metadata(path).ok();
    let own = |found: Option<Metadata>| found.is_some_and(|found| found.uid() == user.as_raw());
    let private = look(&place.home).is_some_and(|home| !too_open(&home));
    let in_own_folder = place.home.parent().is_some_and(|parent| own(look(parent)));
    if own(look(&place.home)) || (private && in_own_folder) {
        let home = quoted(&place.home);
        return format!(
            "a run with sudo may have made it; take it back: `sudo chown -R {}:{} {home}`",
            user.as_raw(),
            group.as_raw()
        );
    }
    "name a folder of your own with TOKENKEEP_HOME".to_owned()
}
