//! What an item holds: the JSON that Go aws-vault writes, to the byte (compat §8.2).

use aws_vault_protocol::secret::SecretAccessKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::credentials::Credentials;

/// An item as every store holds it: a name, a label for people, and bytes.
#[derive(Debug)]
pub struct Item {
    /// The key: for long-term credentials the profile's name.
    pub key: String,
    /// What a person sees in the store's own program.
    pub label: String,
    /// A second line for people.
    pub description: String,
    /// The content.
    pub data: Zeroizing<Vec<u8>>,
    /// macOS: ask before any program, this one included, may read it.
    pub not_trusted: bool,
}

/// Content that is not what aws-vault writes. The content itself is never quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedItem {
    /// Not JSON of the expected shape.
    #[error("its content is not the JSON that aws-vault writes")]
    Json,
    /// The data in it is not base64.
    #[error("its data is not base64")]
    Base64,
    /// Access key ID or secret access key is missing.
    #[error("it holds no access key")]
    NoKey,
}

/// The wrapping most stores use; field order is part of the format.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WrappedItem<'a> {
    key: &'a str,
    data: &'a str,
    label: &'a str,
    description: &'a str,
    keychain_not_trust_application: bool,
    keychain_not_synchronizable: bool,
}

/// All seven fields, also those that mean nothing here, so that Go's items and ours look the same.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StoredCredentials<'a> {
    #[serde(rename = "AccessKeyID")]
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    source: &'a str,
    can_expire: bool,
    expires: &'a str,
    #[serde(rename = "AccountID")]
    account_id: &'a str,
}

impl Item {
    /// The item for a profile's long-term credentials.
    pub fn for_credentials(profile: &str, access_key_id: &str, secret: &SecretAccessKey) -> Self {
        let stored = StoredCredentials {
            access_key_id,
            secret_access_key: secret.expose(),
            session_token: "",
            source: "",
            can_expire: false,
            expires: "0001-01-01T00:00:00Z",
            account_id: "",
        };
        Self {
            key: profile.to_owned(),
            label: format!("aws-vault ({profile})"),
            description: String::new(),
            data: to_json(&stored),
            not_trusted: true,
        }
    }

    /// The wrapped form (file, Secret Service, KWallet, pass, 1Password).
    pub fn to_wrapped_json(&self) -> Zeroizing<Vec<u8>> {
        let mut data = Zeroizing::new(vec![0; self.data.len().div_ceil(3) * 4]);
        let length = STANDARD.encode_slice(&self.data[..], &mut data).unwrap_or_default();
        to_json(&WrappedItem {
            key: &self.key,
            data: std::str::from_utf8(&data[..length]).unwrap_or_default(),
            label: &self.label,
            description: &self.description,
            keychain_not_trust_application: self.not_trusted,
            keychain_not_synchronizable: false,
        })
    }

    /// Reads the wrapped form, as leniently as Go does: field names in any case, null or missing allowed.
    pub fn from_wrapped_json(json: &[u8]) -> Result<Self, MalformedItem> {
        let mut fields = Fields::read(json)?;
        let data = fields.take("data");
        let mut decoded = Zeroizing::new(vec![0; data.len() / 4 * 3 + 3]);
        let length =
            STANDARD.decode_slice(data.as_bytes(), &mut decoded).map_err(|_| MalformedItem::Base64)?;
        Ok(Self {
            key: fields.take("key").to_string(),
            label: fields.take("label").to_string(),
            description: fields.take("description").to_string(),
            data: Zeroizing::new(decoded[..length].to_vec()),
            not_trusted: true,
        })
    }

    /// Reads the data as long-term credentials.
    pub fn credentials(&self) -> Result<Credentials, MalformedItem> {
        let mut fields = Fields::read(&self.data)?;
        let (id, secret) = (fields.take("accesskeyid"), fields.take("secretaccesskey"));
        if id.is_empty() || secret.is_empty() {
            return Err(MalformedItem::NoKey);
        }
        Ok(Credentials {
            access_key_id: id,
            secret_access_key: SecretAccessKey::from(secret),
            session_token: None,
            expiration: None,
        })
    }
}

/// The text fields of a JSON object by lower-cased name; others are passed over.
struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    fn read(json: &[u8]) -> Result<Self, MalformedItem> {
        serde_json::from_slice(json).map_err(|_| MalformedItem::Json)
    }

    fn take(&mut self, name: &str) -> Zeroizing<String> {
        let found = self.0.iter_mut().rev().find(|(field, _)| field == name);
        found.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> serde::de::Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value: &RawValue = map.next_value()?;
            if let Ok(text) = serde_json::from_str::<String>(value.get()) {
                fields.push((name.to_lowercase(), Zeroizing::new(text)));
            }
        }
        Ok(Fields(fields))
    }
}

/// Compact JSON as Go's encoder writes it: `<`, `>` and `&` escaped, everything else as it is.
fn to_json<T: Serialize>(value: &T) -> Zeroizing<Vec<u8>> {
    let mut counter = Counter(0);
    // Neither writer can fail, and our structs have no values JSON lacks.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(&mut counter, GoEscapes));
    let mut bytes = Zeroizing::new(Vec::with_capacity(counter.0));
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(&mut *bytes, GoEscapes));
    bytes
}

struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct GoEscapes;

impl serde_json::ser::Formatter for GoEscapes {
    fn write_string_fragment<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, tail) = rest.split_at(at);
            let special = tail.chars().next().unwrap_or_default();
            write!(writer, "{plain}\\u{:04x}", u32::from(special))?;
            rest = &tail[special.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn writes_what_go_writes() {
        let item = Item::for_credentials("a<b>&c", "AKIAEXAMPLE", &SecretAccessKey::copy_from("s/e+c"));
        assert_eq!(
            text(&item.data),
            r#"{"AccessKeyID":"AKIAEXAMPLE","SecretAccessKey":"s/e+c","SessionToken":"","Source":"","CanExpire":false,"Expires":"0001-01-01T00:00:00Z","AccountID":""}"#
        );
        let wrapped = item.to_wrapped_json();
        assert!(text(&wrapped).starts_with(r#"{"Key":"a\u003cb\u003e\u0026c","Data":"eyJ"#));
        assert!(text(&wrapped).ends_with(
            r#"","Label":"aws-vault (a\u003cb\u003e\u0026c)","Description":"","KeychainNotTrustApplication":true,"KeychainNotSynchronizable":false}"#
        ));
    }

    #[test]
    fn reads_back_what_it_writes() {
        let item = Item::for_credentials("my/prof ile é", "AKIA1", &SecretAccessKey::copy_from("x"));
        let back = Item::from_wrapped_json(&item.to_wrapped_json()).unwrap();
        assert_eq!((back.key, back.label), (item.key, item.label));
        assert_eq!(back.data, item.data);
    }

    #[test]
    fn reads_old_and_odd_items() {
        let data = r#"{"accesskeyid":"AKIA1","SECRETACCESSKEY":"x","SessionToken":null,"ProviderName":"p","n":[1,{"a":2}]}"#;
        let wrapped = format!(r#"{{"key":"k","data":"{}","Label":null}}"#, STANDARD.encode(data));
        let item = Item::from_wrapped_json(wrapped.as_bytes()).unwrap();
        assert_eq!(&**item.credentials().unwrap().access_key_id, "AKIA1");
    }

    #[test]
    fn names_what_is_missing() {
        let item = |data: &str| Item {
            key: "k".into(),
            label: String::new(),
            description: String::new(),
            data: Zeroizing::new(data.as_bytes().to_vec()),
            not_trusted: true,
        };
        assert_eq!(item("{}").credentials().unwrap_err(), MalformedItem::NoKey);
        assert_eq!(item("not json").credentials().unwrap_err(), MalformedItem::Json);
        assert_eq!(Item::from_wrapped_json(br#"{"Data":"%%%"}"#).unwrap_err(), MalformedItem::Base64);
    }
}
