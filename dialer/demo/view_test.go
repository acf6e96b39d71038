package demo

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
)

// busyScene is a floor in full swing.
func busyScene(agents int) scene {
	s := scene{
		elapsed: 83 * time.Second, leads: 2000, over: 412, joined: 150, dialRate: 12.3,
		trunk:    api.TrunkStatus{Name: "carrier", State: api.TrunkRegistered, Usable: true},
		campaign: api.CampaignStatus{Name: campaign},
		toAgent:  lab.Latency{N: 150, P50: 700 * time.Microsecond, P99: 4 * time.Millisecond},
		outcomes: map[cdr.Outcome]int{
			cdr.Person: 150, cdr.Abandoned: 6, cdr.Busy: 70, cdr.NoAnswer: 80, cdr.Rejected: 30,
			cdr.InvalidNumber: 36, cdr.Unreachable: 32, cdr.Congestion: 8,
		},
	}
	states := api.AgentStates()
	for i, a := range staff(agents) {
		status := api.AgentStatus{ID: a.ID, Name: a.Name, Extension: a.Extension, State: states[i%len(states)], Since: time.Now().Add(-time.Duration(i) * time.Second)}
		if i%3 == 0 {
			status.Lead = &api.LeadView{Number: "+12125550134", Fields: map[string]string{"name": "Björn Hansen"}}
		}
		s.agents = append(s.agents, status)
	}
	for i := range kept {
		r := cdr.Record{Number: fmt.Sprintf("+121255501%02d", i), Outcome: cdr.All()[i%len(cdr.All())], SIPStatus: 486, SIPReason: "Busy Here", Agent: "a1001", HungUpBy: cdr.Customer}
		r.Marks.Ended = time.Now()
		r.Marks.Answered = r.Marks.Ended.Add(-3 * time.Second)
		r.Marks.AgentAudio, r.Marks.TalkEnded = r.Marks.Answered.Add(time.Millisecond), r.Marks.Ended
		s.latest = append(s.latest, r)
		s.calls = append(s.calls, api.CallStatus{State: api.CallRinging})
	}
	return s
}

func TestViewFitsTheTerminal(t *testing.T) {
	for _, size := range []struct{ width, height int }{{80, 24}, {100, 30}, {120, 40}, {200, 60}} {
		for _, agents := range []int{1, 10, 60} {
			v := screen{options: Options{Mode: "power", Ratio: 2.5}, wished: mix().Outcomes()}
			picture := v.draw(busyScene(agents), size.width, size.height)
			lines := strings.Split(picture, "\n")
			if len(lines) > size.height {
				t.Errorf("%d x %d, %d agents: %d lines", size.width, size.height, agents, len(lines))
			}
			for _, line := range lines {
				if n := lipgloss.Width(line); n > size.width {
					t.Errorf("%d x %d, %d agents: %d cells in %q", size.width, size.height, agents, n, line)
				}
			}
			if t.Failed() {
				t.Fatalf("\n%s", picture)
			}
		}
	}
}

func TestViewDrawsAnEmptyFloor(t *testing.T) {
	v := screen{options: Options{Mode: "progressive"}, wished: mix().Outcomes()}
	if picture := v.draw(scene{}, 80, 24); !strings.Contains(picture, "AGENTS") {
		t.Errorf("drew\n%s", picture)
	}
}
