# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Running test suites and adding up what they count. A suite is a command that prints a closing line
# 'N passed, N failed' (or ctest's own summary) and fails when a test fails. Set OUT to the folder for its output.

total_passed=0 total_failed=0
suite_passed=0 suite_failed=0 # of the last suite

# read_counts LOG: the counts of the last closing line, into suite_passed and suite_failed; false when there is none.
read_counts() {
    local line
    line=$(grep -E '^([[:alnum:]_-]+: )?[0-9]+ passed, [0-9]+ failed|[0-9]+ tests? failed out of [0-9]+' "$1" | tail -n 1) || return 1
    if [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
        suite_passed=${BASH_REMATCH[1]} suite_failed=${BASH_REMATCH[2]}
    elif [[ $line =~ ([0-9]+)\ tests?\ failed\ out\ of\ ([0-9]+) ]]; then
        suite_failed=${BASH_REMATCH[1]} suite_passed=$((BASH_REMATCH[2] - BASH_REMATCH[1]))
    fi
}

# run_suite NAME COMMAND…: run it with its output in OUT/NAME.log. A suite that says nothing, counts nothing or dies counts as
# one failure: silence is not success. Never fails itself.
run_suite() {
    local name=$1 log=$OUT/$1.log status began=$SECONDS
    shift
    suite_passed=0 suite_failed=0
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null 9>&-
    status=$?
    set -e
    read_counts "$log" || true
    if ((suite_failed == 0 && (status != 0 || suite_passed == 0))); then
        suite_failed=1
        printf 'the suite ended with status %s and counted %s passed\n' "$status" "$suite_passed" >>"$log"
    fi
    total_passed=$((total_passed + suite_passed))
    total_failed=$((total_failed + suite_failed))
    printf '  %-14s %4d passed, %3d failed  (%d s)\n' "$name" "$suite_passed" "$suite_failed" $((SECONDS - began))
    ((suite_failed == 0)) || show_failures "$log"
}

# show_failures LOG: the tests that failed, in whatever words the suites have for it, and the end of the output.
show_failures() {
    grep -E '^ *(FAILED|not ok)|\*\*\*(Failed|Timeout|Exception)' "$1" | head -n 50 | quoted || true
    show_tail "$1"
}

# close_run: the closing line; false when anything failed.
close_run() {
    ((total_failed == 0)) || say "The output of each suite is in $OUT"
    printf '%d passed, %d failed\n' "$total_passed" "$total_failed"
    ((total_failed == 0))
}
