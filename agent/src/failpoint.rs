//! Test builds only: dies at a named step of starting, so that recovery can be tested at each. In every
//! other build this is nothing at all.

/// Kills this very process if the environment names this step.
#[cfg(feature = "failpoints")]
pub(crate) fn failpoint(step: &str) {
    if std::env::var("AWS_VAULT_AGENT_FAILPOINT").is_ok_and(|named| named == step) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn failpoint(_step: &str) {}
