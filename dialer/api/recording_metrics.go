package api

import (
	"github.com/prometheus/client_golang/prometheus"

	"ringpace/dialer/cdr"
)

// recordingMetrics tell what recordings sound like, so that a trunk that has become
// quiet, or telephones that clip, are seen before anybody complains.
type recordingMetrics struct {
	level   *prometheus.HistogramVec
	clipped *prometheus.HistogramVec
	talk    *prometheus.HistogramVec
	share   *prometheus.HistogramVec
}

func newRecordingMetrics() recordingMetrics {
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, append(labels, "campaign"))
	}
	shares := []float64{.01, .02, .05, .1, .2, .3, .4, .5, .6, .7, .8, .9}
	return recordingMetrics{
		level: histogram("ringpace_recording_active_level_dbm0", "Active speech level (ITU-T P.56) of each party of a recording.",
			[]float64{-45, -40, -35, -30, -25, -20, -15, -10, -5}, "party"),
		clipped: histogram("ringpace_recording_clipped_ratio", "Share of a party's speech that was at full scale.",
			[]float64{1e-5, 1e-4, 1e-3, 1e-2, 1e-1}, "party"),
		talk: histogram("ringpace_recording_talk_ratio", "Share of a recording in which a party spoke.", shares, "party"),
		share: histogram("ringpace_recording_time_ratio", "Share of a recording in which nobody spoke (silence), and in which both did (talk_over).",
			shares, "of"),
	}
}

func (m *recordingMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.level, m.clipped, m.talk, m.share}
}

// observe takes the figures of one recording, if there is one.
func (m *recordingMetrics) observe(rec *cdr.Record) {
	if rec.Recording == nil || rec.Recording.Quality == nil {
		return
	}
	q, of := rec.Recording.Quality, prometheus.Labels{"attempt_id": rec.ID}
	put := func(h *prometheus.HistogramVec, label string, value float64) {
		h.WithLabelValues(label, rec.Campaign).(prometheus.ExemplarObserver).ObserveWithExemplar(value, of)
	}
	for party, v := range map[string]cdr.Voice{"customer": q.Left, "agent": q.Right} {
		put(m.talk, party, v.Talk)
		if v.ActiveDBm0 != nil { // who did not speak has no level
			put(m.level, party, *v.ActiveDBm0)
			put(m.clipped, party, v.Clipped)
		}
	}
	put(m.share, "silence", q.Silence)
	put(m.share, "talk_over", q.TalkOver)
}
