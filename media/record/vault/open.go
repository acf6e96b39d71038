package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// Vaulted is an encrypted recording as it lies on the disk.
type Vaulted struct {
	Label
	Sealed bool
	// Plain is the size of the plain text of one that is unsealed, by the places of its
	// records, in octets.
	Plain int64

	src  io.ReaderAt
	size int64
	// Of one that is unsealed: the age file of the key, the place behind it, what follows.
	wrapped []byte
	first   int64
	records []record
}

// Open reads what an encrypted recording of size octets tells in the clear. Errors wrap
// ErrNotEncrypted or ErrDamaged.
func Open(src io.ReaderAt, size int64) (*Vaulted, error) {
	v := &Vaulted{src: src, size: size}
	start, err := v.read(0, int64(max(len(spoolMagic)+4, len(ageMagic))))
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(start, []byte(ageMagic)) {
		v.Sealed = true
		header, err := age.ExtractHeader(io.LimitReader(io.NewSectionReader(src, 0, size), maxHead))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		v.Label, err = labelOf(header)
		return v, err
	}
	rest, ok := bytes.CutPrefix(start, []byte(spoolMagic))
	if !ok || len(rest) < 4 {
		return nil, ErrNotEncrypted
	}
	head, length := int64(len(spoolMagic)+4), int64(binary.LittleEndian.Uint32(rest))
	if length > maxHead || head+length > size {
		return nil, fmt.Errorf("%w: its head is cut off", ErrDamaged)
	}
	if v.wrapped, err = v.read(head, length); err != nil {
		return nil, err
	}
	header, err := age.ExtractHeader(bytes.NewReader(v.wrapped))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if v.Label, err = labelOf(header); err != nil {
		return nil, err
	}
	v.first = head + length
	return v, v.scan()
}

// read returns up to n octets from a place.
func (v *Vaulted) read(at, n int64) ([]byte, error) {
	b := make([]byte, n)
	got, err := v.src.ReadAt(b, at)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return b[:got], nil
}

// scan lists the records, up to the last that is whole.
func (v *Vaulted) scan() error {
	last := uint32(0)
	for at := v.first; ; {
		head, err := v.read(at, recordHead)
		if err != nil {
			return err
		}
		if len(head) < recordHead {
			return nil
		}
		r := parseHead(head, at)
		if r.number <= last || r.size == 0 || r.size > maxRecord || r.at < 0 || r.at > maxPlain || r.end() > v.size {
			return nil
		}
		at, last = r.end(), r.number
		v.Plain = max(v.Plain, r.at+int64(r.size))
		v.records = append(v.records, r)
	}
}

// maxPlain is more than any WAV file has.
const maxPlain = 1 << 33

// Decrypt writes the plain text to dst. It returns how many octets at the end of one
// that is unsealed could not be read: of a record that a crash tore. Errors wrap ErrNotFor
// or ErrDamaged, or are those of reading and writing.
func (v *Vaulted) Decrypt(dst io.WriterAt, identities ...age.Identity) (torn int64, err error) {
	if v.Sealed {
		plain, err := age.Decrypt(io.NewSectionReader(v.src, 0, v.size), identities...)
		if err != nil {
			return 0, refused(err)
		}
		_, err = io.Copy(io.NewOffsetWriter(dst, 0), checked{plain})
		return 0, err
	}
	inner, err := age.Decrypt(bytes.NewReader(v.wrapped), identities...)
	if err != nil {
		return 0, refused(err)
	}
	key, err := io.ReadAll(io.LimitReader(inner, keySize+1))
	if err != nil || len(key) != keySize {
		return 0, fmt.Errorf("%w: its key cannot be read", ErrDamaged)
	}
	aead, err := newAEAD(key)
	if err != nil {
		return 0, err
	}
	o := opener{src: v.src, aead: aead}
	torn = v.size - v.first
	for i, r := range v.records {
		err := o.open(r)
		if errors.Is(err, ErrDamaged) && i == len(v.records)-1 {
			break
		}
		if err != nil {
			return 0, err
		}
		if _, err := dst.WriteAt(o.plain, r.at); err != nil {
			return 0, err
		}
		torn = v.size - r.end()
	}
	return torn, nil
}

// refused says why age does not decrypt.
func refused(err error) error {
	var others *age.NoIdentityMatchError
	if errors.As(err, &others) {
		return ErrNotFor
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// checked tells the errors of decryption from those of writing.
type checked struct{ io.Reader }

func (c checked) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}
