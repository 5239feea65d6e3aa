//! The managers' filters by buyer: a menu, and a field for names where there are too many buyers for one.

use fairdial::db::DbError;
use fairdial::domain::ids::BuyerId;

use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::ensure_company;

/// The lists with such a filter, and what they call it.
const LISTS: [(&str, &str); 4] =
    [("/disputes", "buyer"), ("/calls", "buyer"), ("/reports", "buyer"), ("/settings/users", "company")];

/// Buyers called `Buyer 01` and so on; gives the id of the last.
fn add(app: &TestApp, numbers: std::ops::RangeInclusive<u32>) -> BuyerId {
    let now = app.clock().now();
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            let ids =
                numbers.clone().map(|number| ensure_company(conn, &format!("Buyer {number:02}"), now).expect("added"));
            Ok(ids.last().expect("some"))
        })
        .expect("the buyers are added")
}

/// The options of the menu by this name, without the one for all.
async fn menu(dana: &Actor, (list, field): (&str, &str)) -> Vec<String> {
    let page = dana.get(list).await.assert_ok().page();
    page.texts(&format!("select[name={field}] option")).into_iter().filter(|name| name.starts_with("Buyer ")).collect()
}

#[actix_web::test]
async fn a_menu_has_fifty_buyers_and_a_field_takes_over_beyond() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    let fiftieth = add(&app, 1..=50);
    for list in LISTS {
        let options = menu(&dana, list).await;
        assert_eq!((options.len(), options[49].as_str()), (50, "Buyer 50"), "{list:?}");
        let page = dana.get(&format!("{}?{}={fiftieth}", list.0, list.1)).await.assert_ok().page();
        assert_eq!(page.text(&format!("select[name={}] option[selected]", list.1)), "Buyer 50");
    }
    let last = add(&app, 51..=51);
    for (list, field) in LISTS {
        assert!(menu(&dana, (list, field)).await.is_empty(), "{list} still has a menu");
        let (named, by_id) = (format!("{list}?{field}=%20buyer+51%20"), format!("{list}?{field}={last}"));
        for address in [&named, &by_id] {
            let page = dana.get(address).await.assert_ok().page();
            assert_eq!(page.attr(&format!("input[name={field}][list]"), "value"), "Buyer 51", "{address}");
            let links = page.attrs("main a[href*='?']", "href").join(" ");
            assert!(!links.contains(&format!("{field}=buyer")), "links carry the id: {links}");
        }
        let unknown = dana.get(&format!("{list}?{field}=Nobody+<Ltd>")).await;
        unknown.assert_status(422).assert_body_has("Nobody &#60;Ltd&#62;").assert_body_has(field);
    }
}

#[actix_web::test]
async fn a_list_is_filtered_by_the_name_that_was_typed() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    add(&app, 1..=51);
    app.buyer("acme").await;
    let page = dana.get("/settings/users?company=ACME").await.assert_ok().page();
    assert_eq!(page.row_ids("users").len(), 1);
    let platform = dana.get("/settings/users?company=fairdial").await.assert_ok().page();
    assert_eq!(
        (platform.row_ids("users").len(), platform.attr("input[name=company]", "value")),
        (1, "Fairdial".into())
    );
    assert_eq!(dana.get("/calls?buyer=acme").await.assert_ok().page().texts(".chip").len(), 1);
}

#[actix_web::test]
async fn names_are_suggested_to_managers_by_how_they_begin() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    add(&app, 1..=60);
    let now = app.clock().now();
    let odd = |conn: &mut _| {
        for name in ["<b>Bold</b> & Sons", "100% Leads", "under_score"] {
            ensure_company(conn, name, now).expect("added");
        }
        Ok(())
    };
    app.db().write_blocking::<_, DbError>(odd).expect("the buyers are added");
    let suggested = async |typed: &str| {
        let answer = dana.get(&format!("/buyers?{typed}")).await;
        assert_eq!(answer.assert_ok().header("cache-control"), "private, no-store");
        answer.page().attrs("option", "value")
    };
    assert_eq!(suggested("buyer=BUYER+5").await.len(), 10);
    assert_eq!(suggested("buyer=buyer+60").await, ["Buyer 60"]);
    assert_eq!(suggested("company=buyer+07").await, ["Buyer 07"]);
    assert_eq!(suggested("buyer=%3Cb").await, ["<b>Bold</b> & Sons"]);
    for wildcard in ["buyer=%25", "buyer=_", "buyer=uyer"] {
        assert!(suggested(wildcard).await.is_empty(), "{wildcard}");
    }
    assert_eq!(suggested("").await.len(), 10);

    // Who belongs to a buyer learns no names: not by suggestion, and not by asking whether one is there.
    let eve = app.buyer("acme").await;
    eve.get("/buyers?buyer=buyer").await.assert_status(403).assert_body_lacks("Buyer 01");
    for list in ["/calls", "/disputes"] {
        let (there, gone) =
            (eve.get(&format!("{list}?buyer=Buyer+01")).await, eve.get(&format!("{list}?buyer=Nobody")).await);
        assert_eq!((there.status, gone.status.as_u16()), (gone.status, 422));
    }
}
