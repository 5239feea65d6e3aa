//! The codes of problems: stable words, listed where the API is explained.

/// A code, its status, and when it comes.
pub(super) struct Code {
    pub(super) code: &'static str,
    pub(super) status: u16,
    pub(super) when: &'static str,
}

const fn code(code: &'static str, status: u16, when: &'static str) -> Code {
    Code { code, status, when }
}

/// Every code there is.
pub(super) const CODES: &[Code] = &[
    code("bad_request", 400, "The body or a header can’t be read"),
    code("unauthorized", 401, "No token, or one that is wrong, expired or revoked, or whose user is disabled"),
    code("insufficient_scope", 403, "The token lacks the scope of the endpoint"),
    code("forbidden", 403, "The token’s user lacks a permission; detail names it"),
    code("not_found", 404, "It isn’t there, or isn’t yours to see: nobody learns which"),
    code("method_not_allowed", 405, "The address has no such method; Allow names those it has"),
    code("already_disputed", 409, "The call has an active dispute, or a draft of one"),
    code("dispute_window_closed", 409, "The dispute window of the call has closed; detail says when"),
    code("status_not_disputable", 409, "Calls of this status can’t be disputed"),
    code("payout_unknown", 409, "The payout of the call isn’t known yet"),
    code("payout_zero", 409, "The call cost nothing"),
    code("already_sent", 409, "What was sent can’t be changed"),
    code("dispute_closed", 409, "The status of the dispute doesn’t allow this change"),
    code("not_sent", 409, "It is a draft: it has no messages, and nothing to concede"),
    code("not_pending", 409, "Only a pending dispute can be decided; detail says who decided it and when"),
    code("version_changed", 409, "The dispute changed since the version that was named"),
    code("difference_unseen", 409, "The call changed since the dispute was sent: look, then send difference_seen"),
    code("filed_by_self", 409, "Who filed a dispute on a buyer’s behalf can’t decide it"),
    code("credit_over_payout", 409, "Credits of a call can’t be more than its payout"),
    code("precondition_failed", 412, "If-Match names another version than there is"),
    code("too_large", 413, "More bytes than are taken"),
    code("unsupported_media_type", 415, "A body of a kind that isn’t read"),
    code("range_not_satisfiable", 416, "The file has no such part; Content-Range says how long it is"),
    code("invalid", 422, "Values must be mended; errors names each field"),
    code("unprocessable", 422, "It was understood and can’t be done so; detail says why"),
    code("idempotency_key_reused", 422, "The Idempotency-Key came with another request in the last 24 hours"),
    code("too_many_requests", 429, "The token comes too often; Retry-After says when it may come again"),
    code("internal", 500, "Something went wrong on our side; request_id finds it in the log"),
    code("busy", 503, "The database is busy or away; Retry-After says when to try again"),
];
