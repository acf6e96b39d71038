package media

import "slices"

// mixer adds voices to what somebody else says. Its user's lock covers it.
type mixer struct {
	voices []*voice
	sum    []int32 // where they are mixed; nil before the first
}

// admit has a voice mixed in from the next packet on.
func (m *mixer) admit(v *voice) {
	m.voices = append(m.voices, v)
	if m.sum == nil {
		m.sum = make([]int32, maxFrame)
	}
}

// dismiss ends what admit began.
func (m *mixer) dismiss(v *voice) {
	if i := slices.Index(m.voices, v); i >= 0 {
		m.voices = slices.Delete(m.voices, i, i+1)
	}
}

// mix adds the voices to payload, G.711 that begins at timestamp and is nothing but
// silence where silent says so. Where no voice sounds, payload stays as it is, to the
// octet.
func (m *mixer) mix(payload []byte, codec Codec, timestamp uint32, silent bool) {
	for len(m.voices) > 0 && len(payload) > 0 {
		n := min(len(payload), len(m.sum))
		sum := m.sum[:n]
		clear(sum)
		sounds := false
		for _, v := range m.voices {
			sounds = v.add(sum, timestamp) || sounds
		}
		for i := 0; sounds && i < n; i++ {
			if s := sum[i]; s != 0 {
				if !silent {
					s += int32(codec.Decode(payload[i]))
				}
				payload[i] = codec.Encode(saturate(s))
			}
		}
		payload, timestamp = payload[n:], timestamp+uint32(n)
	}
}

// saturate is the sample nearest to s.
func saturate(s int32) int16 { return int16(max(-1<<15, min(1<<15-1, s))) }
