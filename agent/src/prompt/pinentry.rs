//! GnuPG's pinentry: a line protocol over the program's standard input and output (the pinentry manual,
//! chapter "Protocol"). It finds the person's screen, or draws on the terminal it is told of.

use std::path::Path;
use std::process::Stdio;

use aws_vault_protocol::message::PromptKind;
use aws_vault_protocol::secret::Answer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use zeroize::Zeroizing;

use super::AskError;
use super::program::{self, ProgramError};
use crate::audience::Asker;
use crate::peer::Question;

/// Longest line of the protocol, in bytes (the Assuan manual); longer ones are an error.
const MAX_LINE: usize = 1000;

/// Error codes of libgpg-error, without the source in the upper bits.
const CODE_MASK: u32 = 0xFFFF;
const CANCELED: u32 = 99;
const TIMEOUT: u32 = 62;

/// One line of the other side.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Ok,
    Data(Zeroizing<String>),
    Error(u32),
    Other,
}

/// Asks through a pinentry; `None` when the person cancelled.
pub(super) async fn ask(path: &Path, asker: &Asker, question: &Question) -> Result<Option<Answer>, AskError> {
    let mut command = program::prepared(path, asker);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let start = |source| ProgramError::Start { program: path.to_owned(), source };
    let strange = || ProgramError::NotPinentry { program: path.to_owned() };
    let mut child = command.spawn().map_err(start)?;
    let _group = program::Group::of(&child);
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(strange().into());
    };
    let mut conversation = Conversation { input, output };
    conversation.next().await.ok_or_else(strange)?;
    for (request, needed) in requests(asker, question) {
        match conversation.say(&request).await.ok_or_else(strange)? {
            Line::Error(_) if needed => return Err(strange().into()),
            _ => {}
        }
    }
    let mut answer = None;
    conversation.write("GETPIN").await.ok_or_else(strange)?;
    loop {
        match conversation.next().await.ok_or_else(strange)? {
            Line::Data(text) => answer = Some(Answer::from(text)),
            // No data before the OK is the empty answer.
            Line::Ok => break Ok(Some(answer.unwrap_or_else(|| Answer::copy_from("")))),
            Line::Error(code) if code & CODE_MASK == CANCELED => break Ok(None),
            Line::Error(code) if code & CODE_MASK == TIMEOUT => break Err(AskError::TimedOut),
            Line::Error(_) => break Err(strange().into()),
            Line::Other => {}
        }
    }
}

/// What to say before the question, and whether a refusal matters.
fn requests(asker: &Asker, question: &Question) -> Vec<(String, bool)> {
    let mut requests = Vec::new();
    if let Some(path) = &asker.interaction.terminal_path {
        requests.push((format!("OPTION ttyname={}", escape(path)), false));
    }
    for (option, variable) in [("ttytype", "TERM"), ("lc-ctype", "LC_CTYPE")] {
        if let Some(value) = asker.environment.get(variable) {
            requests.push((format!("OPTION {option}={}", escape(value)), false));
        }
    }
    requests.push((format!("SETTIMEOUT {}", question.timeout_seconds), false));
    requests.push(("SETTITLE aws-vault".to_owned(), false));
    requests.push((format!("SETDESC {}", escape(&question.text)), true));
    let label = if question.kind == PromptKind::MfaCode { "MFA code:" } else { "Passphrase:" };
    requests.push((format!("SETPROMPT {label}"), true));
    if let Some(complaint) = &question.complaint {
        requests.push((format!("SETERROR {}", escape(complaint)), false));
    }
    requests
}

struct Conversation {
    input: ChildStdin,
    output: ChildStdout,
}

impl Conversation {
    async fn say(&mut self, request: &str) -> Option<Line> {
        self.write(request).await?;
        self.next().await
    }

    async fn write(&mut self, request: &str) -> Option<()> {
        self.input.write_all(format!("{request}\n").as_bytes()).await.ok()
    }

    /// The next line; `None` when there is none or it is too long.
    async fn next(&mut self) -> Option<Line> {
        let mut bytes = Zeroizing::new(vec![0; MAX_LINE]);
        let mut length = 0;
        loop {
            // Byte by byte: what follows the line may be the secret, and must not end in a buffer that stays.
            let byte = bytes.get_mut(length..=length)?;
            if self.output.read(byte).await.ok()? == 0 {
                return None;
            }
            if byte == b"\n" {
                return parse(std::str::from_utf8(&bytes[..length]).ok()?);
            }
            length += 1;
        }
    }
}

fn parse(line: &str) -> Option<Line> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    Some(match word {
        "OK" => Line::Ok,
        "D" => Line::Data(unescape(rest)?),
        "ERR" => Line::Error(rest.split(' ').next()?.parse().ok()?),
        _ => Line::Other,
    })
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn unescape(text: &str) -> Option<Zeroizing<String>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (high, low) = (bytes.next()?, bytes.next()?);
            let value = char::from(high).to_digit(16)? * 16 + char::from(low).to_digit(16)?;
            plain.push(u8::try_from(value).ok()?);
        } else {
            plain.push(byte);
        }
    }
    String::from_utf8(std::mem::take(&mut *plain)).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hostile_lines() {
        let data = |text: &str| Some(Line::Data(Zeroizing::new(text.to_owned())));
        assert_eq!(parse("OK Pleased to meet you"), Some(Line::Ok));
        assert_eq!(parse("D 12%0A34%25"), data("12\n34%"));
        assert_eq!(parse("D "), data(""));
        assert_eq!(parse("D %c3%a9"), data("é"));
        assert_eq!(parse("D %zz"), None);
        assert_eq!(parse("D %1"), None);
        assert_eq!(parse("D %ff"), None);
        assert_eq!(parse("ERR 83886179 Operation cancelled"), Some(Line::Error(83_886_179)));
        assert_eq!(0x0500_0063 & CODE_MASK, CANCELED);
        assert_eq!(0x0500_003E & CODE_MASK, TIMEOUT);
        assert_eq!(parse("ERR x"), None);
        assert_eq!(parse("S PASSWORD_FROM_CACHE"), Some(Line::Other));
    }
}
