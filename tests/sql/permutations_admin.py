# SPDX-License-Identifier: Apache-2.0
"""Concurrent sessions, in every order: what operators do. See interleave.py."""
import sys

from interleave import count, main, reply, scenario, value

CALLED = ["SELECT s2s.lanes_set('{wallet}')"]
PENDING = CALLED + ["SELECT test.initiate('S', p_jwe => '{a}')"]
AWAITED = PENDING + ["SELECT test.evaluate('S', 'PENDING')"]
PROVISIONED = CALLED + ["SELECT test.provisioned('S' || n) FROM generate_series(1, 3) AS n"]


def review(status, who="alice", version=2, request="gen_random_uuid()"):
    return reply(f"test.review('S', '{status}', {version}, 'admin:{who}', p_request => {request})")


def status(run):
    return run.ask("SELECT status FROM test.verification('S')")[0]


def audited(run, action):
    return int(run.ask(f"SELECT count(*) FROM s2s.audit WHERE action LIKE '{action}'")[0])


# ---- decisions ----

@scenario("two reviewers have read the same: one decides", AWAITED,
          A=[review("APPROVED", "alice"), "COMMIT"], B=[review("DENIED", "bob"), "COMMIT"])
def _(run):
    a, b = run.value("A1")["status"], run.value("B1")["status"]
    run.expect(sorted([a, b]) == [200, 409], "one decides, one is told")
    run.expect(status(run) == ("APPROVED" if a == 200 else "DENIED"), "as the one who was quicker says")
    run.expect(run.ask("SELECT decided_by FROM test.verification('S')") == ["admin:alice" if a == 200 else "admin:bob"], "who")
    run.expect(audited(run, "verification.decide") == 1, "written down once")


@scenario("a decision that rolls back leaves it to the other reviewer", AWAITED,
          A=[review("APPROVED", "alice"), "ROLLBACK"], B=[review("DENIED", "bob"), "COMMIT"])
def _(run):
    run.expect(run.value("B1")["status"] == 200 and status(run) == "DENIED", "B decides")
    run.expect(run.ask("SELECT who FROM s2s.audit") == ["admin:bob"], "nothing of A is written down")


@scenario("a reviewer's request that comes twice at once: one decision, one replay", AWAITED,
          A=[review("APPROVED", request="test.lease(1)"), "COMMIT"], B=[review("APPROVED", request="test.lease(1)"), "COMMIT"])
def _(run):
    a, b = run.value("A1"), run.value("B1")
    run.expect(a["body"] == b["body"] and a["status"] == 200, "one answer")
    run.expect(sorted([a["outcome"], b["outcome"]]) == ["answered", "replayed"], "one effect")
    run.expect(audited(run, "%") == 1, "written down once")


@scenario("a decision and a supplement: nobody decides on what he has not seen", AWAITED,
          A=[review("DENIED"), "COMMIT"], B=[reply("test.supplement('S')"), "COMMIT"])
def _(run):
    a, b = run.value("A1")["status"], run.value("B1")["status"]
    run.expect(sorted([a, b]) == [200, 409], "the first counts")
    run.expect(status(run) == ("DENIED" if a == 200 else "PENDING"), "and holds")
    run.expect(audited(run, "%") == int(a == 200), "written down if it was done")


@scenario("a request for more, a supplement and a second reviewer", AWAITED,
          A=[review("ADDITIONAL_INFO_REQUIRED", "alice"), "COMMIT"], B=[reply("test.supplement('S')"), "COMMIT"],
          C=[review("APPROVED", "bob"), "COMMIT"])
def _(run):
    outcome = tuple(run.value(step)["status"] for step in ("A1", "B1", "C1"))
    ends = {(200, 200, 409): "PENDING", (409, 200, 409): "PENDING", (409, 409, 200): "APPROVED"}
    run.expect(status(run) == ends.get(outcome), f"one reviewer at most, on what he has read, got {outcome}")


@scenario("a decision and the end of its time", AWAITED + [
              "UPDATE s2s.verification SET expires_at = now(), due_at = now()"],
          A=[review("APPROVED"), "COMMIT"], B=[value("s2s.expire_due(10)"), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["status"] == 409 and status(run) == "EXPIRED", "too late")
    run.expect(run.ask("SELECT version FROM test.verification('S')") == ["3"], "it ends once")
    run.expect("B1" not in run.waited, "expiry waits for nobody")


@scenario("a decision and an evaluation: the first counts", PENDING + ["SELECT count(*) FROM test.claim(1)"],
          A=[review("DENIED", version=1), "COMMIT"], B=[value("test.decide('S', 'APPROVED')"), "COMMIT"])
def _(run):
    a, b = run.value("A1")["status"], run.value("B1")
    run.expect((a, b) in ((200, "superseded"), (409, "done")), f"one of them, got {a} {b}")
    run.expect(status(run) == ("DENIED" if a == 200 else "APPROVED"), "holds")


@scenario("a decision and a cancellation: the first counts", AWAITED,
          A=[review("APPROVED"), "COMMIT"], B=[reply("test.cancel('S')"), "COMMIT"])
def _(run):
    a, b = run.value("A1")["status"], run.value("B1")["status"]
    run.expect(sorted([a, b]) == [200, 409], "one of them")
    run.expect(status(run) == ("APPROVED" if a == 200 else "DENIED"), "holds")


# ---- the audit ledger ----

@scenario("three operators at once: one chain", PROVISIONED,
          **{name: [reply(f"test.operate('S{n}', 'SUSPEND')"), end]
             for n, (name, end) in enumerate({"A": "COMMIT", "B": "ROLLBACK", "C": "COMMIT"}.items(), 1)})
def _(run):
    run.expect(run.ask("SELECT seq FROM s2s.audit ORDER BY seq") == ["1", "2"], "without gaps")


# ---- many instances ----

def bulk(action="SUSPEND", counted=True):
    return ["SELECT test.bulk_start('%s', '{\"configuration\": \"badge\"}')" % action] + (
        ["SELECT test.bulk_claim()", "SELECT test.bulk_step(p_limit => 9)"] if counted else [])


def ends_well(run, done=3, failed=0):
    run.ask("UPDATE s2s.job SET next_at = clock_timestamp()")
    run.ask("SELECT test.bulk_run()")
    counts = run.ask("SELECT done, failed, total FROM test.bulk()")
    run.expect(counts == [f"{done}|{failed}|{done + failed}"], f"each once, got {counts}")


@scenario("a gateway is killed in the middle of a step: another one goes on", PROVISIONED + bulk(),
          A=[value("test.bulk_claim(1, '-1 s')"), "SELECT test.bulk_step(1)", "ROLLBACK"],
          B=[value("test.bulk_claim(2)"), "SELECT test.bulk_step(2)", "COMMIT"])
def _(run):
    ends_well(run)
    run.expect(audited(run, "instance.suspend") == 3, "written down once each")


@scenario("a gateway that slept past its lease, and the one that has the run now", PROVISIONED + bulk() + [
              "SELECT test.bulk_claim(1, '-1 s')"],
          A=[value("test.bulk_step(1)"), "COMMIT"], B=[value("test.bulk_claim(2)"), "SELECT test.bulk_step(2)", "COMMIT"])
def _(run):
    run.expect(run.value("A1") in ("more", "fenced", None), "the lease decides")
    ends_well(run)
    run.expect(audited(run, "instance.suspend") == 3, "written down once each")


@scenario("a step, and what a wallet does to one of its instances", PROVISIONED + bulk() + ["SELECT test.bulk_claim()"],
          A=[value("test.bulk_step(p_limit => 9)"), "COMMIT"], B=[reply("test.manage('S2', 'UNLINK')"), "COMMIT"])
def _(run):
    run.expect("A1" not in run.waited, "a step waits for nobody")
    unlinked_first = run.before("B1", "A1")
    ends_well(run, 2 if unlinked_first else 3)
    run.expect(run.ask("SELECT unlinked FROM test.instance('S2')") == ["t"], "unlinked in any case")


@scenario("a step, and an operator who does the same to one", PROVISIONED + bulk() + ["SELECT test.bulk_claim()"],
          A=[value("test.bulk_step(p_limit => 9)"), "COMMIT"], B=[reply("test.operate('S2', 'SUSPEND')"), "COMMIT"])
def _(run):
    run.expect(run.value("B1")["status"] == 200, "done")
    ends_well(run)
    run.expect(audited(run, "instance.suspend") == 4, "each is written down")


@scenario("two runs over the same instances: both come to their end", PROVISIONED + bulk("SUSPEND") + bulk("CANCEL"),
          **{name: [value(f"s2s.bulk_step(j.job_id, test.lease({n}), 9) FROM s2s.bulk_claim(test.lease({n}), 1, '1 min', 9) AS j"),
                    "COMMIT"] for n, name in ((1, "A"), (2, "B"))})
def _(run):
    for _ in range(2):
        run.ask("UPDATE s2s.job SET next_at = clock_timestamp()")
        run.ask("SELECT s2s.bulk_step(j.job_id, test.lease(3), 9) FROM s2s.bulk_claim(test.lease(3), 2, '1 min', 9) AS j")
    run.expect(run.ask("SELECT count(*) FROM s2s.bulk WHERE finished_at IS NULL") == ["0"], "both are over")
    run.expect(run.ask("SELECT DISTINCT s2s.instance_status(i) FROM s2s.instance AS i") == ["CANCELLED"], "the stronger holds")


@scenario("provisioning, and a run that counts and acts: what it comes by is its total",
          CALLED + ["SELECT test.provisioned('S1'), test.approved('S2')"] + bulk(counted=False),
          A=[reply("test.provision('S2')"), "COMMIT"], B=[value("test.bulk_claim()"), "SELECT test.bulk_step()", "COMMIT"])
def _(run):
    run.ask("SELECT test.bulk_run()")
    run.expect(run.ask("SELECT done FROM test.bulk()") == ["1"], "what was there when it began")


# ---- dead letters ----

DEAD = CALLED + ["SELECT test.approved('S')", "SELECT FROM test.send(1)",
                 "SELECT test.failed('S', 1, 'final', 'HTTP 400')"]
REDRIVE = ("test.admin('admin_dead_letter_redrive', json_build_object('deadLetterId', (test.flight('S')).delivery_id), "
           "p_who => 'admin:{0}')")


def redriven_once(run):
    run.expect(run.ask(count("delivery")) == ["1"] and run.ask("SELECT owed FROM s2s.delivery") == ["1"], "owed once")
    run.expect(audited(run, "dead-letter.redrive") == 1, "written down once")


@scenario("two operators redrive a dead letter: one does it", DEAD,
          A=[reply(REDRIVE.format("alice")), "COMMIT"], B=[reply(REDRIVE.format("bob")), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1")["status"], run.value("B1")["status"]]) == [200, 404], "one of them")
    redriven_once(run)


@scenario("one operator redrives a dead letter, another one all", DEAD,
          A=[reply(REDRIVE.format("alice")), "COMMIT"],
          B=[reply("test.admin('admin_dead_letters_redrive', '{\"body\": {}}', p_who => 'admin:bob')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["status"] in (200, 404) and run.value("B1")["status"] == 200, "both are answered")
    redriven_once(run)


@scenario("a dead letter is redriven while the same is owed anew", DEAD,
          A=[reply(REDRIVE.format("alice")), "COMMIT"],
          B=[value("s2s.delivery_owe('wallet', '/verification/notify', (test.verification('S')).verification_id)"), "COMMIT"])
def _(run):
    run.expect(run.ask(count("delivery")) == ["1"], "one delivery")
    run.expect(run.value("A1")["status"] == 200, "redriven")


if __name__ == "__main__":
    sys.exit(main())
