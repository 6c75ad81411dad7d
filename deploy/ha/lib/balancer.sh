# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# HAProxy in front of the gateways: DIR/haproxy.cfg, .log and .pid.

readonly HA_PROXY=/usr/sbin/haproxy # not on everybody's PATH
readonly HA_BALANCER_SECONDS=20

# balancer_servers DIR: a line of configuration for each gateway.
balancer_servers() {
    local name
    for name in "${HA_GATEWAYS[@]}"; do
        printf '    server %s 127.0.0.1:%s port %s\n' "$name" "$(value_of "$name" "$1/ports")" "$(value_of "${name}_admin" "$1/ports")"
    done
}

# Started as root, it goes on as the user that Debian's package made.
balancer_user() { ((EUID)) || printf '    user haproxy\n    group haproxy\n'; }

balancer_configure() {
    local dir=$1 text
    text=$(<"$HA_FILES/haproxy.cfg.in")
    text=${text//@BALANCER_PORT@/"$(value_of balancer "$dir/ports")"}
    text=${text//@STATS_PORT@/"$(value_of balancer_stats "$dir/ports")"}
    text=${text//@USER@/"$(balancer_user)"}
    text=${text//@SERVERS@/"$(balancer_servers "$dir")"}
    printf '%s\n' "$text" >"$dir/haproxy.cfg"
}

balancer_pid() {
    local pid
    pid=$(cat "$1/haproxy.pid" 2>/dev/null) && process_runs "$pid" "$1/haproxy.cfg" && printf '%s\n' "$pid"
}

balancer_is_gone() { ! balancer_pid "$1" >/dev/null; }

# balancer_says DIR: what it thinks of each server, "backend,server,state" lines.
balancer_says() (
    exec 3<>"/dev/tcp/127.0.0.1/$(value_of balancer_stats "$1/ports")" || exit
    printf 'show stat\n' >&3
    cut --delimiter=, --fields=1,2,18 <&3
) 2>/dev/null

# balancer_sees DIR GATEWAY: it sends clients there.
balancer_sees() { balancer_says "$1" | grep --quiet --line-regexp "ready,$2,UP"; }

# Dead, or as wanted: either ends the wait.
balancer_has_settled() { balancer_is_gone "$1" || balancer_sees "$1" "$2"; }

# balancer_start DIR: and wait until it sends clients to every gateway. As gateway_spawn, it outlives this shell.
balancer_start() {
    local dir=$1 name
    setsid "$HA_PROXY" -db -f "$dir/haproxy.cfg" >>"$dir/haproxy.log" 2>&1 </dev/null 9>&- &
    printf '%s\n' $! >"$dir/haproxy.pid"
    disown
    sleep 0.05 # until setsid has become HAProxy
    for name in "${HA_GATEWAYS[@]}"; do
        wait_until "$HA_BALANCER_SECONDS" balancer_has_settled "$dir" "$name" && ! balancer_is_gone "$dir" && continue
        show_tail "$dir/haproxy.log"
        die "HAProxy does not find $name ready"
    done
}

# balancer_stop DIR: at once, connections and all (SIGTERM; HAProxy's gentle end would be SIGUSR1).
balancer_stop() {
    local pid
    pid=$(balancer_pid "$1") || return 0
    kill -TERM "$pid"
    wait_until "$HA_BALANCER_SECONDS" balancer_is_gone "$1" || warn "HAProxy (pid $pid) did not end"
}
