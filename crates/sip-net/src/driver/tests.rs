//! The driver on real sockets, with a script for the core.

use std::sync::{Arc, Mutex};

use b2bua::io::{Question, Ticket, Verdict};
use media::MediaKey;
use media::command::Digit;
use sip::Transport;
use sip::endpoint::Transmit;
use sip::locate::Target;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::brain::Remaining;
use crate::{Listener, bind_udp};

mod secure;
mod streams;
mod websockets;

/// Nothing here takes a tenth of it; what waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(10);

async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("what was waited for happens")
}

/// What the script says to an input, and when it wants to be woken after it.
struct Said {
    outputs: Vec<Output>,
    deadline: Option<Instant>,
}

impl Said {
    const NOTHING: Self = Self { outputs: Vec::new(), deadline: None };

    fn outputs(outputs: Vec<Output>) -> Self {
        Self { outputs, deadline: None }
    }
}

struct Script<F> {
    say: F,
    seen: mpsc::UnboundedSender<Input>,
    outbox: VecDeque<Output>,
    deadline: Option<Instant>,
    remaining: Arc<Mutex<Remaining>>,
}

impl<F: FnMut(&Input) -> Said + Send> Brain for Script<F> {
    fn handle(&mut self, _now: Now, input: Input) {
        let said = (self.say)(&input);
        self.outbox.extend(said.outputs);
        self.deadline = said.deadline;
        // A test that is over listens no more.
        self.seen.send(input).ok();
    }

    fn poll(&mut self) -> Output {
        self.outbox.pop_front().unwrap_or(Output::Idle(self.deadline))
    }

    fn remaining(&self) -> Remaining {
        *self.remaining.lock().unwrap()
    }
}

/// Tells the names of what it gets.
struct Names {
    told: mpsc::UnboundedSender<String>,
    faults: mpsc::UnboundedSender<StreamFault>,
}

impl Names {
    fn tell(&self, name: String) {
        self.told.send(name).ok();
    }
}

impl Outlets for Names {
    fn media(&mut self, worker: WorkerId, command: media::Command) {
        self.tell(format!("media {} {command:?}", worker.0));
    }
    fn agent(&mut self, worker: WorkerId, command: AgentCommand) {
        self.tell(format!("agent {} {command:?}", worker.0));
    }
    fn record(&mut self, call: CallKey, _record: Arc<CallRecord>) {
        self.tell(format!("record {}", call.0));
    }
    fn notice(&mut self, notice: Notice) {
        self.tell(format!("notice {notice:?}"));
    }
    fn stream_fault(&mut self, fault: StreamFault) {
        self.faults.send(fault).ok();
    }
}

struct Node {
    locals: Vec<SocketAddr>,
    inputs: mpsc::Sender<Input>,
    seen: mpsc::UnboundedReceiver<Input>,
    told: mpsc::UnboundedReceiver<String>,
    faults: mpsc::UnboundedReceiver<StreamFault>,
    remaining: Arc<Mutex<Remaining>>,
    task: JoinHandle<Ending>,
}

impl Node {
    fn start(sockets: impl Into<Sockets>, say: impl FnMut(&Input) -> Said + Send + 'static) -> Self {
        let (inputs, taken) = mpsc::channel(64);
        let (seen_sender, seen) = mpsc::unbounded_channel();
        let (told_sender, told) = mpsc::unbounded_channel();
        let (faults_sender, faults) = mpsc::unbounded_channel();
        let remaining = Arc::new(Mutex::new(Remaining { calls: 0, seats: 0, dialogs: 0 }));
        let sockets = sockets.into();
        let locals = sockets.listeners.iter().map(Listener::local).collect();
        let script = Script {
            say,
            seen: seen_sender,
            outbox: VecDeque::new(),
            deadline: None,
            remaining: Arc::clone(&remaining),
        };
        let names = Names { told: told_sender, faults: faults_sender };
        let task = tokio::spawn(drive(script, sockets, Window::default(), taken, names));
        Self { locals, inputs, seen, told, faults, remaining, task }
    }

    async fn hand_in(&self, input: Input) {
        within(self.inputs.send(input)).await.unwrap();
    }

    async fn seen(&mut self) -> Input {
        within(self.seen.recv()).await.expect("the driver runs")
    }
}

fn listener() -> Listener {
    bind_udp("127.0.0.1:0".parse().unwrap()).unwrap()
}

fn transmit(flow: Flow, bytes: impl Into<Bytes>) -> Output {
    Output::Transmit(Transmit { flow, bytes: bytes.into() })
}

/// An address on which nobody listens.
async fn dead() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_datagram_comes_in_with_its_flow_and_the_answer_leaves_by_it() {
    let mut node = Node::start(vec![listener(), listener()], |input| {
        let Input::Datagram { flow, bytes } = input else { return Said::NOTHING };
        Said::outputs(vec![transmit(*flow, bytes.clone())])
    });
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for local in node.locals.clone() {
        let datagram = vec![b'x'; 60_000];
        peer.send_to(&datagram, local).await.unwrap();
        let mut buffer = vec![0; 65_535];
        let (length, from) = within(peer.recv_from(&mut buffer)).await.unwrap();
        assert_eq!((&buffer[..length], from), (&datagram[..], local));
        let Input::Datagram { flow, .. } = node.seen().await else { panic!("a datagram came in") };
        assert_eq!(flow, Flow { transport: Transport::Udp, local, remote: peer.local_addr().unwrap() });
    }
}

#[tokio::test]
async fn what_the_core_says_is_carried_out_in_its_order() {
    let media = MediaKey(5);
    let mut node = Node::start(Vec::<Listener>::new(), move |_| {
        let digit = Digit::from_key('1').expect("a key");
        let duration = Duration::from_millis(100);
        Said::outputs(vec![
            Output::Media(WorkerId(1), media::Command::Echo { media }),
            Output::Agent(WorkerId(0), AgentCommand::Close { agent: media::agent::AgentKey(3) }),
            Output::Media(WorkerId(0), media::Command::Dial { media, digit, duration }),
        ])
    });
    node.hand_in(Input::Timeout).await;
    for name in ["media 1 Echo", "agent 0 Close", "media 0 Dial"] {
        let told = within(node.told.recv()).await.unwrap();
        assert!(told.starts_with(name), "{told}");
    }
}

#[tokio::test]
async fn the_core_is_woken_at_its_deadline() {
    let mut node = Node::start(Vec::<Listener>::new(), |input| Said {
        outputs: Vec::new(),
        deadline: matches!(input, Input::Recorded(_)).then(|| Instant::now() + Duration::from_millis(30)),
    });
    let start = Instant::now();
    node.hand_in(Input::Recorded(CallKey(1))).await;
    assert!(matches!(node.seen().await, Input::Recorded(_)));
    assert!(matches!(node.seen().await, Input::Timeout));
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn a_peer_where_nobody_listens_fails_its_flow_and_no_other() {
    let socket = listener();
    let (dead, alive) = (dead().await, UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let (gone, there) = (socket.flow(dead), socket.flow(alive.local_addr().unwrap()));
    let mut node = Node::start(vec![socket], move |input| {
        if !matches!(input, Input::Timeout) {
            return Said::NOTHING;
        }
        Said::outputs(vec![transmit(gone, "one"), transmit(there, "two"), transmit(there, "three")])
    });
    for _ in 0..20 {
        node.hand_in(Input::Timeout).await;
        let mut buffer = [0; 16];
        for word in ["two", "three"] {
            let (length, _) = within(alive.recv_from(&mut buffer)).await.unwrap();
            assert_eq!(&buffer[..length], word.as_bytes());
        }
        assert!(matches!(node.seen().await, Input::Timeout));
        let Input::FlowFailed(failed) = node.seen().await else { panic!("the flow fails") };
        assert_eq!(failed, gone);
    }
}

#[tokio::test]
async fn what_can_not_be_sent_fails_its_flow() {
    let socket = listener();
    let remote = dead().await;
    let too_long = socket.flow(remote);
    let no_socket = Flow { local: "127.0.0.1:1".parse().unwrap(), ..too_long };
    let no_transport = Flow { transport: Transport::Tls, ..too_long };
    let mut flows = VecDeque::from([too_long, no_socket, no_transport]);
    let mut node = Node::start(vec![socket], move |input| {
        if !matches!(input, Input::Timeout) {
            return Said::NOTHING;
        }
        Said::outputs(flows.pop_front().map(|flow| transmit(flow, vec![0; 65_535])).into_iter().collect())
    });
    for flow in [too_long, no_socket, no_transport] {
        node.hand_in(Input::Timeout).await;
        assert!(matches!(node.seen().await, Input::Timeout));
        let Input::FlowFailed(failed) = node.seen().await else { panic!("the flow fails") };
        assert_eq!(failed, flow);
    }
}

#[tokio::test]
async fn a_question_is_answered_with_its_ticket() {
    let target = Target::host("127.0.0.9", Some(5_099), None).unwrap();
    let question = Question::Resolve(target);
    let mut node = Node::start(vec![listener()], move |input| {
        if !matches!(input, Input::Timeout) {
            return Said::NOTHING;
        }
        Said::outputs(vec![Output::Ask(Ticket(17), question.clone())])
    });
    node.hand_in(Input::Timeout).await;
    assert!(matches!(node.seen().await, Input::Timeout));
    let Input::Verdict(ticket, verdict) = node.seen().await else { panic!("a verdict comes") };
    let Verdict::Resolved(found) = verdict else { panic!("it is an address: {verdict:?}") };
    let places: Vec<_> = found.iter().map(|place| (place.transport, place.address)).collect();
    assert_eq!((ticket, places), (Ticket(17), vec![(Transport::Udp, "127.0.0.9:5099".parse().unwrap())]));
}

#[tokio::test]
async fn a_flood_on_one_socket_leaves_the_other_its_turn() {
    let sockets = vec![listener(), listener()];
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for _ in 0..150 {
        for socket in &sockets {
            peer.send_to(b"x", socket.local()).await.unwrap();
        }
    }
    let mut node = Node::start(sockets, |_| Said::NOTHING);
    let (mut run, mut longest, mut last) = (0, 0, None);
    for _ in 0..300 {
        let Input::Datagram { flow, .. } = node.seen().await else { panic!("a datagram came in") };
        run = if last == Some(flow.local) { run + 1 } else { 1 };
        longest = longest.max(run);
        last = Some(flow.local);
    }
    assert!(longest <= DATAGRAMS, "{longest} datagrams of one socket while the other waits");
}

#[tokio::test]
async fn a_shutdown_waits_for_calls_and_then_for_dialogs() {
    let node = Node::start(Vec::<Listener>::new(), |_| Said::NOTHING);
    *node.remaining.lock().unwrap() = Remaining { calls: 1, seats: 1, dialogs: 1 };
    node.hand_in(Input::Command(Command::Shutdown)).await;
    node.hand_in(Input::Timeout).await;
    assert!(!node.task.is_finished());
    *node.remaining.lock().unwrap() = Remaining { calls: 0, seats: 0, dialogs: 1 };
    node.hand_in(Input::Recorded(CallKey(1))).await;
    let lingering = Instant::now();
    assert_eq!(within(node.task).await.unwrap(), Ending::ShutDown);
    assert!(
        lingering.elapsed() >= LINGER.saturating_sub(Duration::from_millis(50)),
        "the BYE had time for its answer"
    );
}

#[tokio::test]
async fn a_drain_waits_for_the_calls_that_are_up_and_then_shuts_down() {
    let node = Node::start(Vec::<Listener>::new(), |_| Said::NOTHING);
    *node.remaining.lock().unwrap() = Remaining { calls: 2, seats: 1, dialogs: 1 };
    node.hand_in(Input::Command(Command::Drain)).await;
    node.hand_in(Input::Timeout).await;
    assert!(!node.task.is_finished());
    // The other call was refused, and only waits for the store.
    *node.remaining.lock().unwrap() = Remaining { calls: 1, seats: 0, dialogs: 0 };
    node.hand_in(Input::Timeout).await;
    *node.remaining.lock().unwrap() = Remaining { calls: 0, seats: 0, dialogs: 0 };
    node.hand_in(Input::Recorded(CallKey(2))).await;
    assert_eq!(within(node.task).await.unwrap(), Ending::ShutDown);
}

#[tokio::test]
async fn a_shutdown_without_calls_is_over_at_once() {
    let node = Node::start(vec![listener()], |_| Said::NOTHING);
    node.hand_in(Input::Command(Command::Shutdown)).await;
    assert_eq!(within(node.task).await.unwrap(), Ending::ShutDown);
}

#[tokio::test]
async fn without_anybody_to_give_inputs_it_ends() {
    let Node { inputs, task, .. } = Node::start(vec![listener()], |_| Said::NOTHING);
    drop(inputs);
    assert_eq!(within(task).await.unwrap(), Ending::Abandoned);
}
