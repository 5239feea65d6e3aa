use clap::Parser;
use rstest::rstest;

use super::*;
use crate::commands::Cli;

fn parse(arguments: &[&str]) -> Result<Config, clap::Error> {
    Cli::try_parse_from([&["fairdial"], arguments].concat()).map(|cli| cli.config)
}

#[rstest]
#[case(&["--bind", "0.0.0.0:9000", "serve"])]
#[case(&["serve", "--bind", "0.0.0.0:9000"])]
fn a_setting_stands_before_or_after_the_command(#[case] arguments: &[&str]) {
    assert_eq!(parse(arguments).unwrap().bind.to_string(), "0.0.0.0:9000");
}

#[rstest]
#[case("--bind", "8080", "an address and a port")]
#[case("--database-url", "mysql://db/x", "postgres://")]
#[case("--public-url", "ftp://example.com", "http:// or https://")]
#[case("--public-url", "https://example.com/app", "without a path")]
#[case("--trusted-proxies", "10.0.0.0/40", "at most 32 bits")]
#[case("--max-evidence-bytes", "12", "from 1024 to")]
#[case("--max-evidence-files", "0", "from 1 to 100")]
#[case("--log-format", "xml", "json")]
fn a_wrong_value_stops_with_code_2_and_names_setting_value_and_what_is_allowed(
    #[case] setting: &str,
    #[case] value: &str,
    #[case] allowed: &str,
) {
    let error = parse(&["serve", setting, value]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    for part in [setting, value, allowed] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
}

#[test]
fn debug_hides_the_password_of_the_database() {
    let config = parse(&["serve", "--database-url", "postgres://desk:secret@db/fairdial"]).unwrap();
    assert!(matches!(&config.database_url, Some(DatabaseUrl::Postgres(url)) if url.contains("secret")));
    assert!(!format!("{config:?}").contains("secret"));
}

#[rstest]
#[case("10.0.0.0/8", "10.200.3.4", true)]
#[case("10.0.0.0/8", "11.0.0.1", false)]
#[case("10.0.0.0/8", "::ffff:10.1.2.3", true)]
#[case("127.0.0.1", "127.0.0.1", true)]
#[case("127.0.0.1", "127.0.0.2", false)]
#[case("0.0.0.0/0", "203.0.113.9", true)]
#[case("0.0.0.0/0", "2001:db8::1", false)]
#[case("fd00::/8", "fd12::1", true)]
#[case("::/0", "2001:db8::1", true)]
fn a_network_holds_its_addresses(#[case] network: Network, #[case] address: IpAddr, #[case] inside: bool) {
    assert_eq!(network.contains(address), inside);
}

#[rstest]
#[case("https://disputes.example.com/", "https://disputes.example.com", true)]
#[case("http://localhost:8080", "http://localhost:8080", false)]
#[case("https://Example.com:443", "https://example.com", true)]
fn the_origin_is_written_as_browsers_write_it(#[case] url: &str, #[case] origin: &str, #[case] https: bool) {
    let parsed = public_url(url).unwrap();
    assert_eq!((parsed.origin(), parsed.is_https()), (origin, https));
}
