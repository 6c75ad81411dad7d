/* SPDX-License-Identifier: Apache-2.0
 *
 * The data keys: what the gateway stores of persons is sealed with them, and references to persons and digests of what
 * persons said are made with them, so that the database alone tells nothing.
 *
 * A sealed blob is: version (1 octet) | key id (4) | salt (16) | nonce-less AES-256-GCM ciphertext and tag, under a key
 * derived per blob with HKDF-SHA256(data key, salt, "s2s-gateway seal"), so that random collisions of nonces cannot
 * occur. The key id is the first octets of the key's SHA-256; the associated data is version, key id, salt and the
 * context.
 */
#ifndef GW_VAULT_H
#define GW_VAULT_H

#include "config.h"
#include "proto/arena.h"
#include "proto/result.h"

struct gw_vault;

/* Load the data keys that the configuration names. NULL with errors reported. */
struct gw_vault *gw_vault_load(const struct gw_config *config, struct gw_config_errors *errors);
void gw_vault_free(struct gw_vault *vault); /* wipes */

/* Seal under the newest key. `context` is authenticated, not stored (for example the verification id). In the arena. */
S2S_MUST_CHECK struct s2s_result gw_vault_seal(const struct gw_vault *vault, struct s2s_arena *arena,
                                               const char *context, struct s2s_bytes plain, struct s2s_bytes *out);

/* Open with whichever key sealed it. S2S_UNKNOWN_KEY, S2S_REFUSED, S2S_MALFORMED. */
S2S_MUST_CHECK struct s2s_result gw_vault_open(const struct gw_vault *vault, struct s2s_arena *arena,
                                               const char *context, struct s2s_bytes sealed, struct s2s_bytes *out);

/* Number of keys, newest first. */
size_t gw_vault_key_count(const struct gw_vault *vault);

/* A pseudonym: base64url HMAC-SHA256 of `purpose` and `text` under a key derived from the `index`th data key, prefixed
 * by the data key's id in hex and a dot; NUL-terminated into `out`. The same input gives the same output. */
#define GW_PSEUDONYM_SIZE 56
void gw_vault_pseudonym(const struct gw_vault *vault, size_t index, const char *purpose, struct s2s_bytes text,
                        char out[GW_PSEUDONYM_SIZE]);

/* A digest by which a text is known again: HMAC-SHA256 of `name` and `text`. Not a plain hash, from which whoever has
 * the database could find what has few possible values, such as a one-time password, by trying. The key is derived from
 * the oldest data key: a new one, put first, changes no digest, and gateways that have it already agree with those that
 * do not have it yet. */
#define GW_DIGEST_SIZE 32
void gw_vault_digest(const struct gw_vault *vault, struct s2s_bytes name, struct s2s_bytes text,
                     uint8_t out[GW_DIGEST_SIZE]);

#endif
