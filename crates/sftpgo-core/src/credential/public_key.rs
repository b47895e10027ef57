//! Keys of authorized_keys lines, decoded, and which of them this server lets in.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use ring::digest::{SHA256, digest};
use sftpgo_credential_formats::public_key::KeyLine;
use ssh_key::{
    PublicKey,
    public::{KeyData, RsaPublicKey},
};

use crate::error::{Error, ErrorKind, Result};

pub use sftpgo_credential_formats::public_key::KeyOptions;

/// Below is breakable; above costs more time at each login than it is worth.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=16_384;

/// A key of an authorized_keys line that this server accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizedKey {
    blob: Vec<u8>,
    options: KeyOptions,
}

impl AuthorizedKey {
    /// Parses a line: options of [`KeyOptions`], key type, key, and a comment; options and comment may be missing.
    ///
    /// A line with other options is refused: `from=` or `command=` restrict a key, and this server cannot enforce them.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) with what is wrong.
    pub fn parse(line: &str) -> Result<Self> {
        let line = KeyLine::parse(line)
            .map_err(|fault| Error::new(ErrorKind::Invalid, fault.to_string()))?;
        let blob = STANDARD
            .decode(line.key)
            .map_err(|_| refused("the key is not base64"))?;
        let key = PublicKey::from_bytes(&blob).map_err(|error| {
            refused("the key is damaged: it does not hold what its type says").with_source(error)
        })?;
        if key.algorithm().as_str() != line.key_type {
            return Err(refused("the key is of another type than the line says"));
        }
        if let KeyData::Rsa(rsa) = key.key_data() {
            check_rsa(rsa)?;
        }
        Ok(Self {
            blob,
            options: line.options,
        })
    }

    /// `SHA256:…`, as OpenSSH shows it.
    pub fn fingerprint(&self) -> String {
        let hash = digest(&SHA256, &self.blob);
        format!("SHA256:{}", STANDARD_NO_PAD.encode(hash))
    }

    /// What the line asks of signatures.
    pub fn options(&self) -> KeyOptions {
        self.options
    }

    /// The key as on the wire (RFC 4253 section 6.6).
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }
}

fn check_rsa(key: &RsaPublicKey) -> Result<()> {
    let modulus = key.n().as_positive_bytes().unwrap_or_default();
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros());
    let bits = key.key_size() - unused;
    if !RSA_BITS.contains(&bits) {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("an RSA key of {bits} bits is not accepted, only of 2048 to 16384"),
        ));
    }
    // With the exponent 1 everybody can sign; an even one cannot belong to a key.
    let exponent = key.e().as_positive_bytes().unwrap_or_default();
    if exponent == [1] || exponent.last().is_none_or(|byte| byte % 2 == 0) {
        return Err(refused("the exponent of this RSA key is not usable"));
    }
    Ok(())
}

fn refused(reason: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, reason)
}

#[cfg(test)]
mod tests {
    use sftpgo_credential_formats::public_key::KEY_TYPES;

    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMFsrbbCYkKkrwB/cVk5Nclcz/oo3KS7aBKJAfjMsXUH";
    const RSA_2048: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC04YC2ALPQZrLnlGN196Xy6saYLamvFGFQI2oSD9wIjuHWIKpt8uemsdLcMcDF3nQrjXQlPAv3P+NiCuQg0NBAIl+5SegMQ8dsPdPj63nA7s0XAMM5dZczrfEyqe0EhCoDmFZqtpYOWGMu6IEF2OT8pMoNMLfPcrGM/LH0shUuBBVO34edSH7ZEOK2cH76w9PKj9Ikp1j12o8dcKMF2ukwcaR1xk6oQJA+mSGiYinF55Cu/+uJX99w2uwFVEWA65eR2r9ijCl2m2O3b1pG7vST8yIYYwPBKZchZB408G/MnNUZ9pdp0S3yUrHtb1m9IND1hAz09azQS8/A9BCs5pCx";
    const RSA_1024: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDBZqch4F5fq6MG8+ak4Z4ivmU8O30Dl8BYhb534mxHIIoAZRhFTNIvSgBX7us6CXHI2c0ajZXECf/yc6CndKaqIXDPTmB9LwWo3Sr3xMGF3ZGw3VD7CRnZ29HoHARM13uJpUExch1m/2tCpEUUoiefAiVDgq5obXDT0ftaWTfIxw==";
    const P256: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLW0feGJCM8Dhnu/HswL2wENz36t0aO3P//evU1C9JCE0jjNRhIyxawDL4JS938ySi+pc4R51BFoMeQPrGbyFhI=";
    const P384: &str = "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBEuOYufoImK2Ai1K+5+jG4yBzHsPtPthQ/gZx1rxSdSXZCaN29JVMGxXjstmSOwQiVQd6YrseXq3sC5cCNtoLqMMcyn8pyBFL/o1ChTDxZ+Qu98Cndz2NNIRJm/RmmrEfg==";
    const P521: &str = "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAFTVxeLFlNezFTAW4oHWF1aiyZwwooLO5DT3cxjaw9/XL55kNWkWKnAJ4ReXnBj4m5RjgYsNodzAC31f31jbiGm3gErgrm88cdXOIbdwGjXY/uK4OoFd2ScsvYW1hUtkxLzV/istsDaXydwIVfVBoxEeJz9jkuQpYPwAplhy7zg2dblSg==";
    const SK_ED25519: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIMFsrbbCYkKkrwB/cVk5Nclcz/oo3KS7aBKJAfjMsXUHAAAABHNzaDo=";
    const SK_P256: &str = "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBLW0feGJCM8Dhnu/HswL2wENz36t0aO3P//evU1C9JCE0jjNRhIyxawDL4JS938ySi+pc4R51BFoMeQPrGbyFhIAAAAEc3NoOg==";
    const DSA: &str = "ssh-dss AAAAB3NzaC1kc3MAAACBAOAn1njr3AQq9jJBZv4r22s3Y+ggB2I7sfa3dTn0H/HQnvAitG1td0x1G2UUj72m9eaibgwwotaZIFHT0zrFzzDqvses7WAi3rWCce/xBX91Gh1Qmtpe8z9rHy2MaTUEM+/y+9cATDsNRTBgw/1jUgupR1DGfuvIfPrYfy6kxBRrAAAAFQCoiJ8g5TZZyHCVYHIDsGNgWh4WXwAAAIBrFmX/s/jDjjEmuJRBYHZsYRofJA1V+Jx3vMIbSRoTwYvUlI7Owm6+a5aRj2kq1UKtryZrkX4VGrR7jIxSswTpceQ7eAZDIrMr27OaQY7lGEtSOVMSwLhnP2qac66zYm3F66mX9bruAkPOQoKonvDHov02RrgTIx7xYi+8+AZqeQAAAIEA3tWsOtSoaWDkHsGIYkH4Slwsrns5rmKrCrLjiAjNm3sTH+7RGDrwKymCN6lkOXZHj8LouyZHogRIQ0bLl+mPuTagKk9rQji3c10Op21Zhwrv9WyBZ/01x3lYBqlT+SfUoCn18gqW/yDU++QEONzPuORTOs0Fn3Q8pH/UYXxMI04=";
    const CERTIFICATE: &str = "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgXcoNdXpHi5Fl3FHU8HiqszAcZsgmUX33piXTQkPkrW8AAAAIbmlzdHAyNTYAAABBBLW0feGJCM8Dhnu/HswL2wENz36t0aO3P//evU1C9JCE0jjNRhIyxawDL4JS938ySi+pc4R51BFoMeQPrGbyFhIAAAAAAAAAAAAAAAEAAAACaWQAAAAHAAAAA2JvYgAAAAAAAAAA//////////8AAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDBbK22wmJCpK8Af3FZOTXJXM/6KNyku2gSiQH4zLF1BwAAAFMAAAALc3NoLWVkMjU1MTkAAABA+PBOM8bbg3GWm41XY5slW02uCHzjWem9w+v0RWDmQSTG+V2gpIlNp5oCTkNIyLCHHKHFbQ6l3K0Bxj02k5hICA==";

    fn refusal(line: &str) -> String {
        let error = AuthorizedKey::parse(line).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{line}");
        error.message().to_owned()
    }

    /// An RSA line of a made-up modulus of `bits` bits.
    fn rsa_of(bits: usize, exponent: &[u8]) -> String {
        let mut modulus = vec![0xFF_u8; bits.div_ceil(8)];
        modulus[0] = 0xFF >> (modulus.len() * 8 - bits);
        if modulus[0] & 0x80 != 0 {
            modulus.insert(0, 0);
        }
        let mut blob = Vec::new();
        for field in [b"ssh-rsa".as_slice(), exponent, &modulus] {
            blob.extend((field.len() as u32).to_be_bytes());
            blob.extend(field);
        }
        format!("ssh-rsa {}", STANDARD.encode(blob))
    }

    #[test]
    fn every_accepted_kind_gives_its_blob_whatever_the_comment() {
        for key in [ED25519, RSA_2048, P256, P384, P521, SK_ED25519, SK_P256] {
            let blob = STANDARD.decode(key.split(' ').nth(1).unwrap()).unwrap();
            for line in [
                key.to_owned(),
                format!("{key} bob@example.com"),
                format!(
                    "  {}\t a comment with  spaces, é and \"quotes\" \n",
                    key.replace(' ', " \t ")
                ),
            ] {
                assert_eq!(AuthorizedKey::parse(&line).unwrap().blob(), blob, "{line}");
            }
        }
    }

    #[test]
    fn weak_keys_and_certificates_are_refused() {
        assert!(refusal(DSA).contains("DSA"));
        assert!(refusal(RSA_1024).contains("1024 bits"));
        assert!(refusal(CERTIFICATE).contains("certificate"));
    }

    #[test]
    fn rsa_is_measured_in_bits() {
        const F4: &[u8] = &[1, 0, 1];
        for bits in [2048, 3072, 16_384] {
            assert!(AuthorizedKey::parse(&rsa_of(bits, F4)).is_ok(), "{bits}");
        }
        for bits in [2047, 16_385] {
            assert!(refusal(&rsa_of(bits, F4)).contains(&format!("{bits} bits")));
        }
        assert!(refusal(&rsa_of(2048, &[1])).contains("exponent"));
        assert!(refusal(&rsa_of(2048, &[2])).contains("exponent"));
    }

    #[test]
    fn what_a_security_key_has_to_do_is_read_from_the_options() {
        for (words, no_touch_required, verify_required) in [
            ("", false, false),
            ("no-touch-required ", true, false),
            ("verify-required\t", false, true),
            ("No-Touch-Required,verify-required ", true, true),
        ] {
            for key in [SK_ED25519, ED25519] {
                let options = KeyOptions {
                    no_touch_required,
                    verify_required,
                };
                let parsed = AuthorizedKey::parse(&format!("{words}{key} bob")).unwrap();
                assert_eq!(parsed.options(), options, "{words}");
                assert_eq!(parsed.blob(), AuthorizedKey::parse(key).unwrap().blob());
            }
        }
        assert!(refusal("verify-required").contains("empty"));
    }

    #[test]
    fn a_key_that_is_not_what_the_line_says_is_refused() {
        let ed25519_blob = ED25519.split(' ').nth(1).unwrap();
        assert!(refusal(&format!("ssh-rsa {ed25519_blob}")).contains("another type"));
        assert!(refusal(&format!("ssh-ed25519 {}", &ed25519_blob[..64])).contains("damaged"));
        assert!(refusal(&format!("ssh-ed25519 {}AAAA", ed25519_blob)).contains("damaged"));
        assert!(refusal("ssh-ed25519 not*base64").contains("base64"));
        assert!(refusal("ssh-ed25519").contains("missing"));
    }

    #[test]
    fn other_text_is_refused_in_words_that_help() {
        assert!(refusal("").contains("empty"));
        assert!(refusal("hello world").contains("ssh-ed25519"));
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_parsing_panic(kind in 0..KEY_TYPES.len(), blob in proptest::collection::vec(0_u8.., 0..80), text in ".{0,80}") {
            let _ = AuthorizedKey::parse(&text);
            let _ = AuthorizedKey::parse(&format!("{} {text}", KEY_TYPES[kind]));
            let _ = AuthorizedKey::parse(&format!("{} {}", KEY_TYPES[kind], STANDARD.encode(blob)));
        }

        #[test]
        fn no_damaged_key_makes_parsing_panic(at in 0_usize..400, byte: u8, cut in 0_usize..400) {
            for key in [ED25519, RSA_2048, P256, P521, SK_ED25519, SK_P256, CERTIFICATE] {
                let (kind, encoded) = key.split_once(' ').unwrap();
                let mut blob = STANDARD.decode(encoded).unwrap();
                let length = blob.len();
                blob[at % length] = byte;
                blob.truncate(length - cut % length);
                let _ = AuthorizedKey::parse(&format!("{kind} {}", STANDARD.encode(blob)));
            }
        }
    }
}
