package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/media/record"
	"ringpace/media/record/chain"
)

func recordingsCommand() *command {
	return &command{
		name: "recordings", short: "Find recordings, verify them, keep them from being deleted, decrypt them",
		long: `Works on the directory of recordings itself, on the machine that has it, whether a
daemon runs or not: by --config or --dir. What may be trusted, and why, is said under verify.`,
		sub: []*command{
			recordingsFindCommand(), recordingsVerifyCommand(), recordingsDecryptCommand(),
			holdCommand("hold", false), holdCommand("release", true),
		},
	}
}

// archive declares the flags that say where recordings are, and returns what gives the
// directory and that of the call detail records, which is "" where only --dir is given. A
// directory of recordings that is not there is an error.
func archive(flags *pflag.FlagSet) func() (dir, records string, err error) {
	path := flags.String("config", "", "the configuration, `FILE`, that names the directory")
	dir := flags.String("dir", "", "the directory itself")
	return func() (string, string, error) {
		switch {
		case (*dir == "") == (*path == ""):
			return "", "", usage("say where the recordings are: --config FILE or --dir DIR")
		case *dir != "":
			return *dir, "", isDirectory(*dir)
		}
		c, _, err := config.Load(*path)
		if err != nil {
			return "", "", faulty(*path, err)
		}
		return c.Recording.Dir, c.CDR.Dir, isDirectory(c.Recording.Dir)
	}
}

// isDirectory says what is wrong with a directory of recordings: one that is misspelt, or
// not mounted, must not pass for one in which nothing was recorded.
func isDirectory(name string) error {
	stat, err := os.Stat(name)
	if err == nil && !stat.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return fmt.Errorf("there are no recordings: %w", err)
	}
	return nil
}

// recordingRow is a recording for machines.
type recordingRow struct {
	ID         string    `json:"id"`
	Path       string    `json:"path"`
	Start      time.Time `json:"start"`
	DurationMS int64     `json:"duration_ms"`
	Bytes      int64     `json:"bytes"`
	SHA256     string    `json:"sha256,omitempty"`
	State      string    `json:"state"`
	Object     string    `json:"object,omitempty"` // where an object storage has it
	Held       bool      `json:"held"`
	Encrypted  bool      `json:"encrypted,omitempty"`
	Why        string    `json:"why,omitempty"`
}

func recordingRowOf(it *chain.Item) recordingRow {
	row := recordingRow{
		ID: it.ID, Path: it.Path, Start: it.Start, DurationMS: it.DurationMS, Bytes: it.Bytes, SHA256: it.SHA256,
		State: string(it.Kind), Held: it.Held, Encrypted: record.Encrypted(it.Path), Why: it.Why,
		Object: it.Uploaded.Object,
	}
	if it.Gone != "" {
		row.State, row.Why = string(it.Gone), it.Ended.Why
	}
	return row
}

// state is the recording's state for people.
func (r recordingRow) state() string {
	state := r.State
	if r.Object != "" && state != string(chain.Cleared) {
		state += ", uploaded"
	}
	if r.Held {
		state += ", held"
	}
	if r.Encrypted {
		state += ", encrypted"
	}
	return state
}

// place is where the recording is: below the directory, or only in an object storage.
func (r recordingRow) place() string {
	if r.State == string(chain.Cleared) {
		return r.Object
	}
	return r.Path
}

func recordingsFindCommand() *command {
	return &command{
		name: "find", args: "[WORD...]", most: 100, short: "Find recordings",
		long: `Lists the recordings whose id or path holds all the words: by recording.pattern that
is a campaign, a date, a number. It reads the chain of checksums, not the files. What is
"uploaded" an object storage has as well; what is "cleared" only it has, at the address
that stands for the path.

  ringpace recordings find --config ringpace.yaml 4930123456
  ringpace recordings find --dir /srv/recordings --from 2026-03-01 --to 2026-04-01 --held
`,
		setup: func(flags *pflag.FlagSet) runner {
			where := archive(flags)
			from := flags.String("from", "", "begun on that `DAY` or later: 2006-01-02, or a time 2006-01-02T15:04:05Z")
			to := flags.String("to", "", "begun before that `DAY`")
			held := flags.Bool("held", false, "only those under legal hold")
			gone := flags.Bool("gone", false, "also those that were removed by rule")
			asJSON := flags.Bool("json", false, "answer as JSON")
			return func(_ context.Context, t *terminal, args []string) error {
				dir, _, err := where()
				if err != nil {
					return err
				}
				q := chain.Query{Words: args, Held: *held, Gone: *gone}
				if q.From, err = parseDay("--from", *from); err != nil {
					return err
				}
				if q.To, err = parseDay("--to", *to); err != nil {
					return err
				}
				x, err := chain.Load(dir)
				if err != nil {
					return err
				}
				list := []recordingRow{}
				for _, it := range x.Find(q) {
					list = append(list, recordingRowOf(it))
				}
				if *asJSON {
					return t.json(list)
				}
				rows := [][]string{{"START", "LENGTH", "STATE", "ID", "PATH"}}
				for _, r := range list {
					length := (time.Duration(r.DurationMS) * time.Millisecond).Round(time.Second).String()
					rows = append(rows, []string{r.Start.Local().Format(time.DateTime), length, r.state(), r.ID, r.place()})
				}
				return grid(t.out, rows)
			}
		},
	}
}

// parseDay reads a day, as midnight here, or a time; "" is none.
func parseDay(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, s, time.Local)
	if err != nil {
		return at, usage("%s %q is no day; write 2006-01-02 or 2006-01-02T15:04:05+02:00", flag, s)
	}
	return at, nil
}

func recordingsVerifyCommand() *command {
	return &command{
		name: "verify", short: "Hold recordings against their checksums",
		long: `Reads every recording and the chain of checksums, DIR/chain, and tells which
recordings were removed, added, renamed or altered, and which lines of the chain were. It
changes nothing, and may run beside the daemon.

Each line of the chain vouches for all before it, so that nothing in its middle can be
changed alone. Who may write to the directory could write all of it anew, or cut off its
end with the recordings named there: that shows against a line that was noted elsewhere.
With --config the call detail records are such notes; --against takes others, such as the
last line that an earlier verify printed. Keep these where nobody who could alter
recordings can write. Exit code 1 says that something was found. Encrypted recordings are
held against the checksum of the file as it lies: no key is needed.

  ringpace recordings verify --config /etc/ringpace/ringpace.yaml
  ringpace recordings verify --dir /srv/recordings --against 4711:9f86d081884c…
`,
		setup: func(flags *pflag.FlagSet) runner {
			where := archive(flags)
			records := flags.String("cdr", "", "the `DIR` of call detail records to hold the chain against (default: by --config)")
			against := flags.StringArray("against", nil, "a `LINE` of the chain that was noted elsewhere; may be given again")
			chainOnly := flags.Bool("chain-only", false, "do not read the recordings, only look whether they are there")
			asJSON := flags.Bool("json", false, "answer as JSON")
			return func(ctx context.Context, t *terminal, _ []string) error {
				dir, usual, err := where()
				if err != nil {
					return err
				}
				if *records == "" {
					*records = usual
				}
				o := chain.Options{ChainOnly: *chainOnly}
				if o.Refs, err = chainRefs(*against, *records); err != nil {
					return err
				}
				ctx, stop := interruptible(ctx)
				defer stop()
				report, err := chain.Verify(ctx, dir, o)
				if err != nil {
					return err
				}
				return showReport(t, report, len(o.Refs), *asJSON)
			}
		},
	}
}

// chainRefs are the lines that the chain is held against.
func chainRefs(given []string, records string) (refs []chain.Ref, err error) {
	for _, s := range given {
		ref, err := chain.ParseRef(s)
		if err != nil {
			return nil, usage("--against %q is no line; write a number, a colon and 64 hexadecimal digits", s)
		}
		refs = append(refs, ref)
	}
	if records == "" {
		return refs, nil
	}
	noted, err := cdr.ChainLines(records)
	if err != nil {
		return nil, err
	}
	for _, s := range noted {
		ref, err := chain.ParseRef(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(records), err)
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

func showReport(t *terminal, r *chain.Report, noted int, asJSON bool) error {
	if asJSON {
		if err := t.json(r); err != nil || r.OK() {
			return err
		}
		return errTold
	}
	for _, f := range r.Findings {
		fmt.Fprintf(t.out, "%s: %s: %s\n", f.Kind, clean(f.Path), clean(f.Text))
	}
	fmt.Fprintf(t.out, "%s kept, %d held, %d being made, %d removed by rule, %d lost, %d uploaded (%d only there); %s on %s, held against %s\n",
		count(r.Kept, "recording"), r.Held, r.Open, r.Gone, r.Lost, r.Uploaded, r.Cleared,
		count(int(r.Lines), "line"), count(r.Days, "day"), count(noted, "line")+" noted elsewhere")
	if r.Last != "" {
		fmt.Fprintf(t.out, "last line: %s\n", r.Last)
	}
	if !r.OK() {
		return fmt.Errorf("%s", count(len(r.Findings), "finding"))
	}
	_, err := fmt.Fprintln(t.out, "all is as it was recorded")
	return err
}

func holdCommand(name string, release bool) *command {
	c := &command{
		name: name, args: "ID...", least: 1, most: 10_000,
		short: "Put recordings under legal hold",
		long: `Puts recordings under legal hold: neither retention nor anything else of ours removes
them until they are released. Who did it, and why, goes into the chain of checksums. The ids
are those of the call detail records.

  ringpace recordings hold --config ringpace.yaml --why "case 7/26" 01J8ZQ5RM4
`,
	}
	done := "under legal hold"
	if release {
		c.short = "Release recordings from legal hold"
		c.long = `Releases recordings from legal hold, so that retention may remove them. Who did it, and
why, goes into the chain of checksums.

  ringpace recordings release --config ringpace.yaml --why "case 7/26 is closed" 01J8ZQ5RM4
`
		done = "released"
	}
	c.setup = func(flags *pflag.FlagSet) runner {
		where := archive(flags)
		by := flags.String("by", "", "who wants it (default: the user)")
		why := flags.String("why", "", "why (required)")
		asJSON := flags.Bool("json", false, "answer as JSON")
		return func(_ context.Context, t *terminal, args []string) error {
			dir, _, err := where()
			if err != nil {
				return err
			}
			if strings.TrimSpace(*why) == "" {
				return usage("%s needs --why: it is what the chain will say", name)
			}
			if *by == "" {
				*by = t.getenv("USER")
			}
			n, err := chain.Hold(dir, args, *by, *why, release)
			if err != nil {
				return err
			}
			if *asJSON {
				return t.json(map[string]int{"changed": n})
			}
			_, err = fmt.Fprintf(t.out, "%s %s\n", count(n, "recording"), done)
			return err
		}
	}
	return c
}
