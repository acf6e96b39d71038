package peers

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// PBXRecord is Asterisk's own call detail record: what the product's is held
// against.
type PBXRecord struct {
	Endpoint         string // the account that called: TrunkUser, PBXUser or an extension
	CallID           string // of the INVITE
	Number           string // called
	From             string // header of the INVITE, whole
	AssertedIdentity string // P-Asserted-Identity of the INVITE; empty if there was none
	CallerID         string // what Asterisk would show its user: "NAME" <NUMBER>
	Start, End       time.Time
	Answered         time.Time // zero if it was not
	Disposition      string    // ANSWERED, NO ANSWER, BUSY, FAILED or CONGESTION
}

// Talk is the time from answer to end; 0 without an answer.
func (r PBXRecord) Talk() time.Duration {
	if r.Answered.IsZero() {
		return 0
	}
	return r.End.Sub(r.Answered)
}

// CDRs returns the records of the calls that one account made, oldest end first.
// It waits until there are n and fails the test if they do not come.
func (a *PBX) CDRs(t testing.TB, account string, n int) []PBXRecord {
	t.Helper()
	var records []PBXRecord
	err := a.process.await(func() error {
		all, err := a.records()
		if err != nil {
			return err
		}
		records = nil
		for _, record := range all {
			if record.Endpoint == account {
				records = append(records, record)
			}
		}
		if len(records) < n {
			return fmt.Errorf("%d of %d records of calls by %s", len(records), n, account)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("asterisk: %v", err)
	}
	return records
}

// records parses the file of asterisk/cdr_custom.conf.
func (a *PBX) records() ([]PBXRecord, error) {
	file, err := os.Open(a.path("log/cdr-custom/calls.csv"))
	if os.IsNotExist(err) {
		return nil, nil // no call has ended yet
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, err
	}
	records := make([]PBXRecord, len(lines))
	for i, field := range lines {
		if len(field) != 10 {
			return nil, fmt.Errorf("a record of %d fields: %q", len(field), field)
		}
		records[i] = PBXRecord{
			Endpoint: field[0], CallID: field[1], Number: field[2], From: field[3],
			AssertedIdentity: field[4], CallerID: field[5], Disposition: field[9],
			Start: epoch(field[6]), Answered: epoch(field[7]), End: epoch(field[8]),
		}
	}
	return records, nil
}

// epoch is a time in seconds since 1970, to the microsecond; zero for none.
func epoch(seconds string) time.Time {
	value, err := strconv.ParseFloat(seconds, 64)
	if err != nil || value == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(value * 1e6))
}
