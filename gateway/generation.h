/* SPDX-License-Identifier: Apache-2.0
 *
 * A generation: everything that is made from one reading of the configuration (keys, certificates, datasets, peers,
 * metadata). Immutable, shared by all workers, counted by reference; a reload makes a new one and swaps it in whole,
 * and what is in flight finishes with the one it began with.
 */
#ifndef GW_GENERATION_H
#define GW_GENERATION_H

#include "gateway/config.h"
#include "gateway/credential/dataset.h"
#include "gateway/credential/signer.h"
#include "gateway/net/outbound.h"
#include "gateway/net/rate.h"
#include "gateway/net/tls.h"
#include "gateway/receiver.h"
#include "gateway/vault.h"
#include "proto/x5c.h"

#include <stdatomic.h>

/* A registered peer. */
struct gw_peer {
    const struct gw_peer_config *config;
    struct gw_rate *rate; /* lives as long as the process */
    struct gw_authorities authorities;
    struct gw_target target; /* its own endpoints; url NULL when it is never called */
    struct gw_target origin; /* of an issuer: where its metadata are; url NULL when it has none */
};

/* One credential configuration with what was loaded for it. */
struct gw_offering {
    const struct gw_credential_config *config;
    struct gw_signer *signer;
    struct gw_dataset *dataset; /* NULL when a backend knows the claims */
    char *metadata;             /* CredentialMetadata as JSON text: json-c trees must not be shared between threads */
    char *metadata_version;
};

/* A document served as it is, with its entity tag (quotes included). */
struct gw_document {
    char *body;
    size_t len;
    char etag[48];
};

/* The certificates of a list of files that configures whom to trust. */
struct gw_anchors {
    const struct gw_file_list *files;
    struct s2s_trust *trust;
};

struct gw_generation {
    atomic_uint references;
    uint64_t number; /* grows with each */
    struct gw_config *config;
    struct gw_vault *vault;
    struct gw_tls *tls[GW_LISTENERS];    /* NULL for a listener without TLS */
    struct s2s_keyring issuer_keys;      /* what decrypts: live keys, and retired ones whose time has not come */
    struct s2s_keyring published_keys;   /* the live ones of them */
    struct gw_offering *offerings;       /* parallels config->credentials */
    struct gw_peer *peers;               /* parallels config->peers */
    struct gw_authorities references_ca; /* of the hosts that documents by reference are fetched from */
    struct gw_receiver *receivers;       /* parallels config->webhooks */
    struct gw_receiver *backends;        /* parallels config->backends */
    struct gw_anchors *anchors;          /* of attestations and presentations */
    size_t anchor_count;
    struct gw_signer *metadata_signer;              /* NULL: metadata is not signed */
    struct gw_document metadata_json, metadata_jwt; /* body NULL when not signed */
};

/* Make a generation from the configuration file. NULL when anything is wrong, with every error reported. One reference.
 */
struct gw_generation *gw_generation_load(const char *path, struct gw_config_errors *errors);

/* One more reference to it; gw_generation_unref gives one back. From any thread. */
struct gw_generation *gw_generation_ref(struct gw_generation *generation);
void gw_generation_unref(struct gw_generation *generation); /* NULL is ignored */

/* The peer of this role (GW_ROLE_*) whose rules match the certificate, or NULL. */
const struct gw_peer *gw_generation_peer(const struct gw_generation *generation, X509 *certificate, unsigned role);

/* The peer of this name, or NULL. */
const struct gw_peer *gw_generation_peer_named(const struct gw_generation *generation, const char *name);

/* The issuer with this name or this Credential Issuer Identifier among the peers, or NULL. */
const struct gw_peer *gw_generation_issuer(const struct gw_generation *generation, const char *name);

/* The receiver of webhooks of this name, or NULL. */
const struct gw_receiver *gw_generation_receiver(const struct gw_generation *generation, const char *name);

/* What comes before the paths of the endpoints that this process hosts in a role (GW_ROLE_*); "" or "/s2s". */
const char *gw_generation_base_path(const struct gw_generation *generation, unsigned role);

/* Whether any peer or receiver of webhooks is ever called. */
bool gw_generation_calls_out(const struct gw_generation *generation);

/* The offering of a credential configuration, or NULL. */
const struct gw_offering *gw_generation_offering(const struct gw_generation *generation, const char *configuration_id);

/* What was loaded from `files`, a list of the configuration's: attestation_trust of a peer that is asked for
 * attestations, trust of an item. */
const struct s2s_trust *gw_generation_trust(const struct gw_generation *generation, const struct gw_file_list *files);

/* Whether the peer may ask for this configuration. */
bool gw_peer_may_use(const struct gw_peer *peer, const char *configuration_id);

/* The first reason why not all keys can be used at `now` (a certificate out of its validity), or NULL. Static text. */
const char *gw_generation_key_trouble(const struct gw_generation *generation, int64_t now);

#endif
