/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receiver.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "whsec_"
#define MAX_FILE 1024
/* Standard Webhooks, "Signature scheme": a secret has 24 to 64 octets. */
#define LEAST 24
#define MOST 64

/* Decode standard base64 with its padding; false when it is not that, or of the wrong size. */
static bool decode(const char *text, size_t len, struct gw_secret *out)
{
    unsigned char octets[MAX_FILE];
    int decoded = len % 4 == 0 && len > 0 && len < sizeof(octets)
                      ? EVP_DecodeBlock(octets, (const unsigned char *)text, (int)len)
                      : -1;
    int padding = decoded > 0 ? (text[len - 1] == '=') + (text[len - 2] == '=') : 0;
    bool ok = decoded - padding >= LEAST && decoded - padding <= MOST;
    if (ok) {
        out->len = (size_t)(decoded - padding);
        out->data = malloc(out->len);
        s2s_assert(out->data != NULL);
        memcpy(out->data, octets, out->len);
    }
    OPENSSL_cleanse(octets, sizeof(octets));
    return ok;
}

/* The first line of a small file, malloc'ed; `*size` octets are to be wiped. NULL when it cannot be read, reported. */
static char *read_line(const struct gw_file *file, size_t *len, size_t *size, struct gw_config_errors *errors)
{
    char *text = gw_file_read(file->path, MAX_FILE, len);
    if (text == NULL) {
        gw_config_error(errors, file->line, "%s cannot be read: %s", file->path, strerror(errno));
        return NULL;
    }
    *size = *len;
    while (*len > 0 && (text[*len - 1] == '\n' || text[*len - 1] == '\r'))
        text[--*len] = '\0';
    return text;
}

static bool load_secret(const struct gw_file *file, struct gw_secret *out, struct gw_config_errors *errors)
{
    size_t len, size;
    char *text = read_line(file, &len, &size, errors);
    if (text == NULL)
        return false;
    const size_t prefix = strlen(PREFIX);
    bool ok = len > prefix && memcmp(text, PREFIX, prefix) == 0 && decode(text + prefix, len - prefix, out);
    if (!ok)
        gw_config_error(errors, file->line,
                        "%s holds no webhook secret; write " PREFIX " and %d to %d random octets as base64, such as "
                        "echo " PREFIX "$(openssl rand -base64 32)",
                        file->path, LEAST, MOST);
    OPENSSL_cleanse(text, size);
    free(text);
    return ok;
}

/* A token of RFC 6750 section 2.1. */
static bool is_token(const char *text, size_t len)
{
    size_t good = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");
    while (good > 0 && text[good] == '=')
        ++good;
    return len > 0 && good == len;
}

static bool load_token(const struct gw_file *file, char **authorization, struct gw_config_errors *errors)
{
    static const char field[] = "Authorization: Bearer ";
    size_t len, size;
    char *text = read_line(file, &len, &size, errors);
    if (text == NULL)
        return false;
    bool ok = is_token(text, len);
    if (ok) {
        *authorization = malloc(sizeof(field) + len);
        s2s_assert(*authorization != NULL);
        memcpy(*authorization, field, sizeof(field) - 1);
        memcpy(*authorization + sizeof(field) - 1, text, len + 1);
    } else {
        gw_config_error(errors, file->line, "%s holds no bearer token; write one line of letters, digits and -._~+/",
                        file->path);
    }
    OPENSSL_cleanse(text, size);
    free(text);
    return ok;
}

bool gw_receiver_load(struct gw_receiver *receiver, const struct gw_receiver_config *config,
                      struct gw_config_errors *errors)
{
    *receiver = (struct gw_receiver){
        .config = config,
        .target = {
            .url = config->url, .certificate = config->certificate, .key = config->key, .ca = &receiver->authorities}};
    bool ok = gw_authorities_load(&receiver->authorities, &config->ca, errors);
    receiver->secrets = calloc(config->secrets.count + 1, sizeof(*receiver->secrets));
    s2s_assert(receiver->secrets != NULL);
    for (size_t i = 0; i < config->secrets.count; ++i)
        ok = load_secret(&config->secrets.items[i], &receiver->secrets[receiver->secret_count++], errors) && ok;
    if (config->token.path != NULL)
        ok = load_token(&config->token, &receiver->authorization, errors) && ok;
    return ok;
}

void gw_receiver_release(struct gw_receiver *receiver)
{
    for (size_t i = 0; i < receiver->secret_count; ++i) {
        OPENSSL_cleanse(receiver->secrets[i].data, receiver->secrets[i].len);
        free(receiver->secrets[i].data);
    }
    free(receiver->secrets);
    if (receiver->authorization != NULL)
        OPENSSL_cleanse(receiver->authorization, strlen(receiver->authorization));
    free(receiver->authorization);
    gw_authorities_release(&receiver->authorities);
}
