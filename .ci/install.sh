#!/usr/bin/env bash
# Puts what the tests need on a Debian machine. Root; safe to run again; installs only what is missing.
set -euo pipefail
need=()
command -v logger >/dev/null || need+=(bsdutils)
command -v nc >/dev/null || need+=(netcat-openbsd)
command -v unshare >/dev/null && command -v setpriv >/dev/null || need+=(util-linux)
command -v ip >/dev/null || need+=(iproute2)
command -v logrotate >/dev/null || need+=(logrotate)
command -v keepalived >/dev/null || need+=(keepalived)
command -v rsyslogd >/dev/null || need+=(rsyslog)
command -v syslog-ng >/dev/null || need+=(syslog-ng-core)
command -v cc >/dev/null || need+=(gcc libc6-dev)
[ -e /usr/share/zoneinfo/Europe/Budapest ] || need+=(tzdata)
if [ ${#need[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "skipped: not root, cannot install: ${need[*]}" >&2
    exit 0
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi
