# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The keys and certificates of a development environment, made when it is first started and never kept in the
# repository. Three authorities: the one of the TLS connections, the one of the credential signers, and a foreign one
# that nobody trusts. Only the openssl command and coreutils are needed.

export AUTHORITY=/nonexistent # openssl.cnf wants it set, even where it is not used

pki_openssl() {
    local command=$1
    shift
    openssl "$command" -config "$S2S_ROOT/deploy/lib/openssl.cnf" "$@"
}

# new_key FILE [CURVE]: an EC private key, PEM.
new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:${2:-P-256}" -out "$1"; }

# new_authority FOLDER NAME: key, root certificate, an empty register and an empty CRL.
new_authority() {
    local folder=$1 name=$2
    mkdir -p "$folder/issued"
    : >"$folder/index.txt"
    printf '01\n' >"$folder/crlnumber"
    new_key "$folder/ca.key"
    pki_openssl req -x509 -new -key "$folder/ca.key" -subj "/O=Example/CN=$name" -days 3650 -extensions root \
        -out "$folder/ca.crt"
    publish_crl "$folder"
}

publish_crl() { AUTHORITY=$1 pki_openssl ca -gencrl -out "$1/ca.crl"; }

# new_certificate AUTHORITY KIND FILE NAME SAN [OPTION…]: FILE.key and FILE.crt for /O=Example/CN=NAME; KIND is a
# section of openssl.cnf, the options are those of `openssl ca`.
new_certificate() {
    local authority=$1 kind=$2 file=$3 name=$4 san=$5
    shift 5
    new_key "$file.key"
    pki_openssl req -new -key "$file.key" -subj "/O=Example/CN=$name" -addext "subjectAltName=$san" -out "$file.csr"
    AUTHORITY=$authority pki_openssl ca -batch -notext -extensions "$kind" -in "$file.csr" -out "$file.crt" "$@"
    rm "$file.csr"
}

revoke_certificate() {
    AUTHORITY=$1 pki_openssl ca -revoke "$2"
    publish_crl "$1"
}

# pki_create FOLDER: everything, FOLDER/{ca,server,wallet,…}.{crt,key} and FOLDER/ca.crl. The expired, the revoked and the
# foreign client carry the registered name of the wallet: only their defect can be why they are refused.
pki_create() {
    local pki=$1
    local tls=$pki/tls-authority signers=$pki/signer-authority foreign=$pki/foreign-authority
    local wallet=DNS:wallet.example,URI:https://wallet.example
    new_authority "$tls" "Development TLS CA"
    new_authority "$signers" "Development Signer CA"
    new_authority "$foreign" "Foreign CA"

    new_certificate "$tls" server "$pki/server" localhost DNS:localhost,IP:127.0.0.1,IP:::1
    new_certificate "$tls" server "$pki/wallet-server" localhost DNS:localhost,IP:127.0.0.1,IP:::1
    new_certificate "$tls" client "$pki/issuer-client" issuer DNS:issuer.example,URI:https://issuer.example
    new_certificate "$tls" client "$pki/wallet" wallet "$wallet"
    new_certificate "$tls" client "$pki/other-wallet" other-wallet URI:https://other-wallet.example
    new_certificate "$tls" client "$pki/limited-wallet" limited-wallet DNS:limited-wallet.example
    new_certificate "$tls" client "$pki/stranger" stranger DNS:stranger.example
    new_certificate "$tls" client "$pki/expired" wallet "$wallet" -startdate 20240101000000Z -enddate 20240201000000Z
    new_certificate "$tls" client "$pki/revoked" wallet "$wallet"
    new_certificate "$foreign" client "$pki/rogue" wallet "$wallet"
    revoke_certificate "$tls" "$pki/revoked.crt"

    new_certificate "$signers" signer "$pki/signer" "Badge signer" DNS:localhost,IP:127.0.0.1
    new_certificate "$signers" signer "$pki/metadata" "Metadata signer" DNS:localhost,IP:127.0.0.1

    cp "$tls/ca.crt" "$pki/ca.crt"
    cp "$tls/ca.crl" "$pki/ca.crl"
    cp "$signers/ca.crt" "$pki/signer-ca.crt"
}

# pki_is_usable FOLDER: made to the end, with what the gateways show on either side, and good for another day.
pki_is_usable() {
    local name
    [[ -e $1/complete ]] || return 1
    for name in server issuer-client wallet-server wallet; do
        openssl x509 -in "$1/$name.crt" -noout -checkend 86400 >/dev/null 2>&1 || return 1
    done
}

base64url() { basenc --base64url --wrap=0 | tr -d '='; }

# octets FILE OFFSET LENGTH, base64url.
octets() { tail -c "+$(($2 + 1))" "$1" | head -c "$3" | base64url; }

# How OpenSSL's DER writes a private key of each curve, both of fixed layout: ECPrivateKey (RFC 5915) and PKCS #8 with
# its SubjectPublicKeyInfo (RFC 8410). "algorithm, offset of the private octets, offset of x in its DER, length".
declare -Ar S2S_JWK_LAYOUT=(
    [P-256]="EC 7 57 32"
    [P-384]="EC 8 71 48"
    [P-521]="EC 8 91 66"
    [X25519]="OKP 16 12 32"
    [X448]="OKP 16 12 56"
)

# new_encryption_key FILE CURVE ALG: a private JWK (RFC 7517) whose kid is its thumbprint (RFC 7638).
new_encryption_key() {
    local file=$1 curve=$2 alg=$3 kty d_at x_at length d x members kid
    local pem=$1.pem private=$1.der public=$1.pub
    read -r kty d_at x_at length <<<"${S2S_JWK_LAYOUT[$curve]}"
    if [[ $kty == EC ]]; then
        new_key "$pem" "$curve"
        openssl ec -in "$pem" -outform DER -out "$private" 2>/dev/null
        cp "$private" "$public"
    else
        openssl genpkey -quiet -algorithm "$curve" -out "$pem"
        openssl pkey -in "$pem" -outform DER -out "$private"
        openssl pkey -in "$pem" -pubout -outform DER -out "$public"
    fi
    d=$(octets "$private" "$d_at" "$length")
    x=$(octets "$public" "$x_at" "$length")
    members="\"crv\":\"$curve\",\"kty\":\"$kty\",\"x\":\"$x\""
    [[ $kty == EC ]] && members+=",\"y\":\"$(octets "$public" $((x_at + length)) "$length")\""
    kid=$(printf '{%s}' "$members" | openssl dgst -sha256 -binary | base64url)
    printf '{%s,"d":"%s","use":"enc","alg":"%s","kid":"%s"}\n' "$members" "$d" "$alg" "$kid" >"$file"
    rm -f "$pem" "$private" "$public"
}

# The curve of each JOSE-HPKE suite, 0 to 7.
readonly -a S2S_HPKE_CURVES=(P-256 P-384 P-521 X25519 X25519 X448 X448 P-256)

# keys_create FOLDER: an encryption key for every algorithm of JOSE-HPKE (key encryption, then integrated), so that a
# wallet can be tried with each.
keys_create() {
    local form suite
    for form in -KE ""; do
        for suite in "${!S2S_HPKE_CURVES[@]}"; do
            new_encryption_key "$1/hpke-$suite${form,,}.jwk" "${S2S_HPKE_CURVES[suite]}" "HPKE-$suite$form"
        done
    done
}

# data_keys_create FOLDER: the keys under which the issuer's and the wallet's gateway store data, unless they are there.
data_keys_create() {
    local name
    for name in data-1 wallet-data-1; do
        [[ -s $1/$name.key ]] || openssl rand 32 | base64url >"$1/$name.key"
    done
}

# webhook_secret_create FILE: a signing secret of Standard Webhooks, unless it is there.
webhook_secret_create() { [[ -s $1 ]] || printf 'whsec_%s\n' "$(openssl rand -base64 32)" >"$1"; }

# pki_ensure FOLDER: make FOLDER/pki and FOLDER/keys when they are missing, half made or about to expire. Encryption and data
# keys outlive the certificates: what is stored under them must stay readable.
pki_ensure() {
    local pki=$1/pki keys=$1/keys
    if ! pki_is_usable "$pki"; then
        rm -rf "$pki"
        mkdir -p "$pki"
        (
            umask 077
            logged "$pki/pki.log" pki_create "$pki"
        )
        : >"$pki/complete"
    fi
    if [[ ! -e $keys/complete ]]; then
        mkdir -p "$keys"
        (
            umask 077
            logged "$keys/keys.log" keys_create "$keys"
        )
        : >"$keys/complete"
    fi
    (
        umask 077
        data_keys_create "$keys"
        webhook_secret_create "$keys/backend.secret"
    )
}
