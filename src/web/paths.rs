//! Functions that build URLs. Templates and redirects use only these.

use std::fmt::{self, Display};

use actix_web::HttpRequest;
use actix_web::http::header;
use serde::{Deserialize, Deserializer};
use url::Url;

/// A path of this server, safe to redirect to: it can't lead to another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPath(String);

impl LocalPath {
    /// Takes `/a/b?c=d`; refuses what a browser could read as another host or that isn't a page to come back to.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let starts_well = text.starts_with('/') && !text.starts_with("//");
        // Browsers read a backslash as a slash, and drop tabs and line breaks.
        let clean = text.len() <= 2000 && text.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let elsewhere = path == "/login" || path == "/logout" || path.starts_with("/api/");
        (starts_well && clean && !elsewhere).then(|| Self(text.to_owned()))
    }

    /// The page that a form stood on, as its browser names it.
    #[must_use]
    pub fn of_referer(request: &HttpRequest) -> Option<Self> {
        let url = Url::parse(request.headers().get(header::REFERER)?.to_str().ok()?).ok()?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Self::parse(&format!("{}{query}", url.path()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LocalPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl Display for LocalPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LocalPath {
    /// A `next` that leads elsewhere becomes the front page: a bad link is no reason to refuse a sign-in.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?).unwrap_or_default())
    }
}

/// Declares the paths: a name, what it takes, and the URL.
macro_rules! paths {
    ($($(#[$doc:meta])* $name:ident($($argument:ident),*) => $format:literal;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name($($argument: impl Display),*) -> String {
                format!($format)
            }
        )*
    };
}

paths! {
    /// The Call Log.
    calls() => "/calls";
    /// One call.
    call(id) => "/calls/{id}";
    /// The recording of a call.
    recording(id) => "/calls/{id}/recording";
    /// What the recording of a call looks like.
    waveform(id) => "/calls/{id}/waveform";
    /// The dispute form of a call.
    new_dispute(call) => "/calls/{call}/disputes/new";
    /// Where the dispute form is sent.
    call_disputes(call) => "/calls/{call}/disputes";
    /// Where a file for the dispute form is sent, one at a time.
    uploads(call) => "/calls/{call}/uploads";
    /// Forgets a file that was kept for the dispute form.
    upload_deletion(call, file) => "/calls/{call}/uploads/{file}/delete";
    /// The Disputes table.
    disputes() => "/disputes";
    /// One dispute.
    dispute(id) => "/disputes/{id}";
    /// The evidence of a dispute.
    evidence(dispute) => "/disputes/{dispute}/evidence";
    /// One evidence file.
    evidence_file(dispute, file) => "/disputes/{dispute}/evidence/{file}";
    /// Takes an evidence file away.
    evidence_deletion(dispute, file) => "/disputes/{dispute}/evidence/{file}/delete";
    /// Withdraws a dispute.
    withdrawal(dispute) => "/disputes/{dispute}/withdrawal";
    /// Discards a draft.
    discard(dispute) => "/disputes/{dispute}/discard";
    /// The messages of a dispute.
    messages(dispute) => "/disputes/{dispute}/messages";
    /// Decides a dispute.
    decision(dispute) => "/disputes/{dispute}/decision";
    /// Reopens a dispute.
    reopening(dispute) => "/disputes/{dispute}/reopening";
    /// The review queue.
    review() => "/review";
    /// One dispute of the review queue.
    review_case(dispute) => "/review/{dispute}";
    /// Gives a dispute to somebody.
    assignment(dispute) => "/disputes/{dispute}/assignment";
    /// Who else has a dispute open.
    presence(dispute) => "/disputes/{dispute}/presence";
    /// What was selected to be decided at once.
    selection(id) => "/selections/{id}";
    /// How far a bulk decision is, and what came of it.
    bulk_decision(id) => "/decisions/{id}";
    /// Saved views.
    views() => "/views";
    /// Removes a saved view.
    view(id) => "/views/{id}";
    /// Opens a view first.
    view_default(id) => "/views/{id}/default";
    /// Removes one.
    view_deletion(id) => "/views/{id}/delete";
    /// Canned notes.
    notes() => "/notes";
    /// Removes a canned note.
    note_deletion(id) => "/notes/{id}/delete";
    /// Sign-in.
    login() => "/login";
    /// Sign-in, and back to a page of this server afterwards.
    login_then(next) => "/login?next={next}";
    /// Sign-out.
    logout() => "/logout";
    /// The account of whoever is signed in.
    account() => "/account";
    /// The API tokens of whoever is signed in.
    tokens() => "/account/tokens";
    /// Revokes an API token.
    token_deletion(id) => "/account/tokens/{id}/delete";
    /// Saves the settings of a table.
    table_settings() => "/account/table";
    /// The set-up of the first manager, by a link that works once.
    setup(token) => "/setup/{token}";
    /// The first password of somebody who was invited, by a link that works once.
    invitation(token) => "/invitations/{token}";
    /// Notifications.
    notifications() => "/notifications";
    /// Who signs in.
    users() => "/settings/users";
    /// One user.
    user(id) => "/settings/users/{id}";
    /// The form of an invitation.
    new_user() => "/settings/users/new";
    /// The buyers.
    buyers() => "/settings/buyers";
    /// One buyer.
    buyer(id) => "/settings/buyers/{id}";
    /// The policy.
    policy() => "/settings/policy";
    /// The receivers of events.
    webhooks() => "/settings/webhooks";
    /// One receiver.
    webhook(id) => "/settings/webhooks/{id}";
    /// Files of calls.
    imports() => "/imports";
    /// One of them.
    import(id) => "/imports/{id}";
    /// Brings its calls in.
    import_intake(id) => "/imports/{id}/intake";
    /// Forgets it.
    import_discard(id) => "/imports/{id}/discard";
    /// Its failed rows, as a file.
    import_errors(id) => "/imports/{id}/errors";
    /// A guide of the Help.
    help(guide) => "/help/{guide}";
}

/// Sign-in with the way back, its query written so that it survives.
#[must_use]
pub fn sign_in(return_to: &LocalPath) -> String {
    if return_to.as_str() == "/" {
        return login();
    }
    let next: String = url::form_urlencoded::byte_serialize(return_to.as_str().as_bytes()).collect();
    login_then(next)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/disputes?status=pending", true)]
    #[case("/", true)]
    #[case("//evil.example", false)]
    #[case("/\\evil.example", false)]
    #[case("/\t/evil.example", false)]
    #[case("https://evil.example", false)]
    #[case("javascript:alert(1)", false)]
    #[case("/login?next=/login", false)]
    #[case("/api/v1/disputes", false)]
    #[case("", false)]
    fn only_a_path_of_this_server_is_taken(#[case] text: &str, #[case] taken: bool) {
        assert_eq!(LocalPath::parse(text).is_some(), taken);
    }

    #[test]
    fn the_way_back_survives_the_sign_in_link() {
        let path = LocalPath::parse("/disputes?status=pending&q=1").unwrap();
        assert_eq!(sign_in(&path), "/login?next=%2Fdisputes%3Fstatus%3Dpending%26q%3D1");
        assert_eq!(sign_in(&LocalPath::default()), "/login");
    }
}
