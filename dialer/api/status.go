package api

import "time"

// Status is the node as a whole.
type Status struct {
	Node      string    `json:"node" doc:"Name of this node"`
	Version   string    `json:"version" doc:"Version of the running binary"`
	StartedAt time.Time `json:"started_at"`
	UptimeS   float64   `json:"uptime_s" doc:"Seconds since the start"`
	Ready     bool      `json:"ready" doc:"May dial: store up, at least one trunk usable, not draining"`
	NotReady  []string  `json:"not_ready" doc:"Why it is not ready, in words; empty when it is"`
	Draining  bool      `json:"draining" doc:"Shutting down: no new dial, calls end by themselves"`
	Alarms    []Alarm   `json:"alarms" doc:"What someone must look at now"`
	Warnings  []string  `json:"warnings" doc:"What is not as it should be for production, such as a store without persistence"`

	Redis     RedisStatus     `json:"redis"`
	Calls     int             `json:"calls" doc:"Calls with customers, out and in"`
	Inbound   int             `json:"inbound" doc:"Of these, calls to our numbers"`
	Bridged   int             `json:"bridged" doc:"Of these, customer and agent joined"`
	SIP       SIPStatus       `json:"sip"`
	Defence   DefenceStatus   `json:"defence"`
	Trace     TraceStatus     `json:"trace"`
	Media     MediaStatus     `json:"media"`
	Recording RecordingStatus `json:"recording"`
}

// Alarm is a condition that hurts, as long as it lasts.
type Alarm struct {
	Name   string    `json:"name" doc:"Stable name of the condition, such as redis_down, disk_full, trunk_down"`
	Detail string    `json:"detail" doc:"What is wrong and what to do about it"`
	Since  time.Time `json:"since"`
	Over   bool      `json:"over,omitempty" doc:"Only in events: the condition has ended"`
}

// RedisStatus is the link to the store.
type RedisStatus struct {
	Up      bool      `json:"up"`
	Since   time.Time `json:"since,omitzero" doc:"Up or down since then"`
	Backlog int       `json:"backlog" doc:"Records in the local journal that Redis does not have yet"`
}

// SIPStatus counts signalling since the start.
type SIPStatus struct {
	Received      uint64 `json:"received" doc:"Messages that came in"`
	Malformed     uint64 `json:"malformed" doc:"Of these, not SIP or broken"`
	Rejected      uint64 `json:"rejected" doc:"Requests from strangers or against the rules"`
	Retransmitted uint64 `json:"retransmitted" doc:"Messages seen again"`
	Strangers     uint64 `json:"strangers" doc:"Calls from nobody that the configuration names"`
	Misdialed     uint64 `json:"misdialed" doc:"Calls over a trunk to a number that no campaign takes calls for"`
	Dialogs       int    `json:"dialogs" doc:"Calls up or being set up, agent legs included"`
}

// MediaStatus counts RTP since the start.
type MediaStatus struct {
	Sessions  int    `json:"sessions" doc:"Legs with a port open"`
	Bridges   int    `json:"bridges" doc:"Pairs of legs joined"`
	Received  uint64 `json:"received" doc:"Valid packets that came in"`
	Sent      uint64 `json:"sent" doc:"Packets that went out"`
	Lost      uint64 `json:"lost" doc:"Packets that never came, by sequence number"`
	Discarded uint64 `json:"discarded" doc:"Packets that were malformed or from a stranger"`
}

// RecordingStatus is the recorder and its disk.
type RecordingStatus struct {
	Active        int    `json:"active" doc:"Recordings being written"`
	Full          bool   `json:"full" doc:"Too little space, or writes fail, hang or take too long: dialing has stopped"`
	DiskFreeBytes uint64 `json:"disk_free_bytes"`

	// Counted since the start.
	Dropped    uint64  `json:"dropped" doc:"Packets that found no room in memory while the disk stalled"`
	UnwrittenS float64 `json:"unwritten_s" doc:"Seconds that recordings which are over lack, since the disk did not take them"`

	Upload *UploadStatus `json:"upload,omitempty" doc:"Absent where recordings are not brought to an object storage"`
}

// UploadStatus is the way of recordings to an object storage, counted since the start.
type UploadStatus struct {
	Waiting       int     `json:"waiting" doc:"Recordings that are kept and that the storage does not have yet"`
	Stuck         int     `json:"stuck" doc:"Of these, those that it does not get for a reason of their own"`
	OldestWaitsS  float64 `json:"oldest_waits_s" doc:"Seconds since the first of those that wait was kept; 0: none waits"`
	Uploaded      uint64  `json:"uploaded" doc:"Recordings that the storage was proven to have"`
	UploadedBytes uint64  `json:"uploaded_bytes"`
	Failed        uint64  `json:"failed" doc:"Attempts that failed; each is made again"`
}

// TrunkState says what a trunk is good for now.
type TrunkState string

// The states of a trunk.
const (
	TrunkRegistering TrunkState = "registering" // first registration under way
	TrunkRegistered  TrunkState = "registered"
	TrunkRefused     TrunkState = "refused"     // the carrier said no: password, account
	TrunkUnreachable TrunkState = "unreachable" // no answer, no address, connection refused
	TrunkUp          TrunkState = "up"          // needs no registration; health checks pass or are off
	TrunkDown        TrunkState = "down"        // needs no registration; health checks fail
)

// TrunkStatus is one way out to the network.
type TrunkStatus struct {
	Name            string     `json:"name"`
	Server          string     `json:"server" doc:"Host, or host and port, as configured"`
	State           TrunkState `json:"state" doc:"registering, registered, refused, unreachable, up or down"`
	Usable          bool       `json:"usable" doc:"Calls are sent to it"`
	Reason          string     `json:"reason,omitempty" doc:"What was tried and what to do, where the state is not good"`
	Since           time.Time  `json:"since,omitzero"`
	RegisteredUntil time.Time  `json:"registered_until,omitzero" doc:"As the carrier granted"`
	NextTry         time.Time  `json:"next_try,omitzero" doc:"When registration, or a call after some that failed, is tried again"`
	Share           float64    `json:"share" doc:"How much of its calls it gets: 1 all, 0 none, less than 1 while it comes back after it was down"`
	SlowedUntil     time.Time  `json:"slowed_until,omitzero" doc:"It gets fewer calls until then, since its carrier asked for it"`
	SlowedBy        string     `json:"slowed_by,omitempty" doc:"What the carrier said"`
	CallerIDs       []string   `json:"caller_ids" doc:"Numbers it may present, E.164"`
	Prefixes        []string   `json:"prefixes" doc:"Beginnings of the numbers that it serves; none: all"`
	Priority        int        `json:"priority" doc:"The least goes first"`
	Weight          int        `json:"weight" doc:"Share of the calls among trunks of one priority"`
	ChannelsUsed    int        `json:"channels_used" doc:"By this node"`
	ChannelsShare   int        `json:"channels_share" doc:"This node's part of the limit now, with those in use"`
	ChannelsLimit   int        `json:"channels_limit" doc:"Over all nodes; 0: no limit configured"`
	CPS             float64    `json:"cps" doc:"Calls per second over the last ten seconds"`
	CPSLimit        float64    `json:"cps_limit" doc:"0: no limit configured"`
}

// CallStatus is one attempt in flight.
type CallStatus struct {
	ID          string    `json:"id" doc:"The attempt's id: also in the SIP Call-ID, the logs and the recording's name"`
	Direction   string    `json:"direction" doc:"out: we called; in: they called one of our numbers"`
	Campaign    string    `json:"campaign"`
	LeadID      string    `json:"lead_id"`
	Number      string    `json:"number"`
	CallerID    string    `json:"caller_id"`
	Trunk       string    `json:"trunk"`
	State       CallState `json:"state" doc:"dialing, ringing, answered, bridged, transferring, message, goodbye or wrap_up"`
	Agent       string    `json:"agent,omitempty"`
	Transferred string    `json:"transferred,omitempty" doc:"To whom the customer was transferred last, or is being"`
	Conference  string    `json:"conference,omitempty" doc:"Whom the agent has called in to talk with both"`
	StartedAt   time.Time `json:"started_at" doc:"When the INVITE was sent"`
	AnsweredAt  time.Time `json:"answered_at,omitzero"`
	AgeS        float64   `json:"age_s" doc:"Seconds since the INVITE"`
	Callback    time.Time `json:"callback,omitzero" doc:"The caller will be called back, not before then"`

	RecordingPausedAt time.Time `json:"recording_paused_at,omitzero" doc:"The agent has paused the recording, since then"`
}

// CallState says how far an attempt has come.
type CallState string

// The states of an attempt, in the order in which they come.
const (
	CallDialing      CallState = "dialing"      // INVITE sent, nothing but 100 came back
	CallRinging      CallState = "ringing"      // 180 or early media
	CallAnswered     CallState = "answered"     // picked up, no agent joined yet
	CallBridged      CallState = "bridged"      // customer and agent hear each other
	CallTransferring CallState = "transferring" // the agent has let go, and the new party is called
	CallMessage      CallState = "message"      // the safe-harbour message plays
	CallGoodbye      CallState = "goodbye"      // the agent hung up first; the line is held quiet
	CallWrapUp       CallState = "wrap_up"      // the line is closed; the agent writes the result
)

// Change is one difference that a reload found.
type Change struct {
	Key     string `json:"key" doc:"Path of the key, such as campaigns.activation.ratio"`
	Old     string `json:"old" doc:"Secrets are not shown"`
	New     string `json:"new"`
	Applied bool   `json:"applied" doc:"false: takes effect only at the next start"`
}
