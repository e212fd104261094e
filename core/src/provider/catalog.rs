//! The providers that are known: those in the binary, and the user's own files, which win.
//!
//! A file is read when its provider is asked for, so that a broken one only harms itself.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::bundled::{BUNDLED, text_of};
use super::definition::ProviderDefinition;
use super::nearest::nearest;
use crate::error::{Error, ErrorKind, Result};
use crate::names::ProviderName;

/// A provider's file is small; what is larger is something else.
const FILE_LIMIT: u64 = 64 << 10;

/// The providers that are known.
#[derive(Debug, Clone)]
pub struct Catalog {
    folder: PathBuf,
}

/// Where a definition is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefinitionOrigin {
    /// It is part of the program.
    Bundled,
    /// It is the user's own file.
    User(PathBuf),
}

/// A definition with its text and where it is from.
#[derive(Debug, Clone)]
pub struct CatalogEntry {
    /// The definition.
    pub definition: ProviderDefinition,
    /// Its file's text.
    pub text: String,
    /// Where it is from.
    pub origin: DefinitionOrigin,
}

impl Catalog {
    /// The bundled providers and the user's in `folder`, which need not exist.
    pub fn new(folder: PathBuf) -> Self {
        Catalog { folder }
    }

    /// The provider of that name; the user's file wins over the bundled one.
    ///
    /// # Errors
    /// `unknown_provider`, with the names that are nearest; `config_invalid` for a broken file.
    pub fn find(&self, name: &ProviderName) -> Result<CatalogEntry> {
        let path = self.path_of(name);
        if let Some(text) = read_if_there(&path)? {
            let definition = ProviderDefinition::parse(&path.display().to_string(), &text)?;
            if definition.name != *name {
                let message =
                    format!("{}: is named {}.toml and defines {}", path.display(), name, definition.name);
                return Err(Error::new(ErrorKind::ConfigInvalid, message));
            }
            return Ok(CatalogEntry { definition, text, origin: DefinitionOrigin::User(path) });
        }
        let Some(text) = text_of(name.as_str()) else { return Err(unknown(name, &self.names()?)) };
        let definition = ProviderDefinition::parse(&format!("{name}.toml (bundled)"), text)?;
        Ok(CatalogEntry { definition, text: text.to_owned(), origin: DefinitionOrigin::Bundled })
    }

    /// All names, sorted. A file whose name is no provider name is not a provider's.
    ///
    /// # Errors
    /// `store_unavailable` when the user's folder is there and cannot be read.
    pub fn names(&self) -> Result<Vec<ProviderName>> {
        let mut names: Vec<ProviderName> = BUNDLED.iter().filter_map(|(name, _)| name.parse().ok()).collect();
        match std::fs::read_dir(&self.folder) {
            Ok(entries) => {
                for entry in entries.filter_map(|entry| entry.ok()) {
                    let file = entry.file_name();
                    let stem = file.to_str().and_then(|file| file.strip_suffix(".toml"));
                    if let Some(Ok(name)) = stem.map(str::parse) {
                        names.push(name);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unavailable(&self.folder, "read", &error)),
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Checks the definition in `file` and keeps it as the user's own. Says which provider it defines.
    ///
    /// # Errors
    /// `config_invalid` for a file that is missing or broken; `store_unavailable`.
    pub fn add(&self, file: &Path) -> Result<CatalogEntry> {
        let text = read_if_there(file)?.ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, format!("there is no file {}", file.display()))
                .with_help("name a provider file; `tokenkeep providers show microsoft` prints an example")
        })?;
        let definition = ProviderDefinition::parse(&file.display().to_string(), &text)?;
        let path = self.path_of(&definition.name);
        make_private(&self.folder).map_err(|error| unavailable(&self.folder, "create", &error))?;
        // Written aside and renamed: a definition is never half there.
        let aside = path.with_extension("toml.new");
        write_private(&aside, &text).map_err(|error| unavailable(&aside, "write", &error))?;
        std::fs::rename(&aside, &path).map_err(|error| unavailable(&path, "write", &error))?;
        Ok(CatalogEntry { definition, text, origin: DefinitionOrigin::User(path) })
    }

    /// Removes the user's own definition. False when there is none.
    pub fn remove(&self, name: &ProviderName) -> Result<bool> {
        let path = self.path_of(name);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(unavailable(&path, "remove", &error)),
        }
    }

    fn path_of(&self, name: &ProviderName) -> PathBuf {
        self.folder.join(format!("{name}.toml"))
    }
}

/// Names what was probably meant: all that are known would be a page.
fn unknown(name: &ProviderName, known: &[ProviderName]) -> Error {
    let near = nearest(name.as_str(), known.iter().map(ProviderName::as_str));
    let meant = match near.as_slice() {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    };
    Error::new(ErrorKind::UnknownProvider, format!("there is no provider {:?}{meant}", name.as_str())).with_help(
        "`tokenkeep providers` lists all; for a server with published metadata: `tokenkeep login oidc --issuer URL`; \
         or add a file: `tokenkeep providers add FILE`",
    )
}

/// Makes the folder, and those above it, for the user alone, whatever the umask: it may be the first that is made
/// of a store, and who could write here could have codes and tokens sent elsewhere.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut folders = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
    folders.recursive(true).create(folder)
}

/// Writes a file that is new, so that no link is followed, and the user's alone.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    match std::fs::remove_file(path) {
        // Left by an attempt that was killed.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

fn read_if_there(path: &Path) -> Result<Option<String>> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= FILE_LIMIT => {}
        Ok(_) => {
            let message =
                format!("{} is not a provider file: it must be a file of at most 64 KiB", path.display());
            return Err(Error::new(ErrorKind::ConfigInvalid, message));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unavailable(path, "read", &error)),
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(Error::new(ErrorKind::ConfigInvalid, format!("{} is not UTF-8 text", path.display())))
        }
        Err(error) => Err(unavailable(path, "read", &error)),
    }
}

fn unavailable(path: &Path, verb: &str, error: &io::Error) -> Error {
    Error::new(ErrorKind::StoreUnavailable, format!("cannot {verb} {}: {error}", path.display()))
        .with_help("look at it, or name another folder with TOKENKEEP_HOME")
}
