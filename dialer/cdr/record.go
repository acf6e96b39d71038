package cdr

import "time"

// Party names one side of a call.
type Party string

// Who hung up.
const (
	Customer   Party = "customer"
	Agent      Party = "agent"
	Ringpace   Party = "ringpace"    // timers, the safe-harbour message, shutdown
	ThirdParty Party = "third_party" // to whom an agent had transferred the customer
	Network    Party = "network"     // the trunk or a lost media path
)

// Direction says who called whom.
type Direction string

// The directions.
const (
	Out Direction = "out" // we called the customer
	In  Direction = "in"  // they called the official number
)

// KeptCallback is a caller's wish to be called, which was kept.
type KeptCallback struct {
	Asked    time.Time `json:"asked"`
	Due      time.Time `json:"due"` // not called before
	Priority int       `json:"priority"`
}

// Record is the call detail record of one attempt. Every attempt ends in exactly
// one. Its JSON form is what the Redis stream, the JSONL file and the API carry.
type Record struct {
	ID        string    `json:"id"`        // the attempt's ULID; also in the SIP Call-ID and the recording's name
	Direction Direction `json:"direction"` // out where it is empty: records of former versions
	Campaign  string    `json:"campaign"`  //
	List      string    `json:"list,omitempty"`
	LeadID    string    `json:"lead_id"`
	Number    string    `json:"number"`    // the customer's, E.164 with +; "" where a caller hides it
	CallerID  string    `json:"caller_id"` // E.164 with +, as presented; of a call that came in: the number that was called
	Trunk     string    `json:"trunk,omitempty"`
	Node      string    `json:"node"`    // the node that wrote the record
	Ordinal   int       `json:"ordinal"` // 1 for the lead's first attempt

	Outcome  Outcome `json:"outcome"`
	Rule     string  `json:"rule,omitempty"`     // the rule that forbade the call, when skipped
	Detected Outcome `json:"detected,omitempty"` // what the audio said, where it was analysed

	SIPStatus int    `json:"sip_status,omitempty"` // the final response to the INVITE, 0 if none came
	SIPReason string `json:"sip_reason,omitempty"` // its reason phrase, or our words where none came
	Q850      int    `json:"q850,omitempty"`       // ITU-T Q.850 cause from a Reason header (RFC 3326), 0 if none

	// Tries are the trunks that were tried, in order, where it was more than one; the
	// fields above are those of the last.
	Tries []Try `json:"tries,omitempty"`

	GivenUp     bool   `json:"given_up,omitempty"` // while it rang, since an answer would too likely have found no agent
	Queued      bool   `json:"queued,omitempty"`   // no agent was free when the person answered
	Agent       string `json:"agent,omitempty"`
	Disposition string `json:"disposition,omitempty"` // what the agent chose in wrap-up
	Note        string `json:"note,omitempty"`        // what the agent wrote
	Holds       int    `json:"holds,omitempty"`       // times that the agent put the customer on hold
	HoldMS      int64  `json:"hold_ms,omitempty"`     // how long, all together
	HungUpBy    Party  `json:"hung_up_by,omitempty"`
	Message     string `json:"message,omitempty"` // the prompt played to a person for whom no agent was there

	// Consent is whether the customer was told of the recording, or refused it; a third party's
	// is in Transfers.
	Consent Consent `json:"consent,omitempty"`

	// RecordingPauses are when agents kept what was said out of the recording, in order.
	RecordingPauses []RecordingPause `json:"recording_pauses,omitempty"`

	// Transfers are those that agents asked for, in order.
	Transfers []Transfer `json:"transfers,omitempty"`

	// Listened is who of the supervisors took part, in order.
	Listened []Listening `json:"listened,omitempty"`

	Callback *KeptCallback `json:"callback,omitempty"` // that a caller asked for

	Marks Marks `json:"marks"`

	Recording *Recording `json:"recording,omitempty"`
	Customer  *Leg       `json:"customer_leg,omitempty"`
	AgentLeg  *Leg       `json:"agent_leg,omitempty"`
}

// Bridged reports whether the customer was joined with an agent.
func (r *Record) Bridged() bool { return !r.Marks.TalkEnded.IsZero() }

// Try is one INVITE of an attempt that went over several trunks: each after the one
// before had failed, and nothing had rung.
type Try struct {
	Trunk     string    `json:"trunk"`
	CallerID  string    `json:"caller_id"`
	SIPStatus int       `json:"sip_status,omitempty"` // the final response, 0 if none came
	SIPReason string    `json:"sip_reason,omitempty"` // its reason phrase, or our words where none came
	Q850      int       `json:"q850,omitempty"`
	Invite    time.Time `json:"invite"`
	Ended     time.Time `json:"ended"` // the final response, or when it was given up
}

// Marks are the instants of one attempt, each zero where it did not happen. Both
// clocks of the abandonment rules (start of speech, end of greeting) are kept, so
// that any legal definition can be reckoned afterwards.
type Marks struct {
	Claimed          time.Time `json:"claimed,omitzero"`
	Invite           time.Time `json:"invite,omitzero"`
	FirstProvisional time.Time `json:"first_provisional,omitzero"`
	Ringing          time.Time `json:"ringing,omitzero"`
	EarlyMedia       time.Time `json:"early_media,omitzero"`
	Answered         time.Time `json:"answered,omitzero"`
	SpeechStart      time.Time `json:"speech_start,omitzero"`
	GreetingEnd      time.Time `json:"greeting_end,omitzero"`
	AgentClaimed     time.Time `json:"agent_claimed,omitzero"`
	AgentAudio       time.Time `json:"agent_audio,omitzero"` // first agent packet sent to the customer
	TalkEnded        time.Time `json:"talk_ended,omitzero"`  // agent and customer parted
	Ended            time.Time `json:"ended,omitzero"`       // the customer's leg was over
	WrappedUp        time.Time `json:"wrapped_up,omitzero"`
}

// Steady returns the marks as one clock shows them that nobody sets: the one by which the
// first of them was read. What lies between them is then right in whatever is written of
// them, which has no more than what clocks have shown.
func (m Marks) Steady() Marks {
	all := []*time.Time{
		&m.Claimed, &m.Invite, &m.FirstProvisional, &m.Ringing, &m.EarlyMedia, &m.Answered, &m.SpeechStart, &m.GreetingEnd,
		&m.AgentClaimed, &m.AgentAudio, &m.TalkEnded, &m.Ended, &m.WrappedUp,
	}
	var first time.Time
	for _, t := range all {
		switch {
		case t.IsZero():
		case first.IsZero():
			first = *t
		default:
			*t = first.Add(t.Sub(first))
		}
	}
	return m
}

// AnswerToAgent is the time from the customer's answer to the first agent packet
// sent to them, and whether both happened.
func (m Marks) AnswerToAgent() (time.Duration, bool) {
	if m.Answered.IsZero() || m.AgentAudio.IsZero() {
		return 0, false
	}
	return m.AgentAudio.Sub(m.Answered), true
}

// CallToAgent is, of a call that came in, the time from its INVITE to the first agent
// packet sent to the caller, and whether both happened.
func (m Marks) CallToAgent() (time.Duration, bool) {
	if m.Invite.IsZero() || m.AgentAudio.IsZero() {
		return 0, false
	}
	return m.AgentAudio.Sub(m.Invite), true
}

// Talk is how long agent and customer were joined.
func (m Marks) Talk() time.Duration {
	if m.AgentAudio.IsZero() || m.TalkEnded.IsZero() {
		return 0
	}
	return m.TalkEnded.Sub(m.AgentAudio)
}

// Recording points to the audio of an attempt.
type Recording struct {
	Path       string  `json:"path"`                // relative to the recording directory
	Encrypted  bool    `json:"encrypted,omitempty"` // to the recipients of recording.encrypt_to; Bytes and SHA256 are of the file as it lies
	Object     string  `json:"object,omitempty"`    // where it is uploaded to: s3://BUCKET/KEY
	DurationMS int64   `json:"duration_ms"`
	Bytes      int64   `json:"bytes"`
	SHA256     string  `json:"sha256,omitempty"` // hex; of what was made whole where a crash cut it off
	Chain      string  `json:"chain,omitempty"`  // the line in the chain of recordings that vouches for it, and all lines before
	LeftDBFS   float64 `json:"left_dbfs"`        // mean level of the customer's channel
	RightDBFS  float64 `json:"right_dbfs"`       // mean level of the agent's channel
	LostLeft   int64   `json:"lost_left"`        // packets of the customer's channel that never came
	LostRight  int64   `json:"lost_right"`
	GapsMS     int64   `json:"gaps_ms"`          // silence put in for what never came, both channels
	CutMS      int64   `json:"cut_ms,omitempty"` // what came when its place was taken by others, and is not in the file; both channels

	// What came and is not in the recording, since the disk failed or stalled for longer
	// than memory lasts. The file has silence there, and marks.
	UnwrittenMS int64  `json:"unwritten_ms,omitempty"`
	Dropped     int64  `json:"dropped,omitempty"` // packets that found no room in memory
	Fault       string `json:"fault,omitempty"`   // why the file was not whole when the call ended; the chain tells what became of it

	Quality *Quality `json:"quality,omitempty"` // nil until the recording is closed
}

// Quality is what a recording sounds like. Shares, 0 to 1, are of its time less its
// pauses.
type Quality struct {
	Left     Voice   `json:"left"`      // the customer
	Right    Voice   `json:"right"`     // the agent
	Silence  float64 `json:"silence"`   // share in which nobody spoke
	TalkOver float64 `json:"talk_over"` // in which both did
}

// Voice is how one party of a recording spoke. Level and first word are nil where they
// did not.
type Voice struct {
	ActiveDBov  *float64 `json:"active_dbov,omitempty"`   // active speech level, ITU-T P.56 method B; a sine of full scale has -3.01
	ActiveDBm0  *float64 `json:"active_dbm0,omitempty"`   // the same, by the G.711 law of the recording
	Talk        float64  `json:"talk"`                    // share in which they spoke
	Clipped     float64  `json:"clipped"`                 // share of their speech's samples at full scale
	FirstWordMS *int64   `json:"first_word_ms,omitempty"` // from the start of the recording
}

// Leg is what the RTP of one leg was like: from the party to us, and from us to the
// party as far as it reported by RTCP.
type Leg struct {
	Codec     string  `json:"codec"`
	Encrypted bool    `json:"encrypted,omitempty"` // SRTP
	Sent      uint64  `json:"sent"`                // packets
	Received  uint64  `json:"received"`            // packets
	Lost      uint64  `json:"lost"`                // packets, by sequence number
	Discarded uint64  `json:"discarded"`           // malformed, or not from the party
	JitterMS  float64 `json:"jitter_ms"`           // RFC 3550, section 6.4.1
	MOS       float64 `json:"mos,omitempty"`       // of what came, by the E-model (ITU-T G.107): 1 to 4.41; 0 where nothing came

	Remote *RemoteLeg `json:"remote,omitempty"` // nil where the party sent no report
}

// RemoteLeg is what a party reported by RTCP (RFC 3550, section 6.4.1) of what we sent
// to it.
type RemoteLeg struct {
	Lost        uint64  `json:"lost"` // packets
	JitterMS    float64 `json:"jitter_ms"`
	RoundTripMS float64 `json:"round_trip_ms"` // 0 where its reports did not tell
	MOS         float64 `json:"mos"`           // as MOS of Leg
}
