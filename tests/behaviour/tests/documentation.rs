//! The documentation does what it says: the `sh`, `python`, `js` and `swift` blocks of README.md and docs/ run, in the
//! order of their file, in a home of its own: first those for the shell, in one shell, then those of each language, as
//! one program. `tokenkeep` is the real one, and so are the packages that are installed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tokenkeep_behaviour::{CLIENT_ID, Stage, person};
use tokenkeep_test_support::{has_swift, program, root, run};

use crate::reader::Reader;

/// What a fence may say. Another spelling of a language that runs would not run.
const FENCES: [&str; 9] = ["console", "js", "json", "python", "rust,no_run", "sh", "swift", "text", "toml"];

/// How the manifest of a package in Swift begins.
const MANIFEST: &str = "// swift-tools-version";

/// A fenced block and the line that it begins at.
#[derive(Debug)]
struct Block {
    line: usize,
    text: String,
}

/// README.md and all of docs/, by path from the root.
pub fn documents() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap().flatten() {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The fenced blocks of `language`; those within a list are indented.
fn blocks(document: &str, language: &str) -> Vec<Block> {
    let (mut found, mut open): (Vec<Block>, Option<(bool, usize)>) = (Vec::new(), None);
    for (number, line) in document.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, open) {
            (Some(_), Some(_)) => open = None,
            (Some(info), None) => {
                assert!(FENCES.contains(&info), "line {}: {info:?}", number + 1);
                let wanted = info == language;
                open = Some((wanted, line.len() - line.trim_start().len()));
                if wanted {
                    found.push(Block { line: number + 1, text: String::new() });
                }
            }
            (None, Some((true, indent))) => {
                let block = found.last_mut().unwrap();
                writeln!(block.text, "{}", line.get(indent..).unwrap_or_default()).unwrap();
            }
            (None, _) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    found
}

/// The blocks as one program whose lines have the numbers that they have in the document.
fn as_program(blocks: &[Block]) -> String {
    let mut program = String::new();
    for block in blocks {
        let empty = block.line - program.lines().count();
        write!(program, "{}{}", "\n".repeat(empty), block.text).unwrap();
    }
    program
}

/// What the documents leave to the guides.
#[derive(Clone, Copy)]
struct Guides<'a> {
    /// A provider file.
    acme: &'a str,
    /// The manifest of a program in Swift.
    manifest: &'a str,
}

/// Does all that a document says. Gives the languages that it says something in.
fn read(document: &Path, guides: Guides<'_>) -> Vec<&'static str> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let [sh, python, js, mut swift] = ["sh", "python", "js", "swift"].map(|language| blocks(&text, language));
    swift.retain(|block| !block.text.starts_with(MANIFEST));
    let said = [("sh", &sh), ("python", &python), ("js", &js), ("swift", &swift)];
    let spoken = said.into_iter().filter(|(_, blocks)| !blocks.is_empty()).map(|(language, _)| language);
    let spoken: Vec<_> = spoken.collect();
    if spoken.is_empty() {
        return spoken;
    }
    let openssl: Vec<_> =
        sh.iter().flat_map(|block| block.text.lines()).filter(|line| line.starts_with("openssl ")).collect();
    assert!(openssl.len() < 2, "one pair of key and certificate is enough: {openssl:?}");
    let reader = Reader::new(document, guides.acme, openssl.first().copied());
    let mut script = String::new();
    for block in &sh {
        writeln!(script, "echo '== {}:{}' >&2\n{}", document.display(), block.line, block.text).unwrap();
    }
    reader.sh(&script);
    if !python.is_empty() {
        reader.python(&as_program(&python));
    }
    if !js.is_empty() {
        reader.js(&as_program(&js));
    }
    let has_swift = has_swift();
    if !swift.is_empty() && has_swift {
        reader.swift(guides.manifest, &as_program(&swift));
    }
    let graph = said
        .into_iter()
        .filter(|(language, _)| *language != "swift" || has_swift)
        .flat_map(|(_, blocks)| blocks)
        .any(|block| block.text.contains("//graph.microsoft.com/"));
    assert_eq!(reader.asked_graph(), graph, "{}: what is asked for reaches Graph", document.display());
    spoken
}

#[test]
fn every_block_runs() {
    let guide = |name: &str| fs::read_to_string(root().join("docs/guides").join(name)).unwrap();
    let [acme] = &blocks(&guide("providers.md"), "toml")[..] else {
        panic!("the guide has one provider file")
    };
    let swift = blocks(&guide("swift.md"), "swift");
    let manifest = &swift.first().filter(|block| block.text.starts_with(MANIFEST)).unwrap().text;
    let guides = Guides { acme: &acme.text, manifest };
    std::thread::scope(|scope| {
        let reading = documents().into_iter().map(|document| {
            let name = document.display().to_string();
            (name, scope.spawn(move || read(&document, guides)))
        });
        // All begin before the first is waited for.
        let reading: Vec<_> = reading.collect();
        let mut ran: Vec<_> = reading
            .into_iter()
            .map(|(name, reader)| {
                (name, reader.join().unwrap_or_else(|failed| std::panic::resume_unwind(failed)))
            })
            .collect();
        ran.retain(|(_, spoken)| !spoken.is_empty());
        let known = [
            ("README.md", vec!["sh", "python", "js", "swift"]),
            ("docs/guides/mcp.md", vec!["sh", "python", "js"]),
            ("docs/guides/node.md", vec!["sh", "js"]),
            ("docs/guides/providers.md", vec!["sh"]),
            ("docs/guides/python.md", vec!["sh", "python"]),
            ("docs/guides/swift.md", vec!["swift"]),
            ("docs/providers/microsoft.md", vec!["sh", "python", "js"]),
        ];
        assert_eq!(ran, known.map(|(name, spoken)| (name.to_owned(), spoken)));
    });
}

#[test]
fn the_examples_in_rust_run() {
    let stage = Stage::microsoft();
    let example = |name: &str| {
        let mut command = stage.home.program(&program(&format!("examples/{name}")));
        command.env("BROWSER", person::browser()).env("MICROSOFT_OAUTH_CLIENT_ID", CLIENT_ID);
        run(&mut command, "")
    };
    let before = example("token");
    assert_eq!((before.code, before.stderr.contains("not_connected")), (1, true), "{before:#?}");
    assert_eq!(example("login").ok().stdout, "microsoft is connected\n");
    let token = example("token").ok();
    assert!(token.stdout.contains("Secret(redacted)"), "{token:#?}");
}

#[test]
fn blocks_are_found_where_they_are() {
    let document =
        "text\n```sh\na\n\nb\n```\n1. list\n   ```sh\n   c\n   ```\n```toml\nd\n```\n```text\ne\n```\n";
    let found = blocks(document, "sh");
    let texts: Vec<_> = found.iter().map(|block| (block.line, block.text.as_str())).collect();
    assert_eq!(texts, [(2, "a\n\nb\n"), (8, "c\n")]);
    assert_eq!(as_program(&found), "\n\na\n\nb\n\n\n\nc\n");
    assert_eq!(blocks(document, "toml")[0].text, "d\n");
}
