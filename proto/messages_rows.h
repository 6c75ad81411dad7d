/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that many messages share. For files that are tables of messages: those in messages*.c, and the gateway's own.
 */
#ifndef S2S_MESSAGES_ROWS_H
#define S2S_MESSAGES_ROWS_H

#include "messages.h"

/* The `fields` and `count` of a schema. */
#define S2S_FIELDS(rows) .fields = (rows), .count = sizeof(rows) / sizeof *(rows)

#define S2S_TEXT_ROW(member, requirement, limit, text)                                                                 \
    {                                                                                                                  \
        .name = (member), .type = S2S_STRING, .flags = (requirement), .max = (limit), .doc = (text)                    \
    }

#define S2S_OBJECT_ROW(member, requirement, table, text)                                                               \
    {                                                                                                                  \
        .name = (member), .type = S2S_OBJECT, .flags = (requirement), .object = (table), .doc = (text)                 \
    }

#define S2S_ARRAY_ROW(member, requirement, item, text)                                                                 \
    {                                                                                                                  \
        .name = (member), .type = S2S_ARRAY, .flags = (requirement), .items = (item), .doc = (text)                    \
    }

#define S2S_ENUM_ROW(member, requirement, choices, text)                                                               \
    {                                                                                                                  \
        .name = (member), .type = S2S_STRING, .flags = (requirement), .values = (choices), .doc = (text)               \
    }

#define S2S_DATE_TIME_ROW(member, requirement, text)                                                                   \
    {                                                                                                                  \
        .name = (member), .type = S2S_STRING, .flags = (requirement), .format = S2S_DATE_TIME,                         \
        .max = S2S_MAX_TIMESTAMP, .doc = (text)                                                                        \
    }

#define S2S_SESSION_ID_ROW                                                                                             \
    {                                                                                                                  \
        .name = "sessionId", .type = S2S_STRING, .flags = S2S_REQUIRED, .format = S2S_UUID,                            \
        .doc = "The wallet server's identifier of the session; compared case-sensitively."                             \
    }

/* Opaque although the issuer makes UUIDs: one of another shape is an unknown one (404), not a malformed one. */
#define S2S_VERIFICATION_ID_ROW                                                                                        \
    S2S_TEXT_ROW("verificationId", S2S_REQUIRED, S2S_MAX_ID, "The issuer's identifier of the verification.")

#define S2S_INSTANCE_ID_ROW                                                                                            \
    S2S_TEXT_ROW("credentialInstanceId", S2S_REQUIRED, S2S_MAX_ID,                                                     \
                 "The issuer's identifier of the credential instance.")

#define S2S_EXTENSIONS_ROW                                                                                             \
    S2S_OBJECT_ROW("extensions", 0, NULL, "Implementation-specific members; unknown ones are ignored.")

#define S2S_WALLET_ENCRYPTION_KEY_ROW                                                                                  \
    S2S_OBJECT_ROW("walletEncryptionKey", S2S_REQUIRED, &s2s_wallet_encryption_key,                                    \
                   "The key that the issuer encrypts to.")

/* Items of an array. */
extern const struct s2s_field s2s_any_object_item;
extern const struct s2s_field s2s_id_item;   /* an identifier */
extern const struct s2s_field s2s_name_item; /* an identifier that is a token: an algorithm, a version */

#endif
