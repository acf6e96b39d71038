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

// ringBackTones are by country (ISO 3166), after supplement 2 to ITU-T E.180, for Australia
// ACIF S002 and for the United Kingdom BT SIN 350; that of E.180 itself, which most of
// Europe has, is under the empty name. But for those of Hong Kong and Ireland they agree
// with what Asterisk knows (indications.conf). Left out are countries whose tone is
// modulated.
func ringBackTones() map[string]ringBackTone {
	const ms = time.Millisecond
	american := ringBackTone{[]float64{440, 480}, []time.Duration{2000 * ms, 4000 * ms}}
	british := []time.Duration{400 * ms, 200 * ms, 400 * ms, 2000 * ms}
	return map[string]ringBackTone{
		"":   {[]float64{425}, []time.Duration{1000 * ms, 4000 * ms}},
		"AT": {[]float64{420}, []time.Duration{1000 * ms, 5000 * ms}},
		"AU": {[]float64{413, 438}, british},
		"BE": {[]float64{425}, []time.Duration{1000 * ms, 3000 * ms}},
		"CA": american,
		"CL": {[]float64{400}, []time.Duration{1000 * ms, 3000 * ms}},
		"CN": {[]float64{450}, []time.Duration{1000 * ms, 4000 * ms}},
		"ES": {[]float64{425}, []time.Duration{1500 * ms, 3000 * ms}},
		"FR": {[]float64{440}, []time.Duration{1500 * ms, 3500 * ms}},
		"GB": {[]float64{400, 450}, british},
		"HK": {[]float64{440, 480}, []time.Duration{400 * ms, 200 * ms, 400 * ms, 3000 * ms}},
		"HU": {[]float64{425}, []time.Duration{1250 * ms, 3750 * ms}},
		"IE": {[]float64{400, 450}, british},
		"MY": {[]float64{425}, british},
		"NZ": {[]float64{400, 450}, british},
		"PT": {[]float64{425}, []time.Duration{1000 * ms, 5000 * ms}},
		"SE": {[]float64{425}, []time.Duration{1000 * ms, 5000 * ms}},
		"TH": {[]float64{420}, []time.Duration{1000 * ms, 5000 * ms}},
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
