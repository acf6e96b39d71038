package api

import (
	"context"
	"net/http"
	"time"
)

type banPath struct {
	Address string `path:"address" maxLength:"64" doc:"An address of the source"`
}

type banInput struct {
	Body struct {
		Address string  `json:"address" maxLength:"64" doc:"IPv4 or IPv6"`
		ForS    float64 `json:"for_s,omitempty" minimum:"0" maximum:"315360000" doc:"Seconds; left out: as long as the next ban would last"`
	}
}

type tracePath struct {
	Call string `path:"call" maxLength:"256" doc:"Id of the attempt, or Call-ID"`
}

func (s *Server) wireRoutes() {
	route(s, op(http.MethodGet, "/v1/calls/{call}/trace", "trace-call", "calls", "The messages of a call",
		"A ladder of what was on the wire, the agent's leg included, as long as it is kept. Passwords and keys are masked.",
		access{role: RoleSupervisor}),
		func(ctx context.Context, in *tracePath) (*Trace, error) { return s.floor.Trace(ctx, in.Call) })

	const tag = "defence"
	route(s, op(http.MethodGet, "/v1/bans", "list-bans", tag, "The sources that are not heard", "", access{role: RoleSupervisor}),
		func(ctx context.Context, _ *none) ([]Ban, error) {
			bans, err := s.floor.Bans(ctx)
			return list(bans), err
		})
	route(s, op(http.MethodPost, "/v1/bans", "add-ban", tag, "Ban an address",
		"Its messages are dropped unread. Trunks and peers cannot be banned. A ban holds on this node.", access{role: RoleAdmin}),
		func(ctx context.Context, in *banInput) (Ban, error) {
			return s.floor.Ban(ctx, in.Body.Address, time.Duration(in.Body.ForS*float64(time.Second)))
		})
	command(s, op(http.MethodDelete, "/v1/bans/{address}", "lift-ban", tag, "Lift a ban",
		"What the source was reproached with is forgotten.", access{role: RoleAdmin}),
		func(ctx context.Context, in *banPath) error { return s.floor.LiftBan(ctx, in.Address) })
}
