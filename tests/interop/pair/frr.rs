//! What FRR is told, and what it needs around it: zebra beside vrrpd, and a macvlan for each Virtual Router.

use core::time::Duration;
use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, anyhow, ensure};
use nix::unistd::{User, chown};
use vrrp_packet::Family;

use super::agent::{LOG, end, write};
use super::lab::{INTERFACE, Lab, Side};
use super::poll_until;
use super::setting::{Cast, Credentials, Setting, VRID};

const VRRPD: &str = "/usr/lib/frr/vrrpd";
const ZEBRA: &str = "/usr/lib/frr/zebra";
/// Whom Debian's package made for the programs; they refuse to run as anybody who is not in its group.
const USER: &str = "frr";
/// What the macvlan of the Virtual Router is called; vrrpd finds it by its Ethernet address.
const MACVLAN: &str = "vrrp51";

const PATIENCE: Duration = Duration::from_secs(10);

/// Its zebra, told to take a carrier away and to give it back within some 30 ms, may leave it away: docs/interop.md.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Returns what FRR cannot do; `None`: it can.
pub(crate) fn lacks(setting: &Setting) -> Option<&'static str> {
    match (setting.cast, setting.credentials) {
        (Cast::Unicast, _) => Some("FRR knows no unicast"),
        (Cast::Multicast, Credentials::Password) => Some("FRR knows no password"),
        (Cast::Multicast, Credentials::Nothing) => {
            (setting.interval.duration() < SHORTEST_INTERVAL).then_some("too short for FRR, see below")
        }
    }
}

/// Prepares vrrpd; its zebra must run, see [`Zebra::start`].
pub(super) fn command(directory: &Path, setting: &Setting, priority: u8) -> anyhow::Result<Command> {
    let configuration = write(directory, "vrrpd.conf", &configuration(setting, priority)?)?;
    let mut command = program(VRRPD, directory);
    command.arg("--config_file").arg(configuration);
    Ok(command)
}

/// Runs what vrrpd switches its macvlan through; ends it when dropped.
pub(super) struct Zebra(Child);

impl Zebra {
    /// Makes the macvlan anew, as after a boot, and starts zebra.
    ///
    /// # Errors
    /// A sentence that says what is not installed, or what could not be made or started.
    pub(super) fn start(lab: &Lab, side: Side, setting: &Setting, directory: &Path) -> anyhow::Result<Self> {
        make_room(directory)?;
        make_macvlan(lab, side, setting, directory)?;
        let socket = socket(directory);
        // A zebra that was killed leaves its socket behind, and vrrpd must not find that one.
        let _ = fs::remove_file(&socket);
        let log = fs::File::options().create(true).append(true).open(directory.join(LOG))?;
        let mut command = program(ZEBRA, directory);
        command.arg("--config_file").arg("/dev/null");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut zebra = Self(lab.node(side).spawn(command).map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!("this test needs FRR: apt-get install frr"),
            _ => anyhow!("cannot start {ZEBRA}: {error}"),
        })?);
        // vrrpd would come again only after seconds where zebra does not listen yet.
        let listens = poll_until(PATIENCE, || (socket.exists() || zebra.has_ended()).then(|| socket.exists()));
        ensure!(listens == Some(true), "zebra does not listen: see {}", directory.join(LOG).display());
        Ok(zebra)
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Zebra {
    fn drop(&mut self) {
        end(&mut self.0, PATIENCE);
    }
}

fn program(path: &str, directory: &Path) -> Command {
    let mut command = Command::new(path);
    command.args(["--user", USER, "--group", USER, "--log", "stdout", "--log-level", "debugging"]);
    // No port for its terminal: the socket in the directory is enough, and `vtysh --vty_socket` finds it there.
    command.args(["--vty_addr", "127.0.0.1", "--vty_port", "0", "--vty_socket"]).arg(directory);
    let name = Path::new(path).file_name().unwrap_or_default();
    command.arg("--pid_file").arg(directory.join(name).with_extension("pid"));
    command.arg("--socket").arg(socket(directory));
    command
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("zserv.api")
}

/// Lets FRR's own user into the directory, and write there.
fn make_room(directory: &Path) -> anyhow::Result<()> {
    let user = User::from_name(USER)?.context("this test needs FRR: apt-get install frr")?;
    chown(directory, Some(user.uid), Some(user.gid))?;
    let above = directory.parent().context("a directory of its own")?;
    Ok(fs::set_permissions(above, fs::Permissions::from_mode(0o711))?)
}

/// FRR's manual, "VRRP": one macvlan for each Virtual Router and family, with its Ethernet address and its addresses.
fn make_macvlan(lab: &Lab, side: Side, setting: &Setting, directory: &Path) -> anyhow::Result<()> {
    let (block, own) = match setting.family {
        Family::Ipv4 => ("01", None),
        // vrrpd speaks from a link-local address of the macvlan, which must differ from node to node.
        Family::Ipv6 => ("02", Some(format!("fe80::77:f{}/64", u8::from(side == Side::Right)))),
    };
    let mut batch = format!("link add {MACVLAN} link {INTERFACE} type macvlan mode bridge\n");
    writeln!(batch, "link set {MACVLAN} address 00:00:5e:00:{block}:{VRID:02x}")?;
    let watched = (setting.watched_address(), setting.watched_prefix());
    for address in own.into_iter().chain([format!("{}/{}", watched.0, watched.1)]) {
        let nodad = if setting.family == Family::Ipv6 { " nodad" } else { "" };
        writeln!(batch, "address add {address} dev {MACVLAN}{nodad}")?;
    }
    writeln!(batch, "link set {MACVLAN} up")?;
    // The one of an earlier start may be there.
    let _ = ip(lab, side, &["link", "delete", MACVLAN]);
    let path = write(directory, "macvlan.ip", &batch)?;
    ip(lab, side, &["-batch", &path.display().to_string()])?;
    // Else the kernel answers ARP requests for the address on every interface, as Backup too: docs/interop.md.
    let answer = || fs::write("/proc/sys/net/ipv4/conf/all/arp_ignore", "1");
    lab.node(side).enter(answer)?.context("arp_ignore")
}

fn ip(lab: &Lab, side: Side, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("ip");
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::piped());
    let child = lab.node(side).spawn(command).context("this test needs ip: apt-get install iproute2")?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {}: {}", arguments.join(" "), said.trim());
    Ok(())
}

fn configuration(setting: &Setting, priority: u8) -> Result<String, core::fmt::Error> {
    let mut text = format!("interface {INTERFACE}\n vrrp {VRID} version {}\n", setting.version);
    writeln!(text, " vrrp {VRID} priority {priority}")?;
    writeln!(text, " vrrp {VRID} advertisement-interval {}", setting.interval.duration().as_millis())?;
    let family = match setting.family {
        Family::Ipv4 => "ip",
        Family::Ipv6 => "ipv6",
    };
    writeln!(text, " vrrp {VRID} {family} {}", setting.watched_address())?;
    Ok(text)
}
