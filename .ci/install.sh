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
# Peers that messages are exchanged with; without them, the tests that need them say so.
peers=()
command -v rsyslogd >/dev/null || peers+=(rsyslog)
# Libraries of syslog-ng, which itself is unpacked below.
command -v syslog-ng >/dev/null || peers+=(libcap2 libglib2.0-0 libivykis0 libjson-c5 libnet1 libpcre3 libwrap0)
if [ ${#peers[@]} -gt 0 ] && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${peers[@]}" >/dev/null || echo "skipped: cannot install: ${peers[*]}" >&2
fi
# Debian's two syslog daemons cannot both be installed, but they can both be there: the second one is only unpacked. Where
# that does not work, the tests that need it say so.
unpack_syslog_ng() {
  local dir
  dir=$(mktemp -d)
  chmod 755 "$dir"
  (cd "$dir" && apt-get download -qq syslog-ng-core) || return 1
  mkdir "$dir/root" && dpkg -x "$dir"/syslog-ng-core_*.deb "$dir/root" || return 1
  cp -an "$dir/root/usr/." /usr/ || return 1
  if [ -d "$dir/root/lib" ]; then cp -an "$dir/root/lib/." /lib/ || return 1; fi
  mkdir -p /etc/syslog-ng /var/lib/syslog-ng
  cp -an "$dir/root/etc/syslog-ng/." /etc/syslog-ng/ || return 1
  rm -rf "$dir"
  ldconfig
}
if ! command -v syslog-ng >/dev/null && [ "$(id -u)" = 0 ]; then
  unpack_syslog_ng || echo "skipped: syslog-ng cannot be unpacked" >&2
fi
