//! `export`: prints a profile's credentials (compat §1.8, to the byte). The text lives in one wiped buffer
//! that is large enough from the start, and goes out in one write.

use std::io::{self, Write};

use aws_vault_protocol::message::Credentials;
use aws_vault_protocol::secret::SessionToken;
use aws_vault_protocol::timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{credentials, refuse_nested};
use crate::args::{ExportArgs, Format};
use crate::failure::CommandError;
use crate::invocation::Invocation;
use crate::{output, picker};

/// More than names, punctuation, region and times take up, in bytes.
const ROOM_FOR_NAMES: usize = 1024;

/// Longest form of a byte in JSON: `\u003c`.
const LONGEST_ESCAPE: usize = 6;

/// Prints a profile's credentials.
pub(super) fn run(args: &ExportArgs, invocation: &Invocation) -> Result<(), CommandError> {
    refuse_nested(invocation)?;
    let mut connection = invocation.connect()?;
    let profile = match args.profile.clone().filter(|name| !name.is_empty()) {
        Some(profile) => profile,
        None => picker::choose(invocation, &mut connection, "export")?,
    };
    let credentials = credentials(invocation, &mut connection, &profile, &args.credentials)?;
    print(&credentials, &profile, args.format)
}

/// Prints credentials.
pub(super) fn print(credentials: &Credentials, profile: &str, format: Format) -> Result<(), CommandError> {
    let text = render(credentials, profile, format).map_err(CommandError::Output)?;
    output::answer(&text).map_err(CommandError::Output)
}

/// What `credential_process` expects, in the order in which Go prints it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessOutput<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

/// Go's encoder writes these as escapes, so that JSON can stand in HTML. They occur only within strings.
struct HtmlEscaping<'a>(&'a mut Vec<u8>);

fn render(credentials: &Credentials, profile: &str, format: Format) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(capacity(credentials, profile)));
    match format {
        Format::Json => json(credentials, &mut text)?,
        Format::Env => lines(credentials, "", NAMES, &mut text),
        Format::ExportEnv => lines(credentials, "export ", NAMES, &mut text),
        Format::Ini => {
            text.extend_from_slice(b"[");
            text.extend_from_slice(profile.as_bytes());
            text.extend_from_slice(b"]\n");
            lines(credentials, "", KEYS, &mut text);
        }
    }
    Ok(text)
}

fn capacity(credentials: &Credentials, profile: &str) -> usize {
    let token = credentials.session_token.as_ref().map_or(0, |token| token.expose().len());
    let region = credentials.region.as_ref().map_or(0, String::len);
    let secrets = credentials.secret_access_key.expose().len() + token;
    let rest = credentials.access_key_id.len() + 2 * region + profile.len();
    (secrets + rest) * LONGEST_ESCAPE + ROOM_FOR_NAMES
}

fn json(credentials: &Credentials, text: &mut Vec<u8>) -> io::Result<()> {
    let output = ProcessOutput {
        version: 1,
        access_key_id: &credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.expose(),
        session_token: session_token(credentials),
        expiration: credentials.expiration.map(timestamp::to_rfc3339),
    };
    serde_json::to_writer_pretty(HtmlEscaping(&mut *text), &output)?;
    text.push(b'\n');
    Ok(())
}

/// What each value is called: key id, secret, token, expiration, and the region, be it twice.
struct Names {
    key_id: &'static str,
    secret: &'static str,
    token: &'static str,
    expiration: &'static str,
    region: &'static [&'static str],
}

const NAMES: &Names = &Names {
    key_id: "AWS_ACCESS_KEY_ID",
    secret: "AWS_SECRET_ACCESS_KEY",
    token: "AWS_SESSION_TOKEN",
    expiration: "AWS_CREDENTIAL_EXPIRATION",
    region: &["AWS_REGION", "AWS_DEFAULT_REGION"],
};

const KEYS: &Names = &Names {
    key_id: "aws_access_key_id",
    secret: "aws_secret_access_key",
    token: "aws_session_token",
    expiration: "aws_credential_expiration",
    region: &["region"],
};

fn lines(credentials: &Credentials, prefix: &str, names: &Names, text: &mut Vec<u8>) {
    let mut line = |name: &str, value: &str| {
        for part in [prefix, name, "=", value, "\n"] {
            text.extend_from_slice(part.as_bytes());
        }
    };
    line(names.key_id, &credentials.access_key_id);
    line(names.secret, credentials.secret_access_key.expose());
    if let Some(token) = session_token(credentials) {
        line(names.token, token);
    }
    if let Some(expiration) = credentials.expiration {
        line(names.expiration, &timestamp::to_rfc3339(expiration));
    }
    if let Some(region) = credentials.region.as_deref().filter(|region| !region.is_empty()) {
        for name in names.region {
            line(name, region);
        }
    }
}

fn session_token(credentials: &Credentials) -> Option<&str> {
    credentials.session_token.as_ref().map(SessionToken::expose).filter(|token| !token.is_empty())
}

impl Write for HtmlEscaping<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            match byte {
                b'<' => self.0.extend_from_slice(br"\u003c"),
                b'>' => self.0.extend_from_slice(br"\u003e"),
                b'&' => self.0.extend_from_slice(br"\u0026"),
                other => self.0.push(*other),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_vault_protocol::secret::SecretAccessKey;

    use super::*;

    fn temporary() -> Credentials {
        Credentials {
            profile: "p".into(),
            access_key_id: "ASIA".into(),
            secret_access_key: SecretAccessKey::copy_from("a/b+<c>&\"d\""),
            session_token: Some(SessionToken::copy_from("token==")),
            expiration: Some(1_767_323_045),
            region: Some("eu-west-1".into()),
            endpoint_url: Some("http://not.printed".into()),
            from_memory: true,
        }
    }

    fn long_term() -> Credentials {
        let secret_access_key = SecretAccessKey::copy_from("secret");
        let access_key_id = "AKIA".to_owned();
        Credentials {
            secret_access_key,
            access_key_id,
            session_token: None,
            expiration: None,
            region: None,
            ..temporary()
        }
    }

    fn text(credentials: &Credentials, format: Format) -> String {
        let text = render(credentials, "my profile", format).unwrap();
        assert!(text.len() <= capacity(credentials, "my profile"), "the buffer would have grown");
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[test]
    fn lines_for_shells() {
        let env = "AWS_ACCESS_KEY_ID=ASIA\nAWS_SECRET_ACCESS_KEY=a/b+<c>&\"d\"\nAWS_SESSION_TOKEN=token==\n\
                   AWS_CREDENTIAL_EXPIRATION=2026-01-02T03:04:05Z\nAWS_REGION=eu-west-1\nAWS_DEFAULT_REGION=eu-west-1\n";
        assert_eq!(text(&temporary(), Format::Env), env);
        let exports = text(&temporary(), Format::ExportEnv);
        assert_eq!(exports.matches("export ").count(), 6);
        assert_eq!(exports.replace("export ", ""), env);
        assert!(exports.lines().all(|line| line.starts_with("export AWS_")));
        assert_eq!(text(&long_term(), Format::Env), "AWS_ACCESS_KEY_ID=AKIA\nAWS_SECRET_ACCESS_KEY=secret\n");
    }

    #[test]
    fn a_section_for_a_credentials_file() {
        let ini = "[my profile]\naws_access_key_id=ASIA\naws_secret_access_key=a/b+<c>&\"d\"\n\
                   aws_session_token=token==\naws_credential_expiration=2026-01-02T03:04:05Z\nregion=eu-west-1\n";
        assert_eq!(text(&temporary(), Format::Ini), ini);
        let ini = "[my profile]\naws_access_key_id=AKIA\naws_secret_access_key=secret\n";
        assert_eq!(text(&long_term(), Format::Ini), ini);
    }

    #[test]
    fn json_for_credential_process() {
        let json = "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"ASIA\",\n  \
                    \"SecretAccessKey\": \"a/b+\\u003cc\\u003e\\u0026\\\"d\\\"\",\n  \
                    \"SessionToken\": \"token==\",\n  \"Expiration\": \"2026-01-02T03:04:05Z\"\n}\n";
        assert_eq!(text(&temporary(), Format::Json), json);
        let json =
            "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"AKIA\",\n  \"SecretAccessKey\": \"secret\"\n}\n";
        assert_eq!(text(&long_term(), Format::Json), json);
    }
}
