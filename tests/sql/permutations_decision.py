# SPDX-License-Identifier: Apache-2.0
"""Codes, nonces, devices and datasets under concurrency: see interleave.py."""
import json
import sys

from interleave import count, main, reply, scenario, value


def two(expected, run, *steps):
    """What two steps returned, in whatever order."""
    got = sorted(run.value(step) for step in steps)
    run.expect(got == sorted(expected), f"expected {expected}, got {got}")


# ---- offers ----

CANDIDATES = ["SELECT test.initiate('S'), test.initiate('T')"]
OFFER = ["SELECT test.offer('O', p_tx => '\\x7c', p_attempts => 2)", *CANDIDATES]


def redeem(session, tx="7c", lease=1):
    return value(f"test.redeem('{session}', p_tx => '{tx}', p_lease => {lease})")


@scenario("one code, two verifications: one redeems it", OFFER,
          A=[redeem("S"), "COMMIT"], B=[redeem("T"), "COMMIT"])
def _(run):
    two(["SATISFIED", "MISMATCH USED"], run, "A1", "B1")
    winner = "S" if run.value("A1") == "SATISFIED" else "T"
    run.expect(run.ask(f"SELECT used_by = (test.verification('{winner}')).verification_id FROM s2s.credential_offer")
               == ["t"], "that one has it")
    run.expect(run.ask("SELECT attempts_left FROM s2s.credential_offer") == ["2"], "nothing else is used up")


@scenario("one code, two verifications, the first rolls back: the second redeems it", OFFER,
          A=[redeem("S"), "ROLLBACK"], B=[redeem("T"), "COMMIT"])
def _(run):
    run.expect(run.value("B1") == "SATISFIED", "B has it")


@scenario("one code, three verifications", [*OFFER, "SELECT test.initiate('U')"],
          A=[redeem("S"), "COMMIT"], B=[redeem("T"), "COMMIT"], C=[redeem("U"), "COMMIT"])
def _(run):
    two(["SATISFIED", "MISMATCH USED", "MISMATCH USED"], run, "A1", "B1", "C1")


@scenario("two wrong transaction codes at once: both count, and use it up", OFFER,
          A=[redeem("S", "01"), "COMMIT"], B=[redeem("T", "01"), "COMMIT"])
def _(run):
    two(["MISMATCH WRONG_TX_CODE", "MISMATCH EXHAUSTED"], run, "A1", "B1")
    run.expect(run.ask("SELECT attempts_left, used_by IS NULL FROM s2s.credential_offer") == ["0|t"], "both counted")


@scenario("a wrong transaction code and the right one: the right one redeems it", OFFER,
          A=[redeem("S", "01"), "COMMIT"], B=[redeem("T"), "COMMIT"])
def _(run):
    run.expect(run.value("B1") == "SATISFIED", "it was not burnt")
    run.expect(run.value("A1") in ("MISMATCH WRONG_TX_CODE", "MISMATCH USED"), "the other one has nothing")


@scenario("the last attempt goes wrong, and the right code: whichever comes first",
          [*OFFER, "UPDATE s2s.credential_offer SET attempts = 1, attempts_left = 1"],
          A=[redeem("S", "01"), "COMMIT"], B=[redeem("T"), "COMMIT"])
def _(run):
    wrong_first = run.value("A1") == "MISMATCH EXHAUSTED"
    run.expect(run.value("B1") == ("MISMATCH EXHAUSTED" if wrong_first else "SATISFIED"), "used up, or used")
    run.expect(wrong_first or run.value("A1") == "MISMATCH USED", "or used")


@scenario("an offer is taken back while it is redeemed: one of them", OFFER,
          A=[redeem("S"), "COMMIT"], B=[value("test.revoke('O')"), "COMMIT"])
def _(run):
    outcomes = (run.value("A1"), run.value("B1"))
    run.expect(outcomes in (("SATISFIED", "FAILED USED"), ("MISMATCH REVOKED", "COMPLETED")), f"one of them: {outcomes}")


@scenario("two offers, named in either order by two verifications: nobody waits for ever",
          ["SELECT test.offer('O', '\\x0c', p_configurations => '{badge}')",
           "SELECT test.offer('P', '\\x0d', p_configurations => '{badge}')", *CANDIDATES],
          A=[value("test.verdicts(test.facts('S', json_build_array(test.offer_item('0c', NULL, 0), "
                   "test.offer_item('0d', NULL, 1))))"), "COMMIT"],
          B=[value("test.verdicts(test.facts('T', json_build_array(test.offer_item('0d', NULL, 0), "
                   "test.offer_item('0c', NULL, 1))))"), "COMMIT"])
def _(run):
    two(["SATISFIED, SATISFIED", "MISMATCH USED, MISMATCH USED"], run, "A1", "B1")


@scenario("a submission is evaluated twice, as its lease ran out: it counts once",
          [*OFFER, "UPDATE s2s.job SET lease = test.lease(1), next_at = clock_timestamp() + interval '1 min'"],
          A=[redeem("S", "01"), "COMMIT"],
          B=["BEGIN; UPDATE s2s.job SET lease = test.lease(2) WHERE ref = (test.verification('S')).verification_id",
             redeem("S", "01", 2).removeprefix("BEGIN; "), "COMMIT"])
def _(run):
    run.expect(run.value("A1") in ("MISMATCH WRONG_TX_CODE", "fenced"), "asked in time, or fenced")
    run.expect(run.value("B2") == "MISMATCH WRONG_TX_CODE", "the same answer")
    run.expect(run.ask("SELECT attempts_left FROM s2s.credential_offer") == ["1"], "one attempt")


@scenario("a code is redeemed, and a supplement overtakes it: it stays with its verification", OFFER,
          A=[redeem("S"), "COMMIT"], B=[reply("test.supplement('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("B1")["status"] == 200, "accepted")
    run.expect(run.value("A1") in ("SATISFIED", "superseded", "fenced"), "before, or void")
    run.expect(run.ask("SELECT test.redeem('S', p_tx => '7c')") == ["SATISFIED"], "in the end it has it")


# ---- nonces ----

KNOWN = ["SELECT test.again('S', 'first')", "SELECT test.approve('S')"]


def again(jti):
    return reply(f"test.again('S', '{jti}')")


@scenario("one nonce for a new session, twice at once: once", [], A=[again("n"), "COMMIT"], B=[again("n"), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1")["status"], run.value("B1")["status"]]) == [200, 409], "one 200, one 409")
    run.expect(run.ask(count("verification")) == ["1"], "one verification")


@scenario("one nonce for a known session, twice at once: once", KNOWN, A=[again("n"), "COMMIT"], B=[again("n"), "COMMIT"])
def _(run):
    run.expect(sorted([run.value("A1")["status"], run.value("B1")["status"]]) == [200, 409], "one 200, one 409")
    run.expect(run.ask(count("nonce_jti")) == run.ask(count("job")) == ["1"], "one verification")


@scenario("one nonce for a known session, the first rolls back: the second counts", KNOWN,
          A=[again("n"), "ROLLBACK"], B=[again("n"), "COMMIT"])
def _(run):
    run.expect(run.value("B1")["status"] == 200, "B's")
    run.expect(run.ask(count("nonce_jti")) == ["1"], "one verification")


@scenario("two nonces for a known session at once: one verification at a time", KNOWN,
          A=[again("n"), "COMMIT"], B=[again("m"), "COMMIT"])
def _(run):
    answers = [run.value("A1"), run.value("B1")]
    run.expect(sorted(a["status"] for a in answers) == [200, 409], "one 200, one 409")
    refused = json.loads(next(a["body"] for a in answers if a["status"] == 409))
    run.expect(refused["currentStatus"] == "PENDING", "which says why")
    run.expect(run.ask(count("nonce_jti")) == ["1"], "the other nonce is not used up")


@scenario("a session is verified anew while its verification is cancelled", ["SELECT test.again('S', 'first')"],
          A=[again("n"), "COMMIT"], B=[reply("test.cancel('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("B1")["status"] == 200, "cancelled")
    run.expect(run.value("A1")["status"] == (200 if run.before("B1", "A1") else 409), "afterwards, or not")


# ---- provisioning ----

TWICE = [*KNOWN, "SELECT test.again('S', 'second')", "SELECT test.approve('S')"]


@scenario("two verifications of a session are provisioned at once: one instance", TWICE,
          A=[reply("test.provision_nth('S', 1)"), "COMMIT"], B=[reply("test.provision_nth('S', 2)"), "COMMIT"])
def _(run):
    run.expect(run.value("A1")["body"] == run.value("B1")["body"], "the same instance")
    run.expect(run.ask(count("instance")) == ["1"], "one instance")
    run.expect(run.ask("SELECT test.ids(test.provision_nth('S', 1)) = test.ids(test.provision_nth('S', 2))") == ["t"],
               "for ever")


@scenario("an instance is unlinked while it is taken over: it is live and kept, or it is over and replaced",
          [*TWICE, "SELECT test.provision_nth('S', 1)"],
          A=[reply("test.provision_nth('S', 2)"), "COMMIT"], B=[reply("test.manage('S', 'UNLINK')"), "COMMIT"])
def _(run):
    kept = run.ask(count("instance")) == ["1"]
    run.expect(kept == run.before("A1", "B1"), "kept when it came first")


# ---- devices ----

ROOT = ["SELECT test.again('root', 'a')", "SELECT test.approve('root', p_devices => 2)", *CANDIDATES]


def migrate(session, source="root"):
    return value(f"test.migrate('{session}', '{source}')")


@scenario("two devices, room for one", ROOT, A=[migrate("S"), "COMMIT"], B=[migrate("T"), "COMMIT"])
def _(run):
    two(["SATISFIED", "MISMATCH DEVICE_LIMIT"], run, "A1", "B1")
    run.expect(run.ask("SELECT count(*) FROM s2s.verification WHERE root_verification_id IS NOT NULL") == ["1"], "one")


@scenario("two devices, room for one, the first rolls back", ROOT, A=[migrate("S"), "ROLLBACK"], B=[migrate("T"), "COMMIT"])
def _(run):
    run.expect(run.value("B1") == "SATISFIED", "B has it")


@scenario("three devices, room for two", [*ROOT, "SELECT test.initiate('U')",
                                          "UPDATE s2s.verification SET authorized_device_count = 3 "
                                          "WHERE status = 'APPROVED'"],
          A=[migrate("S"), "COMMIT"], B=[migrate("T"), "COMMIT"], C=[migrate("U"), "COMMIT"])
def _(run):
    two(["SATISFIED", "SATISFIED", "MISMATCH DEVICE_LIMIT"], run, "A1", "B1", "C1")


@scenario("two devices, one by the root, one by what is derived from it: room for one",
          [*ROOT, "SELECT test.migrate('S', 'root')", "SELECT test.approve('S')", "SELECT test.initiate('U')",
           "UPDATE s2s.verification SET authorized_device_count = 3 WHERE status = 'APPROVED'"],
          A=[migrate("T"), "COMMIT"], B=[migrate("U", "S"), "COMMIT"])
def _(run):
    two(["SATISFIED", "MISMATCH DEVICE_LIMIT"], run, "A1", "B1")


@scenario("a device makes room while another asks for it", [*ROOT, "SELECT test.migrate('S', 'root')"],
          A=[migrate("T"), "COMMIT"], B=[reply("test.cancel('S')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == ("SATISFIED" if run.before("B2", "A1") else "MISMATCH DEVICE_LIMIT"),
               "when it is gone, not before")


# ---- evaluations ----

@scenario("two claims of a backend's lane: each verification once, nobody waits",
          ["SELECT test.again('S' || n, 'a', p_lane => 'hr') FROM generate_series(1, 3) AS n"],
          A=["BEGIN; SELECT coalesce(jsonb_agg(session_id), '[]') "
             "FROM s2s.evaluations_claim(test.lease(1), 9, '1 min', 9, 1000, '{\"\", hr}', '{9, 2}')", "COMMIT"],
          B=["BEGIN; SELECT coalesce(jsonb_agg(session_id), '[]') "
             "FROM s2s.evaluations_claim(test.lease(2), 9, '1 min', 9, 1000, '{hr}', '{2}')", "COMMIT"])
def _(run):
    claimed = run.value("A1") + run.value("B1")
    run.expect(sorted(claimed) == ["S1", "S2", "S3"], f"each once: {claimed}")
    run.expect(not run.waited, "nobody waits")


LEASED = ["SELECT test.initiate('S')", "SELECT test.claim()"]


@scenario("a wrong answer, and a decision, of one job: one counts", LEASED,
          A=[value("s2s.evaluation_undecided(test.job('S'), test.lease(), 1, 'garbage')"), "COMMIT"],
          B=[value("test.decide('S', 'APPROVED', p_job => (SELECT min(job_id) FROM s2s.job), p_data_seq => 1)"), "COMMIT"])
def _(run):
    two(["done", "fenced"], run, "A1", "B1")
    approved = run.value("B1") == "done"
    run.expect(run.ask("SELECT status, awaiting_decision FROM s2s.verification")
               == ["APPROVED|f" if approved else "PENDING|t"], "that one")


@scenario("a job is put off, and decided: one counts, and it is never lost", LEASED,
          A=[value("s2s.job_postpone(test.job('S'), test.lease(), '0', 'timeout')"), "COMMIT"],
          B=[value("test.decide('S', 'DENIED', p_job => (SELECT min(job_id) FROM s2s.job), p_data_seq => 1)"), "COMMIT"])
def _(run):
    two(["postponed", "fenced"] if run.value("A1") == "postponed" else ["fenced", "done"], run, "A1", "B1")


@scenario("a result from the web, and a submission: both are evaluated, in one evaluation",
          ["SELECT test.initiate('S', p_jwe => '{a}')", "SELECT test.evaluate('S', 'ADDITIONAL_INFO_REQUIRED')"],
          A=[value("s2s.web_result((test.verification('S')).verification_id, 'otp-1', '\\x0e', 9, 1000)"), "COMMIT"],
          B=[reply("test.supplement('S', p_jwe => '{b}')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == "accepted" and run.value("B1")["status"] == 200, "both")
    claimed = run.ask("SELECT client_jwe, issuer_sealed FROM s2s.evaluations_claim(test.lease(), 9, '1 min', 9, 1000)")
    run.expect(claimed == ['{a,b}|{"\\\\x0e"}'], f"one evaluation, got {claimed}")


# ---- datasets ----

WAITING = ["SELECT s2s.lanes_set('{wallet}')", "SELECT test.provisioned('S')", "SELECT test.get_waiting('S')",
           "SELECT test.datasets()"]
READY = "s2s.dataset_ready((SELECT job_id FROM s2s.job), test.lease())"


@scenario("a dataset is ready, and pushed: the wallet is told once", WAITING,
          A=[value(READY), "COMMIT"], B=[value("test.push('S')"), "COMMIT"])
def _(run):
    first = run.value("A1") == "done"
    run.expect(run.value("B1") == ("COMPLETED" if first else "COMPLETED READY"), "by one of them")
    run.expect(first or run.value("A1") == "superseded", "the other has nothing to tell")
    run.expect(run.ask("SELECT owed FROM s2s.delivery WHERE endpoint = '/event/notify'") == ["1"], "once")
    run.expect(run.ask("SELECT test.datasets(2)") == [], "nobody asks any more")


@scenario("a dataset is ready, and somebody must still wait: told, or asked again", WAITING,
          A=[value(READY), "COMMIT"], B=[reply("test.get_waiting('S', '\\xbb')"), "COMMIT"])
def _(run):
    run.expect(run.value("A1") == "done", "ready")
    late = run.before("A1", "B1")
    asked = run.ask("SELECT count(*) FROM s2s.job") == ["1"]
    run.expect(run.value("B1")["outcome"] in ("answered", "retry"), "waits, or loads again")
    run.expect(asked == (run.value("B1")["outcome"] == "answered" and late), "asked again when told afterwards")


@scenario("two gets must wait at once: one job asks", ["SELECT test.provisioned('S')"],
          A=[reply("test.get_waiting('S', '\\xaa')"), "COMMIT"], B=[reply("test.get_waiting('S', '\\xbb')"), "COMMIT"])
def _(run):
    run.expect(run.ask("SELECT count(*) FROM s2s.job") == ["1"], "one job")
    run.expect(run.value("A1")["outcome"] in ("answered", "retry") and run.value("B1")["outcome"] in ("answered", "retry"),
               "both wait, or load again")


if __name__ == "__main__":
    sys.exit(main())
