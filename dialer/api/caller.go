package api

import "context"

// Role says what a token may do. Each role may do all that the ones before it
// may, but an agent acts only as itself.
type Role string

// The roles.
const (
	// RoleAgent acts as one agent and sees that agent's own screen.
	RoleAgent Role = "agent"
	// RoleSupervisor reads everything and commands agents, campaigns and calls.
	RoleSupervisor Role = "supervisor"
	// RoleAdmin also changes leads and do-not-call lists, takes leads out in bulk,
	// and reloads the configuration.
	RoleAdmin Role = "admin"
)

// rank orders the roles; 0 is none.
func (r Role) rank() int {
	switch r {
	case RoleAgent:
		return 1
	case RoleSupervisor:
		return 2
	case RoleAdmin:
		return 3
	}
	return 0
}

// Caller is who makes a request.
type Caller struct {
	Name  string `json:"name" doc:"Name of the token, as configured"`
	Role  Role   `json:"role" doc:"admin, supervisor or agent"`
	Agent string `json:"agent,omitempty" doc:"The agent that a token of role agent acts as"`
}

type callerKey struct{}

// WithCaller returns a context that carries who asks.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom tells who asks, for the log; false where the request did not come
// through the server.
func CallerFrom(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
