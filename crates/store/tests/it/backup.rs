//! A backup of a store that is in use.

use std::os::unix::fs::PermissionsExt;

use numbers::{E164, Inventory, Number};
use serde_json::json;
use store::{Error, Store};

use crate::databases::Database;

/// Trunks and numbers that belong together: the label of each says of which inventory it is.
fn inventory(version: u64) -> Inventory {
    let trunk = json!({ "id": "acme", "label": version.to_string() });
    let number = |index: u64| Number {
        label: Some(version.to_string()),
        ..Number::new(E164::parse(&format!("+1415555{index:04}")).expect("a number"), "acme")
    };
    Inventory {
        trunks: vec![serde_json::from_value(trunk).expect("a trunk")],
        numbers: (0..50).map(number).collect(),
        ..Inventory::default()
    }
}

#[tokio::test]
async fn a_backup_is_the_store_of_one_moment_while_it_is_written_to() {
    let database = Database::sqlite();
    let store = database.open().await;
    store.apply(&inventory(0)).await.expect("applied");
    let directory = tempfile::tempdir().expect("a directory");
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            for version in 1..200 {
                store.apply(&inventory(version)).await.expect("applied");
            }
        }
    });
    let mut versions = Vec::new();
    for index in 0..5 {
        let path = directory.path().join(format!("backup{index}.db"));
        store.backup(&path).await.expect("backed up");
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        let copy = Store::open_existing(&format!("sqlite:{}", path.display())).await.expect("a store");
        let snapshot = copy.snapshot().await.expect("read");
        assert_eq!(snapshot.inventory, inventory(snapshot.revision - 1));
        versions.push(snapshot.revision);
        copy.close().await;
    }
    writing.await.expect("written");
    assert!(versions.is_sorted() && versions[0] < 200, "{versions:?}");
    let taken = directory.path().join("backup0.db");
    let before = std::fs::read(&taken).expect("read");
    let error = store.backup(&taken).await.expect_err("it is there").to_string();
    assert!(error.ends_with("backup0.db exists; name a file that does not"), "{error}");
    assert_eq!(std::fs::read(&taken).expect("read"), before);
    let nowhere = store.backup(&directory.path().join("nowhere/x.db")).await;
    assert!(matches!(nowhere, Err(Error::NotWritable { .. })), "{nowhere:?}");
}

#[tokio::test]
async fn postgresql_is_left_to_its_own_means() {
    let Some(database) = Database::postgres().await else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("backup.db");
    let error = database.open().await.backup(&path).await.expect_err("not ours").to_string();
    assert!(error.contains("pg_dump") && !path.exists(), "{error}");
}
