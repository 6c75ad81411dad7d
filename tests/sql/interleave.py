# SPDX-License-Identifier: Apache-2.0
"""Concurrent sessions, in every order.

A scenario is two or three sessions, each a list of steps. The driver runs the steps one at a time in every order that
keeps each session's own, on psql processes of their own; a step that waits for a lock is left waiting, and its session
goes on when it is through. After each order the scenario checks what every order must end in, and fsck must be clean.
Prints TAP, one test a scenario. The scenarios are in permutations*.py.
"""
import json
import os
import selectors
import subprocess
import sys
import time
from itertools import permutations

STEP_TIMEOUT = 20  # seconds; a step that takes longer hangs
POLL = 0.002


class Failure(Exception):
    pass


class Session:
    """One psql process. `start` sends a statement; `finish` returns its rows, or None while it runs."""

    def __init__(self, name):
        self.name = name
        self.psql = subprocess.Popen(
            ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.psql.stdout, selectors.EVENT_READ)
        self.output = b""
        self.running = False
        self.pid = int(self.run("SELECT pg_backend_pid()")[0])

    def start(self, sql):
        self.psql.stdin.write(f"{sql};\n\\echo <end>\n".encode())
        self.psql.stdin.flush()
        self.output = b""
        self.running = True

    def finish(self, timeout):
        """Waits up to `timeout` for the end of the statement."""
        if self.selector.select(timeout):
            data = os.read(self.psql.stdout.fileno(), 65536)
            if not data:
                raise Failure(f"session {self.name} is gone: {self.output.decode()}")
            self.output += data
        if not self.output.endswith(b"<end>\n"):
            return None
        self.running = False
        rows = self.output.decode().splitlines()[:-1]
        if any(row.startswith("ERROR") for row in rows):
            raise Failure(f"session {self.name}: {rows}")
        return rows

    def run(self, sql):
        self.start(sql)
        deadline = time.monotonic() + STEP_TIMEOUT
        while time.monotonic() < deadline:
            rows = self.finish(POLL)
            if rows is not None:
                return rows
        raise Failure(f"session {self.name} hangs in {sql}")

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()


class Run:
    """One order of the steps of a scenario: what each step returned, and which had to wait."""

    def __init__(self, driver, order):
        self.driver = driver
        self.order = order
        self.started = []  # steps, in the order in which they were sent
        self.results = {}  # "A1" → rows of the first step of session A
        self.waited = set()  # steps that were seen waiting for a lock

    def value(self, step):
        """The one value that a step returned; JSON objects decoded."""
        rows = self.results[step]
        text = rows[-1] if rows else None
        return json.loads(text) if text and text[0] in "{[" else text

    def before(self, one, other):
        return self.started.index(one) < self.started.index(other)

    def ask(self, sql):
        return self.driver.monitor.run(sql)

    def expect(self, condition, what):
        if not condition:
            raise Failure(f"{what}; results {self.results}")


class Driver:
    def __init__(self):
        self.monitor = Session("monitor")
        self.sessions = {name: Session(name) for name in "ABC"}

    def blocked(self, session):
        sql = f"SELECT cardinality(pg_blocking_pids({session.pid})) > 0"
        return self.monitor.run(sql) == ["t"]

    def settle(self, run, pending):
        """Waits until each session with a step under way is either through with it or waits for a lock."""
        deadline = time.monotonic() + STEP_TIMEOUT
        while time.monotonic() < deadline:
            waiting = True
            for name, step in list(pending.items()):
                rows = self.sessions[name].finish(POLL)
                if rows is not None:
                    run.results[step] = rows
                    del pending[name]
                    waiting = False  # its end may have let another go on: look again
                elif self.blocked(self.sessions[name]):
                    run.waited.add(step)
                else:
                    waiting = False
            if waiting:
                return
        raise Failure(f"{pending} neither ends nor waits")

    def play(self, run, scripts):
        todo = list(run.order)
        done = {name: 0 for name in scripts}
        pending = {}  # session → step under way
        while todo or pending:
            # The next step in order whose session is free: one that waits lets the others go first.
            name = next((n for n in todo if n not in pending), None)
            if name is None:
                raise Failure(f"{pending} wait for each other")
            todo.remove(name)
            done[name] += 1
            step = f"{name}{done[name]}"
            self.sessions[name].start(scripts[name][done[name] - 1])
            run.started.append(step)
            pending[name] = step
            self.settle(run, pending)

    def scenario(self, setup, scripts, check):
        count = 0
        names = "".join(name * len(steps) for name, steps in scripts.items())
        for order in sorted(set(permutations(names))):
            self.monitor.run("SELECT test.forget()")
            for statement in setup:
                self.monitor.run(statement)
            run = Run(self, order)
            try:
                self.play(run, scripts)
                check(run)
                broken = run.ask("SELECT * FROM s2s.fsck()")
                run.expect(not broken, f"fsck: {broken}")
            except Failure as failure:
                raise Failure(f"order {''.join(order)}: {failure}") from None
            count += 1
        return count

    def reset(self):
        """After a failure: nothing of it may reach the next scenario."""
        for session in self.sessions.values():
            self.monitor.run(f"SELECT pg_terminate_backend({session.pid})")
            session.psql.kill()
            session.close()
        self.sessions = {name: Session(name) for name in "ABC"}

    def close(self):
        for session in [*self.sessions.values(), self.monitor]:
            session.close()


SCENARIOS = []


def scenario(title, setup, **scripts):
    def register(check):
        SCENARIOS.append((title, setup, scripts, check))
        return check
    return register


def reply(call):
    """A call in a transaction that stays open; its reply as JSON."""
    return f"BEGIN; SELECT to_jsonb(r) FROM {call} AS r"


def value(call):
    return f"BEGIN; SELECT {call}"


def count(table):
    return f"SELECT count(*) FROM s2s.{table}"


def main():
    """Runs what has been registered; the exit status."""
    print(f"1..{len(SCENARIOS)}", flush=True)
    driver = Driver()
    failed = 0
    for number, (title, setup, scripts, check) in enumerate(SCENARIOS, 1):
        try:
            orders = driver.scenario(setup, scripts, check)
            print(f"ok {number} - {title} ({orders} orders)", flush=True)
        except Failure as failure:
            failed += 1
            print(f"not ok {number} - {title}\n# {failure}", flush=True)
            driver.reset()
    driver.close()
    return 1 if failed else 0
