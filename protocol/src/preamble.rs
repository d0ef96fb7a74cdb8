//! The first 16 bytes each side sends. Their layout never changes, so that any two versions ever released
//! can at least tell each other who they are.
//!
//! | bytes | content |
//! |---|---|
//! | 0–7 | magic `89 41 56 41 47 0D 0A 1A` |
//! | 8–9 | lowest protocol version spoken, little-endian |
//! | 10–11 | highest protocol version spoken |
//! | 12–15 | capability bits |

/// Length of a preamble in bytes.
pub const PREAMBLE_LEN: usize = 16;

/// Cannot start JSON, HTTP, TLS or an ssh agent message; the line ends catch a text-mode channel.
pub const MAGIC: [u8; 8] = [0x89, b'A', b'V', b'A', b'G', 0x0D, 0x0A, 0x1A];

/// The lowest protocol version this build speaks.
pub const PROTOCOL_MIN: u16 = 1;
/// The highest protocol version this build speaks.
pub const PROTOCOL_MAX: u16 = 1;

/// Who is speaking, and in which versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble {
    /// Lowest protocol version spoken.
    pub min: u16,
    /// Highest protocol version spoken.
    pub max: u16,
    /// Optional features, one bit each; unknown bits are ignored. None is assigned yet.
    pub capabilities: u32,
}

/// Why a preamble cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PreambleError {
    /// The other side speaks something else altogether.
    #[error("the peer does not speak the aws-vault agent protocol")]
    NotOurs,
    /// Lowest above highest.
    #[error("the peer announces an impossible version range")]
    ImpossibleRange,
}

impl Preamble {
    /// What this build sends.
    pub const OURS: Self = Self { min: PROTOCOL_MIN, max: PROTOCOL_MAX, capabilities: 0 };

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; PREAMBLE_LEN] {
        let mut bytes = [0; PREAMBLE_LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&self.min.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.max.to_le_bytes());
        bytes[12..].copy_from_slice(&self.capabilities.to_le_bytes());
        bytes
    }

    /// Reads what the other side sent.
    pub fn from_bytes(bytes: [u8; PREAMBLE_LEN]) -> Result<Self, PreambleError> {
        let [m0, m1, m2, m3, m4, m5, m6, m7, min0, min1, max0, max1, c0, c1, c2, c3] = bytes;
        if [m0, m1, m2, m3, m4, m5, m6, m7] != MAGIC {
            return Err(PreambleError::NotOurs);
        }
        let min = u16::from_le_bytes([min0, min1]);
        let max = u16::from_le_bytes([max0, max1]);
        if min > max {
            return Err(PreambleError::ImpossibleRange);
        }
        Ok(Self { min, max, capabilities: u32::from_le_bytes([c0, c1, c2, c3]) })
    }

    /// The highest version both sides speak, if there is one.
    pub fn common_version(self, other: Self) -> Option<u16> {
        let highest = self.max.min(other.max);
        (highest >= self.min.max(other.min)).then_some(highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: u16, max: u16) -> Preamble {
        Preamble { min, max, capabilities: 0 }
    }

    #[test]
    fn survives_a_round_trip() {
        let preamble = Preamble { min: 1, max: 3, capabilities: 0x8000_0001 };
        assert_eq!(Preamble::from_bytes(preamble.to_bytes()), Ok(preamble));
    }

    #[test]
    fn refuses_other_protocols() {
        assert_eq!(Preamble::from_bytes(*b"GET / HTTP/1.1\r\n"), Err(PreambleError::NotOurs));
        assert_eq!(Preamble::from_bytes(*b"{\"jsonrpc\":\"2.0\""), Err(PreambleError::NotOurs));
        assert_eq!(Preamble::from_bytes(range(2, 1).to_bytes()), Err(PreambleError::ImpossibleRange));
    }

    #[test]
    fn picks_the_highest_common_version() {
        assert_eq!(range(1, 3).common_version(range(2, 9)), Some(3));
        assert_eq!(range(2, 9).common_version(range(1, 2)), Some(2));
        assert_eq!(range(1, 1).common_version(range(2, 2)), None);
    }
}
