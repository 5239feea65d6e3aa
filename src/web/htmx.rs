//! What htmx 4 says about a request, as one typed value. Handlers never read its headers.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::{Payload, RequestHead};
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};
use url::Url;

/// How the page was asked for: by the browser, or by htmx for one region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Htmx {
    requested: bool,
    partial: bool,
    target: Option<String>,
    current: Option<String>,
}

impl Htmx {
    /// Reads the headers of a request.
    #[must_use]
    pub fn of(head: &RequestHead) -> Self {
        let headers = head.headers();
        let is = |name, value: &str| text(headers, name).is_some_and(|found| found == value);
        let requested = is("hx-request", "true");
        // Back wants the page as a browser would get it.
        let whole = is("hx-history-restore-request", "true");
        Self {
            requested,
            partial: requested && !whole && is("hx-request-type", "partial"),
            target: text(headers, "hx-target").map(str::to_owned),
            current: text(headers, "hx-current-url").map(str::to_owned),
        }
    }

    /// Whether htmx asked, for a region or for the whole page.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested
    }

    /// Whether the answer is swapped into a part of the page.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// The id of the region to send, or `None` for the whole page. htmx 4 names the target as `section#disputes-table`.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        let target = self.target.as_deref().filter(|_| self.partial)?;
        target.split_once('#').map(|(_, id)| id)
    }

    /// Path and query of the page that htmx acts on, if it says so.
    #[must_use]
    pub fn current_path(&self) -> Option<String> {
        let url = Url::parse(self.current.as_deref()?).ok()?;
        Some(url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())))
    }
}

fn text<'head>(headers: &'head HeaderMap, name: &str) -> Option<&'head str> {
    headers.get(name)?.to_str().ok()
}

impl FromRequest for Htmx {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.head())))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use rstest::rstest;

    use super::*;

    fn asked(headers: &[(&str, &str)]) -> Htmx {
        let request = headers.iter().fold(TestRequest::default(), |request, pair| request.insert_header(*pair));
        Htmx::of(request.to_http_request().head())
    }

    const REQUEST: (&str, &str) = ("hx-request", "true");
    const PARTIAL: (&str, &str) = ("hx-request-type", "partial");
    const TARGET: (&str, &str) = ("hx-target", "section#disputes-table");

    #[rstest]
    #[case::a_region(&[REQUEST, PARTIAL, TARGET], Some("disputes-table"))]
    #[case::without_a_mark_of_htmx(&[PARTIAL, TARGET], None)]
    #[case::the_whole_page(&[REQUEST, ("hx-request-type", "full"), TARGET], None)]
    #[case::boosted_links_have_targets_too(&[REQUEST, PARTIAL, TARGET, ("hx-boosted", "true")], Some("disputes-table"))]
    #[case::back(&[REQUEST, PARTIAL, TARGET, ("hx-history-restore-request", "true")], None)]
    #[case::a_target_without_id(&[REQUEST, PARTIAL, ("hx-target", "section")], None)]
    fn a_region_is_sent_only_when_htmx_swaps_one(#[case] headers: &[(&str, &str)], #[case] region: Option<&str>) {
        assert_eq!(asked(headers).region(), region);
    }

    #[test]
    fn the_current_page_is_a_path_of_this_server() {
        let htmx = asked(&[REQUEST, ("hx-current-url", "https://elsewhere.example/disputes?status=pending#x")]);
        assert_eq!(htmx.current_path().as_deref(), Some("/disputes?status=pending"));
    }
}
