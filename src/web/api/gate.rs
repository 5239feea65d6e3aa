//! Who may come in: a good Bearer token, and not too often. Cookies mean nothing here.

use std::num::NonZeroU32;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{RequestHead, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::auth::{Caller, extract};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::tokens::{self, TokenRow};
use crate::db::{Db, DbError};
use crate::domain::Instant;
use crate::domain::ids::TokenId;
use crate::web::AppError;

/// No token is longer.
const LONGEST: usize = 200;

type Limiter = RateLimiter<i64, DefaultKeyedStateStore<i64>, DefaultClock, StateInformationMiddleware>;

/// How often each token may come, counted by this process.
pub struct Rates {
    limiter: Limiter,
    clock: DefaultClock,
    per_minute: u32,
}

/// How a token stands after a request.
#[derive(Clone, Copy, Debug)]
struct Standing {
    per_minute: u32,
    remaining: u32,
    /// Seconds until all of it is there again.
    reset: u32,
}

impl Rates {
    /// Those of the settings.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let per_minute = NonZeroU32::new(config.api_requests_per_minute).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::keyed(Quota::per_minute(per_minute)).with_middleware::<StateInformationMiddleware>();
        Self { limiter, clock: DefaultClock::default(), per_minute: per_minute.get() }
    }

    /// Counts a request of this token; else the seconds after which it may come again.
    fn count(&self, token: TokenId) -> Result<Standing, u32> {
        match self.limiter.check_key(&token.number()) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = u64::from(self.per_minute.saturating_sub(remaining));
                let reset = used.saturating_mul(60).div_ceil(u64::from(self.per_minute));
                let reset = u32::try_from(reset).unwrap_or(u32::MAX);
                Ok(Standing { per_minute: self.per_minute, remaining, reset })
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now()).as_secs().saturating_add(1);
                Err(u32::try_from(wait).unwrap_or(u32::MAX))
            }
        }
    }
}

impl Standing {
    fn headers(self) -> [(&'static str, String); 4] {
        [
            ("ratelimit-limit", self.per_minute.to_string()),
            ("ratelimit-remaining", self.remaining.to_string()),
            ("ratelimit-reset", self.reset.to_string()),
            ("ratelimit-policy", format!("{};w=60", self.per_minute)),
        ]
    }
}

/// Middleware: finds the caller behind a Bearer token, counts the request, and lets the handler ask for its proofs.
///
/// A request without a good token goes on: an endpoint that needs one refuses it, and the document needs none.
pub async fn admit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(secret) = bearer(request.head()) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let (caller, standing) = match enter(&request, secret).await {
        Ok(Some(entered)) => entered,
        Ok(None) => {
            let mut response = next.call(request).await?.map_into_boxed_body();
            if response.status() == StatusCode::UNAUTHORIZED {
                // RFC 6750, 3.1: whoever sent one is told that it is the token.
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            return Ok(response);
        }
        Err(refusal) => return Ok(refused(request, refusal)),
    };
    let standing = match standing {
        Ok(standing) => standing,
        Err((seconds, per_minute)) => {
            let mut response = refused(request, AppError::TooMany { seconds });
            tell(&mut response, Standing { per_minute, remaining: 0, reset: seconds });
            return Ok(response);
        }
    };
    request.extensions_mut().insert(caller);
    let mut response = next.call(request).await?.map_into_boxed_body();
    tell(&mut response, standing);
    Ok(response)
}

type Entered = (Caller, Result<Standing, (u32, u32)>);

async fn enter(request: &ServiceRequest, secret: String) -> Result<Option<Entered>, AppError> {
    let missing = || AppError::Internal(anyhow::anyhow!("the app was built without its values"));
    let db = request.app_data::<web::Data<Db>>().ok_or_else(missing)?;
    let clock = request.app_data::<web::Data<Clock>>().ok_or_else(missing)?;
    let rates = request.app_data::<web::Data<Rates>>().ok_or_else(missing)?;
    let now = clock.now();
    let found = db.read::<_, DbError, _>(move |conn| Ok(tokens::find_good(conn, &secret, now)?)).await?;
    let Some((token, user)) = found else { return Ok(None) };
    let Some(caller) = Caller::from_rows(&token, &user, extract::origin(request.request())) else { return Ok(None) };
    touch(db, &token, now);
    let standing = rates.count(token.id).map_err(|seconds| (seconds, rates.per_minute));
    Ok(Some((caller, standing)))
}

/// `Bearer TOKEN`, once; the scheme in any case.
fn bearer(head: &RequestHead) -> Option<String> {
    let mut values = head.headers().get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && (1..=LONGEST).contains(&token.len())).then(|| token.to_owned())
}

/// Marks the token as used, at most once a minute and beside the request: nobody waits for it.
fn touch(db: &web::Data<Db>, token: &TokenRow, now: Instant) {
    if token.last_used_at.is_some_and(|at| at > now - tokens::TOUCHED_EVERY) {
        return;
    }
    let (db, id) = (db.get_ref().clone(), token.id);
    actix_web::rt::spawn(async move {
        let touched = db.write::<_, DbError, _>(move |conn| Ok(tokens::touch(conn, id, now)?)).await;
        if let Err(error) = touched {
            tracing::warn!(%error, "a token could not be marked as used");
        }
    });
}

fn refused(request: ServiceRequest, refusal: AppError) -> ServiceResponse<BoxBody> {
    let (request, _) = request.into_parts();
    ServiceResponse::from_err(refusal, request)
}

fn tell(response: &mut ServiceResponse<BoxBody>, standing: Standing) {
    for (name, value) in standing.headers() {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}
