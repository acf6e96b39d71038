package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// request sends one request through the server without a network.
func (b bench) request(method, path, secret, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	switch {
	case strings.Contains(path, "/leads?"):
		r.Header.Set("Content-Type", "text/csv")
	case body != "":
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

// operation is one route with a request that makes sense, the least role for it,
// and what the floor is told.
type operation struct {
	method, path, body string
	role               Role // "" is open to all
	self               bool // agent 1001's own
	told               string
}

func operations() []operation {
	const c, a = "/v1/campaigns/activation", "/v1/agents/1001"
	const lead = `{"list":"july","numbers":["+4930123456"]}`
	const numbers = `{"numbers":["030 123456"]}`
	return []operation{
		{"GET", "/healthz", "", "", false, ""},
		{"GET", "/readyz", "", "", false, ""},
		{"GET", "/metrics", "", RoleSupervisor, false, "Agents"},
		{"GET", "/v1/me", "", RoleAgent, false, ""},
		{"GET", "/v1/status", "", RoleSupervisor, false, ""},
		{"GET", "/v1/trunks", "", RoleSupervisor, false, "Trunks"},
		{"GET", "/v1/registrations", "", RoleSupervisor, false, "Registrations"},
		{"GET", "/v1/calls", "", RoleSupervisor, false, "Calls"},
		{"POST", "/v1/calls/01H/hangup", "", RoleSupervisor, false, "HangupCall 01H"},
		{"POST", "/v1/reload", "", RoleAdmin, false, "Reload"},
		{"GET", "/v1/campaigns", "", RoleSupervisor, false, "Campaigns"},
		{"GET", c, "", RoleSupervisor, false, "Campaign activation"},
		{"POST", c + "/start", "", RoleSupervisor, false, "StartCampaign activation"},
		{"POST", c + "/stop", "", RoleSupervisor, false, "StopCampaign activation"},
		{"GET", c + "/explanation", "", RoleSupervisor, false, "Explain activation"},
		{"GET", c + "/forecast?agents=3&shift=mon", "", RoleSupervisor, false, "Forecast activation 3 mon"},
		{"GET", c + "/cdrs?after=7", "", RoleSupervisor, false, "CDRs activation 7"},
		{"GET", "/v1/agents", "", RoleSupervisor, false, "Agents"},
		{"GET", a, "", RoleSupervisor, true, "Agent 1001"},
		{"POST", a + "/login", "", RoleSupervisor, true, "Login 1001"},
		{"POST", a + "/logout", "", RoleSupervisor, true, "Logout 1001"},
		{"POST", a + "/ready", "", RoleSupervisor, true, "Ready 1001"},
		{"POST", a + "/leave", `{"at":"2026-07-02T15:30:00Z","reason":"lunch"}`, RoleSupervisor, true, "Leave 1001 lunch"},
		{"DELETE", a + "/leave", "", RoleSupervisor, true, "Stay 1001"},
		{"POST", a + "/pause", `{"reason":"lunch"}`, RoleSupervisor, true, "Pause 1001 lunch"},
		{"POST", a + "/hangup", "", RoleSupervisor, true, "Hangup 1001"},
		{"POST", a + "/hold", "", RoleSupervisor, true, "Hold 1001"},
		{"POST", a + "/resume", "", RoleSupervisor, true, "Resume 1001"},
		{"POST", a + "/recording-pause", "", RoleSupervisor, true, "PauseRecording 1001"},
		{"DELETE", a + "/recording-pause", "", RoleSupervisor, true, "ResumeRecording 1001"},
		{"POST", a + "/transfer", `{"to":"1002"}`, RoleSupervisor, true, "Transfer 1001 1002"},
		{"POST", a + "/conference", `{"to":"1002"}`, RoleSupervisor, true, "CallIn 1001 1002"},
		{"DELETE", a + "/conference", "", RoleSupervisor, true, "DropThird 1001"},
		{"POST", a + "/listen", `{"supervisor":"eva"}`, RoleSupervisor, false, "Listen 1001 listen eva"},
		{"POST", a + "/whisper", `{"supervisor":"eva"}`, RoleSupervisor, false, "Listen 1001 whisper eva"},
		{"POST", a + "/barge", `{"supervisor":"eva"}`, RoleSupervisor, false, "Listen 1001 barge eva"},
		{"POST", a + "/dispose", `{"disposition":"sold","note":"n"}`, RoleSupervisor, true, "Dispose 1001 sold n"},
		{"POST", a + "/preview", "", RoleSupervisor, true, "Preview 1001"},
		{"POST", a + "/dial", "", RoleSupervisor, true, "Dial 1001"},
		{"POST", a + "/skip", "", RoleSupervisor, true, "Skip 1001"},
		{"GET", c + "/lead-counts", "", RoleSupervisor, false, "LeadCounts activation"},
		{"GET", c + "/leads/a%2Fb", "", RoleSupervisor, false, "Lead activation a/b"},
		{"PUT", c + "/leads/7", lead, RoleAdmin, false, "UpdateLead activation 7 +4930123456"},
		{"DELETE", c + "/leads/7", "", RoleAdmin, false, "WithdrawLead activation 7"},
		{"GET", c + "/leads/7/explanation", "", RoleSupervisor, false, "ExplainLead activation 7"},
		{"GET", c + "/leads", "", RoleAdmin, false, "ExportLeads activation"},
		{"POST", c + "/leads?list=july", "phone\n030123456\n", RoleAdmin, false, "ImportLeads activation"},
		{"GET", "/v1/do-not-call", "", RoleSupervisor, false, "DoNotCall "},
		{"POST", "/v1/do-not-call/add", numbers, RoleAdmin, false, "AddDoNotCall  030 123456"},
		{"POST", "/v1/do-not-call/remove", numbers, RoleAdmin, false, "RemoveDoNotCall  030 123456"},
		{"GET", "/v1/calls/01HX/trace", "", RoleSupervisor, false, "Trace 01HX"},
		{"GET", "/v1/bans", "", RoleSupervisor, false, "Bans"},
		{"POST", "/v1/bans", `{"address":"198.51.100.7","for_s":90}`, RoleAdmin, false, "Ban 198.51.100.7 1m30s"},
		{"DELETE", "/v1/bans/2001:db8::%2F64", "", RoleAdmin, false, "LiftBan 2001:db8::/64"},
	}
}

func TestEveryRouteByRole(t *testing.T) {
	secrets := map[Role]string{"": "", RoleAgent: agentSecret, RoleSupervisor: supervisorSecret, RoleAdmin: adminSecret}
	b := newBench(t)
	for _, o := range operations() {
		for role, secret := range secrets {
			t.Run(fmt.Sprintf("%s %s as %q", o.method, o.path, role), func(t *testing.T) {
				b.floor.forget()
				got := b.request(o.method, o.path, secret, o.body)
				told, caller := b.floor.last()
				allowed := role.rank() >= o.role.rank() || (o.self && role == RoleAgent)
				if allowed {
					if got.Code >= 300 {
						t.Fatalf("status %d: %s", got.Code, got.Body)
					}
					if told != o.told {
						t.Errorf("the floor was told %q, want %q", told, o.told)
					}
					if told != "" && o.path != "/metrics" && caller.Role != role {
						t.Errorf("the floor heard %q asking, want role %q", caller.Role, role)
					}
					return
				}
				want := http.StatusForbidden
				if role == "" {
					want = http.StatusUnauthorized
				}
				if got.Code != want {
					t.Errorf("status %d, want %d: %s", got.Code, want, got.Body)
				}
				if ct := got.Header().Get("Content-Type"); ct != "application/problem+json" {
					t.Errorf("content type %q of a refusal", ct)
				}
				if told != "" {
					t.Errorf("refused, yet the floor was told %q", told)
				}
			})
		}
	}
}

func TestAgentActsOnlyAsItself(t *testing.T) {
	b := newBench(t)
	for _, o := range operations() {
		if !o.self {
			continue
		}
		path := strings.Replace(o.path, "1001", "1002", 1)
		if got := b.request(o.method, path, agentSecret, o.body); got.Code != http.StatusForbidden {
			t.Errorf("%s %s: status %d, want 403", o.method, path, got.Code)
		}
	}
	if told, _ := b.floor.last(); told != "" {
		t.Errorf("the floor was told %q", told)
	}
}

func TestOpenMetrics(t *testing.T) {
	b := newBench(t, func(c *Config) { c.OpenMetrics = true })
	if got := b.request("GET", "/metrics", "", ""); got.Code != http.StatusOK {
		t.Errorf("status %d", got.Code)
	}
}

func TestWrongTokensAreSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for i := range guessesAllowed {
			if got := b.request("GET", "/v1/me", "wrong", ""); got.Code != http.StatusUnauthorized {
				t.Fatalf("guess %d: status %d", i+1, got.Code)
			}
		}
		got := b.request("GET", "/v1/me", adminSecret, "")
		if got.Code != http.StatusTooManyRequests || got.Header().Get("Retry-After") == "" {
			t.Fatalf("after the guesses: status %d, Retry-After %q", got.Code, got.Header().Get("Retry-After"))
		}
		time.Sleep(guessRegain) // virtual
		if got := b.request("GET", "/v1/me", adminSecret, ""); got.Code != http.StatusOK {
			t.Errorf("after the wait: status %d", got.Code)
		}
	})
}

func TestGuardForgetsTheOldest(t *testing.T) {
	g, now := newGuard(), time.Now()
	for i := range guessersKept + 100 {
		g.failed(fmt.Sprintf("10.%d.%d.%d:5000", i>>16, i>>8&255, i&255), now)
	}
	if n := len(g.debt); n > guessersKept {
		t.Errorf("%d addresses remembered, want at most %d", n, guessersKept)
	}
}

func TestGuardCountsIPv6ByNetwork(t *testing.T) {
	if guardKey("[2001:db8::1]:1") != guardKey("[2001:db8::2]:9") {
		t.Error("two hosts of one /64 count apart")
	}
	if guardKey("[2001:db8:0:1::1]:1") == guardKey("[2001:db8::1]:1") {
		t.Error("two networks count together")
	}
	if guardKey("[::ffff:10.0.0.1]:1") != guardKey("10.0.0.1:2") {
		t.Error("a mapped address counts apart")
	}
}

func TestTokensAreChecked(t *testing.T) {
	b := newBench(t)
	for name, tokens := range map[string][]Token{
		"no secret":        {{Name: "a", Role: RoleAdmin}},
		"no name":          {{Role: RoleAdmin, Secret: "s"}},
		"unknown role":     {{Name: "a", Role: "root", Secret: "s"}},
		"agent without id": {{Name: "a", Role: RoleAgent, Secret: "s"}},
		"admin with agent": {{Name: "a", Role: RoleAdmin, Agent: "1001", Secret: "s"}},
		"two of one name":  {{Name: "a", Role: RoleAdmin, Secret: "s"}, {Name: "a", Role: RoleAdmin, Secret: "t"}},
	} {
		t.Run(name, func(t *testing.T) {
			if b.SetTokens(tokens) == nil {
				t.Error("taken")
			}
			if got := b.request("GET", "/v1/me", adminSecret, ""); got.Code != http.StatusOK {
				t.Errorf("the old tokens are gone: status %d", got.Code)
			}
		})
	}
}

func TestReplacedTokens(t *testing.T) {
	b := newBench(t)
	if err := b.SetTokens([]Token{{Name: "new", Role: RoleAdmin, Secret: "fresh"}}); err != nil {
		t.Fatal(err)
	}
	if got := b.request("GET", "/v1/me", adminSecret, ""); got.Code != http.StatusUnauthorized {
		t.Errorf("the old token: status %d", got.Code)
	}
	if got := b.request("GET", "/v1/me", "fresh", ""); got.Code != http.StatusOK {
		t.Errorf("the new token: status %d", got.Code)
	}
}

func TestWithoutTokensOnlyThisMachineGetsIn(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Tokens = nil })
	for _, c := range []struct {
		remote, host, site string
		want               int
	}{
		{"127.0.0.1:4000", "127.0.0.1:8080", "", http.StatusOK},
		{"[::1]:4000", "localhost:8080", "", http.StatusOK},
		{"[::1]:4000", "[::1]:8080", "", http.StatusOK},
		{"10.0.0.7:4000", "127.0.0.1:8080", "", http.StatusUnauthorized},
		{"127.0.0.1:4000", "evil.example:8080", "", http.StatusUnauthorized}, // DNS rebinding
		{"127.0.0.1:4000", "127.0.0.1:8080", "cross-site", http.StatusForbidden},
	} {
		r := httptest.NewRequest("POST", "/v1/campaigns/activation/start", nil)
		r.RemoteAddr, r.Host = c.remote, c.host
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%+v: status %d", c, w.Code)
		}
	}
}
