package config

import (
	"strings"
	"testing"
)

func TestPhoneFaults(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a code of no form", `feature_codes: {login: "*1#"}`, `test.yaml:10:24: feature_codes.login: "*1#"; write letters`},
		{"two codes", `feature_codes: {login: "*12"}`, "feature_codes.logout: *12 is that of login already"},
		{"an extension for a code", `feature_codes: {login: "1001"}`, "test.yaml:10:24: feature_codes.login: 1001 is the extension of agent anna"},
		{"a code that hides another", `feature_codes: {listen: "*1"}`, "test.yaml:10:25: feature_codes.listen: *1, which an extension follows, is the beginning of feature_codes.login (*11)"},
		{"a code that hides an extension", `feature_codes: {barge: "10"}`, "test.yaml:10:24: feature_codes.barge: the extension of agent anna begins with 10"},
		{"keys without an escape", `agent_keys: {ready: "1"}`, `test.yaml:10:21: agent_keys.ready: "1"; write * or #`},
		{"two escapes", `agent_keys: {logout: "#9"}`, "test.yaml:10:22: agent_keys.logout: #9 begins with another key than agent_keys.ready; let all begin with *"},
		{"a key that hides another", `agent_keys: {hold: "*44", hangup: "*4"}`, "test.yaml:10:35: agent_keys.hangup: *4 is the beginning of agent_keys.hold (*44)"},
		{"no music", `hold: {music: there/is/none.wav}`, "test.yaml:10:15: hold.music: cannot be read"},
		{"an open relay", `transfer: {external: true}`, "test.yaml:10:1: transfer.prefixes: is empty, and transfer.external is on: anyone"},
		{"a prefix of no form", `transfer: {external: true, prefixes: ["0049"]}`, `test.yaml:10:39: transfer.prefixes[0]: "0049"; write the beginning`},
		{"a pattern of no form", `transfer: {extensions: ["20.*"]}`, `test.yaml:10:25: transfer.extensions[0]: "20.*"; write digits`},
		{"a long ring", `transfer: {ring_timeout: 5m}`, "test.yaml:10:26: transfer.ring_timeout: 5m; write how long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, faults := parse(base + c.in + "\n")
			if got := strings.Join(faults, "\n"); !strings.Contains(got, c.want) {
				t.Errorf("%s, want %q", got, c.want)
			}
		})
	}
}

func TestReadFeatureCodes(t *testing.T) {
	codes := defaultFeatureCodes()
	codes.Barge = ""
	for dialed, want := range map[string][2]string{
		"*11": {"login", ""}, "*111001": {}, "*21": {}, "*211001": {"listen", "1001"}, "*22eva.b": {"whisper", "eva.b"},
		"*231001": {}, "1001": {}, "": {},
	} {
		if does, extension := codes.Read(dialed); does != want[0] || extension != want[1] {
			t.Errorf("%q is %q of %q, want %q", dialed, does, extension, want)
		}
	}
}

func TestWhereCustomersMayBeTransferredTo(t *testing.T) {
	rule := Transfer{Extensions: []string{"20XX", "100"}, External: true, Prefixes: []string{"+4420"}}
	for name, want := range map[string]bool{"2000": true, "2099": true, "100": true, "101": false, "20001": false, "200": false, "20*1": false, "": false} {
		if rule.Extension(name) != want {
			t.Errorf("extension %q: %v", name, !want)
		}
	}
	for number, want := range map[string]bool{"+442079460000": true, "+492079460000": false, "+4420": false, "442079460000": false, "+4420794600a0": false} {
		if rule.Number(number) != want {
			t.Errorf("number %q: %v", number, !want)
		}
	}
	if rule.External = false; rule.Number("+442079460000") {
		t.Error("numbers are dialed that are switched off")
	}
}
