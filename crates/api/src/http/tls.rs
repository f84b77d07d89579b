//! TLS of what Farley itself connects to over HTTP: by the one provider of cryptography that is linked.

/// Makes it the provider of this process; once is enough, and doing it again changes nothing.
pub fn provide() {
    // Another part of the process may have named one before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
