#!/usr/bin/env bash
# Runs one test and counts it: one.sh KIND LABEL LOGDIR PROGRAM [ARGS...]
#
# KIND unit is a cmocka program (one count per test function), fuzz a harness (one count), check a
# script that prints `ok NAME`, `not ok NAME - why` and `skip NAME - why` (one count per line).
# Leaves LOGDIR/LABEL.log and LOGDIR/LABEL.count ("passed failed skipped"); prints one line, and
# whatever explains a failure, and the lines that a test begins with "note".
set -u

kind=$1 label=$2 logs=$3
shift 3
log=$logs/${label//\//-}.log
count=${log%.log}.count
began=$SECONDS

CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "${GOV_TEST_TIMEOUT:-900}" "$@" >"$log" 2>&1 </dev/null
rc=$?

case $kind in
unit | check)
    # cmocka writes a skipped test as "not ok N # SKIP name" or "ok N # SKIP name"
    # a run on one engine only does not count the other engine's tests as skipped
    awk -v rc="$rc" -v kind="$kind" -v stores="${GOV_TEST_STORES:-}" '
        /^1\.\.[0-9]+$/ { split($0, p, /\.\./); planned += p[2]; next }
        /^(not )?ok [0-9]+ # SKIP/ {
            if (stores == "sqlite" && / on postgres/) planned--
            else skipped++
            left_out++
            next
        }
        /^skip / { skipped++; next }
        /^not ok / { failed++; next }
        /^ok / { passed++; next }
        END {
            seen = passed + failed + skipped
            if (kind == "unit" && planned > seen) failed += planned - seen
            if (rc != 0 && !failed) failed++
            if (rc == 0 && !seen && !left_out) failed++
            print passed + 0, failed + 0, skipped + 0
        }' "$log" >"$count"
    ;;
*)
    if [ "$rc" = 0 ]; then echo 1 0 0; else echo 0 1 0; fi >"$count"
    ;;
esac

read -r passed failed skipped <"$count"
if [ "$failed" != 0 ]; then
    printf 'FAIL %s: %s passed, %s failed, %s skipped (exit %s)\n' "$label" "$passed" "$failed" \
        "$skipped" "$rc"
    {
        grep -nE '^not ok ' "$log" | grep -v '# SKIP' | head -n 40
        tail -n 60 "$log"
    } | sed 's/^/    /'
else
    printf 'ok   %s: %s passed, %s skipped, %ss\n' "$label" "$passed" "$skipped" $((SECONDS - began))
fi
sed -n 's/^note /    /p' "$log"
exit 0
