//! The built program with a database and a folder of its own, and what its commands leave behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use fairdial::db::Db;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::database::TestDatabase;

/// No command takes so long; a server that should have been refused would run forever.
const PATIENCE: Duration = Duration::from_secs(30);

/// A password that nobody guesses.
pub(crate) const STRONG: &str = "orchard violin tugboat 41";

/// A database, a folder, and the program that works on them.
pub(crate) struct Desk {
    // Dropped in this order: the database before the folder that may hold its file.
    pub(crate) database: TestDatabase,
    pub(crate) folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("fairdial-commands-").unwrap();
        Self { database: TestDatabase::create(folder.path()), folder }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command(self.folder.path(), self.database.url(), arguments)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        run(self.command(arguments), "")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Done {
        run(self.command(arguments), input)
    }

    pub(crate) fn db(&self) -> Db {
        Db::open(self.database.url().parse().unwrap()).unwrap()
    }

    pub(crate) fn serve(&self, more: &[&str]) -> Server {
        Server::start(self.command(&[&["serve", "--bind", "127.0.0.1:0"], more].concat()))
    }

    pub(crate) fn add_manager(&self) {
        let add =
            ["user", "add", "--email", "ada@desk.example", "--name", "Ada", "--role", "manager", "--password-stdin"];
        self.run_with(&[&add[..], &["--permission", "settings"]].concat(), STRONG).ok();
    }

    pub(crate) fn users(&self) -> Vec<Value> {
        self.run(&["user", "list", "--json"]).ok().json().as_array().unwrap().clone()
    }
}

/// The program with nothing of this process's environment.
pub(crate) fn command(folder: &Path, url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairdial"));
    command.env_clear().args(arguments).arg("--data-dir").arg(folder).args(["--database-url", url]);
    command
}

pub(crate) fn run(command: Command, input: &str) -> Done {
    let output = assert_cmd::Command::from_std(command).write_stdin(input).timeout(PATIENCE).output().unwrap();
    Done::of(&output)
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().expect("it ended by itself"),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// It worked; nothing but results on standard output.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// It was refused with this code and a sentence, and printed no result.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, sentence: &str) -> Self {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        assert!(self.err.contains(sentence), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// A running server; it ends with the test.
pub(crate) struct Server {
    child: Child,
    /// What it said until it listened.
    pub(crate) said: String,
    pub(crate) origin: String,
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let origin = loop {
            let line = lines.next().unwrap_or_else(|| panic!("the server ended: {said}")).unwrap();
            said.push_str(&line);
            said.push('\n');
            let bare: String = strip_colours(&line);
            if let Some((_, address)) = bare.split_once("listening address=") {
                break format!("http://{}", address.trim());
            }
        };
        // Read on, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, said, origin }
    }

    /// The link it printed, if it did.
    pub(crate) fn link(&self) -> Option<&str> {
        self.said.split_whitespace().find(|word| word.contains("/setup/"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("the server ends");
    }
}

fn strip_colours(line: &str) -> String {
    let mut bare = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    bare + rest
}
