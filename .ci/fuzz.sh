#!/usr/bin/env bash
# Fuzzes what reads bytes of strangers, each target for a minute (or FUZZ_SECONDS), two at a time; says so loudly where the tool is
# missing. With names of crates, only those: `.ci/fuzz.sh vrrp-proto garp`. A find is left in `<crate>/fuzz/artifacts/`, and becomes a test.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/fuzz"
seconds="${FUZZ_SECONDS:-60}"

if ! cargo +nightly fuzz --version > /dev/null 2>&1; then
  echo "skipped: fuzzing: cargo-fuzz or a nightly toolchain is not installed" >&2
  exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# What is found on the way (a corpus) is not kept: it would make the next run another one.
one() {
  local crate=$1 target=$2 log="$scratch/$1-$2.log"
  mkdir -p "$scratch/$crate-$target"
  if (cd "$crate" && cargo +nightly fuzz run "$target" "$scratch/$crate-$target" -- \
      -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 > "$log" 2>&1); then
    echo "fuzzed: $crate $target: $(grep -o 'Done [0-9]* runs in [0-9]* second' "$log" | tail -1)(s), nothing found"
  else
    tail -n 60 "$log" >&2
    echo "fuzzed: $crate $target: a find, see above" >&2
    return 1
  fi
}

crates=("$@")
[ ${#crates[@]} -gt 0 ] || crates=(diskbuf garp syslog-parse vip-netlink vrrp-proto)
running=() failed=0
for crate in "${crates[@]}"; do
  (cd "$crate" && cargo +nightly fuzz build > "$scratch/build.log" 2>&1) || { tail -n 60 "$scratch/build.log" >&2; exit 1; }
  for target in $(cd "$crate" && cargo +nightly fuzz list); do
    one "$crate" "$target" &
    running+=($!)
    if [ ${#running[@]} -ge 2 ]; then
      wait "${running[0]}" || failed=1
      running=("${running[@]:1}")
    fi
  done
done
for process in "${running[@]}"; do
  wait "$process" || failed=1
done
exit $failed
