//! People and programs who send requests.

use std::time::Duration;

use reqwest::header::{COOKIE, HeaderMap};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder};
use serde::Serialize;

use super::response::Response;

/// A client to be set up. All its requests are plain HTTP, but none is built before the process has chosen who would
/// encrypt: only the first choice holds, so a later one says that it came late.
pub(crate) fn client() -> ClientBuilder {
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder()
}

/// Somebody with a browser and its own cookies; redirects are answers, not followed.
#[derive(Clone)]
pub(crate) struct Actor {
    client: Client,
    origin: String,
    bearer: Option<String>,
}

/// A file chosen in a form.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
}

impl Upload {
    pub(crate) fn new(name: &str, media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), media_type: media_type.to_owned(), bytes: bytes.into() }
    }
}

impl Actor {
    /// Nobody yet: no cookie, no token.
    pub(crate) fn anonymous(origin: &str) -> Self {
        let client = client()
            .cookie_store(true)
            .redirect(Policy::none())
            .no_proxy()
            .timeout(Duration::from_mins(1))
            .build()
            .expect("a client without TLS");
        Self { client, origin: origin.to_owned(), bearer: None }
    }

    /// Somebody who sends exactly this cookie, such as one taken from another browser.
    pub(crate) fn with_cookie(origin: &str, cookie: &str) -> Self {
        let headers = HeaderMap::from_iter([(COOKIE, cookie.parse().expect("a cookie"))]);
        let client = client().default_headers(headers).redirect(Policy::none()).no_proxy().build();
        Self { client: client.expect("a client without TLS"), ..Self::anonymous(origin) }
    }

    /// A program that sends this API token, and no cookies.
    pub(crate) fn with_token(origin: &str, token: &str) -> Self {
        Self { bearer: Some(token.to_owned()), ..Self::anonymous(origin) }
    }

    /// A request as the own pages send it; change it, then hand it to [`Actor::send`].
    ///
    /// Unsafe ones say where they come from, as every browser does. Tests of that very rule start
    /// from [`Actor::bare_request`].
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let safe = method.is_safe();
        let request = self.bare_request(method, path);
        if safe || self.bearer.is_some() { request } else { request.header("Sec-Fetch-Site", "same-origin") }
    }

    /// A request without `Sec-Fetch-Site` or `Origin`.
    pub(crate) fn bare_request(&self, method: Method, path: &str) -> RequestBuilder {
        assert!(path.starts_with('/'), "{path} is not a path of this server");
        let request = self.client.request(method, format!("{}{path}", self.origin));
        match &self.bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Response {
        let response = request.send().await.unwrap_or_else(|error| panic!("no answer: {error:?}"));
        Response::read(response).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(self.request(Method::GET, path)).await
    }

    /// The status of an answer that doesn't end by itself; the rest isn't read.
    pub(crate) async fn status_of_stream(&self, path: &str) -> u16 {
        let response = self.request(Method::GET, path).send().await;
        response.unwrap_or_else(|error| panic!("no answer: {error:?}")).status().as_u16()
    }

    /// What htmx asks for; the target is written `section#disputes-table`.
    pub(crate) async fn get_fragment(&self, path: &str, target: &str) -> Response {
        let request = self.request(Method::GET, path);
        let request =
            request.header("HX-Request", "true").header("HX-Request-Type", "partial").header("HX-Target", target);
        self.send(request).await
    }

    /// Sends a form; a name may come more than once.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.send(self.request(Method::POST, path).form(fields)).await
    }

    /// Sends a form with files.
    pub(crate) async fn post_multipart(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, Upload)],
    ) -> Response {
        let mut form = Form::new();
        for &(name, value) in fields {
            form = form.text(name.to_owned(), value.to_owned());
        }
        for (name, file) in files {
            let part = Part::bytes(file.bytes.clone())
                .file_name(file.name.clone())
                .mime_str(&file.media_type)
                .unwrap_or_else(|error| panic!("{}: {error}", file.media_type));
            form = form.part((*name).to_owned(), part);
        }
        self.send(self.request(Method::POST, path).multipart(form)).await
    }

    /// Sends a JSON body.
    pub(crate) async fn post_json(&self, path: &str, body: &impl Serialize) -> Response {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Goes where a redirect leads.
    pub(crate) async fn follow(&self, response: &Response) -> Response {
        let location = response.location();
        self.get(location.strip_prefix(&self.origin).unwrap_or(location)).await
    }

    /// Signs in by the real form; the cookie stays with this actor.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) {
        let answer = self.post("/login", &[("email", email), ("password", password)]).await;
        answer.assert_status(303);
        assert!(!answer.location().starts_with("/login"), "{email} is not signed in: {}", answer.location());
    }
}
