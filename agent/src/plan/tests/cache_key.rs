//! The cache key: shared where AWS could not tell the difference, and nowhere else.

use proptest::prelude::*;

use super::*;

fn role() -> AssumeRole {
    AssumeRole {
        profile: "p".to_owned(),
        role_arn: ROLE.to_owned(),
        role_session_name: None,
        external_id: None,
        tags: BTreeMap::new(),
        transitive_tag_keys: BTreeSet::new(),
        source_identity: None,
        duration: Duration::from_secs(3600),
        mfa: None,
        endpoint: endpoint(),
    }
}

fn endpoint() -> Endpoint {
    Endpoint { region: None, url: None, sts_mode: StsMode::Regional, fips: false, dual_stack: false }
}

fn whole(source: Source, steps: Vec<Step>) -> Plan {
    Plan {
        profile: "p".to_owned(),
        source,
        steps,
        region: None,
        endpoint_url: None,
        minimum_ttl: Duration::ZERO,
        federation_duration: Duration::ZERO,
        notes: Vec::new(),
    }
}

fn key_of(role: AssumeRole) -> CacheKey {
    let source = Source::LongTermKey(LongTermKey { name: "k".to_owned() });
    whole(source, vec![Step::AssumeRole(role)]).cache_key(1, b"")
}

fn all_different(keys: &[CacheKey]) -> bool {
    keys.iter().collect::<std::collections::HashSet<_>>().len() == keys.len()
}

#[test]
fn every_field_of_a_role_counts_but_the_profile_and_the_origin_of_codes() {
    let text = || Some("x".to_owned());
    let mfa = |serial: &str| Some(Mfa { serial: serial.to_owned(), process: None });
    let tags = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let keys = [
        role(),
        AssumeRole { role_arn: "x".to_owned(), ..role() },
        AssumeRole { role_session_name: text(), ..role() },
        AssumeRole { external_id: text(), ..role() },
        AssumeRole { source_identity: text(), ..role() },
        AssumeRole { tags: tags("a", "b"), ..role() },
        AssumeRole { tags: tags("ab", ""), ..role() },
        AssumeRole { transitive_tag_keys: BTreeSet::from(["a".to_owned()]), ..role() },
        AssumeRole { duration: Duration::from_secs(900), ..role() },
        AssumeRole { mfa: mfa("x"), ..role() },
        AssumeRole { mfa: mfa("y"), ..role() },
        AssumeRole { endpoint: Endpoint { region: text(), ..endpoint() }, ..role() },
        AssumeRole { endpoint: Endpoint { url: text(), ..endpoint() }, ..role() },
        AssumeRole { endpoint: Endpoint { sts_mode: StsMode::Legacy, ..endpoint() }, ..role() },
        AssumeRole { endpoint: Endpoint { fips: true, ..endpoint() }, ..role() },
        AssumeRole { endpoint: Endpoint { dual_stack: true, ..endpoint() }, ..role() },
    ]
    .map(key_of);
    assert!(all_different(&keys), "{keys:?}");

    let process = Some(CommandLine("x".to_owned()));
    let twin = AssumeRole { profile: "other".to_owned(), ..role() };
    assert_eq!(key_of(twin), keys[0]);
    let twin = AssumeRole { mfa: Some(Mfa { serial: "x".to_owned(), process }), ..role() };
    assert_eq!(key_of(twin), keys[9]);
}

#[test]
fn every_kind_of_source_and_its_version_count() {
    let sso = |session: Option<&str>, account: &str| {
        Source::Sso(SsoAccess {
            profile: "p".to_owned(),
            session: session.map(str::to_owned),
            start_url: "x".to_owned(),
            scopes: None,
            account_id: account.to_owned(),
            role_name: "x".to_owned(),
            endpoint: endpoint(),
        })
    };
    let web = |token| {
        Source::WebIdentity(WebIdentity {
            profile: "p".to_owned(),
            token,
            role_arn: "x".to_owned(),
            role_session_name: None,
            duration: Duration::from_secs(3600),
            endpoint: endpoint(),
        })
    };
    let command = || CommandLine("x".to_owned());
    let process = CredentialProcess { profile: "p".to_owned(), command: command() };
    let keys: Vec<CacheKey> = [
        Source::LongTermKey(LongTermKey { name: "x".to_owned() }),
        Source::LongTermKey(LongTermKey { name: "y".to_owned() }),
        sso(None, "1"),
        sso(None, "2"),
        sso(Some("s"), "1"),
        web(WebIdentityToken::File("x".to_owned())),
        web(WebIdentityToken::Process(command())),
        Source::CredentialProcess(process),
    ]
    .into_iter()
    .flat_map(|source| [b"v1", b"v2"].map(|version| whole(source.clone(), Vec::new()).cache_key(0, version)))
    .collect();
    assert!(all_different(&keys), "{keys:?}");
}

#[test]
fn roles_over_one_session_share_it() {
    let config = "[profile k]\nmfa_serial = M\n[profile alias]\nsource_profile = k\nmfa_serial = M
         [profile a]\nrole_arn = A\nsource_profile = k\nmfa_serial = M
         [profile b]\nrole_arn = B\nsource_profile = k\nmfa_serial = M\nduration_seconds = 900
         [profile a2]\nrole_arn = A\nsource_profile = k\nmfa_serial = M";
    let key = |typed, steps| plan(config, &["k"], typed).unwrap().cache_key(steps, b"v");
    let session = key("k", 1);
    for typed in ["a", "b", "a2", "alias", "b -d 1h"] {
        assert_eq!(key(typed, 1), session, "{typed}");
    }
    assert_eq!(key("a", 2), key("a2", 2));
    assert_eq!(key("a", 2), key("a", 99));
    assert_ne!(key("a", 2), key("b", 2));
    assert_ne!(key("a", 1), key("a", 2));
    // Whoever asks for a duration and is handed the session gets one of that duration.
    assert_ne!(key("k -d 2h", 1), session);
    assert_ne!(key("k -d 2h", 1), key("k -d 3h", 1));
    assert_ne!(key("k --region x", 1), session);
    // Without `--no-session` the plan of a bare key is its session; with it, the key.
    assert_eq!(key("k -n", 1), key("k", 0));
}

fn any_role() -> impl Strategy<Value = AssumeRole> {
    // Few and short texts, so that neighbours collide in every way a careless encoding allows.
    let text = || "[ab]{0,2}";
    let option = || prop::option::of(text());
    let tags = prop::collection::btree_map(text(), text(), 0..3);
    (text(), option(), option(), option(), tags, prop::collection::btree_set(text(), 0..3), option())
        .prop_map(
            |(
                role_arn,
                role_session_name,
                external_id,
                source_identity,
                tags,
                transitive_tag_keys,
                region,
            )| {
                AssumeRole {
                    role_arn,
                    role_session_name,
                    external_id,
                    source_identity,
                    tags,
                    transitive_tag_keys,
                    endpoint: Endpoint { region, ..endpoint() },
                    ..role()
                }
            },
        )
}

proptest! {
    #[test]
    fn keys_are_equal_exactly_when_the_calls_are(
        left in prop::collection::vec(any_role(), 0..3),
        right in prop::collection::vec(any_role(), 0..3),
    ) {
        let source = Source::LongTermKey(LongTermKey { name: "k".to_owned() });
        let plan = |roles: &[AssumeRole]| {
            whole(source.clone(), roles.iter().cloned().map(Step::AssumeRole).collect())
        };
        let (a, b) = (plan(&left), plan(&right));
        prop_assert_eq!(a.cache_key(9, b"") == b.cache_key(9, b""), left == right);
        prop_assert_eq!(a.cache_key(9, b""), a.clone().cache_key(9, b""));
        for steps in 0..left.len().min(right.len()) {
            let same = left[..=steps] == right[..=steps];
            prop_assert_eq!(a.cache_key(steps + 1, b"") == b.cache_key(steps + 1, b""), same);
        }
    }
}
