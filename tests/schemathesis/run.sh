#!/usr/bin/env bash
# Holds the API against its own OpenAPI document: schemathesis sends what the document allows and what it forbids, as a buyer
# and as a manager, to a demo on a free port.
#
#   tests/schemathesis/run.sh [SECONDS]     for each of the two (default 600)
#
# Needs Python and curl; schemathesis is installed into a folder of its own, which is removed again. `bin/test` runs it for a minute
# each; ten minutes each are more than 10,000 cases.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-600}
work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap finish EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install -r tests/schemathesis/requirements.txt
# As the tests build it: by itself the program would be built anew, with fewer features of its crates.
cargo test --locked --quiet --no-run --test integration
fairdial=target/debug/fairdial
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
"$fairdial" demo --data-dir "$work/demo" --bind "127.0.0.1:$port" --api-requests-per-minute 1000000 >"$work/out" 2>"$work/log" &
server=$!
until curl --silent --fail --output "$work/document" "$url/api/v1/openapi.json"; do
    kill -0 "$server" || { cat "$work/log"; exit 1; }
    sleep 1
done

# Ids that are there, so that requests get past "not found".
known() { curl --silent --fail -H "Authorization: Bearer $1" "$url/api/v1/$2?per_page=1" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][0]["id"])'; }

failed=0
for person in maren@lanternbrook.example idris@quillmoor.example; do
    token=$("$fairdial" token create --data-dir "$work/demo" --user "$person" --name schemathesis)
    cat >"$work/schemathesis.toml" <<TOML
headers = { Authorization = "Bearer $token" }
warnings = false
[parameters]
"path.id" = "$(known "$token" disputes)"
[[operations]]
include-path = "/api/v1/calls/{id}"
parameters = { "path.id" = "$(known "$token" calls)" }
# What a form can't say (a number that is no text) is sent as text and rightly taken; what is right by the document may
# be refused by a rule that no document can say.
[checks]
positive_data_acceptance.enabled = false
negative_data_rejection.enabled = false
TOML
    printf '== %s\n' "$person"
    (cd "$work" && PYTHONUTF8=1 venv/bin/st --config-file schemathesis.toml run "$url/api/v1/openapi.json" \
        --phases examples,coverage,fuzzing,stateful --max-examples 100 --max-time "$seconds" --seed 1 --continue-on-failure) || failed=1
done
if grep -E 'request failed|panicked' "$work/log"; then
    failed=1
fi
exit "$failed"
