//! The rule against forged requests: what changes something must come from a page of this server.

use actix_web::body::MessageBody;
use actix_web::dev::{RequestHead, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName};
use actix_web::http::uri::Authority;
use actix_web::middleware::Next;
use actix_web::{Error, web};

use super::error::AppError;
use crate::config::Config;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Middleware: refuses unsafe requests from elsewhere, before any handler.
pub async fn require_same_origin(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    // Programs send a Bearer token and never a cookie, so nobody can borrow their rights.
    let exempt = request.method().is_safe() || is_api(request.path());
    let served = exempt || {
        let config = request.app_data::<web::Data<Config>>();
        let origin = config.and_then(|config| config.public_url.as_ref()).map(|url| url.origin().to_owned());
        is_same_origin(request.head(), origin.as_deref())
    };
    if served {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let (request, _) = request.into_parts();
    Ok(ServiceResponse::from_err(AppError::CrossSite, request))
}

fn is_api(path: &str) -> bool {
    path == "/api/v1" || path.starts_with("/api/v1/")
}

/// `Sec-Fetch-Site` decides where a browser sends it; else `Origin` must be ours; neither is a refusal.
fn is_same_origin(head: &RequestHead, public_origin: Option<&str>) -> bool {
    let headers = head.headers();
    let one = |name: HeaderName| {
        let mut values = headers.get_all(name);
        // Two of them contradict each other, or want to: as good as a foreign one.
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value.to_str().unwrap_or("?")),
            (Some(_), Some(_)) => Some("?"),
            _ => None,
        }
    };
    if let Some(site) = one(SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = one(header::ORIGIN) else {
        return false;
    };
    if let Some(public) = public_origin {
        return origin == public;
    }
    let host = one(header::HOST).or_else(|| head.uri.authority().map(Authority::as_str));
    let origin_host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    matches!((host, origin_host), (Some(host), Some(theirs)) if host.eq_ignore_ascii_case(theirs))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::own_page(&[("sec-fetch-site", "same-origin")], None, true)]
    #[case::typed_by_hand(&[("sec-fetch-site", "none")], None, true)]
    #[case::another_site(&[("sec-fetch-site", "cross-site")], None, false)]
    #[case::a_neighbour(&[("sec-fetch-site", "same-site")], None, false)]
    #[case::fetch_site_wins_over_origin(&[("sec-fetch-site", "cross-site"), ("origin", "http://desk.example")], None, false)]
    #[case::own_origin(&[("origin", "http://desk.example")], None, true)]
    #[case::foreign_origin(&[("origin", "http://evil.example")], None, false)]
    #[case::a_longer_name(&[("origin", "http://desk.example.evil.example")], None, false)]
    #[case::null_origin(&[("origin", "null")], None, false)]
    #[case::neither(&[], None, false)]
    #[case::public_origin(&[("origin", "https://public.example")], Some("https://public.example"), true)]
    #[case::the_host_is_not_enough_then(&[("origin", "http://desk.example")], Some("https://public.example"), false)]
    #[case::another_scheme(&[("origin", "http://public.example")], Some("https://public.example"), false)]
    fn the_rule(#[case] headers: &[(&str, &str)], #[case] public: Option<&str>, #[case] served: bool) {
        let request = TestRequest::post().insert_header(("host", "desk.example"));
        let request = headers.iter().fold(request, |request, pair| request.insert_header(*pair)).to_http_request();
        assert_eq!(is_same_origin(request.head(), public), served);
    }

    #[test]
    fn two_contradicting_headers_are_refused() {
        let request = TestRequest::post()
            .append_header(("sec-fetch-site", "same-origin"))
            .append_header(("sec-fetch-site", "cross-site"))
            .to_http_request();
        assert!(!is_same_origin(request.head(), None));
    }

    #[rstest]
    #[case("/api/v1/disputes", true)]
    #[case("/api/v1", true)]
    #[case("/api/v10/disputes", false)]
    #[case("/disputes", false)]
    fn only_the_api_is_exempt(#[case] path: &str, #[case] exempt: bool) {
        assert_eq!(is_api(path), exempt);
    }
}
