//! AWS Signature Version 4, from the verifier's side, for requests signed in the `Authorization` header.
//!
//! Source: IAM User Guide, "Create a signed AWS API request". This computes what the signature must be; whether the
//! key, its scope and the time are acceptable is `authentication.rs`'s matter. It never trusts a hash that the client
//! sends: the body is hashed here.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::aws_error::AwsError;
use super::request::Request;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Everything is encoded but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a path, whose slashes stay.
const ENCODED_IN_PATH: &AsciiSet = &ENCODED.remove(b'/');

/// What an `Authorization` header says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Authorization {
    /// Whose signature it is.
    pub(super) access_key_id: String,
    /// `YYYYMMDD`.
    pub(super) date: String,
    /// The region signed for.
    pub(super) region: String,
    /// The service signed for.
    pub(super) service: String,
    /// Should be `aws4_request`.
    pub(super) terminator: String,
    /// Lower-case header names, in the order given.
    pub(super) signed_headers: Vec<String>,
    /// 64 hexadecimal digits.
    pub(super) signature: String,
}

impl Authorization {
    /// Takes a header apart; `IncompleteSignature` names what is missing, as AWS does.
    pub(super) fn parse(header: &str) -> Result<Self, AwsError> {
        let incomplete = |what: &str| AwsError::new(400, "IncompleteSignature", what);
        let fields = header.strip_prefix(ALGORITHM).ok_or_else(|| {
            incomplete(&format!("Unsupported AWS 'algorithm': the header must begin with '{ALGORITHM}'."))
        })?;
        let field = |name: &str| {
            let value =
                fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
            value.ok_or_else(|| incomplete(&format!("Authorization header requires '{name}' parameter.")))
        };
        let scope: Vec<&str> = field("Credential")?.split('/').collect();
        let &[access_key_id, date, region, service, terminator] = scope.as_slice() else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, \
                 e.g. keyid/date/region/service/term",
            ));
        };
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            terminator: terminator.to_owned(),
            signed_headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?.to_owned(),
        })
    }

    /// The signature that `request`, dated `timestamp` (the text of `X-Amz-Date`), must carry.
    pub(super) fn expected_signature(&self, request: &Request, timestamp: &str, secret: &str) -> String {
        let scope = format!("{}/{}/{}/{}", self.date, self.region, self.service, self.terminator);
        let canonical = canonical_request(request, &self.signed_headers);
        let hash = hex::encode(Sha256::digest(canonical));
        let to_sign = format!("{ALGORITHM}\n{timestamp}\n{scope}\n{hash}");
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [&self.date, &self.region, &self.service, &self.terminator] {
            key = hmac_sha256(&key, part);
        }
        hex::encode(hmac_sha256(&key, &to_sign))
    }
}

fn canonical_request(request: &Request, signed_headers: &[String]) -> String {
    let mut headers = String::new();
    for name in signed_headers {
        let values: Vec<String> = request.header_values(name).map(collapse_spaces).collect();
        let _ = writeln!(headers, "{name}:{}", values.join(","));
    }
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        request.method,
        utf8_percent_encode(&request.path, ENCODED_IN_PATH),
        canonical_query(&request.query),
        signed_headers.join(";"),
        hex::encode(Sha256::digest(&request.body))
    )
}

/// Decodes every name and value, encodes them again in the one canonical way, and sorts.
fn canonical_query(query: &str) -> String {
    let canonical = |text: &str| {
        let plain: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&plain, ENCODED).to_string()
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (canonical(name), canonical(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn collapse_spaces(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const TIMESTAMP: &str = "20150830T123600Z";

    fn authorization(service: &str, signed_headers: &str) -> Authorization {
        Authorization::parse(&format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, \
             SignedHeaders={signed_headers}, Signature=none"
        ))
        .unwrap()
    }

    fn get(query: &str, headers: &[(&str, &str)]) -> Request {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Request {
            method: "GET".into(),
            path: "/".into(),
            query: query.into(),
            headers,
            body: Vec::new().into(),
        }
    }

    /// The worked example of AWS's documentation ("Signature Version 4 signing process", `ListUsers`).
    #[test]
    fn worked_example_of_the_documentation() {
        let request = get(
            "Action=ListUsers&Version=2010-05-08",
            &[
                ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("host", "iam.amazonaws.com"),
                ("x-amz-date", TIMESTAMP),
            ],
        );
        let authorization = authorization("iam", "content-type;host;x-amz-date");
        let canonical = canonical_request(&request, &authorization.signed_headers);
        assert_eq!(
            hex::encode(Sha256::digest(canonical)),
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
        );
        assert_eq!(
            authorization.expected_signature(&request, TIMESTAMP, SECRET),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    /// `get-vanilla` and `get-vanilla-query-order-key-case` of AWS's signature test suite.
    #[test]
    fn vectors_of_the_test_suite() {
        let headers = [("host", "example.amazonaws.com"), ("x-amz-date", TIMESTAMP)];
        let authorization = authorization("service", "host;x-amz-date");
        for (query, signature) in [
            ("", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
        ] {
            let found = authorization.expected_signature(&get(query, &headers), TIMESTAMP, SECRET);
            assert_eq!(found, signature, "{query}");
        }
    }

    #[test]
    fn an_incomplete_header_says_what_is_missing() {
        let error = Authorization::parse("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=x").unwrap_err();
        assert_eq!(error.code, "IncompleteSignature");
        assert!(error.message.contains("'SignedHeaders'"), "{}", error.message);
        assert_eq!(Authorization::parse("Bearer x").unwrap_err().code, "IncompleteSignature");
    }
}
