/* SPDX-License-Identifier: Apache-2.0
 *
 * Credential offers (OpenID4VCI 1.0 section 4.1).
 */
#include "gateway/admin/api_messages_rows.h"

#define MAX_OFFERED 16        /* credential configurations of an offer */
#define MAX_LIFETIME 2592000  /* seconds: 30 days */
#define MAX_TX_CODE_LENGTH 32 /* characters */
#define MAX_TX_CODE_TEXT 300  /* characters of its description (OpenID4VCI 1.0 section 4.1.1) */
#define MAX_LINK 16384        /* characters */
#define MAX_QR_CODE 262144    /* characters of SVG */
#define MAX_ATTEMPTS 100

static const struct s2s_field offer_path_fields[] = {ID_ROW("offerId", S2S_REQUIRED, "The offer.")};

const struct s2s_schema gw_admin_offer_path = {.name = "OfferPath", S2S_FIELDS(offer_path_fields)};

static const char *const states[] = {"OPEN", "USED", "REVOKED", "EXHAUSTED", "EXPIRED", NULL};

static const struct s2s_field offers_query_fields[] = {
    S2S_ENUM_ROW("state", 0, states, "Only those in this state."),
    PEER_ROW(0, "Only those that this peer alone may redeem."),
    ID_ROW("configuration", 0, "Only those of this credential configuration."),
    S2S_TEXT_ROW("subject", 0, S2S_MAX_ID, "Only those for this subject."),
    PAGE_ROWS,
};

const struct s2s_schema gw_admin_offers_query = {.name = "OffersQuery", S2S_FIELDS(offers_query_fields)};

/* ---- making one ---- */

static const char *const input_modes[] = {"numeric", "text", NULL};

static const struct s2s_field tx_code_request_fields[] = {
    {.name = "length",
     .type = S2S_INTEGER,
     .min = 4,
     .max = MAX_TX_CODE_LENGTH,
     .doc = "Characters; `offers.tx_code_length` when absent."},
    S2S_ENUM_ROW("input_mode", 0, input_modes, "Digits, or digits and letters; `offers.tx_code_mode` when absent."),
    S2S_TEXT_ROW("description", 0, MAX_TX_CODE_TEXT, "What the wallet tells the holder: where to find the code."),
};

static const struct s2s_schema tx_code_request = {
    .name = "TransactionCodeRequest",
    .doc = "A transaction code, which reaches the holder on another way than the offer.",
    S2S_FIELDS(tx_code_request_fields),
};

static const struct s2s_field offer_request_fields[] = {
    {.name = "credentialConfigurationIds",
     .type = S2S_ARRAY,
     .flags = S2S_REQUIRED | S2S_UNIQUE,
     .min = 1,
     .max = MAX_OFFERED,
     .items = &s2s_id_item,
     .doc = "The credential configurations that are offered."},
    S2S_TEXT_ROW("subject", 0, S2S_MAX_ID,
                 "Whose credentials are offered; the configuration's own `subject` when absent. Stored sealed."),
    PEER_ROW(0, "The only wallet server that may redeem it; any when absent."),
    S2S_OBJECT_ROW("tx_code", 0, &tx_code_request, "Ask the holder for a transaction code; none when absent."),
    FLAG_ROW("byReference", 0, "Whether the link names a document to be fetched, instead of carrying it."),
    {.name = "lifetime",
     .type = S2S_INTEGER,
     .min = 1,
     .max = MAX_LIFETIME,
     .doc = "Seconds until it expires; `offers.lifetime` when absent."},
};

const struct s2s_schema gw_admin_offer_request = {.name = "OfferRequest", S2S_FIELDS(offer_request_fields)};

/* ---- an offer ---- */

static const struct s2s_field offer_fields[] = {
    ID_ROW("offerId", S2S_REQUIRED, "The offer."),
    S2S_ENUM_ROW("state", S2S_REQUIRED, states, "Whether it can be redeemed, or why not."),
    IDS_ROW("credentialConfigurationIds", S2S_REQUIRED, MAX_OFFERED, "The credential configurations that are offered."),
    PEER_ROW(0, "The only wallet server that may redeem it."),
    FLAG_ROW("txCode", S2S_REQUIRED, "Whether the holder must give a transaction code."),
    {.name = "attemptsLeft",
     .type = S2S_INTEGER,
     .max = MAX_ATTEMPTS,
     .doc = "How many wrong transaction codes use it up."},
    TIME_ROW("createdAt", S2S_REQUIRED, "When it was made."),
    TIME_ROW("expiresAt", S2S_REQUIRED, "When it expires."),
    TIME_ROW("usedAt", 0, "When it was redeemed."),
    ID_ROW("verificationId", 0, "The verification that has redeemed it."),
    TIME_ROW("revokedAt", 0, "When it was revoked."),
    ID_ROW("revokedBy", 0, "The operator who revoked it."),
    ID_ROW("createdBy", 0, "The operator who made it."),
};

const struct s2s_schema gw_admin_offer = {
    .name = "Offer", .doc = "A credential offer, without its codes.", S2S_FIELDS(offer_fields)};

static const struct s2s_field made_fields[] = {
    S2S_OBJECT_ROW("offer", S2S_REQUIRED, &gw_admin_offer, "The offer."),
    S2S_OBJECT_ROW("credential_offer", S2S_REQUIRED, NULL,
                   "The offer as the wallet gets it (OpenID4VCI 1.0 section 4.1.1)."),
    S2S_TEXT_ROW("credential_offer_uri", 0, MAX_LINK, "byReference: where the wallet fetches it."),
    S2S_TEXT_ROW("deepLink", S2S_REQUIRED, MAX_LINK, "What opens the wallet on the holder's device."),
    S2S_TEXT_ROW("qr", 0, MAX_QR_CODE,
                 "The deep link as a QR code, an SVG image; absent when it is too long for one: use byReference then."),
    S2S_TEXT_ROW("tx_code", 0, MAX_TX_CODE_LENGTH,
                 "The transaction code, for the holder alone. It is shown here, and never again."),
};

const struct s2s_schema gw_admin_offer_made = {
    .name = "OfferMade",
    .doc = "A new offer with its codes. They are stored as HMACs only, and can not be asked for later.",
    S2S_FIELDS(made_fields),
};

static const struct s2s_field offer_item = {.type = S2S_OBJECT, .object = &gw_admin_offer};
static const struct s2s_field offers_fields[] = {LIST_ROWS("offers", &offer_item, "Newest first.")};

const struct s2s_schema gw_admin_offers = {.name = "Offers", .doc = "A page of offers.", S2S_FIELDS(offers_fields)};

static const char *const outcomes[] = {"COMPLETED", "NO_CHANGE", "FAILED", NULL};

const struct s2s_schema gw_admin_offer_revoke_request = {.name = "OfferRevokeRequest", .doc = "Nothing is needed."};

static const struct s2s_field revoked_fields[] = {
    S2S_ENUM_ROW("outcome", S2S_REQUIRED, outcomes, "NO_CHANGE: it was revoked before."),
    REASON_ROW("failureReason", 0, "FAILED: how it had ended, for machines."),
    S2S_OBJECT_ROW("offer", S2S_REQUIRED, &gw_admin_offer, "The offer after it."),
};

const struct s2s_schema gw_admin_offer_revoked = {
    .name = "OfferRevoked", .doc = "What became of it.", S2S_FIELDS(revoked_fields)};
