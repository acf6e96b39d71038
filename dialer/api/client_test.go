package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestClientSpeaksWithTheServer(t *testing.T) {
	b := newBench(t)
	c := newClient(t, b.online(t), adminSecret)
	ctx := context.Background()
	for _, k := range []struct {
		told string
		do   func() error
	}{
		{"", func() error { _, err := c.Status(ctx); return err }},
		{"", func() error { _, err := c.Me(ctx); return err }},
		{"Trunks", func() error { _, err := c.Trunks(ctx); return err }},
		{"Registrations", func() error { _, err := c.Registrations(ctx); return err }},
		{"Calls", func() error { _, err := c.Calls(ctx); return err }},
		{"HangupCall 01H", func() error { return c.HangupCall(ctx, "01H") }},
		{"Reload", func() error { _, err := c.Reload(ctx); return err }},
		{"Campaigns", func() error { _, err := c.Campaigns(ctx); return err }},
		{"Campaign a/b c", func() error { _, err := c.Campaign(ctx, "a/b c"); return err }},
		{"StartCampaign 催收", func() error { _, err := c.StartCampaign(ctx, "催收"); return err }},
		{"StopCampaign a", func() error { _, err := c.StopCampaign(ctx, "a"); return err }},
		{"Explain a", func() error { _, err := c.Explain(ctx, "a"); return err }},
		{"ExplainLead a 7", func() error { _, err := c.ExplainLead(ctx, "a", "7"); return err }},
		{"Forecast a 3 mon", func() error { _, err := c.Forecast(ctx, "a", ForecastQuery{Agents: 3, Shift: "mon"}); return err }},
		{"CDRs a 5-0", func() error { _, err := c.CDRs(ctx, "a", "5-0", 10); return err }},
		{"Agents", func() error { _, err := c.Agents(ctx); return err }},
		{"Agent 1001", func() error { _, err := c.Agent(ctx, "1001"); return err }},
		{"Skip 1001", func() error { _, err := c.CommandAgent(ctx, "1001", "skip"); return err }},
		{"PauseRecording 1001", func() error { _, err := c.PauseRecording(ctx, "1001"); return err }},
		{"ResumeRecording 1001", func() error { _, err := c.ResumeRecording(ctx, "1001"); return err }},
		{"Leave 1001 lunch", func() error { _, err := c.Leave(ctx, "1001", Leave{At: time.Now(), Reason: "lunch"}); return err }},
		{"Stay 1001", func() error { _, err := c.Stay(ctx, "1001"); return err }},
		{"Pause 1001 lunch", func() error { _, err := c.Pause(ctx, "1001", "lunch"); return err }},
		{"Dispose 1001 sold n", func() error { _, err := c.Dispose(ctx, "1001", Disposition{Name: "sold", Note: "n"}); return err }},
		{"LeadCounts a", func() error { _, err := c.LeadCounts(ctx, "a"); return err }},
		{"Lead a 7", func() error { _, err := c.Lead(ctx, "a", "7"); return err }},
		{"UpdateLead a 7 +491", func() error {
			_, err := c.ChangeLead(ctx, "a", "7", LeadChange{List: "l", Numbers: []string{"+491"}})
			return err
		}},
		{"WithdrawLead a 7", func() error { return c.WithdrawLead(ctx, "a", "7") }},
		{"DoNotCall a", func() error { _, err := c.DoNotCall(ctx, "a"); return err }},
		{"AddDoNotCall a 1,2", func() error { _, err := c.AddDoNotCall(ctx, "a", []string{"1", "2"}); return err }},
		{"Trace 01HX", func() error {
			l, err := c.Trace(ctx, "01HX")
			if err == nil && (l.ID != "01HX" || len(l.Steps) != 1) {
				t.Errorf("%+v", l)
			}
			return err
		}},
		{"Bans", func() error { _, err := c.Bans(ctx); return err }},
		{"Ban ::1 1m30s", func() error { _, err := c.Ban(ctx, "::1", 90*time.Second); return err }},
		{"LiftBan 2001:db8::/64", func() error { return c.LiftBan(ctx, "2001:db8::/64") }},
		{"RemoveDoNotCall  1", func() error { _, err := c.RemoveDoNotCall(ctx, "", []string{"1"}); return err }},
	} {
		b.floor.forget()
		err := k.do()
		if told, _ := b.floor.last(); err != nil || told != k.told {
			t.Errorf("%q: %v, the floor was told %q", k.told, err, told)
		}
	}
}

func TestClientNeedsNoTokenForHealth(t *testing.T) {
	b := newBench(t)
	c := newClient(t, b.online(t), "")
	ctx := context.Background()
	if h, err := c.Health(ctx); err != nil || h.Status != "ok" {
		t.Errorf("%+v %v", h, err)
	}
	if r, err := c.Readiness(ctx); err != nil || !r.Ready {
		t.Errorf("%+v %v", r, err)
	}
	b.floor.setReady(false)
	if r, err := c.Readiness(ctx); err != nil || r.Ready || len(r.Reasons) != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestClientSaysWhatToDo(t *testing.T) {
	b := newBench(t)
	base := b.online(t)
	ctx := context.Background()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/agents" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte("<html>"))
	}))
	defer other.Close()
	for name, c := range map[string]struct {
		base, token string
		do          func(*Client) error
		kind        error
		words       string
	}{
		"nobody there": {dead.Addr().String(), "x", func(c *Client) error { _, err := c.Status(ctx); return err }, ErrUnreachable, "ringpace serve"},
		"no token":     {base, "", func(c *Client) error { _, err := c.Status(ctx); return err }, ErrCredentials, "RINGPACE_TOKEN"},
		"wrong token":  {base, "x", func(c *Client) error { _, err := c.Status(ctx); return err }, ErrCredentials, "does not know this token"},
		"low role":     {base, agentSecret, func(c *Client) error { _, err := c.Status(ctx); return err }, ErrForbidden, "supervisor"},
		"not ours":     {other.URL, "x", func(c *Client) error { _, err := c.Status(ctx); return err }, nil, "does not speak as a Ringpace daemon"},
		"redirected":   {other.URL, "x", func(c *Client) error { _, err := c.Agents(ctx); return err }, nil, "is it a Ringpace daemon?"},
		"invalid":      {base, adminSecret, func(c *Client) error { _, err := c.Pause(ctx, "1001", ""); return err }, ErrInvalid, "validation"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.do(newClient(t, c.base, c.token))
			if err == nil || (c.kind != nil && !errors.Is(err, c.kind)) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := NewClient("ftp://x", ""); !errors.Is(err, ErrInvalid) {
		t.Errorf("a wrong scheme: %v", err)
	}
}
