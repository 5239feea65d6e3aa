//! The command line: the built program against its own database, alone and beside a running server.

use std::process::Command;

use diesel::prelude::*;
use fairdial::auth::Actor as Who;
use fairdial::db::audit::AuditRow;
use fairdial::db::schema::{audit_log, buyer_aliases, call_raws, calls, users};
use fairdial::db::{Db, DbError, audit, buyers};
use fairdial::domain::claim::Intent;
use fairdial::domain::ids::{BuyerId, CallId};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

mod backing;
mod copying;
pub(crate) mod desk;
mod place;
mod serve;

use desk::{Desk, STRONG, command, run};

// ---- buyers

#[test]
fn the_first_command_creates_folder_and_database() {
    let folder = TempDir::with_prefix("fairdial-commands-").unwrap();
    let data = folder.path().join("data");
    let fresh = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairdial"));
        // The settings stand before the command's name here.
        command.env_clear().env("FAIRDIAL_DATA_DIR", &data).args(["--log-format", "json"]).args(arguments);
        run(command, "")
    };
    fresh(&["buyer", "add", "--name", "Lanternbrook", "--window-days", "3"]).ok();
    assert_eq!(fresh(&["buyer", "list", "--json"]).ok().json()[0]["window_days"], 3);
    assert!(data.join("fairdial.sqlite3").is_file());
}

#[test]
fn a_buyer_is_added_listed_renamed_and_given_a_window() {
    let desk = Desk::new();
    desk.run(&["buyer", "add", "--name", " Lanternbrook ", "--window-days", "14"]).ok();
    desk.run(&["buyer", "add", "--name", "lanternBROOK"]).refused(1, "there is a buyer of this name already");
    let listed = |at: usize| desk.run(&["buyer", "list", "--json"]).ok().json()[at].clone();
    assert_eq!(listed(0)["name"], "Lanternbrook");
    assert_eq!((&listed(0)["window_days"], &listed(0)["has_own_window"]), (&json!(14), &json!(true)));

    desk.run(&["buyer", "set", "--name", "lanternbrook", "--rename", "Harrowfield", "--default-window"]).ok();
    assert_eq!(listed(0)["name"], "Harrowfield");
    assert_eq!((&listed(0)["window_days"], &listed(0)["has_own_window"]), (&json!(7), &json!(false)));
    desk.run(&["buyer", "set", "--name", "Harrowfield", "--window-days", "0"]).ok();
    assert_eq!(listed(0)["window_days"], 0);

    desk.run(&["buyer", "set", "--name", "Nobody", "--window-days", "3"]).refused(1, "no buyer of the name Nobody");
    desk.run(&["buyer", "set", "--name", "Harrowfield"]).refused(2, "--window-days");
    assert_eq!(actions(&desk.db()), ["buyer.added", "buyer.window_changed", "buyer.renamed", "buyer.window_changed"]);
}

fn actions(db: &Db) -> Vec<String> {
    entries(db).into_iter().map(|entry| entry.action).collect()
}

fn entries(db: &Db) -> Vec<AuditRow> {
    db.read_blocking::<_, DbError>(|conn| {
        assert_eq!(audit::verify(conn)?.err(), None);
        Ok(audit_log::table.order(audit_log::seq).select(AuditRow::as_select()).load(conn)?)
    })
    .unwrap()
}

/// Lets a call have come in under a name of its source.
fn came_as(db: &Db, call: CallId, name: &str) {
    db.write_blocking::<_, DbError>(|conn| {
        diesel::insert_into(call_raws::table)
            .values((call_raws::call_id.eq(call), call_raws::raw.eq("{}"), call_raws::buyer_name.eq(name)))
            .execute(conn)?;
        Ok(())
    })
    .unwrap();
}

#[actix_web::test]
async fn linking_an_alias_moves_the_calls_of_that_name_that_were_never_disputed() {
    let app = TestApp::start().await;
    let db = app.db();
    let old = app.viewer(Person::buyer("acme"));
    let other = app.viewer(Person::buyer("birch"));
    let new: BuyerId = db
        .write_blocking(|conn| buyers::insert(conn, &Who::operator(), "Lanternbrook", None, app.clock().now()))
        .unwrap();
    let call = |owner, name: &str| {
        let call = NewCall::ordinary(owner, app.clock().now()).add(db);
        came_as(db, call, name);
        call
    };
    let moves = [call(&old, "LB West"), call(&old, " lb WEST "), call(&other, "LB West")];
    let stays = [call(&old, "LB East"), call(&old, "acme")];
    let disputed = [Intent::Draft, Intent::Send].map(|intent| {
        let call = call(&old, "LB West");
        story::dispute(db, app.clock(), &old, call, intent).unwrap();
        call
    });

    let alias = ["buyer", "alias", "--name", "lanternbrook", "--source", "Ringba", "--alias", "LB West"];
    let app_command = |arguments: &[&str]| run(command(&app.data_dir(), app.database().url(), arguments), "");
    let done = app_command(&alias).ok();
    assert!(done.out.contains("3 calls moved"), "{done:?}");

    let owner = |call: CallId| {
        db.read_blocking::<_, DbError>(|conn| {
            Ok(calls::table.find(call).select(calls::buyer_id).first::<BuyerId>(conn)?)
        })
        .unwrap()
    };
    assert_eq!(moves.map(owner), [new; 3]);
    assert_eq!(stays.map(owner), [old.scope().buyer().unwrap(); 2]);
    assert_eq!(disputed.map(owner), [old.scope().buyer().unwrap(); 2]);
    let last = entries(db).pop().unwrap();
    assert_eq!((last.action.as_str(), last.entity_id), ("buyer.alias_linked", new.to_string()));
    assert!(last.new_values.contains("\"moved_calls\":3"), "{}", last.new_values);

    // Once more changes nothing, and says so.
    let before = entries(db).len();
    assert!(app_command(&alias).ok().out.contains("0 calls moved"));
    assert_eq!(entries(db).len(), before);
    let aliases: i64 =
        db.read_blocking::<_, DbError>(|conn| Ok(buyer_aliases::table.count().get_result(conn)?)).unwrap();
    assert_eq!(aliases, 1);
    app_command(&["buyer", "alias", "--name", "Nobody", "--source", "ringba", "--alias", "x"]).refused(1, "no buyer");
}

// ---- users

#[test]
fn a_user_of_a_buyer_and_a_manager_are_added_and_listed() {
    let desk = Desk::new();
    desk.run(&["buyer", "add", "--name", "Lanternbrook"]).ok();
    let maren = ["user", "add", "--email", "Maren@lanternbrook.example", "--name", "Maren", "--role", "buyer"];
    let maren =
        [&maren[..], &["--buyer", "lanternbrook", "--permission", "dispute-calls", "--password-stdin"]].concat();
    desk.run_with(&maren, STRONG).ok();
    let idris = ["user", "add", "--email", "idris@desk.example", "--name", "Idris", "--role", "manager"];
    let rights = ["--permission", "disputes-view", "--permission", "disputes-edit", "--permission", "calls-import"];
    desk.run_with(&[&idris[..], &rights, &["--permission", "settings", "--password-stdin"]].concat(), STRONG).ok();

    let users = desk.users();
    let facts = |at: usize, name: &str| users[at][name].clone();
    assert_eq!(facts(0, "email"), "idris@desk.example");
    assert_eq!((facts(0, "role"), facts(0, "buyer")), (json!("manager"), Value::Null));
    assert_eq!(facts(0, "permissions"), json!(["disputes-view", "disputes-edit", "calls-import", "settings"]));
    assert_eq!((facts(1, "role"), facts(1, "buyer")), (json!("buyer"), json!("Lanternbrook")));
    assert_eq!(facts(1, "permissions"), json!(["dispute-calls"]));
    assert!(desk.run(&["user", "list"]).ok().out.contains("Maren@lanternbrook.example"));
    desk.run_with(&maren, STRONG).refused(1, "there is a user with this e-mail already");
}

#[rstest]
#[case::edit_without_view(&["--role", "manager", "--permission", "disputes-edit"], 2, "disputes-edit needs disputes-view")]
#[case::a_managers_right_for_a_buyer(&["--role", "buyer", "--buyer", "Lanternbrook", "--permission", "settings"], 2, "don't go together")]
#[case::a_buyers_right_for_a_manager(&["--role", "manager", "--permission", "dispute-calls"], 2, "don't go together")]
#[case::no_buyer(&["--role", "buyer"], 2, "--buyer")]
#[case::a_manager_of_a_buyer(&["--role", "manager", "--buyer", "Lanternbrook"], 2, "--buyer")]
#[case::an_unknown_right(&["--role", "manager", "--permission", "everything"], 2, "disputes-view")]
#[case::an_unknown_buyer(&["--role", "buyer", "--buyer", "Nobody"], 1, "Nobody")]
#[case::no_role(&[], 2, "--role")]
fn a_user_who_makes_no_sense_is_refused(#[case] what: &[&str], #[case] code: i32, #[case] sentence: &str) {
    let desk = Desk::new();
    desk.run(&["buyer", "add", "--name", "Lanternbrook"]).ok();
    let add = ["user", "add", "--email", "x@desk.example", "--name", "X", "--password-stdin"];
    desk.run_with(&[&add[..], what].concat(), STRONG).refused(code, sentence);
    assert_eq!(desk.users(), Vec::<Value>::new());
}

#[test]
fn a_password_comes_from_a_line_of_standard_input_or_a_terminal_alone() {
    let desk = Desk::new();
    let add = ["user", "add", "--email", "ada@desk.example", "--name", "Ada", "--role", "manager"];
    let with = |input: &str| desk.run_with(&[&add[..], &["--password-stdin"]].concat(), input);
    desk.run(&add).refused(2, "--password-stdin");
    desk.run(&[&add[..], &["--password", STRONG]].concat()).refused(2, "--password");
    with("").refused(1, "no password");
    with("short\n").refused(1, "Choose a password of at least 8 characters");
    with("password1\n").refused(1, "easy to guess");
    with("ada@desk.example\n").refused(1, "easy to guess");
    assert_eq!(desk.users(), Vec::<Value>::new());
    let done = with(&format!("{STRONG}\nnot this line\n")).ok();
    assert!(!done.out.contains(STRONG) && !done.err.contains(STRONG), "{done:?}");
    let db = desk.db();
    let hash: Option<String> =
        db.read_blocking::<_, DbError>(|conn| Ok(users::table.select(users::password_hash).first(conn)?)).unwrap();
    assert!(hash.unwrap().starts_with("$argon2id$"));
    assert!(entries(&db).iter().all(|entry| !format!("{entry:?}").contains("argon2")));
}

#[test]
fn a_user_is_changed_only_by_what_makes_sense() {
    let desk = Desk::new();
    desk.add_manager();
    let set = |more: &[&str]| desk.run(&[&["user", "set", "--email", "ADA@desk.example"], more].concat());
    set(&[]).refused(2, "--grant");
    set(&["--grant", "disputes-edit"]).refused(1, "disputes-edit needs disputes-view");
    set(&["--grant", "dispute-calls"]).refused(1, "don't go together");
    set(&["--disable", "--enable"]).refused(2, "--enable");
    set(&["--grant", "settings", "--revoke", "settings"]).refused(2, "settings");
    set(&["--grant", "disputes-view", "--grant", "disputes-edit", "--revoke", "settings"]).ok();
    assert_eq!(desk.users()[0]["permissions"], json!(["disputes-view", "disputes-edit"]));
    set(&["--disable"]).ok();
    assert_eq!(desk.users()[0]["disabled"], true);
    set(&["--enable"]).ok();
    assert_eq!(desk.users()[0]["disabled"], false);
    desk.run(&["user", "set", "--email", "nobody@desk.example", "--disable"]).refused(1, "nobody@desk.example");
    let changes = ["user.added", "user.permissions_changed", "user.disabled", "user.enabled"];
    assert_eq!(actions(&desk.db()), changes);
}

#[actix_web::test]
async fn what_a_command_changes_of_a_user_holds_at_their_next_request() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let set = |more: &[&str], input: &str| {
        let arguments = [&["user", "set", "--email", "acme@example.com"], more].concat();
        run(command(&app.data_dir(), app.database().url(), &arguments), input).ok();
    };
    acme.get("/disputes").await.assert_ok();
    set(&["--revoke", "dispute-calls"], "");
    acme.get("/disputes").await.assert_forbidden();
    acme.get("/calls").await.assert_ok();
    set(&["--grant", "dispute-calls"], "");
    acme.get("/disputes").await.assert_ok();
    set(&["--disable"], "");
    acme.get("/disputes").await.assert_sign_in_first();
    set(&["--enable", "--password-stdin"], STRONG);
    acme.get("/disputes").await.assert_sign_in_first();
    let fresh: Actor = app.anonymous();
    fresh.sign_in("acme@example.com", STRONG).await;
    fresh.get("/disputes").await.assert_ok();
}
