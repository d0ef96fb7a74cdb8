#!/usr/bin/env python3
"""Fetches credentials from a real agent with `protocol_client.py`, the client written from docs/protocol.md alone.

    protocol_client_test.py [AGENT [STANDIN]]

The client runs as a program of its own, as its user would run it. It must stay below the length that the page promises.
"""

import json
import subprocess
import sys
import time

from world import CLIENT, PATIENCE, Verdict, World, program

MOST_LINES = 150
PASSPHRASE = "a passphrase with spaces"


def client(world, profile, *arguments, **environment):
    """The client's standard output as JSON, or its complaint."""
    ran = subprocess.run([sys.executable, CLIENT, profile, *arguments], env=world.environment | environment, text=True,
                         stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
    if ran.returncode == 0:
        return json.loads(ran.stdout)
    assert ran.returncode == 1 and ran.stdout == "" and ran.stderr.startswith("protocol_client: "), ran
    return ran.stderr


def length():
    lines = len(CLIENT.read_text().splitlines())
    assert lines <= MOST_LINES, f"{lines} lines"


class Checks:
    """In the order in which they are run: a later one relies on what an earlier one left in the agent."""

    def __init__(self, world):
        self.world, self.user = world, world.facts["users"][0]

    def calls(self):
        return [call["action"] for call in self.world.control("GET", "calls")["calls"]]

    def role_with_passphrase_prompt(self):
        self.world.add("jon", self.user["access_key_id"], self.user["secret_access_key"], passphrase=PASSPHRASE)
        self.world.stop()
        self.world.start()
        got = client(self.world, "reader", "--answer-passphrase", PASSPHRASE)
        assert got["access_key_id"].startswith("ASIA") and got["region"] == self.world.facts["region"], got
        assert got["profile"] == "reader" and got["endpoint_url"] is None, got
        assert self.calls() == ["AssumeRole"], self.calls()

    def role_with_mfa_prompt(self):
        got = client(self.world, "admin", "--answer-mfa", self.world.code())
        issued = {one["access_key_id"]: one for one in self.world.control("GET", "issued")["issued"]}
        known = issued[got["access_key_id"]]
        for name in ("secret_access_key", "session_token"):
            assert got[name] == known[name], name
        assert 0 < got["expiration"] - time.time() <= 3600 and not got["from_memory"], got["expiration"]
        last = self.world.control("GET", "calls")["calls"][-1]
        assert last["serial"] == self.user["mfa_serial"] and last["outcome"]["kind"] == "success", last

    def second_time_without_any_prompt(self):
        before = self.calls()
        assert client(self.world, "admin")["from_memory"]
        assert self.calls() == before

    def wrong_code_is_a_failure(self):
        complaint = client(self.world, "other", "--answer-mfa", "1")
        assert "Traceback" not in complaint and complaint.startswith("protocol_client: ("), complaint

    def no_prompt_is_a_failure_with_a_hint(self):
        complaint = client(self.world, "other")
        assert complaint.startswith("protocol_client: (2, "), complaint

    def unknown_profile_names_near_ones(self):
        complaint = client(self.world, "adnin")
        assert complaint.startswith("protocol_client: (5, ") and "admin" in complaint, complaint

    def passphrase_from_the_environment(self):
        self.world.stop()
        self.world.start()
        got = client(self.world, "reader", AWS_VAULT_FILE_PASSPHRASE=PASSPHRASE)
        assert got["access_key_id"].startswith("ASIA"), got

    def locked_is_said(self):
        self.world.lock()
        assert client(self.world, "reader").startswith("protocol_client: (1, ")

    def no_agent_is_said(self):
        self.world.stop()
        assert "Traceback" not in client(self.world, "reader")


def main():
    given = sys.argv[1:] + [None] * 2
    agent, standin = given[0] or program("aws-vault-agent"), given[1] or program("standin")
    verdict = Verdict()
    verdict.check(f"the client has at most {MOST_LINES} lines", length)
    with World(agent, standin) as world:
        user, roles = world.facts["users"][0], world.facts["roles"]
        role = lambda name: {"source_profile": "jon", "role_arn": roles[name]["arn"]}
        mfa = {"mfa_serial": user["mfa_serial"]}
        device = world.control("POST", "mfa-devices", {"user": user["name"]})["serial"]
        other = {"source_profile": "jon", "role_arn": roles["admin"]["arn"], "mfa_serial": device}
        world.configure(("jon", {}), ("reader", role("reader")), ("admin", role("admin") | mfa), ("other", other))
        world.start()
        checks = Checks(world)
        for name in vars(Checks):
            if not name.startswith("_") and name != "calls":
                verdict.check(name.replace("_", " "), getattr(checks, name))
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
