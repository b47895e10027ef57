//! Encryption and integrity of packets.
