package sim

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The chart's measures, in pixels.
const (
	panelWidth  = 420.0
	panelHeight = 330.0
	plotLeft    = 58.0 // of a panel, to its vertical axis
	plotRight   = 18.0
	plotTop     = 40.0
	plotBottom  = 52.0
	perRow      = 3
	legendRow   = 22.0
	legendEntry = 210.0
	margin      = 12.0
)

// colours are told apart by those who do not see all of them (Okabe and Ito, 2008).
var colours = [...]string{"#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222", "#8C6D31"}

// Chart draws a panel for each scenario, as SVG: utilisation against abandonment with
// 95 % intervals of both, and the ceiling; or, for a scenario that was played with several
// numbers of agents, utilisation against these.
func (r *Report) Chart(w io.Writer) error {
	var panels [][]Outcome
	for rest := r.Scenarios; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Scenario == rest[0].Scenario {
			n++
		}
		outcomes := slices.SortedStableFunc(slices.Values(rest[:n]), func(a, b Outcome) int { return cmp.Compare(a.Agents, b.Agents) })
		panels, rest = append(panels, outcomes), rest[n:]
	}
	names := make([]string, len(r.Overall))
	for i, o := range r.Overall {
		names[i] = o.Algorithm
	}
	columns := min(len(panels), perRow)
	width := max(float64(columns)*panelWidth, 2*panelWidth) + 2*margin
	entries := max(int((width-2*margin)/legendEntry), 1)
	legend := legendRow*math.Ceil(float64(len(names))/float64(entries)) + margin
	rows := (len(panels) + perRow - 1) / perRow
	height := legend + float64(rows)*panelHeight + 2*margin

	c := &canvas{}
	c.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12" fill="#222">`,
		px(width), px(height), px(width), px(height))
	c.put(`<title>Agents' utilisation and abandonment, simulated</title><rect width="100%%" height="100%%" fill="#fff"/>`)
	for i, name := range names {
		x, y := margin+plotLeft/2+legendEntry*float64(i%entries), margin+legendRow*(0.5+float64(i/entries))
		c.mark(i, x, y, name)
		c.text(x+12, y+4, "start", "", name)
	}
	for i, outcomes := range panels {
		x, y := margin+panelWidth*float64(i%perRow), margin+legend+panelHeight*float64(i/perRow)
		if len(panels) == 1 {
			x = (width - panelWidth) / 2
		}
		p := newPanel(x, y, outcomes)
		p.draw(c, outcomes)
	}
	c.put(`</svg>`)
	_, err := io.WriteString(w, c.b.String())
	return err
}

// canvas collects the elements of a drawing.
type canvas struct{ b strings.Builder }

func (c *canvas) put(format string, args ...any) { fmt.Fprintf(&c.b, format+"\n", args...) }

func px(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

func (c *canvas) line(x1, y1, x2, y2 float64, style string) {
	c.put(`<line x1="%s" y1="%s" x2="%s" y2="%s" %s/>`, px(x1), px(y1), px(x2), px(y2), style)
}

func (c *canvas) text(x, y float64, anchor, style, s string) {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // to a strings.Builder
	c.put(`<text x="%s" y="%s" text-anchor="%s" %s>%s</text>`, px(x), px(y), anchor, style, b.String())
}

// mark draws the sign of the algorithm with that ordinal: another shape once the colours
// have been used up. What it stands for shows when it is pointed at.
func (c *canvas) mark(i int, x, y float64, about string) {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(about))
	c.put(`<g fill="%s" stroke="#fff" stroke-width="0.8"><title>%s</title>`, colours[i%len(colours)], b.String())
	switch i / len(colours) % 3 {
	case 0:
		c.put(`<circle cx="%s" cy="%s" r="5"/>`, px(x), px(y))
	case 1:
		c.put(`<rect x="%s" y="%s" width="9" height="9"/>`, px(x-4.5), px(y-4.5))
	default:
		c.put(`<path d="M%s %sl6 10h-12z"/>`, px(x), px(y-6))
	}
	c.put(`</g>`)
}

// panel is one diagram: a corner, and two axes.
type panel struct {
	x, y       float64
	sweep      bool // over numbers of agents
	across, up axis
}

// axis leads from low to high over so many pixels from start.
type axis struct {
	low, high   float64
	start, span float64
	log         bool
	ticks       []float64
	digits      int
}

func (a *axis) at(v float64) float64 {
	low, high := a.low, a.high
	if a.log {
		low, high, v = math.Log(low), math.Log(high), math.Log(v)
	}
	return a.start + (v-low)/(high-low)*a.span
}

// round lays an axis from about low to about high with a tick at each multiple of 1, 2 or
// 5 times a power of 10.
func (a *axis) round(low, high float64) {
	if high <= low {
		high = low + 1
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/5)))
	for _, f := range []float64{2, 2.5, 2} { // 1, 2, 5, 10
		if (high-low)/step <= 6 {
			break
		}
		step *= f
	}
	a.low, a.high = math.Floor(low/step)*step, math.Ceil(high/step)*step
	for i := 0.0; a.low+i*step <= a.high+step/2; i++ {
		a.ticks = append(a.ticks, a.low+i*step)
	}
	a.digits = max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
}

func newPanel(x, y float64, outcomes []Outcome) *panel {
	p := &panel{x: x, y: y, sweep: len(outcomes) > 1}
	p.across.start, p.across.span = x+plotLeft, panelWidth-plotLeft-plotRight
	p.up.start, p.up.span = y+panelHeight-plotBottom, -(panelHeight - plotTop - plotBottom)
	low, high, most := math.Inf(1), 0.0, 1.2*outcomes[0].Ceiling
	for _, o := range outcomes {
		for i := range o.Results {
			r := &o.Results[i]
			u, a := ends(r.Utilisation, r.UtilisationCI), ends(r.Abandonment, r.AbandonmentCI)
			low, high, most = min(low, u.Low), max(high, u.High), max(most, a.High)
		}
	}
	p.up.round(100*low-1, min(100*high+1, 100))
	if !p.sweep {
		p.across.round(0, 100*most)
		return p
	}
	p.across.log = true
	for _, o := range outcomes {
		p.across.ticks = append(p.across.ticks, float64(o.Agents))
	}
	slices.Sort(p.across.ticks)
	p.across.ticks = slices.Compact(p.across.ticks)
	p.across.low, p.across.high = p.across.ticks[0]/1.15, p.across.ticks[len(p.across.ticks)-1]*1.15
	return p
}

// ends are those of an interval, or twice the mean where it is undefined.
func ends(mean float64, i Interval) Interval {
	if !i.Half().Defined() {
		return Interval{mean, mean}
	}
	return i
}

func (p *panel) draw(c *canvas, outcomes []Outcome) {
	o := &outcomes[0]
	p.axes(c, o)
	for i := range o.Results {
		colour := colours[i%len(colours)]
		whisker := fmt.Sprintf(`stroke="%s" stroke-width="1.2"`, colour)
		if p.sweep {
			var points []string
			for _, o := range outcomes {
				points = append(points, px(p.across.at(float64(o.Agents)))+","+px(p.up.at(100*o.Results[i].Utilisation)))
			}
			c.put(`<polyline points="%s" fill="none" stroke="%s" stroke-width="1.6"/>`, strings.Join(points, " "), colour)
		}
		for _, o := range outcomes {
			r := &o.Results[i]
			x, y := p.across.at(100*r.Abandonment), p.up.at(100*r.Utilisation)
			u, a := ends(r.Utilisation, r.UtilisationCI), ends(r.Abandonment, r.AbandonmentCI)
			about := fmt.Sprintf("%s: utilisation %.1f %%, abandoned %.2f %%", r.Algorithm, 100*r.Utilisation, 100*r.Abandonment)
			if p.sweep {
				x = p.across.at(float64(o.Agents))
				about += fmt.Sprintf(", %d agents", o.Agents)
			} else {
				c.line(p.across.at(max(100*a.Low, 0)), y, p.across.at(100*a.High), y, whisker)
			}
			c.line(x, p.up.at(100*u.Low), x, p.up.at(min(100*u.High, p.up.high)), whisker)
			c.mark(i, x, y, about)
		}
	}
}

func (p *panel) axes(c *canvas, o *Outcome) {
	left, right := p.across.start, p.across.start+p.across.span
	bottom, top := p.up.start, p.up.start+p.up.span
	const grid = `stroke="#e4e4e4"`
	title := o.Scenario
	if r := []rune(title); len(r) > 36 {
		title = string(r[:35]) + "…"
	}
	switch {
	case p.sweep:
	case o.Agents == 1:
		title += ": 1 agent"
	default:
		title += fmt.Sprintf(": %d agents", o.Agents)
	}
	c.text((left+right)/2, top-19, "middle", `font-size="14" font-weight="600"`, title)
	for _, v := range p.up.ticks {
		y := p.up.at(v)
		c.line(left, y, right, y, grid)
		c.text(left-7, y+4, "end", "", strconv.FormatFloat(v, 'f', p.up.digits, 64))
	}
	for _, v := range p.across.ticks {
		x := p.across.at(v)
		c.line(x, bottom, x, top, grid)
		c.text(x, bottom+17, "middle", "", strconv.FormatFloat(v, 'f', p.across.digits, 64))
	}
	c.put(`<rect x="%s" y="%s" width="%s" height="%s" fill="none" stroke="#888"/>`, px(left), px(top), px(right-left), px(bottom-top))
	label := "people who answered and were abandoned, %"
	if p.sweep {
		label = "agents"
	} else {
		x := p.across.at(100 * o.Ceiling)
		c.line(x, bottom, x, top, `stroke="#c00" stroke-dasharray="5 4"`)
		c.text(x, top-4, "middle", `fill="#c00" font-size="11"`, "ceiling")
	}
	c.text((left+right)/2, bottom+36, "middle", "", label)
	x, y := p.x+16, (top+bottom)/2
	c.text(x, y, "middle", fmt.Sprintf(`transform="rotate(-90 %s %s)"`, px(x), px(y)), "utilisation, %")
}
