//! With `autotests = false`, a file that nobody declares would never run.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_file_is_declared() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("it");
    let stem = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().to_str().unwrap().trim_end_matches(".rs").to_owned()
    };
    let mut files: BTreeSet<String> = directory.read_dir().unwrap().map(stem).collect();
    files.remove("main");
    let main = std::fs::read_to_string(directory.join("main.rs")).unwrap();
    let declared = main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    assert_eq!(files, declared.map(str::to_owned).collect());
}
