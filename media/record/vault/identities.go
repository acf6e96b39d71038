package vault

import (
	"bytes"
	"errors"
	"fmt"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// ReadIdentities reads the secret keys of a file: age's, one a line, or one SSH key in
// PEM. Errors wrap ErrIdentity and hold nothing of the file.
func ReadIdentities(name string) ([]age.Identity, error) {
	b, err := readKeys(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	var locked *ssh.PassphraseMissingError
	switch {
	case bytes.HasPrefix(b, []byte("-----BEGIN AGE ENCRYPTED FILE")), bytes.HasPrefix(b, []byte(ageMagic)):
		return nil, fmt.Errorf("%w: %s has a passphrase; give what `age -d %s` prints", ErrIdentity, name, name)
	case bytes.HasPrefix(b, []byte("-----BEGIN")):
		key, err := agessh.ParseIdentity(b)
		if errors.As(err, &locked) {
			return nil, fmt.Errorf("%w: %s has a passphrase; give a copy without one (ssh-keygen -p)", ErrIdentity, name)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: no SSH key that age can use", ErrIdentity, name)
		}
		return []age.Identity{key}, nil
	}
	keys, err := age.ParseIdentities(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrIdentity, name, err)
	}
	return keys, nil
}
