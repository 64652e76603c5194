#!/usr/bin/env bash
# Types the README's commands, as they stand there, in this checkout: the first block collects, the second sends and shows what was
# found. The third, the tests, is for .ci/run. A block that nobody runs is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
block() { awk -v want="$1" '/^```sh$/ { n++; on = (n == want); next } /^```$/ { on = 0 } on' README.md; }

if [ "${1:-}" = tests ]; then
  exec bash -euc "$(block 3)"
fi
if [ "$(grep -c '^```sh$' README.md)" != 3 ]; then
  echo "the README has other than three blocks of commands: see that each is run here" >&2
  exit 1
fi
kept=$(mktemp -d)
# What somebody collected here by hand is not ours to remove.
[ ! -e ha-collector-data ] || mv ha-collector-data "$kept/"
collector=
finish() {
  [ -z "$collector" ] || { pkill -TERM -P "$collector" 2>/dev/null || kill "$collector" 2>/dev/null || true; wait "$collector" 2>/dev/null || true; }
  rm -rf ha-collector-data
  [ ! -e "$kept/ha-collector-data" ] || mv "$kept/ha-collector-data" .
  rm -rf "$kept"
}
trap finish EXIT
block 1 > "$kept/collect.sh"
bash -eu "$kept/collect.sh" 2> "$kept/collector.log" &
collector=$!
until grep -q '^ready: ' "$kept/collector.log"; do
  if ! kill -0 "$collector" 2>/dev/null; then
    cat "$kept/collector.log" >&2
    exit 1
  fi
  sleep 0.2
done
block 2 > "$kept/send.sh"
# The last command shows the files; the lines are there when their writes have returned, which is a moment later.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  bash -eu "$kept/send.sh" | tee "$kept/found"
  grep -q 'hello over udp$' "$kept/found" && grep -q 'hello over tcp$' "$kept/found" && grep -q 'HELLO SYSLOG$' "$kept/found" && break
done
for text in 'hello over udp' 'hello over tcp' 'HELLO SYSLOG'; do
  grep -q "$text\$" "$kept/found" || { echo "the README's line \"$text\" was not found" >&2; exit 1; }
done
echo "the README's commands do what it says"
