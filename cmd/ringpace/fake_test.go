package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
	"ringpace/pacing/workload"
	"ringpace/sip/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeDaemon answers as a daemon would and keeps what it was asked.
type fakeDaemon struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string // "METHOD /path?query body"
	token    string   // the one that is shown last
	refuse   int      // answer everything with this status, if it is not 0
	me       api.Caller
	ready    bool
}

func newDaemon(t *testing.T) *fakeDaemon {
	d := &fakeDaemon{me: api.Caller{Name: "ops", Role: api.RoleAdmin}, ready: true}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

func (d *fakeDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests = append(d.requests, strings.TrimSpace(r.Method+" "+r.URL.String()+" "+string(body)))
	d.token = r.Header.Get("Authorization")
	if d.refuse != 0 {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(d.refuse)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"status": d.refuse, "detail": "That is refused.", "errors": []map[string]string{{"message": "x.yaml:3:1: first"}, {"message": "x.yaml:9:1: second"}},
		})
		return
	}
	d.answer(w, r)
}

func (d *fakeDaemon) answer(w http.ResponseWriter, r *http.Request) {
	at := time.Now().Add(-90 * time.Second)
	agent := api.AgentStatus{
		ID: "1001", Name: "Ada", Extension: "1001", State: api.AgentTalking, Since: at, Next: api.AgentPaused,
		Call: &api.AgentCall{ID: "01HX", Campaign: "activation", Number: "+4930123456", Dispositions: []string{"sold", "callback"}, RecordingPausedAt: at},
		Lead: &api.LeadView{ID: "7", List: "july", Number: "+4930123456", Fields: map[string]string{"name": "Bob\x1b[2J"}},
		Registered: []api.Registration{{
			User: "1001", Node: "n1", Source: "192.0.2.7:5062", Transport: "wss", UserAgent: "JsSIP\x1b[2J", Expires: at.Add(10 * time.Minute), Silent: true, Disconnected: true,
		}},
		Today: api.AgentFigures{Calls: 12, TalkS: 3600, WaitS: 42},
	}
	campaign := api.CampaignStatus{
		Name: "activation", Mode: "power", Running: true, InFlight: 4, Dials: 100, Connects: 30, Abandoned: 1,
		Leads: map[string]int{"due": 900}, Agents: map[api.AgentState]int{api.AgentReady: 2}, Outcomes: map[cdr.Outcome]int{cdr.Busy: 9, cdr.Person: 30},
		Decision: &api.Decision{Dial: 2, Limit: "agents", Reasons: []api.Fact{{Name: "agents_free", Value: "2"}}},
	}
	status := api.Status{Node: "n1", Version: "v1", UptimeS: 7200, Ready: d.ready, Redis: api.RedisStatus{Up: true}}
	if !d.ready {
		status.NotReady = []string{"no trunk is usable"}
		status.Alarms = []api.Alarm{{Name: "trunk_down:carrier", Detail: "trunk carrier is refused: 403 Forbidden: check the password", Since: at}}
	}
	var v any
	switch r.Method + " " + r.URL.Path {
	case "GET /healthz":
		v = api.Health{Status: "ok"}
	case "GET /readyz":
		if !d.ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		v = api.Readiness{Ready: d.ready, Reasons: status.NotReady}
	case "GET /v1/me":
		v = d.me
	case "GET /v1/status":
		v = status
	case "GET /v1/trunks":
		v = []api.TrunkStatus{{Name: "carrier", State: api.TrunkRefused, Reason: "403 Forbidden: check the password", ChannelsUsed: 3, ChannelsLimit: 30}}
	case "GET /v1/campaigns":
		v = []api.CampaignStatus{campaign}
	case "GET /v1/campaigns/activation", "POST /v1/campaigns/activation/start", "POST /v1/campaigns/activation/stop":
		v = campaign
	case "GET /v1/campaigns/activation/explanation":
		v = api.Explanation{Campaign: "activation", Summary: "2 agents are free.", Limit: "agents", Facts: []api.Fact{{Name: "agents_free", Value: "2", Note: "ready now"}}}
	case "GET /v1/campaigns/activation/leads/7/explanation":
		v = api.LeadExplanation{Campaign: "activation", LeadID: "7", State: "waiting", Summary: "Busy; tried again later.", History: []cdr.Record{{Ordinal: 1, Outcome: cdr.Busy, SIPStatus: 486, SIPReason: "Busy Here"}, {Ordinal: 2, Recording: &cdr.Recording{
			Quality: &cdr.Quality{Left: cdr.Voice{ActiveDBm0: new(-21.53), Talk: 0.41, Clipped: 0.002, FirstWordMS: new(int64(540))}, Silence: 0.3, TalkOver: 0.02},
		}}}}
	case "GET /v1/campaigns/activation/cdrs":
		page := api.CDRPage{}
		if after := r.URL.Query().Get("after"); after != "2-0" {
			page.Next = map[string]string{"": "1-0", "1-0": "2-0"}[after]
			page.Records = []cdr.Record{{Campaign: "activation", Outcome: cdr.Busy, Marks: cdr.Marks{Invite: at, Ended: at.Add(time.Second)}}}
		}
		v = page
	case "GET /v1/campaigns/activation/forecast":
		e := func(mean float64) workload.Estimate {
			return workload.Estimate{Mean: mean, Low: mean / 2, High: mean * 1.5}
		}
		v = api.Forecast{
			Campaign: "activation", At: at, Agents: 12, Leads: 9000, Sampled: 1000, Barred: 1, AnswerShare: 0.213, HandlingS: 98, Calls: 4000,
			Course: workload.Course{
				Hours: []workload.Hour{{At: at, Calls: e(1800), Contacts: e(380), Finished: e(500), Left: e(8500), Utilisation: e(0.6)}},
				Done:  workload.Instant{Median: time.Date(2026, 3, 4, 11, 20, 0, 0, time.UTC), Low: time.Date(2026, 3, 4, 9, 5, 0, 0, time.UTC)},
			},
		}
	case "GET /v1/campaigns/activation/lead-counts":
		v = api.LeadCounts{Campaign: "activation", Total: 1000, States: map[string]int{"due": 900, "final": 100}}
	case "GET /v1/campaigns/activation/leads/7":
		v = api.LeadStatus{Lead: lead.Lead{ID: "7", List: "july", Numbers: []string{"+4930123456"}}, Campaign: "activation", State: "due"}
	case "GET /v1/campaigns/activation/leads":
		_, _ = io.WriteString(w, "id,phone\n7,+4930123456\n")
		return
	case "POST /v1/campaigns/activation/leads":
		lines := json.NewEncoder(w)
		_ = lines.Encode(api.ImportLine{Header: []string{"name", "phone"}})
		_ = lines.Encode(api.ImportLine{Progress: &api.ImportProgress{Bytes: 10, Rows: 1}})
		_ = lines.Encode(api.ImportLine{Reject: &api.RejectedRow{Line: 3, Reason: "no number", Cells: []string{"Bob", ""}}})
		_ = lines.Encode(api.ImportLine{Result: &api.ImportResult{Campaign: "activation", List: "july", Rows: 3, Added: 1, Duplicates: 1, Rejected: 1}})
		return
	case "GET /v1/agents":
		v = []api.AgentStatus{agent}
	case "GET /v1/do-not-call":
		v = api.DoNotCallList{Numbers: []string{"+4930999"}}
	case "POST /v1/do-not-call/add", "POST /v1/do-not-call/remove":
		v = api.DoNotCallChange{Changed: 2}
	case "GET /v1/registrations":
		v = agent.Registered
	case "GET /v1/bans":
		v = []api.Ban{{Source: "198.51.100.7", Reason: "scanner\x1b[2J", Since: at, Until: at.Add(time.Hour), Times: 2, Drops: 70}}
	case "POST /v1/bans":
		v = api.Ban{Source: "198.51.100.7", Reason: "manual", Until: at}
	case "DELETE /v1/bans/198.51.100.7":
		w.WriteHeader(http.StatusNoContent)
		return
	case "GET /v1/calls/01HX/trace":
		v = api.Trace{ID: "01HX", Begin: at, Parties: []trace.Column{{Name: "carrier"}, {Name: "Ringpace"}}, Steps: []trace.Step{
			{At: at, From: 1, To: 0, Label: "INVITE", CSeq: "1 INVITE", Hint: "PCMA", Text: "INVITE sip:x SIP/2.0\r\nTo: \x1b[2J\r\n"},
		}}
	case "POST /v1/reload":
		v = []api.Change{{Key: "campaigns.activation.ratio", Old: "1.2", New: "1.4", Applied: true}, {Key: "sip.listen", Old: "a", New: "b"}}
	default:
		if !strings.HasPrefix(r.URL.Path, "/v1/agents/1001") {
			http.NotFound(w, r)
			return
		}
		v = agent
	}
	_ = json.NewEncoder(w).Encode(v)
}

func (d *fakeDaemon) last() (request, token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.requests) == 0 {
		return "", ""
	}
	return d.requests[len(d.requests)-1], d.token
}

func (d *fakeDaemon) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// ringpace runs a command line against d, which may be nil.
func ringpace(d *fakeDaemon, args ...string) (code int, out, errs string) {
	env := map[string]string{"RINGPACE_TOKEN": "secret", "RINGPACE_SERVER": "http://127.0.0.1:1"}
	if d != nil {
		env["RINGPACE_SERVER"] = d.URL
	}
	var o, e bytes.Buffer
	t := &terminal{in: strings.NewReader("name,phone\n"), out: &o, err: &e, getenv: func(k string) string { return env[k] }, version: "v1"}
	code = run(context.Background(), t, commands(), args)
	return code, o.String(), e.String()
}
