//! Every row of the reference's §4.6 and §4.7.

use super::{notation, plan};

const README: &str = "
[profile jonsmith]
mfa_serial = M
[profile foo-readonly]
source_profile = jonsmith
role_arn = R1
[profile foo-admin]
source_profile = jonsmith
role_arn = R2
mfa_serial = M
[profile bar-role1]
source_profile = jonsmith
role_arn = R3
mfa_serial = M
[profile bar-role2]
source_profile = bar-role1
role_arn = R4
mfa_serial = M
";

fn check(config: &str, stored: &[&str], rows: &[(&str, &str)]) {
    for (typed, expected) in rows {
        let plan = plan(config, stored, typed).unwrap_or_else(|error| panic!("{typed}: {error}"));
        assert_eq!(notation(&plan), *expected, "{typed}\n{config}");
    }
}

#[test]
fn readme_scenario() {
    check(
        README,
        &["jonsmith"],
        &[
            ("jonsmith --region x -n", "M(jonsmith)"),
            ("jonsmith", "M(jonsmith) -> GST(jonsmith,1h)*#"),
            ("jonsmith -d 2h", "M(jonsmith) -> GST(jonsmith,2h)*#"),
            ("foo-readonly", "M(jonsmith) -> AR(foo-readonly,1h)"),
            ("foo-readonly -d 2h", "M(jonsmith) -> AR(foo-readonly,2h)"),
            ("foo-admin", "M(jonsmith) -> GST(jonsmith,8h)*# -> AR(foo-admin,1h)"),
            ("foo-admin -d 2h", "M(jonsmith) -> AR(foo-admin,2h)*#"),
            ("foo-admin -n", "M(jonsmith) -> AR(foo-admin,1h)*#"),
            ("bar-role2", "M(jonsmith) -> GST(jonsmith,8h)*# -> AR(bar-role1,1h) -> AR(bar-role2,1h)"),
            (
                "bar-role2 -d 12h",
                "M(jonsmith) -> GST(jonsmith,12h)*# -> AR(bar-role1,1h) -> AR(bar-role2,1h)",
            ),
            ("bar-role2 -n", "M(jonsmith) -> AR(bar-role1,1h)*# -> AR(bar-role2,1h)*#"),
            ("login jonsmith", "M(jonsmith)"),
            ("login foo-admin", "M(jonsmith) -> GST(jonsmith,8h)*# -> AR(foo-admin,1h)"),
        ],
    );
}

#[test]
fn roles_with_keys_of_their_own() {
    check(
        "[profile r]\nrole_arn = R\nmfa_serial = M",
        &["r"],
        &[("r", "M(r) -> AR(r,1h)*#"), ("r -d 12h", "M(r) -> AR(r,12h)*#")],
    );
    check("[profile r]\nrole_arn = R", &["r"], &[("r", "M(r) -> AR(r,1h)")]);
    check(
        "[profile source]\nrole_arn = R\nmfa_serial = M
         [profile target]\nrole_arn = T\nmfa_serial = M\nsource_profile = source
         [profile alias]\nsource_profile = source",
        &["source"],
        &[
            ("target", "M(source) -> GST(source,8h)*# -> AR(source,1h) -> AR(target,1h)"),
            ("alias", "M(source) -> AR(source,1h)*#"),
        ],
    );
    check(
        "[profile q]\nmfa_serial = M\n[profile p]\nrole_arn = R\nsource_profile = q",
        &["p", "q"],
        &[("p", "M(p) -> AR(p,1h)")],
    );
}

#[test]
fn serials_that_differ() {
    let config = |source: &str, role: &str| {
        format!("[profile s]\n{source}\n[profile r]\nrole_arn = R\nsource_profile = s\n{role}\n")
    };
    let (a, b) = ("mfa_serial = A", "mfa_serial = B");
    check(&config("", a), &["s"], &[("r", "M(s) -> AR(r,1h)*#")]);
    check(&config(a, b), &["s"], &[("r", "M(s) -> AR(r,1h)*#")]);
    check(&config("", ""), &["s"], &[("r", "M(s) -> AR(r,1h)")]);
}

#[test]
fn aliases() {
    let config = |keys: &str, alias: &str, role: &str| {
        format!(
            "[profile keys]\n{keys}\n[profile alias]\nsource_profile = keys\n{alias}
             [profile role]\nrole_arn = R\nsource_profile = alias\n{role}\n"
        )
    };
    let mfa = "mfa_serial = M";
    check(
        &config(mfa, mfa, mfa),
        &["keys"],
        &[
            ("role", "M(keys) -> GST(keys,8h)*# -> AR(role,1h)"),
            ("role -d 12h", "M(keys) -> AR(role,12h)*#"),
            ("alias", "M(keys) -> GST(keys,8h)*#"),
        ],
    );
    check(&config(mfa, "", mfa), &["keys"], &[("role", "M(keys) -> AR(role,1h)*#")]);
    check(&config("", "", ""), &["keys"], &[("alias", "M(keys) -> GST(alias,1h)#")]);
    check(&config("", mfa, mfa), &["keys"], &[("role", "M(keys) -> GST(alias,8h)*# -> AR(role,1h)")]);
    // AWS gives no federation token to a session, so signing in goes without (Q24).
    check(&config(mfa, mfa, mfa), &["keys"], &[("login alias", "M(keys)")]);
}

#[test]
fn other_sources() {
    let sso = "sso_start_url = https://x\nsso_region = x\nsso_account_id = 1\nsso_role_name = n\n";
    check(
        &format!(
            "[profile s]\n{sso}[profile r]\nrole_arn = R\nsource_profile = s\n[profile a]\nsource_profile = s"
        ),
        &[],
        &[
            ("s", "SSO(s)#"),
            ("r", "SSO(s)# -> AR(r,1h)"),
            ("r -d 2h", "SSO(s)# -> AR(r,2h)"),
            ("a", "SSO(s)#"),
        ],
    );
    check(&format!("[profile s]\nrole_arn = R\n{sso}"), &[], &[("s", "SSO(s)#")]);
    check(
        "[profile p]\ncredential_process = x\n[profile r]\nrole_arn = R\nsource_profile = p\nmfa_serial = M",
        &[],
        &[("p", "process(p)#"), ("r", "process(p)# -> AR(r,1h)*#")],
    );
    check(
        "[profile w]\nrole_arn = W\nweb_identity_token_file = /t\nduration_seconds = 7200
         [profile r]\nrole_arn = R\nsource_profile = w",
        &[],
        &[("w", "WI(w,2h)#"), ("r", "WI(w,2h)# -> AR(r,1h)")],
    );
    check("", &["bare"], &[("bare", "M(bare) -> GST(bare,1h)#")]);
}

#[test]
fn inheritance() {
    check(
        "[default]\nmfa_serial = M\nduration_seconds = 7200
         [profile admin]\nrole_arn = A\nsource_profile = source
         [profile target]\nrole_arn = T\nsource_profile = admin",
        &["source"],
        &[("target", "M(source) -> GST(source,8h)*# -> AR(admin,1h) -> AR(target,1h)")],
    );
    check("[default]\nrole_arn = D\n[profile x]\nregion = y", &["x"], &[("x", "M(x) -> AR(x,1h)")]);
    // Naming oneself hides an inherited source, and is no circle.
    check(
        "[default]\nsource_profile = k\n[profile x]\nsource_profile = x\ncredential_process = x",
        &["k"],
        &[("x", "process(x)#")],
    );
    check(
        "[profile root]\nmfa_serial = M\nsource_profile = root
         [profile dev]\ninclude_profile = root\nrole_arn = R",
        &["root"],
        &[("root", "M(root) -> GST(root,1h)*#"), ("dev", "M(root) -> GST(root,8h)*# -> AR(dev,1h)")],
    );
}
