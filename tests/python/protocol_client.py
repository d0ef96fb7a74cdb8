#!/usr/bin/env python3
"""A second client of aws-vault-agent, written from docs/protocol.md alone, to show that the page is enough.

    protocol_client.py PROFILE [--answer-mfa CODE] [--answer-passphrase TEXT]

Prints credentials as JSON. It must know nothing that the page does not say, and have at most 150 lines.
"""

import argparse
import json
import os
import socket
import struct
import sys

MAGIC = bytes.fromhex("89415641470D0A1A")
HELLO, GET_CREDENTIALS, PROMPT_REPLY = 0x0001, 0x0101, 0x0302
HELLO_ACK, GOODBYE, FAILURE, CREDENTIALS, PROMPT = 0x0002, 0x0006, 0x0007, 0x0102, 0x0301
LAST_FRAME, LARGEST_REPLY, HEADER = 1, 65536, struct.Struct("<IHHII")
SENT = ("AWS_", "PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "LC_", "LANG")
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_VAULT_FILE_PASSPHRASE")


class Reader:  # The fields of a body, in order.
    def __init__(self, body):
        self.body, self.at = body, 0

    def take(self, count):
        self.at += count
        assert self.at <= len(self.body), "the body is too short"
        return self.body[self.at - count : self.at]

    def unsigned(self):
        first = self.take(1)[0]
        return first if first < 251 else int.from_bytes(self.take({0xFB: 2, 0xFC: 4, 0xFD: 8}[first]), "little")

    def text(self):
        return self.take(self.unsigned()).decode()

    def optional(self, read):
        return read() if self.unsigned() else None


def unsigned(number):
    tag, size = next(row[1:] for row in ((251, b"", 1), (2**16, b"\xfb", 2), (2**32, b"\xfc", 4)) if number < row[0])
    return tag + number.to_bytes(size, "little")


def text(value):
    return unsigned(len(value.encode())) + value.encode()


def optional(value):
    return b"\0" if value is None else b"\1" + text(value)


def caller(can_ask):
    sent = [pair for pair in os.environ.items() if pair[0].startswith(SENT) and pair[0] not in SECRETS]
    pairs = unsigned(len(sent)) + b"".join(text(part) for pair in sent for part in pair)
    store = optional(None) + optional(None) + optional(os.environ.get("AWS_VAULT_FILE_PASSPHRASE"))
    interaction = bytes([can_ask, 0, 0, not can_ask])
    return pairs + store + interaction + optional(os.environ.get("HOME"))


def address():
    """Where the agent is."""
    given, run = os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{os.getuid()}"
    if os.environ.get("AWS_VAULT_AGENT_SOCK"):
        return os.environ["AWS_VAULT_AGENT_SOCK"]
    if given or os.path.isdir(run) and os.stat(run).st_uid == os.getuid():
        return (given or run) + "/aws-vault/agent.sock"
    host = "".join(c if c.isascii() and c.isalnum() or c in "-." else "_" for c in socket.gethostname()[:24])
    return f"{os.environ['HOME']}/.local/state/aws-vault/run/{host}/agent.sock"


class Connection:
    """One connection; `answers` has the answer to each kind of prompt."""

    def __init__(self, answers=None):
        self.answers, self.next_id, self.greeted = answers or {}, 1, False
        self.unsent = MAGIC + struct.pack("<HHI", 1, 1, 0)
        self.add(HELLO, text("python") + unsigned(LARGEST_REPLY))
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.settimeout(130)  # A little longer than a prompt lasts.
        self.stream.connect(address())
        self.replies = self.stream.makefile("rb")
        peer = struct.unpack("3i", self.stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
        if peer != os.getuid():
            raise PermissionError(f"the agent belongs to user {peer}")

    def add(self, kind, body, request_id=None):
        self.next_id += 1
        self.unsent += HEADER.pack(len(body), kind, LAST_FRAME, request_id or self.next_id, 0) + body
        return request_id or self.next_id

    def read(self, count):
        data = self.replies.read(count)
        if len(data) != count:
            raise ConnectionError("the agent closed the connection")
        return data

    def frame(self):
        length, kind, flags, number, _ = HEADER.unpack(self.read(HEADER.size))
        assert length <= LARGEST_REPLY, "the reply is longer than announced"
        body = self.read(length)
        if kind == GOODBYE:
            raise ConnectionError(body.decode())
        return kind, flags & LAST_FRAME, number, Reader(body)

    def request(self, kind, body):
        """Sends what is due in one write; the type and the body of the final frame."""
        wanted = self.add(kind, body)
        while True:
            self.stream.sendall(self.unsent)
            self.unsent = b""
            if not self.greeted:
                self.greeted = self.read(16)[:8] == MAGIC and self.frame()[0] == HELLO_ACK
            got, final, number, reply = self.frame()
            if got == PROMPT:
                prompt, asked = reply.unsigned(), reply.unsigned()
                answer = self.answers.pop(asked, None)  # Once: it would be as wrong a second time.
                outcome = unsigned(3 if answer is None else 1)
                self.add(PROMPT_REPLY, unsigned(prompt) + outcome + text(answer or ""), number)
            elif final and number == wanted and got == FAILURE:
                raise RuntimeError(reply.unsigned(), reply.text(), reply.optional(reply.text))
            elif final and number == wanted:
                return got, reply


def get_credentials(connection, profile, no_session=False):
    flags = optional(None) + unsigned(0) + bytes([no_session]) + optional(None)
    can_ask = any(answer is not None for answer in connection.answers.values())
    kind, r = connection.request(GET_CREDENTIALS, caller(can_ask) + text(profile) + flags)
    assert kind == CREDENTIALS, f"unexpected reply of type {kind:#06x}"
    seconds = lambda: r.unsigned() >> 1  # Zigzag, and never before 1970.
    required = {name: r.text() for name in ("profile", "access_key_id", "secret_access_key")}
    rest = {"session_token": r.text, "expiration": seconds, "region": r.text, "endpoint_url": r.text}
    return required | {name: r.optional(read) for name, read in rest.items()} | {"from_memory": bool(r.unsigned())}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("profile", "--answer-mfa", "--answer-passphrase"):
        parser.add_argument(name)
    given = parser.parse_args()
    try:
        connection = Connection({1: given.answer_mfa, 2: given.answer_passphrase, 3: given.answer_passphrase})
        print(json.dumps(get_credentials(connection, given.profile)))
    except (RuntimeError, OSError) as error:
        sys.exit(f"protocol_client: {error}")
