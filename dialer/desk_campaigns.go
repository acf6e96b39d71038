package dialer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/store"
	"ringpace/media/record/upload"
)

var (
	_ api.Overview     = (*Daemon)(nil)
	_ api.CampaignDesk = (*Daemon)(nil)
)

// away turns the store's errors into refusals that a person understands.
func away(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errGone):
		return api.Unavailable("the daemon shuts down")
	case errors.Is(err, store.ErrAway):
		return api.Unavailable("Redis is away; try again when it is back")
	case errors.Is(err, store.ErrLeadUnknown):
		return api.NotFound("there is no such lead")
	case errors.Is(err, store.ErrLeadWithdrawn), errors.Is(err, store.ErrLeadChanged), errors.Is(err, store.ErrDuplicate):
		return api.Conflict("%s", strings.TrimPrefix(err.Error(), "store: "))
	case errors.Is(err, store.ErrLead), errors.Is(err, store.ErrName):
		return api.Invalid("%s", strings.TrimPrefix(err.Error(), "store: "))
	}
	return err
}

// Status implements api.Overview.
func (d *Daemon) Status(context.Context) (api.Status, error) {
	now := time.Now()
	s := api.Status{
		Node: d.node, Version: d.opts.Version, StartedAt: d.started, UptimeS: now.Sub(d.started).Seconds(),
		Draining: d.draining.Load(), NotReady: []string{}, Alarms: d.alarms.list(), Warnings: d.store.Warnings(),
	}
	if why := d.stopped(); why != "" {
		s.NotReady = append(s.NotReady, why)
	}
	if usable := slices.ContainsFunc(d.trunks.all, func(t *trunk) bool { return t.Status().Usable }); !usable {
		s.NotReady = append(s.NotReady, "no trunk is usable")
	}
	s.Ready = len(s.NotReady) == 0
	since, _ := d.store.Status()
	s.Redis = api.RedisStatus{Up: d.store.Up(), Since: since, Backlog: d.store.Stats().Pending}
	for _, a := range d.calls.all() {
		s.Calls++
		if a.rec.Direction == cdr.In { // it never changes
			s.Inbound++
		}
		if a.status.Load().State == api.CallBridged {
			s.Bridged++
		}
	}
	e := d.endpoint.Stats()
	s.SIP = api.SIPStatus{
		Received: e.Requests + e.Responses, Malformed: e.Malformed, Rejected: e.Rejected,
		Retransmitted: e.Retransmitted, Dialogs: e.CallsUp,
	}
	s.Defence, s.Trace = d.wireStatus()
	if desk := d.reception.Load(); desk != nil {
		s.SIP.Strangers, s.SIP.Misdialed = desk.strangers.Load(), desk.unknown.Load()
	}
	m := d.engine.Stats()
	s.Media = api.MediaStatus{
		Sessions: m.Sessions, Bridges: m.Bridges, Received: m.Received, Sent: m.Sent,
		Lost: m.Lost, Discarded: m.Malformed + m.Strangers,
	}
	if d.recorder != nil {
		r := d.recorder.Stats()
		s.Recording = api.RecordingStatus{
			Active: r.Open, Full: d.recorder.Full(), DiskFreeBytes: uint64(max(r.Free, 0)),
			Dropped: uint64(r.Dropped), UnwrittenS: r.Unwritten.Seconds(),
		}
		if d.uploader != nil {
			s.Recording.Upload = uploadStatus(d.uploader.Stats())
		}
	}
	return s, nil
}

func uploadStatus(u upload.Stats) *api.UploadStatus {
	s := &api.UploadStatus{Waiting: u.Waiting, Stuck: u.Stuck, Uploaded: u.Uploaded, UploadedBytes: u.Bytes, Failed: u.Failed}
	if !u.Oldest.IsZero() {
		s.OldestWaitsS = max(time.Since(u.Oldest).Seconds(), 0)
	}
	return s
}

// Trunks implements api.Overview.
func (d *Daemon) Trunks(context.Context) ([]api.TrunkStatus, error) { return d.trunks.status(), nil }

// Calls implements api.Overview.
func (d *Daemon) Calls(context.Context) ([]api.CallStatus, error) {
	now := time.Now()
	list := []api.CallStatus{}
	for _, a := range d.calls.all() {
		if s := *a.status.Load(); s.State != "" {
			s.AgeS = now.Sub(s.StartedAt).Seconds()
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(x, y api.CallStatus) int { return strings.Compare(x.ID, y.ID) })
	return list, nil
}

// HangupCall implements api.Overview.
func (d *Daemon) HangupCall(_ context.Context, id string) error {
	a := d.calls.find(id)
	if a == nil {
		return api.NotFound("no call has the id %q; it may have ended", id)
	}
	a.end(cdr.Ringpace)
	return nil
}

func (d *Daemon) allCampaigns() []*campaign {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]*campaign, 0, len(d.campaigns))
	for _, c := range d.campaigns {
		list = append(list, c)
	}
	slices.SortFunc(list, func(x, y *campaign) int { return strings.Compare(x.name, y.name) })
	return list
}

func (d *Daemon) campaignNames() []string {
	var names []string
	for _, c := range d.allCampaigns() {
		names = append(names, c.name)
	}
	return names
}

func (d *Daemon) findCampaign(name string) (*campaign, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.campaigns[name]; c != nil {
		return c, nil
	}
	return nil, api.NotFound("there is no campaign %q", name)
}

// Campaigns implements api.CampaignDesk.
func (d *Daemon) Campaigns(context.Context) ([]api.CampaignStatus, error) {
	list := []api.CampaignStatus{}
	for _, c := range d.allCampaigns() {
		list = append(list, d.statusOf(c))
	}
	return list, nil
}

// Campaign implements api.CampaignDesk.
func (d *Daemon) Campaign(_ context.Context, name string) (api.CampaignStatus, error) {
	c, err := d.findCampaign(name)
	if err != nil {
		return api.CampaignStatus{}, err
	}
	return d.statusOf(c), nil
}

// statusOf completes what the campaign's actor published by what is in memory now.
func (d *Daemon) statusOf(c *campaign) api.CampaignStatus {
	s := *c.status.Load()
	s.InFlight, s.Live = 0, 0
	for _, a := range d.calls.all() {
		call := a.status.Load()
		switch {
		case call.Campaign != c.name:
		case call.Direction == string(cdr.In):
			if call.State != "" && call.State != api.CallWrapUp {
				s.Inbound.Up++
			}
		case call.State == api.CallDialing || call.State == api.CallRinging:
			s.InFlight++
		case call.State != "" && call.State != api.CallWrapUp:
			s.Live++
		}
	}
	s.Agents = map[api.AgentState]int{}
	for _, a := range d.allAgents() {
		if k := a.status.Load(); slices.Contains(k.Campaigns, c.name) {
			s.Agents[k.State]++
		}
	}
	return s
}

// StartCampaign implements api.CampaignDesk.
func (d *Daemon) StartCampaign(ctx context.Context, name string) (api.CampaignStatus, error) {
	return d.setRunning(ctx, name, store.Running)
}

// StopCampaign implements api.CampaignDesk.
func (d *Daemon) StopCampaign(ctx context.Context, name string) (api.CampaignStatus, error) {
	return d.setRunning(ctx, name, store.Stopped)
}

func (d *Daemon) setRunning(ctx context.Context, name string, to store.Desired) (api.CampaignStatus, error) {
	c, err := d.findCampaign(name)
	if err != nil {
		return api.CampaignStatus{}, err
	}
	err = c.ask(ctx, func() error {
		if err := d.store.SetDesired(c.ctx, name, to); err != nil {
			return err
		}
		c.setRunning(to == store.Running)
		c.pace()
		c.publish()
		return nil
	})
	if err != nil {
		return api.CampaignStatus{}, away(err)
	}
	if err := d.trunks.allot(ctx, d.wantedTrunks()); err == nil {
		c.nudge() // its channels are there, and need not wait for the next second
	}
	return d.statusOf(c), nil
}

// CDRs implements api.CampaignDesk.
func (d *Daemon) CDRs(ctx context.Context, name, after string, limit int) (api.CDRPage, error) {
	if _, err := d.findCampaign(name); err != nil {
		return api.CDRPage{}, err
	}
	recs, err := d.store.CDRs(ctx, name, after, limit)
	if err != nil {
		return api.CDRPage{}, away(err)
	}
	page := api.CDRPage{Records: make([]cdr.Record, 0, len(recs))}
	for _, r := range recs {
		page.Records = append(page.Records, r.Record)
		page.Next = r.StreamID
	}
	return page, nil
}
