//! What holds for every source, whatever somebody wrote into it.

use proptest::{collection, prelude::*};
use sftpgo_dump::UserChange;

use super::passwd;

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,200}", bytes in collection::vec(any::<u8>(), 0..100)) {
        let lossy = String::from_utf8_lossy(&bytes);
        for entry in passwd::accounts(&text, &lossy, 0, 0).entries.into_iter().flatten() {
            let settings = passwd::Settings { home_base: None, given: UserChange::default() };
            let _ = entry.into_entry(None, &settings);
        }
    }
}
