//! The grammar, row by row of the reference's §3.2 and Appendix B.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> ConfigFile {
    ConfigFile::parse(Path::new("/c"), text).unwrap()
}

fn region(text: &str) -> Option<String> {
    parse(text).profile("p").unwrap().get(Key::Region).map(|found| found.value)
}

#[test]
fn values() {
    for (line, expected) in [
        ("region = moon-1", "moon-1"),
        ("region=moon-1", "moon-1"),
        ("region: moon-1", "moon-1"),
        ("  REGION\t=\tmoon-1  ", "moon-1"),
        ("region = moon-1 # far away ; indeed", "moon-1"),
        ("region = moon-1 ; far away", "moon-1"),
        ("region = a ; b # c", "a ; b"),
        ("region = moon-1\t# not a comment", "moon-1\t# not a comment"),
        ("region = https://x/start#/", "https://x/start#/"),
        ("region = a=b:c", "a=b:c"),
        ("region = \"a b\"", "a b"),
        ("region = 'a b'", "a b"),
        ("region = \"a\" and \"b\"", "\"a\" and \"b\""),
        ("region = \"a b\" # quoted", "a b"),
        ("region = `a # b` # comment", "a # b"),
        ("region = `a\n b`", "a\n b"),
        ("region = \"\"\"a\nb\"\"\" x", "a\nb"),
        ("region = a \\\n  b \\\n  c\nrole_arn = r", "a b c"),
        ("region = a\\\n\nrole_arn = r", "a"),
        ("region = a # b \\\n c", "a # b c"),
        ("region = one\nregion = two", "two"),
        ("region = a\n  region = b", "b"),
        ("base = moon\nregion = %(base)s-1", "moon-1"),
        ("region = %(unknown)s", "%(unknown)s"),
        ("region = %()s", "%()s"),
        ("region = %(a)x%(base)s\nbase = b", "%(a)xb"),
        ("region = 100%", "100%"),
    ] {
        assert_eq!(region(&format!("[profile p]\n{line}\n")).as_deref(), Some(expected), "{line:?}");
    }
}

#[test]
fn an_empty_value_is_unset() {
    assert_eq!(region("[profile p]\nregion =\n"), None);
    assert_eq!(region("[profile p]\nregion = ''\n"), None);
}

#[test]
fn headers() {
    for (header, name) in [
        ("[profile a]", Some("a")),
        ("  [profile a] # comment", Some("a")),
        ("[ profile a]", None),
        ("[profile a ]", Some("a ")),
        ("[profile  a]", Some(" a")),
        ("[profile \"a b\"]", Some("\"a b\"")),
        ("[profile a b]", Some("a b")),
        ("[profile a] # [b]", Some("a] # [b")),
        ("[Profile a]", None),
        ("[a]", None),
        ("[profile ]", None),
        ("[profile default]", Some("default")),
        ("[default]", None),
        ("[services x]", None),
    ] {
        assert_eq!(parse(header).profile_names().next(), name, "{header}");
    }
}

#[test]
fn names_are_in_file_order_and_default_only_if_it_says_something() {
    let file = parse("[profile b]\n[default]\nregion=x\n[profile a]\n[profile b]\n[profile default]\n");
    assert_eq!(file.profile_names().collect::<Vec<_>>(), ["b", "default", "a"]);
    assert_eq!(parse("[default]\noutput = json\n").profile_names().count(), 0);
}

#[test]
fn profile_default_is_listed_but_not_read() {
    let file = parse("[profile default]\nregion = x\n");
    assert_eq!(file.profile_names().collect::<Vec<_>>(), ["default"]);
    assert!(!file.has_profile("default"));
    assert_eq!(file.misnamed_default(), Some(file.place(1)));
}

#[test]
fn duplicates_merge_and_keep_the_line_of_the_last() {
    let file = parse("[profile a]\nregion = x\nrole_arn = r\n\n[profile b]\n[profile a]\nregion = y\n");
    let section = file.profile("a").unwrap();
    assert_eq!(section.get(Key::Region), Some(Located { value: "y".to_owned(), line: 7 }));
    assert_eq!(section.get(Key::RoleArn), Some(Located { value: "r".to_owned(), line: 3 }));
    assert_eq!(section.place().to_string(), "/c:1");
}

#[test]
fn nested_blocks_of_other_tools_are_passed() {
    let text = "[profile p]\ns3 =\n  max_concurrent_requests = 20\n\n  no delimiter here\nregion = x\n";
    assert_eq!(region(text).as_deref(), Some("x"));
    assert_eq!(region("[profile p]\ns3 =\n\tregion = nested\nregion = x\n").as_deref(), Some("x"));
}

#[test]
fn headerless_keys_serve_only_interpolation() {
    let text = "base = moon\n[DEFAULT]\nnumber = 1\n[profile p]\nregion = %(base)s-%(NUMBER)s\n";
    assert_eq!(region(text).as_deref(), Some("moon-1"));
    assert_eq!(region("region = x\n[profile p]\n"), None);
    assert_eq!(region("region = x\n[profile p]\nregion = %(region)s-1\n").as_deref(), Some("x-1"));
}

#[test]
fn dotted_names_inherit_from_the_part_before_the_last_dot() {
    let text = "[profile foo]\nregion = x\nrole_arn = %(region)s\n[profile foo.bar.baz]\nregion = y\n";
    let file = parse(text);
    let section = file.profile("foo.bar.baz").unwrap();
    assert_eq!(section.get(Key::Region).unwrap().value, "y");
    assert_eq!(section.get(Key::RoleArn), Some(Located { value: "x".to_owned(), line: 3 }));
    assert_eq!(section.get(Key::MfaSerial), None);
}

#[test]
fn bom_and_crlf() {
    let file = parse("\u{feff}[profile p]\r\nregion = x\r\nrole_arn = \"a\"\r\n\r\n[profile q]\r\n");
    assert_eq!(file.profile("p").unwrap().get(Key::Region).unwrap().value, "x");
    assert_eq!(file.profile("p").unwrap().get(Key::RoleArn).unwrap().value, "a");
    assert!(file.has_profile("q"));
}

#[test]
fn sso_sessions() {
    let file = parse("[sso-session s]\nsso_start_url = https://x/start#/\nsso_region = eu-west-1\n");
    let session = file.sso_session("s").unwrap();
    assert_eq!(session.get(SsoKey::StartUrl).unwrap().value, "https://x/start#/");
    assert_eq!(session.get(SsoKey::Region).unwrap().line, 3);
    assert_eq!(session.get(SsoKey::RegistrationScopes), None);
    assert_eq!(session.place().line, 1);
}

#[test]
fn errors_name_the_line_and_no_value() {
    for (text, message) in [
        ("[profile p]\nhunter2", "no \"=\" or \":\" in line \"/c:2\""),
        ("\n = hunter2", "no key before the delimiter in line \"/c:2\""),
        ("[profile hunter2", "section header is not closed in line \"/c:1\""),
        ("\n\n[]", "section header has no name in line \"/c:3\""),
        ("a = `hunter2\n\n", "value of \"a\" that starts in line \"/c:1\" is not closed"),
        ("A = \"\"\"hunter2", "value of \"a\" that starts in line \"/c:1\" is not closed"),
    ] {
        let error = ConfigFile::parse(Path::new("/c"), text).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(error.hint().unwrap().starts_with("open /c:"), "{error}");
        assert!(!format!("{error:?}{:?}", error.hint()).contains("hunter2"));
    }
}

#[test]
fn credentials_in_the_text_are_not_kept() {
    let text = "[profile p]\naws_secret_access_key = hunter2\nregion = %(aws_secret_access_key)s\n";
    assert_eq!(region(text).as_deref(), Some("%(aws_secret_access_key)s"));
    assert!(!format!("{:?}", parse(text)).contains("hunter2"));
}

#[test]
fn interpolation_ends_and_stays_small() {
    assert_eq!(region("[profile p]\nregion = %(region)s\n").as_deref(), Some("%(region)s"));
    assert_eq!(region("[profile p]\nregion = %(x)s\nx = %(region)s\n").as_deref(), Some("%(region)s"));
    let bomb = "[profile p]\nregion = %(a)s%(a)s\na = %(b)s%(b)s%(b)s\nb = %(a)s%(a)s%(a)s\n";
    assert!(region(bomb).unwrap().len() <= 64 * 1024);
}

#[test]
fn twenty_thousand_lines_and_long_hostile_lines_are_quick() {
    let profiles: Vec<String> =
        (0..5_000).map(|i| format!("[profile p{i}]\nregion = x\nmfa_serial = m\n\n")).collect();
    let profiles = profiles.concat();
    let hostile = format!(
        "[profile p]\nregion = {}\n[profile {}]\nregion = x\n[profile q]\nregion = `{}`",
        "%(".repeat(300_000),
        "p.".repeat(300_000),
        "\n".repeat(300_000)
    );
    let started = Instant::now();
    assert_eq!(parse(&profiles).profile_names().count(), 5_000);
    let file = parse(&hostile);
    let names: Vec<String> = file.profile_names().map(str::to_owned).collect();
    for name in names {
        for key in Key::ALL {
            file.profile(&name).unwrap().get(*key);
        }
    }
    // Generous for a busy machine and an unoptimised build: what it must catch is quadratic.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,400}") {
        look_at_everything(&text);
    }

    #[test]
    fn texts_close_to_the_grammar_never_panic(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "[", "]", "[profile a.b]", "[default]", "=", ":", "\"", "\"\"\"", "`", "'", "\\", "\n", "\r\n",
                " ", "\t", "#", ";", "%(", ")s", "%(region)s", "region", "include_profile", "é", "\u{feff}",
            ]),
            0..60,
        ),
    ) {
        look_at_everything(&pieces.concat());
    }

    #[test]
    fn an_appended_profile_is_read_back(
        existing in "(\\[profile [a-c.]{1,3}\\]\n|region ?= ?[a-z#;]{0,3}\r?\n| x=\\\\?\n|# c\n){0,6}",
        name in "[a-z.# ;\"=:]{1,6}",
        serial in prop::option::of("[a-z:/#; %\"'`\\\\]{1,12}"),
    ) {
        let path = Path::new("/c");
        if let Ok(suffix) = append_profile(path, &existing, &name, serial.as_deref()) {
            let before: Vec<String> =
                ConfigFile::parse(path, &existing).unwrap().profile_names().map(str::to_owned).collect();
            let after = ConfigFile::parse(path, &format!("{existing}{suffix}")).unwrap();
            let names: Vec<&str> = after.profile_names().collect();
            prop_assert_eq!(&names[..names.len() - 1], &before[..]);
            prop_assert_eq!(names[names.len() - 1], name.as_str());
            if let Some(serial) = serial {
                let found = after.profile(&name).unwrap().get(Key::MfaSerial).unwrap();
                prop_assert_eq!(found.value, serial);
            }
        }
    }
}

fn look_at_everything(text: &str) {
    let Ok(file) = ConfigFile::parse(Path::new("/c"), text) else { return };
    for name in file.profile_names() {
        for key in Key::ALL {
            file.profile(name).map(|section| section.get(*key));
        }
    }
}
