#!/usr/bin/env python3
"""Looks for secrets in the memory of an agent that holds sessions, and tries to look as the agent's own user.

    memory_test.py [AGENT [UNPROTECTED_AGENT [STANDIN]]]

AGENT is the release build, UNPROTECTED_AGENT one built with `--features unprotected`: the same scan has to find the
secrets in that one, or it proves nothing. Needs root, which alone may read the memory of an agent. It must never print
a secret, and never forgive a finding.
"""

import ctypes
import json
import os
import pathlib
import secrets
import shutil
import struct
import subprocess
import sys

import memory_scan
from protocol_client import HEADER, LAST_FRAME, optional, text
from world import ADD, PATIENCE, STATUS, STATUS_REPORT, Verdict, World, program

NOBODY = 65534
# Where tests/run puts it.
UNPROTECTED_DIRECTORY = "test-failpoints/debug"
# What nobody can read, the reader of this test included: the page that keeps the key, and the kernel's own.
NOT_READABLE = ("/secretmem", "[vvar", "[vsyscall")
PASSPHRASE = "correct horse/battery+staple 7%"


class Agent:
    """An agent that is made to meet secrets in every way there is, and what it met."""

    def __init__(self, world):
        self.world, self.user = world, world.facts["users"][0]
        self.needles = {"long-term secret": self.user["secret_access_key"], "passphrase": PASSPHRASE}
        mfa = {"mfa_serial": self.user["mfa_serial"]}
        role = {"source_profile": "jon", "role_arn": world.facts["roles"]["admin"]["arn"]}
        world.configure(("jon", mfa), ("admin", role | mfa))
        world.start()

    def fresh_code(self):
        """A code that is not in the agent's memory by chance, being only six digits."""
        code = self.world.code()
        return self.fresh_code() if memory_scan.scan(self.world.pid, {"code": code})["found"] else code

    def use_typed_passphrase(self):
        self.world.add("jon", self.user["access_key_id"], self.user["secret_access_key"], passphrase=PASSPHRASE)
        self.use_sessions()

    def use_stored_key(self):
        """A new agent reads what the last one stored, with the passphrase from the client's environment."""
        self.world.stop()
        self.world.start()
        self.world.environment["AWS_VAULT_FILE_PASSPHRASE"] = PASSPHRASE
        self.use_sessions()

    def use_sessions(self):
        self.needles["MFA code"] = code = self.fresh_code()
        self.world.credentials("admin", mfa=code)
        assert self.world.credentials("admin")["from_memory"]
        self.world.credentials("jon", no_session=True)
        issued = self.issued()
        assert len(issued) >= 2, "a session and a role"
        for number, one in enumerate(issued):
            self.needles |= {f"secret {number}": one["secret_access_key"], f"token {number}": one["session_token"]}

    def send_broken_requests(self):
        """An Add that ends in the middle, and one that is not what it says."""
        for name, broken in (("half a request", False), ("a malformed request", True)):
            self.needles[name] = secret = secrets.token_urlsafe(30)
            with self.world.here():
                body = optional(None) * 7 + text("jon") + text("AKIA") + text(secret)
            connection = self.world.connect()
            connection.unsent += HEADER.pack(len(body) + (0 if broken else 100), ADD, LAST_FRAME, 9, 0) + body
            connection.stream.sendall(connection.unsent)
            connection.read(16)
            connection.frame()
            if broken:
                connection.frame()
            connection.replies.close()
            connection.stream.close()

    def issued(self):
        """The temporary credentials; those of the user have no token."""
        return [one for one in self.world.control("GET", "issued")["issued"] if one["session_token"]]

    def identifiers(self):
        own = {"access key id": self.user["access_key_id"]}
        return own | {f"access key id {number}": one["access_key_id"] for number, one in enumerate(self.issued())}

    def findings(self, needles):
        self.world.request(STATUS, b"\0", STATUS_REPORT)  # A status: whatever came before it is answered.
        result = memory_scan.scan(self.world.pid, needles)
        assert result["bytes_read"] > 1_000_000, result
        for name in result["unreadable"]:
            assert name.startswith(NOT_READABLE), f"{name} cannot be read, so nobody knows what is there"
        return result["found"]


def nothing(found):
    assert not found, "found:\n" + "\n".join(map(json.dumps, found))


def check_protected(verdict, agent):
    """The agent keeps nothing readable: neither while it holds sessions nor after it was locked."""
    agent.use_typed_passphrase()
    verdict.check("nothing is found after a typed passphrase and an MFA code", lambda: nothing(agent.findings(agent.needles)))
    agent.send_broken_requests()
    verdict.check("nothing is found after broken requests", lambda: nothing(agent.findings(agent.needles)))
    agent.use_stored_key()
    verdict.check("nothing is found after reading a stored key", lambda: nothing(agent.findings(agent.needles)))
    agent.world.lock()
    everything = agent.needles | agent.identifiers()
    verdict.check("nothing at all is found after lock", lambda: nothing(agent.findings(everything)))
    # This is how a client starts an agent that was not running, if its user has the passphrase in the environment.
    agent.world.stop()
    agent.world.start()
    name = "nothing is found of the environment that the agent was started in"
    verdict.check(name, lambda: nothing(agent.findings({"passphrase": PASSPHRASE})))


def check_unprotected(verdict, agent):
    """Without the protection the same scan finds the secrets."""
    agent.use_typed_passphrase()

    def finds():
        found = {row["needle"].split()[0] for row in memory_scan.scan(agent.world.pid, agent.needles)["found"]}
        assert {"secret", "token", "passphrase"} <= found, f"found only {found}"

    verdict.check("without protection the scan finds secrets, tokens and the passphrase", finds)


def check_scan():
    """Every form of a secret is found in memory that has it, which is our own."""
    secret = secrets.token_urlsafe(30) + "/+ %"
    kept = memory_scan.forms(secret)
    found = {row["encoding"] for row in memory_scan.scan(os.getpid(), {"ours": secret})["found"]}
    assert found == set(kept), set(kept) - found


def as_user(uid, function):
    """What `function` answers as `uid`, in a process of its own. A fork: the user may not reach our interpreter."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os.write(writing, json.dumps(function()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        result = json.load(answer)
    os.waitpid(child, 0)
    return result


def open_memory(pid, _address):
    """The error of opening the process's memory, or 0."""
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
    except OSError as error:
        return error.errno
    return 0


def read_memory(pid, address):
    """The error of process_vm_readv, or 0."""
    libc = ctypes.CDLL(None, use_errno=True)
    into = ctypes.create_string_buffer(16)
    local, remote = struct.pack("PN", ctypes.addressof(into), 16), struct.pack("PN", address, 16)
    done = libc.process_vm_readv(pid, local, ctypes.c_ulong(1), remote, ctypes.c_ulong(1), ctypes.c_ulong(0))
    return 0 if done == 16 else ctypes.get_errno()


def attach_gdb(pid, _address):
    """What gdb says to attaching, or 0."""
    ran = subprocess.run(["gdb", "-nx", "-batch", "-p", str(pid), "-ex", "info registers"], cwd="/", env={"HOME": "/"},
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return 0 if "0x" in ran.stdout else ran.stderr.strip().splitlines()[-1:]


def check_refused(verdict, agent_program, standin):
    """The agent's own user can neither attach a debugger nor read its memory, though it can with another process."""
    with World(agent_program, standin, user=NOBODY) as world:
        agent = world.start()
        other = subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
        try:
            for name, attempt in (("open /proc/PID/mem", open_memory), ("process_vm_readv", read_memory), ("gdb", attach_gdb)):
                what = f"the agent's own user is refused: {name}"
                if attempt is attach_gdb and not shutil.which("gdb"):
                    verdict.skip(what, "gdb is not installed")
                    continue
                if refusal := as_user(NOBODY, lambda: attempt(other.pid, readable_address(other.pid))):
                    verdict.skip(what, f"here nobody may do this to any process ({refusal}), so it would prove nothing")
                    continue

                def refused():
                    assert as_user(NOBODY, lambda: attempt(agent, address)), f"{name} was allowed"

                address = readable_address(agent)
                verdict.check(what, refused)
        finally:
            other.communicate(timeout=PATIENCE)


def readable_address(pid):
    return next(start for start, _, mode, name in memory_scan.mappings(pid) if mode.startswith("rw") and "secretmem" not in name)


def main():
    given = sys.argv[1:] + [None] * 3
    agent = given[0] or program("aws-vault-agent")
    unprotected = given[1] or program("aws-vault-agent-unprotected", UNPROTECTED_DIRECTORY)
    standin = given[2] or program("standin")
    verdict = Verdict()
    if os.geteuid() != 0:
        verdict.skip("all of it", "needs root, which alone may read the memory of an agent")
        return verdict.finish()
    verdict.check("the scan finds every form", check_scan)
    with World(agent, standin) as world:
        check_protected(verdict, Agent(world))
    if pathlib.Path(unprotected).exists():
        with World(unprotected, standin) as world:
            check_unprotected(verdict, Agent(world))
    else:
        verdict.check("an unprotected build is there", lambda: nothing([unprotected + " is missing"]))
    check_refused(verdict, agent, standin)
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
