//! The agent's end: what each path answers.

use core::future::{Future, IntoFuture};
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State as Shared};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use tokio::sync::{mpsc, oneshot};

use crate::config::{Config, VirtualRouter};
use crate::election::{Drain, Instant};
use crate::engine::{Command, Handle, Published};

use super::connections::Connections;
use super::permission::{self, Owners};
use super::request::{Changed, DrainRequest, Object, Problem, Reason, ReloadRequest, Reloaded, ResumeRequest};
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
    /// Held only to copy or to replace what is in it.
    config: Arc<Mutex<Arc<Config>>>,
    clock: fn() -> Instant,
    started: Instant,
    reloads: mpsc::Sender<ReloadJob>,
}

/// Asks whoever can to read the configuration again.
#[derive(Debug)]
pub struct ReloadJob {
    /// Whether nothing is to be applied.
    pub dry_run: bool,
    /// Takes the outcome.
    pub answer: oneshot::Sender<Result<Reloaded, Problem>>,
}

/// Pairs what is configured with what is published, as of one moment.
struct Running {
    config: Arc<Config>,
    published: Arc<[Arc<Published>]>,
}

impl Running {
    /// Returns every router in the configuration's order.
    fn routers(&self) -> impl Iterator<Item = (&VirtualRouter, &Arc<Published>)> {
        let published = |name: &str| self.published.iter().find(|published| published.name == name);
        self.config.virtual_routers.iter().filter_map(move |router| Some((router, published(&router.name)?)))
    }

    /// Finds the router that a request names; `None` where it names none.
    fn find(&self, name: Option<&str>) -> Result<Option<usize>, Refusal> {
        let Some(name) = name else { return Ok(None) };
        match self.routers().find(|(config, _)| config.name == name) {
            Some((_, published)) => Ok(Some(published.place())),
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
}

impl Context {
    /// Takes the engine's handle and the configuration that the engine runs; `clock` must be the engine's clock, and
    /// `reloads` leads to whoever applies configurations.
    pub fn new(engine: Handle, config: Arc<Config>, clock: fn() -> Instant, reloads: mpsc::Sender<ReloadJob>) -> Self {
        Self { engine, config: Arc::new(Mutex::new(config)), clock, started: clock(), reloads }
    }

    /// Answers by this configuration from now on; the engine's handle lists its routers.
    pub fn set_config(&self, config: Arc<Config>) {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Returns the configuration that it answers by.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn running(&self) -> Running {
        Running { config: self.config(), published: self.engine.routers() }
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
            routers: self.running().routers().map(|(config, it)| RouterStatus::of(config, it, now)).collect(),
        }
    }

    /// Sends a command and waits until every router in `about` has published the outcome.
    async fn carry_out(
        &self,
        command: Command,
        about: &[Arc<Published>],
        drained: bool,
    ) -> Result<Json<Changed>, Refusal> {
        let before: Vec<_> = about.iter().map(|router| (router, router.snapshot().commands)).collect();
        self.engine.send(command).map_err(|busy| Refusal::hung(busy.to_string()))?;
        let waits = |(router, commands): &(&Arc<Published>, u64)| {
            let now = router.snapshot();
            // A peer that cannot serve gives the role back within a millisecond: the drain is over when it is seen.
            now.view.drained != drained && now.commands == *commands && !router.is_gone()
        };
        let done = async {
            while before.iter().any(waits) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, done)
            .await
            .map_err(|_| Refusal::hung(format!("the election thread has not answered within {PATIENCE:?}")))?;
        Ok(Json(Changed { routers: about.iter().map(|router| router.name.clone()).collect() }))
    }
}

/// Says no, with a reason and a way out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    problem: Problem,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let status = match problem.reason {
            Reason::Failed => StatusCode::SERVICE_UNAVAILABLE,
            Reason::Conflict => StatusCode::CONFLICT,
            Reason::BadConfig => StatusCode::UNPROCESSABLE_ENTITY,
            Reason::NotPermitted => StatusCode::FORBIDDEN,
        };
        Self { status, problem }
    }
}

impl Refusal {
    fn new(status: StatusCode, error: impl Into<String>, help: impl Into<String>) -> Self {
        Self { status, problem: Problem::new(Reason::Failed, error, help) }
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
    request: Result<Json<Object<DrainRequest>>, JsonRejection>,
) -> Result<Json<Changed>, Refusal> {
    let Json(Object(request)) = request?;
    let running = context.running();
    let router = running.find(request.router.as_deref())?;
    // Ownership rule 16: an address owner is never drained.
    let about: Vec<Arc<Published>> = running
        .routers()
        .filter(|(config, it)| router.is_none_or(|place| place == it.place()) && !config.priority.is_owner())
        .map(|(_, it)| Arc::clone(it))
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
    request: Result<Json<Object<ResumeRequest>>, JsonRejection>,
) -> Result<Json<Changed>, Refusal> {
    let Json(Object(request)) = request?;
    let running = context.running();
    let router = running.find(request.router.as_deref())?;
    let is_meant = |(_, it): &(&VirtualRouter, &Arc<Published>)| router.is_none_or(|place| place == it.place());
    let about: Vec<Arc<Published>> = running.routers().filter(is_meant).map(|(_, it)| Arc::clone(it)).collect();
    context.carry_out(Command::Resume { router }, &about, false).await
}

async fn reload(
    Shared(context): Shared<Context>,
    request: Result<Json<Object<ReloadRequest>>, JsonRejection>,
) -> Result<Json<Reloaded>, Refusal> {
    let Json(Object(ReloadRequest { dry_run })) = request?;
    let (answer, outcome) = oneshot::channel();
    let hung = || Refusal::hung("the agent does not take reloads".to_owned());
    context.reloads.try_send(ReloadJob { dry_run, answer }).map_err(|_| hung())?;
    Ok(Json(outcome.await.map_err(|_| hung())??))
}

const PATHS: &str = "GET /v1/status, POST /v1/drain, POST /v1/resume, POST /v1/reload";

async fn unknown_path(uri: Uri) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, format!("nothing at {}", uri.path()), format!("there is {PATHS}"))
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let error = format!("{method} does nothing at {}", uri.path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error, format!("there is {PATHS}"))
}

fn paths(context: Context, owners: Owners) -> Router {
    Router::new()
        .route("/v1/drain", post(drain))
        .route("/v1/resume", post(resume))
        .route("/v1/reload", post(reload))
        .route_layer(middleware::from_fn_with_state(owners, permission::check))
        .route("/v1/status", get(status))
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
    let listener = Connections::new(socket.listener()?);
    let paths = paths(context, Owners::new(socket.group()));
    let service = paths.into_make_service_with_connect_info::<permission::Client>();
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
        served = axum::serve(listener, service).with_graceful_shutdown(shutdown).into_future() => served,
        () = too_late => Ok(()),
    }
}

#[cfg(test)]
mod tests;
