//! Texts that must not be shown, copied or kept longer than needed.
//!
//! Each newtype wipes its memory when dropped and has no `Display`, no `Clone` and no `Serialize`; `Debug`
//! prints nothing of the content. Whoever needs the text calls `expose`, and a test holds the list of
//! files that may do so.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(SecretString);

        impl $name {
            /// Takes over a text; its buffer is wiped when the value is dropped.
            pub fn new(text: String) -> Self {
                Self(SecretString::from(text))
            }

            /// Copies a text into memory that is wiped when the value is dropped.
            pub fn copy_from(text: &str) -> Self {
                Self(SecretString::from(Box::<str>::from(text)))
            }

            /// The text itself. Do not store, format or log it.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// Whether there is no text at all.
            pub fn is_empty(&self) -> bool {
                self.expose().is_empty()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl From<Zeroizing<String>> for $name {
            fn from(text: Zeroizing<String>) -> Self {
                Self::copy_from(&text)
            }
        }
    };
}

secret_text! {
    /// The secret half of an AWS access key.
    SecretAccessKey
}
secret_text! {
    /// The token that goes with temporary credentials.
    SessionToken
}
secret_text! {
    /// What a person typed at a prompt: a passphrase or a one-time code.
    Answer
}
secret_text! {
    /// What opens an encrypted store.
    Passphrase
}
secret_text! {
    /// A one-time code of an MFA device.
    MfaCode
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let shown = format!("{:?}", SecretAccessKey::copy_from("wJalrXUtnFEMI"));
        assert_eq!(shown, "SecretAccessKey(…)");
    }
}
