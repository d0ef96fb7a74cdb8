//! `tests/bench [--quick] [--only=processes|wire|scale] [--unpinned]`: every figure of `docs/performance.md` from one run.
//!
//! Compares side by side, in turn, because machines drift: a ratio of two medians from one run says something, a
//! time of one run says little. Judges nothing by exit status; a figure over its budget is marked in the table.

mod processes;
mod scale;
mod wire;

use std::io::{self, Write};
use std::time::Duration;

use aws_vault_tests::binaries;

/// One line of the table.
pub(crate) struct Row {
    what: String,
    measured: String,
    budget: String,
    verdict: &'static str,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Runs of each command.
    pub(crate) runs: usize,
    /// Round trips on one connection.
    pub(crate) round_trips: usize,
    /// Start races.
    pub(crate) races: usize,
}

impl Row {
    /// A figure with a budget that it keeps or not.
    pub(crate) fn judged(what: impl Into<String>, measured: String, budget: &str, is_kept: bool) -> Self {
        let verdict = if is_kept { "kept" } else { "OVER" };
        Self { what: what.into(), measured, budget: budget.to_owned(), verdict }
    }

    /// A figure to compare with.
    pub(crate) fn plain(what: impl Into<String>, measured: String) -> Self {
        Self { what: what.into(), measured, budget: String::new(), verdict: "" }
    }
}

fn main() -> io::Result<()> {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let effort = if is_quick {
        Effort { runs: 40, round_trips: 2000, races: 2 }
    } else {
        Effort { runs: 300, round_trips: 20_000, races: 10 }
    };
    if !binaries::are_release() {
        return Err(io::Error::other("measure release builds: run tests/bench"));
    }
    let only = std::env::args().find_map(|argument| argument.strip_prefix("--only=").map(str::to_owned));
    let parts: [(&str, Measure); 3] =
        [("processes", processes::rows), ("wire", wire::rows), ("scale", scale::rows)];
    let wanted = parts.into_iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name));
    let rows: Vec<Row> = wanted.flat_map(|(_, measure)| measure(effort)).collect();
    print(&rows)
}

fn print(rows: &[Row]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "| what | measured | budget | |\n|---|---|---|---|")?;
    for row in rows {
        writeln!(output, "| {} | {} | {} | {} |", row.what, row.measured, row.budget, row.verdict)?;
    }
    output.flush()
}

/// One part of the table.
type Measure = fn(Effort) -> Vec<Row>;

/// Durations, sorted on demand.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The duration below which this part (0 to 1) of the samples lies.
    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into at most a few hundred thousand samples"
        )]
        let index = ((sorted.len() as f64 - 1.0) * part).round() as usize;
        sorted.get(index).copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        self.quantile(0.5)
    }
}

/// `1.23 ms` or `45 µs`.
pub(crate) fn show(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.0} µs") } else { format!("{:.2} ms", micros / 1000.0) }
}

/// How many times longer `a` is than `b`.
pub(crate) fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
