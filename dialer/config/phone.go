package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"ringpace/configs/document"
	"ringpace/configs/duration"
)

// FeatureCodes are what agents dial from their phones instead of an extension. An
// empty one is off.
type FeatureCodes struct {
	Login  string `yaml:"login"`
	Logout string `yaml:"logout"`
	Ready  string `yaml:"ready"`
	Pause  string `yaml:"pause"`
	Status string `yaml:"status"`
	// What supervisors dial, and an agent's extension after it.
	Listen  string `yaml:"listen"`
	Whisper string `yaml:"whisper"`
	Barge   string `yaml:"barge"`
}

// AgentKeys are what agents press during a call with Ringpace (RFC 4733, or INFO). All
// begin with the same key, which therefore does not reach the customer. An empty one is
// off.
type AgentKeys struct {
	Ready       string `yaml:"ready"`
	Pause       string `yaml:"pause"`
	Hangup      string `yaml:"hangup"`
	Hold        string `yaml:"hold"`
	Disposition string `yaml:"disposition"` // and one digit: the number of the campaign's disposition
	Transfer    string `yaml:"transfer"`    // and an extension, and #
	Conference  string `yaml:"conference"`  // likewise; without an extension the third party is dropped
	Recording   string `yaml:"recording"`   // pauses it, and goes on
	Logout      string `yaml:"logout"`
}

// Words of hold.music that are not a file.
const (
	MusicTone = "tone"
	MusicOff  = "off"
)

// Hold is what becomes of a customer whom the agent puts on hold.
type Hold struct {
	Music     string `yaml:"music"` // MusicTone, MusicOff or the path of a WAV
	Recording string `yaml:"recording" enum:"keep,pause"`
}

// What becomes of a recording.
const (
	RecordingKeep  = "keep"
	RecordingPause = "pause"
	RecordingEnd   = "end"
)

// Transfer is where agents may transfer customers to, and whom they may call in, besides
// one another.
type Transfer struct {
	Extensions  []string      `yaml:"extensions"` // patterns: X is any digit
	External    bool          `yaml:"external"`
	Prefixes    []string      `yaml:"prefixes"` // E.164 with +
	RingTimeout time.Duration `yaml:"ring_timeout"`
	Recording   string        `yaml:"recording" enum:"keep,end"`
}

// Code is one thing that a phone can ask for, and what is dialed or pressed for it.
type Code struct {
	Does string // its key in the configuration
	Code string
}

// Codes lists the feature codes that are on.
func (f FeatureCodes) Codes() []Code {
	return append(on(Code{"login", f.Login}, Code{"logout", f.Logout}, Code{"ready", f.Ready}, Code{"pause", f.Pause}, Code{"status", f.Status}),
		f.supervision()...)
}

// supervision lists those that an agent's extension follows.
func (f FeatureCodes) supervision() []Code {
	return on(Code{"listen", f.Listen}, Code{"whisper", f.Whisper}, Code{"barge", f.Barge})
}

// Read tells what somebody has dialed: the key of the code, and the extension that
// follows it, "" for those that none follows; "", "" where it is no code.
func (f FeatureCodes) Read(dialed string) (does, extension string) {
	for _, c := range f.supervision() {
		if rest, ok := strings.CutPrefix(dialed, c.Code); ok && rest != "" {
			return c.Does, rest
		}
	}
	for _, c := range f.Codes() {
		if c.Code == dialed && !slices.Contains(f.supervision(), c) {
			return c.Does, ""
		}
	}
	return "", ""
}

// Codes lists the keys that are on.
func (k AgentKeys) Codes() []Code {
	return on(Code{"ready", k.Ready}, Code{"pause", k.Pause}, Code{"hangup", k.Hangup}, Code{"hold", k.Hold},
		Code{"disposition", k.Disposition}, Code{"transfer", k.Transfer}, Code{"conference", k.Conference}, Code{"recording", k.Recording}, Code{"logout", k.Logout})
}

func on(codes ...Code) []Code {
	return slices.DeleteFunc(codes, func(c Code) bool { return c.Code == "" })
}

// Escape is the key that every code begins with; 0 where all are off.
func (k AgentKeys) Escape() rune {
	if codes := k.Codes(); len(codes) > 0 {
		return rune(codes[0].Code[0])
	}
	return 0
}

// Extension reports whether customers may be transferred to an extension that is no
// agent's.
func (t Transfer) Extension(name string) bool {
	for _, p := range t.Extensions {
		if matchesPattern(p, name) {
			return true
		}
	}
	return false
}

// Number reports whether customers may be transferred to a number of the telephone
// network, E.164 with +.
func (t Transfer) Number(number string) bool {
	if !t.External || !e164Form.MatchString(number) {
		return false
	}
	for _, p := range t.Prefixes {
		if strings.HasPrefix(number, p) {
			return true
		}
	}
	return false
}

func matchesPattern(pattern, name string) bool {
	if len(pattern) != len(name) {
		return false
	}
	for i := range len(pattern) {
		if digit := name[i] >= '0' && name[i] <= '9'; pattern[i] == 'X' && !digit || pattern[i] != 'X' && pattern[i] != name[i] {
			return false
		}
	}
	return true
}

func defaultFeatureCodes() FeatureCodes {
	return FeatureCodes{
		Login: "*11", Logout: "*12", Ready: "*13", Pause: "*14", Status: "*15",
		Listen: "*21", Whisper: "*22", Barge: "*23",
	}
}

func defaultAgentKeys() AgentKeys {
	return AgentKeys{Ready: "*1", Pause: "*2", Hangup: "*3", Hold: "*4", Disposition: "*5", Conference: "*6", Transfer: "*7", Recording: "*8", Logout: "*9"}
}

var (
	codeForm    = regexp.MustCompile(`^[0-9A-Za-z*._-]{1,16}$`)
	keysForm    = regexp.MustCompile(`^[*#][0-9]{1,4}$`)
	patternForm = regexp.MustCompile(`^[0-9X]{1,12}$`)
)

// phones checks what agents do from their phones.
func (v *validator) phones() {
	c := v.config
	v.codes("feature_codes", c.FeatureCodes.Codes(), codeForm, "letters, digits, *, dot, dash and underscore, at most 16, such as *11")
	for _, code := range c.FeatureCodes.Codes() {
		for _, a := range c.Agents {
			if a.Extension == code.Code {
				v.bad("feature_codes."+code.Does, "%s is the extension of agent %s; choose another", code.Code, a.ID)
			}
		}
	}
	for _, code := range c.FeatureCodes.supervision() {
		for _, longer := range c.FeatureCodes.Codes() {
			if len(longer.Code) > len(code.Code) && strings.HasPrefix(longer.Code, code.Code) {
				v.bad("feature_codes."+code.Does, "%s, which an extension follows, is the beginning of feature_codes.%s (%s); choose another", code.Code, longer.Does, longer.Code)
			}
		}
		for _, a := range c.Agents {
			if len(a.Extension) > len(code.Code) && strings.HasPrefix(a.Extension, code.Code) {
				v.bad("feature_codes."+code.Does, "the extension of agent %s begins with %s; choose another", a.ID, code.Code)
			}
		}
	}
	keys := c.AgentKeys.Codes()
	v.codes("agent_keys", keys, keysForm, "* or # and one to four digits, such as *1")
	for _, k := range keys {
		if rune(k.Code[0]) != c.AgentKeys.Escape() {
			v.bad("agent_keys."+k.Does, "%s begins with another key than agent_keys.%s; let all begin with %c, which then does not reach the customer", k.Code, keys[0].Does, c.AgentKeys.Escape())
			break
		}
		for _, longer := range keys {
			if len(longer.Code) > len(k.Code) && strings.HasPrefix(longer.Code, k.Code) {
				v.bad("agent_keys."+k.Does, "%s is the beginning of agent_keys.%s (%s), which could never be pressed; choose another", k.Code, longer.Does, longer.Code)
			}
		}
	}
	switch music := c.Hold.Music; music {
	case MusicTone, MusicOff:
	case "":
		v.bad("hold.music", "is empty; write %s, %s or the path of a WAV file", MusicTone, MusicOff)
	default:
		if info, err := os.Stat(music); err != nil {
			v.bad("hold.music", "cannot be read: %v; write %s, %s or the path of a WAV file", err, MusicTone, MusicOff)
		} else if !info.Mode().IsRegular() {
			v.bad("hold.music", "%s is not a file; write %s, %s or the path of a WAV file", music, MusicTone, MusicOff)
		}
	}
	v.transfer()
}

// codes checks that codes have a form and differ.
func (v *validator) codes(section string, codes []Code, form *regexp.Regexp, right string) {
	for i, c := range codes {
		key := document.Join(section, c.Does)
		if !form.MatchString(c.Code) {
			v.bad(key, "%q; write %s, or \"\" for none", c.Code, right)
		}
		for _, before := range codes[:i] {
			if before.Code == c.Code {
				v.bad(key, "%s is that of %s already; choose another", c.Code, before.Does)
			}
		}
	}
}

func (v *validator) transfer() {
	t := &v.config.Transfer
	for i, p := range t.Extensions {
		if !patternForm.MatchString(p) {
			v.bad(fmt.Sprintf("transfer.extensions[%d]", i), "%q; write digits, and X for any digit, such as 20XX", p)
		}
	}
	for i, p := range t.Prefixes {
		if !prefixForm.MatchString(p) {
			v.bad(fmt.Sprintf("transfer.prefixes[%d]", i), "%q; write the beginning of numbers in E.164, such as +4420", p)
		}
	}
	switch {
	case t.External && len(t.Prefixes) == 0:
		v.bad("transfer.prefixes", "is empty, and transfer.external is on: anyone at an agent's phone could call anywhere at your cost; write the beginnings of the numbers that are allowed")
	case !t.External && len(t.Prefixes) > 0:
		v.warn("transfer.prefixes", "has no effect while transfer.external is off")
	}
	if t.RingTimeout < time.Second || t.RingTimeout > 2*time.Minute {
		v.bad("transfer.ring_timeout", "%s; write how long the new party's telephone rings, 1s to 2m, such as 20s", duration.Format(t.RingTimeout))
	}
}
