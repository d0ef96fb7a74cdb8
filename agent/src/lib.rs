//! The agent: owns every secret, every policy decision and every call to AWS.
//!
//! | module | is |
//! |---|---|
//! | [`launch`] | from the command line to a serving agent; [`endpoint`], [`daemon`], [`visitor`], [`shell`] help |
//! | [`server`], [`connection`] | the socket, its clients, signals and timers |
//! | [`broker`] | one method per request; owns the state |
//! | [`config`], [`plan`] | pure: config text and names of stored keys → what has to be done |
//! | [`cache`], [`lock`] | pure: what is remembered, and for how long |
//! | [`flight`], [`audience`], [`peer`] | one piece of work for many callers; who waits, and may be asked |
//! | [`prompt`], [`mfa`] | asking a person |
//! | [`store`], [`stores`], [`aws`] | the outside world |
//! | [`seal`], [`credentials`], [`sys`] | keeping secrets |
//!
//! `docs/architecture.md` walks one `exec` through these files.

pub mod args;
pub mod audience;
pub mod aws;
pub mod broker;
pub mod cache;
pub mod config;
pub mod configs;
pub mod connection;
pub mod credentials;
pub mod daemon;
pub mod endpoint;
pub mod environment;
mod failpoint;
pub mod failure;
pub mod flight;
pub mod launch;
pub mod lock;
pub mod mfa;
pub mod peer;
pub mod plan;
pub mod prompt;
pub mod seal;
pub mod server;
pub mod shell;
pub mod store;
pub mod stores;
pub mod sys;
pub mod telemetry;
pub mod visitor;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

/// Freed memory is wiped: what libraries leave behind on the heap (HTTP buffers, XML, JSON) goes with it.
#[cfg(not(feature = "unprotected"))]
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// The program.
pub fn run() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help goes to standard output, mistakes to standard error; nothing to do if neither is there.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match launch::run(&args) {
        Ok(code) => code,
        Err(error) => {
            let hint = error.hint().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
            let _ = writeln!(std::io::stderr(), "aws-vault-agent: {error}{hint}");
            if args.report {
                let _ = writeln!(std::io::stdout(), "failed {error}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}
