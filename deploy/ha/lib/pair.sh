# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Two PostgreSQL servers: a primary and a synchronous standby, and the ways in which one becomes the other. The pair lives in DIR/db1
# and DIR/db2; DIR/primary names the one that is written to.

readonly -a HA_NODES=(db1 db2)
readonly HA_SECONDS=30 # longest wait for a server to take up its part

node_other() { if [[ $1 == db1 ]]; then printf 'db2\n'; else printf 'db1\n'; fi; }

# node_cluster DIR NODE: the folder of its cluster.
node_cluster() {
    mkdir -p "$1/$2"
    postgres_folder "$1/$2"
}

node_port() { value_of "$2" "$1/ports"; }

pair_primary() { cat "$1/primary"; }

# node_sql DIR NODE [PSQL-OPTION…]: as the superuser, bare values.
node_sql() (
    node=$2
    postgres_login "$(node_cluster "$1" "$node")" postgres
    shift 2
    psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --dbname=postgres "$@"
)

# node_configure DIR NODE: the settings of both parts. A copy of the other one has its settings, too, until now.
node_configure() {
    local dir=$1 node=$2 cluster text
    cluster=$(node_cluster "$dir" "$node")
    postgres_configure "$cluster" "$(node_port "$dir" "$node")"
    text=$(<"$HA_FILES/replication.conf.in")
    text=${text//@PEER_PORT@/"$(node_port "$dir" "$(node_other "$node")")"}
    text=${text//@NAME@/"$node"}
    text=${text//@PASSFILE@/"$cluster/replicator.pgpass"}
    printf '%s\n' "$text" | as_database_user tee "$cluster/data/replication.conf" >/dev/null
    printf '*:*:replication:replicator:%s\n' "$(<"$cluster/replicator.password")" |
        as_database_user tee "$cluster/replicator.pgpass" >/dev/null
    as_database_user chmod 600 "$cluster/replicator.pgpass"
}

# pair_create DIR: the first primary, with the database and the role that the standby comes as.
pair_create() {
    local dir=$1 node=${HA_NODES[0]} cluster
    cluster=$(node_cluster "$dir" "$node")
    postgres_create "$cluster" "$(node_port "$dir" "$node")"
    openssl rand -hex 16 | as_database_user tee "$cluster/replicator.password" >/dev/null
    printf "include 'replication.conf'\n" | as_database_user tee -a "$cluster/data/postgresql.conf" >/dev/null
    node_configure "$dir" "$node"
    postgres_start "$cluster"
    postgres_create_database "$cluster"
    sed "s/@PASSWORD@/$(<"$cluster/replicator.password")/" "$HA_FILES/replicator.sql.in" | node_sql "$dir" "$node" --file=-
    printf '%s\n' "$node" >"$dir/primary"
}

# copy_passwords FROM TO: a copy of a server has its roles, and so their passwords.
copy_passwords() {
    local name
    for name in postgres s2s replicator; do
        as_database_user cp "$1/$name.password" "$2/$name.password"
        as_database_user chmod 600 "$2/$name.password"
    done
}

# node_copy FROM TO: TO's data are FROM's, read from the beginning to the end. (Both are clusters, and FROM is the primary.)
node_copy() (
    as_database_user rm -rf "$2/data"
    copy_passwords "$1" "$2"
    postgres_login "$1" replicator
    as_database_user "$(postgres_tool pg_basebackup)" --pgdata="$2/data" --checkpoint=fast --wal-method=stream --no-password
)

# node_rewind FROM TO: the same for a TO that was the primary until FROM took its place: what it has written since then, which nobody
# was told of, is taken back, and only what differs is read. False when that cannot be done.
node_rewind() (
    [[ -e $2/data ]] || exit
    postgres_login "$1" replicator
    as_database_user "$(postgres_tool pg_rewind)" --target-pgdata="$2/data" \
        --source-server="host=$PGHOST port=$PGPORT user=$PGUSER dbname=postgres"
)

node_streams() { [[ $(node_sql "$1" "$2" --command="SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1 ]]; }

# standby_rebuild DIR: whatever the other node was, it follows the primary now. Not yet synchronously.
standby_rebuild() {
    local dir=$1 primary standby from to
    primary=$(pair_primary "$dir")
    standby=$(node_other "$primary")
    from=$(node_cluster "$dir" "$primary") to=$(node_cluster "$dir" "$standby")
    node_sql "$dir" "$primary" --command=CHECKPOINT # pg_rewind learns from it that the primary has been promoted
    node_rewind "$from" "$to" || {
        warn "$standby cannot be rewound: copying $primary"
        node_copy "$from" "$to"
    }
    node_configure "$dir" "$standby"
    as_database_user touch "$to/data/standby.signal"
    postgres_start "$to"
    wait_until "$HA_SECONDS" node_streams "$dir" "$primary" || die "$standby does not follow $primary"
}

node_is_synchronous() { [[ $(node_sql "$1" "$2" --command="SELECT sync_state FROM pg_stat_replication") == sync ]]; }

# node_waits_for DIR NODE NAMES: whom its commits wait for, as synchronous_standby_names has it.
node_waits_for() {
    node_sql "$1" "$2" --command="ALTER SYSTEM SET synchronous_standby_names = '$3'" --command="SELECT pg_reload_conf()" >/dev/null
}

# pair_synchronize DIR: from here on a commit waits for the standby. Only when that one has caught up: until then every commit
# would wait for it.
pair_synchronize() {
    local dir=$1 primary
    primary=$(pair_primary "$dir")
    node_waits_for "$dir" "$primary" "FIRST 1 ($(node_other "$primary"))"
    wait_until "$HA_SECONDS" node_is_synchronous "$dir" "$primary" || die "the standby of $primary is not synchronous"
}

# pair_fail_over DIR: the primary is dead, and stays so; the standby takes its place, alone. A copy carries the names of the
# standbys that its origin waited for: without the first statement every commit would wait for one that is not there.
pair_fail_over() {
    local dir=$1 node
    node=$(node_other "$(pair_primary "$dir")")
    node_waits_for "$dir" "$node" ""
    [[ $(node_sql "$dir" "$node" --command="SELECT pg_promote(true, $HA_SECONDS)") == t ]] || die "$node was not promoted"
    printf '%s\n' "$node" >"$dir/primary"
}

# pair_url DIR: the connection string of the gateways: both servers, whichever can be written to.
pair_url() {
    local dir=$1 cluster
    cluster=$(node_cluster "$dir" "${HA_NODES[0]}")
    printf 'postgresql://s2s:%s@127.0.0.1:%s,127.0.0.1:%s/s2s?target_session_attrs=read-write\n' "$(<"$cluster/s2s.password")" \
        "$(node_port "$dir" "${HA_NODES[0]}")" "$(node_port "$dir" "${HA_NODES[1]}")"
}

pair_stop() {
    local node
    for node in "${HA_NODES[@]}"; do
        [[ ! -e $1/$node/postgres-folder ]] || postgres_stop "$(node_cluster "$1" "$node")"
    done
}
