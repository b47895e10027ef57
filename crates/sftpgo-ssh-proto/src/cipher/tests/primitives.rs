//! AES and HMAC with the examples of their standards.

use super::*;
use crate::{
    cipher::{blocks, mac::Authenticator},
    test_support::hex,
};

/// The text of SP 800-38A appendix F.
const TEXT: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51
    30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
const KEY_128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const KEY_192: &str = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
const KEY_256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";

fn check(cipher: Cipher, key: &str, iv: &str, encrypted: &str) {
    // At once, and block by block as packets come.
    for at_a_time in [64, 48, 32, 16] {
        let mut bytes = hex(TEXT);
        let mut blocks = blocks::encrypting(cipher, &hex(key), &hex(iv)).unwrap();
        for part in bytes.chunks_mut(at_a_time) {
            blocks::apply(blocks.as_mut(), part);
        }
        assert_eq!(bytes, hex(encrypted), "{cipher:?}");
        let mut blocks = blocks::decrypting(cipher, &hex(key), &hex(iv)).unwrap();
        for part in bytes.chunks_mut(at_a_time) {
            blocks::apply(blocks.as_mut(), part);
        }
        assert_eq!(bytes, hex(TEXT), "{cipher:?}");
    }
}

/// SP 800-38A sections F.5.1 to F.5.6.
#[test]
fn counter_mode() {
    let iv = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
    check(
        Cipher::Aes128Ctr,
        KEY_128,
        iv,
        "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff
         5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
    );
    check(
        Cipher::Aes192Ctr,
        KEY_192,
        iv,
        "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94
         1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050",
    );
    check(
        Cipher::Aes256Ctr,
        KEY_256,
        iv,
        "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5
         2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
    );
}

/// RFC 4344 section 4: the counter is all 128 bits. Computed with OpenSSL.
#[test]
fn the_counter_goes_on_past_its_highest_value() {
    check(
        Cipher::Aes128Ctr,
        KEY_128,
        "fffffffffffffffffffffffffffffffe",
        "ba76aa54d5b56067c1a7903b3fddfa8924df0c565cf42a68978713b67ad124fd
         4d3f774ab9e47da2dbb9315ea3110680a18d5905ebfe25a803df27c2211e58d6",
    );
}

/// SP 800-38A sections F.2.1 to F.2.6.
#[test]
fn chained_blocks() {
    let iv = "000102030405060708090a0b0c0d0e0f";
    check(
        Cipher::Aes128Cbc,
        KEY_128,
        iv,
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2
         73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
    );
    check(
        Cipher::Aes192Cbc,
        KEY_192,
        iv,
        "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a
         571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
    );
    check(
        Cipher::Aes256Cbc,
        KEY_256,
        iv,
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d
         39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
    );
}

/// The first four bytes of the text are the number. Shorter keys are filled up with zeros, as HMAC does it too.
fn hmac(mac: Mac, key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut key = key.to_vec();
    key.resize(mac.key_len(), 0);
    let (seq, packet) = text.split_first_chunk().unwrap();
    let authenticator = Authenticator::new(mac, &key).unwrap();
    authenticator
        .tag(u32::from_be_bytes(*seq), packet)
        .as_ref()
        .to_vec()
}

/// RFC 4231 sections 4.2 and 4.3, RFC 2202 section 3.
#[test]
fn hmac_over_number_and_packet() {
    for mac in [Mac::Sha256, Mac::Sha256Etm] {
        assert_eq!(
            hmac(mac, &[0x0b; 20], b"Hi There"),
            hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        );
        assert_eq!(
            hmac(mac, b"Jefe", b"what do ya want for nothing?"),
            hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        );
    }
    for mac in [Mac::Sha512, Mac::Sha512Etm] {
        assert_eq!(
            hmac(mac, &[0x0b; 20], b"Hi There"),
            hex(
                "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
                 daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
            )
        );
        assert_eq!(
            hmac(mac, b"Jefe", b"what do ya want for nothing?"),
            hex(
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
            )
        );
    }
    for mac in [Mac::Sha1, Mac::Sha1Etm] {
        assert_eq!(
            hmac(mac, &[0x0b; 20], b"Hi There"),
            hex("b617318655057264e28bc0b6fb378c8ef146be00")
        );
        assert_eq!(
            hmac(mac, b"Jefe", b"what do ya want for nothing?"),
            hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
        );
    }
}
