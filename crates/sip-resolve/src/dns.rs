//! One question on the wire. `hickory` sends it; its own chase of CNAMEs is left out, as it loses SRV records behind one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{Hosts, MAX_TTL, NameServerPool, PoolContext, TlsConfig};
use sip::locate::{Absent, Answer, Kind, MAX_ALIASES, MAX_RECORDS, Naptr, Question, Srv, Trouble};
use tokio::time::timeout;

use crate::config::{NameServers, SetupFault};

pub(crate) struct Dns {
    pool: NameServerPool<TokioRuntimeProvider>,
    hosts: Hosts,
    search: Vec<Name>,
    /// Names with fewer dots are looked for in the search list first (resolv.conf(5)).
    ndots: usize,
    edns: DnsRequestOptions,
    patience: Duration,
}

/// An answer and how long it may be kept.
type Told = (Answer, Duration);

impl Dns {
    pub(crate) fn new(name_servers: &NameServers, patience: Duration) -> Result<Self, SetupFault> {
        let (config, mut options) = match name_servers {
            NameServers::System => system(),
            NameServers::At(addresses) if addresses.is_empty() => return Err(SetupFault::NoNameServer),
            NameServers::At(addresses) => {
                let servers = addresses.iter().map(|address| server(*address)).collect();
                (ResolverConfig::from_name_servers(servers), ResolverOpts::default())
            }
        };
        options.timeout = patience;
        options.max_active_requests = usize::MAX;
        let mut edns = DnsRequestOptions::default();
        edns.use_edns = options.edns0;
        edns.edns_payload_len = options.edns_payload_len;
        let ndots = options.ndots;
        let tls = TlsConfig::new().map_err(|error| SetupFault::Library(error.to_string()))?;
        let context = Arc::new(PoolContext::new(options, tls));
        let (domain, search, servers) = config.into_parts();
        Ok(Self {
            pool: NameServerPool::from_config(servers, context, TokioRuntimeProvider::default()),
            hosts: Hosts::from_system().unwrap_or_default(),
            search: if search.is_empty() { domain.into_iter().collect() } else { search },
            ndots,
            edns,
            patience,
        })
    }

    pub(crate) async fn ask(&self, question: &Question) -> Told {
        match timeout(self.patience, self.try_names(question)).await {
            Ok(told) => told,
            Err(_) => failed(Trouble::Timeout),
        }
    }

    async fn try_names(&self, question: &Question) -> Told {
        if let Some(address) = loopback(question) {
            return (Answer::Addresses(vec![address]), Duration::MAX);
        }
        let Ok(written) = Name::from_ascii(&question.name) else {
            return failed(Trouble::Server("it is no domain name".to_owned()));
        };
        let kind = record_type(question.kind);
        if let Some(found) = self.hosts.lookup_static_host(&Query::query(written.clone(), kind)) {
            return read(found.answers(), ResponseCode::NoError, &whole(written), question.kind);
        }
        let mut worst: Option<Told> = None;
        for name in self.names(&written) {
            let told = self.try_name(name, question.kind).await;
            if !matches!(told.0, Answer::Absent(_) | Answer::Failed(_)) {
                return told;
            }
            if worst.as_ref().is_none_or(|worst| weight(&told.0) > weight(&worst.0)) {
                worst = Some(told);
            }
        }
        worst.unwrap_or((Answer::Absent(Absent::Name), Duration::ZERO))
    }

    /// The names that one as written may be short for.
    fn names(&self, written: &Name) -> Vec<Name> {
        if written.is_fqdn() {
            return vec![written.clone()];
        }
        let searched = self.search.iter().filter_map(|domain| written.clone().append_domain(domain).ok());
        let dots = usize::from(written.num_labels()).saturating_sub(1);
        if dots >= self.ndots {
            std::iter::once(whole(written.clone())).chain(searched).collect()
        } else {
            searched.chain(std::iter::once(whole(written.clone()))).collect()
        }
    }

    async fn try_name(&self, name: Name, kind: Kind) -> Told {
        let query = Query::query(name.clone(), record_type(kind));
        match self.pool.lookup(query, self.edns).first_answer().await {
            Ok(response) => {
                let (answer, ttl) = read(&response.answers, response.response_code, &name, kind);
                let denied = matches!(answer, Answer::Absent(_));
                (answer, if denied { negative_ttl(&response) } else { ttl })
            }
            Err(error) => read_error(&error),
        }
    }
}

/// Without name servers in its file, the system's is on this machine (resolv.conf(5)).
fn system() -> (ResolverConfig, ResolverOpts) {
    match read_system_conf() {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "no name server in the system's configuration, asking 127.0.0.1");
            let local = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
            (ResolverConfig::from_name_servers(vec![local]), ResolverOpts::default())
        }
    }
}

fn server(address: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

/// `localhost` is never a matter of DNS (RFC 6761 s.6.3).
fn loopback(question: &Question) -> Option<IpAddr> {
    let name = question.name.strip_suffix('.').unwrap_or(&question.name);
    let is_local = name == "localhost" || name.ends_with(".localhost");
    match question.kind {
        Kind::A if is_local => Some(Ipv4Addr::LOCALHOST.into()),
        Kind::Aaaa if is_local => Some(Ipv6Addr::LOCALHOST.into()),
        Kind::A | Kind::Aaaa | Kind::Naptr | Kind::Srv => None,
    }
}

/// The records of a name, or of the one at the end of its CNAMEs as far as the answer holds them.
fn read(answers: &[Record], code: ResponseCode, name: &Name, kind: Kind) -> Told {
    let (mut name, mut ttl, mut is_alias) = (name, u32::MAX, false);
    for _hop in 0..=MAX_ALIASES {
        let of_name = answers.iter().filter(|record| record.name == *name);
        let records = of_name.clone().filter(|record| record.record_type() == record_type(kind));
        let records: Vec<&Record> = records.take(MAX_RECORDS).collect();
        if !records.is_empty() {
            let lowest = records.iter().map(|record| record.ttl).min().unwrap_or(0);
            return (collect(&records, kind), seconds(ttl.min(lowest)));
        }
        let mut aliases = of_name.filter_map(|record| Some((record.ttl, alias(&record.data)?)));
        let Some((alias_ttl, target)) = aliases.next() else { break };
        ttl = ttl.min(alias_ttl);
        name = target;
        is_alias = true;
    }
    if is_alias && code != ResponseCode::NXDomain {
        return (Answer::Alias(name.to_ascii()), seconds(ttl));
    }
    (Answer::Absent(absent(code)), seconds(ttl.min(MAX_TTL)))
}

fn collect(records: &[&Record], kind: Kind) -> Answer {
    let data = records.iter().map(|record| &record.data);
    match kind {
        Kind::Naptr => Answer::Naptr(data.filter_map(naptr).collect()),
        Kind::Srv => Answer::Srv(data.filter_map(srv).collect()),
        Kind::A | Kind::Aaaa => Answer::Addresses(data.filter_map(RData::ip_addr).collect()),
    }
}

fn naptr(data: &RData) -> Option<Naptr> {
    let RData::NAPTR(naptr) = data else { return None };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Naptr {
        order: naptr.order,
        preference: naptr.preference,
        flags: text(&naptr.flags),
        services: text(&naptr.services),
        regexp: text(&naptr.regexp),
        replacement: naptr.replacement.to_ascii(),
    })
}

fn srv(data: &RData) -> Option<Srv> {
    let RData::SRV(srv) = data else { return None };
    Some(Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target: srv.target.to_ascii() })
}

fn alias(data: &RData) -> Option<&Name> {
    if let RData::CNAME(cname) = data { Some(&cname.0) } else { None }
}

fn read_error(error: &NetError) -> Told {
    if let NetError::Dns(DnsError::NoRecordsFound(none)) = error {
        return (Answer::Absent(absent(none.response_code)), seconds(none.negative_ttl.unwrap_or(0)));
    }
    if let NetError::Dns(DnsError::ResponseCode(code)) = error {
        return failed(Trouble::Server(words(*code)));
    }
    if matches!(error, NetError::Timeout) {
        return failed(Trouble::Timeout);
    }
    failed(Trouble::Server(error.to_string()))
}

/// The codes as operators know them from `dig`.
fn words(code: ResponseCode) -> String {
    let known = [
        (ResponseCode::FormErr, "FORMERR"),
        (ResponseCode::ServFail, "SERVFAIL"),
        (ResponseCode::NotImp, "NOTIMP"),
        (ResponseCode::Refused, "REFUSED"),
    ];
    known.iter().find(|(one, _)| *one == code).map_or(code.to_str(), |(_, words)| words).to_owned()
}

fn absent(code: ResponseCode) -> Absent {
    if code == ResponseCode::NXDomain { Absent::Name } else { Absent::Records }
}

/// How much an answer without records tells of why there are none.
fn weight(answer: &Answer) -> u8 {
    match answer {
        Answer::Failed(_) => 2,
        Answer::Absent(Absent::Records) => 1,
        Answer::Absent(Absent::Name)
        | Answer::Naptr(_)
        | Answer::Srv(_)
        | Answer::Addresses(_)
        | Answer::Alias(_) => 0,
    }
}

fn negative_ttl(response: &DnsResponse) -> Duration {
    seconds(response.negative_ttl().unwrap_or(0))
}

fn whole(mut name: Name) -> Name {
    name.set_fqdn(true);
    name
}

const fn failed(trouble: Trouble) -> Told {
    (Answer::Failed(trouble), Duration::ZERO)
}

fn seconds(ttl: u32) -> Duration {
    Duration::from_secs(ttl.into())
}

const fn record_type(kind: Kind) -> RecordType {
    match kind {
        Kind::Naptr => RecordType::NAPTR,
        Kind::Srv => RecordType::SRV,
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns")
            .field("search", &self.search)
            .field("ndots", &self.ndots)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::rdata::{A, CNAME};

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn dns(search: &[&str], ndots: usize) -> Dns {
        let nobody = NameServers::At(vec!["127.0.0.1:9".parse().unwrap()]);
        let dns = Dns::new(&nobody, Duration::from_secs(1)).unwrap();
        Dns { search: search.iter().map(|domain| name(domain)).collect(), ndots, ..dns }
    }

    fn names(dns: &Dns, written: &str) -> Vec<String> {
        dns.names(&name(written)).iter().map(Name::to_ascii).collect()
    }

    fn of(owner: &str, ttl: u32, data: RData) -> Record {
        Record::from_rdata(name(owner), ttl, data)
    }

    fn a(owner: &str, ttl: u32) -> Record {
        of(owner, ttl, RData::A(A::new(192, 0, 2, 1)))
    }

    fn cname(owner: &str, ttl: u32, target: &str) -> Record {
        of(owner, ttl, RData::CNAME(CNAME(name(target))))
    }

    fn read_a(answers: &[Record], code: ResponseCode) -> Told {
        read(answers, code, &name("host.test."), Kind::A)
    }

    #[test]
    fn the_search_list_completes_short_names_first_and_long_ones_last() {
        let cluster = dns(&["ns.svc.cluster.local.", "corp.test."], 2);
        assert_eq!(names(&cluster, "pbx"), ["pbx.ns.svc.cluster.local.", "pbx.corp.test.", "pbx."]);
        assert_eq!(
            names(&cluster, "pbx.lab"),
            ["pbx.lab.ns.svc.cluster.local.", "pbx.lab.corp.test.", "pbx.lab."]
        );
        assert_eq!(
            names(&cluster, "sip.carrier.test"),
            ["sip.carrier.test.", "sip.carrier.test.ns.svc.cluster.local.", "sip.carrier.test.corp.test."]
        );
        assert_eq!(names(&cluster, "_sip._udp.carrier.test."), ["_sip._udp.carrier.test."]);
    }

    #[test]
    fn an_answer_is_kept_for_the_lowest_ttl_on_the_way_to_it() {
        let found = Answer::Addresses(vec!["192.0.2.1".parse().unwrap()]);
        let direct = [a("HOST.test.", 60)];
        assert_eq!(read_a(&direct, ResponseCode::NoError), (found.clone(), seconds(60)));
        let chained = [cname("host.test.", 20, "other.test."), a("other.test.", 60)];
        assert_eq!(read_a(&chained, ResponseCode::NoError), (found, seconds(20)));
    }

    #[test]
    fn a_cname_without_records_is_followed_unless_its_end_does_not_exist() {
        let chain = [cname("host.test.", 20, "other.test."), cname("other.test.", 30, "last.test.")];
        assert_eq!(read_a(&chain, ResponseCode::NoError), (Answer::Alias("last.test.".into()), seconds(20)));
        assert_eq!(read_a(&chain, ResponseCode::NXDomain).0, Answer::Absent(Absent::Name));
    }

    #[test]
    fn records_of_another_name_are_no_answer() {
        let stray = [a("evil.test.", 60), cname("other.test.", 60, "evil.test.")];
        assert_eq!(read_a(&stray, ResponseCode::NoError).0, Answer::Absent(Absent::Records));
    }
}
