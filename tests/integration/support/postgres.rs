//! One throw-away PostgreSQL per test process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::helper_process::HelperProcess;

/// A running server; its databases are named in URLs by their socket folder.
pub(crate) struct Postgres {
    process: HelperProcess,
}

impl Postgres {
    /// The server of this test process, started at the first call.
    pub(crate) fn shared() -> &'static Self {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    /// A server of its own, which leaves when the value is dropped.
    pub(crate) fn start() -> Self {
        let programs = programs().expect("PostgreSQL is not installed: no initdb in PATH or /usr/lib/postgresql/*/bin");
        let mut command = if is_root() {
            // The server refuses to run as root; the package brings this user.
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        command.args(["-c", include_str!("postgres.sh"), "postgres.sh"]).arg(programs);
        Self { process: HelperProcess::start("PostgreSQL", &mut command) }
    }

    /// Where its socket and its data lie.
    pub(crate) fn folder(&self) -> &Path {
        Path::new(&self.process.ready)
    }

    /// The URL of one database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://fairdial@/{database}?host={}", self.process.ready)
    }
}

/// The folder that holds `initdb` and `postgres`, the newest version first.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|version| version.path().join("bin"))
        .collect();
    folders.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        version.and_then(|version| version.parse::<u32>().ok())
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders
        .into_iter()
        .rev()
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id tells the user");
    id.stdout.trim_ascii() == b"0"
}
