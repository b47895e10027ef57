//! `$6$[rounds=<n>$]<salt>$<86 digits>`: SHA-512 crypt, as in a Linux shadow file.

use std::time::Duration;

use sha_crypt::Params;
use subtle::ConstantTimeEq;

/// About 2 seconds of a current core, with a password of up to [`SHORT`] bytes.
const MAX_ROUNDS: u32 = 5_000_000;
/// A round takes longer with the password, but not much up to this length in bytes.
const SHORT: usize = 128;
/// The time that a round takes on a current core.
const ROUND: Duration = Duration::from_nanos(400);
/// The least and the default of the specification.
const MIN_ROUNDS: u32 = 1000;
const DEFAULT_ROUNDS: u32 = 5000;
/// The bytes of a salt that are used.
const SALT_LEN: usize = 16;
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 64 bytes in digits of six bits.
const ENCODED_LEN: usize = 86;

pub(super) struct Sha512Crypt {
    rounds: u32,
    params: Params,
    salt: String,
    encoded: String,
}

impl Sha512Crypt {
    pub(super) fn parse(stored: &str) -> Result<Self, String> {
        let parts: Vec<&str> = stored.split('$').skip(2).collect();
        let (rounds, salt, encoded) = match *parts.as_slice() {
            [rounds, salt, encoded] => (parse_rounds(rounds)?, salt, encoded),
            [salt, encoded] => (DEFAULT_ROUNDS, salt, encoded),
            _ => return Err(malformed("wrong number of fields")),
        };
        if salt.len() > SALT_LEN {
            return Err(malformed("the salt is longer than 16 bytes"));
        }
        if encoded.len() != ENCODED_LEN || !encoded.bytes().all(|digit| DIGITS.contains(&digit)) {
            return Err(malformed("the hash is not 86 digits"));
        }
        Ok(Self {
            rounds,
            params: Params::new(rounds).map_err(|_| wrong_rounds())?,
            salt: salt.to_owned(),
            encoded: encoded.to_owned(),
        })
    }

    pub(super) fn expected_time(&self) -> Duration {
        ROUND * self.rounds
    }

    /// A long password that would cost more than the dearest hash does not match.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        if !self.pays_for(password.len()) {
            return false;
        }
        let computed = sha_crypt::sha512_crypt(password, self.salt.as_bytes(), self.params);
        encode(&computed).ct_eq(self.encoded.as_bytes()).into()
    }

    fn pays_for(&self, password_len: usize) -> bool {
        let work = |rounds: u32, len: usize| u64::from(rounds) * len.max(SHORT) as u64;
        work(self.rounds, password_len) <= work(MAX_ROUNDS, SHORT)
    }
}

fn parse_rounds(field: &str) -> Result<u32, String> {
    field
        .strip_prefix("rounds=")
        .and_then(|digits| digits.parse().ok())
        .filter(|rounds| (MIN_ROUNDS..=MAX_ROUNDS).contains(rounds))
        .ok_or_else(wrong_rounds)
}

fn wrong_rounds() -> String {
    malformed(&format!(
        "the rounds are not between {MIN_ROUNDS} and {MAX_ROUNDS}"
    ))
}

/// Base64 with a digit order and a byte order of its own: three bytes, 21 apart, rotating, low bits first.
fn encode(hash: &[u8; 64]) -> Vec<u8> {
    let [thirds @ .., last] = hash;
    let (first, rest) = thirds.split_at(21);
    let (second, third) = rest.split_at(21);
    let mut digits = Vec::with_capacity(ENCODED_LEN + 2);
    for (position, ((a, b), c)) in first.iter().zip(second).zip(third).enumerate() {
        let (high, middle, low) = match position % 3 {
            0 => (a, b, c),
            1 => (b, c, a),
            _ => (c, a, b),
        };
        push_digits(&mut digits, [*high, *middle, *low], 4);
    }
    push_digits(&mut digits, [0, 0, *last], 2);
    digits
}

fn push_digits(digits: &mut Vec<u8>, [high, middle, low]: [u8; 3], count: u32) {
    let bits = u32::from_be_bytes([0, high, middle, low]);
    digits.extend((0..count).filter_map(|at| DIGITS.get((bits >> (6 * at)) as usize & 63)));
}

fn malformed(reason: &str) -> String {
    format!("not a usable SHA-512 crypt hash: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the specification of SHA-crypt.
    const VECTORS: [(&str, &str); 6] = [
        (
            "Hello world!",
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        ),
        (
            "Hello world!",
            "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
        ),
        (
            "This is just a test",
            "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0",
        ),
        (
            "a very much longer text to encrypt.  This one even stretches over morethan one line.",
            "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1",
        ),
        (
            "we have a short salt string but not a short password",
            "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0",
        ),
        (
            "the minimum number is still observed",
            "$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.",
        ),
    ];

    #[test]
    fn the_vectors_of_the_specification_verify() {
        for (password, stored) in VECTORS {
            let hash = Sha512Crypt::parse(stored).unwrap();
            assert!(hash.verify(password.as_bytes()), "{stored}");
            assert!(!hash.verify(b"hello world!"), "{stored}");
        }
    }

    #[test]
    fn rounds_out_of_reason_are_refused() {
        let (_, digits) = VECTORS[0].1.rsplit_once('$').unwrap();
        for rounds in [
            "rounds=999",
            "rounds=5000001",
            "rounds=999999999",
            "rounds=",
            "rounds=-1",
            "5000",
        ] {
            let stored = format!("$6${rounds}$salt${digits}");
            assert!(Sha512Crypt::parse(&stored).is_err(), "{stored}");
        }
    }

    #[test]
    fn a_long_password_costs_no_more_than_the_dearest_hash() {
        let (_, digits) = VECTORS[0].1.rsplit_once('$').unwrap();
        for (rounds, longest) in [(5_000_000, 128), (1_250_000, 512), (5000, 1024)] {
            let stored = format!("$6$rounds={rounds}$salt${digits}");
            let hash = Sha512Crypt::parse(&stored).unwrap();
            assert!(hash.pays_for(longest), "{rounds}");
            assert_eq!(hash.pays_for(longest + 1), rounds == 5000, "{rounds}");
        }
    }

    #[test]
    fn hashes_of_another_length_or_alphabet_are_refused() {
        let good = VECTORS[0].1;
        assert!(Sha512Crypt::parse(&good[..good.len() - 1]).is_err());
        assert!(Sha512Crypt::parse(&format!("{good}a")).is_err());
        assert!(Sha512Crypt::parse(&good.replace('/', "+")).is_err());
        assert!(Sha512Crypt::parse("$6$0123456789abcdefg$x").is_err());
    }
}
