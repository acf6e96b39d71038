package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a password or token that is never printed: not by fmt, not by slog,
// not by encoding/json, not by Diff. In the file it is a text, or {env: NAME}, or
// {file: PATH} (without the line end). The zero Secret is an empty one.
type Secret struct {
	value string
	from  string // where it came from, for Diff and messages; never the value
}

// NewSecret wraps a value that came from elsewhere than a file.
func NewSecret(value string) Secret { return Secret{value: value} }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return s.value }

// Set reports whether there is anything to reveal.
func (s Secret) Set() bool { return s.value != "" }

const masked = "********"

// String masks the secret.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return masked
}

// Format masks the secret under every verb, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the secret in JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
