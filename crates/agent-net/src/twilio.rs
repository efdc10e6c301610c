//! Twilio Media Streams over WebSocket, bidirectional: JSON text, µ-law at 8 kHz in base64, every counter a string.
//!
//! `connected` and `start` come first: bots tell the protocol by the first two messages. `sequenceNumber` counts the
//! messages from `start` on. From the bot we take `media`, `mark` and `clear`; its `streamSid` is not looked at, and what is
//! not understood is passed over.

use std::borrow::Cow;
use std::fmt::Display;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use media::agent::{Frame, Stream};
use media::command::Digit;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use tokio_tungstenite::tungstenite::Message;

use crate::codec::{Codec, Said};

/// One stream's identifiers and counters.
pub(crate) struct Twilio {
    stream: Box<Stream>,
    sequence: u64,
    chunk: u64,
}

impl Twilio {
    pub(crate) fn new(stream: Box<Stream>) -> Self {
        Self { stream, sequence: 0, chunk: 0 }
    }

    fn next_sequence(&mut self) -> Text<u64> {
        self.sequence += 1;
        Text(self.sequence)
    }
}

impl Codec for Twilio {
    fn greeting(&mut self) -> Vec<Message> {
        let sequence_number = self.next_sequence();
        let start = Start {
            account_sid: &self.stream.account_sid,
            stream_sid: &self.stream.stream_sid,
            call_sid: &self.stream.call_sid,
            tracks: ["inbound"],
            custom_parameters: Parameters(&self.stream.parameters),
            media_format: MediaFormat { encoding: "audio/x-mulaw", sample_rate: 8_000, channels: 1 },
        };
        vec![
            print(&ToBot::Connected { protocol: "Call", version: "1.0.0" }),
            print(&ToBot::Start { sequence_number, stream_sid: &self.stream.stream_sid, start }),
        ]
    }

    fn audio(&mut self, frame: &Frame) -> Message {
        let sequence_number = self.next_sequence();
        self.chunk += 1;
        let media = Media {
            track: "inbound",
            chunk: Text(self.chunk),
            timestamp: Text(frame.timestamp_ms),
            payload: BASE64.encode(frame.samples),
        };
        print(&ToBot::Media { sequence_number, stream_sid: &self.stream.stream_sid, media })
    }

    fn digit(&mut self, digit: Digit) -> Message {
        let sequence_number = self.next_sequence();
        let dtmf = Dtmf { track: "inbound_track", digit: digit.key() };
        print(&ToBot::Dtmf { sequence_number, stream_sid: &self.stream.stream_sid, dtmf })
    }

    fn mark(&mut self, name: &str) -> Message {
        let sequence_number = self.next_sequence();
        let mark = Mark { name: Cow::Borrowed(name) };
        print(&ToBot::Mark { sequence_number, stream_sid: &self.stream.stream_sid, mark })
    }

    fn farewell(&mut self) -> Message {
        let sequence_number = self.next_sequence();
        let stop = Stop { account_sid: &self.stream.account_sid, call_sid: &self.stream.call_sid };
        print(&ToBot::Stop { sequence_number, stream_sid: &self.stream.stream_sid, stop })
    }

    fn text(&self, text: &str) -> Said {
        match serde_json::from_str::<FromBot<'_>>(text) {
            Ok(FromBot::Media { media }) => {
                BASE64.decode(media.payload.as_bytes()).map_or(Said::Noise, |audio| Said::Audio(audio.into()))
            }
            Ok(FromBot::Mark { mark }) => Said::Mark(mark.name.into_owned()),
            Ok(FromBot::Clear) => Said::Clear,
            Ok(FromBot::Other) | Err(_) => Said::Noise,
        }
    }

    fn binary(&self, _bytes: &Bytes) -> Said {
        Said::Noise
    }
}

/// What we say. The fields stand in the order of the protocol's own examples.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase", rename_all_fields = "camelCase")]
enum ToBot<'a> {
    Connected { protocol: &'static str, version: &'static str },
    Start { sequence_number: Text<u64>, stream_sid: &'a str, start: Start<'a> },
    Media { sequence_number: Text<u64>, stream_sid: &'a str, media: Media },
    Dtmf { sequence_number: Text<u64>, stream_sid: &'a str, dtmf: Dtmf },
    Mark { sequence_number: Text<u64>, stream_sid: &'a str, mark: Mark<'a> },
    Stop { sequence_number: Text<u64>, stream_sid: &'a str, stop: Stop<'a> },
}

/// What a bot may say.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum FromBot<'a> {
    Media {
        #[serde(borrow)]
        media: Payload<'a>,
    },
    Mark {
        #[serde(borrow)]
        mark: Mark<'a>,
    },
    Clear,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    account_sid: &'a str,
    stream_sid: &'a str,
    call_sid: &'a str,
    tracks: [&'static str; 1],
    custom_parameters: Parameters<'a>,
    media_format: MediaFormat,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MediaFormat {
    encoding: &'static str,
    sample_rate: u32,
    channels: u8,
}

#[derive(Serialize)]
struct Media {
    track: &'static str,
    chunk: Text<u64>,
    timestamp: Text<u32>,
    payload: String,
}

#[derive(Serialize)]
struct Dtmf {
    track: &'static str,
    digit: char,
}

#[derive(Serialize, Deserialize)]
struct Mark<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stop<'a> {
    account_sid: &'a str,
    call_sid: &'a str,
}

/// A number that is written as a string.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// An object, in the order of the pairs.
struct Parameters<'a>(&'a [(String, String)]);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn print(message: &ToBot<'_>) -> Message {
    Message::text(
        serde_json::to_string(message).expect("strings, numbers and maps of strings have a JSON form"),
    )
}

/// Padding is written, and not asked for: some encoders leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    fn codec() -> Twilio {
        Twilio::new(Box::new(Stream {
            url: String::new(),
            headers: Vec::new(),
            account_sid: "AC1".into(),
            call_sid: "CA1".into(),
            stream_sid: "MZ1".into(),
            parameters: vec![("to_number".into(), "+1".into()), ("a \"b\"".into(), "ü".into())],
        }))
    }

    #[test]
    fn each_message_is_written_as_the_protocol_shows_it() {
        let mut codec = codec();
        let mut said = codec.greeting();
        said.push(codec.audio(&Frame { timestamp_ms: 5, samples: [0xff; 160] }));
        said.push(codec.digit(Digit::from_key('#').unwrap()));
        said.push(codec.mark("x"));
        said.push(codec.farewell());
        let payload = BASE64.encode([0xff; 160]);
        let expected = [
            r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#.to_owned(),
            r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],"customParameters":{"to_number":"+1","a \"b\"":"ü"},"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#.to_owned(),
            format!(r#"{{"event":"media","sequenceNumber":"2","streamSid":"MZ1","media":{{"track":"inbound","chunk":"1","timestamp":"5","payload":"{payload}"}}}}"#),
            r##"{"event":"dtmf","sequenceNumber":"3","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":"#"}}"##.to_owned(),
            r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"x"}}"#.to_owned(),
            r#"{"event":"stop","sequenceNumber":"5","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#.to_owned(),
        ];
        assert_eq!(said, expected.map(Message::text));
    }

    #[test]
    fn what_bots_say_is_read_in_any_member_order_with_or_without_padding() {
        let codec = codec();
        for (text, said) in [
            (
                r#"{"event":"media","streamSid":"MZ9","media":{"payload":"AQI="}}"#,
                Said::Audio(Bytes::from_static(&[1, 2])),
            ),
            (
                r#"{"media":{"payload":"AQI","extra":1},"event":"media"}"#,
                Said::Audio(Bytes::from_static(&[1, 2])),
            ),
            (
                r#"{"event":"media","media":{"payload":"\u0041QI="}}"#,
                Said::Audio(Bytes::from_static(&[1, 2])),
            ),
            (r#"{"event":"mark","mark":{"name":"a \"b\""}}"#, Said::Mark("a \"b\"".into())),
            (r#"{"event":"clear","streamSid":"MZ1","media":7}"#, Said::Clear),
        ] {
            assert_eq!(codec.text(text), said, "{text}");
        }
    }

    #[test]
    fn what_is_not_of_the_protocol_is_noise() {
        let codec = codec();
        for text in [
            "",
            "{",
            "[]",
            "null",
            "{}",
            r#"{"event":7}"#,
            r#"{"event":"hello"}"#,
            r#"{"event":"media"}"#,
            r#"{"event":"media","media":{}}"#,
            r#"{"event":"media","media":{"payload":"!"}}"#,
            r#"{"event":"media","media":{"payload":5}}"#,
            r#"{"event":"mark"}"#,
            r#"{"event":"mark","mark":{"name":null}}"#,
        ] {
            assert_eq!(codec.text(text), Said::Noise, "{text}");
        }
        assert_eq!(codec.binary(&Bytes::from_static(b"\x01")), Said::Noise);
    }
}
