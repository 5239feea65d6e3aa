//! Who did something, and by which way: what the audit log keeps of a change.

use crate::domain::ids::UserId;

text_enum! {
    /// The way a change came in.
    Via {
        Browser = "browser", "Browser";
        Api = "api", "API";
        Command = "command", "Command line";
        System = "system", "System";
    }
}

/// Where a request came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub via: Via,
    /// The client's address, after trusted proxies; empty for commands.
    pub address: String,
    pub request_id: String,
}

impl Origin {
    /// The operator at the command line.
    #[must_use]
    pub fn command() -> Self {
        Self { via: Via::Command, address: String::new(), request_id: String::new() }
    }

    /// The program itself, such as a sweep.
    #[must_use]
    pub fn system() -> Self {
        Self { via: Via::System, address: String::new(), request_id: String::new() }
    }
}

/// Who makes a change. Every write takes one, and the audit log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub user: Option<UserId>,
    pub name: String,
    pub origin: Origin,
}

impl Actor {
    /// The operator at the command line.
    #[must_use]
    pub fn operator() -> Self {
        Self { user: None, name: "operator".to_owned(), origin: Origin::command() }
    }

    /// The program itself.
    #[must_use]
    pub fn system() -> Self {
        Self { user: None, name: "Fairdial".to_owned(), origin: Origin::system() }
    }
}
