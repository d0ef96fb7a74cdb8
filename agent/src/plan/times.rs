//! How long things live: `--duration` and the duration variables (reference §2.3, §4.5).

use std::time::Duration;

use super::{Note, Request};

const HOUR: Duration = Duration::from_secs(3600);
/// Life of a session that others share, if nobody says otherwise: a working day.
const CHAINED_SESSION: Duration = Duration::from_secs(8 * 3600);
/// Life that cached credentials must have left, if `AWS_MIN_TTL` says nothing.
const MINIMUM: Duration = Duration::from_secs(5 * 60);
/// What AWS allows a role assumed with the credentials of a session or of another role.
pub(super) const CHAINING_LIMIT: Duration = HOUR;

/// What the request says about durations, before any config.
pub(super) struct Times {
    /// `--duration`.
    asked: Option<Duration>,
    role: Option<Duration>,
    session: Option<Duration>,
    chained_session: Option<Duration>,
    federation: Option<Duration>,
    minimum: Option<Duration>,
}

impl Times {
    /// Reads them; a variable that is no duration is ignored and noted.
    pub(super) fn of(request: &Request<'_>, notes: &mut Vec<Note>) -> Self {
        let mut variable = |name: &'static str| {
            let text = request.environment.get(name)?;
            let duration = aws_vault_protocol::duration::parse(text).ok();
            if duration.is_none() {
                notes.push(Note::InvalidVariable { variable: name });
            }
            duration.filter(|duration| !duration.is_zero())
        };
        Self {
            asked: request.duration.filter(|duration| !duration.is_zero()),
            role: variable("AWS_ASSUME_ROLE_TTL"),
            session: variable("AWS_SESSION_TOKEN_TTL"),
            chained_session: variable("AWS_CHAINED_SESSION_TOKEN_TTL"),
            federation: variable("AWS_FEDERATION_TOKEN_TTL"),
            minimum: variable("AWS_MIN_TTL"),
        }
    }

    /// Of a role whose config says `configured`.
    pub(super) fn role(&self, configured: Option<Duration>) -> Duration {
        self.asked.or(self.role).or(configured).unwrap_or(HOUR)
    }

    /// Of a session.
    pub(super) fn session(&self, chained: bool) -> Duration {
        let (variable, otherwise) =
            if chained { (self.chained_session, CHAINED_SESSION) } else { (self.session, HOUR) };
        self.asked.or(variable).unwrap_or(otherwise)
    }

    /// Whether somebody named the duration of this very request. A variable is a standing wish: counting it
    /// would cost whoever sets one a second MFA code for the roles of the same key.
    pub(super) fn session_is_asked(&self) -> bool {
        self.asked.is_some()
    }

    pub(super) fn federation(&self) -> Duration {
        self.asked.or(self.federation).unwrap_or(HOUR)
    }

    pub(super) fn minimum(&self) -> Duration {
        self.minimum.unwrap_or(MINIMUM)
    }
}
