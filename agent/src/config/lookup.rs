//! Finds a value among sections: dotted parents and `%(key)s` interpolation (reference §3.2).
//!
//! Both rules can be written to run for ever, or to grow without end; each has a bound here.

use std::collections::HashMap;

/// Section names above a dotted name that are tried: `a.b.c` has two. Real files have one or two.
const MAX_PARENTS: usize = 16;
/// Replacements in one value, as in Go's ini package. A value that refers to itself ends here.
const MAX_REPLACEMENTS: usize = 99;
/// Bytes a value may grow to by replacements. Longer than anything AWS accepts.
const MAX_EXPANDED: usize = 64 * 1024;

/// A value and the line its key stands in, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// The line of the key.
    pub line: usize,
}

/// Keys of one section, lower case, with raw values.
pub(super) struct Section {
    pub(super) name: String,
    pub(super) line: usize,
    keys: HashMap<String, Located<String>>,
}

/// All sections in file order. The first is the headerless one, which `[DEFAULT]` adds to.
pub(super) struct Sections {
    all: Vec<Section>,
    by_name: HashMap<String, usize>,
}

impl Sections {
    /// Index of the headerless section.
    pub(super) const HEADERLESS: usize = 0;

    pub(super) fn new() -> Self {
        let mut sections = Self { all: Vec::new(), by_name: HashMap::new() };
        sections.open("DEFAULT", 0);
        sections
    }

    /// The section of that name, which a repeated header continues.
    pub(super) fn open(&mut self, name: &str, line: usize) -> usize {
        if let Some(&index) = self.by_name.get(name) {
            return index;
        }
        let index = self.all.len();
        self.all.push(Section { name: name.to_owned(), line, keys: HashMap::new() });
        self.by_name.insert(name.to_owned(), index);
        index
    }

    /// Sets a key; the last of several in a section wins.
    pub(super) fn set(&mut self, section: usize, key: String, value: String, line: usize) {
        self.all[section].keys.insert(key, Located { value, line });
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Section> {
        self.all.iter()
    }

    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn get(&self, index: usize) -> &Section {
        &self.all[index]
    }

    /// The value of `key` with references replaced; empty counts as unset.
    pub(super) fn value(&self, section: usize, key: &str) -> Option<Located<String>> {
        let (owner, raw) = self.find(section, key)?;
        let value = self.expanded(owner, key, &raw.value);
        (!value.is_empty()).then_some(Located { value, line: raw.line })
    }

    /// The section that holds `key`, own or dotted parent, and the raw value. A key that is present but empty
    /// hides the parent's.
    fn find(&self, section: usize, key: &str) -> Option<(usize, &Located<String>)> {
        if let Some(found) = self.all[section].keys.get(key) {
            return Some((section, found));
        }
        let mut name = self.all[section].name.as_str();
        for _ in 0..MAX_PARENTS {
            name = name.rsplit_once('.')?.0;
            let parent = self.index_of(name);
            if let Some(found) = parent.and_then(|index| Some((index, self.all[index].keys.get(key)?))) {
                return Some(found);
            }
        }
        None
    }

    fn expanded(&self, owner: usize, key: &str, raw: &str) -> String {
        let mut value = raw.to_owned();
        for _ in 0..MAX_REPLACEMENTS {
            let Some(name) = first_reference(&value) else { break };
            let reference = format!("%({name})s");
            let Some(replacement) = self.referred(owner, key, &name.to_lowercase()) else { break };
            let occurrences = value.matches(&reference).count();
            if value.len() + occurrences * replacement.len() > MAX_EXPANDED {
                break;
            }
            value = value.replace(&reference, replacement);
        }
        value
    }

    /// What `%(name)s` in the value of `key` stands for: another key of the section, else a headerless one.
    fn referred(&self, owner: usize, key: &str, name: &str) -> Option<&str> {
        let near = self.find(owner, name).filter(|(section, _)| *section != owner || name != key);
        let found = match near {
            Some((_, found)) => found,
            None => self.all[Self::HEADERLESS].keys.get(name)?,
        };
        Some(&found.value)
    }
}

/// The name in the first `%(name)s`. Linear whatever the text: a bracket that ends no reference is passed for
/// good.
fn first_reference(value: &str) -> Option<&str> {
    let mut rest = value;
    loop {
        rest = &rest[rest.find("%(")? + 2..];
        let end = rest.find(')')?;
        if end > 0 && rest[end..].starts_with(")s") {
            return Some(&rest[..end]);
        }
        rest = &rest[end..];
    }
}
