//! A small file system in memory, mounted for one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory. Unmounted when dropped, lazily: a program that still ends must not keep it, nor the
/// folder that it is in, which then goes with the test's home.
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts one at `place`, made if need be, that only its owner may enter; `options` as `mount -o` has them.
    #[track_caller]
    pub fn at(place: &Path, options: &str) -> Self {
        fs::create_dir_all(place).expect("the folder can be made");
        mount(&["-t", "tmpfs", "-o", &format!("mode=700,{options}"), "tokenkeep-test"], place);
        Mounted(place.to_owned())
    }

    /// Makes it read-only, or lets it be written again.
    #[track_caller]
    pub fn set_read_only(&self, read_only: bool) {
        mount(&["-o", if read_only { "remount,ro" } else { "remount,rw" }], &self.0);
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: a program that still ends must not keep it.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[track_caller]
fn mount(arguments: &[&str], place: &Path) {
    let mounted = Command::new("mount").args(arguments).arg(place).status();
    assert!(mounted.expect("mount is there").success(), "mount {arguments:?} {place:?}: is this root?");
}
