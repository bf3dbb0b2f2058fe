//! The control socket: bytes in, HTTP and JSON out, through the server that the agent runs.
//!
//! Input: what to ask (path in the lowest three bits, method in the next two, content type in the next two), then the
//! body. Where the highest bit is set, the rest is the whole request as bytes.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use vipd::config::Config;
use vipd::control::{Changed, Context, ControlSocket, Problem, ReloadJob, Reloaded, Status, serve};
use vipd::election::Instant;
use vipd::engine::{Command, Inbox, channel};

use super::input::Input;

/// An address owner: nothing that is asked of it waits for an election thread.
const CONFIG: &str = "virtual_routers: [{ name: orders-db, interface: eth0, vrid: 51, priority: 255, \
                      addresses: [10.77.0.100/24] }]";
const PATHS: [&str; 8] =
    ["/v1/drain", "/v1/resume", "/v1/reload", "/v1/status", "/v1/drain?force", "/v1/drain/", "/", "/v1/%64rain"];
const METHODS: [&str; 4] = ["POST", "GET", "PUT", "DELETE"];
const TYPES: [&str; 4] = ["application/json", "application/json; charset=utf-8", "text/plain", ""];
/// What the server takes of a body.
const LONGEST_BODY: usize = 4096;
/// The longest answer: a name of 4,096 bytes that is escaped twice, and the text around it.
const LONGEST_ANSWER: usize = 16 * LONGEST_BODY + 4096;
/// An answer takes microseconds; a server that waits for more after the end of the request waits for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// Every request is answered, at bounded length, by what was asked for or by a problem that says what to do; and the
/// election hears of it only if it makes sense.
pub fn check(data: &[u8]) {
    thread_local! {
        static SERVER: RefCell<Server> = RefCell::new(Server::start());
    }
    SERVER.with_borrow_mut(|server| {
        let mut input = Input::new(data);
        let ask = input.byte();
        let body = input.rest();
        if ask & 0x80 != 0 {
            let answer = server.ask(body);
            assert!(answer.is_empty() || answer.starts_with("HTTP/1."), "{answer}");
            while server.inbox.commands.pop().is_some() {}
        } else {
            server.is_answered(ask, body);
        }
    });
}

/// Holds a server, and the runtime in which it answers.
struct Server {
    runtime: Runtime,
    path: PathBuf,
    inbox: Inbox,
    _directory: TempDir,
}

impl Server {
    fn start() -> Self {
        let (Ok(directory), Ok(runtime)) = (tempfile::tempdir(), Builder::new_current_thread().enable_all().build())
        else {
            panic!("neither a directory nor a runtime, no server")
        };
        let path = directory.path().join("vipd.sock");
        let (Ok(loaded), Ok(socket)) =
            (Config::parse(CONFIG, &directory.path().join("vipd.yaml")), ControlSocket::bind(&path, None))
        else {
            panic!("a configuration that is not sound, or no socket")
        };
        let names = loaded.config.virtual_routers.iter().map(|router| router.name.clone());
        let Ok((handle, inbox)) = channel(names) else { panic!("no eventfd") };
        let (reloads, mut jobs) = mpsc::channel::<ReloadJob>(1);
        runtime.spawn(async move {
            while let Some(ReloadJob { dry_run, answer }) = jobs.recv().await {
                let reloaded = Reloaded { applied: !dry_run, routers: Vec::new(), warnings: String::new() };
                let _ = answer.send(Ok(reloaded));
            }
        });
        let context = Context::new(handle, Arc::new(loaded.config), || Instant::from_nanos(1), reloads);
        runtime.spawn(serve(socket, context, std::future::pending()));
        Self { runtime, path, inbox, _directory: directory }
    }

    /// Sends a request, ends there, and returns all that comes back.
    fn ask(&self, request: &[u8]) -> String {
        let exchange = async {
            let mut stream = UnixStream::connect(&self.path).await?;
            let (mut reader, mut writer) = stream.split();
            let mut answer = Vec::new();
            let write = async {
                // A server that has refused the rest need not read it.
                let _ = writer.write_all(request).await;
                let _ = writer.shutdown().await;
            };
            let ((), read) = tokio::join!(write, reader.read_to_end(&mut answer));
            // Bytes that it has not read make the kernel reset the connection.
            let _ = read;
            std::io::Result::Ok(answer)
        };
        let exchange = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, exchange).await });
        let Ok(Ok(answer)) = exchange else { panic!("the server does not answer: {exchange:?}") };
        assert!(answer.len() <= LONGEST_ANSWER.max(4 * request.len()), "{} bytes", answer.len());
        match String::from_utf8(answer) {
            Ok(answer) => answer,
            Err(error) => panic!("the answer is not text: {error}"),
        }
    }

    fn is_answered(&self, ask: u8, body: &[u8]) {
        let path = PATHS[usize::from(ask & 7)];
        let method = METHODS[usize::from(ask >> 3 & 3)];
        let content_type = TYPES[usize::from(ask >> 5 & 3)];
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: vipd\r\nconnection: close\r\n").into_bytes();
        if !content_type.is_empty() {
            request.extend(format!("content-type: {content_type}\r\n").into_bytes());
        }
        request.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
        request.extend(body);
        let answer = self.ask(&request);
        let command = self.inbox.commands.pop();

        let Some((head, said)) = answer.split_once("\r\n\r\n") else { panic!("no answer: {answer:?}") };
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        let path = path.split('?').next().unwrap_or(path);
        let expected = expected(method, path, content_type, body);
        assert!(expected.contains(&status), "{status} where one of {expected:?} was expected: {answer}");
        let resumes = status == 200 && path == "/v1/resume";
        let router = named(body).map(|_| 0);
        assert_eq!(command, resumes.then_some(Command::Resume { router }), "{answer}");
        match (status, path) {
            (200, "/v1/status") => is::<Status>(said),
            (200, "/v1/reload") => is::<Reloaded>(said),
            (200, _) => is::<Changed>(said),
            (_, _) => match serde_json::from_str::<Problem>(said) {
                Ok(problem) => assert!(!problem.error.is_empty() && !problem.help.is_empty(), "{said}"),
                Err(error) => panic!("{said} is no problem: {error}"),
            },
        }
    }
}

fn is<T: serde::de::DeserializeOwned>(said: &str) {
    if let Err(error) = serde_json::from_str::<T>(said) {
        panic!("{said} is not what was asked for: {error}");
    }
}

/// Returns the status codes that the documentation allows.
fn expected(method: &str, path: &str, content_type: &str, body: &[u8]) -> &'static [u16] {
    let keys: &[&str] = match (method, path) {
        ("GET", "/v1/status") => return &[200],
        (_, "/v1/status") => return &[405],
        ("POST", "/v1/drain") => &["router", "force"],
        ("POST", "/v1/resume") => &["router"],
        ("POST", "/v1/reload") => &["dry_run"],
        (_, "/v1/drain" | "/v1/resume" | "/v1/reload") => return &[405],
        (_, _) => return &[404],
    };
    if !content_type.starts_with("application/json") {
        return &[415];
    }
    if body.len() > LONGEST_BODY {
        return &[413];
    }
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else { return &[400, 422] };
    let is_sound = |(key, value): (&String, &Value)| match key.as_str() {
        "router" => value.is_string() || value.is_null(),
        _ => value.is_boolean(),
    };
    if !object.iter().all(|entry| keys.contains(&entry.0.as_str()) && is_sound(entry)) {
        return &[422];
    }
    // 422: a key that is there twice, of which `Value` keeps the last.
    match named(body) {
        Some(name) if name != "orders-db" => &[404, 422],
        Some(_) | None if path == "/v1/drain" => &[409, 422],
        Some(_) | None => &[200, 422],
    }
}

fn named(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    value.get("router")?.as_str().map(str::to_owned)
}
