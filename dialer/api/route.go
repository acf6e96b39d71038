package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
)

// answer is the body of an operation that gives facts.
type answer[T any] struct{ Body T }

// none is the input or output of an operation without any.
type none struct{}

// route registers an operation that answers with an O.
func route[I, O any](s *Server, o huma.Operation, handle func(context.Context, *I) (O, error)) {
	huma.Register(s.huma, o, func(ctx context.Context, in *I) (*answer[O], error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, problem(ctx, s.log, err)
		}
		return &answer[O]{out}, nil
	})
}

// command registers an operation that answers with nothing: 204.
func command[I any](s *Server, o huma.Operation, handle func(context.Context, *I) error) {
	huma.Register(s.huma, o, func(ctx context.Context, in *I) (*none, error) {
		if err := handle(ctx, in); err != nil {
			return nil, problem(ctx, s.log, err)
		}
		return nil, nil
	})
}

// huma does not see into embedded structs that are not exported, so inputs with
// more than a path repeat its fields.

type campaignPath struct {
	Campaign string `path:"campaign" maxLength:"128" doc:"Name of the campaign"`
}

type agentPath struct {
	Agent string `path:"agent" maxLength:"128" doc:"Id of the agent"`
}

type leadPath struct {
	Campaign string `path:"campaign" maxLength:"128" doc:"Name of the campaign"`
	Lead     string `path:"lead" maxLength:"256" doc:"Id of the lead"`
}

type callPath struct {
	Call string `path:"call" maxLength:"64" doc:"Id of the attempt"`
}
