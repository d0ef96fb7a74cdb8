//! `aws-vault explain`, word for word.

use super::super::explain::lines;
use super::*;

const CONFIG: &str = "[default]
mfa_serial = arn:aws:iam::123456789012:mfa/jon
[profile jon]
region = eu-west-1
[profile admin]
source_profile = jon
role_arn = arn:aws:iam::123456789012:role/admin
region = us-east-1
sts_regional_endpoints = legacy
duration_seconds = 7200
external_id = e
session_tags = team=a,x=y
transitive_session_tags = team
[profile ops]
source_profile = admin
role_arn = arn:aws:iam::210987654321:role/ops
[sso-session s]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
[profile sso]
sso_session = s
sso_account_id = 123456789012
sso_role_name = Reader
role_arn = arn:aws:iam::123456789012:role/ignored
use_fips_endpoint = true
mfa_serial = none
[profile process]
credential_process = hunter2
mfa_serial = none
endpoint_url = http://localhost:4566
[profile tool]
source_profile = process
include_profile = process
role_arn = \u{1b}[2J
mfa_process = hunter2
mfa_serial = serial
";

fn explained(typed: &str) -> String {
    lines(&plan(CONFIG, &["jon"], typed).unwrap()).join("\n")
}

#[test]
fn roles_over_a_session() {
    assert_eq!(
        explained("ops"),
        r#"profile "ops", no region

1. long-term credentials "jon" from the key store
2. sts:GetSessionToken for "jon", 8h0m0s
   MFA code of arn:aws:iam::123456789012:mfa/jon, asked where you type
   endpoint: STS in eu-west-1
   kept in the agent's memory until it expires, shared by profiles with the same key, MFA device and endpoint
3. sts:AssumeRole for "admin", 1h0m0s
   role arn:aws:iam::123456789012:role/admin
   external ID e
   tag team=a, transitive
   tag x=y
   endpoint: STS in us-east-1, legacy global host where there is one
   kept in the agent's memory until it expires
4. sts:AssumeRole for "ops", 1h0m0s
   role arn:aws:iam::210987654321:role/ops
   endpoint: STS, no region set
   handed out, and kept in the agent's memory until it expires

notes:
  - mfa_serial of "ops" comes from [default] (/c:2)
  - mfa_serial of "admin" comes from [default] (/c:2)
  - mfa_serial of "jon" comes from [default] (/c:2)
  - duration of "admin" is 1h0m0s, not 2h0m0s: AWS allows no more for a role assumed with temporary credentials"#
    );
}

#[test]
fn bare_keys() {
    assert_eq!(
        explained("jon -n"),
        r#"profile "jon", region eu-west-1

1. long-term credentials "jon" from the key store
   handed out as they are: they do not expire

notes:
  - mfa_serial of "jon" comes from [default] (/c:2)
  - no session for "jon": --no-session was given"#
    );
    assert_eq!(
        explained("jon -d 2h"),
        r#"profile "jon", region eu-west-1

1. long-term credentials "jon" from the key store
2. sts:GetSessionToken for "jon", 2h0m0s
   MFA code of arn:aws:iam::123456789012:mfa/jon, asked where you type
   endpoint: STS in eu-west-1
   handed out, and kept in the agent's memory until it expires

notes:
  - mfa_serial of "jon" comes from [default] (/c:2)"#
    );
}

#[test]
fn sso() {
    assert_eq!(
        explained("sso --region eu-west-2"),
        r#"profile "sso", region eu-west-2

1. sso:GetRoleCredentials for "sso"
   account 123456789012, permission set Reader
   signed in at https://example.awsapps.com/start, session "s"
   endpoint: SSO in eu-west-1, FIPS
   handed out, and kept in the agent's memory until it expires

notes:
  - role_arn of "sso" (/c:24) is ignored next to SSO; to assume it, use a second profile with source_profile"#
    );
}

#[test]
fn programs_and_escapes_are_not_shown() {
    assert_eq!(
        explained("tool"),
        r#"profile "tool", no region
programs are told to use http://localhost:4566

1. credential_process of "process"
   kept in the agent's memory until it expires
2. sts:AssumeRole for "tool", 1h0m0s
   role ?[2J
   MFA code of serial, from mfa_process
   endpoint: http://localhost:4566
   handed out, and kept in the agent's memory until it expires"#
    );
}
