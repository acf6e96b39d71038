package demo

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"ringpace/dialer/cdr"
)

// summarise writes the result for people.
func summarise(w io.Writer, r *Result, colour *lipgloss.Renderer) error {
	var b strings.Builder
	good, bad := colour.NewStyle().Foreground(lipgloss.Color("2")), colour.NewStyle().Foreground(lipgloss.Color("1"))
	strong := colour.NewStyle().Bold(true)

	fmt.Fprintf(&b, "%s %d leads, %d agents, %s: %.1f s\n\n",
		strong.Render("Ringpace demo"), r.Leads, r.Agents, r.Mode, r.DurationS)
	fmt.Fprintf(&b, "  outcome            wished     seen    calls\n")
	for _, o := range cdr.All() {
		n, wish := r.Outcomes[o], "–"
		share, wished := r.Wished[o]
		if !wished && n == 0 {
			continue
		}
		if wished {
			wish = percent(share)
		}
		fmt.Fprintf(&b, "  %s %8s %8s %8d\n", pad(strings.ReplaceAll(string(o), "_", " "), 16), wish, percent(float64(n)/float64(max(1, r.CDRs))), n)
	}
	fmt.Fprintf(&b, "\n")
	if r.Abandoned > 0 {
		fmt.Fprintf(&b, "  Abandoned calls were answered by a person too; each heard the message.\n")
	}
	if r.Ended == stopped {
		fmt.Fprintf(&b, "  Stopped before the end of the list: %d of %d leads were called.\n", r.Attempts, r.Leads)
	}
	fmt.Fprintf(&b, "  Each lead was called once: retries are off in the demo.\n\n")
	for _, row := range [][2]string{
		{"answer to agent", fmt.Sprintf("p50 %.1f ms, p99 %.1f ms to the first packet sent", r.AnswerToAgentMS.P50, r.AnswerToAgentMS.P99)},
		{"", fmt.Sprintf("p50 %.1f ms, p99 %.1f ms to the sound at the customer's ear", r.HeardAgentMS.P50, r.HeardAgentMS.P99)},
		{"", r.waits()},
		{"agents", fmt.Sprintf("%.0f %% talking, %.0f %% wrap-up, %.0f %% waiting", 100*r.Utilisation.Talking, 100*r.Utilisation.WrapUp, 100*r.Utilisation.Waiting)},
		{"abandoned", r.abandonment()},
		{"caller ID", spaced(r.CallerID) + ", as the carrier saw it"},
		{"recordings", fmt.Sprintf("%d in %s", r.Recordings, r.RecordingIn)},
		{"call records", fmt.Sprintf("%d in %s", r.CDRs, r.CDRIn)},
	} {
		fmt.Fprintf(&b, "  %-16s %s\n", row[0], row[1])
	}
	fmt.Fprintf(&b, "\n")
	if len(r.Faults) == 0 {
		fmt.Fprintf(&b, "  %s attempts = records = outcomes, bridged = recorded,\n  and every call is named as the carrier made it.\n", good.Render("It adds up:"))
	} else {
		fmt.Fprintf(&b, "  %s\n", bad.Render("It does not add up:"))
		for _, f := range r.Faults {
			fmt.Fprintf(&b, "    %s\n", f)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// abandonment tells how many of those who answered found no agent, against what may.
func (r *Result) abandonment() string {
	said := fmt.Sprintf("%d of %d who answered: %.1f %%", r.Abandoned, r.Bridged+r.Abandoned, 100*r.Share)
	if r.Ceiling > 0 {
		said += fmt.Sprintf("; the ceiling is %.1f %%, of a day", 100*r.Ceiling)
	}
	return said
}

// waits tells of the callees for whom no agent was free at the answer.
func (r *Result) waits() string {
	if r.Waited == 0 {
		return fmt.Sprintf("none of %d had to wait for an agent", r.Bridged)
	}
	return fmt.Sprintf("%d of %d had to wait for an agent (p99 %.0f ms), and are not in these", r.Waited, r.Bridged, r.WaitedMS.P99)
}
