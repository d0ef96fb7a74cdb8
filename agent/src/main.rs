//! `aws-vault-agent`: see the library of the same name.

fn main() -> std::process::ExitCode {
    aws_vault_agent::run()
}
