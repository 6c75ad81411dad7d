/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of a decision in JSON, whoever says it: a backend that decides, or a reviewer.
 */
#ifndef GW_DECISION_MESSAGES_H
#define GW_DECISION_MESSAGES_H

#include "proto/schema.h"

/* Datasets of one decision: each is a credential instance. */
#define GW_MAX_DATASETS 256

/* All but `status`, whose values differ: the base of each one's own schema. */
extern const struct s2s_schema gw_decision_members;

#endif
