//! What is asked, what is kept, and what is said when there is nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use hickory_server::proto::op::ResponseCode;
use sip::Transport::Udp;
use sip::locate::{Families, MAX_SERVERS, Reach};
use sip_resolve::{Config, NameServers, Resolver, SetupFault};
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;

use super::server::Zone;
use super::{SHORT, config, lines, resolver, target};

#[tokio::test]
async fn naptr_leads_to_srv_and_srv_to_addresses() {
    let server = Zone::default()
        .naptr("carrier.test.", 20, 10, "SIP+D2U", "_sip._udp.carrier.test.")
        .naptr("carrier.test.", 10, 10, "SIPS+D2T", "_sips._tcp.edge.test.")
        .srv("_sips._tcp.edge.test.", 2, 0, 5071, "b.edge.test.")
        .srv("_sips._tcp.edge.test.", 1, 0, 5061, "a.edge.test.")
        .address("a.edge.test.", "192.0.2.1")
        .address("b.edge.test.", "192.0.2.2")
        .serve()
        .await;
    let found = resolver(&server).locate(&target("sip:+1@Carrier.TEST")).await.unwrap();
    assert_eq!(lines(&found), ["tls 192.0.2.1:5061 (a.edge.test)", "tls 192.0.2.2:5071 (b.edge.test)"]);
    assert_eq!(found[0].domain, "carrier.test");
    assert_eq!(
        server.asked(),
        [
            "A a.edge.test.",
            "A b.edge.test.",
            "NAPTR carrier.test.",
            "SRV _sip._udp.carrier.test.",
            "SRV _sips._tcp.edge.test.",
        ]
    );
}

#[tokio::test]
async fn answers_and_absences_are_asked_for_once() {
    let server = Zone::default().address("pbx.test.", "192.0.2.1").serve().await;
    let resolver = resolver(&server);
    for _call in 0..3 {
        let found = resolver.locate(&target("sip:pbx.test")).await.unwrap();
        assert_eq!(lines(&found), ["udp 192.0.2.1:5060 (pbx.test)"]);
        let unknown = resolver.locate(&target("sip:gone.test:5060")).await.unwrap_err();
        assert_eq!(unknown.to_string(), "gone.test: there is no such name (NXDOMAIN)");
    }
    assert_eq!(
        server.asked(),
        [
            "A gone.test.",
            "A pbx.test.",
            "NAPTR pbx.test.",
            "SRV _sip._tcp.pbx.test.",
            "SRV _sip._udp.pbx.test.",
            "SRV _sips._tcp.pbx.test.",
        ]
    );
}

#[tokio::test]
async fn the_same_question_at_the_same_time_is_one() {
    let gate = Arc::new(Semaphore::new(0));
    let server = Zone::default().address("pbx.test.", "192.0.2.1").gated(&gate).serve().await;
    let resolver = resolver(&server);
    let wanted = target("sip:pbx.test:5060");
    let calls = join_all((0..50).map(|_call| resolver.locate(&wanted)));
    let open = async {
        while server.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        gate.add_permits(1);
    };
    let (found, ()) = tokio::join!(calls, open);
    assert!(found.iter().all(|found| found.as_ref().is_ok_and(|found| found.len() == 1)));
    assert_eq!(server.asked().iter().filter(|asked| *asked == "A pbx.test.").count(), 1);
}

#[tokio::test]
async fn questions_over_the_bound_fail_at_once() {
    let gate = Arc::new(Semaphore::new(0));
    let server = Zone::default().address("a.test.", "192.0.2.1").gated(&gate).serve().await;
    let resolver = Resolver::new(Config { at_once: 1, ..config(&server) }).unwrap();
    let (first, second) = (target("sip:a.test:5060"), target("sip:b.test:5060"));
    let refused = async {
        while server.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        let refused = resolver.locate(&second).await;
        gate.add_permits(1);
        refused
    };
    let (found, refused) = tokio::join!(resolver.locate(&first), refused);
    assert_eq!(lines(&found.unwrap()), ["udp 192.0.2.1:5060 (a.test)"]);
    assert_eq!(refused.unwrap_err().to_string(), "b.test: too many DNS questions are under way");
}

#[tokio::test]
async fn failures_have_words() {
    let server = Zone::default()
        .error("A", "broken.test.", ResponseCode::ServFail)
        .error("A", "closed.test.", ResponseCode::Refused)
        .address("six.test.", "2001:db8::1")
        .serve()
        .await;
    let resolver = resolver(&server);
    for (uri, words) in [
        ("sip:gone.test", "gone.test: there is no such name (NXDOMAIN)"),
        ("sip:broken.test:5060", "broken.test: the name server failed (SERVFAIL)"),
        ("sip:closed.test:5060", "closed.test: the name server failed (REFUSED)"),
        ("sip:six.test", "six.test: it has no IPv4 address"),
    ] {
        assert_eq!(resolver.locate(&target(uri)).await.unwrap_err().to_string(), words);
    }
}

#[tokio::test]
async fn a_name_server_that_is_silent_costs_the_patience_and_no_more() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let reach = Reach { transports: vec![Udp], families: Families::V4 };
    let servers = NameServers::At(vec![silent.local_addr().unwrap()]);
    let resolver = Resolver::new(Config { patience: SHORT, ..Config::new(servers, reach, 1) }).unwrap();
    let start = std::time::Instant::now();
    let failure = resolver.locate(&target("sip:pbx.test")).await.unwrap_err();
    assert_eq!(failure.to_string(), "pbx.test: DNS did not answer in time");
    assert!((SHORT..SHORT * 5).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_server_whose_name_is_slow_does_not_hold_up_the_others() {
    let server = Zone::default()
        .srv("_sip._udp.carrier.test.", 1, 0, 5060, "mute.test.")
        .srv("_sip._udp.carrier.test.", 2, 0, 5060, "quick.test.")
        .address("quick.test.", "192.0.2.2")
        .mute("A", "mute.test.")
        .serve()
        .await;
    let resolver = Resolver::new(Config { patience: SHORT, ..config(&server) }).unwrap();
    let found = resolver.locate(&target("sip:carrier.test;transport=udp")).await.unwrap();
    assert_eq!(lines(&found), ["udp 192.0.2.2:5060 (quick.test)"]);
}

#[tokio::test]
async fn cnames_are_followed_for_every_type() {
    let server = Zone::default()
        .alias("customer.test.", "provider.test.")
        .naptr("provider.test.", 1, 1, "SIP+D2T", "_sip._tcp.customer.test.")
        .alias("_sip._tcp.customer.test.", "_sip._tcp.provider.test.")
        .srv("_sip._tcp.provider.test.", 1, 0, 5080, "one.provider.test.")
        .alias("one.provider.test.", "two.provider.test.")
        .address("two.provider.test.", "192.0.2.9")
        .serve()
        .await;
    let found = resolver(&server).locate(&target("sip:customer.test")).await.unwrap();
    assert_eq!(lines(&found), ["tcp 192.0.2.9:5080 (one.provider.test)"]);
}

#[tokio::test]
async fn a_ring_of_cnames_ends() {
    let server = Zone::default().alias("a.test.", "b.test.").alias("b.test.", "a.test.").serve().await;
    let failure = resolver(&server).locate(&target("sip:a.test:5060")).await.unwrap_err();
    assert_eq!(failure.to_string(), "a.test: its CNAMEs lead on and on");
}

#[tokio::test]
async fn an_answer_too_large_for_a_datagram_comes_over_tcp() {
    let owner = "_sip._udp.large.test.";
    let mut zone = Zone::default().address("host.test.", "192.0.2.1");
    for number in 0..60 {
        let target = format!("a-long-name-that-fills-the-datagram-{number}.test.");
        zone =
            zone.srv(owner, number, 0, 5060 + number, &target).address(&target, &format!("192.0.2.{number}"));
    }
    let server = zone.serve().await;
    let found = resolver(&server).locate(&target("sip:large.test;transport=udp")).await.unwrap();
    let ports: Vec<u16> = found.iter().map(|candidate| candidate.address.port()).collect();
    let first = u16::try_from(MAX_SERVERS).unwrap();
    assert_eq!(ports, (5060..5060 + first).collect::<Vec<_>>(), "the best {first} of all 60");
}

#[tokio::test]
async fn addresses_and_localhost_ask_nobody() {
    let server = Zone::default().serve().await;
    let resolver = resolver(&server);
    for (uri, wanted) in [
        ("sip:192.0.2.7", "udp 192.0.2.7:5060 (192.0.2.7)"),
        ("sips:localhost", "tls 127.0.0.1:5061 (localhost)"),
        ("sip:agent.localhost:5090", "udp 127.0.0.1:5090 (agent.localhost)"),
    ] {
        assert_eq!(lines(&resolver.locate(&target(uri)).await.unwrap()), [wanted]);
    }
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test]
async fn the_systems_own_configuration_can_be_used() {
    let reach = Reach { transports: vec![Udp], families: Families::V4 };
    let resolver = Resolver::new(Config::new(NameServers::System, reach, 1)).unwrap();
    let found = resolver.locate(&target("sip:localhost")).await.unwrap();
    let loopback: SocketAddr = "127.0.0.1:5060".parse().unwrap();
    assert_eq!(found.first().map(|candidate| candidate.address), Some(loopback));
}

#[test]
fn an_empty_list_of_name_servers_is_refused() {
    let reach = Reach { transports: vec![Udp], families: Families::V4 };
    let refused = Resolver::new(Config::new(NameServers::At(Vec::new()), reach, 1)).err();
    assert_eq!(refused, Some(SetupFault::NoNameServer));
}
