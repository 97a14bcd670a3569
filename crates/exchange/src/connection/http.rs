//! HTTP on one connection that belongs to one session: no pool, and no task of its own.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Body as _, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::stream::Stream;

/// What makes a connection go on; polled only while something is waited for.
type Driver = Pin<Box<http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>>>;

/// HTTP on one connection.
pub(crate) struct Http {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
}

impl Http {
    /// Speaks HTTP over a stream.
    pub(crate) async fn over(stream: Box<dyn Stream>) -> Result<Self, hyper::Error> {
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Self { sender, driver: Box::pin(driver) })
    }

    /// Whether the server has not closed the connection, as far as can be seen from here.
    pub(crate) async fn is_open(&mut self) -> bool {
        let driver = &mut self.driver;
        poll_fn(|context| Poll::Ready(driver.as_mut().poll(context).is_pending())).await
            && !self.sender.is_closed()
    }

    /// Sends a request and takes the head of its answer. The connection makes progress only here:
    /// no task of its own runs on.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, String> {
        drive(&mut self.driver, self.sender.send_request(request))
            .await?
            .map_err(|error| error.to_string())
    }

    /// The whole body of an answer, within limits of size and silence, in the memory given.
    pub(crate) async fn collect(
        &mut self,
        mut body: Incoming,
        mut whole: Vec<u8>,
        limits: BodyLimits,
    ) -> Result<Vec<u8>, String> {
        let BodyLimits { bytes, idle } = limits;
        whole.clear();
        // Answers say how long they are: half a megabyte is then moved once, not many times.
        let told = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
        whole.reserve(told.unwrap_or_default().min(bytes));
        loop {
            let frame = timeout(idle, drive(&mut self.driver, body.frame())).await;
            let frame = frame.map_err(|_| format!("silent for {} s", idle.as_secs()))??;
            let Some(frame) = frame else { return Ok(whole) };
            let frame = frame.map_err(|error| error.to_string())?;
            if let Some(data) = frame.data_ref() {
                if whole.len() + data.len() > bytes {
                    return Err(format!("an answer is larger than {bytes} bytes"));
                }
                whole.extend_from_slice(data);
            }
        }
    }
}

/// What is taken of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// Largest size.
    pub(crate) bytes: usize,
    /// Longest silence within it.
    pub(crate) idle: Duration,
}

/// Does work that needs the connection to make progress.
async fn drive<T>(driver: &mut Driver, work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    let mut ended = false;
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Ok(done));
        }
        if !ended && let Poll::Ready(end) = driver.as_mut().poll(context) {
            ended = true;
            // What was received before the end may still complete the work.
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Ok(done));
            }
            let reason = end.err().map_or_else(|| "closed".to_owned(), |error| error.to_string());
            return Poll::Ready(Err(reason));
        }
        Poll::Pending
    })
    .await
}
