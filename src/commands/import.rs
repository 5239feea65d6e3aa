//! `fairdial import`: calls and recordings from other systems.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::Config;
use crate::domain::money::Currency;
use crate::import::{DateOrder, preset};
use crate::intake::settings;

mod calls;
mod errors;
mod input;
mod interrupt;
mod recordings;
mod report;

/// What is taken in.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Take in the calls of exported files; the same file twice changes nothing
    Calls(CallArguments),
    /// Attach audio files, each named by the external id of its call, to their calls
    Recordings(RecordingArguments),
}

#[derive(Args, Debug)]
pub(crate) struct CallArguments {
    /// Files as the platform exported them; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Format of the files; without it recognised from their columns
    #[arg(long, value_name = "NAME", value_parser = preset_name)]
    format: Option<String>,

    /// Time zone of times that have none, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = time_zone)]
    timezone: Option<chrono_tz::Tz>,

    /// Whether 01/07/2026 is in January (mdy) or in July (dmy)
    #[arg(long, value_name = "ORDER", value_parser = date_order)]
    date_order: Option<DateOrder>,

    /// Which of their columns is which of our fields, in TOML or JSON
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,

    /// Name of the source; without it the platform of the format. Two accounts on one platform need two names
    #[arg(long, value_name = "NAME", value_parser = source_name)]
    source: Option<String>,

    /// Currency of rows that name none [default: USD]
    #[arg(long, value_name = "CODE", value_parser = currency)]
    currency: Option<Currency>,

    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,

    /// Refuse rows with unknown buyers, publishers or campaigns instead of creating them
    #[arg(long)]
    no_create: bool,

    /// Where the rows that failed are written, ready to be mended and imported
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,

    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RecordingArguments {
    /// Folder with the audio files
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Source of the calls, where more than one has calls with these ids
    #[arg(long, value_name = "NAME", value_parser = source_name)]
    source: Option<String>,

    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the import that was asked for.
pub(super) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.what {
        What::Calls(arguments) => calls::run(config, arguments),
        What::Recordings(arguments) => recordings::run(config, arguments),
    }
}

fn preset_name(text: &str) -> Result<String, String> {
    let names: Vec<&str> = preset::PRESETS.iter().map(|preset| preset.name).collect();
    let found = names.iter().find(|name| name.eq_ignore_ascii_case(text.trim()));
    found.map(|name| (*name).to_owned()).ok_or_else(|| format!("not a format; allowed: {}", names.join(", ")))
}

fn time_zone(text: &str) -> Result<chrono_tz::Tz, String> {
    text.trim().parse().map_err(|_unknown| {
        "not a time zone; allowed: the IANA names, such as America/New_York, Europe/Berlin or UTC".to_owned()
    })
}

fn date_order(text: &str) -> Result<DateOrder, String> {
    let orders = [DateOrder::MonthFirst, DateOrder::DayFirst];
    let found = orders.into_iter().find(|order| order.name() == text.trim());
    found.ok_or_else(|| "not an order; allowed: mdy (month first), dmy (day first)".to_owned())
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::from_code(text)
        .ok_or_else(|| "not a currency; allowed: the three letters of ISO 4217, such as USD".to_owned())
}

fn source_name(text: &str) -> Result<String, String> {
    settings::source_name(text).ok_or_else(|| "not a name; allowed: 1 to 200 characters".to_owned())
}
