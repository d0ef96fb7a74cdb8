"""A world of its own for one test: temporary home and run directory, the stand-in for AWS, and an agent.

It never touches the home, the agent or the configuration of whoever runs the test, ends only what it started, and
leaves nothing behind. The messages that the small client does not need (Add, Lock, …) are here, see docs/protocol.md.
"""

import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import urllib.parse
import urllib.request

import protocol_client
from protocol_client import optional, text

ADD, LOCK, STATUS = 0x0109, 0x0201, 0x0501
ADDED, DONE, STATUS_REPORT = 0x010A, 0x0008, 0x0502
CLIENT = pathlib.Path(protocol_client.__file__).resolve()
ROOT = CLIENT.parent.parent.parent
SKIPPED = 77  # What test programs commonly exit with then; tests/run knows it.
PATIENCE = 30  # seconds for anything that should take milliseconds, on a machine that does other things as well


def program(name, directory="release"):
    """Where cargo puts the program."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    return str((target / directory / name).resolve())


class World:
    """A home, a stand-in and (after `start`) an agent. `user` is a uid to give the home and the agent to."""

    def __init__(self, agent, standin, user=None):
        self.user, self.pid = user, None
        # Short: the path of a socket may have 107 bytes.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="av-"))
        self.home, self.run = self.directory / "home", self.directory / "run"
        self.keys = self.home / ".awsvault" / "keys"
        for made in (self.home, self.run):
            made.mkdir(mode=0o700)
        # A copy, because the user may have no way into the directory that the program is in.
        self.agent_program = shutil.copy(agent, self.directory / "aws-vault-agent")
        if user is not None:
            self.directory.chmod(0o711)
            for made in (self.home, self.run):
                os.chown(made, user, user)
        self.standin = subprocess.Popen([standin], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = json.loads(self.standin.stdout.readline())
        self.config = self.directory / "config"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.run),
            "AWS_CONFIG_FILE": str(self.config),
            "AWS_ENDPOINT_URL_STS": self.facts["url"],
            "AWS_VAULT_BACKEND": "file",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.standin.communicate(timeout=PATIENCE)  # It ends when its standard input does.
        shutil.rmtree(self.directory)

    def configure(self, *sections):
        """Writes the configuration: a profile's name and its keys, each."""
        lines = [f"[profile {name}]\nregion = {self.facts['region']}\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())
                 for name, keys in sections]
        self.config.write_text("\n".join(lines))

    def run_as_user(self, *command):
        """Runs the command as the user this world belongs to."""
        user = {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
        return subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, cwd="/", capture_output=True,
                              text=True, timeout=PATIENCE, check=False, **user)

    def start(self):
        """Starts the agent the way a login script does, which returns when it answers."""
        ran = self.run_as_user(self.agent_program, "-s")
        assert ran.returncode == 0, ran.stderr
        self.pid = int(re.search(r"AWS_VAULT_AGENT_PID='?(\d+)", ran.stdout)[1])
        return self.pid

    def stop(self):
        """Ends the agent, with force if it does not go by itself."""
        if self.pid is None:
            return
        pid, self.pid = self.pid, None
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                signal.pidfd_send_signal(handle, signal.SIGTERM)
                if not ends(handle):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    ends(handle)
            finally:
                os.close(handle)

    def connect(self, **answers):
        """A connection of this world. `mfa` and `passphrase` are the answers to prompts."""
        with self.here():
            phrase = answers.get("passphrase")
            return protocol_client.Connection({1: answers.get("mfa"), 2: phrase, 3: phrase})

    def request(self, kind, body, expected, **answers):
        with self.here():
            got, reply = self.connect(**answers).request(kind, body)
        assert got == expected, f"a reply of type {got:#06x}"
        return reply

    def add(self, profile, key, secret, **answers):
        """Stores a key."""
        with self.here():
            who = protocol_client.caller(bool(answers))
        return self.request(ADD, who + text(profile) + text(key) + text(secret) + optional(None) + b"\0", ADDED, **answers)

    def credentials(self, profile, no_session=False, **answers):
        with self.here():
            return protocol_client.get_credentials(self.connect(**answers), profile, no_session)

    def lock(self):
        self.request(LOCK, b"\0", DONE)

    @contextlib.contextmanager
    def here(self):
        """The environment of this world for as long as it lasts."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.environment)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def control(self, method, path, body=None, **query):
        """One request to the stand-in's control path."""
        url = f"{self.facts['url']}/_control/{path}?{urllib.parse.urlencode(query)}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=PATIENCE) as answer:
            return json.load(answer)

    def code(self):
        """A code of the first user's MFA device that was not used yet."""
        return self.control("GET", "code", serial=self.facts["users"][0]["mfa_serial"])["code"]


def ends(handle):
    """Whether the process behind a pidfd ends in time."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(10_000))


class Verdict:
    """Runs checks by name and counts them."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, function):
        try:
            function()
        except Exception:  # noqa: BLE001 - whatever it is, it is the verdict
            self.failed += 1
            print(f"FAILED {name}\n{traceback.format_exc()}", file=sys.stderr)
        else:
            self.passed += 1
            print(f"ok {name}")

    def skip(self, name, reason):
        self.skipped += 1
        print(f"skipped {name}: {reason}")

    def finish(self):
        """Prints the counts; the exit code, which is SKIPPED if nothing at all could be tried."""
        print(f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else ""))
        if self.failed or not self.passed + self.skipped:
            return 1
        return 0 if self.passed else SKIPPED
