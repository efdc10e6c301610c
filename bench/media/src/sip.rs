//! Calls by SIP: phones of `phone` on one socket a side, a few of them being set up at a time.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use phone::{Config, Glance, Invite, Phone, Step};

use crate::calls::{Ends, Leg, Trouble};
use crate::sdp::Describing;

/// Who calls and who is called.
pub(crate) struct Calls {
    callers: Phones,
    callees: Phones,
    system: SocketAddrV4,
    number: String,
    describing: Ends<Describing>,
}

/// The phones of one side.
struct Phones {
    socket: UdpSocket,
    address: SocketAddrV4,
    all: Vec<Phone>,
    by_call: HashMap<String, usize>,
    datagram: Box<[u8]>,
}

impl Calls {
    /// Phones at `sip`, and the system that carries their calls to `number`.
    pub(crate) fn new(
        system: SocketAddrV4,
        number: &str,
        sip: Ends<SocketAddrV4>,
        describing: Ends<Describing>,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            callers: Phones::new(sip.caller)?,
            callees: Phones::new(sip.callee)?,
            system,
            number: number.to_owned(),
            describing,
        })
    }

    /// Sets up so many calls; gives the legs of each side, in no order that both share.
    pub(crate) fn place(&mut self, wanted: usize) -> Result<Ends<Vec<Leg>>, Trouble> {
        let mut progress = Instant::now();
        let mut up = 0;
        while up < wanted {
            if self.callers.all.len() < wanted && self.callers.all.len() < up + AT_ONCE {
                self.call()?;
            }
            self.turn()?;
            while self.callers.all.get(up).is_some_and(Phone::is_up) {
                up += 1;
                progress = Instant::now();
            }
            if progress.elapsed() > PATIENCE {
                return Err(self.stuck(up, wanted));
            }
        }
        // The last ACKs are on their way.
        while self.callees.all.iter().any(|phone| !phone.is_up()) {
            self.turn()?;
            if progress.elapsed() > PATIENCE {
                return Err(self.stuck(up, wanted));
            }
        }
        Ok(Ends {
            caller: self.callers.legs(self.describing.caller)?,
            callee: self.callees.legs(self.describing.callee)?,
        })
    }

    /// Ends them.
    pub(crate) fn hang_up(&mut self) -> Result<(), Trouble> {
        let began = Instant::now();
        for first in (0..self.callers.all.len()).step_by(AT_ONCE) {
            let last = (first + AT_ONCE).min(self.callers.all.len());
            self.callers.all[first..last].iter_mut().for_each(|phone| phone.hang_up(Instant::now()));
            while self.callers.all[first..last].iter().any(|phone| phone.outcome().is_none()) {
                self.turn()?;
                if began.elapsed() > PATIENCE {
                    return Err(self.stuck(0, self.callers.all.len()));
                }
            }
        }
        Ok(())
    }

    fn call(&mut self) -> Result<(), Trouble> {
        let index = self.callers.all.len();
        let to = format!("sip:{}@{}", self.number, self.system);
        let invite = Invite::to(to).offer(self.describing.caller.own(index, None)?);
        let script = vec![Step::Invite(invite), Step::Expect(200), Step::Ack { sdp: None }];
        let phone = Phone::new(self.callers.config("caller", "+12125550199", index), script);
        self.callers.all.push(phone);
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Trouble> {
        self.callers.turn(None)?;
        self.callees.turn(Some(self.describing.callee))
    }

    fn stuck(&self, up: usize, wanted: usize) -> Trouble {
        let phones = self.callers.all.iter().chain(&self.callees.all);
        let said = phones.filter(|phone| !phone.is_up()).find_map(|phone| {
            phone.fault().map(str::to_owned).or(phone.status().map(|status| status.to_string()))
        });
        Trouble::Setup { up, wanted, said: said.unwrap_or_else(|| "nothing".to_owned()) }
    }
}

impl Phones {
    fn new(address: SocketAddrV4) -> Result<Self, Trouble> {
        let socket = UdpSocket::bind(address).map_err(Trouble::socket("SIP socket"))?;
        socket.set_nonblocking(true).map_err(Trouble::socket("SIP socket"))?;
        Ok(Self {
            socket,
            address,
            all: Vec::new(),
            by_call: HashMap::new(),
            datagram: vec![0; 65_535].into_boxed_slice(),
        })
    }

    fn config(&self, name: &str, user: &str, index: usize) -> Config {
        Config {
            name: name.to_owned(),
            user: user.to_owned(),
            address: self.address.into(),
            outbound_proxy: None,
            sdp: None,
            seed: u64::from(self.address.ip().to_bits()) << 32 | u64::try_from(index).unwrap_or_default(),
        }
    }

    /// Takes what came, does what is due, sends what is to be sent. Who is called answers by this.
    fn turn(&mut self, answering: Option<Describing>) -> Result<(), Trouble> {
        let mut is_idle = true;
        loop {
            match self.socket.recv_from(&mut self.datagram) {
                Ok((length, from)) => {
                    is_idle = false;
                    let message = self.datagram[..length].to_vec();
                    let glance = Glance::of(&message).map_err(|fault| Trouble::Strange(fault.to_string()))?;
                    let index = match (self.by_call.get(&glance.call_id), answering) {
                        (Some(index), _) => *index,
                        (None, Some(describing)) => self.called(glance.call_id, &message, describing)?,
                        (None, None) => continue,
                    };
                    self.all[index].receive(Instant::now(), from, &message);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(Trouble::socket("receiving SIP")(error)),
            }
        }
        let now = Instant::now();
        for (index, phone) in self.all.iter_mut().enumerate() {
            let is_new = phone.times().invited.is_none() && phone.outcome().is_none();
            if is_new || phone.deadline().is_some_and(|due| due <= now) {
                phone.expire(now);
            }
            while let Some((to, bytes)) = phone.poll_transmit() {
                is_idle = false;
                if is_new {
                    let glance = Glance::of(&bytes).map_err(|fault| Trouble::Strange(fault.to_string()))?;
                    self.by_call.insert(glance.call_id, index);
                }
                self.socket.send_to(&bytes, to).map_err(Trouble::socket("sending SIP"))?;
            }
        }
        if is_idle {
            std::thread::sleep(REST);
        }
        Ok(())
    }

    /// A phone that takes the call.
    fn called(&mut self, call: String, message: &[u8], describing: Describing) -> Result<usize, Trouble> {
        let text = String::from_utf8_lossy(message);
        let offer = text.split_once("\r\n\r\n").map(|(_, offer)| offer).unwrap_or_default();
        let index = self.all.len();
        let answer = Step::Answer { sdp: Some(describing.own(index, Some(offer))?) };
        let script = vec![Step::ExpectInvite, answer, Step::ExpectAck];
        self.all.push(Phone::new(self.config("callee", "bench", index), script));
        self.by_call.insert(call, index);
        Ok(index)
    }

    fn legs(&self, describing: Describing) -> Result<Vec<Leg>, Trouble> {
        let descriptions = self.all.iter().map(|phone| phone.remote_sdp().unwrap_or_default());
        descriptions.enumerate().map(|(index, description)| describing.leg(index, description)).collect()
    }
}

/// Calls that are being set up at a time.
const AT_ONCE: usize = 32;
/// Without any progress it is given up.
const PATIENCE: Duration = Duration::from_secs(20);
const REST: Duration = Duration::from_micros(200);
