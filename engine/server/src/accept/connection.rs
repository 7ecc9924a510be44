//! One connection: HTTP/1.1 requests until it is closed.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::Stream;
use super::watched::{State, Watched};
use crate::config::Limits;
use crate::front::Front;
use crate::shared::{Phase, Shared};

/// Serves a connection until it is closed.
pub(super) async fn serve(stream: Box<dyn Stream>, is_local: bool, front: Front, shared: &Shared) {
    let limits = &shared.config.limits;
    let state = Arc::new(State::new());
    let watched = TokioIo::new(Watched::new(stream, state.clone(), limits));
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (front, busy) = (front.clone(), state.clone().busy());
        async move {
            let response = front.answer(request.map(Body::new) as Request, is_local).await;
            // The connection is idle again when the last byte of the answer has been taken.
            Ok::<Response, Infallible>(response.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    let _ = &busy;
                    frame
                }))
            }))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // It runs while a connection is idle, too; slow headers end earlier, by `Watched`.
        .header_read_timeout(limits.idle)
        .max_buf_size(Limits::HEADER_BYTES)
        .serve_connection(watched, service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shared.reached(Phase::Closing) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}
