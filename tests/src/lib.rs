//! What the end-to-end tests, the demo and the benchmark stand on.
//!
//! | module | is |
//! |---|---|
//! | [`standin`] | AWS, as far as the product can tell |
//! | [`binaries`] | the product's programs, built once per process |
//! | [`world`] | a home of its own for one test, with agents and clients in it |
//! | [`raw_client`], [`herd`] | clients that are many, or misbehave, without a process each |
//! | [`terminal`] | a program on a terminal, and the person in front of it |
//! | [`elsewhere`] | connections opened by another process or another user |
//! | [`leaks`] | looks for secrets where none may be |
//! | [`capture`], [`process`], [`wait`] | running, watching and waiting without sleeping |
//!
//! Nothing here uses a fixed port or path, and nothing here ends a process that it did not start.

pub mod binaries;
pub mod capture;
pub mod elsewhere;
pub mod herd;
pub mod leaks;
pub mod process;
pub mod raw_client;
pub mod standin;
pub mod terminal;
pub mod wait;
pub mod world;

/// Says a line that is seen whether or not the test passes: what was skipped and why, what was measured.
///
/// Takes what `format!` takes.
#[macro_export]
macro_rules! say {
    ($($words:tt)*) => {{
        // Straight to the stream: what `println!` says is only shown of tests that fail.
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{}\n", format_args!($($words)*)));
    }};
}
