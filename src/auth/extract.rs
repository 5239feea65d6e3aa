//! The proofs a handler demands, taken from its request. Rights are as the database has them at this request.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use tracing_actix_web::RequestId;

use super::permission::{DisputeCalls, Granted, Permission};
use super::principal::{Buyer, DisputeViewer, Viewer};
use super::session::{Loaded, TypedSession};
use super::token::{Access, ByToken, Caller, Lacks, Right};
use super::{Origin, Via};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, DbError, sessions};
use crate::web::AppError;
use crate::web::client::ClientAddress;
use crate::web::page::Chrome;

/// Programs that look after themselves don't keep a session alive.
const POLLS: [&str; 2] = ["/events", "/pending-count"];

/// Where a request came from.
#[must_use]
pub fn origin(request: &HttpRequest) -> Origin {
    let address = request
        .app_data::<web::Data<Config>>()
        .map(|config| ClientAddress::of(request.head(), config).0.to_string())
        .unwrap_or_default();
    let request_id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    // Only programs come by this path, and by no other.
    let via = if request.path().starts_with("/api/") { Via::Api } else { Via::Browser };
    Origin { via, address, request_id }
}

fn viewer(request: &HttpRequest) -> Result<Viewer, AppError> {
    match TypedSession::of(request).loaded() {
        Some(Loaded::SignedIn { user, token_hash, needs_touch, .. }) => {
            if needs_touch && !is_poll(request.path()) {
                touch(request, token_hash);
            }
            let viewer = Viewer::from_row(&user, origin(request)).ok_or_else(|| AppError::sign_in(request))?;
            // For an error page, which asks no database.
            request.extensions_mut().insert(Chrome::without_counts(&viewer));
            Ok(viewer)
        }
        Some(Loaded::Unavailable) => Err(AppError::Busy),
        None => Err(AppError::sign_in(request)),
    }
}

/// A page that is only left open speaks too, and a forgotten one is to be signed out all the same.
fn is_poll(path: &str) -> bool {
    POLLS.contains(&path) || path.starts_with("/disputes/") && path.ends_with("/presence")
}

/// Marks the session as used, beside the request: nobody waits for it.
fn touch(request: &HttpRequest, token_hash: String) {
    let (Some(db), Some(clock)) = (request.app_data::<web::Data<Db>>(), request.app_data::<web::Data<Clock>>()) else {
        return;
    };
    let (db, now) = (db.get_ref().clone(), clock.now());
    actix_web::rt::spawn(async move {
        let touched = db.write::<_, DbError, _>(move |conn| Ok(sessions::touch(conn, &token_hash, now)?)).await;
        if let Err(error) = touched {
            tracing::warn!(%error, "a session could not be marked as used");
        }
    });
}

macro_rules! from_request {
    ($proof:ty $(where $param:ident: $bound:ident)?, |$viewer:ident| $make:expr) => {
        impl $(<$param: $bound>)? FromRequest for $proof {
            type Error = AppError;
            type Future = Ready<Result<Self, AppError>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(viewer(request).and_then(|$viewer| $make))
            }
        }
    };
}

fn forbidden(what: &str) -> AppError {
    AppError::Forbidden { what: what.to_owned() }
}

from_request!(Viewer, |viewer| Ok(viewer));
from_request!(Buyer, |viewer| match viewer {
    Viewer::Buyer(buyer) => Ok(buyer),
    Viewer::Manager(_) => Err(forbidden(DisputeCalls::LABEL)),
});
from_request!(DisputeViewer, |viewer| {
    let what = if viewer.is_manager() { super::ViewDisputes::LABEL } else { DisputeCalls::LABEL };
    viewer.dispute_viewer().ok_or_else(|| forbidden(what))
});
from_request!(Granted<P> where P: Permission, |viewer| Self::check(&viewer).ok_or_else(|| forbidden(P::LABEL)));

/// What a token's request was let in by: the caller, put there by the API's own middleware and nothing else.
impl<R: Right, A: Access> FromRequest for ByToken<R, A> {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        ready(caller.ok_or_else(|| AppError::sign_in(request)).and_then(|caller| {
            Self::check(&caller).map_err(|lacks| match lacks {
                Lacks::Scope(scope) => AppError::InsufficientScope { scope: scope.code().to_owned() },
                Lacks::Permission(what) => forbidden(what),
            })
        }))
    }
}
