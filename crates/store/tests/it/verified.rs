//! Personal numbers, and who says that their owners were asked.

use numbers::{Inventory, Number, NumberSource, NumberStatus};
use serde_json::json;
use store::{Actor, Error, Expect, Kind, NewKey, Object, Role, Store};

use crate::databases::{Database, on_each_database};

const OWN: &str = "+14155550199";

fn inventory(keys: &str) -> Inventory {
    let text = format!(
        "trunks = [{{ id = 'acme', outbound = {{}} }}]
         numbers = [{{ e164 = '{OWN}', trunk_id = 'acme', source = 'personal', {keys} }}, {{ e164 = '+14155550100', trunk_id = 'acme' }}]"
    );
    toml::from_str(&text).expect("an inventory")
}

async fn number(store: &Store) -> Number {
    let held = store.object(Kind::Number, OWN).await.expect("read").expect("it is there");
    let Object::Number(number) = held.object else { panic!() };
    *number
}

async fn a_personal_number_is_verified_by_one_word_that_is_in_the_trail_and_stays(database: Database) {
    let store = database.open().await;
    store.apply(&inventory("outbound = true")).await.expect("applied");
    assert_eq!(number(&store).await.status, NumberStatus::Pending);
    let wanted = NewKey { label: "ops".into(), role: Role::Admin, scope: None, expires_at: None };
    let (key, _) = store.add_key(&Actor::cli(), wanted).await.expect("a key");
    let (_, first) = store.verify(&Actor::key(&key), OWN, Expect::Any).await.expect("verified");
    let verified = number(&store).await;
    assert_eq!(verified.status, NumberStatus::Active);
    assert_eq!(verified.verified.as_ref().map(|verified| verified.by.as_str()), Some("ops"));
    let (_, second) = store.verify(&Actor::cli(), OWN, Expect::Any).await.expect("verified");
    assert_eq!((first.etag, number(&store).await), (second.etag, verified.clone()));
    let trail = store.audit(0, 100).await.expect("read");
    let last = trail.last().expect("an entry");
    assert_eq!((last.actor.as_str(), last.id.as_str(), last.key_id.as_deref()), ("ops", OWN, Some(&*key.id)));
    let statuses =
        [&last.before, &last.after].map(|json| json.as_ref().expect("it is there")["status"].clone());
    assert_eq!(statuses, [json!("pending"), json!("active")]);

    assert!(store.apply(&inventory("outbound = true")).await.expect("applied").is_empty());
    assert!(
        store.apply(&inventory("outbound = true, status = 'pending'")).await.expect("applied").is_empty()
    );
    let held = store.inventory().await.expect("read");
    assert!(store.apply(&held).await.expect("applied").is_empty(), "what is stored may be applied");
    let plan = store.apply(&inventory("status = 'suspended'")).await.expect("applied");
    assert_eq!(plan.counts(), (0, 1, 0));
    assert_eq!(number(&store).await.status, NumberStatus::Suspended);
    store.apply(&inventory("outbound = true")).await.expect("applied");
    assert_eq!(number(&store).await, verified);
}

async fn nobody_writes_a_verification(database: Database) {
    let store = database.open().await;
    for (keys, path) in [
        ("status = 'active'", "numbers[0].status"),
        ("status = 'active', verified = { at = 1, by = 'me' }", "numbers[0].verified"),
        ("verified = { at = 1, by = 'me' }", "numbers[0].verified"),
    ] {
        for refused in [store.plan(&inventory(keys)).await, store.apply(&inventory(keys)).await] {
            let Err(Error::Inventory(faults)) = refused else { panic!("{refused:?}") };
            assert_eq!((faults.len(), faults[0].path.as_str()), (1, path));
            assert!(faults[0].remedy.contains("`strowger number verify`"), "{}", faults[0].remedy);
        }
    }
    store.apply(&inventory("")).await.expect("applied");
    for keys in ["status = 'active'", "verified = { at = 1, by = 'me' }"] {
        let written = inventory(keys).numbers.remove(0);
        let refused = store.put(&Actor::cli(), written.into(), Expect::Any).await;
        assert!(matches!(refused, Err(Error::Inventory(_))), "{refused:?}");
    }
    let plain = store.verify(&Actor::cli(), "+14155550100", Expect::Any).await;
    assert!(matches!(plain, Err(Error::NotPersonal { .. })), "{plain:?}");
    let absent = store.verify(&Actor::cli(), "+14155550198", Expect::Any).await;
    assert!(matches!(absent, Err(Error::Absent { .. })), "{absent:?}");
}

async fn a_number_that_goes_or_is_no_longer_personal_is_forgotten(database: Database) {
    let store = database.open().await;
    let personal = inventory("").numbers.remove(0);
    let ours = Number { source: NumberSource::Byoc, ..personal.clone() };
    for between in [None, Some(ours)] {
        store.apply(&inventory("")).await.expect("applied");
        store.verify(&Actor::cli(), OWN, Expect::Any).await.expect("verified");
        match between {
            None => store.remove(&Actor::cli(), Kind::Number, OWN, Expect::Any).await.map(drop),
            Some(ours) => {
                let verified = number(&store).await.verified;
                let ours = Number { verified, ..ours };
                store.put(&Actor::cli(), ours.into(), Expect::Any).await.map(drop)
            }
        }
        .expect("changed");
        store.put(&Actor::cli(), personal.clone().into(), Expect::Any).await.expect("put");
        let back = number(&store).await;
        assert_eq!((back.status, back.verified), (NumberStatus::Pending, None));
        store.remove(&Actor::cli(), Kind::Number, OWN, Expect::Any).await.expect("removed");
    }
}

async fn a_verification_is_withdrawn_where_that_is_said_and_kept_otherwise(database: Database) {
    let store = database.open().await;
    store.apply(&inventory("outbound = true")).await.expect("applied");
    store.verify(&Actor::cli(), OWN, Expect::Any).await.expect("verified");
    let verified = number(&store).await;
    let written = inventory("outbound = true").numbers.remove(0);
    let (kept, same) = store.put(&Actor::cli(), written.clone().into(), Expect::Any).await.expect("put");
    assert_eq!(kept, verified.clone().into(), "what is returned is what is stored");
    let (withdrawn, stored) =
        store.put_unverified(&Actor::cli(), written.clone().into(), Expect::Any).await.expect("put");
    assert_ne!(same.etag, stored.etag);
    assert_eq!(withdrawn, written.into());
    let back = number(&store).await;
    assert_eq!((back.status, back.verified), (NumberStatus::Pending, None));
    let trail = store.audit(0, 100).await.expect("read");
    let last = trail.last().expect("an entry");
    let [before, after] = [&last.before, &last.after].map(|json| json.as_ref().expect("it is there"));
    assert!(before["verified"].is_object() && after["verified"].is_null(), "{before} {after}");
    let refused = store.put_unverified(&Actor::cli(), verified.into(), Expect::Any).await;
    assert!(matches!(refused, Err(Error::Inventory(_))), "{refused:?}");
}

on_each_database!(
    a_verification_is_withdrawn_where_that_is_said_and_kept_otherwise,
    a_personal_number_is_verified_by_one_word_that_is_in_the_trail_and_stays,
    nobody_writes_a_verification,
    a_number_that_goes_or_is_no_longer_personal_is_forgotten,
);
