#!/usr/bin/env bash
# A PostgreSQL server of our own for the tests: in a fresh folder, on a Unix socket only, with
# fsync as a real server has it, started and stopped by its process id.
#
#   eval "$(tests/support/postgres.sh start)"     sets GOV_TEST_PG (its URL) and GOV_TEST_PG_DIR
#   tests/support/postgres.sh stop "$GOV_TEST_PG_DIR"
#   tests/support/postgres.sh available           exit 0 when a server's programs are there
set -u

# The folder with initdb and postgres: the newest of Debian's, else where the path leads.
find_bin() {
    local dir
    for dir in "${GOV_PG_BIN:-}" \
        $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -rV) \
        "$(pg_config --bindir 2>/dev/null)" \
        "$(dirname "$(command -v postgres 2>/dev/null || echo /nowhere/x)")"; do
        if [ -n "$dir" ] && [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then
            echo "$dir"
            return 0
        fi
    done
    return 1
}

# PostgreSQL refuses to run as root.
server_user() {
    local name
    [ "$(id -u)" = 0 ] || return 0
    for name in postgres nobody; do
        if id "$name" >/dev/null 2>&1; then
            echo "$name"
            return 0
        fi
    done
}

as_server() {
    if [ -n "$user" ]; then
        (cd / && exec runuser -u "$user" -- "$@")
    else
        "$@"
    fi
}

start() {
    local bin dir user i
    bin=$(find_bin) || {
        echo "postgres.sh: no PostgreSQL server programs" >&2
        return 1
    }
    user=$(server_user)
    if [ "$(id -u)" = 0 ] && { [ -z "$user" ] || ! command -v runuser >/dev/null; }; then
        echo "postgres.sh: no user to run the server as" >&2
        return 1
    fi
    # Not under TMPDIR: a socket's path may have 107 bytes only.
    dir=$(mktemp -d /tmp/govpg.XXXXXX) || return 1
    [ -z "$user" ] || chown "$user" "$dir" || return 1
    if ! as_server "$bin/initdb" -D "$dir/data" -U gov -A trust -E UTF8 --locale=C --no-sync \
        >"$dir/initdb.log" 2>&1 </dev/null; then
        cat "$dir/initdb.log" >&2
        rm -rf "$dir"
        return 1
    fi
    as_server "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= \
        -c max_connections=60 -c shared_buffers=64MB -c logging_collector=off \
        >"$dir/server.log" 2>&1 </dev/null &
    disown
    for ((i = 0; i < 600; i++)); do
        if [ "$(sed -n '8s/ *$//p' "$dir/data/postmaster.pid" 2>/dev/null)" = ready ]; then
            printf 'export GOV_TEST_PG=%q GOV_TEST_PG_DIR=%q\n' \
                "postgresql://gov@/postgres?host=$dir" "$dir"
            return 0
        fi
        sleep 0.1
    done
    cat "$dir/server.log" >&2
    stop "$dir"
    return 1
}

stop() {
    local dir=$1 pid i sig
    case $dir in
    /tmp/govpg.*) ;;
    *)
        echo "postgres.sh: $dir is not one of ours" >&2
        return 1
        ;;
    esac
    pid=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null)
    # Ours only if it still is the server of that folder.
    if [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$dir/data"; then
        for sig in INT QUIT KILL; do
            kill -"$sig" "$pid" 2>/dev/null
            for ((i = 0; i < 100; i++)); do
                kill -0 "$pid" 2>/dev/null || break 2
                sleep 0.1
            done
        done
    fi
    rm -rf "$dir"
}

case ${1:-} in
start) start ;;
stop) stop "${2:?which folder}" ;;
available) find_bin >/dev/null ;;
*)
    echo "usage: postgres.sh start | stop DIR | available" >&2
    exit 2
    ;;
esac
