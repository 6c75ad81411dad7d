# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The whole of it in one folder: the pair of databases, the gateways, the balancer, and the file `env` that tells how to reach them.

# shellcheck source-path=SCRIPTDIR/../../lib source=install.sh
. "$S2S_ROOT/deploy/lib/install.sh"
# shellcheck source=build.sh
. "$S2S_ROOT/deploy/lib/build.sh"
# shellcheck source=ports.sh
. "$S2S_ROOT/deploy/lib/ports.sh"
# shellcheck source=pki.sh
. "$S2S_ROOT/deploy/lib/pki.sh"
# shellcheck source=postgres.sh
. "$S2S_ROOT/deploy/lib/postgres.sh"
# shellcheck source=gateway.sh
. "$S2S_ROOT/deploy/lib/gateway.sh"

readonly HA_FILES=$S2S_ROOT/deploy/ha
readonly -a HA_GATEWAYS=(gateway1 gateway2 gateway3)
readonly -a HA_WALLETS=(wallet other-wallet limited-wallet) # registered peers, whose certificates the load shows

# shellcheck source=../ha/lib/pair.sh
. "$HA_FILES/lib/pair.sh"
# shellcheck source=../ha/lib/balancer.sh
. "$HA_FILES/lib/balancer.sh"

# site_ports DIR: DIR/ports, of a gateway NAME and NAME_admin.
site_ports() { assign_ports "$1/ports" balancer balancer_stats "${HA_NODES[@]}" "${HA_GATEWAYS[@]}" "${HA_GATEWAYS[@]/%/_admin}"; }

gateways_configure() {
    local dir=$1 name text
    for name in "${HA_GATEWAYS[@]}"; do
        text=$(<"$HA_FILES/gateway.yaml.in")
        text=${text//@BALANCER_PORT@/"$(value_of balancer "$dir/ports")"}
        text=${text//@PORT@/"$(value_of "$name" "$dir/ports")"}
        text=${text//@ADMIN_PORT@/"$(value_of "${name}_admin" "$dir/ports")"}
        text=${text//@DATABASE_URL@/"$(pair_url "$dir")"}
        printf '%s\n' "$text" >"$dir/$name.yaml"
    done
    mkdir -p "$dir/datasets"
    cp "$S2S_ROOT/deploy/dev-files/datasets/badge.json" "$dir/datasets/"
}

# ha_gateway_start DIR NAME: one of the gateways; returns when it is ready.
ha_gateway_start() { gateway_start "$1" "$2" "$(value_of "$2_admin" "$1/ports")"; }

# site_describe DIR: DIR/env, of the same form as a development environment's, for s2s-load and for people.
site_describe() {
    local dir=$1 wallet name
    printf 'S2S_ISSUER_URL=https://127.0.0.1:%s\n' "$(value_of balancer "$dir/ports")"
    printf 'S2S_CA=%s\n' "$dir/pki/ca.crt"
    printf 'S2S_SIGNER_CA=%s\n' "$dir/pki/signer-ca.crt"
    for wallet in "${HA_WALLETS[@]}"; do
        name=${wallet//-/_}
        printf 'S2S_%s_CERT=%s\n' "${name^^}" "$dir/pki/$wallet.crt"
        printf 'S2S_%s_KEY=%s\n' "${name^^}" "$dir/pki/$wallet.key"
    done
    printf 'S2S_DATABASE_URL=%s\n' "$(pair_url "$dir")"
}

# site_start DIR BINARY: all of it, new.
site_start() {
    local dir=$1 name
    printf '%s\n' "$2" >"$dir/binary"
    site_ports "$dir"
    pki_ensure "$dir"
    step "Starting the primary, db1"
    logged "$dir/pair.log" pair_create "$dir"
    step "Making its standby, db2, and waiting for it in every commit"
    logged "$dir/pair.log" standby_rebuild "$dir"
    logged "$dir/pair.log" pair_synchronize "$dir"
    gateways_configure "$dir"
    site_describe "$dir" >"$dir/env"
    logged "$dir/migrate.log" gateway_command "$dir" "${HA_GATEWAYS[0]}" migrate
    step "Starting three gateways, and HAProxy in front of them"
    for name in "${HA_GATEWAYS[@]}"; do
        ha_gateway_start "$dir" "$name"
    done
    balancer_configure "$dir"
    balancer_start "$dir"
}

# site_stop DIR: whatever of it runs. False when a gateway had to be killed.
site_stop() {
    local dir=$1 name status=0
    for name in "${HA_GATEWAYS[@]}"; do
        gateway_stop "$dir" "$name" || status=1
    done
    balancer_stop "$dir"
    pair_stop "$dir"
    return "$status"
}

# site_remove DIR: stop it and remove what it has made but keys and ports, the clusters that are elsewhere included.
site_remove() {
    local dir=$1 node cluster
    site_stop "$dir" || true
    for node in "${HA_NODES[@]}"; do
        cluster=$(cat "$dir/$node/postgres-folder" 2>/dev/null) || continue
        [[ $cluster != /var/tmp/s2s-gateway-postgres.* ]] || rm -rf "$cluster"
        rm -rf "${dir:?}/$node"
    done
    rm -rf "$dir"/{rounds,datasets,env,primary,haproxy.cfg} "$dir"/*.{yaml,log,pid}
}
