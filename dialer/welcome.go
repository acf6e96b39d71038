package dialer

import (
	"fmt"
	"time"

	"ringpace/dialer/config"
	"ringpace/dialer/lead"
	"ringpace/media"
)

// welcome is what a campaign's configuration says about calls to its numbers. It does
// not change; a reload makes another.
type welcome struct {
	cfg   *config.Campaign
	terms terms
	zone  *time.Location // of the opening hours
	tells bool           // the announcement outside of them tells them
	// What callers hear; nil where nothing is to be heard.
	closed, busy, offer, kept, queue *media.Prompt
}

func newWelcome(cfg *config.Campaign, terms terms) (*welcome, error) {
	w := &welcome{cfg: cfg, terms: terms, zone: cfg.Rules().Zone, tells: cfg.Inbound.Prompts.Closed == config.PromptDefault}
	if w.zone == nil {
		w.zone = time.Local
		if n := cfg.Inbound.Numbers; len(n) > 0 {
			if zones := (&lead.Lead{}).Zones(n[0]); len(zones) > 0 {
				w.zone = zones[0]
			}
		}
	}
	p := cfg.Inbound.Prompts
	for _, k := range []struct {
		key, file string
		to        **media.Prompt
		words     func(media.Language) *media.Prompt
	}{
		{"closed", p.Closed, &w.closed, media.Closed},
		{"busy", p.Busy, &w.busy, media.AllBusy},
		{"offer", p.Offer, &w.offer, media.CallbackOffer},
		{"kept", p.Kept, &w.kept, media.CallbackKept},
		{"queue", p.Queue, &w.queue, func(media.Language) *media.Prompt { return media.QueueTone() }},
	} {
		switch k.file {
		case config.PromptOff:
		case config.PromptDefault:
			*k.to = k.words(w.language())
		default:
			prompt, err := readPrompt(k.file)
			if err != nil {
				return nil, fmt.Errorf("inbound.prompts.%s: %w", k.key, err)
			}
			*k.to = prompt
		}
	}
	return w, nil
}

// language is that of what is spoken by default.
func (w *welcome) language() media.Language { return media.Language(w.cfg.Language) }

// open reports whether calls are brought to agents at that time.
func (w *welcome) open(t time.Time) bool { return w.cfg.Inbound.Hours.Open(t.In(w.zone)) }

// nextOpen is the first such time from t on; zero where there is none.
func (w *welcome) nextOpen(t time.Time) time.Time {
	next, _ := w.cfg.Inbound.Hours.NextOpen(t, []*time.Location{w.zone})
	return next
}

// closedUntil is what callers hear at a time out of the opening hours, which begin next.
func (w *welcome) closedUntil(next, now time.Time) *media.Prompt {
	if !w.tells || next.IsZero() {
		return w.closed
	}
	opens := next.In(w.zone)
	return media.Words(w.language(), spokenHours(w.language(), opens, w.cfg.Inbound.Hours.OpenFor(opens), now, w.cfg.Inbound.Clock)...)
}
