//! The accessibility checks of axe-core, installed from its package when the tests run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;

use super::browser::Browser;

/// One rule that the page breaks.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Violation {
    /// The rule's name in axe.
    pub(crate) id: String,
    pub(crate) help: String,
    pub(crate) nodes: Vec<Node>,
}

/// One element that breaks it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) html: String,
    #[serde(default, rename = "failureSummary")]
    pub(crate) summary: String,
}

/// The levels we promise: WCAG 2.0 to 2.2 A and AA, and axe's own best practices.
const RUN: &str = r"
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];
    axe.run(document, { runOnly: tags, resultTypes: ['violations'] }).then(
        (result) => done({ violations: result.violations }),
        (error) => done({ error: String(error) }),
    );
";

#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    violations: Vec<Violation>,
    error: Option<String>,
}

impl Browser {
    /// What axe finds on the page as it is now.
    pub(crate) async fn axe(&self) -> Vec<Violation> {
        // axe waits for promises, which a page without scripts never serves.
        self.allow_scripts(true).await;
        self.driver().execute(source(), Vec::new()).await.expect("axe is loaded");
        let outcome = self.driver().execute_async(RUN, Vec::new()).await.expect("axe runs");
        self.allow_scripts(self.javascript()).await;
        let outcome: Outcome = outcome.convert().expect("axe answers in its format");
        assert!(outcome.error.is_none(), "axe failed: {:?}", outcome.error);
        outcome.violations
    }

    /// Fails with each broken rule and the elements that break it.
    #[track_caller]
    pub(crate) fn assert_accessible(&self) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let violations = self.axe().await;
            let url = self.url().await;
            let mut report = String::new();
            for violation in &violations {
                report.push_str(&format_violation(violation));
            }
            assert!(violations.is_empty(), "{caller}: {url} breaks {} rules\n{report}", violations.len());
        }
    }
}

fn format_violation(violation: &Violation) -> String {
    let nodes = violation.nodes.iter().map(|node| format!("    {}\n      {}\n", node.html, node.summary));
    format!("  {}: {}\n{}", violation.id, violation.help, nodes.collect::<String>())
}

/// axe's own script.
fn source() -> &'static str {
    static SOURCE: OnceLock<String> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let script = install().join("node_modules/axe-core/axe.min.js");
        fs::read_to_string(&script).unwrap_or_else(|error| panic!("{}: {error}", script.display()))
    })
}

/// Installs what `package-lock.json` names under `target/`, unless it is there.
fn install() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser-packages");
    let lock = fs::read(here.join("package-lock.json")).expect("the lock file is readable");
    // Copied last: where it is equal, the install before it was finished.
    let finished = folder.join("installed.json");
    if fs::read(&finished).is_ok_and(|installed| installed == lock) {
        return folder;
    }
    fs::create_dir_all(&folder).expect("a folder under target/");
    for name in ["package.json", "package-lock.json"] {
        fs::copy(here.join(name), folder.join(name)).expect("the package files are copied");
    }
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .output()
        .expect("npm is installed");
    assert!(output.status.success(), "npm ci failed:\n{}", String::from_utf8_lossy(&output.stderr));
    fs::write(&finished, lock).expect("the mark is written");
    folder
}
