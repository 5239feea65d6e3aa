//! Help: the guides under `docs/guide`, embedded and shown as pages.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use askama::Template;
use askama::filters::HtmlSafe;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use rust_embed::RustEmbed;

use super::chrome::{self, Here};
use super::htmx::Htmx;
use super::page::{Chrome, Fragments, NavItem, Page, see_other};
use super::{AppError, Path, paths};
use crate::auth::Viewer;
use crate::db::Db;

#[derive(RustEmbed)]
#[folder = "docs/guide"]
struct Guides;

/// HTML that was made from our own guides; raw HTML in them has been dropped.
#[derive(Clone)]
struct GuideHtml(String);

impl fmt::Display for GuideHtml {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl HtmlSafe for GuideHtml {}

struct Guide {
    title: String,
    html: GuideHtml,
}

static GUIDES: LazyLock<HashMap<String, Guide>> = LazyLock::new(|| {
    let mut guides = HashMap::new();
    for file in Guides::iter() {
        let Some(name) = file.strip_suffix(".md").filter(|name| !name.contains('/')) else {
            continue;
        };
        if let Some(content) = Guides::get(&file) {
            guides.insert(name.to_owned(), Guide::read(&String::from_utf8_lossy(&content.data)));
        }
    }
    guides
});

impl Guide {
    fn read(markdown: &str) -> Self {
        let mut title = String::new();
        let mut in_title = false;
        let events = Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES).filter_map(
            |event| match event {
                Event::Html(_) | Event::InlineHtml(_) => None,
                // The first heading is the page's own.
                Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => {
                    in_title = true;
                    None
                }
                Event::End(TagEnd::Heading(HeadingLevel::H1)) => {
                    in_title = false;
                    None
                }
                Event::Text(text) if in_title => {
                    title.push_str(&text);
                    None
                }
                Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                    Some(Event::Start(Tag::Image { link_type, dest_url: page_address(dest_url), title, id }))
                }
                Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                    Some(Event::Start(Tag::Link { link_type, dest_url: page_address(dest_url), title, id }))
                }
                other => Some(other),
            },
        );
        let mut text = String::new();
        html::push_html(&mut text, events);
        Self { title, html: GuideHtml(text) }
    }
}

/// `img/form.png` and `manager.md#decide`, as the files name each other, become addresses of Help.
fn page_address(link: CowStr<'_>) -> CowStr<'_> {
    if link.contains(':') || link.starts_with(['/', '#']) {
        return link;
    }
    let (path, anchor) =
        link.split_once('#').map_or((link.as_ref(), String::new()), |(path, anchor)| (path, format!("#{anchor}")));
    format!("{}{anchor}", paths::help(path.strip_suffix(".md").unwrap_or(path))).into()
}

#[derive(Template)]
#[template(path = "pages/help/show.html")]
pub(super) struct HelpPage {
    chrome: Chrome,
    title: &'static str,
    guides: Vec<(String, &'static str, bool)>,
    html: &'static GuideHtml,
}

impl Fragments for HelpPage {}

/// GET `/help`: the first guide.
pub(super) async fn index() -> HttpResponse {
    see_other(paths::help("buyer"))
}

/// GET `/help/{guide}`.
pub(super) async fn show(
    viewer: Option<Viewer>,
    guide: Path<String>,
    htmx: Htmx,
    db: Data<Db>,
    here: Here,
) -> Result<Page<HelpPage>, AppError> {
    let found = GUIDES.get(guide.as_str()).ok_or(AppError::NotFound)?;
    let mut guides: Vec<_> =
        GUIDES.iter().map(|(name, entry)| (paths::help(name), entry.title.as_str(), name == guide.as_str())).collect();
    guides.sort();
    let chrome = match viewer {
        Some(viewer) => db.read(move |conn| chrome::load(conn, &viewer, NavItem::Help, &here)).await?,
        None => Chrome::anonymous().at(NavItem::Help),
    };
    Ok(Page::new(htmx, HelpPage { chrome, title: &found.title, guides, html: &found.html }))
}

/// GET `/help/img/{file}`.
pub(super) async fn image(file: Path<String>) -> Result<HttpResponse, AppError> {
    let found = Guides::get(&format!("img/{}", file.as_str())).ok_or(AppError::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, found.metadata.mimetype()))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(found.data.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guide_becomes_a_page_without_raw_html() {
        let guide =
            Guide::read("# Two *ways*\n\n<script>x</script>\n\n[Decide](manager.md#decide) ![Form](img/form.png)\n");
        assert_eq!(guide.title, "Two ways");
        assert!(!guide.html.0.contains("script") && !guide.html.0.contains("<h1"));
        assert!(guide.html.0.contains(r#"href="/help/manager#decide""#), "{}", guide.html.0);
        assert!(guide.html.0.contains(r#"src="/help/img/form.png""#));
    }

    #[test]
    fn the_buyers_guide_is_embedded() {
        assert!(GUIDES.get("buyer").is_some_and(|guide| !guide.title.is_empty()));
    }
}
