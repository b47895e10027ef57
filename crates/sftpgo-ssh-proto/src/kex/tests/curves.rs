//! Clients with the keys of the RFCs, computed by other libraries, agree with the server.

use curve25519_dalek::MontgomeryPoint;
use p521::elliptic_curve::sec1::ToSec1Point;

use super::*;
use crate::test_support::hex;

/// Alice's public key of RFC 7748 section 6.1.
pub(super) const X25519_POINT: [u8; 32] = [
    0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a,
    0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a,
];

/// Alice's private key of RFC 7748 section 6.1.
const X25519_KEY: &str = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";

/// The initiator of RFC 5903 section 8.1.
const P256_KEY: &str = "C88F01F5 10D9AC3F 70A292DA A2316DE5 44E9AAB8 AFE84049 C62A9C57 862D1433";
const P256_POINT: &str = "04
    DAD0B653 94221CF9 B051E1FE CA5787D0 98DFE637 FC90B9EF 945D0C37 72581180
    5271A046 1CDB8252 D61F1C45 6FA3E59A B1F45B33 ACCF5F58 389E0577 B8990BB3";

/// The initiator of RFC 5903 section 8.2.
const P384_KEY: &str = "099F3C70 34D4A2C6 99884D73 A375A67F 7624EF7C 6B3C0F16 0647B674 14DCE655
    E35B5380 41E649EE 3FAEF896 783AB194";
const P384_POINT: &str = "04
    667842D7 D180AC2C DE6F74F3 7551F557 55C7645C 20EF73E3 1634FE72 B4C55EE6 DE3AC808 ACB4BDB4
    C88732AE E95F41AA
    9482ED1F C0EEB9CA FC498462 5CCFC23F 65032149 E0E144AD A0241815 35A0F38E EB9FCFF3 C2C947DA
    E69B4C63 4573A81C";

/// Both sides of RFC 5903 section 8.3, and their secret.
const P521_POINT_I: &str = "04
    0015417E84DBF28C0AD3C278713349DC7DF153C897A1891BD98BAB4357C9ECBEE1E3BF42E00B8E380AEAE57C2D10
    7564941885942AF5A7F4601723C4195D176CED3E
    017CAE20B6641D2EEB695786D8C946146239D099E18E1D5A514C739D7CB4A10AD8A788015AC405D7799DC75E7B7D
    5B6CF2261A6A7F1507438BF01BEB6CA3926F9582";
const P521_KEY_R: &str = "
    0145BA99A847AF43793FDD0E872E7CDFA16BE30FDC780F97BCCC3F078380201E9C677D600B343757A3BDBF2A3163
    E4C2F869CCA7458AA4A4EFFC311F5CB151685EB9";
const P521_POINT_R: &str = "04
    00D0B3975AC4B799F5BEA16D5E13E9AF971D5E9B984C9F39728B5E5739735A219B97C356436ADC6E95BB0352F6BE
    64A6C2912D4EF2D0433CED2B6171640012D9460F
    015C68226383956E3BD066E797B623C27CE0EAC2F551A10C2C724D9852077B87220B6536C5C408A1D2AEBB8E86D6
    78AE49CB57091F4732296579AB44FCD17F0FC56A";
const P521_SECRET: &str = "
    01144C7D79AE6956BC8EDB8E7C787C4521CB086FA64407F97894E5E6B2D79B04D1427E73CA4BAA240A3478685981
    0C06B3C715A3A8CC3151F2BEE417996D19F3DDEA";

pub(super) fn p521_point() -> Vec<u8> {
    hex(P521_POINT_I)
}

pub(super) fn p256_point() -> Vec<u8> {
    hex(P256_POINT)
}

/// The client's secret, as it comes out of the curve.
pub(super) fn x25519_secret(server_point: &[u8]) -> Vec<u8> {
    let key = hex(X25519_KEY).try_into().unwrap();
    let point = MontgomeryPoint(server_point.try_into().unwrap());
    point.mul_clamped(key).0.to_vec()
}

pub(super) fn p256_secret(server_point: &[u8]) -> Vec<u8> {
    let key = p256::SecretKey::from_slice(&hex(P256_KEY)).unwrap();
    let point = p256::PublicKey::from_sec1_bytes(server_point).unwrap();
    let secret = p256::ecdh::diffie_hellman(key.to_nonzero_scalar(), point.as_affine());
    secret.raw_secret_bytes().to_vec()
}

fn p384_secret(server_point: &[u8]) -> Vec<u8> {
    let key = p384::SecretKey::from_slice(&hex(P384_KEY)).unwrap();
    let point = p384::PublicKey::from_sec1_bytes(server_point).unwrap();
    let secret = p384::ecdh::diffie_hellman(key.to_nonzero_scalar(), point.as_affine());
    secret.raw_secret_bytes().to_vec()
}

fn ask(kex: Kex, share: &[u8]) -> Answer {
    answer(kex, None, share, &mut Given::new(&[])).unwrap()
}

#[test]
fn the_clients_here_have_the_points_of_the_rfcs() {
    let key = hex(X25519_KEY).try_into().unwrap();
    assert_eq!(MontgomeryPoint::mul_base_clamped(key).0, X25519_POINT);
    let key = p256::SecretKey::from_slice(&hex(P256_KEY)).unwrap();
    let point: p256::Sec1Point = key.public_key().to_sec1_point(false);
    assert_eq!(point.as_bytes(), p256_point());
    let key = p384::SecretKey::from_slice(&hex(P384_KEY)).unwrap();
    let point: p384::Sec1Point = key.public_key().to_sec1_point(false);
    assert_eq!(point.as_bytes(), hex(P384_POINT));
}

#[test]
fn both_sides_have_one_secret() {
    // Often enough for secrets that begin with a zero byte or with a high bit, which a number is written differently with.
    for _ in 0..300 {
        for kex in [Kex::Curve25519, Kex::Curve25519LibSsh] {
            let answer = ask(kex, &X25519_POINT);
            let secret = x25519_secret(&answer.server_share);
            assert_eq!(answer.secret.as_ref(), Secret::number(&secret).as_ref());
        }
    }
    for _ in 0..10 {
        let answer = ask(Kex::EcdhNistP256, &p256_point());
        let secret = p256_secret(&answer.server_share);
        assert_eq!(answer.secret.as_ref(), Secret::number(&secret).as_ref());
        let answer = ask(Kex::EcdhNistP384, &hex(P384_POINT));
        let secret = p384_secret(&answer.server_share);
        assert_eq!(answer.secret.as_ref(), Secret::number(&secret).as_ref());
    }
}

#[test]
fn no_two_answers_are_alike() {
    let first = ask(Kex::Curve25519, &X25519_POINT);
    let second = ask(Kex::Curve25519, &X25519_POINT);
    assert_ne!(first.server_share, second.server_share);
    assert_ne!(first.secret.as_ref(), second.secret.as_ref());
}

#[test]
fn p521_is_as_in_rfc_5903() {
    let key = hex(P521_KEY_R);
    let mut random = Given::new(&key);
    let answer = answer(Kex::EcdhNistP521, None, &p521_point(), &mut random).unwrap();
    assert_eq!(answer.server_share, hex(P521_POINT_R));
    assert_eq!(
        answer.secret.as_ref(),
        [&[0, 0, 0, 66][..], &hex(P521_SECRET)].concat()
    );
    assert_eq!(random.drawn, 66);
}

#[test]
fn p521_takes_521_bits_and_no_number_that_is_no_key() {
    let mut key = hex(P521_KEY_R);
    key[0] |= 0xfe;
    let answered = answer(
        Kex::EcdhNistP521,
        None,
        &p521_point(),
        &mut Given::new(&key),
    )
    .unwrap();
    assert_eq!(answered.server_share, hex(P521_POINT_R));
    for no_key in [[0; 66], [0xff; 66]] {
        let refused = answer(
            Kex::EcdhNistP521,
            None,
            &p521_point(),
            &mut Given::new(&no_key),
        );
        assert_eq!(refused.map(|_| ()), Err(BadShare));
    }
}

#[test]
fn points_of_small_order_are_refused() {
    // RFC 7748 section 6.1 and RFC 8731 section 3: they give a secret of zeros.
    let points = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for point in points {
        assert_refused(Kex::Curve25519, &hex(point));
        assert_refused(
            Kex::MlKem768X25519,
            &[hybrids::client_key(), hex(point)].concat(),
        );
    }
}

#[test]
fn points_beside_the_curve_and_in_other_forms_are_refused() {
    let curves = [
        (Kex::EcdhNistP256, p256_point()),
        (Kex::EcdhNistP384, hex(P384_POINT)),
        (Kex::EcdhNistP521, p521_point()),
    ];
    for (kex, point) in curves {
        let field = (point.len() - 1) / 2;
        let mut beside = point.clone();
        *beside.last_mut().unwrap() ^= 1;
        assert_refused(kex, &beside);
        let mut compressed = point[..=field].to_vec();
        for form in [2, 3] {
            compressed[0] = form;
            assert_refused(kex, &compressed);
        }
        for form in [0, 2, 3, 5, 6, 7] {
            let mut other = point.clone();
            other[0] = form;
            assert_refused(kex, &other);
        }
        assert_refused(kex, &[0]);
        assert_refused(kex, &[&[4], vec![0; 2 * field].as_slice()].concat());
        assert_refused(kex, &point[..point.len() - 1]);
        assert_refused(kex, &[point.as_slice(), &[0]].concat());
    }
    assert_refused(Kex::Curve25519, &X25519_POINT[..31]);
    assert_refused(Kex::Curve25519, &[X25519_POINT.as_slice(), &[0]].concat());
}
