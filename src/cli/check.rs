//! `vipd check`: what is wrong with a configuration, and what it would do on this host.

use std::io::{self, Write};

use crate::config::{self, Config, HostAddress, HostFacts, Interface, LoadError, Loaded};
use crate::net::{Netlink, link};

use super::args::{CheckArgs, Global};
use super::exit::{Exit, Failure, Outcome, written};
use super::paint;

pub(super) fn execute(args: &CheckArgs, global: &Global) -> Outcome {
    let file = args.file.as_ref().unwrap_or(&global.config);
    let loaded = Config::load(file)?;
    let facts = host_facts()?;
    show_warnings(&loaded, &facts)?;
    written(io::stdout().lock().write_all(config::describe(&loaded.config, &facts).as_bytes()))?;
    Ok(Exit::Done)
}

/// Shows on standard error what is doubtful about a configuration, by itself and on this host.
///
/// # Errors
/// A failure with [`Exit::BadConfig`] where the configuration cannot work on this host.
pub(super) fn show_warnings(loaded: &Loaded, facts: &HostFacts) -> Result<(), Failure> {
    let on_host = config::check_host(loaded, facts);
    let colour = paint::coloured(&io::stderr());
    // Where standard error is closed there is nobody left to warn.
    let _ = write!(io::stderr().lock(), "{}", loaded.warnings.render(colour));
    if on_host.errors() > 0 {
        return Err(Failure::drawn(Exit::BadConfig, on_host.render(colour)));
    }
    let _ = write!(io::stderr().lock(), "{}", on_host.render(colour));
    Ok(())
}

/// Looks at the interfaces of this host, or rather of its network namespace.
///
/// # Errors
/// A failure where the kernel does not list them.
pub(super) fn host_facts() -> Result<HostFacts, Failure> {
    let failed = |error: String| Failure::new(Exit::Failed, format!("list the interfaces of this host: {error}"));
    let mut netlink = Netlink::open().map_err(|error| failed(error.to_string()))?;
    let links = link::links(&mut netlink).map_err(|error| failed(error.to_string()))?;
    let interfaces = links.into_iter().map(|link| Interface {
        name: link.name,
        index: link.index,
        up: link.running,
        addresses: link.addresses.iter().map(host_address).collect(),
    });
    Ok(HostFacts { interfaces: interfaces.collect() })
}

fn host_address(address: &link::LinkAddress) -> HostAddress {
    // The mark that the address thread gives to what it claims.
    let claimed = address.protocol == vrrp_packet::IP_PROTOCOL;
    HostAddress { address: address.address, prefix: address.prefix, claimed }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match &error {
            LoadError::Invalid(report) => Self::drawn(Exit::BadConfig, report.render(paint::coloured(&io::stderr()))),
            LoadError::Unreadable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Self::new(Exit::NotPermitted, error.to_string()).hint("run this as root")
            }
            LoadError::Unreadable { .. } => Self::new(Exit::BadConfig, error.to_string())
                .hint("name the configuration with --config FILE; examples/pair.yaml is one to start from"),
            LoadError::NotText { .. } => {
                Self::new(Exit::BadConfig, error.to_string()).hint("a configuration is YAML in UTF-8")
            }
        }
    }
}
