//! What a loss of power can leave of what was written.
//!
//! The disk is modelled as POSIX lets it be. What was written to a file since its last `fsync` may be there, or not, or
//! in part, or as zeros where the length was kept and the bytes were not. What was done to a folder since its own last
//! `fsync` happened up to some point and no further. Files and folders do not wait for one another: a name may be there
//! before the bytes that it points at. An `fsync` of a file does not keep its name.
//!
//! A call that changes the store and is not known here ends the test: a model that passes over it would prove nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::bench::Snapshot;
use crate::call::Call;

/// The number of a file or folder, whatever its name.
type Inode = usize;

/// A folder and what is below it, as a loss of power may leave it.
#[derive(Clone)]
pub struct Disk {
    /// The folder that the store is in: what is not below it is no concern here.
    root: PathBuf,
    files: HashMap<Inode, FileState>,
    folders: HashMap<Inode, FolderState>,
    next: Inode,
}

#[derive(Clone)]
struct FileState {
    now: Vec<u8>,
    /// What may be found, the last synced content first.
    possible: Vec<Vec<u8>>,
}

#[derive(Clone, Default)]
struct FolderState {
    now: BTreeMap<String, Inode>,
    /// What may be found: the folder after each change since the last sync, that one first.
    possible: Vec<BTreeMap<String, Inode>>,
}

impl Disk {
    /// The folder `root` with what is in `snapshot`, all of it safe.
    pub fn new(root: &Path, snapshot: &Snapshot) -> Disk {
        let mut disk =
            Disk { root: root.to_owned(), files: HashMap::new(), folders: HashMap::new(), next: 1 };
        disk.folders.insert(0, FolderState::default());
        for (path, content) in snapshot {
            match content {
                None => disk.make_folder(path),
                Some(content) => {
                    let inode = disk.make_file(path);
                    disk.files
                        .insert(inode, FileState { now: content.clone(), possible: vec![content.clone()] });
                }
            }
        }
        for folder in disk.folders.values_mut() {
            folder.possible = vec![folder.now.clone()];
        }
        disk
    }

    /// Does what `call` did, if it did anything to this folder.
    #[track_caller]
    pub fn apply(&mut self, call: &Call) {
        let failed = call.result.is_none_or(|result| result < 0);
        if failed || !call.is_below(&self.root) {
            return;
        }
        match call.name {
            "open" | "openat" | "creat" => {
                let inode = match self.find(&call.path) {
                    None if call.creates() => Some(self.make_file(&call.path)),
                    found => found,
                };
                if call.empties() {
                    self.file(inode, call).write_over(Vec::new(), &[]);
                }
            }
            "write" => {
                let inode = self.find(&call.path);
                let file = self.file(inode, call);
                let before = file.now.clone();
                file.write_over(before, &call.bytes);
            }
            "fsync" | "fdatasync" => {
                let inode = self.find(&call.path).unwrap_or_else(|| unknown(call));
                if let Some(folder) = self.folders.get_mut(&inode) {
                    folder.possible = vec![folder.now.clone()];
                } else {
                    let file = self.file(Some(inode), call);
                    file.possible = vec![file.now.clone()];
                }
            }
            "mkdir" | "mkdirat" => self.make_folder(&call.path),
            "unlink" | "unlinkat" => {
                self.change(&call.path, |names, name| {
                    names.remove(name);
                });
            }
            "rename" | "renameat" | "renameat2" => {
                assert_eq!(call.path.parent(), call.to.parent(), "the model renames within a folder");
                let to = name_of(&call.to);
                self.change(&call.path, |names, from| {
                    let inode = names.remove(from).unwrap_or_else(|| unknown(call));
                    names.insert(to, inode);
                });
            }
            // They change nothing that has to be kept.
            "read" | "flock" | "fchmod" => {}
            _ => unknown(call),
        }
    }

    /// Everything that may be found below the root, each once.
    pub fn states(&self) -> Vec<Snapshot> {
        let mut states: Vec<Snapshot> = self.of_folder(0, &self.root);
        states.sort();
        states.dedup();
        states
    }

    fn of_folder(&self, inode: Inode, path: &Path) -> Vec<Snapshot> {
        let mut states = Vec::new();
        for names in &self.folders[&inode].possible {
            // Every combination of what may be found of each name.
            let mut combined: Vec<Snapshot> = vec![Vec::new()];
            for (name, inode) in names {
                let path = path.join(name);
                let below: Vec<Snapshot> = match self.files.get(inode) {
                    Some(file) => file
                        .possible
                        .iter()
                        .map(|content| vec![(path.clone(), Some(content.clone()))])
                        .collect(),
                    None => {
                        let with = |below| [vec![(path.clone(), None)], below].concat();
                        self.of_folder(*inode, &path).into_iter().map(with).collect()
                    }
                };
                let with_each = |state: Snapshot| {
                    below.iter().map(move |more| [state.clone(), more.clone()].concat()).collect::<Vec<_>>()
                };
                combined = combined.into_iter().flat_map(with_each).collect();
            }
            states.extend(combined);
        }
        states
    }

    fn find(&self, path: &Path) -> Option<Inode> {
        let mut inode = 0;
        for part in path.strip_prefix(&self.root).ok()? {
            inode = *self.folders.get(&inode)?.now.get(part.to_str()?)?;
        }
        Some(inode)
    }

    #[track_caller]
    fn file(&mut self, inode: Option<Inode>, call: &Call) -> &mut FileState {
        inode.and_then(|inode| self.files.get_mut(&inode)).unwrap_or_else(|| unknown(call))
    }

    fn make_file(&mut self, path: &Path) -> Inode {
        let inode = self.make(path);
        self.files.insert(inode, FileState { now: Vec::new(), possible: vec![Vec::new()] });
        inode
    }

    fn make_folder(&mut self, path: &Path) {
        let inode = self.make(path);
        self.folders.insert(inode, FolderState { now: BTreeMap::new(), possible: vec![BTreeMap::new()] });
    }

    fn make(&mut self, path: &Path) -> Inode {
        let inode = self.next;
        self.next += 1;
        self.change(path, |names, name| {
            names.insert(name.to_owned(), inode);
        });
        inode
    }

    /// Changes the folder that `path` is in.
    fn change(&mut self, path: &Path, change: impl FnOnce(&mut BTreeMap<String, Inode>, &str)) {
        let parent = path.parent().and_then(|parent| self.find(parent));
        let folder = parent.and_then(|parent| self.folders.get_mut(&parent));
        let folder = folder.unwrap_or_else(|| panic!("the model knows no folder of {}", path.display()));
        change(&mut folder.now, &name_of(path));
        folder.possible.push(folder.now.clone());
    }
}

impl FileState {
    /// The file is `before`, and `bytes` follow: all of them, none, a part, or zeros in their place.
    fn write_over(&mut self, before: Vec<u8>, bytes: &[u8]) {
        let with = |more: &[u8]| [&before, more].concat();
        for length in [0, 1, bytes.len() / 2, bytes.len().saturating_sub(1), bytes.len()] {
            self.possible.push(with(&bytes[..length.min(bytes.len())]));
        }
        self.possible.push(with(&vec![0; bytes.len()]));
        self.possible.sort();
        self.possible.dedup();
        self.now = with(bytes);
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[track_caller]
fn unknown<T>(call: &Call) -> T {
    panic!("the model does not know what {} did to {}", call.name, call.path.display())
}
