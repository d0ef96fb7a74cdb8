//! What applies to one profile: flags, then the environment, then its section, then what it inherits
//! (reference §2.3, §3.5, §3.6). Never looks at another profile's credentials; chains are [`super::chain`]'s.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{CommandLine, Endpoint, Mfa, Note, PlanError, Request, StsMode};
use crate::config::{ConfigFile, Key, Located, Place, ProfileSection, SsoKey, duration_seconds};

/// Profiles an `include_profile` chain may run through. Real ones have two or three.
const MAX_INCLUDES: usize = 100;

/// Variables that apply to every profile of a chain, stronger first.
const FOR_EVERY_PROFILE: &[(Key, &str)] = &[
    (Key::Region, "AWS_REGION"),
    (Key::Region, "AWS_DEFAULT_REGION"),
    (Key::StsRegionalEndpoints, "AWS_STS_REGIONAL_ENDPOINTS"),
    (Key::EndpointUrl, "AWS_ENDPOINT_URL"),
    (Key::UseFipsEndpoint, "AWS_USE_FIPS_ENDPOINT"),
    (Key::UseDualstackEndpoint, "AWS_USE_DUALSTACK_ENDPOINT"),
    (Key::MfaSerial, "AWS_MFA_SERIAL"),
];

/// Variables that apply to the active profile alone: one role must not be assumed twice.
const FOR_THE_ACTIVE_PROFILE: &[(Key, &str)] = &[
    (Key::RoleArn, "AWS_ROLE_ARN"),
    (Key::RoleSessionName, "AWS_ROLE_SESSION_NAME"),
    (Key::SessionTags, "AWS_SESSION_TAGS"),
    (Key::TransitiveSessionTags, "AWS_TRANSITIVE_TAGS"),
    (Key::SourceIdentity, "AWS_SOURCE_IDENTITY"),
];

/// Keys that decide who somebody is, so that inheriting one silently can surprise.
const WORTH_A_WORD: [Key; 3] = [Key::RoleArn, Key::SourceProfile, Key::MfaSerial];

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// A variable of the caller's environment.
    Variable(&'static str),
    /// A line of the config.
    File(Place),
}

impl Origin {
    /// What to do to change the value.
    pub(super) fn to_mend(&self) -> String {
        match self {
            Self::Flag(flag) => format!("change {flag}"),
            Self::Variable(variable) => format!("run: unset {variable}"),
            Self::File(place) => format!("open {place}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::File(place) => place.fmt(f),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) value: String,
    pub(super) origin: Origin,
    /// Whether it stands in `[default]`.
    in_default: bool,
}

/// Everything that applies to one profile.
pub(super) struct Settings {
    pub(super) profile: String,
    pub(super) notes: Vec<Note>,
    pub(super) sso_scopes: Option<String>,
    /// `duration_seconds`, unless it is unset or zero.
    pub(super) role_duration: Option<Duration>,
    /// Stands in for the endpoint at STS only, and is not exported.
    sts_url: Option<String>,
    values: BTreeMap<Key, Setting>,
}

impl Settings {
    /// Collects what applies to `profile`; `active` says whether it is the one on the command line.
    pub(super) fn of(
        config: &ConfigFile,
        request: &Request<'_>,
        profile: &str,
        active: bool,
    ) -> Result<Self, PlanError> {
        let mut settings = Self {
            profile: profile.to_owned(),
            notes: Vec::new(),
            sso_scopes: None,
            role_duration: None,
            sts_url: request.environment.get("AWS_ENDPOINT_URL_STS").map(str::to_owned),
            values: BTreeMap::new(),
        };
        settings.take_flags_and_variables(request, active);
        settings.take_sections(config)?;
        // Naming oneself is how a profile says that it has no source, whatever it inherits.
        if settings.get(Key::SourceProfile) == Some(profile) {
            settings.values.remove(&Key::SourceProfile);
        }
        settings.note_inheritance();
        Ok(settings)
    }

    pub(super) fn get(&self, key: Key) -> Option<&str> {
        self.values.get(&key).map(|setting| setting.value.as_str())
    }

    pub(super) fn setting(&self, key: Key) -> Option<&Setting> {
        self.values.get(&key)
    }

    pub(super) fn owned(&self, key: Key) -> Option<String> {
        self.get(key).map(str::to_owned)
    }

    /// Takes a value from elsewhere, unless there is one.
    pub(super) fn fill(&mut self, key: Key, setting: Setting) {
        self.values.entry(key).or_insert(setting);
    }

    pub(super) fn mfa(&self) -> Option<Mfa> {
        let serial = self.owned(Key::MfaSerial)?;
        Some(Mfa { serial, process: self.owned(Key::MfaProcess).map(CommandLine) })
    }

    pub(super) fn sts_endpoint(&self) -> Endpoint {
        let url = self.sts_url.clone().or_else(|| self.owned(Key::EndpointUrl));
        let legacy = self.get(Key::StsRegionalEndpoints) == Some("legacy");
        let sts_mode = if legacy { StsMode::Legacy } else { StsMode::Regional };
        Endpoint { url, sts_mode, ..self.endpoint_in(self.owned(Key::Region)) }
    }

    /// The endpoint of a service other than STS.
    pub(super) fn endpoint_in(&self, region: Option<String>) -> Endpoint {
        let is_true = |key| self.get(key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Endpoint {
            region,
            url: self.owned(Key::EndpointUrl),
            sts_mode: StsMode::Regional,
            fips: is_true(Key::UseFipsEndpoint),
            dual_stack: is_true(Key::UseDualstackEndpoint),
        }
    }

    fn take_flags_and_variables(&mut self, request: &Request<'_>, active: bool) {
        if let Some(region) = request.region.filter(|region| !region.is_empty()) {
            let value = region.to_owned();
            self.fill(Key::Region, Setting { value, origin: Origin::Flag("--region"), in_default: false });
        }
        let for_active = if active { FOR_THE_ACTIVE_PROFILE } else { &[] };
        for (key, name) in FOR_EVERY_PROFILE.iter().chain(for_active) {
            if let Some(value) = request.environment.get(name) {
                let value = value.to_owned();
                self.fill(*key, Setting { value, origin: Origin::Variable(name), in_default: false });
            }
        }
    }

    /// Walks from the profile's own section along `include_profile`, or else to `[default]`.
    fn take_sections(&mut self, config: &ConfigFile) -> Result<(), PlanError> {
        let mut visited: Vec<String> = Vec::new();
        let mut name = self.profile.clone();
        // The `include_profile` last followed. The step to `[default]` that nobody wrote has no line.
        let mut place = config.place(1);
        loop {
            let profile = self.profile.clone();
            if let Some(start) = visited.iter().position(|seen| *seen == name) {
                let cycle = visited.drain(start..).chain([name]).collect();
                return Err(PlanError::IncludeCycle { profile, cycle, place });
            }
            if visited.len() > MAX_INCLUDES {
                return Err(PlanError::TooManyIncludes { profile, limit: MAX_INCLUDES, place });
            }
            let section = config.profile(&name);
            match &section {
                Some(section) => self.take_section(config, &name, section),
                None if visited.is_empty() || name == "default" => {}
                None => self.notes.push(Note::MissingInclude { include: name.clone(), place: place.clone() }),
            }
            let next = match section.and_then(|section| section.get(Key::IncludeProfile)) {
                Some(include) => {
                    place = config.place(include.line);
                    include.value
                }
                None if name == "default" => return Ok(()),
                None => "default".to_owned(),
            };
            visited.push(std::mem::replace(&mut name, next));
        }
    }

    fn take_section(&mut self, config: &ConfigFile, name: &str, section: &ProfileSection<'_>) {
        let setting = |found: Located<String>| Setting {
            value: found.value,
            origin: Origin::File(config.place(found.line)),
            in_default: name == "default",
        };
        // First, because an `[sso-session]` beats what was collected so far but not what comes after.
        if self.get(Key::SsoSession).is_none()
            && let Some(found) = section.get(Key::SsoSession)
        {
            self.take_sso_session(config, &found);
            self.fill(Key::SsoSession, setting(found));
        }
        for key in Key::ALL {
            match key {
                Key::IncludeProfile | Key::SsoSession => {}
                Key::DurationSeconds => self.take_duration(config, section),
                _ => {
                    if let Some(found) = section.get(*key) {
                        self.fill(*key, setting(found));
                    }
                }
            }
        }
    }

    /// Start URL and region of the section replace what was collected, even where the section has none.
    fn take_sso_session(&mut self, config: &ConfigFile, found: &Located<String>) {
        let Some(session) = config.sso_session(&found.value) else {
            let place = config.place(found.line);
            self.notes.push(Note::MissingSsoSession { session: found.value.clone(), place });
            return;
        };
        for (key, sso_key) in [(Key::SsoStartUrl, SsoKey::StartUrl), (Key::SsoRegion, SsoKey::Region)] {
            self.values.remove(&key);
            if let Some(found) = session.get(sso_key) {
                let origin = Origin::File(config.place(found.line));
                self.fill(key, Setting { value: found.value, origin, in_default: false });
            }
        }
        self.sso_scopes = session.get(SsoKey::RegistrationScopes).map(|found| found.value);
    }

    fn take_duration(&mut self, config: &ConfigFile, section: &ProfileSection<'_>) {
        let Some(found) = section.get(Key::DurationSeconds).filter(|_| self.role_duration.is_none()) else {
            return;
        };
        match duration_seconds(&found.value) {
            Some(duration) => self.role_duration = Some(duration).filter(|duration| !duration.is_zero()),
            None => self.notes.push(Note::InvalidDuration { place: config.place(found.line) }),
        }
    }

    fn note_inheritance(&mut self) {
        for key in WORTH_A_WORD {
            let inherited = self.values.get(&key).filter(|setting| setting.in_default);
            if let Some(Setting { origin: Origin::File(place), .. }) = inherited
                && self.profile != "default"
            {
                let place = place.clone();
                self.notes.push(Note::InheritedFromDefault { profile: self.profile.clone(), key, place });
            }
        }
    }
}
