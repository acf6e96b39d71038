package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"ringpace/configs/duration"
	"ringpace/dialer/gate"
)

// Inbound is what becomes of calls to a campaign's numbers.
type Inbound struct {
	Enabled          bool           `yaml:"enabled"`
	Numbers          []string       `yaml:"numbers"` // E.164; default: the campaign's caller IDs
	Answer           string         `yaml:"answer" enum:"agent,queue"`
	EarlyRingback    bool           `yaml:"early_ringback"`
	AgentPatience    time.Duration  `yaml:"agent_patience"`
	LastAgentWait    time.Duration  `yaml:"last_agent_wait"`
	Remember         time.Duration  `yaml:"remember"`  // how long the last agent is known; 0: not at all
	MaxCalls         int            `yaml:"max_calls"` // at once for one number of ours; 0 is no limit
	Anonymous        string         `yaml:"anonymous" enum:"take,reject"`
	Blocked          []string       `yaml:"blocked"` // E.164, or the beginning of one and *
	Hours            gate.Hours     `yaml:"hours"`   // default: the campaign's
	Clock            string         `yaml:"clock" enum:"12h,24h"`
	Callback         string         `yaml:"callback" enum:"key,auto,off"`
	CallbackPriority int            `yaml:"callback_priority"`
	Prompts          InboundPrompts `yaml:"prompts"`
}

// When a caller's call is answered.
const (
	AnswerAgent = "agent" // with the agent's voice; it rings until then
	AnswerQueue = "queue" // at once: the caller hears the queue tone
)

// What becomes of callers who hide their number.
const (
	AnonymousTake   = "take"
	AnonymousReject = "reject"
)

// How the opening hours are spoken.
const (
	Clock12 = "12h" // five thirty P M
	Clock24 = "24h" // seventeen thirty
)

// How a callback is kept for a caller whom no agent took.
const (
	CallbackKey  = "key"  // who presses 1
	CallbackAuto = "auto" // everybody
	CallbackOff  = "off"  // nobody
)

// InboundPrompts are what callers hear: PromptDefault, PromptOff or the path of a WAV.
type InboundPrompts struct {
	Closed string `yaml:"closed"` // outside the hours
	Busy   string `yaml:"busy"`   // no agent came free
	Offer  string `yaml:"offer"`  // of a callback
	Kept   string `yaml:"kept"`   // the callback is
	Queue  string `yaml:"queue"`  // looped while they wait
}

// Prompt words that are not a file.
const (
	PromptDefault = "default"
	PromptOff     = "off"
)

type namedPrompt struct {
	name string
	file *string
}

func (p *InboundPrompts) all() []namedPrompt {
	return []namedPrompt{{"closed", &p.Closed}, {"busy", &p.Busy}, {"offer", &p.Offer}, {"kept", &p.Kept}, {"queue", &p.Queue}}
}

// DefaultInbound returns what becomes of calls where nothing is set.
func DefaultInbound() Inbound {
	p := PromptDefault
	return Inbound{
		Enabled: true, Answer: AnswerAgent, AgentPatience: 30 * time.Second, LastAgentWait: 5 * time.Second,
		Remember: 30 * 24 * time.Hour, MaxCalls: 20, Anonymous: AnonymousTake, Clock: Clock12,
		Callback: CallbackKey, CallbackPriority: 100,
		Prompts: InboundPrompts{Closed: p, Busy: p, Offer: p, Kept: p, Queue: p},
	}
}

func (in *Inbound) settle(k *Campaign) {
	if len(in.Numbers) == 0 {
		in.Numbers = k.AllShown()
	}
	if len(in.Hours) == 0 {
		in.Hours = k.Hours
	}
}

// Bars reports whether a caller's number is one of those that are blocked.
func (in *Inbound) Bars(number string) bool {
	return slices.ContainsFunc(in.Blocked, func(entry string) bool {
		prefix, wild := strings.CutSuffix(entry, "*")
		return number != "" && (entry == number || wild && strings.HasPrefix(number, prefix))
	})
}

func (v *validator) inbound(key string, k *Campaign) {
	in := &k.Inbound
	for i, n := range in.Numbers {
		at := fmt.Sprintf("%s.numbers[%d]", key, i)
		if !v.Given(at) {
			break // the caller IDs, which have been looked at
		}
		v.e164(at, n)
		if slices.Contains(in.Numbers[:i], n) {
			v.bad(at, "%s stands here twice; remove one", n)
		}
	}
	longest := 10 * time.Minute
	if in.Answer == AnswerAgent {
		longest = 150 * time.Second // RFC 3261 section 16.6: after three minutes of ringing the network gives up
	}
	if in.AgentPatience < time.Second || in.AgentPatience > longest {
		v.bad(key+".agent_patience", "%s; write how long a caller waits for an agent, 1s to %s with answer %s, such as 30s",
			duration.Format(in.AgentPatience), duration.Format(longest), in.Answer)
	}
	if in.LastAgentWait < 0 || in.LastAgentWait > 10*time.Minute {
		v.bad(key+".last_agent_wait", "%s; write how much of agent_patience a caller waits for the agent whom they know, at most "+
			"10m, such as 5s, or 0 for not at all", duration.Format(in.LastAgentWait))
	}
	if in.Remember < 0 || in.Remember > 3660*24*time.Hour {
		v.bad(key+".remember", "%s; write for how long an agent is known as the one who talked with a number, such as 30d, or 0 "+
			"for not at all", duration.Format(in.Remember))
	}
	if in.MaxCalls < 0 {
		v.bad(key+".max_calls", "%d; write how many calls to one number are taken at once, or 0 for any", in.MaxCalls)
	}
	for i, entry := range in.Blocked {
		number, _ := strings.CutSuffix(entry, "*")
		if digits := strings.TrimPrefix(number, "+"); number == digits || digits == "" || strings.Trim(digits, "0123456789") != "" {
			v.bad(fmt.Sprintf("%s.blocked[%d]", key, i), "%q; write a number in E.164, such as +12025550100, or how numbers begin, such as +1900*", entry)
		}
	}
	if in.CallbackPriority < 0 || in.CallbackPriority > 1_000_000 {
		v.bad(key+".callback_priority", "%d; write a priority of 0 to 1000000; that of leads is 0 unless the list says otherwise", in.CallbackPriority)
	}
	for _, p := range in.Prompts.all() {
		v.prompt(key+".prompts."+p.name, *p.file)
	}
}

// prompt checks that a prompt is one of the words, or a file.
func (v *validator) prompt(key, file string) {
	if file == PromptDefault || file == PromptOff {
		return
	}
	switch info, err := os.Stat(file); {
	case file == "":
		v.bad(key, "is empty; write %s, %s or the path of a WAV file", PromptDefault, PromptOff)
	case err != nil:
		v.bad(key, "cannot be read: %v; write %s, %s or the path of a WAV file", err, PromptDefault, PromptOff)
	case !info.Mode().IsRegular():
		v.bad(key, "%s is not a file; write %s, %s or the path of a WAV file", file, PromptDefault, PromptOff)
	}
}
