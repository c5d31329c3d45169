#!/usr/bin/env bash
# The Debian image under every local image: pulled where a registry answers, else made with debootstrap.
#
#   scripts/make_base_image.sh [--force]   make arbitrage-local/debian:trixie unless it is there (--force: anyway)
#
# debootstrap is installed where it is needed and missing. --force also takes in Debian's latest security fixes.
# Exit: 0 done, 1 something failed, 2 usage, 3 neither a registry nor debootstrap as root on Debian can be used here.
# ARBITRAGE_PULL_SECONDS (default 60) bounds the pull; a registry that does not answer is known in a few seconds.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt_mirror.sh
. "$here/apt_mirror.sh"

release=trixie
image=arbitrage-local/debian:$release
official=debian:$release-slim

say() { printf 'base image: %s\n' "$*" >&2; }
die() {
    local code=$1
    shift
    say "$*"
    exit "$code"
}

case "${1:-}" in
"") docker image inspect "$image" >/dev/null 2>&1 && {
    say "$image is already there"
    exit 0
} ;;
--force) ;;
*) die 2 "usage: scripts/make_base_image.sh [--force]" ;;
esac
docker version >/dev/null 2>&1 || die 1 "no Docker engine answers: run scripts/install_docker.sh first"

# A lookup is answered or refused within seconds; only then is time given to the download.
if timeout 8 docker manifest inspect "$official" >/dev/null 2>&1 &&
    timeout "${ARBITRAGE_PULL_SECONDS:-60}" docker pull -q "$official" >/dev/null; then
    docker tag "$official" "$image"
    say "$image is $official as pulled"
    exit 0
fi

say "$official cannot be pulled here, so debootstrap makes it (half a minute)"
if [ "$(id -u)" != 0 ] || [ ! -r /etc/debian_version ] || ! command -v apt-get >/dev/null; then
    die 3 "where no image registry answers, this has to run as root on Debian, which debootstrap takes the image from:" \
        "do that, or use a machine that can pull $official"
fi
mirror=$(apt_mirror_uri "")
security=$(apt_mirror_uri -security)
[ -n "$mirror" ] || die 1 "no Debian archive in this machine's apt sources: add one, then run this again"
apt_export_proxy

# Below /var/tmp: a tmpfs /tmp may be too small, and may be mounted nodev, which debootstrap refuses.
work=$(mktemp -d /var/tmp/arbitrage-base.XXXXXX)
trap 'rm -rf "$work"' EXIT
root=$work/root
began=$SECONDS
if ! command -v debootstrap >/dev/null; then
    say "installing debootstrap"
    if ! { apt-get -o DPkg::Lock::Timeout=120 update -qq && DEBIAN_FRONTEND=noninteractive apt-get \
        -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends debootstrap; } >"$work/log" 2>&1; then
        tail -n 15 "$work/log" >&2
        die 1 "debootstrap could not be installed: the lines above say why"
    fi
fi
if ! debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    "$release" "$root" "$mirror" >"$work/log" 2>&1; then
    tail -n 15 "$work/log" >&2
    die 1 "debootstrap from $mirror failed: the lines above say why (disk full? $(df -h --output=avail /var/tmp |
        tail -n 1 | tr -d ' ') free below /var/tmp)"
fi
say "debootstrap: done in $((SECONDS - began)) s"

{
    echo "deb $mirror $release main"
    [ -z "$security" ] || echo "deb $security $release-security main"
} >"$root/etc/apt/sources.list"
# What debian:*-slim leaves out too: nobody reads manuals or translations inside a container.
cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<'SLIM'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
SLIM
find "$root/usr/share/doc" -type f ! -name copyright -delete
rm -rf "$root"/usr/share/{man,info,locale}/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
    "$root"/var/lib/apt/lists/* "$root"/var/log/*.log

tar --numeric-owner -C "$root" -c . |
    docker import --change 'CMD ["bash"]' --change 'LABEL arbitrage.base=debootstrap' - "$image" >/dev/null
say "$image: $(docker image inspect --format '{{.Size}}' "$image" | awk '{ printf "%.0f MB", $1 / 1e6 }')," \
    "made in $((SECONDS - began)) s"
