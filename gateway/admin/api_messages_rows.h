/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that many messages of the operators' API share. For the files api_messages_*.c only.
 */
#ifndef GW_ADMIN_MESSAGES_ROWS_H
#define GW_ADMIN_MESSAGES_ROWS_H

#include "gateway/admin/api_messages.h"
#include "proto/messages_rows.h"

#define MAX_CURSOR 1024 /* characters */
#define MAX_PAGE 200    /* rows of a list */
#define MAX_PEER 80     /* characters: a peer, or "webhook:NAME" */
#define MAX_BULK_IDS 1000
#define MAX_FINDINGS 1000

#define ID_ROW(member, requirement, text) S2S_TEXT_ROW(member, requirement, S2S_MAX_ID, text)
#define REASON_ROW(member, requirement, text) S2S_TEXT_ROW(member, requirement, S2S_MAX_REASON, text)
#define TIME_ROW(member, requirement, text) S2S_DATE_TIME_ROW(member, requirement, text)

#define PEER_ROW(requirement, text) S2S_TEXT_ROW("peer", requirement, MAX_PEER, text)
#define VERIFICATION_ROW(requirement) ID_ROW("verificationId", requirement, "The verification.")
#define SESSION_ROW(requirement) ID_ROW("sessionId", requirement, "The session.")
#define INSTANCE_ROW(requirement) ID_ROW("credentialInstanceId", requirement, "The credential instance.")

#define COUNT_ROW(member, requirement, text)                                                                           \
    {                                                                                                                  \
        .name = (member), .type = S2S_INTEGER, .flags = (requirement), .doc = (text)                                   \
    }

#define FLAG_ROW(member, requirement, text)                                                                            \
    {                                                                                                                  \
        .name = (member), .type = S2S_BOOLEAN, .flags = (requirement), .doc = (text)                                   \
    }

#define IDS_ROW(member, requirement, limit, text)                                                                      \
    {                                                                                                                  \
        .name = (member), .type = S2S_ARRAY, .flags = (requirement), .max = (limit), .items = &s2s_id_item,            \
        .doc = (text)                                                                                                  \
    }

#define ROWS_ROW(member, requirement, limit, item, text)                                                               \
    {                                                                                                                  \
        .name = (member), .type = S2S_ARRAY, .flags = (requirement), .max = (limit), .items = (item), .doc = (text)    \
    }

#define CURSOR_ROW(text) S2S_TEXT_ROW("cursor", 0, MAX_CURSOR, text)
#define NEXT_CURSOR_ROW(text) S2S_TEXT_ROW("nextCursor", 0, MAX_CURSOR, text)

#define PAGE_ROWS                                                                                                      \
    CURSOR_ROW("nextCursor of the page before this one."),                                                             \
    {                                                                                                                  \
        .name = "limit", .type = S2S_INTEGER, .min = 1, .max = MAX_PAGE, .doc = "Rows of a page; 50 when absent."      \
    }

/* The rows of an answer that is a page of a list. */
#define LIST_ROWS(member, item, text)                                                                                  \
    ROWS_ROW(member, S2S_REQUIRED, MAX_PAGE, item, text),                                                              \
        NEXT_CURSOR_ROW("Where the next page begins; absent on the last one. A page that a filter leaves empty may "   \
                        "have one too.")

#endif
