//! Reads a message once and notes where everything is (RFC 3261 s.7, s.8.1.1, s.18.3; RFC 4475 for what is refused).
//!
//! Reading goes on after a fault, so that the request can be answered by what else it has.

use std::sync::Arc;

use smallvec::SmallVec;

use super::method::{CSeq, Method, decimal};
use super::name::{Name, is_token};
use super::start::{Start, StartFault, read_start};
use super::{Limits, StatusCode};
use crate::name_addr::NameAddr;
use crate::params::{elements, is_space, split_near, trim};
use crate::via::Via;

/// A range of the message. 16 bits hold every offset, see [`Limits::SIZE`].
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Span {
    start: u16,
    end: u16,
}

/// One header line, folds included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) name: Name,
    pub(super) folded: bool,
    pub(super) written: Span,
    pub(super) value: Span,
}

/// Where everything is.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) start: Start,
    pub(super) cseq: CSeq,
    pub(super) lines: SmallVec<[Line; TYPICAL]>,
    pub(super) call_id: Span,
    pub(super) from_tag: Option<Span>,
    pub(super) to_tag: Option<Span>,
    pub(super) body: Span,
    /// No line may be copied as it stands: a CR or LF stands alone somewhere in the headers (only ever so in a message that is
    /// refused), or they carry octets that are no text.
    pub(super) stray: bool,
}

/// What is wrong, and the status that a request earns by it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) words: String,
}

impl Fault {
    pub(super) fn bad(words: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, words: words.into() }
    }

    fn large(words: impl Into<String>) -> Self {
        Self { status: StatusCode::MESSAGE_TOO_LARGE, words: words.into() }
    }
}

impl Span {
    /// Of `part` within `whole`, whose slice it is.
    pub(super) fn of(whole: &str, part: &str) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
        Self::new(start, start.wrapping_add(part.len()))
    }

    fn new(start: usize, end: usize) -> Self {
        let bound = |at| u16::try_from(at).unwrap_or(u16::MAX);
        Self { start: bound(start), end: bound(end) }
    }

    pub(super) fn bytes(self, message: &[u8]) -> &[u8] {
        message.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// The range as text: the headers were checked to be UTF-8, and checking a few octets again is cheap.
    pub(super) fn text(self, message: &[u8]) -> &str {
        std::str::from_utf8(self.bytes(message)).unwrap_or_default()
    }

    /// From the start of this one to the end of `last`.
    pub(super) fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }

    pub(super) fn end(self) -> usize {
        self.end.into()
    }
}

/// Indexes a message of `size` octets, of which `text` is the first part: as much as is UTF-8, which must cover the headers.
///
/// # Errors
/// The fault alone where there is not even a start line.
pub(super) fn read(text: &str, size: usize) -> Result<(Arc<Index>, Option<Fault>), Fault> {
    let mut cursor = Cursor { text, at: 0, physical: 0, ended_ill: false };
    let line = cursor.next().ok_or_else(|| Fault::bad("the message ends within its start line"))?;
    let (start, fault) = match read_start(text, line.text) {
        Ok(start) => (start, None),
        Err(StartFault::Partial(start, fault)) => (start, Some(fault)),
        Err(StartFault::NotSip(fault)) => return Err(fault),
    };
    let method = match &start {
        Start::Request { method, .. } => method.clone(),
        Start::Response { .. } => Method::Options,
    };
    let mut index = Index {
        start,
        cseq: CSeq { number: 0, method },
        lines: SmallVec::new(),
        call_id: Span::default(),
        from_tag: None,
        to_tag: None,
        body: Span::default(),
        stray: false,
    };
    let mut reader = Reader {
        text,
        fault,
        vias: 0,
        max_forwards: None,
        content_length: None,
        from: None,
        to: None,
        cseq: None,
        index: &mut index,
    };
    if line.folded || !line.ended_well {
        reader.note(Fault::bad("the start line is folded or holds a stray line break"));
    }
    reader.headers(&mut cursor);
    let stray_cr = !cursor.no_stray_cr();
    reader.index.stray = cursor.ended_ill || stray_cr;
    if stray_cr {
        reader.fault = Some(Fault::bad("a stray CR in the headers"));
    }
    reader.finish(cursor.at, size);
    let fault = reader.fault;
    Ok((Arc::new(index), fault))
}

/// Walks lines, each with its folds.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Lines read, each fold its own.
    physical: usize,
    /// One of them did not end by CRLF.
    ended_ill: bool,
}

struct Logical<'a> {
    text: &'a str,
    folded: bool,
    /// By CRLF, and so each fold.
    ended_well: bool,
}

impl<'a> Cursor<'a> {
    /// `None` if the text ends before the line does.
    fn next(&mut self) -> Option<Logical<'a>> {
        let octets = self.text.as_bytes();
        let start = self.at;
        let mut folded = false;
        let mut ended_well = true;
        loop {
            let end = self.at + memchr::memchr(b'\n', octets.get(self.at..)?)?;
            let first = self.at == start;
            self.at = end + 1;
            self.physical += 1;
            let well = end > start && octets.get(end - 1) == Some(&b'\r');
            ended_well &= well;
            self.ended_ill |= !well;
            let end = if well { end - 1 } else { end };
            if (end > start || !first) && matches!(octets.get(self.at), Some(b' ' | b'\t')) {
                folded = true;
                continue;
            }
            return Some(Logical { text: self.text.get(start..end)?, folded, ended_well });
        }
    }

    /// Whether each CR so far was the one of a CRLF, so that none hides within a line.
    fn no_stray_cr(&self) -> bool {
        let read = self.text.as_bytes().get(..self.at).unwrap_or_default();
        memchr::memchr_iter(b'\r', read).count() <= self.physical
    }
}

struct Reader<'a, 'i> {
    text: &'a str,
    index: &'i mut Index,
    fault: Option<Fault>,
    vias: usize,
    max_forwards: Option<u8>,
    content_length: Option<usize>,
    from: Option<&'a str>,
    to: Option<&'a str>,
    cseq: Option<CSeq>,
}

impl<'a> Reader<'a, '_> {
    /// Keeps the first fault: the others may only follow from it.
    fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn headers(&mut self, cursor: &mut Cursor<'a>) {
        loop {
            let Some(line) = cursor.next() else {
                return self.note(Fault::bad("the message ends within its headers"));
            };
            if line.text.is_empty() {
                if !line.ended_well {
                    self.note(Fault::bad("the headers end without CR"));
                }
                return;
            }
            if let Err(fault) = self.line(&line) {
                self.note(fault);
            }
            if self.index.lines.len() > Limits::HEADERS {
                self.index.lines.truncate(Limits::HEADERS);
                return self.note(Fault::large(format!("more than {} headers", Limits::HEADERS)));
            }
        }
    }

    fn line(&mut self, line: &Logical<'a>) -> Result<(), Fault> {
        let (written, value) = split_near(line.text, |byte| byte == b':')
            .ok_or_else(|| Fault::bad("a header without a colon"))?;
        let written = written.trim_end_matches([' ', '\t']);
        let name = Name::of(written);
        if name == Name::Other && !is_token(written) {
            return Err(Fault::bad("a header name that is no token"));
        }
        let value = trim(value);
        self.index.lines.push(Line {
            name,
            folded: line.folded && value.contains('\n'),
            written: Span::of(self.text, written),
            value: Span::of(self.text, value),
        });
        if !line.ended_well {
            return Err(Fault::bad(format!("a stray CR or LF in {written}")));
        }
        if line.text.len() > Limits::LINE {
            return Err(Fault::large(format!("{written} is over {} octets long", Limits::LINE)));
        }
        self.known(name, value)
            .map_err(|fault| Fault { words: format!("{written}: {}", fault.words), ..fault })
    }

    /// What is wrong with a value that the lower layers live by.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other headers are the business of who reads them"
    )]
    fn known(&mut self, name: Name, value: &'a str) -> Result<(), Fault> {
        let twice = || Fault::bad("there are two of them");
        match name {
            Name::Via => return self.via(value),
            Name::From | Name::To => {
                let (slot, tag) = if name == Name::From {
                    (&mut self.from, &mut self.index.from_tag)
                } else {
                    (&mut self.to, &mut self.index.to_tag)
                };
                if slot.is_some() {
                    return Err(twice());
                }
                let address = NameAddr::parse(value).map_err(|fault| Fault::bad(fault.to_string()))?;
                *tag = address.tag().map(|tag| Span::of(self.text, tag));
                *slot = Some(value);
            }
            Name::CallId => {
                if self.index.call_id.end() > 0 {
                    return Err(twice());
                }
                if value.is_empty() || value.contains(is_space) {
                    return Err(Fault::bad("empty or with a space in it"));
                }
                self.index.call_id = Span::of(self.text, value);
            }
            Name::CSeq => {
                let cseq =
                    CSeq::parse(value).ok_or_else(|| Fault::bad("no number below 2^31 and a method"))?;
                if self.cseq.replace(cseq).is_some() {
                    return Err(twice());
                }
            }
            Name::MaxForwards => {
                let hops = decimal(value).and_then(|hops| u8::try_from(hops).ok());
                let hops = hops.ok_or_else(|| Fault::bad("no number from 0 to 255"))?;
                if self.max_forwards.replace(hops).is_some() {
                    return Err(twice());
                }
            }
            Name::ContentLength => {
                let length = decimal(value).and_then(|length| usize::try_from(length).ok());
                let length = length.ok_or_else(|| Fault::bad("no number"))?;
                if self.content_length.replace(length).is_some_and(|first| first != length) {
                    return Err(Fault::bad("two that differ"));
                }
            }
            Name::Contact | Name::Route | Name::RecordRoute if self.index.start.is_request() => {
                return addresses(name, value);
            }
            _ => {}
        }
        Ok(())
    }

    fn via(&mut self, value: &str) -> Result<(), Fault> {
        for element in elements(value) {
            self.vias += 1;
            if self.vias > Limits::VIAS {
                return Err(Fault::large(format!("more than {} of them", Limits::VIAS)));
            }
            if Via::parse(element).is_none() {
                return Err(Fault::bad("malformed"));
            }
        }
        Ok(())
    }

    /// What all headers together must be, and the body.
    fn finish(&mut self, head: usize, size: usize) {
        if let Err(fault) = self.required() {
            self.note(fault);
        }
        if let Some(cseq) = self.cseq.take() {
            self.index.cseq = cseq;
        }
        let end = match self.content_length {
            None => size,
            Some(length) if length <= size.saturating_sub(head) => head + length,
            Some(length) => {
                let words =
                    format!("Content-Length: {length}, and there are {} octets", size.saturating_sub(head));
                self.note(Fault::bad(words));
                size
            }
        };
        self.index.body = Span::new(head, end);
    }

    fn required(&self) -> Result<(), Fault> {
        let missing = |name| Err(Fault::bad(format!("no {name}")));
        if self.vias == 0 {
            return missing("Via");
        }
        if self.from.is_none() {
            return missing("From");
        }
        if self.to.is_none() {
            return missing("To");
        }
        if self.index.call_id.end() == 0 {
            return missing("Call-ID");
        }
        let Some(cseq) = &self.cseq else {
            return missing("CSeq");
        };
        match &self.index.start {
            Start::Request { method, .. } if *method != cseq.method => {
                // RFC 4475 s.3.1.2.18: for a method of the future, 501 says more.
                let unknown = matches!(method, Method::Extension(_));
                let status = if unknown { StatusCode::NOT_IMPLEMENTED } else { StatusCode::BAD_REQUEST };
                Err(Fault {
                    status,
                    words: format!("CSeq says {} where the request is {method}", cseq.method),
                })
            }
            Start::Request { .. } | Start::Response { .. } => Ok(()),
        }
    }
}

fn addresses(name: Name, value: &str) -> Result<(), Fault> {
    if name == Name::Contact && value == "*" {
        return Ok(());
    }
    for element in elements(value).filter(|element| !element.is_empty()) {
        NameAddr::parse(element).map_err(|fault| Fault::bad(fault.to_string()))?;
    }
    Ok(())
}

/// As many header lines as most messages have at the utmost: no allocation of their own.
const TYPICAL: usize = 32;
