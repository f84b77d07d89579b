//! Whose request it is behind proxies: what they say of it is believed of those that the operator names, and of nobody else.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};

use super::networks::Networks;

/// The networks of trusted proxies.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Networks);

impl Proxies {
    /// Reads a list of addresses and networks (`10.0.0.0/8, ::1`).
    pub fn read(list: &str) -> Result<Proxies, String> {
        Networks::read(list).map(Proxies)
    }

    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.have(address)
    }

    /// The address that a request comes from: the last one on its way that is no trusted proxy.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let listed: Vec<&str> = parts(headers, &X_FORWARDED_FOR).collect();
        let forwarded: Vec<&str> = parts(headers, &FORWARDED).map(named_for).collect();
        match (listed.is_empty(), forwarded.is_empty()) {
            (true, true) => peer,
            (false, true) => self.last_unknown(peer, &listed),
            (true, false) => self.last_unknown(peer, &forwarded),
            (false, false) => {
                // A proxy writes one of them, and the client may have written the other.
                let (one, other) = (self.last_unknown(peer, &listed), self.last_unknown(peer, &forwarded));
                if one == other { one } else { peer }
            }
        }
    }

    fn last_unknown(&self, peer: IpAddr, hops: &[&str]) -> IpAddr {
        let mut last = peer;
        for hop in hops.iter().rev() {
            let Some(address) = address(hop) else { return last };
            last = address;
            if !self.trusts(last) {
                return last;
            }
        }
        last
    }
}

/// The parts of a header that is a list, over all its lines.
fn parts<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers.get_all(name).filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

/// Whom a part of `Forwarded` (RFC 7239) names: `for=192.0.2.1;proto=https`.
fn named_for(part: &str) -> &str {
    let pairs = part.split(';').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|(_, value)| value.trim()).next().unwrap_or_default()
}

/// An address as proxies write it: with a port or without, IPv6 in brackets, also quoted.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn what_trusted_proxies_say_is_believed() {
        let client = |trusted: &str, peer: &str, said: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in said {
                headers.append(name.clone(), HeaderValue::from_static(value));
            }
            Proxies::read(trusted).unwrap().client(peer.parse().unwrap(), &headers).to_string()
        };
        let listed = [(X_FORWARDED_FOR, "203.0.113.9, 198.51.100.7, 10.1.2.3")];
        assert_eq!(client("", "10.0.0.1", &listed), "10.0.0.1");
        assert_eq!(client("192.168.0.0/16", "10.0.0.1", &listed), "10.0.0.1");
        // What stands before the first stranger, the stranger may have made up.
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &listed), "198.51.100.7");
        assert_eq!(client("0.0.0.0/0", "10.0.0.1", &listed), "203.0.113.9");
        assert_eq!(client("::1, 10.0.0.1", "::ffff:10.0.0.1", &[(X_FORWARDED_FOR, "198.51.100.7:4711")]), "198.51.100.7");
        let forwarded = [(FORWARDED, "For=\"[2001:db8::17]:4711\";proto=https"), (FORWARDED, "for=10.9.9.9")];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &forwarded), "2001:db8::17");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[(FORWARDED, "for=unknown")]), "10.0.0.1");
        let both = [(X_FORWARDED_FOR, "198.51.100.7"), (FORWARDED, "for=203.0.113.9")];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &both), "10.0.0.1");
        for wrong in ["10.0.0.0/33", "x", "10.0.0/8", "::1/129"] {
            assert!(Proxies::read(wrong).is_err(), "{wrong}");
        }
    }
}
