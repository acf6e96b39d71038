package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	before := load(t, base+`logging: {level: info}
redis: {password: old}
http: {tokens: [{name: a, role: admin, token: 0123456789abcdef}]}
`)
	after := load(t, strings.NewReplacer(
		"name: welcome}", "name: welcome, caller_ids: [\"+442079460001\"], caller_id_rules: [{prefixes: [\"+44\"], caller_ids: [\"+442079460000\"]}], mode: power, ratio: 2, start: true, retry: {busy: {max: 9}}, hours: [\"mon-fri 09:00-20:00\"], dispositions: [yes!, {name: later, retry: {delay: 1d, max: 2}}]}\n  - {name: second}",
		"id: anna, extension: 1001}", "id: ben, extension: 1002}",
		"name: carrier,", "name: carrier, channels: 40, server: sip.example.org, ",
		"server: sip.example.com,", "",
	).Replace(base)+`logging: {level: debug, format: json}
redis: {password: new}
http: {tokens: [{name: a, role: admin, token: fedcba9876543210}]}
recording: {min_free: 1GiB}
`)
	want := []string{
		"redis.password: ******** -> ******** (another) (at the next start)",
		"http.tokens[a].token: ******** -> ******** (another)",
		"recording.min_free: 2GiB -> 1GiB (at the next start)",
		"trunks[carrier].server: sip.example.com -> sip.example.org (at the next start)",
		"trunks[carrier].domain: sip.example.com -> sip.example.org (at the next start)",
		"trunks[carrier].channels: 30 -> 40",
		"agents[anna]: present -> nothing",
		"agents[ben]: nothing -> present",
		"campaigns[welcome].start: false -> true (at the next start)",
		"campaigns[welcome].mode: progressive -> power",
		"campaigns[welcome].ratio: 1.5 -> 2",
		"campaigns[welcome].caller_id: +442079460000 -> nothing",
		"campaigns[welcome].caller_ids: nothing -> [+442079460001]",
		"campaigns[welcome].caller_id_rules: nothing -> {[+44]: [+442079460000]}",
		"campaigns[welcome].hours: 08:00-20:00 -> mon-fri 09:00-20:00",
		"campaigns[welcome].dispositions: [success no_interest wrong_person call_again {delay: 1d, max: 3} answering_machine (machine)] -> [yes! later {delay: 1d, max: 2}]",
		"campaigns[welcome].retry.busy: {delay: 10m, max: 5} -> {delay: 10m, max: 9}",
		"campaigns[welcome].inbound.numbers: [+442079460000] -> [+442079460001, +442079460000]",
		"campaigns[welcome].inbound.hours: 08:00-20:00 -> mon-fri 09:00-20:00",
		"campaigns[second]: nothing -> present (at the next start)",
		"logging.level: info -> debug",
		"logging.format: text -> json (at the next start)",
	}
	var got []string
	for _, c := range Diff(before, after) {
		got = append(got, c.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if same := Diff(before, load(t, base+"redis: {password: old}\nhttp: {tokens: [{name: a, role: admin, token: 0123456789abcdef}]}\n")); same != nil {
		t.Errorf("%v", same)
	}
}
