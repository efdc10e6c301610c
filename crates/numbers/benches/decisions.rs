//! What a decision costs, with 100,000 numbers, 1,000 trunks and 1,000 agents: the way in, the way out, and the snapshot itself.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use numbers::did::{Called, extract};
use numbers::{
    AllowedCountries, Asked, Country, Destination, Directory, E164, Idle, Inventory, Limits, Number,
    admit_inbound, permit_outbound,
};

const NUMBERS: u64 = 100_000;

fn number(index: u64) -> E164 {
    E164::from_digits(&(14_155_000_000 + index % NUMBERS).to_string()).expect("eleven digits")
}

fn source(trunk: u64) -> IpAddr {
    let [.., high, low] = (trunk % 1000).to_be_bytes();
    Ipv4Addr::new(10, 1, high, low).into()
}

fn inventory() -> Inventory {
    let agents: Vec<_> = (0..1000)
        .map(|index| format!("{{ id = 'agent-{index}', endpoint = {{ kind = 'echo' }} }}"))
        .collect();
    let trunk = |index| {
        format!(
            "{{ id = 'trunk-{index}', inbound = {{ addresses = ['{}'], did_country = 'US' }}, limits = {{ max_calls = 100, max_cps = 10, max_minutes_per_day = 1000 }},
               outbound = {{ gateways = [{{ host = 'sip.example.com' }}], allowed_countries = ['US', 'CA', 'GB', 'DE', 'FR'] }} }}",
            source(index)
        )
    };
    let trunks: Vec<_> = (0..1000).map(trunk).collect();
    let text = format!("agents = [{}]\ntrunks = [{}]", agents.join(",\n"), trunks.join(",\n"));
    let mut inventory: Inventory = toml::from_str(&text).expect("an inventory");
    inventory.numbers = (0..NUMBERS)
        .map(|index| Number {
            agent_id: Some(format!("agent-{}", index % 1000)),
            outbound: true,
            max_calls: Some(2),
            allowed_countries: index
                .is_multiple_of(2)
                .then(|| AllowedCountries(vec![Destination::Worldwide])),
            ..Number::new(number(index), &format!("trunk-{}", index % 1000))
        })
        .collect();
    inventory
}

fn decisions(criterion: &mut Criterion) {
    let directory = Directory::new(inventory()).expect("no faults");
    let country: Option<Country> = "US".parse().ok();
    let mut index = 0_u64;
    let mut next = || {
        index = index.wrapping_add(7919);
        index
    };
    let mut group = criterion.benchmark_group("decide");
    group.measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    group.bench_function("route a call: trunk by source, called number, agent", |bencher| {
        bencher.iter(|| {
            let index = next();
            let trunk = directory.trunk_by_source(source(index)).expect("a trunk");
            let user = number(index).to_string();
            let none = |_: &str| None;
            let called = Called {
                request_uri_user: Some(&user),
                to_user: Some(&user),
                p_called_party_id: None,
                header: &none,
            };
            let did = extract(trunk, &directory, &called);
            admit_inbound(&directory, trunk, &did, &Idle, &Limits::default()).expect("a route")
        });
    });
    for (name, to) in [
        ("permit a call, +E.164", "+442079460000"),
        ("permit a call, nationally written", "(212) 555-0100"),
        ("refuse a call by its destination", "+2125288"),
        ("refuse an emergency number", "911"),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let from = number(next()).to_string();
                let asked = Asked { from: &from, to: black_box(to), country };
                permit_outbound(&directory, &asked, &Idle, &Limits::default())
            });
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("snapshot");
    group.sample_size(10).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_millis(500));
    group.bench_function("100,000 numbers", |bencher| {
        let inventory = inventory();
        bencher.iter_batched(
            || inventory.clone(),
            |inventory| Directory::new(inventory).expect("no faults"),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);
