//! Evidence files of the demo as bytes: a letter as PDF, a picture of a record, a call list, an e-mail.

use chrono::Duration;
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str};
use rand::Rng as _;

use super::disputes::{DemoDispute, DemoEvidence};
use super::names::{FIRST_NAMES, LAST_NAMES};
use super::stories::Words;
use super::world::World;
use super::{Dice, PLATFORM, dice, mix, pick, picture, telling};

/// What an evidence file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EvidenceKind {
    #[default]
    Pdf,
    Picture,
    Csv,
    Text,
}

impl EvidenceKind {
    /// The media type of its bytes.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Picture => "image/png",
            Self::Csv => "text/csv",
            Self::Text => "text/plain",
        }
    }

    /// Kinds that buyers attach for a reason.
    pub(super) fn for_reason(reason: &str) -> &'static [Self] {
        match reason {
            "duplicate_call" | "not_qualified" => &[Self::Pdf, Self::Picture, Self::Text],
            "not_connected" | "technical_issues" => &[Self::Csv, Self::Text, Self::Pdf],
            "invalid_caller" => &[Self::Picture, Self::Text],
            _ => &[Self::Csv, Self::Picture, Self::Text],
        }
    }

    /// Templates of file names.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &[
                "quote-{file_day}.pdf",
                "{file_number}.pdf",
                "lead sheet {file_number}.pdf",
                "call-summary-{iso_day}.pdf",
            ],
            Self::Picture => {
                &["crm-open-quote.png", "Screenshot {iso_day}.png", "record {file_number}.png", "caller-record.png"]
            }
            Self::Csv => &["queue-{iso_day}.csv", "calls_{file_day}.csv", "trunk-log-{iso_day}.csv"],
            Self::Text => &["e-mail {file_day}.txt", "agent-note-{file_number}.txt", "note from {agent}.txt"],
        }
    }
}

/// The bytes of one evidence file; the same each time.
#[must_use]
pub fn bytes(world: &World, dispute: &DemoDispute, file: &DemoEvidence) -> Vec<u8> {
    let call = world.call(dispute.call);
    let plan = world.plan(dispute.index);
    // The words as they were when the dispute was written: names in text and files agree.
    let words = telling::words(&mut telling::dice_of(world, &plan), world, &call, &plan, 0);
    let mut dice = dice(file.seed, 51, dispute.index);
    match file.kind {
        EvidenceKind::Pdf => letter(&mut dice, &words),
        EvidenceKind::Picture => record(&mut dice, &words),
        EvidenceKind::Csv => call_list(&mut dice, &words, &call.caller_id, call.started_at),
        EvidenceKind::Text => mail(&mut dice, &words).into_bytes(),
    }
}

fn letter(dice: &mut Dice, words: &Words) -> Vec<u8> {
    let get = |name| words.get(name);
    let facts = [
        ("Reference", get("file_number").to_owned()),
        ("Caller", get("customer").to_owned()),
        ("Number", get("number").to_owned()),
        ("Received", format!("{}, {}", get("day"), get("time"))),
        ("Taken by", format!("{} at {}", get("agent"), get("dest"))),
        ("Wanted", get("product").to_owned()),
        ("Talk time", get("minutes").to_owned()),
        (
            "Result",
            pick(dice, &["no quote given", "file already open", "closed by agent", "referred elsewhere"]).to_owned(),
        ),
    ];
    let mut content = Content::new();
    content.set_fill_rgb(0.17, 0.24, 0.33);
    content.rect(0.0, 778.0, 595.0, 64.0).fill_nonzero();
    content.set_fill_rgb(1.0, 1.0, 1.0);
    write_at(&mut content, b"F2", 18.0, (56.0, 803.0), get("company"));
    content.set_fill_rgb(0.1, 0.1, 0.12);
    write_at(&mut content, b"F2", 14.0, (56.0, 730.0), "Record of an inbound call");
    let mut y = 694.0;
    for (label, value) in &facts {
        write_at(&mut content, b"F2", 10.0, (56.0, y), label);
        write_at(&mut content, b"F1", 10.0, (170.0, y), value);
        content.set_stroke_rgb(0.82, 0.84, 0.86);
        content.move_to(56.0, y - 7.0).line_to(539.0, y - 7.0).stroke();
        y -= 24.0;
    }
    y -= 16.0;
    let notes = [
        format!("The caller reached us through the campaign {} of {PLATFORM}.", get("campaign")),
        format!("{} asked the usual questions. Answers are kept with the file {}.", get("agent"), get("file_number")),
        "Times are local to the desk. This page was printed from the customer record and not changed.".to_owned(),
    ];
    for line in &notes {
        write_at(&mut content, b"F1", 10.0, (56.0, y), line);
        y -= 16.0;
    }
    let (catalog, tree, page_id, regular, bold, content_id) =
        (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4), Ref::new(5), Ref::new(6));
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids([page_id]).count(1);
    let mut page = pdf.page(page_id);
    page.media_box(Rect::new(0.0, 0.0, 595.0, 842.0)).parent(tree).contents(content_id);
    page.resources().fonts().pair(Name(b"F1"), regular).pair(Name(b"F2"), bold);
    page.finish();
    pdf.type1_font(regular).base_font(Name(b"Helvetica"));
    pdf.type1_font(bold).base_font(Name(b"Helvetica-Bold"));
    pdf.stream(content_id, &content.finish());
    pdf.finish()
}

fn write_at(content: &mut Content, font: &[u8], size: f32, (x, y): (f32, f32), text: &str) {
    content.begin_text();
    content.set_font(Name(font), size).next_line(x, y).show(Str(text.as_bytes()));
    content.end_text();
}

fn record(dice: &mut Dice, words: &Words) -> Vec<u8> {
    let day = format!("{} {}", words.get("day"), words.get("time"));
    let facts = [
        ("Name", words.get("customer")),
        ("Number", words.get("number")),
        ("File", words.get("file_number")),
        ("Wanted", words.get("product")),
        ("Agent", words.get("agent")),
        ("Last contact", day.as_str()),
    ];
    let mut contacts = vec![format!("{day}  {}", words.get("dest"))];
    if !words.get("earlier").is_empty() {
        contacts.push(format!("{}  {}", words.get("earlier"), words.get("agent2")));
    }
    for what in ["Call back, no answer", "Note by agent", "File opened", "Letter sent"] {
        if dice.random_range(0..3) > 0 {
            contacts.push(what.to_owned());
        }
    }
    picture::screenshot(dice, words.get("company"), &facts, &contacts)
}

/// The quarter of an hour around the call as a phone system exports it.
fn call_list(dice: &mut Dice, words: &Words, caller: &str, started_at: chrono::NaiveDateTime) -> Vec<u8> {
    let mut text = String::from("time_utc,caller,queue,agent,ring_s,talk_s,result\r\n");
    let mut at = started_at - Duration::minutes(7);
    let mut is_listed = false;
    for _ in 0..dice.random_range(7..14) {
        at += Duration::seconds(dice.random_range(35..170));
        let (number, result) = if !is_listed && at >= started_at {
            is_listed = true;
            at = started_at;
            (caller.to_owned(), words.get("cause").to_owned())
        } else {
            let line = dice.random_range(0..100);
            (
                format!("+1{}55501{line:02}", dice.random_range(201..990)),
                pick(dice, &["answered", "answered", "abandoned"]).to_owned(),
            )
        };
        let (ring, talk) =
            (dice.random_range(3..24), if result == "answered" { dice.random_range(20..400) } else { 0 });
        let agent = if talk > 0 { pick(dice, FIRST_NAMES) } else { "" };
        // A spreadsheet must not take a number for a formula.
        let row = format!(
            "{},\"'{number}\",{},{agent},{ring},{talk},{result}\r\n",
            at.format("%Y-%m-%d %H:%M:%S"),
            words.get("dest")
        );
        text.push_str(&row);
    }
    text.into_bytes()
}

fn mail(dice: &mut Dice, words: &Words) -> String {
    let get = |name| words.get(name);
    let sender = format!("{} {}", get("agent"), pick(dice, LAST_NAMES));
    let body = pick(
        dice,
        &[
            "I took this one myself. It is as written in the note: nothing we could work with.\nI kept the file open until the evening in case they call again.",
            "Please add this to the dispute. The time in our system is two seconds behind theirs.\nNobody else on the floor spoke to the caller.",
            "As asked, here is what I remember. The caller was polite, but we could not help.\nI did not give a price.",
            "Our carrier answers that nothing unusual was seen on their side that day.\nThey can send the full trace on request.",
        ],
    );
    let number = mix(dice.random()) % 900_000 + 100_000;
    format!(
        "From: {sender}\nTo: Billing desk, {}\nDate: {}\nSubject: Call of {} at {} ({})\nMessage number: {number}\n\n\
         Hello,\n\nthis is about the call from {} at {}, {} of talk.\n{body}\n\n{}\n",
        get("company"),
        get("day"),
        get("day"),
        get("time"),
        get("file_number"),
        get("caller"),
        get("dest"),
        get("minutes"),
        get("agent"),
    )
}
