#!/usr/bin/env bash
# The runner's own arithmetic: what a test program prints, and how it ends, must come out as the right count.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# counts NAME KIND EXPECTED SCRIPT
counts() {
    local got
    printf '#!/bin/sh\n%s\n' "$4" >"$tmp/program"
    chmod +x "$tmp/program"
    GOV_TEST_TIMEOUT=1 GOV_TEST_STORES=${stores:-} tests/support/one.sh "$2" x "$tmp" "$tmp/program" >/dev/null
    got=$(cat "$tmp/x.count")
    if [ "$got" = "$3" ]; then echo "ok counts $1"; else echo "not ok counts $1 - $got, not $3"; fi
}

counts "passed, failed and skipped tests" unit "1 1 1" \
    'echo 1..3; echo "ok 1 - a"; echo "not ok 2 - b"; echo "not ok 3 # SKIP c"; exit 1'
counts "two groups of one program" unit "3 0 0" \
    'echo 1..1; echo "ok 1 - a"; echo 1..2; echo "ok 1 - b"; echo "ok 2 - c"'
counts "tests that a crash kept from running" unit "1 2 0" 'echo 1..3; echo "ok 1 - a"; kill -SEGV $$'
counts "a leak found at the end" unit "2 1 0" 'echo 1..2; echo "ok 1 - a"; echo "ok 2 - b"; exit 23'
counts "a program that tests nothing" unit "0 1 0" 'exit 0'
counts "a program that hangs" unit "0 1 0" 'exec sleep 20'
stores=sqlite counts "tests left out by choice" unit "1 0 0" \
    'echo 1..2; echo "ok 1 - a on sqlite"; echo "not ok 2 # SKIP a on postgres"'
counts "the lines of a check" check "2 1 1" \
    'echo "ok a"; echo "  detail"; echo "ok b"; echo "not ok c - why"; echo "skip d - why"; exit 1'
counts "a check that breaks" check "0 1 0" 'echo Traceback; exit 1'
counts "a harness that crashes" fuzz "0 1 0" 'exit 77'

if tests/support/postgres.sh stop /tmp 2>/dev/null; then
    echo "not ok postgres.sh stops only its own servers - it took /tmp"
else
    echo "ok postgres.sh stops only its own servers"
fi
if tests/run --no-such-option >/dev/null 2>&1; then
    echo "not ok tests/run refuses unknown options - it ran"
else
    echo "ok tests/run refuses unknown options"
fi

bench=${GOV_BUILD:-build/release}/bench/bench_base
if [ ! -x "$bench" ]; then
    echo "skip a benchmark's JSON is JSON - it is not built"
elif "$bench" --runs=1 --json | python3 -c 'import json, sys
for line in sys.stdin:
    case = json.loads(line)
    assert case["name"] and case["unit"] and case["ours"] > 0 and case["ratio"] > 0'; then
    echo "ok a benchmark's JSON is JSON"
else
    echo "not ok a benchmark's JSON is JSON - it was not understood"
fi
