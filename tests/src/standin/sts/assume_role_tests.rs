//! What `AssumeRole` grants and refuses. The HTTP around it is tested by botocore (`tests/python`).

use super::super::super::testing::{Fixture, call};
use super::super::super::world::RoleOptions;
use super::*;

fn form(role: &str, more: &str) -> String {
    format!("Action=AssumeRole&RoleArn={role}&RoleSessionName=test{more}")
}

/// Assumes `role` and returns the key of the new session.
fn assume(world: &mut World, caller: &Key, role: &str, more: &str) -> Result<Key, AwsError> {
    call(world, caller, &form(role, more))?;
    Ok(world.keys.last().unwrap().clone())
}

fn message(world: &mut World, caller: &Key, role: &str, more: &str) -> String {
    call(world, caller, &form(role, more)).unwrap_err().message
}

#[test]
fn a_chained_session_lasts_an_hour_at_most() {
    let Fixture { mut world, user, .. } = Fixture::new();
    let long = RoleOptions { max_duration: 43_200, ..RoleOptions::default() };
    let role = world.add_role("long", long);
    let first = assume(&mut world, &user, &role, "&DurationSeconds=43200").unwrap();
    assert_eq!(
        message(&mut world, &first, &role, "&DurationSeconds=3601"),
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
    );
    assume(&mut world, &first, &role, "&DurationSeconds=3600").unwrap();
}

#[test]
fn the_role_limits_the_session() {
    let Fixture { mut world, user, role, .. } = Fixture::new();
    assert_eq!(
        message(&mut world, &user, &role, "&DurationSeconds=3601"),
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    );
}

#[test]
fn a_role_may_ask_for_mfa_of_the_call_or_of_the_session() {
    let Fixture { mut world, user, serial, .. } = Fixture::new();
    let role = world.add_role("admin", RoleOptions { requires_mfa: true, ..RoleOptions::default() });
    assert_eq!(
        message(&mut world, &user, &role, ""),
        format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {role}",
            user.identity.arn
        )
    );
    let now = world.now();
    let code = world.devices.get_mut(&serial).unwrap().fresh_code(now);
    let with_code = format!("&SerialNumber={serial}&TokenCode={code}");
    let session = assume(&mut world, &user, &role, &with_code).unwrap();
    message(&mut world, &session, &role, "");
    let code = world.devices.get_mut(&serial).unwrap().fresh_code(now);
    call(&mut world, &user, &format!("Action=GetSessionToken&SerialNumber={serial}&TokenCode={code}"))
        .unwrap();
    let with_mfa = world.keys.last().unwrap().clone();
    assume(&mut world, &with_mfa, &role, "").unwrap();
}

#[test]
fn a_role_may_ask_for_an_external_id_and_name_whom_it_trusts() {
    let Fixture { mut world, user, role, .. } = Fixture::new();
    let external_id = Some("partner-7".to_owned());
    let partner = world.add_role("partner", RoleOptions { external_id, ..RoleOptions::default() });
    message(&mut world, &user, &partner, "");
    message(&mut world, &user, &partner, "&ExternalId=partner-8");
    assume(&mut world, &user, &partner, "&ExternalId=partner-7").unwrap();

    let inner =
        world.add_role("inner", RoleOptions { trusted: vec![role.clone()], ..RoleOptions::default() });
    message(&mut world, &user, &inner, "");
    let session = assume(&mut world, &user, &role, "").unwrap();
    assume(&mut world, &session, &inner, "").unwrap();
}

#[test]
fn transitive_tags_pass_on_and_cannot_be_replaced() {
    let Fixture { mut world, user, role, .. } = Fixture::new();
    let tagged = "&Tags.member.1.Key=team&Tags.member.1.Value=blue";
    let transitive = format!("{tagged}&TransitiveTagKeys.member.1=team");
    let first = assume(&mut world, &user, &role, &transitive).unwrap();
    let second = assume(&mut world, &first, &role, "").unwrap();
    assert_eq!(second.transitive_tags, [Tag { key: "team".into(), value: "blue".into() }]);
    assert!(message(&mut world, &second, &role, tagged).contains("conflicts with a transitive tag key"));
    let missing = "&TransitiveTagKeys.member.1=team";
    assert!(message(&mut world, &user, &role, missing).contains("must be included in the requested tags"));
    let twice = format!("{tagged}&Tags.member.2.Key=TEAM&Tags.member.2.Value=red");
    assert!(message(&mut world, &user, &role, &twice).starts_with("Duplicate tag keys found."));
}

#[test]
fn a_source_identity_stays_what_it_was() {
    let Fixture { mut world, user, role, .. } = Fixture::new();
    let first = assume(&mut world, &user, &role, "&SourceIdentity=alice").unwrap();
    let second = assume(&mut world, &first, &role, "").unwrap();
    assert_eq!(second.source_identity.as_deref(), Some("alice"));
    assert!(message(&mut world, &second, &role, "&SourceIdentity=bob").contains("sts:SetSourceIdentity"));
}
