//! Configurations: one Virtual Router that tests change in what they are about.

use core::fmt;
use std::collections::BTreeMap;

/// Describes one entry of `virtual_routers`.
#[derive(Clone)]
pub(crate) struct Router(BTreeMap<&'static str, String>);

impl Router {
    /// Describes one of a pair: VRID 51 and 10.77.0.100 on `eth0`, an advertisement every 100 ms.
    pub(crate) fn pair(priority: u8) -> Self {
        Self(BTreeMap::new())
            .with("name", "db")
            .with("interface", "eth0")
            .with("vrid", 51)
            .with("priority", priority)
            .with("addresses", "[10.77.0.100/24]")
            .with("advertisement_interval", "100ms")
            .with("routers", 2)
    }

    /// Describes one of a pair with an IPv6 address.
    pub(crate) fn ipv6_pair(priority: u8) -> Self {
        Self::pair(priority).with("addresses", r#"["fe80::51/64", "fd00:77::100/64"]"#)
    }

    /// Describes one of a pair that speaks unicast.
    pub(crate) fn unicast_pair(priority: u8, peer: &str) -> Self {
        Self::pair(priority).without("routers").with("peers", format_args!("[{peer:?}]"))
    }

    /// Describes one of a pair that speaks version 2, which knows whole seconds only.
    pub(crate) fn version_2_pair(priority: u8) -> Self {
        Self::pair(priority).with("version", 2).with("advertisement_interval", "1s")
    }

    /// Sets a key.
    pub(crate) fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.insert(key, value.to_string());
        self
    }

    /// Leaves a key out.
    pub(crate) fn without(mut self, key: &'static str) -> Self {
        self.0.remove(key);
        self
    }
}

impl fmt::Display for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.0.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        write!(f, "{{ {} }}", keys.join(", "))
    }
}
