# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# A private PostgreSQL cluster in a folder: data/, socket/, server.log, and the passwords of its two roles: `postgres` (superuser)
# and `s2s` (owner of the gateways' databases). It listens on loopback and on its socket folder, always asks for the
# password, and keeps PostgreSQL's own durability settings: what is tested here is what is run elsewhere.

readonly S2S_SOCKET_PATH_MAX=90 # of sun_path's 108 octets, less the socket's own name

# as_database_user COMMAND…: the server refuses to run as root; then the user that Debian's package made runs it. In a working
# directory that everybody can enter.
as_database_user() (
    cd /
    if ((EUID == 0)); then
        exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
    else
        exec "$@"
    fi
)

# postgres_tool NAME: the path of a server program; Debian keeps them off PATH.
postgres_tool() {
    local -a found
    mapfile -t found < <(compgen -G "/usr/lib/postgresql/*/bin/$1" | sort --version-sort)
    ((${#found[@]})) || die "PostgreSQL's $1 was not found"
    printf '%s\n' "${found[-1]}"
}

# postgres_folder DIR: where DIR's cluster lives, which DIR/postgres-folder keeps note of. DIR/postgres, with leave for others
# to pass through DIR; or, where the database's user still cannot get (a checkout below /root), a folder in /var/tmp.
postgres_folder() {
    local dir=$1 cluster
    cluster=$(cat "$dir/postgres-folder" 2>/dev/null) || cluster=
    if [[ -z $cluster || ! -d $cluster ]]; then
        cluster=$dir/postgres
        chmod o+x "$dir"
        as_database_user test -x "$dir" || cluster=$(mktemp --directory /var/tmp/s2s-gateway-postgres.XXXXXX)
        mkdir -p "$cluster"
        ((EUID)) || chown postgres: "$cluster"
        chmod 700 "$cluster"
        printf '%s\n' "$cluster" >"$dir/postgres-folder"
    fi
    printf '%s\n' "$cluster"
}

postgres_pid() { head -n 1 "$1/data/postmaster.pid" 2>/dev/null; }

# postgres_is_running CLUSTER
postgres_is_running() {
    local pid
    pid=$(postgres_pid "$1") && process_runs "$pid" "$1/data"
}

# postgres_configure CLUSTER PORT: the settings of an environment.
postgres_configure() {
    local cluster=$1 port=$2 sockets=$1/socket
    as_database_user mkdir -p "$sockets"
    ((${#sockets} <= S2S_SOCKET_PATH_MAX)) || sockets=
    as_database_user tee "$cluster/data/local.conf" >/dev/null <<END
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$sockets'
max_connections = 200
log_line_prefix = '%m [%p] %q%u@%d '
END
}

# postgres_create CLUSTER PORT: initdb and settings, unless it is there; the port is set anew each time.
postgres_create() {
    local cluster=$1 port=$2
    if [[ ! -e $cluster/complete ]]; then
        as_database_user rm -rf "$cluster/data"
        local role
        for role in postgres s2s; do
            openssl rand -hex 16 | as_database_user tee "$cluster/$role.password" >/dev/null
            as_database_user chmod 600 "$cluster/$role.password"
        done
        as_database_user "$(postgres_tool initdb)" --pgdata="$cluster/data" --username=postgres \
            --pwfile="$cluster/postgres.password" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
        printf "include 'local.conf'\n" | as_database_user tee -a "$cluster/data/postgresql.conf" >/dev/null
        as_database_user touch "$cluster/complete"
    fi
    postgres_configure "$cluster" "$port"
}

# postgres_start CLUSTER
postgres_start() {
    as_database_user "$(postgres_tool pg_ctl)" start --pgdata="$1/data" --log="$1/server.log" --wait --timeout=60 9>&- ||
        {
            show_tail "$1/server.log"
            die "PostgreSQL did not start"
        }
}

# postgres_stop CLUSTER [MODE]: `fast` unless given (open transactions are rolled back); nothing to do when it does not run.
postgres_stop() {
    postgres_is_running "$1" || return 0
    as_database_user "$(postgres_tool pg_ctl)" stop --silent --pgdata="$1/data" --mode="${2:-fast}" --wait --timeout=60
}

# postgres_login CLUSTER ROLE: export libpq's variables for the role.
postgres_login() {
    PGHOST=127.0.0.1
    PGPORT=$(sed -n 's/^port = //p' "$1/data/local.conf")
    PGUSER=$2
    PGPASSWORD=$(<"$1/$2.password")
    export PGHOST PGPORT PGUSER PGPASSWORD
}

# postgres_url CLUSTER [DATABASE]: the connection string of the gateways' role.
postgres_url() (
    postgres_login "$1" s2s
    printf 'postgresql://%s:%s@%s:%s/%s\n' "$PGUSER" "$PGPASSWORD" "$PGHOST" "$PGPORT" "${2:-s2s}"
)

# postgres_create_database CLUSTER [DATABASE]: the role `s2s` and a database of its own (default: `s2s`), unless they are there. The
# role may also look into the server's settings and activity, as one who develops against it wants to.
postgres_create_database() (
    local database=${2:-s2s} password
    password=$(<"$1/s2s.password")
    postgres_login "$1" postgres
    local psql=(psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --dbname=postgres)
    [[ -z $("${psql[@]}" --command="SELECT 1 FROM pg_database WHERE datname = '$database'") ]] || return 0
    "${psql[@]}" <<END
SELECT 'CREATE ROLE s2s' WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 's2s') \gexec
ALTER ROLE s2s LOGIN PASSWORD '$password';
GRANT pg_monitor, pg_signal_backend TO s2s;
CREATE DATABASE $database OWNER s2s;
END
)
