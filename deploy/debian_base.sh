#!/bin/sh
# Make a base image from Debian's packages alone, for places without a registry of images: localhost/loantap-base.
# Needs debootstrap and buildah, and root. The certificates that this machine trusts come along, so that pip can fetch behind a proxy.
#
#   deploy/debian_base.sh && BASE=localhost/loantap-base make image
set -eu
name=${1:-localhost/loantap-base}
suite=${SUITE:-bookworm}
work=$(mktemp -d)
container=
trap '[ -z "$container" ] || buildah rm "$container" >/dev/null; rm -rf "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv "$suite" "$work/root" \
  "${MIRROR:-http://deb.debian.org/debian}" >"$work/log" || { tail -n 20 "$work/log" >&2; exit 1; }
rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* "$work"/root/var/log/* \
  "$work"/root/usr/share/doc/* "$work"/root/usr/share/man/* "$work"/root/usr/share/locale/*
cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
container=$(buildah from scratch)
buildah copy --quiet "$container" "$work/root" / >/dev/null
buildah config --env PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin --cmd /bin/sh "$container"
buildah commit --quiet "$container" "$name" >/dev/null
echo "$name"
