//! What is refused, with the exact words and the hint.

use proptest::prelude::*;

use super::*;

fn refused(config: &str, stored: &[&str], typed: &str) -> [String; 2] {
    let error = plan(config, stored, typed).unwrap_err();
    [error.to_string(), error.hint().unwrap()]
}

#[test]
fn a_typo_gets_near_names_and_never_default() {
    let config = "[default]\nregion = x\n[profile prod]\n[profile proud]\n";
    assert_eq!(
        refused(config, &["default"], "prdo"),
        [
            "profile \"prdo\" is neither in \"/c\" nor in the key store",
            "did you mean \"prod\"? all names: aws-vault list"
        ]
    );
    assert_eq!(refused("", &[], "")[1], "all names: aws-vault list");
    assert!(matches!(plan("", &[""], ""), Err(PlanError::UnknownProfile { .. })));
}

#[test]
fn profile_default_is_pointed_at() {
    assert_eq!(
        refused("[profile default]\nregion = x", &[], "default"),
        [
            "profile \"default\" is not defined: its section is called [default], not [profile default]",
            "open /c:1 and rename the section to [default]"
        ]
    );
}

#[test]
fn a_source_that_does_not_exist_is_not_default_either() {
    let config = "[default]\nregion = x\n[profile jon]\n[profile a]\nsource_profile = jno\n[profile b]
source_profile = somebody else";
    assert_eq!(
        refused(config, &["default"], "a"),
        [
            "source profile \"jno\" of \"a\" is neither in the config nor in the key store",
            "did you mean \"jon\"? open /c:5"
        ]
    );
    assert_eq!(refused(config, &[], "b")[1], "open /c:7, or run: aws-vault add 'somebody else'");
}

#[test]
fn circles_are_named_and_leave_other_profiles_alone() {
    let config = "[profile t]\nsource_profile = a\n[profile a]\nsource_profile = b\n[profile b]
source_profile = a\n[profile fine]\nregion = x";
    let circle = ["source profiles go round in a circle: a -> b -> a", "open /c:6"];
    assert_eq!(refused(config, &[], "t"), circle);
    assert_eq!(refused(config, &[], "a"), circle);
    assert_eq!(notation(&plan(config, &["fine"], "fine").unwrap()), "M(fine) -> GST(fine,1h)#");
    // Stored keys end the chain before it closes.
    assert!(plan(config, &["b"], "t").is_ok());
}

#[test]
fn included_circles_are_named() {
    let config = "[profile a]\ninclude_profile = b\n[profile b]\ninclude_profile = a";
    assert_eq!(
        refused(config, &["a"], "a"),
        ["included profiles of \"a\" go round in a circle: a -> b -> a", "open /c:4"]
    );
    let config = "[default]\ninclude_profile = x\n[profile x]\n[profile p]\n";
    assert_eq!(
        refused(config, &["p"], "p"),
        ["included profiles of \"p\" go round in a circle: default -> x -> default", "open /c:2"]
    );
}

#[test]
fn endless_chains_are_cut() {
    let sections = |key: &str| -> String {
        let all: Vec<String> = (0..10_000).map(|i| format!("[profile p{i}]\n{key} = p{}\n", i + 1)).collect();
        all.concat()
    };
    assert_eq!(
        refused(&sections("source_profile"), &[], "p0"),
        ["profile \"p0\" has more than 100 source profiles behind each other", "open /c:202"]
    );
    assert_eq!(
        refused(&sections("include_profile"), &["p0"], "p0"),
        ["profile \"p0\" includes more than 100 profiles behind each other", "open /c:202"]
    );
}

#[test]
fn nothing_to_get_credentials_from() {
    let config = "[profile a]\nrole_arn = R\n[profile b]\nsource_profile = a\n[profile it's]\nregion = x";
    let missing = ["profile \"a\": credentials missing", "run: aws-vault add a"];
    assert_eq!(refused(config, &[], "a"), missing);
    assert_eq!(refused(config, &[], "b"), missing);
    assert_eq!(refused(config, &[], "it's")[1], r"run: aws-vault add 'it'\''s'");
    assert_eq!(
        refused("[profile a]\nsso_session = s", &[], "a"),
        ["sso_session \"s\" of profile \"a\" does not exist", "open /c:2, or add a section [sso-session s]"]
    );
}

#[test]
fn half_written_access_names_the_missing_key() {
    assert_eq!(
        refused("[profile a]\nsso_start_url = https://x\nsso_region = x\nsso_role_name = n", &[], "a"),
        ["profile \"a\" has no sso_account_id, which SSO needs", "open /c:2 and add sso_account_id"]
    );
    assert_eq!(
        refused("[profile a]\nweb_identity_token_process = x", &[], "a"),
        ["profile \"a\" has no role_arn, which a web identity needs", "open /c:2 and add role_arn"]
    );
}

#[test]
fn session_tags_are_not_quoted() {
    let config = "[profile a]\nrole_arn = R\nsession_tags = hunter2,\n[profile b]\nsource_profile = a";
    for typed in ["a", "b"] {
        assert_eq!(
            refused(config, &["a"], typed),
            ["session tags of profile \"a\" are not of the form <key>=<value>,...", "open /c:3"]
        );
    }
    let environment = [("AWS_SESSION_TAGS", "hunter2")];
    let error = Command { config, stored: &["a"], typed: "a", environment: &environment }.plan().unwrap_err();
    assert_eq!(error.hint().unwrap(), "run: unset AWS_SESSION_TAGS");
    assert!(!format!("{error:?}{error}").contains("hunter2"));
}

proptest! {
    #[test]
    fn any_tangle_of_profiles_ends_in_a_plan_or_an_error(
        lines in prop::collection::vec((0..4_usize, 0..4_usize, 0..5_usize), 0..16),
        stored in prop::sample::subsequence(vec!["p0", "p1", "p2", "p3", "default"], 0..3),
        typed in "(login )?p[0-3]( -n)?( -d [12]h)?",
    ) {
        let section = |(profile, other, key): (usize, usize, usize)| {
            let name = if profile == 0 { "default".to_owned() } else { format!("profile p{profile}") };
            let line = match key {
                0 => format!("source_profile = p{other}"),
                1 => format!("include_profile = p{other}"),
                2 => format!("mfa_serial = M{}", other % 2),
                3 => "credential_process = x".to_owned(),
                _ => format!("role_arn = R{other}"),
            };
            format!("[{name}]\n{line}\n")
        };
        let config: Vec<String> = lines.into_iter().map(section).collect();
        match plan(&config.concat(), &stored, &typed) {
            Ok(plan) => {
                let later = plan.steps.iter().skip(1);
                prop_assert!(later.into_iter().all(|step| matches!(step, Step::AssumeRole(_))));
                prop_assert!(!typed.contains("-n") || !notation(&plan).contains("GST"));
                let capped = plan.steps.iter().skip(1).all(|step| step.duration().as_secs() <= 3600);
                prop_assert!(capped, "{}", notation(&plan));
                prop_assert!(!super::super::explain::lines(&plan).is_empty());
            }
            Err(error) => prop_assert!(error.hint().is_some()),
        }
    }
}
