package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// answerLimit bounds an answer that is read whole, in bytes.
const answerLimit = 64 << 20

// Client speaks to a daemon's API. Its errors are *Refusal of the kinds in
// errors.go, with words for the person at the terminal.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// NewClient makes a client for the daemon at server, such as
// "http://127.0.0.1:8080"; a missing scheme is http.
func NewClient(server, token string) (*Client, error) {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	base, err := url.Parse(server)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, Invalid("the server must be an address such as http://127.0.0.1:8080, not %q", server)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 0 // an import answers when it has read the file
	transport.ExpectContinueTimeout = 5 * time.Second
	return &Client{base: base, token: token, http: &http.Client{
		Transport: transport,
		// A token is for the named server only.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close drops kept connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Health asks whether the daemon lives; it needs no token.
func (c *Client) Health(ctx context.Context) (Health, error) { return get[Health](ctx, c, "/healthz") }

// Readiness asks whether the daemon may dial; it needs no token. That it may not is
// an answer and no error.
func (c *Client) Readiness(ctx context.Context) (Readiness, error) {
	resp, err := c.send(ctx, http.MethodGet, "/readyz", nil, nil)
	if err != nil {
		return Readiness{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		return Readiness{}, c.refused(resp)
	}
	return decode[Readiness](c, resp)
}

// Status tells of the node.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, "/v1/status")
}

// Me tells whose token this is.
func (c *Client) Me(ctx context.Context) (Caller, error) { return get[Caller](ctx, c, "/v1/me") }

// Trunks tells of every trunk.
func (c *Client) Trunks(ctx context.Context) ([]TrunkStatus, error) {
	return get[[]TrunkStatus](ctx, c, "/v1/trunks")
}

// Registrations tells of the telephones that are registered.
func (c *Client) Registrations(ctx context.Context) ([]Registration, error) {
	return get[[]Registration](ctx, c, "/v1/registrations")
}

// Calls tells of the attempts in flight.
func (c *Client) Calls(ctx context.Context) ([]CallStatus, error) {
	return get[[]CallStatus](ctx, c, "/v1/calls")
}

// HangupCall ends an attempt.
func (c *Client) HangupCall(ctx context.Context, id string) error {
	_, err := post[none](ctx, c, path("v1", "calls", id, "hangup"), nil)
	return err
}

// Reload makes the daemon read its configuration again.
func (c *Client) Reload(ctx context.Context) ([]Change, error) {
	return post[[]Change](ctx, c, "/v1/reload", nil)
}

// Campaigns tells of every campaign.
func (c *Client) Campaigns(ctx context.Context) ([]CampaignStatus, error) {
	return get[[]CampaignStatus](ctx, c, "/v1/campaigns")
}

// Campaign tells of one.
func (c *Client) Campaign(ctx context.Context, name string) (CampaignStatus, error) {
	return get[CampaignStatus](ctx, c, path("v1", "campaigns", name))
}

// StartCampaign lets a campaign dial.
func (c *Client) StartCampaign(ctx context.Context, name string) (CampaignStatus, error) {
	return post[CampaignStatus](ctx, c, path("v1", "campaigns", name, "start"), nil)
}

// StopCampaign makes a campaign dial no more.
func (c *Client) StopCampaign(ctx context.Context, name string) (CampaignStatus, error) {
	return post[CampaignStatus](ctx, c, path("v1", "campaigns", name, "stop"), nil)
}

// Explain tells why a campaign dials as it does.
func (c *Client) Explain(ctx context.Context, name string) (Explanation, error) {
	return get[Explanation](ctx, c, path("v1", "campaigns", name, "explanation"))
}

// ExplainLead tells why a lead is not dialed.
func (c *Client) ExplainLead(ctx context.Context, campaign, id string) (LeadExplanation, error) {
	return get[LeadExplanation](ctx, c, path("v1", "campaigns", campaign, "leads", id, "explanation"))
}

// Forecast tells how long a campaign's list takes.
func (c *Client) Forecast(ctx context.Context, name string, q ForecastQuery) (Forecast, error) {
	v := url.Values{}
	v.Set("agents", strconv.Itoa(q.Agents))
	v.Set("shift", q.Shift)
	return get[Forecast](ctx, c, path("v1", "campaigns", name, "forecast")+"?"+v.Encode())
}

// CDRs reads a page of call detail records.
func (c *Client) CDRs(ctx context.Context, campaign, after string, limit int) (CDRPage, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if after != "" {
		q.Set("after", after)
	}
	return get[CDRPage](ctx, c, path("v1", "campaigns", campaign, "cdrs")+"?"+q.Encode())
}

// Agents tells of every agent.
func (c *Client) Agents(ctx context.Context) ([]AgentStatus, error) {
	return get[[]AgentStatus](ctx, c, "/v1/agents")
}

// Agent tells of one.
func (c *Client) Agent(ctx context.Context, id string) (AgentStatus, error) {
	return get[AgentStatus](ctx, c, path("v1", "agents", id))
}

// CommandAgent gives an agent a command without words of its own: login, logout,
// ready, hangup, hold, resume, preview, dial, skip.
func (c *Client) CommandAgent(ctx context.Context, id, command string) (AgentStatus, error) {
	return post[AgentStatus](ctx, c, path("v1", "agents", id, command), nil)
}

// Pause sends an agent on a break.
func (c *Client) Pause(ctx context.Context, id, reason string) (AgentStatus, error) {
	return post[AgentStatus](ctx, c, path("v1", "agents", id, "pause"), map[string]string{"reason": reason})
}

// Leave announces an agent's break or the end of their shift.
func (c *Client) Leave(ctx context.Context, id string, l Leave) (AgentStatus, error) {
	return post[AgentStatus](ctx, c, path("v1", "agents", id, "leave"), l)
}

// Stay takes that back.
func (c *Client) Stay(ctx context.Context, id string) (AgentStatus, error) {
	return call[AgentStatus](ctx, c, http.MethodDelete, path("v1", "agents", id, "leave"), nil)
}

// PauseRecording keeps what is said out of the recording of an agent's call.
func (c *Client) PauseRecording(ctx context.Context, id string) (AgentStatus, error) {
	return post[AgentStatus](ctx, c, path("v1", "agents", id, "recording-pause"), nil)
}

// ResumeRecording ends what PauseRecording began.
func (c *Client) ResumeRecording(ctx context.Context, id string) (AgentStatus, error) {
	return call[AgentStatus](ctx, c, http.MethodDelete, path("v1", "agents", id, "recording-pause"), nil)
}

// Transfer hands an agent's customer to an extension or a number.
func (c *Client) Transfer(ctx context.Context, id, to string) (AgentStatus, error) {
	return post[AgentStatus](ctx, c, path("v1", "agents", id, "transfer"), map[string]string{"to": to})
}

// CallIn has an extension or a number join an agent and their customer.
func (c *Client) CallIn(ctx context.Context, id, to string) (AgentStatus, error) {
	return post[AgentStatus](ctx, c, path("v1", "agents", id, "conference"), map[string]string{"to": to})
}

// DropThird lets go of who was called in.
func (c *Client) DropThird(ctx context.Context, id string) (AgentStatus, error) {
	return call[AgentStatus](ctx, c, http.MethodDelete, path("v1", "agents", id, "conference"), nil)
}

// Listen calls a supervisor to take part in an agent's conversations.
func (c *Client) Listen(ctx context.Context, id string, part ListenPart, supervisor string) (AgentStatus, error) {
	return post[AgentStatus](ctx, c, path("v1", "agents", id, string(part)), map[string]string{"supervisor": supervisor})
}

// Dispose names the result of an agent's call.
func (c *Client) Dispose(ctx context.Context, id string, d Disposition) (AgentStatus, error) {
	return post[AgentStatus](ctx, c, path("v1", "agents", id, "dispose"), d)
}

// LeadCounts tells how many leads are in which state.
func (c *Client) LeadCounts(ctx context.Context, campaign string) (LeadCounts, error) {
	return get[LeadCounts](ctx, c, path("v1", "campaigns", campaign, "lead-counts"))
}

// Lead tells of one lead.
func (c *Client) Lead(ctx context.Context, campaign, id string) (LeadStatus, error) {
	return get[LeadStatus](ctx, c, path("v1", "campaigns", campaign, "leads", id))
}

// ChangeLead replaces what a list said of a person.
func (c *Client) ChangeLead(ctx context.Context, campaign, id string, l LeadChange) (LeadStatus, error) {
	return call[LeadStatus](ctx, c, http.MethodPut, path("v1", "campaigns", campaign, "leads", id), l)
}

// WithdrawLead takes a lead out for good.
func (c *Client) WithdrawLead(ctx context.Context, campaign, id string) error {
	_, err := call[none](ctx, c, http.MethodDelete, path("v1", "campaigns", campaign, "leads", id), nil)
	return err
}

// DoNotCall reads a do-not-call list; campaign "" is the one for all.
func (c *Client) DoNotCall(ctx context.Context, campaign string) (DoNotCallList, error) {
	return get[DoNotCallList](ctx, c, "/v1/do-not-call?"+url.Values{"campaign": {campaign}}.Encode())
}

// AddDoNotCall puts numbers on a list and tells how many were new.
func (c *Client) AddDoNotCall(ctx context.Context, campaign string, numbers []string) (int, error) {
	r, err := post[DoNotCallChange](ctx, c, "/v1/do-not-call/add", DoNotCallList{Campaign: campaign, Numbers: numbers})
	return r.Changed, err
}

// RemoveDoNotCall takes numbers off a list and tells how many were on it.
func (c *Client) RemoveDoNotCall(ctx context.Context, campaign string, numbers []string) (int, error) {
	r, err := post[DoNotCallChange](ctx, c, "/v1/do-not-call/remove", DoNotCallList{Campaign: campaign, Numbers: numbers})
	return r.Changed, err
}

// ExportLeads writes all leads of a campaign as CSV to w. On an error what was
// written is not the whole list.
func (c *Client) ExportLeads(ctx context.Context, campaign string, w io.Writer) error {
	resp, err := c.do(ctx, http.MethodGet, path("v1", "campaigns", campaign, "leads"), nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("the list broke off, so it is not whole: %w", err)
	}
	return nil
}

// path joins segments, each escaped; "." and ".." too, which name nothing but themselves.
func path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		if s == "." || s == ".." {
			b.WriteString(strings.Repeat("%2E", len(s)))
			continue
		}
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return call[T](ctx, c, http.MethodGet, path, nil)
}

func post[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	return call[T](ctx, c, http.MethodPost, path, body)
}

// call sends body as JSON, if there is one, and reads the answer as a T.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var out T
	var content io.Reader
	header := http.Header{"Accept": {"application/json"}}
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return out, err
		}
		content = bytes.NewReader(b)
		header.Set("Content-Type", "application/json")
	}
	resp, err := c.do(ctx, method, path, header, content)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return out, nil
	}
	return decode[T](c, resp)
}

func decode[T any](c *Client, resp *http.Response) (T, error) {
	var out T
	if err := json.NewDecoder(io.LimitReader(resp.Body, answerLimit)).Decode(&out); err != nil {
		return out, fmt.Errorf("what answers at %s does not speak as a Ringpace daemon: %w", c.base, err)
	}
	return out, nil
}

// do sends a request and turns anything but success into an error.
func (c *Client) do(ctx context.Context, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	resp, err := c.send(ctx, method, path, header, body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, c.refused(resp)
}

// send sends a request; its error means that nobody answered.
func (c *Client) send(ctx context.Context, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base.String(), "/")+path, body)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, c.unreachable(err)
	}
	return resp, nil
}

func (c *Client) unreachable(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &Refusal{Kind: ErrUnreachable, Detail: fmt.Sprintf(
		"no daemon answers at %s (%v); start one with `ringpace serve --config FILE`, or name another with --server or RINGPACE_SERVER", c.base, err)}
}

// refused reads a problem document, or makes do with the status.
func (c *Client) refused(resp *http.Response) error {
	var model huma.ErrorModel
	_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&model) // else the status must do
	model.Status = resp.StatusCode
	return c.refusal(&model)
}

// refusal turns a problem document back into the error that it was made from.
func (c *Client) refusal(model *huma.ErrorModel) error {
	r := &Refusal{Detail: model.Detail}
	for _, k := range kinds() {
		if k.status == model.Status {
			r.Kind = k.kind
		}
	}
	if r.Kind == nil {
		r.Kind = fmt.Errorf("status %d", model.Status)
	}
	for _, d := range model.Errors {
		text := d.Message
		if d.Location != "" {
			text = d.Location + ": " + text
		}
		r.Problems = append(r.Problems, text)
	}
	switch {
	case model.Status == http.StatusUnauthorized && c.token == "":
		r.Detail = "the daemon asks for a token; give one with --token or RINGPACE_TOKEN (they are in its configuration under http.tokens)"
	case model.Status == http.StatusUnauthorized:
		r.Detail = "the daemon does not know this token; see --token and RINGPACE_TOKEN"
	case r.Detail == "":
		r.Detail = fmt.Sprintf("what answers at %s said %d %s; is it a Ringpace daemon?", c.base, model.Status, http.StatusText(model.Status))
	}
	return r
}
