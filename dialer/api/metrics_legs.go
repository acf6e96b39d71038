package api

import (
	"github.com/prometheus/client_golang/prometheus"

	"ringpace/dialer/cdr"
)

// legMetrics is what the audio of legs was like, observed once for each leg as its call
// ends. The label leg is the party, customer or agent; direction is in for what came
// from the party and out for what the party reported of ours (RTCP).
type legMetrics struct {
	opinion   *prometheus.HistogramVec
	loss      *prometheus.HistogramVec
	jitter    *prometheus.HistogramVec
	roundTrip *prometheus.HistogramVec
}

func newLegMetrics(registry *prometheus.Registry) legMetrics {
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets},
			append([]string{"campaign", "leg"}, labels...))
		registry.MustRegister(h)
		return h
	}
	return legMetrics{
		opinion: histogram("ringpace_leg_mos", "Mean opinion score of a leg's audio by the E-model (ITU-T G.107).",
			[]float64{1.5, 2, 2.5, 3, 3.3, 3.6, 3.8, 4, 4.2, 4.3, 4.4}, "direction"),
		loss: histogram("ringpace_leg_loss_ratio", "Share of a leg's packets that were lost.",
			[]float64{0, .001, .0025, .005, .01, .02, .03, .05, .1, .2, .5}, "direction"),
		jitter: histogram("ringpace_leg_jitter_seconds", "Interarrival jitter of a leg at its end (RFC 3550).",
			[]float64{.001, .002, .005, .01, .02, .03, .05, .1, .2}, "direction"),
		roundTrip: histogram("ringpace_leg_round_trip_seconds", "Round trip to a leg's party by RTCP.",
			[]float64{.001, .005, .01, .025, .05, .1, .15, .2, .3, .5, 1}),
	}
}

// observe takes the legs of a call that is over.
func (m legMetrics) observe(rec cdr.Record) {
	m.leg(rec.Campaign, cdr.Customer, rec.Customer)
	m.leg(rec.Campaign, cdr.Agent, rec.AgentLeg)
}

func (m legMetrics) leg(campaign string, party cdr.Party, l *cdr.Leg) {
	if l == nil {
		return
	}
	stream := func(direction string, mos, jitterMS float64, lost, due uint64) {
		m.opinion.WithLabelValues(campaign, string(party), direction).Observe(mos)
		m.loss.WithLabelValues(campaign, string(party), direction).Observe(float64(lost) / float64(due))
		m.jitter.WithLabelValues(campaign, string(party), direction).Observe(jitterMS / 1000)
	}
	if l.Received > 0 {
		stream("in", l.MOS, l.JitterMS, l.Lost, l.Received+l.Lost)
	}
	if r := l.Remote; r != nil && l.Sent > 0 {
		stream("out", r.MOS, r.JitterMS, r.Lost, l.Sent)
		if r.RoundTripMS > 0 {
			m.roundTrip.WithLabelValues(campaign, string(party)).Observe(r.RoundTripMS / 1000)
		}
	}
}
