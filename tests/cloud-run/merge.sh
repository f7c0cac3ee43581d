#!/bin/sh
# The job behind task.sh: joins all accounts in $OUT and writes the report.
set -eu
firstfault merge "$OUT"/*.summary -o "$OUT/all"
firstfault report "$OUT/all" -o "$OUT/report.json" -o "$OUT/report.md"
