//! Values of `x-moov-version` for [`ClientBuilder::with_version`](super::ClientBuilder::with_version).
//!
//! Any other version can be given as text.

/// `v2024.01.00`. The service uses it for a request that names no version.
pub const V2024_01_00: &str = "v2024.01.00";
/// `v2025.01.00`. Changed the status codes of errors.
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
/// `v2026.07.00`. The vendor's SDK generated from it sends `client_type`: see
/// [`ClientBuilder::with_client_type`](super::ClientBuilder::with_client_type).
pub const V2026_07_00: &str = "v2026.07.00";
/// `v2026.10.00`.
pub const V2026_10_00: &str = "v2026.10.00";
/// `latest`: not a fixed version. Newer documentation calls it [`DEV`].
pub const LATEST: &str = "latest";
/// `dev`: not a fixed version.
pub const DEV: &str = "dev";
