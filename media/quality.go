package media

import (
	"math"
	"time"
)

// Quality is what a listener makes of a stream, reckoned by the E-model, ITU-T G.107
// (06/2015), with all that is not measured at its default (G.107 table 3).
type Quality struct {
	R   float64 // transmission rating, 0 to 93.2
	MOS float64 // mean opinion score, conversational, 1 to 4.41 (G.107 annex B)
}

// The parameters of G.711, which is what people hear also where G.722 carries it:
// ITU-T G.113 (11/2007) appendix I, with the loss concealment of G.711 appendix I,
// as telephones do it.
const (
	equipmentImpairment = 0    // Ie
	lossRobustness      = 25.1 // Bpl
)

// The E-model's values where everything is at its default: G.107 equations 7-2 to 7-16.
const (
	basicSignalToNoise   = 94.7688 // Ro, with No = -61.18 dBm0p, SLR = 8, RLR = 2
	simultaneousImpaired = 1.4136  // Is
	talkerEchoLoudness   = 65      // TELR, dB
	echoPathLoss         = 110     // WEPL, dB
)

// impairments are what the E-model takes of a stream.
type impairments struct {
	loss  float64       // share of the packets that were not heard, 0 to 1
	burst float64       // BurstR: mean length of a loss over that of random loss; 1 is random
	delay time.Duration // one way, mouth to ear
}

// rate gives the rating of a stream: R = Ro - Is - Id - Ie,eff (G.107 equation 7-1;
// the advantage factor A is 0).
func (i impairments) rate() Quality {
	burst := max(i.burst, 1)
	percent := 100 * min(max(i.loss, 0), 1)
	// Equation 7-29.
	effective := equipmentImpairment + (95-equipmentImpairment)*percent/(percent/burst+lossRobustness)
	r := basicSignalToNoise - simultaneousImpaired - delayImpairment(i.delay) - effective
	r = min(max(r, 0), 100)
	return Quality{R: r, MOS: opinion(r)}
}

// delayImpairment is Id, the sum of talker echo, listener echo and long delay
// (G.107 equations 7-17 to 7-28), where the mean one-way delay T, half the round trip
// Tr and the absolute delay Ta are all d.
func delayImpairment(d time.Duration) float64 {
	t := max(d.Seconds()*1000, 0) // ms
	talker := 0.0
	if t >= 1 {
		loudness := talkerEchoLoudness - 40*math.Log10((1+t/10)/(1+t/150)) + 6*math.Exp(-0.3*t*t) // TERV
		difference := basicSignalToNoise - (80 + 2.5*(loudness-14))                               // Roe - Re
		talker = (difference/2 + math.Sqrt(difference*difference/4+100) - 1) * (1 - math.Exp(-t)) // Idte
	}
	difference := basicSignalToNoise - 10.5*(echoPathLoss+7)*math.Pow(2*t+1, -0.25) // Ro - Rle
	listener := difference/2 + math.Sqrt(difference*difference/4+169)               // Idle
	long := 0.0
	if t > 100 {
		x := math.Log2(t / 100)
		long = 25 * (math.Pow(1+math.Pow(x, 6), 1./6) - 3*math.Pow(1+math.Pow(x/3, 6), 1./6) + 2) // Idd
	}
	return talker + listener + long
}

// opinion turns a rating into a mean opinion score (G.107 equation B-4).
func opinion(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	// Below R = 6.5 the polynomial dips under 1.
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}

// Heard is how we hear the far side: by its packets as they came. ok is false while
// there are none.
func (s SessionStats) Heard() (q Quality, ok bool) {
	if s.Received == 0 {
		return q, false
	}
	due := float64(s.Received + s.Lost)
	i := impairments{loss: float64(s.Lost) / due, delay: s.mouthToEar(s.Jitter)}
	if s.Bursts > 0 {
		// The mean length of random loss is 1/(1-loss) packets (G.107 section 7.6).
		i.burst = float64(s.Lost) / float64(s.Bursts) * (1 - i.loss)
	}
	return i.rate(), true
}

// HeardByRemote is how the far side hears us: by what it reported. ok is false before
// its first report.
func (s SessionStats) HeardByRemote() (q Quality, ok bool) {
	if !s.Reported || s.Sent == 0 {
		return q, false
	}
	i := impairments{loss: float64(s.RemoteLost) / float64(s.Sent), delay: s.mouthToEar(s.RemoteJitter)}
	return i.rate(), true
}

// mouthToEar estimates the one-way delay of a leg: half the round trip, a packet, and a
// jitter buffer that suits the jitter.
func (s SessionStats) mouthToEar(jitter time.Duration) time.Duration {
	return s.RoundTrip/2 + defaultPTime + 2*jitter
}

// Since are the figures of the time after those of before. Jitter and round trip are
// running means, and stay.
func (s SessionStats) Since(before SessionStats) SessionStats {
	s.Sent -= before.Sent
	s.Received -= before.Received
	s.Lost -= min(s.Lost, before.Lost) // late packets take from it
	s.Bursts -= min(s.Bursts, before.Bursts)
	s.Late -= before.Late
	s.Discarded -= before.Discarded
	s.Malformed -= before.Malformed
	s.Strangers -= before.Strangers
	s.Unsent -= before.Unsent
	s.RemoteLost -= min(s.RemoteLost, before.RemoteLost)
	return s
}
