//! The pages of the platform's administration × managers by their permissions.

use fairdial::domain::ids::UserId;
use fairdial::web::routes::ROUTES;

use crate::support::app::TestApp;
use crate::support::people::Person;

/// Expected: no permission, View alone, View and Edit, Import alone, Settings alone.
type Line = (&'static str, &'static str, [u16; 5]);

const LINES: &[Line] = &[
    ("GET", "/settings", [403, 403, 403, 403, 303]),
    ("GET", "/settings/users", [403, 403, 403, 403, 200]),
    ("POST", "/settings/users", [403, 403, 403, 403, 422]),
    ("GET", "/settings/users/new", [403, 403, 403, 403, 200]),
    ("GET", "/settings/users/{id}", [403, 403, 403, 403, 404]),
    ("POST", "/settings/users/{id}", [403, 403, 403, 403, 404]),
    ("GET", "/settings/buyers", [403, 403, 403, 403, 200]),
    ("POST", "/settings/buyers", [403, 403, 403, 403, 422]),
    ("GET", "/settings/buyers/new", [403, 403, 403, 403, 200]),
    ("GET", "/settings/buyers/{id}", [403, 403, 403, 403, 404]),
    ("POST", "/settings/buyers/{id}", [403, 403, 403, 403, 404]),
    ("POST", "/settings/buyers/{id}/aliases", [403, 403, 403, 403, 404]),
    ("GET", "/settings/policy", [403, 403, 403, 403, 200]),
    ("POST", "/settings/policy", [403, 403, 403, 403, 422]),
    ("GET", "/audit", [403, 403, 403, 403, 200]),
    ("GET", "/audit.csv", [403, 403, 403, 403, 200]),
    ("GET", "/audit.jsonl", [403, 403, 403, 403, 200]),
    ("GET", "/reports", [403, 200, 200, 403, 403]),
    ("GET", "/reports.csv", [403, 200, 200, 403, 403]),
];

const MANAGERS: [Person; 5] = [
    Person::Manager { name: "none", view: false, edit: false, import: false, settings: false },
    Person::Manager { name: "view", view: true, edit: false, import: false, settings: false },
    Person::Manager { name: "edit", view: true, edit: true, import: false, settings: false },
    Person::Manager { name: "import", view: false, edit: false, import: true, settings: false },
    Person::Manager { name: "settings", view: false, edit: false, import: false, settings: true },
];

fn is_administration(path: &str) -> bool {
    ["/settings", "/audit", "/reports"].iter().any(|part| path.starts_with(part))
}

#[test]
fn every_page_of_the_administration_has_a_line() {
    let known: Vec<_> = LINES.iter().map(|(method, path, _)| (*method, *path)).collect();
    let routes: Vec<_> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
    for route in routes.iter().filter(|(_, path)| is_administration(path)) {
        assert!(known.contains(route), "{route:?} has no line");
    }
    for line in known {
        assert!(routes.contains(&line), "{line:?} is no route");
    }
}

#[actix_web::test]
async fn each_manager_gets_what_the_table_says() {
    let app = TestApp::start().await;
    let mut wrong = Vec::new();
    for (column, person) in MANAGERS.into_iter().enumerate() {
        let manager = app.person(person).await;
        let before = app.digest();
        for (method, pattern, expected) in LINES {
            let path = pattern.replace("{id}", &UserId::generate().to_string());
            let response = if *method == "GET" { manager.get(&path).await } else { manager.post(&path, &[]).await };
            let status = response.status.as_u16();
            if status != expected[column] {
                wrong.push(format!("{method} {pattern} as {}: {status}, not {}", person.email(), expected[column]));
            }
        }
        if column < 4 {
            assert_eq!(app.digest(), before, "{} changed something", person.email());
        }
        // The menu has what the person may open, and nothing else.
        let menu = manager.get("/calls").await.page();
        for (href, pattern) in [("/settings/users", "/settings/users"), ("/audit", "/audit"), ("/reports", "/reports")] {
            let may = LINES.iter().any(|line| line.1 == pattern && line.2[column] == 200);
            assert_eq!(menu.has(&format!("#nav a[href=\"{href}\"]")), may, "{href} for {}", person.email());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
