//! Sessions in the database, behind actix-session. The only file that knows the session's keys.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use actix_session::config::{CookieContentSecurity, PersistentSession, TtlExtensionPolicy};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{SessionExt, SessionMiddleware};
use actix_web::cookie::{Key, SameSite, time};
use actix_web::{HttpRequest, dev::ServiceRequest};
use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::config::Config;
use crate::db::sessions::{self, NewSession};
use crate::db::users::UserRow;
use crate::db::{Db, DbError};
use crate::domain::ids::{SessionId, UserId};

const USER: &str = "user";
const EPOCH: &str = "epoch";
const ADDRESS: &str = "address";
const USER_AGENT: &str = "user_agent";
/// What `load` adds for the extractors and nothing ever stores.
const LOADED: &str = "loaded";

/// What stands behind a request's cookie, as the database has it now.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub enum Loaded {
    /// A session of a user, whose row it carries: rights are read anew at every request.
    SignedIn { token_hash: String, session: SessionId, user: Box<UserRow>, needs_touch: bool },
    /// The database didn't answer: nobody is signed out by that.
    Unavailable,
}

/// The request's session, typed.
pub struct TypedSession(
    #[expect(clippy::disallowed_types, reason = "this is the type that owns the keys")] actix_session::Session,
);

impl TypedSession {
    /// The session of a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        Self(request.get_session())
    }

    /// The session of a request that middleware looks at.
    #[must_use]
    pub fn of_service(request: &ServiceRequest) -> Self {
        Self(request.get_session())
    }

    /// Who is signed in, if anybody.
    #[must_use]
    pub fn loaded(&self) -> Option<Loaded> {
        // The value was written by `load` a moment ago; one that can't be read is nobody's.
        self.0.get(LOADED).unwrap_or_default()
    }

    /// Signs a user in, under a new id: one planted before is never adopted.
    ///
    /// # Errors
    /// If the state can't be written as JSON.
    pub fn sign_in(&self, user: UserId, epoch: i32, address: &str, user_agent: &str) -> anyhow::Result<()> {
        self.0.clear();
        self.0.renew();
        self.0.insert(USER, user.number())?;
        self.0.insert(EPOCH, epoch)?;
        self.0.insert(ADDRESS, address)?;
        // Long enough to tell one's devices apart.
        self.0.insert(USER_AGENT, user_agent.chars().take(200).collect::<String>())?;
        Ok(())
    }

    /// Ends the session, here and in the database.
    pub fn sign_out(&self) {
        self.0.purge();
    }
}

/// The row id of a session: the token itself is only in the cookie.
fn hash_of(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

/// Sessions in the database.
#[derive(Clone)]
pub struct DbSessionStore {
    db: Db,
    clock: Clock,
}

type State = HashMap<String, String>;

fn read<T: serde::de::DeserializeOwned>(state: &State, key: &str) -> Option<T> {
    state.get(key).and_then(|value| serde_json::from_str(value).ok())
}

impl SessionStore for DbSessionStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let (token_hash, now) = (hash_of(key.as_ref()), self.clock.now());
        let hash = token_hash.clone();
        let found = self.db.read::<_, DbError, _>(move |conn| Ok(sessions::find_alive(conn, &hash, now)?)).await;
        let (mut state, loaded) = match found {
            Ok(None | Some((_, None))) => return Ok(None),
            Ok(Some((session, Some(user)))) => {
                let state: State =
                    serde_json::from_str(&session.state).map_err(|error| LoadError::Deserialization(error.into()))?;
                let needs_touch = now >= session.last_seen_at + sessions::TOUCHED_EVERY;
                (state, Loaded::SignedIn { token_hash, session: session.id, user: Box::new(user), needs_touch })
            }
            Err(error) => {
                tracing::warn!(%error, "a session could not be looked up");
                (State::new(), Loaded::Unavailable)
            }
        };
        let loaded = serde_json::to_string(&loaded).map_err(|error| LoadError::Deserialization(error.into()))?;
        state.insert(LOADED.to_owned(), loaded);
        Ok(Some(state))
    }

    async fn save(&self, mut state: State, _ttl: &time::Duration) -> Result<SessionKey, SaveError> {
        state.remove(LOADED);
        let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        let now = self.clock.now();
        let new = NewSession {
            token_hash: hash_of(&token),
            id: SessionId::generate(),
            user_id: read(&state, USER).map(UserId::from_number),
            epoch: read(&state, EPOCH).unwrap_or_default(),
            address: read(&state, ADDRESS).unwrap_or_default(),
            user_agent: read(&state, USER_AGENT).unwrap_or_default(),
            state: serde_json::to_string(&state).map_err(|error| SaveError::Serialization(error.into()))?,
            created_at: now,
            last_seen_at: now,
        };
        let saved = self.db.write::<_, DbError, _>(move |conn| Ok(sessions::insert(conn, &new)?)).await;
        saved.map_err(|error| SaveError::Other(error.into()))?;
        SessionKey::try_from(token).map_err(|error| SaveError::Other(anyhow::anyhow!(error)))
    }

    async fn update(&self, key: SessionKey, mut state: State, ttl: &time::Duration) -> Result<SessionKey, UpdateError> {
        state.remove(LOADED);
        let json = serde_json::to_string(&state).map_err(|error| UpdateError::Serialization(error.into()))?;
        let hash = hash_of(key.as_ref());
        let updated = self.db.write::<_, DbError, _>(move |conn| Ok(sessions::set_state(conn, &hash, &json)?)).await;
        match updated {
            // It ended meanwhile: whoever changes it begins a new one.
            Ok(0) => self.save(state, ttl).await.map_err(|error| UpdateError::Other(error.into())),
            Ok(_) => Ok(key),
            Err(error) => Err(UpdateError::Other(error.into())),
        }
    }

    async fn update_ttl(&self, _key: &SessionKey, _ttl: &time::Duration) -> Result<(), anyhow::Error> {
        // The limits are measured from what the row says, not from the cookie.
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let hash = hash_of(key.as_ref());
        Ok(self.db.write::<_, DbError, _>(move |conn| Ok(sessions::delete(conn, &hash)?)).await?)
    }
}

/// The middleware: cookie `__Host-fairdial` on https, `fairdial` on plain http.
#[must_use]
pub fn middleware(config: &Config, db: Db, clock: Clock, key: Key) -> SessionMiddleware<DbSessionStore> {
    let name = if config.is_https() { "__Host-fairdial" } else { "fairdial" };
    let days = time::Duration::days(sessions::ABSOLUTE.num_days());
    SessionMiddleware::builder(DbSessionStore { db, clock }, key)
        .cookie_name(name.to_owned())
        .cookie_secure(config.is_https())
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(
            PersistentSession::default()
                .session_ttl(days)
                .session_ttl_extension_policy(TtlExtensionPolicy::OnStateChanges),
        )
        .build()
}

/// The key that signs cookies: kept in the data folder, readable by its owner alone, made at the first start.
///
/// # Errors
/// If the file can't be read or made, or isn't such a key.
pub fn signing_key(data_dir: &Path) -> anyhow::Result<Key> {
    let path = data_dir.join("session.key");
    if !path.exists() {
        let temporary = tempfile::NamedTempFile::new_in(data_dir).context("the session key can't be made")?;
        std::fs::OpenOptions::new()
            .write(true)
            .mode(0o600)
            .open(temporary.path())?
            .write_all(Key::generate().master())?;
        temporary.as_file().sync_all()?;
        // Another process may have been first; its key is as good.
        if let Err(error) = temporary.persist_noclobber(&path)
            && !path.exists()
        {
            return Err(error.error).context("the session key can't be kept");
        }
    }
    let bytes = std::fs::read(&path).with_context(|| format!("{} can't be read", path.display()))?;
    Key::try_from(&bytes[..]).with_context(|| format!("{} is not a session key", path.display()))
}
