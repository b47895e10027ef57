use sftpgo_core::{VirtualPath, vpath::MAX_PATH_LEN};

use crate::first_line;

/// A path, and behind a newline one that is taken from there: neither escapes, and both stay what they are.
pub fn virtual_path(data: &[u8]) {
    let (base, raw) = first_line(data);
    let Ok(base) = VirtualPath::parse(base) else {
        return;
    };
    check(&base);
    if let Ok(joined) = base.join(raw) {
        check(&joined);
        assert!(joined.as_bytes().len() <= base.as_bytes().len() + raw.len() + 1);
        if raw.starts_with(b"/") {
            assert_eq!(VirtualPath::parse(raw).unwrap(), joined);
        }
    }
}

fn check(path: &VirtualPath) {
    let bytes = path.as_bytes();
    assert!(bytes.starts_with(b"/") && bytes.len() <= MAX_PATH_LEN);
    assert!(!bytes.contains(&0));
    assert!(!path.relative().starts_with(b"/"));
    for name in path.components() {
        assert!(!matches!(name, b"" | b"." | b".."), "{path:?}");
    }
    let names: Vec<u8> = path
        .components()
        .flat_map(|name| [b"/", name].concat())
        .collect();
    assert!(path.is_root() || names == bytes, "{path:?}");
    assert_eq!(VirtualPath::parse(bytes).unwrap(), *path);
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => assert_eq!(parent.join(name).unwrap(), *path),
        (None, None) => assert!(path.is_root()),
        half => panic!("{path:?} has only one of {half:?}"),
    }
}
