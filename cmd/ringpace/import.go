package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
	"github.com/vbauerster/mpb/v8/decor"

	"ringpace/dialer/api"
	"ringpace/dialer/lead"
)

// importFlags are what the import command is told.
type importFlags struct {
	campaign, list, region, encoding, rejects string
	columns                                   map[string]string
}

func importCommand() *command {
	return &command{
		name: "import", args: "FILE", least: 1, most: 1, short: "Add leads from a CSV file",
		long: `Adds the people of a CSV file to a campaign. The first line names the columns, in any
order; a column of telephone numbers is all that is needed. UTF-8 and GB18030 are
told apart by themselves. Numbers become E.164; those without a country code need
--region, or the campaign's. Columns that mean nothing to Ringpace are kept for the
agent's screen.

Rows that are wrong, and people who are on the campaign already, are left out and
written with their line and the reason to FILE.rejects.csv; mend them there and
import that file. Importing a file again adds nothing. FILE may be - for standard
input. Needs role admin.

  ringpace leads import july.csv --campaign activation --list july --region DE
  ringpace leads import july.csv --campaign activation --list july --column Handy=phone
`,
		setup: func(flags *pflag.FlagSet) runner {
			var f importFlags
			flags.StringVar(&f.campaign, "campaign", "", "the campaign (required)")
			flags.StringVar(&f.list, "list", "", "name of the list, kept with each lead (required)")
			flags.StringVar(&f.region, "region", "", "country of numbers without a country code, such as DE")
			flags.StringVar(&f.encoding, "encoding", "", "utf-8 or gb18030, where it is not found out rightly")
			flags.StringToStringVar(&f.columns, "column", nil, "`HEADING=NAME`, a name being phone, id, priority, due, deadline, time_zone")
			flags.StringVar(&f.rejects, "rejects", "", "file for rows that are not taken (default FILE.rejects.csv)")
			c := dial(flags)
			return func(ctx context.Context, t *terminal, args []string) error {
				switch {
				case f.campaign == "":
					return usage("leads import needs --campaign")
				case f.list == "":
					return usage("leads import needs --list")
				case f.rejects == "" && args[0] == "-":
					f.rejects = "rejects.csv"
				case f.rejects == "":
					f.rejects = args[0] + ".rejects.csv"
				}
				return importLeads(ctx, t, c, args[0], f)
			}
		},
	}
}

// importReport is what the command says at the end, for machines.
type importReport struct {
	api.ImportResult
	RejectsFile string `json:"rejects_file,omitempty"`
}

func importLeads(ctx context.Context, t *terminal, c *connection, path string, f importFlags) error {
	in, size, err := openInput(t, path)
	if err != nil {
		return err
	}
	defer in.Close()
	client, err := c.client(t)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, stop := interruptible(ctx)
	defer stop()

	bar := newBar(t, size, t.fancy && !c.json, decor.CountersKibiByte("% .1f / % .1f"))
	rejects := &rejectsFile{path: f.rejects}
	result, err := client.ImportLeads(ctx, f.campaign, in, api.ImportOptions{
		List: f.list, Region: f.region, Encoding: f.encoding, Columns: f.columns,
	}, api.ImportWatch{Header: rejects.name, Progress: func(p api.ImportProgress) { bar.show(p.Bytes) }, Reject: rejects.add})
	bar.close(err == nil)
	if err := errors.Join(err, rejects.close()); err != nil {
		return err
	}
	report := importReport{ImportResult: result}
	if rejects.rows > 0 {
		report.RejectsFile = f.rejects
	}
	if c.json {
		return t.json(report)
	}
	return renderImport(t.out, path, report)
}

func openInput(t *terminal, path string) (io.ReadCloser, int64, error) {
	if path == "-" {
		return io.NopCloser(t.in), 0, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory", path)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

func renderImport(w io.Writer, path string, r importReport) error {
	fmt.Fprintf(w, "%s: %d rows in %s, to campaign %s, list %s\n", path, r.Rows, seconds(r.DurationS), clean(r.Campaign), clean(r.List))
	rows := [][]string{
		{"  added", fmt.Sprint(r.Added), ""},
		{"  duplicates", fmt.Sprint(r.Duplicates), "on the campaign, or in the file, already"},
		{"  rejected", fmt.Sprint(r.Rejected), "wrong"},
	}
	if err := grid(w, rows); err != nil {
		return err
	}
	if r.RejectsFile != "" {
		_, err := fmt.Fprintf(w, "Rows that were not taken, with the reasons: %s\n", r.RejectsFile)
		return err
	}
	return nil
}

// rejectsFile is made when the first row is rejected, for its owner's eyes only.
type rejectsFile struct {
	path   string
	header []string
	file   *os.File
	csv    *lead.RejectWriter
	rows   int
	err    error
}

func (r *rejectsFile) name(columns []string) { r.header = columns }

func (r *rejectsFile) add(row api.RejectedRow) {
	if r.err != nil {
		return
	}
	if r.file == nil {
		if r.file, r.err = os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); r.err != nil {
			return
		}
		if r.csv, r.err = lead.NewRejectWriter(r.file, r.header); r.err != nil {
			return
		}
	}
	r.rows++
	r.err = r.csv.Write(row.Line, row.Reason, row.Cells)
}

func (r *rejectsFile) close() error {
	if r.file == nil {
		return r.err
	}
	if r.csv != nil {
		r.err = errors.Join(r.err, r.csv.Flush())
	}
	if err := errors.Join(r.err, r.file.Close()); err != nil {
		return fmt.Errorf("rejected rows could not all be written: %w", err)
	}
	return nil
}
