package vault

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"filippo.io/age"
)

// How an age file begins, and the type of our stanza in its header.
const (
	ageMagic    = "age-encryption.org/v1\n"
	labelStanza = "ringpace/recording"
	labelLayout = "2006-01-02T15:04:05.000Z07:00"
)

// Label is what an encrypted recording tells of itself in the clear.
type Label struct {
	ID       string
	Start    time.Time // of the first sample, to the millisecond
	Format   string    // of the samples, a word
	Duration time.Duration
}

// stanza is the label as age carries it.
func (l Label) stanza() *age.Stanza {
	return &age.Stanza{Type: labelStanza, Args: []string{
		url.PathEscape(l.ID), l.Start.UTC().Format(labelLayout), url.PathEscape(l.Format),
		strconv.FormatInt(l.Duration.Milliseconds(), 10),
	}}
}

// parseLabel reads the arguments of a stanza.
func parseLabel(args []string) (l Label, err error) {
	if len(args) != 4 {
		return l, fmt.Errorf("%w: a label of %d words", ErrDamaged, len(args))
	}
	var bad [4]error
	var length int64
	l.ID, bad[0] = url.PathUnescape(args[0])
	l.Start, bad[1] = time.Parse(labelLayout, args[1])
	l.Format, bad[2] = url.PathUnescape(args[2])
	length, bad[3] = strconv.ParseInt(args[3], 10, 64)
	l.Duration = time.Duration(length) * time.Millisecond
	for _, err := range bad {
		if err != nil {
			return l, fmt.Errorf("%w: its label: %w", ErrDamaged, err)
		}
	}
	return l, nil
}

// labelled is a recipient that adds a label to what it wraps. It goes with all others
// that the recipient in it goes with.
type labelled struct {
	age.Recipient
	label Label
}

// WrapWithLabels implements age.RecipientWithLabels; those labels are about which
// recipients go together.
func (r labelled) WrapWithLabels(fileKey []byte) (stanzas []*age.Stanza, labels []string, err error) {
	if inner, ok := r.Recipient.(age.RecipientWithLabels); ok {
		stanzas, labels, err = inner.WrapWithLabels(fileKey)
	} else {
		stanzas, err = r.Recipient.Wrap(fileKey)
	}
	return append([]*age.Stanza{r.label.stanza()}, stanzas...), labels, err
}

// encrypt begins an age file with a label.
func (r *Recipients) encrypt(dst io.Writer, l Label) (io.WriteCloser, error) {
	keys := append([]age.Recipient{labelled{r.keys[0], l}}, r.keys[1:]...)
	w, err := age.Encrypt(dst, keys...)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return w, nil
}

// labelOf finds the label in an age header; the zero value where there is none, as in one
// that somebody made anew for others.
func labelOf(header []byte) (Label, error) {
	for line := range bytes.Lines(header) {
		words := bytes.Fields(line)
		if len(words) < 2 || string(words[0]) != "->" || string(words[1]) != labelStanza {
			continue
		}
		var args []string
		for _, word := range words[2:] {
			args = append(args, string(word))
		}
		return parseLabel(args)
	}
	return Label{}, nil
}
