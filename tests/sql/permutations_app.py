# SPDX-License-Identifier: Apache-2.0
"""Concurrent sessions, in every order: what the application does, and reconciliation. See interleave.py."""
import json
import sys

from interleave import count, main, reply, scenario, value

# ---- the application ----

ISSUER = ["SELECT s2s.lanes_set('{issuer}', '[{\"name\": \"backend\"}]')"]
STARTED = ISSUER + ["SELECT test.app_start('S')"]
STARTING = STARTED + ["SELECT test.sent('/verification/initiate', 'S')"]
OPENED = STARTED + ["SELECT test.answered('/verification/initiate', 'S', test.status_json('S', 'PENDING'))"]
HELD = ISSUER + ["SELECT test.app_provisioned('S')"]
OPENS = value("test.landed('/verification/initiate', 'S', test.status_json('S', 'PENDING'))")


def owed(run, endpoint, ref="S"):
    """How often a delivery of the wallet is owed; None when it is not."""
    rows = run.ask(f"SELECT owed FROM s2s.delivery WHERE endpoint = '{endpoint}' AND ref LIKE '{ref}'")
    return int(rows[0]) if rows else None


@scenario("two starts of one session, the same: one starts it", ISSUER,
          A=[reply("test.app_start('S')"), "COMMIT"], B=[reply("test.app_start('S')"), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1")["status"], run.value("B1")["status"]]) == [200, 202], "one 202, one 200")
    run.expect(owed(run, "/verification/initiate") == 1, "owed once")


@scenario("two starts of one session, not the same: one gets it", ISSUER,
          A=[reply("test.app_start('S', p_content => 'a')"), "COMMIT"],
          B=[reply("test.app_start('S', p_content => 'b')"), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1")["status"], run.value("B1")["status"]]) == [202, 409], "one 202, one 409")
    run.expect(run.ask("SELECT convert_from(body_sealed, 'UTF8') FROM s2s.wallet_session")
               == ["a" if run.value("A1")["status"] == 202 else "b"], "its own")
    run.expect(owed(run, "/verification/initiate") == 1, "owed once")


@scenario("two starts of one session, the first rolls back: the second starts it", ISSUER,
          A=[reply("test.app_start('S', p_content => 'a')"), "ROLLBACK"],
          B=[reply("test.app_start('S', p_content => 'b')"), "COMMIT"])
def _(run):
    run.expect(run.value("B1")["status"] == 202 and owed(run, "/verification/initiate") == 1, "B's")


@scenario("a supplement and the answer to initiate: it is owed, whichever comes first", STARTING,
          A=[OPENS, "COMMIT"], B=[reply("test.app_supplement('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == "done" and run.value("B1")["status"] == 202, "both accepted")
    run.expect(owed(run, "/verification/supplement") == 1, "owed once")


@scenario("a cancellation and the answer to initiate: it is owed, whichever comes first", STARTING,
          A=[OPENS, "COMMIT"], B=[reply("test.app_cancel('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == "done" and run.value("B1")["status"] == 202, "both accepted")
    run.expect(owed(run, "/verification/cancel") == 1, "owed once")


@scenario("a supplement and the end of the verification: accepted before, refused after, nothing left", OPENED + [
              "SELECT test.app_supplement('S')", "SELECT test.sent('/verification/supplement', 'S')"],
          A=[value("test.landed('/verification/supplement', 'S', test.status_json('S', 'EXPIRED'))"), "COMMIT"],
          B=[reply("test.app_supplement('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("B1")["status"] == (409 if run.before("A1", "B1") else 202), "told so")
    run.expect(run.ask(count("wallet_submission")) == ["0"], "nothing waits")


@scenario("two submissions at once: both wait, in an order", OPENED,
          A=[reply("test.app_supplement('S', 'a')"), "COMMIT"], B=[reply("test.app_supplement('S', 'b')"), "COMMIT"])
def _(run):
    run.expect(run.ask("SELECT seq FROM s2s.wallet_submission ORDER BY seq") == ["1", "2"], "one after the other")


@scenario("two fetches of the same: one", HELD,
          A=[reply("test.app_fetch('S')"), "COMMIT"], B=[reply("test.app_fetch('S')"), "COMMIT"])
def _(run):
    ids = {json.loads(run.value(step)["body"])["fetchId"] for step in ("A1", "B1")}
    run.expect(len(ids) == 1 and owed(run, "/credential/get", "%") == 1, "one, owed once")


@scenario("a fetch, and the same one that is just being answered: what is returned is there", HELD + [
              "SELECT test.app_fetch('S')", "SELECT test.sent('/credential/get', fetch_id) FROM s2s.wallet_fetch"],
          A=[value("test.landed('/credential/get', fetch_id, '{\"credentialVersion\": \"v1\", \"credentials\": {}}') "
                   "FROM s2s.wallet_fetch"), "COMMIT"],
          B=[reply("test.app_fetch('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == "done" and run.value("B1")["status"] == 202, "both go through")
    known = run.ask("SELECT fetch_id || ' ' || state FROM s2s.wallet_fetch ORDER BY created_at")
    shown = json.loads(run.value("B1")["body"])["fetchId"]
    run.expect(known[-1].startswith(shown), f"shown {shown} of {known}")
    run.expect(len(known) == (2 if run.before("A1", "B1") else 1), "a new one after the end of the old one")


@scenario("a fetch and the end of the instance: it is asked for before, or not at all", HELD,
          A=[reply("test.app_fetch('S')"), "COMMIT"], B=[reply("test.app_action('S', 'UNLINK')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["status"] == (202 if run.before("A1", "B1") else 409), "told so")


DECIDING = HELD + ["SELECT s2s.wallet_manage('issuer', test.lease(1), '/credential/manage', '', test.lease(1), 'S', "
                   "'S-1', 'SUSPEND', NULL, true)"]
OUTCOME = "test.app_lifecycle((SELECT lifecycle_id FROM s2s.wallet_lifecycle), '{0}')"


@scenario("the outcome of a lifecycle twice: told once", DECIDING,
          A=[reply(OUTCOME.format("COMPLETED")), "COMMIT"], B=[reply(OUTCOME.format("COMPLETED")), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["status"] == run.value("B1")["status"] == 200, "both answered")
    run.expect(run.ask("SELECT event_type FROM s2s.wallet_event") == ["LIFECYCLE_SUCCESS"], "told once")


@scenario("two outcomes of a lifecycle: one counts", DECIDING,
          A=[reply(OUTCOME.format("COMPLETED")), "COMMIT"], B=[reply(OUTCOME.format("FAILED")), "COMMIT"])
def _(run):
    first = run.value("A1")["status"] == 200
    run.expect(run.value("B1")["status"] == (409 if first else 200), "the other is too late")
    run.expect(run.ask("SELECT event_type FROM s2s.wallet_event")
               == ["LIFECYCLE_SUCCESS" if first else "LIFECYCLE_FAILURE"], "told so")
    run.expect(run.ask("SELECT issuer_suspended FROM s2s.wallet_instance") == ["t" if first else "f"], "and done so")


@scenario("two claims of issuers' metadata are disjoint and wait for nobody",
          ["SELECT s2s.metadata_set('{one,two,three}')"],
          A=["BEGIN; SELECT coalesce(jsonb_agg(id), '[]') FROM s2s.metadata_claim(test.lease(1), 2, '1 min')", "COMMIT"],
          B=["BEGIN; SELECT coalesce(jsonb_agg(id), '[]') FROM s2s.metadata_claim(test.lease(2), 2, '1 min')", "COMMIT"])
def _(run):
    run.expect(sorted(run.value("A1") + run.value("B1")) == ["one", "three", "two"], "each once")
    run.expect(not run.waited, "nobody waits")


# ---- reconciliation ----

STEP = "s2s.reconcile_due('WALLET', '0')"
RUNNING = HELD + ["SELECT s2s.reconcile_start('WALLET', NULL, NULL)"]
ASKED = RUNNING + [f"SELECT {STEP}", "SELECT test.sent('/credential/status', 'S-1')"]


def told(status):
    return value(f"test.landed('/credential/status', 'S-1', '{{\"currentStatus\": \"{status}\"}}')")


def reconciled(run, status):
    """Steps and answers until all runs are over; what they have found."""
    for _ in range(9):
        run.ask(f"SELECT {STEP}")
        run.ask(f"SELECT test.answered('/credential/status', 'S-1', '{{\"currentStatus\": \"{status}\"}}')")
    run.expect(run.ask("SELECT FROM s2s.reconciliation WHERE finished_at IS NULL") == [], "over")
    return run.ask("SELECT concat_ws(' ', finding, action) FROM s2s.reconciliation_finding ORDER BY finding_id")


@scenario("two gateways step: one does it", RUNNING, A=[value(STEP), "COMMIT"], B=[value(STEP), "COMMIT"])
def _(run):
    run.expect(run.before("A2", "B1") or run.before("B2", "A1") or "0" in [run.value("A1"), run.value("B1")], "one at once")
    run.expect(not run.waited, "the other leaves it to it")
    run.expect(run.ask("SELECT count(*) FROM s2s.reconciliation_check") == ["1"] and owed(run, "/credential/status", "S-1") == 1,
               "asked once")


@scenario("an answer, and the step of another run about the same instance: both runs are answered", ASKED + [
              "SELECT s2s.reconcile_start('WALLET', NULL, 'S-1')"],
          A=[told("SUSPENDED_ISSUER"), "COMMIT"], B=[value(STEP), "COMMIT"])
def _(run):
    found = reconciled(run, "SUSPENDED_ISSUER")
    run.expect("no answer" not in found, f"no question is lost, found {found}")
    run.expect(run.ask("SELECT issuer_suspended FROM s2s.wallet_instance") == ["t"], "suspended")


@scenario("an answer, and a step that gives the question up", ASKED + [
              "UPDATE s2s.reconciliation_check SET asked_at = asked_at - interval '1 hour'",
              "UPDATE s2s.wallet_instance SET last_status_change_time = last_status_change_time - interval '2 hours'"],
          A=[told("SUSPENDED_ISSUER"), "COMMIT"], B=[value(STEP), "COMMIT"])
def _(run):
    outcome = run.value("A1")
    run.expect(outcome in ("done", "fenced"), "in time or too late")
    run.expect(len(reconciled(run, "IN_PROCESS")) == 1, "one end")


@scenario("an answer, and what the wallet does meanwhile: it is not undone", ASKED,
          A=[told("ACTIVE"), "COMMIT"], B=[reply("test.app_action('S', 'SUSPEND')"), "COMMIT"])
def _(run):
    run.expect(run.ask("SELECT wallet_suspended FROM s2s.wallet_instance") == ["t"], "suspended")
    run.expect(owed(run, "/credential/manage", "S-1") == 1, "and told")


if __name__ == "__main__":
    sys.exit(main())
