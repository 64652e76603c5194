#!/usr/bin/env bash
# The checks beside the tests, by name: .ci/check.sh [format|clippy|docs|arrows|members|benches|deny]...; without a name, all of them.
# A check whose tool is missing says "skipped: not installed".
set -euo pipefail
cd "$(dirname "$0")/.."

format() { cargo fmt --all --check; }

# The peers of the benches are built by `benches`, not here.
clippy() { cargo clippy --workspace --exclude benches --all-targets --quiet -- -D warnings; }

# Every bench once, with its answers asserted; nothing is timed, so nothing need be fast: the profile of the tests is built anyway.
benches() {
  cargo clippy --package benches --all-targets --quiet -- -D warnings
  cargo bench --quiet --package benches --profile dev -- --test >/dev/null
}

docs() { RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --document-private-items --quiet; }

# No library depends on another of ours, save the VRRP sockets on the VRRP packets; the pure ones depend on nothing but what they must.
arrows() {
  local ours=(syslog-parse diskbuf vrrp-proto vrrp-net vip-netlink garp) crate other
  for crate in "${ours[@]}"; do
    for other in "${ours[@]}"; do
      [ "$crate" = "$other" ] && continue
      [ "$crate $other" = "vrrp-net vrrp-proto" ] && continue
      if cargo tree --package "$crate" --edges normal --prefix none | grep -q "^$other "; then
        echo "$crate depends on $other: arrows go from the binary to the libraries only" >&2
        return 1
      fi
    done
  done
  local tree
  tree=$(cargo tree --package syslog-parse --no-default-features --edges normal --prefix none | sed 's/ .*//' | sort -u | tr '\n' ' ')
  # wide (with safe_arch and bytemuck) is how it looks at sixteen octets at a time without unsafe of its own.
  if [ "$tree" != "bytemuck memchr nom safe_arch syslog-parse wide " ]; then
    echo "syslog-parse without features depends on more than memchr, nom and wide: $tree" >&2
    return 1
  fi
  tree=$(cargo tree --package vrrp-proto --no-default-features --edges normal --prefix none | sed 's/ .*//' | sort -u | tr '\n' ' ')
  if [ "$tree" != "vrrp-proto " ]; then
    echo "vrrp-proto without features depends on something: $tree" >&2
    return 1
  fi
}

# Every member takes the workspace's lints; one that forgets escapes in silence.
members() {
  local manifest
  for manifest in $(git ls-files '*/Cargo.toml' ':!*/fuzz/*'); do
    grep -A1 '^\[lints\]' "$manifest" | grep -q 'workspace = true' || { echo "$manifest: [lints] workspace = true is missing" >&2; return 1; }
  done
}

deny() {
  if ! cargo deny --version >/dev/null 2>&1; then
    echo "skipped: cargo-deny is not installed"
    return 0
  fi
  cargo deny --log-level error check bans licenses sources
}

[ $# -gt 0 ] || set -- format clippy docs arrows members benches deny
for check in "$@"; do
  echo "== $check"
  "$check"
done
