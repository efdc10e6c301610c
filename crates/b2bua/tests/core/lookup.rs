//! Finding a call by the id of its record, and a page of calls.

use crate::house::{House, Store};
use crate::text::Dial;

fn ids<'a>(calls: impl Iterator<Item = b2bua::LiveCall<'a>>) -> Vec<String> {
    calls.map(|call| call.record.id.clone()).collect()
}

#[test]
fn a_call_is_found_by_its_id_until_the_store_has_its_record() {
    let mut house = House::new();
    house.store = Store::Hangs;
    for at in 0..5 {
        Dial::to("+14155550100").named(&format!("c{at}")).connect(&mut house);
    }
    let mut all = ids(house.core.calls());
    let last = house.core.calls().last().unwrap();
    let (key, id) = (last.key, last.record.id.clone());
    all.sort();
    assert_eq!(ids(house.core.calls_behind("")), all);
    assert_eq!(ids(house.core.calls_behind(&all[1]).take(2)), all[2..4]);
    assert_eq!(house.core.call(&id).map(|call| call.key), Some(key));
    assert_eq!(ids(house.core.calls_beginning(&id[..6])), [id.as_str()]);

    house.command(b2bua::io::Command::Hangup(key));
    assert!(house.core.call(&id).is_none(), "it is not up");
    assert_eq!(ids(house.core.calls_beginning(&id)), [id.as_str()], "the store may not have it");
    all.retain(|other| *other != id);
    assert_eq!(ids(house.core.calls_behind("")), all);
    house.input(b2bua::Input::Recorded(key));
    assert!(house.core.calls_beginning(&id).next().is_none());
    assert_eq!(ids(house.core.calls_behind("")), all);
}

#[test]
fn a_refused_call_is_found_but_not_up() {
    let mut house = House::new();
    house.store = Store::Hangs;
    Dial::to("+14155550106").place(&mut house);
    let id = house.record().id.clone();
    assert!(house.core.call(&id).is_none() && house.core.calls_behind("").next().is_none());
    assert_eq!(ids(house.core.calls_beginning(&id)), [id]);
}
