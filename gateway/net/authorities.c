/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/authorities.h"

#include "proto/b64.h"
#include "proto/crypto.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1024 * 1024)

/* Whether there is a certificate in it, as libcurl will look for them. */
static bool has_certificate(const char *pem, size_t len)
{
    BIO *text = BIO_new_mem_buf(pem, (int)len);
    s2s_assert(text != NULL);
    STACK_OF(X509_INFO) *entries = PEM_X509_INFO_read_bio(text, NULL, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_X509_INFO_num(entries) && !found; ++i)
        found = sk_X509_INFO_value(entries, i)->x509 != NULL;
    sk_X509_INFO_pop_free(entries, X509_INFO_free);
    BIO_free(text);
    ERR_clear_error();
    return found;
}

static bool add_file(FILE *out, const struct gw_file *file, struct gw_config_errors *errors)
{
    size_t len;
    char *pem = gw_file_read(file->path, MAX_FILE, &len);
    if (pem == NULL) {
        gw_config_error(errors, file->line, "%s cannot be read: %s", file->path, strerror(errno));
        return false;
    }
    bool good = has_certificate(pem, len);
    if (good)
        fprintf(out, "%s\n", pem);
    else
        gw_config_error(errors, file->line, "%s holds no PEM certificate", file->path);
    free(pem);
    return good;
}

bool gw_authorities_load(struct gw_authorities *authorities, const struct gw_file_list *files,
                         struct gw_config_errors *errors)
{
    *authorities = (struct gw_authorities){.pem = NULL};
    if (files->count == 0)
        return true;
    FILE *out = open_memstream(&authorities->pem, &authorities->len);
    s2s_assert(out != NULL);
    bool ok = true;
    for (size_t i = 0; i < files->count; ++i)
        ok = add_file(out, &files->items[i], errors) && ok;
    s2s_assert(fclose(out) == 0);
    uint8_t digest[32];
    s2s_assert(!s2s_failed(s2s_hash(S2S_SHA256, s2s_bytes(authorities->pem, authorities->len), digest)));
    s2s_b64_encode_to(authorities->id, s2s_bytes(digest, sizeof(digest)));
    return ok;
}

void gw_authorities_release(struct gw_authorities *authorities)
{
    free(authorities->pem);
    authorities->pem = NULL;
}
