package vault

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"
)

var label = Label{ID: "01J 客户/7", Start: time.Date(2026, 3, 9, 12, 0, 0, 5e6, time.UTC), Format: "PCMA"}

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// newSSH makes an SSH key: the file of the secret key, and the public key.
func newSSH(t *testing.T) (file, public string) {
	t.Helper()
	pub, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(secret, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return keep(t, string(pem.EncodeToMemory(block))), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// keep writes a file and returns its name.
func keep(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func parse(t *testing.T, list ...string) *Recipients {
	t.Helper()
	r, err := ParseRecipients(list)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// disk is a file in memory that can fail.
type disk struct {
	b      []byte
	failed error
}

func (d *disk) WriteAt(p []byte, at int64) (int, error) {
	if need := int(at) + len(p) - len(d.b); need > 0 {
		d.b = append(d.b, make([]byte, need)...)
	}
	if d.failed != nil { // some of it is written
		return copy(d.b[at:], p[:len(p)/2]), d.failed
	}
	return copy(d.b[at:], p), nil
}

func (d *disk) ReadAt(p []byte, at int64) (int, error) { return bytes.NewReader(d.b).ReadAt(p, at) }

func (d *disk) Stat() (os.FileInfo, error) { return nil, errors.ErrUnsupported }

func (d *disk) Close() error { return nil }

// decrypted is what an identity makes of a file.
func decrypted(b []byte, identities ...age.Identity) (plain []byte, torn int64, err error) {
	v, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, 0, err
	}
	var out disk
	torn, err = v.Decrypt(&out, identities...)
	return out.b, torn, err
}

// fill writes to a spool as a recorder does: at the end, over the beginning, over what
// came late. It returns what the spool is to hold.
func fill(t *testing.T, s *Spool) []byte {
	t.Helper()
	var want disk
	write := func(p []byte, at int64) {
		t.Helper()
		if _, err := want.WriteAt(p, at); err != nil {
			t.Fatal(err)
		}
		if n, err := s.WriteAt(p, at); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	for i := range int64(20) {
		write(bytes.Repeat([]byte("card number "), 1500), 200+18_000*i-4000*min(i, 1))
		write(bytes.Repeat([]byte{byte(i)}, 200), 0)
	}
	write([]byte("late"), 50_000)
	write(bytes.Repeat([]byte("long"), 50_000), 100_000) // of more than a record
	return want.b
}

// TestBothForms writes a spool, reads it back, seals it, and lets every recipient read both.
func TestBothForms(t *testing.T) {
	file := newIdentity(t)
	direct := newIdentity(t)
	sshFile, sshPublic := newSSH(t)
	list := keep(t, "# reviewers\n\n"+file.Recipient().String()+"\n")
	r := parse(t, direct.Recipient().String(), sshPublic+" a@b", list)
	var d disk
	s, err := r.NewSpool(&d, label)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.b) > 0 {
		t.Error("something is in the file before the first write")
	}
	want := fill(t, s)
	got := make([]byte, len(want))
	if n, err := s.ReadAt(got, 0); n != len(want) || err != nil || !bytes.Equal(got, want) {
		t.Errorf("read back: %d octets, %v", n, err)
	}
	if n, err := s.ReadAt(got[:100], int64(len(want))-60); n != 60 || err != io.EOF || !bytes.Equal(got[:60], want[len(want)-60:]) {
		t.Errorf("read over the end: %d octets, %v", n, err)
	}
	ended := label
	ended.Duration = 61_250 * time.Millisecond
	var sealed bytes.Buffer
	size, sum, err := r.Seal(&sealed, io.NewSectionReader(s, 0, s.Size()), ended)
	if err != nil || size != int64(sealed.Len()) || len(sum) != 64 {
		t.Fatalf("sealed %d octets, SHA-256 %s, %v", size, sum, err)
	}
	identities := map[string][]age.Identity{"age": {direct}, "age, from a file": {file}}
	if identities["SSH"], err = ReadIdentities(sshFile); err != nil {
		t.Fatal(err)
	}
	for form, b := range map[string][]byte{"unsealed": d.b, "sealed": sealed.Bytes()} {
		for _, secret := range []string{"card number", "long"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s: %q stands there in plain text", form, secret)
			}
		}
		v, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]Label{"unsealed": label, "sealed": ended}[form]
		if v.ID != want.ID || !v.Start.Equal(want.Start) || v.Format != want.Format || v.Duration != want.Duration || v.Sealed != (form == "sealed") {
			t.Errorf("%s: labelled %+v", form, v)
		}
	}
	if v, _ := Open(bytes.NewReader(d.b), int64(len(d.b))); v.Plain != int64(len(want)) {
		t.Errorf("unsealed: of %d octets by its records, want %d", v.Plain, len(want))
	}
	for who, keys := range identities {
		for form, b := range map[string][]byte{"unsealed": d.b, "sealed": sealed.Bytes()} {
			if plain, torn, err := decrypted(b, keys...); err != nil || torn != 0 || !bytes.Equal(plain, want) {
				t.Errorf("%s, %s: %d octets, %d torn, %v", form, who, len(plain), torn, err)
			}
		}
		// Any age reader will do.
		plain, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), keys...)
		if err != nil {
			t.Fatal(err)
		}
		if all, err := io.ReadAll(plain); err != nil || !bytes.Equal(all, want) {
			t.Errorf("%s, by age itself: %d octets, %v", who, len(all), err)
		}
	}
	for form, b := range map[string][]byte{"unsealed": d.b, "sealed": sealed.Bytes()} {
		if _, _, err := decrypted(b, newIdentity(t)); !errors.Is(err, ErrNotFor) {
			t.Errorf("%s, for another: %v, want ErrNotFor", form, err)
		}
	}
}

// TestPostQuantum: labels do not keep these recipients apart, which go with none of the
// others.
func TestPostQuantum(t *testing.T) {
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	r := parse(t, identity.Recipient().String())
	var sealed bytes.Buffer
	if _, _, err := r.Seal(&sealed, strings.NewReader("hello"), label); err != nil {
		t.Fatal(err)
	}
	if plain, _, err := decrypted(sealed.Bytes(), identity); err != nil || string(plain) != "hello" {
		t.Errorf("%q, %v", plain, err)
	}
	if _, err := ParseRecipients([]string{identity.Recipient().String(), newIdentity(t).Recipient().String()}); !errors.Is(err, ErrRecipient) {
		t.Errorf("beside a classic key: %v", err)
	}
}

// newSpool begins an unsealed recording that reader can read.
func newSpool(t *testing.T) (reader *age.X25519Identity, d *disk, s *Spool) {
	t.Helper()
	reader, d = newIdentity(t), &disk{}
	s, err := parse(t, reader.Recipient().String()).NewSpool(d, label)
	if err != nil {
		t.Fatal(err)
	}
	return reader, d, s
}

// TestCutAnywhere cuts an unsealed file at every octet of its last records: what is before
// reads, and nothing is made up.
func TestCutAnywhere(t *testing.T) {
	reader, d, s := newSpool(t)
	var ends []int
	for i := range int64(3) {
		if _, err := s.WriteAt(bytes.Repeat([]byte{'a' + byte(i)}, 10), 10*i); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, len(d.b))
	}
	for cut := ends[0]; cut <= len(d.b); cut++ {
		whole := 0
		for _, end := range ends {
			if end <= cut {
				whole++
			}
		}
		plain, torn, err := decrypted(d.b[:cut], reader)
		if err != nil || len(plain) != 10*whole || int(torn) != cut-ends[whole-1] {
			t.Fatalf("cut at %d of %v: %d octets, %d torn, %v", cut, ends, len(plain), torn, err)
		}
	}
	for cut := 0; cut < ends[0]-42; cut += 5 { // in its head
		if _, _, err := decrypted(d.b[:cut], reader); err == nil {
			t.Fatalf("cut at %d: no error", cut)
		}
	}
}

// TestTampering alters each octet of an unsealed file: either that shows or, in the last
// record, costs that record.
func TestTampering(t *testing.T) {
	reader, d, s := newSpool(t)
	for i := range int64(3) {
		if _, err := s.WriteAt([]byte("abcdefgh"), 8*i); err != nil {
			t.Fatal(err)
		}
	}
	want, _, err := decrypted(d.b, reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(d.b); i++ {
		if i < len(d.b)-150 { // in the head, which age guards
			i += 4
		}
		b := slices.Clone(d.b)
		b[i] ^= 1
		plain, torn, err := decrypted(b, reader)
		if err == nil && (torn == 0 || !bytes.HasPrefix(want, plain)) {
			t.Errorf("octet %d altered: %q, nothing torn", i, plain)
		}
	}
}

// TestDiskThatFails: what could not be written is written later, never under the number of
// what failed.
func TestDiskThatFails(t *testing.T) {
	reader, d, s := newSpool(t)
	for _, c := range []struct {
		text   string
		failed error
	}{{"one", nil}, {"two, which is long", errors.New("no space left on device")}, {"two", nil}, {"three", errors.New("no space left on device")}} {
		d.failed = c.failed
		if _, err := s.WriteAt([]byte(c.text), int64(len("one"))*int64(min(s.number, 1))); !errors.Is(err, c.failed) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
	if plain, torn, err := decrypted(d.b, reader); err != nil || string(plain) != "onetwo" || torn == 0 {
		t.Errorf("%q, %d torn, %v", plain, torn, err)
	}
	if v, _ := Open(bytes.NewReader(d.b), int64(len(d.b))); len(v.records) < 2 || v.records[1].number != 3 {
		t.Errorf("records %+v", v.records)
	}
}

func TestRecipientsThatAreNone(t *testing.T) {
	good := newIdentity(t)
	for _, c := range []struct{ entry, told string }{
		{"age1nobody", "age1nobody…: the key is mistyped"},
		{good.Recipient().String() + "q", "the key is mistyped"},
		{good.String(), "that is a secret key"},
		{keep(t, good.String()+"\n"), "that is a secret key; write its public key (age-keygen -y prints it), and keep the secret off this machine ("},
		{keep(t, "# nobody\n"), "has none"},
		{keep(t, "\n"+good.Recipient().String()+"\ncarol\n"), ", line 3)"},
		{"/not/there", "no file of that name"},
		{t.TempDir(), "is a directory"},
	} {
		_, err := ParseRecipients([]string{good.Recipient().String(), c.entry})
		if !errors.Is(err, ErrRecipient) || !strings.Contains(err.Error(), c.told) || strings.Contains(err.Error(), good.String()) {
			t.Errorf("%s: %v, want %q", c.entry, err, c.told)
		}
	}
	if r, err := ParseRecipients(nil); r != nil || err != nil {
		t.Errorf("of none: %v, %v", r, err)
	}
}

func TestIdentitiesThatAreNone(t *testing.T) {
	const locked = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAA==\n-----END RSA PRIVATE KEY-----\n"
	for _, c := range []struct{ name, told string }{
		{keep(t, locked), "has a passphrase"},
		{keep(t, ageMagic), "has a passphrase"},
		{keep(t, "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"), "no SSH key"},
		{keep(t, newIdentity(t).Recipient().String()), "unknown identity"},
		{"/not/there", "no such file"},
	} {
		if _, err := ReadIdentities(c.name); !errors.Is(err, ErrIdentity) || !strings.Contains(err.Error(), c.told) {
			t.Errorf("%v, want %q", err, c.told)
		}
	}
}

func FuzzOpen(f *testing.F) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	r, err := ParseRecipients([]string{identity.Recipient().String()})
	if err != nil {
		f.Fatal(err)
	}
	var d disk
	s, err := r.NewSpool(&d, label)
	if err != nil {
		f.Fatal(err)
	}
	for i := range int64(4) {
		if _, err := s.WriteAt([]byte("hello"), 3*i); err != nil {
			f.Fatal(err)
		}
	}
	var sealed bytes.Buffer
	if _, _, err := r.Seal(&sealed, strings.NewReader("hello"), label); err != nil {
		f.Fatal(err)
	}
	f.Add(d.b)
	f.Add(sealed.Bytes())
	f.Add([]byte(spoolMagic + "\xff\xff\xff\x7f"))
	f.Add([]byte(ageMagic + "-> " + labelStanza + " %zz x y z\n--- "))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			if !errors.Is(err, ErrNotEncrypted) && !errors.Is(err, ErrDamaged) {
				t.Errorf("an error of its own: %v", err)
			}
			return
		}
		for _, r := range v.records {
			if r.end() > int64(len(b)) {
				t.Errorf("record %+v of a file of %d octets", r, len(b))
			}
		}
		var out disk
		if len(b) < 4096 && v.Plain < 1<<20 {
			_, _ = v.Decrypt(&out, identity)
		}
	})
}
