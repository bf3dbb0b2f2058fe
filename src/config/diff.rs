//! The difference of two configurations: what a reload has to do. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use super::model::{Config, Realtime, VirtualRouter};
use super::router_setting::{Effect, RouterSetting};

/// Says how a configuration becomes another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What changes for the node as a whole. A running agent can do none of it.
    pub node: Vec<NodeChange>,
    /// Every router of the new configuration in its order, then those that it has no more.
    pub routers: Vec<(String, RouterChange)>,
}

/// Holds the new value of a setting of the whole node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NodeChange {
    /// `control: { socket }`.
    ControlSocket(PathBuf),
    /// `control: { group }`.
    ControlGroup(Option<String>),
    /// `metrics: { listen }`.
    Metrics(Option<std::net::SocketAddr>),
    /// `realtime`.
    Realtime(Realtime),
}

impl NodeChange {
    /// Returns the key in the file.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::ControlSocket(_) => "control.socket",
            Self::ControlGroup(_) => "control.group",
            Self::Metrics(_) => "metrics",
            Self::Realtime(_) => "realtime",
        }
    }
}

/// Says what becomes of a Virtual Router.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RouterChange {
    /// It stays as it is.
    Unchanged,
    /// It is new.
    Added(Box<VirtualRouter>),
    /// It leaves its role in order and is gone.
    Removed,
    /// Some settings change, from the first value to the second.
    Changed {
        /// What it takes.
        effect: Effect,
        /// The settings.
        settings: Vec<(RouterSetting, RouterSetting)>,
    },
}

impl Difference {
    /// Compares two configurations; routers are the same where their names are.
    pub fn between(old: &Config, new: &Config) -> Self {
        let known: BTreeMap<&str, &VirtualRouter> =
            old.virtual_routers.iter().map(|router| (router.name.as_str(), router)).collect();
        let holders = holders(old);
        let change = |router: &VirtualRouter| match known.get(router.name.as_str()) {
            None => RouterChange::Added(Box::new(router.clone())),
            Some(former) => changed(former, router, &holders),
        };
        let kept = new.virtual_routers.iter().map(|router| (router.name.clone(), change(router)));
        let is_gone = |router: &&VirtualRouter| !new.virtual_routers.iter().any(|other| other.name == router.name);
        let gone = old.virtual_routers.iter().filter(is_gone);
        let gone = gone.map(|router| (router.name.clone(), RouterChange::Removed));
        Self { node: node_changes(old, new), routers: kept.chain(gone).collect() }
    }

    /// Tells whether both configurations mean the same.
    pub fn is_empty(&self) -> bool {
        self.node.is_empty() && self.routers.iter().all(|(_, change)| *change == RouterChange::Unchanged)
    }

    /// Returns what becomes of a router; one that neither configuration has is unchanged.
    pub fn of(&self, name: &str) -> &RouterChange {
        self.routers.iter().find(|(known, _)| known == name).map_or(&RouterChange::Unchanged, |(_, change)| change)
    }

    /// Turns the old configuration into the new one.
    #[must_use]
    pub fn apply(&self, old: &Config) -> Config {
        let mut config = old.clone();
        for change in self.node.iter().cloned() {
            match change {
                NodeChange::ControlSocket(value) => config.control_socket = value,
                NodeChange::ControlGroup(value) => config.control_group = value,
                NodeChange::Metrics(value) => config.metrics_listen = value,
                NodeChange::Realtime(value) => config.realtime = value,
            }
        }
        let former = |name: &str| old.virtual_routers.iter().find(|router| router.name == name).cloned();
        let router = |(name, change): &(String, RouterChange)| match change {
            RouterChange::Unchanged => former(name),
            RouterChange::Added(router) => Some((**router).clone()),
            RouterChange::Removed => None,
            RouterChange::Changed { effect: _, settings } => former(name).map(|mut router| {
                settings.iter().for_each(|(_, to)| to.clone().apply(&mut router));
                router
            }),
        };
        config.virtual_routers = self.routers.iter().filter_map(router).collect();
        config
    }
}

/// Returns which router has an address.
fn holders(config: &Config) -> BTreeMap<IpAddr, &str> {
    let of = |router: &'_ VirtualRouter| router.addresses.iter().map(|it| it.address).collect::<Vec<_>>();
    config
        .virtual_routers
        .iter()
        .flat_map(|router| of(router).into_iter().map(|it| (it, router.name.as_str())))
        .collect()
}

fn changed(former: &VirtualRouter, router: &VirtualRouter, holders: &BTreeMap<IpAddr, &str>) -> RouterChange {
    let pairs = RouterSetting::all(former).into_iter().zip(RouterSetting::all(router));
    let settings: Vec<_> = pairs.filter(|(from, to)| from != to).collect();
    // An address that another router gives up is not free before that router has let go of it.
    let inherits =
        router.addresses.iter().any(|it| holders.get(&it.address).is_some_and(|holder| *holder != router.name));
    let effects = settings.iter().map(|(from, to)| from.effect(to));
    match effects.max() {
        None => RouterChange::Unchanged,
        Some(effect) => RouterChange::Changed { effect: if inherits { Effect::Anew } else { effect }, settings },
    }
}

fn node_changes(old: &Config, new: &Config) -> Vec<NodeChange> {
    // Taken apart, so that a new field does not compile until it is compared.
    let Config { control_socket, control_group, metrics_listen, realtime, virtual_routers: _ } = new;
    let mut changes = Vec::new();
    if *control_socket != old.control_socket {
        changes.push(NodeChange::ControlSocket(control_socket.clone()));
    }
    if *control_group != old.control_group {
        changes.push(NodeChange::ControlGroup(control_group.clone()));
    }
    if *metrics_listen != old.metrics_listen {
        changes.push(NodeChange::Metrics(*metrics_listen));
    }
    if *realtime != old.realtime {
        changes.push(NodeChange::Realtime(*realtime));
    }
    changes
}
