//! The way to key distribution centres: TCP, with time-outs and fail-over.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use sspi::{Error, ErrorKind, generator::NetworkRequest, network_client::NetworkClient};

/// Where the system keeps its Kerberos configuration.
const SYSTEM_CONFIGURATION: &str = "/etc/krb5.conf";
/// Largest answer taken; tickets with large authorization data stay far below.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Port of a centre whose address names none.
const PORT: u16 = 88;

/// Asks one centre after the other until one answers.
pub(super) struct Centres {
    addresses: Vec<String>,
    timeout: Duration,
}

impl Centres {
    pub(super) fn new(addresses: Vec<String>, timeout: Duration) -> Self {
        Self { addresses, timeout }
    }

    fn ask(&self, address: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let target =
            if address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
                address.to_owned()
            } else {
                format!("{address}:{PORT}")
            };
        let mut refused = std::io::Error::other("the name has no address");
        for address in target.to_socket_addrs()? {
            let mut stream = match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(stream) => stream,
                Err(error) => {
                    refused = error;
                    continue;
                }
            };
            stream.set_read_timeout(Some(self.timeout))?;
            stream.set_write_timeout(Some(self.timeout))?;
            stream.write_all(request)?;
            // RFC 4120 section 7.2.2: four bytes of length go before each message.
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let size = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if size > MAX_ANSWER_BYTES {
                return Err(std::io::Error::other("the answer is too large"));
            }
            let mut answer = vec![0; size];
            stream.read_exact(&mut answer)?;
            return Ok([&length[..], &answer].concat());
        }
        Err(refused)
    }
}

impl NetworkClient for Centres {
    fn send(&self, request: &NetworkRequest) -> sspi::Result<Vec<u8>> {
        let mut reasons = Vec::new();
        for address in &self.addresses {
            match self.ask(address, &request.data) {
                Ok(answer) => return Ok(answer),
                Err(error) => reasons.push(format!("{address}: {error}")),
            }
        }
        Err(Error::new(ErrorKind::NoAuthenticatingAuthority, reasons.join(", ")))
    }
}

/// The centres of a realm in the system's Kerberos configuration, if it names any.
pub(super) fn of_system(realm: &str) -> Vec<String> {
    // Without a configuration there is nothing to be found in it.
    let text = fs::read_to_string(SYSTEM_CONFIGURATION).unwrap_or_default();
    of_configuration(&text, realm)
}

/// `kdc = …` of `REALM = { … }` in the section `[realms]` (krb5.conf(5)).
fn of_configuration(text: &str, realm: &str) -> Vec<String> {
    let mut is_in_realms = false;
    let mut current: Option<&str> = None;
    let mut centres = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_in_realms = line.eq_ignore_ascii_case("[realms]");
            current = None;
        } else if line.starts_with('}') {
            current = None;
        } else if let Some((name, value)) = line.split_once('=').filter(|_| is_in_realms) {
            let (name, value) = (name.trim(), value.trim());
            if value.starts_with('{') {
                current = Some(name);
            } else if name == "kdc" && current.is_some_and(|open| open.eq_ignore_ascii_case(realm))
            {
                centres.push(value.to_owned());
            }
        }
    }
    centres
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centres_of_a_realm_are_found() {
        let text = "[libdefaults]\n default_realm = A.TEST\n kdc = no\n[realms]\n A.TEST = {\n  \
                    kdc = dc01.a.test:88\n  admin_server = x\n  kdc = dc02.a.test\n }\n B.TEST = {\n  \
                    kdc = dc.b.test\n }\n[domain_realm]\n .a.test = A.TEST\n";
        assert_eq!(of_configuration(text, "a.test"), ["dc01.a.test:88", "dc02.a.test"]);
        assert_eq!(of_configuration(text, "C.TEST"), [""; 0]);
        assert_eq!(of_configuration("", "A.TEST"), [""; 0]);
    }
}
