//! The list of cases: every way in which vipd and another product can share a Virtual Router.

use core::fmt;

use vrrp_packet::{Family, Interval, Version};

use crate::pair::{Cast, Credentials, Product, Setting, frr};

const SECOND: u16 = 100;
const TENTH: u16 = 10;
const TEN_MILLISECONDS: u16 = 1;

/// What a Virtual Router may speak, and at which intervals in centiseconds; version 2 knows whole seconds only.
const DIALECTS: [(Version, Family, Credentials, &[u16]); 4] = [
    (Version::V2, Family::Ipv4, Credentials::Nothing, &[SECOND]),
    (Version::V2, Family::Ipv4, Credentials::Password, &[SECOND]),
    (Version::V3, Family::Ipv4, Credentials::Nothing, &[SECOND, TENTH, TEN_MILLISECONDS]),
    (Version::V3, Family::Ipv6, Credentials::Nothing, &[SECOND, TENTH, TEN_MILLISECONDS]),
];

/// Who is Active first, because of its priority, and who is Backup.
const CASTINGS: [(Product, Product); 4] = [
    (Product::Vipd, Product::Keepalived),
    (Product::Keepalived, Product::Vipd),
    (Product::Vipd, Product::Frr),
    (Product::Frr, Product::Vipd),
];

/// Describes one case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Case {
    /// How the two talk.
    pub setting: Setting,
    /// Which of them has the higher priority and so is Active first.
    pub active: Product,
    /// The other one.
    pub backup: Product,
}

impl Case {
    /// Returns what one of the two cannot do; `None`: it is a case.
    fn impossible(&self) -> Option<&'static str> {
        let frr = [self.active, self.backup].contains(&Product::Frr);
        frr.then(|| frr::lacks(&self.setting)).flatten()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [version, family, cast, interval] = words(&self.setting);
        let version = version.replace(", ", "_");
        let (active, backup) = (self.active.name(), self.backup.name());
        write!(f, "version_{version}_{family}_{cast}_{interval}_{active}_then_{backup}")
    }
}

/// Returns what tells this setting from the others, in the order of the table's columns.
fn words(setting: &Setting) -> [String; 4] {
    let version = match setting.credentials {
        Credentials::Nothing => setting.version.to_string(),
        Credentials::Password => format!("{}, password", setting.version),
    };
    let cast = match setting.cast {
        Cast::Multicast => "multicast",
        Cast::Unicast => "unicast",
    };
    let interval = format!("{:?}", setting.interval.duration());
    [version, setting.family.to_string(), cast.to_owned(), interval]
}

/// Returns every setting, those that take longest first.
fn settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    for (version, family, credentials, intervals) in DIALECTS {
        for cast in [Cast::Multicast, Cast::Unicast] {
            for interval in intervals.iter().filter_map(|&centis| Interval::from_centis(centis)) {
                settings.push(Setting { version, family, credentials, cast, interval });
            }
        }
    }
    settings.sort_by_key(|setting| core::cmp::Reverse(setting.interval));
    settings
}

fn castings(setting: Setting) -> impl Iterator<Item = Case> {
    CASTINGS.into_iter().map(move |(active, backup)| Case { setting, active, backup })
}

/// Returns every case that can be played, those that take longest first.
pub(crate) fn all() -> Vec<Case> {
    settings().into_iter().flat_map(castings).filter(|case| case.impossible().is_none()).collect()
}

/// Returns the table of `docs/interop.md`.
pub(crate) fn table() -> String {
    let mut table = String::from("| version | family | cast | interval |");
    for (active, backup) in CASTINGS {
        table.push_str(&format!(" {}, then {} |", active.name(), backup.name()));
    }
    table.push_str(&format!("\n|{}\n", "---|".repeat(4 + CASTINGS.len())));
    for setting in settings() {
        let cells = castings(setting).map(|case| case.impossible().unwrap_or("tested").to_owned());
        let row: Vec<String> = words(&setting).into_iter().chain(cells).collect();
        table.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    table
}
