//! Agent streams against a scripted bot on a real WebSocket.

mod opening;
mod stream;
mod support;
