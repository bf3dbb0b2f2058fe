//! The operator's end: asks the agent and waits for its answer, for a bounded time.

use core::time::Duration;
use std::io;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::request::{Changed, DrainRequest, Problem, ReloadRequest, Reloaded, ResumeRequest};
use super::status::Status;

/// More than the agent needs to carry out a command, so that its own refusal arrives first.
const PATIENCE: Duration = Duration::from_secs(5);

/// A status of 255 routers with 255 addresses each stays below.
const ANSWER_LIMIT: usize = 16 << 20;

/// Asks one agent.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    patience: Duration,
}

/// Says why there is no answer, or not the hoped-for one.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no socket, or nobody listens on it.
    #[error("no agent answers on {}", .0.display())]
    NoAgent(PathBuf),
    /// An agent listens, but is hung or stopped.
    #[error("the agent on {} has not answered within {} s", .0.display(), .1.as_secs_f32())]
    Silent(PathBuf, Duration),
    /// The socket is not for this user.
    #[error("no permission to talk to the agent on {}", .0.display())]
    Denied(PathBuf),
    /// The agent said no.
    #[error("{}", .0.error)]
    Refused(Problem),
    /// The connection failed otherwise.
    #[error("the connection to {} failed: {source}", .path.display())]
    Connection {
        /// The socket's path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Whatever answers is no agent, or one of another version.
    #[error("{} answers, but not as an agent of this version does: {reason}", .path.display())]
    Protocol {
        /// The socket's path.
        path: PathBuf,
        /// What is odd about the answer.
        reason: String,
    },
}

impl Client {
    /// Asks the agent whose control socket is `socket`; nothing happens before the first question.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self::with_patience(socket, PATIENCE)
    }

    /// Asks like [`Self::new`], but waits this long for an answer.
    pub fn with_patience(socket: impl Into<PathBuf>, patience: Duration) -> Self {
        Self { socket: socket.into(), patience }
    }

    /// Returns the control socket's path.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks for the status document.
    ///
    /// # Errors
    /// [`ClientError`]; never [`ClientError::Refused`].
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.ask(Method::GET, "/v1/status", Bytes::new()).await
    }

    /// Takes the node out; returns as soon as the agent has begun.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn drain(&self, request: &DrainRequest) -> Result<Changed, ClientError> {
        self.ask(Method::POST, "/v1/drain", self.body(request)?).await
    }

    /// Lets the node take part again; returns as soon as the agent has begun.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn resume(&self, request: &ResumeRequest) -> Result<Changed, ClientError> {
        self.ask(Method::POST, "/v1/resume", self.body(request)?).await
    }

    /// Lets the agent read its configuration again, and apply it unless that is not asked for.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn reload(&self, request: &ReloadRequest) -> Result<Reloaded, ClientError> {
        self.ask(Method::POST, "/v1/reload", self.body(request)?).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> Result<T, ClientError> {
        let (status, answer) = tokio::time::timeout(self.patience, self.exchange(method, path, body))
            .await
            .map_err(|_| ClientError::Silent(self.socket.clone(), self.patience))??;
        if status == StatusCode::OK {
            return serde_json::from_slice(&answer).map_err(|error| self.odd(&error));
        }
        match serde_json::from_slice(&answer) {
            Ok(problem) => Err(ClientError::Refused(problem)),
            Err(_) => Err(self.odd(&format_args!("HTTP status {status}"))),
        }
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes), ClientError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.unreachable(error))?;
        let (mut sender, connection) =
            http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.map_err(|error| self.broken(error))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "vipd")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| self.odd(&error))?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(|error| self.broken(error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    self.odd(&format_args!("more than {ANSWER_LIMIT} bytes"))
                } else {
                    self.odd(&error)
                }
            })?;
            Ok((status, body.to_bytes()))
        };
        let drive = async {
            // Its error also ends the answer, which says what happened.
            let _ = connection.await;
            core::future::pending().await
        };
        tokio::select! {
            answer = answer => answer,
            never = drive => never,
        }
    }

    fn body(&self, request: &impl Serialize) -> Result<Bytes, ClientError> {
        serde_json::to_vec(request).map(Bytes::from).map_err(|error| self.odd(&error))
    }

    fn unreachable(&self, source: io::Error) -> ClientError {
        let path = self.socket.clone();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
                ClientError::NoAgent(path)
            }
            io::ErrorKind::PermissionDenied => ClientError::Denied(path),
            _ => ClientError::Connection { path, source },
        }
    }

    fn broken(&self, error: hyper::Error) -> ClientError {
        let path = self.socket.clone();
        match error.is_parse() {
            true => ClientError::Protocol { path, reason: error.to_string() },
            false => ClientError::Connection { path, source: io::Error::other(error) },
        }
    }

    fn odd(&self, reason: &impl ToString) -> ClientError {
        ClientError::Protocol { path: self.socket.clone(), reason: reason.to_string() }
    }
}
