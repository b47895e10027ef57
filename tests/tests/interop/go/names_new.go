//go:build !old

package main

import "golang.org/x/crypto/ssh"

var supported, insecure = ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()

// It stands still when it asks for new keys while many channels are busy: its one reader waits until it can write, which has
// to wait until the reader has come to the server's KEXINIT (maxPendingPackets in its handshake.go).
const rekeysAmongChannels = false

// What this release knows; it refuses to start with other names.
var (
	kexNames     = append(supported.KeyExchanges, insecure.KeyExchanges...)
	cipherNames  = append(supported.Ciphers, insecure.Ciphers...)
	macNames     = append(supported.MACs, insecure.MACs...)
	hostKeyNames = append(supported.HostKeys, insecure.HostKeys...)
)
