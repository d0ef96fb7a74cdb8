//! Being asked without a terminal: the dialog programs of aws-vault, pinentry, a YubiKey. The programs are
//! scripts that write down how they were called; what they print is a real code of the stand-in's device.

use std::fs;

use aws_vault_protocol::failure::FailureCode;
use aws_vault_protocol::message::{GetCredentials, Interaction, Reply};

use crate::office::Office;

/// An office with a program that answers with a fresh code, a screen, and no terminal.
struct Desk {
    office: Office,
    program: &'static str,
}

impl Desk {
    /// `script` runs after the call was written down; `$CODE` holds the code.
    fn with(program: &'static str, script: &str) -> Self {
        let office = Office::open();
        let home = office.world.home().to_owned();
        fs::create_dir(home.join("bin")).expect("a new world has no bin");
        let calls = home.join("calls");
        let code = office.world.code(&office.serial);
        // The code stands in the script; the script empties itself, because a code must not lie about.
        let text = format!(
            "printf '%s\\n' \"$@\" > {calls}\nCODE={code}\n: > \"$0\"\n{script}",
            calls = calls.display()
        );
        office.world.script(&format!("bin/{program}"), &text);
        Self { office, program }
    }

    fn request(&self, driver: Option<&str>) -> GetCredentials {
        let mut request = self.office.world.get("alice");
        let path = format!("{}/bin:/usr/bin:/bin", self.office.world.home().display());
        request
            .caller
            .environment
            .extend([("PATH".to_owned(), path), ("DISPLAY".to_owned(), ":7".to_owned())]);
        request.caller.interaction =
            Interaction { driver: driver.map(str::to_owned), ..Interaction::default() };
        request
    }

    fn arguments(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.office.world.home().join("calls"));
        calls
            .unwrap_or_else(|_| panic!("{} was not called", self.program))
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn message(&self) -> String {
        format!("Enter MFA code for {}: ", self.office.serial)
    }
}

#[test]
fn kdialog_is_called_as_aws_vault_calls_it() {
    let desk = Desk::with("kdialog", "echo $CODE");
    desk.office.agent.connect().get(desk.request(None)).unwrap();
    assert_eq!(desk.arguments(), ["--inputbox", &desk.message(), "--title", "aws-vault"]);
    assert_eq!(desk.office.calls(), (1, 0));
}

#[test]
fn zenity_is_called_as_aws_vault_calls_it() {
    let desk = Desk::with("zenity", "echo $CODE");
    desk.office.agent.connect().get(desk.request(Some("zenity"))).unwrap();
    assert_eq!(desk.arguments(), ["--entry", "--title", "aws-vault", "--text", &desk.message()]);
}

#[test]
fn ykman_is_called_as_aws_vault_calls_it() {
    let desk = Desk::with("ykman", "echo $CODE");
    desk.office.agent.connect().get(desk.request(Some("ykman"))).unwrap();
    assert_eq!(desk.arguments(), ["oath", "accounts", "code", "--single", &desk.office.serial]);
}

#[test]
fn a_closed_dialog_is_a_refusal() {
    let desk = Desk::with("zenity", "exit 1");
    let error = desk.office.agent.connect().get(desk.request(None)).unwrap_err();
    assert_eq!(error.code, FailureCode::Cancelled);
    assert_eq!(desk.office.calls(), (0, 0));
}

#[test]
fn a_dialog_that_does_not_work_is_named() {
    let desk = Desk::with("zenity", "exit 5");
    let error = desk.office.agent.connect().get(desk.request(None)).unwrap_err();
    assert_eq!(error.code, FailureCode::InputNeeded);
    assert!(error.message.contains("zenity"), "{error:?}");
    let missing = desk.office.agent.connect().get(desk.request(Some("kdialog"))).unwrap_err();
    assert!(missing.hint.unwrap().contains("kdialog"));
}

#[test]
fn a_dialog_goes_when_its_caller_goes() {
    let desk = Desk::with("zenity", "echo $$ > \"$HOME/dialog\"; exec sleep 60");
    let mut client = desk.office.agent.connect();
    client.send(desk.request(None));
    let dialog = desk.office.world.home().join("dialog");
    let pid = || fs::read_to_string(&dialog).ok().and_then(|text| text.trim().parse::<u32>().ok());
    aws_vault_tests::wait::until("the dialog is there", || pid().is_some());
    drop(client);
    let pid = pid().unwrap();
    aws_vault_tests::wait::until("the dialog is gone", || !aws_vault_tests::process::is_alive(pid));
}

#[test]
fn pinentry_is_spoken_to_in_its_own_language() {
    let conversation = r#"echo "OK Pleased to meet you"
while read -r line; do
    printf '%s\n' "$line" >> "$HOME/said"
    case "$line" in
        OPTION*) echo "ERR 83886254 Unknown option" ;;
        GETPIN) printf 'S a status line\nD %s\nOK\n' "$CODE" ;;
        *) echo OK ;;
    esac
done"#;
    let desk = Desk::with("pinentry", conversation);
    desk.office.agent.connect().get(desk.request(Some("pinentry"))).unwrap();
    let said = fs::read_to_string(desk.office.world.home().join("said")).unwrap();
    assert!(said.contains(&format!("SETDESC Enter MFA code for {}\n", desk.office.serial)), "{said}");
    assert!(said.contains("SETTIMEOUT 120\n") && said.ends_with("GETPIN\n"), "{said}");
}

#[test]
fn a_pinentry_that_is_cancelled_is_a_refusal() {
    let conversation = "echo OK\nwhile read -r line; do case \"$line\" in \
        GETPIN) echo 'ERR 83886179 Operation cancelled <Pinentry>' ;; *) echo OK ;; esac; done";
    let desk = Desk::with("pinentry", conversation);
    let error = desk.office.agent.connect().get(desk.request(Some("pinentry"))).unwrap_err();
    assert_eq!(error.code, FailureCode::Cancelled);
}

#[test]
fn a_passphrase_can_be_asked_in_a_dialog() {
    let desk = Desk::with("kdialog", &format!("echo '{}'", aws_vault_tests::world::PASSPHRASE));
    desk.office.agent.connect().ask(aws_vault_protocol::message::Lock::default()).unwrap();
    let mut caller = desk.request(None).caller;
    caller.store.file_passphrase = None;
    let unlock = aws_vault_protocol::message::Unlock { caller };
    assert!(matches!(desk.office.agent.connect().ask(unlock), Ok(Reply::Done(_))));
    assert_eq!(desk.arguments()[0], "--password", "what is typed is hidden");
}
