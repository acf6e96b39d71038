package dialer

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/media"
	"ringpace/sip"
)

// switchboard is what agents' phones may do and whom they can reach. Its functions may
// be called from any goroutine.
type switchboard struct {
	peer      func(name string) *peer             // the PBX of that name
	colleague func(extension, peer string) *agent // whose extension it is; nil: nobody's
	// outside takes a channel for a call to a number; nil where there is none now, and then
	// how soon there may be one, 0 if that is not known.
	outside      func(trunk, callerID, number string) (l *line, soon time.Duration)
	dialog       func(sip.ReplacesID) (*sip.Call, bool) // a call of ours
	consults     consults
	supervisions supervisions
	phones       atomic.Pointer[phones] // replaced by a reload
	high, low    *media.Prompt          // confirmation tones
}

// phones are the parts of the configuration that concern every agent's phone.
type phones struct {
	codes       config.FeatureCodes
	keys        config.AgentKeys
	transfer    config.Transfer
	music       *media.Prompt // for a customer on hold; never nil
	tones       media.Tones
	failed      time.Duration // how long busy or congestion is heard; 0: not at all
	arrival     *media.Prompt // for a nailed agent to whom somebody is put through; nil: none
	pauseOnHold bool          // the recording
	maxPause    time.Duration // of the recording, by an agent; 0: no limit
	pauseReason string        // of who pauses by phone
}

func newSwitchboard(peer func(string) *peer, colleague func(extension, peer string) *agent) *switchboard {
	return &switchboard{
		peer: peer, colleague: colleague, consults: consults{live: map[*sip.Call]*consult{}}, supervisions: supervisions{live: map[string]*supervision{}},
		high: media.PromptTone([]float64{1000}, -16, 150*time.Millisecond),
		low:  media.PromptTone([]float64{300}, -13, 350*time.Millisecond),
	}
}

// loadPhones makes phones of a configuration.
func loadPhones(c *config.Config) (*phones, error) {
	p := &phones{
		codes: c.FeatureCodes, keys: c.AgentKeys, transfer: c.Transfer,
		pauseOnHold: c.Hold.Recording == config.RecordingPause, maxPause: c.Recording.MaxPause, pauseReason: "break",
		tones: media.TonesOf(c.Media.Tones.Country), failed: c.Media.Tones.Failed,
	}
	if b := c.Media.Tones.Arrival; b.Length > 0 {
		p.arrival = media.PromptTone([]float64{b.Frequency}, b.Level, b.Length)
	}
	if len(c.PauseReasons) > 0 {
		p.pauseReason = c.PauseReasons[0]
	}
	var err error
	p.music, err = loadMusic(c.Hold.Music)
	return p, err
}

// failure is the tone that tells why a call came to nothing, by the SIP status; nil where
// none is to be heard.
func (p *phones) failure(status int) *media.Prompt {
	switch {
	case p.failed <= 0:
		return nil
	case status == 486 || status == 600: // Busy Here, Busy Everywhere
		return p.tones.Busy
	}
	return p.tones.Congestion
}

// loadMusic returns what a customer on hold hears.
func loadMusic(name string) (*media.Prompt, error) {
	switch name {
	case config.MusicOff:
		return media.PromptTone(nil, 0, time.Second), nil
	case config.MusicTone:
		return media.PromptTone([]float64{425}, -20, 250*time.Millisecond, 4*time.Second), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("hold.music: %w", err)
	}
	defer f.Close()
	p, err := media.LoadPrompt(f)
	if err != nil {
		return nil, fmt.Errorf("hold.music: %s: %w", name, err)
	}
	return p, nil
}

// destination is a party whom the switchboard can reach.
type destination struct {
	name   string // as it was dialed
	agent  *agent // one of ours; else
	peer   *peer  // the PBX whose extension it is; else
	number string // outside, E.164
}

// kind says in a word who the party is.
func (t destination) kind() string {
	switch {
	case t.agent != nil:
		return "agent"
	case t.peer != nil:
		return "extension"
	}
	return "external"
}

// find returns whom an agent means by an extension or a number, where the
// configuration allows them to be reached.
func (b *switchboard) find(from *config.Agent, to string) (destination, error) {
	rules := b.phones.Load().transfer
	if who := b.colleague(to, from.Peer); who != nil {
		if who.id == from.ID {
			return destination{}, api.Conflict("extension %s is your own", to)
		}
		return destination{name: to, agent: who}, nil
	}
	if rules.Extension(to) {
		if p := b.peer(from.Peer); p != nil {
			return destination{name: to, peer: p}, nil
		}
	}
	number := to
	if !strings.HasPrefix(number, "+") {
		number = "+" + strings.TrimPrefix(number, "00")
	}
	if rules.Number(number) {
		return destination{name: to, number: number}, nil
	}
	return destination{}, api.Invalid("%q is neither an agent's extension nor allowed by transfer.extensions or transfer.prefixes", to)
}
