# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# A development environment: one folder with a PKI, keys, a private PostgreSQL, a configured gateway, and the file `env`
# that tells others how to reach it all. Environments in several folders live side by side.

# shellcheck source-path=SCRIPTDIR
# shellcheck source=install.sh
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

readonly S2S_DEV_FILES=$S2S_ROOT/deploy/dev-files

# environment_ports DIR: the ports of an environment, NAME=value lines in DIR/ports. They are kept from one start to the next
# (the issuer's identifier contains one) unless somebody else took one meanwhile. Called while nothing of DIR runs.
environment_ports() {
    local file=$1/ports name port
    local -a taken=()
    for name in s2s public admin postgres; do
        port=$(value_of "$name" "$file")
        [[ -n $port ]] && port_is_free "$port" || port=$(free_port "${taken[@]}")
        taken+=("$port")
        printf '%s=%s\n' "$name" "$port"
    done >"$file.new"
    mv "$file.new" "$file"
}

# environment_configure DIR DATABASE_URL: DIR/gateway.yaml and DIR/datasets from the templates.
environment_configure() {
    local dir=$1 text
    text=$(<"$S2S_DEV_FILES/gateway.yaml.in")
    text=${text//@CLAIMS@/"$(<"$S2S_DEV_FILES/claims.yaml.in")"}
    text=${text//@DATABASE_URL@/"$2"}
    local name
    for name in s2s public admin; do
        text=${text//"@${name^^}_PORT@"/"$(value_of "$name" "$dir/ports")"}
    done
    printf '%s\n' "$text" >"$dir/gateway.yaml"
    mkdir -p "$dir/datasets"
    cp "$S2S_DEV_FILES/datasets/"*.json "$dir/datasets/"
}

# environment_write DIR: DIR/env.
environment_write() {
    local dir=$1 cluster client
    cluster=$(postgres_folder "$dir")
    {
        printf 'S2S_ISSUER_URL=https://127.0.0.1:%s\n' "$(value_of s2s "$dir/ports")"
        printf 'S2S_ISSUER_PUBLIC=https://127.0.0.1:%s\n' "$(value_of public "$dir/ports")"
        printf 'S2S_ISSUER_ADMIN=http://127.0.0.1:%s\n' "$(value_of admin "$dir/ports")"
        printf 'S2S_ISSUER_PID=%s\n' "$(gateway_pid "$dir")"
        printf 'S2S_ISSUER_LOG=%s\n' "$dir/gateway.log"
        printf 'S2S_ISSUER_CONFIG=%s\n' "$dir/gateway.yaml"
        printf 'S2S_ISSUER_BINARY=%s\n' "$(<"$dir/binary")"
        printf 'S2S_ISSUER_CERT=%s\n' "$dir/pki/issuer-client.crt"
        printf 'S2S_ISSUER_KEY=%s\n' "$dir/pki/issuer-client.key"
        printf 'S2S_CA=%s\n' "$dir/pki/ca.crt"
        printf 'S2S_SIGNER_CA=%s\n' "$dir/pki/signer-ca.crt"
        for client in wallet other-wallet limited-wallet stranger expired revoked rogue; do
            local name=${client//-/_}
            printf 'S2S_%s_CERT=%s\n' "${name^^}" "$dir/pki/$client.crt"
            printf 'S2S_%s_KEY=%s\n' "${name^^}" "$dir/pki/$client.key"
        done
        printf 'S2S_DATABASE_URL=%s\n' "$(postgres_url "$cluster")"
        printf 'S2S_PG_DIR=%s\n' "$cluster"
    } >"$dir/env.new"
    mv "$dir/env.new" "$dir/env" # whole or not at all, for those who read it meanwhile
}

# environment_database DIR: the cluster is there and runs, with the ports of DIR/ports.
environment_database() {
    local dir=$1 cluster
    cluster=$(postgres_folder "$dir")
    postgres_is_running "$cluster" && return
    step "Starting PostgreSQL"
    logged "$dir/postgres.log" postgres_create "$cluster" "$(value_of postgres "$dir/ports")"
    environment_started+=(database)
    logged "$dir/postgres.log" postgres_start "$cluster"
    logged "$dir/postgres.log" postgres_create_database "$cluster"
}

# What this command has started, for environment_abort.
environment_started=()

# environment_abort DIR: on the way out of a start that failed, end what it had started.
environment_abort() {
    local dir=$1 what
    for what in "${environment_started[@]}"; do
        case $what in
        gateway) gateway_stop "$dir" ;;
        database) postgres_stop "$(postgres_folder "$dir")" ;;
        esac
    done
    warn "nothing was left running in $dir"
}

# environment_start DIR BINARY: all of it, from nothing or from what an earlier start left.
environment_start() {
    local dir=$1 binary=$2
    umask 077
    postgres_is_running "$(postgres_folder "$dir")" || environment_ports "$dir"
    pki_ensure "$dir"
    environment_database "$dir"
    printf '%s\n' "$binary" >"$dir/binary"
    environment_configure "$dir" "$(postgres_url "$(postgres_folder "$dir")")"
    step "Migrating the database"
    logged "$dir/migrate.log" gateway_command "$dir" migrate
    environment_serve "$dir"
}

# environment_serve DIR: the gateway on what is there, and a fresh DIR/env.
environment_serve() {
    local dir=$1
    step "Starting the gateway"
    environment_started=(gateway "${environment_started[@]}")
    gateway_start "$dir" "$(value_of admin "$dir/ports")"
    environment_write "$dir"
}

# environment_stop DIR: the gateway first, so that it can finish what it has in hand. False when the gateway had to be killed.
environment_stop() {
    local dir=$1 status=0
    gateway_stop "$dir" || status=1
    [[ -e $dir/postgres-folder ]] && postgres_stop "$(postgres_folder "$dir")"
    return "$status"
}

# environment_remove DIR: stop it and take the folder away, with every cluster that it or a folder in it has. For folders
# that the caller has made up, never for one that a user named.
environment_remove() {
    local dir=$1 cluster
    [[ -e $dir ]] || return 0
    "$S2S_ROOT/deploy/dev" stop --dir "$dir" >/dev/null || true
    while read -r cluster; do
        postgres_stop "$cluster"
        [[ $cluster != /var/tmp/s2s-gateway-postgres.* ]] || rm -rf "$cluster"
    done < <(find "$dir" -name postgres-folder -exec cat {} +)
    rm -rf "$dir"
}
