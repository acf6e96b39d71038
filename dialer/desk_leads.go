package dialer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
)

var (
	_ api.LeadDesk      = (*Daemon)(nil)
	_ api.DoNotCallDesk = (*Daemon)(nil)
)

const (
	importBatch  = 1000 // leads added to the store at once
	importNotice = 200 * time.Millisecond
)

// settings is the configuration of a campaign as it is now.
func (d *Daemon) settings(name string) (config.Campaign, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.cfg.Campaign(name); c != nil {
		return *c, nil
	}
	return config.Campaign{}, api.NotFound("there is no campaign %q", name)
}

// importing is one list on its way into the store.
type importing struct {
	d        *Daemon
	campaign string
	watch    api.ImportWatch
	rows     []lead.Row // read, and not added yet
	sum      api.ImportProgress
	told     time.Time
}

// ImportLeads implements api.LeadDesk.
func (d *Daemon) ImportLeads(ctx context.Context, campaign string, r io.Reader, opts api.ImportOptions, watch api.ImportWatch) (api.ImportResult, error) {
	started := time.Now()
	res := api.ImportResult{Campaign: campaign, List: opts.List}
	c, err := d.settings(campaign)
	if err != nil {
		return res, err
	}
	how := lead.Options{List: opts.List, Region: opts.Region, Encoding: lead.Encoding(strings.ToLower(opts.Encoding)), Columns: c.Leads, Zone: c.Rules().Zone}
	if how.Region == "" {
		how.Region = c.Region
	}
	if opts.Columns != nil {
		if how.Columns, err = lead.ColumnsFrom(opts.Columns); err != nil {
			return res, api.Invalid("%v", err)
		}
	}
	reader := lead.NewReader(r, how)
	header, err := reader.Header()
	if err != nil {
		return res, badList(err)
	}
	watch.Header(header)
	im := &importing{d: d, campaign: campaign, watch: watch}
	err = im.read(ctx, reader)
	res.Rows, res.Added, res.Duplicates, res.Rejected = im.sum.Rows, im.sum.Added, im.sum.Duplicates, im.sum.Rejected
	res.DurationS = time.Since(started).Seconds()
	if c, known := d.findCampaign(campaign); known == nil {
		c.post(func() { c.beat(c.ctx) }) // there are leads to dial
	}
	return res, err
}

func badList(err error) error {
	if errors.Is(err, lead.ErrHeader) {
		return api.Invalid("%v", err)
	}
	return err
}

func (im *importing) read(ctx context.Context, reader *lead.Reader) error {
	for {
		row, err := reader.Next()
		im.sum.Bytes = reader.Bytes()
		if err == nil {
			im.sum.Rows++
			switch {
			case row.Again:
				im.reject(row, row.Reason)
				im.sum.Duplicates++
			case row.Reason != "":
				im.reject(row, row.Reason)
				im.sum.Rejected++
			default:
				im.rows = append(im.rows, row)
			}
		}
		if err != nil || len(im.rows) == importBatch {
			if err := im.add(ctx); err != nil {
				return err
			}
		}
		if time.Since(im.told) > importNotice || err != nil {
			im.told = time.Now()
			im.watch.Progress(im.sum)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return badList(err)
		}
	}
}

func (im *importing) reject(row lead.Row, why string) {
	im.watch.Reject(api.RejectedRow{Line: row.Line, Reason: why, Cells: row.Cells})
}

// add puts what was read into the store.
func (im *importing) add(ctx context.Context) error {
	leads := make([]lead.Lead, len(im.rows))
	for i, row := range im.rows {
		leads[i] = row.Lead
	}
	added, duplicates, err := im.d.store.AddLeads(ctx, im.campaign, leads)
	im.sum.Added += added
	for _, i := range duplicates {
		im.reject(im.rows[i], "the campaign has this lead already")
		im.sum.Duplicates++
	}
	im.rows = im.rows[:0]
	return away(err)
}

// ExportLeads implements api.LeadDesk. The list is read twice: first for its
// columns.
func (d *Daemon) ExportLeads(ctx context.Context, campaign string, w io.Writer) error {
	if _, err := d.findCampaign(campaign); err != nil {
		return err
	}
	phones, fields := 1, map[string]bool{}
	for s, err := range d.store.Leads(ctx, campaign, store.LeadFilter{}) {
		if err != nil {
			return away(err)
		}
		phones = max(phones, len(s.Lead.Numbers))
		for name := range s.Lead.Fields {
			fields[name] = true
		}
	}
	out, err := lead.NewWriter(w, phones, slices.Sorted(maps.Keys(fields)))
	if err != nil {
		return err
	}
	for s, err := range d.store.Leads(ctx, campaign, store.LeadFilter{}) {
		if err != nil {
			return away(err)
		}
		if err := out.Write(&s.Lead, string(s.State)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// LeadCounts implements api.LeadDesk.
func (d *Daemon) LeadCounts(ctx context.Context, campaign string) (api.LeadCounts, error) {
	if _, err := d.findCampaign(campaign); err != nil {
		return api.LeadCounts{}, err
	}
	counts, err := d.store.LeadCounts(ctx, campaign)
	if err != nil {
		return api.LeadCounts{}, away(err)
	}
	res := api.LeadCounts{Campaign: campaign, States: leadStates(counts)}
	for _, n := range counts {
		res.Total += n
	}
	return res, nil
}

func leadStates(counts map[store.State]int) map[string]int {
	states := map[string]int{}
	for s, n := range counts {
		states[string(s)] = n
	}
	return states
}

// Lead implements api.LeadDesk.
func (d *Daemon) Lead(ctx context.Context, campaign, id string) (api.LeadStatus, error) {
	if _, err := d.findCampaign(campaign); err != nil {
		return api.LeadStatus{}, err
	}
	s, err := d.store.Lead(ctx, campaign, id)
	if err != nil {
		return api.LeadStatus{}, away(err)
	}
	res := api.LeadStatus{Lead: s.Lead, Campaign: campaign, State: string(s.State)}
	if s.State == store.Waiting {
		res.NextTry = s.Lead.Due
	}
	return res, nil
}

// UpdateLead implements api.LeadDesk.
func (d *Daemon) UpdateLead(ctx context.Context, campaign string, l lead.Lead) (api.LeadStatus, error) {
	numbers, err := d.normalise(campaign, l.Numbers)
	if err != nil {
		return api.LeadStatus{}, err
	}
	l.Numbers = numbers
	if _, err := d.store.UpdateLead(ctx, campaign, l); err != nil {
		return api.LeadStatus{}, away(err)
	}
	return d.Lead(ctx, campaign, l.ID)
}

// WithdrawLead implements api.LeadDesk.
func (d *Daemon) WithdrawLead(ctx context.Context, campaign, id string) error {
	if _, err := d.findCampaign(campaign); err != nil {
		return err
	}
	return away(d.store.WithdrawLead(ctx, campaign, id))
}

// normalise writes numbers in E.164; the campaign "" has no region of its own.
func (d *Daemon) normalise(campaign string, numbers []string) ([]string, error) {
	region := ""
	if campaign != "" {
		c, err := d.settings(campaign)
		if err != nil {
			return nil, err
		}
		region = c.Region
	}
	var list, bad []string
	for _, raw := range numbers {
		n, err := lead.Normalize(raw, region)
		if err != nil {
			bad = append(bad, fmt.Sprintf("%q: %v", raw, err))
			continue
		}
		list = append(list, n)
	}
	if len(bad) > 0 {
		return nil, &api.Refusal{Kind: api.ErrInvalid, Detail: "some of the numbers are not telephone numbers; none was taken", Problems: bad}
	}
	return list, nil
}

// DoNotCall implements api.DoNotCallDesk.
func (d *Daemon) DoNotCall(ctx context.Context, campaign string) ([]string, error) {
	if _, err := d.normalise(campaign, nil); err != nil {
		return nil, err
	}
	list, err := d.store.ListDNC(ctx, campaign)
	return list, away(err)
}

// AddDoNotCall implements api.DoNotCallDesk.
func (d *Daemon) AddDoNotCall(ctx context.Context, campaign string, numbers []string) (int, error) {
	return d.changeDoNotCall(ctx, campaign, numbers, d.store.AddDNC)
}

// RemoveDoNotCall implements api.DoNotCallDesk.
func (d *Daemon) RemoveDoNotCall(ctx context.Context, campaign string, numbers []string) (int, error) {
	return d.changeDoNotCall(ctx, campaign, numbers, d.store.RemoveDNC)
}

// changeDoNotCall changes a list and tells by how much. An entry that ends in * is a
// prefix of numbers.
func (d *Daemon) changeDoNotCall(ctx context.Context, campaign string, entries []string, change func(context.Context, string, ...string) error) (int, error) {
	var plain, prefixes []string
	for _, e := range entries {
		if strings.HasSuffix(e, "*") {
			prefixes = append(prefixes, e)
		} else {
			plain = append(plain, e)
		}
	}
	list, err := d.normalise(campaign, plain)
	if err != nil {
		return 0, err
	}
	before, err := d.store.ListDNC(ctx, campaign)
	if err != nil {
		return 0, away(err)
	}
	if err := change(ctx, campaign, append(list, prefixes...)...); err != nil {
		return 0, away(err)
	}
	after, err := d.store.ListDNC(ctx, campaign)
	n := len(after) - len(before)
	return max(n, -n), away(err)
}
