//! Helper processes that live exactly as long as the test process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};

/// A shell script that runs until its standard input closes.
///
/// Statics are never dropped, and a killed test run runs no code at all: the closing of the pipe is
/// the one thing the system does in every case.
pub(crate) struct HelperProcess {
    /// What followed `ready` in the script's first line.
    pub(crate) ready: String,
    _stdin: ChildStdin,
    _child: Child,
}

impl HelperProcess {
    /// Starts the command and waits until it prints a line that starts with `ready`.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let stdin = child.stdin.take().expect("standard input is a pipe");
        let mut stdout = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("standard output is readable");
        let Some(ready) = line.strip_prefix("ready") else {
            let mut reason = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                stderr.read_to_string(&mut reason).expect("standard error is readable");
            }
            panic!("{name} is not ready: {line}{reason}");
        };
        Self { ready: ready.trim().to_owned(), _stdin: stdin, _child: child }
    }
}
