//! The agent's end: what each path answers.

use core::future::{Future, IntoFuture};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State as Shared};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::sync::oneshot;

use crate::config::{Config, VirtualRouter};
use crate::election::{Drain, Instant};
use crate::engine::{Command, Handle, Published};

use super::request::{Changed, DrainRequest, Problem, ResumeRequest};
use super::socket::ControlSocket;
use super::status::{Agent, RouterStatus, Status, millis};

/// Requests are a name and a flag.
const BODY_LIMIT: usize = 4096;

/// How long the election thread may take to carry out a command. It wakes at once; only a hung one needs longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often the snapshots are looked at while a command is carried out.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Holds what the answers are made from.
#[derive(Clone, Debug)]
pub struct Context {
    engine: Handle,
    config: Arc<Config>,
    clock: fn() -> Instant,
    started: Instant,
}

impl Context {
    /// Takes the engine's handle and the configuration that the engine runs; `clock` must be the engine's clock.
    pub fn new(engine: Handle, config: Arc<Config>, clock: fn() -> Instant) -> Self {
        Self { engine, config, clock, started: clock() }
    }

    fn routers(&self) -> impl Iterator<Item = (usize, &VirtualRouter, &Published)> {
        let published = self.engine.routers().iter().map(AsRef::as_ref);
        self.config.virtual_routers.iter().zip(published).enumerate().map(|(index, (config, it))| (index, config, it))
    }

    fn status(&self) -> Status {
        let now = (self.clock)();
        Status {
            agent: Agent {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                pid: std::process::id(),
                host: nix::unistd::gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into()),
                uptime_ms: millis(now.since(self.started)),
            },
            routers: self.routers().map(|(_, config, published)| RouterStatus::of(config, published, now)).collect(),
        }
    }

    /// Finds the router that a request names; `None` where it names none.
    fn find(&self, name: Option<&str>) -> Result<Option<usize>, Refusal> {
        let Some(name) = name else { return Ok(None) };
        match self.routers().find(|(_, config, _)| config.name == name) {
            Some((index, ..)) => Ok(Some(index)),
            None => Err(self.unknown(name)),
        }
    }

    fn unknown(&self, name: &str) -> Refusal {
        let names: Vec<&str> = self.config.virtual_routers.iter().map(|router| router.name.as_str()).collect();
        let nearest = names.iter().map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
        // Beyond a third of the name a guess is noise.
        let meant = nearest.filter(|(distance, known)| *distance <= known.chars().count().div_ceil(3));
        let guess = meant.map(|(_, known)| format!("did you mean {known:?}? ")).unwrap_or_default();
        let help = format!("{guess}this agent runs {}", names.join(", "));
        Refusal::new(StatusCode::NOT_FOUND, format!("no virtual router {name:?}"), help)
    }

    /// Sends a command and waits until every router in `about` has published the outcome.
    async fn carry_out(&self, command: Command, about: &[usize], drained: bool) -> Result<Json<Changed>, Refusal> {
        let routers = self.engine.routers();
        let before: Vec<_> = about.iter().map(|index| (*index, routers[*index].snapshot().commands)).collect();
        self.engine.send(command).map_err(|busy| Refusal::hung(busy.to_string()))?;
        let waits = |&(index, commands): &(usize, u64)| {
            let now = routers[index].snapshot();
            // A peer that cannot serve gives the role back within a millisecond: the drain is over when it is seen.
            now.view.drained != drained && now.commands == commands
        };
        let done = async {
            while before.iter().any(waits) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, done)
            .await
            .map_err(|_| Refusal::hung(format!("the election thread has not answered within {PATIENCE:?}")))?;
        Ok(Json(Changed { routers: about.iter().map(|index| routers[*index].name.clone()).collect() }))
    }
}

/// Says no, with a reason and a way out.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    problem: Problem,
}

impl Refusal {
    fn new(status: StatusCode, error: impl Into<String>, help: impl Into<String>) -> Self {
        Self { status, problem: Problem { error: error.into(), help: help.into() } }
    }

    fn hung(error: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error, "see the agent's log; restart it if it stays so")
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        let help = r#"send a JSON object such as {"router": "orders-db"} with content-type application/json"#;
        Self::new(rejection.status(), rejection.body_text(), help)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.problem)).into_response()
    }
}

async fn status(Shared(context): Shared<Context>) -> Json<Status> {
    Json(context.status())
}

async fn drain(
    Shared(context): Shared<Context>,
    request: Result<Json<DrainRequest>, JsonRejection>,
) -> Result<Json<Changed>, Refusal> {
    let Json(request) = request?;
    let router = context.find(request.router.as_deref())?;
    // Ownership rule 16: an address owner is never drained.
    let about: Vec<usize> = context
        .routers()
        .filter(|(index, config, _)| router.is_none_or(|it| it == *index) && !config.priority.is_owner())
        .map(|(index, ..)| index)
        .collect();
    if about.is_empty() {
        let error = match request.router {
            Some(name) => format!("{name} cannot be drained: with priority 255 the address is this host's own"),
            None => "nothing can be drained: with priority 255 the addresses are this host's own".to_owned(),
        };
        return Err(Refusal::new(StatusCode::CONFLICT, error, "stop the agent to give the role away"));
    }
    let mode = if request.force { Drain::Forced } else { Drain::Watched };
    context.carry_out(Command::Drain { router, mode }, &about, true).await
}

async fn resume(
    Shared(context): Shared<Context>,
    request: Result<Json<ResumeRequest>, JsonRejection>,
) -> Result<Json<Changed>, Refusal> {
    let Json(request) = request?;
    let router = context.find(request.router.as_deref())?;
    let about: Vec<usize> = match router {
        Some(index) => vec![index],
        None => context.routers().map(|(index, ..)| index).collect(),
    };
    context.carry_out(Command::Resume { router }, &about, false).await
}

const PATHS: &str = "GET /v1/status, POST /v1/drain, POST /v1/resume";

async fn unknown_path(uri: Uri) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, format!("nothing at {}", uri.path()), format!("there is {PATHS}"))
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let error = format!("{method} does nothing at {}", uri.path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error, format!("there is {PATHS}"))
}

fn paths(context: Context) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/drain", post(drain))
        .route("/v1/resume", post(resume))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(context)
}

/// How long a request that is being answered may hold up the end.
const GRACE: Duration = Duration::from_millis(500);

/// Answers on `socket` until `shutdown` completes, and what is being asked for half a second longer, then removes the
/// socket's file.
///
/// Must run inside a tokio runtime with I/O and time.
///
/// # Errors
/// What the kernel says where it does not let the runtime watch the socket.
pub async fn serve<F>(socket: ControlSocket, context: Context, shutdown: F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = socket.listener()?;
    let (tell, told) = oneshot::channel();
    let shutdown = async move {
        shutdown.await;
        // Nobody listens where the server has failed.
        let _ = tell.send(());
    };
    // A client that connects and says nothing would hold the graceful end up for ever.
    let too_late = async {
        match told.await {
            Ok(()) => tokio::time::sleep(GRACE).await,
            Err(_) => core::future::pending().await,
        }
    };
    tokio::select! {
        served = axum::serve(listener, paths(context)).with_graceful_shutdown(shutdown).into_future() => served,
        () = too_late => Ok(()),
    }
}

#[cfg(test)]
mod tests;
