# The commands of every day; `just` lists them.

_list:
    @just --list --unsorted

# Start the server on its own folder
serve *options:
    cargo run -- serve {{options}}

# Start it with a believable network in it
demo *options:
    cargo run -- demo {{options}}

# Everything this machine can test: both databases and the browser
test name="":
    bin/test {{name}}

# Requests against the app on SQLite
test-sqlite name="":
    FAIRDIAL_TEST_DATABASE=sqlite cargo test --test integration -- {{name}}

# The same on a throw-away PostgreSQL
test-postgres name="":
    FAIRDIAL_TEST_DATABASE=postgres cargo test --test integration -- {{name}}

# Journeys in a real browser
test-browser name="":
    cargo test --test browser -- {{name}}

# Format, clippy, licences
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo deny check licenses bans sources

# What a change must pass, in the same order as on the server (root on Debian: installs what is missing)
ci:
    .ci/run
