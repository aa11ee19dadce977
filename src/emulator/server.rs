//! The HTTP server: connections, the request log, faults, and the routing to the operations.

use std::{error::Error as _, pin::Pin, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::{
    Operation, Request,
    fault::Faults,
    log::Log,
    moneykit, moov,
    random::Random,
    response::{self, BeforeService, BytesResponse, Cut, Outgoing, Why, merge},
    time::{Time, http_date},
};

const BODY_LIMIT: usize = 64 * 1024;
const CONNECTIONS: usize = 256;
const READ_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct Services {
    pub(super) moneykit: moneykit::Service,
    pub(super) moov: moov::Service,
    pub(super) time: Time,
    pub(super) random: Arc<Random>,
    pub(super) faults: Faults,
    pub(super) log: Log,
    pub(super) observer: Option<Observer>,
    pub(super) handler: Option<Handler>,
}

pub(super) type Handler = Arc<dyn Fn(&http::Request<Bytes>) -> Option<BytesResponse> + Send + Sync>;

pub(super) type Observer = Arc<dyn Fn(&Request) + Send + Sync>;

struct Observed<'a>(&'a Services, Request);

impl Drop for Observed<'_> {
    fn drop(&mut self) {
        if let Some(observer) = &self.0.observer {
            observer(&self.1);
        }
    }
}

/// Aborting this task also closes the connections, because this task owns the connection tasks.
pub(super) async fn run(listener: TcpListener, services: Arc<Services>, mut stopping: watch::Receiver<bool>) {
    // On loopback, limit neither the number of connections nor the time to read a request, because
    // tests open thousands of connections and pause tokio's clock.
    let is_remote = listener.local_addr().is_ok_and(|address| !address.ip().is_loopback());
    let read_timeout = is_remote.then_some(READ_TIMEOUT);
    let mut connections = JoinSet::new();
    loop {
        let may_accept = !is_remote || connections.len() < CONNECTIONS;
        tokio::select! {
            accepted = listener.accept(), if may_accept => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, services.clone(), read_timeout, stopping.clone()));
                }
                // The process may be out of file descriptors. Wait before the next attempt, because
                // some descriptors may be closed in the meantime.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            () = stop(&mut stopping) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn stop(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        // The emulator was dropped. Its `Drop` implementation aborts this task, so wait for the
        // abort.
        std::future::pending().await
    }
}

async fn connection(
    stream: TcpStream,
    services: Arc<Services>,
    read_timeout: Option<Duration>,
    mut stopping: watch::Receiver<bool>,
) {
    _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let services = services.clone();
        async move { services.respond(request, read_timeout).await }
    });
    let mut builder = http1::Builder::new();
    if let Some(limit) = read_timeout {
        builder.timer(TokioTimer::new()).header_read_timeout(limit);
    }
    let mut connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut ended = tokio::select! {
        ended = &mut connection => Some(ended),
        () = stop(&mut stopping) => None,
    };
    if ended.is_none() {
        Pin::new(&mut connection).graceful_shutdown();
        ended = Some((&mut connection).await);
    }
    let Some(Err(error)) = ended else { return };
    if error.source().and_then(|source| source.downcast_ref()) == Some(&Cut::Reset) {
        // Closing a socket with a linger time of 0 sends a RST to the client.
        _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

impl Services {
    async fn respond(
        &self,
        request: http::Request<Incoming>,
        read_timeout: Option<Duration>,
    ) -> Result<Response<Outgoing>, Cut> {
        let (mut parts, body) = request.into_parts();
        let body = match read_timeout {
            Some(limit) => tokio::time::timeout(limit, read(body)).await.map_err(|_| Cut::Close)??,
            None => read(body).await?,
        };
        if let (Some(handler), Some(body)) = (&self.handler, &body) {
            let request = http::Request::from_parts(parts, body.clone());
            if let Some(response) = handler(&request) {
                return Ok(response::whole(response));
            }
            parts = request.into_parts().0;
        }
        let request = Request::new(parts, body.clone().unwrap_or_default());
        self.log.add(request.clone());
        let _observed = Observed(self, request.clone());

        let fault = request.operation.and_then(|operation| self.faults.next(operation));
        let serve = || match body {
            Some(_) => self.serve(&request),
            None => {
                response::because(response::empty(StatusCode::PAYLOAD_TOO_LARGE), "the body is over 64 KiB")
            }
        };
        let mut response = match fault {
            Some(fault) => {
                request.set_note("injected fault");
                fault.play(serve).await?
            }
            None => response::whole(serve()),
        };
        if let Some(Why(note)) = response.extensions().get() {
            request.set_note(note);
        }
        self.stamp(&request, &mut response);
        request.set_status(response.status());
        Ok(response)
    }

    fn serve(&self, request: &Request) -> BytesResponse {
        let now = self.time.now();
        match request.operation {
            Some(Operation::MoneykitToken) => merge(self.moneykit.token(request, now)),
            Some(Operation::MoneykitIntrospect) => merge(self.moneykit.introspect(request, now)),
            Some(Operation::MoneykitJwks) => merge(self.moneykit.jwks(request)),
            Some(Operation::MoovToken) => merge(self.moov.token(request, now)),
            Some(Operation::MoovRevoke) => merge(self.moov.revoke(request)),
            Some(Operation::MoovAccounts) => merge(self.moov.accounts(request, now)),
            None => no_operation(request),
        }
    }

    fn stamp(&self, request: &Request, response: &mut Response<Outgoing>) {
        let is_before_service = response.extensions().get::<BeforeService>().is_some();
        let headers = response.headers_mut();
        if !headers.contains_key(header::DATE)
            && let Ok(date) = HeaderValue::try_from(http_date(self.time.now()))
        {
            headers.insert(header::DATE, date);
        }
        let is_moov = Operation::at(request.path_alone()).is_some_and(Operation::is_moov);
        if is_moov
            && !is_before_service
            && !headers.contains_key("x-request-id")
            && let Ok(id) = HeaderValue::try_from(self.random.uuid().to_string())
        {
            headers.insert("x-request-id", id);
        }
    }
}

fn no_operation(request: &Request) -> BytesResponse {
    let Some(operation) = Operation::at(request.path_alone()) else {
        return response::empty(StatusCode::NOT_FOUND);
    };
    let mut response = response::empty(StatusCode::METHOD_NOT_ALLOWED);
    if let Ok(method) = HeaderValue::from_str(operation.method().as_str()) {
        response.headers_mut().insert(header::ALLOW, method);
    }
    response
}

/// Reads the whole body, even if the body exceeds the limit. Otherwise a client that is still
/// sending would get a reset instead of the response.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, Cut> {
    let mut kept = BytesMut::new();
    let mut is_over = false;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Cut::Close)?;
        let data = frame.data_ref().map_or(&[][..], |data| data);
        is_over = is_over || data.len() > BODY_LIMIT - kept.len();
        if !is_over {
            kept.extend_from_slice(data);
        }
    }
    Ok((!is_over).then(|| kept.freeze()))
}
