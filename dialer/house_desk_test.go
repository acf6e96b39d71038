package dialer_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/tone"
)

// state is an agent's state.
func (h *house) state(id string) api.AgentState { return h.agent(id).State }

func (h *house) agent(id string) api.AgentStatus {
	h.t.Helper()
	s, err := h.daemon.Agent(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *house) awaitAgent(id string, want api.AgentState) {
	h.t.Helper()
	h.await(fmt.Sprintf("agent %s %s", id, want), func() bool { return h.state(id) == want })
}

// awaitLeads waits until so many of the campaign's leads are in a state.
func (h *house) awaitLeads(n int, state string) {
	h.t.Helper()
	h.await(fmt.Sprintf("%d leads %s", n, state), func() bool {
		counts, err := h.daemon.LeadCounts(h.t.Context(), "test")
		return err == nil && counts.States[state] == n
	})
}

// records are the campaign's call detail records so far.
func (h *house) records() []cdr.Record {
	h.t.Helper()
	page, err := h.daemon.CDRs(h.t.Context(), "test", "", 10_000)
	if err != nil {
		h.t.Fatal(err)
	}
	return page.Records
}

// awaitRecords waits for n records.
func (h *house) awaitRecords(n int) []cdr.Record {
	h.t.Helper()
	h.await(fmt.Sprintf("%d records", n), func() bool { return len(h.records()) >= n })
	recs := h.records()
	if len(recs) != n {
		h.t.Fatalf("%d records, want %d", len(recs), n)
	}
	return recs
}

// file reads the records of the JSONL file.
func (h *house) file() []cdr.Record {
	h.t.Helper()
	var recs []cdr.Record
	paths, err := filepath.Glob(filepath.Join(h.cfg.CDR.Dir, "*.jsonl"))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			h.t.Fatal(err)
		}
		for dec := json.NewDecoder(f); ; {
			var rec cdr.Record
			if err := dec.Decode(&rec); err == io.EOF {
				break
			} else if err != nil {
				h.t.Fatal(err)
			}
			recs = append(recs, rec)
		}
		_ = f.Close()
	}
	return recs
}

// tape reads the recording of a call.
func (h *house) tape(r cdr.Record) tone.Sound {
	h.t.Helper()
	if r.Recording == nil {
		h.t.Fatalf("attempt %s was not recorded", r.ID)
	}
	sound, err := tone.ReadFile(filepath.Join(h.cfg.Recording.Dir, filepath.FromSlash(r.Recording.Path)))
	if err != nil {
		h.t.Fatal(err)
	}
	return sound
}

// load imports leads with these numbers: n means +1 202 555 01nn.
func (h *house) load(from, to int) {
	h.t.Helper()
	list := "phone,name\n"
	for i := from; i < to; i++ {
		list += fmt.Sprintf("%s,Person %d\n", number(i), i)
	}
	res, err := h.daemon.ImportLeads(h.t.Context(), "test", strings.NewReader(list), api.ImportOptions{List: "l"}, ignore)
	if err != nil || res.Added != to-from {
		h.t.Fatalf("imported %+v, error %v", res, err)
	}
}

var ignore = api.ImportWatch{Header: func([]string) {}, Progress: func(api.ImportProgress) {}, Reject: func(api.RejectedRow) {}}

func number(i int) string { return fmt.Sprintf("+1202555%04d", 100+i) }

// leadOf is the lead with that number.
func (h *house) leadOf(n string) api.LeadStatus {
	h.t.Helper()
	s, err := h.daemon.Lead(h.t.Context(), "test", n)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *house) trunks() []api.TrunkStatus {
	h.t.Helper()
	list, err := h.daemon.Trunks(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func (h *house) campaign() api.CampaignStatus {
	h.t.Helper()
	s, err := h.daemon.Campaign(h.t.Context(), "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// startCalls logs an agent in and has the campaign dial.
func (h *house) startCalls(agent string) {
	h.t.Helper()
	if _, err := h.daemon.Login(h.t.Context(), agent); err != nil {
		h.t.Fatal(err)
	}
	h.awaitAgent(agent, api.AgentPaused)
	if _, err := h.daemon.Ready(h.t.Context(), agent); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.daemon.StartCampaign(h.t.Context(), "test"); err != nil {
		h.t.Fatal(err)
	}
}
