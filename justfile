# What one would guess: run, check, test, fmt, doc.

# Serve with the settings of this directory
run *ARGS:
    cargo run --release --bin sftpgo-server -- serve {{ARGS}}

# Everything but the tests: format, lints, documentation, dependencies where cargo-deny is installed
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --features sftpgo-fuzz/libfuzzer -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
    if command -v cargo-deny >/dev/null; then cargo deny check; fi

# All tests, with real clients
test *ARGS:
    ./test {{ARGS}}

# Fuzz a target of fuzz/ until it fails, with cargo-fuzz and a nightly toolchain
fuzz TARGET *ARGS:
    mkdir -p target/fuzz/{{TARGET}} fuzz/corpus/{{TARGET}}
    CARGO_PROFILE_RELEASE_LTO=off cargo +nightly fuzz run --features libfuzzer {{TARGET}} target/fuzz/{{TARGET}} fuzz/corpus/{{TARGET}} fuzz/seeds/{{TARGET}} {{ARGS}}

# Format everything
fmt:
    cargo fmt --all

# The library documentation, in a browser
doc:
    cargo doc --workspace --no-deps --open

# What the server spends, beside OpenSSH in the same run
bench *ARGS:
    cargo xtask bench {{ARGS}}

# The binaries as they are shipped
build:
    cargo build --release
