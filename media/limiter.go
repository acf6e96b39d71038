package media

// The limiter, in samples and of full scale.
const (
	// limiterCeiling is the loudest sample that it lets through; both laws have it.
	limiterCeiling = 32000
	// limiterAttack is how long it takes to turn down: 4 ms, at the beginning of the
	// packet that is too loud.
	limiterAttack = 4 * ClockRate / 1000
	// limiterRelease is how long it would take to turn up from nothing to all.
	limiterRelease = ClockRate
)

// limiter turns a sum of voices down where it would be cut off at full scale, which
// is heard as a rattle, and slowly up again afterwards. The zero limiter lets all
// through as it is.
type limiter struct {
	cut float32 // of the sum, 0 to 1
}

// idle reports whether nothing is turned down, nor has to be for this peak.
func (l *limiter) idle(peak int32) bool { return l.cut == 0 && peak <= limiterCeiling }

// limit turns down the samples of one packet, the loudest of which is peak.
func (l *limiter) limit(sum []int32, peak int32) {
	cut := max(0, l.cut-float32(len(sum))/limiterRelease)
	over := len(sum)
	if need := 1 - limiterCeiling/float32(max(peak, limiterCeiling)); need >= cut {
		cut, over = need, min(len(sum), limiterAttack)
	}
	step := (cut - l.cut) / float32(max(over, 1))
	for i := range sum {
		if i < over {
			l.cut += step
		} else {
			l.cut = cut
		}
		sum[i] = int32(float32(sum[i]) * (1 - l.cut))
	}
	l.cut = cut
}
