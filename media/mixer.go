package media

import (
	"slices"
	"time"
)

// sounder is what can be mixed into a stream.
type sounder interface {
	// add adds the samples that belong to sum, which begins at that timestamp of the
	// stream and is sent now, and reports whether there are any that sound.
	add(sum []int32, timestamp uint32, now time.Time) (sounds bool)
}

// mixer adds sounders to what somebody else says. Its user's lock covers it.
type mixer struct {
	voices  []sounder
	sum     []int32 // where they are mixed; nil before the first
	limiter limiter
}

// admit has a voice mixed in from the next packet on.
func (m *mixer) admit(v sounder) {
	m.voices = append(m.voices, v)
	if m.sum == nil {
		m.sum = make([]int32, maxFrame)
	}
}

// dismiss ends what admit began.
func (m *mixer) dismiss(v sounder) {
	if i := slices.Index(m.voices, v); i >= 0 {
		m.voices = slices.Delete(m.voices, i, i+1)
	}
}

// mix adds the voices to payload, G.711 that begins at timestamp, is sent now and is
// nothing but silence where silent says so. Where no voice sounds, nor has made the whole
// too loud a moment ago, payload stays as it is, to the octet, and mixed is false.
func (m *mixer) mix(payload []byte, codec Codec, timestamp uint32, now time.Time, silent bool) (mixed bool) {
	for (len(m.voices) > 0 || m.limiter.cut > 0) && len(payload) > 0 {
		n := min(len(payload), len(m.sum))
		sum := m.sum[:n]
		clear(sum)
		sounds := false
		for _, v := range m.voices {
			sounds = v.add(sum, timestamp, now) || sounds
		}
		if sounds || m.limiter.cut > 0 {
			m.put(payload[:n], codec, sum, silent)
			mixed = true
		}
		payload, timestamp = payload[n:], timestamp+uint32(n)
		now = now.Add(time.Duration(n) * time.Second / ClockRate)
	}
	return mixed
}

// put writes payload anew, with sum added to it.
func (m *mixer) put(payload []byte, codec Codec, sum []int32, silent bool) {
	peak := int32(0)
	for i, s := range sum {
		if !silent {
			s += int32(codec.Decode(payload[i]))
		}
		peak = max(peak, s, -s)
	}
	idle := m.limiter.idle(peak)
	for i, s := range sum {
		if s == 0 && idle {
			continue // to the octet
		}
		if !silent {
			sum[i] += int32(codec.Decode(payload[i]))
		}
		if idle {
			payload[i] = codec.Encode(saturate(sum[i]))
		}
	}
	if idle {
		return
	}
	m.limiter.limit(sum, peak)
	for i, s := range sum {
		payload[i] = codec.Encode(saturate(s))
	}
}

// saturate is the sample nearest to s.
func saturate(s int32) int16 { return int16(max(-1<<15, min(1<<15-1, s))) }
