package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringpace/media/record/chain"
)

// newArchive is a directory with recordings of two calls, and what a call detail record
// notes of the second.
func newArchive(t *testing.T) (dir, noted string) {
	t.Helper()
	dir = t.TempDir()
	l, err := chain.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for k, id := range []string{"01A", "01B"} {
		content := []byte("what was said in " + id)
		sum := sha256.Sum256(content)
		path := "activation-" + id + ".wav"
		if err := os.WriteFile(filepath.Join(dir, path), content, 0o600); err != nil {
			t.Fatal(err)
		}
		ref, err := l.Append(chain.Entry{
			Kind: chain.Kept, ID: id, Path: path, Start: time.Date(2026, 3, 9+k, 12, 0, 0, 0, time.UTC), DurationMS: 61_000,
			Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		})
		if err != nil {
			t.Fatal(err)
		}
		noted = ref.String()
	}
	return dir, noted
}

// noteUploads notes that a storage has all recordings.
func noteUploads(t *testing.T, dir string) {
	t.Helper()
	x, err := chain.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := chain.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, it := range x.Items {
		_, err := l.Append(chain.Entry{Kind: chain.Uploaded, ID: it.ID, Path: it.Path, SHA256: it.SHA256, Object: "s3://calls/" + it.Path})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// clearUploaded removes a recording here that a storage has.
func clearUploaded(t *testing.T, dir, id string) {
	t.Helper()
	l, err := chain.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Remove(chain.Entry{Kind: chain.Cleared, ID: id, Path: "activation-" + id + ".wav"}); err != nil {
		t.Fatal(err)
	}
}

func TestRecordings(t *testing.T) {
	dir, noted := newArchive(t)
	cdrs := t.TempDir()
	line := `{"id":"01B","recording":{"path":"activation-01B.wav","chain":"` + noted + `"}}` + "\n" + `{"id":"01C"}` + "\n" + `{"id":"01D","rec`
	if err := os.WriteFile(filepath.Join(cdrs, "cdr-000001.jsonl"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		told string // in the answer or, where it failed, the error
		not  string
	}{
		{[]string{"verify"}, exitOK, "all is as it was recorded", ""},
		{[]string{"verify"}, exitOK, "last line: " + noted, ""},
		{[]string{"verify", "--cdr", cdrs}, exitOK, "held against 1 line noted elsewhere", ""},
		{[]string{"verify", "--against", noted}, exitOK, "held against 1 line", ""},
		{[]string{"verify", "--against", noted[:10]}, exitUsage, "is no line", ""},
		{[]string{"verify", "--against", "3:" + strings.Repeat("0", 64)}, exitFailure, "1 finding", ""},
		{[]string{"find"}, exitOK, "activation-01A.wav", ""},
		{[]string{"find", "01B"}, exitOK, "1m1s", "01A"},
		{[]string{"find", "--from", "2026-03-10T00:00:00Z"}, exitOK, "01B", "01A"},
		{[]string{"find", "--to", "2026-03-10T00:00:00Z"}, exitOK, "01A", "01B"},
		{[]string{"find", "--from", "yesterday"}, exitUsage, "is no day", ""},
		{[]string{"hold", "01A"}, exitUsage, "--why", ""},
		{[]string{"hold", "01A", "01C", "--why", "case 7"}, exitState, "01C", ""},
		{[]string{"find", "--held"}, exitOK, "START", "01A"},
		{[]string{"hold", "01A", "--why", "case 7", "--by", "counsel"}, exitOK, "1 recording under legal hold", ""},
		{[]string{"hold", "01A", "--why", "case 7"}, exitOK, "0 recordings", ""},
		{[]string{"find", "--held"}, exitOK, "kept, held", "01B"},
		{[]string{"release", "01A", "--why", "closed"}, exitOK, "1 recording released", ""},
		{[]string{"find", "--held"}, exitOK, "START", "01A"},
		{[]string{"verify", "--cdr", cdrs}, exitOK, "all is as it was recorded", ""},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			code, out, errs := ringpace(nil, append([]string{"recordings", c.args[0], "--dir", dir}, c.args[1:]...)...)
			if told := out + errs; code != c.code || !strings.Contains(told, c.told) || c.not != "" && strings.Contains(told, c.not) {
				t.Errorf("code %d, want %d; %q and not %q is to be in\n%s", code, c.code, c.told, c.not, told)
			}
		})
	}
	noteUploads(t, dir)
	for args, want := range map[string]string{"find": "kept, uploaded", "verify": "2 uploaded (0 only there)"} {
		if code, out, errs := ringpace(nil, "recordings", args, "--dir", dir); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%s: code %d, %s%s", args, code, out, errs)
		}
	}
	clearUploaded(t, dir, "01B")
	identity, _ := newIdentity(t)
	for _, c := range []struct {
		args []string
		code int
		told string
	}{
		{[]string{"find", "01B"}, exitOK, "cleared  01B  s3://calls/activation-01B.wav"},
		{[]string{"find", "--json"}, exitOK, `"object": "s3://calls/activation-01A.wav"`},
		{[]string{"verify"}, exitOK, "1 recording kept"},
		{[]string{"verify"}, exitOK, "2 uploaded (1 only there)"},
		{[]string{"decrypt", "01B", "--identity", identity}, exitState, "fetch s3://calls/activation-01B.wav"},
		{[]string{"hold", "01B", "--why", "case 7"}, exitState, "put s3://calls/activation-01B.wav under hold there"},
	} {
		code, out, errs := ringpace(nil, append([]string{"recordings", c.args[0], "--dir", dir}, c.args[1:]...)...)
		if told := out + errs; code != c.code || !strings.Contains(told, c.told) {
			t.Errorf("%v: code %d, want %d; %q is to be in\n%s", c.args, code, c.code, c.told, told)
		}
	}
	if err := os.Remove(filepath.Join(dir, "activation-01A.wav")); err != nil {
		t.Fatal(err)
	}
	code, out, errs := ringpace(nil, "recordings", "verify", "--dir", dir)
	if code != exitFailure || !strings.Contains(out, "removed: activation-01A.wav") || !strings.Contains(errs, "1 finding") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	code, out, errs = ringpace(nil, "recordings", "verify", "--dir", dir, "--json")
	var report chain.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitFailure || errs != "" || len(report.Findings) != 1 {
		t.Errorf("code %d, %v, %s\n%s", code, err, errs, out)
	}
	code, out, _ = ringpace(nil, "recordings", "find", "--dir", dir, "--json")
	var rows []recordingRow
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != exitOK || len(rows) != 2 || rows[0].State != "kept" {
		t.Errorf("code %d, %v\n%s", code, err, out)
	}
	if code, _, errs := ringpace(nil, "recordings", "find"); code != exitUsage || !strings.Contains(errs, "--config") {
		t.Errorf("without a directory: code %d %s", code, errs)
	}
}

// TestNoRecordings: a directory that is not there is told by every command, and none makes it.
func TestNoRecordings(t *testing.T) {
	there := t.TempDir()
	identity, _ := newIdentity(t)
	nowhere, file, config := filepath.Join(there, "nowhere"), filepath.Join(there, "file"), filepath.Join(there, "ringpace.yaml")
	writeConfig(t, config, nowhere, "info", "text")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"find"},
		{"find", "--json"},
		{"verify"},
		{"verify", "--json"},
		{"decrypt", "01A", "--identity", identity},
		{"hold", "01A", "--why", "case 7"},
		{"release", "01A", "--why", "closed"},
	} {
		for _, where := range [][]string{{"--dir", nowhere}, {"--dir", file}, {"--config", config}} {
			code, out, errs := ringpace(nil, append(append([]string{"recordings"}, args...), where...)...)
			if code != exitFailure || out != "" || !strings.Contains(errs, "there are no recordings: ") {
				t.Errorf("%v %v: code %d, %q, %q", args, where, code, out, errs)
			}
		}
	}
	if _, err := os.Stat(nowhere); err == nil {
		t.Error("the directory was made")
	}
}
