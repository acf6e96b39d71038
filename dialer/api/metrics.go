package api

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ringpace/dialer/cdr"
)

// Metrics is the daemon's registry. What happens (attempts, times) is counted here
// as the daemon tells it; what is (agents by state, channels, disk) is read from
// the Floor at each scrape, once a Server has been made with both.
type Metrics struct {
	registry *prometheus.Registry

	started       *prometheus.CounterVec
	ended         *prometheus.CounterVec
	failedOver    *prometheus.CounterVec
	ringing       *prometheus.HistogramVec
	answerToAgent *prometheus.HistogramVec
	talk          *prometheus.HistogramVec
	decision      *prometheus.HistogramVec
	callsIn       *prometheus.CounterVec
	callsInEnded  *prometheus.CounterVec
	callWait      *prometheus.HistogramVec
	callbacks     *prometheus.CounterVec
	legs          legMetrics
	recordings    recordingMetrics
}

// NewMetrics returns a registry with the build's version, the Go runtime and the
// process in it.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		started: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringpace_attempts_started_total",
			Help: "Attempts begun, by campaign and trunk.",
		}, []string{"campaign", "trunk"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringpace_attempts_total",
			Help: "Attempts ended, by campaign and outcome.",
		}, []string{"campaign", "outcome"}),
		failedOver: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringpace_failovers_total",
			Help: "Calls that went on over another trunk, by campaign and the trunk that failed.",
		}, []string{"campaign", "trunk"}),
		ringing: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "ringpace_answer_delay_seconds",
			Help:    "INVITE to answer, for attempts that were answered.",
			Buckets: []float64{1, 2, 4, 6, 8, 10, 12, 15, 20, 25, 30, 45, 60},
		}, []string{"campaign"}),
		answerToAgent: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "ringpace_answer_to_agent_seconds",
			Help:    "Customer's answer to the first agent packet sent to the customer.",
			Buckets: []float64{.001, .0025, .005, .01, .02, .04, .08, .15, .3, .5, 1, 1.5, 2, 3, 5, 10, 20},
		}, []string{"campaign"}),
		talk: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "ringpace_talk_seconds",
			Help:    "Time for which agent and customer were joined.",
			Buckets: []float64{5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 3600},
		}, []string{"campaign"}),
		decision: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "ringpace_pacing_decision_seconds",
			Help:    "Time that one pacing decision took.",
			Buckets: prometheus.ExponentialBuckets(1e-6, 4, 9),
		}, []string{"campaign"}),
	}
	m.callsIn = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ringpace_inbound_calls_started_total",
		Help: "Calls to the campaign's numbers.",
	}, []string{"campaign"})
	m.callsInEnded = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ringpace_inbound_calls_total",
		Help: "Calls to the campaign's numbers that have ended, by outcome: person reached an agent, abandoned gave up.",
	}, []string{"campaign", "outcome"})
	m.callWait = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "ringpace_inbound_wait_seconds",
		Help:    "From a caller's INVITE to the first agent packet sent to them.",
		Buckets: []float64{.1, .5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300},
	}, []string{"campaign"})
	m.callbacks = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ringpace_callbacks_kept_total",
		Help: "Callbacks kept for callers.",
	}, []string{"campaign"})
	m.legs = newLegMetrics(m.registry)
	m.recordings = newRecordingMetrics()
	m.registry.MustRegister(m.recordings.collectors()...)
	m.registry.MustRegister(m.callsIn, m.callsInEnded, m.callWait, m.callbacks)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "ringpace_build_info",
		Help:        "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(build, m.started, m.ended, m.failedOver, m.ringing, m.answerToAgent, m.talk, m.decision,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// AttemptStarted counts an attempt whose INVITE goes out.
func (m *Metrics) AttemptStarted(campaign, trunk string) {
	m.started.WithLabelValues(campaign, trunk).Inc()
}

// FailedOver counts a call that goes on over another trunk than the one named, which
// could not carry it.
func (m *Metrics) FailedOver(campaign, trunk string) {
	m.failedOver.WithLabelValues(campaign, trunk).Inc()
}

// AttemptEnded counts an attempt that is over and takes its times from the marks.
// The attempt's id is the exemplar of each.
func (m *Metrics) AttemptEnded(rec cdr.Record) {
	m.ended.WithLabelValues(rec.Campaign, string(rec.Outcome)).Inc()
	m.recordings.observe(&rec)
	id := prometheus.Labels{"attempt_id": rec.ID}
	if !rec.Marks.Answered.IsZero() && !rec.Marks.Invite.IsZero() {
		observe(m.ringing, rec.Campaign, rec.Marks.Answered.Sub(rec.Marks.Invite), id)
	}
	if d, ok := rec.Marks.AnswerToAgent(); ok {
		observe(m.answerToAgent, rec.Campaign, d, id)
	}
	if d := rec.Marks.Talk(); d > 0 {
		observe(m.talk, rec.Campaign, d, id)
	}
	m.legs.observe(rec)
}

// CallStarted counts a call that came in.
func (m *Metrics) CallStarted(campaign string) { m.callsIn.WithLabelValues(campaign).Inc() }

// CallEnded counts a call that came in and is over. It is no attempt, and its times are
// none of the attempts'.
func (m *Metrics) CallEnded(rec cdr.Record) {
	m.callsInEnded.WithLabelValues(rec.Campaign, string(rec.Outcome)).Inc()
	m.recordings.observe(&rec)
	id := prometheus.Labels{"attempt_id": rec.ID}
	if d, ok := rec.Marks.CallToAgent(); ok {
		observe(m.callWait, rec.Campaign, d, id)
	}
	if d := rec.Marks.Talk(); d > 0 {
		observe(m.talk, rec.Campaign, d, id)
	}
	m.legs.observe(rec)
	if rec.Callback != nil {
		m.callbacks.WithLabelValues(rec.Campaign).Inc()
	}
}

// Decided notes how long a pacing decision took.
func (m *Metrics) Decided(campaign string, took time.Duration) {
	m.decision.WithLabelValues(campaign).Observe(took.Seconds())
}

func observe(h *prometheus.HistogramVec, campaign string, d time.Duration, exemplar prometheus.Labels) {
	// Every prometheus histogram is an ExemplarObserver.
	h.WithLabelValues(campaign).(prometheus.ExemplarObserver).ObserveWithExemplar(d.Seconds(), exemplar)
}

// Registry is where other rooms of the daemon may add collectors of their own.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// attach makes the registry read floor at each scrape.
func (m *Metrics) attach(floor Floor) error {
	return m.registry.Register(&floorCollector{floor: floor})
}

// handler serves the registry in the text or the OpenMetrics format.
func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics:   true,
		MaxRequestsInFlight: 4,
		Timeout:             scrapeTimeout,
		ErrorHandling:       promhttp.ContinueOnError,
	})
}

const scrapeTimeout = 5 * time.Second

// floorCollector turns the Floor's facts into gauges. Where the floor cannot tell,
// ringpace_up is 0 and the rest is left out, rather than the whole scrape failing.
type floorCollector struct{ floor Floor }

// Describe sends nothing: an unchecked collector, as its series depend on the
// configuration.
func (c *floorCollector) Describe(chan<- *prometheus.Desc) {}

// Collect reads the floor once.
func (c *floorCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	g := gauges{out: out}
	ok := c.node(ctx, g)
	ok = c.trunks(ctx, g) && ok
	ok = c.campaigns(ctx, g) && ok
	ok = c.agents(ctx, g) && ok
	g.put("ringpace_up", "Whether the floor answered this scrape.", flag(ok))
}

func (c *floorCollector) node(ctx context.Context, g gauges) bool {
	s, err := c.floor.Status(ctx)
	if err != nil {
		return false
	}
	g.put("ringpace_ready", "Whether this node may dial.", flag(s.Ready))
	g.put("ringpace_alarms", "Alarms that stand.", float64(len(s.Alarms)))
	g.put("ringpace_calls", "Attempts in flight.", float64(s.Calls))
	g.put("ringpace_calls_inbound", "Calls to our numbers that are up.", float64(s.Inbound))
	g.put("ringpace_calls_bridged", "Attempts with customer and agent joined.", float64(s.Bridged))
	g.put("ringpace_redis_up", "Whether the store answers.", flag(s.Redis.Up))
	g.put("ringpace_redis_backlog", "Records in the local journal that the store does not have yet.", float64(s.Redis.Backlog))
	g.count("ringpace_sip_received_total", "SIP messages that came in.", s.SIP.Received)
	g.count("ringpace_sip_malformed_total", "Messages that were not SIP or broken.", s.SIP.Malformed)
	g.count("ringpace_sip_rejected_total", "Requests refused: strangers, or against the rules.", s.SIP.Rejected)
	g.count("ringpace_sip_retransmitted_total", "SIP messages seen again.", s.SIP.Retransmitted)
	g.count("ringpace_sip_stranger_calls_total", "Calls from nobody that the configuration names.", s.SIP.Strangers)
	g.count("ringpace_sip_misdialed_total", "Calls over a trunk to a number that no campaign takes calls for.", s.SIP.Misdialed)
	g.put("ringpace_sip_dialogs", "Dialogs up or being set up, agent legs included.", float64(s.SIP.Dialogs))
	for reason, n := range s.Defence.Dropped {
		g.count("ringpace_sip_dropped_total", "Messages and connections dropped at the sockets, by reason.", n, "reason", reason)
	}
	for reason, n := range s.Defence.Banned {
		g.count("ringpace_sip_bans_total", "Bans of sources, by reason.", n, "reason", reason)
	}
	g.count("ringpace_sip_passed_total", "Messages that the defence let through.", s.Defence.Passed)
	g.count("ringpace_sip_lost_total", "Datagrams that the system dropped, as its buffer was full.", s.Defence.Lost)
	g.put("ringpace_sip_banned_sources", "Sources that are banned now.", float64(s.Defence.Bans))
	g.put("ringpace_sip_sources", "Sources of messages that are remembered.", float64(s.Defence.Sources))
	g.put("ringpace_sip_connections", "Connections of others than trunks and peers.", float64(s.Defence.Connections))
	g.count("ringpace_trace_messages_total", "SIP messages kept for traces.", s.Trace.Recorded)
	g.count("ringpace_hep_sent_total", "SIP messages sent to the HEP collector.", s.Trace.Exported)
	g.count("ringpace_hep_dropped_total", "SIP messages that the HEP collector did not take in time.", s.Trace.Dropped)
	g.put("ringpace_media_sessions", "Legs with a port open.", float64(s.Media.Sessions))
	g.put("ringpace_media_bridges", "Pairs of legs joined.", float64(s.Media.Bridges))
	g.count("ringpace_media_packets_received_total", "Valid RTP packets that came in.", s.Media.Received)
	g.count("ringpace_media_packets_sent_total", "RTP packets that went out.", s.Media.Sent)
	g.count("ringpace_media_packets_lost_total", "RTP packets that never came.", s.Media.Lost)
	g.count("ringpace_media_packets_discarded_total", "RTP packets malformed or from a stranger.", s.Media.Discarded)
	g.put("ringpace_recordings_active", "Recordings being written.", float64(s.Recording.Active))
	g.put("ringpace_recording_full", "Whether dialing has stopped since recordings cannot be kept: for want of space, or as writes fail, hang or take too long.", flag(s.Recording.Full))
	g.count("ringpace_recording_packets_dropped_total", "Packets that found no room in memory while the disk stalled.", s.Recording.Dropped)
	g.send(prometheus.CounterValue, "ringpace_recording_unwritten_seconds_total", "What recordings that are over lack, since the disk did not take it.", s.Recording.UnwrittenS, nil)
	g.put("ringpace_recording_disk_free_bytes", "Space left where recordings go.", float64(s.Recording.DiskFreeBytes))
	if u := s.Recording.Upload; u != nil {
		g.put("ringpace_upload_waiting", "Recordings that the object storage does not have yet.", float64(u.Waiting))
		g.put("ringpace_upload_stuck", "Of these, those that it does not get for a reason of their own.", float64(u.Stuck))
		g.put("ringpace_upload_oldest_waiting_seconds", "How long the first of those that wait has been kept; 0: none waits.", u.OldestWaitsS)
		g.count("ringpace_uploads_total", "Recordings that the object storage was proven to have.", u.Uploaded)
		g.count("ringpace_upload_bytes_total", "What these hold.", u.UploadedBytes)
		g.count("ringpace_upload_failures_total", "Uploads that failed; each is made again.", u.Failed)
	}
	return true
}

func (c *floorCollector) trunks(ctx context.Context, g gauges) bool {
	trunks, err := c.floor.Trunks(ctx)
	for _, t := range trunks {
		g.put("ringpace_trunk_usable", "Whether calls are sent to the trunk.", flag(t.Usable), "trunk", t.Name)
		g.put("ringpace_trunk_registered", "Whether the trunk is registered with its carrier.", flag(t.State == TrunkRegistered), "trunk", t.Name)
		g.put("ringpace_trunk_share", "How much of its calls the trunk gets: 1 all, 0 none, between while it comes back.", t.Share, "trunk", t.Name)
		g.put("ringpace_trunk_slowed", "Whether the trunk gets fewer calls because its carrier asked for it.", flag(!t.SlowedUntil.IsZero()), "trunk", t.Name)
		g.put("ringpace_trunk_calls_per_second", "Calls begun over the trunk by this node, over the last ten seconds.", t.CPS, "trunk", t.Name)
		g.put("ringpace_trunk_channels_share", "This node's part of the trunk's channels.", float64(t.ChannelsShare), "trunk", t.Name)
		g.put("ringpace_trunk_channels", "Channels of the trunk in use.", float64(t.ChannelsUsed), "trunk", t.Name)
		g.put("ringpace_trunk_channels_limit", "Channels of the trunk; 0: no limit.", float64(t.ChannelsLimit), "trunk", t.Name)
	}
	return err == nil
}

func (c *floorCollector) campaigns(ctx context.Context, g gauges) bool {
	campaigns, err := c.floor.Campaigns(ctx)
	for _, k := range campaigns {
		g.put("ringpace_campaign_running", "Whether the campaign is told to dial.", flag(k.Running), "campaign", k.Name)
		g.put("ringpace_campaign_in_flight", "Attempts not yet answered.", float64(k.InFlight), "campaign", k.Name)
		g.put("ringpace_campaign_live", "Attempts answered and not yet over.", float64(k.Live), "campaign", k.Name)
		if d := k.Decision; d != nil && d.Predictive != nil {
			c.prospect(g, k.Name, d.Predictive)
		}
		for state, n := range k.Leads {
			g.put("ringpace_leads", "Leads by state.", float64(n), "campaign", k.Name, "state", state)
		}
	}
	return err == nil
}

// prospect tells of the latest decision of mode predictive.
func (c *floorCollector) prospect(g gauges, campaign string, p *Prospect) {
	g.put("ringpace_pacing_risk_allowed", "Greatest risk that an answer to a call dialed now finds nobody (theta).", p.Theta, "campaign", campaign)
	g.put("ringpace_pacing_risk", "That risk, of the first call that is not dialed.", p.Risk, "campaign", campaign)
	g.put("ringpace_pacing_calibration", "Abandoned calls for each unit of risk that was accepted, as learned (kappa).", p.Kappa, "campaign", campaign)
	g.put("ringpace_pacing_answers_expected", "Answers expected of the calls in flight.", p.Answers, "campaign", campaign)
	g.put("ringpace_pacing_free_soon", "Busy agents expected to be free within 10 s.", p.FreeSoon, "campaign", campaign)
	g.put("ringpace_pacing_learned_calls", "Calls that what was learned is worth.", p.Learned, "campaign", campaign)
	for _, w := range p.Windows {
		labels := []string{"campaign", campaign, "window", w.Name}
		g.put("ringpace_abandonment_answered", "Calls that a person answered in the window so far, by all nodes.", float64(w.Answered), labels...)
		g.put("ringpace_abandonment_abandoned", "Of these, abandoned.", float64(w.Abandoned), labels...)
		g.put("ringpace_abandonment_ratio", "Share of them that was abandoned.", w.AbandonedShare(), labels...)
		g.put("ringpace_abandonment_ceiling_ratio", "Greatest share that may be.", w.Ceiling, labels...)
		g.put("ringpace_abandonment_credit", "Abandoned calls that the window can bear now.", w.Credit, labels...)
	}
}

func (c *floorCollector) agents(ctx context.Context, g gauges) bool {
	agents, err := c.floor.Agents(ctx)
	if err != nil {
		return false
	}
	byState := make(map[AgentState]int)
	for _, a := range agents {
		byState[a.State]++
	}
	for _, state := range AgentStates() {
		g.put("ringpace_agents", "Agents by state.", float64(byState[state]), "state", string(state))
	}
	return true
}

// gauges writes single samples; labels are name, value, name, value …
type gauges struct{ out chan<- prometheus.Metric }

func (g gauges) put(name, help string, v float64, labels ...string) {
	g.send(prometheus.GaugeValue, name, help, v, labels)
}

func (g gauges) count(name, help string, v uint64, labels ...string) {
	g.send(prometheus.CounterValue, name, help, float64(v), labels)
}

func (g gauges) send(kind prometheus.ValueType, name, help string, v float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	g.out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, v, values...)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
