//! The `aws-vault` program: see [`aws_vault`].

fn main() -> std::process::ExitCode {
    aws_vault::run()
}
