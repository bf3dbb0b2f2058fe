//! How long a claim takes, from the order to the answer. The bounds are for a debug build on a busy machine: they find what
//! got ten times slower. How fast it is, `benches/` measures.

use std::net::Ipv4Addr;

use super::*;

fn many(count: u32) -> Plan {
    let base = u32::from_be_bytes([10, 78, 0, 0]);
    let address = |number| PlannedAddress {
        address: IpAddr::V4(Ipv4Addr::from_bits(base + number)),
        prefix: 32,
        dev: None,
        label: None,
        scope: Scope::Global,
    };
    Plan { addresses: (1..=count).map(address).collect(), lease: Some(Duration::from_secs(60)), ..plan(&[]) }
}

/// Claims and withdraws several times and returns the median time of a claim and of a withdrawal.
fn measure(count: u32) -> (Duration, Duration) {
    let mut lab = Lab::new();
    let running = lab.start(&[many(count)]);
    running.interface(|state| state.index.is_some());
    let (mut claims, mut withdrawals) = (Vec::new(), Vec::new());
    for epoch in 1..=11 {
        let begun = Instant::now();
        assert_eq!(running.claim(0, epoch), Answer::Claimed { router: 0, epoch });
        claims.push(begun.elapsed());
        let there = link::links(&mut lab.netlink).unwrap().into_iter().find(|link| link.name == "eth0").unwrap();
        assert!(there.addresses.len() > count as usize);
        let begun = Instant::now();
        assert_eq!(running.withdraw(0, epoch), Answer::Withdrawn { router: 0, epoch });
        withdrawals.push(begun.elapsed());
    }
    assert_eq!(running.texts(), [] as [String; 0]);
    claims.sort_unstable();
    withdrawals.sort_unstable();
    println!("{count} addresses: claimed in {:?}, withdrawn in {:?} (medians)", claims[5], withdrawals[5]);
    (claims[5], withdrawals[5])
}

#[test]
fn one_address_is_claimed_at_once() {
    assert!(measure(1).0 < Duration::from_millis(20));
}

#[test]
fn a_hundred_addresses_are_claimed_together() {
    assert!(measure(100).0 < Duration::from_millis(100));
}

#[test]
fn a_thousand_addresses_are_claimed_together() {
    assert!(measure(1000).0 < Duration::from_millis(1_500));
}
