/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of verification items (profile D12), one row each: how an item of it is asked for, and how one that came is
 * judged. A judgment is made in three steps, of which most types need the first alone:
 *
 *   check      what the item says by itself: no I/O
 *   question   what the database knows of it (s2s.evaluation_facts)
 *   fetch      what it refers to, over the network
 *
 * A verdict is data. What becomes of it decides whoever decides (policy.h).
 */
#ifndef GW_ITEMS_H
#define GW_ITEMS_H

#include "gateway/generation.h"
#include "gateway/net/reference.h"
#include "proto/messages.h"

/* One VerificationDataItem, decrypted: the newest of its id and origin. Borrowed. */
struct gw_item {
    const char *id;
    const char *type;
    enum gw_item_origin origin;
    unsigned seq; /* of the submission that brought it */
    struct json_object *json;
};

/* What every judgment of one evaluation is made from. All borrowed. */
struct gw_item_context {
    struct s2s_arena *arena;
    const struct gw_generation *generation;
    const char *peer;
    const char *session_id;
    const char *verification_id;
    int64_t now; /* seconds */
    const struct gw_item *items;
    size_t item_count;
};

enum gw_item_verdict {
    GW_ITEM_MISSING,
    GW_ITEM_MISMATCH,
    GW_ITEM_WAITING, /* it is there, and something else is to come */
    GW_ITEM_SATISFIED
};

/* "WALLET_CLIENT", "WALLET_SERVER", "ISSUER": who gave an item, in the words of our own APIs. */
const char *gw_item_origin_name(enum gw_item_origin origin);

/* "MISSING", "MISMATCH", "WAITING", "SATISFIED". */
const char *gw_item_verdict_name(enum gw_item_verdict verdict);

/* Of whom the credentials of a configuration are to be, as an item has it. */
struct gw_item_subject {
    const char *configuration_id;
    const char *ref;  /* pseudonym; NULL: unknown */
    const char *name; /* NULL: unknown */
};

/* What is known of one item of one configuration's policy. Everything in it is in the arena, or borrowed. */
struct gw_judgment {
    const struct gw_item_policy *policy;
    const char *configuration_id; /* whose policy it is; NULL: nobody asked for the item */
    const struct gw_item *item;   /* NULL: there is none */
    enum gw_item_verdict verdict;
    const char *reason;         /* reasonCode of a mismatch; NULL: the policy's */
    struct json_object *facts;  /* what was found out, fit for a backend; NULL: nothing */
    struct json_object *source; /* where the member that names a subject is looked up; NULL: in the item */
    const struct gw_item_subject *subjects;
    size_t subject_count;
    bool answered; /* by the database */
    void *state;   /* of the type, between its steps */
};

/* Something that an item refers to. */
struct gw_item_fetch {
    struct gw_reference reference;
    const struct gw_string_list *hosts; /* allowed ones */
    size_t max_size;                    /* octets */
    size_t keep;                        /* as in gw_reference_fetch */
};

/* One row a kind. Members that are NULL have nothing to do. */
struct gw_item_type {
    bool any_id;  /* it is sent unasked, before anybody could know an id: every id will do */
    bool unasked; /* it can be judged without a configuration that asks for it */
    /* Complete the request for an item, to which the configured members have been copied. */
    struct s2s_result (*request)(const struct gw_item_context *ctx, const struct gw_item_policy *policy,
                                 struct json_object *request);
    /* Judge the item, which is there, as SATISFIED it is handed over; what stays so goes on to the next steps. */
    void (*check)(const struct gw_item_context *ctx, struct gw_judgment *judgment);
    /* Judge that there is none; MISSING as it is handed over. */
    void (*absent)(const struct gw_item_context *ctx, struct gw_judgment *judgment);
    /* An element of p_checks, without `item` and `seq`; one new reference. */
    struct json_object *(*question)(const struct gw_item_context *ctx, const struct gw_item *item);
    /* What the database answered, an element of `checks` that says SATISFIED. */
    void (*answered)(const struct gw_item_context *ctx, struct gw_judgment *judgment, struct json_object *answer);
    /* The next thing to fetch; false when there is none. */
    bool (*fetch)(const struct gw_item_context *ctx, struct gw_judgment *judgment, struct gw_item_fetch *out);
    /* How that ended. */
    void (*fetched)(const struct gw_item_context *ctx, struct gw_judgment *judgment,
                    const struct gw_reference_result *result);
};

/* By kind. */
extern const struct gw_item_type *const gw_item_types[GW_ITEM_KINDS];

/* The rows, each in the file of its name. */
extern const struct gw_item_type gw_item_offer;
extern const struct gw_item_type gw_item_prior_session;
extern const struct gw_item_type gw_item_web;
extern const struct gw_item_type gw_item_document;
extern const struct gw_item_type gw_item_presentation;

/* ---- for the rows ---- */

/* Note that the item does not match; `reason` is static, or NULL for the policy's. */
void gw_item_mismatch(struct gw_judgment *judgment, const char *reason);

/* The facts of a judgment, made when first asked for; owned by the arena. */
struct json_object *gw_item_facts(const struct gw_item_context *ctx, struct gw_judgment *judgment);

/* Take `subjects` of the database's answer. Names are sealed for what the member `context` of its facts names. An item
 * that says nothing of the configuration whose policy it is does not match. */
void gw_item_take_subjects(const struct gw_item_context *ctx, struct gw_judgment *judgment, struct json_object *answer,
                           const char *context);

/* The member as a text of at most S2S_MAX_ID octets, or NULL when it is none. */
const char *gw_item_text(const struct gw_item *item, const char *member);

/* The newest item of this id, type and origin, or NULL. Of an id NULL: of any. */
const struct gw_item *gw_item_find(const struct gw_item_context *ctx, const char *id, const char *type,
                                   enum gw_item_origin origin);

#endif
