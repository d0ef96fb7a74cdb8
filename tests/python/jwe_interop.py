#!/usr/bin/env python3
"""Holds the file store to an independent implementation of JWE, jwcrypto, in both directions.

    jwe_interop.py [AGENT [STANDIN]]

What is expected of a file, its name, mode, header and content, is written down here from what Go's aws-vault writes; it
must never be taken from the agent. Whatever else appears in the directory is a defect: Go lists it as credentials.
"""

import base64
import contextlib
import json
import os
import re
import stat
import sys

from jwcrypto import jwe, jwk
from jwcrypto.common import base64url_decode

from world import ROOT, Verdict, World, program

PASSPHRASE = "interop: päss phrase %/"
# A profile's name and the name of its file.
NAMES = {
    "plain": "plain",
    "with some spaces": "with some spaces",
    "my/prof ile": "my%2Fprof ile",
    "50%": "50%25",
    "a%2Fb": "a%252Fb",
    "/a//b%": "%2Fa%2F%2Fb%25",
    "käse/ジョン": "käse%2Fジョン",
    "emoji 🔑 + é": "emoji 🔑 + é",
    "q'uo\"te:s;<&>*?": "q'uo\"te:s;<&>*?",
    "-dash.and_dots..": "-dash.and_dots..",
}
HEADER = {"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 8192}
VECTORS = ROOT / "tests" / "vectors"


def key(passphrase):
    return jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(passphrase.encode()).decode().rstrip("="))


def decrypt(content, passphrase):
    token = jwe.JWE(algs=[HEADER["alg"], HEADER["enc"]])
    token.deserialize(content, key(passphrase))
    return token.payload.decode()


def encrypt(plaintext, passphrase):
    header = {"alg": HEADER["alg"], "enc": HEADER["enc"], "p2c": HEADER["p2c"], "created": "2026-01-02 03:04:05 +0000 UTC"}
    token = jwe.JWE(plaintext.encode(), json.dumps(header), algs=[HEADER["alg"], HEADER["enc"]])
    token.add_recipient(key(passphrase))
    return token.serialize(compact=True)


def compact(value):
    """JSON as Go writes it: without spaces, and with these five characters escaped for the sake of HTML."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return re.sub("[<>&\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text)


def master(access_key_id, secret):
    """The data of long-term credentials."""
    return compact({"AccessKeyID": access_key_id, "SecretAccessKey": secret, "SessionToken": "", "Source": "",
                    "CanExpire": False, "Expires": "0001-01-01T00:00:00Z", "AccountID": ""})


def item(name, data):
    """The item that wraps them."""
    return compact({"Key": name, "Data": base64.b64encode(data.encode()).decode(), "Label": f"aws-vault ({name})",
                    "Description": "", "KeychainNotTrustApplication": True, "KeychainNotSynchronizable": False})


class Checks:
    """Two users' worth of keys, in a world whose store the agent made."""

    def __init__(self, world):
        self.world, self.user = world, world.facts["users"][0]
        self.directory = world.keys
        world.environment["AWS_VAULT_FILE_PASSPHRASE"] = PASSPHRASE
        world.configure(*((name, {}) for name in (*NAMES, "from go", "lenient")))

    def secret_of(self, name):
        # With every character that a secret access key can have and that some encoding treats specially.
        return f"{name.encode().hex()[:20]:x<20}/+abcdefghijklmnop"[:40]

    def written_by_agent(self, name):
        self.world.add(name, "AKIAIOSFODNN7EXAMPLE", self.secret_of(name))
        path = self.directory / NAMES[name]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, oct(path.stat().st_mode)
        content = path.read_bytes().decode("ascii")
        assert re.fullmatch(r"[\w-]+(\.[\w-]+){4}", content), "not a compact serialization without a newline"
        raw = base64url_decode(content.split(".")[0]).decode()
        header = json.loads(raw)
        assert raw == json.dumps(header, separators=(",", ":"), ensure_ascii=False), raw
        assert list(header) == ["alg", "created", "enc", "p2c", "p2s"], raw
        assert {name: header[name] for name in HEADER} == HEADER, raw
        assert len(base64url_decode(header["p2s"])) == 12 and "=" not in header["p2s"], raw
        assert [len(base64url_decode(part)) for part in content.split(".")[1:3]] == [40, 12], content
        plaintext = decrypt(content, PASSPHRASE)
        assert plaintext == item(name, master("AKIAIOSFODNN7EXAMPLE", self.secret_of(name))), plaintext

    def read_back(self, name):
        """A new agent reads them, as its first request."""
        got = self.world.credentials(name, no_session=True)
        assert (got["access_key_id"], got["secret_access_key"]) == ("AKIAIOSFODNN7EXAMPLE", self.secret_of(name)), name

    def written_by_jwcrypto(self, name):
        content = encrypt(item(name, master("AKIAJWCRYPTO", self.secret_of(name)[::-1])), PASSPHRASE)
        self.put(NAMES[name], content)
        got = self.world.credentials(name, no_session=True)
        assert got["access_key_id"] == "AKIAJWCRYPTO" and got["session_token"] is None, got
        assert got["secret_access_key"] == self.secret_of(name)[::-1], name

    def lenient(self):
        """Items of older versions: other case, missing and unknown fields."""
        data = compact({"accesskeyid": "AKIAOLD", "secretaccesskey": "old/secret+1", "ProviderName": "", "SessionToken": None})
        wrapped = {"key": "lenient", "data": base64.b64encode(data.encode()).decode(), "Unknown": [1]}
        self.put("lenient", encrypt(json.dumps(wrapped, indent=1), PASSPHRASE))
        got = self.world.credentials("lenient", no_session=True)
        assert (got["access_key_id"], got["secret_access_key"]) == ("AKIAOLD", "old/secret+1"), got

    def nothing_foreign(self):
        expected = sorted({*NAMES.values(), "lenient"} if (self.directory / "lenient").exists() else NAMES.values())
        found = sorted(os.listdir(self.directory))
        assert found == expected, found
        mode = stat.S_IMODE(self.directory.stat().st_mode)
        assert mode == 0o700, oct(mode)

    def put(self, name, content):
        path = self.directory / name
        path.write_text(content)
        path.chmod(0o600)

    def restart(self):
        self.world.stop()
        self.world.start()


def check_vectors(verdict, agent, standin):
    """The vectors were made with Go's library: jwcrypto and the agent must both read them."""
    with_key, empty = (VECTORS / name for name in ("go-file-store-item.jwe", "go-file-store-empty-passphrase.jwe"))

    def jwcrypto_reads_them():
        content = json.loads(decrypt(with_key.read_text(), "password"))
        assert content["Key"] == "my/prof ile", content
        assert decrypt(empty.read_text(), "") == "{}"

    def agent_reads_the_item():
        with store(agent, standin, "my%2Fprof ile", with_key.read_text(), "password") as world:
            got = world.credentials("my/prof ile", no_session=True)
            assert (got["access_key_id"], got["secret_access_key"]) == ("ABC", "XYZ"), got
            assert os.listdir(world.keys) == ["my%2Fprof ile"]

    def agent_opens_the_one_with_an_empty_passphrase():
        """It holds `{}`: no credentials, which is another complaint than a wrong passphrase."""
        complaints = []
        for passphrase in ("", "wrong"):
            with store(agent, standin, "empty", empty.read_text(), passphrase) as world:
                try:
                    world.credentials("empty", no_session=True)
                except RuntimeError as error:
                    complaints.append(error.args)
        assert len(complaints) == 2, complaints
        assert "passphrase" not in complaints[0][1] and "passphrase" in complaints[1][1], complaints

    for check in (jwcrypto_reads_them, agent_reads_the_item, agent_opens_the_one_with_an_empty_passphrase):
        verdict.check(check.__name__.replace("_", " "), check)


@contextlib.contextmanager
def store(agent, standin, name, content, passphrase):
    """A world whose store is one file that somebody else wrote."""
    with World(agent, standin) as world:
        world.keys.mkdir(mode=0o700, parents=True)
        (world.keys / name).write_text(content)
        (world.keys / name).chmod(0o600)
        world.configure(("my/prof ile", {}), ("empty", {}))
        world.environment["AWS_VAULT_FILE_PASSPHRASE"] = passphrase
        world.start()
        yield world


def main():
    given = sys.argv[1:] + [None] * 2
    agent, standin = given[0] or program("aws-vault-agent"), given[1] or program("standin")
    verdict = Verdict()
    check_vectors(verdict, agent, standin)
    with World(agent, standin) as world:
        checks = Checks(world)
        world.start()
        for name in NAMES:
            verdict.check(f"jwcrypto reads what the agent wrote: {name}", lambda name=name: checks.written_by_agent(name))
        verdict.check("nothing foreign in the directory after writing", checks.nothing_foreign)
        checks.restart()
        for name in NAMES:
            verdict.check(f"a new agent reads it too: {name}", lambda name=name: checks.read_back(name))
        checks.restart()
        for name in NAMES:
            verdict.check(f"the agent reads what jwcrypto wrote: {name}", lambda name=name: checks.written_by_jwcrypto(name))
        verdict.check("items of older versions are read", checks.lenient)
        verdict.check("nothing foreign in the directory at the end", checks.nothing_foreign)
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
