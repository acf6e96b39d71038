package api

import (
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

// ImportOptions say how a CSV file is to be read. The zero value but for List is
// right for most files.
type ImportOptions struct {
	List     string            // the list's name; leads keep it
	Region   string            // ISO 3166 alpha-2 for numbers without country code; "": as configured
	Encoding string            // "utf-8", "gb18030"; "": found from the text
	Columns  map[string]string // header of the file -> name that Ringpace knows; nil: found from the header
}

// ImportWatch is told of the progress of an import. The functions are called from
// the importing goroutine, one at a time, and are never nil.
type ImportWatch struct {
	Header   func(columns []string) // once, before the others: the names of the columns
	Progress func(ImportProgress)   // now and then; at most a few times a second
	Reject   func(RejectedRow)      // for each row that is not taken
}

// ImportProgress is how far an import has come.
type ImportProgress struct {
	Bytes      int64 `json:"bytes" doc:"Read so far"`
	Rows       int   `json:"rows" doc:"Read so far, the header left out"`
	Added      int   `json:"added"`
	Duplicates int   `json:"duplicates"`
	Rejected   int   `json:"rejected"`
}

// RejectedRow is a row of the file that was not taken, duplicates included.
type RejectedRow struct {
	Line   int      `json:"line" doc:"Line of the file on which the row starts, 1 is the header"`
	Reason string   `json:"reason" doc:"What is wrong with it"`
	Cells  []string `json:"cells,omitempty" doc:"The row as it was read; absent where it could not be split"`
}

// ImportResult is what an import came to. Rows = Added + Duplicates + Rejected.
type ImportResult struct {
	Campaign   string  `json:"campaign"`
	List       string  `json:"list"`
	Rows       int     `json:"rows"`
	Added      int     `json:"added"`
	Duplicates int     `json:"duplicates" doc:"Rows whose lead the campaign, or an earlier row, had already; not taken"`
	Rejected   int     `json:"rejected" doc:"Rows that could not be read as a lead"`
	DurationS  float64 `json:"duration_s"`
}

// LeadCounts are the leads of a campaign by state and by list.
type LeadCounts struct {
	Campaign string         `json:"campaign"`
	Total    int            `json:"total"`
	States   map[string]int `json:"states" doc:"Leads by state"`
}

// LeadStatus is a lead and where it stands.
type LeadStatus struct {
	lead.Lead
	Campaign string    `json:"campaign"`
	State    string    `json:"state" doc:"Where it stands, such as due, waiting, claimed, final, withdrawn"`
	NextTry  time.Time `json:"next_try,omitzero" doc:"Not dialed before then"`
}

// LeadExplanation says why a lead is not dialed now.
type LeadExplanation struct {
	Campaign string       `json:"campaign"`
	LeadID   string       `json:"lead_id"`
	At       time.Time    `json:"at"`
	State    string       `json:"state"`
	Dialable bool         `json:"dialable" doc:"Nothing stands against dialing it now"`
	Summary  string       `json:"summary" doc:"One or two sentences: what stands against it and until when"`
	NextTry  time.Time    `json:"next_try,omitzero"`
	Facts    []Fact       `json:"facts" doc:"Each rule as it judged the lead"`
	History  []cdr.Record `json:"history,omitempty" doc:"Its attempts, oldest first, as far as they are kept"`
}
