package config

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"ringpace/configs/document"
	"ringpace/configs/duration"
	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
)

// Profile is what a law asks of a campaign that predictive pacing calls for. Where it has
// no rule, as far as one was found, a value is zero, and what is safe anywhere stands in
// for it. None is legal advice.
type Profile struct {
	Name    string
	Source  string    // statute or guidance
	Checked time.Time // when it was last read

	Windows         []Window      // over which abandonment is bounded
	Target          float64       // share of the ceiling that is aimed at; 0: pacing.DefaultTarget
	LongestWait     time.Duration // of a person for an agent, before they count as abandoned
	WaitFrom        string        // where that begins
	LeastRing       time.Duration
	Message         bool          // must be heard by a person who is abandoned
	RedialAbandoned time.Duration // least delay before they are called again
	Hours           gate.Hours    // of the callee's clock
	AttemptsPerDay  int           // to one person
}

// Window is one bound on abandonment.
type Window struct {
	Kind    string // day, 30_days or month, as the ledger's kinds
	Ceiling Percent
}

// Where the time begins that a person waits for an agent, from the strictest.
const (
	FromAnswer   = "answer"
	FromSpeech   = "speech"   // the start of what they say; the answer where nothing is heard
	FromGreeting = "greeting" // the end of it
)

// ProfileSafe is the profile where no law is chosen.
const ProfileSafe = "safe"

// Profiles returns every profile, the safe one first. They are not to be changed.
func Profiles() []Profile { return profiles() }

var profiles = sync.OnceValue(allProfiles)

func allProfiles() []Profile {
	const (
		day   = 24 * time.Hour
		leave = 72 * time.Hour
	)
	checked := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	us := Profile{
		Name: "us", Source: "16 CFR 310.4(b)(4) and 310.4(c); 47 CFR 64.1200(a)(6)-(7) and (c)(1)", Checked: checked,
		Windows: []Window{{"30_days", 0.03}}, LongestWait: 2 * time.Second, WaitFrom: FromGreeting,
		LeastRing: 15 * time.Second, Message: true, Hours: windows("08:00-21:00"),
	}
	florida := us
	florida.Name, florida.Source = "us_florida", us.Source+"; Fla. Stat. 501.616(6)"
	florida.Hours = gate.Daytime()
	florida.AttemptsPerDay = 1 // the statute has 3 in any 24 hours, of which two days of 2 could make 4
	return []Profile{
		{
			Name: ProfileSafe, Source: "what is safe where no law is known to say otherwise", Checked: checked,
			Windows: []Window{{"day", DefaultCeiling}, {"30_days", DefaultCeiling}}, Target: 2.5 / 3,
			LongestWait: 2 * time.Second, WaitFrom: FromSpeech, LeastRing: 15 * time.Second, Message: true,
			RedialAbandoned: leave, Hours: gate.Daytime(), AttemptsPerDay: 3,
		},
		us, florida,
		{
			Name: "uk", Source: "Ofcom, persistent misuse, 1 March 2017; 3% of live calls is no safe harbour any more", Checked: checked,
			Windows: []Window{{"day", 0.03}}, LongestWait: 2 * time.Second, WaitFrom: FromSpeech,
			LeastRing: 15 * time.Second, Message: true, RedialAbandoned: leave,
		},
		{
			Name: "ca", Source: "CRTC Unsolicited Telecommunications Rules, part IV", Checked: checked,
			Windows: []Window{{"month", 0.05}}, LongestWait: 2 * time.Second, WaitFrom: FromAnswer,
			Hours: windows("mon-fri 09:00-21:30", "sat,sun 10:00-18:00"),
		},
		{
			Name: "au", Source: "Telemarketing and Research Industry Standard 2017; its national holidays are yours to keep", Checked: checked,
			Hours: windows("mon-fri 09:00-20:00", "sat 09:00-17:00"),
		},
		{
			Name: "cn", Source: "collections: none from 22:00 to 08:00, at most 6 attempts a day; rest hours are yours to avoid", Checked: checked,
			Hours: windows("08:00-22:00"), AttemptsPerDay: 6,
		},
	}
}

// windows are hours that this file spells.
func windows(spelt ...string) (h gate.Hours) {
	for _, s := range spelt {
		w, err := gate.ParseWindow(s)
		if err != nil {
			panic(fmt.Sprintf("config: a profile's hours: %v", err)) // cannot happen: a test reads all
		}
		h = append(h, w)
	}
	return h
}

// profileOf returns the profile of that name, nil if there is none.
func profileOf(name string) *Profile {
	return find(Profiles(), name, func(p *Profile) string { return p.Name })
}

func profileNames() []string { return names(Profiles(), func(p *Profile) string { return p.Name }) }

// Profile is the one that the campaign has chosen.
func (k *Campaign) Profile() Profile {
	if p := profileOf(k.Compliance.Profile); p != nil {
		return *p
	}
	return *profileOf(ProfileSafe)
}

// bounds are the windows that hold under the profile.
func (p Profile) bounds() []Window {
	if len(p.Windows) == 0 {
		return profileOf(ProfileSafe).Windows
	}
	return p.Windows
}

// ceiling is the least of its windows.
func (p Profile) ceiling() Percent {
	least := Percent(1)
	for _, w := range p.bounds() {
		least = min(least, w.Ceiling)
	}
	return least
}

// Windows are the periods over which the campaign's abandoned calls are bounded: those of
// its profile, at its own ceiling where that is lower.
func (k *Campaign) Windows() []Window {
	bounds := k.Profile().bounds()
	all := make([]Window, len(bounds))
	for i, w := range bounds {
		all[i] = Window{w.Kind, min(w.Ceiling, k.Abandonment.Ceiling)}
	}
	return all
}

// choose gives a campaign of which nothing is set the profile's values, and the safe ones
// where it has none.
func (k *Campaign) choose(p Profile) {
	safe := profileOf(ProfileSafe)
	k.Compliance = Compliance{
		Profile: p.Name, LeastRing: orSafe(p.LeastRing, safe.LeastRing), LongestWait: orSafe(p.LongestWait, safe.LongestWait),
		WaitFrom: orSafe(p.WaitFrom, safe.WaitFrom), MessageRequired: true, RedialAbandoned: orSafe(p.RedialAbandoned, safe.RedialAbandoned),
	}
	k.Abandonment.Ceiling = p.ceiling()
	k.Hours = safe.Hours
	if len(p.Hours) > 0 && !safe.Hours.Within(p.Hours) {
		k.Hours = p.Hours
	}
	if p.AttemptsPerDay > 0 {
		k.MaxAttemptsPerDay = min(p.AttemptsPerDay, safe.AttemptsPerDay)
	}
	r := k.Retry[cdr.Abandoned]
	r.Delay = max(r.Delay, k.Compliance.RedialAbandoned)
	k.Retry[cdr.Abandoned] = r
}

func orSafe[T comparable](of, safe T) T {
	var none T
	if of == none {
		return safe
	}
	return of
}

// law names the profile for a message.
func (p Profile) law() string {
	if p.Name == ProfileSafe {
		return "the safe default"
	}
	return fmt.Sprintf("profile %s (%s)", p.Name, p.Source)
}

// compliance checks that a campaign is nowhere looser than its profile. The safe profile
// is nobody's law: what is looser than that is warned of.
func (v *validator) compliance(key string, k *Campaign) {
	at := key + ".compliance"
	if profileOf(k.Compliance.Profile) == nil {
		v.bad(at+".profile", "%q is not known%s", k.Compliance.Profile, document.Suggest(k.Compliance.Profile, profileNames()))
		return
	}
	p, safe, law := k.Profile(), profileOf(ProfileSafe), k.Compliance
	// held is that a value is no looser than the profile's, has which it has.
	held := func(key string, looser, ruled, looserThanSafe bool, has, rule, safe string) {
		switch {
		case ruled && looser && p.Name != ProfileSafe:
			v.bad(key, "%s is looser than %s of %s; it may only be stricter", has, rule, p.law())
		case looserThanSafe && (!ruled || p.Name == ProfileSafe):
			v.warn(key, "%s is looser than the safe default (%s); make sure that the law allows it", has, safe)
		}
	}
	text := duration.Format
	held(at+".least_ring", law.LeastRing < p.LeastRing, p.LeastRing > 0, law.LeastRing < safe.LeastRing,
		text(law.LeastRing), text(p.LeastRing), text(safe.LeastRing))
	held(at+".longest_wait", law.LongestWait > p.LongestWait, p.LongestWait > 0, law.LongestWait > safe.LongestWait,
		text(law.LongestWait), text(p.LongestWait), text(safe.LongestWait))
	held(at+".wait_from", later(law.WaitFrom, p.WaitFrom), p.WaitFrom != "", later(law.WaitFrom, safe.WaitFrom),
		law.WaitFrom, p.WaitFrom, safe.WaitFrom)
	held(at+".message_required", !law.MessageRequired, p.Message, !law.MessageRequired, "false", "true", "true")
	held(at+".redial_abandoned", law.RedialAbandoned < p.RedialAbandoned, p.RedialAbandoned > 0, law.RedialAbandoned < safe.RedialAbandoned,
		text(law.RedialAbandoned), text(p.RedialAbandoned), text(safe.RedialAbandoned))
	held(key+".max_attempts_per_day", k.MaxAttemptsPerDay > p.AttemptsPerDay, p.AttemptsPerDay > 0, k.MaxAttemptsPerDay > safe.AttemptsPerDay,
		fmt.Sprint(k.MaxAttemptsPerDay), fmt.Sprint(p.AttemptsPerDay), fmt.Sprint(safe.AttemptsPerDay))
	if !k.Hours.Within(safe.Hours) || p.Name != ProfileSafe {
		reach := fmt.Sprintf("%s of the callee's day", k.Hours)
		held(key+".hours", !k.Hours.Within(p.Hours), len(p.Hours) > 0, !k.Hours.Within(safe.Hours), reach, p.Hours.String(), safe.Hours.String())
	}
	if k.Abandonment.Ceiling < 1 { // else it is refused anyhow
		held(key+".abandonment.ceiling", k.Abandonment.Ceiling > p.ceiling(), len(p.Windows) > 0, k.Abandonment.Ceiling > safe.ceiling(),
			k.Abandonment.Ceiling.String(), p.ceiling().String(), safe.ceiling().String())
	}
}

// later reports whether one beginning of the wait comes after another.
func later(a, b string) bool {
	order := strings.Join([]string{FromAnswer, FromSpeech, FromGreeting}, " ")
	return strings.Index(order, a) > strings.Index(order, b)
}
