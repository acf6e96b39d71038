package media

import (
	"maps"
	"math"
	"slices"
	"time"
)

// progressLevel is that of all frequencies of a tone together, in dBm0 (ITU-T E.180,
// section 4).
const progressLevel = -10

// Tones are a country's call progress tones, each to be looped.
type Tones struct {
	RingBack   *Prompt // it rings
	Busy       *Prompt // who is called talks already
	Congestion *Prompt // the call cannot be made, or came to nothing
}

// progressTone is a tone's frequencies in Hz, and how many milliseconds it sounds and
// rests, in turn.
type progressTone struct {
	frequencies []float64
	cadence     []int
}

// progressTones are ring-back, busy and congestion.
type progressTones struct{ ringBack, busy, congestion progressTone }

// tonesByCountry are by country (ISO 3166), those of ITU-T E.180 under the empty name: its
// ring-back is that of most of Europe, its busy tone the one that ETSI recommends, and its
// congestion tone, for which E.180 leaves a choice, what most countries have.
//
// They agree with what Asterisk knows (indications.conf, which names the ITU's list of
// 2003, supplement 2 to E.180, or the country's own specification, such as BT SIN 350 and
// ACIF S002), but for Ireland, where busy is as ETSI has it, and Hong Kong. All of Hong
// Kong's and Ireland's congestion tone are not verified by a public source. Left out are
// countries one of whose tones is modulated (IN, JP, SG, ZA), and changes of level from one
// burst to the next (congestion in AU and GB).
func tonesByCountry() map[string]progressTones {
	single := func(hz float64, ring, busy, congestion []int) progressTones {
		f := []float64{hz}
		return progressTones{progressTone{f, ring}, progressTone{f, busy}, progressTone{f, congestion}}
	}
	even := func(ms int) []int { return []int{ms, ms} }
	ring, twice := []int{1000, 4000}, []int{400, 200, 400, 2000}
	standard := single(425, ring, even(500), even(250))
	quick := single(425, ring, even(500), even(200))
	quicker := single(425, ring, even(300), even(200))
	american := progressTones{
		progressTone{[]float64{440, 480}, []int{2000, 4000}},
		progressTone{[]float64{480, 620}, even(500)},
		progressTone{[]float64{480, 620}, even(250)},
	}
	ringing := func(t progressTones, cadence []int, hz ...float64) progressTones {
		t.ringBack = progressTone{hz, cadence}
		return t
	}
	return map[string]progressTones{
		"":   standard,
		"AT": single(420, []int{1000, 5000}, even(400), even(200)),
		"AU": ringing(single(425, nil, even(375), even(375)), twice, 413, 438),
		"BE": single(425, []int{1000, 3000}, even(500), even(167)),
		"BG": standard,
		"BR": single(425, ring, even(250), []int{250, 250, 750, 250}),
		"CA": american,
		"CH": quick,
		"CL": single(400, []int{1000, 3000}, even(500), even(200)),
		"CN": single(450, ring, even(350), even(700)),
		"CZ": single(425, ring, even(330), even(165)),
		"DE": single(425, ring, even(480), even(240)),
		"DK": quick,
		"EE": quicker,
		"ES": single(425, []int{1500, 3000}, even(200), []int{200, 200, 200, 200, 200, 600}),
		"FI": quicker,
		"FR": single(440, []int{1500, 3500}, even(500), even(250)),
		"GB": ringing(single(400, nil, even(375), []int{400, 350, 225, 525}), twice, 400, 450),
		"GR": quicker,
		"HK": ringing(american, []int{400, 200, 400, 3000}, 440, 480),
		"HU": single(425, []int{1250, 3750}, even(300), even(300)),
		"ID": standard,
		"IE": ringing(standard, twice, 400, 450),
		"IL": single(414, []int{1000, 3000}, even(500), even(250)),
		"IT": quick,
		"LT": single(425, ring, even(350), even(200)),
		"MX": single(425, ring, even(250), even(250)),
		"MY": single(425, twice, even(500), even(500)),
		"NL": standard,
		"NO": quick,
		"NZ": ringing(single(400, nil, even(500), even(250)), twice, 400, 450),
		"PH": ringing(american, ring, 425, 480),
		"PL": single(425, ring, even(500), even(500)),
		"PT": single(425, []int{1000, 5000}, even(500), even(200)),
		"RU": single(425, ring, even(350), even(175)),
		"SE": single(425, []int{1000, 5000}, even(250), []int{250, 750}),
		"TH": ringing(single(400, nil, even(500), even(300)), []int{1000, 5000}, 420),
		"TW": ringing(american, []int{1000, 2000}, 440, 480),
		"US": american,
		"VE": standard,
	}
}

// ToneCountries are those whose tones are known, in order.
func ToneCountries() []string {
	known := tonesByCountry()
	delete(known, "")
	return slices.Sorted(maps.Keys(known))
}

// TonesOf are the tones of a country (ISO 3166); those of ITU-T E.180 where its own are not
// known.
func TonesOf(country string) Tones {
	all := tonesByCountry()
	of, known := all[country]
	if !known {
		of = all[""]
	}
	return Tones{RingBack: of.ringBack.prompt(), Busy: of.busy.prompt(), Congestion: of.congestion.prompt()}
}

func (t progressTone) prompt() *Prompt {
	each := progressLevel - 10*math.Log10(float64(len(t.frequencies)))
	cadence := make([]time.Duration, len(t.cadence))
	for i, ms := range t.cadence {
		cadence[i] = time.Duration(ms) * time.Millisecond
	}
	return PromptTone(t.frequencies, each, cadence...)
}
