package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Health says that the process lives.
type Health struct {
	Status string `json:"status" doc:"Always ok"`
}

// Readiness says whether the node may dial.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons" doc:"Why not, in words"`
}

func (s *Server) nodeRoutes() {
	const tag = "node"
	open := access{}
	reads := access{role: RoleSupervisor}

	route(s, op(http.MethodGet, "/healthz", "health", tag, "Whether the process lives",
		"For supervisors of processes: a restart is right when this fails.", open),
		func(context.Context, *none) (Health, error) { return Health{Status: "ok"}, nil })
	s.readyRoute(tag)
	s.metricsRoute(tag)

	route(s, op(http.MethodGet, "/v1/me", "me", tag, "Who I am",
		"The name and role of the token in use.", access{role: RoleAgent}),
		func(ctx context.Context, _ *none) (Caller, error) {
			c, _ := CallerFrom(ctx)
			return c, nil
		})
	route(s, op(http.MethodGet, "/v1/status", "status", tag, "The node as a whole",
		"Readiness, alarms, store, and the figures of signalling, media and recording.", reads),
		func(ctx context.Context, _ *none) (Status, error) {
			st, err := s.floor.Status(ctx)
			return st.tidy(), err
		})
	route(s, op(http.MethodGet, "/v1/trunks", "list-trunks", tag, "The trunks",
		"Registration, channels and rate of each, and what to do where one is not well.", reads),
		func(ctx context.Context, _ *none) ([]TrunkStatus, error) {
			trunks, err := s.floor.Trunks(ctx)
			return each(trunks), err
		})
	route(s, op(http.MethodGet, "/v1/registrations", "list-registrations", tag, "The telephones that are registered here",
		"Those of agents with peer: registrar, at whatever node of the same Redis.", reads),
		func(ctx context.Context, _ *none) ([]Registration, error) {
			registrations, err := s.floor.Registrations(ctx)
			return list(registrations), err
		})
	route(s, op(http.MethodGet, "/v1/calls", "list-calls", "calls", "The attempts in flight", "", reads),
		func(ctx context.Context, _ *none) ([]CallStatus, error) {
			calls, err := s.floor.Calls(ctx)
			return list(calls), err
		})
	command(s, op(http.MethodPost, "/v1/calls/{call}/hangup", "hang-up-call", "calls", "End an attempt",
		"Both legs end at once, without the goodbye pause.", reads),
		func(ctx context.Context, in *callPath) error { return s.floor.HangupCall(ctx, in.Call) })
	route(s, op(http.MethodPost, "/v1/reload", "reload", tag, "Read the configuration again",
		"Answers with each difference. A file with any fault is refused whole, with all its faults.", access{role: RoleAdmin}),
		func(ctx context.Context, _ *none) ([]Change, error) {
			changes, err := s.floor.Reload(ctx)
			return list(changes), err
		})
}

// readyRoute answers 200 or 503, both with the reasons.
func (s *Server) readyRoute(tag string) {
	type output struct {
		Status int
		Body   Readiness
	}
	o := op(http.MethodGet, "/readyz", "ready", tag, "Whether the node may dial",
		"503 with the reasons where it may not.", access{})
	o.Responses = map[string]*huma.Response{"503": {
		Description: "It may not dial",
		Content: map[string]*huma.MediaType{"application/json": {
			Schema: &huma.Schema{Ref: "#/components/schemas/Readiness"},
		}},
	}}
	huma.Register(s.huma, o, func(ctx context.Context, _ *none) (*output, error) {
		st, err := s.floor.Status(ctx)
		if err != nil {
			return &output{http.StatusServiceUnavailable, Readiness{Reasons: []string{"the floor does not answer"}}}, nil
		}
		out := &output{http.StatusOK, Readiness{Ready: st.Ready, Reasons: list(st.NotReady)}}
		if !st.Ready {
			out.Status = http.StatusServiceUnavailable
		}
		return out, nil
	})
}

// metricsRoute serves Prometheus in its own formats.
func (s *Server) metricsRoute(tag string) {
	a := access{role: RoleSupervisor, stream: true}
	if s.openScrape {
		a.role = ""
	}
	o := op(http.MethodGet, "/metrics", "metrics", tag, "Figures for Prometheus",
		"In the text or the OpenMetrics format, as asked; exemplars carry the attempt's id.", a)
	o.Responses = plain("200", "The figures", "text/plain")
	huma.Register(s.huma, o, func(context.Context, *none) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			s.metrics.ServeHTTP(w, r)
		}}, nil
	})
}

// plain describes an answer that is text.
func plain(status, description, contentType string) map[string]*huma.Response {
	return map[string]*huma.Response{status: {
		Description: description,
		Content:     map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
}
