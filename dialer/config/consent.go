package config

import (
	"strings"
	"time"

	"ringpace/configs/duration"
)

// Consent is how a customer is told that the call is recorded, and may refuse it.
type Consent struct {
	Prompt  string `yaml:"prompt"`     // PromptDefault, PromptOff or the path of a WAV
	Key     string `yaml:"refuse_key"` // that refuses: 0-9, * or #; empty: none does
	Refused string `yaml:"refused" enum:"unrecorded,hangup"`
}

// What becomes of the call of a customer who refuses to be recorded.
const (
	RefusedUnrecorded = "unrecorded" // it goes on, and what was recorded is removed
	RefusedHangup     = "hangup"     // it ends, and what was recorded is removed
)

// Beep is the tone that tells that a conversation is recorded, as long as it is.
type Beep struct {
	To        string        `yaml:"to" enum:"off,customer,agent,both"`
	Frequency float64       `yaml:"frequency"` // Hz
	Level     float64       `yaml:"level"`     // dBm0
	Length    time.Duration `yaml:"length"`
	Every     time.Duration `yaml:"every"` // from the beginning of one to that of the next
}

// Who hears the beep.
const (
	BeepOff      = "off"
	BeepCustomer = "customer"
	BeepAgent    = "agent"
	BeepBoth     = "both"
)

// defaultBeep is the recorder warning tone of the United States (FCC docket 6787, to
// which 47 CFR 64.501 referred), off: 1400 Hz for 0.2 s every 15 s, as loud as people
// speak on the telephone.
func defaultBeep() Beep {
	return Beep{To: BeepOff, Frequency: 1400, Level: -20, Length: 200 * time.Millisecond, Every: 15 * time.Second}
}

// disclosure checks how people are told that they are recorded.
func (v *validator) disclosure() {
	r := &v.config.Recording
	const key = "recording.consent"
	v.prompt(key+".prompt", r.Consent.Prompt)
	if k := r.Consent.Key; len(k) > 1 || !strings.Contains("0123456789*#", k) {
		v.bad(key+".refuse_key", "%q; write one key, 0 to 9, * or #, or nothing where no key refuses", k)
	}
	told := r.Consent.Prompt != PromptOff
	for _, c := range v.config.Campaigns {
		told = told || c.Consent != PromptOff
	}
	if r.Consent.Key != "" && !told {
		v.warn(key+".refuse_key", "has no effect while no consent prompt is played")
	}
	b := &r.Beep
	v.audible("recording.beep", b.Frequency, b.Level)
	if b.Length < 20*time.Millisecond || b.Length > 2*time.Second {
		v.bad("recording.beep.length", "%s; write how long one beep lasts, 20ms to 2s, such as 200ms", duration.Format(b.Length))
	}
	if b.Every < time.Second || b.Every > 10*time.Minute || b.Every < 2*b.Length {
		v.bad("recording.beep.every", "%s; write the time from one beep to the next, 1s to 10m, at least twice recording.beep.length, such as 15s", duration.Format(b.Every))
	}
	if !r.Enabled && (b.To != BeepOff || told) {
		v.warn("recording", "nothing is recorded, so neither consent nor beep is heard")
	}
}
