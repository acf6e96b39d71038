// Package peers starts the real programs that Ringpace is tested against: Redis,
// SIPp as a carrier, Asterisk as a registering trunk and as a PBX, and baresip
// as an agent's softphone.
//
// It is imported by tests only, of any package, and never by the product. Each
// function takes the test and returns a peer that is up and answering; when the
// test ends the peer is ended too, and if the test failed its log is printed.
// With `go test -artifacts` the logs are kept. All peers listen on loopback
// only, each on a block of ports of its own that no other peer on the machine
// uses meanwhile, so that tests of several packages may run side by side. A
// program that is not installed fails the test and says what installs it.
//
// # How a test looks
//
// A campaign against a carrier that plays every fate by the called number:
//
//	func TestOutcomes(t *testing.T) {
//		redis := peers.Redis(t)
//		carrier := peers.SIPp(t, peers.Plan{
//			Default: peers.HangUp, // rings, answers, plays 440 Hz, hangs up after Talk
//			Talk:    3 * time.Second,
//			Numbers: map[string]peers.Behaviour{
//				"+4930901820002": peers.Busy,
//				"+4930901820003": peers.RingOut,
//			},
//		})
//		// … a daemon with redis.URL() and a trunk to carrier.Addr dials 3 leads …
//		calls := carrier.Finish(t, 3) // all three went as the plan says, to the letter
//		// calls[i].Number, .From, .AssertedIdentity: what the carrier saw
//	}
//
// The whole floor, with Asterisk as trunk and as PBX, and a softphone on it:
//
//	func TestBridgedAndRecorded(t *testing.T) {
//		pbx := peers.Asterisk(t, peers.Plan{Default: peers.HangUp, Talk: 5 * time.Second, ToneHz: 440})
//		phone := peers.Baresip(t, pbx, peers.Softphone{Extension: peers.Extension, ToneHz: 600})
//		// … a daemon with a registering trunk to pbx.Addr as peers.TrunkUser with
//		// peers.TrunkPassword, a PBX peer at pbx.Addr as peers.PBXUser, and an agent
//		// at peers.Extension dials one lead …
//		for _, record := range pbx.CDRs(t, 1) {
//			// record.CallID, .CallerID, .Talk, …: Asterisk's own opinion of the call
//		}
//		recording, _ := tone.ReadFile(path)
//		tone.Dominant(recording.Channels[0], recording.Rate) // 440 Hz: the callee
//		tone.Dominant(recording.Channels[1], recording.Rate) // 600 Hz: the agent
//		phone.Heard(t, 1)                                     // what the agent heard: 440 Hz
//	}
//
// # Concurrency
//
// A peer's methods may be called from several goroutines of its test. One
// goroutine per running program waits for its end; it is gone when the test's
// cleanup returns.
package peers
