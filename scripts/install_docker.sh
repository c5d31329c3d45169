#!/usr/bin/env bash
# Docker engine and compose v2 (2.24 or newer) on a root Debian machine that lacks them.
#
#   scripts/install_docker.sh [start]   install what is missing, start dockerd when none answers; may be repeated
#   scripts/install_docker.sh stop      stop the dockerd that `start` started, and no other
#   scripts/install_docker.sh status    say what answers; exit 0 when engine and compose v2 both do
#
# Exit: 0 done, 1 something failed (its log is named), 2 usage, 3 this machine is not one this script can set up.
# ARBITRAGE_DOCKER_STATE (default /var/lib/arbitrage-docker) holds images, logs and the pid file, never the checkout.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt_mirror.sh
. "$here/apt_mirror.sh"

state=${ARBITRAGE_DOCKER_STATE:-/var/lib/arbitrage-docker}
pid_file=$state/dockerd.pid
log_file=$state/dockerd.log
plugin_dir=/usr/local/lib/docker/cli-plugins
# The release whose docker-compose and docker-buildx packages are version 2 plug-ins; bookworm's is version 1.
plugin_release=trixie
start_deadline=60 # seconds; 5 is usual
stop_deadline=30

say() { printf 'docker: %s\n' "$*" >&2; }
die() {
    local code=$1
    shift
    say "$*"
    exit "$code"
}

engine_answers() { timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }
# 2.24 is the first that takes `env_file: {path, required}`.
compose_answers() {
    timeout 10 docker compose version --short 2>/dev/null |
        grep -E '^v?(2\.(2[4-9]|[3-9][0-9]|[1-9][0-9]{2,})|[3-9]|[1-9][0-9]+)(\.|$)'
}
is_root_debian() { [ "$(id -u)" = 0 ] && [ -r /etc/debian_version ] && command -v apt-get >/dev/null; }

# Field 22 of /proc/PID/stat: with the pid it names one process for as long as the machine is up.
# The name in field 2 may hold blanks, hence the cut at its closing bracket.
started_ticks() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

own_pid() { # print the pid of the dockerd this script started, if it still runs
    local pid ticks
    [ -r "$pid_file" ] && read -r pid ticks <"$pid_file" || return 1
    [ -n "$ticks" ] && [ "$(started_ticks "$pid")" = "$ticks" ] && echo "$pid"
}

quietly() { # run a step with its output in a file; show the file's end when it fails
    local title=$1 out=$state/install.log began=$SECONDS
    shift
    say "$title ..."
    if ! "$@" >"$out" 2>&1; then
        tail -n 15 "$out" >&2
        die 1 "$title failed; the whole output is in $out"
    fi
    say "$title: done in $((SECONDS - began)) s"
}

install_packages() {
    local wanted=() package
    command -v dockerd >/dev/null || wanted+=(docker.io)
    command -v iptables >/dev/null || wanted+=(iptables)
    [ ${#wanted[@]} -gt 0 ] || command -v docker >/dev/null || wanted=(docker.io)
    [ ${#wanted[@]} -gt 0 ] || return 0
    quietly "apt-get update" apt-get -o DPkg::Lock::Timeout=120 update -qq
    # From trixie on the client is a package of its own, which docker.io only recommends.
    if ! command -v docker >/dev/null && apt-cache show docker-cli >/dev/null 2>&1; then
        wanted+=(docker-cli)
    fi
    for package in "${wanted[@]}"; do
        quietly "installing $package" env DEBIAN_FRONTEND=noninteractive \
            apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends "$package"
    done
    command -v docker >/dev/null || die 1 "docker.io was installed and there is still no command docker"
}

unpack_plugin() { # take one CLI plug-in out of a Debian package without installing the package
    local package=$1 plugin=$2 mirror=$3 private=$state/apt work=$state/unpack
    rm -rf "$work"
    mkdir -p "$work/deb" "$plugin_dir"
    apt_private_setup "$private" "$plugin_release" "$mirror"
    (cd "$work/deb" && apt_private "$private" download -qq "$package")
    dpkg-deb -x "$work"/deb/"$package"_*.deb "$work/tree"
    # Without the execute bit docker says "unknown command" and nothing else.
    install -m 0755 "$work/tree/usr/libexec/docker/cli-plugins/$plugin" "$plugin_dir/$plugin.new"
    mv "$plugin_dir/$plugin.new" "$plugin_dir/$plugin"
    rm -rf "$work"
}

install_plugins() {
    local mirror
    if ! compose_answers >/dev/null; then
        mirror=$(apt_mirror_uri "")
        [ -n "$mirror" ] || die 1 "no Debian archive in this machine's apt sources: add one, then run this again"
        quietly "unpacking compose v2" unpack_plugin docker-compose docker-compose "$mirror"
    fi
    if ! timeout 10 docker buildx version >/dev/null 2>&1; then
        mirror=${mirror:-$(apt_mirror_uri "")}
        quietly "unpacking buildx" unpack_plugin docker-buildx docker-buildx "$mirror"
    fi
}

started_pid=
give_up() { # whoever interrupts the start takes the engine along: nothing would know of it
    [ -z "$started_pid" ] || kill "$started_pid" 2>/dev/null || true
    rm -f "$pid_file"
}

start_engine() {
    local pid began=$SECONDS
    say "starting dockerd (data in $state/data) ..."
    mkdir -p "$state/data" "$state/exec"
    if pid=$(own_pid); then
        die 1 "the dockerd of this script (pid $pid) runs but does not answer: end it with '$0 stop', then start again"
    fi
    # Left by one that was killed. The numbers in them may by now be other processes', for which dockerd would wait.
    rm -f "$state/engine.pid" "$state/exec/containerd/containerd.pid"
    trap give_up EXIT
    trap 'exit 130' INT TERM HUP
    # Its own session, so that neither a closing terminal nor a finished CI step ends it halfway. The lock of this
    # script (descriptor 9) is not for it to keep.
    setsid nohup dockerd --data-root "$state/data" --exec-root "$state/exec" --pidfile "$state/engine.pid" \
        --log-level warn </dev/null >"$log_file" 2>&1 9>&- &
    started_pid=$!
    pid=$started_pid
    echo "$pid $(started_ticks "$pid")" >"$pid_file" # at once: `stop` has to know one that never answers, too
    until engine_answers >/dev/null; do
        if ! kill -0 "$pid" 2>/dev/null || [ $((SECONDS - began)) -ge "$start_deadline" ]; then
            tail -n 15 "$log_file" >&2
            die 1 "dockerd did not answer within $((SECONDS - began)) s; its log is $log_file"
        fi
        sleep 0.5
    done
    trap - EXIT INT TERM HUP
    say "dockerd answers after $((SECONDS - began)) s, pid $pid"
}

do_start() {
    if engine_answers >/dev/null && compose_answers >/dev/null; then
        say "engine $(engine_answers) and compose $(compose_answers) already answer: nothing to do"
        return 0
    fi
    is_root_debian || die 3 "this script sets up Docker as root on Debian only: install Docker Engine and" \
        "the compose plugin (2.24 or newer) as Docker's manual says, or Docker Desktop, start it, then run this again"
    mkdir -p "$state"
    exec 9>"$state/lock"
    flock -w 600 9 || die 1 "another run of this script has held $state/lock for 10 minutes: end it first"
    engine_answers >/dev/null || install_packages
    install_plugins
    # Installing the package may itself have started the engine, as on a machine with systemd.
    engine_answers >/dev/null || start_engine
    compose_answers >/dev/null || die 1 "compose v2 was unpacked to $plugin_dir but 'docker compose version' fails"
    say "engine $(engine_answers), compose $(compose_answers)"
}

do_stop() {
    local pid began=$SECONDS
    if ! pid=$(own_pid); then
        say "no dockerd of this script is running: nothing to stop"
        return 0
    fi
    kill -TERM "$pid"
    while own_pid >/dev/null; do
        [ $((SECONDS - began)) -lt "$stop_deadline" ] ||
            die 1 "dockerd (pid $pid) did not stop within $stop_deadline s; see $log_file"
        sleep 0.2
    done
    rm -f "$pid_file"
    say "dockerd (pid $pid) stopped"
}

do_status() {
    local engine compose
    engine=$(engine_answers) || engine=
    compose=$(compose_answers) || compose=
    say "engine ${engine:-does not answer}, compose ${compose:-2.24 or newer is missing}," \
        "started by this script: $(own_pid || echo no)"
    [ -n "$engine" ] && [ -n "$compose" ]
}

case "${1:-start}" in
start) do_start ;;
stop) do_stop ;;
status) do_status ;;
*) die 2 "usage: scripts/install_docker.sh [start|stop|status]" ;;
esac
