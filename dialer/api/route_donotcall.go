package api

import (
	"context"
	"net/http"
)

// DoNotCallList is a list of numbers that are never dialed.
type DoNotCallList struct {
	Campaign string   `json:"campaign,omitempty" doc:"Holds for this campaign; left out: for all"`
	Numbers  []string `json:"numbers" maxItems:"10000" doc:"E.164 with +"`
}

// DoNotCallChange says how many entries a change made.
type DoNotCallChange struct {
	Changed int `json:"changed" doc:"Numbers that were new to the list, or that were taken off it"`
}

type doNotCallQuery struct {
	Campaign string `query:"campaign" maxLength:"128" doc:"The list of this campaign; left out: the list for all"`
}

type doNotCallInput struct {
	Body struct {
		Campaign string   `json:"campaign,omitempty" maxLength:"128" doc:"The list of this campaign; left out: the list for all"`
		Numbers  []string `json:"numbers" minItems:"1" maxItems:"10000" doc:"As people write them"`
	}
}

func (s *Server) doNotCallRoutes() {
	const tag = "do-not-call"
	route(s, op(http.MethodGet, "/v1/do-not-call", "list-do-not-call", tag, "The numbers on a list", "", access{role: RoleSupervisor}),
		func(ctx context.Context, in *doNotCallQuery) (DoNotCallList, error) {
			numbers, err := s.floor.DoNotCall(ctx, in.Campaign)
			return DoNotCallList{Campaign: in.Campaign, Numbers: list(numbers)}, err
		})
	change := func(path, id, summary, text string, f func(context.Context, string, []string) (int, error)) {
		route(s, op(http.MethodPost, "/v1/do-not-call"+path, id, tag, summary, text, access{role: RoleAdmin}),
			func(ctx context.Context, in *doNotCallInput) (DoNotCallChange, error) {
				n, err := f(ctx, in.Body.Campaign, in.Body.Numbers)
				return DoNotCallChange{Changed: n}, err
			})
	}
	change("/add", "add-do-not-call", "Put numbers on a list",
		"From the answer on none of them is dialed; a call that is up goes on.", s.floor.AddDoNotCall)
	change("/remove", "remove-do-not-call", "Take numbers off a list", "", s.floor.RemoveDoNotCall)
}
