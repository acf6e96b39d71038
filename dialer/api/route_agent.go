package api

import (
	"context"
	"net/http"
)

type pauseInput struct {
	Agent string `path:"agent" maxLength:"128" doc:"Id of the agent"`
	Body  struct {
		Reason string `json:"reason" minLength:"1" maxLength:"64" doc:"Such as lunch, training, earpiece"`
	}
}

type leaveInput struct {
	Agent string `path:"agent" maxLength:"128" doc:"Id of the agent"`
	Body  Leave
}

type transferInput struct {
	Agent string `path:"agent" maxLength:"128" doc:"Id of the agent"`
	Body  struct {
		To string `json:"to" minLength:"1" maxLength:"64" doc:"An extension, another agent's or one that transfer.extensions allows, or a number in E.164 that transfer.prefixes allow"`
	}
}

type listenInput struct {
	Agent string `path:"agent" maxLength:"128" doc:"Id of the agent"`
	Body  struct {
		Supervisor string `json:"supervisor" minLength:"1" maxLength:"128" doc:"Id of the agent who is to be called; agents[].supervisor must be set"`
	}
}

type disposeInput struct {
	Agent string `path:"agent" maxLength:"128" doc:"Id of the agent"`
	Body  Disposition
}

func (s *Server) agentRoutes() {
	const tag = "agents"
	own := access{role: RoleSupervisor, self: true}

	route(s, op(http.MethodGet, "/v1/agents", "list-agents", tag, "The agents", "", access{role: RoleSupervisor}),
		func(ctx context.Context, _ *none) ([]AgentStatus, error) {
			agents, err := s.floor.Agents(ctx)
			return each(agents), err
		})
	one := func(path, method, id, summary, text string, f func(context.Context, string) (AgentStatus, error)) {
		route(s, op(method, "/v1/agents/{agent}"+path, id, tag, summary, text, own),
			func(ctx context.Context, in *agentPath) (AgentStatus, error) {
				status, err := f(ctx, in.Agent)
				return status.tidy(), err
			})
	}
	one("", http.MethodGet, "get-agent", "One agent", "With the call and every field of the lead: the agent's screen.", s.floor.Agent)
	one("/login", http.MethodPost, "log-in", "Begin the shift",
		"A nailed agent's extension is called now; the agent is ready once audio has come from it.", s.floor.Login)
	one("/logout", http.MethodPost, "log-out", "End the shift", "Takes effect after the call and its wrap-up, if one is up.", s.floor.Logout)
	one("/ready", http.MethodPost, "be-ready", "Take calls", "Ends a pause or the wrap-up.", s.floor.Ready)
	one("/hangup", http.MethodPost, "hang-up", "End the call",
		"The customer is held quiet for the goodbye, then the line is closed.", s.floor.Hangup)
	one("/hold", http.MethodPost, "hold", "Put the customer on hold",
		"They hear what hold.music says until the agent resumes. A softphone's own hold key does the same.", s.floor.Hold)
	one("/resume", http.MethodPost, "resume", "Take the customer back", "", s.floor.Resume)
	one("/recording-pause", http.MethodPost, "pause-recording", "Pause the recording",
		"While the customer tells what must not be kept, such as the number and code of a card: the recording has silence instead of all who talk, and nothing of it is kept anywhere. It lasts through holds, and ends when the agent resumes, with the agent's part in the call, or after recording.max_pause, which begins anew where a pause is asked for again. A conflict where the call is not recorded.", s.floor.PauseRecording)
	one("/recording-pause", http.MethodDelete, "resume-recording", "Go on recording", "", s.floor.ResumeRecording)
	one("/preview", http.MethodPost, "preview", "Ask for the next lead", "It is reserved and shown, not dialed. Preview campaigns.", s.floor.Preview)
	one("/dial", http.MethodPost, "dial", "Dial the lead that is shown", "", s.floor.Dial)
	one("/skip", http.MethodPost, "skip", "Give the lead that is shown back", "It is not dialed and counts no attempt.", s.floor.Skip)

	route(s, op(http.MethodPost, "/v1/agents/{agent}/pause", "pause", tag, "Take a break",
		"At once, or after the call and its wrap-up if one is up.", own),
		func(ctx context.Context, in *pauseInput) (AgentStatus, error) {
			status, err := s.floor.Pause(ctx, in.Agent, in.Body.Reason)
			return status.tidy(), err
		})
	route(s, op(http.MethodPost, "/v1/agents/{agent}/leave", "leave", tag, "Announce a break or the end of the shift",
		"It begins at that time, or after the call and its wrap-up that is up then. Until it is near calls come as ever; then pacing dials ahead for the others only.", own),
		func(ctx context.Context, in *leaveInput) (AgentStatus, error) {
			status, err := s.floor.Leave(ctx, in.Agent, in.Body)
			return status.tidy(), err
		})
	one("/leave", http.MethodDelete, "stay", "Take back a break that was announced", "Or the end of the shift.", s.floor.Stay)
	route(s, op(http.MethodPost, "/v1/agents/{agent}/transfer", "transfer", tag, "Hand the customer to another party",
		"The new party is called while the customer waits. Once it has answered, the agent's part is over; if it does not, the customer comes back. A softphone's own transfer key does the same.", own),
		func(ctx context.Context, in *transferInput) (AgentStatus, error) {
			status, err := s.floor.Transfer(ctx, in.Agent, in.Body.To)
			return status.tidy(), err
		})
	route(s, op(http.MethodPost, "/v1/agents/{agent}/conference", "call-in", tag, "Have a third party join agent and customer",
		"Whom a transfer could reach. The conversation goes on while they are called. Each may leave: if the agent hangs up the customer goes on with the third party, as after a transfer.", own),
		func(ctx context.Context, in *transferInput) (AgentStatus, error) {
			status, err := s.floor.CallIn(ctx, in.Agent, in.Body.To)
			return status.tidy(), err
		})
	one("/conference", http.MethodDelete, "drop-third", "Let go of the third party", "Or of who is being called in.", s.floor.DropThird)
	for _, way := range []struct {
		part           ListenPart
		summary, heard string
	}{
		{PartListen, "Listen to the agent's calls", "hears both sides and is heard by nobody"},
		{PartWhisper, "Whisper to the agent", "hears both sides; the agent hears the supervisor, the customer does not"},
		{PartBarge, "Barge in on the agent's calls", "hears both sides, and both hear the supervisor"},
	} {
		route(s, op(http.MethodPost, "/v1/agents/{agent}/"+string(way.part), string(way.part), tag, way.summary,
			"The supervisor's telephone is called. Who answers it "+way.heard+", in this conversation and those that follow, until they hang up. Asked for again, it changes the part. The call detail record tells who listened.", access{role: RoleSupervisor}),
			func(ctx context.Context, in *listenInput) (AgentStatus, error) {
				status, err := s.floor.Listen(ctx, in.Agent, way.part, in.Body.Supervisor)
				return status.tidy(), err
			})
	}
	route(s, op(http.MethodPost, "/v1/agents/{agent}/dispose", "dispose", tag, "Name the result of the call",
		"During the call or in its wrap-up.", own),
		func(ctx context.Context, in *disposeInput) (AgentStatus, error) {
			status, err := s.floor.Dispose(ctx, in.Agent, in.Body)
			return status.tidy(), err
		})
}
