//! `fairdial demo`: the server with a believable network in it, for this machine alone.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use super::{WrongUse, output, serve};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, migrations};
use crate::demo::store::{self, Found};
use crate::demo::world::World;
use crate::demo::{PASS_PHRASE, PLATFORM, SEED};
use crate::file_store::FileStore;
use crate::telemetry;

/// How many people the sign-in table lists; a large world has thousands.
const MOST_LISTED: usize = 40;

#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Throw the demo's data away and start over
    #[arg(long)]
    reset: bool,
    /// How many disputes there are, with ten calls for each; for measuring
    #[arg(long, value_name = "DISPUTES", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    scale: Option<u64>,
}

/// Creates the demo's network once, says who can sign in, and serves.
pub(super) fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    telemetry::start(&config);
    if !config.bind.ip().is_loopback() {
        let sentence = format!(
            "bind {}: the demo's pass phrase is known to everybody, so it listens on this machine alone, such as 127.0.0.1:8080",
            config.bind
        );
        return Err(WrongUse(sentence).into());
    }
    if config.data_dir == Path::new("./data") {
        config.data_dir = "./demo-data".into();
    }
    super::create_data_dir(&config)?;
    let world = {
        let _only_one = serve::lock_if_needed(&config)?;
        prepare(&config, arguments)?
    };
    if let Some(world) = world {
        tell_who_can_sign_in(&config, &world);
    }
    serve::run(config)
}

/// Fills what is empty; gives the world if its people are known.
fn prepare(config: &Config, arguments: &Arguments) -> anyhow::Result<Option<World>> {
    let db = Db::open_current(config)?;
    let place = config.data_dir.display();
    let mut found = store::look(&db)?;
    if found == Found::SomethingElse {
        anyhow::bail!(
            "data-dir {place}: there is something else than a demo, or a demo that wasn't finished. Name another folder"
        );
    }
    if arguments.reset && found == Found::Demo {
        db.read_blocking(migrations::start_over)?;
        let files = config.data_dir.join("files");
        if files.exists() {
            fs::remove_dir_all(&files).with_context(|| format!("{} can't be removed", files.display()))?;
        }
        found = Found::Nothing;
    }
    let now = Clock::System.now();
    let world = World::new(SEED, store::scale(arguments.scale), now);
    if found == Found::Demo {
        // Its people are the same whenever it was made, unless it was made at another scale.
        return Ok(arguments.scale.is_none().then_some(world));
    }
    let files = FileStore::open(&config.data_dir)?;
    let scale = world.scale();
    let bar = output::progress(scale.calls.saturating_add(scale.disputes), "rows");
    store::fill(&db, &files, &world, now, |rows| bar.inc(rows))?;
    bar.finish_and_clear();
    Ok(Some(world))
}

fn tell_who_can_sign_in(config: &Config, world: &World) {
    println!("{PLATFORM}: sign in at http://{}/login with the pass phrase\n\n    {PASS_PHRASE}\n", config.bind);
    for user in world.users.iter().take(MOST_LISTED) {
        let company = user.buyer.and_then(|at| world.buyers.get(at)).map_or(PLATFORM, |buyer| buyer.name.as_str());
        println!("{:<40} {:<20} {:<28} {}", user.email, user.name, company, user.rights());
    }
    println!();
}
