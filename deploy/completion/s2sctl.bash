# shellcheck shell=bash
# bash completion of s2sctl. SPDX-License-Identifier: Apache-2.0
# Written by `s2sctl completion bash`.

# _s2sctl_words WORD...: set `candidates` to what may follow these words.
_s2sctl_words() {
    local common='--url --token-file --request-id --json --watch --color --help'
    case "$*" in
    '') candidates='verifications sessions instances bulk offers web-results deliveries dead-letters dead-jobs events audit reconcile reconciliations stats wallet decode completion help version '"$common" ;;
    'verifications list') candidates='--status --awaiting --peer --session --configuration --limit --cursor --all '"$common" ;;
    'verifications show') candidates=''"$common" ;;
    'verifications items') candidates=''"$common" ;;
    'verifications decide') candidates='approve reject deny --version --configuration --subject --dataset --devices --reason --message '"$common" ;;
    'verifications ask') candidates='--version --item --request --deadline '"$common" ;;
    'sessions list') candidates='--peer --limit --cursor --all '"$common" ;;
    'sessions show') candidates=''"$common" ;;
    'instances list') candidates='--status --session --subject --configuration --limit --cursor --all '"$common" ;;
    'instances show') candidates=''"$common" ;;
    'instances suspend') candidates='--reason '"$common" ;;
    'instances resume') candidates='--reason '"$common" ;;
    'instances cancel') candidates='--reason '"$common" ;;
    'instances updated') candidates='--reason '"$common" ;;
    'instances display-updated') candidates='--reason '"$common" ;;
    'instances dataset') candidates='--dataset-version --claims --valid-until '"$common" ;;
    'bulk start') candidates='suspend resume cancel updated display-updated --subject --configuration --session --instance --reason --wait '"$common" ;;
    'bulk list') candidates='--limit --cursor --all '"$common" ;;
    'bulk show') candidates='--wait '"$common" ;;
    'offers make') candidates='--subject --peer --tx-code --tx-code-length --tx-code-mode --tx-code-description --by-reference --lifetime --svg --no-qr '"$common" ;;
    'offers list') candidates='--state --peer --configuration --subject --limit --cursor --all '"$common" ;;
    'offers show') candidates=''"$common" ;;
    'offers revoke') candidates=''"$common" ;;
    'web-results post') candidates='SUCCESS FAILURE --result '"$common" ;;
    'deliveries list') candidates='--peer --endpoint --about --limit --cursor --all '"$common" ;;
    'deliveries lanes') candidates=''"$common" ;;
    'dead-letters list') candidates='--peer --limit --cursor --all '"$common" ;;
    'dead-letters redrive') candidates='--all --peer '"$common" ;;
    'dead-jobs list') candidates='--limit --cursor --all '"$common" ;;
    'dead-jobs redrive') candidates=''"$common" ;;
    'events') candidates='--about --peer --from --limit --cursor --all '"$common" ;;
    'audit') candidates='--who --about --limit --cursor --all '"$common" ;;
    'reconcile') candidates='--peer --instance --wait '"$common" ;;
    'reconciliations list') candidates='--limit --cursor --all '"$common" ;;
    'reconciliations show') candidates=''"$common" ;;
    'stats') candidates=''"$common" ;;
    'wallet keys') candidates='--dir --issuer --certificate --key --ca --alg --encryption-alg '"$common" ;;
    'wallet issuer') candidates='--dir --issuer --certificate --key --ca '"$common" ;;
    'wallet nonce') candidates='--dir --issuer --certificate --key --ca --nonce '"$common" ;;
    'wallet payload') candidates='--dir --issuer --certificate --key --ca --item --server-item --code --tx-code --offer '"$common" ;;
    'wallet initiate') candidates='--dir --issuer --certificate --key --ca --item --server-item --code --tx-code --offer --nonce --devices --locale --again --wait '"$common" ;;
    'wallet supplement') candidates='--dir --issuer --certificate --key --ca --item --server-item --code --tx-code --offer --wait '"$common" ;;
    'wallet status') candidates='--dir --issuer --certificate --key --ca --wait '"$common" ;;
    'wallet cancel') candidates='--dir --issuer --certificate --key --ca --reason '"$common" ;;
    'wallet provision') candidates='--dir --issuer --certificate --key --ca '"$common" ;;
    'wallet get') candidates='--dir --issuer --certificate --key --ca --keys --reason '"$common" ;;
    'wallet metadata') candidates='--dir --issuer --certificate --key --ca '"$common" ;;
    'wallet state') candidates='--dir --issuer --certificate --key --ca '"$common" ;;
    'wallet manage') candidates='suspend resume unlink --dir --issuer --certificate --key --ca --reason '"$common" ;;
    'wallet event') candidates='--dir --issuer --certificate --key --ca '"$common" ;;
    'wallet decode') candidates='--dir --issuer --certificate --key --ca '"$common" ;;
    'decode') candidates='--key --verify-key '"$common" ;;
    'completion') candidates='bash zsh '"$common" ;;
    'help') candidates=''"$common" ;;
    'version') candidates=''"$common" ;;
    'verifications') candidates='list show items decide ask' ;;
    'sessions') candidates='list show' ;;
    'instances') candidates='list show suspend resume cancel updated display-updated dataset' ;;
    'bulk') candidates='start list show' ;;
    'offers') candidates='make list show revoke' ;;
    'web-results') candidates='post' ;;
    'deliveries') candidates='list lanes' ;;
    'dead-letters') candidates='list redrive' ;;
    'dead-jobs') candidates='list redrive' ;;
    'reconciliations') candidates='list show' ;;
    'wallet') candidates='keys issuer nonce payload initiate supplement status cancel provision get metadata state manage event decode' ;;
    *) return 1 ;;
    esac
}

# _s2sctl_value OPTION: set `candidates` or `files` to what its value may be; fails when it takes none.
_s2sctl_value() {
    case $1 in
    --url) ;;
    --token-file) files=1 ;;
    --request-id) ;;
    --color) candidates='auto always never ' ;;
    --status) candidates='PENDING ADDITIONAL_INFO_REQUIRED REJECTED APPROVED DENIED EXPIRED IN_PROCESS ACTIVE SUSPENDED_ISSUER SUSPENDED_WALLET UNLINKED CANCELLED UNKNOWN ' ;;
    --peer) ;;
    --session) ;;
    --configuration) ;;
    --limit) ;;
    --cursor) ;;
    --version) ;;
    --subject) ;;
    --dataset) ;;
    --devices) ;;
    --reason) ;;
    --message) ;;
    --item) ;;
    --request) files=1 ;;
    --deadline) ;;
    --dataset-version) ;;
    --claims) files=1 ;;
    --valid-until) ;;
    --instance) ;;
    --tx-code-length) ;;
    --tx-code-mode) candidates='numeric text ' ;;
    --tx-code-description) ;;
    --lifetime) ;;
    --svg) files=1 ;;
    --state) candidates='OPEN USED REVOKED EXHAUSTED EXPIRED ' ;;
    --result) files=1 ;;
    --endpoint) ;;
    --about) ;;
    --from) ;;
    --who) ;;
    --dir) files=1 ;;
    --issuer) ;;
    --certificate) files=1 ;;
    --key) files=1 ;;
    --ca) files=1 ;;
    --alg) candidates='ES256 ES384 ES512 EdDSA ' ;;
    --encryption-alg) ;;
    --nonce) candidates='raw bound ' ;;
    --server-item) ;;
    --code) ;;
    --offer) ;;
    --locale) ;;
    --keys) ;;
    --verify-key) files=1 ;;
    *) return 1 ;;
    esac
}

_s2sctl() {
    local candidates='' files='' word skip=''
    local -a typed=()
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if ((COMP_CWORD > 1)) && _s2sctl_value "$previous"; then
        if [[ -n $files ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
        else
            mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
        fi
        return
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ -n $skip ]]; then
            skip=''
        elif [[ $word != -* ]]; then
            typed+=("$word")
        elif _s2sctl_value "$word"; then
            skip=1
        fi
    done
    candidates=''
    while ! _s2sctl_words "${typed[@]}" && ((${#typed[@]})); do
        unset 'typed[-1]'
    done
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
}
complete -F _s2sctl s2sctl
