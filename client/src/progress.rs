//! One line on standard error that says what is being waited for, counts down, and disappears.

use std::time::{Duration, Instant};

use aws_vault_protocol::message::Progress;

use crate::failure::visible;
use crate::output;

/// Back to the line's beginning, and clear it (ECMA-48, EL).
const CLEAR: &str = "\r\x1b[K";

/// How often a countdown changes.
pub const TICK: Duration = Duration::from_secs(1);

/// What is being waited for; the line disappears with the value. Nothing is shown where nobody watches.
#[derive(Debug)]
pub struct ProgressLine {
    text: String,
    until: Option<Instant>,
}

impl ProgressLine {
    /// Shows a line, if somebody watches.
    pub fn show(progress: &Progress) -> Option<Self> {
        if !output::remarks_are_watched() {
            return None;
        }
        let seconds = Duration::from_secs(progress.seconds.into());
        let until = (progress.seconds > 0).then(|| Instant::now() + seconds);
        let line = Self { text: visible(&progress.text).replace('\n', " "), until };
        line.redraw();
        Some(line)
    }

    /// Whether the line changes with time.
    pub fn is_countdown(&self) -> bool {
        self.until.is_some()
    }

    /// Draws the line again, with what is left now.
    pub fn redraw(&self) {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        output::redraw(&format!("{CLEAR}{}", line(&self.text, left)));
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        output::redraw(CLEAR);
    }
}

fn line(text: &str, left: Option<Duration>) -> String {
    match left {
        // Rounded up: a countdown that shows 0 looks stuck.
        Some(left) => format!("{text} ({}s)", left.as_millis().div_ceil(1000)),
        None => format!("{text} …"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_down_to_one() {
        assert_eq!(line("waiting", None), "waiting …");
        assert_eq!(line("waiting", Some(Duration::from_millis(2001))), "waiting (3s)");
        assert_eq!(line("waiting", Some(Duration::from_millis(1))), "waiting (1s)");
    }
}
