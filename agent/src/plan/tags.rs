//! Session tags as aws-vault spells them in one line (reference §3.8).

use std::collections::{BTreeMap, BTreeSet};

/// Reads `key=value,key=value`; the last of equal keys wins. `None` if any element has no `=`, which includes
/// the empty one behind a trailing comma.
pub(super) fn session_tags(text: &str) -> Option<BTreeMap<String, String>> {
    text.split(',')
        .map(|tag| tag.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())))
        .collect()
}

/// Reads `key,key`; empty elements are dropped.
pub(super) fn transitive_keys(text: &str) -> BTreeSet<String> {
    text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tags() {
        let tags = session_tags(" a = 1 ,b=x=y,a=2,c=").unwrap();
        let pairs: Vec<(&str, &str)> =
            tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("a", "2"), ("b", "x=y"), ("c", "")]);
        for wrong in ["", "a=1,", "a", "a=1,b"] {
            assert_eq!(session_tags(wrong), None, "{wrong}");
        }
        assert_eq!(transitive_keys("b, a,,b,").into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
