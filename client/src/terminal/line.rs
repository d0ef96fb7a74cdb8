//! A line being typed: bytes in, what they mean out. Pure. The buffer never grows, so that no copy of a
//! secret is left behind, and it is wiped when dropped.

use zeroize::Zeroizing;

/// Longest line, in bytes. A secret access key has 40, a serial some 80, and no passphrase this length is typed.
const MAX_LINE: usize = 512;

/// Longest character in UTF-8, in bytes.
const LONGEST_CHARACTER: usize = 4;

const INTERRUPT: u8 = 0x03;
const END_OF_INPUT: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const ERASE_LINE: u8 = 0x15;
const ESCAPE: u8 = 0x1B;
const DELETE: u8 = 0x7F;

/// What a byte meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    /// Nothing, or nothing yet.
    Nothing,
    /// A character was added.
    Character(char),
    /// So many characters were taken back.
    Erased(usize),
    /// There is no room for more.
    Full,
    /// Enter.
    Enter,
    /// Ctrl-D on an empty line.
    EndOfInput,
    /// Ctrl-C.
    Interrupt,
}

/// A line being typed.
#[derive(Debug)]
pub(super) struct Line {
    bytes: Zeroizing<Vec<u8>>,
    /// How many of the last bytes are a character that is not complete.
    partial: usize,
    keys: Keys,
}

/// Arrow and function keys arrive as sequences (ECMA-48, 5.4); they must not end up in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Plain,
    AfterEscape,
    InSequence,
    /// One more byte, then the key is over (SS3).
    LastByte,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(MAX_LINE)), partial: 0, keys: Keys::Plain }
    }

    /// What was typed so far.
    pub(super) fn text(&self) -> Zeroizing<String> {
        let complete = &self.bytes[..self.bytes.len() - self.partial];
        // Only complete characters were ever taken in.
        let text = std::str::from_utf8(complete).unwrap_or_default();
        let mut copy = String::with_capacity(text.len());
        copy.push_str(text);
        Zeroizing::new(copy)
    }

    pub(super) fn take(&mut self, byte: u8) -> Typed {
        match (self.keys, byte) {
            (Keys::Plain, _) => return self.take_plain(byte),
            (Keys::AfterEscape, b'[') => self.keys = Keys::InSequence,
            (Keys::AfterEscape, b'O') => self.keys = Keys::LastByte,
            (Keys::InSequence, 0x20..=0x3F) => {}
            // Whatever a key was cut off by still counts.
            (_, 0..=0x1F) => {
                self.keys = Keys::Plain;
                return self.take_plain(byte);
            }
            _ => self.keys = Keys::Plain,
        }
        Typed::Nothing
    }

    fn take_plain(&mut self, byte: u8) -> Typed {
        match byte {
            b'\r' | b'\n' => Typed::Enter,
            INTERRUPT => Typed::Interrupt,
            END_OF_INPUT if self.bytes.is_empty() => Typed::EndOfInput,
            BACKSPACE | DELETE => self.erase(1),
            ERASE_LINE => self.erase(usize::MAX),
            ESCAPE => {
                self.keys = Keys::AfterEscape;
                Typed::Nothing
            }
            0..=0x1F => Typed::Nothing,
            _ => self.add(byte),
        }
    }

    fn add(&mut self, byte: u8) -> Typed {
        if self.bytes.len() - self.partial + LONGEST_CHARACTER > MAX_LINE {
            return Typed::Full;
        }
        self.bytes.push(byte);
        self.partial += 1;
        let start = self.bytes.len() - self.partial;
        match std::str::from_utf8(&self.bytes[start..]) {
            Ok(character) => {
                self.partial = 0;
                character.chars().next().filter(|c| !c.is_control()).map_or_else(
                    || {
                        self.bytes.truncate(start);
                        Typed::Nothing
                    },
                    Typed::Character,
                )
            }
            Err(error) if error.error_len().is_none() => Typed::Nothing,
            // Not UTF-8: another encoding's letter would change what was meant, so it is refused.
            Err(_) => {
                self.bytes.truncate(start);
                self.partial = 0;
                Typed::Full
            }
        }
    }

    fn erase(&mut self, at_most: usize) -> Typed {
        let complete = self.bytes.len() - self.partial;
        self.bytes.truncate(complete);
        self.partial = 0;
        let mut count = 0;
        while count < at_most {
            let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
            let Some(last) = text.chars().next_back() else { break };
            let rest = text.len() - last.len_utf8();
            self.bytes.truncate(rest);
            count += 1;
        }
        if count == 0 { Typed::Nothing } else { Typed::Erased(count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line after these bytes, and what the last one meant.
    fn typed(bytes: &[u8]) -> (String, Typed) {
        let mut line = Line::new();
        let last = bytes.iter().map(|byte| line.take(*byte)).last().unwrap_or(Typed::Nothing);
        (line.text().to_string(), last)
    }

    #[test]
    fn a_line_is_what_was_typed_less_what_was_taken_back() {
        for (bytes, text, last) in [
            (&b"123456"[..], "123456", Typed::Character('6')),
            (b"12\x7f3\x084\r", "14", Typed::Enter),
            (b"12\n", "12", Typed::Enter),
            (b"wrong\x15right", "right", Typed::Character('t')),
            (b"wrong\x15", "", Typed::Erased(5)),
            (b"\x7f", "", Typed::Nothing),
            (b"\x04", "", Typed::EndOfInput),
            (b"1\x04", "1", Typed::Nothing),
            (b"12\x03", "12", Typed::Interrupt),
            ("ß€😀".as_bytes(), "ß€😀", Typed::Character('😀')),
            ("ß€\x7f".as_bytes(), "ß", Typed::Erased(1)),
            (b"a\xE2\x82\x7f", "", Typed::Erased(1)),
            (b"a\xFFb", "ab", Typed::Character('b')),
            (b"a\xC2\x85", "a", Typed::Nothing),
        ] {
            assert_eq!(typed(bytes), (text.to_owned(), last), "{bytes:?}");
        }
    }

    #[test]
    fn keys_that_are_not_letters_add_nothing() {
        for bytes in [&b"1\x1b[A2"[..], b"1\x1b[1;5C2", b"1\x1bOP2", b"1\x1b[3~2", b"1\x1bx2", b"1\t2"] {
            assert_eq!(typed(bytes).0, "12", "{bytes:?}");
        }
        assert_eq!(typed(b"1\x1b[\x03").1, Typed::Interrupt);
        assert_eq!(typed(b"1\x1b\r"), ("1".to_owned(), Typed::Enter));
    }

    #[test]
    fn the_buffer_never_grows() {
        let mut line = Line::new();
        let before = line.bytes.as_ptr();
        for _ in 0..2 * MAX_LINE {
            line.take(b'x');
        }
        assert_eq!(line.take(b'x'), Typed::Full);
        assert!(line.bytes.len() <= MAX_LINE && line.bytes.as_ptr() == before);
    }
}
