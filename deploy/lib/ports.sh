# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Free TCP ports. They are drawn below the range that the kernel gives to outgoing connections, so that no client
# takes one between the drawing and the listening; drawing at random keeps environments side by side apart.

readonly S2S_PORT_FIRST=15000 S2S_PORT_LAST=32000

# port_is_free PORT: nobody listens on it, on any address. /proc/net has ports in hexadecimal; state 0A is LISTEN.
port_is_free() {
    local hex
    printf -v hex '%04X' "$1"
    ! awk -v port=":$hex\$" '$4 == "0A" && $2 ~ port { found = 1 } END { exit !found }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# free_port [TAKEN…]: print a free port that is none of TAKEN.
free_port() {
    local port taken=" $* "
    for _ in {1..200}; do
        port=$((S2S_PORT_FIRST + SRANDOM % (S2S_PORT_LAST - S2S_PORT_FIRST)))
        if [[ $taken != *" $port "* ]] && port_is_free "$port"; then
            printf '%s\n' "$port"
            return
        fi
    done
    die "no free TCP port between $S2S_PORT_FIRST and $S2S_PORT_LAST"
}

# assign_ports FILE NAME…: a port for each, NAME=value lines in FILE. They are kept from one start to the next (the issuer's
# identifier contains one) unless somebody else took one meanwhile. Called while none of them is in use by its owner.
assign_ports() {
    local file=$1 name port
    local -a taken=()
    shift
    for name in "$@"; do
        port=$(value_of "$name" "$file")
        [[ -n $port ]] && port_is_free "$port" || port=$(free_port "${taken[@]}")
        taken+=("$port")
        printf '%s=%s\n' "$name" "$port"
    done >"$file.new"
    mv "$file.new" "$file"
}
