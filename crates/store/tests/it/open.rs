//! Each way that opening a store may fail, in one clear line.

use std::os::unix::fs::PermissionsExt;

use store::{Error, Store};

async fn refused(url: &str) -> String {
    match Store::open(url).await {
        Ok(store) => panic!("{store:?}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_file_is_made_and_found_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite:{}", directory.path().join("a b.db").display());
    let missing = Store::open_existing(&url).await.expect_err("no store").to_string();
    assert!(
        missing.contains("a b.db does not exist; `strowger apply` or `strowger run` makes it"),
        "{missing}"
    );
    let store = Store::open(&url).await.expect("a store");
    store.close().await;
    Store::open_existing(&url).await.expect("a store").close().await;
    let left: Vec<_> = std::fs::read_dir(directory.path()).expect("a directory").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn a_directory_that_does_not_exist() {
    let directory = tempfile::tempdir().expect("a directory");
    let error = refused(&format!("sqlite:{}/nowhere/x.db", directory.path().display())).await;
    assert!(error.contains("nowhere/x.db can't be made: its directory does not exist"), "{error}");
}

#[tokio::test]
async fn a_directory_in_place_of_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let error = refused(&format!("sqlite:{}", directory.path().display())).await;
    assert!(error.ends_with("is a directory; name a file in it"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_something_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notes.txt");
    std::fs::write(&path, "no database at all, but long enough to have a header of its own\n".repeat(100))
        .expect("written");
    let before = std::fs::read(&path).expect("read");
    let error = refused(&format!("sqlite:{}", path.display())).await;
    assert!(
        error.ends_with("notes.txt is no SQLite database; move it away, or name another file"),
        "{error}"
    );
    assert_eq!(std::fs::read(&path).expect("read"), before);
}

#[tokio::test]
async fn a_database_of_something_else_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("other.db");
    let other =
        sqlx::SqlitePool::connect(&format!("sqlite:{}?mode=rwc", path.display())).await.expect("opened");
    sqlx::query("CREATE TABLE recipes (name TEXT)").execute(&other).await.expect("made");
    other.close().await;
    let error = refused(&format!("sqlite:{}", path.display())).await;
    assert!(error.ends_with("other.db is a database of something else; name another"), "{error}");
}

#[tokio::test]
async fn a_store_of_a_later_version() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite:{}", directory.path().join("strowger.db").display());
    Store::open(&url).await.expect("a store").close().await;
    let later = sqlx::SqlitePool::connect(&url).await.expect("opened");
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (9001, 'later', CURRENT_TIMESTAMP, 1, x'00', 0)")
        .execute(&later)
        .await
        .expect("made");
    later.close().await;
    let error = refused(&url).await;
    assert!(
        error.contains("changed by a later version of Strowger (schema 9001); use that version"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_may_not_be_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("strowger.db");
    let url = format!("sqlite:{}", path.display());
    Store::open(&url).await.expect("a store").close().await;
    let set = |mode| {
        let permissions = std::fs::Permissions::from_mode;
        std::fs::set_permissions(&path, permissions(mode & 0o666)).expect("set");
        std::fs::set_permissions(directory.path(), permissions(mode)).expect("set");
    };
    set(0o555);
    if std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
        eprintln!("skipped: root may write everything");
        set(0o777);
        return;
    }
    let error = refused(&url).await;
    set(0o777);
    assert!(error.contains("strowger.db can't be written"), "{error}");
}

#[tokio::test]
async fn urls_of_other_kinds() {
    assert_eq!(
        refused("strowger.db").await,
        "store.url `strowger.db` is no store; write sqlite:PATH, sqlite::memory: or postgres://USER@HOST/DATABASE"
    );
    let error = refused("postgres://user:hunter2@127.0.0.1:1/db").await;
    assert!(error.starts_with("the store postgres://user@127.0.0.1:1/db can't be opened: "), "{error}");
    assert!(error.contains("refused") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn each_memory_store_is_its_own_and_its_clones_share_it() {
    let one = Store::open("sqlite::memory:").await.expect("a store");
    let two = Store::open("sqlite::memory:").await.expect("a store");
    let settings = numbers::Settings { workspace_id: Some("main".into()), ..Default::default() };
    let inventory = numbers::Inventory { settings, ..Default::default() };
    one.apply(&inventory).await.expect("applied");
    assert_eq!(one.clone().inventory().await.expect("read"), inventory);
    assert_eq!(two.revision().await.expect("read"), 0);
}

#[tokio::test]
async fn a_store_is_locked_by_one_daemon_under_any_name_until_that_one_ends() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("strowger.db");
    let url = format!("sqlite:{}", path.display());
    let first = Store::open(&url).await.expect("a store");
    let lock = first.lock().await.expect("it is free");
    let link = directory.path().join("other.db");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    for name in [&path, &link] {
        let second = Store::open(&format!("sqlite:{}", name.display())).await.expect("it can be read");
        let error = second.lock().await.expect_err("it is taken");
        assert!(matches!(error, Error::InUse { .. }), "{error}");
    }
    drop(lock);
    first.lock().await.expect("it is free again");
}

#[tokio::test]
async fn a_store_in_memory_is_nobody_elses() {
    let (first, second) = (Store::open("sqlite::memory:").await, Store::open("sqlite::memory:").await);
    let _first = first.expect("a store").lock().await.expect("its own");
    let _second = second.expect("a store").lock().await.expect("its own");
}
