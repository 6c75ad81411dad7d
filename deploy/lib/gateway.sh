# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The gateways' processes of an environment: started, found again, waited for and ended by the pid they were started with. Each has
# a NAME; an environment's folder holds NAME.yaml (its configuration), NAME.log and NAME.pid, and for all of them `binary` (a path).

readonly S2S_READY_SECONDS=60
readonly S2S_DRAIN_SECONDS=20 # a little more than the development configurations' drain_timeout

# What the sanitizers of a debug build say goes to the log; the first finding ends the process.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}

# gateway_pid DIR NAME: print the pid of the running gateway; false when there is none.
gateway_pid() {
    local pid
    pid=$(cat "$1/$2.pid" 2>/dev/null) && process_runs "$pid" "$1/$2.yaml" && printf '%s\n' "$pid"
}

gateway_is_gone() { ! gateway_pid "$1" "$2" >/dev/null; }

# gateway_command DIR NAME COMMAND: run one of the binary's commands on the gateway's configuration.
gateway_command() { "$(<"$1/binary")" "$3" --config "$1/$2.yaml"; }

# gateway_spawn DIR NAME: start it in a session of its own, so that it outlives this shell, and note its pid. `setsid` does not fork
# here (a background command of a script leads no process group), so $! is the gateway's.
gateway_spawn() {
    setsid "$(<"$1/binary")" serve --config "$1/$2.yaml" >>"$1/$2.log" 2>&1 </dev/null 9>&- &
    printf '%s\n' $! >"$1/$2.pid"
    disown
}

# http_status PORT PATH: the status of a GET on loopback, without a tool that a bare system lacks.
http_status() (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
    read -r -t 5 -u 3 _ status _ && printf '%s\n' "$status"
) 2>/dev/null

# Ready, or dead: either ends the wait.
gateway_has_settled() { gateway_is_gone "$1" "$2" || [[ $(http_status "$3" /readyz) == 200 ]]; }

# gateway_start DIR NAME ADMIN_PORT: start it and wait until /readyz says 200.
gateway_start() {
    local dir=$1 name=$2 admin_port=$3
    gateway_spawn "$dir" "$name"
    sleep 0.05 # until setsid has become the gateway
    if wait_until "$S2S_READY_SECONDS" gateway_has_settled "$dir" "$name" "$admin_port" && ! gateway_is_gone "$dir" "$name"; then
        return
    fi
    show_tail "$dir/$name.log"
    gateway_is_gone "$dir" "$name" && die "the $name gateway ended before it was ready"
    die "the $name gateway was not ready within $S2S_READY_SECONDS s (GET http://127.0.0.1:$admin_port/readyz)"
}

# gateway_stop DIR NAME: SIGTERM, wait for the drain; SIGKILL, and false, for one that does not end.
gateway_stop() {
    local dir=$1 name=$2 pid
    pid=$(gateway_pid "$dir" "$name") || return 0
    kill -TERM "$pid"
    if ! wait_until "$S2S_DRAIN_SECONDS" gateway_is_gone "$dir" "$name"; then
        warn "the $name gateway (pid $pid) did not end within $S2S_DRAIN_SECONDS s of SIGTERM and was killed"
        process_runs "$pid" "$dir/$name.yaml" && kill -KILL "$pid"
        return 1
    fi
    rm -f "$dir/$name.pid"
}
