// Package config is the daemon's configuration: one struct, read from YAML,
// validated as a whole, never changed after it was loaded. A Config may be read
// by any number of goroutines; a reload makes a new one, and Diff says what
// changed and whether it may be applied without a restart.
//
// Every fault of a file is found in one run and named by file, line, column and
// key, with what would be right (see document.Problems). Reading is strict: an unknown key
// is an error.
//
// Struct tags: yaml is the key; enum the allowed words; reload:"live" marks what
// takes effect on SIGHUP, with all that is below it, until a reload:"restart"
// takes that back; reload:"fields" on a list is the same for the entries that there
// are, while new and removed ones wait for a restart.
package config

import (
	"net/netip"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/pacing"
)

// Config is the whole configuration. Every default is filled in, every reference
// resolves, every relative path has been made absolute (from the file's
// directory).
type Config struct {
	Node          Node          `yaml:"node"`
	Redis         Redis         `yaml:"redis"`
	HTTP          HTTP          `yaml:"http"`
	SIP           SIP           `yaml:"sip"`
	Trace         Trace         `yaml:"trace"`
	Media         Media         `yaml:"media"`
	Recording     Recording     `yaml:"recording"`
	CDR           CDR           `yaml:"cdr"`
	Trunks        []Trunk       `yaml:"trunks"`
	Peers         []Peer        `yaml:"peers"`
	AgentDefaults AgentDefaults `yaml:"agent_defaults" reload:"live"`
	Agents        []Agent       `yaml:"agents" reload:"live"`
	PauseReasons  []string      `yaml:"pause_reasons" reload:"live"`
	FeatureCodes  FeatureCodes  `yaml:"feature_codes" reload:"live"`
	AgentKeys     AgentKeys     `yaml:"agent_keys" reload:"live"`
	Hold          Hold          `yaml:"hold" reload:"live"`
	Transfer      Transfer      `yaml:"transfer" reload:"live"`
	Prompts       Prompts       `yaml:"prompts" reload:"live"`
	Campaigns     []Campaign    `yaml:"campaigns" reload:"fields"`
	Logging       Logging       `yaml:"logging"`
}

// Node is this process.
type Node struct {
	ID      string        `yaml:"id"`                  // unique among the nodes of one Redis; default the host name
	DataDir string        `yaml:"data_dir"`            // journal, and where recordings and CDRs go unless they say otherwise
	Drain   time.Duration `yaml:"drain" reload:"live"` // how long calls may go on after the daemon was told to stop
}

// Redis is the store. Exactly one of URL, Sentinel.Addrs and Cluster is set.
type Redis struct {
	URL      string   `yaml:"url"` // redis://, rediss:// or unix://
	Sentinel Sentinel `yaml:"sentinel"`
	Cluster  []string `yaml:"cluster"` // host:port of some nodes
	Username string   `yaml:"username"`
	Password Secret   `yaml:"password"`
}

// Sentinel finds the Redis master.
type Sentinel struct {
	Master   string   `yaml:"master"`
	Addrs    []string `yaml:"addrs"` // host:port
	Password Secret   `yaml:"password"`
}

// HTTP is the API's listener.
type HTTP struct {
	Listen string  `yaml:"listen"` // host:port
	Tokens []Token `yaml:"tokens" reload:"live"`
}

// The roles of a token, each with the rights of the ones after it.
const (
	RoleAdmin      = "admin"
	RoleSupervisor = "supervisor"
	RoleAgent      = "agent"
)

// Token lets a client in.
type Token struct {
	Name  string `yaml:"name"`
	Role  string `yaml:"role" enum:"admin,supervisor,agent"`
	Agent string `yaml:"agent"` // role agent: for whom it acts
	Token Secret `yaml:"token"`
}

// SIP is the signalling endpoint.
type SIP struct {
	Listen     []Listen         `yaml:"listen"`
	UserAgent  string           `yaml:"user_agent"`
	Strangers  string           `yaml:"strangers" enum:"reject,silent" reload:"live"`
	Registrar  Registrar        `yaml:"registrar"`
	TLS        ListenTLS        `yaml:"tls"`
	DNSServers []netip.AddrPort `yaml:"dns_servers"` // default: those of /etc/resolv.conf
	Defence    Defence          `yaml:"defence" reload:"live"`
}

// ListenTLS is who we are to those who connect to a tls:// listener.
type ListenTLS struct {
	CertFile string `yaml:"cert_file"` // PEM
	KeyFile  string `yaml:"key_file"`  // PEM, of CertFile
}

// What callers get whom no trunk, peer nor agent sends.
const (
	StrangersReject = "reject" // 403
	StrangersSilent = "silent" // no answer at all
)

// Media is where RTP is sent from and received.
type Media struct {
	Address netip.Addr `yaml:"address"` // default: the address of the first SIP listener
	// OtherAddress is of the other family; default: that of the first such SIP listener.
	OtherAddress netip.Addr    `yaml:"other_address"`
	Ports        PortRange     `yaml:"ports"`
	Codecs       []string      `yaml:"codecs" enum:"PCMA,PCMU" reload:"live"`            // by preference
	AgentCodecs  []string      `yaml:"agent_codecs" enum:"G722,PCMA,PCMU" reload:"live"` // of agents' legs; empty: Codecs
	PTime        time.Duration `yaml:"ptime" reload:"live"`
	// ComfortNoise offers it (RFC 3389). What is offered to us is taken in any case.
	ComfortNoise bool          `yaml:"comfort_noise" reload:"live"`
	Cooldown     time.Duration `yaml:"cooldown"` // before a port is used again
	Timeout      time.Duration `yaml:"timeout"`  // without audio a leg is dead; 0 is never
	Tones        Tones         `yaml:"tones" reload:"live"`
}

// What is recorded.
const (
	KeepBridged  = "bridged"  // calls that reached an agent
	KeepAnswered = "answered" // every answered call
)

// What recordings hold.
const (
	FormatG711  = "g711"  // what came
	FormatPCM16 = "pcm16" // 16-bit linear samples
)

// Recording is how calls are recorded.
type Recording struct {
	Enabled bool          `yaml:"enabled"`
	Dir     string        `yaml:"dir"` // default: recordings in the data directory
	Pattern string        `yaml:"pattern"`
	Format  string        `yaml:"format" enum:"g711,pcm16"`
	Keep    string        `yaml:"keep" enum:"bridged,answered"`
	MinFree Size          `yaml:"min_free"` // less than that on the disk stops dialing
	Flush   time.Duration `yaml:"flush"`    // how much a crash may cost

	MaxPause time.Duration `yaml:"max_pause" reload:"live"` // how long an agent may pause it; 0 is as long as they talk

	Retention time.Duration `yaml:"retention"`  // how long recordings are kept; 0 is for ever
	EncryptTo []string      `yaml:"encrypt_to"` // age recipients, or files of them; empty: plain

	Consent Consent `yaml:"consent" reload:"live"`
	Beep    Beep    `yaml:"beep" reload:"live"`

	Upload Upload `yaml:"upload"`
}

// CDR is the file of call detail records.
type CDR struct {
	Dir        string `yaml:"dir"` // default: cdr in the data directory
	RotateSize Size   `yaml:"rotate_size"`
	KeepFiles  int    `yaml:"keep_files"` // 0 keeps all
}

// How an agent is reached.
const (
	Nailed = "nailed" // the leg stays up while the agent is logged in
	Ring   = "ring"   // the extension is rung for every call
)

// AgentDefaults is what agents have unless they say otherwise.
type AgentDefaults struct {
	Peer        string        `yaml:"peer"`
	Mode        string        `yaml:"mode" enum:"nailed,ring"`
	Campaigns   []string      `yaml:"campaigns"` // empty: all
	WrapUp      time.Duration `yaml:"wrap_up"`
	RingTimeout time.Duration `yaml:"ring_timeout"`
	CallBack    bool          `yaml:"call_back"`
	AutoLogin   bool          `yaml:"auto_login" reload:"restart"`
	Shift       gate.Hours    `yaml:"shift"`
	TimeZone    string        `yaml:"time_zone"`
}

// Agent is a person who takes calls.
type Agent struct {
	ID          string        `yaml:"id"`
	Name        string        `yaml:"name"` // default: ID
	Extension   string        `yaml:"extension"`
	Password    Secret        `yaml:"password"` // peer registrar: of the telephone
	Peer        string        `yaml:"peer"`     // default: the only peer; OwnRegistrar where there is none
	Mode        string        `yaml:"mode" enum:"nailed,ring"`
	Campaigns   []string      `yaml:"campaigns"`                   // never empty after loading, unless there is no campaign
	WrapUp      time.Duration `yaml:"wrap_up"`                     // limit; 0 is no wrap-up
	RingTimeout time.Duration `yaml:"ring_timeout"`                // of the agent's extension
	CallBack    bool          `yaml:"call_back"`                   // nailed: call again when the leg drops
	AutoLogin   bool          `yaml:"auto_login" reload:"restart"` // logged in and ready at start
	Supervisor  bool          `yaml:"supervisor"`                  // may listen to other agents' calls
	Shift       gate.Hours    `yaml:"shift"`                       // when they are at work; none: not known
	TimeZone    string        `yaml:"time_zone"`                   // of Shift; IANA; default: this machine's
}

// Message words that are not a file.
const (
	MessageDefault = "safe-harbour" // the built-in announcement
	MessageOff     = "off"
)

// Prompts are what is spoken by default.
type Prompts struct {
	Language string `yaml:"language" enum:"en,zh"` // ISO 639
}

// The languages of spoken defaults.
const (
	English = "en"
	Chinese = "zh" // Mandarin
)

// Campaign is a list, who calls it, how fast, when and from which number.
type Campaign struct {
	Name              string                     `yaml:"name"`
	Start             bool                       `yaml:"start" reload:"restart"`
	Mode              pacing.Mode                `yaml:"mode"`
	Ratio             float64                    `yaml:"ratio"`         // power: lines per free agent
	MaxInFlight       int                        `yaml:"max_in_flight"` // 0 is no limit of its own
	MaxRatio          float64                    `yaml:"max_ratio"`     // predictive: calls in flight for each agent; 0 is no limit of its own
	GiveUp            bool                       `yaml:"give_up"`       // predictive: calls that ring too long for an agent to be there
	Abandonment       Abandonment                `yaml:"abandonment"`   // predictive
	Trunks            []string                   `yaml:"trunks"`        // default: the only trunk
	CallerID          string                     `yaml:"caller_id"`     // default: the first trunk's first; "" where CallerIDs is set
	CallerIDs         []string                   `yaml:"caller_ids"`    // in turn
	CallerIDRules     []CallerIDRule             `yaml:"caller_id_rules"`
	Region            string                     `yaml:"region"`    // ISO 3166; default: that of the caller ID
	TimeZone          string                     `yaml:"time_zone"` // IANA; where the number does not tell
	Hours             gate.Hours                 `yaml:"hours"`
	RingTimeout       time.Duration              `yaml:"ring_timeout"`
	AbandonAfter      time.Duration              `yaml:"abandon_after"`
	Message           string                     `yaml:"message"`               // MessageDefault, MessageOff or the path of a WAV
	Language          string                     `yaml:"language" enum:"en,zh"` // default: Prompts.Language
	Consent           string                     `yaml:"consent"`               // as Consent.Prompt, which is the default
	Goodbye           time.Duration              `yaml:"goodbye"`
	PreviewLimit      time.Duration              `yaml:"preview_limit"` // preview: how long an agent may look; 0 is no limit
	Dispositions      []Disposition              `yaml:"dispositions"`
	MaxAttempts       int                        `yaml:"max_attempts"`
	MaxAttemptsPerDay int                        `yaml:"max_attempts_per_day"`
	Retry             map[cdr.Outcome]gate.Retry `yaml:"retry"`
	Leads             lead.Columns               `yaml:"leads"`
	Inbound           Inbound                    `yaml:"inbound"`
	Compliance        Compliance                 `yaml:"compliance"`
}

// Disposition is what an agent may choose in wrap-up. With a Retry it overrides
// the retry rule of the outcome.
type Disposition struct {
	Name    string      `yaml:"name"`
	Outcome cdr.Outcome `yaml:"outcome" enum:"machine,screened,fax,silence"` // what has answered; "": a person
	Retry   *gate.Retry `yaml:"retry"`
}

// Compliance is what the rest of a campaign is held against: the values of a profile, or
// stricter ones. Anything looser than what is safe where there is no rule is warned of at
// every load.
type Compliance struct {
	Profile         string        `yaml:"profile"`
	LeastRing       time.Duration `yaml:"least_ring"`
	LongestWait     time.Duration `yaml:"longest_wait"` // bound of abandon_after
	WaitFrom        string        `yaml:"wait_from" enum:"answer,speech,greeting"`
	MessageRequired bool          `yaml:"message_required"` // to a person for whom there is no agent
	RedialAbandoned time.Duration `yaml:"redial_abandoned"` // least delay after an abandoned call
}

// Logging is the daemon's log.
type Logging struct {
	Level  string `yaml:"level" enum:"debug,info,warn,error" reload:"live"`
	Format string `yaml:"format" enum:"text,json"`
}
