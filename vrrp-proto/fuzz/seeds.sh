#!/usr/bin/env bash
# Writes the packets of tests/data/vectors.tsv into corpus/packet, one file each.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p corpus/packet
while IFS=$'\t' read -r name packet _; do
  case $name in '#'* | '') continue ;; esac
  printf '%b' "$(sed 's/../\\x&/g' <<<"$packet")" >"corpus/packet/$name"
done <../tests/data/vectors.tsv
