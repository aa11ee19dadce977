//! Formats a request as one log line. Never shows headers or bodies.

use std::time::SystemTime;

use fintech_auth::emulator::Request;
use serde_json::json;

use crate::{
    emulator::fault,
    output::{time, visible},
};

pub(super) fn line(request: &Request, json: bool) -> String {
    let now = time(SystemTime::now());
    // The query is omitted, because it may contain secrets.
    let path = request.path.split('?').next().unwrap_or_default();
    let operation = request.operation.map(fault::name);
    let status = request.status().map(|status| status.as_u16());
    if json {
        let line = json!({
            "event": "request", "time": now, "method": request.method.as_str(), "path": path,
            "operation": operation, "status": status, "note": request.note(),
        });
        return format!("{line}\n");
    }
    let status = status.map_or_else(|| "no response".to_owned(), |status| status.to_string());
    let operation = operation.unwrap_or("unknown operation");
    let note = request.note().map(|note| format!("  {note}")).unwrap_or_default();
    format!("{now}  {:<4} {:<24} {operation:<20} {status}{note}\n", request.method.as_str(), visible(path))
}
