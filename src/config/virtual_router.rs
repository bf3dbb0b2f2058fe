//! One entry of `virtual_routers`, read key by key into a [`Draft`].

use core::num::NonZeroU8;
use core::time::Duration;
use std::net::IpAddr;

use vrrp_packet::{Priority, Version, Vrid};

use super::diagnostics::Findings;
use super::draft::{Draft, List};
use super::model::{Announce, Checksum, HopLimit, Lease, Probe, Source, VirtualAddress};
use super::read::{Field, Placed, Section};
use super::source::Files;
use super::tree::{Node, Value};
use super::{address, authentication, password};

const KEYS: [&str; 22] = [
    "name",
    "interface",
    "vrid",
    "priority",
    "addresses",
    "advertisement_interval",
    "version",
    "preempt",
    "preempt_delay",
    "startup_delay",
    "peers",
    "routers",
    "hop_limit",
    "password_file",
    "authentication",
    "source",
    "fast_handover",
    "probe",
    "checksum",
    "lease",
    "announce",
    "source_ok",
];

/// RFC 9568 §5.2.5: the count has one byte.
const MOST_ADVERTISED: usize = 255;
/// How long an answer to a probe must at least be waited for.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const PROBE_KEYS: [&str; 3] = ["after", "count", "interval"];
const ANNOUNCE_KEYS: [&str; 4] = ["repeat", "interval", "delay", "refresh"];

impl Draft {
    /// Reads one router; `None` where the node is no mapping. `files` reads the files that it names.
    pub(super) fn read(node: &Node, files: &Files, findings: &mut Findings) -> Option<Self> {
        let section = Section::open(node, super::ROUTER, &KEYS, findings)?;
        let interface = address::interface_name;
        let secret = |field: Field<'_>, findings: &mut Findings| password::from_file(field, files, findings);
        let signed = |field: Field<'_>, findings: &mut Findings| authentication::read(field, files, findings);
        Some(Self {
            name: section.required("name", "orders-db", findings, name),
            interface: section.required("interface", "eth0", findings, interface),
            vrid: section.required("vrid", "51", findings, |f, to| f.byte(1..=255, to).and_then(Vrid::new)),
            priority: section.optional("priority", findings, priority),
            addresses: addresses(&section, findings),
            interval: section.optional("advertisement_interval", findings, Field::duration),
            version: section.optional("version", findings, version),
            preempt: section.optional("preempt", findings, Field::boolean),
            preempt_delay: section.optional("preempt_delay", findings, Field::duration),
            startup_delay: section.optional("startup_delay", findings, Field::duration),
            peers: peers(&section, findings),
            routers: section.optional("routers", findings, |f, to| f.byte(1..=255, to).and_then(NonZeroU8::new)),
            hop_limit: section.optional("hop_limit", findings, hop_limit),
            password: section.optional("password_file", findings, secret),
            authentication: section.optional("authentication", findings, signed),
            source: section.optional("source", findings, source),
            fast_handover: section.optional("fast_handover", findings, Field::boolean),
            probe: section.optional("probe", findings, probe),
            checksum: section.optional("checksum", findings, checksum),
            lease: section.optional("lease", findings, lease),
            announce: section.optional("announce", findings, announce),
            source_ok: section.optional("source_ok", findings, Field::boolean),
        })
    }
}

fn name(field: Field<'_>, findings: &mut Findings) -> Option<String> {
    let name = field.text(findings)?;
    // It appears in URLs, log lines and file names.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.len() > 64 || !name.chars().all(plain) || name.starts_with(['-', '.']) {
        let found = field.refuse(findings, "up to 64 letters, digits, `-`, `_` and `.`");
        found.help("begin with a letter or a digit, for example `orders-db`");
        return None;
    }
    Some(name.to_owned())
}

fn priority(field: Field<'_>, findings: &mut Findings) -> Option<Priority> {
    if let Value::Whole(0) = field.node.value {
        let found = field.refuse(findings, "a whole number from 1 to 255");
        found.help("0 is how an Active Router says that it leaves; the lowest priority is 1");
        return None;
    }
    field.byte(1..=255, findings).map(Priority::new)
}

fn version(field: Field<'_>, findings: &mut Findings) -> Option<Version> {
    field.byte(2..=3, findings).map(|version| if version == 2 { Version::V2 } else { Version::V3 })
}

fn addresses(section: &Section<'_>, findings: &mut Findings) -> List<VirtualAddress> {
    let none = List { items: Vec::new(), whole: false };
    let Some(field) = section.field("addresses") else {
        let found = findings.error(section.at(), "a virtual router has no `addresses`");
        found.help("add a line such as `addresses: [10.77.0.100/24]`");
        return none;
    };
    let Some(fields) = field.items(findings) else { return none };
    let list = list(&fields, findings, address::virtual_address);
    let advertised = list.items.iter().filter(|placed| placed.value.advertised).count();
    match advertised {
        0 if fields.is_empty() => {
            findings.error(field.at(), "`addresses` is empty").help("a virtual router needs at least one address");
        }
        // An advertisement without an address is ignored by everybody (erratum 8299).
        0 if list.whole => {
            let found = findings.error(field.at(), "none of the addresses is advertised");
            found.help("remove `advertise: false` from at least one of them");
        }
        0..=MOST_ADVERTISED => {}
        count => {
            let message = format!("{count} addresses are more than the {MOST_ADVERTISED} that an advertisement counts");
            let found = findings.error(field.at(), message);
            let example = list.items.last().map(|placed| format!("{}/{}", placed.value.address, placed.value.prefix));
            let example = example.unwrap_or_default();
            found.help(format!(
                "write the others as `{{ address: {example}, advertise: false }}`: they move with these"
            ));
        }
    }
    list
}

fn peers(section: &Section<'_>, findings: &mut Findings) -> List<IpAddr> {
    let Some(field) = section.field("peers") else { return List { items: Vec::new(), whole: true } };
    if let Value::Null = field.node.value {
        findings
            .error(field.at(), "`peers` is empty")
            .label("no value")
            .help("list the other hosts' addresses; for multicast write `peers: []` or remove the line");
        return List { items: Vec::new(), whole: false };
    }
    match field.items(findings) {
        Some(fields) => list(&fields, findings, address::host_address),
        None => List { items: Vec::new(), whole: false },
    }
}

fn list<T>(
    fields: &[Field<'_>],
    findings: &mut Findings,
    read: impl Fn(Field<'_>, &mut Findings) -> Option<T>,
) -> List<T> {
    let place = |field: &Field<'_>| read(*field, findings).map(|value| Placed { value, at: field.at() });
    let items: Vec<_> = fields.iter().filter_map(place).collect();
    let whole = items.len() == fields.len();
    List { items, whole }
}

fn hop_limit(field: Field<'_>, findings: &mut Findings) -> Option<HopLimit> {
    match &field.node.value {
        Value::Whole(255) => Some(HopLimit::OnLink),
        Value::Text(text) if text == "any" => Some(HopLimit::Any),
        Value::Null
        | Value::Boolean(_)
        | Value::Whole(_)
        | Value::Fraction(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Mapping(_) => {
            let found = field.refuse(findings, "255 or `any`");
            found.help("255 proves that the sender is on this link; `any` is for peers behind routers");
            None
        }
    }
}

fn source(field: Field<'_>, findings: &mut Findings) -> Option<Source> {
    match &field.node.value {
        Value::Text(text) if text == "auto" => Some(Source::Auto),
        Value::Null
        | Value::Boolean(_)
        | Value::Whole(_)
        | Value::Fraction(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Mapping(_) => address::host_address(field, findings).map(Source::Address),
    }
}

fn checksum(field: Field<'_>, findings: &mut Findings) -> Option<Checksum> {
    let forms = [("auto", Checksum::Auto), ("rfc9568", Checksum::Rfc9568), ("pseudo-header", Checksum::PseudoHeader)];
    field.word(&forms, findings)
}

fn lease(field: Field<'_>, findings: &mut Findings) -> Option<Lease> {
    match &field.node.value {
        Value::Text(text) if text == "auto" => return Some(Lease::Auto),
        Value::Text(text) if text == "off" => return Some(Lease::Off),
        Value::Boolean(false) => {
            field.refuse(findings, "`auto`, whole seconds or `off`").help("write `lease: off`");
            return None;
        }
        Value::Null
        | Value::Boolean(_)
        | Value::Whole(_)
        | Value::Fraction(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Mapping(_) => {}
    }
    let span = field.duration(findings)?;
    match u32::try_from(span.as_secs()) {
        Ok(seconds) if seconds >= 2 && span.subsec_nanos() == 0 => Some(Lease::Seconds(seconds)),
        Ok(_) | Err(_) => {
            let found = field.refuse(findings, "whole seconds, at least 2s");
            found.help("the kernel counts lifetimes in seconds; `auto` is 3s for up to 64 addresses");
            None
        }
    }
}

fn probe(field: Field<'_>, findings: &mut Findings) -> Option<Probe> {
    let section = Section::open(field.node, "`probe`", &PROBE_KEYS, findings)?;
    let default = Probe::default();
    let after = section.optional("after", findings, |f, to| f.byte(1..=2, to).and_then(NonZeroU8::new));
    let count = section.optional("count", findings, |f, to| f.byte(1..=u8::MAX, to).and_then(NonZeroU8::new));
    let interval = section.optional("interval", findings, |field, findings| {
        let span = field.duration(findings)?;
        if span < SHORTEST_WAIT {
            field.refuse(findings, "at least 1ms").help("a host that is busy needs a moment; the default is 20ms");
        }
        (span >= SHORTEST_WAIT).then_some(span)
    });
    Some(Probe {
        after: after.or(default.after)?,
        count: count.or(default.count)?,
        interval: interval.or(default.interval)?,
    })
}

fn announce(field: Field<'_>, findings: &mut Findings) -> Option<Announce> {
    let section = Section::open(field.node, "`announce`", &ANNOUNCE_KEYS, findings)?;
    let default = Announce::default();
    let repeat = section.optional("repeat", findings, |field, findings| field.byte(1..=u8::MAX, findings));
    let interval = section.optional("interval", findings, Field::duration);
    let delay = section.optional("delay", findings, Field::duration);
    let refresh = section.optional("refresh", findings, Field::duration);
    Some(Announce {
        repeat: repeat.or(default.repeat)?,
        interval: interval.or(default.interval)?,
        delay: delay.or(default.delay)?,
        refresh: refresh.or(default.refresh)?,
    })
}
