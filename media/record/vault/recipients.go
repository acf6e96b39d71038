package vault

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// maxKeys bounds a file of recipients or identities, in octets.
const maxKeys = 1 << 20

// Recipients are those who can read what is encrypted to them, each alone.
type Recipients struct{ keys []age.Recipient }

// IsKey reports whether an entry of a list of recipients is a key, and not the name of a
// file.
func IsKey(entry string) bool {
	for _, prefix := range []string{"age1", "ssh-", "AGE-"} {
		if strings.HasPrefix(entry, prefix) {
			return true
		}
	}
	return false
}

// ParseRecipients reads a list of recipients: public keys of age (age1…, also post-quantum
// age1pq1…) and of SSH (ssh-ed25519, ssh-rsa), and names of files with one such a line. A
// list without entries gives nil: nothing is encrypted. Errors wrap ErrRecipient, and hold
// nothing of what could be a secret.
func ParseRecipients(list []string) (*Recipients, error) {
	if len(list) == 0 {
		return nil, nil
	}
	r := &Recipients{}
	for _, entry := range list {
		if !IsKey(entry) {
			if err := r.addFile(entry); err != nil {
				return nil, err
			}
			continue
		}
		if err := r.add(entry); err != nil {
			return nil, err
		}
	}
	// Some do not go together, and that shows only here.
	if _, err := age.Encrypt(io.Discard, r.keys...); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrRecipient, strings.TrimPrefix(err.Error(), "age: "))
	}
	return r, nil
}

// add takes one key.
func (r *Recipients) add(text string) (err error) {
	var key age.Recipient
	switch {
	case strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-"):
		return fmt.Errorf("%w: that is a secret key; write its public key (age-keygen -y prints it), and keep the secret off this machine", ErrRecipient)
	case strings.HasPrefix(text, "age1pq1"):
		key, err = age.ParseHybridRecipient(text)
	case strings.HasPrefix(text, "age1"):
		key, err = age.ParseX25519Recipient(text)
	case strings.HasPrefix(text, "ssh-"):
		key, err = agessh.ParseRecipient(text)
	default:
		return fmt.Errorf("%w: it begins with none of age1, ssh-ed25519 and ssh-rsa", ErrRecipient)
	}
	if err != nil {
		return fmt.Errorf("%w: %.24s…: the key is mistyped or of a kind that age does not know", ErrRecipient, text)
	}
	r.keys = append(r.keys, key)
	return nil
}

// addFile takes the keys of a file, one a line, without empty lines and those that begin
// with #.
func (r *Recipients) addFile(name string) error {
	b, err := readKeys(name)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %q is no public key (age1…, ssh-ed25519 …, ssh-rsa …), and no file of that name is there", ErrRecipient, name)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRecipient, err)
	}
	before := len(r.keys)
	lines := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := r.add(line); err != nil {
			return fmt.Errorf("%w (%s, line %d)", err, name, n)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrRecipient, name, err)
	}
	if len(r.keys) == before {
		return fmt.Errorf("%w: the file %s has none", ErrRecipient, name)
	}
	return nil
}

// readKeys reads a file of keys.
func readKeys(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeys+1))
	if err == nil && len(b) > maxKeys {
		err = fmt.Errorf("%s has more than %d octets", name, maxKeys)
	}
	return b, err
}
