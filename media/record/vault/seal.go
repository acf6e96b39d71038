package vault

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// sealBlock is how much is read and written at once, in octets.
const sealBlock = 256 << 10

// Seal writes the sealed form of a plain text, and returns the size and the SHA-256, in
// hex, of what it wrote.
func (r *Recipients) Seal(dst io.Writer, plain io.Reader, l Label) (written int64, sum string, err error) {
	hash := sha256.New()
	var count counter
	out := bufio.NewWriterSize(io.MultiWriter(dst, hash, &count), sealBlock)
	w, err := r.encrypt(out, l)
	if err != nil {
		return 0, "", err
	}
	// Hidden behind their interfaces, so that the block is used.
	block := make([]byte, sealBlock)
	_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{plain}, block)
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return 0, "", fmt.Errorf("vault: %w", err)
	}
	return int64(count), hex.EncodeToString(hash.Sum(nil)), nil
}

// counter counts octets.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
