//! The product's main job, step by step, against the stand-in: `cargo run --release --bin demo`.
//!
//! Builds both programs, then runs them in a temporary home and prints each command with its output. Fails
//! when a step does not do what it says. Touches nothing of the person who runs it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};

use aws_vault_tests::binaries;
use aws_vault_tests::standin::{RoleOptions, StandIn};

/// What opens the demo's store; a person types it once, the demo has it in the environment.
const PASSPHRASE: &str = "correct horse battery staple";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let aws = StandIn::start();
    let keys = aws.add_user("jon");
    let mfa_serial = aws.add_mfa_device("jon");
    let first_role = aws.add_role("deploy", RoleOptions { requires_mfa: true, ..RoleOptions::default() });
    // A role assumed from a role cannot ask for MFA: AWS forgets it along the chain.
    let second_role = aws.add_role("audit", RoleOptions::default());
    let mut stage = Stage::set(&aws)?;

    stage.say("Start the agent, or find the running one. A login script evals what it prints.")?;
    let announced = stage.show("aws-vault-agent", &[])?;
    stage.adopt(&announced);

    stage.say("Store long-term keys, encrypted, exactly as aws-vault does.")?;
    stage.variable("AWS_ACCESS_KEY_ID", &keys.access_key_id);
    stage.variable("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key);
    stage.show("aws-vault", &["add", "jon", "--env"])?;
    stage.without("AWS_ACCESS_KEY_ID");
    stage.without("AWS_SECRET_ACCESS_KEY");
    stage.write_config(&mfa_serial, &first_role, &second_role)?;

    stage.say("What would happen for a role at the end of a chain?")?;
    stage.show("aws-vault", &["explain", "audit"])?;

    stage.say("Run a command with that role: one MFA code, three calls to STS.")?;
    let code = aws.code(&mfa_serial);
    let show_identity = "echo \"$AWS_VAULT: $AWS_ACCESS_KEY_ID until $AWS_CREDENTIAL_EXPIRATION\"";
    stage.show("aws-vault", &["exec", "audit", "--mfa-token", &code, "--", "sh", "-c", show_identity])?;
    stage.expect(aws.calls().len() == 3, "three calls to STS")?;

    stage.say("Again, and the role before it in the chain: no code, no call.")?;
    stage.show("aws-vault", &["exec", "audit", "--no-prompt", "--", "sh", "-c", show_identity])?;
    stage.show("aws-vault", &["exec", "deploy", "--no-prompt", "--", "sh", "-c", show_identity])?;
    stage.expect(aws.calls().len() == 3, "no further call to STS")?;

    stage.say("The same credentials for other tools, in four formats.")?;
    for format in ["env", "export-env", "json", "ini"] {
        stage.show("aws-vault", &["export", "audit", &format!("--format={format}")])?;
    }

    stage.say("What is held, and for how long.")?;
    stage.show("aws-vault", &["list"])?;

    stage.say("Wipe everything. Locked is not empty: nothing is handed out until a person unlocks.")?;
    stage.show("aws-vault", &["lock"])?;
    stage.show_refusal("aws-vault", &["export", "audit"])?;
    stage.show("aws-vault", &["unlock"])?;

    stage.say("End the agent.")?;
    stage.show("aws-vault-agent", &["-k"])?;
    stage.finish()
}

/// A temporary home, the product's programs, and the environment of a person at a shell.
struct Stage {
    home: PathBuf,
    variables: BTreeMap<String, String>,
    output: io::Stdout,
}

impl Stage {
    fn set(aws: &StandIn) -> io::Result<Self> {
        let home = std::env::temp_dir().join(format!("avd-{}", std::process::id()));
        for directory in ["", "run", "bin", ".aws"] {
            fs::create_dir_all(home.join(directory))?;
        }
        for program in [binaries::agent(), binaries::client()] {
            let name = program.file_name().unwrap_or_default();
            fs::copy(program, home.join("bin").join(name))?;
        }
        let path = format!("{}:/usr/bin:/bin", home.join("bin").display());
        let variables = [
            ("HOME", home.display().to_string()),
            ("XDG_RUNTIME_DIR", home.join("run").display().to_string()),
            ("PATH", path),
            ("AWS_ENDPOINT_URL_STS", aws.url().to_owned()),
            ("AWS_REGION", aws.region().to_owned()),
            ("AWS_VAULT_FILE_PASSPHRASE", PASSPHRASE.to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value)).into();
        Ok(Self { home, variables, output: io::stdout() })
    }

    fn write_config(&self, mfa_serial: &str, first_role: &str, second_role: &str) -> io::Result<()> {
        let config = format!(
            "[profile jon]\nmfa_serial = {mfa_serial}\n\n\
             [profile deploy]\nsource_profile = jon\nrole_arn = {first_role}\nmfa_serial = {mfa_serial}\n\n\
             [profile audit]\nsource_profile = deploy\nrole_arn = {second_role}\nmfa_serial = {mfa_serial}\n"
        );
        fs::write(self.home.join(".aws/config"), config)
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.output, "\n# {text}")
    }

    fn variable(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    fn without(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// Does what `eval` would do with the agent's announcement.
    fn adopt(&mut self, announced: &str) {
        for line in announced.lines() {
            let assignment = line.trim_start_matches("export ").trim_end_matches(';');
            if let Some((name, value)) = assignment.split_once('=') {
                self.variable(name, value.trim_matches('\''));
            }
        }
    }

    /// Runs a command that must succeed; gives what it printed.
    fn show(&mut self, program: &str, arguments: &[&str]) -> io::Result<String> {
        let output = self.run(program, arguments)?;
        self.expect(output.status.success(), "the command succeeds")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs a command that must be refused.
    fn show_refusal(&mut self, program: &str, arguments: &[&str]) -> io::Result<()> {
        let output = self.run(program, arguments)?;
        self.expect(!output.status.success(), "the command is refused")
    }

    fn run(&mut self, program: &str, arguments: &[&str]) -> io::Result<Output> {
        let quote =
            |word: &&str| if word.contains([' ', '$']) { format!("'{word}'") } else { (*word).to_owned() };
        let words: Vec<String> = arguments.iter().map(quote).collect();
        writeln!(self.output, "$ {}", [&[program.to_owned()], &words[..]].concat().join(" "))?;
        let mut command = Command::new(self.home.join("bin").join(program));
        command.args(arguments).env_clear().envs(&self.variables).stdin(Stdio::null());
        let output = command.output()?;
        for printed in [&output.stdout, &output.stderr] {
            for line in String::from_utf8_lossy(printed).lines() {
                writeln!(self.output, "{}", shortened(line))?;
            }
        }
        Ok(output)
    }

    fn expect(&self, held: bool, what: &str) -> io::Result<()> {
        if held {
            Ok(())
        } else {
            Err(io::Error::other(format!("expected that {what}; see {}", self.home.display())))
        }
    }

    fn finish(mut self) -> io::Result<()> {
        remove(&self.home)?;
        writeln!(self.output, "\n# Nothing was left behind.")
    }
}

impl Drop for Stage {
    /// A demo that failed half-way must not leave an agent behind either.
    fn drop(&mut self) {
        if self.home.join("run/aws-vault/agent.sock").exists() {
            let mut command = Command::new(self.home.join("bin/aws-vault-agent"));
            let _ = command.arg("-k").env_clear().envs(&self.variables).stdout(Stdio::null()).status();
        }
    }
}

/// A session token has nine hundred characters; its beginning is enough to see that it is there.
fn shortened(line: &str) -> String {
    const LONGEST: usize = 120;
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn remove(home: &Path) -> io::Result<()> {
    fs::remove_dir_all(home)
}
