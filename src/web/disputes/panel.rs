//! One dispute, ready to be written: its call, what was claimed, what was decided, who said what, and when.

use chrono_tz::Tz;

use super::assigning::Assignment;
use super::presence::Others;
use super::settlement::Settlement;
use super::timeline::{self, Event, Reader};
use crate::auth::{DisputeViewer, EditDisputes, Granted};
use crate::db::disputes::DisputeRow;
use crate::db::messages::{self, MessageRow};
use crate::db::{AnyConnection, audit, calls, canned_notes, evidence, facts, names};
use crate::domain::Instant;
use crate::domain::call::HangupBy;
use crate::domain::dispute::{Side, Status, full_time};
use crate::domain::fact::{self, RecordingMark};
use crate::domain::ids::{CallId, DisputeId};
use crate::domain::policy::Policy;
use crate::web::calls::player::Player;
use crate::web::filters::{Duration, Money, Phone, Size, When};
use crate::web::notes::fill;
use crate::web::page::Chrome;
use crate::web::{AppError, paths};

/// Everything a panel shows to one viewer.
pub(super) struct Panel {
    pub(super) id: DisputeId,
    pub(super) status: Status,
    pub(super) is_manager: bool,
    pub(super) platform: String,
    caller_id: String,
    destination: String,
    pub(super) buyer: String,
    pub(super) campaign: Option<String>,
    /// Managers only, both.
    pub(super) publisher: Option<String>,
    pub(super) publisher_payout: Option<Money>,
    pub(super) called: When,
    pub(super) payout: Option<Money>,
    pub(super) duration: Option<Duration>,
    pub(super) call_status: &'static str,
    pub(super) hang_up: String,
    pub(super) call: CallId,
    pub(super) player: Option<Player>,
    pub(super) reason: String,
    pub(super) submitted: Option<When>,
    pub(super) facts: Vec<Fact>,
    pub(super) additional_information: String,
    pub(super) files: Vec<File>,
    /// The decision, or the form that makes one, and the money.
    pub(super) money: Settlement,
    pub(super) due: Option<When>,
    /// Managers only: whose work it is.
    pub(super) assignment: Option<Assignment>,
    /// Managers only: which other managers are on it.
    pub(super) others: Others,
    /// Titles and texts of canned notes, filled in for this dispute.
    pub(super) canned: Vec<(String, String)>,
    pub(super) messages: Vec<Message>,
    pub(super) events: Vec<Event>,
    /// What this viewer may do now.
    pub(super) may: May,
    pub(super) now: When,
}

/// What a viewer may do with a dispute as it is now.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a control that is there or not")]
pub(super) struct May {
    pub(super) withdraw: bool,
    pub(super) discard: bool,
    pub(super) write: bool,
    pub(super) write_notes: bool,
}

/// A named fact.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
    /// Where the value leads, if it is a call or a file of the viewer's.
    pub(super) href: Option<String>,
    /// Whether the value is an id, not words.
    pub(super) is_id: bool,
}

/// An evidence file.
pub(super) struct File {
    pub(super) name: String,
    pub(super) href: String,
    pub(super) size: Size,
    pub(super) media_type: String,
}

impl File {
    pub(super) fn is_image(&self) -> bool {
        self.media_type.starts_with("image/")
    }

    pub(super) fn is_audio(&self) -> bool {
        self.media_type.starts_with("audio/")
    }

    pub(super) fn is_pdf(&self) -> bool {
        self.media_type == "application/pdf"
    }
}

/// A message or an internal note.
pub(super) struct Message {
    pub(super) author: String,
    pub(super) initials: String,
    pub(super) organisation: String,
    pub(super) is_internal: bool,
    pub(super) body: String,
    pub(super) at: When,
}

impl Panel {
    pub(super) fn caller(&self) -> Phone<'_> {
        Phone(&self.caller_id)
    }

    pub(super) fn goal(&self) -> Phone<'_> {
        Phone(&self.destination)
    }

    /// The other side, as the message form names it.
    pub(super) fn other_side(&self) -> &str {
        if self.is_manager { &self.buyer } else { &self.platform }
    }

    /// Reads everything a dispute shows that the viewer has found.
    pub(super) fn load(
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
        policy: &Policy,
        row: DisputeRow,
        (zone, now): (Tz, Instant),
    ) -> Result<Self, AppError> {
        let person = viewer.viewer();
        let is_manager = person.is_manager();
        let when = |at| When::new(at, zone, now);
        let money = |minor: i64| Money::new(minor, &row.currency);
        let names = names::of_dispute(conn, viewer, &row)?;
        let files = evidence::list(conn, row.id)?;
        let (marks, facts) = said(conn, viewer, &row, &files)?;
        let written = messages::list(conn, viewer, row.id)?;
        let rows = audit::of_dispute(conn, row.id)?;
        let mut people: Vec<_> = rows.iter().filter_map(|entry| entry.actor_id).collect();
        people.sort_unstable();
        people.dedup();
        let companies = names::companies(conn, &people)?;
        let reader = Reader { viewer: person, platform: &policy.platform_name, companies: &companies, zone, now };
        let settled = Settlement::load(conn, viewer, policy, &row, (zone, now))?;
        let canned = canned(conn, viewer, (&row, names.buyer.as_str()), policy.reason_label(&row.reason), zone)?;
        let is_pending = row.status == Status::Pending;
        let may_edit = Granted::<EditDisputes>::check(person).is_some();
        let may = May {
            withdraw: !is_manager && is_pending,
            discard: !is_manager && row.status == Status::Draft,
            write: row.status != Status::Draft && (!is_manager || may_edit),
            write_notes: is_manager && may_edit,
        };
        let sides = (names.buyer.as_str(), policy.platform_name.as_str());
        Ok(Self {
            messages: written.into_iter().map(|message| self::message(message, is_manager, sides, when)).collect(),
            events: timeline::events(&rows, &reader),
            id: row.id,
            status: row.status,
            is_manager,
            platform: policy.platform_name.clone(),
            called: when(row.call_started_at),
            payout: row.payout.map(money),
            publisher_payout: row.publisher_payout.filter(|_| is_manager).map(money),
            duration: row.duration_s.map(|seconds| Duration(i64::from(seconds))),
            call_status: row.call_status.label(),
            hang_up: hang_up(&row, is_manager),
            call: row.call_id,
            player: row.has_recording.then(|| Player::new(row.call_id, marks)),
            reason: policy.reason_label(&row.reason).to_owned(),
            submitted: row.submitted_at.map(when),
            facts,
            files: files.into_iter().map(|file| self::file(row.id, file)).collect(),
            assignment: Assignment::load(conn, viewer, &row)?,
            others: Others::of_panel(conn, viewer, row.id, now)?,
            canned,
            money: settled,
            due: (is_pending && is_manager).then(|| when(row.due_at)),
            may,
            now: when(now),
            caller_id: row.caller_id,
            destination: row.destination,
            additional_information: row.additional_information,
            buyer: names.buyer,
            campaign: names.campaign,
            publisher: names.publisher,
        })
    }
}

/// The canned notes, filled in, for whoever may decide it.
fn canned(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    (row, buyer): (&DisputeRow, &str),
    reason: &str,
    zone: Tz,
) -> Result<Vec<(String, String)>, AppError> {
    let manager = Granted::<EditDisputes>::check(viewer.viewer()).filter(|_| row.status == Status::Pending);
    let Some(manager) = manager else { return Ok(Vec::new()) };
    let payout = row.payout.map(|payout| Money::new(payout, &row.currency).to_string()).unwrap_or_default();
    let values = [
        ("caller_id", Phone(&row.caller_id).to_string()),
        ("call_date", full_time(row.call_started_at, zone)),
        ("destination", Phone(&row.destination).to_string()),
        ("payout", payout),
        ("buyer", buyer.to_owned()),
        ("reason", reason.to_owned()),
    ];
    let notes = canned_notes::list(conn, &manager)?;
    Ok(notes.into_iter().map(|note| (note.title, fill(&note.body, &values))).collect())
}

/// `Caller`, and the cause as reported where one was.
fn hang_up(row: &DisputeRow, is_manager: bool) -> String {
    match (row.hangup_by, row.hangup_cause.as_str()) {
        (HangupBy::Unknown, "") => String::new(),
        (by, "") => by.label().to_owned(),
        (HangupBy::Unknown, cause) => cause.to_owned(),
        // The cause is a platform's own code; buyers read who hung up.
        (by, cause) if is_manager => format!("{} ({cause})", by.label()),
        (by, _) => by.label().to_owned(),
    }
}

/// What was said in facts: points in the recording, and the rest.
fn said(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    row: &DisputeRow,
    files: &[evidence::EvidenceRow],
) -> Result<(Vec<RecordingMark>, Vec<Fact>), AppError> {
    let with_staged = !viewer.viewer().is_manager();
    let mut found = facts::list(conn, row.id, with_staged)?;
    let place = |name: &str| fact::ALL.iter().position(|kind| kind.name == name);
    found.sort_by_key(|fact| place(&fact.name));
    let (mut marks, mut shown) = (Vec::new(), Vec::new());
    for fact in found {
        // Without a recording to click into, the mark is read as it was written.
        let is_mark = row.has_recording && fact.name == "recording_mark";
        if let Some(mark) = is_mark.then(|| RecordingMark::parse(&fact.value)).flatten() {
            marks.push(mark);
            continue;
        }
        let Some(kind) = fact::kind(&fact.name) else { continue };
        let href = match kind.name {
            "original_call_id" => match fact.value.parse::<CallId>() {
                Ok(call) => calls::find(conn, viewer.scope(), call)?.map(|call| paths::call(call.id)),
                Err(_) => None,
            },
            _ if kind.is_file => Some(paths::evidence_file(row.id, &fact.value)),
            _ => None,
        };
        // A file is known by its name; its id says nothing to anybody.
        let file = files.iter().find(|file| kind.is_file && file.id.as_str() == fact.value);
        let value = file.map_or(fact.value, |file| file.name.clone());
        shown.push(Fact { label: kind.label, value, href, is_id: !kind.is_file });
    }
    Ok((marks, shown))
}

fn file(dispute: DisputeId, file: evidence::EvidenceRow) -> File {
    File {
        href: paths::evidence_file(dispute, &file.id),
        size: Size(file.size.unsigned_abs()),
        name: file.name,
        media_type: file.media_type,
    }
}

/// A buyer reads its own people's names; whoever writes for the platform is the platform.
fn message(
    row: MessageRow,
    is_manager: bool,
    (buyer, platform): (&str, &str),
    when: impl Fn(Instant) -> When,
) -> Message {
    let (author, organisation) = match (row.author_side, is_manager) {
        (Side::Platform, true) => (row.author_name, platform),
        (Side::Platform, false) => (platform.to_owned(), ""),
        (Side::Buyer, true) => (row.author_name, buyer),
        (Side::Buyer, false) => (row.author_name, ""),
    };
    Message {
        initials: Chrome::initials(&author),
        author,
        organisation: organisation.to_owned(),
        is_internal: row.is_internal,
        body: row.body,
        at: when(row.created_at),
    }
}
