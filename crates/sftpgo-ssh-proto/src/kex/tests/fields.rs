//! Finite fields.

use ring::digest::{SHA256, digest};

use super::*;
use crate::test_support::hex;

const GROUPS: [Group; 5] = [Group::G14, Group::G15, Group::G16, Group::G17, Group::G18];

/// More words of pi than the largest prime has.
const PI_WORDS: usize = 8_192 / 32;

/// A number in words of 32 bits, high first; the first word is what is before the point.
type Fixed = Vec<u32>;

fn divide(number: &mut Fixed, by: u32) {
    let mut rest = 0;
    for word in number {
        let all = rest << 32 | u64::from(*word);
        *word = (all / u64::from(by)) as u32;
        rest = all % u64::from(by);
    }
}

fn add(to: &mut Fixed, number: &Fixed, negative: bool) {
    let mut carry = 0_i64;
    for (to, word) in to.iter_mut().zip(number).rev() {
        let word = i64::from(*word);
        let sum = i64::from(*to) + if negative { -word } else { word } + carry;
        *to = sum as u32;
        carry = sum >> 32;
    }
}

/// `factor` times the arcus tangent of 1 / `x`.
fn arctan(factor: u32, x: u32, words: usize) -> Fixed {
    let mut power = vec![0; words];
    power[0] = factor;
    divide(&mut power, x);
    let mut sum = power.clone();
    for (number, odd) in (3..).step_by(2).enumerate() {
        divide(&mut power, x * x);
        if power.iter().all(|word| *word == 0) {
            break;
        }
        let mut term = power.clone();
        divide(&mut term, odd);
        add(&mut sum, &term, number % 2 == 0);
    }
    sum
}

/// Pi by Machin's formula: 16 arctan(1/5) - 4 arctan(1/239).
fn pi() -> Fixed {
    let words = PI_WORDS + 4;
    let mut pi = arctan(16, 5, words);
    add(&mut pi, &arctan(4, 239, words), true);
    pi
}

/// RFC 3526: p = 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + c).
#[test]
fn primes_are_those_that_pi_gives() {
    let pi = pi();
    assert_eq!(pi[..3], [3, 0x243f_6a88, 0x85a3_08d3]);
    let constants = [124_476, 1_690_314, 240_904, 929_484, 4_743_158];
    for (group, constant) in GROUPS.into_iter().zip(constants) {
        let bits = group.bits() as usize;
        // [2^(n-130) pi] is the first n-128 bits of pi, which begins with the two bits of 3: shifted by two to whole words.
        let words = (bits - 128) / 32;
        let mut middle: Vec<u32> = pi
            .windows(2)
            .take(words)
            .map(|pair| pair[0] << 30 | pair[1] >> 2)
            .collect();
        let mut number = vec![0; words];
        // The low 64 bits are -1, which borrows one.
        number[words - 1] = constant - 1;
        add(&mut middle, &number, false);
        let prime: Vec<u8> = [u32::MAX; 2]
            .iter()
            .chain(&middle)
            .chain(&[u32::MAX; 2])
            .flat_map(|word| word.to_be_bytes())
            .collect();
        assert_eq!(group.prime(), prime, "{group:?}");
        assert_eq!(group.prime().len() * 8, bits);
    }
}

/// Computed with Python's `pow`: SHA-256 of f, and of K as a number, for e = 0x7777...77 of 2,048 bits and y = 0x8081...bf.
#[test]
fn answers_are_powers() {
    let known = [
        (
            Group::G14,
            "4c6629659186a097e5d84d09b0aa4940de49137fc268ff7275c600d8b11f41a9",
            "8e0a14590b03b2feba6d6b2c80cc0f86e2e1b059ac6dc48e0dbefa6dfab61a81",
        ),
        (
            Group::G15,
            "8620f55fc8fb046b60d7b7db4999e1cf97bc54170f2763b5296692090a46db55",
            "717880e8676d694564df05f510985eedb560f8bf411689874fa8fdf7bd264498",
        ),
        (
            Group::G16,
            "161f658b36b8af16aaddcdc8e56dfd9dcbb953752c625ea34e7085d78b737071",
            "028dfb4929e134b2b036c3f1a4c3fc92789d7f8dca030359b62bcf3e6b65bc58",
        ),
        (
            Group::G17,
            "c2d565bfa5eb7cb03a47429f6faff16950e6568d25f602c80d048561ada263ef",
            "9a7e1f98b096a8e205d4875bd5bcb5b0a6aab29cdd6e68567a21a23ad2f95211",
        ),
        (
            Group::G18,
            "247b9ad1d1eaf0da7486eeaa119357af11a556d7a7633efdbdc5cfc18d8fac7b",
            "6e9e5101640774f93e1a950f02dd366c643c06e6b6c01e6db0c3b90a1d9f9532",
        ),
    ];
    let exponent: Vec<u8> = (0x80..0xc0).collect();
    for (group, share, secret) in known {
        let mut random = Given::new(&exponent);
        let answer = answer(Kex::GexSha256, Some(group), &[0x77; 256], &mut random).unwrap();
        assert_eq!(
            digest(&SHA256, &answer.server_share).as_ref(),
            hex(share),
            "{group:?}"
        );
        assert_eq!(
            digest(&SHA256, answer.secret.as_ref()).as_ref(),
            hex(secret),
            "{group:?}"
        );
        // Bits, not bytes (CVE-2016-0739).
        assert_eq!(random.drawn * 8, 512);
    }
}

#[test]
fn a_method_with_a_group_in_its_name_does_not_look_at_another() {
    let methods = [
        (Kex::Group14Sha256, Group::G14),
        (Kex::Group14Sha1, Group::G14),
        (Kex::Group15Sha512, Group::G15),
        (Kex::Group16Sha512, Group::G16),
        (Kex::Group17Sha512, Group::G17),
        (Kex::Group18Sha512, Group::G18),
    ];
    for (kex, group) in methods {
        let ask = |kex, group| answer(kex, group, &[7], &mut Given::new(&[9; 64])).unwrap();
        let (own, other) = (ask(kex, Some(Group::G14)), ask(kex, None));
        let exchanged = ask(Kex::GexSha1, Some(group));
        assert_eq!(own.server_share, exchanged.server_share);
        assert_eq!(other.secret.as_ref(), exchanged.secret.as_ref());
    }
    let without = answer(Kex::GexSha256, None, &[7], &mut Given::new(&[9; 64]));
    assert_eq!(without.map(|_| ()), Err(BadShare));
}

/// RFC 4253 section 8: 1 < e < p - 1.
#[test]
fn shares_at_the_ends_are_refused() {
    for group in GROUPS {
        let ask = |share: &[u8]| {
            answer(
                Kex::GexSha256,
                Some(group),
                share,
                &mut Given::new(&[9; 64]),
            )
            .is_ok()
        };
        let changed = |by: fn(u8) -> u8| {
            let mut share = group.prime().to_vec();
            *share.last_mut().unwrap() = by(*share.last().unwrap());
            share
        };
        assert!(!ask(&[]));
        assert!(!ask(&[0]));
        assert!(!ask(&[1]));
        assert!(ask(&[2]));
        assert!(ask(&changed(|last| last - 2)));
        assert!(!ask(&changed(|last| last - 1)));
        assert!(!ask(group.prime()));
        assert!(!ask(&vec![0xff; group.prime().len()]));
        assert!(!ask(&[&[1], group.prime()].concat()));
    }
}

#[test]
fn an_exponent_of_zero_is_no_exponent() {
    let refused = answer(Kex::Group14Sha256, None, &[7], &mut Given::new(&[0; 64]));
    assert_eq!(refused.map(|_| ()), Err(BadShare));
}

#[test]
fn a_group_is_the_smallest_that_is_large_enough() {
    assert_eq!(choose_group(2_048, 3_072, 8_192), Some(Group::G15));
    assert_eq!(choose_group(1_024, 1_024, 8_192), Some(Group::G14));
    assert_eq!(choose_group(2_048, 2_049, 8_192), Some(Group::G15));
    assert_eq!(choose_group(2_048, 7_680, 8_192), Some(Group::G18));
    assert_eq!(choose_group(3_072, 2_048, 8_192), Some(Group::G15));
    // None is large enough: the largest that the client takes.
    assert_eq!(choose_group(2_048, 8_192, 4_096), Some(Group::G16));
    assert_eq!(choose_group(2_048, 16_384, u32::MAX), Some(Group::G18));
    assert_eq!(choose_group(1_024, 4_000, 4_000), Some(Group::G15));
    // Nothing fits.
    assert_eq!(choose_group(1_024, 1_024, 2_047), None);
    assert_eq!(choose_group(8_193, 8_193, u32::MAX), None);
    assert_eq!(choose_group(4_097, 4_097, 6_143), None);
    assert_eq!(choose_group(4_096, 4_096, 2_048), None);
}
