package config

import (
	"net/netip"
	"time"
)

// Transports of SIP.
const (
	UDP  = "udp"
	TCP  = "tcp"
	TLS  = "tls"
	WS   = "ws"   // listeners only: browsers connect to us
	WSS  = "wss"  // the same over TLS
	Auto = "auto" // whatever the name service says (RFC 3263)
)

// Whether audio is encrypted (SRTP, with keys by RFC 4568).
const (
	SRTPOff      = "off"
	SRTPOptional = "optional" // where the far side can
	SRTPRequired = "required"
)

// How keys that are pressed come and go (DTMF).
const (
	DTMFAuto = "auto" // as telephone events (RFC 4733) where the far side takes them, else by SIP INFO
	DTMFInfo = "info" // by SIP INFO; no telephone events are offered
)

// Link is what trunks and peers have in common: where calls are sent, and how we
// make ourselves known there.
type Link struct {
	Name           string         `yaml:"name"`
	Server         string         `yaml:"server"` // host or host:port
	Transport      string         `yaml:"transport" enum:"udp,tcp,tls,auto"`
	TLS            LinkTLS        `yaml:"tls"`
	OutboundProxy  string         `yaml:"outbound_proxy"` // host or host:port
	Domain         string         `yaml:"domain"`         // default: Server without its port
	Register       bool           `yaml:"register"`
	Username       string         `yaml:"username"`
	AuthUsername   string         `yaml:"auth_username"` // default: Username
	Password       Secret         `yaml:"password"`
	Expires        time.Duration  `yaml:"expires"`
	HealthInterval time.Duration  `yaml:"health_interval"` // OPTIONS; 0 is off
	KeepAlive      time.Duration  `yaml:"keep_alive"`      // between double CRLFs; 0 is off
	SRTP           string         `yaml:"srtp" enum:"off,optional,required" reload:"live"`
	DTMF           string         `yaml:"dtmf" enum:"auto,info" reload:"live"`
	NAT            string         `yaml:"nat" enum:"auto,always,never"`
	Sources        []netip.Prefix `yaml:"sources"` // where its calls come from, besides its servers
	DisplayName    string         `yaml:"display_name"`
	Calls          Calls          `yaml:"calls"`
}

// LinkTLS is how a server proves who it is, and we prove who we are.
type LinkTLS struct {
	CAFile     string `yaml:"ca_file"`     // PEM; default: the system's authorities
	CertFile   string `yaml:"cert_file"`   // PEM, ours; "" if the server asks for none
	KeyFile    string `yaml:"key_file"`    // of CertFile
	ServerName string `yaml:"server_name"` // in the server's certificate; default: the host that is connected to
}

// Calls is how calls are conducted, as far as the far side has a say in it.
type Calls struct {
	AnswerTimeout  time.Duration `yaml:"answer_timeout"` // of one server, to its first response
	Reliable       string        `yaml:"reliable" enum:"off,supported,required"`
	SessionExpires time.Duration `yaml:"session_expires"` // RFC 4028; 0 is off
	SessionMin     time.Duration `yaml:"session_min"`
	Refresher      string        `yaml:"refresher" enum:"any,uac,uas"`
	Redirect       string        `yaml:"redirect" enum:"refuse,follow"`
	RedirectHosts  []string      `yaml:"redirect_hosts"` // beside its own
	LateOffer      bool          `yaml:"late_offer"`     // INVITE without session description
}

// Trunk is a way to the telephone network.
type Trunk struct {
	Link
	BulkContact     bool     `yaml:"bulk_contact"`     // RFC 6140
	RejectAnonymous bool     `yaml:"reject_anonymous"` // calls that come in: 433 (RFC 5079)
	CallerIDs       []string `yaml:"caller_ids"`       // E.164 with +
	Identity        Identity `yaml:"identity"`
	Prefixes        []string `yaml:"prefixes" reload:"live"` // of the numbers that it serves, with +; none: all
	Priority        int      `yaml:"priority" reload:"live"` // the least goes first
	Weight          int      `yaml:"weight" reload:"live"`   // share of the calls among those of one priority
	Channels        int      `yaml:"channels" reload:"live"`
	CallsPerSecond  float64  `yaml:"calls_per_second" reload:"live"`
}

// Identity is how a trunk wants to see the caller ID.
type Identity struct {
	From           string `yaml:"from" enum:"number,account,anonymous"`
	Assert         bool   `yaml:"assert"`    // P-Asserted-Identity (RFC 3325)
	Prefer         bool   `yaml:"prefer"`    // P-Preferred-Identity (RFC 3325)
	Privacy        string `yaml:"privacy"`   // RFC 3323: "", "none", or words joined by ";"
	Diversion      string `yaml:"diversion"` // RFC 5806: one of the trunk's caller IDs, or ""
	Format         string `yaml:"format" enum:"e164,plain,national"`
	CountryCode    string `yaml:"country_code"`    // format national: digits
	NationalPrefix string `yaml:"national_prefix"` // format national: digits, often 0
	UserPhone      bool   `yaml:"user_phone"`      // ;user=phone
	TelURI         bool   `yaml:"tel_uri"`         // RFC 3966
}

// Peer is a PBX at which agents' extensions are reached.
type Peer struct {
	Link
	FromUser string `yaml:"from_user"` // default: Username, else "ringpace"
}

// CallerIDRule says which numbers are shown to the people of some numbers.
type CallerIDRule struct {
	Prefixes  []string `yaml:"prefixes"`   // E.164 with +
	CallerIDs []string `yaml:"caller_ids"` // in turn
}
