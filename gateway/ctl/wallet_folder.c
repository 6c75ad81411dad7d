/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/keyfile.h"
#include "gateway/ctl/wallet.h"
#include "proto/hpke.h"
#include "proto/json.h"
#include "proto/jws.h"
#include "proto/uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE ((size_t)16 << 20)

/* ---- files ---- */

static const char *path_of(const struct ctl_wallet *wallet, const char *name)
{
    return ctl_text(wallet->ctl, "%s/%s", wallet->folder, name);
}

char *ctl_wallet_read(const struct ctl_wallet *wallet, const char *name, size_t *len)
{
    const char *path = path_of(wallet, name);
    return access(path, F_OK) == 0 ? ctl_read_file(wallet->ctl, path, MAX_FILE, len) : NULL;
}

enum ctl_status ctl_wallet_write(const struct ctl_wallet *wallet, const char *name, const char *text, size_t len)
{
    const char *path = path_of(wallet, name), *fresh = ctl_text(wallet->ctl, "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write(fd, text, len) == (ssize_t)len;
    if (fd >= 0 && close(fd) != 0)
        written = false;
    if (written && rename(fresh, path) == 0) /* whole or not at all */
        return CTL_OK;
    return ctl_fail(CTL_USAGE, "%s: %s", path, strerror(errno));
}

/* ---- state ---- */

enum ctl_status ctl_wallet_save(const struct ctl_wallet *wallet)
{
    const char *text = json_object_to_json_string_ext(wallet->state, JSON_C_TO_STRING_PRETTY);
    return ctl_wallet_write(wallet, CTL_WALLET_STATE, text, strlen(text));
}

const char *ctl_wallet_text(const struct ctl_wallet *wallet, const char *name, const char *command)
{
    const char *text = s2s_json_string(wallet->state, name);
    if (text == NULL)
        (void)ctl_fail(CTL_USAGE, "%s has no %s yet; first: s2sctl wallet %s", wallet->folder, name, command);
    return text;
}

/* ---- keys ---- */

static const char *pem_of(const struct ctl_wallet *wallet, EVP_PKEY *pkey, size_t *len)
{
    char *data;
    BIO *bio = BIO_new(BIO_s_mem());
    s2s_assert(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1);
    *len = (size_t)BIO_get_mem_data(bio, &data);
    const char *text = s2s_arena_strndup(wallet->ctl->arena, data, *len);
    BIO_free(bio);
    return text;
}

static EVP_PKEY *generate(enum s2s_curve curve)
{
    static const char *const curves[] = {[S2S_P256] = "P-256",      [S2S_P384] = "P-384",    [S2S_P521] = "P-521",
                                         [S2S_ED25519] = "ED25519", [S2S_X25519] = "X25519", [S2S_X448] = "X448"};
    bool elliptic = curve == S2S_P256 || curve == S2S_P384 || curve == S2S_P521;
    EVP_PKEY *pkey = elliptic ? EVP_EC_gen(curves[curve]) : EVP_PKEY_Q_keygen(NULL, NULL, curves[curve]);
    s2s_assert(pkey != NULL);
    return pkey;
}

/* Make a key for the algorithm and write it. */
static enum ctl_status make_key(const struct ctl_wallet *wallet, const char *name, enum s2s_curve curve,
                                const char *alg, const char *kid, struct s2s_jwk **out)
{
    size_t len;
    EVP_PKEY *pkey = generate(curve);
    const char *pem = pem_of(wallet, pkey, &len);
    struct s2s_result r = s2s_jwk_from_pkey(pkey, alg, kid, out);
    EVP_PKEY_free(pkey);
    if (s2s_failed(r))
        return ctl_fail(CTL_USAGE, "%s: %s", alg, r.detail);
    (void)s2s_jwk_own(wallet->ctl->arena, *out);
    return ctl_wallet_write(wallet, name, pem, len);
}

/* Read a key, if it is there. */
static enum ctl_status read_key(const struct ctl_wallet *wallet, const char *name, const char *alg, const char *kid,
                                struct s2s_jwk **out)
{
    size_t len;
    const char *text = ctl_wallet_read(wallet, name, &len);
    if (text == NULL || alg == NULL)
        return CTL_OK;
    struct s2s_result r = ctl_keyfile_private(wallet->ctl->arena, text, len, alg, kid, out);
    return s2s_failed(r) ? ctl_fail(CTL_USAGE, "%s: %s", path_of(wallet, name), r.detail) : CTL_OK;
}

static bool signature_curve(const char *alg, enum s2s_curve *out)
{
    static const enum s2s_curve curves[] = {S2S_P256, S2S_P384, S2S_P521, S2S_ED25519};
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); ++i) {
        *out = curves[i];
        if (s2s_jws_alg_fits(alg, curves[i]))
            return true;
    }
    return false;
}

enum ctl_status ctl_wallet_make_keys(struct ctl_wallet *wallet, const char *alg, const char *encryption_alg)
{
    bool key_encryption;
    char kid[S2S_UUID_SIZE];
    enum s2s_curve curve;
    const struct s2s_hpke_suite *suite = s2s_hpke_suite_of(encryption_alg, &key_encryption);
    if (!signature_curve(alg, &curve) || suite == NULL)
        return ctl_fail(CTL_USAGE, "there is no algorithm %s", suite == NULL ? encryption_alg : alg);
    s2s_uuid_new(kid);
    s2s_json_set_string(wallet->state, "signatureAlgorithm", alg);
    s2s_json_set_string(wallet->state, "encryptionAlgorithm", encryption_alg);
    s2s_json_set_string(wallet->state, "encryptionKeyId", kid);
    enum ctl_status status = make_key(wallet, CTL_WALLET_WSK, curve, alg, NULL, &wallet->wsk);
    if (status == CTL_OK)
        status = make_key(wallet, CTL_WALLET_WEK, suite->curve, encryption_alg, kid, &wallet->wek);
    return status == CTL_OK ? ctl_wallet_save(wallet) : status;
}

enum ctl_status ctl_wallet_presentment_key(struct ctl_wallet *wallet, unsigned number, struct s2s_jwk **out)
{
    const char *name = ctl_text(wallet->ctl, "presentment-key-%u.pem", number);
    const char *alg = s2s_jwk_alg(wallet->wsk);
    *out = NULL;
    enum ctl_status status = read_key(wallet, name, alg, NULL, out);
    if (status != CTL_OK || *out != NULL)
        return status;
    return make_key(wallet, name, s2s_jwk_curve(wallet->wsk), alg, NULL, out);
}

/* ---- opening ---- */

/* An option, else the environment, else NULL. */
static const char *option_or(const struct ctl *ctl, const char *option, const char *variable)
{
    const char *value = ctl_value(ctl, option);
    if (value == NULL)
        value = getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum ctl_status read_state(struct ctl_wallet *wallet)
{
    size_t len;
    const char *text = ctl_wallet_read(wallet, CTL_WALLET_STATE, &len);
    wallet->state = text != NULL ? ctl_parse_json(wallet->ctl, path_of(wallet, CTL_WALLET_STATE), text, len)
                                 : ctl_object(wallet->ctl);
    if (wallet->state == NULL || !json_object_is_type(wallet->state, json_type_object))
        return CTL_USAGE;
    const char *issuer = option_or(wallet->ctl, "issuer", "S2S_ISSUER_URL");
    if (issuer != NULL)
        s2s_json_set_string(wallet->state, "issuer", issuer);
    return CTL_OK;
}

enum ctl_status ctl_wallet_open(struct ctl *ctl, struct ctl_wallet *wallet)
{
    const char *folder = option_or(ctl, "dir", "S2S_WALLET_DIR");
    *wallet = (struct ctl_wallet){
        .ctl = ctl,
        .folder = folder != NULL ? folder : "s2s-wallet",
        .identity = {.certificate = option_or(ctl, "certificate", "S2S_WALLET_CERT"),
                     .key = option_or(ctl, "key", "S2S_WALLET_KEY"),
                     .ca = option_or(ctl, "ca", "S2S_CA")},
        .curl = curl_easy_init(),
    };
    s2s_assert(wallet->curl != NULL);
    if (mkdir(wallet->folder, 0700) != 0 && errno != EEXIST)
        return ctl_fail(CTL_USAGE, "%s: %s", wallet->folder, strerror(errno));
    enum ctl_status status = read_state(wallet);
    if (status == CTL_OK)
        status =
            read_key(wallet, CTL_WALLET_WSK, s2s_json_string(wallet->state, "signatureAlgorithm"), NULL, &wallet->wsk);
    if (status == CTL_OK)
        status = read_key(wallet, CTL_WALLET_WEK, s2s_json_string(wallet->state, "encryptionAlgorithm"),
                          s2s_json_string(wallet->state, "encryptionKeyId"), &wallet->wek);
    return status;
}

void ctl_wallet_close(struct ctl_wallet *wallet)
{
    if (wallet->curl != NULL)
        curl_easy_cleanup(wallet->curl);
}
