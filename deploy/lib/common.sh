# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What every script of the project shares: where the repository is, how to speak, how to fail, small files of
# NAME=value lines, and waiting. Source it first; it sets the shell's strict mode.

set -euo pipefail
shopt -s inherit_errexit

S2S_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # for those who source this
readonly S2S_ROOT

say() { printf '%s\n' "$*"; }
step() { printf '· %s\n' "$*"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
    warn "$*"
    exit 1
}

# quoted: standard input as a quotation on stderr, its lines cut.
quoted() { cut --characters=-160 | sed 's/^/  | /' >&2; }

# show_tail FILE [LINES]: the end of a log.
show_tail() {
    [[ -s $1 ]] || return 0
    printf '  the end of %s:\n' "$1" >&2
    tail -n "${2:-25}" "$1" | quoted
}

# logged LOG COMMAND…: run quietly in a subshell; on failure show the end of the log and end the script. To be called as a
# plain command: within a condition (`logged … || …`) bash would go on after a failing line of a function.
logged() {
    local log=$1 status
    shift
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    ((status == 0)) && return
    warn "failed with status $status: $*"
    show_tail "$log"
    exit "$status"
}

# wait_until SECONDS COMMAND…: poll ten times a second until the command succeeds; false when the time is over.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# absolute_path PATH: the path made absolute; it need not exist.
absolute_path() { realpath --canonicalize-missing -- "$1"; }

# value_of NAME FILE: the value of a NAME=value line; nothing when there is none.
value_of() {
    [[ -r $2 ]] || return 0
    sed -n "s/^$1=//p" "$2" | head -n 1
}

# lock_folder DIR: hold DIR/lock on file descriptor 9 until the script ends, so that two commands never work on the
# same folder at once. A daemon started meanwhile must close descriptor 9.
lock_folder() {
    exec 9>"$1/lock"
    flock --nonblock 9 || die "another command is at work on $1; try again when it is done"
}

# process_runs PID ARGUMENT: whether PID lives and was started with exactly this argument. Checked before a signal is
# sent, for a pid that was written down may belong to somebody else by now.
process_runs() { grep --quiet --null-data --line-regexp --fixed-strings -e "$2" "/proc/$1/cmdline" 2>/dev/null; }
