//! `fairdial serve`: the folder, the link for the first manager, one server alone, wrong settings.

use std::process::Command;

use assert_cmd::assert::OutputAssertExt;

use super::desk::{Desk, Server, command, run};
use crate::support::database::Backend;

#[test]
fn the_first_start_makes_the_folder_and_prints_a_link_that_the_next_start_replaces_until_somebody_is_there() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let folder = desk.folder.path().join("new").join("data");
    let start = || Server::start(command(&folder, desk.database.url(), &["serve", "--bind", "127.0.0.1:0"]));
    let server = start();
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let link = server.link().unwrap_or_else(|| panic!("no link: {}", server.said)).to_owned();
    assert!(link.starts_with(&format!("{}/setup/", server.origin)), "{link} of {}", server.origin);
    drop(server);
    let again = start();
    assert_ne!(again.link().unwrap(), link);
    drop(again);
    desk.add_manager();
    assert_eq!(start().link(), None);
}

#[test]
fn the_printed_link_follows_the_public_url() {
    let desk = Desk::new();
    let server = desk.serve(&["--public-url", "https://desk.example"]);
    assert!(server.link().unwrap().starts_with("https://desk.example/setup/"), "{}", server.said);
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_with_sqlite_alone() {
    let desk = Desk::new();
    let first = desk.serve(&[]);
    if desk.database.backend() == Backend::Postgres {
        let second = desk.serve(&[]);
        assert_ne!(first.origin, second.origin);
        return;
    }
    desk.run(&["serve", "--bind", "127.0.0.1:0"]).refused(1, "another server runs on this folder");
    drop(first);
    // A server that was killed leaves nothing that keeps the next one out.
    drop(desk.serve(&[]));
}

#[test]
fn commands_work_while_the_server_runs() {
    let desk = Desk::new();
    let server = desk.serve(&[]);
    desk.run(&["buyer", "add", "--name", "Lanternbrook"]).ok();
    let out = desk.run(&["buyer", "list"]).ok().out;
    assert!(out.contains("Lanternbrook") && out.contains("7 days (default)"), "{out}");
    drop(server);
}

#[test]
fn a_wrong_setting_is_named_with_what_is_allowed() {
    let desk = Desk::new();
    let done = desk.run(&["serve", "--bind", "nowhere"]).refused(2, "--bind");
    assert!(done.err.contains("allowed"), "{done:?}");
    let mut wrong = desk.command(&["user", "list"]);
    wrong.env("FAIRDIAL_PUBLIC_URL", "desk.example");
    wrong.assert().code(2);
    let mut away = Command::new(env!("CARGO_BIN_EXE_fairdial"));
    away.env_clear().args(["user", "list", "--database-url", "postgres://nobody:secret@127.0.0.1:1/none"]);
    let done = run(away, "").refused(1, "database");
    assert!(!done.err.contains("secret"), "{done:?}");
}

#[test]
fn every_command_explains_itself() {
    for command in [
        "serve",
        "buyer",
        "buyer add",
        "buyer list",
        "buyer set",
        "buyer alias",
        "user add",
        "user set",
        "backup",
        "restore",
        "copy",
        "doctor",
    ] {
        let desk = Desk::new();
        let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let done = desk.run(&arguments).ok();
        assert!(done.out.contains("Usage: fairdial"), "{command}: {}", done.out);
        assert!(done.err.is_empty(), "{command}: {}", done.err);
    }
}
