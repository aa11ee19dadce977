//! Values of `x-moov-version`, for
//! [`ClientBuilder::with_version`](super::ClientBuilder::with_version).
//!
//! To use a version that has no constant in this module, pass the version as a string.

use crate::transport::is_like;

/// The version that a client sends by default: [`V2026_07_00`].
///
/// `v2026.07.00` is the first version that documents `client_type`, which is required for a
/// backend's tokens. The vendor's own SDKs also send this version. A patch release of this crate
/// never changes the default.
pub const DEFAULT: &str = V2026_07_00;
/// `none`: the client sends no `x-moov-version`, and the service uses [`V2024_01_00`].
pub const NONE: &str = "none";

/// `v2024.01.00`. The service uses this version for requests without `x-moov-version`.
pub const V2024_01_00: &str = "v2024.01.00";
/// `v2025.01.00`. This version changed the status codes of errors.
pub const V2025_01_00: &str = "v2025.01.00";
/// `v2025.04.00`.
pub const V2025_04_00: &str = "v2025.04.00";
/// `v2025.07.00`.
pub const V2025_07_00: &str = "v2025.07.00";
/// `v2025.10.00`.
pub const V2025_10_00: &str = "v2025.10.00";
/// `v2026.01.00`.
pub const V2026_01_00: &str = "v2026.01.00";
/// `v2026.04.00`.
pub const V2026_04_00: &str = "v2026.04.00";
/// `v2026.07.00`. This is the first version that documents `client_type`
/// ([`ClientBuilder::with_client_type`](super::ClientBuilder::with_client_type)).
pub const V2026_07_00: &str = "v2026.07.00";
/// `v2026.10.00`.
pub const V2026_10_00: &str = "v2026.10.00";
/// `latest`: not a fixed version. Newer documentation of Moov uses the name [`DEV`] instead.
pub const LATEST: &str = "latest";
/// `dev`: not a fixed version.
pub const DEV: &str = "dev";

/// Returns whether `client_type` is documented for this version. Returns `false` for [`NONE`].
pub fn knows_client_type(version: &str) -> bool {
    // All versions have the same length, so versions can be compared as text.
    matches!(version, LATEST | DEV) || is_version(version) && version >= V2026_07_00
}

pub(crate) fn is_version(text: &str) -> bool {
    matches!(text, LATEST | DEV) || is_like(text, "v0000.00.00")
}
