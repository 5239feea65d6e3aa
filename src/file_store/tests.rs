use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

fn store() -> (TempDir, FileStore) {
    let folder = TempDir::new().expect("a folder");
    let store = FileStore::open(folder.path()).expect("the store opens");
    (folder, store)
}

fn paths(found: impl Iterator<Item = io::Result<Found>>) -> Vec<PathBuf> {
    found.map(|found| found.expect("readable").path).collect()
}

#[tokio::test]
async fn a_finished_file_lies_under_its_id_with_size_and_digest() {
    let (folder, store) = store();
    let mut incoming = store.receive().await.expect("a new file");
    incoming.write(b"heard ").await.expect("written");
    incoming.write(b"nobody").await.expect("written");
    assert_eq!(paths(store.walk_incoming()).len(), 1);
    let stored = incoming.finish("../../note.txt", "text/plain").await.expect("durable");
    assert_eq!((stored.name.as_str(), stored.size), ("note.txt", 12));
    assert_eq!(stored.sha256, hex::encode(Sha256::digest(b"heard nobody")));
    let path = folder.path().join("files").join(&stored.id.as_str()[..2]).join(stored.id.as_str());
    assert_eq!(store.path(&stored.id), path);
    assert_eq!(fs::read(&path).expect("the file"), b"heard nobody");
    assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(folder.path().join("files")).expect("there").permissions().mode() & 0o777, 0o700);
    assert_eq!(paths(store.walk()), [path]);
    assert!(paths(store.walk_incoming()).is_empty());
}

#[tokio::test]
async fn what_is_dropped_early_leaves_nothing() {
    let (_folder, store) = store();
    let mut incoming = store.receive().await.expect("a new file");
    incoming.write(&vec![7; 100_000]).await.expect("written");
    drop(incoming);
    assert!(paths(store.walk_incoming()).is_empty() && paths(store.walk()).is_empty());
}

#[test]
fn put_keeps_bytes_and_remove_takes_them_away_twice() {
    let (_folder, store) = store();
    let stored = store.put("a.wav", "audio/wav", b"RIFF").expect("kept");
    assert_eq!(fs::read(store.path(&stored.id)).expect("there"), b"RIFF");
    store.remove(&stored.id).expect("removed");
    store.remove(&stored.id).expect("gone already");
    assert!(paths(store.walk()).is_empty());
}

#[test]
fn a_stranger_in_the_folders_has_no_id() {
    let (folder, store) = store();
    fs::write(folder.path().join("files/00/notes"), "x").expect("written");
    let found: Vec<Found> = store.walk().map(|found| found.expect("readable")).collect();
    assert!(matches!(found.as_slice(), [Found { id: None, size: 1, .. }]));
}
