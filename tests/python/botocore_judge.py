#!/usr/bin/env python3
"""Holds the stand-in's STS to botocore: its clients must be content, and every answer must fit its service model.

    botocore_judge.py PROGRAM       starts the stand-in PROGRAM, judges it, stops it
    botocore_judge.py '{"url": …}'  judges a running one by the line of JSON it printed

It must never accept an answer because the stand-in gave it: what is expected is written down here from AWS's API
reference, or comes from botocore's model.
"""

import datetime
import sys

import botocore.exceptions

from judging import Verdict, check_against_model, client, control, stand_in


class Judge:
    """One stand-in and its first user."""

    def __init__(self, facts):
        self.facts = facts
        self.user = facts["users"][0]
        self.roles = {name: role["arn"] for name, role in facts["roles"].items()}
        self.account = self.user["mfa_serial"].split(":")[4]
        self.sts = self.client()

    def client(self, key=None, secret=None, token=None):
        key, secret = key or self.user["access_key_id"], secret or self.user["secret_access_key"]
        return client(self.facts["url"], self.facts["region"], key, secret, token)

    def client_of(self, answer):
        """A client with the credentials of an answer."""
        made = answer["Credentials"]
        return self.client(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def code(self):
        return control(self.facts, "GET", "code", serial=self.user["mfa_serial"])["code"]

    def mfa(self):
        return {"SerialNumber": self.user["mfa_serial"], "TokenCode": self.code()}

    def call(self, sts, operation, **parameters):
        """Calls, and holds the raw answer to the model before anything else is said about it."""
        answer = getattr(sts, operation)(**parameters)
        check_against_model(*sts.last)
        credentials = answer.get("Credentials")
        if credentials:
            self.check_credentials(credentials, parameters.get("DurationSeconds"))
        return answer

    def refused(self, status, code, message, sts, operation, **parameters):
        try:
            getattr(sts, operation)(**parameters)
        except botocore.exceptions.ClientError as error:
            check_against_model(*sts.last)
            found = error.response["Error"]
            assert found["Code"] == code, found
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, error.response
            assert message in found["Message"], found
            assert error.response["ResponseMetadata"]["RequestId"], error.response
        else:
            raise AssertionError(f"{operation} was not refused with {code}")

    @staticmethod
    def check_credentials(credentials, duration):
        assert credentials["AccessKeyId"].startswith("ASIA") and len(credentials["AccessKeyId"]) == 20
        assert len(credentials["SecretAccessKey"]) == 40
        assert 400 <= len(credentials["SessionToken"]) <= 900
        left = credentials["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
        assert duration is None or abs(left.total_seconds() - duration) < 10, (left, duration)

    # Successes. The name of each method is the name of the check.

    def check_caller_identity_of_a_user(self):
        answer = self.call(self.sts, "get_caller_identity")
        assert answer["Account"] == self.account
        assert answer["Arn"] == f"arn:aws:iam::{self.account}:user/{self.user['name']}"
        assert answer["UserId"].startswith("AIDA")

    def check_session_token_with_mfa(self):
        session = self.call(self.sts, "get_session_token", DurationSeconds=7200, **self.mfa())
        answer = self.call(self.client_of(session), "get_caller_identity")
        assert answer["Arn"].endswith(f":user/{self.user['name']}")
        self.call(self.client_of(session), "assume_role", RoleArn=self.roles["admin"], RoleSessionName="by-session")

    def check_session_token_defaults_to_twelve_hours(self):
        answer = self.call(self.sts, "get_session_token")
        self.check_credentials(answer["Credentials"], 12 * 3600)

    def check_assume_role_with_everything(self):
        answer = self.call(
            self.sts,
            "assume_role",
            RoleArn=self.roles["partner"],
            RoleSessionName="every+thing=,.@-_",
            DurationSeconds=900,
            ExternalId=self.facts["roles"]["partner"]["external_id"],
            Policy='{"Version": "2012-10-17", "Statement": []}',
            Tags=[{"Key": "team", "Value": "blue/green: 1+1=2"}, {"Key": "empty", "Value": ""}],
            TransitiveTagKeys=["team"],
            SourceIdentity="alice@example.com",
            **self.mfa(),
        )
        arn = f"arn:aws:sts::{self.account}:assumed-role/partner/every+thing=,.@-_"
        assert answer["AssumedRoleUser"]["Arn"] == arn, answer
        assert answer["AssumedRoleUser"]["AssumedRoleId"].startswith("AROA")
        assert answer["SourceIdentity"] == "alice@example.com"
        assert 0 < answer["PackedPolicySize"] <= 100
        logged = control(self.facts, "GET", "calls")["calls"][-1]
        assert logged["tags"][0] == {"key": "team", "value": "blue/green: 1+1=2"}, logged
        assert logged["transitive_tag_keys"] == ["team"] and logged["duration"] == 900, logged
        assert self.call(self.client_of(answer), "get_caller_identity")["Arn"] == arn

    def check_assume_role_with_mfa(self):
        self.call(self.sts, "assume_role", RoleArn=self.roles["admin"], RoleSessionName="mfa", **self.mfa())

    def check_chain(self):
        role = {"RoleArn": self.roles["reader"], "RoleSessionName": "chain"}
        first = self.call(self.sts, "assume_role", DurationSeconds=43200, **role)
        chained = self.client_of(first)
        self.call(chained, "assume_role", DurationSeconds=3600, **role)
        words = (
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
        self.refused(400, "ValidationError", words, chained, "assume_role", DurationSeconds=3601, **role)

    def check_federation_token(self):
        answer = self.call(self.sts, "get_federation_token", Name="guest", DurationSeconds=900)
        assert answer["FederatedUser"]["Arn"] == f"arn:aws:sts::{self.account}:federated-user/guest"
        assert answer["FederatedUser"]["FederatedUserId"] == f"{self.account}:guest"
        words = "Cannot call GetFederationToken with session credentials"
        self.refused(403, "AccessDenied", words, self.client_of(answer), "get_federation_token", Name="guest")

    # Refusals.

    def check_wrong_code(self):
        serial = self.user["mfa_serial"]
        good = control(self.facts, "GET", "current-code", serial=serial)["code"]
        wrong = f"{(int(good) + 500_000) % 1_000_000:06}"
        words = "MultiFactorAuthentication failed with invalid MFA one time pass code."
        mfa = {"SerialNumber": serial, "TokenCode": wrong}
        self.refused(403, "AccessDenied", words, self.sts, "get_session_token", **mfa)

    def check_reused_code(self):
        mfa = self.mfa()
        self.call(self.sts, "get_session_token", **mfa)
        words = "MultiFactorAuthentication failed with invalid MFA one time pass code."
        self.refused(403, "AccessDenied", words, self.sts, "get_session_token", **mfa)

    def check_code_without_serial(self):
        words = "must provide both MFA serial number and one time pass code"
        self.refused(403, "AccessDenied", words, self.sts, "get_session_token", TokenCode=self.code())

    def check_wrong_secret(self):
        sts = self.client(secret="x" * 40)
        words = "The request signature we calculated does not match the signature you provided."
        self.refused(403, "SignatureDoesNotMatch", words, sts, "get_caller_identity")

    def check_unknown_key_and_wrong_token(self):
        words = "The security token included in the request is invalid"
        unknown = self.client(key="AKIAIOSFODNN7EXAMPLE")
        self.refused(403, "InvalidClientTokenId", words, unknown, "get_caller_identity")
        made = self.call(self.sts, "get_session_token")["Credentials"]
        for token in ("x" * 400, None):
            wrong = self.client(made["AccessKeyId"], made["SecretAccessKey"], token)
            self.refused(403, "InvalidClientTokenId", words, wrong, "get_caller_identity")

    def check_expired_token(self):
        control(self.facts, "POST", "lifetime", {"seconds": 0})
        try:
            answer = self.sts.get_session_token()
        finally:
            control(self.facts, "POST", "lifetime", {"seconds": None})
        words = "The security token included in the request is expired"
        self.refused(403, "ExpiredToken", words, self.client_of(answer), "get_caller_identity")

    def check_clock_skew(self):
        control(self.facts, "POST", "clock", {"skew_seconds": 1000})
        try:
            sts = self.client()
            self.refused(403, "SignatureDoesNotMatch", "Signature expired: ", sts, "get_caller_identity")
        finally:
            control(self.facts, "POST", "clock", {"skew_seconds": 0})

    def check_session_of_a_session(self):
        session = self.client_of(self.call(self.sts, "get_session_token"))
        words = "Cannot call GetSessionToken with session credentials"
        self.refused(403, "AccessDenied", words, session, "get_session_token")

    def check_trust_policies(self):
        role = {"RoleSessionName": "stranger"}
        words = f"is not authorized to perform: sts:AssumeRole on resource: {self.roles['admin']}"
        self.refused(403, "AccessDenied", words, self.sts, "assume_role", RoleArn=self.roles["admin"], **role)
        partner = {"RoleArn": self.roles["partner"], **role}
        words = f"on resource: {self.roles['partner']}"
        self.refused(403, "AccessDenied", words, self.sts, "assume_role", ExternalId="wrong", **partner)

    def check_limits(self):
        role = {"RoleArn": self.roles["reader"], "RoleSessionName": "limits"}
        for words, parameters in [
            ("greater than or equal to 900", {"DurationSeconds": 899}),
            ("less than or equal to 43200", {"DurationSeconds": 43201}),
            (r"pattern: [\w+=,.@-]*", {"RoleSessionName": "not a name"}),
            ("Value null at 'roleSessionName'", {"RoleSessionName": None}),
            ("'tags' failed", {"Tags": [{"Key": f"k{n}", "Value": "v"} for n in range(51)]}),
        ]:
            asked = {name: value for name, value in {**role, **parameters}.items() if value is not None}
            self.refused(400, "ValidationError", words, self.sts, "assume_role", **asked)
        tag = {"TransitiveTagKeys": ["absent"]}
        self.refused(400, "InvalidParameterValue", "transitive tag key", self.sts, "assume_role", **role, **tag)
        policy = {"Policy": "{"}
        self.refused(400, "MalformedPolicyDocument", "policy", self.sts, "assume_role", **role, **policy)

    def check_faults(self):
        disabled = {"status": 403, "code": "RegionDisabledException", "message": "STS is not activated."}
        for fault, status, code in [
            ({"kind": "throttle"}, 400, "Throttling"),
            ({"kind": "server_error", "status": 500}, 500, "InternalFailure"),
            ({"kind": "server_error", "status": 503}, 503, "ServiceUnavailable"),
            ({"kind": "error", **disabled}, 403, "RegionDisabledException"),
        ]:
            control(self.facts, "POST", "faults", {"action": "GetCallerIdentity", "fault": fault})
            self.refused(status, code, "", self.sts, "get_caller_identity")
        self.call(self.sts, "get_caller_identity")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    verdict = Verdict()
    with stand_in(sys.argv[1]) as facts:
        judge = Judge(facts)
        for name in dir(judge):
            if name.startswith("check_") and name != "check_credentials":
                verdict.check(name, getattr(judge, name))
    return verdict.finish()


if __name__ == "__main__":
    sys.exit(main())
