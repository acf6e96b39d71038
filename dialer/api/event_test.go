package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/cdr"
)

func endedRecord() cdr.Record {
	at := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	level := -21.5
	return cdr.Record{ID: "01HX", Campaign: "activation", Outcome: cdr.Person, Recording: &cdr.Recording{
		Quality: &cdr.Quality{Left: cdr.Voice{ActiveDBm0: &level, Talk: 0.5}, Right: cdr.Voice{Talk: 0.25}, Silence: 0.375, TalkOver: 0.125},
	}, Marks: cdr.Marks{
		Invite: at, Answered: at.Add(8 * time.Second),
		AgentAudio: at.Add(8*time.Second + 12*time.Millisecond),
		TalkEnded:  at.Add(68*time.Second + 12*time.Millisecond),
	}}
}

func agentEvent(id string) Event { return Event{Kind: EventAgent, Agent: &AgentStatus{ID: id}} }

func kindsOf(events []Event) (s []string) {
	for _, e := range events {
		if e.Agent != nil {
			s = append(s, e.Agent.ID)
		} else {
			s = append(s, string(e.Kind))
		}
	}
	return s
}

func TestFeedCatchesUp(t *testing.T) {
	f := NewFeed()
	live := f.from("")
	for _, id := range []string{"1", "2", "3"} {
		f.Publish(agentEvent(id))
	}
	events, _ := live.take()
	if got := fmt.Sprint(kindsOf(events)); got != "[1 2 3]" {
		t.Fatalf("live: %s", got)
	}
	again, _ := f.from(events[0].ID).take()
	if got := fmt.Sprint(kindsOf(again)); got != "[2 3]" {
		t.Errorf("after the first: %s", got)
	}
	if none, _ := f.from(events[2].ID).take(); len(none) != 0 {
		t.Errorf("after the last: %v", kindsOf(none))
	}
	for _, id := range []string{"nonsense", NewFeed().id(2), f.id(99), f.boot, f.boot + "-x"} {
		events, _ := f.from(id).take()
		if got := fmt.Sprint(kindsOf(events)); got != "[reset]" {
			t.Errorf("after %q: %s, want a reset", id, got)
		}
	}
}

func TestFeedResetsTheSlow(t *testing.T) {
	f := NewFeed()
	slow := f.from("")
	f.Publish(agentEvent("first"))
	first, _ := f.from("").take()
	if len(first) != 0 {
		t.Fatal("from now on means none yet")
	}
	for range feedRing - 1 {
		f.Publish(agentEvent("x"))
	}
	if events, _ := slow.take(); len(events) != feedRing || events[0].Agent.ID != "first" {
		t.Errorf("a full ring behind: %d events", len(events))
	}
	for range feedRing + 1 {
		f.Publish(agentEvent("y"))
	}
	events, more := slow.take()
	if got := fmt.Sprint(kindsOf(events)); got != "[reset]" {
		t.Errorf("too far behind: %s", got)
	}
	f.Publish(agentEvent("z"))
	<-more
	if events, _ := slow.take(); fmt.Sprint(kindsOf(events)) != "[z]" {
		t.Errorf("after the reset: %v", kindsOf(events))
	}
}

func TestEventsOverHTTP(t *testing.T) {
	b := newBench(t)
	client := newClient(t, b.online(t), supervisorSecret)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	seen := make(chan struct{}, 64)
	enough := errors.New("enough")
	ended := make(chan string, 1)
	go func() {
		last, err := client.Events(ctx, "", func(e Event) error {
			if e.Kind == EventAgent {
				return enough
			}
			seen <- struct{}{}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Errorf("%v", err)
		}
		ended <- last
	}()
	publishUntil(t, b.feed, seen)
	b.feed.Publish(agentEvent("1001"))
	last := <-ended

	// The connection is gone; what happens now is not lost.
	b.feed.Publish(Event{Kind: EventCampaign, Campaign: &CampaignStatus{Name: "activation"}})
	b.feed.Publish(agentEvent("1002"))
	var got []string
	if _, err := client.Events(ctx, last, func(e Event) error {
		got = append(got, string(e.Kind))
		if len(got) == 2 {
			return enough
		}
		return nil
	}); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != "[campaign agent]" {
		t.Errorf("caught up with %v", got)
	}
}

func TestAgentSeesOnlyItself(t *testing.T) {
	b := newBench(t)
	client := newClient(t, b.online(t), agentSecret)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	start := b.feed.id(0)
	b.feed.Publish(agentEvent("1002"))
	b.feed.Publish(Event{Kind: EventCampaign, Campaign: &CampaignStatus{Name: "activation"}})
	b.feed.Publish(Event{Kind: EventCall, Call: &CallEvent{CallStatus: CallStatus{Agent: "1002"}}})
	b.feed.Publish(Event{Kind: EventCall, Call: &CallEvent{CallStatus: CallStatus{Agent: "1001"}}})
	b.feed.Publish(agentEvent("1001"))
	enough := errors.New("enough")
	var got []string
	_, err := client.Events(ctx, start, func(e Event) error {
		got = append(got, string(e.Kind))
		if e.Kind == EventAgent {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || fmt.Sprint(got) != "[call agent]" {
		t.Errorf("%v %v", err, got)
	}
}

func TestStreamBeatsAndEndsWithItsToken(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Heartbeat = 5 * time.Millisecond })
	base := b.online(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", base+"/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+supervisorSecret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("content type %q", ct)
	}
	lines := bufio.NewScanner(resp.Body)
	beats, placed := 0, false
	for beats < 3 && lines.Scan() {
		placed = placed || strings.HasPrefix(lines.Text(), "id: "+b.feed.boot+"-0")
		if lines.Text() == ":" {
			beats++
		}
	}
	if beats < 3 || !placed {
		t.Fatalf("%d beats, place told: %v: %v", beats, placed, lines.Err())
	}
	if err := b.SetTokens(nil); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // until the server ends it
	}
	if lines.Err() != nil {
		t.Error(lines.Err())
	}
}
