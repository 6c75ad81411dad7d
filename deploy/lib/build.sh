# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Building with the presets of CMakePresets.json, and the npm packages of the Node.js parts.

# build_preset PRESET [TARGET…]: configure and build in build/PRESET, one build at a time for each preset.
build_preset() {
    local preset=$1 folder=$S2S_ROOT/build/$1
    shift
    mkdir -p "$folder"
    (
        flock 8
        cd "$S2S_ROOT" || exit
        logged "$folder/configure.log" cmake --preset "$preset"
        logged "$folder/build.log" cmake --build --preset "$preset" ${1:+--target "$@"}
    ) 8>"$folder/lock"
}

# gateway_of PRESET: print the path of the gateway's binary in that build.
gateway_of() { printf '%s\n' "$S2S_ROOT/build/$1/gateway/s2s-gateway"; }

# install_node_modules FOLDER: what FOLDER/package-lock.json pins, unless it is there already.
install_node_modules() {
    local folder=$1
    [[ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]] && return 0
    step "Installing the npm packages of ${folder#"$S2S_ROOT"/}"
    mkdir -p "$S2S_ROOT/var"
    logged "$S2S_ROOT/var/npm.log" npm --prefix "$folder" ci --no-audit --no-fund
    touch "$folder/node_modules/.package-lock.json"
}
