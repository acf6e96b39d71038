package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringpace/dialer/cdr"
)

func TestRefusalsBecomeProblems(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		err    error
		status int
		detail string
	}{
		{NotFound("no campaign %q", "x"), 404, `no campaign "x"`},
		{Conflict("agent 1001 is talking"), 409, "agent 1001 is talking"},
		{Invalid("no such pause reason"), 422, "no such pause reason"},
		{Unavailable("the store is away"), 503, "the store is away"},
		{fmt.Errorf("agent: %w", NotFound("no agent 7")), 404, "agent: no agent 7"},
		{context.DeadlineExceeded, 503, "in time"},
		{errors.New("secret inside: redis password"), 500, "its log says what"},
	} {
		b.floor.fail(c.err, nil)
		got := b.request("GET", "/v1/campaigns/x", adminSecret, "")
		var model huma.ErrorModel
		if err := json.Unmarshal(got.Body.Bytes(), &model); err != nil {
			t.Fatalf("%v: %v in %s", c.err, err, got.Body)
		}
		if got.Code != c.status || model.Status != c.status || !strings.Contains(model.Detail, c.detail) {
			t.Errorf("%v: %d %+v", c.err, got.Code, model)
		}
		if strings.Contains(got.Body.String(), "password") {
			t.Errorf("an inner error went out: %s", got.Body)
		}
	}
}

func TestReloadTellsEveryFault(t *testing.T) {
	b := newBench(t)
	b.floor.fail(&Refusal{Kind: ErrInvalid, Detail: "The file has faults.", Problems: []string{"a.yaml:3:1: x", "a.yaml:9:1: y"}}, nil)
	got := b.request("POST", "/v1/reload", adminSecret, "")
	if got.Code != 422 || !strings.Contains(got.Body.String(), "a.yaml:9:1: y") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func TestInputIsChecked(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/agents/1001/pause", `{"reason":""}`, 422},
		{"POST", "/v1/agents/1001/pause", `{"reason":"x","more":1}`, 422},
		{"POST", "/v1/agents/1001/pause", `{`, 400},
		{"POST", "/v1/agents/1001/dispose", `{"disposition":"` + strings.Repeat("x", 65) + `"}`, 422},
		{"POST", "/v1/agents/1001/dispose", `{"disposition":"sold","note":"` + strings.Repeat("x", maxBody) + `"}`, 413},
		{"GET", "/v1/campaigns/a/cdrs?limit=5000", "", 422},
		{"PUT", "/v1/campaigns/a/leads/1", `{"list":"l","numbers":[]}`, 422},
		{"POST", "/v1/do-not-call/add", `{"numbers":[]}`, 422},
		{"POST", "/v1/campaigns/a/leads?region=Germany&list=x", "a\n", 422},
		{"POST", "/v1/campaigns/a/leads?column=x&list=x", "a\n", 422},
		{"POST", "/v1/nothing", "", 404},
		{"DELETE", "/v1/status", "", 405},
	} {
		if got := b.request(c.method, c.path, adminSecret, c.body); got.Code != c.status {
			t.Errorf("%s %s %.40s: status %d, want %d: %s", c.method, c.path, c.body, got.Code, c.status, got.Body)
		}
		if told, _ := b.floor.last(); told != "" {
			t.Errorf("%s %s: the floor was told %q", c.method, c.path, told)
		}
	}
}

func TestReadiness(t *testing.T) {
	b := newBench(t)
	if got := b.request("GET", "/readyz", "", ""); got.Code != 200 || !strings.Contains(got.Body.String(), `"reasons":[]`) {
		t.Errorf("ready: %d %s", got.Code, got.Body)
	}
	b.floor.setReady(false)
	if got := b.request("GET", "/readyz", "", ""); got.Code != 503 || !strings.Contains(got.Body.String(), "no trunk is usable") {
		t.Errorf("not ready: %d %s", got.Code, got.Body)
	}
}

func TestNoNullLists(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/v1/status", "/v1/trunks", "/v1/calls", "/v1/campaigns", "/v1/campaigns/a", "/v1/agents/1001", "/v1/campaigns/a/explanation"} {
		got := b.request("GET", path, adminSecret, "")
		if strings.Contains(got.Body.String(), "null") {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
}

var pathParam = regexp.MustCompile(`\{([a-z]+)\}`)

// TestOpenAPICoversEveryRoute compares the document with the table of routes, both
// ways, and checks that it holds together.
func TestOpenAPICoversEveryRoute(t *testing.T) {
	b := newBench(t)
	got := b.request("GET", "/openapi.json", "", "")
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]json.RawMessage
		Components struct {
			Schemas         map[string]json.RawMessage
			SecuritySchemes map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(got.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("openapi %q", doc.OpenAPI)
	}
	for _, ref := range regexp.MustCompile(`"\$ref": ?"([^"]*)"`).FindAllStringSubmatch(got.Body.String(), -1) {
		name := strings.TrimPrefix(ref[1], "#/components/schemas/")
		if _, ok := doc.Components.Schemas[name]; !ok {
			t.Errorf("%s leads nowhere", ref[1])
		}
	}
	tried := make(map[string]int)
	all := append(operations(), operation{method: "GET", path: "/v1/events", role: RoleAgent})
	ids := make(map[string]bool)
	for template, methods := range doc.Paths {
		pattern := regexp.MustCompile("^" + pathParam.ReplaceAllString(template, "[^/]+") + "$")
		for method, raw := range methods {
			var o struct {
				OperationID, Summary string
				Parameters           []struct{ Name, In string }
				Responses            map[string]json.RawMessage
				Security             []map[string][]string
			}
			if err := json.Unmarshal(raw, &o); err != nil {
				t.Fatal(err)
			}
			where := strings.ToUpper(method) + " " + template
			if o.OperationID == "" || ids[o.OperationID] || o.Summary == "" || len(o.Responses) == 0 {
				t.Errorf("%s: id %q, summary %q, %d responses", where, o.OperationID, o.Summary, len(o.Responses))
			}
			ids[o.OperationID] = true
			for _, m := range pathParam.FindAllStringSubmatch(template, -1) {
				found := false
				for _, p := range o.Parameters {
					found = found || (p.In == "path" && p.Name == m[1])
				}
				if !found {
					t.Errorf("%s: parameter %s is not described", where, m[1])
				}
			}
			matched := false
			for _, k := range all {
				plain, _, _ := strings.Cut(k.path, "?")
				if strings.EqualFold(k.method, method) && pattern.MatchString(plain) {
					matched = true
					tried[k.method+" "+k.path]++
					if (k.role != "") != (len(o.Security) > 0) {
						t.Errorf("%s: the document and the table differ on whether it needs a token", where)
					}
				}
			}
			if !matched {
				t.Errorf("%s is in the document and in no test", where)
			}
		}
	}
	for _, k := range all {
		if tried[k.method+" "+k.path] == 0 {
			t.Errorf("%s %s is served and not in the document", k.method, k.path)
		}
	}
	if got := b.request("GET", "/openapi.yaml", "", ""); got.Code != 200 || !strings.Contains(got.Body.String(), "openapi: 3.1") {
		t.Errorf("yaml: %d %.80s", got.Code, got.Body)
	}
}

func TestDocsWorkOffline(t *testing.T) {
	b := newBench(t)
	got := b.request("GET", "/docs", "", "")
	page := got.Body.String()
	if got.Code != 200 || !strings.Contains(page, "/v1/agents/{agent}/pause") {
		t.Fatalf("%d %.200s", got.Code, page)
	}
	if strings.Contains(page, "http://") || strings.Contains(page, "https://") || strings.Contains(page, "<script") {
		t.Error("the page fetches something")
	}
}

// online serves b on a real socket until the test ends.
func (b bench) online(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return "http://" + l.Addr().String()
}

func newClient(t *testing.T, base, token string) *Client {
	t.Helper()
	c, err := NewClient(base, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestServeEndsWithOpenStreams(t *testing.T) {
	b := newBench(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Serve(ctx, l) }()
	client := newClient(t, l.Addr().String(), supervisorSecret)
	ended := make(chan error, 1)
	begun := make(chan struct{}, 16)
	go func() {
		_, err := client.Events(context.Background(), "", func(Event) error { begun <- struct{}{}; return nil })
		ended <- err
	}()
	publishUntil(t, b.feed, begun)
	cancel()
	for _, ch := range []chan error{done, ended} {
		select {
		case err := <-ch:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the server did not end")
		}
	}
}

// publishUntil publishes events until one has come through, so that a reader is
// known to be on.
func publishUntil(t *testing.T, feed *Feed, seen <-chan struct{}) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		feed.Publish(Event{Kind: EventTrunk, Trunk: &TrunkStatus{Name: "probe"}})
		select {
		case <-seen:
			return
		case <-again.C:
		case <-deadline:
			t.Fatal("no event came through")
		}
	}
}

func TestServeTellsOfABrokenListener(t *testing.T) {
	b := newBench(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := b.Serve(context.Background(), l); err == nil {
		t.Error("no error")
	}
}

func TestMetricsTellTheFloor(t *testing.T) {
	b := newBench(t)
	b.stats.AttemptStarted("activation", "carrier")
	rec := endedRecord()
	rec.Customer = &cdr.Leg{Sent: 1000, Received: 990, Lost: 10, JitterMS: 3, MOS: 4.32, Remote: &cdr.RemoteLeg{Lost: 50, JitterMS: 8, RoundTripMS: 40, MOS: 3.93}}
	rec.AgentLeg = &cdr.Leg{Sent: 1000, Received: 1000, MOS: 4.41} // whose telephone reports nothing
	b.stats.AttemptEnded(rec)
	b.stats.Decided("activation", 17*time.Microsecond)
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Authorization", "Bearer "+supervisorSecret)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	for _, want := range []string{
		`ringpace_attempts_total{campaign="activation",outcome="person"} 1.0`,
		`ringpace_attempts_started_total{campaign="activation",trunk="carrier"} 1.0`,
		`ringpace_answer_to_agent_seconds_count{campaign="activation"} 1`,
		`# {attempt_id="01HX"} 0.012`,
		`ringpace_talk_seconds_sum{campaign="activation"} 60.0`,
		`ringpace_recording_active_level_dbm0_sum{campaign="activation",party="customer"} -21.5`,
		`ringpace_recording_active_level_dbm0_count{campaign="activation",party="customer"} 1`,
		`ringpace_recording_talk_ratio_sum{campaign="activation",party="agent"} 0.25`,
		`ringpace_recording_clipped_ratio_count{campaign="activation",party="customer"} 1`,
		`ringpace_recording_time_ratio_sum{campaign="activation",of="talk_over"} 0.125`,
		`ringpace_recording_time_ratio_sum{campaign="activation",of="silence"} 0.375`,
		`ringpace_answer_delay_seconds_sum{campaign="activation"} 8.0`,
		`ringpace_leg_mos_sum{campaign="activation",direction="in",leg="customer"} 4.32`,
		`ringpace_leg_mos_sum{campaign="activation",direction="out",leg="customer"} 3.93`,
		`ringpace_leg_mos_sum{campaign="activation",direction="in",leg="agent"} 4.41`,
		`ringpace_leg_loss_ratio_sum{campaign="activation",direction="in",leg="customer"} 0.01`,
		`ringpace_leg_loss_ratio_sum{campaign="activation",direction="out",leg="customer"} 0.05`,
		`ringpace_leg_jitter_seconds_sum{campaign="activation",direction="out",leg="customer"} 0.008`,
		`ringpace_leg_round_trip_seconds_sum{campaign="activation",leg="customer"} 0.04`,
		`ringpace_agents{state="ready"} 1.0`,
		`ringpace_agents{state="talking"} 0.0`,
		`ringpace_trunk_registered{trunk="carrier"} 1.0`,
		`ringpace_trunk_channels{trunk="carrier"} 3.0`,
		`ringpace_leads{campaign="activation",state="due"} 5.0`,
		`ringpace_pacing_risk_allowed{campaign="activation"} 0.02`,
		`ringpace_pacing_risk{campaign="activation"} 0.03`,
		`ringpace_pacing_learned_calls{campaign="activation"} 400.0`,
		`ringpace_abandonment_answered{campaign="activation",window="day"} 200.0`,
		`ringpace_abandonment_abandoned{campaign="activation",window="day"} 5.0`,
		`ringpace_abandonment_ratio{campaign="activation",window="day"} 0.025`,
		`ringpace_abandonment_ratio{campaign="activation",window="30_days"} 0.0`,
		`ringpace_abandonment_ceiling_ratio{campaign="activation",window="day"} 0.03`,
		`ringpace_abandonment_credit{campaign="activation",window="day"} 1.0`,
		`ringpace_sip_received_total 7.0`,
		`ringpace_redis_up 1.0`,
		`ringpace_recording_packets_dropped_total 9.0`,
		`ringpace_recording_unwritten_seconds_total 1.5`,
		`ringpace_build_info{go=`,
		`ringpace_up 1.0`,
		`go_goroutines`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(w.Body.String(), `direction="out",leg="agent"`) {
		t.Error("a leg whose far side reported nothing is measured")
	}
	if strings.Contains(w.Body.String(), `dbm0_count{campaign="activation",party="agent"}`) {
		t.Error("an agent who was not heard has a level")
	}
	if t.Failed() {
		t.Log(w.Body)
	}
}

func TestMetricsWithoutFloor(t *testing.T) {
	b := newBench(t)
	b.floor.fail(errors.New("away"), nil)
	got := b.request("GET", "/metrics", supervisorSecret, "")
	if got.Code != 200 || !strings.Contains(got.Body.String(), "ringpace_up 0") {
		t.Errorf("%d %.300s", got.Code, got.Body)
	}
}

func TestExport(t *testing.T) {
	b := newBench(t)
	client := newClient(t, b.online(t), adminSecret)
	var out strings.Builder
	if err := client.ExportLeads(context.Background(), "activation", &out); err != nil || !strings.Contains(out.String(), "+4930123456") {
		t.Errorf("%v %q", err, out.String())
	}
	b.floor.fail(nil, errors.New("store gone half-way"))
	if err := client.ExportLeads(context.Background(), "activation", io.Discard); err == nil {
		t.Error("half a list was taken for a whole one")
	}
	b.floor.fail(NotFound("no campaign %q", "x"), nil)
	if err := client.ExportLeads(context.Background(), "x", io.Discard); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestStrangersGetNoFurther(t *testing.T) {
	b := newBench(t)
	base := b.online(t)
	for path, status := range map[string]int{"/": 404, "/v1": 404, "/v1/../v1/status": 401, "//v1//status": 401} {
		req, err := http.NewRequest("GET", base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
