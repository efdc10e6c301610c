//! Demo
mod audio;
mod bot;
