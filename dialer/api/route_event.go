package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	streamsAllowed = 1024             // event streams at once
	streamWrite    = 10 * time.Second // for a client to take what is sent; then it is dropped
)

type eventInput struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"64" doc:"Go on after this event"`
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// eventRoute streams the feed as server-sent events (HTML standard, section 9.2).
func (s *Server) eventRoute() {
	o := op(http.MethodGet, "/v1/events", "events", "events", "Changes of state as they happen",
		"Server-sent events: the event's name is its kind, its data the event as JSON. The stream begins with the id of the present moment, "+
			"so read the state after it has begun. An event reset means that events were missed: read the state anew. A comment comes every "+
			"15 seconds. A token of role agent gets that agent's events only.",
		access{role: RoleAgent, stream: true})
	o.Errors = append(o.Errors, http.StatusServiceUnavailable)
	o.Responses = map[string]*huma.Response{"200": {
		Description: "The events; each data field holds an Event",
		Content: map[string]*huma.MediaType{"text/event-stream": {
			Schema: s.huma.OpenAPI().Components.Schemas.Schema(typeOf[Event](), true, ""),
		}},
	}}
	huma.Register(s.huma, o, func(ctx context.Context, in *eventInput) (*huma.StreamResponse, error) {
		if s.streams.Add(1) > streamsAllowed {
			s.streams.Add(-1)
			return nil, huma.Error503ServiceUnavailable("Too many event streams are open.")
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			defer s.streams.Add(-1)
			s.streamEvents(ctx, in.LastEventID)
		}}, nil
	})
}

// streamEvents serves one reader until it goes, does not take what is sent, the
// tokens change, or the server ends.
func (s *Server) streamEvents(hctx huma.Context, after string) {
	_, w := humago.Unwrap(hctx)
	ctx := hctx.Context()
	caller, _ := CallerFrom(ctx)
	revoked := s.keys.changed()
	rc := http.NewResponseController(w)
	if err := rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return
	}
	hctx.SetHeader("Content-Type", "text/event-stream")
	hctx.SetHeader("X-Accel-Buffering", "no") // nginx would gather events otherwise
	hctx.SetStatus(http.StatusOK)

	place := s.feed.from(after)
	beat := time.NewTicker(s.heartbeat)
	defer beat.Stop()
	stream := &eventWriter{w: w, rc: rc}
	stream.open(place.at())
	for {
		events, more := place.take()
		for _, e := range events {
			if caller.Role != RoleAgent || e.About(caller.Agent) {
				stream.event(e)
			}
		}
		if stream.flush() != nil {
			return
		}
		select {
		case <-more:
		case <-beat.C:
			stream.raw(":\n\n")
		case <-revoked:
			return
		case <-ctx.Done():
			return
		}
	}
}

// eventWriter writes the stream's format; the first error stays.
type eventWriter struct {
	w     io.Writer
	rc    *http.ResponseController
	dirty bool
	err   error
}

// open tells the reader its place and to come back after two seconds.
func (s *eventWriter) open(id string) { s.raw("retry: 2000\nid: " + id + "\n\n") }

func (s *eventWriter) event(e Event) {
	data, err := json.Marshal(e)
	if err != nil {
		s.err = err
		return
	}
	s.raw("id: " + e.ID + "\nevent: " + string(e.Kind) + "\ndata: " + string(data) + "\n\n")
}

func (s *eventWriter) raw(text string) {
	if s.err != nil {
		return
	}
	if !s.dirty {
		s.dirty = true
		if err := s.rc.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			s.err = err
			return
		}
	}
	_, s.err = io.WriteString(s.w, text)
}

func (s *eventWriter) flush() error {
	if s.err == nil && s.dirty {
		s.dirty = false
		s.err = s.rc.Flush()
	}
	return s.err
}
