//! Bodies of answers, which may break off by order.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame};

/// A body that may break off.
#[derive(Debug)]
pub(crate) struct Answer {
    bytes: Bytes,
    breaks: bool,
    /// What was given is on its way, so that the break comes after it and not instead of it.
    is_flushed: bool,
    /// Not even its beginning is sent.
    is_withheld: bool,
}

impl Answer {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { bytes, breaks: false, is_flushed: false, is_withheld: false }
    }

    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) const fn is_withheld(&self) -> bool {
        self.is_withheld
    }

    /// Nothing of it is sent: the connection ends in its place.
    pub(crate) const fn withhold(&mut self) {
        self.is_withheld = true;
    }

    /// Only so much of it is sent, and then the connection ends.
    pub(crate) fn cut_at(&mut self, length: usize) {
        self.bytes.truncate(length);
        self.breaks = true;
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if self.breaks && !std::mem::replace(&mut self.is_flushed, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let breaks = std::mem::take(&mut self.breaks);
        let broken = breaks.then(|| Err(io::Error::from(io::ErrorKind::ConnectionReset)));
        Poll::Ready(broken)
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && !self.breaks
    }
}
