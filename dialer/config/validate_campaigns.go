package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"ringpace/configs/document"
	"ringpace/configs/duration"
	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/pacing"
)

func (v *validator) agents() {
	v.agentDefaults()
	if len(v.config.Agents) == 0 {
		v.warn("agents", "there are none: nothing is dialed without agents")
	}
	ids := make(map[string]string)
	reached := make(map[string]string)
	for i := range v.config.Agents {
		a, key := &v.config.Agents[i], fmt.Sprintf("agents[%d]", i)
		v.unique(key+".id", "agent", a.ID, ids)
		v.clean(key+".name", a.Name)
		switch {
		case a.Extension == "":
			v.bad(key+".extension", "is missing; write the agent's extension at the PBX, such as 1001")
		case !userForm.MatchString(a.Extension):
			v.bad(key+".extension", "%q cannot stand in a SIP address (RFC 3261, section 25.1)", a.Extension)
		default:
			at := a.Extension + "@" + a.Peer
			if other, ok := reached[at]; ok {
				v.bad(key+".extension", "%s is the extension of %s already; one telephone serves one agent", a.Extension, other)
			}
			reached[at] = key
		}
		v.peerOf(key+".peer", a.Peer)
		v.registers(key, a)
		v.campaignsOf(key+".campaigns", a.Campaigns)
		v.wrapUp(key, a.WrapUp, a.RingTimeout)
		v.timeZone(key+".time_zone", a.TimeZone)
	}
	for i, r := range v.config.PauseReasons {
		key := fmt.Sprintf("pause_reasons[%d]", i)
		v.word(key, r, v.config.PauseReasons[:i])
	}
}

func (v *validator) agentDefaults() {
	d, key := &v.config.AgentDefaults, "agent_defaults"
	if d.Peer != "" {
		v.peerOf(key+".peer", d.Peer)
	}
	v.campaignsOf(key+".campaigns", d.Campaigns)
	v.wrapUp(key, d.WrapUp, d.RingTimeout)
	v.timeZone(key+".time_zone", d.TimeZone)
}

// word checks one entry of a list of words that people choose from.
func (v *validator) word(key, s string, before []string) {
	switch {
	case strings.TrimSpace(s) == "" || len(s) > 64:
		v.bad(key, "%q; write a word of 1 to 64 bytes", s)
	case slices.Contains(before, s):
		v.bad(key, "%q stands here twice; remove one", s)
	}
	v.clean(key, s)
}

func (v *validator) peerOf(key, name string) {
	switch {
	case name == OwnRegistrar:
	case name == "" && len(v.config.Peers) == 0:
		v.bad(key, "there is no peer at which extensions could be reached; add your PBX under peers, or let telephones register here (sip.registrar)")
	case name == "":
		v.bad(key, "is missing, and there are several peers%s", document.Suggest(name, v.config.peerNames()))
	case v.config.Peer(name) == nil:
		v.bad(key, "no peer %q%s", name, document.Suggest(name, v.config.peerNames()))
	}
}

func (v *validator) campaignsOf(key string, names []string) {
	for i, n := range names {
		k := fmt.Sprintf("%s[%d]", key, i)
		if v.config.Campaign(n) == nil {
			v.bad(k, "no campaign %q%s", n, document.Suggest(n, v.config.campaignNames()))
		} else if v.Given(k) && slices.Contains(names[:i], n) {
			v.bad(k, "%q stands here twice; remove one", n)
		}
	}
}

func (v *validator) wrapUp(key string, wrapUp, ring time.Duration) {
	if wrapUp > time.Hour {
		v.bad(key+".wrap_up", "%s; the limit of wrap-up is at most 1h, such as 30s", duration.Format(wrapUp))
	}
	if ring < time.Second || ring > 2*time.Minute {
		v.bad(key+".ring_timeout", "%s; write how long an agent's telephone rings, 1s to 2m, such as 15s", duration.Format(ring))
	}
}

func (v *validator) campaigns() {
	if len(v.config.Campaigns) == 0 {
		v.warn("campaigns", "there are none: nothing will be dialed")
	}
	names := make(map[string]string)
	for i := range v.config.Campaigns {
		k, key := &v.config.Campaigns[i], fmt.Sprintf("campaigns[%d]", i)
		v.unique(key+".name", "campaign", k.Name, names)
		v.pace(key, k)
		v.callerID(key, k)
		v.rules(key, k)
		v.message(key, k)
		if k.Consent != v.config.Recording.Consent.Prompt {
			v.prompt(key+".consent", k.Consent)
		}
		v.inbound(key+".inbound", k)
		v.retries(key, k)
		v.columns(key+".leads", k.Leads)
		if len(v.config.Agents) > 0 && !slices.ContainsFunc(v.config.Agents, func(a Agent) bool {
			return slices.Contains(a.Campaigns, k.Name)
		}) {
			v.warn(key, "no agent serves it, so nothing of it is dialed; name it under an agent's campaigns")
		}
	}
}

func (v *validator) pace(key string, k *Campaign) {
	modes := make([]string, 0, len(pacing.Modes()))
	for _, m := range pacing.Modes() {
		modes = append(modes, string(m))
	}
	switch {
	case slices.Contains(modes, string(k.Mode)):
	default:
		v.bad(key+".mode", "%q is not known%s", k.Mode, document.Suggest(string(k.Mode), modes))
	}
	if !(k.Ratio >= 1 && k.Ratio <= 10) {
		v.bad(key+".ratio", "%v; write how many lines are dialed per free agent, 1 to 10, such as 1.5", k.Ratio)
	} else if v.Given(key+".ratio") && k.Mode != pacing.Power {
		v.warn(key+".ratio", "has no effect in mode %s; it is for mode power", k.Mode)
	}
	if k.MaxInFlight < 0 {
		v.bad(key+".max_in_flight", "%d; write a number of calls, or 0 for no limit but the trunks' channels", k.MaxInFlight)
	}
	if k.PreviewLimit > time.Hour {
		v.bad(key+".preview_limit", "%s; at most 1h, such as 2m, or 0 for no limit", duration.Format(k.PreviewLimit))
	}
	v.predictive(key, k)
}

func (v *validator) callerID(key string, k *Campaign) {
	if len(k.Trunks) == 0 && len(v.config.Trunks) > 1 {
		v.bad(key+".trunks", "is missing, and there are several trunks%s", document.Suggest("", v.config.trunkNames()))
	}
	shown := k.AllShown()
	for i, n := range k.Trunks {
		at := fmt.Sprintf("%s.trunks[%d]", key, i)
		t := v.config.Trunk(n)
		switch {
		case t == nil:
			v.bad(at, "no trunk %q%s", n, document.Suggest(n, v.config.trunkNames()))
		case slices.Contains(k.Trunks[:i], n):
			v.bad(at, "%q stands here twice; remove one", n)
		case len(k.CallerIDs) == 0 && len(k.CallerIDRules) == 0:
			v.fixedCallerID(key+".caller_id", k.CallerID, t)
		case !slices.ContainsFunc(t.CallerIDs, func(id string) bool { return slices.Contains(shown, id) }):
			v.bad(at, "trunk %s owns none of the campaign's caller IDs (it owns %s), so that it could not be used; add one of "+
				"its numbers to caller_ids, or leave the trunk out", n, orNothing(strings.Join(t.CallerIDs, ", ")))
		}
	}
	fixed := v.Given(key + ".caller_id")
	if fixed {
		v.e164(key+".caller_id", k.CallerID)
	}
	if fixed && len(k.CallerIDs) > 0 {
		v.bad(key+".caller_ids", "caller_id is given too; write one of both")
	}
	v.numbers(key+".caller_ids", k.CallerIDs)
	v.owned(key+".caller_ids", k, k.CallerIDs)
	if fixed && len(k.CallerIDRules) > 0 && !v.own(k, k.CallerID) {
		v.bad(key+".caller_id", notOwned, k.CallerID)
	}
	v.callerIDRules(key+".caller_id_rules", k)
	v.whereabouts(key, k)
}

// fixedCallerID checks the one number of a campaign, which every trunk must own.
func (v *validator) fixedCallerID(key, id string, t *Trunk) {
	if id == "" || !e164Form.MatchString(id) || slices.Contains(t.CallerIDs, id) {
		return
	}
	owns := "it has no caller_ids"
	if len(t.CallerIDs) > 0 {
		owns = "it owns " + strings.Join(t.CallerIDs, ", ")
	}
	v.bad(key, "trunk %s does not own %s (%s); write one of its numbers, or add it to the trunk's caller_ids if the carrier "+
		"gave it to you; where the trunks own different numbers, list them under the campaign's caller_ids", t.Name, id, owns)
}

const notOwned = "no trunk of the campaign owns %s; write a number of its trunks, or add it to the caller_ids of the " +
	"trunk whose carrier gave it to you"

// owned checks that each number is one of a trunk of the campaign: no other can
// ever be shown.
func (v *validator) owned(key string, k *Campaign, ids []string) {
	for i, id := range ids {
		if !v.own(k, id) {
			v.bad(fmt.Sprintf("%s[%d]", key, i), notOwned, id)
		}
	}
}

// own reports whether a trunk of the campaign has the number, or whether that cannot
// be told because of another fault.
func (v *validator) own(k *Campaign, id string) bool {
	return !e164Form.MatchString(id) || slices.ContainsFunc(k.Trunks, func(n string) bool {
		t := v.config.Trunk(n)
		return t == nil || slices.Contains(t.CallerIDs, id)
	})
}

func (v *validator) callerIDRules(key string, k *Campaign) {
	taken := make(map[string]string)
	for i, r := range k.CallerIDRules {
		at := fmt.Sprintf("%s[%d]", key, i)
		if len(r.Prefixes) == 0 {
			v.bad(at+".prefixes", "is missing; write for whom the rule is, such as [\"+49\"]; for all others caller_ids counts")
		}
		if len(r.CallerIDs) == 0 {
			v.bad(at+".caller_ids", "is missing; write the numbers to show to them")
		}
		v.prefixes(at+".prefixes", r.Prefixes)
		for j, p := range r.Prefixes {
			if other, ok := taken[p]; ok && other != at {
				v.bad(fmt.Sprintf("%s.prefixes[%d]", at, j), "%s is in %s already; remove one", p, other)
			}
			taken[p] = at
		}
		v.numbers(at+".caller_ids", r.CallerIDs)
		v.owned(at+".caller_ids", k, r.CallerIDs)
	}
}

// whereabouts checks where and when a campaign's people live.
func (v *validator) whereabouts(key string, k *Campaign) {
	if k.Region != "" && !lead.KnownRegion(k.Region) {
		v.bad(key+".region", "%q is not a region; write two capital letters (ISO 3166), such as CN, DE or US", k.Region)
	}
	v.timeZone(key+".time_zone", k.TimeZone)
}

func (v *validator) timeZone(key, name string) {
	if _, err := time.LoadLocation(name); name != "" && err != nil {
		v.bad(key, "%q is not a time zone; write a name of the IANA list, such as Europe/Berlin", name)
	}
}

func (v *validator) rules(key string, k *Campaign) {
	law := k.Compliance
	switch {
	case k.RingTimeout < law.LeastRing:
		v.bad(key+".ring_timeout", "%s is less than compliance.least_ring (%s); let it ring at least that long",
			duration.Format(k.RingTimeout), duration.Format(law.LeastRing))
	case k.RingTimeout < time.Second || k.RingTimeout > 3*time.Minute:
		v.bad(key+".ring_timeout", "%s; write how long a telephone rings before it is given up, up to 3m, such as 30s",
			duration.Format(k.RingTimeout))
	}
	if k.AbandonAfter > law.LongestWait {
		v.bad(key+".abandon_after", "%s is longer than compliance.longest_wait (%s); nobody may wait longer for an agent",
			duration.Format(k.AbandonAfter), duration.Format(law.LongestWait))
	}
	if k.Goodbye > 30*time.Second {
		v.bad(key+".goodbye", "%s; the line is held quiet for that long after the agent hung up; at most 30s, such as 2s",
			duration.Format(k.Goodbye))
	}
	if len(k.Hours) == 0 {
		v.bad(key+".hours", "there is no window, so nobody could ever be called; write [\"08:00-20:00\"]")
	}
	v.compliance(key, k)
}

func (v *validator) message(key string, k *Campaign) {
	at := key + ".message"
	switch k.Message {
	case MessageDefault:
	case MessageOff:
		if k.Compliance.MessageRequired {
			v.bad(at, "off, and compliance.message_required is true: a person for whom there is no agent must be told who "+
				"called; write %s or the path of a WAV file", MessageDefault)
		}
	case "":
		v.bad(at, "is empty; write %s, %s or the path of a WAV file", MessageDefault, MessageOff)
	default:
		if info, err := os.Stat(k.Message); err != nil {
			v.bad(at, "cannot be read: %v; write %s or the path of a WAV file", err, MessageDefault)
		} else if !info.Mode().IsRegular() {
			v.bad(at, "%s is not a file; write %s or the path of a WAV file", k.Message, MessageDefault)
		}
	}
}

func (v *validator) retries(key string, k *Campaign) {
	if k.MaxAttempts < 1 || k.MaxAttempts > 1000 {
		v.bad(key+".max_attempts", "%d; write how often one person is tried in all, 1 to 1000, such as 8", k.MaxAttempts)
	}
	if k.MaxAttemptsPerDay < 1 || k.MaxAttemptsPerDay > 100 {
		v.bad(key+".max_attempts_per_day", "%d; write how often one person is tried in a day, 1 to 100, such as 3", k.MaxAttemptsPerDay)
	}
	for _, o := range cdr.All() {
		v.retry(fmt.Sprintf("%s.retry.%s", key, o), k.Retry[o])
	}
	if r := k.Retry[cdr.Abandoned]; r.Max > 0 && r.Delay < k.Compliance.RedialAbandoned {
		v.bad(key+".retry.abandoned.delay", "%s is less than compliance.redial_abandoned (%s); a person whose call was "+
			"abandoned is left alone that long", duration.Format(r.Delay), duration.Format(k.Compliance.RedialAbandoned))
	}
	if len(k.Dispositions) == 0 {
		v.bad(key+".dispositions", "there is none; agents need at least one to end wrap-up with, such as [success, no_interest]")
	}
	var before []string
	for i, d := range k.Dispositions {
		at := fmt.Sprintf("%s.dispositions[%d]", key, i)
		v.word(at+".name", d.Name, before)
		before = append(before, d.Name)
		if d.Retry != nil {
			v.retry(at+".retry", *d.Retry)
		}
	}
}

func (v *validator) retry(key string, r gate.Retry) {
	if r.Max < 0 {
		v.bad(key+".max", "%d; write how often the person is tried again after it, or 0 for never", r.Max)
	}
	if r.Max > 0 && r.Delay < 10*time.Second {
		v.bad(key+".delay", "%s; the telephone would ring again at once; write 10s or more, such as 10m", duration.Format(r.Delay))
	}
}

// columns refuses one heading with two meanings.
func (v *validator) columns(key string, c lead.Columns) {
	if err := c.Check(); err != nil {
		v.bad(key, "%v", err)
	}
}
