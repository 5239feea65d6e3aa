use actix_web::test::TestRequest;
use rstest::rstest;

use super::*;

#[derive(Template)]
#[template(
    source = r#"{% extends "layouts/base.html" %}{% block title %}Sample{% endblock %}
{% block content %}<h1>Whole</h1>{% block table %}<section id="sample-table">{{ rows }} rows</section>{% endblock %}{% endblock %}"#,
    ext = "html",
    blocks = ["table"]
)]
struct Sample {
    chrome: Chrome,
    rows: u32,
}

impl Fragments for Sample {
    fn fragment(&self, region: &str) -> Option<askama::Result<String>> {
        (region == "sample-table").then(|| self.as_table().render())
    }
}

fn htmx(target: &str) -> Htmx {
    let request = TestRequest::default()
        .insert_header(("hx-request", "true"))
        .insert_header(("hx-request-type", "partial"))
        .insert_header(("hx-target", target));
    Htmx::of(request.to_http_request().head())
}

fn signed_in(pending: Option<i64>) -> Chrome {
    Chrome { signed_in: true, pending, unread: 3, user_name: "Maren Tolliver".to_owned(), ..Chrome::default() }
}

fn sample(htmx: Htmx, chrome: Chrome) -> Page<Sample> {
    Page::new(htmx, Sample { chrome, rows: 2 })
}

#[test]
fn a_browser_gets_the_whole_page() {
    let text = sample(Htmx::default(), signed_in(Some(9))).render().unwrap();
    assert!(text.starts_with("<!doctype html>") && text.contains("<h1>Whole</h1>") && text.contains("2 rows"));
    assert!(text.contains("<title>Sample · Fairdial</title>"));
}

#[test]
fn htmx_gets_the_region_of_its_target_with_badge_and_flash_out_of_band() {
    let page =
        sample(htmx("section#sample-table"), signed_in(Some(9))).with_badge(Some(8)).with_flash(Flash::done("Sent."));
    let text = page.render().unwrap();
    assert!(text.starts_with(r#"<section id="sample-table">2 rows</section>"#), "{text}");
    assert!(text.contains(r#"id="pending-count" title="8 Pending" hx-swap-oob="true">8</span>"#), "{text}");
    assert!(text.contains(r#"id="flash""#) && text.contains("Sent."), "{text}");
}

#[test]
fn an_unknown_target_gets_the_whole_page() {
    assert!(sample(htmx("div#elsewhere"), signed_in(None)).render().unwrap().starts_with("<!doctype html>"));
}

#[rstest]
#[case(Some(9), Some(r#"<span class="count" id="pending-count" title="9 Pending">9</span>"#))]
#[case(Some(0), Some(r#"<span class="count" id="pending-count" title="0 Pending" hidden>0</span>"#))]
#[case(None, None)]
fn the_badge_is_there_for_those_who_may_see_disputes(#[case] pending: Option<i64>, #[case] badge: Option<&str>) {
    let text = sample(Htmx::default(), signed_in(pending)).render().unwrap();
    match badge {
        Some(badge) => assert!(text.contains(badge), "{text}"),
        None => assert!(!text.contains("pending-count") && !text.contains("/disputes")),
    }
}

#[test]
fn no_page_has_inline_script_or_style() {
    let text = sample(Htmx::default(), signed_in(Some(1))).render().unwrap();
    assert!(!text.contains("style=") && !text.contains("<style") && !text.contains(" onclick"));
    for tag in text.match_indices("<script") {
        assert!(text[tag.0..].starts_with("<script defer src=\"/static/"));
    }
}

#[test]
fn manager_items_follow_the_flags() {
    let mut chrome = signed_in(Some(1));
    let without = sample(Htmx::default(), chrome.clone()).render().unwrap();
    chrome.menu = Menu { reports: true, imports: true, settings: true, audit: true };
    let with = sample(Htmx::default(), chrome).render().unwrap();
    for href in ["/reports", "/imports", "/settings/users", "/audit"] {
        let link = format!(r#"href="{href}""#);
        assert!(with.contains(&link) && !without.contains(&link), "{href}");
    }
}

#[rstest]
#[case("Maren Tolliver", "MT")]
#[case("Cher", "C")]
#[case("Ana María de la Cruz", "AC")]
#[case("", "")]
fn initials_are_those_of_first_and_last_name(#[case] name: &str, #[case] initials: &str) {
    assert_eq!(Chrome::initials(name), initials);
}
