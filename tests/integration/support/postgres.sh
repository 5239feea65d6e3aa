# Runs a throw-away PostgreSQL until standard input closes; the test process holds the other end,
# so the server also goes away when the tests panic or are killed.
#
# $1: the folder of the PostgreSQL programs. Prints "ready FOLDER" once it takes connections on FOLDER's socket.
set -eu
bin=$1
folder=$(mktemp -d /tmp/fairdial-pg.XXXXXX)
cd "$folder"
chmod 755 "$folder"
server=
stop() {
    # SIGQUIT is PostgreSQL's immediate shutdown: nothing in here is worth a checkpoint.
    if [ -n "$server" ]; then
        kill -QUIT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap stop EXIT
# Ctrl-C reaches the whole group: the tests die of it, standard input closes, and then this ends in order. PIPE: the
# tests may be gone before this is ready, and the word then fails instead of ending the script without its trap.
trap '' INT TERM HUP PIPE

"$bin/initdb" -D "$folder/data" -U fairdial -A trust -E UTF8 --locale C --no-sync >"$folder/initdb.log" 2>&1 || {
    cat "$folder/initdb.log" >&2
    exit 1
}
# No network address: two runs can't meet on a port.
"$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
    -c full_page_writes=off -c autovacuum=off -c max_connections=200 -c shared_buffers=64MB -c timezone=UTC \
    >"$folder/server.log" 2>&1 </dev/null &
server=$!
tries=0
until "$bin/pg_isready" -q -h "$folder"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
        cat "$folder/server.log" >&2
        exit 1
    fi
    sleep 0.1
done
echo "ready $folder"
cat >/dev/null
