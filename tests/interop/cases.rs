//! The list of cases: every way in which the two products can share a Virtual Router.

use core::fmt;

use vrrp_packet::{Family, Interval, Version};

use crate::pair::{Cast, Credentials, Product, Setting};

const SECOND: u16 = 100;
const TEN_MILLISECONDS: u16 = 1;

/// What a Virtual Router may speak, and at which intervals in centiseconds; version 2 knows whole seconds only.
const DIALECTS: [(Version, Family, Credentials, &[u16]); 4] = [
    (Version::V2, Family::Ipv4, Credentials::Nothing, &[SECOND]),
    (Version::V2, Family::Ipv4, Credentials::Password, &[SECOND]),
    (Version::V3, Family::Ipv4, Credentials::Nothing, &[SECOND, TEN_MILLISECONDS]),
    (Version::V3, Family::Ipv6, Credentials::Nothing, &[SECOND, TEN_MILLISECONDS]),
];

/// Describes one case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Case {
    /// How the two talk.
    pub setting: Setting,
    /// Which of them has the higher priority and so is Active first.
    pub active: Product,
}

impl Case {
    /// Returns the product that is Backup first.
    pub(crate) fn backup(&self) -> Product {
        match self.active {
            Product::Vipd => Product::Keepalived,
            Product::Keepalived => Product::Vipd,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [version, family, cast, interval, active] = self.words();
        let version = version.replace(", ", "_").replace(' ', "_");
        write!(f, "version_{version}_{family}_{cast}_{interval}_{active}_active")
    }
}

impl Case {
    /// Returns what tells this case from the others, in the order of the table's columns.
    fn words(&self) -> [String; 5] {
        let Setting { version, family, credentials, cast, interval } = self.setting;
        let version = match credentials {
            Credentials::Nothing => version.to_string(),
            Credentials::Password => format!("{version}, password"),
        };
        let cast = match cast {
            Cast::Multicast => "multicast",
            Cast::Unicast => "unicast",
        };
        let interval = format!("{:?}", interval.duration());
        [version, family.to_string(), cast.to_owned(), interval, self.active.name().to_owned()]
    }
}

/// Returns every case, those that take longest first.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (version, family, credentials, intervals) in DIALECTS {
        for cast in [Cast::Multicast, Cast::Unicast] {
            for interval in intervals.iter().filter_map(|&centis| Interval::from_centis(centis)) {
                for active in [Product::Vipd, Product::Keepalived] {
                    let setting = Setting { version, family, credentials, cast, interval };
                    cases.push(Case { setting, active });
                }
            }
        }
    }
    cases.sort_by_key(|case| core::cmp::Reverse(case.setting.interval));
    cases
}

/// Returns the cases as the table in `docs/interop.md` lists them.
pub(crate) fn table() -> String {
    let mut table = String::from("| version | family | cast | interval | Active first |\n|---|---|---|---|---|\n");
    for case in all() {
        table.push_str(&format!("| {} |\n", case.words().join(" | ")));
    }
    table
}
