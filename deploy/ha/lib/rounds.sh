# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# A round: load on everything, a gateway dies and comes back, the primary dies and comes back as the standby. Then the judgement:
# what the wallets were told against what the database knows. DIR/rounds/N.journal is what s2s-load was told, N.events what was
# done to it and when, N.json what s2s-load says of itself.

readonly HA_SETTLE=3 # seconds of load before, between and after the events

# What the wallet servers do: most begin something, some finish it, some use what they have.
readonly -a HA_LOAD=(--mix "initiate=6,flow=2,get=1,lifecycle=1" --rate 300 --connections 9 --streams 8 --sessions 60
    --retry 30s --timeout 20s --duration 10m --on-the-fly --quiet)

now() { printf '%s\n' "${EPOCHREALTIME/,/.}"; } # some languages have a comma there

milliseconds_since() { awk -v now="$(now)" -v then="$1" 'BEGIN { printf "%d", (now - then) * 1000 }'; }

# event ROUND TEXT: what is done now.
event() {
    printf '%s\t%s\n' "$(now)" "$2" >>"$1.events"
    step "$2"
}

# load_start DIR ROUND: sets load_pid.
load_start() {
    local dir=$1 round=$2 wallet
    local -a wallets=()
    for wallet in "${HA_WALLETS[@]}"; do
        wallet=${wallet//-/_}
        wallets+=(--wallet "${wallet^^}")
    done
    "$S2S_ROOT/build/release/tests/load/s2s-load" --env "$dir/env" "${wallets[@]}" "${HA_LOAD[@]}" --journal "$round.journal" --json "$round.json" \
        >"$round.load.log" 2>&1 </dev/null 9>&- &
    load_pid=$!
    wait_until 30 test -s "$round.journal" && return
    show_tail "$round.load.log"
    die "nothing has been acknowledged in 30 s"
}

# load_stop ROUND: what is under way is waited for. s2s-load fails when an operation failed, retries and all.
load_stop() {
    local status=0 pid=$load_pid
    kill -TERM "$pid"
    wait "$pid" || status=$?
    load_pid=
    ((status == 0)) && return
    show_tail "$1.load.log"
    die "s2s-load ended with status $status: not everything that wallets asked for succeeded"
}

kill_gateway() {
    local dir=$1 name=$2
    kill -KILL "$(gateway_pid "$dir" "$name")"
    wait_until 5 gateway_is_gone "$dir" "$name" || die "$name outlived SIGKILL"
}

# play_round DIR ROUND NUMBER: the events.
play_round() {
    local dir=$1 round=$2 victim=${HA_GATEWAYS[($3 - 1) % ${#HA_GATEWAYS[@]}]} primary standby died
    primary=$(pair_primary "$dir")
    standby=$(node_other "$primary")
    load_start "$dir" "$round"
    event "$round" "load on three gateways; $primary is the primary, $standby its standby"
    sleep "$HA_SETTLE"
    event "$round" "$victim is killed (SIGKILL)"
    kill_gateway "$dir" "$victim"
    sleep "$HA_SETTLE"
    event "$round" "$victim is started again"
    ha_gateway_start "$dir" "$victim"
    wait_until "$HA_BALANCER_SECONDS" balancer_sees "$dir" "$victim" || die "HAProxy does not find $victim ready"
    sleep "$HA_SETTLE"
    event "$round" "$primary is killed (immediate), $standby promoted"
    died=$(now)
    logged "$round.stop.log" postgres_stop "$(node_cluster "$dir" "$primary")" immediate
    logged "$round.promote.log" pair_fail_over "$dir"
    step "$standby takes over (after $(milliseconds_since "$died") ms)"
    sleep "$HA_SETTLE"
    event "$round" "$primary is made the standby of $standby"
    logged "$round.rebuild.log" standby_rebuild "$dir"
    event "$round" "commits wait for $primary"
    logged "$round.synchronize.log" pair_synchronize "$dir"
    sleep "$HA_SETTLE"
    load_stop "$round"
}

# on_primary DIR FILE…: these SQL files, and what they select. They may refer to the tables of journal_tables.
on_primary() (
    postgres_login "$(node_cluster "$1" "$(pair_primary "$1")")" s2s
    shift
    cat "$@" | psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --dbname=s2s
)

# journal_tables EVENTS JOURNAL…: SQL that makes temporary tables of them.
journal_tables() {
    local events=$1
    shift
    cat "$HA_FILES/journal.sql"
    printf "COPY event FROM STDIN;\n" && cat "$events" && printf '\\.\n'
    printf "COPY acknowledged FROM STDIN (DELIMITER ' ', NULL '-');\n" && cat "$@" && printf '\\.\nANALYZE acknowledged;\n'
}

jobs_are_done() { [[ $(on_primary "$1" - <<<"SELECT count(*) FROM s2s.job") == 0 ]]; }

# requests_in FILE NAME: a number of the member `requests`, which s2s-load writes with a line for each member.
requests_in() { sed -n "/^  \"requests\":{/,/^  }/s/^    \"$2\":\([0-9]*\),*$/\1/p" "$1"; }

show_pauses() {
    local dir=$1 round=$2 text began median worst all
    printf '\n  %-58s %7s  %s\n' "" "" "longest time without an acknowledgement"
    printf '  %-58s %7s %12s %12s %12s\n' event at "median client" "worst client" "all together"
    while IFS='|' read -r text began median worst all; do
        printf '  %-58s %5s s %9s ms %9s ms %9s ms\n' "$text" "$began" "$median" "$worst" "$all"
    done < <(journal_tables "$round.events" "$round.journal" | on_primary "$dir" - "$HA_FILES/pauses.sql")
}

# judge_round DIR ROUND: all rounds so far, for what was acknowledged once must outlive every failover after it.
judge_round() {
    local dir=$1 round=$2 complaints
    wait_until 20 jobs_are_done "$dir" || die "evaluations are left that nobody takes up"
    complaints=$(journal_tables "$round.events" "$dir"/rounds/*.journal | on_primary "$dir" - "$HA_FILES/verdict.sql")
    if [[ -n $complaints ]]; then
        head -n 20 <<<"$complaints" | quoted
        die "$(wc --lines <<<"$complaints") things are not as they were acknowledged"
    fi
    logged "$round.fsck.log" gateway_command "$dir" "${HA_GATEWAYS[0]}" fsck
    show_pauses "$dir" "$round"
    printf '\n  acknowledged: %s changes in this round, %s in all; each is in the database, once, and fsck is clean\n' \
        "$(wc --lines <"$round.journal")" "$(cat "$dir"/rounds/*.journal | wc --lines)"
    printf '  requests: %s answered; %s sent again, of which %s had been carried out the first time; none failed\n' \
        "$(requests_in "$round.json" count)" "$(requests_in "$round.json" retried)" "$(requests_in "$round.json" replayed)"
}
