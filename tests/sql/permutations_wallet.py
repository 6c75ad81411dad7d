# SPDX-License-Identifier: Apache-2.0
"""Concurrent sessions, in every order: what issuers answer and tell, and what they meet. See interleave.py."""
import json
import sys

from interleave import count, main, reply, scenario, value

# ---- sessions ----

ISSUER = ["SELECT s2s.lanes_set('{issuer}', '[{\"name\": \"backend\"}]')"]
STARTING = ISSUER + ["SELECT test.app_start('S')", "SELECT test.sent('/verification/initiate', 'S')"]


def issuer_says(endpoint, status, ref="'S'", more="", answer=None):
    """The issuer's answer to what is under way; its status is what it says, unless it is given whole."""
    answer = answer or f"test.status_json('S', '{status}')"
    return value(f"test.told('{endpoint}', {ref}, {answer}{more})")


OPENED = STARTING + [issuer_says("/verification/initiate", "PENDING"), "COMMIT"]
ASKING = OPENED + ["SELECT test.sent('/verification/status', 'S')"]
WALLET_STATUS = "SELECT status FROM s2s.wallet_session"


def is_due(run, endpoint):
    """Whether the issuer is owed a call now; that it is owed later does not count."""
    return run.ask(f"SELECT count(*) FROM s2s.delivery WHERE endpoint = '{endpoint}' "
                   "AND (next_at <= clock_timestamp() OR owed > sending)") == ["1"]


@scenario("a notice and the answer to a poll: the notice counts, and the issuer is asked again", ASKING,
          A=[issuer_says("/verification/status", "ADDITIONAL_INFO_REQUIRED"), "COMMIT"],
          B=[reply("test.notify('S', 'REJECTED')"), "COMMIT"])
def _(run):
    first = run.before("A1", "B1")
    run.expect(run.value("A1") == ("waiting" if first else "again"), "an answer that may be old is none")
    run.expect(run.ask(WALLET_STATUS) == ["REJECTED"], "the notice counts")
    run.expect(is_due(run, "/verification/status") != first, "asked again unless the answer came first")


@scenario("a final notice and the answer to a poll", ASKING,
          A=[issuer_says("/verification/status", "PENDING"), "COMMIT"],
          B=[reply("test.notify('S', 'APPROVED')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == ("waiting" if run.before("A1", "B1") else "fenced"), "before or too late")
    run.expect(run.ask(WALLET_STATUS) == ["APPROVED"], "approved")
    run.expect(is_due(run, "/credential/provision"), "to be provisioned")
    run.expect(run.ask(count("delivery WHERE endpoint = '/verification/status'")) == ["0"], "no more polls")


@scenario("a final notice that rolls back, and the answer to a poll", ASKING,
          A=[issuer_says("/verification/status", "PENDING"), "COMMIT"],
          B=[reply("test.notify('S', 'APPROVED')"), "ROLLBACK"])
def _(run):
    run.expect(run.value("A1") == "waiting", "it never happened")
    run.expect(run.ask(WALLET_STATUS) == ["PENDING"], "still pending")


@scenario("a final notice and the answer to initiate: approved and provisioned once", STARTING,
          A=[issuer_says("/verification/initiate", "APPROVED"), "COMMIT"],
          B=[reply("test.notify('S', 'APPROVED')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == ("done" if run.before("A1", "B1") else "fenced"), "in time or too late")
    run.expect(run.ask("SELECT status, version, body_sealed FROM s2s.wallet_session") == ["APPROVED|2|"], "once")
    run.expect(run.ask("SELECT owed FROM s2s.delivery WHERE endpoint = '/credential/provision'") == ["1"], "owed once")


@scenario("a supplement and the answer to the one before it: it is sent too",
          OPENED + ["SELECT test.app_supplement('S', 'one')", "SELECT test.sent('/verification/supplement', 'S')"],
          A=[issuer_says("/verification/supplement", "PENDING"), "COMMIT"],
          B=[reply("test.app_supplement('S', 'two')"), "COMMIT"])
def _(run):
    run.expect(run.ask("SELECT convert_from(body_sealed, 'UTF8') FROM s2s.wallet_submission") == ["two"], "it waits")
    run.expect(is_due(run, "/verification/supplement"), "and is owed")


@scenario("a poll that is given up, and a notice: nobody waits for whom he holds up", ASKING,
          A=["BEGIN; SELECT s2s.delivery_failed(delivery_id, lease, 'retry', 'timeout', '0', NULL, '-1 hour') "
             "FROM s2s.delivery WHERE lease IS NOT NULL", "COMMIT"],
          B=[reply("test.notify('S', 'APPROVED')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") in ("dead", "fenced", None), "given up, or too late")
    run.expect(run.ask(WALLET_STATUS) == ["APPROVED"], "approved")


# ---- instances ----

APPROVED = ISSUER + ["SELECT test.app_opened('S', 'APPROVED')", "SELECT test.app_opened('T', 'APPROVED')",
                     "SELECT test.sent('/credential/provision', 'S'), test.sent('/credential/provision', 'T')"]


def names(session, *ids):
    answer = json.dumps({"CredentialInstances": [
        {"credentialConfigurationId": "badge", "credentialInstanceIds": list(ids)}]})
    return issuer_says("/credential/provision", None, ref=f"'{session}'", answer=f"'{answer}'")


@scenario("two sessions are given the same instance: one has it, the other nothing", APPROVED,
          A=[names("S", "a", "b"), "COMMIT"], B=[names("T", "c", "b", "d"), "COMMIT"])
def _(run):
    outcomes = {"S": run.value("A1"), "T": run.value("B1")}
    winner = next(session for session, outcome in outcomes.items() if outcome == "done")
    loser = "T" if winner == "S" else "S"
    run.expect(outcomes[loser] == "refused: the answer names an instance of another session", "the other is told so")
    run.expect(run.ask("SELECT DISTINCT session_id FROM s2s.wallet_instance") == [winner], "nothing of it is left")


HELD = ISSUER + ["SELECT test.app_provisioned('S')"]
FETCHING = HELD + ["SELECT test.app_fetch('S')", "SELECT test.sent('/credential/get', (SELECT fetch_id FROM s2s.wallet_fetch))"]
WALLET_EVENT = ("s2s.wallet_event('issuer', gen_random_uuid(), '/event/notify', '', gen_random_uuid(), 'S', 'S-1', "
                "'{0}', NULL, true)")


def fetched(status, answer):
    """The answer to the get under way, of an issuer that is not polled."""
    return issuer_says("/credential/get", None, ref="(SELECT fetch_id FROM s2s.wallet_fetch)", answer=f"'{answer}'",
                more=f", {status}, NULL, NULL")


@scenario("word that a credential is ready, and the answer that it is not: it is asked again", FETCHING,
          A=[fetched(202, "{}"), "COMMIT"], B=[reply(WALLET_EVENT.format("CREDENTIAL_READY")), "COMMIT"])
def _(run):
    run.expect(run.value("B1")["status"] == 200, "heard")
    run.expect(is_due(run, "/credential/get"), "asked again")


@scenario("a credential, and word of a newer one: the word is not lost", FETCHING,
          A=[fetched(200, '{"credentialVersion": "v1", "credentials": "jwe"}'), "COMMIT"],
          B=[reply(WALLET_EVENT.format("CREDENTIAL_UPDATE_AVAILABLE")), "COMMIT"])
def _(run):
    run.expect(run.ask("SELECT credential_version, update_available FROM s2s.wallet_instance") == ["v1|t"], "both")


SUSPENDED = "s2s.wallet_manage('issuer', gen_random_uuid(), '', '', gen_random_uuid(), 'S', 'S-1', 'SUSPEND', NULL, {0})"


@scenario("both sides suspend at once: both facts, in whatever order", HELD,
          A=[reply("test.app_action('S', 'SUSPEND')"), "COMMIT"], B=[reply(SUSPENDED.format("false")), "COMMIT"])
def _(run):
    run.expect(run.ask("SELECT wallet_suspended, issuer_suspended FROM s2s.wallet_instance") == ["t|t"], "both")
    run.expect(is_due(run, "/credential/manage"), "the issuer is told of the wallet's")


LIFECYCLE = "(SELECT lifecycle_id FROM s2s.wallet_lifecycle)"


@scenario("the backend's outcome comes twice at once, by the application and as an answer: it counts once",
          HELD + [f"SELECT {SUSPENDED.format('true')}", f"SELECT test.sent('lifecycle.requested', {LIFECYCLE})"],
          A=[value(f"s2s.wallet_lifecycle_end({LIFECYCLE}, 'COMPLETED', NULL)"), "COMMIT"],
          B=[issuer_says("lifecycle.requested", None, ref=LIFECYCLE, answer='\'{"outcome": "FAILED"}\''), "COMMIT"])
def _(run):
    run.expect(run.value("B1") == "done", "the webhook was heard")
    state = run.ask("SELECT state FROM s2s.wallet_lifecycle")
    run.expect(state == ["COMPLETED" if run.value("A1") == "t" else "FAILED"], "one of them")
    run.expect(run.ask("SELECT issuer_suspended FROM s2s.wallet_instance") == ["t" if state == ["COMPLETED"] else "f"], "so")
    run.expect(run.ask(count("wallet_event")) == ["1"], "the issuer is told once")


if __name__ == "__main__":
    sys.exit(main())
