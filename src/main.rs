//! The program: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    fairdial::commands::Cli::parse().run()
}
