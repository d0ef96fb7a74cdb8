//! One HTTP request as the stand-in keeps it, and the parameters of the Query protocol in it.
//!
//! Parsing only: a malformed parameter is simply absent here, and the action that needs it refuses the call.

use std::collections::BTreeMap;

use hyper::body::Bytes;
use percent_encoding::percent_decode_str;

use super::calls::Tag;

/// A request that has been read to its end.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// As it was sent, still percent-encoded.
    pub(super) path: String,
    /// As it was sent, without the question mark.
    pub(super) query: String,
    /// Lower-case names, in the order sent.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Request {
    /// The first header of that (lower-case) name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Every header of that (lower-case) name.
    pub(super) fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The parameters of the query string and of a form body together.
    pub(super) fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::parse(&self.query);
        parameters.0.extend(Parameters::parse(&String::from_utf8_lossy(&self.body)).0);
        parameters
    }
}

/// Parameters of the Query protocol: `Name=value`, lists as `Name.member.1=value`.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text.
    pub(super) fn parse(form: &str) -> Self {
        let decode =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = form.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    /// One parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The members of a list of texts, in order.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.members(name).filter_map(|member| self.get(&member)).map(str::to_owned).collect()
    }

    /// The members of a list of tags, in order. A tag without a value is kept with an empty one.
    pub(super) fn tags(&self, name: &str) -> Vec<Tag> {
        let tag = |member: String| {
            let key = self.get(&format!("{member}.Key"))?.to_owned();
            let value = self.get(&format!("{member}.Value")).unwrap_or_default().to_owned();
            Some(Tag { key, value })
        };
        self.members(name).filter_map(tag).collect()
    }

    /// `Name.member.1`, `Name.member.2` … as long as something is there.
    fn members<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let present = |member: &String| {
            self.0.range(member.clone()..).next().is_some_and(|(found, _)| {
                found
                    .strip_prefix(member.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        (1..).map(move |number| format!("{name}.member.{number}")).take_while(present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_tags_are_read_in_order() {
        let parameters = Parameters::parse(
            "Action=AssumeRole&Tags.member.1.Key=team&Tags.member.1.Value=a+b%26c&Tags.member.2.Key=empty\
             &TransitiveTagKeys.member.1=team&TransitiveTagKeys.member.2=empty",
        );
        assert_eq!(parameters.get("Action"), Some("AssumeRole"));
        assert_eq!(parameters.list("TransitiveTagKeys"), ["team", "empty"]);
        let tags = parameters.tags("Tags");
        assert_eq!(tags[0], Tag { key: "team".into(), value: "a b&c".into() });
        assert_eq!(tags[1], Tag { key: "empty".into(), value: String::new() });
        assert_eq!(tags.len(), 2);
    }

    #[test]
    fn ten_members_are_ten_members() {
        let form: Vec<String> = (1..=12).map(|n| format!("Keys.member.{n}=k{n}")).collect();
        assert_eq!(Parameters::parse(&form.join("&")).list("Keys").len(), 12);
    }
}
