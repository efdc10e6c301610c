//! Server-sent events.

use std::time::Duration;

use super::*;
use crate::access::identity::now_ms;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Heard {
    Words,
    End,
}

/// A stream of events that is open.
struct Stream {
    socket: TcpStream,
    text: String,
}

impl Stream {
    async fn open(house: &House, head: &str) -> Self {
        let mut socket = TcpStream::connect(house.address).await.unwrap();
        let request = format!("GET /v1/events HTTP/1.1\r\nHost: {}\r\n{head}\r\n", house.address);
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut stream = Self { socket, text: String::new() };
        stream.until("retry: ").await;
        stream
    }

    /// All that came, as soon as it has this in it.
    async fn until(&mut self, words: &str) -> &str {
        while !self.text.contains(words) {
            let mut buffer = [0; 4_096];
            let read = self.socket.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "it ended before `{words}`: {}", self.text);
            self.text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        &self.text
    }

    /// Lets time pass until all this is said, or the stream has ended; says how many seconds that took.
    async fn after(&mut self, step: u64, words: &str) -> (Heard, u64) {
        let mut passed = 0;
        while !self.text.contains(words) {
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(step)).await;
            tokio::time::resume();
            passed += step;
            let mut buffer = [0; 4_096];
            let read = tokio::time::timeout(Duration::from_millis(200), self.socket.read(&mut buffer));
            match read.await.map(Result::unwrap) {
                Ok(0) => return (Heard::End, passed),
                Ok(read) => self.text.push_str(&String::from_utf8_lossy(&buffer[..read])),
                Err(_) => {}
            }
        }
        (Heard::Words, passed)
    }

    /// The id of the last event.
    fn last_id(&self) -> String {
        self.text.rsplit_once("id: ").unwrap().1.split('\n').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn what_happens_is_told_and_a_stream_that_was_cut_goes_on_where_it_ended() {
    let house = House::open().await;
    let mut stream = Stream::open(&house, "").await;
    house.events.call(Arc::new(record('a', None, 1)));
    let text = stream.until(&"a".repeat(32)).await;
    assert!(text.contains("content-type: text/event-stream") && text.contains("event: call.up"), "{text}");
    let last = stream.last_id();
    drop(stream);
    house.events.call(Arc::new(record('b', Some(CallStatus::Completed), 2)));
    let mut stream = Stream::open(&house, &format!("Last-Event-ID: {last}\r\n")).await;
    let text = stream.until(&"b".repeat(32)).await;
    assert!(text.contains("event: call.ended") && !text.contains(&"a".repeat(32)), "{text}");
}

#[tokio::test]
async fn a_change_of_what_is_owned_is_told_whoever_made_it() {
    let house = House::open().await;
    let mut stream = Stream::open(&house, "").await;
    // The follower has to have begun: what was before it is none of its events.
    while !stream.text.contains("inventory.changed") {
        let agent: numbers::Agent = serde_json::from_value(
            serde_json::json!({ "id": format!("a{}", stream.text.len()), "endpoint": { "kind": "echo" } }),
        )
        .unwrap();
        house.store.put(&Actor::cli(), agent.into(), store::Expect::Any).await.unwrap();
        let mut buffer = [0; 4_096];
        let read =
            tokio::time::timeout(std::time::Duration::from_secs(1), stream.socket.read(&mut buffer)).await;
        if let Ok(read) = read {
            stream.text.push_str(&String::from_utf8_lossy(&buffer[..read.unwrap()]));
        }
    }
    assert!(
        stream.text.contains("\"kind\":\"agent\"") && stream.text.contains("\"action\":\"added\""),
        "{}",
        stream.text
    );
}

#[tokio::test]
async fn who_was_away_too_long_or_comes_from_another_run_is_told_to_begin_anew() {
    let house = House::open().await;
    for head in ["Last-Event-ID: 0-7\r\n", "Last-Event-ID: nonsense\r\n", "Last-Event-ID: \u{e9}\r\n"] {
        let mut stream = Stream::open(&house, head).await;
        stream.until("event: reset").await;
        house.events.call(Arc::new(record('c', None, 1)));
        stream.until(&"c".repeat(32)).await;
    }
}

#[tokio::test]
async fn so_many_streams_are_open_and_no_more() {
    let house = House::open().await;
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(Stream::open(&house, "").await);
    }
    let reply = house.get("/v1/events").await;
    assert_eq!((reply.status, reply.problem().as_str()), (503, "streams-full"));
    assert_eq!(reply.header("retry-after"), "30");
}

const COMMENT: &str = "\n:\n\n";

#[tokio::test]
async fn a_stream_goes_on_with_its_key_and_ends_when_that_is_taken_back() {
    let house = House::open().await;
    let key = house.key(Role::Viewer, None).await;
    let mut stream = Stream::open(&house, &bearer(&key)).await;
    assert_eq!(stream.after(15, COMMENT).await.0, Heard::Words);
    let id = house.store.keys().await.unwrap()[0].id.clone();
    house.store.remove_key(&Actor::cli(), &id).await.unwrap();
    stream.text.clear();
    assert_eq!(stream.after(15, COMMENT).await.0, Heard::End);
}

#[tokio::test]
async fn a_key_that_is_taken_back_ends_a_stream_that_is_never_silent() {
    let house = House::open().await;
    let key = house.key(Role::Viewer, None).await;
    let mut stream = Stream::open(&house, &bearer(&key)).await;
    let id = house.store.keys().await.unwrap()[0].id.clone();
    house.store.remove_key(&Actor::cli(), &id).await.unwrap();
    let mut passed = 0;
    loop {
        stream.text.clear();
        house.events.call(Arc::new(record('a', None, 1)));
        let (heard, seconds) = stream.after(5, "call.up").await;
        passed += seconds;
        match heard {
            Heard::Words => assert!(passed <= 90, "it goes on after {passed} s"),
            Heard::End => break,
        }
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_key_expires() {
    let house = House::open().await;
    let key = house.key(Role::Viewer, Some(now_ms() + 40_000)).await;
    let mut stream = Stream::open(&house, &bearer(&key)).await;
    let (heard, passed) = stream.after(10, "never said").await;
    assert!(heard == Heard::End && (40..=80).contains(&passed), "{heard:?} after {passed} s");
}

#[tokio::test]
async fn who_needed_no_key_hears_nothing_more_once_there_is_one() {
    let house = House::open().await;
    let mut stream = Stream::open(&house, "").await;
    house.key(Role::Viewer, None).await;
    assert_eq!(stream.after(15, COMMENT).await.0, Heard::End);
}
