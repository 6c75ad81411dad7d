# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The invariants that close every end-to-end run on an environment, whatever the run did: the database keeps its
# promises, no descriptor leaked, no sanitizer spoke, PostgreSQL reported no error, and what the tests planted as secrets is found
# neither in a log nor in the database. Tests list what they plant in DIR/planted-secrets, one string a line.

# Above the count of a fresh gateway: connections that it opens on demand and keeps. A leak of one descriptor a request or a connection
# is far beyond it.
readonly S2S_DESCRIPTOR_SLACK=8

readonly S2S_SANITIZER_LINES='ERROR: (Address|Leak|Memory|Thread)Sanitizer|runtime error:|SUMMARY: [A-Za-z]*Sanitizer'

# for_each_gateway COMMAND DIR: the command with DIR and each gateway's name; false when it failed for one.
for_each_gateway() {
    local name status=0
    for name in "${S2S_GATEWAYS[@]}"; do
        "$1" "$2" "$name" || status=1
    done
    return "$status"
}

descriptors() { find "/proc/$(gateway_pid "$1" "$2")/fd" -mindepth 1 | wc -l; }

note_gateway_descriptors() { descriptors "$1" "$2" >"$1/$2.descriptors"; }

# note_descriptors DIR: how many the fresh gateways have.
note_descriptors() { for_each_gateway note_gateway_descriptors "$1"; }

# Clients are gone by now, but the gateway may need a moment to see it.
descriptors_are_back() { (($(descriptors "$1" "$2") <= $(<"$1/$2.descriptors") + S2S_DESCRIPTOR_SLACK)); }

check_descriptors() {
    wait_until 15 descriptors_are_back "$1" "$2" && return
    printf '%s gateway: %s descriptors at first, %s now:\n' "$2" "$(<"$1/$2.descriptors")" "$(descriptors "$1" "$2")"
    find "/proc/$(gateway_pid "$1" "$2")/fd" -mindepth 1 -printf '%l\n' | sort | uniq -c
    return 1
}

check_database() { gateway_command "$1" "$2" fsck; }

# nothing_found COMMAND…: succeed when a grep finds nothing (status 1), fail when it finds something or cannot search.
nothing_found() {
    local status=0
    "$@" || status=$?
    ((status == 1))
}

# grep_logs DIR OPTION…: search every log of the environment: the gateways', those of gateways that a test started beside it, and
# PostgreSQL's.
grep_logs() {
    local dir=$1
    shift
    grep --recursive --include='*.log' --text "$@" -- "$dir" "$(postgres_folder "$dir")"
}

check_sanitizers() { nothing_found grep_logs "$1" --extended-regexp --regexp="$S2S_SANITIZER_LINES"; }

# An error that the tests bring about: they open sessions with the wallet gateway's certificate, and the gateway, told of sessions that
# it does not know, says so.
readonly S2S_EXPECTED_ERRORS='"event":"delivery_failed".*"peer":"wallet".*"reason":"HTTP 404"'

unexpected_errors() { grep --text '"level":"error"' "$1/$2.log" | grep --invert-match --extended-regexp -e "$S2S_EXPECTED_ERRORS"; }

check_log_for_errors() { nothing_found unexpected_errors "$1" "$2"; }

# With what PostgreSQL says of it in the lines below, such as the statements of a deadlock.
check_database_log() { nothing_found grep -E --after-context=12 ' (ERROR|PANIC): ' "$(postgres_folder "$1")/server.log"; }

# planted_secrets DIR: print the path of the list, with the environment's own secrets and less its empty lines, which would match
# everything.
planted_secrets() {
    local list=$1/planted-secrets.list
    grep --no-filename -v '^[[:space:]]*$' "$1/planted-secrets" "$1"/*.token "$1/keys/backend.secret" >"$list" 2>/dev/null || true
    printf '%s\n' "$list"
}

check_logs_for_secrets() { nothing_found grep_logs "$1" --fixed-strings --file="$(planted_secrets "$1")"; }

check_database_for_secrets() (
    secrets=$(planted_secrets "$1")
    postgres_login "$(postgres_folder "$1")" postgres
    # Without patterns grep would not read to the end, and pg_dump would fail for want of a reader.
    [[ ! -s $secrets ]] || pg_dump --dbname="${S2S_DATABASES[$2]}" | nothing_found grep --text --fixed-strings --file="$secrets"
)

check_stop() { "$S2S_ROOT/deploy/dev" stop --dir "$1"; }

# In this order: the first ones need the servers, and leaks are reported when a gateway ends.
readonly -a S2S_CLOSING_CHECKS=(
    "the databases keep their promises:for_each_gateway check_database"
    "no descriptor leaked:for_each_gateway check_descriptors"
    "no planted secret in the databases:for_each_gateway check_database_for_secrets"
    "the gateways drain and end:check_stop"
    "no sanitizer line in the logs:check_sanitizers"
    "no unexpected error in the logs:for_each_gateway check_log_for_errors"
    "no planted secret in the logs:check_logs_for_secrets"
    "no error in PostgreSQL's log:check_database_log"
)

# closing_checks DIR: all of them, with counts; ends the environment.
closing_checks() {
    local check passed=0 failed=0
    local -a command
    for check in "${S2S_CLOSING_CHECKS[@]}"; do
        read -ra command <<<"${check##*:}"
        if "${command[@]}" "$1"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            printf 'FAILED: %s\n' "${check%:*}"
        fi
    done
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
}
