#!/usr/bin/env python3
"""The product's main job against two judges that were not written together: the stand-in and moto.

    scenarios.py AGENT CLIENT STANDIN

The same steps run against each: store keys, a session with an MFA code, a role over it, a chain, export in the formats
other programs read, and boto3 itself going through credential_process and asking STS who it is. moto checks no codes
and gives constant session keys, so what it is asked is what it can answer: that our calls and its answers fit.
"""

import configparser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import boto3

from judging import Verdict, client, control, stand_in
from moto_compare import moto

USER = "jon"


class Place:
    """A temporary home with both programs beside each other, and an AWS to talk to."""

    def __init__(self, agent, client_program, url, keys, serial):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="av-"))
        for name in ("home/.aws", "run", "bin"):
            (self.directory / name).mkdir(parents=True, mode=0o700)
        (self.directory / "run").chmod(0o700)
        for program in (agent, client_program):
            shutil.copy(program, self.directory / "bin")
        self.client = self.directory / "bin" / "aws-vault"
        self.config = self.directory / "home/.aws/config"
        self.serial = serial
        self.environment = {
            "PATH": f"{self.directory / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.directory / "home"),
            "XDG_RUNTIME_DIR": str(self.directory / "run"),
            "AWS_ENDPOINT_URL_STS": url,
            "AWS_REGION": "us-east-1",
            "AWS_VAULT_BACKEND": "file",
            "AWS_VAULT_FILE_PASSPHRASE": "scenario passphrase",
        }
        own = {"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1]}
        self.run("add", USER, "--env", **own)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([self.directory / "bin/aws-vault-agent", "-k"], env=self.environment, check=False,
                       stdout=subprocess.DEVNULL)
        shutil.rmtree(self.directory)

    def run(self, *arguments, **more):
        """Runs aws-vault; gives what it printed."""
        ran = subprocess.run([self.client, *arguments], env=self.environment | more, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, f"aws-vault {' '.join(arguments[:2])}: {ran.stderr}"
        return ran.stdout

    def configure(self, roles):
        """Profiles over the key: `roles` has name, ARN and source."""
        text = f"[profile {USER}]\nmfa_serial = {self.serial}\n"
        for name, arn, source in roles:
            text += f"[profile {name}]\nrole_arn = {arn}\nsource_profile = {source}\nmfa_serial = {self.serial}\n"
        text += f"[profile through]\ncredential_process = {self.client} export --format=json audit\nregion = us-east-1\n"
        self.config.write_text(text)


def scenario(verdict, judge, place, code, who):
    """The steps. `code` gives a fresh one-time code; `who` asks the judge who some credentials belong to."""

    def one_code():
        first = json.loads(place.run("export", "--format=json", USER, "--mfa-token", code()))
        assert first["Version"] == 1 and first["SessionToken"] and first["Expiration"]
        for role in ("deploy", "audit"):
            issued = json.loads(place.run("export", "--format=json", "--no-prompt", role))
            assert f"assumed-role/{role}/" in who(issued), who(issued)

    def from_memory():
        one, two = (place.run("export", "--no-prompt", "audit") for _ in range(2))
        assert one == two

    def environment():
        script = "import json, os; print(json.dumps(dict(os.environ)))"
        child = json.loads(place.run("exec", "audit", "--no-prompt", "--", sys.executable, "-c", script))
        assert child["AWS_VAULT"] == "audit" and child["AWS_REGION"] == "us-east-1"
        issued = json.loads(place.run("export", "--format=json", "--no-prompt", "audit"))
        assert child["AWS_SECRET_ACCESS_KEY"] == issued["SecretAccessKey"]
        assert child["AWS_SESSION_TOKEN"] == issued["SessionToken"]

    def credentials_file():
        parsed = configparser.ConfigParser(interpolation=None)
        parsed.read_string(place.run("export", "--format=ini", "--no-prompt", "audit"))
        issued = json.loads(place.run("export", "--format=json", "--no-prompt", "audit"))
        assert parsed["audit"]["aws_access_key_id"] == issued["AccessKeyId"]
        assert parsed["audit"]["aws_session_token"] == issued["SessionToken"]

    def through_boto3():
        os.environ.update(place.environment | {"AWS_CONFIG_FILE": str(place.config)})
        sts = boto3.Session(profile_name="through").client("sts")
        assert "assumed-role/audit/" in sts.get_caller_identity()["Arn"]

    verdict.check(f"{judge}: a session with one code, then a role and a chain without any", one_code)
    verdict.check(f"{judge}: the same role again, from memory", from_memory)
    verdict.check(f"{judge}: exec puts the credentials into the environment", environment)
    verdict.check(f"{judge}: a credentials file can hold what export --format=ini prints", credentials_file)
    verdict.check(f"{judge}: boto3 gets its credentials through credential_process", through_boto3)


def main():
    agent, client_program, stand_in_program = sys.argv[1:4]
    verdict = Verdict()

    with stand_in(stand_in_program) as facts:
        url, user = facts["url"], facts["users"][0]
        roles = [control(facts, "POST", "roles", {"name": name, "options": {"requires_mfa": name == "deploy"}})["arn"]
                 for name in ("deploy", "audit")]
        keys = (user["access_key_id"], user["secret_access_key"])
        serial = user["mfa_serial"]
        with Place(agent, client_program, url, keys, serial) as place:
            place.configure([("deploy", roles[0], USER), ("audit", roles[1], "deploy")])
            fresh = lambda: control(facts, "GET", "code", serial=serial)["code"]  # noqa: E731
            scenario(verdict, "stand-in", place, fresh, lambda issued: identity(url, issued))

    with moto(None) as url:
        serial = "arn:aws:iam::123456789012:mfa/jon"
        with Place(agent, client_program, url, ("AKIAIOSFODNN7EXAMPLE", "any"), serial) as place:
            arn = "arn:aws:iam::123456789012:role/{}".format
            place.configure([("deploy", arn("deploy"), USER), ("audit", arn("audit"), "deploy")])
            scenario(verdict, "moto", place, lambda: "123456", lambda issued: identity(url, issued))

    return verdict.finish()


def identity(url, issued):
    """Whose credentials these are, as the judge sees it."""
    sts = client(url, "us-east-1", issued["AccessKeyId"], issued["SecretAccessKey"], issued.get("SessionToken"))
    return sts.get_caller_identity()["Arn"]


if __name__ == "__main__":
    sys.exit(main())
