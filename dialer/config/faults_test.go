package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestFaults(t *testing.T) {
	campaign := func(keys string) string { return strings.Replace(base, "name: welcome", "name: welcome, "+keys, 1) }
	trunk := func(keys string) string { return strings.Replace(base, "name: carrier", "name: carrier, "+keys, 1) }
	defence := func(keys string) string {
		return strings.Replace(base, `5060"]`, `5060"], defence: {`+keys+`}`, 1)
	}
	agent := func(keys string) string { return strings.Replace(base, "id: anna", "id: anna, "+keys, 1) }
	tests := []struct {
		name, in string
		want     []string // the beginning of each fault
	}{
		{"unknown key at the top", base + "sips: {}\n", []string{"test.yaml:10:1: sips: unknown key; did you mean sip?"}},
		{"unknown key", campaign("ringtimeout: 30s"), []string{"test.yaml:9:21: campaigns[0].ringtimeout: unknown key; did you mean ring_timeout?"}},
		{"twice", base + "node: {id: a, id: b}\n", []string{"test.yaml:10:15: node.id: stands here twice"}},
		{"no mapping", "- a\n", []string{"test.yaml:1:1: a list where a mapping", "test.yaml:1:1: sip.listen", "test.yaml:1:1: trunks"}},
		{"no YAML", "a: [1\nb: 2\n", []string{"test.yaml:2:1: not valid YAML: ',' or ']'"}},
		{"two documents", base + "---\na: 1\n", []string{"test.yaml:11:2: a second document"}},
		{"no anchor", base + "node: {id: *x}\n", []string{"test.yaml:10:12: node.id: no anchor &x"}},
		{"a circle", base + "node: &n\n  <<: *n\n", []string{"test.yaml:11:7: node: more than 1000 merges"}},

		{"number", campaign("max_attempts: many"), []string{`test.yaml:9:35: campaigns[0].max_attempts: "many" is not a whole number`}},
		{"fraction", campaign("max_attempts: 2.5"), []string{`test.yaml:9:35: campaigns[0].max_attempts: "2.5" is not a whole number`}},
		{"not a number", campaign("ratio: .nan"), []string{`test.yaml:9:28: campaigns[0].ratio: ".nan" is not a number`}},
		{"boolean", campaign("start: maybe"), []string{`test.yaml:9:28: campaigns[0].start: "maybe" is not a boolean; write true or false`}},
		{"list", "agents: {id: a}\n" + strings.Replace(base, "agents:", "peers2:", 1), []string{
			"test.yaml:1:9: agents: a mapping where a list is wanted", "test.yaml:7:1: peers2: unknown key; did you mean peers?",
		}},
		{"text", base + "node: {id: [a]}\n", []string{"test.yaml:10:12: node.id: a list where a text is wanted"}},
		{"boolean for text", base + "node: {id: true}\n", []string{"test.yaml:10:12: node.id: true (a boolean) where a text is wanted; quote it"}},
		{"duration", campaign("goodbye: 2"), []string{"test.yaml:9:30: campaigns[0].goodbye: 2 has no unit; write 2s"}},
		{"no duration", campaign("goodbye: soon"), []string{`test.yaml:9:30: campaigns[0].goodbye: "soon" is not a duration`}},
		{"negative duration", campaign("goodbye: -2s"), []string{`test.yaml:9:30: campaigns[0].goodbye: "-2s" is negative`}},
		{"size", base + "recording: {min_free: 2 gigs}\n", []string{`test.yaml:10:23: recording.min_free: "2 gigs" is not a size`}},
		{"retention", base + "recording: {retention: 90s}\n", []string{"test.yaml:10:24: recording.retention: 1m30s; write 1h or more"}},
		{"rare flush", base + "recording: {flush: 1s}\n", []string{"test.yaml:10:20: recording.flush: 1s; a crash may cost as much; write 100ms to 900ms"}},
		{"pause of the recording", base + "recording: {max_pause: 500ms}\n", []string{"test.yaml:10:24: recording.max_pause: 500ms; write how long"}},
		{"long pause of the recording", base + "recording: {max_pause: 2h}\n", []string{"test.yaml:10:24: recording.max_pause: 2h; write how long"}},
		{"format", base + "recording: {format: pcm8}\n", []string{`test.yaml:10:21: recording.format: "pcm8" is not known`}},
		{"recipients", base + "recording: {encrypt_to: [age1xyz, /not/there, ssh-dss AAAA, AGE-SECRET-KEY-1QQ]}\n", []string{
			"test.yaml:10:26: recording.encrypt_to[0]: not a recipient: age1xyz…: the key is mistyped",
			`test.yaml:10:35: recording.encrypt_to[1]: not a recipient: "/not/there" is no public key (age1…, ssh-ed25519 …, ssh-rsa …), and no file of that name is there`,
			"test.yaml:10:47: recording.encrypt_to[2]: not a recipient: ssh-dss AAAA…",
			"test.yaml:10:61: recording.encrypt_to[3]: not a recipient: that is a secret key; write its public key",
		}},
		{"a shift", agent("shift: [\"09:00-17:00\", \"9-17\"]"), []string{`test.yaml:7:39: agents[0].shift[1]: "9" is not a time of day`}},
		{"a shift's time zone", agent("time_zone: Europe/Londn"), []string{`test.yaml:7:27: agents[0].time_zone: "Europe/Londn" is not a time zone`}},
		{"a disposition's outcome", campaign("dispositions: [sold, {name: nobody, outcome: ghost}]"), []string{
			`test.yaml:9:66: campaigns[0].dispositions[1].outcome: "ghost" is not known; known are machine`,
		}},
		{"no consent prompt", base + "recording: {consent: {prompt: gone.wav}}\n", []string{"test.yaml:10:31: recording.consent.prompt: cannot be read"}},
		{"a campaign's", campaign("consent: gone.wav"), []string{"test.yaml:9:30: campaigns[0].consent: cannot be read"}},
		{"two keys", base + "recording: {consent: {prompt: default, refuse_key: \"12\"}}\n", []string{`test.yaml:10:52: recording.consent.refuse_key: "12"; write one key`}},
		{"what of it", base + "recording: {consent: {refused: wipe}}\n", []string{`test.yaml:10:32: recording.consent.refused: "wipe" is not known`}},
		{"beep", base + "recording: {beep: {to: all, frequency: 200, level: 3, length: 5s, every: 8s}}\n", []string{
			`test.yaml:10:24: recording.beep.to: "all" is not known`, "test.yaml:10:40: recording.beep.frequency: 200; write what telephones carry",
			"test.yaml:10:52: recording.beep.level: 3; write a level in dBm0", "test.yaml:10:63: recording.beep.length: 5s; write how long",
			"test.yaml:10:74: recording.beep.every: 8s; write the time",
		}},
		{"word", trunk("transport: tsl"), []string{`test.yaml:3:32: trunks[0].transport: "tsl" is not known; did you mean tls?`}},
		{"outcome", campaign("retry: {bussy: {max: 1}}"), []string{"test.yaml:9:29: campaigns[0].retry.bussy: unknown outcome; did you mean busy?"}},
		{"window", campaign("hours: [8-20]"), []string{`test.yaml:9:29: campaigns[0].hours[0]: "8" is not a time of day`}},

		{"wildcard", strings.Replace(base, "192.0.2.10", "0.0.0.0", 1), []string{`test.yaml:1:16: sip.listen[0]: "udp://0.0.0.0:5060" is a wildcard: the address stands in Via`}},
		{"no scheme", strings.Replace(base, "udp://", "", 1), []string{`test.yaml:1:16: sip.listen[0]: "192.0.2.10:5060" does not begin with udp://`}},
		{"WebSockets without certificate", strings.Replace(base, `60"]`, `60", "ws://192.0.2.10:8088", "wss://192.0.2.10"]`, 1), []string{"test.yaml:1:65: sip.listen[2]: wss://192.0.2.10:443 needs a certificate; write sip.tls.cert_file"}},
		{"a listener without certificate", strings.Replace(base, `60"]`, `60", "tls://192.0.2.10"]`, 1), []string{"test.yaml:1:41: sip.listen[1]: tls://192.0.2.10:5061 needs a certificate; write sip.tls.cert_file"}},
		{"half a certificate of ours", strings.Replace(base, `60"]`, `60"], tls: {cert_file: /not/there}`, 1), []string{"test.yaml:1:42: sip.tls.key_file: is missing", "test.yaml:1:59: sip.tls.cert_file: cannot be read"}},
		{"name servers", strings.Replace(base, `60"]`, `60"], dns_servers: [192.0.2.53, ns, 0.0.0.0]`, 1), []string{`test.yaml:1:68: sip.dns_servers[1]: "ns" is not the address of a name server`, `test.yaml:1:72: sip.dns_servers[2]: "0.0.0.0" is not`}},
		{"host name", strings.Replace(base, "192.0.2.10", "myhost", 1), []string{`test.yaml:1:16: sip.listen[0]: "udp://myhost:5060" is not an address and port`}},
		{"two listeners", strings.Replace(base, `60"]`, `60", "udp://192.0.2.10:5060"]`, 1), []string{"test.yaml:1:41: sip.listen[1]: udp://192.0.2.10:5060 is sip.listen[0] already"}},
		{"HTTP on the same port", strings.Replace(base, `60"]`, `60", "tcp://127.0.0.1:8080"]`, 1), []string{"test.yaml:1:41: sip.listen[1]: 127.0.0.1:8080 is http.listen already"}},
		{"no listener of the transport", strings.Replace(base, "udp://", "tcp://", 1), []string{
			"test.yaml:3:6: trunks[0].transport: udp, and no sip.listen is udp://", "test.yaml:5:6: peers[0].transport: udp, and no sip.listen is udp://",
		}},
		{"no proxy of the family", trunk("outbound_proxy: \"2001:db8::1\", transport: tcp"), []string{"test.yaml:3:37: trunks[0].outbound_proxy: 2001:db8::1 cannot be reached"}},
		{"no proxy", trunk("outbound_proxy: a b"), []string{`test.yaml:3:37: trunks[0].outbound_proxy: "a b" is no host`}},
		{"half a certificate", trunk("transport: tls, tls: {cert_file: /etc/hostname, server_name: a b}"), []string{
			"test.yaml:3:37: trunks[0].tls.key_file: is missing", `test.yaml:3:82: trunks[0].tls.server_name: "a b" is no host`,
		}},
		{"half a key", trunk("transport: tls, tls: {key_file: /etc/hostname, ca_file: /not/there}"), []string{
			"test.yaml:3:37: trunks[0].tls.cert_file: is missing", "test.yaml:3:77: trunks[0].tls.ca_file: cannot be read",
		}},
		{"no authorities", trunk("transport: tls, tls: {ca_file: /etc/hostname}"), []string{"test.yaml:3:52: trunks[0].tls.ca_file: /etc/hostname holds no certificate; write a PEM file"}},
		{"no authorities for the storage", base + "recording: {upload: {endpoint: \"https://s3.example.com\", bucket: calls, access_key: a, secret_key: b, ca_file: /etc/hostname}}\n", []string{
			"test.yaml:10:112: recording.upload.ca_file: /etc/hostname holds no certificate; write a PEM file",
		}},
		{"sources", trunk("sources: [192.0.2.0/24, carrier]"), []string{`test.yaml:3:45: trunks[0].sources[1]: "carrier" is no address or network`}},
		{"identity", trunk("keep_alive: 20m, bulk_contact: true, identity: {from: account, privacy: id;none, diversion: \"+442079460009\", tel_uri: true, format: plain}"), []string{
			"test.yaml:3:33: trunks[0].keep_alive: 20m;", "test.yaml:3:38: trunks[0].bulk_contact: needs register: true", "test.yaml:3:75: trunks[0].identity.from: account, and the trunk has no username",
			`test.yaml:3:93: trunks[0].identity.privacy: "none" is not known`, `test.yaml:3:113: trunks[0].identity.diversion: +442079460009 is not one of`, "test.yaml:3:130: trunks[0].identity.tel_uri: cannot go with format plain",
		}},
		{"two ways of caller IDs", campaign(`caller_id: "+442079460000", caller_ids: ["+442079460001"]`), []string{
			"test.yaml:9:49: campaigns[0].caller_ids: caller_id is given too",
		}},
		{"a pool that is not ours", campaign(`caller_ids: ["+442079460001", "+442079460009", "+442079460001"]`), []string{
			"test.yaml:9:51: campaigns[0].caller_ids[1]: no trunk of the campaign owns +442079460009", "test.yaml:9:68: campaigns[0].caller_ids[2]: +442079460001 is caller_ids[0] already",
		}},
		{"caller ID rules", campaign(`caller_id_rules: [{prefixes: ["44"], caller_ids: ["+442079460009"]}, {caller_ids: []}, {prefixes: ["+1"], caller_ids: ["+442079460000"]}, {prefixes: ["+1"], caller_ids: ["+442079460001"]}]`), []string{
			`test.yaml:9:51: campaigns[0].caller_id_rules[0].prefixes[0]: "44" is not the beginning`, "test.yaml:9:71: campaigns[0].caller_id_rules[0].caller_ids[0]: no trunk of the campaign owns",
			"test.yaml:9:91: campaigns[0].caller_id_rules[1].caller_ids: is missing", "test.yaml:9:91: campaigns[0].caller_id_rules[1].prefixes: is missing",
			"test.yaml:9:171: campaigns[0].caller_id_rules[3].prefixes[0]: +1 is in campaigns[0].caller_id_rules[2] already",
		}},
		{"a trunk without a caller ID of the campaign", strings.Replace(strings.Replace(base, "peers:", "  - {name: second, server: sip.example.org, caller_ids: [\"+12025550100\"]}\npeers:", 1),
			"name: welcome", `name: welcome, trunks: [carrier, second], caller_ids: ["+442079460000"]`, 1), []string{
			"test.yaml:10:39: campaigns[0].trunks[1]: trunk second owns none of the campaign's caller IDs (it owns +12025550100)",
		}},
		{"prefixes", trunk("prefixes: [\"49\", \"+49\", \"+49\"]"), []string{
			`test.yaml:3:32: trunks[0].prefixes[0]: "49" is not the beginning of a number`, `test.yaml:3:45: trunks[0].prefixes[2]: "+49" stands here twice`,
		}},
		{"rank", trunk("priority: 0, weight: 0"), []string{"test.yaml:3:31: trunks[0].priority: 0; write 1 to 100", "test.yaml:3:42: trunks[0].weight: 0; write 1 to 1000"}},
		{"calls", trunk("calls: {answer_timeout: 1m, session_expires: 5s, session_min: 10s, redirect_hosts: [a b]}"), []string{
			"test.yaml:3:45: trunks[0].calls.answer_timeout: 1m;", "test.yaml:3:66: trunks[0].calls.session_expires: 5s;", "test.yaml:3:83: trunks[0].calls.session_min: 10s;",
			`test.yaml:3:105: trunks[0].calls.redirect_hosts[0]: "a b" is no host`,
		}},
		{"no listener of the family", strings.Replace(base, "sip.example.com", `"[2001:db8::1]:5060"`, 1), []string{"test.yaml:3:29: trunks[0].server: [2001:db8::1]:5060 cannot be reached"}},
		{"defence", defence("allow: [192.0.2.1/24, host, 0.0.0.0/0], rate: 0, burst: 1, total: .5, scanners: [ab], failures: 0, ban: 1ms, connections: 0"), []string{
			`test.yaml:1:60: sip.defence.allow[0]: "192.0.2.1/24" has bits behind its length; write 192.0.2.0/24`,
			`test.yaml:1:74: sip.defence.allow[1]: "host" is no address or network`,
			"test.yaml:1:80: sip.defence.allow[2]: 0.0.0.0/0 is every address", "test.yaml:1:98: sip.defence.rate: 0; write how many messages", "test.yaml:1:108: sip.defence.burst: 1; write",
			"test.yaml:1:118: sip.defence.total: 0.5; write", `test.yaml:1:133: sip.defence.scanners[0]: "ab" is too short a word`,
			"test.yaml:1:148: sip.defence.failures: 0; write", "test.yaml:1:156: sip.defence.ban: 1ms; write", "test.yaml:1:174: sip.defence.connections: 0; write",
		}},
		{"everybody trusted", defence("allow: [0.0.0.0/0], ban: 1h, longest_ban: 5m"), []string{
			"test.yaml:1:60: sip.defence.allow[0]: 0.0.0.0/0 is every address", "test.yaml:1:94: sip.defence.longest_ban: 5m is less than sip.defence.ban",
		}},
		{"trace", base + "trace: {bytes: 1KiB, messages: 1, hep: {address: homer, transport: sctp, node_id: 0}}\n", []string{
			"test.yaml:10:16: trace.bytes: 1KiB; write how much memory", "test.yaml:10:32: trace.messages: 1; write", `test.yaml:10:50: trace.hep.address: "homer" is not host:port`,
			`test.yaml:10:68: trace.hep.transport: "sctp" is not known; known are udp, tcp`, "test.yaml:10:83: trace.hep.node_id: 0; write a number of its own",
		}},
		{"copies of nothing", base + "trace: {bytes: 0B, hep: {address: \"homer:9060\"}}\n", []string{"test.yaml:10:16: trace.bytes: 0 keeps no messages, and trace.hep needs them"}},
		{"HTTP for all", base + "http: {listen: \"0.0.0.0:8080\"}\n", []string{"test.yaml:10:16: http.listen: 0.0.0.0:8080 can be reached from other machines, and there are no http.tokens"}},
		{"HTTP without port", base + "http: {listen: localhost}\n", []string{`test.yaml:10:16: http.listen: "localhost" is not host:port`}},
		{"tokens", base + "http: {tokens: [{name: a, role: agent, token: 0123456789abcdef}, {name: a, role: admin, agent: anna, token: 0123456789abcdef}, {name: b, role: agent, agent: ana}]}\n", []string{
			"test.yaml:10:18: http.tokens[0].agent: is missing", "test.yaml:10:73: http.tokens[1].name: \"a\" is the name of http.tokens[0] already",
			"test.yaml:10:96: http.tokens[1].agent: only a token of role agent", "test.yaml:10:109: http.tokens[1].token: is the same as that of http.tokens[0]",
			"test.yaml:10:129: http.tokens[2].token: is missing", "test.yaml:10:158: http.tokens[2].agent: no agent \"ana\"; did you mean anna?",
		}},
		{"two stores", base + "redis: {url: \"redis://a\", cluster: [\"a:1\"]}\n", []string{"test.yaml:10:1: redis: give exactly one of url, sentinel and cluster"}},
		{"store", base + "redis: {url: \"http://a\"}\n", []string{"test.yaml:10:14: redis.url: is no address of a Redis"}},
		{"sentinel", base + "redis: {sentinel: {addrs: [a]}}\n", []string{"test.yaml:10:9: redis.sentinel.master: is missing", `test.yaml:10:28: redis.sentinel.addrs[0]: "a" has no valid port`}},

		{"no secret there", trunk("username: u, password: {env: RINGPACE_NOT_SET}"), []string{"test.yaml:3:50: trunks[0].password.env: the environment variable RINGPACE_NOT_SET is not set"}},
		{"no secret's file", trunk("username: u, password: {file: not/there}"), []string{"test.yaml:3:51: trunks[0].password.file: cannot be read"}},
		{"no secret", trunk("username: u, password: {vault: x}"), []string{"test.yaml:3:45: trunks[0].password: a secret is a text, {env: NAME} or {file: PATH}"}},
		{"a device for a secret", trunk("username: u, password: {file: /dev/zero}"), []string{"test.yaml:3:51: trunks[0].password.file: cannot be read: /dev/zero is not a regular file"}},

		{"nothing at all", "", []string{"test.yaml:1:1: sip.listen: there is none", "test.yaml:1:1: trunks: there is none"}},
		{"a name of two", base + "  - {name: welcome}\n", []string{`test.yaml:10:12: campaigns[1].name: "welcome" is the name of campaigns[0] already`}},
		{"nobody to register", agent("peer: registrar"), []string{"test.yaml:7:22: agents[0].peer: registrar, and sip.registrar.enabled is not true"}},
		{"register without password", strings.Replace(agent("peer: registrar"), "sip: {", "sip: {registrar: {enabled: true}, ", 1), []string{"test.yaml:7:6: agents[0].password: is missing; the telephone registers with it"}},
		{"password of a PBX's telephone", agent("password: secret-word"), []string{"test.yaml:7:26: agents[0].password: is for agents of peer: registrar"}},
		{"a peer named registrar", strings.Replace(base, "name: pbx", "name: registrar", 1), []string{`test.yaml:5:12: peers[0].name: "registrar" is the word for Ringpace's own registrar`, "test.yaml:7:6: agents[0].peer: registrar, and sip.registrar.enabled"}},
		{"registrar", strings.Replace(base, "sip: {", `sip: {registrar: {realm: 'a"b', algorithms: [], min_expires: 1s, max_expires: 2d, max_contacts: 0, agent_failures: 1, failure_window: 1s, qualify: 1s, origins: ["ftp://x"]}, `, 1), []string{
			"test.yaml:1:26: sip.registrar.realm:", "test.yaml:1:33: sip.registrar.algorithms: write [MD5]", "test.yaml:1:62: sip.registrar.min_expires: 1s; write 10s to 1h", "test.yaml:1:79: sip.registrar.max_expires: 2d",
			"test.yaml:1:97: sip.registrar.max_contacts: 0", "test.yaml:1:116: sip.registrar.agent_failures: 1;", "test.yaml:1:135: sip.registrar.failure_window: 1s",
			"test.yaml:1:148: sip.registrar.qualify: 1s", `test.yaml:1:162: sip.registrar.origins[0]: "ftp://x" is no origin of a web page`,
		}},
		{"a trunk and a peer of one name", strings.Replace(base, "name: pbx", "name: carrier", 1), []string{`test.yaml:5:12: peers[0].name: "carrier" is the name of trunks[0] already`}},
		{"no name", strings.Replace(base, "name: welcome", `name: "a/{b}"`, 1), []string{`test.yaml:9:12: campaigns[0].name: "a/{b}" is no name`}},
		{"caller ID", strings.Replace(base, "+442079460001", "020 7946", 1), []string{`test.yaml:3:76: trunks[0].caller_ids[1]: "020 7946" is not a number in E.164`}},
		{"two caller IDs", strings.Replace(base, "+442079460001", "+442079460000", 1), []string{"test.yaml:3:76: trunks[0].caller_ids[1]: +442079460000 is caller_ids[0] already"}},
		{"a caller ID that is not ours", campaign(`caller_id: "+442079460009"`), []string{"test.yaml:9:32: campaigns[0].caller_id: trunk carrier does not own +442079460009 (it owns +442079460000, +442079460001)"}},
		{"registration", trunk("register: true"), []string{"test.yaml:3:6: trunks[0].password: is missing", "test.yaml:3:6: trunks[0].username: is missing"}},
		{"national", trunk("identity: {format: national}"), []string{"test.yaml:3:21: trunks[0].identity.country_code: is missing"}},
		{"of another country", trunk(`identity: {format: national, country_code: "49"}`), []string{"test.yaml:3:64: trunks[0].identity.country_code: the caller ID +442079460000 does not begin with +49", "test.yaml:3:64: trunks[0].identity.country_code: the caller ID +442079460001"}},
		{"header injection", trunk(`display_name: "a\r\nb"`), []string{"test.yaml:3:35: trunks[0].display_name: holds a control character"}},
		{"channels", trunk("channels: 0, calls_per_second: 0"), []string{"test.yaml:3:31: trunks[0].channels: 0; write how many", "test.yaml:3:52: trunks[0].calls_per_second: 0; write how many"}},
		{"ports", base + "media: {ports: 20000-20050}\n", []string{"test.yaml:10:16: media.ports: 20000-20050 holds 25 pairs of ports (RTP and RTCP), and 81 may be needed: 30 channels of the trunks, 1 agents and 50 that rest"}},
		{"ports and SIP", base + "media: {ports: 5000-29999}\n", []string{"test.yaml:10:16: media.ports: 5000-29999 holds the port of sip.listen[0]"}},
		{"backwards", base + "media: {ports: 30000-20000}\n", []string{`test.yaml:10:16: media.ports: "30000-20000" ends before it begins`}},
		{"media address", base + "media: {address: \"::\"}\n", []string{"test.yaml:10:18: media.address: :: is a wildcard"}},
		{"other address", base + "media: {other_address: 192.0.2.11}\n", []string{"test.yaml:10:24: media.other_address: 192.0.2.11; write an address of the machine's own that is of the other family"}},
		{"other address, anywhere", base + "media: {other_address: \"::\"}\n", []string{"test.yaml:10:24: media.other_address: ::; write"}},
		{"agent codec twice", base + "media: {agent_codecs: [G722, PCMA, G722]}\n", []string{`test.yaml:10:9: media.agent_codecs: names G722 twice; write each once`}},
		{"codec", base + "media: {codecs: [PCMA, G729]}\n", []string{`test.yaml:10:24: media.codecs[1]: "G729" is not known; known are PCMA, PCMU`}},
		{"tones", base + "media: {tones: {country: gb, failed: 1m, beep: {frequency: 50, level: 0, length: 5ms}}}\n", []string{
			`test.yaml:10:26: media.tones.country: "gb" is not known; write one of AT, AU, BE,`, "test.yaml:10:38: media.tones.failed: 1m; write how long busy",
			"test.yaml:10:60: media.tones.beep.frequency: 50; write what telephones carry", "test.yaml:10:71: media.tones.beep.level: 0; write a level in dBm0",
			"test.yaml:10:82: media.tones.beep.length: 5ms; write how long",
		}},
		{"renamed", base + "media: {ring_back: GB}\n", []string{"test.yaml:10:9: media.ring_back: is called media.tones.country now"}},
		{"ptime", base + "media: {ptime: 25ms}\n", []string{"test.yaml:10:16: media.ptime: 25ms; write 10ms, 20ms"}},

		{"trunk", campaign("trunks: [carier]"), []string{`test.yaml:9:30: campaigns[0].trunks[0]: no trunk "carier"; did you mean carrier?`}},
		{"campaign", agent("campaigns: [wellcome]"), []string{`test.yaml:7:28: agents[0].campaigns[0]: no campaign "wellcome"; did you mean welcome?`}},
		{"peer", agent("peer: pxb"), []string{`test.yaml:7:22: agents[0].peer: no peer "pxb"; did you mean pbx?`}},
		{"one telephone for two", strings.Replace(base, "1001}", "1001}\n  - {id: ben, extension: 1001}", 1), []string{"test.yaml:8:26: agents[1].extension: 1001 is the extension of agents[0] already"}},
		{"extension", strings.Replace(base, "1001", `"10@1"`, 1), []string{`test.yaml:7:27: agents[0].extension: "10@1" cannot stand in a SIP address`}},
		{"pause", base + "pause_reasons: [lunch, lunch]\n", []string{`test.yaml:10:24: pause_reasons[1]: "lunch" stands here twice`}},

		{"no abandonment at all", campaign("mode: predictive, abandonment: {ceiling: 0%}"), []string{"test.yaml:9:62: campaigns[0].abandonment.ceiling: 0%: no pacing ahead of agents can promise that nobody is ever abandoned; choose mode progressive"}},
		{"everybody abandoned", campaign("mode: predictive, abandonment: {ceiling: 100%}"), []string{"test.yaml:9:62: campaigns[0].abandonment.ceiling: 100%: every call might be abandoned; write the share that the law allows, such as 3%"}},
		{"aims above the ceiling", campaign("mode: predictive, abandonment: {ceiling: 3%, target: 3.5%}"), []string{"test.yaml:9:74: campaigns[0].abandonment.target: 3.5% is above the ceiling of 3%; write less than that, such as 2.5%"}},
		{"aims at nothing", campaign("mode: predictive, abandonment: {target: 0%}"), []string{"test.yaml:9:61: campaigns[0].abandonment.target: 0%; write the share that is aimed at"}},
		{"a share without its unit", campaign("mode: predictive, abandonment: {ceiling: 3}"), []string{"test.yaml:9:62: campaigns[0].abandonment.ceiling: 3 has no unit; write 3% for so many in a hundred"}},
		{"no share", campaign("mode: predictive, abandonment: {ceiling: few}"), []string{`test.yaml:9:62: campaigns[0].abandonment.ceiling: "few" is not a share; write 0% to 100%, such as 3%`}},
		{"max_ratio", campaign("mode: predictive, max_ratio: 0.5"), []string{"test.yaml:9:50: campaigns[0].max_ratio: 0.5; write how many calls may be in flight for each agent, 1 to 100, such as 4, or 0"}},
		{"mode", campaign("mode: pogressive"), []string{`test.yaml:9:27: campaigns[0].mode: "pogressive" is not known; did you mean progressive?`}},
		{"ratio", campaign("mode: power, ratio: 0.5"), []string{"test.yaml:9:41: campaigns[0].ratio: 0.5; write how many lines"}},
		{"ring", campaign("ring_timeout: 10s"), []string{"test.yaml:9:35: campaigns[0].ring_timeout: 10s is less than compliance.least_ring (15s)"}},
		{"wait", campaign("abandon_after: 5s"), []string{"test.yaml:9:36: campaigns[0].abandon_after: 5s is longer than compliance.longest_wait (2s)"}},
		{"message", campaign("message: off"), []string{"test.yaml:9:30: campaigns[0].message: off, and compliance.message_required is true"}},
		{"no such message", campaign("message: gone.wav"), []string{"test.yaml:9:30: campaigns[0].message: cannot be read"}},
		{"abandoned too soon", campaign("retry: {abandoned: {delay: 1h}}"), []string{"test.yaml:9:48: campaigns[0].retry.abandoned.delay: 1h is less than compliance.redial_abandoned (3d)"}},
		{"retry at once", campaign("retry: {busy: {delay: 1s}}"), []string{"test.yaml:9:43: campaigns[0].retry.busy.delay: 1s; the telephone would ring again at once"}},
		{"region", campaign("region: Germany"), []string{`test.yaml:9:29: campaigns[0].region: "Germany" is not a region`}},
		{"zone", campaign("time_zone: CEST"), []string{`test.yaml:9:32: campaigns[0].time_zone: "CEST" is not a time zone`}},
		{"columns", campaign("leads: {phone: [Tel], id: [tel.]}"), []string{`test.yaml:9:21: campaigns[0].leads: the heading "tel." stands for phone and for id`}},
		{"dispositions", campaign("dispositions: []"), []string{"test.yaml:9:21: campaigns[0].dispositions: there is none"}},
		{"disposition twice", campaign("dispositions: [a, {name: a, retry: {delay: 1s, max: 1}}]"), []string{
			`test.yaml:9:46: campaigns[0].dispositions[1].name: "a" stands here twice`, "test.yaml:9:64: campaigns[0].dispositions[1].retry.delay: 1s;",
		}},
		{"inbound", campaign("inbound: {numbers: [\"12\"], agent_patience: 0s, max_calls: -1, blocked: [\"*\"], answer: maybe, remember: -1d}"), []string{
			`test.yaml:9:41: campaigns[0].inbound.numbers[0]: "12" is not a number in E.164`, "test.yaml:9:64: campaigns[0].inbound.agent_patience: 0s; write how long",
			"test.yaml:9:79: campaigns[0].inbound.max_calls: -1", `test.yaml:9:93: campaigns[0].inbound.blocked[0]: "*"; write a number`,
			`test.yaml:9:107: campaigns[0].inbound.answer: "maybe" is not known`, "test.yaml:9:124: campaigns[0].inbound.remember",
		}},
		{"last agent", campaign("inbound: {last_agent_wait: 11m}"), []string{"test.yaml:9:48: campaigns[0].inbound.last_agent_wait: 11m; write how much of agent_patience"}},
		{"no such prompt", campaign("inbound: {prompts: {busy: gone.wav}}"), []string{"test.yaml:9:47: campaigns[0].inbound.prompts.busy: cannot be read"}},
		{"upload without keys", base + "recording: {upload: {endpoint: \"https://s3.example.com\", prefix: /a, parallel: 33}}\n", []string{
			"test.yaml:10:13: recording.upload.access_key: is missing", "test.yaml:10:13: recording.upload.bucket: is missing",
			"test.yaml:10:13: recording.upload.secret_key: is missing", `test.yaml:10:66: recording.upload.prefix: "/a" is not a plain path`,
			"test.yaml:10:80: recording.upload.parallel: 33; write",
		}},
		{"upload to nowhere", base + "recording: {upload: {bucket: calls}}\n", []string{"test.yaml:10:13: recording.upload.endpoint: is missing"}},
		{"a storage's address", base + "recording: {upload: {endpoint: s3.example.com, bucket: Calls, region: \"\", access_key: a, secret_key: b, ca_file: /not/there, keep_local: -1s}}\n", []string{
			`test.yaml:10:32: recording.upload.endpoint: "s3.example.com" is not the address of a storage; write https://HOST`, `test.yaml:10:56: recording.upload.bucket: "Calls" is no name of a bucket`,
			"test.yaml:10:71: recording.upload.region: is missing", "test.yaml:10:114: recording.upload.ca_file: cannot be read", "test.yaml:10:138: recording.upload.keep_local",
		}},
		{"pattern", base + "recording: {pattern: \"{campaign}/{agent}/{idd}.wav\"}\n", []string{
			"test.yaml:10:22: recording.pattern: no field {idd} in a path pattern", "test.yaml:10:22: recording.pattern: {agent} is not known yet",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, got := parse(tt.in)
			wrong := len(got) != len(tt.want)
			for i := range min(len(got), len(tt.want)) {
				wrong = wrong || !strings.HasPrefix(got[i], tt.want[i])
			}
			if wrong {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestAllFaultsComeAtOnceByLine(t *testing.T) {
	_, _, got := parse(strings.NewReplacer("192.0.2.10", "0.0.0.0", "carrier", "a b", "1001", "true", "welcome", "welcome, mode: fast").Replace(base))
	lines := ""
	for _, f := range got {
		var line int
		if _, err := fmt.Sscanf(f, "test.yaml:%d:", &line); err != nil {
			t.Fatal(f, err)
		}
		lines += fmt.Sprint(line)
	}
	if lines != "1379" {
		t.Errorf("faults in the lines %s:\n%s", lines, strings.Join(got, "\n"))
	}
}

func TestWarnings(t *testing.T) {
	const tokens = "http: {tokens: [{name: a, role: admin, token: 0123456789abcdef}]}\n"
	campaign := func(keys string) string {
		return strings.Replace(base, "name: welcome", "name: welcome, "+keys, 1) + tokens
	}
	uploads := func(endpoint, keys string) string {
		return "recording: {upload: {endpoint: \"" + endpoint + "\", bucket: calls, access_key: a, secret_key: b, " + keys + "}"
	}
	tests := []struct{ name, in, want string }{ // want "" is none
		{"nothing to warn of", base + tokens, ""},
		{"open to the machine", base, "test.yaml:1:1: http.tokens: there are none"},
		{"short token", strings.Replace(base+tokens, "456789abcdef", "", 1), "test.yaml:10:47: http.tokens[0].token: is short"},
		{"no recording", base + tokens + "recording: {enabled: false}\n", "test.yaml:11:13: recording.enabled: calls are not recorded"},
		{"no agents", strings.Replace(base+tokens, "  - {id: anna, extension: 1001}\n", "", 1), "test.yaml:6:1: agents: there are none"},
		{"a campaign without agents", strings.Replace(base, "1001", "1001, campaigns: [welcome]", 1) + "  - {name: other}\n" + tokens, "test.yaml:10:6: campaigns[1]: no agent serves it"},
		{"ratio without power", campaign("ratio: 2"), "test.yaml:9:28: campaigns[0].ratio: has no effect in mode progressive"},
		{"late", campaign("hours: [\"08:00-21:00\"]"), "test.yaml:9:21: campaigns[0].hours: 08:00-21:00 of the callee's day is looser than the safe default (08:00-20:00)"},
		{"looser", campaign("ring_timeout: 10s, compliance: {least_ring: 10s}"), "test.yaml:9:65: campaigns[0].compliance.least_ring: 10s is looser than the safe default (15s)"},
		{"hidden number", strings.Replace(base+tokens, "name: carrier", "name: carrier, identity: {privacy: id}", 1), "test.yaml:3:41: trunks[0].identity.privacy: hides the official number"},
		{"keys in the clear", strings.Replace(base+tokens, "name: carrier", "name: carrier, srtp: required", 1), "test.yaml:3:27: trunks[0].srtp: the keys stand in the signalling"},
		{"recordings in the clear", base + tokens + uploads("http://192.0.2.9", "parallel: 2") + "}\n", "test.yaml:11:32: recording.upload.endpoint: recordings go over the wire in the clear"},
		{"on this machine", base + tokens + uploads("http://127.0.0.1:9000", "parallel: 2") + "}\n", ""},
		{"retention comes first", base + tokens + uploads("https://s3.example.com", "local: delete, keep_local: 30d") + ", retention: 7d}\n", "test.yaml:11:130: recording.upload.keep_local: 30d is longer than recording.retention (7d)"},
		{"a password in the address", base + tokens + "redis: {url: \"redis://:secret@127.0.0.1\"}\n", "test.yaml:11:14: redis.url: holds a password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got, faults := parse(tt.in)
			if len(faults) > 0 || tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want)) {
				t.Errorf("got\n%s\nwant\n%s\nfaults %s", strings.Join(got, "\n"), tt.want, faults)
			}
		})
	}
}

func TestMessageMayBeOffWhereTheLawDoesNotAsk(t *testing.T) {
	_, warnings, faults := parse(strings.Replace(base, "name: welcome", "name: welcome, message: off, compliance: {message_required: false}", 1))
	if len(faults) > 0 || !strings.Contains(strings.Join(warnings, "\n"), "message_required: false is looser") {
		t.Error(warnings, faults)
	}
}

// A secret must not show up in what is said of its neighbours.
func TestFaultsKeepSecrets(t *testing.T) {
	_, warnings, faults := parse(strings.Replace(base, "name: carrier", `name: carrier, register: true, password: "hunter2\r\n"`, 1))
	if all := strings.Join(append(warnings, faults...), "\n"); strings.Contains(all, "hunter2") || !strings.Contains(all, "password: holds a control character") {
		t.Error(all)
	}
}
