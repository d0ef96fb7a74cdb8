//! The keys of a profile section that mean something here. Everything else in the file is carried past.

macro_rules! keys {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// A key of a profile section (reference: aws-vault-compat §3.4).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key {
            $($(#[$doc])+ $variant,)+
        }

        impl Key {
            /// Every key there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The key as it is written in the file.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

keys! {
    /// ARN or serial number of the MFA device.
    MfaSerial = "mfa_serial",
    /// The role to assume.
    RoleArn = "role_arn",
    /// What the owner of the role asks to be told.
    ExternalId = "external_id",
    /// The region of the profile.
    Region = "region",
    /// The name `CloudTrail` shows for the role's credentials.
    RoleSessionName = "role_session_name",
    /// Life of the role's credentials in seconds.
    DurationSeconds = "duration_seconds",
    /// The profile whose credentials assume the role.
    SourceProfile = "source_profile",
    /// A profile to take unset keys from. aws-vault's own.
    IncludeProfile = "include_profile",
    /// Name of an `[sso-session]` section.
    SsoSession = "sso_session",
    /// Start URL of the sign-in portal.
    SsoStartUrl = "sso_start_url",
    /// Region of the sign-in portal.
    SsoRegion = "sso_region",
    /// Account to get credentials for.
    SsoAccountId = "sso_account_id",
    /// Permission set to get credentials for.
    SsoRoleName = "sso_role_name",
    /// File with a web identity token.
    WebIdentityTokenFile = "web_identity_token_file",
    /// Program that prints a web identity token. aws-vault's own.
    WebIdentityTokenProcess = "web_identity_token_process",
    /// `legacy` or `regional`.
    StsRegionalEndpoints = "sts_regional_endpoints",
    /// One endpoint for every service.
    EndpointUrl = "endpoint_url",
    /// `true` for FIPS endpoints. Not read by aws-vault.
    UseFipsEndpoint = "use_fips_endpoint",
    /// `true` for dual-stack endpoints. Not read by aws-vault.
    UseDualstackEndpoint = "use_dualstack_endpoint",
    /// Tags of the role's credentials, `key=value,key=value`. aws-vault's own.
    SessionTags = "session_tags",
    /// Keys of the tags that survive role chaining. aws-vault's own.
    TransitiveSessionTags = "transitive_session_tags",
    /// Source identity of the role's credentials. aws-vault's own.
    SourceIdentity = "source_identity",
    /// Program that prints credentials.
    CredentialProcess = "credential_process",
    /// Program that prints an MFA code. aws-vault's own.
    MfaProcess = "mfa_process",
}

/// A key of an `[sso-session]` section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SsoKey {
    /// Start URL of the sign-in portal.
    StartUrl,
    /// Region of the sign-in portal.
    Region,
    /// Comma-separated scopes to register for.
    RegistrationScopes,
}

impl SsoKey {
    /// The key as it is written in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartUrl => "sso_start_url",
            Self::Region => "sso_region",
            Self::RegistrationScopes => "sso_registration_scopes",
        }
    }
}
