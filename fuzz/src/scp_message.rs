use sftpgo_ssh::scp::message::{
    MAX_RECORD_LEN, OK, Record, Response, record, response, write_directory, write_end_directory,
    write_file, write_times,
};

/// The same bytes as a record of a source and as a response.
pub fn scp_message(data: &[u8]) {
    if let Ok(Some((found, len))) = record(data) {
        check_line(&data[..len]);
        assert_eq!(
            record(&data[..len - 1]),
            Ok(None),
            "a record without its end"
        );
        check_record(found);
    }
    match response(data) {
        Ok(Some((Response::Ok, len))) => assert_eq!(&data[..len], [OK]),
        Ok(Some((Response::Warning(text) | Response::Fatal(text), len))) => {
            check_line(&data[..len]);
            assert_eq!(text.len() + 2, len);
            assert_eq!(response(&data[..len - 1]), Ok(None));
        }
        Ok(None) | Err(_) => {}
    }
}

fn check_line(line: &[u8]) {
    assert!(line.len() <= MAX_RECORD_LEN);
    assert_eq!(
        line.iter().position(|byte| *byte == b'\n'),
        Some(line.len() - 1)
    );
}

/// What a record says is within bounds, and is read the same when it is written again.
fn check_record(found: Record<'_>) {
    let mut line = Vec::new();
    match found {
        Record::Times { mtime, atime } => {
            let [mtime, atime] = [mtime, atime].map(|time| i64::try_from(time).unwrap());
            write_times(&mut line, mtime, atime);
        }
        Record::File { mode, size, name } => {
            check_entry(mode, name);
            i64::try_from(size).unwrap();
            write_file(&mut line, mode, size, name);
        }
        Record::Directory { mode, name } => {
            check_entry(mode, name);
            write_directory(&mut line, mode, name);
        }
        Record::EndDirectory => write_end_directory(&mut line),
        Record::Warning(_) | Record::Fatal(_) => return,
    }
    assert_eq!(record(&line), Ok(Some((found, line.len()))));
}

fn check_entry(mode: u32, name: &[u8]) {
    assert!(mode <= 0o7777);
    assert!(!matches!(name, b"" | b"." | b".."), "{name:?}");
    assert!(
        !name
            .iter()
            .any(|byte| *byte == b'/' || byte.is_ascii_control()),
        "{name:?}"
    );
}
