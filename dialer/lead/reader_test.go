package lead

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// readAll reads a whole list; a final error fails the test.
func readAll(t testing.TB, in io.Reader, o Options) (leads []Lead, rejects []string) {
	t.Helper()
	r := NewReader(in, o)
	for {
		row, err := r.Next()
		if err == io.EOF {
			return leads, rejects
		}
		if err != nil {
			t.Fatal(err)
		}
		if row.Reason != "" {
			rejects = append(rejects, fmt.Sprintf("%d: %s", row.Line, row.Reason))
		} else {
			leads = append(leads, row.Lead)
		}
	}
}

func TestReader(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	simple := Lead{ID: "7", List: "spring", Numbers: []string{"+442079460100"}, Fields: map[string]string{"name": "Ada"}}
	tests := []struct {
		name    string
		in      string
		opts    Options
		want    []Lead
		rejects []string // "line: reason", the reason a part of it
	}{
		{name: "any order", in: "name,Phone,ID\nAda,020 7946 0100,7\n", want: []Lead{simple}},
		{name: "semicolons, quotes, spaces, Windows", in: "ID;\"Phone-No.\";name\r\n7; \"(020) 7946 0100\" ;Ada\r\n", want: []Lead{simple}},
		{name: "tabs, old Macintosh", in: "id\tTEL\tname\r7\t+44 20 7946 0100\tAda", want: []Lead{simple}},
		{name: "bars and blank lines", in: "\n\nid|tel|name\n\n7|0044 20 7946 0100|Ada\n||\n\n", opts: Options{Region: "DE"}, want: []Lead{simple}},
		{name: "a spreadsheet's separator line", in: "sep=;\nid;tel;name, first\n7;02079460100;Ada\n", want: []Lead{with(simple, func(l *Lead) { l.Fields = map[string]string{"name, first": "Ada"} })}},
		{name: "byte order mark", in: "\uFEFFid,tel,name\n7,02079460100,Ada\n", want: []Lead{simple}},
		{name: "a spreadsheet's text formula", in: "id,tel,name\n7,\"=\"\"02079460100\"\"\",Ada\n", want: []Lead{simple}},
		{name: "a spreadsheet's decimals", in: "id,tel,name\n7,442079460100.0,Ada\n8,4.42E+11,Bob\n", opts: Options{Region: "GB"}, want: []Lead{simple}, rejects: []string{"3: tel: not a telephone number: \"4.42E+11\" lost its last digits"}},
		{
			name: "no id: made from the first number", in: "tel,name\n02079460100,Ada\n",
			want: []Lead{with(simple, func(l *Lead) { l.ID = "tel-442079460100" })},
		},
		{
			name: "several columns and cells of numbers", in: "id,phone,mobile,work phone,name\n7,020 7946 0100,+44 20 7946 0101; 020 7946 0102,020 7946 0100,Ada\n",
			want: []Lead{with(simple, func(l *Lead) { l.Numbers = []string{"+442079460100", "+442079460101", "+442079460102"} })},
		},
		{
			name: "what stands behind a number to be sent along",
			in: "id,phone,name\n1,\"+442079460100\r\nX-Evil: 1\",Eve\n2,+442079460100;user=evil@192.0.2.4,Eve\n3,\"+442079460100\n<sip:x>\",Eve\n" +
				"7,\"020 7946 0100\r\n020 7946 0100\",Ada\n",
			opts: Options{Columns: Columns{}, Region: "GB"}, want: []Lead{simple},
			rejects: []string{"2: phone: not a telephone number: \"X-Evil: 1\"", "4: phone: not a telephone number: \"user=evil@", "5: phone: not"},
		},
		{
			name: "the order that the configuration names", in: "id,phone,handy,name\n7,020 7946 0101,020 7946 0100,Ada\n",
			opts: Options{Columns: Columns{Phone: []string{"Handy", "PHONE"}}},
			want: []Lead{with(simple, func(l *Lead) { l.Numbers = []string{"+442079460100", "+442079460101"} })},
		},
		{
			name: "named headings put the usual ones aside", in: "id,phone,handy,name\n7,none,020 7946 0100,Ada\n",
			opts: Options{Columns: Columns{Phone: []string{"Handy"}}},
			want: []Lead{with(simple, func(l *Lead) { l.Fields = map[string]string{"name": "Ada", "phone": "none"} })},
		},
		{
			name: "one of two numbers is none", in: "id,phone,mobile,name\n7,020 7946 0100,later,Ada\n", want: []Lead{simple},
		},
		{
			name: "an extension goes to the agent's screen", in: "id,tel,name\n7,020 7946 0100 ext. 12,Ada\n",
			want: []Lead{with(simple, func(l *Lead) {
				l.Fields = map[string]string{"name": "Ada", "tel": "020 7946 0100 ext. 12"}
			})},
		},
		{
			name: "priority, times and zone", in: "id,tel,name,Priority,due,deadline,Time Zone\n7,020 7946 0100,Ada,5,2026-11-30 09:00,30.11.2026,Europe/Berlin\n",
			want: []Lead{with(simple, func(l *Lead) {
				l.Priority, l.TimeZone = 5, "Europe/Berlin"
				l.Due = time.Date(2026, 11, 30, 9, 0, 0, 0, berlin)
				l.Deadline = time.Date(2026, 12, 1, 0, 0, 0, 0, berlin)
			})},
		},
		{
			name: "an offset is believed, and the campaign's zone before the number's",
			in:   "id,tel,name,due,deadline\n7,020 7946 0100,Ada,2026-11-30T09:00:00Z,2026/11/30 18:00\n", opts: Options{Zone: berlin},
			want: []Lead{with(simple, func(l *Lead) {
				l.Due = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
				l.Deadline = time.Date(2026, 11, 30, 18, 0, 0, 0, berlin)
			})},
		},
		{
			name: "bad values", in: "id,tel,name,priority,due,tz\n" +
				"1,020 7946 0101,a,high,,\n2,020 7946 0102,a,,01/02/2026,\n3,020 7946 0103,a,,,Mars/Olympus\n4,,a,,,\n5,12,a,,,\n7,020 7946 0100,Ada,,,\n",
			want: []Lead{simple},
			rejects: []string{
				"2: priority: \"high\" is not a priority", "3: due: \"01/02/2026\" is not a time", "4: tz: \"Mars/Olympus\" is not a time zone",
				"5: no telephone number", "6: tel: not a telephone number: \"12\"",
			},
		},
		{
			name: "duplicates", in: "id,tel,name\n7,020 7946 0100,Ada\n7,020 7946 0101,Bob\n8,+44 20 7946 0100,Cy\n", want: []Lead{simple},
			rejects: []string{"3: the same id (7) as in line 2", "4: the same number (+442079460100) as in line 2"},
		},
		{
			name: "lines are those of the file", in: "id,tel,name\n7,020 7946 0100,\"Ada\nof\nLondon\"\n8,x,Bob\n",
			want: []Lead{with(simple, func(l *Lead) { l.Fields = map[string]string{"name": "Ada\nof\nLondon"} })}, rejects: []string{"5: tel"},
		},
		{
			name: "quotes that are wrong cost their own row", in: "id,tel,name\n1,\"020\" 1,a\n2,020 7946 0102,\"b\n7,020 7946 0100,Ada\n",
			want: []Lead{simple}, rejects: []string{"2: cell 2 goes on after its closing quote", "3: a quote (\") is opened and not closed"},
		},
		{
			name: "a quote within a bare cell", in: "id,tel,name\n7,020 7946 0100,5\" pipe\n",
			want: []Lead{with(simple, func(l *Lead) { l.Fields = map[string]string{"name": `5" pipe`} })},
		},
		{
			name: "rubbish", in: "id,tel,name\n\x00\x01\x02\xff\n" + strings.Repeat("x", maxLine+1) + "\n" + strings.Repeat("y", 3*sample) +
				"\n\xff\xfe\xfd\n7,020 7946 0100,Ada\n1,2,3,4,5\n", want: []Lead{simple},
			rejects: []string{"2: the line holds binary", "3: the line is longer", "4: the line is longer", "5: the line is no text", "7: the row has 5 cells"},
		},
		{name: "a short row", in: "tel,id,name,city\n020 7946 0100,7,Ada\n", want: []Lead{simple}},
		{
			name: "headings that are there twice, or not at all", in: "id,tel,name,name,\n7,020 7946 0100,Ada,Byron,x\n",
			want: []Lead{with(simple, func(l *Lead) { l.Fields = map[string]string{"name": "Ada", "name 2": "Byron", "column 5": "x"} })},
		},
		{
			name: "a field that would be a formula", in: "id,tel,name\n7,020 7946 0100,'=1+1\n",
			want: []Lead{with(simple, func(l *Lead) { l.Fields = map[string]string{"name": "=1+1"} })},
		},
		{
			name: "Chinese", in: "客户编号,姓名,手机号码,备用电话\n7,王芳,138 0013 8000,０１０－１２３４５６７８\n", opts: Options{Region: "CN"},
			want: []Lead{{ID: "7", List: "spring", Numbers: []string{"+8613800138000", "+861012345678"}, Fields: map[string]string{"姓名": "王芳"}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.opts.List = "spring"
			if tt.opts.Region == "" {
				tt.opts.Region = "GB"
			}
			leads, rejects := readAll(t, iotest.OneByteReader(strings.NewReader(tt.in)), tt.opts)
			if diff := cmp.Diff(tt.want, leads); diff != "" {
				t.Error(diff)
			}
			if len(rejects) != len(tt.rejects) {
				t.Fatalf("rejected:\n%s", strings.Join(rejects, "\n"))
			}
			for i, r := range rejects {
				if !strings.HasPrefix(r, tt.rejects[i]) {
					t.Errorf("%s\nwant %s", r, tt.rejects[i])
				}
			}
		})
	}
}

func with(l Lead, change func(*Lead)) Lead {
	change(&l)
	return l
}

func TestReaderFindsTheEncoding(t *testing.T) {
	const text = "姓名,手机,备注\n王芳,13800138000,周末打\n李娜,13800138001,联通\n"
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	ascii := "name,mobile,note\n" + strings.Repeat("x,,\n", sample/4) // the sample does not tell
	tests := []struct {
		name, in string
		encoding Encoding
		rejects  int
	}{
		{"UTF-8", text, AnyEncoding, 0},
		{"GB18030", gb, AnyEncoding, 0},
		{"UTF-16", wide, AnyEncoding, 0},
		{"UTF-8, told", text, UTF8, 0},
		{"GB18030, told", gb, GB18030, 0},
		{"GB18030 late in the file", ascii + gb[strings.Index(gb, "\n")+1:], AnyEncoding, sample / 4},
		{"UTF-8 late in the file", ascii + text[strings.Index(text, "\n")+1:], AnyEncoding, sample / 4},
		{"UTF-8 with a line of something else", text + "\xff\xff,1,2\n", AnyEncoding, 1},
		{"GB18030 with a line of something else", gb + "\xff\xff,1,2\n", AnyEncoding, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leads, rejects := readAll(t, strings.NewReader(tt.in), Options{Region: "CN", Encoding: tt.encoding})
			if len(leads) != 2 || len(rejects) != tt.rejects {
				t.Fatalf("%d leads, %d rejects", len(leads), len(rejects))
			}
			found := false
			for _, v := range leads[1].Fields {
				found = found || v == "联通"
			}
			if !found {
				t.Errorf("%v", leads[1].Fields)
			}
		})
	}
}

func TestReaderRefusesListsWithoutHeader(t *testing.T) {
	tests := []struct{ name, in, words string }{
		{"empty", "", "empty"},
		{"blank", "\n \n", "empty"},
		{"no phone column", "name,city\nAda,London\n", "it has: name, city"},
		{"data at once", "Ada,020 7946 0100\n", "the first line must name the columns"},
		{"binary", "\x00\x01\x02", "binary"},
	}
	for _, tt := range tests {
		r := NewReader(strings.NewReader(tt.in), Options{})
		_, err := r.Next()
		if !errors.Is(err, ErrHeader) || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, again := r.Next(); again == nil || again == io.EOF {
			t.Errorf("%s: then %v", tt.name, again)
		}
	}
}

func TestReaderTellsOfReadErrors(t *testing.T) {
	broken := errors.New("connection reset")
	in := io.MultiReader(strings.NewReader("tel\n02079460100\n"), iotest.ErrReader(broken))
	r := NewReader(in, Options{Region: "GB"})
	if row, err := r.Next(); err != nil || row.Reason != "" {
		t.Fatalf("%+v, %v", row, err)
	}
	if _, err := r.Next(); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if _, err := NewReader(iotest.ErrReader(broken), Options{}).Header(); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestReaderCountsBytes(t *testing.T) {
	in := "tel\n02079460100\n02079460101\n"
	r := NewReader(strings.NewReader(in), Options{Region: "GB"})
	last := int64(0)
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil || r.Bytes() <= last {
			t.Fatalf("%d bytes after %d, %v", r.Bytes(), last, err)
		}
		last = r.Bytes()
	}
	if r.Bytes() != int64(len(in)) {
		t.Errorf("%d of %d bytes", r.Bytes(), len(in))
	}
}

func TestColumnsFrom(t *testing.T) {
	c, err := ColumnsFrom(map[string]string{"Handy": "phone", "Festnetz": "phone", "Kunde": "id"})
	if diff := cmp.Diff(Columns{Phone: []string{"Festnetz", "Handy"}, ID: []string{"Kunde"}}, c); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, pairs := range []map[string]string{{"a": "telephone"}, {"Due": "due", "due ": "deadline"}, {"..": "id"}} {
		if _, err := ColumnsFrom(pairs); err == nil {
			t.Errorf("%v was taken", pairs)
		}
	}
}

// Whatever comes in, every line is a row, rejected or taken, and the end comes.
func FuzzReader(f *testing.F) {
	f.Add([]byte("id,tel,name\n7,020 7946 0100,\"Ada\nof London\"\n"), "GB")
	f.Add([]byte("\uFEFFtel;due\n02079460100;2026-11-30\n\"\n\x00\n"), "GB")
	f.Add([]byte("\xca\xd6\xbb\xfa\n13800138000\n"), "CN")
	f.Add([]byte("\xff\xfet\x00e\x00l\x00\n\x001\x00"), "")
	f.Add([]byte("sep=|\rtel|x\r\"|\"|\r"), "DE")
	f.Fuzz(func(t *testing.T, in []byte, region string) {
		r := NewReader(bytes.NewReader(in), Options{Region: region, List: "l"})
		line := 0
		for range len(in) + 2 {
			row, err := r.Next()
			if err != nil {
				return
			}
			if row.Line <= line {
				t.Fatalf("line %d after %d", row.Line, line)
			}
			line = row.Line
			if (row.Reason == "") != (len(row.Lead.Numbers) > 0 && row.Lead.ID != "") {
				t.Fatalf("%+v", row)
			}
		}
		t.Fatal("more rows than bytes")
	})
}

// list writes n rows as a bank's export might look.
func list(n int) []byte {
	var b bytes.Buffer
	b.WriteString("customer no,name,mobile,city,balance,note\n")
	for i := range n {
		fmt.Fprintf(&b, "C%07d,Customer %d,0207946%04d,London,%d.20,\"asked to be called, in the evening\"\n", i, i, i%10000, i)
	}
	return b.Bytes()
}

func BenchmarkReader(b *testing.B) {
	in := list(10_000)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if leads, _ := readAll(b, bytes.NewReader(in), Options{Region: "GB"}); len(leads) != 10_000 {
			b.Fatalf("%d leads", len(leads))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/10_000, "us/row")
}
