package dialer

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"ringpace/dialer/api"
)

// alarms are the conditions that hurt now. mu protects active.
type alarms struct {
	feed *api.Feed
	log  *slog.Logger

	mu     sync.Mutex
	active map[string]api.Alarm
}

func newAlarms(feed *api.Feed, log *slog.Logger) *alarms {
	return &alarms{feed: feed, log: log, active: map[string]api.Alarm{}}
}

// set raises an alarm, or ends it where detail is empty. Each change is told once.
func (a *alarms) set(name, detail string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was, on := a.active[name]
	switch {
	case detail == "" && on:
		delete(a.active, name)
		was.Over = true
		a.log.Info("alarm over", "alarm", name, "lasted", time.Since(was.Since).Round(time.Second))
		a.feed.Publish(api.Event{Kind: api.EventAlarm, Alarm: &was})
	case detail != "" && was.Detail != detail:
		if !on {
			was = api.Alarm{Name: name, Since: time.Now()}
			a.log.Error("alarm", "alarm", name, "detail", detail)
		}
		was.Detail = detail
		a.active[name] = was
		now := was
		a.feed.Publish(api.Event{Kind: api.EventAlarm, Alarm: &now})
	}
}

// list returns the alarms by name.
func (a *alarms) list() []api.Alarm {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make([]api.Alarm, 0, len(a.active))
	for _, k := range a.active {
		list = append(list, k)
	}
	slices.SortFunc(list, func(x, y api.Alarm) int { return strings.Compare(x.Name, y.Name) })
	return list
}
