package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
	"ringpace/pacing/workload"
	"ringpace/sip/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeFloor answers with fixed facts and notes what it was told to do.
type fakeFloor struct {
	mu    sync.Mutex
	calls []string // "Method arg arg"
	actor []Caller // who asked, one for each of calls

	ready     bool
	err       error  // every method but Status answers with it
	exportErr error  // after the first line
	imported  string // the body as it was read
	opts      ImportOptions
}

func (f *fakeFloor) note(ctx context.Context, words ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, _ := CallerFrom(ctx)
	f.calls, f.actor = append(f.calls, strings.Join(words, " ")), append(f.actor, c)
	return f.err
}

// fail makes every method but Status answer with err; export makes the list break
// off with it.
func (f *fakeFloor) fail(err, export error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.exportErr = err, export
}

func (f *fakeFloor) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.actor = nil, nil
}

func (f *fakeFloor) last() (string, Caller) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.calls) == 0 {
		return "", Caller{}
	}
	return f.calls[len(f.calls)-1], f.actor[len(f.actor)-1]
}

func (f *fakeFloor) setReady(ready bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready = ready
}

func (f *fakeFloor) Status(context.Context) (Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{Node: "n1", Version: "v1", Ready: f.ready, Redis: RedisStatus{Up: true}, SIP: SIPStatus{Received: 7}, Recording: RecordingStatus{Dropped: 9, UnwrittenS: 1.5}}
	if !f.ready {
		s.NotReady = []string{"no trunk is usable"}
	}
	return s, nil
}

func (f *fakeFloor) Registrations(ctx context.Context) ([]Registration, error) {
	return []Registration{{User: "1001", Transport: "wss", UserAgent: "browser"}}, f.note(ctx, "Registrations")
}

func (f *fakeFloor) Trunks(ctx context.Context) ([]TrunkStatus, error) {
	return []TrunkStatus{{Name: "carrier", State: TrunkRegistered, Usable: true, ChannelsUsed: 3, ChannelsLimit: 30}}, f.note(ctx, "Trunks")
}

func (f *fakeFloor) Calls(ctx context.Context) ([]CallStatus, error) {
	return nil, f.note(ctx, "Calls")
}

func (f *fakeFloor) HangupCall(ctx context.Context, id string) error {
	return f.note(ctx, "HangupCall", id)
}

func (f *fakeFloor) Campaigns(ctx context.Context) ([]CampaignStatus, error) {
	return []CampaignStatus{{Name: "activation", Leads: map[string]int{"due": 5}, Decision: &Decision{Predictive: &Prospect{
		Theta: 0.02, Risk: 0.03, Learned: 400,
		Windows: []Window{{Name: "day", Ceiling: 0.03, Answered: 200, Abandoned: 5, Credit: 1}, {Name: "30_days", Ceiling: 0.03}},
	}}}}, f.note(ctx, "Campaigns")
}

func (f *fakeFloor) Campaign(ctx context.Context, name string) (CampaignStatus, error) {
	return CampaignStatus{Name: name, Decision: &Decision{Dial: 2, Limit: "agents"}}, f.note(ctx, "Campaign", name)
}

func (f *fakeFloor) StartCampaign(ctx context.Context, name string) (CampaignStatus, error) {
	return CampaignStatus{Name: name, Running: true}, f.note(ctx, "StartCampaign", name)
}

func (f *fakeFloor) StopCampaign(ctx context.Context, name string) (CampaignStatus, error) {
	return CampaignStatus{Name: name}, f.note(ctx, "StopCampaign", name)
}

func (f *fakeFloor) Explain(ctx context.Context, name string) (Explanation, error) {
	return Explanation{Campaign: name, Summary: "Two agents are free."}, f.note(ctx, "Explain", name)
}

func (f *fakeFloor) Forecast(ctx context.Context, name string, q ForecastQuery) (Forecast, error) {
	return Forecast{Campaign: name, Agents: q.Agents, Course: workload.Course{Hours: []workload.Hour{}}}, f.note(ctx, "Forecast", name, fmt.Sprint(q.Agents), q.Shift)
}

func (f *fakeFloor) CDRs(ctx context.Context, name, after string, limit int) (CDRPage, error) {
	return CDRPage{Records: []cdr.Record{{ID: "a1", Outcome: cdr.Person}}}, f.note(ctx, "CDRs", name, after)
}

func (f *fakeFloor) Agents(ctx context.Context) ([]AgentStatus, error) {
	return []AgentStatus{{ID: "1001", State: AgentReady}}, f.note(ctx, "Agents")
}

func (f *fakeFloor) agent(ctx context.Context, method, id string, words ...string) (AgentStatus, error) {
	return AgentStatus{ID: id, State: AgentReady}, f.note(ctx, append([]string{method, id}, words...)...)
}

func (f *fakeFloor) Agent(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Agent", id)
}

func (f *fakeFloor) Login(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Login", id)
}

func (f *fakeFloor) Logout(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Logout", id)
}

func (f *fakeFloor) Ready(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Ready", id)
}

func (f *fakeFloor) PauseRecording(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "PauseRecording", id)
}

func (f *fakeFloor) ResumeRecording(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "ResumeRecording", id)
}

func (f *fakeFloor) Transfer(ctx context.Context, id, to string) (AgentStatus, error) {
	return f.agent(ctx, "Transfer", id, to)
}

func (f *fakeFloor) CallIn(ctx context.Context, id, to string) (AgentStatus, error) {
	return f.agent(ctx, "CallIn", id, to)
}

func (f *fakeFloor) DropThird(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "DropThird", id)
}

func (f *fakeFloor) Listen(ctx context.Context, id string, part ListenPart, supervisor string) (AgentStatus, error) {
	return f.agent(ctx, "Listen", id, string(part), supervisor)
}

func (f *fakeFloor) Pause(ctx context.Context, id, reason string) (AgentStatus, error) {
	return f.agent(ctx, "Pause", id, reason)
}

func (f *fakeFloor) Leave(ctx context.Context, id string, l Leave) (AgentStatus, error) {
	return f.agent(ctx, "Leave", id, l.Reason)
}

func (f *fakeFloor) Stay(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Stay", id)
}

func (f *fakeFloor) Hangup(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Hangup", id)
}

func (f *fakeFloor) Hold(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Hold", id)
}

func (f *fakeFloor) Resume(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Resume", id)
}

func (f *fakeFloor) Dispose(ctx context.Context, id string, d Disposition) (AgentStatus, error) {
	return f.agent(ctx, "Dispose", id, d.Name, d.Note)
}

func (f *fakeFloor) Preview(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Preview", id)
}

func (f *fakeFloor) Dial(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Dial", id)
}

func (f *fakeFloor) Skip(ctx context.Context, id string) (AgentStatus, error) {
	return f.agent(ctx, "Skip", id)
}

// ImportLeads takes each line but the first for a row: "bad…" is rejected, "dup…"
// known already, and "stop" ends with an error.
func (f *fakeFloor) ImportLeads(ctx context.Context, name string, r io.Reader, opts ImportOptions, w ImportWatch) (ImportResult, error) {
	if err := f.note(ctx, "ImportLeads", name); err != nil {
		return ImportResult{}, err
	}
	res := ImportResult{Campaign: name, List: opts.List}
	var p ImportProgress
	var all strings.Builder
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		if err != nil && line == "" {
			if err != io.EOF {
				return res, err
			}
			break
		}
		p.Bytes += int64(len(line))
		line = strings.TrimRight(line, "\r\n")
		if n == 1 {
			w.Header(strings.Split(line, ","))
			continue
		}
		res.Rows++
		switch {
		case strings.HasPrefix(line, "bad"), strings.HasPrefix(line, "dup"):
			w.Reject(RejectedRow{Line: n, Reason: line[:3], Cells: strings.Split(line, ",")})
			if line[0] == 'b' {
				res.Rejected++
			} else {
				res.Duplicates++
			}
		case line == "stop":
			return res, Unavailable("the store is away")
		default:
			res.Added++
		}
		p.Rows, p.Added, p.Duplicates, p.Rejected = res.Rows, res.Added, res.Duplicates, res.Rejected
		if res.Rows%100 == 0 {
			w.Progress(p)
		}
	}
	w.Progress(p)
	f.mu.Lock()
	f.imported, f.opts = all.String(), opts
	f.mu.Unlock()
	return res, nil
}

func (f *fakeFloor) ExportLeads(ctx context.Context, name string, w io.Writer) error {
	if err := f.note(ctx, "ExportLeads", name); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "id,phone\n1,+4930123456\n"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.exportErr
}

func (f *fakeFloor) LeadCounts(ctx context.Context, name string) (LeadCounts, error) {
	return LeadCounts{Campaign: name, Total: 3}, f.note(ctx, "LeadCounts", name)
}

func (f *fakeFloor) Lead(ctx context.Context, name, id string) (LeadStatus, error) {
	return LeadStatus{Lead: lead.Lead{ID: id}, Campaign: name}, f.note(ctx, "Lead", name, id)
}

func (f *fakeFloor) UpdateLead(ctx context.Context, name string, l lead.Lead) (LeadStatus, error) {
	return LeadStatus{Lead: l, Campaign: name}, f.note(ctx, "UpdateLead", name, l.ID, strings.Join(l.Numbers, ","))
}

func (f *fakeFloor) WithdrawLead(ctx context.Context, name, id string) error {
	return f.note(ctx, "WithdrawLead", name, id)
}

func (f *fakeFloor) ExplainLead(ctx context.Context, name, id string) (LeadExplanation, error) {
	return LeadExplanation{Campaign: name, LeadID: id, At: time.Now()}, f.note(ctx, "ExplainLead", name, id)
}

func (f *fakeFloor) DoNotCall(ctx context.Context, name string) ([]string, error) {
	return []string{"+4930999"}, f.note(ctx, "DoNotCall", name)
}

func (f *fakeFloor) AddDoNotCall(ctx context.Context, name string, numbers []string) (int, error) {
	return len(numbers), f.note(ctx, "AddDoNotCall", name, strings.Join(numbers, ","))
}

func (f *fakeFloor) RemoveDoNotCall(ctx context.Context, name string, numbers []string) (int, error) {
	return len(numbers), f.note(ctx, "RemoveDoNotCall", name, strings.Join(numbers, ","))
}

func (f *fakeFloor) Trace(ctx context.Context, id string) (*Trace, error) {
	return &Trace{ID: id, Parties: []trace.Column{{Name: "carrier"}}, Steps: []trace.Step{{Label: "INVITE"}}}, f.note(ctx, "Trace", id)
}

func (f *fakeFloor) Bans(ctx context.Context) ([]Ban, error) {
	return []Ban{{Source: "198.51.100.7", Reason: "scanner"}}, f.note(ctx, "Bans")
}

func (f *fakeFloor) Ban(ctx context.Context, address string, length time.Duration) (Ban, error) {
	return Ban{Source: address}, f.note(ctx, "Ban", address, length.String())
}

func (f *fakeFloor) LiftBan(ctx context.Context, address string) error {
	return f.note(ctx, "LiftBan", address)
}

func (f *fakeFloor) Reload(ctx context.Context) ([]Change, error) {
	return []Change{{Key: "campaigns.activation.ratio", Old: "1.2", New: "1.4", Applied: true}}, f.note(ctx, "Reload")
}

const (
	adminSecret      = "admin-secret-of-the-test"
	supervisorSecret = "supervisor-secret-of-the-test"
	agentSecret      = "agent-secret-of-the-test"
)

// bench is a server with a fake floor behind it.
type bench struct {
	*Server
	floor *fakeFloor
	feed  *Feed
	stats *Metrics
}

func newBench(t testing.TB, change ...func(*Config)) bench {
	t.Helper()
	b := bench{floor: &fakeFloor{ready: true}, feed: NewFeed(), stats: NewMetrics("v1")}
	cfg := Config{
		Floor: b.floor, Feed: b.feed, Metrics: b.stats, Version: "v1",
		Tokens: []Token{
			{Name: "ops", Role: RoleAdmin, Secret: adminSecret},
			{Name: "lead", Role: RoleSupervisor, Secret: supervisorSecret},
			{Name: "desk", Role: RoleAgent, Agent: "1001", Secret: agentSecret},
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.Server = s
	return b
}
