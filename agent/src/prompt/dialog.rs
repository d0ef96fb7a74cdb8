//! The dialog programs of aws-vault, with the same arguments (compat §6.3), and pinentry.

use std::path::Path;

use aws_vault_protocol::message::PromptKind;
use aws_vault_protocol::secret::Answer;

use super::choose::Driver;
use super::program::{self, ProgramError};
use super::{AskError, pinentry};
use crate::audience::Asker;
use crate::peer::Question;

/// Exit statuses of dialogs whose cancel button was pressed or whose window was closed.
const CANCELLED: [i32; 2] = [1, 252];

/// Asks through a program; `None` when the person cancelled.
pub(super) async fn ask(
    driver: &Driver,
    asker: &Asker,
    question: &Question,
) -> Result<Option<Answer>, AskError> {
    let mut question = question.clone();
    loop {
        let first = ask_once(driver, asker, &question).await?;
        let (Some(first), PromptKind::NewPassphrase) = (&first, question.kind) else { return Ok(first) };
        // A new passphrase that was mistyped could never be typed again.
        let again =
            Question { text: format!("{} (again)", question.text), complaint: None, ..question.clone() };
        match ask_once(driver, asker, &again).await? {
            Some(second) if second.expose() != first.expose() => {
                question.complaint = Some("The two differ".to_owned());
            }
            second => return Ok(second),
        }
    }
}

async fn ask_once(driver: &Driver, asker: &Asker, question: &Question) -> Result<Option<Answer>, AskError> {
    let (path, arguments) = match driver {
        Driver::Terminal => return Ok(None),
        Driver::Pinentry(path) => return pinentry::ask(path, asker, question).await,
        Driver::Kdialog(path) => (path, kdialog(question)),
        Driver::Zenity(path) => (path, zenity(question)),
        Driver::Osascript(path) => (path, osascript(question)),
        Driver::Ykman(path) => (path, ykman(asker, question)),
    };
    // A YubiKey that is not there is no person who refuses.
    let is_dialog = !matches!(driver, Driver::Ykman(_));
    run(path, arguments, asker, is_dialog).await
}

async fn run(
    path: &Path,
    arguments: Vec<String>,
    asker: &Asker,
    is_dialog: bool,
) -> Result<Option<Answer>, AskError> {
    let mut command = program::prepared(path, asker);
    command.args(arguments);
    let output = program::run(path, command).await?;
    match output.status.code() {
        Some(0) => Ok(Some(Answer::from(output.text))),
        Some(code) if is_dialog && CANCELLED.contains(&code) => Ok(None),
        _ => Err(ProgramError::Ended { program: path.to_owned(), status: output.status }.into()),
    }
}

/// The question and why it is asked again, on one line: dialogs show what they are given.
fn message(question: &Question) -> String {
    match &question.complaint {
        Some(complaint) => format!("{complaint}. {}: ", question.text),
        None => format!("{}: ", question.text),
    }
}

fn kdialog(question: &Question) -> Vec<String> {
    let box_kind = if question.kind == PromptKind::MfaCode { "--inputbox" } else { "--password" };
    [box_kind, &message(question), "--title", "aws-vault"].map(str::to_owned).into()
}

fn zenity(question: &Question) -> Vec<String> {
    let mut arguments =
        ["--entry", "--title", "aws-vault", "--text", &message(question)].map(str::to_owned).to_vec();
    if question.kind != PromptKind::MfaCode {
        arguments.push("--hide-text".to_owned());
    }
    arguments
}

fn osascript(question: &Question) -> Vec<String> {
    let quoted = message(question).replace('\\', "\\\\").replace('"', "\\\"");
    let hidden = if question.kind == PromptKind::MfaCode { "" } else { " with hidden answer" };
    let script = format!(
        "display dialog \"{quoted}\" default answer \"\"{hidden} buttons {{\"OK\", \"Cancel\"}} default button 1\n\
         text returned of the result\n\
         return result"
    );
    vec!["-e".to_owned(), script]
}

fn ykman(asker: &Asker, question: &Question) -> Vec<String> {
    let environment = &asker.environment;
    let serial = question.mfa_serial.as_deref().unwrap_or_default();
    let credential = environment.get("YKMAN_OATH_CREDENTIAL_NAME").unwrap_or(serial);
    let is_old = matches!(environment.get("AWS_VAULT_YKMAN_VERSION"), Some("1" | "2" | "3"));
    let mut arguments = Vec::new();
    if let Some(device) = environment.get("YKMAN_OATH_DEVICE_SERIAL").filter(|_| !is_old) {
        arguments.extend(["--device".to_owned(), device.to_owned()]);
    }
    let command: &[&str] = if is_old { &["oath", "code"] } else { &["oath", "accounts", "code"] };
    arguments.extend(command.iter().map(|word| (*word).to_owned()));
    arguments.extend(["--single".to_owned(), credential.to_owned()]);
    arguments
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use aws_vault_protocol::message::Interaction;

    use super::*;
    use crate::environment::Environment;
    use crate::peer::Peer;

    fn asker(variables: &[(&str, &str)]) -> Asker {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Asker {
            peer: Peer::new(None),
            request_id: 1,
            interaction: Interaction::default(),
            environment: Rc::new(Environment::new(variables)),
            mfa_token: RefCell::new(None),
            file_passphrase: RefCell::new(None),
            profile: "p".into(),
        }
    }

    fn question(kind: PromptKind) -> Question {
        let text = "Enter MFA code for arn:aws:iam::1:mfa/jon".to_owned();
        let mfa_serial = Some("arn:aws:iam::1:mfa/jon".to_owned());
        Question { kind, text, mfa_serial, complaint: None, timeout_seconds: 1 }
    }

    #[test]
    fn programs_get_the_arguments_aws_vault_gives_them() {
        let code = question(PromptKind::MfaCode);
        let text = "Enter MFA code for arn:aws:iam::1:mfa/jon: ";
        assert_eq!(kdialog(&code), ["--inputbox", text, "--title", "aws-vault"]);
        assert_eq!(zenity(&code), ["--entry", "--title", "aws-vault", "--text", text]);
        let plain = ykman(&asker(&[]), &code);
        assert_eq!(plain, ["oath", "accounts", "code", "--single", "arn:aws:iam::1:mfa/jon"]);
        let named = asker(&[("YKMAN_OATH_CREDENTIAL_NAME", "jon"), ("YKMAN_OATH_DEVICE_SERIAL", "7")]);
        assert_eq!(ykman(&named, &code), ["--device", "7", "oath", "accounts", "code", "--single", "jon"]);
        let old = asker(&[("AWS_VAULT_YKMAN_VERSION", "3"), ("YKMAN_OATH_DEVICE_SERIAL", "7")]);
        assert_eq!(ykman(&old, &code), ["oath", "code", "--single", "arn:aws:iam::1:mfa/jon"]);
    }

    #[test]
    fn passphrases_are_hidden() {
        let passphrase = question(PromptKind::Passphrase);
        assert_eq!(kdialog(&passphrase)[0], "--password");
        assert!(zenity(&passphrase).contains(&"--hide-text".to_owned()));
        assert!(osascript(&passphrase)[1].contains("with hidden answer"));
    }

    #[test]
    fn a_script_cannot_be_broken_out_of() {
        let mut code = question(PromptKind::MfaCode);
        code.text = "a\" & do shell script \"x\\".into();
        assert!(osascript(&code)[1].starts_with("display dialog \"a\\\" & do shell script \\\"x\\\\: \""));
    }
}
