# shellcheck shell=bash
# Sourced, not run: where this machine gets its Debian packages from, so that no mirror's name is written down
# anywhere in this repository and a machine behind a company mirror uses that mirror.

# Print the archive's URI, e.g. for debootstrap: the first configured one that carries the running release,
# or with $1 = -security, the release's security archive. Prints nothing when there is none.
apt_mirror_uri() {
    local codename suffix=${1:-}
    # shellcheck disable=SC1091
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016  # apt's own placeholders, not the shell's
    apt-get indextargets --format '$(RELEASE) $(REPO_URI) $(ORIGIN)' 'Created-By: Packages' |
        awk -v release="$codename$suffix" '$1 == release && ($3 == "Debian" || NF == 2) { print $2; exit }'
}

# Export the proxy that apt is configured with, for programs that read only the environment.
apt_export_proxy() {
    local proxy
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    if [ -n "${proxy:-}" ] && [ "$proxy" != DIRECT ] && [ -z "${http_proxy:-}" ]; then
        export http_proxy=$proxy
    fi
}

# Make a private apt in folder $1 that knows release $2 only, from the mirror $3; the system's apt is untouched.
# Proxy, certificates and other settings still come from /etc/apt/apt.conf.d.
apt_private_setup() {
    local dir=$1 release=$2 mirror=$3
    mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/parts"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$dir/sources.list"
    # apt downloads as user _apt, who has to be able to write here.
    chmod 0755 "$dir"
    apt_private "$dir" update -qq
}

# Run apt-get of the private apt in folder $1.
apt_private() {
    local dir=$1
    shift
    apt-get \
        -o "Dir::Etc::sourcelist=$dir/sources.list" -o "Dir::Etc::sourceparts=$dir/parts" \
        -o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir" -o "Dir::Cache::archives=$dir/archives" \
        -o "APT::Sandbox::User=root" "$@"
}
