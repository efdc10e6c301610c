//! From one that failed to the next (RFC 3263 s.4.3, RFC 3261 s.21.5.4).

use super::*;

fn candidate(transport: Transport, address: &str) -> Candidate {
    let address: std::net::SocketAddr = address.parse().unwrap();
    Candidate { transport, address, domain: "example.com".into(), server: address.ip().to_string() }
}

fn three() -> Vec<Candidate> {
    ["192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:5060"].map(|address| candidate(Udp, address)).to_vec()
}

fn order(shunned: &Shunned, now: Instant) -> Vec<u16> {
    let Ok(mut candidates) = Candidates::new(three(), shunned, now) else { return Vec::new() };
    let last_octet = |candidate: &Candidate| {
        candidate.server.rsplit('.').next().and_then(|digits| digits.parse().ok()).unwrap()
    };
    let mut order = vec![last_octet(candidates.current())];
    let mut aside = shunned.clone();
    while let Some(next) = candidates.next(Setback::Unavailable { retry_after: None }, &mut aside, now) {
        order.push(last_octet(next));
    }
    order
}

#[test]
fn each_setback_moves_on_until_none_is_left() {
    let (mut shunned, now) = (Shunned::new(), start());
    let mut candidates = Candidates::new(three(), &shunned, now).unwrap();
    assert_eq!((candidates.current(), candidates.left()), (&three()[0], 2));
    assert_eq!(candidates.next(Setback::Transport, &mut shunned, now), Some(&three()[1]));
    assert_eq!(candidates.next(Setback::Timeout, &mut shunned, now), Some(&three()[2]));
    assert_eq!(candidates.next(Setback::Unavailable { retry_after: None }, &mut shunned, now), None);
    assert_eq!(shunned.len(), 2);
}

#[test]
fn of_the_responses_only_503_is_a_setback() {
    let of = |code| Setback::of(StatusCode::new(code).unwrap(), Some(seconds(9)));
    assert_eq!(of(503), Some(Setback::Unavailable { retry_after: Some(seconds(9)) }));
    for code in [100, 180, 200, 302, 401, 404, 408, 480, 486, 500, 502, 504, 600, 603] {
        assert_eq!(of(code), None, "{code}");
    }
}

#[test]
fn one_that_failed_is_tried_last_for_a_while() {
    let (mut shunned, now) = (Shunned::new(), start());
    shunned.note(&three()[0], Setback::Timeout, now);
    assert_eq!(order(&shunned, now), [2, 3, 1]);
    assert_eq!(order(&shunned, now + Shunned::AFTER_FAILURE), [1, 2, 3]);
    shunned.forgive(&three()[0]);
    assert_eq!(order(&shunned, now), [1, 2, 3]);
}

#[test]
fn one_that_asked_for_time_is_left_alone_for_that_time() {
    let (mut shunned, now) = (Shunned::new(), start());
    shunned.note(&three()[1], Setback::Unavailable { retry_after: Some(seconds(120)) }, now);
    shunned.forgive(&three()[1]);
    assert_eq!(order(&shunned, now + seconds(119)), [1, 3]);
    assert_eq!(order(&shunned, now + seconds(120)), [1, 2, 3]);
}

#[test]
fn a_busy_host_is_busy_over_every_transport_and_a_dead_way_is_one_way() {
    let (mut shunned, now) = (Shunned::new(), start());
    let ways = || vec![candidate(Udp, "192.0.2.1:5060"), candidate(Tls, "192.0.2.1:5061")];
    shunned.note(&ways()[0], Setback::Transport, now);
    assert_eq!(Candidates::new(ways(), &shunned, now).unwrap().current().transport, Tls);
    shunned.note(&ways()[0], Setback::Unavailable { retry_after: Some(seconds(60)) }, now);
    let busy = Candidates::new(ways(), &shunned, now + seconds(20)).unwrap_err();
    assert_eq!(busy, AllBusy { wait: seconds(40) });
    assert_eq!(busy.to_string(), "each of its servers answered 503, and asks for 41 s without calls");
}

#[test]
fn a_server_that_another_call_found_busy_is_passed_over_on_the_way() {
    let (mut shunned, now) = (Shunned::new(), start());
    let mut candidates = Candidates::new(three(), &shunned, now).unwrap();
    shunned.note(&three()[1], Setback::Unavailable { retry_after: Some(seconds(60)) }, now);
    assert_eq!(candidates.next(Setback::Timeout, &mut shunned, now + seconds(32)), Some(&three()[2]));
}

#[test]
fn a_retry_after_beyond_reason_is_cut() {
    let (mut shunned, now) = (Shunned::new(), start());
    let wait = seconds(u64::from(u32::MAX));
    shunned.note(&three()[0], Setback::Unavailable { retry_after: Some(wait) }, now);
    let end = now + Shunned::MAX_RETRY_AFTER;
    assert_eq!(order(&shunned, end.checked_sub(seconds(1)).unwrap()), [2, 3]);
    assert_eq!(order(&shunned, end), [1, 2, 3]);
}

#[test]
fn the_list_is_bounded_and_drops_the_first_to_end() {
    let (mut shunned, now) = (Shunned::new(), start());
    let busy = |wait| Setback::Unavailable { retry_after: Some(seconds(wait)) };
    shunned.note(&three()[0], busy(10), now);
    shunned.note(&three()[1], busy(3_000), now);
    for number in 0..Shunned::MAX {
        let port = u16::try_from(number).unwrap() + 1;
        shunned.note(&candidate(Udp, &format!("198.51.100.1:{port}")), Setback::Timeout, now);
    }
    assert_eq!(shunned.len(), Shunned::MAX);
    assert_eq!(order(&shunned, now), [1, 3], "the one for 10 s made room, the one for 3,000 s is there");
}
