//! The body of a long answer, in slices: hyper takes the next one when the client has read the one before, so that a
//! connection counts as busy until the client has nearly all of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// Bytes of a slice.
const SLICE: usize = 128 << 10;

/// The rest of a body.
#[derive(Debug)]
pub(crate) struct Slices(pub(crate) Bytes);

impl Body for Slices {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.0.len().min(SLICE);
        let slice = self.0.split_to(length);
        Poll::Ready((length > 0).then(|| Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn slices_are_the_whole_in_order() {
        for length in [0, 1, SLICE, SLICE + 1, 3 * SLICE] {
            let whole: Bytes = (0..length).map(|index| index as u8).collect();
            let mut body = Slices(whole.clone());
            assert_eq!(body.size_hint().exact(), Some(length as u64));
            let mut read = Vec::new();
            while let Some(frame) = body.frame().now_or_never().unwrap() {
                read.extend_from_slice(&frame.unwrap().into_data().unwrap());
                assert_eq!(body.size_hint().exact(), Some((length - read.len()) as u64));
            }
            assert!(read == whole && body.is_end_stream());
        }
    }
}
