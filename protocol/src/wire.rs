//! How secrets travel: the only module that turns one into bytes or back.
//!
//! Used through `#[serde(with = …)]`, so that the newtypes themselves stay without `Serialize`. Encoding
//! goes straight into the exact-size, wiped buffer of the frame; decoding borrows from it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

use crate::secret::{Answer, MfaCode, Passphrase, SecretAccessKey, SessionToken};

pub(crate) trait SecretText {
    fn text(&self) -> &str;
    fn from_text(text: &str) -> Self;
}

macro_rules! travels {
    ($($name:ident),*) => {$(
        impl SecretText for $name {
            fn text(&self) -> &str {
                self.expose()
            }
            fn from_text(text: &str) -> Self {
                Self::copy_from(text)
            }
        }
    )*};
}
travels!(Answer, MfaCode, Passphrase, SecretAccessKey, SessionToken);

/// A secret that is always there.
pub(crate) mod secret {
    use super::{BorrowedText, Deserializer, SecretText, Serializer};

    pub(crate) fn serialize<T: SecretText, S: Serializer>(
        secret: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.text())
    }

    pub(crate) fn deserialize<'de, T: SecretText, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        deserializer.deserialize_str(BorrowedText::new())
    }
}

/// A secret that may be absent.
pub(crate) mod optional_secret {
    use super::{Deserializer, OptionalText, SecretText, Serializer};

    #[expect(clippy::ref_option, reason = "serde fixes the signature")]
    pub(crate) fn serialize<T: SecretText, S: Serializer>(
        secret: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => serializer.serialize_some(secret.text()),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T: SecretText, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_option(OptionalText::new())
    }
}

pub(crate) struct BorrowedText<T>(PhantomData<T>);

impl<T> BorrowedText<T> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: SecretText> Visitor<'de> for BorrowedText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    // Only the borrowing form exists: an owned `String` from the decoder would be a copy nobody wipes.
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<T, E> {
        Ok(T::from_text(text))
    }
}

pub(crate) struct OptionalText<T>(PhantomData<T>);

impl<T> OptionalText<T> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: SecretText> Visitor<'de> for OptionalText<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or nothing")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(BorrowedText::new()).map(Some)
    }
}
