//! The guard against bodies that trickle in: the server itself only limits how long a request's head may take.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep};

/// So much must arrive in each span of time, or the body is given up: 4 kbit/s, far below any telephone line.
const SPAN: Duration = Duration::from_secs(30);
const LEAST: usize = 16 * 1024;

/// Middleware: puts the guard around the body of every request that has one.
pub async fn limit_slow_bodies(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    if !request.method().is_safe() {
        let body = request.take_payload();
        let guarded: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> =
            Box::pin(Guarded::new(body, SPAN, LEAST));
        request.set_payload(Payload::from(guarded));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// A body that ends with an error when too little of it arrives.
struct Guarded<S> {
    body: S,
    span: Duration,
    least: usize,
    arrived: usize,
    /// Runs only while the reader waits; a handler that is slow to read isn't the sender's fault.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    fn new(body: S, span: Duration, least: usize) -> Self {
        Self { body, span, least, arrived: 0, deadline: None }
    }

    fn count(&mut self, bytes: usize) {
        self.arrived = self.arrived.saturating_add(bytes);
        if self.arrived >= self.least {
            self.arrived = 0;
            self.deadline = None;
        }
    }
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for Guarded<S> {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.body).poll_next(context);
        match &polled {
            Poll::Ready(Some(Ok(chunk))) => self.count(chunk.len()),
            Poll::Ready(_) => self.deadline = None,
            Poll::Pending => {
                let span = self.span;
                let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(span)));
                if deadline.as_mut().poll(context).is_ready() {
                    deadline.as_mut().reset(Instant::now() + span);
                    let error = io::Error::new(io::ErrorKind::TimedOut, "the body arrives too slowly");
                    return Poll::Ready(Some(Err(PayloadError::Io(error))));
                }
            }
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    fn trickle(bytes: usize, every: Duration) -> impl Stream<Item = Result<Bytes, PayloadError>> + Unpin {
        Box::pin(stream::unfold((), move |()| async move {
            sleep(every).await;
            Some((Ok(Bytes::from(vec![0; bytes])), ()))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_ends_after_one_span() {
        let started = Instant::now();
        let mut body = Guarded::new(trickle(10, Duration::from_secs(5)).take(100), SPAN, LEAST);
        while let Some(Ok(_)) = body.next().await {}
        assert!(started.elapsed() <= SPAN + Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_is_served_to_the_end() {
        // 25 MB at 256 kbit/s.
        let body = Guarded::new(trickle(32 * 1024, Duration::from_secs(1)), SPAN, LEAST).take(800);
        assert!(body.all(|chunk| async move { chunk.is_ok() }).await);
    }
}
