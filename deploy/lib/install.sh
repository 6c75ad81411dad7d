# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the project needs of Debian 12, in one place, and its installation when it is missing.

readonly S2S_NODE_MAJOR=18 # Debian 12's own; any newer one does too

declare -Ar S2S_PACKAGES=(
    [build]="gcc libc6-dev cmake ninja-build pkg-config
             libh2o-dev libuv1-dev libjson-c-dev libssl-dev libpq-dev libyaml-dev libcurl4-openssl-dev zlib1g-dev
             libnghttp2-dev libqrencode-dev check"
    [run]="postgresql openssl"
    [ha]="haproxy"
    [demo]="curl"
    [test]="python3 postgresql-15-pgtap libtap-parser-sourcehandler-pgtap-perl"
    [slow-test]="clang clang-format libclang-rt-14-dev valgrind shellcheck"
)

package_is_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Node.js may have come from anywhere: what counts is the version on PATH.
node_is_usable() {
    local version
    version=$(node --version 2>/dev/null) || return 1
    version=${version#v}
    ((${version%%.*} >= S2S_NODE_MAJOR))
}

# missing_packages GROUP…: print the missing packages of the groups (those of S2S_PACKAGES, and `node`).
missing_packages() {
    local group package
    for group in "$@"; do
        if [[ $group == node ]]; then
            node_is_usable || printf 'nodejs\nca-certificates\n'
            command -v npm >/dev/null || printf 'npm\n'
            continue
        fi
        for package in ${S2S_PACKAGES[$group]}; do
            package_is_installed "$package" || printf '%s\n' "$package"
        done
    done
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo "$@"
    fi
}

# Debian's PostgreSQL packages create and start a cluster of the system's when they are installed. Nobody asked for
# that one here, so it is switched off for the time of the installation.
readonly S2S_NO_CLUSTER=/etc/postgresql-common/createcluster.d/s2s-gateway.conf

install_packages() {
    as_root mkdir -p "${S2S_NO_CLUSTER%/*}"
    printf 'create_main_cluster = false\n' | as_root tee "$S2S_NO_CLUSTER" >/dev/null
    local status=0
    as_root apt-get update --quiet &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends "$@" || status=$?
    as_root rm -f "$S2S_NO_CLUSTER"
    return "$status"
}

# install_missing GROUP…: install what the groups lack; does nothing, and needs no privileges, when nothing is missing.
install_missing() {
    local -a missing
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null ||
        die "these packages (Debian's names) are missing, and there is no apt-get to install them: ${missing[*]}"
    ((EUID == 0)) || command -v sudo >/dev/null ||
        die "these packages are missing: ${missing[*]}; install them as root: apt-get install ${missing[*]}"
    step "Installing ${missing[*]}"
    mkdir -p "$S2S_ROOT/var"
    logged "$S2S_ROOT/var/install.log" install_packages "${missing[@]}"
    hash -r
}
