//! The menu has what somebody may open, and nothing else.

use crate::support::app::TestApp;
use crate::support::people::Person;

const HREFS: [&str; 4] = ["/reports", "/imports", "/audit", "/settings/users"];

/// A manager with these permissions: View, Edit, Import, Settings.
fn manager(name: &'static str, [view, edit, import, settings]: [bool; 4]) -> Person {
    Person::Manager { name, view, edit, import, settings }
}

/// Who mistypes an address is not signed out, and should not look it.
#[actix_web::test]
async fn an_address_that_is_none_leaves_the_menu_where_it_was() {
    let app = TestApp::start().await;
    for (actor, is_signed_in) in [(app.buyer("acme").await, true), (app.anonymous(), false)] {
        let answer = actor.get("/callz").await;
        let page = answer.assert_not_found().page();
        assert_eq!(page.has("#nav a[href=\"/calls\"]"), is_signed_in);
        assert_eq!(page.has("#nav a[href=\"/login\"]"), !is_signed_in);
    }
}

#[actix_web::test]
async fn each_item_is_there_for_those_who_may_open_its_page() {
    let app = TestApp::start().await;
    let people = [
        (Person::buyer("acme"), [false; 4]),
        (manager("none", [false; 4]), [false; 4]),
        (manager("view", [true, false, false, false]), [true, false, false, false]),
        (manager("import", [false, false, true, false]), [false, true, false, false]),
        (manager("settings", [false, false, false, true]), [false, false, true, true]),
        (manager("all", [true; 4]), [true; 4]),
    ];
    for (person, expected) in people {
        let actor = app.person(person).await;
        let page = actor.get("/calls").await.page();
        for (href, may) in HREFS.into_iter().zip(expected) {
            assert_eq!(page.has(&format!("#nav a[href=\"{href}\"]")), may, "{href} for {}", person.email());
            let status = if may { 200 } else { 403 };
            actor.get(href).await.assert_status(status);
        }
    }
}
