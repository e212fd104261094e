//! A system call as the tracer sees it: its name, the files that it is about, and what came of it.
//!
//! Paths are those that the kernel resolves: a descriptor is looked up in `/proc`, so that a write to an open
//! temporary file names that file. Only calls that a store or a network can feel have a name here; the rest go by
//! their number. May not enter: when a call is let through.

use std::collections::HashMap;
use std::fs::{File, read_link};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::libc::{self, user_regs_struct};
use nix::unistd::Pid;

/// Longer ones are not written by anybody here.
const MAX_BYTES: usize = 1024 * 1024;
/// The kernel's limit for a path.
const MAX_PATH: usize = 4096;

/// A system call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its name; empty for one that no store and no network feels.
    pub name: &'static str,
    /// Its number on this machine.
    pub number: i64,
    /// The file, folder or socket that it is about.
    pub path: PathBuf,
    /// The new name, of a rename.
    pub to: PathBuf,
    /// How a file is opened.
    pub flags: i32,
    /// What is written; only to the store, standard output and standard error.
    pub bytes: Vec<u8>,
    /// What came of it; `None` while it has not returned.
    pub result: Option<i64>,
}

/// What the arguments of a call mean.
#[derive(Clone, Copy)]
enum Form {
    Path,
    PathFlags,
    At,
    AtFlags,
    Rename,
    RenameAt,
    Descriptor,
    Write,
}

/// The calls that have a name.
const NAMED: [(i64, &str, Form); 38] = [
    (libc::SYS_open, "open", Form::PathFlags),
    (libc::SYS_openat, "openat", Form::AtFlags),
    (libc::SYS_creat, "creat", Form::Path),
    (libc::SYS_mkdir, "mkdir", Form::Path),
    (libc::SYS_mkdirat, "mkdirat", Form::At),
    (libc::SYS_rmdir, "rmdir", Form::Path),
    (libc::SYS_rename, "rename", Form::Rename),
    (libc::SYS_renameat, "renameat", Form::RenameAt),
    (libc::SYS_renameat2, "renameat2", Form::RenameAt),
    (libc::SYS_unlink, "unlink", Form::Path),
    (libc::SYS_unlinkat, "unlinkat", Form::At),
    (libc::SYS_link, "link", Form::Path),
    (libc::SYS_linkat, "linkat", Form::At),
    (libc::SYS_symlink, "symlink", Form::Path),
    (libc::SYS_symlinkat, "symlinkat", Form::Path),
    (libc::SYS_truncate, "truncate", Form::Path),
    (libc::SYS_chmod, "chmod", Form::Path),
    (libc::SYS_fchmodat, "fchmodat", Form::At),
    (libc::SYS_write, "write", Form::Write),
    (libc::SYS_pwrite64, "pwrite64", Form::Write),
    (libc::SYS_writev, "writev", Form::Descriptor),
    (libc::SYS_pwritev, "pwritev", Form::Descriptor),
    (libc::SYS_copy_file_range, "copy_file_range", Form::Descriptor),
    (libc::SYS_sendfile, "sendfile", Form::Descriptor),
    (libc::SYS_fallocate, "fallocate", Form::Descriptor),
    (libc::SYS_ftruncate, "ftruncate", Form::Descriptor),
    (libc::SYS_fchmod, "fchmod", Form::Descriptor),
    (libc::SYS_fsync, "fsync", Form::Descriptor),
    (libc::SYS_fdatasync, "fdatasync", Form::Descriptor),
    (libc::SYS_flock, "flock", Form::Descriptor),
    (libc::SYS_connect, "connect", Form::Descriptor),
    (libc::SYS_bind, "bind", Form::Descriptor),
    (libc::SYS_accept4, "accept4", Form::Descriptor),
    (libc::SYS_sendto, "sendto", Form::Descriptor),
    (libc::SYS_sendmsg, "sendmsg", Form::Descriptor),
    (libc::SYS_recvfrom, "recvfrom", Form::Descriptor),
    (libc::SYS_read, "read", Form::Descriptor),
    (libc::SYS_shutdown, "shutdown", Form::Descriptor),
];

/// A point of a run: a call, what it is about, and the how-manieth of that kind it is. So the points of two runs can be
/// told to be the same, whichever thread was faster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Point {
    number: i64,
    place: String,
    nth: usize,
}

/// Gives the calls of a run their points.
#[derive(Default)]
pub(crate) struct Counter(HashMap<(i64, String), usize>);

impl Counter {
    /// The point of the next call.
    pub(crate) fn point(&mut self, call: &Call) -> Point {
        let (number, place) = (call.number, call.place());
        let nth = self.0.entry((number, place.clone())).or_default();
        *nth += 1;
        Point { number, place, nth: *nth }
    }
}

impl Call {
    /// Reads the call that `thread` is about to make; `memory` is its process's. What is written below `store` is
    /// kept.
    pub(crate) fn entered(thread: Pid, registers: &user_regs_struct, memory: &File, store: &Path) -> Call {
        let number = registers.orig_rax.cast_signed();
        let mut call = Call {
            name: "",
            number,
            path: PathBuf::new(),
            to: PathBuf::new(),
            flags: 0,
            bytes: Vec::new(),
            result: None,
        };
        let Some((_, name, form)) = NAMED.iter().find(|(named, ..)| *named == number) else { return call };
        call.name = name;
        let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10];
        let descriptor = |at: usize| of_descriptor(thread, arguments[at]);
        let path = |at: usize| text(memory, arguments[at]);
        match form {
            Form::Path => call.path = path(0),
            Form::PathFlags => (call.path, call.flags) = (path(0), flags(arguments[1])),
            Form::At => call.path = descriptor(0).join(path(1)),
            Form::AtFlags => {
                (call.path, call.flags) = (descriptor(0).join(path(1)), flags(arguments[2]));
            }
            Form::Rename => (call.path, call.to) = (path(0), path(1)),
            Form::RenameAt => {
                (call.path, call.to) = (descriptor(0).join(path(1)), descriptor(2).join(path(3)));
            }
            Form::Descriptor => call.path = descriptor(0),
            Form::Write => {
                call.path = descriptor(0);
                if call.path.starts_with(store) || [1, 2].contains(&arguments[0]) {
                    let length = usize::try_from(arguments[2]).unwrap_or(MAX_BYTES).min(MAX_BYTES);
                    call.bytes = bytes(memory, arguments[1], length);
                }
            }
        }
        call
    }

    /// True when it is about something in `folder`, or the folder itself.
    pub fn is_below(&self, folder: &Path) -> bool {
        !self.name.is_empty() && (self.path.starts_with(folder) || self.to.starts_with(folder))
    }

    /// True when it opens a file and makes it if need be.
    pub fn creates(&self) -> bool {
        self.name == "creat" || (self.name.starts_with("open") && self.flags & libc::O_CREAT != 0)
    }

    /// True when it empties the file that it opens.
    pub fn empties(&self) -> bool {
        self.name == "creat" || (self.name.starts_with("open") && self.flags & libc::O_TRUNC != 0)
    }

    /// True when it changes what is on disk, or what others see: the store, a lock, the network, the output.
    pub fn matters(&self, store: &Path) -> bool {
        let outside = ["connect", "bind", "accept4", "sendto", "sendmsg", "writev", "recvfrom", "shutdown"];
        let look =
            self.name.is_empty() || self.name == "read" || (self.name.starts_with("open") && !self.creates());
        outside.contains(&self.name) || !self.bytes.is_empty() || (!look && self.is_below(store))
    }

    /// What it is about, without what differs from run to run and from store to store: random names, ids, numbers of
    /// sockets.
    fn place(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match name.split_once(":[") {
            Some((kind, _)) => kind.to_owned(),
            None if name.starts_with('.') => ".tmp".to_owned(),
            None => match name.rsplit_once('.') {
                Some((_, kind @ ("sealed" | "lock"))) => kind.to_owned(),
                _ => name,
            },
        }
    }
}

/// What a descriptor stands for; the working folder for `AT_FDCWD`.
fn of_descriptor(thread: Pid, descriptor: u64) -> PathBuf {
    // A descriptor is an int, whatever the rest of the register holds.
    let number = descriptor as u32 as i32;
    let link = match number {
        libc::AT_FDCWD => format!("/proc/{thread}/cwd"),
        number => format!("/proc/{thread}/fd/{number}"),
    };
    // One that is not open: the call will say so.
    read_link(link).unwrap_or_default()
}

fn flags(argument: u64) -> i32 {
    argument as u32 as i32
}

/// The path at `address`.
fn text(memory: &File, address: u64) -> PathBuf {
    let mut found = Vec::new();
    while found.len() < MAX_PATH {
        // Up to the end of a page: the next one may not be there.
        let from = address + found.len() as u64;
        let room = usize::try_from(4096 - from % 4096).unwrap_or(1);
        let piece = bytes(memory, from, room);
        let end = piece.iter().position(|byte| *byte == 0);
        found.extend_from_slice(&piece[..end.unwrap_or(piece.len())]);
        if end.is_some() || piece.is_empty() {
            break;
        }
    }
    PathBuf::from(String::from_utf8_lossy(&found).into_owned())
}

fn bytes(memory: &File, address: u64, length: usize) -> Vec<u8> {
    let mut buffer = vec![0; length];
    let read = memory.read_at(&mut buffer, address).unwrap_or(0);
    buffer.truncate(read);
    buffer
}
