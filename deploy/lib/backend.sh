# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The process of an environment's backend: the program of the issuer's that decides and knows claims (deploy/examples). As the
# gateways' (gateway.sh): found again by the pid that it was started with, in DIR/backend.pid; its log is DIR/backend.log.

readonly S2S_BACKEND_SECONDS=10 # until it answers, and until it has ended

backend_secret() { printf '%s\n' "$1/keys/backend.secret"; }

# backend_pid DIR: print the pid of the running backend; false when there is none.
backend_pid() {
    local pid
    pid=$(cat "$1/backend.pid" 2>/dev/null) && process_runs "$pid" "$(backend_secret "$1")" && printf '%s\n' "$pid"
}

backend_is_gone() { ! backend_pid "$1" >/dev/null; }

backend_has_settled() { backend_is_gone "$1" || [[ $(http_status "$2" /healthz) == 200 ]]; }

# backend_start DIR PORT: start it in a session of its own, and wait until it answers.
backend_start() {
    local dir=$1 port=$2
    setsid node "$S2S_ROOT/deploy/examples/backend.mjs" --port "$port" --secret "$(backend_secret "$dir")" \
        >>"$dir/backend.log" 2>&1 </dev/null 9>&- &
    printf '%s\n' $! >"$dir/backend.pid"
    disown
    sleep 0.05 # until setsid has become node
    if wait_until "$S2S_BACKEND_SECONDS" backend_has_settled "$dir" "$port" && ! backend_is_gone "$dir"; then
        return
    fi
    show_tail "$dir/backend.log"
    die "the issuer's backend did not start (GET http://127.0.0.1:$port/healthz)"
}

# backend_stop DIR: SIGTERM; SIGKILL, and false, for one that does not end.
backend_stop() {
    local dir=$1 pid
    pid=$(backend_pid "$dir") || return 0
    kill -TERM "$pid"
    if ! wait_until "$S2S_BACKEND_SECONDS" backend_is_gone "$dir"; then
        warn "the issuer's backend (pid $pid) did not end within $S2S_BACKEND_SECONDS s of SIGTERM and was killed"
        process_runs "$pid" "$(backend_secret "$dir")" && kill -KILL "$pid"
        return 1
    fi
    rm -f "$dir/backend.pid"
}
