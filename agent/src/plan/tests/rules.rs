//! Precedence, inheritance and endpoints, one rule of the reference's §2.3, §3.5 to §3.8 at a time.

use super::*;

fn role(plan: &Plan) -> &AssumeRole {
    match plan.steps.last() {
        Some(Step::AssumeRole(call)) => call,
        other => panic!("not a role: {other:?}"),
    }
}

fn sso(plan: &Plan) -> &SsoAccess {
    match &plan.source {
        Source::Sso(access) => access,
        other => panic!("not SSO: {other:?}"),
    }
}

#[test]
fn region_flag_beats_variables_beat_own_section_beats_default() {
    let config = "[default]\nregion = d\n[profile p]\nregion = own\n[profile q]\noutput = json";
    let variables: &[(&str, &str)] = &[("AWS_REGION", "r"), ("AWS_DEFAULT_REGION", "dr")];
    let region = |typed, environment: &[(&str, &str)]| {
        plan_in(config, &["p", "q"], typed, environment).region.unwrap()
    };
    assert_eq!(region("p --region flag", variables), "flag");
    assert_eq!(region("p", variables), "r");
    assert_eq!(region("p", &[("AWS_REGION", ""), variables[1]]), "dr");
    assert_eq!(region("p", &[]), "own");
    assert_eq!(region("q", &[]), "d");
}

#[test]
fn each_step_has_the_endpoint_of_its_profile_unless_the_caller_names_one() {
    let config =
        "[profile s]\nregion = s-1\nmfa_serial = M\nendpoint_url = http://s\nuse_fips_endpoint = TRUE
         [profile r]\nregion = r-1\nmfa_serial = M\nrole_arn = R\nsource_profile = s
         sts_regional_endpoints = legacy";
    let plan = plan_in(config, &["s"], "r", &[]);
    let [session, role] = &plan.steps[..] else { panic!("{plan:?}") };
    assert_eq!(session.endpoint().region.as_deref(), Some("s-1"));
    assert_eq!(session.endpoint().url.as_deref(), Some("http://s"));
    assert_eq!((session.endpoint().sts_mode, session.endpoint().fips), (StsMode::Regional, true));
    assert_eq!(role.endpoint().region.as_deref(), Some("r-1"));
    assert_eq!(role.endpoint().url, None);
    assert_eq!((role.endpoint().sts_mode, role.endpoint().fips), (StsMode::Legacy, false));
    assert_eq!((plan.region.as_deref(), plan.endpoint_url), (Some("r-1"), None));

    let environment = [
        ("AWS_REGION", "e-1"),
        ("AWS_ENDPOINT_URL", "http://e"),
        ("AWS_ENDPOINT_URL_STS", "http://sts"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("AWS_USE_FIPS_ENDPOINT", "false"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
    ];
    let plan = plan_in(config, &["s"], "r", &environment);
    for step in &plan.steps {
        let expected = Endpoint {
            region: Some("e-1".to_owned()),
            url: Some("http://sts".to_owned()),
            sts_mode: StsMode::Regional,
            fips: false,
            dual_stack: true,
        };
        assert_eq!(*step.endpoint(), expected);
    }
    assert_eq!(plan.endpoint_url.as_deref(), Some("http://e"));
}

#[test]
fn role_variables_apply_to_the_active_profile_only() {
    let config = "[profile a]\nrole_arn = A\nsource_profile = k\nsession_tags = x=1
         [profile b]\nsource_profile = a\nrole_session_name = own\nexternal_id = e";
    let environment = [
        ("AWS_ROLE_ARN", "E"),
        ("AWS_ROLE_SESSION_NAME", "n"),
        ("AWS_SESSION_TAGS", "y=2, z=3"),
        ("AWS_TRANSITIVE_TAGS", "y,,"),
        ("AWS_SOURCE_IDENTITY", "me"),
        ("AWS_MFA_SERIAL", "M"),
    ];
    let plan = plan_in(config, &["k"], "b", &environment);
    assert_eq!(notation(&plan), "M(k) -> GST(k,8h)*# -> AR(a,1h) -> AR(b,1h)");
    let own = role(&plan);
    assert_eq!((own.role_arn.as_str(), own.role_session_name.as_deref()), ("E", Some("n")));
    assert_eq!((own.source_identity.as_deref(), own.external_id.as_deref()), (Some("me"), Some("e")));
    assert_eq!(own.tags.keys().collect::<Vec<_>>(), ["y", "z"]);
    assert_eq!(own.transitive_tag_keys.iter().collect::<Vec<_>>(), ["y"]);
    let Step::AssumeRole(source) = &plan.steps[1] else { panic!("{plan:?}") };
    assert_eq!((source.role_arn.as_str(), &source.role_session_name), ("A", &None));
    assert_eq!(source.tags.keys().collect::<Vec<_>>(), ["x"]);
}

#[test]
fn durations() {
    let config = "[profile k]\nmfa_serial = M\n[profile r]\nrole_arn = R\nsource_profile = k\nmfa_serial = M
         duration_seconds = 0x384\n[profile one]\nrole_arn = R\nsource_profile = k\nduration_seconds = 2h";
    let variables = [
        ("AWS_ASSUME_ROLE_TTL", "30m"),
        ("AWS_SESSION_TOKEN_TTL", "1d"),
        ("AWS_CHAINED_SESSION_TOKEN_TTL", "10h"),
        ("AWS_FEDERATION_TOKEN_TTL", "2h"),
        ("AWS_MIN_TTL", "15m"),
    ];
    for (typed, environment, expected) in [
        ("r", &variables[..0], "M(k) -> GST(k,8h)*# -> AR(r,900s)"),
        ("r -d 1h", &[], "M(k) -> GST(k,1h)*# -> AR(r,1h)"),
        ("r -d 0", &[], "M(k) -> GST(k,8h)*# -> AR(r,900s)"),
        ("r", &variables, "M(k) -> GST(k,10h)*# -> AR(r,1800s)"),
        ("k", &variables, "M(k) -> GST(k,24h)*#"),
        ("k -d 2h", &variables, "M(k) -> GST(k,2h)*#"),
        ("one", &[], "M(k) -> AR(one,2h)"),
    ] {
        assert_eq!(notation(&plan_in(config, &["k"], typed, environment)), expected, "{typed}");
    }
    let with = plan_in(config, &["k"], "login k", &variables);
    assert_eq!((with.minimum_ttl.as_secs(), with.federation_duration.as_secs()), (900, 7200));
    let without = plan_in(config, &["k"], "login k", &[("AWS_MIN_TTL", "soon")]);
    assert_eq!((without.minimum_ttl.as_secs(), without.federation_duration.as_secs()), (300, 3600));
    assert!(without.notes.contains(&Note::InvalidVariable { variable: "AWS_MIN_TTL" }));
}

#[test]
fn a_session_duration_is_asked_only_by_whoever_gets_the_session() {
    let config = "[profile k]\nmfa_serial = M\n[profile r]\nrole_arn = R\nsource_profile = k\nmfa_serial = M";
    let asked =
        |typed, environment: &[(&str, &str)]| match &plan_in(config, &["k"], typed, environment).steps[0] {
            Step::GetSessionToken(call) => call.duration_asked,
            Step::AssumeRole(_) => panic!("no session"),
        };
    let variable = [("AWS_SESSION_TOKEN_TTL", "2h")];
    assert!(!asked("k", &[]));
    assert!(asked("k -d 1h", &[]));
    assert!(!asked("k", &variable), "a standing wish, not this request's");
    assert!(!asked("r -d 30m", &[]));
    assert!(!asked("r", &variable));
}

#[test]
fn an_sso_session_replaces_what_was_collected_before_it() {
    let config = "[sso-session s]\nsso_start_url = https://session\nsso_registration_scopes = a,b
         [default]\nsso_session = s
         [profile p]\nsso_start_url = https://inline\nsso_region = own\nsso_account_id = 1\nsso_role_name = n
         [profile q]\nsso_session = s\nsso_region = q-1\nsso_start_url = https://inline\nsso_account_id = 1
         sso_role_name = n\nendpoint_url = http://e\nregion = other";
    // Even the region is taken away, by a session section that has none.
    let error = plan(config, &[], "p").unwrap_err();
    assert!(matches!(error, PlanError::MissingSetting { key: crate::config::Key::SsoRegion, .. }), "{error}");

    let plan = plan(config, &[], "q").unwrap();
    let access = sso(&plan);
    assert_eq!((access.start_url.as_str(), access.session.as_deref()), ("https://session", Some("s")));
    assert_eq!(access.endpoint.region.as_deref(), Some("q-1"));
    assert_eq!(access.endpoint.url.as_deref(), Some("http://e"));
    assert_eq!(access.scopes.as_deref(), Some("a,b"));
    assert_eq!(plan.region.as_deref(), Some("other"));
}

#[test]
fn a_missing_sso_session_does_not_matter_next_to_an_inline_url() {
    let config =
        "[profile p]\nsso_session = gone\nsso_start_url = https://x\nsso_region = x\nsso_account_id = 1
         sso_role_name = n";
    let plan = plan(config, &[], "p").unwrap();
    assert_eq!(sso(&plan).start_url, "https://x");
    assert_eq!(notes(&plan), ["sso_session \"gone\" does not exist and is ignored (/c:2)"]);
}

#[test]
fn mfa_process_comes_from_the_source_and_the_serial_does_not() {
    let config = "[profile k]\nmfa_serial = M\nmfa_process = secret-command
         [profile r]\nrole_arn = R\nsource_profile = k\nmfa_serial = N
         [profile own]\nrole_arn = R\nsource_profile = r\nmfa_serial = O
         [profile bare]\nrole_arn = R\nsource_profile = k";
    for (typed, stored) in [("r", "k"), ("own", "k"), ("own", "own")] {
        let plan = plan(config, &[stored], typed).unwrap();
        let mfa = role(&plan).mfa.as_ref().unwrap();
        assert_eq!(mfa.process.as_ref().map(CommandLine::as_str), Some("secret-command"), "{typed}");
        assert!(!format!("{plan:?}").contains("secret-command"));
    }
    assert_eq!(role(&plan(config, &["k"], "bare").unwrap()).mfa, None);
}

#[test]
fn an_included_chain_ends_in_default_and_gaps_are_noted() {
    let config = "[default]\nregion = d\nrole_arn = D\n[profile a]\ninclude_profile = b\n[profile b]
         include_profile = gone\nmfa_serial = M";
    let plan = plan(config, &["a"], "a").unwrap();
    assert_eq!((plan.region.as_deref(), role(&plan).role_arn.as_str()), (Some("d"), "D"));
    assert_eq!(role(&plan).mfa.as_ref().map(|mfa| mfa.serial.as_str()), Some("M"));
    assert_eq!(
        notes(&plan),
        [
            "include_profile \"gone\" does not exist and is ignored (/c:7)",
            "role_arn of \"a\" comes from [default] (/c:3)",
        ]
    );
}

#[test]
fn notes_say_which_rule_changed_something() {
    let config = "[default]\nregion = d
[profile k]
mfa_serial = M
[profile a]
role_arn = A
source_profile = k
mfa_serial = M
duration_seconds = an hour
[profile b]
role_arn = B
source_profile = a
duration_seconds = 7200
[profile p]
credential_process = x
role_arn = P
[profile c]
role_arn = C
source_profile = p
duration_seconds = 7200
[profile d]
source_profile = k
role_arn = D
";
    let said = |stored, typed| notes(&plan(config, stored, typed).unwrap());
    assert_eq!(
        said(&["k"], "b"),
        [
            "duration_seconds is not a number of seconds and is ignored (/c:9)",
            "duration of \"b\" is 1h0m0s, not 2h0m0s: AWS allows no more for a role assumed with temporary \
             credentials",
        ]
    );
    assert_eq!(said(&["k"], "k -n"), ["no session for \"k\": --no-session was given"]);
    assert_eq!(
        said(&["k"], "d -d 2h"),
        ["no session for \"k\": on top of one, the role could not live for 2h0m0s"]
    );
    assert_eq!(
        said(&["k"], "d"),
        ["no session for \"k\": it and the profile that uses it name different MFA devices"]
    );
    assert_eq!(
        said(&["k"], "login k"),
        ["no session for \"k\": signing in to the console without a role takes long-term credentials"]
    );
    assert_eq!(
        said(&["d", "k"], "d"),
        ["stored keys of \"d\" are used, not its source profile \"k\" (/c:22)"]
    );
    assert_eq!(
        said(&[], "c"),
        [
            "role_arn of \"p\" (/c:16) is ignored next to credential_process; to assume it, use a second profile \
             with source_profile",
            "AWS may refuse 2h0m0s for \"c\": a role assumed with temporary credentials lives 1h0m0s at most",
        ]
    );
}

#[test]
fn only_codes_need_a_human() {
    let config = "[profile k]\nmfa_serial = M\n[profile r]\nrole_arn = R\nsource_profile = k\nmfa_serial = M";
    let plan = plan(config, &["k"], "r").unwrap();
    assert!(plan.needs_human(0));
    assert!(!plan.needs_human(1));
    assert!(!plan.needs_human(9));
}
