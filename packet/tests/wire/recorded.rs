//! Every recorded packet parses, is authentic, and is emitted again to the same bytes.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use vrrp_packet::authentication::admit;
use vrrp_packet::{
    Advertisement, AuthenticationError, ChecksumForm, Interval, IpHeader, Key, KeyId, Outgoing, Priority, UnixTime,
    V2Authentication, Version, Vrid,
};

use crate::support::{BY_TIME, unhex};

#[derive(Deserialize)]
struct Recorded {
    name: String,
    captured_unix: f64,
    source: IpAddr,
    destination: IpAddr,
    hop_limit: u8,
    payload: String,
    password: Option<String>,
    hmac_key_id: Option<u8>,
    hmac_key: Option<String>,
}

impl Recorded {
    fn ip(&self) -> IpHeader {
        IpHeader { source: self.source, destination: self.destination, hop_limit: self.hop_limit }
    }

    fn captured(&self) -> UnixTime {
        UnixTime::new(Duration::from_secs_f64(self.captured_unix))
    }

    fn key(&self) -> Option<Key> {
        let id = KeyId::new(self.hmac_key_id?)?;
        Some(Key::new(id, &unhex(self.hmac_key.as_ref()?)).unwrap())
    }

    fn password(&self) -> Option<[u8; 8]> {
        let mut padded = [0; 8];
        let password = self.password.as_ref()?;
        padded[..password.len()].copy_from_slice(password.as_bytes());
        Some(padded)
    }

    fn version(&self) -> Version {
        if self.name.contains("v2") { Version::V2 } else { Version::V3 }
    }

    fn form(&self) -> ChecksumForm {
        if self.version() == Version::V2 || self.name.contains("no-pseudo-header") {
            ChecksumForm::Message
        } else {
            ChecksumForm::PseudoHeader
        }
    }
}

fn recorded() -> Vec<Recorded> {
    let vectors: Vec<Recorded> = serde_json::from_str(include_str!("../vectors/advertisements.json")).unwrap();
    assert_eq!(vectors.len(), 30);
    vectors
}

#[test]
fn every_recorded_packet_says_what_its_name_says() {
    for vector in recorded() {
        let name = &vector.name;
        let payload = unhex(&vector.payload);

        let heard = Advertisement::parse(&payload, &vector.ip()).unwrap();

        let (periodic, centis) = if name.contains("10ms") { (100, 1) } else { (200, 100) };
        let priority = if name.ends_with("shutdown") { Priority::RELEASE } else { Priority::new(periodic) };
        assert_eq!(heard.version(), vector.version(), "{name}");
        assert_eq!(heard.vrid(), Vrid::new(51).unwrap(), "{name}");
        assert_eq!(heard.priority(), priority, "{name}");
        assert_eq!(heard.interval(), Interval::from_centis(centis).unwrap(), "{name}");
        assert_eq!(heard.checksum(), vector.form(), "{name}");
        assert_eq!(heard.v2_authentication().is_some(), vector.version() == Version::V2, "{name}");
        assert!(vector.ip().is_on_link(), "{name}");
        assert_eq!(heard.payload(), payload, "{name}");
    }
}

#[test]
fn every_recorded_password_and_tag_verifies() {
    for vector in recorded() {
        let name = &vector.name;
        let payload = unhex(&vector.payload);
        let heard = Advertisement::parse(&payload, &vector.ip()).unwrap();

        if vector.version() == Version::V2 {
            assert!(heard.v2_authentication().unwrap().matches(vector.password()), "{name}");
        }
        let admitted = admit(&heard, vector.key().as_slice(), &BY_TIME, None, vector.captured());
        match vector.key() {
            Some(_) => assert_eq!(admitted, Ok(heard.trailer().unwrap().sequence()), "{name}"),
            None => assert_eq!(admitted, Err(AuthenticationError::Missing), "{name}"),
        }
    }
}

#[test]
fn every_recorded_packet_is_emitted_again_to_the_same_bytes() {
    for vector in recorded() {
        let payload = unhex(&vector.payload);
        let heard = Advertisement::parse(&payload, &vector.ip()).unwrap();
        let addresses: Vec<IpAddr> = heard.addresses().iter().collect();
        let password = heard.v2_authentication().and_then(|authentication| match authentication {
            V2Authentication::SimplePassword(password) => Some(password),
            V2Authentication::None | V2Authentication::Other(_) => None,
        });
        let outgoing = Outgoing {
            version: heard.version(),
            vrid: heard.vrid(),
            priority: heard.priority(),
            interval: heard.interval(),
            addresses: &addresses,
            checksum: heard.checksum(),
            password,
        };
        let mut buffer = Vec::new();

        match vector.key() {
            Some(key) => {
                let sequence = heard.trailer().unwrap().sequence();
                outgoing.emit_signed_into(&vector.ip(), &key, sequence, &mut buffer).unwrap();
            }
            None => outgoing.emit_into(&vector.ip(), &mut buffer).unwrap(),
        }

        assert_eq!(buffer, payload, "{}", vector.name);
    }
}
