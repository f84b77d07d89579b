//! Networks that the operator names: `10.0.0.0/8, ::1`.

use std::net::IpAddr;

/// Some networks.
#[derive(Clone, Debug, Default)]
pub struct Networks(Vec<Network>);

#[derive(Clone, Copy, Debug)]
struct Network {
    /// IPv4 stands in the part of IPv6 that is meant for it.
    base: u128,
    prefix: u32,
}

impl Networks {
    /// Reads a list of addresses and networks.
    pub fn read(list: &str) -> Result<Networks, String> {
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        let read =
            |item: &str| Network::read(item).ok_or_else(|| format!("{item} is no address and no network such as 10.0.0.0/8"));
        items.map(read).collect::<Result<_, _>>().map(Networks)
    }

    #[must_use]
    pub fn have(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(address))
    }
}

impl Network {
    fn read(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        (prefix <= bits).then(|| Network { base: number(address), prefix: 128 - bits + prefix })
    }

    fn has(self, address: IpAddr) -> bool {
        let differing = self.base ^ number(address);
        differing.checked_shr(128 - self.prefix).unwrap_or(0) == 0
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().into(),
        IpAddr::V6(address) => address.into(),
    }
}
