//! media-net
