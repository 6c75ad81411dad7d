# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# A development environment: one folder with a PKI, keys, a private PostgreSQL, the configured gateways, the backend of the
# issuer's that they ask, and the file `env` that tells others how to reach it all. Environments in several folders live side by side.

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
# shellcheck source=backend.sh
. "$S2S_ROOT/deploy/lib/backend.sh"

readonly S2S_DEV_FILES=$S2S_ROOT/deploy/dev-files

# The gateways, in the order in which they are started, and the database of each.
readonly -a S2S_GATEWAYS=(issuer wallet)
declare -Ar S2S_DATABASES=([issuer]=s2s [wallet]=s2s_wallet)

# Who listens: the gateways' listeners and the backend, each with a placeholder @NAME_PORT@ in the templates, and PostgreSQL.
readonly -a S2S_LISTENERS=(issuer issuer_public issuer_admin wallet wallet_app wallet_admin backend postgres)

# The bearer tokens: what is shown at the wallet's application API, and at the issuer's operators' API. In the templates the hash
# of each is @NAME_TOKEN_SHA256@.
readonly -a S2S_TOKENS=(wallet_app issuer_admin)

# environment_is_up DIR: the backend and every gateway run.
environment_is_up() {
    local name
    ! backend_is_gone "$1" || return 1
    for name in "${S2S_GATEWAYS[@]}"; do
        gateway_pid "$1" "$name" >/dev/null || return 1
    done
}

# environment_is_idle DIR: nothing of it runs.
environment_is_idle() {
    local name
    for name in "${S2S_GATEWAYS[@]}"; do
        gateway_is_gone "$1" "$name" || return 1
    done
    backend_is_gone "$1" || return 1
    ! postgres_is_running "$(postgres_folder "$1")"
}

# environment_ports DIR: the ports of an environment, in DIR/ports. Called while nothing of DIR runs.
environment_ports() { assign_ports "$1/ports" "${S2S_LISTENERS[@]}"; }

# environment_port DIR LISTENER
environment_port() { value_of "$2" "$1/ports"; }

# environment_database_url DIR GATEWAY
environment_database_url() { postgres_url "$(postgres_folder "$1")" "${S2S_DATABASES[$2]}"; }

# environment_token DIR NAME: print one of S2S_TOKENS; made once for an environment.
environment_token() {
    local file=$1/${2//_/-}.token
    [[ -s $file ]] || (umask 077 && openssl rand -hex 32 >"$file")
    cat "$file"
}

sha256() { printf '%s' "$1" | sha256sum | cut --delimiter=' ' --fields=1; }

# environment_configure DIR: the gateways' configurations from the templates, and DIR/datasets.
environment_configure() {
    local dir=$1 name listener token text
    for name in "${S2S_GATEWAYS[@]}"; do
        text=$(<"$S2S_DEV_FILES/$name.yaml.in")
        text=${text//@CLAIMS@/"$(<"$S2S_DEV_FILES/claims.yaml.in")"}
        text=${text//@DATABASE_URL@/"$(environment_database_url "$dir" "$name")"}
        for token in "${S2S_TOKENS[@]}"; do
            text=${text//"@${token^^}_TOKEN_SHA256@"/"$(sha256 "$(environment_token "$dir" "$token")")"}
        done
        for listener in "${S2S_LISTENERS[@]}"; do
            text=${text//"@${listener^^}_PORT@"/"$(environment_port "$dir" "$listener")"}
        done
        printf '%s\n' "$text" >"$dir/$name.yaml"
    done
    mkdir -p "$dir/datasets"
    cp "$S2S_DEV_FILES/datasets/"*.json "$dir/datasets/"
}

# describe_gateway DIR NAME: the lines of DIR/env that every gateway has.
describe_gateway() {
    local dir=$1 name=$2 prefix=S2S_${2^^}
    printf '%s_URL=https://127.0.0.1:%s\n' "$prefix" "$(environment_port "$dir" "$name")"
    printf '%s_ADMIN=http://127.0.0.1:%s\n' "$prefix" "$(environment_port "$dir" "${name}_admin")"
    printf '%s_PID=%s\n' "$prefix" "$(gateway_pid "$dir" "$name")"
    printf '%s_LOG=%s\n' "$prefix" "$dir/$name.log"
    printf '%s_CONFIG=%s\n' "$prefix" "$dir/$name.yaml"
}

# environment_write DIR: DIR/env.
environment_write() (
    dir=$1
    umask 077
    {
        for name in "${S2S_GATEWAYS[@]}"; do
            describe_gateway "$dir" "$name"
        done
        printf 'S2S_ISSUER_PUBLIC=https://127.0.0.1:%s\n' "$(environment_port "$dir" issuer_public)"
        printf 'S2S_WALLET_APP=http://127.0.0.1:%s\n' "$(environment_port "$dir" wallet_app)"
        for token in "${S2S_TOKENS[@]}"; do
            printf 'S2S_%s_TOKEN=%s\n' "${token^^}" "$(environment_token "$dir" "$token")"
        done
        printf 'S2S_ISSUER_BACKEND=http://127.0.0.1:%s\n' "$(environment_port "$dir" backend)"
        printf 'S2S_ISSUER_BINARY=%s\n' "$(<"$dir/binary")"
        printf 'S2S_ISSUER_CERT=%s\n' "$dir/pki/issuer-client.crt"
        printf 'S2S_ISSUER_KEY=%s\n' "$dir/pki/issuer-client.key"
        printf 'S2S_CA=%s\n' "$dir/pki/ca.crt"
        printf 'S2S_SIGNER_CA=%s\n' "$dir/pki/signer-ca.crt"
        for client in wallet other-wallet limited-wallet stranger expired revoked rogue; do
            name=${client//-/_}
            printf 'S2S_%s_CERT=%s\n' "${name^^}" "$dir/pki/$client.crt"
            printf 'S2S_%s_KEY=%s\n' "${name^^}" "$dir/pki/$client.key"
        done
        printf 'S2S_DATABASE_URL=%s\n' "$(environment_database_url "$dir" issuer)"
        printf 'S2S_WALLET_DATABASE_URL=%s\n' "$(environment_database_url "$dir" wallet)"
        printf 'S2S_PG_DIR=%s\n' "$(postgres_folder "$dir")"
    } >"$dir/env.new"
    mv "$dir/env.new" "$dir/env" # whole or not at all, for those who read it meanwhile
)

# environment_database DIR: the cluster is there and runs, with the port of DIR/ports.
environment_database() {
    local dir=$1 cluster
    cluster=$(postgres_folder "$dir")
    postgres_is_running "$cluster" && return
    step "Starting PostgreSQL"
    logged "$dir/postgres.log" postgres_create "$cluster" "$(environment_port "$dir" postgres)"
    environment_started+=(database)
    logged "$dir/postgres.log" postgres_start "$cluster"
}

# environment_backend DIR: the backend runs, with the port of DIR/ports.
environment_backend() {
    local dir=$1
    backend_is_gone "$dir" || return 0
    step "Starting the issuer's backend"
    environment_started=(backend "${environment_started[@]}")
    backend_start "$dir" "$(environment_port "$dir" backend)"
}

# environment_migrate DIR: a database with the schema of now for every gateway.
environment_migrate() {
    local dir=$1 name
    step "Migrating the databases"
    for name in "${S2S_GATEWAYS[@]}"; do
        logged "$dir/postgres.log" postgres_create_database "$(postgres_folder "$dir")" "${S2S_DATABASES[$name]}"
        logged "$dir/$name-migrate.log" gateway_command "$dir" "$name" migrate
    done
}

# What this command has started, for environment_abort: names of gateways, `backend` and `database`.
environment_started=()

# environment_abort DIR: on the way out of a start that failed, end what it had started.
environment_abort() {
    local dir=$1 what
    for what in "${environment_started[@]}"; do
        case $what in
        database) postgres_stop "$(postgres_folder "$dir")" ;;
        backend) backend_stop "$dir" ;;
        *) gateway_stop "$dir" "$what" ;;
        esac
    done
    warn "what was started in $dir has been ended again"
}

# environment_start DIR BINARY: all of it, from nothing or from what an earlier start left.
environment_start() {
    local dir=$1 binary=$2
    umask 077
    ! environment_is_idle "$dir" || environment_ports "$dir"
    pki_ensure "$dir"
    environment_database "$dir"
    printf '%s\n' "$binary" >"$dir/binary"
    environment_configure "$dir"
    environment_migrate "$dir"
    environment_backend "$dir"
    environment_serve "$dir" "${S2S_GATEWAYS[@]}"
}

# environment_serve DIR NAME…: these gateways, unless they run, on what is there; and a fresh DIR/env.
environment_serve() {
    local dir=$1 name
    shift
    for name in "$@"; do
        gateway_is_gone "$dir" "$name" || continue
        step "Starting the $name gateway"
        environment_started=("$name" "${environment_started[@]}")
        gateway_start "$dir" "$name" "$(environment_port "$dir" "${name}_admin")"
    done
    environment_write "$dir"
}

# environment_stop DIR: the gateways first, so that they can finish what they have in hand. False when one had to be killed.
environment_stop() {
    local dir=$1 name status=0
    for name in "${S2S_GATEWAYS[@]}"; do
        gateway_stop "$dir" "$name" || status=1
    done
    backend_stop "$dir" || status=1
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
