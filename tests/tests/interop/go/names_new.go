//go:build !old

package main

import "golang.org/x/crypto/ssh"

var supported, insecure = ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()

// What this release knows; it refuses to start with other names.
var (
	kexNames     = append(supported.KeyExchanges, insecure.KeyExchanges...)
	cipherNames  = append(supported.Ciphers, insecure.Ciphers...)
	macNames     = append(supported.MACs, insecure.MACs...)
	hostKeyNames = append(supported.HostKeys, insecure.HostKeys...)
)
