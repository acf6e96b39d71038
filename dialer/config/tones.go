package config

import (
	"slices"
	"strings"
	"time"

	"ringpace/configs/duration"
	"ringpace/media"
)

// Tones are what tells, without words, what becomes of a call.
type Tones struct {
	Country string        `yaml:"country"` // whose they are (ISO 3166); empty: those of ITU-T E.180
	Failed  time.Duration `yaml:"failed"`  // how long busy or congestion is heard where a call came to nothing; 0: not at all
	Arrival Arrival       `yaml:"beep"`
}

// Arrival is the beep, or zip tone, by which an agent on a leg that stays up hears that
// somebody is put through.
type Arrival struct {
	Frequency float64       `yaml:"frequency"` // Hz
	Level     float64       `yaml:"level"`     // dBm0
	Length    time.Duration `yaml:"length"`    // 0: there is none
}

func defaultTones() Tones {
	return Tones{Failed: 3 * time.Second, Arrival: Arrival{Frequency: 480, Level: -18, Length: 150 * time.Millisecond}}
}

// tones checks what is heard in the place of words.
func (v *validator) tones() {
	t := &v.config.Media.Tones
	if known := media.ToneCountries(); t.Country != "" && !slices.Contains(known, t.Country) {
		v.bad("media.tones.country", "%q is not known; write one of %s, or nothing for the tones of ITU-T E.180, which most of Europe has", t.Country, strings.Join(known, ", "))
	}
	if t.Failed < 0 || t.Failed > 30*time.Second {
		v.bad("media.tones.failed", "%s; write how long busy or congestion is heard, such as 3s, at most 30s, or 0 for not at all", duration.Format(t.Failed))
	}
	b := &t.Arrival
	v.audible("media.tones.beep", b.Frequency, b.Level)
	if b.Length != 0 && (b.Length < 20*time.Millisecond || b.Length > 2*time.Second) {
		v.bad("media.tones.beep.length", "%s; write how long it lasts, 20ms to 2s, such as 150ms, or 0 for none", duration.Format(b.Length))
	}
}

// audible checks a beep's frequency, in Hz, and level, in dBm0.
func (v *validator) audible(key string, frequency, level float64) {
	if !(frequency >= 300 && frequency <= 3400) {
		v.bad(key+".frequency", "%v; write what telephones carry, 300 to 3400, such as 1400", frequency)
	}
	if !(level >= -40 && level <= -6) {
		v.bad(key+".level", "%v; write a level in dBm0, -40 to -6; speech has about -20", level)
	}
}
