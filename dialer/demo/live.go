package demo

import (
	"context"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"
)

// live plays the demo under a live view of the terminal.
func live(ctx context.Context, o Options) (*Result, error) {
	hurry, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	soft, stop := context.WithCancel(ctx)
	defer stop()
	program := tea.NewProgram(
		model{screen: screen{options: o, wished: mix().Outcomes()}, stop: stop, abort: abort},
		tea.WithAltScreen(), tea.WithOutput(o.Out), tea.WithoutSignalHandler(),
	)
	type outcome struct {
		result *Result
		err    error
	}
	played := make(chan outcome, 1)
	go func() {
		r, err := play(hurry, soft.Done(), o, func(s scene) { program.Send(s) })
		played <- outcome{r, err}
		program.Quit()
	}()
	_, err := program.Run()
	if err != nil { // the terminal is gone: nobody watches any more
		abort()
	}
	p := <-played
	if p.err == nil && err != nil {
		return nil, fmt.Errorf("demo: terminal: %w", err)
	}
	return p.result, p.err
}

// model is the live view as bubbletea runs it.
type model struct {
	screen        screen
	scene         scene
	width, height int
	stopping      bool
	stop, abort   func()
}

// Init implements tea.Model.
func (m model) Init() tea.Cmd { return nil }

// Update implements tea.Model. The first q ends the dialing, the second the calls.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case scene:
		m.scene = msg
	case tea.KeyMsg:
		switch msg.String() {
		case "q", "esc", "ctrl+c":
			if m.stopping {
				m.abort()
			}
			m.stopping = true
			m.stop()
		}
	}
	return m, nil
}

// View implements tea.Model.
func (m model) View() string {
	if m.width == 0 || m.scene.campaign.Name == "" {
		return " starting: carrier, PBX, daemon, agents …"
	}
	return m.screen.draw(m.scene, m.width, m.height)
}
