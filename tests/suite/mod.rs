//! What the tables of scenarios are made of.

mod framing;
mod one_leg;
mod play;
mod slow;
mod two_legs;
mod wire;
mod world;

/// A table of scenarios: each becomes a test of its name for each transport.
macro_rules! scenarios {
    ($folder:literal: $($name:ident => $play:expr;)*) => {
        scenarios!(@transport $folder, udp, Udp, $($name => $play;)*);
        scenarios!(@transport $folder, tcp, Tcp, $($name => $play;)*);
        scenarios!(@transport $folder, tls, Tls, $($name => $play;)*);
        crate::suite::scenarios!(@whole $folder, $($name)*);
    };
    (@transport $folder:literal, $module:ident, $transport:ident, $($name:ident => $play:expr;)*) => {
        mod $module {
            use super::*;

            $(
                #[test]
                fn $name() {
                    $play.over(crate::suite::world::Transport::$transport, $folder, stringify!($name));
                }
            )*
        }
    };
    (@whole $folder:literal, $($name:ident)*) => {
        #[test]
        fn every_file_is_in_the_table() {
            crate::suite::play::assert_whole($folder, &[$(stringify!($name)),*]);
        }
    };
}

/// A table of scenarios that take their time: each becomes one test, over all transports at once.
macro_rules! slow_scenarios {
    ($folder:literal: $($name:ident => $play:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let play = $play;
                std::thread::scope(|scope| {
                    for transport in crate::suite::world::Transport::ALL {
                        let play = &play;
                        std::thread::Builder::new()
                            .name(format!("{}::{transport}", stringify!($name)))
                            .spawn_scoped(scope, move || play.over(transport, $folder, stringify!($name)))
                            .unwrap();
                    }
                });
            }
        )*
        crate::suite::scenarios!(@whole $folder, $($name)*);
    };
}

use {scenarios, slow_scenarios};
