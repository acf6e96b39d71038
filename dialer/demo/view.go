package demo

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
)

// screen draws scenes for a terminal.
type screen struct {
	options Options
	wished  map[cdr.Outcome]float64 // share of calls, 0 to 1, by what the carrier was told
}

// The least that the layout is made for; a smaller terminal cuts it off.
const (
	leastWidth  = 80
	leastHeight = 24
	wide        = 110 // from here on there is room for more columns
)

var (
	bold   = lipgloss.NewStyle().Bold(true)
	dim    = lipgloss.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: "245", Dark: "243"})
	brand  = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Color("231")).Background(lipgloss.Color("25")).Padding(0, 1)
	green  = lipgloss.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: "28", Dark: "42"})
	cyan   = lipgloss.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: "30", Dark: "44"})
	amber  = lipgloss.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: "130", Dark: "214"})
	violet = lipgloss.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: "91", Dark: "141"})
	red    = lipgloss.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: "160", Dark: "203"})
)

// draw is the whole screen, exactly width by height cells at most.
func (v screen) draw(s scene, width, height int) string {
	width, height = max(width, leastWidth), max(height, leastHeight)
	var b strings.Builder
	for _, line := range []string{v.title(s, width), v.network(s), v.progress(s, width), ""} {
		b.WriteString(cutStyled(line, width) + "\n")
	}
	const used = 4
	rows := height - used - 1

	right := 34
	if width >= wide {
		right = 50
	}
	left := width - right - 2
	outcomes := v.outcomes(s, right)
	lastCalls := max(rows-max(len(s.agents)+1, len(outcomes))-1, min(rows/3, 6))
	body := rows - lastCalls - 1
	agents := v.agents(s, left, body)
	for i := range max(len(agents), min(len(outcomes), body)) {
		b.WriteString(pad(at(agents, i), left) + "  " + at(outcomes, i) + "\n")
	}
	b.WriteString("\n")
	b.WriteString(strings.Join(v.calls(s, width, lastCalls), "\n"))
	return b.String()
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func (v screen) title(s scene, width int) string {
	how := v.options.Mode
	if how == "power" {
		how += fmt.Sprintf(" × %g", v.options.Ratio)
	}
	from := " · "
	if width >= wide {
		from = " · calling from "
	}
	left := brand.Render("Ringpace") + "  " + bold.Render(campaign) + dim.Render(" · ") + how + dim.Render(from) + spaced(official)
	right := clock(s.elapsed) + dim.Render("  q ends it")
	if s.closing != "" {
		right = amber.Render(s.closing) + "  " + clock(s.elapsed)
	}
	return left + strings.Repeat(" ", max(1, width-lipgloss.Width(left)-lipgloss.Width(right))) + right
}

// network is the trunk and what is on it.
func (v screen) network(s scene) string {
	state := red
	switch {
	case s.trunk.Usable:
		state = green
	case s.trunk.State == api.TrunkRegistering:
		state = amber
	}
	ringing := 0
	for _, c := range s.calls {
		if c.State == api.CallDialing || c.State == api.CallRinging {
			ringing++
		}
	}
	parts := []string{
		state.Render("● ") + string(s.trunk.State),
		fmt.Sprintf("%2d ringing", ringing), fmt.Sprintf("%2d answered", len(s.calls)-ringing),
		fmt.Sprintf("%4.1f calls/s", s.dialRate),
	}
	if s.toAgent.N > 0 {
		parts = append(parts, "answer→agent p99 "+bold.Render(millis(s.toAgent.P99)))
	}
	return " " + strings.Join(parts, "  ")
}

func (v screen) progress(s scene, width int) string {
	label := fmt.Sprintf(" %d of %d", s.over, s.leads)
	return " " + bar(float64(s.over)/float64(max(1, s.leads)), width-len(label)-2, green) + label
}

// agentWidth is the least that one column of agents needs.
const agentWidth = 44

// agents are the agents' lines, at most n with the heading, in as many columns as
// are needed and fit.
func (v screen) agents(s scene, width, n int) []string {
	busy := 0
	for _, a := range s.agents {
		if a.State == api.AgentTalking {
			busy++
		}
	}
	rows := n - 1
	columns := max(1, min(width/agentWidth, (len(s.agents)+rows-1)/rows))
	room := width / columns
	heading := fmt.Sprintf(" AGENTS  %d of %d talking", busy, len(s.agents))
	if hidden := len(s.agents) - rows*columns; hidden > 0 {
		heading += fmt.Sprintf(", %d not shown", hidden)
	}
	lines := make([]string, 1, n)
	lines[0] = dim.Render(heading)
	for row := range min(rows, len(s.agents)) {
		var line string
		for i := row; i < min(len(s.agents), rows*columns); i += rows {
			line += pad(v.agent(s.agents[i], room), room)
		}
		lines = append(lines, line)
	}
	return lines
}

func (v screen) agent(a api.AgentStatus, width int) string {
	style, mark := dim, "○"
	switch a.State {
	case api.AgentTalking:
		style, mark = green, "●"
	case api.AgentReady:
		style = cyan
	case api.AgentWrapUp:
		style, mark = amber, "◐"
	case api.AgentGoodbye:
		style, mark = violet, "◑"
	case api.AgentPaused, api.AgentHold, api.AgentTransferring:
		style = red
	}
	who := ""
	if a.Lead != nil {
		who = a.Lead.Fields["name"]
		if width >= 60 {
			who = pad(who, 16) + dim.Render(spaced(a.Lead.Number))
		}
	}
	since := dim.Render(fmt.Sprintf("%4.1fs", max(0, time.Since(a.Since)).Seconds()))
	line := " " + pad(cut(a.Name, 9), 10) + style.Render(mark+" "+pad(strings.ReplaceAll(string(a.State), "_", "-"), 11))
	return pad(line+cutStyled(who, width-lipgloss.Width(line)-7), width-6) + since
}

// outcomes are the results so far beside what the carrier was told to produce.
func (v screen) outcomes(s scene, width int) []string {
	lines := []string{dim.Render(pad("OUTCOMES", 15) + "wished seen")}
	room := width - 28
	widest := 0.0
	for _, share := range v.wished {
		widest = max(widest, share)
	}
	for _, o := range cdr.All() {
		wish, wished := v.wished[o]
		n := s.outcomes[o]
		if !wished && n == 0 {
			continue
		}
		seen := float64(n) / float64(max(1, s.over))
		want := dim.Render("   –")
		if wished {
			want = dim.Render(fmt.Sprintf("%2.0f %%", 100*wish))
		}
		line := pad(strings.ReplaceAll(string(o), "_", " "), 15) + "  " + want + " " + fmt.Sprintf("%2.0f %%", 100*seen)
		scale := max(widest, seen, 0.01)
		picture := bar(seen/scale, room, outcomeStyle(o))
		if wished && room >= 10 {
			picture = markedBar(seen/scale, wish/scale, room, outcomeStyle(o))
		}
		lines = append(lines, line+"  "+picture)
	}
	return lines
}

func outcomeStyle(o cdr.Outcome) lipgloss.Style {
	switch o {
	case cdr.Person:
		return green
	case cdr.Abandoned, cdr.TrunkFailure, cdr.Interrupted:
		return red
	case cdr.NoAnswer, cdr.Busy:
		return amber
	}
	return cyan
}

// calls are the latest calls that ended, newest first, at most n with the heading.
func (v screen) calls(s scene, width, n int) []string {
	names := make(map[string]string, len(s.agents))
	for _, a := range s.agents {
		names[a.ID] = a.Name
	}
	lines := []string{dim.Render(" LAST CALLS")}
	for _, r := range s.latest {
		if len(lines) == n {
			break
		}
		line := " " + pad(spaced(r.Number), 17) +
			outcomeStyle(r.Outcome).Render(pad(strings.ReplaceAll(string(r.Outcome), "_", " "), 15)) + story(r, names)
		if width >= wide {
			line = dim.Render(" "+r.Marks.Ended.Local().Format("15:04:05")+" ") + line
		}
		lines = append(lines, cutStyled(line, width-1))
	}
	return lines
}

// story is what there is to tell of one call; names are those of the agents by id.
func story(r cdr.Record, names map[string]string) string {
	switch {
	case r.Outcome == cdr.Abandoned:
		return dim.Render("no agent in time, heard the message")
	case r.Outcome.Answered():
		wait, _ := r.Marks.AnswerToAgent()
		return fmt.Sprintf("%s after %s, %.1f s, %s hung up", names[r.Agent], millis(wait), r.Marks.Talk().Seconds(), r.HungUpBy)
	case r.SIPStatus != 0:
		return dim.Render(fmt.Sprintf("%d %s", r.SIPStatus, r.SIPReason))
	}
	return dim.Render(r.SIPReason)
}

// bar is a bar of width cells, filled by a share of 0 to 1 in eighths of a cell.
func bar(share float64, width int, style lipgloss.Style) string {
	if width <= 0 {
		return ""
	}
	eighths := int(math.Round(min(1, max(0, share)) * float64(8*width)))
	full := strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		full += string([]rune(" ▏▎▍▌▋▊▉")[part])
	}
	rest := width - lipgloss.Width(full)
	return style.Render(full) + dim.Render(strings.Repeat("·", rest))
}

// markedBar is a bar with a mark at a second share: what it ought to be.
func markedBar(share, mark float64, width int, style lipgloss.Style) string {
	cell := min(width-1, int(mark*float64(width)))
	full := min(width, int(math.Round(share*float64(width))))
	before, after := min(full, cell), max(0, full-cell-1)
	return style.Render(strings.Repeat("█", before)) + dim.Render(strings.Repeat("·", cell-before)) + bold.Render("┃") +
		style.Render(strings.Repeat("█", after)) + dim.Render(strings.Repeat("·", width-cell-1-after))
}

func percent(share float64) string { return fmt.Sprintf("%4.1f %%", 100*share) }

func millis(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

func clock(d time.Duration) string {
	d = d.Truncate(time.Second)
	return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// spaced is a North American number in groups, for people.
func spaced(number string) string {
	if len(number) != len("+12125550100") {
		return number
	}
	return number[:2] + " " + number[2:5] + " " + number[5:8] + " " + number[8:]
}

// pad fills with spaces up to that many cells; styles take no room.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-lipgloss.Width(s)))
}

func cut(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width])
	}
	return s
}

// cutStyled cuts a text that may hold escape sequences.
func cutStyled(s string, width int) string {
	return lipgloss.NewStyle().MaxWidth(max(0, width)).Render(s)
}
