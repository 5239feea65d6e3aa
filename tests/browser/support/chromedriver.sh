# Runs ChromeDriver on a free port until standard input closes, then ends it and every browser it started.
#
# Prints "ready PORT". Started in a session of its own, by which its children are found again.
set -eu
folder=$(mktemp -d /tmp/fairdial-browser.XXXXXX)
stop() {
    trap '' TERM
    # The session is this script, the driver and its browsers, and nobody else.
    pkill -TERM -s $$ || true
    tries=0
    while [ "$tries" -lt 50 ] && pgrep -s $$ chrom >/dev/null; do
        tries=$((tries + 1))
        sleep 0.1
    done
    rm -rf "$folder"
    pkill -KILL -s $$ || true
}
trap stop EXIT
trap '' INT TERM HUP PIPE

# The profiles of the browsers lie in here, and go with it.
export TMPDIR="$folder"
chromedriver --port=0 >"$folder/driver.log" 2>&1 </dev/null &
driver=$!
tries=0
until port=$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' "$folder/driver.log") && [ -n "$port" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 200 ] || ! kill -0 "$driver" 2>/dev/null; then
        cat "$folder/driver.log" >&2
        exit 1
    fi
    sleep 0.05
done
echo "ready $port"
cat >/dev/null
