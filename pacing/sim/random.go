package sim

import "math"

// draw is a random number that belongs to one purpose of one thing of one day: the same
// whoever asks for it and when, so that all algorithms meet the same calls and agents
// (common random numbers).
type draw uint64

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// source gives the draws of one day.
type source uint64

func (s source) of(thing stream, number int) draw {
	return draw(mix(mix(uint64(s)+uint64(thing)<<56) + uint64(number)))
}

// stream is what a draw is about.
type stream uint64

const (
	aboutCall stream = iota + 1
	aboutAgent
	aboutBreak
	aboutPerson
	aboutBlock
	aboutHeld
	aboutCrew
)

// next is the following draw of the same thing.
func (d *draw) next() uint64 {
	*d = draw(mix(uint64(*d)))
	return uint64(*d)
}

// uniform is in (0, 1).
func (d *draw) uniform() float64 { return (float64(d.next()>>11) + 0.5) / (1 << 53) }

// normal has mean 0 and variance 1.
func (d *draw) normal() float64 { return math.Sqrt2 * math.Erfinv(2*d.uniform()-1) }
