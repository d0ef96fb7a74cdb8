//! The way to AWS for one piece of work: proxy and certificates of the client that asked.
//!
//! Built anew for each piece of work and dropped with it, so that no idle connection keeps a response with
//! somebody's session token in its buffers.

use std::path::{Path, PathBuf};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::environment::Environment;
use crate::sys::files::read_limited;

/// Largest certificate bundle read, in bytes; a system's whole trust store is about 250 KiB.
const MAX_BUNDLE_LEN: u64 = 4 * 1024 * 1024;

/// Why there is no way to AWS.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// The agent has another working directory than the client.
    #[error("AWS_CA_BUNDLE names {0:?}, which is not an absolute path")]
    RelativeBundle(PathBuf),
    /// The bundle cannot be read.
    #[error("AWS_CA_BUNDLE names {path:?}: {source}")]
    UnreadableBundle {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a certificate in it.
    #[error("AWS_CA_BUNDLE names {0:?}, which holds no PEM certificate")]
    EmptyBundle(PathBuf),
    /// The proxy variable cannot be used; its value may hold a password and is not shown.
    #[error("the variable {variable} is not a usable proxy URL")]
    Proxy {
        /// Which variable.
        variable: &'static str,
    },
}

/// A client for an endpoint of the given scheme.
pub async fn client(environment: &Environment, is_https: bool) -> Result<SharedHttpClient, HttpSetupError> {
    let trust = trust_store(environment).await?;
    let proxy = proxy(environment, is_https)?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        // An empty context cannot fail to build; see the crate's own default.
        let context = TlsContext::builder().with_trust_store(trust.clone()).build().unwrap_or_default();
        let mut connector = Connector::builder().proxy_config(proxy.clone());
        if let Some(settings) = settings {
            connector = connector.connector_settings(settings.clone());
        }
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context).build()
    }))
}

/// Botocore's rule: the bundle replaces the system's roots.
async fn trust_store(environment: &Environment) -> Result<TrustStore, HttpSetupError> {
    let Some(path) = environment.get("AWS_CA_BUNDLE").map(Path::new) else {
        return Ok(TrustStore::default());
    };
    if !path.is_absolute() {
        return Err(HttpSetupError::RelativeBundle(path.to_owned()));
    }
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read_limited(&owned, MAX_BUNDLE_LEN)).await;
    let read = read.unwrap_or_else(|lost| Err(std::io::Error::other(lost)));
    let pem = read.map_err(|source| HttpSetupError::UnreadableBundle { path: path.to_owned(), source })?;
    if !pem.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") {
        return Err(HttpSetupError::EmptyBundle(path.to_owned()));
    }
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

/// The usual variables, lower case first as curl has it; upper-case `HTTP_PROXY` counts as well, as in Go.
fn proxy(environment: &Environment, is_https: bool) -> Result<ProxyConfig, HttpSetupError> {
    let variables: &[&'static str] = if is_https {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
    };
    let found = variables.iter().find_map(|name| environment.get(name).map(|value| (*name, value)));
    let Some((variable, value)) = found else { return Ok(ProxyConfig::disabled()) };
    // `proxy.corp:3128` without a scheme is what many people set.
    let url = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let config = ProxyConfig::all(url).map_err(|_| HttpSetupError::Proxy { variable })?;
    let exceptions = environment.get("no_proxy").or_else(|| environment.get("NO_PROXY"));
    Ok(config.no_proxy(exceptions.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::new(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[tokio::test]
    async fn a_bundle_that_cannot_work_is_named() {
        let relative = trust_store(&environment(&[("AWS_CA_BUNDLE", "ca.pem")])).await.unwrap_err();
        assert!(matches!(relative, HttpSetupError::RelativeBundle(_)));
        let missing = trust_store(&environment(&[("AWS_CA_BUNDLE", "/no/such.pem")])).await.unwrap_err();
        assert!(matches!(missing, HttpSetupError::UnreadableBundle { .. }));
        let device = trust_store(&environment(&[("AWS_CA_BUNDLE", "/dev/zero")])).await.unwrap_err();
        assert!(matches!(device, HttpSetupError::UnreadableBundle { .. }));
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let empty = trust_store(&environment(&[("AWS_CA_BUNDLE", path)])).await.unwrap_err();
        assert!(matches!(empty, HttpSetupError::EmptyBundle(_)));
    }

    #[test]
    fn the_scheme_chooses_the_proxy() {
        let both = environment(&[("HTTP_PROXY", "http://plain:1"), ("https_proxy", "tls:2")]);
        assert!(!proxy(&both, true).unwrap().is_disabled());
        assert!(!proxy(&both, false).unwrap().is_disabled());
        assert!(proxy(&environment(&[("HTTP_PROXY", "http://plain:1")]), true).unwrap().is_disabled());
        let error = proxy(&environment(&[("HTTPS_PROXY", "http://user:pass word@:x")]), true).unwrap_err();
        assert_eq!(error.to_string(), "the variable HTTPS_PROXY is not a usable proxy URL");
    }
}
