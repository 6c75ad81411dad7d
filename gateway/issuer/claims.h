/* SPDX-License-Identifier: Apache-2.0
 *
 * What credentials are made of, and where it comes from: what was pushed ahead for the instance through the operators'
 * API, which waits sealed in the database; the configuration's dataset file; the backend that knows claims (message
 * `dataset.get`). Claims exist in the clear in memory only.
 */
#ifndef GW_CLAIMS_H
#define GW_CLAIMS_H

#include "gateway/issuer/backend.h"

/* What is known of an instance whose claims are looked for. All borrowed. */
struct gw_claims_instance {
    const struct gw_offering *offering;
    const char *session_id;
    const char *verification_id;
    const char *instance_id;
    const char *subject_ref;         /* pseudonym, for the file; or NULL */
    struct s2s_bytes subject_sealed; /* name, for the backend; empty: it has none */
    const char *credential_version;  /* of the newest credential made, or NULL */
    const char *pushed_version;      /* of what was pushed ahead; NULL: nothing was */
    struct s2s_bytes pushed_sealed;
    int64_t pushed_valid_until_ms; /* epoch; 0: for good */
};

enum gw_claims_end {
    GW_CLAIMS_FOUND,
    GW_CLAIMS_NOT_YET, /* the backend does not have them yet */
    GW_CLAIMS_FAILED   /* nobody has them, or can tell them now; it has been logged */
};

struct gw_claims {
    enum gw_claims_end end;
    struct json_object *claims; /* object; may be shared between threads, so it is not to be changed */
    const char *version;        /* credentialVersion */
    int64_t valid_until;        /* no credential made from them may outlive this, epoch seconds; 0: no bound */
};

/* Look where no call is needed: pushed data, as long as it is valid, then the file. False: the backend has to be asked.
 * A configuration without one ends as failed. */
bool gw_claims_at_hand(const struct gw_generation *generation, struct s2s_arena *arena,
                       const struct gw_claims_instance *instance, int64_t now, struct gw_claims *out);

/* Fill in the question for the backend: all but `worker`, `id`, `deadline_us` and `done`. False, logged, when it cannot
 * be asked. */
bool gw_claims_question(const struct gw_generation *generation, struct s2s_arena *arena,
                        const struct gw_claims_instance *instance, struct gw_backend_ask *out);

/* What the backend's answer to it says. */
void gw_claims_read(const struct gw_backend_ask *ask, const struct gw_backend_answer *answer, int64_t now,
                    struct gw_claims *out);

/* ---- pushed ahead ---- */

/* What a backend answers, and what is pushed ahead: {version, claims, validUntil?}. */
extern const struct s2s_schema gw_dataset_schema;

/* Why an object cannot be the claims of a credential, such as "sets a claim that …": static text that quotes nothing;
 * NULL when it can. */
const char *gw_claims_fault(struct json_object *claims);

/* Seal claims for one instance; in the arena. */
S2S_MUST_CHECK struct s2s_result gw_claims_seal(const struct gw_vault *vault, struct s2s_arena *arena,
                                                const char *instance_id, struct json_object *claims,
                                                struct s2s_bytes *out);

#endif
