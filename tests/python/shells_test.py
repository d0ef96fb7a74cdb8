#!/usr/bin/env python3
"""Starts the agent from every shell the way its login script would: `eval "$(aws-vault-agent)"`.

    shells_test.py [AGENT]

The eval must end in time, leave an agent that answers at the address it set, find the same one the second time, and
`-k` must end it and its socket. A shell that is not installed is named and skipped.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import protocol_client
from world import STATUS, STATUS_REPORT, PATIENCE, Verdict, ends, program

# More than enough for starting an agent twice, and little enough to call a shell that still waits hanging.
TIMEOUT = 5
EVAL = 'eval "$({agent}{options})"'
CSH_EVAL = "eval `{agent}{options}`"
SHOW = "echo $AWS_VAULT_AGENT_PID $AWS_VAULT_AGENT_SOCK"
# The shell's name, how it is called, the options that its users add, and how it evaluates.
SHELLS = (
    ("sh", ["sh", "-c"], "", EVAL),
    ("bash", ["bash", "--norc", "-c"], "", EVAL),
    ("dash", ["dash", "-c"], "", EVAL),
    ("zsh", ["zsh", "-f", "-c"], "", EVAL),
    ("fish", ["fish", "--no-config", "-c"], "", EVAL),
    ("fish --shell", ["fish", "--no-config", "-c"], " --shell fish", EVAL),
    ("tcsh -c", ["tcsh", "-f", "-c"], " -c", CSH_EVAL),
    ("tcsh by $SHELL", ["tcsh", "-f", "-c"], "", CSH_EVAL),
)


class Login:
    """One shell in a home of its own."""

    def __init__(self, agent, directory, shell):
        self.agent, (name, self.call, self.options, self.eval) = agent, shell
        self.run = pathlib.Path(directory) / "run"
        for made in ("home", "run"):
            (pathlib.Path(directory) / made).mkdir(mode=0o700)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": f"{directory}/home",
            "XDG_RUNTIME_DIR": str(self.run),
            # What a login sets: csh's syntax is chosen by it.
            "SHELL": shutil.which(self.call[0]) if "$SHELL" in name else "/bin/sh",
        }

    def do(self, *lines):
        """The words that the shell printed after the lines. An agent that kept the pipe would let this time out."""
        script = "\n".join(line.format(agent=self.agent, options=self.options) for line in lines)
        ran = subprocess.run([*self.call, script], env=self.environment, stdin=subprocess.DEVNULL, text=True,
                             capture_output=True, timeout=TIMEOUT, check=False)
        assert ran.returncode == 0 and not ran.stderr, ran
        return ran.stdout.split()

    def check(self):
        try:
            self.check_life()
        finally:
            # Whatever went wrong, the agent of this home must not outlive the test.
            subprocess.run([self.agent, "-k"], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=PATIENCE, check=False)

    def check_life(self):
        pid, socket = self.do(self.eval, SHOW)[-2:]
        assert socket == str(self.run / "aws-vault" / "agent.sock"), socket
        handle = os.pidfd_open(int(pid))
        try:
            assert self.answers(socket) == int(pid)
            again = self.do(self.eval, self.eval, SHOW)[-2:]
            assert again == [pid, socket], f"another agent: {again} after {[pid, socket]}"
            assert self.answers(socket) == int(pid)
            self.do("{agent} -k")
            assert ends(handle), "the agent outlived -k"
            assert not os.path.lexists(socket), "the socket outlived -k"
        finally:
            if not ends(handle):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)

    def answers(self, socket):
        """The pid that the agent at the address says it has."""
        os.environ["AWS_VAULT_AGENT_SOCK"] = socket
        kind, reply = protocol_client.Connection().request(STATUS, b"\0")
        assert kind == STATUS_REPORT, kind
        reply.text(), reply.text()  # Version and instance come first.
        return reply.unsigned()


def main():
    agent = sys.argv[1] if sys.argv[1:] else program("aws-vault-agent")
    verdict = Verdict()
    for shell in SHELLS:
        if not shutil.which(shell[1][0]):
            verdict.skip(shell[0], f"{shell[1][0]} is not installed")
            continue
        with tempfile.TemporaryDirectory(prefix="av-") as directory:
            verdict.check(shell[0], Login(agent, directory, shell).check)
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
