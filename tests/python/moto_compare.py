#!/usr/bin/env python3
"""Compares the stand-in's STS with moto's, an implementation that was written without it.

    moto_compare.py STANDIN [MOTO-URL]

STANDIN is the program or the JSON line of a running one. Without MOTO-URL, `moto_server` is started on a free port.
Both get the same calls through botocore; what must agree is the HTTP status, the error code, and the names and types
of everything botocore parsed out of the answer. Values are random on one side and constant on the other, so they are
not compared. A difference is a failure unless KNOWN lists it with its reason.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import urllib.request

import botocore.exceptions

from judging import Verdict, client, control, stand_in

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}

# Parsed names that only one side has, by operation and for every error, and why that is right.
KNOWN = {
    # moto leaves the source identity out of its answer; AWS's API reference has it, and botocore_judge.py checks it.
    "assume_role": ("SourceIdentity",),
    # moto's refusals carry no request id; AWS's do, and botocore_judge.py insists on it.
    "error": ("ResponseMetadata", "RequestId"),
}


@contextlib.contextmanager
def moto(url):
    """The address of moto, its own process unless a running one was given."""
    if url:
        yield url
        return
    program = pathlib.Path(sys.executable).with_name("moto_server")
    process = subprocess.Popen([program, "-p", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield found[0]
                return
        raise RuntimeError("moto_server ended before it said where it listens")
    finally:
        process.terminate()
        process.communicate(timeout=10)


def check_from_now_on(url):
    """Turns moto's signature and policy checks on: no more unchecked calls. It reads the number as plain text."""
    body, headers = b"0", {"Content-Type": "text/plain"}
    request = urllib.request.Request(f"{url}/moto-api/reset-auth", body, headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        answer.read()


def prepare_moto(url, region):
    """A role, a user that may do anything in STS and one that may not; then signature and policy checks turned on."""
    iam = client(url, region, "setup", "setup", service="iam")
    users = {}
    for name in ("alice", "mallory"):
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        users[name] = (key["AccessKeyId"], key["SecretAccessKey"])
    iam.put_user_policy(UserName="alice", PolicyName="sts", PolicyDocument=json.dumps(POLICY))
    alice_arn = iam.get_user(UserName="alice")["User"]["Arn"]
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": alice_arn}}
    trust = {"Version": "2012-10-17", "Statement": [allow]}
    role = iam.create_role(RoleName="compared", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    check_from_now_on(url)
    return {"url": url, "region": region, "role": role, "users": users}


def prepare_stand_in(facts):
    """The same in the stand-in, where the role says whom it trusts."""
    users = {}
    for name in ("alice", "mallory"):
        made = control(facts, "POST", "users", {"name": name})
        users[name] = (made["access_key_id"], made["secret_access_key"])
    alice = client(facts["url"], facts["region"], *users["alice"]).get_caller_identity()["Arn"]
    options = {"name": "compared", "options": {"trusted": [alice]}}
    role = control(facts, "POST", "roles", options)["arn"]
    return {"url": facts["url"], "region": facts["region"], "role": role, "users": users}


def structure(value):
    """Names and types of a parsed answer."""
    if isinstance(value, dict):
        return {name: structure(member) for name, member in value.items()}
    if isinstance(value, list):
        return [structure(member) for member in value]
    return type(value).__name__


def outcome(side, operation, parameters, keys):
    """Status, error code and structure of one call."""
    sts = client(side["url"], side["region"], *keys)
    try:
        answer, code = getattr(sts, operation)(**parameters), None
    except botocore.exceptions.ClientError as error:
        answer, code = error.response, error.response["Error"]["Code"]
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    # Which headers a server sends is not part of the API's answer.
    answer["ResponseMetadata"].pop("HTTPHeaders")
    return {"status": status, "code": code, "structure": structure(answer)}


def compare(ours, theirs, expected, operation, case):
    """One call on both sides; `case` says of a side which parameters and whose keys."""
    here, there = (outcome(side, operation, *case(side)) for side in (ours, theirs))
    *path, name = KNOWN.get("error" if expected else operation, (None,))
    inner = [here["structure"], there["structure"]]
    for step in path:
        inner = [members[step] for members in inner]
    if name:
        assert name in inner[0] and name not in inner[1], f"{name} is no difference any more: take it out of KNOWN"
        del inner[0][name]
    assert here == there, f"\nstand-in: {json.dumps(here, indent=1)}\nmoto: {json.dumps(there, indent=1)}"
    assert here["code"] == expected, here


def assume_role(side):
    """With tags, because moto always tells a packed size and AWS only if there is something to pack."""
    role = {"RoleArn": side["role"], "RoleSessionName": "compared", "DurationSeconds": 900}
    return {**role, "SourceIdentity": "alice", "Tags": [{"Key": "team", "Value": "blue"}]}


def get_session_token(_):
    return {"DurationSeconds": 900}


def get_caller_identity(_):
    return {}


def alice(side):
    return side["users"]["alice"]


def mallory(side):
    return side["users"]["mallory"]


def wrong_secret(side):
    return alice(side)[0], "x" * 40


def unknown_key(side):
    return "AKIAIOSFODNN7EXAMPLE", alice(side)[1]


CASES = [
    (None, get_session_token, alice),
    (None, get_caller_identity, alice),
    (None, assume_role, alice),
    ("AccessDenied", assume_role, mallory),
    ("SignatureDoesNotMatch", get_session_token, wrong_secret),
    ("SignatureDoesNotMatch", assume_role, wrong_secret),
    ("InvalidClientTokenId", get_session_token, unknown_key),
    ("InvalidClientTokenId", assume_role, unknown_key),
]


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    verdict = Verdict()
    with stand_in(sys.argv[1]) as facts, moto(sys.argv[2] if len(sys.argv) == 3 else None) as url:
        ours, theirs = prepare_stand_in(facts), prepare_moto(url, facts["region"])
        for expected, operation, keys in CASES:
            verdict.check(
                f"{operation.__name__} by {keys.__name__}: {expected or 'success'}",
                lambda: compare(
                    ours, theirs, expected, operation.__name__, lambda side: (operation(side), keys(side))
                ),
            )
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
