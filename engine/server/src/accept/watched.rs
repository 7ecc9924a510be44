//! A stream that is closed if its client sends headers too slowly or does not read its answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Stream;
use crate::config::Limits;

/// The requests of a connection that are being answered.
#[derive(Debug)]
pub(super) struct State(AtomicUsize);

impl State {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Counts a request until the guard is dropped.
    pub(super) fn busy(self: Arc<Self>) -> Busy {
        self.0.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }

    fn is_busy(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Busy(Arc<State>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream with deadlines.
pub(super) struct Watched {
    stream: Box<dyn Stream>,
    state: Arc<State>,
    headers: Duration,
    write: Duration,
    /// When the headers that are arriving must be complete. A new connection must send some.
    reading: Option<Pin<Box<Sleep>>>,
    /// When the bytes that wait to be written must have been taken, and how many of them were.
    writing: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Watched {
    pub(super) fn new(stream: Box<dyn Stream>, state: Arc<State>, limits: &Limits) -> Self {
        let reading = Some(Box::pin(sleep_until(Instant::now() + limits.headers)));
        let (headers, write) = (limits.headers, limits.write);
        Self { stream, state, headers, write, reading, writing: None }
    }

    /// Fails if the client has had enough time for its headers.
    fn check_headers(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.reading.as_mut().map(|sleep| sleep.as_mut().poll(context)) {
            Some(Poll::Ready(())) => Err(io::ErrorKind::TimedOut.into()),
            Some(Poll::Pending) | None => Ok(()),
        }
    }

    /// A write that waits for the client fails if it took too few bytes since it started to wait.
    fn wait_for_client(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let write = self.write;
        let new = || (Box::pin(sleep_until(Instant::now() + write)), 0);
        let (sleep, _) = self.writing.get_or_insert_with(new);
        match sleep.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    fn wrote(&mut self, bytes: usize) {
        if let Some((_, written)) = &mut self.writing {
            *written += bytes;
            if *written >= Limits::WRITTEN {
                self.writing = None;
            }
        }
    }

    fn write_by(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut Box<dyn Stream>>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match write(Pin::new(&mut self.stream), context) {
            Poll::Ready(Ok(bytes)) => {
                self.wrote(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Pending => {
                self.wait_for_client(context)?;
                Poll::Pending
            }
            failed => failed,
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match this.state.is_busy() {
            true => this.reading = None,
            false => this.check_headers(context)?,
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before && !this.state.is_busy() && this.reading.is_none() {
            this.reading = Some(Box::pin(sleep_until(Instant::now() + this.headers)));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_by(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write_by(context, |stream, context| stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        // hyper flushes when it has nothing left to write.
        self.writing = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
