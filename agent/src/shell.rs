//! Commands for shells to `eval`. Pure.

use std::path::Path;

use aws_vault_protocol::address::{PID_VARIABLE, SOCKET_VARIABLE};

use crate::args::Shell;

/// The shell to speak to: the one asked for, else a csh if `$SHELL` is one, else sh.
pub fn choose(asked: Option<Shell>, shell_variable: Option<&str>) -> Shell {
    let is_csh = || shell_variable.is_some_and(|shell| shell.ends_with("csh"));
    asked.unwrap_or_else(|| if is_csh() { Shell::Csh } else { Shell::Sh })
}

/// Commands that tell the shell where the agent is. The path has no control characters, see
/// [`aws_vault_protocol::address`].
pub fn announce(shell: Shell, socket: &Path, pid: u32) -> String {
    let socket = socket.to_string_lossy();
    match shell {
        // `export NAME=value` instead of two commands: fish understands it as well.
        Shell::Sh => format!(
            "export {SOCKET_VARIABLE}={};\nexport {PID_VARIABLE}={pid};\n",
            single_quoted(&socket, r"'\''")
        ),
        Shell::Csh => format!(
            "setenv {SOCKET_VARIABLE} {};\nsetenv {PID_VARIABLE} {pid};\n",
            // csh expands history in single quotes too.
            single_quoted(&socket, r"'\''").replace('!', r"\!")
        ),
        Shell::Fish => format!(
            "set -gx {SOCKET_VARIABLE} {};\nset -gx {PID_VARIABLE} {pid};\n",
            single_quoted(&socket.replace('\\', r"\\"), r"\'")
        ),
        Shell::Powershell => format!(
            "$Env:{SOCKET_VARIABLE} = {};\n$Env:{PID_VARIABLE} = '{pid}';\n",
            single_quoted(&socket, "''")
        ),
    }
}

/// Commands that make the shell forget the agent.
pub fn retract(shell: Shell) -> String {
    let each = |command: &str| format!("{command}{SOCKET_VARIABLE};\n{command}{PID_VARIABLE};\n");
    match shell {
        Shell::Sh => each("unset "),
        Shell::Csh => each("unsetenv "),
        Shell::Fish => each("set -e "),
        Shell::Powershell => each("Remove-Item -ErrorAction SilentlyContinue Env:"),
    }
}

fn single_quoted(text: &str, quote: &str) -> String {
    format!("'{}'", text.replace('\'', quote))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_four_shells() {
        let path = Path::new("/run/a b/it's!");
        let say = |shell| announce(shell, path, 42).lines().next().unwrap_or_default().to_owned();
        assert_eq!(say(Shell::Sh), r"export AWS_VAULT_AGENT_SOCK='/run/a b/it'\''s!';");
        assert_eq!(say(Shell::Csh), r"setenv AWS_VAULT_AGENT_SOCK '/run/a b/it'\''s\!';");
        assert_eq!(say(Shell::Fish), r"set -gx AWS_VAULT_AGENT_SOCK '/run/a b/it\'s!';");
        assert_eq!(say(Shell::Powershell), "$Env:AWS_VAULT_AGENT_SOCK = '/run/a b/it''s!';");
    }

    #[test]
    fn guesses_only_csh() {
        assert_eq!(choose(None, Some("/bin/tcsh")), Shell::Csh);
        assert_eq!(choose(None, Some("/usr/bin/fish")), Shell::Sh);
        assert_eq!(choose(None, None), Shell::Sh);
        assert_eq!(choose(Some(Shell::Powershell), Some("/bin/csh")), Shell::Powershell);
    }
}
