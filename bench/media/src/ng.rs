//! Calls by the ng protocol of rtpengine, which speaks no SIP: it is handed the offer and the answer, and says what to make of them.

use std::net::{SocketAddrV4, UdpSocket};
use std::time::Duration;

use crate::bencode::{self, Value};
use crate::calls::{Ends, Leg, Side, Trouble};
use crate::sdp::Describing;

/// The controlling side.
pub(crate) struct Calls {
    socket: UdpSocket,
    describing: Ends<Describing>,
    placed: usize,
    cookie: u32,
}

impl Calls {
    pub(crate) fn new(system: SocketAddrV4, describing: Ends<Describing>) -> Result<Self, Trouble> {
        let open = || {
            let socket = UdpSocket::bind((*describing.caller.rtp.ip(), 0))?;
            socket.connect(system)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            Ok(socket)
        };
        Ok(Self { socket: open().map_err(Trouble::socket("ng socket"))?, describing, placed: 0, cookie: 0 })
    }

    /// Sets up so many calls.
    pub(crate) fn place(&mut self, wanted: usize) -> Result<Ends<Vec<Leg>>, Trouble> {
        let mut legs = Ends { caller: Vec::new(), callee: Vec::new() };
        while self.placed < wanted {
            let call = format!("call-{}", self.placed);
            let (sides, index) = (self.describing, self.placed);
            let offered = self.exchange("offer", &call, &sides.caller.own(index, None)?)?;
            legs.callee.push(sides.callee.leg(index, &offered)?);
            let answered = self.exchange("answer", &call, &sides.callee.own(index, Some(&offered))?)?;
            legs.caller.push(sides.caller.leg(index, &answered)?);
            self.placed += 1;
        }
        Ok(legs)
    }

    /// Ends them.
    pub(crate) fn hang_up(&mut self) -> Result<(), Trouble> {
        for call in 0..self.placed {
            let call = format!("call-{call}");
            let delete = [
                ("command", Value::Text("delete")),
                ("call-id", Value::Text(&call)),
                ("from-tag", Value::Text("caller")),
                ("flags", Value::List(&["fatal"])),
            ];
            self.ask(&bencode::dictionary(&delete))?;
        }
        Ok(())
    }

    /// Has a description rewritten.
    fn exchange(&mut self, command: &str, call: &str, sdp: &str) -> Result<String, Trouble> {
        let is_answer = command == "answer";
        let to = if is_answer { Side::Caller } else { Side::Callee };
        let protocol = if self.describing.caller.sealed.is_for(to) { "RTP/SAVP" } else { "RTP/AVP" };
        let ask = [
            ("command", Value::Text(command)),
            ("call-id", Value::Text(call)),
            ("from-tag", Value::Text("caller")),
            ("to-tag", Value::Text("callee")),
            ("ICE", Value::Text("remove")),
            ("DTLS", Value::Text("off")),
            ("transport-protocol", Value::Text(protocol)),
            ("replace", Value::List(&["origin"])),
            ("sdp", Value::Text(sdp)),
        ];
        // An offer has nobody yet whom it goes to.
        let ask: Vec<_> = ask.into_iter().filter(|(name, _)| is_answer || *name != "to-tag").collect();
        let said = self.ask(&bencode::dictionary(&ask))?;
        bencode::member(&said, "sdp").map(str::to_owned).ok_or(Trouble::Strange(said))
    }

    fn ask(&mut self, message: &str) -> Result<String, Trouble> {
        self.cookie += 1;
        let cookie = format!("{} ", self.cookie);
        self.socket.send(format!("{cookie}{message}").as_bytes()).map_err(Trouble::socket("sending ng"))?;
        let mut answer = vec![0; 65_535];
        loop {
            let length = self.socket.recv(&mut answer).map_err(Trouble::socket("an answer by ng"))?;
            let text = String::from_utf8_lossy(&answer[..length]);
            if let Some(said) = text.strip_prefix(&cookie) {
                return Ok(said.to_owned());
            }
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
