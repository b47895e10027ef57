//! Whole packets that other libraries sealed: Go's and OpenSSL's ciphers, put together by their specifications.

use super::*;
use crate::test_support::hex;

/// A service accept.
const PAYLOAD: &[u8] = b"\x06\0\0\0\x0cssh-userauth";

/// The packets must be what is sealed here, and must open here.
fn check(mut sealer: Sealer, mut opener: Opener, first: u32, sealed: &[&str]) {
    for (number, sealed) in (0..).zip(sealed) {
        let seq = first.wrapping_add(number);
        let plain = packet(&sealer, PAYLOAD);
        let mut ours = plain.clone();
        sealer.seal(seq, &mut ours).unwrap();
        let mut theirs = hex(sealed);
        assert_eq!(ours, theirs);
        receive(&mut opener, seq, &mut theirs).unwrap();
        let text = 4..plain.len() - sealer.tag_len();
        assert_eq!(theirs[text.clone()], plain[text]);
    }
}

/// The IV's counter is at its highest value: the second packet has the value 0, as with OpenSSL and Go.
#[test]
fn gcm_counts_on_past_its_highest_value() {
    let known = [
        (
            Cipher::Aes128Gcm,
            [
                "00000020de3572475eca55b2d8a5c1782f2e7b50bf7900f70e08a1de777ed273e030bc29
                 5272165f549bc89d404e9c53aa221509",
                "00000020845bce9d4783471c3beb5f5014b81ad518e02506e1935780894fd4510e957e92
                 625c8ca1318ecf32b820795ed096f8da",
            ],
        ),
        (
            Cipher::Aes256Gcm,
            [
                "00000020aab9c24ffc23005e7273662f4e6fbb0fe290a4b95813d609c2abfca8df199d3f
                 84482cc2f75f71b5f2b2191fa02d3d03",
                "0000002012bf5c362368c6cfd116ce4034a804aee6f8edb40bbe61e095c23dcdc1a1b6a1
                 7cfba450e54c4c2f7971afa4fc839b77",
            ],
        ),
    ];
    for (cipher, sealed) in known {
        let key = counting(0, cipher.key_len());
        let iv = hex("a0a1a2a3ffffffffffffffff");
        let sealer = Sealer::new(cipher, None, &key, &iv, &[]).unwrap();
        let opener = Opener::new(cipher, None, &key, &iv, &[]).unwrap();
        check(sealer, opener, 0, &sealed);
    }
}

#[test]
fn chacha20_poly1305_takes_its_nonce_from_the_number() {
    let (sealer, opener) = pair(Cipher::ChaCha20Poly1305, None);
    let sealed = "69a614d0317c5c9cde28ff488ad0319d1b6b567ae17968dca3a27ba4
        ba8b150534f42f1ae57cff6e0a0b5d32";
    check(sealer, opener, 0xffff_fffe, &[sealed]);
}

/// The number passes its highest value between the two packets.
#[test]
fn ciphers_with_hmac() {
    let known = [
        (
            Cipher::Aes128Ctr,
            Mac::Sha256Etm,
            [
                "0000002090b96e9cbd109d0b652a60fbf497e5ee18e79036acd3142cdd46ccf19a0243a7
                 01b4a444d03476b9054049ac633d4c1f6297a33242256e727bf744be18d87608",
                "000000200d5c6fd1d0fa181623fb5214398f043b22a44d387ebac83535b0381a4df93b7d
                 5d63e5cbd3828fb65f035d12365b9da1f765ffb20c8922519ab9e0562d9e509d",
            ],
        ),
        (
            Cipher::Aes256Ctr,
            Mac::Sha512,
            [
                "93d8113cbc26bb4d7e81ccd88e92e5afd09bea7074bbe529808560af6c7b196b
                 cbefe71127868bddfbc435329a54425b4c11f776f6d6381f6decfda6e4574a3a
                 ec7d4cb276e5703fd8017328e4096023410a6c266fb6234d10735d2487bfceaf",
                "c0c19a4ddcafad58a252cbfc02abf07c59373bae6ed98be6b38b075f0194d31d
                 b30950e62749ef0b368d8166f3d9cf1532527aa91bcab3fea4a86faee400e8f8
                 b3fa8aaf3a676741de5ec4cf8308135c6f495263ca337f797b16e9151c1e89d7",
            ],
        ),
        (
            Cipher::Aes192Cbc,
            Mac::Sha512Etm,
            [
                "00000020a520e31fd72a5a7c1c365f56e7d1c74114a2a8f3fd921cadd26e548f40b3d58b
                 da813095b1bfd8d7457eb5a1e86bbabce81eb1d57bdc513705726d9cf2dfd975
                 ee738882254dd97e8bbc2b15d009669b826d43cd1ed8eb72023fd5c17746beee",
                "000000202f819ba40eab0630a1c195cdde1de0f010ccb5e6f8c0d6c2b9fe62bb6288ebd9
                 bba034cc2570552219a242c62967e25ecc8b19839d88e719286deb137e381cbe
                 15f99db916a9cd7f4edaf0e68576a1b5dbf87326f72f3190388f1e62f86e42e8",
            ],
        ),
        (
            Cipher::Aes128Cbc,
            Mac::Sha1,
            [
                "bb331dfdf12bae24ef999deab60ad8a86a3a67d9e2e34c183f297985e9483d06
                 2c2091f12f891bd8f8f4bd24a4620f15bdeebb46",
                "66fd62439eef95d70cffa4e4afe2449784ddd63ea26b7fa16e85bbf09c5f59a5
                 1ee25f95bf59715ef06f26be54a181f1a7b19916",
            ],
        ),
    ];
    for (cipher, mac, sealed) in known {
        let (sealer, opener) = pair(cipher, Some(mac));
        check(sealer, opener, u32::MAX, &sealed);
    }
}
