#!/usr/bin/env bash
# The README's commands on a machine that has nothing of ours: a bare Debian in a folder, empty caches, a git clone, an
# unprivileged user without Docker or Go. Slow (a cold build of every server), needs root and debootstrap, not for CI.
#
#   scripts/run_fresh.sh [--release NAME] [--with-changes] [--keep] [TARGET...]
#
#   TARGET          make targets, in order (default: acceptance unit system acceptance; the last is timed warm)
#   --release       Debian release to make (default: trixie)
#   --with-changes  take what is not committed along; else the clone is of HEAD
#   --keep          leave the folder, for looking into (`chroot FOLDER`); nothing stays mounted in it
#
# Exit: 0 every target passed, 1 one did not, 2 usage, 3 this machine cannot make a bare Debian.
# ARBITRAGE_FRESH_DIR (default /var/tmp; about 9 GB are needed) is where the machine is made. Logs, timings and the
# evidence stay in artifacts/fresh/. It shares this machine's network, for its packages; everything of ours is on
# 127.0.0.1 and free ports.
# shellcheck disable=SC2317  # most functions are called by name
set -euo pipefail
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(dirname "$here")
# shellcheck source=scripts/apt_mirror.sh
. "$here/apt_mirror.sh"

# What README.md asks for (Python with venv, make), what it takes to get a clone, and nothing else.
packages=python3,python3-venv,make,git,ca-certificates
bundle=/etc/ssl/certs/ca-certificates.crt
user=newcomer
uid=4242
home=/home/$user
needed_gb=9

say() { printf 'fresh: %s\n' "$*" >&2; }
die() {
    local code=$1
    shift
    say "$*"
    exit "$code"
}

# --- inside: the first process of its own mount and process namespaces --------------------------------------------
# Whatever is mounted or started from here ends with this process, also when it is killed.

step() { # run a step with its output in a log; write down how long it took
    local name=$1 began=$SECONDS code=0 log
    shift
    printf -v log '%s/%02d-%s.log' "$logs" $((++steps)) "${name//[^a-z0-9]/-}"
    say "$name ... (tail -f $log)"
    "$@" </dev/null >"$log" 2>&1 || code=$?
    printf '%6d s  exit %d  %s\n' $((SECONDS - began)) "$code" "$name" | tee -a "$logs/timings.txt" >&2
    [ "$code" = 0 ] || tail -n 40 "$log" >&2
    return "$code"
}

bootstrap() {
    debootstrap --variant=minbase --include="$packages" \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$release" "$root" "$(apt_mirror_uri "")"
}

furnish() { # what every machine has and a bare debootstrap lacks
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts "$root/dev/pts"
    cp /etc/hosts /etc/resolv.conf "$root/etc/"
    cat "${SSL_CERT_FILE:-$bundle}" >"$root$bundle"
    chroot "$root" useradd --create-home --uid "$uid" --shell /bin/bash "$user"
    install -o "$uid" -g "$uid" "$work/checkout.bundle" "$root$home/"
    [ ! -s "$work/changes.tar" ] || install -o "$uid" -g "$uid" "$work/changes.tar" "$root$home/"
}

# Leave of this machine's environment only what its package clients need to get out, by value and never as an argument:
# an index's address may hold a password.
package_clients_only() {
    local key name value
    for key in index-url extra-index-url trusted-host timeout; do
        name=PIP_${key^^}
        name=${name//-/_}
        [ -n "${!name:-}" ] || ! value=$(python3 -m pip config get "global.$key" 2>/dev/null) || export "$name=$value"
    done
    export PIP_DEFAULT_TIMEOUT=${PIP_DEFAULT_TIMEOUT:-${PIP_TIMEOUT:-60}}
    for name in GOPROXY GOSUMDB GONOSUMDB GONOPROXY GOPRIVATE; do
        ! value=$(go env "$name" 2>/dev/null) || [ -z "$value" ] || export "$name=$value"
    done
    for name in $(compgen -e); do
        case $name in
        *_proxy | *_PROXY | GOPROXY | GOSUMDB | GONOSUMDB | GONOPROXY | GOPRIVATE) ;;
        PIP_INDEX_URL | PIP_EXTRA_INDEX_URL | PIP_TRUSTED_HOST | PIP_DEFAULT_TIMEOUT) ;;
        *) unset "$name" ;;
        esac
    done
    export SSL_CERT_FILE=$bundle PIP_CERT=$bundle GIT_SSL_CAINFO=$bundle
    export HOME=$home USER=$user LOGNAME=$user SHELL=/bin/bash TERM=dumb PATH=/usr/local/bin:/usr/bin:/bin
}

as_newcomer() ( # run a shell line in the clone, or in the home while there is none
    package_clients_only
    # The new root is a real one, not a chroot's, from where Linux lets nobody make a user namespace. And a shell's
    # background job, which all of this is, ignores Ctrl-C, and so would all that is tested there.
    # shellcheck disable=SC2016  # for the other shells
    exec env --default-signal=INT,QUIT unshare --mount --propagation private -- /bin/sh -euc '
        mount --rbind "$1" "$1" && cd "$1" && /usr/sbin/pivot_root . mnt && cd / && umount -l /mnt
        exec setpriv --reuid "$2" --regid "$2" --clear-groups /bin/bash -euc "
            cd ~/project 2>/dev/null || cd
            eval \"\$1\"" newcomer "$3"' sh "$root" "$uid" "$1"
)

# shellcheck disable=SC2016  # a line for the shell inside
get_clone='git clone --quiet checkout.bundle project && cd project
    if [ -e ../changes.tar ]; then
        git ls-files -z --deleted --cached | xargs -0 rm -f -- && tar -x -f ../changes.tar
    fi
    git log -1 --format="commit %h" && git status --short
    echo "user $(id)"; python3 --version
    for absent in cc gcc clang go docker redis-server postgres prometheus grafana; do
        if command -v "$absent"; then echo "not fresh: $absent is here"; exit 1; fi
    done
    [ ! -e ~/.cache ]'

leftovers() { # processes of the newcomer that outlived their command
    local status
    for status in /proc/[0-9]*/status; do
        if grep -qs "^Uid:[[:space:]]*${uid}[[:space:]]" "$status" && ! grep -qs '^State:[[:space:]]*Z' "$status"; then
            echo "left running: $(tr '\0' ' ' <"${status%/status}/cmdline")"
        fi
    done
}

inside() {
    local target failed=0
    trap 'exit 130' INT TERM
    mount --make-rprivate /
    mount -t proc proc /proc
    steps=0
    step "debootstrap $release" bootstrap || exit 3
    furnish
    step "git clone" as_newcomer "$get_clone" || exit 1
    for target in "$@"; do
        step "make $target" as_newcomer "make $target" || failed=1
        [ "$failed" = 0 ] || break
        if [ -n "$(leftovers)" ]; then
            leftovers >&2
            failed=1
        fi
    done
    { du -sh "$root$home/.cache" "$root$home/project" 2>/dev/null || true; } | sed "s#$root##" >>"$logs/timings.txt"
    cp -r "$root$home/project/artifacts" "$logs/evidence" 2>/dev/null || say "no evidence was written"
    exit "$failed"
}

if [ "${1:-}" = --inside ]; then
    work=$2 logs=$3 release=$4
    root=$work/root
    shift 4
    inside "$@"
fi

# --- outside: makes the folder, starts the above, removes the folder ----------------------------------------------

release=trixie with_changes=no keep=no targets=()
while [ $# -gt 0 ]; do
    case $1 in
    --release) release=${2:?--release needs a name} && shift ;;
    --with-changes) with_changes=yes ;;
    --keep) keep=yes ;;
    -*) die 2 "usage: scripts/run_fresh.sh [--release NAME] [--with-changes] [--keep] [TARGET...]" ;;
    *) targets+=("$1") ;;
    esac
    shift
done
[ ${#targets[@]} -gt 0 ] || targets=(acceptance unit system acceptance)

[ "$(id -u)" = 0 ] || die 3 "only root can make a bare Debian in a folder: run this as root (what runs in it does not)"
for tool in debootstrap unshare apt-get git; do
    command -v "$tool" >/dev/null || die 3 "$tool is missing: on Debian, apt-get install debootstrap util-linux git"
done
unshare --mount --pid --fork true 2>/dev/null || die 3 "this machine forbids new namespaces: run this outside a container"
[ -n "$(apt_mirror_uri "")" ] || die 3 "no Debian archive in this machine's apt sources: add one, then run this again"
apt_export_proxy
place=${ARBITRAGE_FRESH_DIR:-/var/tmp}
free=$(df --output=avail -BG "$place" | tail -n 1 | tr -dc 0-9)
[ "$free" -ge "$needed_gb" ] ||
    die 3 "$place has $free GB free and about $needed_gb GB are needed: free some, or set ARBITRAGE_FRESH_DIR"

commit=$(git -C "$project" rev-parse --short HEAD)
logs=$project/artifacts/fresh/$(date -u +%Y%m%dT%H%M%SZ)-$commit
mkdir -p "$logs"
work=$(mktemp -d "$place/arbitrage-fresh.XXXXXX")
chmod 0755 "$work"
child=
finish() {
    local code=$?
    trap - EXIT INT TERM
    if [ -n "$child" ]; then # unshare takes its child along, and that its whole namespace, mounts included
        kill -KILL "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    if [ "$keep" = yes ]; then say "left as it is: $work"; else rm -rf --one-file-system "$work"; fi
    say "logs and timings: $logs"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

branch=$(git -C "$project" branch --show-current) # none in CI, where a commit is checked out
git -C "$project" bundle create --quiet "$work/checkout.bundle" HEAD ${branch:+"$branch"}
if [ "$with_changes" = yes ]; then
    (cd "$project" && git ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' path; do [ ! -e "$path" ] || printf '%s\0' "$path"; done |
        tar -c --null -T - -f "$work/changes.tar")
fi
say "as user $user (uid $uid) in a bare Debian $release below $work; commit $commit," \
    "uncommitted changes taken along: $with_changes"
unshare --mount --pid --fork --kill-child -- bash "$here/run_fresh.sh" --inside "$work" "$logs" "$release" \
    "${targets[@]}" &
child=$!
code=0
wait "$child" || code=$?
child=
exit "$code"
