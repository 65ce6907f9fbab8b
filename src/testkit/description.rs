//! Session descriptions that name the end of a connection that made them.
//!
//! They are those of a data channel in Chromium. The ufrag says whose they are; password and fingerprint follow from
//! that, so whoever reads one sees whether the peers carried all three unharmed, however they packed them.

use std::fmt::Write as _;

use super::mix;

/// One end of a connection, by two numbers that mean something to its world. In the upper half of the second one is how
/// often it was described anew: with other credentials, and the same certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End(pub(crate) u64, pub(crate) u64);

/// What of a description names and protects the end that made it.
#[derive(Debug, PartialEq, Eq)]
struct Credentials {
    ufrag: String,
    pwd: String,
    fingerprint: String,
}

impl Credentials {
    fn read(sdp: &str) -> Option<Self> {
        let value =
            |name: &str| sdp.lines().find_map(|line| line.trim_end().strip_prefix(name)).map(str::to_owned);
        Some(Self {
            ufrag: value("a=ice-ufrag:")?,
            pwd: value("a=ice-pwd:")?,
            fingerprint: value("a=fingerprint:sha-256 ")?,
        })
    }
}

impl End {
    /// The same end, described anew so many times.
    pub(crate) fn anew(self, times: u32) -> Self {
        Self(self.0, self.first().1 | u64::from(times) << 32)
    }

    /// The same end as it was described first.
    pub(crate) fn first(self) -> Self {
        Self(self.0, u64::from(self.1 as u32))
    }

    /// How often it was described anew.
    pub(crate) fn times(self) -> u32 {
        (self.1 >> 32) as u32
    }

    /// The end that made a description, and whether it brought candidates; what is wrong with it otherwise.
    pub(crate) fn read(sdp: &str) -> Result<(Self, bool), &'static str> {
        let read = Credentials::read(sdp).ok_or("a description without ufrag, password or fingerprint")?;
        let end = Self::named(&read.ufrag).ok_or("a description whose ufrag nobody made")?;
        if end.credentials() != read {
            return Err("a description whose password or fingerprint was altered");
        }
        Ok((end, sdp.contains("a=candidate:")))
    }

    fn named(ufrag: &str) -> Option<Self> {
        let (one, other) = ufrag.split_once('/')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some(Self(number(one)?, number(other)?.checked_sub(0x1000)?))
    }

    fn credentials(self) -> Credentials {
        let mut fingerprint = String::with_capacity(96);
        for byte in self.fingerprint() {
            let _ = write!(fingerprint, "{byte:02X}:");
        }
        fingerprint.pop();
        Credentials {
            ufrag: format!("{:x}/{:x}", self.0, self.1 + 0x1000),
            pwd: format!("{:016x}{:08x}", self.hash(1), self.hash(2) as u32),
            fingerprint,
        }
    }

    /// Of its certificate.
    pub(crate) fn fingerprint(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes
            .iter_mut()
            .zip((10..14).flat_map(|salt| self.first().hash(salt).to_be_bytes()))
            .for_each(|(to, byte)| *to = byte);
        bytes
    }

    fn hash(self, salt: u64) -> u64 {
        let anew = if self.times() == 0 { 0 } else { mix(self.times().into()) };
        mix((self.0 << 32 | self.first().1) ^ mix(salt) ^ anew)
    }

    /// Its description without candidates, as a browser gives it before gathering. `setup`: `actpass` in an offer,
    /// `active` in an answer.
    pub(crate) fn describe(self, setup: &str) -> String {
        let Credentials { ufrag, pwd, fingerprint } = self.credentials();
        let session = mix(self.0) >> 1;
        format!(
            "v=0\r\no=- {session} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=extmap-allow-mixed\r\n\
             a=msid-semantic: WMS\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
             a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=ice-options:trickle\r\n\
             a=fingerprint:sha-256 {fingerprint}\r\na=setup:{setup}\r\na=mid:0\r\na=sctp-port:5000\r\n\
             a=max-message-size:262144\r\n"
        )
    }

    /// ... with the candidate of a machine in its network, as after gathering: an address for each peer, and a port for
    /// each of its connections.
    pub(crate) fn describe_whole(self, setup: &str) -> String {
        let [.., a, b, c] = self.0.to_be_bytes();
        let port = 1024 + self.1 % 64_000;
        format!("{}a=candidate:1 1 udp 1 10.{a}.{b}.{c} {port} typ host\r\n", self.describe(setup))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_its_end_and_shows_when_it_was_altered() {
        let end = End(7, 3);
        let sdp = end.describe("actpass");
        assert_eq!(End::read(&sdp), Ok((end, false)));
        assert_eq!(End::read(&end.describe_whole("active")), Ok((end, true)));
        let altered = sdp.replace("a=ice-pwd:", "a=ice-pwd:x");
        assert!(End::read(&altered).is_err());
        let again = end.anew(2);
        assert_eq!(End::read(&again.describe("actpass")), Ok((again, false)));
        assert_eq!((again.first(), again.times(), again.fingerprint()), (end, 2, end.fingerprint()));
        assert_ne!(again.credentials().pwd, end.credentials().pwd);
    }
}
