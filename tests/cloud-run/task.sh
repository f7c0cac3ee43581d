#!/bin/sh
# One task of a Cloud Run job: summarizes its share of a log sink that lies in a bucket, mounted at $IN, into one account in $OUT.
#
# The image is the static binary, this script and a shell; the job has as many tasks as wanted and retries those that fail:
#   gcloud run jobs create summarize --image=IMAGE --tasks=16 --max-retries=3 \
#     --add-volume=name=in,type=cloud-storage,bucket=LOGS,readonly=true --add-volume-mount=volume=in,mount-path=/in \
#     --add-volume=name=out,type=cloud-storage,bucket=ACCOUNTS --add-volume-mount=volume=out,mount-path=/out
# A second job with one task runs merge.sh.
set -eu
index=${CLOUD_RUN_TASK_INDEX:-0} count=${CLOUD_RUN_TASK_COUNT:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# All objects of one log and hour (LOG_ID/YYYY/MM/DD/HH:…) go to one task, so that copies of an entry meet there.
find "$IN" -type f | LC_ALL=C sort | awk -F: -v i="$index" -v n="$count" '
    !($1 in group) { group[$1] = groups++ }
    group[$1] % n == i' | sed "s|^$IN/\(.*\)|$IN/\1	gs://${BUCKET:-bucket}/\1|" > "$work/list"
# More tasks than hours: nothing to do.
[ -s "$work/list" ] || exit 0

# --strict: what cannot be read fails the task, which is retried; its account is written whole or not at all.
firstfault summarize --strict --allow-empty --quiet --files-from "$work/list" -o "$OUT/$index.summary"
