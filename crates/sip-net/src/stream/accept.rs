//! Peers that come in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use sip::Flow;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::conversation::{Link, converse};
use super::fault::StreamFault;
use super::gate::Place;
use super::hub::{Arrival, End, Hub, Told};
use super::queue::{Waiting, queue};
use super::vigil::Opener;
use super::{dial, websocket};
use crate::listener::{Door, Security};
use crate::tls::TlsFault;

/// Lets peers in, for ever.
pub(crate) async fn accept(door: Arc<Door>, hub: Hub) {
    loop {
        match door.socket.accept().await {
            Ok((stream, remote)) => match hub.gate.admit(remote.ip(), hub.owners.standing(remote.ip())) {
                Ok(place) => {
                    tokio::spawn(serve(Arc::clone(&door), hub.clone(), stream, remote, place));
                }
                Err(full) => {
                    // A line less, if the driver is behind: it has enough of them.
                    let fault = StreamFault::TooMany { source: remote.ip(), full };
                    hub.told.try_send(Told::TurnedAway(fault)).ok();
                }
            },
            Err(error) => {
                let fault = StreamFault::Unaccepted {
                    transport: door.transport(),
                    local: door.local,
                    error: error.to_string(),
                };
                hub.told.try_send(Told::TurnedAway(fault)).ok();
                sleep(RECOVERY).await;
            }
        }
    }
}

/// One connection from its handshake to its end. Its place is given back with it.
async fn serve(door: Arc<Door>, hub: Hub, stream: TcpStream, remote: SocketAddr, place: Place) {
    let flow = Flow { transport: door.transport(), local: door.local, remote };
    dial::prepare(&stream, &hub.limits);
    let id = hub.next_id();
    let mut link = Link { id, flow, opener: Opener::Peer, place: Some(place), called: Vec::new() };
    let after = hub.limits.handshake;
    let end = match &door.security {
        Security::Plain => {
            let waiting = open(&link, &hub, None).await;
            converse(stream, &link, &hub, waiting).await
        }
        Security::Tls(tls) => {
            let acceptor = TlsAcceptor::from(tls.server());
            match timeout(after, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                    let waiting = open(&link, &hub, shown.map(|shown| shown.clone().into_owned())).await;
                    converse(stream, &link, &hub, waiting).await
                }
                Ok(Err(error)) => {
                    let fault = TlsFault::of(&error);
                    return turn_away(&hub, fault.map(|fault| StreamFault::Tls { flow, name: None, fault }))
                        .await;
                }
                Err(_) => return turn_away(&hub, Some(StreamFault::Handshake { flow, after })).await,
            }
        }
        Security::WebSocket => match timeout(after, websocket::accept(stream)).await {
            Ok(Ok(socket)) => {
                let waiting = open(&link, &hub, None).await;
                websocket::converse(socket, &link, &hub, waiting).await
            }
            Ok(Err(fault)) => {
                return turn_away(&hub, Some(StreamFault::WebSocket { flow, fault })).await;
            }
            Err(_) => return turn_away(&hub, Some(StreamFault::Handshake { flow, after })).await,
        },
    };
    link.place = None;
    ended(&hub, link, end).await;
}

async fn open(link: &Link, hub: &Hub, shown: Option<CertificateDer<'static>>) -> Waiting {
    let (queue, waiting) = queue(hub.limits.queue);
    hub.tell(Told::Opened { id: link.id, flow: link.flow, arrival: Arrival { queue, shown } }).await;
    waiting
}

async fn turn_away(hub: &Hub, fault: Option<StreamFault>) {
    if let Some(fault) = fault {
        hub.tell(Told::TurnedAway(fault)).await;
    }
}

pub(super) async fn ended(hub: &Hub, link: Link, end: End) {
    hub.tell(Told::Ended { id: link.id, flow: link.flow, end }).await;
}

/// When the system has no files left, a moment's wait costs nothing.
const RECOVERY: Duration = Duration::from_millis(100);
