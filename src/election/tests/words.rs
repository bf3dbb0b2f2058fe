//! What a log line says of each state, fault and cause.

use super::*;

#[test]
fn states_have_the_names_of_the_documentation() {
    use StateName::{Active, Aside, Backup, Claiming, Initialize, Opening, Releasing};
    for state in [Initialize, Backup, Aside, Opening, Claiming, Active, Releasing] {
        assert_eq!(state.to_string(), format!("{state:?}"));
    }
}

#[test]
fn every_cause_is_a_sentence_of_its_own() {
    let (peer, priority) = (PEER, Priority::new(7));
    let causes = [
        Cause::Started,
        Cause::Owner,
        Cause::ActiveDown,
        Cause::HostGone { peer },
        Cause::Preempted { peer, priority },
        Cause::Released { by: peer },
        Cause::NotReleased { peer },
        Cause::HigherPriority { peer, priority },
        Cause::HigherAddress { peer },
        Cause::GateOpened,
        Cause::GateRefused,
        Cause::Confirmed,
        Cause::ClaimFailed,
        Cause::AddressesLost,
        Cause::Withdrawn,
        Cause::WithdrawalUnconfirmed,
        Cause::Fault(Fault::Deaf),
        Cause::Fault(Fault::Check),
        Cause::Fault(Fault::Unrenewed),
        Cause::FaultCleared,
        Cause::RetryDue,
        Cause::Drained,
        Cause::DrainSettled,
        Cause::DrainRefused,
        Cause::Resumed,
        Cause::Stalled { by: ms(1500) },
        Cause::SendsFailed,
        Cause::Shutdown,
    ];
    let mut said: Vec<String> = causes.iter().map(ToString::to_string).collect();

    assert!(said.iter().all(|sentence| sentence.contains(' ')), "{said:?}");
    assert!(said[4].contains("10.0.0.10") && said[4].contains("lower priority 7"), "{}", said[4]);
    assert!(said[25].contains("1.5s"), "{}", said[25]);
    said.sort();
    said.dedup();
    assert_eq!(said.len(), causes.len());
}
