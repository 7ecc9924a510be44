//! Reading the body of a request: what it is, how long, and in which time.

use std::time::Duration;

use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use crate::body_memory::BodyShare;
use crate::config::Limits;
use crate::errors::{Reason, Refusal};
use crate::json::{self, Fields, shown};

/// Bodies longer than this are parsed on a thread that may block.
const LARGE: usize = 256 << 10;

/// Bytes of each body that have room besides `max-body-memory`: connections are limited, too.
pub(crate) const FREE: usize = 64 << 10;

/// Reads the JSON object in the body of a request.
///
/// # Errors
/// If it is of another type, too long, too slow, or not a JSON object.
pub(crate) async fn read_fields(mut request: Request, limits: &Limits) -> Result<Fields, Refusal> {
    let body = read_body(&mut request, limits).await?;
    // Beside its texts or token ids, a request has a few options.
    let most_values = limits.inputs.max(limits.tokens_per_request as usize) + 1024;
    let parse = || json::parse(&body, most_values);
    let value: Value = if body.len() > LARGE { tokio::task::block_in_place(parse) } else { parse() }?;
    Fields::of_body(value)
}

/// Takes a request's body of JSON text.
pub(crate) async fn read_body(request: &mut Request, limits: &Limits) -> Result<Bytes, Refusal> {
    check_type(request.headers())?;
    let most = limits.body_bytes;
    let stated = stated_length(request.headers())?;
    if let Some(stated) = stated.filter(|stated| *stated > most as u64) {
        return Err(too_long(most, &format!("{stated} bytes")));
    }
    let share = request.extensions().get::<BodyShare>().cloned();
    let mut body = std::mem::take(request.body_mut());
    let mut bytes = BytesMut::with_capacity(stated.map_or(0, |stated| (stated as usize).min(FREE)));
    let mut end = Instant::now() + limits.body;
    while let Some(frame) = timeout_at(end, body.frame()).await.map_err(|_| too_slow(limits))? {
        let frame = frame.map_err(|_| Refusal::new(Reason::Value, "the body ended before its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > most {
            return Err(too_long(most, "more"));
        }
        if let Some(share) = share.as_ref().filter(|_| length > FREE && bytes.len() <= FREE) {
            // A client that only states a length takes no room. A body in chunks may be as long as any.
            let room = share.take(stated.map_or(most, |stated| stated as usize));
            timeout(limits.body, room).await.map_err(|_| no_room(limits))?;
            end = Instant::now() + limits.body;
        }
        bytes.extend_from_slice(&data);
    }
    if let Some(share) = &share {
        share.shrink(bytes.len());
    }
    Ok(bytes.freeze())
}

fn too_slow(limits: &Limits) -> Refusal {
    Refusal::new(
        Reason::SlowBody,
        format!("the body must arrive within {} s, and did not", limits.body.as_secs_f64()),
    )
}

fn no_room(limits: &Limits) -> Refusal {
    let (room, wait) = (limits.body_memory(), limits.body.as_secs_f64());
    let rule = format!(
        "the bodies of all requests may have at most {room} bytes together (the server's `max-body-memory`), and there was \
         no room for this one within {wait} s: try again in 1 s"
    );
    Refusal::new(Reason::Busy(Duration::from_secs(1)), rule)
}

fn too_long(most: usize, found: &str) -> Refusal {
    let rule = format!("the body must have at most {most} bytes (the server's `max-body`), got {found}");
    Refusal::new(Reason::TooLarge, rule)
}

/// The length that the headers state; `None` for a body in chunks.
fn stated_length(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let stated = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match (stated, headers.contains_key(TRANSFER_ENCODING)) {
        (None, false) => Err(Refusal::new(
            Reason::Length,
            "the request must have a body, with Content-Length or in chunks, and states neither",
        )),
        (stated, _) => Ok(stated),
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim());
    if let Some(encoding) = text(CONTENT_ENCODING).filter(|it| !it.eq_ignore_ascii_case("identity")) {
        return Err(Refusal::new(
            Reason::MediaType,
            format!("the body must not be compressed, and Content-Encoding is {}", shown(encoding)),
        ));
    }
    let content_type = text(CONTENT_TYPE).unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_json =
        media == "application/json" || media.starts_with("application/") && media.ends_with("+json");
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    if is_json && charset.is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8")) {
        return Ok(());
    }
    let rule = "Content-Type must be application/json, in UTF-8, got ";
    Err(Refusal::new(Reason::MediaType, format!("{rule}{}", shown(content_type))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn bodies_are_json_that_is_not_compressed() {
        let check = |pairs: &[(&'static str, &str)]| check_type(&headers(pairs)).is_ok();
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/vnd.x+json"] {
            assert!(check(&[("content-type", good)]), "{good}");
        }
        for bad in ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
        {
            assert!(!check(&[("content-type", bad)]), "{bad}");
        }
        let json = ("content-type", "application/json");
        assert!(check(&[json, ("content-encoding", "identity")]));
        assert!(!check(&[json, ("content-encoding", "gzip")]) && !check(&[json, ("content-encoding", "br")]));
        assert!(!check(&[]));
    }

    #[test]
    fn a_body_states_its_length_or_comes_in_chunks() {
        assert_eq!(stated_length(&headers(&[("content-length", "12")])), Ok(Some(12)));
        assert_eq!(stated_length(&headers(&[("transfer-encoding", "chunked")])), Ok(None));
        assert_eq!(stated_length(&headers(&[])).unwrap_err().reason, Reason::Length);
    }
}
