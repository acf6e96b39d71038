package media

import (
	"math"
	"slices"
	"time"
)

// ringBackLevel is that of all frequencies together, in dBm0 (ITU-T E.180, section 4).
const ringBackLevel = -10

// ringBackTone is a country's ring-back tone: its frequencies in Hz, and how long it
// sounds and rests, in turn.
type ringBackTone struct {
	frequencies []float64
	cadence     []time.Duration
}

// ringBackTones are by country (ISO 3166), after supplement 2 to ITU-T E.180; those of
// E.180 itself, which most of Europe has, are under the empty name.
func ringBackTones() map[string]ringBackTone {
	const ms = time.Millisecond
	american := ringBackTone{[]float64{440, 480}, []time.Duration{2000 * ms, 4000 * ms}}
	british := []time.Duration{400 * ms, 200 * ms, 400 * ms, 2000 * ms}
	return map[string]ringBackTone{
		"":   {[]float64{425}, []time.Duration{1000 * ms, 4000 * ms}},
		"AU": {[]float64{400, 425, 450}, british},
		"CA": american,
		"CN": {[]float64{450}, []time.Duration{1000 * ms, 4000 * ms}},
		"FR": {[]float64{440}, []time.Duration{1500 * ms, 3500 * ms}},
		"GB": {[]float64{400, 450}, british},
		"HK": {[]float64{440, 480}, []time.Duration{400 * ms, 200 * ms, 400 * ms, 3000 * ms}},
		"IE": {[]float64{400, 450}, british},
		"NZ": {[]float64{400, 450}, british},
		"US": american,
	}
}

// RingBackCountries are those whose ring-back tone is known to be another than that of
// ITU-T E.180, in order.
func RingBackCountries() []string {
	var known []string
	for country := range ringBackTones() {
		if country != "" {
			known = append(known, country)
		}
	}
	slices.Sort(known)
	return known
}

// RingBack is the ring-back tone of a country (ISO 3166), to be looped; that of ITU-T
// E.180 where none of its own is known.
func RingBack(country string) *Prompt {
	tones := ringBackTones()
	t, known := tones[country]
	if !known {
		t = tones[""]
	}
	each := ringBackLevel - 10*math.Log10(float64(len(t.frequencies)))
	return PromptTone(t.frequencies, each, t.cadence...)
}
