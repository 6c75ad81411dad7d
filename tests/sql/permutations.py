# SPDX-License-Identifier: Apache-2.0
"""Concurrent sessions, in every order: see interleave.py."""
import json
import sys

from interleave import count, main, reply, scenario, value


def same_request(token):
    return reply(f"test.initiate('S', p_request => test.lease(1), p_token => test.lease({token}))")


# ---- duplicate requests ----

@scenario("two duplicates: the second waits and gets the first one's answer", [],
          A=[same_request(1), "COMMIT"], B=[same_request(2), "COMMIT"])
def _(run):
    a, b = run.value("A1"), run.value("B1")
    run.expect(a["body"] == b["body"] and a["status"] == b["status"] == 200, "one answer")
    run.expect(sorted([a["outcome"], b["outcome"]]) == ["answered", "replayed"], "one effect, one replay")
    if "".join(run.order) in ("ABAB", "ABBA"):
        run.expect("B1" in run.waited and b["replayed"], "B waits for A")
    run.expect(run.ask(count("session")) == run.ask(count("job")) == run.ask(count("answer")) == ["1"], "once")


@scenario("two duplicates, the first rolls back: the second does the work", [],
          A=[same_request(1), "ROLLBACK"], B=[same_request(2), "COMMIT"])
def _(run):
    a, b = run.value("A1"), run.value("B1")
    run.expect(b["outcome"] == "answered" and not b["replayed"], "B does the work")
    run.expect(run.ask("SELECT body FROM s2s.answer") == [b["body"]], "B's answer is the one")
    run.expect(a["outcome"] == ("answered" if run.before("A1", "B1") else "replayed"), "A saw what there was")
    run.expect(run.ask(count("session")) == run.ask(count("job")) == ["1"], "once")


@scenario("three duplicates", [],
          A=[same_request(1), "COMMIT"], B=[same_request(2), "COMMIT"], C=[same_request(3), "COMMIT"])
def _(run):
    replies = [run.value(step) for step in ("A1", "B1", "C1")]
    run.expect(len({r["body"] for r in replies}) == 1, "one answer")
    run.expect(sorted(r["outcome"] for r in replies) == ["answered", "replayed", "replayed"], "one effect")
    run.expect(run.ask(count("session")) == ["1"], "once")


@scenario("one session id, two requests of two peers: one gets it", [],
          A=[reply("test.initiate('S', p_peer => 'wallet')"), "COMMIT"],
          B=[reply("test.initiate('S', p_peer => 'other')"), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1")["status"], run.value("B1")["status"]]) == [200, 409], "one 200, one 409")
    run.expect(run.ask(count("verification")) == run.ask(count("job")) == ["1"], "one verification, one job")


@scenario("one session id, two requests, the first rolls back: the second gets it", [],
          A=[reply("test.initiate('S', p_peer => 'wallet')"), "ROLLBACK"],
          B=[reply("test.initiate('S', p_peer => 'other')"), "COMMIT"])
def _(run):
    run.expect(run.value("B1")["status"] == 200, "B gets it")
    run.expect(run.ask("SELECT peer FROM s2s.session") == ["other"], "and owns it")


# ---- jobs ----

CLAIM = ("BEGIN; SELECT coalesce(jsonb_agg(session_id), '[]') "
         "FROM test.claim({0}, {1})")


@scenario("three claims at once are disjoint and wait for nobody",
          ["SELECT test.initiate('S' || n) FROM generate_series(1, 5) AS n"],
          A=[CLAIM.format(1, 2), "COMMIT"], B=[CLAIM.format(2, 2), "COMMIT"], C=[CLAIM.format(3, 2), "COMMIT"])
def _(run):
    claimed = [run.value(step) for step in ("A1", "B1", "C1")]
    run.expect(sorted(sum(claimed, [])) == ["S1", "S2", "S3", "S4", "S5"], "each job once")
    run.expect(not run.waited, "nobody waits")


@scenario("a claim that rolls back leaves its jobs to the next", ["SELECT test.initiate('S')"],
          A=[CLAIM.format(1, 1), "ROLLBACK"], B=[CLAIM.format(2, 1), "COMMIT"])
def _(run):
    claimed = run.value("B1") == ["S"]
    held = run.before("A1", "B1") and run.before("B1", "A2")
    run.expect(claimed != held, "B has it, unless A still held it")
    run.expect(run.ask("SELECT lease IS NOT DISTINCT FROM test.lease(2) FROM s2s.job") == ["f" if held else "t"],
               "and A has not")


def outlived(lease, status):
    """A worker whose lease is over as soon as it has it: claim, then decide."""
    return [f"SELECT test.claim({lease}, 1, '-1 second')",
            value(f"test.decide('S', '{status}', test.lease({lease}))"), "COMMIT"]


@scenario("fencing: of two workers that hold the job, one after the other, one decides", ["SELECT test.initiate('S')"],
          A=outlived(1, "DENIED"), B=outlived(2, "APPROVED"))
def _(run):
    outcomes = {"DENIED": run.value("A2"), "APPROVED": run.value("B2")}
    run.expect(sorted(outcomes.values()) == ["done", "fenced"], "one done, one fenced")
    run.expect(run.ask("SELECT status, version FROM s2s.verification") == [
        f"{next(status for status, outcome in outcomes.items() if outcome == 'done')}|2"], "only its decision counts")
    run.expect(run.ask(count("job")) == ["0"], "the job is finished")


# ---- verifications ----

LEASED = ["SELECT test.initiate('S')", "SELECT test.claim()"]


def decide(status):
    job = "(SELECT min(job_id) FROM s2s.job)"
    return [value(f"test.decide('S', '{status}', p_job => {job}, p_data_seq => 1)"), "COMMIT"]


@scenario("supplement and a decision that is not final: the submission is never lost", LEASED,
          A=decide("REJECTED"), B=[reply("test.supplement('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") in ("done", "superseded"), "applied or void")
    run.expect(run.value("B1")["status"] == 200, "accepted")
    run.expect(run.ask("SELECT status, data_seq, attempts FROM s2s.verification") == ["PENDING|2|1"], "PENDING again")
    run.expect(run.ask("SELECT payload ->> 'dataSeq' FROM s2s.job") == ["2"], "with one job, for the submission")


@scenario("supplement and a final decision", LEASED,
          A=decide("APPROVED"), B=[reply("test.supplement('S')"), "COMMIT"])
def _(run):
    first = run.value("A1") == "done"
    run.expect(run.value("B1")["status"] == (409 if first else 200), "refused after it, accepted before it")
    run.expect(run.ask("SELECT status FROM s2s.verification") == ["APPROVED" if first else "PENDING"], "one of them")
    run.expect(run.ask(count("job")) == ["0" if first else "1"], "a job only for what is to be evaluated")


@scenario("cancel and a decision", LEASED, A=decide("APPROVED"), B=[reply("test.cancel('S')"), "COMMIT"])
def _(run):
    approved = run.value("A1") == "done"
    run.expect(run.value("B1")["status"] == (409 if approved else 200), "told so")
    run.expect(run.ask("SELECT status, version FROM s2s.verification") == [f"{'APPROVED' if approved else 'DENIED'}|2"],
               "one of them, once")


@scenario("cancel and supplement", ["SELECT test.initiate('S')"],
          A=[reply("test.cancel('S')"), "COMMIT"], B=[reply("test.supplement('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["status"] == 200, "cancelled in the end")
    run.expect(run.value("B1")["status"] in (200, 409), "before or after")
    run.expect(run.ask("SELECT status FROM s2s.verification") == ["DENIED"], "denied")


@scenario("two submissions at once: both count, the last one has the job", ["SELECT test.initiate('S')"],
          A=[reply("test.supplement('S', p_jwe => '{a}')"), "COMMIT"],
          B=[reply("test.supplement('S', p_jwe => '{b}')"), "COMMIT"])
def _(run):
    run.expect(run.ask("SELECT data_seq, attempts FROM s2s.verification") == ["3|2"], "both counted")
    claimed = run.ask("SELECT client_jwe FROM test.claim()")
    run.expect(claimed in (["{a,b}"], ["{b,a}"]), f"one evaluation of both, got {claimed}")
    run.expect(run.ask(count("job")) == ["1"], "one job left")


@scenario("two submissions at once, room for one: the other is refused", ["SELECT test.initiate('S')"],
          A=[reply("test.supplement('S', p_jwe => '{a}', p_max_octets => 1)"), "COMMIT"],
          B=[reply("test.supplement('S', p_jwe => '{b}', p_max_octets => 1)"), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1")["status"], run.value("B1")["status"]]) == [200, 413], "one 200, one 413")
    run.expect(run.ask("SELECT data_seq, attempts, data_octets FROM s2s.verification") == ["2|1|1"], "one counted")
    run.expect(run.ask(count("job")) == ["2"], "one job more")


@scenario("a claim and the end of the verification: its data is handed out whole, or not at all",
          ["SELECT test.initiate('S', p_jwe => '{a,b}')"],
          A=["BEGIN; SELECT coalesce(jsonb_agg(client_jwe), '[]') FROM test.claim()", "COMMIT"],
          B=[reply("test.cancel('S')"), "COMMIT"])
def _(run):
    ended = run.before("B2", "A1")
    run.expect(run.value("A1") == ([] if ended else [["a", "b"]]), "whole before, nothing after")
    run.expect("A1" not in run.waited, "the claim waits for nobody")
    run.expect(run.ask(count("job")) == ["0" if ended else "1"], "nor do they lose the job")
    run.expect(run.ask(count("verification_data")) == ["0"], "nothing is kept")


@scenario("two claims find a job that never came back: one gives it up",
          ["SELECT test.initiate('S')", "SELECT test.claim(9, p_lease_for => '-1 second')"],
          A=["BEGIN; SELECT coalesce(jsonb_agg(session_id), '[]') FROM test.claim(1, p_max_attempts => 1)", "COMMIT"],
          B=["BEGIN; SELECT coalesce(jsonb_agg(session_id), '[]') FROM test.claim(2, p_max_attempts => 1)", "COMMIT"])
def _(run):
    run.expect(run.value("A1") == run.value("B1") == [], "nobody gets it")
    run.expect(not run.waited, "nobody waits")
    run.expect(run.ask("SELECT attempts, error FROM s2s.job_dead") == ["1|attempts used up"], "one dead letter")
    run.expect(run.ask(count("job")) == ["0"], "no job")


OVERDUE = ["SELECT test.initiate('S')",
           "SELECT test.evaluate('S', 'ADDITIONAL_INFO_REQUIRED', p_deadline => '-1 second')"]


@scenario("expire_due and a supplement that is too late", OVERDUE,
          A=[value("s2s.expire_due(10)"), "COMMIT"], B=[reply("test.supplement('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("B1")["status"] == 409, "too late, whoever notices")
    run.expect(json.loads(run.value("B1")["body"])["currentStatus"] == "DENIED", "and told so")
    run.expect(run.ask("SELECT status, reason_code, version FROM s2s.verification") == ["DENIED|DEADLINE_PASSED|3"],
               "once")
    run.expect("A1" not in run.waited, "expire_due waits for nobody")


@scenario("two expire_due at once", OVERDUE,
          A=[value("s2s.expire_due(10)"), "COMMIT"], B=[value("s2s.expire_due(10)"), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1"), run.value("B1")]) == ["0", "1"], "one of them does it")
    run.expect(run.ask("SELECT version FROM s2s.verification") == ["3"], "once")


# ---- credentials ----

@scenario("provision twice at once: the same instances", ["SELECT test.approved('S', '{badge,pass}')"],
          A=[reply("test.provision('S')"), "COMMIT"], B=[reply("test.provision('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["body"] == run.value("B1")["body"], "the same answer")
    run.expect(run.ask(count("instance")) == ["2"], "two instances")


@scenario("provision twice, the first rolls back", ["SELECT test.approved('S', '{badge,pass}')"],
          A=[reply("test.provision('S')"), "ROLLBACK"], B=[reply("test.provision('S')"), "COMMIT"])
def _(run):
    ids = run.ask("SELECT instance_id FROM s2s.instance ORDER BY ordinal")
    listed = json.loads(run.value("B1")["body"])["CredentialInstances"]
    run.expect([i["credentialInstanceIds"] for i in listed] == [[i] for i in ids], "B's are the ones")


PROVISIONED = ["SELECT test.provisioned('S')"]


@scenario("get and suspend: a credential is handed out before, or not at all", PROVISIONED,
          A=[reply("test.get('S', 1)"), "COMMIT"], B=[reply("test.manage('S', 'SUSPEND')"), "COMMIT"])
def _(run):
    first = run.before("A1", "B1")
    run.expect(run.value("A1")["outcome"] == ("answered" if first else "retry"), "answered before, retry after")
    run.expect(json.loads(run.value("B1")["body"])["outcome"] == "COMPLETED", "suspended in any case")
    run.expect((run.ask("SELECT fetched_at IS NOT NULL FROM s2s.instance") == ["t"]) == first, "recorded if handed out")


@scenario("get, and a suspend that rolls back", PROVISIONED,
          A=[reply("test.get('S', 1)"), "COMMIT"], B=[reply("test.manage('S', 'SUSPEND')"), "ROLLBACK"])
def _(run):
    run.expect(run.value("A1")["outcome"] == "answered", "it never happened")


@scenario("two gets at once: neither starves the other", PROVISIONED,
          A=[reply("test.get('S', 1)"), "COMMIT"], B=[reply("test.get('S', 1)"), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["status"] == run.value("B1")["status"] == 200, "both answered")


WAITING = PROVISIONED + ["SELECT test.get_pending('S')",
                         "UPDATE s2s.instance SET ready_at = clock_timestamp() - interval '1 second'"]
SPEND = reply("test.get('S', 2, (SELECT transaction_id FROM s2s.fetch))")


@scenario("two gets with one transaction: it is spent once", WAITING, A=[SPEND, "COMMIT"], B=[SPEND, "COMMIT"])
def _(run):
    outcomes = sorted([run.value("A1")["outcome"], run.value("B1")["outcome"]])
    # A get that starts when the transaction is gone is given none by its sub-select: the version
    # refuses it all the same.
    run.expect(outcomes == ["answered", "retry"], "one answered, one retry")
    run.expect(run.ask(count("fetch")) == ["0"], "spent")


@scenario("two first gets with the same keys that must wait: one transaction", PROVISIONED,
          A=[reply("test.get_pending('S', 1)"), "COMMIT"], B=[reply("test.get_pending('S', 1)"), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1")["outcome"], run.value("B1")["outcome"]]) == ["answered", "retry"],
               "one waits, one retries")
    run.expect(run.ask(count("fetch")) == ["1"], "one transaction")


OLD = WAITING + ["UPDATE s2s.fetch SET created_at = created_at - interval '8 days'",
                 "UPDATE s2s.instance SET ready_at = ready_at - interval '8 days'"]
FORGET = value("s2s.fetches_forget('7 days', 10)")


@scenario("a get, and the end of the transaction that it spends: either, and the other finds it gone", OLD,
          A=[SPEND, "COMMIT"], B=[FORGET, "COMMIT"])
def _(run):
    spent = run.value("A1")["outcome"] == "answered"
    run.expect(run.value("B1") == ("0" if spent else "1"), "spent or forgotten")
    run.expect(run.ask(count("fetch")) == ["0"], "gone")
    run.expect("B1" not in run.waited, "a chore waits for no get")


@scenario("the end of an instance, and a get that must wait: nobody waits for what has ended", PROVISIONED,
          A=[reply("test.get_pending('S', 1)"), "COMMIT"], B=[value("test.issuer('S', 'CANCEL')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["outcome"] == ("answered" if run.before("A1", "B1") else "retry"), "202, or retry")
    run.expect(run.value("B1") == "COMPLETED", "cancelled in any case")
    run.expect(run.ask(count("fetch")) == ["0"], "nobody waits")


# ---- deliveries ----

SEND = "BEGIN; SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM test.send({0}, p_per_peer => {1}) AS f"
CALLED = ["SELECT s2s.lanes_set('{wallet}')"]
OWED = CALLED + OVERDUE  # a request for more is owed; its deadline is over, which nobody has noticed
THE_FLIGHT = "SELECT s2s.delivery_done(delivery_id, lease, 200, NULL) FROM s2s.delivery WHERE lease IS NOT NULL"
SHOWN = "SELECT status FROM s2s.verification"


def arrives(run):
    """The flight in progress ends; then everything is sent. Returns what the peer was told, in order."""
    run.ask(THE_FLIGHT)
    while run.ask("SELECT FROM test.send(9)"):
        run.ask(THE_FLIGHT)
    return run.ask("SELECT body::json ->> 'status' FROM test.flight ORDER BY n")


NEW_PEER = reply("test.initiate('{0}', p_opens_lane => true)")


@scenario("the first two sessions of a peer that has no lane yet: each is opened, and it has one", [],
          A=[NEW_PEER.format("S"), "COMMIT"], B=[NEW_PEER.format("T"), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["status"] == run.value("B1")["status"] == 200, "both answered")
    run.expect(run.ask(count("lane")) == ["1"], "one lane")


@scenario("the first session of a peer, and the chore that makes its lane", [],
          A=[NEW_PEER.format("S"), "COMMIT"], B=[value("s2s.lanes_set('{wallet}')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["status"] == 200, "answered")
    run.expect(run.ask(count("lane WHERE active")) == ["1"], "one lane")


@scenario("two claims of one lane: never more in flight than allowed, nothing twice, nobody waits",
          CALLED + ["SELECT test.approved('S' || n) FROM generate_series(1, 5) AS n"],
          A=[SEND.format(1, 2), "COMMIT"], B=[SEND.format(2, 2), "COMMIT"])
def _(run):
    claimed = [flight["session_id"] for flight in run.value("A1") + run.value("B1")]
    run.expect(len(claimed) == len(set(claimed)) == 2, "two, by either")
    run.expect(not run.waited, "nobody waits")


@scenario("a claim that rolls back leaves its deliveries to the next", CALLED + ["SELECT test.approved('S')"],
          A=[SEND.format(1, 2), "ROLLBACK"], B=[SEND.format(2, 2), "COMMIT"])
def _(run):
    held = run.before("A1", "B1") and run.before("B1", "A2")
    run.expect(len(run.value("B1")) == (0 if held else 1), "B has it, unless A still held the lane")
    run.expect(run.ask(count("delivery WHERE lease IS NOT NULL")) == ["0" if held else "1"], "and A has not")


@scenario("a claim of the word that a get is ready, and the end of its transaction: it is not said again",
          CALLED + OLD + ["UPDATE s2s.delivery SET next_at = clock_timestamp()"],
          A=[SEND.format(1, 9), "COMMIT"], B=[FORGET, "COMMIT"])
def _(run):
    run.expect(run.value("B1") == "1", "forgotten")
    run.expect(run.ask(count("delivery WHERE endpoint = '/event/notify'")) == ["0"], "owed no more")
    run.expect("A1" not in run.waited, "a claim waits for nobody")


def sent_too_late(lease):
    return [f"SELECT FROM test.send({lease}, p_lease_for => '-1 second')", value(f"test.done('S', {lease})"), "COMMIT"]


@scenario("fencing: of two gateways that hold a delivery, one after the other, one ends it",
          CALLED + ["SELECT test.approved('S')"], A=sent_too_late(1), B=sent_too_late(2))
def _(run):
    run.expect(sorted([run.value("A2"), run.value("B2")]) == ["done", "fenced"], "one done, one fenced")
    run.expect(run.ask(count("delivery")) == ["0"], "it is over")
    run.expect(run.ask(count("ledger WHERE event = 'delivered'")) == ["1"], "and recorded once")


@scenario("a claim and a change of state: what is told last is what is so, and nothing older follows it", OWED,
          A=[SEND.format(1, 2), "COMMIT"], B=[value("s2s.expire_due(10)"), "COMMIT"])
def _(run):
    told = arrives(run)
    run.expect(told in (["DENIED"], ["ADDITIONAL_INFO_REQUIRED", "DENIED"]), f"told {told}")
    run.expect("A1" not in run.waited, "a claim waits for nobody")


@scenario("the end of a flight and a change of state: the change is told", OWED + ["SELECT FROM test.send(1)"],
          A=[value("test.done('S', 1)"), "COMMIT"], B=[value("s2s.expire_due(10)"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == ("done" if run.before("A1", "B1") else "again"), "told what is next")
    run.expect(arrives(run) == ["ADDITIONAL_INFO_REQUIRED", "DENIED"], "once each, in order")


@scenario("the end of a flight and a change of state that rolls back", OWED + ["SELECT FROM test.send(1)"],
          A=[value("test.done('S', 1)"), "COMMIT"], B=[value("s2s.expire_due(10)"), "ROLLBACK"])
def _(run):
    run.expect(run.value("A1") == "done", "it never happened")
    run.expect(arrives(run) == ["ADDITIONAL_INFO_REQUIRED"], "nothing more to tell")


COMMAND = "s2s.command_instance((test.instance('S')).instance_id, '{0}', NULL)"


@scenario("the wallet's answer to a suspension, and the resumption", CALLED + PROVISIONED + [
              f"SELECT {COMMAND.format('SUSPEND')}", "SELECT FROM test.send(1)"],
          A=[value("test.done('S', 1, '{\"outcome\": \"COMPLETED\"}')"), "COMMIT"],
          B=[value(COMMAND.format("RESUME")), "COMMIT"])
def _(run):
    run.expect(run.value("B1") == "COMPLETED", "resumed")
    run.expect(run.ask("SELECT manage_outcome FROM s2s.instance") == ["COMPLETED"], "the answer is kept")
    run.ask("SELECT test.overdue(), test.send(2)")
    told = run.ask("SELECT body::json ->> 'action' FROM test.flight WHERE endpoint = '/credential/manage' ORDER BY n")
    run.expect(told == ["SUSPEND", "RESUME"], f"and the wallet told both, got {told}")


@scenario("word that a credential is ready, and the wallet that fetches it by itself", CALLED + WAITING + [
              "SELECT test.overdue()"],
          A=[SEND.format(1, 9), "COMMIT"], B=[SPEND, "COMMIT"])
def _(run):
    run.expect(run.value("B1")["outcome"] == "answered", "fetched")
    run.expect(run.ask("SELECT FROM s2s.delivery WHERE endpoint = '/event/notify'") == [], "nothing left to tell")
    run.expect("A1" not in run.waited, "a claim waits for nobody")


@scenario("owed twice at once: one delivery", CALLED,
          A=[value("s2s.delivery_owe('wallet', '/event/notify', 'X')"), "COMMIT"],
          B=[value("s2s.delivery_owe('wallet', '/event/notify', 'X')"), "COMMIT"])
def _(run):
    run.expect(run.ask("SELECT owed FROM s2s.delivery") == ["2"], "owed twice")
    run.expect(run.ask(count("ledger")) == ["2"], "recorded twice")


@scenario("two flights of a lane fail at once: both count",
          CALLED + ["SELECT test.approved('S'), test.approved('T')", "SELECT FROM test.send(1)"],
          A=[value("test.failed('S', 1, 'retry', 'timeout')"), "COMMIT"],
          B=[value("test.failed('T', 1, 'retry', 'timeout')"), "COMMIT"])
def _(run):
    run.expect(run.ask("SELECT failures FROM s2s.lane") == ["2"], "two in a row")


@scenario("a flight ends in a batch, another one of its lane fails: neither holds what the other waits for",
          CALLED + ["SELECT test.approved('S'), test.approved('T')", "SELECT FROM test.send(1)",
                    "UPDATE s2s.lane SET failures = 1"],
          A=[value("test.done('S', 1)"), "SELECT s2s.delivery_owe(peer, '/verification/notify', verification_id) "
             "FROM s2s.verification WHERE session_id = 'T'", "COMMIT"],
          B=[value("test.failed('T', 1, 'retry', 'timeout')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == "done" and run.value("B1") == "retried", "both end")
    run.expect(run.ask("SELECT failures FROM s2s.lane") == ["2"], "only who fails tells the lane")


@scenario("a dead letter redriven twice at once: once",
          CALLED + ["SELECT test.approved('S')", "SELECT FROM test.send(1)",
                    "SELECT test.failed('S', 1, 'final', 'HTTP 400')"],
          A=[value("s2s.command_redrive((test.flight('S')).delivery_id)"), "COMMIT"],
          B=[value("s2s.command_redrive((test.flight('S')).delivery_id)"), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1"), run.value("B1")]) == ["f", "t"], "one of them does it")
    run.expect(run.ask("SELECT owed FROM s2s.delivery") == ["1"], "owed once")


# ---- maintenance ----

LACKING = ["SELECT s2s.maintain('48 hours')",
           "DO $$ BEGIN EXECUTE format('DROP TABLE s2s.%I', s2s.partition_name('answer', "
           "(clock_timestamp() AT TIME ZONE 'UTC')::date + 3)); END $$"]


@scenario("maintain and initiates: neither loses anything", LACKING,
          A=[value("s2s.maintain('48 hours')"), "COMMIT"],
          B=[reply("test.initiate('S')"), reply("test.initiate('T')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == "1", "the partition is made")
    run.expect(run.value("B1")["status"] == run.value("B2")["status"] == 200, "both answered")


@scenario("two maintain at once: one does it", LACKING,
          A=[value("s2s.maintain('48 hours')"), "COMMIT"], B=[value("s2s.maintain('48 hours')"), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1"), run.value("B1")]) == ["0", "1"], "one does it")
    run.expect(not run.waited, "the other leaves it to it")


if __name__ == "__main__":
    sys.exit(main())
