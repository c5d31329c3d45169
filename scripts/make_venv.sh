#!/bin/sh
# Makes .venv from requirements.lock. The file .venv/ready appears only once everything is in place.
set -eu

python=$1
cd "$(dirname "$0")/.."

fail() {
    echo "make setup: $1" >&2
    exit 2
}

command -v "$python" >/dev/null 2>&1 ||
    fail "no $python on PATH; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old; Python 3.11 or newer is needed (make PYTHON=/path/to/python3)"

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear .venv >/dev/null ||
        fail "$python cannot make a virtual environment; on Debian: apt-get install python3-venv"
fi
echo "make setup: installing locked packages into .venv (about a minute the first time)"
# Wheels are kept beside the built components, for the next checkout: asking the index about each takes pip longer than
# installing all. One that is not what the lock says is refused, and fetched anew.
case ${XDG_CACHE_HOME:-} in
/*) caches=$XDG_CACHE_HOME ;;
*) caches=${HOME:-/nonexistent}/.cache ;; # as acceptance/stack/binaries/cache.py: a relative one is to be ignored
esac
wheels=${ARBITRAGE_CACHE:-$caches/arbitrage-preflight}/wheels

# --no-deps: the lock is whole, so nothing is left to resolve. Where pip resolves, a release newer than the lock can be
# preferred for a name with an extra (coverage[toml]) and is then refused for want of a hash.
locked() {
    command=$1
    shift
    .venv/bin/python -m pip "$command" --quiet --disable-pip-version-check --require-hashes --no-deps \
        -r requirements.lock "$@"
}

kept() {
    locked install --no-compile --no-index --find-links "$wheels" 2>/dev/null
}

kept || { locked download --dest "$wheels" 2>/dev/null && kept; } || locked install --no-compile ||
    fail "pip could not install requirements.lock; its own lines above say why (network, disk, or a changed package)"
[ ! -d "$wheels" ] || find "$wheels" -name '*.whl' -atime +90 -delete || :
# By itself pip compiles on one core. What cannot be compiled, such as a template, pip would leave out as well.
.venv/bin/python -m compileall -q -j 0 .venv/lib >/dev/null || :
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . ||
    fail "the project itself could not be installed into .venv; pip's lines above say why"
lacking=$(.venv/bin/python -m pip check --disable-pip-version-check) ||
    fail "requirements.lock is not whole, make it anew (CONTRIBUTING.md says how): $lacking"
touch .venv/ready
