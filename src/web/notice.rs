//! What the page after a 303 says was done. A cookie carries the code of a closed list, never a text.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::RequestHead;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::page::{Flash, see_other};
use super::paths;
use crate::config::Config;

const NAME: &str = "fairdial_notice";

/// As long as a browser takes to follow a redirect; then nobody wonders about an old message.
const KEPT: Duration = Duration::seconds(60);

text_enum! {
    /// Something that was done, told on the next page.
    Notice {
        Sent = "sent", "Sent. The platform has been told; you will be told of the decision.";
        DraftSaved = "draft_saved", "Saved as a draft. Only your own people see it until you send it.";
        DraftDiscarded = "draft_discarded", "The draft is discarded.";
        Withdrawn = "withdrawn", "Withdrawn. The call may be disputed again while its window is open.";
        MessageSent = "message_sent", "Your message is sent.";
        NoteSaved = "note_saved", "The internal note is saved. Buyers don't see it.";
        ReplyReopened = "reply_reopened", "Your message is sent, and the dispute is Pending again.";
        EvidenceAdded = "evidence_added", "The evidence is added.";
        EvidenceRemoved = "evidence_removed", "The file is removed.";
        Decided = "decided", "The decision is recorded. The buyer is told.";
        Reopened = "reopened", "The dispute is Pending again. The buyer is told.";
        Assigned = "assigned", "The assignment is saved. Buyers don’t see it.";
        ViewSaved = "view_saved", "The view is saved.";
        ViewOpensFirst = "view_opens_first", "Saved. It holds when Disputes is opened from the menu.";
        ViewRemoved = "view_removed", "The view is removed.";
        CannedNoteSaved = "canned_note_saved", "The note is saved.";
        CannedNoteRemoved = "canned_note_removed", "The note is removed.";
        NotificationsRead = "notifications_read", "Marked as read.";
        TableSaved = "table_saved", "The table settings are saved.";
        TableReset = "table_reset", "The table settings are back to default.";
        AccountSaved = "account_saved", "Your settings are saved.";
        PasswordChanged = "password_changed", "Your password is changed. You are signed out everywhere else.";
        TokenRevoked = "token_revoked", "The token is revoked. It opens nothing from now on.";
        SessionEnded = "session_ended", "That session is signed out.";
        UserSaved = "user_saved", "The user is saved. It holds at their next request.";
        UserDisabled = "user_disabled", "The user is disabled and signed out.";
        UserEnabled = "user_enabled", "The user is enabled and can sign in again.";
        BuyerAdded = "buyer_added", "The buyer is added.";
        BuyerSaved = "buyer_saved", "The buyer is saved.";
        AliasLinked = "alias_linked", "The alias is linked. Calls under this name that were never disputed belong to this buyer.";
        PolicySaved = "policy_saved", "The policy is saved. It holds from now on.";
        WebhookSaved = "webhook_saved", "The webhook is saved.";
        WebhookOn = "webhook_on", "The webhook is on. It is told of what happens from now on.";
        WebhookOff = "webhook_off", "The webhook is switched off. What waited for it is given up.";
        WebhookTested = "webhook_tested", "A test is on its way. The log says what came of it.";
        WebhookResent = "webhook_resent", "The event is on its way again. The log says what comes of it.";
        WebhookRemoved = "webhook_removed", "The webhook is removed.";
        ImportReceived = "import_received", "The file is received. Nothing is imported before you say so.";
        ImportDiscarded = "import_discarded", "The file is discarded. Nothing was imported.";
        SessionsEnded = "sessions_ended", "You are signed out everywhere else.";
    }
}

impl Notice {
    /// What the request's cookie says; a code that isn't ours says nothing.
    #[must_use]
    pub fn of(head: &RequestHead) -> Option<Self> {
        let cookies = head.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == NAME)
            .and_then(|(_, code)| Self::from_code(code))
    }

    /// The message in the status region.
    #[must_use]
    pub fn flash(self) -> Flash {
        let flash = Flash::done(self.label());
        match self {
            Self::Sent => flash.with_link(paths::calls(), "Back to the Call Log"),
            _ => flash,
        }
    }

    /// 303 to a page that says so.
    #[must_use]
    pub fn redirect(self, request: &HttpRequest, url: impl Into<String>) -> HttpResponse {
        let mut response = see_other(url);
        let is_https = request.app_data::<web::Data<Config>>().is_some_and(|config| config.is_https());
        let cookie = Cookie::build(NAME, self.code())
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(is_https)
            .max_age(KEPT)
            .finish();
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        response
    }

    /// The header that makes the browser forget it: it is shown once.
    pub(super) fn forgotten() -> HeaderValue {
        HeaderValue::from_static("fairdial_notice=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn told(cookie: &str) -> Option<Notice> {
        Notice::of(TestRequest::default().insert_header((header::COOKIE, cookie)).to_http_request().head())
    }

    #[test]
    fn only_codes_of_the_list_are_told() {
        assert_eq!(told("fairdial=abc; fairdial_notice=sent"), Some(Notice::Sent));
        assert_eq!(told("fairdial_notice=<b>You won</b>"), None);
        assert_eq!(told("other=sent"), None);
    }
}
