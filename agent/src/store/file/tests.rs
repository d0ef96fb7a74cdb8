//! The file store against a real directory.

use std::os::unix::fs::PermissionsExt;

use aws_vault_protocol::secret::SecretAccessKey;

use super::*;

fn store(directory: &Path) -> FileStore {
    FileStore::new(directory.to_owned(), Arc::new(Sealer::new().unwrap()))
}

fn opened(directory: &Path, passphrase: &str) -> FileStore {
    let store = store(directory);
    store.open_now(&Passphrase::copy_from(passphrase)).unwrap();
    store
}

trait OpenNow {
    fn open_now(&self, passphrase: &Passphrase) -> Result<(), StoreError>;
}

impl OpenNow for FileStore {
    fn open_now(&self, passphrase: &Passphrase) -> Result<(), StoreError> {
        self.open(passphrase, self.generation())
    }
}

fn item(key: &str) -> Item {
    Item::for_credentials(key, "AKIAEXAMPLE", &SecretAccessKey::copy_from("secret"))
}

#[test]
fn keeps_items_with_awkward_names() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("keys");
    let store = opened(&directory, "pass");
    let mut keys = ["work", "my/prof ile", "50%", "%2F", "Zürich 東京", "a:b,c", ".hidden"];
    for key in keys {
        store.set(&item(key)).unwrap();
        assert_eq!(store.get(key).unwrap().key, key);
    }
    keys.sort_unstable();
    assert_eq!(store.keys().unwrap(), keys);
    assert!(directory.join("my%2Fprof ile").exists());
    assert!(directory.join("50%25").exists());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "no draft is left beside the directory");
    let mode = fs::metadata(directory.join("work")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for key in keys {
        store.remove(key).unwrap();
    }
    assert!(store.keys().unwrap().is_empty());
    assert!(matches!(store.remove("work"), Err(StoreError::NotFound(_))));
}

#[test]
fn reads_what_go_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let vector = include_str!("../../../../tests/vectors/go-file-store-item.jwe");
    fs::write(directory.path().join("my%2Fprof ile"), vector).unwrap();
    let store = opened(directory.path(), "password");
    assert_eq!(store.keys().unwrap(), ["my/prof ile"]);
    let credentials = store.get("my/prof ile").unwrap().credentials().unwrap();
    assert_eq!(&**credentials.access_key_id, "ABC");
    assert_eq!(credentials.secret_access_key.expose(), "XYZ");
}

#[test]
fn a_passphrase_is_checked_before_anything_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let first = store(directory.path());
    assert_eq!(first.passphrase().unwrap(), PassphraseNeed::New);
    first.open_now(&Passphrase::copy_from("right")).unwrap();
    first.set(&item("a")).unwrap();

    let second = store(directory.path());
    assert_eq!(second.passphrase().unwrap(), PassphraseNeed::Existing);
    assert!(matches!(second.set(&item("b")), Err(StoreError::Closed)));
    let wrong = second.open_now(&Passphrase::copy_from("wrong"));
    assert!(matches!(wrong, Err(StoreError::WrongPassphrase { item }) if item == "a"));
    assert!(matches!(second.get("a"), Err(StoreError::Closed)));
    second.open_now(&Passphrase::copy_from("right")).unwrap();
    assert_eq!(second.passphrase().unwrap(), PassphraseNeed::Satisfied);
    second.close();
    assert!(matches!(second.get("a"), Err(StoreError::Closed)));
}

#[test]
fn foreign_files_do_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a note"), "hello").unwrap();
    fs::create_dir(directory.path().join("folder")).unwrap();
    let store = store(directory.path());
    assert_eq!(store.passphrase().unwrap(), PassphraseNeed::New, "a note is no witness");
    store.open_now(&Passphrase::copy_from("x")).unwrap();
    assert_eq!(store.keys().unwrap(), ["a note"]);
    assert!(matches!(store.get("a note"), Err(StoreError::NotAnItem { source: JweError::NotJwe, .. })));
}

#[test]
fn the_version_follows_the_item() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), "x");
    assert_eq!(store.version("a"), None);
    store.set(&item("a")).unwrap();
    let first = store.version("a").unwrap();
    assert_eq!(store.version("a").unwrap(), first);
    store.set(&item("a")).unwrap();
    assert_ne!(store.version("a").unwrap(), first);
}

#[test]
fn names_that_cannot_be_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), "x");
    for key in ["", ".", "..", "a\0b", &"x".repeat(256)] {
        assert!(matches!(store.set(&item(key)), Err(StoreError::UnusableName(_))), "{key:?}");
    }
}

#[test]
fn a_store_closed_while_it_is_opened_stays_closed() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    let before = store.generation();
    store.close();
    assert!(matches!(store.open(&Passphrase::copy_from("x"), before), Err(StoreError::Closed)));
    assert!(!store.is_open());
}

#[test]
fn one_bad_item_does_not_close_the_store() {
    let directory = tempfile::tempdir().unwrap();
    opened(directory.path(), "right").set(&item("good")).unwrap();
    fs::write(directory.path().join("damaged"), "a.b.c.d.e").unwrap();
    opened_beside(directory.path(), "other", "elsewhere");
    let store = opened(directory.path(), "right");
    assert_eq!(store.get("good").unwrap().key, "good");
    assert!(matches!(store.get("elsewhere"), Err(StoreError::WrongPassphrase { .. })));
}

/// Puts an item under another passphrase into a store, as Go does without a word.
fn opened_beside(directory: &Path, passphrase: &str, key: &str) {
    let other = tempfile::tempdir().unwrap();
    opened(other.path(), passphrase).set(&item(key)).unwrap();
    fs::copy(other.path().join(key), directory.join(key)).unwrap();
}
