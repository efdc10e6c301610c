//! What passes over an open stream.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use media::agent::{AgentEvent, TapEvent, TapInput};
use media::command::Digit;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{AGENT, Bot, Call, Log, listen, within};

fn media(payload: &[u8]) -> String {
    format!(
        r#"{{"event":"media","streamSid":"MZ89ab","media":{{"payload":"{}"}}}}"#,
        STANDARD.encode(payload)
    )
}

#[tokio::test]
async fn a_stream_is_connected_start_media_dtmf_mark_stop_and_a_websocket_close() {
    let (listener, address) = listen().await;
    let mut call = Call::to(address);
    let mut bot = Bot::accept(&listener).await;
    call.opened().await;
    assert_eq!(bot.hear_text().await, r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#);
    assert_eq!(
        bot.hear_text().await,
        concat!(
            r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ89ab","start":{"accountSid":"AC0123","#,
            r#""streamSid":"MZ89ab","callSid":"CA4567","tracks":["inbound"],"customParameters":"#,
            r#"{"from_number":"+14155550111","persona":"sales"},"#,
            r#""mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#
        )
    );
    call.audio(3).await;
    call.tell.send(TapEvent::Digit(Digit::from_key('5').unwrap())).await.unwrap();
    assert_eq!(
        bot.hear_text().await,
        format!(
            r#"{{"event":"media","sequenceNumber":"2","streamSid":"MZ89ab","media":{{"track":"inbound","chunk":"1","timestamp":"60","payload":"{}"}}}}"#,
            STANDARD.encode([3; 160])
        )
    );
    assert_eq!(
        bot.hear_text().await,
        r#"{"event":"dtmf","sequenceNumber":"3","streamSid":"MZ89ab","dtmf":{"track":"inbound_track","digit":"5"}}"#
    );
    bot.say(r#"{"event":"mark","streamSid":"MZ89ab","mark":{"name":"said hello"}}"#).await;
    let TapInput::Mark(mark) = call.play().await else { panic!("a mark was set") };
    call.tell.send(TapEvent::Mark(mark)).await.unwrap();
    assert_eq!(
        bot.hear_text().await,
        r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZ89ab","mark":{"name":"said hello"}}"#
    );
    call.audio(4).await;
    call.streams.close(AGENT);
    assert!(bot.hear_text().await.starts_with(r#"{"event":"media","sequenceNumber":"5""#));
    assert_eq!(
        bot.hear_text().await,
        r#"{"event":"stop","sequenceNumber":"6","streamSid":"MZ89ab","stop":{"accountSid":"AC0123","callSid":"CA4567"}}"#
    );
    let Message::Close(Some(CloseFrame { code: CloseCode::Normal, .. })) = bot.hear().await else {
        panic!("a WebSocket close follows stop")
    };
    drop(bot);
    call.ended().await;
}

#[tokio::test]
async fn what_the_bot_says_reaches_the_tap_whole_and_in_order_through_a_channel_that_is_full() {
    let (listener, address) = listen().await;
    let mut call = Call::to(address);
    let mut bot = Bot::accept(&listener).await;
    call.opened().await;
    bot.greeted().await;
    // The channel takes 4. Nobody takes from it while the bot says 200 replies of 1 s, each with its mark.
    let reply = |number: u8| vec![number; 8_000];
    let speaking = tokio::spawn(async move {
        for number in 0..200 {
            bot.say(&media(&reply(number))).await;
            bot.say(&format!(r#"{{"event":"mark","mark":{{"name":"{number}"}}}}"#)).await;
        }
        bot.say(r#"{"event":"clear"}"#).await;
        bot
    });
    for number in 0..200 {
        assert_eq!(call.play().await, TapInput::Audio(Bytes::from(reply(number))));
        let TapInput::Mark(mark) = call.play().await else { panic!("a mark follows each reply") };
        call.tell.send(TapEvent::Mark(mark)).await.unwrap();
    }
    assert_eq!(call.play().await, TapInput::Clear);
    let mut bot = speaking.await.unwrap();
    for number in 0..200 {
        assert!(bot.hear_text().await.ends_with(&format!(r#""mark":{{"name":"{number}"}}}}"#)));
    }
}

#[tokio::test]
async fn five_minutes_of_audio_in_one_message_are_taken() {
    let (listener, address) = listen().await;
    let mut call = Call::to(address);
    let mut bot = Bot::accept(&listener).await;
    call.opened().await;
    let audio: Vec<u8> = (0..5 * 60 * 8_000_u32).map(|sample| (sample % 255) as u8).collect();
    let said = audio.clone();
    let speaking = tokio::spawn(async move {
        bot.say(&media(&said)).await;
        bot
    });
    let mut played = Vec::with_capacity(audio.len());
    while played.len() < audio.len() {
        let TapInput::Audio(piece) = call.play().await else { panic!("audio was said") };
        // So that what waits in the channel is bounded in bytes.
        assert!(piece.len() <= 8_000, "{}", piece.len());
        played.extend_from_slice(&piece);
    }
    assert!(played == audio, "as it was said");
    drop(speaking.await.unwrap());
}

#[tokio::test]
async fn what_is_not_understood_is_counted_and_the_stream_goes_on() {
    let mut log = Log::keep();
    let (listener, address) = listen().await;
    let mut call = Call::to(address);
    let mut bot = Bot::accept(&listener).await;
    call.opened().await;
    bot.greeted().await;
    bot.say("no JSON").await;
    bot.say(r#"{"event":"hello"}"#).await;
    bot.say(r#"{"event":"media","media":{"payload":"not base64!"}}"#).await;
    within(bot.socket.send(Message::binary(vec![0, 1, 2]))).await.unwrap();
    within(bot.socket.send(Message::Ping(Bytes::from_static(b"there?")))).await.unwrap();
    bot.say(&media(&[9])).await;
    assert_eq!(call.play().await, TapInput::Audio(Bytes::from_static(&[9])));
    assert_eq!(bot.hear().await, Message::Pong(Bytes::from_static(b"there?")));
    bot.say(&format!(r#"{{"event":"mark","mark":{{"name":"{}"}}}}"#, "n".repeat(2_000))).await;
    bot.say(&media(&[8])).await;
    assert_eq!(call.play().await, TapInput::Audio(Bytes::from_static(&[8])));
    call.streams.close(AGENT);
    drop(bot);
    call.ended().await;
    let line = log.line("an agent stream has ended").await;
    assert!(line.contains("noise=4 dropped_frames=0 dropped_words=0 refused_marks=1"), "{line}");
}

#[tokio::test]
async fn a_bot_that_closes_in_order_is_told_once_as_clean() {
    let (listener, address) = listen().await;
    let mut call = Call::to(address);
    let mut bot = Bot::accept(&listener).await;
    call.opened().await;
    bot.greeted().await;
    within(bot.socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "bye".into() })))
        .await
        .unwrap();
    let reason = "the bot closed the stream (1000: bye)".to_owned();
    assert_eq!(call.event().await, AgentEvent::Closed { agent: AGENT, clean: true, reason });
    // Our answer to its close.
    assert!(matches!(within(bot.socket.next()).await, Some(Ok(Message::Close(_))) | None));
    call.streams.close(AGENT);
    drop(bot);
    call.ended().await;
}

#[tokio::test]
async fn a_bot_that_fails_or_vanishes_is_told_once_as_not_clean() {
    let (listener, address) = listen().await;
    let mut call = Call::to(address);
    let mut bot = Bot::accept(&listener).await;
    call.opened().await;
    within(bot.socket.close(Some(CloseFrame { code: CloseCode::Error, reason: "".into() }))).await.unwrap();
    let reason = "the bot closed the stream (1011)".to_owned();
    assert_eq!(call.event().await, AgentEvent::Closed { agent: AGENT, clean: false, reason });
    drop(bot);
    call.ended().await;

    let mut call = Call::to(address);
    let mut bot = Bot::accept(&listener).await;
    call.opened().await;
    bot.greeted().await;
    drop(bot);
    let reason = "the connection ended without a WebSocket close".to_owned();
    assert_eq!(call.event().await, AgentEvent::Closed { agent: AGENT, clean: false, reason });
    call.ended().await;
}

#[tokio::test]
async fn a_message_over_the_bound_ends_the_stream_in_words() {
    let (listener, address) = listen().await;
    let mut call = Call::to(address);
    let mut bot = Bot::accept(&listener).await;
    call.opened().await;
    let speaking = tokio::spawn(async move {
        // Fails when the stream is closed before all is said.
        bot.socket.send(Message::text("x".repeat((4 << 20) + 1))).await.ok();
        bot
    });
    let reason = "the bot sent a message of more than 4 MiB".to_owned();
    assert_eq!(call.event().await, AgentEvent::Closed { agent: AGENT, clean: false, reason });
    call.ended().await;
    drop(speaking.await.unwrap());
}

#[tokio::test]
async fn a_bot_that_does_not_read_loses_the_oldest_audio_and_no_digit() {
    let mut log = Log::keep();
    let (listener, address) = listen().await;
    let mut call = Call::to(address);
    let mut bot = Bot::accept(&listener).await;
    call.opened().await;
    bot.greeted().await;
    // More than the system and the queue hold together.
    let frames = 100_000;
    let digit = Digit::from_key('1').unwrap();
    for number in 0..frames {
        if number == frames / 2 {
            call.tell.send(TapEvent::Digit(digit)).await.unwrap();
        }
        call.audio(number).await;
    }
    call.streams.close(AGENT);
    let mut heard = 0;
    let mut digits = 0;
    let mut last = 0;
    loop {
        let text = bot.hear_text().await;
        if text.starts_with(r#"{"event":"stop""#) {
            break;
        }
        if text.starts_with(r#"{"event":"dtmf""#) {
            digits += 1;
            continue;
        }
        heard += 1;
        let after = text.split_once(r#""timestamp":""#).unwrap().1;
        let timestamp: u32 = after.split_once('"').unwrap().0.parse().unwrap();
        assert!(timestamp > last || last == 0, "audio is in order");
        last = timestamp;
    }
    assert_eq!(digits, 1);
    assert_eq!(last, (frames - 1) * 20, "the newest is not dropped");
    assert!(heard < frames);
    drop(bot);
    let line = log.line("an agent stream has ended").await;
    assert!(line.contains(&format!("dropped_frames={} dropped_words=0", frames - heard)), "{line}");
}

#[tokio::test]
async fn all_streams_are_closed_at_once_and_a_bot_that_does_not_answer_the_close_is_left() {
    let (listener, address) = listen().await;
    let mut call = Call::to(address);
    let bot = Bot::accept(&listener).await;
    call.opened().await;
    call.streams.close_all();
    // The bot never reads, and so never answers.
    call.ended().await;
    drop(bot);
}

#[tokio::test]
async fn a_leg_that_is_released_before_its_stream_is_closed_does_no_harm() {
    let (listener, address) = listen().await;
    let mut call = Call::to(address);
    let mut bot = Bot::accept(&listener).await;
    call.opened().await;
    bot.greeted().await;
    let Call { streams, events, tell, played } = call;
    drop((tell, played));
    bot.say(&media(&[1])).await;
    bot.say(&media(&[2])).await;
    streams.close(AGENT);
    assert!(bot.hear_text().await.starts_with(r#"{"event":"stop""#));
    drop(bot);
    within(streams.idle()).await;
    drop(events);
}
