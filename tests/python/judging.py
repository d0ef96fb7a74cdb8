"""What the judges share: a running stand-in, botocore clients, and a count of what passed.

Nothing in here knows what a right answer is; that comes from botocore's service model or from the judge itself.
"""

import contextlib
import datetime
import json
import re
import subprocess
import sys
import traceback
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import botocore.config
import botocore.session

# The tests of a judge are meant to break limits, which botocore would otherwise not let out of the process; and a
# repeated call would spend two one-time codes.
CONFIG = botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": 1})


@contextlib.contextmanager
def stand_in(argument):
    """The facts about a stand-in: `argument` is its JSON line, or the program to start."""
    if argument.lstrip().startswith("{"):
        yield json.loads(argument)
        return
    process = subprocess.Popen([argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        # The stand-in ends when its standard input does.
        process.communicate(timeout=10)


def control(facts, method, path, body=None, **query):
    """One request to the stand-in's control path."""
    url = f"{facts['url']}/_control/{path}?{urllib.parse.urlencode(query)}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as answer:
        return json.load(answer)


def client(url, region, key=None, secret=None, token=None, service="sts"):
    """A botocore client that talks to `url`, and keeps the last raw answer in its `last` attribute."""
    made = botocore.session.Session().create_client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=CONFIG,
    )

    def keep(operation_model, response_dict, **_):
        made.last = (operation_model, response_dict)

    made.meta.events.register(f"before-parse.{service}", keep)
    return made


class Verdict:
    """Runs checks by name and counts them."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, function):
        try:
            function()
        except Exception:  # noqa: BLE001 - whatever it is, it is the verdict
            self.failed += 1
            print(f"FAILED {name}\n{traceback.format_exc()}", file=sys.stderr)
        else:
            self.passed += 1

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def check_against_model(operation, raw):
    """Fails unless `raw` is what botocore's model of `operation` says: all of it known, nothing required missing."""
    root = ElementTree.fromstring(raw["body"])
    namespace = operation.service_model.metadata["xmlNamespace"]
    headers = {name.lower() for name in raw["headers"]}
    assert {"x-amzn-requestid", "date", "content-type"} <= headers, headers
    if raw["status_code"] >= 300:
        check_error(root, namespace, operation, raw["status_code"])
        return
    assert root.tag == f"{{{namespace}}}{operation.name}Response", root.tag
    result, metadata = list(root)
    assert local(result) == operation.output_shape.serialization["resultWrapper"], result.tag
    assert [local(child) for child in metadata] == ["RequestId"], ElementTree.tostring(metadata)
    check_shape(operation.output_shape, result)


def check_error(root, namespace, operation, status):
    assert root.tag == f"{{{namespace}}}ErrorResponse", root.tag
    error, request_id = list(root)
    assert (local(error), local(request_id)) == ("Error", "RequestId"), ElementTree.tostring(root)
    members = {local(child): child.text for child in error}
    assert list(members) == ["Type", "Code", "Message"] and all(members.values()), members
    assert members["Type"] == ("Receiver" if status >= 500 else "Sender"), members
    for shape in operation.error_shapes:
        if shape.metadata["error"]["code"] == members["Code"]:
            assert shape.metadata["error"]["httpStatusCode"] == status, (members, status)


def check_shape(shape, element):
    where = f"{element.tag} ({shape.name})"
    if shape.type_name == "structure":
        found = [local(child) for child in element]
        assert len(found) == len(set(found)), f"{where} repeats a member: {found}"
        assert set(found) <= set(shape.members), f"{where} has unknown members: {set(found) - set(shape.members)}"
        assert set(shape.required_members) <= set(found), f"{where} lacks required members: {found}"
        for child in element:
            check_shape(shape.members[local(child)], child)
        return
    assert not list(element), f"{where} has children"
    text = element.text or ""
    if shape.type_name == "integer":
        assert int(text) >= shape.metadata.get("min", 0), f"{where} is {text}"
    elif shape.type_name == "timestamp":
        datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    else:
        assert shape.type_name == "string", f"{where} is a {shape.type_name}"
        limits = shape.metadata
        assert limits.get("min", 0) <= len(text) <= limits.get("max", len(text)), f"{where} has {len(text)} characters"
        pattern = limits.get("pattern")
        # Python's `re` has no \p{…}; no output of STS needs it.
        assert pattern is None or "\\p" in pattern or re.fullmatch(pattern, text), f"{where} is not {pattern}"


def local(element):
    return element.tag.rpartition("}")[2]
