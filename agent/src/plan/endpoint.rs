//! Which host a call goes to and which region signs it (reference: aws-vault-compat §5.1). Names hosts, never
//! looks one up.

/// The host of [`StsMode::Legacy`].
const GLOBAL_STS: &str = "https://sts.amazonaws.com";

/// The region whose name signs calls to the global host, where that host is at home. aws-vault signs with the
/// configured region instead (Q38).
const GLOBAL_REGION: &str = "us-east-1";

/// Regions that [`StsMode::Legacy`] sends to the global host: those from before STS had regional ones.
const LEGACY_REGIONS: [&str; 16] = [
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "aws-global",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// What decides which host a call goes to. Profiles of one chain may differ in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The region of the host and of the signature.
    pub region: Option<String>,
    /// A URL that replaces the host, whatever the rest says.
    pub url: Option<String>,
    /// Which STS host a region means.
    pub sts_mode: StsMode,
    /// Whether the host must be a FIPS one.
    pub fips: bool,
    /// Whether the host must answer on IPv6 too.
    pub dual_stack: bool,
}

/// `sts_regional_endpoints` (reference §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StsMode {
    /// The region's own host. Anything but exactly `legacy` means this.
    Regional,
    /// `sts.amazonaws.com` for the regions older than 2019.
    Legacy,
}

impl Endpoint {
    /// The URL to call STS at. `None` is the host that the SDK derives from region, FIPS and dual stack.
    pub fn sts_url(&self) -> Option<String> {
        self.url.clone().or_else(|| self.is_global_sts().then(|| GLOBAL_STS.to_owned()))
    }

    /// The region to sign STS calls with. `None` means that nobody named a region and AWS cannot be called; a
    /// host given by URL, such as a local stand-in, is signed for as if it were the global one.
    pub fn signing_region(&self) -> Option<&str> {
        if self.is_global_sts() {
            return Some(GLOBAL_REGION);
        }
        self.region.as_deref().or_else(|| self.url.is_some().then_some(GLOBAL_REGION))
    }

    /// The global host is neither a FIPS nor a dual-stack one, so either wish rules it out.
    fn is_global_sts(&self) -> bool {
        self.url.is_none()
            && self.sts_mode == StsMode::Legacy
            && !self.fips
            && !self.dual_stack
            && self.region.as_deref().is_some_and(|region| LEGACY_REGIONS.contains(&region))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(region: Option<&str>, url: Option<&str>, sts_mode: StsMode) -> Endpoint {
        let (region, url) = (region.map(str::to_owned), url.map(str::to_owned));
        Endpoint { region, url, sts_mode, fips: false, dual_stack: false }
    }

    #[test]
    fn hosts_and_signing_regions() {
        use StsMode::{Legacy, Regional};
        for (region, url, mode, expected_url, signed) in [
            (Some("eu-west-1"), None, Regional, None, Some("eu-west-1")),
            (Some("eu-west-1"), None, Legacy, Some(GLOBAL_STS), Some("us-east-1")),
            (Some("af-south-1"), None, Legacy, None, Some("af-south-1")),
            (Some("eu-west-1"), Some("http://x"), Legacy, Some("http://x"), Some("eu-west-1")),
            (None, Some("http://x"), Regional, Some("http://x"), Some("us-east-1")),
            (None, None, Regional, None, None),
            (None, None, Legacy, None, None),
        ] {
            let endpoint = endpoint(region, url, mode);
            assert_eq!(endpoint.sts_url().as_deref(), expected_url, "{endpoint:?}");
            assert_eq!(endpoint.signing_region(), signed, "{endpoint:?}");
        }
    }

    #[test]
    fn fips_and_dual_stack_rule_out_the_global_host() {
        let legacy = endpoint(Some("us-east-2"), None, StsMode::Legacy);
        for endpoint in
            [Endpoint { fips: true, ..legacy.clone() }, Endpoint { dual_stack: true, ..legacy.clone() }]
        {
            assert_eq!((endpoint.sts_url(), endpoint.signing_region()), (None, Some("us-east-2")));
        }
    }
}
