//! What one step takes: `cargo bench --bench micro`. Neither privileges nor a network are needed.

#![expect(clippy::expect_used, reason = "a constant that is wrong shall end the bench")]

use core::time::Duration;
use std::fmt::Write;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use criterion::{BenchmarkId, Criterion};
use vipd::config::Config;
use vipd::election::{Effective, Event, Heard, Instant, Router, Settings};
use vipd::net::GROUP_V4;
use vrrp_packet::authentication::verify;
use vrrp_packet::{
    Advertisement, ChecksumForm, Interval, IpHeader, Key, KeyId, Outgoing, Priority, Sequence, UnixTime, Version, Vrid,
};

const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 1));
const IP: IpHeader = IpHeader { source: SOURCE, destination: IpAddr::V4(GROUP_V4), hop_limit: u8::MAX };

fn addresses(count: u8) -> Vec<IpAddr> {
    (0..count).map(|number| Ipv4Addr::new(10, 78, 0, number).into()).collect()
}

fn outgoing(addresses: &[IpAddr]) -> Outgoing<'_> {
    Outgoing {
        version: Version::V3,
        vrid: Vrid::new(51).expect("51 is a VRID"),
        priority: Priority::new(200),
        interval: Interval::from_seconds(1).expect("a second is an interval"),
        addresses,
        checksum: ChecksumForm::PseudoHeader,
        password: None,
    }
}

fn key() -> Key {
    Key::new(KeyId::new(1).expect("1 is an id"), &[7; 32]).expect("32 bytes are a key")
}

fn sequence() -> Sequence {
    Sequence::at(UnixTime::new(Duration::from_secs(1_800_000_000)))
}

fn packets(criterion: &mut Criterion) {
    for count in [1, 20, 255] {
        let addresses = addresses(count);
        let (outgoing, key) = (outgoing(&addresses), key());
        let mut payload = Vec::with_capacity(8192);
        criterion.bench_function(&format!("emit, {count} addresses"), |bencher| {
            bencher.iter(|| black_box(&outgoing).emit_into(&IP, &mut payload));
        });
        criterion.bench_function(&format!("sign, {count} addresses"), |bencher| {
            bencher.iter(|| black_box(&outgoing).emit_signed_into(&IP, &key, sequence(), &mut payload));
        });
        outgoing.emit_signed_into(&IP, &key, sequence(), &mut payload).expect("it can be emitted");
        criterion.bench_function(&format!("parse, {count} addresses"), |bencher| {
            bencher.iter(|| Advertisement::parse(black_box(&payload), &IP).is_ok());
        });
        let signed = Advertisement::parse(&payload, &IP).expect("it can be parsed");
        criterion.bench_function(&format!("verify, {count} addresses"), |bencher| {
            bencher.iter(|| verify(black_box(&signed), core::slice::from_ref(&key)).is_ok());
        });
    }
}

/// A Backup that hears the Active Router, which is what it does all day.
fn election(criterion: &mut Criterion) {
    let settings = Settings {
        version: Version::V3,
        priority: Priority::DEFAULT,
        interval: Interval::from_centis(1).expect("10 ms are an interval"),
        preempt: true,
        preempt_delay: Duration::ZERO,
        startup_delay: Duration::ZERO,
        fast_handover: false,
        probe: None,
        gate: None,
        source: Ipv4Addr::new(10, 77, 0, 2).into(),
        drained: false,
    };
    let heard = Heard { source: SOURCE, priority: Priority::new(200), interval: settings.interval };
    let mut actions = Vec::with_capacity(16);
    let mut now = Instant::from_nanos(1);
    let mut router = Router::new(settings);
    for event in
        [Event::Readiness(true), Event::EffectivePriority(Effective::Priority(settings.priority)), Event::Started]
    {
        router.handle(now, event, &mut actions);
    }
    criterion.bench_function("Router::handle, an advertisement heard by a Backup", |bencher| {
        bencher.iter(|| {
            now = now + settings.interval.duration();
            actions.clear();
            router.handle(now, black_box(Event::Advertisement(heard)), &mut actions);
        });
    });
}

fn configuration(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("configuration");
    group.sample_size(20);
    for (routers, addresses) in [(1_u8, 1_u8), (255, 1), (255, 20)] {
        let mut text = String::from("virtual_routers:\n");
        for router in 0..routers {
            // Writing to a String cannot fail.
            let _ =
                writeln!(text, "  - name: r{router}\n    interface: eth0\n    vrid: {}\n    addresses:", router + 1);
            for address in 1..=addresses {
                let _ = writeln!(text, "      - 10.78.{router}.{address}/16");
            }
        }
        let what = format!("{routers} routers of {addresses}");
        group.bench_with_input(BenchmarkId::new("load", what), &text, |bencher, text| {
            bencher.iter(|| Config::parse(text, Path::new("vipd.yaml")).is_ok());
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    packets(&mut criterion);
    election(&mut criterion);
    configuration(&mut criterion);
    criterion.final_summary();
}
