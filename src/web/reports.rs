//! `/reports`: what became of the disputes submitted in a period, for managers with View.

mod book;
mod charts;
mod export;
mod period;

use actix_web::HttpRequest;
use actix_web::web::Data;
use askama::Template;
use chrono::{NaiveDate, TimeDelta};

use book::{Book, By, Group, Key};
use charts::{Columns, Lying};
pub(super) use export::csv;
use period::Choice;

use super::AppError;
use super::buyers::{BuyerFilter, name_to_id};
use super::chrome::{self, Here};
use super::filters::{Money, Number, Span};
use super::htmx::Htmx;
use super::list_query::{Link, Params};
use super::page::{Chrome, Fragments, NavItem, Page};
use crate::auth::{Granted, ViewDisputes};
use crate::clock::Clock;
use crate::db::dispute_list::Missing;
use crate::db::reports::{self, Names, Period};
use crate::db::{AnyConnection, Db, DbError, policy};
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::BuyerId;
use crate::domain::policy::Policy;
use crate::domain::report::{Tally, Took};

/// The most lines of a table on the page; the export has all.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "pages/reports/index.html")]
pub(super) struct ReportsPage {
    chrome: Chrome,
    span: period::Span,
    zone_name: String,
    buyers: BuyerFilter,
    export: String,
    is_capped: bool,
    total: Line,
    overdue: Number,
    weeks: Columns,
    credits: Columns,
    times: Columns,
    /// How many decisions took so long, and where they are.
    took: Vec<(Took, u64, Option<String>)>,
    currency: String,
    week_lines: Vec<Line>,
    sections: Vec<Section>,
}

/// What is counted by one thing: a chart, and its table.
struct Section {
    by: By,
    lines: Vec<Line>,
    bars: Vec<Lying>,
    height: usize,
    more: usize,
}

impl Section {
    fn title(&self) -> String {
        format!("By {}", self.by.label().to_lowercase())
    }

    fn most(&self) -> String {
        self.lines.first().map(|line| format!("{}, {}", line.name, line.all.disputes())).unwrap_or_default()
    }
}

/// One line of a table.
struct Line {
    name: String,
    /// The rows behind it, if the list can show them.
    link: Option<Link>,
    all: Tally,
    credits: Vec<Money>,
    clawbacks: Vec<Money>,
}

impl Line {
    fn new(group: &Group, name: String, link: Option<Link>) -> Self {
        let money = |of: fn(&Tally) -> i64| {
            let all = group.by_currency.iter().filter(|(_, tally)| of(tally) != 0);
            all.map(|(currency, tally)| Money::new(of(tally), currency)).collect()
        };
        let (credits, clawbacks) = (money(|tally| tally.credit), money(|tally| tally.clawback));
        Self { name, link, all: group.all.clone(), credits, clawbacks }
    }

    fn share(&self) -> String {
        self.all.acceptance().map(percent).unwrap_or_default()
    }

    fn median(&self) -> Option<Span> {
        self.all.median().map(|seconds| Span(TimeDelta::seconds(i64::from(seconds))))
    }

    fn href(&self) -> Option<String> {
        self.link.as_ref().map(ToString::to_string)
    }

    /// The rows of these statuses behind it.
    fn of(&self, statuses: &[Status]) -> Option<String> {
        let with = |link: Link, status: &Status| link.with("status", status.code());
        self.link.as_ref().map(|link| statuses.iter().fold(link.clone(), with).to_string())
    }

    /// The rows behind a share, or behind the middle of the times to a decision.
    fn decided(&self) -> Option<String> {
        self.of(&[Status::Accepted, Status::AcceptedPartial, Status::Rejected])
    }

    /// The rows behind an amount.
    fn credited(&self) -> Option<String> {
        self.of(&[Status::Accepted, Status::AcceptedPartial])
    }

    /// The rows that are overdue.
    fn overdue(&self) -> Option<String> {
        self.link.as_ref().map(|link| link.clone().with("due", 0).to_string())
    }

    /// How many, and where they are.
    fn cells(&self) -> [(&'static str, u64, Option<String>); 6] {
        let all = &self.all;
        [
            ("Disputes", all.disputes(), self.href()),
            ("Pending", all.pending, self.of(&[Status::Pending])),
            ("Accepted", all.accepted, self.of(&[Status::Accepted])),
            ("Accepted Partial", all.partial, self.of(&[Status::AcceptedPartial])),
            ("Rejected", all.rejected, self.of(&[Status::Rejected])),
            ("Withdrawn", all.withdrawn, self.of(&[Status::Withdrawn])),
        ]
    }
}

/// Basis points as `66.7 %`.
fn percent(basis_points: u64) -> String {
    let tenths = basis_points.saturating_add(5) / 10;
    format!("{}.{}\u{a0}%", tenths / 10, tenths % 10)
}

impl Fragments for ReportsPage {}

impl ReportsPage {
    fn choices() -> impl Iterator<Item = Choice> {
        Choice::ALL.iter().copied()
    }

    fn is_choice(&self, choice: Choice) -> bool {
        self.span.choice == choice
    }

    fn is_empty(&self) -> bool {
        self.total.all.disputes() == 0
    }
}

/// What the address asks for.
pub(super) struct Asked {
    span: period::Span,
    buyer: Option<BuyerId>,
}

impl Asked {
    fn read(params: &Params, grant: &Granted<ViewDisputes>, now: Instant) -> Result<Self, AppError> {
        let span = period::Span::read(params, grant.viewer().profile().zone, now)?;
        Ok(Self { span, buyer: params.parsed("buyer", "a buyer\u{2019}s id")? })
    }

    /// Counts all of it; says whether there was more than is looked through.
    fn count(
        &self,
        conn: &mut AnyConnection,
        grant: &Granted<ViewDisputes>,
        now: Instant,
    ) -> Result<(Book, bool), DbError> {
        let mut book = Book::default();
        let period = Period { from: self.span.begins(), before: self.span.ends(), buyer: self.buyer };
        let is_capped = reports::each(conn, grant, &period, |row| book.count(&row, &self.span, now))?;
        Ok((book, is_capped))
    }

    /// The list of the disputes that are counted.
    fn rows(&self) -> Link {
        self.rows_between(self.span.first, self.span.last)
    }

    fn rows_between(&self, first: NaiveDate, last: NaiveDate) -> Link {
        Link::to("/disputes")
            .with_some("buyer", self.buyer)
            .with("submitted_from", first)
            .with("submitted_to", last)
            .with("tz", self.span.zone.name())
    }

    /// The same, of one line.
    fn rows_of(&self, key: &Key, book: &Book) -> Option<Link> {
        let link = self.rows();
        match key {
            Key::Week(monday) => {
                let sunday = monday.checked_add_days(chrono::Days::new(6))?;
                Some(self.rows_between(self.span.first.max(*monday), self.span.last.min(sunday)))
            }
            Key::Buyer(id) => Some(link.set("buyer", id)),
            Key::Reason(reason) => Some(link.with("reason", book.words(*reason))),
            Key::Publisher(Some(id)) => Some(link.with("publisher", id)),
            Key::Publisher(None) => Some(link.with("without", Missing::Publisher.code())),
            Key::Campaign(Some(id)) => Some(link.with("campaign", id)),
            Key::Campaign(None) => Some(link.with("without", Missing::Campaign.code())),
            Key::Destination(text) => Some(match book.words(*text) {
                "" => link.with("without", Missing::Destination.code()),
                destination => link.with("destination", destination),
            }),
            Key::Manager(id) => Some(link.with("decided_by", id)),
        }
    }

    fn export(&self) -> Link {
        Link::to("/reports.csv")
            .with_some("buyer", self.buyer)
            .with("from", self.span.first)
            .with("to", self.span.last)
            .with("tz", self.span.zone.name())
    }
}

/// What people read for a line.
fn name_of(key: &Key, book: &Book, known: &Names, policy: &Policy) -> String {
    let or = |name: Option<&String>, nothing: &str| name.cloned().unwrap_or_else(|| nothing.to_owned());
    match key {
        Key::Week(monday) => monday.format("%-d %b %Y").to_string(),
        Key::Buyer(id) => or(known.buyers.get(id), ""),
        Key::Reason(reason) => policy.reason_label(book.words(*reason)).to_owned(),
        Key::Publisher(id) => or(id.and_then(|id| known.publishers.get(&id)), "No publisher"),
        Key::Campaign(id) => or(id.and_then(|id| known.campaigns.get(&id)), "No campaign"),
        Key::Destination(text) => match book.words(*text) {
            "" => "No destination".to_owned(),
            words => words.to_owned(),
        },
        Key::Manager(id) => or(known.managers.get(id), ""),
    }
}

fn look_up<'a>(
    conn: &mut AnyConnection,
    grant: &Granted<ViewDisputes>,
    groups: impl Iterator<Item = &'a Group>,
) -> Result<Names, DbError> {
    let (mut buyers, mut publishers, mut campaigns, mut managers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for group in groups {
        match group.key {
            Key::Buyer(id) => buyers.push(id),
            Key::Publisher(id) => publishers.extend(id),
            Key::Campaign(id) => campaigns.extend(id),
            Key::Manager(id) => managers.push(id),
            Key::Week(_) | Key::Reason(_) | Key::Destination(_) => {}
        }
    }
    Ok(reports::names(conn, grant, (&buyers, &publishers, &campaigns, &managers))?)
}

/// GET `/reports`.
pub(super) async fn index(
    grant: Granted<ViewDisputes>,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<Page<ReportsPage>, AppError> {
    let (mut params, now) = (Params::parse(request.query_string()), clock.now());
    let page = db
        .read(move |conn| {
            name_to_id(conn, grant.viewer(), &mut params)?;
            load(conn, &grant, &Asked::read(&params, &grant, now)?, (&here, now))
        })
        .await?;
    Ok(Page::new(htmx, page))
}

fn load(
    conn: &mut AnyConnection,
    grant: &Granted<ViewDisputes>,
    asked: &Asked,
    (here, now): (&Here, Instant),
) -> Result<ReportsPage, AppError> {
    let (book, is_capped) = asked.count(conn, grant, now)?;
    let policy = policy::load(conn)?;
    let found: Vec<(By, Vec<Group>)> = By::ALL.iter().map(|by| (*by, book.groups(*by))).collect();
    let shown = found.iter().flat_map(|(_, groups)| groups.iter().take(SHOWN));
    let known = look_up(conn, grant, shown)?;
    let line =
        |group: &Group| Line::new(group, name_of(&group.key, &book, &known, &policy), asked.rows_of(&group.key, &book));
    let took = Took::ALL.iter().map(|took| {
        let count = book.times.get(took).copied().unwrap_or_default();
        (*took, count, Some(asked.rows().with("took", took.code()).to_string()))
    });
    let took: Vec<_> = took.collect();
    let (all, by_currency) = book.total();
    let currency = by_currency.first().map_or_else(|| "USD".to_owned(), |(currency, _)| currency.clone());
    let total = Group { key: Key::Week(asked.span.first), all, by_currency };
    let (mut sections, mut week_lines) = (Vec::new(), Vec::new());
    let (mut by_week, mut credit_by_week) = (Vec::new(), Vec::new());
    for (by, groups) in &found {
        if *by == By::Week {
            week_lines = groups.iter().map(line).collect();
            (by_week, credit_by_week) = weeks(&asked.span, groups, &currency);
        } else {
            let lines: Vec<Line> = groups.iter().take(SHOWN).map(line).collect();
            let bars = charts::lying(&lines);
            let height = bars.len().saturating_mul(30).saturating_add(6);
            sections.push(Section { by: *by, bars, height, more: groups.len().saturating_sub(SHOWN), lines });
        }
    }
    Ok(ReportsPage {
        chrome: chrome::load(conn, grant.viewer(), NavItem::Reports, here)?,
        span: asked.span,
        zone_name: now.and_utc().with_timezone(&asked.span.zone).format("%Z").to_string(),
        buyers: BuyerFilter::load(conn, asked.buyer)?,
        export: asked.export().to_string(),
        is_capped,
        total: Line::new(&total, "Total".to_owned(), Some(asked.rows())),
        overdue: Number(book.overdue),
        weeks: charts::weeks(&by_week, 760),
        credits: charts::credits(&credit_by_week, 380, |minor| {
            Money::new(i64::try_from(minor).unwrap_or(i64::MAX), &currency).to_string()
        }),
        times: charts::times(&took, 560),
        took,
        currency,
        week_lines,
        sections,
    })
}

/// Something of each week.
type ByWeek<T> = Vec<(NaiveDate, T)>;

/// Every week of the period, also those without disputes.
fn weeks(span: &period::Span, groups: &[Group], currency: &str) -> (ByWeek<Tally>, ByWeek<u64>) {
    let of = |week: NaiveDate| groups.iter().find(|group| group.key == Key::Week(week));
    let credit = |group: &Group| {
        let own = group.by_currency.iter().find(|(code, _)| code == currency);
        own.map_or(0, |(_, tally)| tally.credit.max(0).unsigned_abs())
    };
    let all = span.weeks();
    let tallies = all.iter().map(|week| (*week, of(*week).map(|group| group.all.clone()).unwrap_or_default()));
    let credits = all.iter().map(|week| (*week, of(*week).map_or(0, credit)));
    (tallies.collect(), credits.collect())
}
