//! What came back: status, headers, bytes, and the assertions that read like sentences.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};

use super::page::Page;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let status = response.status();
        let headers = response.headers().clone();
        let body = response.bytes().await.expect("the body arrives whole").to_vec();
        Self { status, headers, body }
    }

    /// The body as text.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as a page.
    #[track_caller]
    pub(crate) fn page(&self) -> Page {
        Page::parse(self.text())
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A header's value, empty where it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where a redirect leads, as it was sent.
    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, expected: u16) -> &Self {
        let shown = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), expected, "location {:?}, body:\n{shown}", self.location());
        self
    }

    #[track_caller]
    pub(crate) fn assert_ok(&self) -> &Self {
        self.assert_status(200)
    }

    #[track_caller]
    pub(crate) fn assert_not_found(&self) -> &Self {
        self.assert_status(404)
    }

    #[track_caller]
    pub(crate) fn assert_forbidden(&self) -> &Self {
        self.assert_status(403)
    }

    /// A 409 that says why.
    #[track_caller]
    pub(crate) fn assert_conflict(&self, sentence: &str) -> &Self {
        self.assert_status(409).assert_body_has(sentence)
    }

    /// A 303 to a path.
    #[track_caller]
    pub(crate) fn assert_redirect(&self, path: &str) -> &Self {
        self.assert_status(303);
        assert_eq!(self.location(), path);
        self
    }

    /// A 303 to the sign-in page.
    #[track_caller]
    pub(crate) fn assert_sign_in_first(&self) -> &Self {
        self.assert_status(303);
        assert!(self.location().starts_with("/login?next="), "it leads to {:?}", self.location());
        self
    }

    /// A 422 with a message at the field.
    #[track_caller]
    pub(crate) fn assert_field_error(&self, field: &str, message: &str) -> &Self {
        self.assert_status(422);
        assert_eq!(self.page().field_error(field), message);
        self
    }

    #[track_caller]
    pub(crate) fn assert_body_has(&self, text: &str) -> &Self {
        let shown = String::from_utf8_lossy(&self.body);
        assert!(shown.contains(text), "{text:?} is not in:\n{shown}");
        self
    }

    #[track_caller]
    pub(crate) fn assert_body_lacks(&self, text: &str) -> &Self {
        let shown = String::from_utf8_lossy(&self.body);
        assert!(!shown.contains(text), "{text:?} is in:\n{shown}");
        self
    }
}
