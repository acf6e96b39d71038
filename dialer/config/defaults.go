package config

import (
	"net/netip"
	"os"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
	"ringpace/media/record"
	"ringpace/pacing"
)

// Default returns the configuration of an empty file. It is not valid: it has no
// listener, trunk, agent nor campaign.
func Default() *Config {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "ringpace"
	}
	return &Config{
		Node:  Node{ID: host, DataDir: "/var/lib/ringpace", Drain: 5 * time.Minute},
		Redis: Redis{URL: "redis://127.0.0.1:6379/0"},
		HTTP:  HTTP{Listen: "127.0.0.1:8080"},
		SIP:   SIP{UserAgent: "Ringpace", Strangers: StrangersReject, Defence: DefaultDefence(), Registrar: DefaultRegistrar()},
		Trace: DefaultTrace(),
		Media: Media{
			Ports:    PortRange{Min: 20000, Max: 29999},
			Codecs:   []string{"PCMA", "PCMU"},
			PTime:    20 * time.Millisecond,
			Cooldown: 10 * time.Second,
			Timeout:  15 * time.Second,
			Tones:    defaultTones(),
		},
		Recording: Recording{
			Enabled: true,
			Pattern: "{campaign}/{date}/{time}-{number}-{id}.wav",
			Format:  FormatG711,
			Keep:    KeepBridged,
			MinFree: 2 << 30,
			Flush:   record.DefaultFlush,
			// A card's number, date and code are read out in well under a minute; three leave room
			// to fetch the card and to repeat. A pause that was forgotten costs no more evidence.
			MaxPause: 3 * time.Minute,
			Consent:  Consent{Prompt: PromptOff, Refused: RefusedUnrecorded},
			Beep:     defaultBeep(),
			Upload:   DefaultUpload(),
		},
		CDR: CDR{RotateSize: 100 << 20, KeepFiles: 0},
		AgentDefaults: AgentDefaults{
			Mode:        Nailed,
			WrapUp:      30 * time.Second,
			RingTimeout: 15 * time.Second,
			CallBack:    true,
		},
		PauseReasons: []string{"break", "lunch", "training", "meeting"},
		FeatureCodes: defaultFeatureCodes(),
		AgentKeys:    defaultAgentKeys(),
		Hold:         Hold{Music: MusicTone, Recording: RecordingKeep},
		Transfer:     Transfer{RingTimeout: 20 * time.Second, Recording: RecordingKeep},
		Prompts:      Prompts{Language: English},
		Logging:      Logging{Level: "info", Format: "text"},
	}
}

// DefaultTrunk returns a trunk of which nothing is set.
func DefaultTrunk() Trunk {
	return Trunk{
		Link: defaultLink(), Identity: Identity{From: "number", Format: "e164"},
		Priority: 1, Weight: 1, Channels: 30, CallsPerSecond: 5,
	}
}

// DefaultPeer returns a peer of which nothing is set.
func DefaultPeer() Peer { return Peer{Link: defaultLink()} }

func defaultLink() Link {
	return Link{
		Transport: UDP, Expires: 10 * time.Minute, HealthInterval: 30 * time.Second, NAT: "auto", SRTP: SRTPOff, DTMF: DTMFAuto,
		Calls: Calls{
			AnswerTimeout: 5 * time.Second, Reliable: "supported",
			SessionExpires: 30 * time.Minute, SessionMin: 90 * time.Second, Refresher: "any", Redirect: "refuse",
		},
	}
}

// DefaultAgent returns an agent of which nothing is set.
func DefaultAgent(d AgentDefaults) Agent {
	return Agent{
		Peer: d.Peer, Mode: d.Mode, Campaigns: d.Campaigns, WrapUp: d.WrapUp,
		RingTimeout: d.RingTimeout, CallBack: d.CallBack, AutoLogin: d.AutoLogin,
		Shift: d.Shift, TimeZone: d.TimeZone,
	}
}

// DefaultCampaign returns a campaign of which nothing is set. Its rules are the
// safe ones where no law is known to say otherwise.
func DefaultCampaign() Campaign {
	k := Campaign{
		Mode:              pacing.Progressive,
		Ratio:             1.5,
		MaxRatio:          10,
		GiveUp:            true,
		Abandonment:       Abandonment{Target: notSet, Aggressiveness: 1},
		RingTimeout:       30 * time.Second,
		AbandonAfter:      2 * time.Second,
		Message:           MessageDefault,
		Goodbye:           2 * time.Second,
		PreviewLimit:      2 * time.Minute,
		MaxAttempts:       8,
		MaxAttemptsPerDay: 3,
		Retry:             gate.DefaultRetries(),
		Dispositions: []Disposition{
			{Name: "success"},
			{Name: "no_interest"},
			{Name: "wrong_person"},
			{Name: "call_again", Retry: &gate.Retry{Delay: 24 * time.Hour, Max: 3}},
			{Name: "answering_machine", Outcome: cdr.Machine},
		},
		Inbound: DefaultInbound(),
	}
	k.choose(*profileOf(ProfileSafe))
	return k
}

// settle fills what depends on other parts of the file.
func (c *Config) settle() {
	if !c.Media.Address.IsValid() && len(c.SIP.Listen) > 0 {
		c.Media.Address = c.SIP.Listen[0].Addr.Addr()
	}
	for _, l := range c.SIP.Listen {
		if !c.Media.OtherAddress.IsValid() && c.Media.Address.IsValid() && l.Addr.Addr().Is4() != c.Media.Address.Is4() {
			c.Media.OtherAddress = l.Addr.Addr()
		}
	}
	for i := range c.Trunks {
		c.Trunks[i].settle()
	}
	for i := range c.Peers {
		p := &c.Peers[i]
		p.settle()
		orElse(&p.FromUser, p.Username)
		orElse(&p.FromUser, "ringpace")
	}
	for i := range c.Campaigns {
		c.settleCampaign(&c.Campaigns[i])
	}
	for i := range c.Agents {
		a := &c.Agents[i]
		orElse(&a.Name, a.ID)
		switch {
		case len(c.Peers) == 1:
			orElse(&a.Peer, c.Peers[0].Name)
		case len(c.Peers) == 0 && c.SIP.Registrar.Enabled:
			orElse(&a.Peer, OwnRegistrar)
		}
		if len(a.Campaigns) == 0 {
			a.Campaigns = c.campaignNames()
		}
	}
}

func (l *Link) settle() {
	orElse(&l.Domain, hostOf(l.Server))
	orElse(&l.AuthUsername, l.Username)
}

func (c *Config) settleCampaign(k *Campaign) {
	if len(k.Trunks) == 0 && len(c.Trunks) == 1 {
		k.Trunks = []string{c.Trunks[0].Name}
	}
	if k.CallerID == "" && len(k.CallerIDs) == 0 && len(k.Trunks) > 0 {
		if t := c.Trunk(k.Trunks[0]); t != nil && len(t.CallerIDs) > 0 {
			k.CallerID = t.CallerIDs[0]
		}
	}
	k.Abandonment.settle(k.Profile())
	k.Inbound.settle(k)
	orElse(&k.Language, c.Prompts.Language)
	orElse(&k.Consent, c.Recording.Consent.Prompt)
	if shown := k.Shown(""); k.Region == "" && len(shown) > 0 && shown[0] != "" {
		k.Region = regionOf(shown[0])
	}
}

func orElse(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// wildcard reports whether a stands for every address of the machine.
func wildcard(a netip.Addr) bool { return a.IsUnspecified() }
