/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of those commands that are more than one request.
 */
#ifndef CTL_ACTIONS_H
#define CTL_ACTIONS_H

#include "gateway/ctl/command.h"

/* review.c */
enum ctl_status ctl_run_decide(struct ctl *ctl);
enum ctl_status ctl_run_ask(struct ctl *ctl);

/* operate.c */
enum ctl_status ctl_run_bulk_start(struct ctl *ctl);
enum ctl_status ctl_run_bulk_show(struct ctl *ctl);
enum ctl_status ctl_run_redrive(struct ctl *ctl);
enum ctl_status ctl_run_reconcile(struct ctl *ctl);
enum ctl_status ctl_run_offer(struct ctl *ctl);
enum ctl_status ctl_run_web_result(struct ctl *ctl);

/* wallet_commands.c */
enum ctl_status ctl_run_wallet_keys(struct ctl *ctl);
enum ctl_status ctl_run_wallet_issuer(struct ctl *ctl);
enum ctl_status ctl_run_wallet_nonce(struct ctl *ctl);
enum ctl_status ctl_run_wallet_payload(struct ctl *ctl);
enum ctl_status ctl_run_wallet_initiate(struct ctl *ctl);
enum ctl_status ctl_run_wallet_supplement(struct ctl *ctl);
enum ctl_status ctl_run_wallet_status(struct ctl *ctl);
enum ctl_status ctl_run_wallet_cancel(struct ctl *ctl);
enum ctl_status ctl_run_wallet_provision(struct ctl *ctl);
enum ctl_status ctl_run_wallet_get(struct ctl *ctl);
enum ctl_status ctl_run_wallet_metadata(struct ctl *ctl);
enum ctl_status ctl_run_wallet_state(struct ctl *ctl);
enum ctl_status ctl_run_wallet_manage(struct ctl *ctl);
enum ctl_status ctl_run_wallet_event(struct ctl *ctl);
enum ctl_status ctl_run_wallet_decode(struct ctl *ctl);

/* decode_command.c */
enum ctl_status ctl_run_decode(struct ctl *ctl);

/* completion.c, help.c */
enum ctl_status ctl_run_completion(struct ctl *ctl);
enum ctl_status ctl_run_help(struct ctl *ctl);
enum ctl_status ctl_run_version(struct ctl *ctl);

#endif
