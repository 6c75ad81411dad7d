# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# A bench: what tests need before they start gateways of their own. A folder with keys, certificates, a PostgreSQL with the
# database that each test copies, and the file `env`, of the same form as an environment's. Needs environment.sh.

# bench_binary BINARY DIR: print the gateway to test: BINARY, or else the one of the environment in DIR, or else a debug build.
bench_binary() {
    local binary=${1:-$(value_of S2S_ISSUER_BINARY "$2/env")}
    if [[ -z $binary ]]; then
        step "Building (debug)" >&2
        build_preset debug s2s-gateway >&2
        binary=$(gateway_of debug)
    fi
    [[ -x $binary ]] || die "there is no program $binary"
    printf '%s\n' "$binary"
}

# bench_remove BENCH: what an earlier run left; its gateways ended with it.
bench_remove() {
    local cluster
    [[ -e $1 ]] || return 0
    cluster=$(cat "$1/postgres-folder" 2>/dev/null) || cluster=
    [[ -z $cluster ]] || postgres_stop "$cluster"
    environment_remove "$1"
}

# bench_write BENCH BINARY CLUSTER: BENCH/env.
bench_write() {
    local bench=$1 binary=$2 cluster=$3 client name
    {
        printf 'S2S_ISSUER_BINARY=%s\n' "$binary"
        printf 'S2S_DATABASE_URL=%s\n' "$(postgres_url "$cluster")"
        printf 'S2S_SUPERUSER_PASSWORD=%s\n' "$(<"$cluster/postgres.password")"
        printf 'S2S_PG_DIR=%s\n' "$cluster"
        printf 'S2S_CA=%s\n' "$bench/pki/ca.crt"
        printf 'S2S_SIGNER_CA=%s\n' "$bench/pki/signer-ca.crt"
        printf 'S2S_ISSUER_CERT=%s\n' "$bench/pki/issuer-client.crt"
        printf 'S2S_ISSUER_KEY=%s\n' "$bench/pki/issuer-client.key"
        for client in wallet other-wallet stranger; do
            name=${client//-/_}
            printf 'S2S_%s_CERT=%s\n' "${name^^}" "$bench/pki/$client.crt"
            printf 'S2S_%s_KEY=%s\n' "${name^^}" "$bench/pki/$client.key"
        done
    } >"$bench/env"
}

# bench_run BENCH BINARY PROGRAM…: make the bench anew and run a program of Node.js on it, which finds it by S2S_DEV_DIR. The
# server ends with this shell; what gateways logged stays in BENCH.
bench_run() {
    local bench=$1 binary=$2
    shift 2
    exec 9>"$bench.lock" # a lock of its own: an environment beside it may be at work
    flock --nonblock 9 || die "another run is at work in $bench"
    umask 077
    install_node_modules "$S2S_ROOT/tests/interop"
    bench_remove "$bench"
    trap '[[ -z ${bench_cluster:-} ]] || postgres_stop "$bench_cluster"' EXIT
    trap 'exit 130' INT TERM
    mkdir -p "$bench"
    pki_ensure "$bench"
    bench_cluster=$(postgres_folder "$bench")
    step "Starting PostgreSQL"
    logged "$bench/postgres.log" postgres_create "$bench_cluster" "$(free_port)"
    logged "$bench/postgres.log" postgres_start "$bench_cluster"
    logged "$bench/postgres.log" postgres_create_database "$bench_cluster"
    bench_write "$bench" "$binary" "$bench_cluster"
    S2S_DEV_DIR=$bench node --no-warnings "$@" 9>&-
}
