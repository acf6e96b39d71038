package lab

import (
	"bytes"
	"testing"
	"time"

	"ringpace/media"
	"ringpace/sip"
)

func newTestPBX(t *testing.T, cfg PBXConfig) *PBX {
	t.Helper()
	cfg.Extensions = []string{"1001", "1002"}
	pbx, err := NewPBX(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pbx.Close(deadline(t)); err != nil {
			t.Error(err)
		}
	})
	return pbx
}

func peerOf(pbx *PBX) sip.TrunkConfig {
	return sip.TrunkConfig{Name: "pbx", Server: pbx.Addr().String()}
}

func TestExtensionTakesOneCall(t *testing.T) {
	const agent = 700
	pbx := newTestPBX(t, PBXConfig{Voice: func(string) *media.Prompt { return Tone(agent) }})
	caller := newCaller(t)
	peer := caller.trunk(t, peerOf(pbx))
	x := pbx.Extension("1001")
	l := caller.dial(t, peer, "1001", "ringpace", patience)
	l.answered()
	if err := x.Await(deadline(t), true); err != nil {
		t.Fatal("the extension is not up")
	}
	wait(t, l.session.Received(), "the agent's RTP")
	wait(t, l.ear.sound, "the agent's voice")

	second := caller.dial(t, peer, "1001", "ringpace", patience)
	if failed := second.failed(); failed.Class != sip.Busy {
		t.Errorf("a second call: %+v, want busy", failed)
	}
	l.call.Hangup(sip.CauseNormal)
	l.ended()
	if err := x.Await(deadline(t), false); err != nil {
		t.Fatal("the extension stays up")
	}
	if x.Served() != 1 {
		t.Errorf("served %d calls, want 1", x.Served())
	}
	if level := l.ear.hears(agent); level < -20 {
		t.Errorf("the agent's tone came at %.1f dBFS", level)
	}
}

func TestExtensionRingsRefusesAndHangsUp(t *testing.T) {
	pbx := newTestPBX(t, PBXConfig{RingFor: 50 * time.Millisecond})
	caller := newCaller(t)
	peer := caller.trunk(t, peerOf(pbx))
	x := pbx.Extension("1002")
	if err := x.Hangup(); err != ErrIdle {
		t.Errorf("Hangup without a call: %v", err)
	}
	x.Refuse(480)
	if failed := caller.dial(t, peer, "1002", "ringpace", patience).failed(); failed.Status != 480 {
		t.Errorf("refused with %+v, want 480", failed)
	}
	x.Refuse(0)
	l := caller.dial(t, peer, "1002", "ringpace", patience)
	l.answered()
	if err := x.Await(deadline(t), true); err != nil {
		t.Fatal(err)
	}
	if err := x.Hangup(); err != nil {
		t.Fatal(err)
	}
	if end := l.ended(); end.ByUs {
		t.Errorf("ended by us: %+v", end)
	}
	if failed := caller.dial(t, peer, "1099", "ringpace", patience).failed(); failed.Status != 404 {
		t.Errorf("unknown extension: %+v, want 404", failed)
	}
}

func TestExtensionHoldsAndResumes(t *testing.T) {
	pbx := newTestPBX(t, PBXConfig{})
	caller := newCaller(t)
	peer := caller.trunk(t, peerOf(pbx))
	x := pbx.Extension("1001")
	l := caller.dial(t, peer, "1001", "ringpace", patience)
	l.answered()
	if err := x.Await(deadline(t), true); err != nil {
		t.Fatal(err)
	}
	line, err := x.Line()
	if err == nil {
		err = line.Hold(deadline(t), SendOnly)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !l.session.Held() {
		t.Error("not held")
	}
	if err := line.Resume(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if l.session.Held() {
		t.Error("still held")
	}
}

func TestExtensionLosesItsMedia(t *testing.T) {
	pbx := newTestPBX(t, PBXConfig{})
	caller := newCaller(t)
	peer := caller.trunk(t, peerOf(pbx))
	x := pbx.Extension("1001")
	l := caller.dial(t, peer, "1001", "ringpace", patience)
	l.answered()
	wait(t, l.ear.sound, "the agent's voice")
	if err := x.Await(deadline(t), true); err != nil {
		t.Fatal(err)
	}
	if err := x.StopMedia(); err != nil {
		t.Fatal(err)
	}
	if !x.Up() {
		t.Error("the dialog went with the media")
	}
	l.call.Hangup(sip.CauseNormal)
	l.ended()
}

func TestAgentVoiceHasSoundInEveryPacket(t *testing.T) {
	s := newSpeaker(3)
	s.murmur = 0.3
	pcm := s.phrase(8)
	for i := 0; i+160 <= len(pcm); i += 160 {
		var power float64
		for _, v := range pcm[i : i+160] {
			power += v * v / 160
		}
		if level := decibel(power); level < silenceBelow+5 {
			t.Fatalf("%.1f dBFS in the packet at %d ms", level, i/8)
		}
	}
}

func TestVoicesDifferAndRepeat(t *testing.T) {
	a, b := wav(newSpeaker(1).phrase(1)), wav(newSpeaker(2).phrase(1))
	if bytes.Equal(a, b) {
		t.Error("two speakers sound the same")
	}
	if !bytes.Equal(a, wav(newSpeaker(1).phrase(1))) {
		t.Error("a speaker does not repeat itself")
	}
}
