package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const sample = "name,phone\nAda,030111\nbad,x\ndup,030222\nBob,030333\n"

func TestImportStreams(t *testing.T) {
	b := newBench(t)
	client := newClient(t, b.online(t), adminSecret)
	var rejects []RejectedRow
	var header []string
	var last ImportProgress
	opts := ImportOptions{List: "july", Region: "DE", Encoding: "gb18030", Columns: map[string]string{"Telefon": "phone"}}
	res, err := client.ImportLeads(context.Background(), "activation", strings.NewReader(sample), opts, ImportWatch{
		Header:   func(columns []string) { header = columns },
		Progress: func(p ImportProgress) { last = p },
		Reject:   func(r RejectedRow) { rejects = append(rejects, r) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Rows != 4 || res.Added != 2 || res.Duplicates != 1 || res.Rejected != 1 || res.List != "july" {
		t.Errorf("%+v", res)
	}
	if strings.Join(header, ",") != "name,phone" {
		t.Errorf("header %q", header)
	}
	if last.Rows != 4 || last.Bytes != int64(len(sample)) {
		t.Errorf("progress %+v", last)
	}
	if len(rejects) != 2 || rejects[0].Line != 3 || rejects[1].Line != 4 || rejects[0].Cells[1] != "x" {
		t.Errorf("%+v", rejects)
	}
	if b.floor.imported != sample || b.floor.opts.Region != "DE" || b.floor.opts.Encoding != "gb18030" || b.floor.opts.Columns["Telefon"] != "phone" {
		t.Errorf("the floor got %q %+v", b.floor.imported, b.floor.opts)
	}
}

// TestImportIsFullDuplex sends more, and has more rejected, than the sockets of
// both ways can hold.
func TestImportIsFullDuplex(t *testing.T) {
	b := newBench(t)
	client := newClient(t, b.online(t), adminSecret)
	row := "bad," + strings.Repeat("x", 200) + "\n"
	const rows = 20_000
	file := io.MultiReader(strings.NewReader("name,phone\n"), io.LimitReader(&cycle{text: row}, int64(rows*len(row))))
	n := 0
	res, err := client.ImportLeads(context.Background(), "activation", file, ImportOptions{List: "l"}, ImportWatch{Reject: func(RejectedRow) { n++ }})
	if err != nil || res.Rejected != rows || n != rows {
		t.Errorf("%v: %d rejected, %d told, want %d", err, res.Rejected, n, rows)
	}
}

// cycle reads text over and over.
type cycle struct {
	text string
	at   int
}

func (c *cycle) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		k := copy(p[n:], c.text[c.at:])
		n, c.at = n+k, (c.at+k)%len(c.text)
	}
	return len(p), nil
}

func TestImportWhole(t *testing.T) {
	b := newBench(t)
	got := b.request("POST", "/v1/campaigns/activation/leads?list=july", adminSecret, "name\n"+strings.Repeat("bad\n", rejectsShown+5)+"good\n")
	var res ImportAnswer
	if err := json.Unmarshal(got.Body.Bytes(), &res); err != nil {
		t.Fatal(err)
	}
	if got.Code != 200 || res.Rejected != rejectsShown+5 || res.Added != 1 || len(res.Rejects) != rejectsShown {
		t.Errorf("%d: %+v, %d rejects shown", got.Code, res.ImportResult, len(res.Rejects))
	}
}

func TestImportRefused(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxImport = 1000 })
	client := newClient(t, b.online(t), adminSecret)
	send := func(body string) error {
		_, err := client.ImportLeads(context.Background(), "activation", strings.NewReader(body), ImportOptions{List: "l"}, ImportWatch{})
		return err
	}
	if err := send("name\nAda\nstop\n"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("half-way: %v", err)
	}
	if err := send("name\n" + strings.Repeat("Ada\n", 1000)); err == nil || !strings.Contains(err.Error(), "larger than this server takes") {
		t.Errorf("too large: %v", err)
	}
	b.floor.fail(NotFound("no campaign %q", "activation"), nil)
	for range 20 { // the refusal may cross the body on its way
		if err := send("name\n" + strings.Repeat("Ada\n", 200)); !errors.Is(err, ErrNotFound) {
			t.Fatalf("before the first line: %v", err)
		}
	}
}

func TestImportWantsCSV(t *testing.T) {
	b := newBench(t)
	r := httptest.NewRequest("POST", "/v1/campaigns/a/leads?list=l", strings.NewReader("{}"))
	r.Header.Set("Authorization", "Bearer "+adminSecret)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	if w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("status %d", w.Code)
	}
}

func TestImportBreaksOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `{"progress":{"rows":1}}`)
	}))
	defer server.Close()
	client := newClient(t, server.URL, "")
	if _, err := client.ImportLeads(context.Background(), "a", strings.NewReader("x"), ImportOptions{List: "l"}, ImportWatch{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}

// FuzzImportBody sends any bytes as a file: the answer is always a whole document,
// and its counts add up.
func FuzzImportBody(f *testing.F) {
	f.Add([]byte(sample), true)
	f.Add([]byte("name\nstop\n"), true)
	f.Add([]byte{0, 0xff, '\n', 0xfe, 'b', 'a', 'd'}, false)
	b := newBench(f)
	f.Fuzz(func(t *testing.T, body []byte, stream bool) {
		r := httptest.NewRequest("POST", "/v1/campaigns/a/leads?list=l", strings.NewReader(string(body)))
		r.Header.Set("Authorization", "Bearer "+adminSecret)
		r.Header.Set("Content-Type", "text/csv")
		if stream {
			r.Header.Set("Accept", ndjson)
		}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		b.floor.forget()
		lines := json.NewDecoder(w.Body)
		rejects, ended := 0, false
		for {
			var line struct {
				ImportLine
				Status int `json:"status"`
			}
			if err := lines.Decode(&line); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v", err)
			}
			switch res := line.Result; {
			case ended:
				t.Fatal("more after the end")
			case line.Reject != nil:
				rejects++
			case res != nil:
				if ended = true; res.Rows != res.Added+res.Duplicates+res.Rejected || rejects != res.Duplicates+res.Rejected {
					t.Fatalf("%+v, %d rejects", res, rejects)
				}
			case line.Error != nil, line.Status != 0, !stream:
				ended = true
			}
		}
		if !ended {
			t.Fatalf("no end: %d %s", w.Code, w.Body)
		}
	})
}
