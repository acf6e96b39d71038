package record

import (
	"errors"
	"fmt"
	"os"

	"filippo.io/age"

	"ringpace/media/record/vault"
)

// Decrypted is what became of an encrypted recording.
type Decrypted struct {
	ID       string
	Complete bool  // it was sealed: the call was recorded to its end
	Torn     int64 // octets at the end of one that was not, which a crash tore
}

// Decrypt writes an encrypted recording as a WAV file that nobody else may read, which
// must not be there yet. The header of one that a crash cut off says what is there. Errors
// wrap those of package vault, or ErrDamaged.
func Decrypt(from, to string, identities ...age.Identity) (Decrypted, error) {
	src, err := os.Open(from)
	if err != nil {
		return Decrypted{}, err
	}
	defer src.Close()
	stat, err := src.Stat()
	if err != nil {
		return Decrypted{}, err
	}
	v, err := vault.Open(src, stat.Size())
	if err != nil {
		return Decrypted{}, fmt.Errorf("%s: %w", from, err)
	}
	dst, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Decrypted{}, err
	}
	d := Decrypted{ID: v.ID, Complete: v.Sealed}
	if d.Torn, err = v.Decrypt(dst, identities...); err == nil && !v.Sealed {
		err = mend(dst)
	}
	if err = errors.Join(err, dst.Close()); err != nil {
		return Decrypted{}, errors.Join(fmt.Errorf("%s: %w", from, err), os.Remove(to))
	}
	return d, nil
}

// mend makes the header of a WAV file say what is there.
func mend(f *os.File) error {
	w, size, err := readHead(f)
	if err != nil {
		return err
	}
	_, _, err = repair(f, w, size)
	return err
}
