// Go's x/crypto/ssh with pkg/sftp, old and new: each argument names a scenario, and a line of the output tells how it ended.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

const user, password = "bob", "secret"

var errUnknown = errors.New("the client does not have it")

func main() {
	failed := 0
	for _, name := range os.Args[1:] {
		kind, detail := name, ""
		if colon := strings.Index(name, ":"); colon >= 0 {
			kind, detail = name[:colon], name[colon+1:]
		}
		done := make(chan error, 1)
		go func() { done <- run(kind, detail) }()
		var err error
		select {
		case err = <-done:
		case <-time.After(100 * time.Second):
			err = errors.New("the client hangs")
		}
		switch {
		case err == nil:
			fmt.Println("ok", name)
		case errors.Is(err, errUnknown) || strings.Contains(err.Error(), "not in the list"):
			fmt.Println("unknown", name)
		default:
			failed = 1
			fmt.Printf("failed %s: %v\n", name, err)
		}
	}
	os.Exit(failed)
}

func run(kind, detail string) error {
	config := &ssh.ClientConfig{User: user, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 10 * time.Second}
	right := ssh.Password(password)
	config.Auth = []ssh.AuthMethod{right}
	switch kind {
	case "password":
	case "kex":
		if !known(detail, kexNames) {
			return errUnknown
		}
		config.KeyExchanges = []string{detail}
	case "cipher":
		if !known(detail, cipherNames) {
			return errUnknown
		}
		config.Ciphers = []string{detail}
	case "mac":
		if !known(detail, macNames) {
			return errUnknown
		}
		config.MACs = []string{detail}
		config.Ciphers = []string{"aes128-ctr"}
	case "host-key":
		if !known(detail, hostKeyNames) {
			return errUnknown
		}
		config.HostKeyAlgorithms = []string{detail}
	case "key":
		config.Auth = []ssh.AuthMethod{keys(detail)}
	case "second-key":
		config.Auth = []ssh.AuthMethod{keys("other-"+detail, detail)}
	case "password-after-key":
		config.Auth = []ssh.AuthMethod{keys("other-" + detail), right}
	case "keyboard-interactive":
		config.Auth = []ssh.AuthMethod{ssh.KeyboardInteractive(answer(password))}
	case "second-password":
		next := answer("wrong", password)
		ask := func() (string, error) {
			answers, err := next("", "", []string{""}, nil)
			return answers[0], err
		}
		config.Auth = []ssh.AuthMethod{ssh.RetryableAuthMethod(ssh.PasswordCallback(ask), 3)}
		if err := connectAndCheck(config, "data"); err != nil {
			return err
		}
		interactive := ssh.KeyboardInteractive(answer("wrong", password))
		config.Auth = []ssh.AuthMethod{ssh.RetryableAuthMethod(interactive, 3)}
	case "rekey":
		config.RekeyThreshold = 1 << 20
		return connectAndCheck(config, "big")
	case "channels":
		if rekeysAmongChannels {
			config.RekeyThreshold = 1 << 20
		}
		return channels(config)
	default:
		return errUnknown
	}
	return connectAndCheck(config, "data")
}

func known(name string, names []string) bool {
	for _, other := range names {
		if name == other {
			return true
		}
	}
	return false
}

// answer gives the next of some answers to each question.
func answer(answers ...string) ssh.KeyboardInteractiveChallenge {
	return func(_, _ string, questions []string, _ []bool) ([]string, error) {
		if len(questions) == 0 {
			return nil, nil
		}
		if len(questions) != 1 || len(answers) == 0 {
			return nil, fmt.Errorf("asked for %q", questions)
		}
		next := answers[0]
		answers = answers[1:]
		return []string{next}, nil
	}
}

func keys(names ...string) ssh.AuthMethod {
	return ssh.PublicKeysCallback(func() (signers []ssh.Signer, err error) {
		for _, name := range names {
			text, err := os.ReadFile("keys/" + name)
			if err != nil {
				return nil, err
			}
			signer, err := ssh.ParsePrivateKey(text)
			if err != nil {
				return nil, err
			}
			signers = append(signers, signer)
		}
		return signers, nil
	})
}

func connect(config *ssh.ClientConfig) (*ssh.Client, error) {
	return ssh.Dial("tcp", net.JoinHostPort("127.0.0.1", os.Getenv("PORT")), config)
}

func connectAndCheck(config *ssh.ClientConfig, local string) error {
	connection, err := connect(config)
	if err != nil {
		return err
	}
	defer connection.Close()
	data, err := os.ReadFile(local)
	if err != nil {
		return err
	}
	return transfer(connection, "remote", data)
}

// transfer puts, lists and gets a file over a session of its own.
func transfer(connection *ssh.Client, name string, data []byte) error {
	client, err := sftp.NewClient(connection)
	if err != nil {
		return err
	}
	defer client.Close()
	file, err := client.Create(name)
	if err != nil {
		return err
	}
	if _, err = file.ReadFrom(bytes.NewReader(data)); err != nil {
		return err
	}
	if err = file.Close(); err != nil {
		return err
	}
	list, err := client.ReadDir(".")
	if err != nil {
		return err
	}
	found := false
	for _, entry := range list {
		found = found || entry.Name() == name && entry.Size() == int64(len(data))
	}
	if !found {
		return fmt.Errorf("%s is not listed", name)
	}
	if file, err = client.Open(name); err != nil {
		return err
	}
	var back bytes.Buffer
	if _, err = file.WriteTo(&back); err != nil && err != io.EOF {
		return err
	}
	if !bytes.Equal(back.Bytes(), data) {
		return fmt.Errorf("%s came back changed", name)
	}
	return file.Close()
}

// channels runs ten sessions of one connection at once.
func channels(config *ssh.ClientConfig) error {
	connection, err := connect(config)
	if err != nil {
		return err
	}
	defer connection.Close()
	data, err := os.ReadFile("data")
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	ends := make(chan error, 10)
	for number := 0; number < 10; number++ {
		name := fmt.Sprintf("c%d", number)
		all.Add(1)
		go func() {
			defer all.Done()
			own := append([]byte(name), data...)
			for pass := 0; pass < 3; pass++ {
				if err := transfer(connection, name, own); err != nil {
					ends <- fmt.Errorf("%s: %v", name, err)
					return
				}
			}
		}()
	}
	all.Wait()
	close(ends)
	return <-ends
}
