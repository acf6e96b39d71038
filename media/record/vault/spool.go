package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

// The layout of the unsealed form.
const (
	spoolMagic = "ringpace-unsealed-recording/1: `ringpace recordings decrypt` reads it\n"
	keySize    = 32
	recordHead = 16
	tagSize    = 16
	nonceSize  = 12
	// maxRecord is how much of the WAV file one record holds at most, in octets.
	maxRecord = 64 << 10
	// maxHead bounds the head of either form, in octets: that of age with its stanzas.
	maxHead = 1 << 20
)

// File is what a spool is kept in.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (os.FileInfo, error)
}

// Spool is a recording being written, unsealed: to its writer a file of plain text, on the
// disk a log of encrypted records.
type Spool struct {
	opener
	file    File
	head    []byte // until it is written
	end     int64  // of the file
	number  uint32 // of the last record that was tried
	extents extents
}

// opener decrypts records, and keeps the last.
type opener struct {
	src    io.ReaderAt
	aead   cipher.AEAD
	record record // the one in plain
	plain  []byte
	cipher []byte // room for a record's cipher text
}

// NewSpool makes a spool in a file that is empty, and stays so until the first write.
func (r *Recipients) NewSpool(f File, l Label) (*Spool, error) {
	key := make([]byte, keySize)
	rand.Read(key) // never fails
	var wrapped bytes.Buffer
	w, err := r.encrypt(&wrapped, l)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(key); err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	head := binary.LittleEndian.AppendUint32([]byte(spoolMagic), uint32(wrapped.Len()))
	return &Spool{opener: opener{src: f, aead: aead}, file: f, head: append(head, wrapped.Bytes()...)}, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return aead, nil
}

// WriteAt implements io.WriterAt: it appends records that hold p. After an error none of
// them counts that was not written whole.
func (s *Spool) WriteAt(p []byte, at int64) (n int, err error) {
	if s.head != nil {
		if _, err := s.file.WriteAt(s.head, 0); err != nil {
			return 0, err
		}
		s.end, s.head = int64(len(s.head)), nil
	}
	for len(p) > 0 {
		part := p[:min(len(p), maxRecord)]
		if err := s.append(part, at); err != nil {
			return n, err
		}
		n, at, p = n+len(part), at+int64(len(part)), p[len(part):]
	}
	return n, nil
}

// append writes one record.
func (s *Spool) append(p []byte, at int64) error {
	s.number++
	rec := record{number: s.number, size: uint32(len(p)), at: at, lies: s.end + recordHead}
	b := rec.head(s.cipher[:0])
	b = s.aead.Seal(b, rec.nonce(), p, b)
	s.cipher = b
	if _, err := s.file.WriteAt(b, s.end); err != nil {
		return err
	}
	s.end += int64(len(b))
	s.extents.add(rec)
	return nil
}

// ReadAt implements io.ReaderAt. What was never written reads as zeros.
func (s *Spool) ReadAt(p []byte, at int64) (n int, err error) {
	size := s.Size()
	if at >= size {
		return 0, io.EOF
	}
	whole := len(p)
	p = p[:min(int64(whole), size-at)]
	clear(p)
	for _, e := range s.extents.within(at, at+int64(len(p))) {
		if err := s.open(e.record); err != nil {
			return 0, err
		}
		from, to := max(e.from, at), min(e.to, at+int64(len(p)))
		copy(p[from-at:to-at], s.plain[from-e.at:to-e.at])
	}
	if len(p) < whole {
		return len(p), io.EOF
	}
	return len(p), nil
}

// open decrypts a record, if it is not the one that was last.
func (o *opener) open(r record) error {
	if o.record == r {
		return nil
	}
	o.record = record{}
	o.cipher = slices.Grow(o.cipher[:0], int(r.size)+tagSize)[:r.size+tagSize]
	if _, err := o.src.ReadAt(o.cipher, r.lies); err != nil && err != io.EOF {
		return err
	}
	plain, err := o.aead.Open(o.plain[:0], r.nonce(), o.cipher, r.head(nil))
	if err != nil {
		return fmt.Errorf("%w: record %d", ErrDamaged, r.number)
	}
	o.plain, o.record = plain, r
	return nil
}

// Size is that of the plain text, in octets.
func (s *Spool) Size() int64 { return s.extents.end() }

// Stat describes the file on the disk.
func (s *Spool) Stat() (os.FileInfo, error) { return s.file.Stat() }

// Sync does nothing: what is brought to the disk is the sealed form.
func (s *Spool) Sync() error { return nil }

// Close forgets the key and closes the file.
func (s *Spool) Close() error {
	s.aead, s.plain = nil, nil
	return s.file.Close()
}
