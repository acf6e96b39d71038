package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"ringpace/dialer/lead"
)

// LeadChange is all that a list says of a person. What it leaves out is cleared.
type LeadChange struct {
	List     string            `json:"list" minLength:"1" maxLength:"128"`
	Numbers  []string          `json:"numbers" minItems:"1" maxItems:"16" doc:"E.164 with +; tried in turn"`
	Priority int               `json:"priority,omitempty" doc:"Higher is dialed sooner"`
	Due      time.Time         `json:"due,omitzero" doc:"Not dialed before"`
	Deadline time.Time         `json:"deadline,omitzero" doc:"Not dialed after"`
	TimeZone string            `json:"time_zone,omitempty" maxLength:"64" doc:"IANA name; found from the number where it is empty"`
	Fields   map[string]string `json:"fields,omitempty" doc:"For the agent's screen"`
}

type leadChangeInput struct {
	Campaign string `path:"campaign" maxLength:"128" doc:"Name of the campaign"`
	Lead     string `path:"lead" maxLength:"256" doc:"Id of the lead"`
	Body     LeadChange
}

func (s *Server) leadRoutes() {
	const tag = "leads"
	reads := access{role: RoleSupervisor}
	changes := access{role: RoleAdmin}
	const path = "/v1/campaigns/{campaign}/leads/{lead}"

	route(s, op(http.MethodGet, "/v1/campaigns/{campaign}/lead-counts", "count-leads", tag, "Leads by state", "", reads),
		func(ctx context.Context, in *campaignPath) (LeadCounts, error) {
			counts, err := s.floor.LeadCounts(ctx, in.Campaign)
			return counts.tidy(), err
		})
	route(s, op(http.MethodGet, path, "get-lead", tag, "One lead", "", reads),
		func(ctx context.Context, in *leadPath) (LeadStatus, error) {
			status, err := s.floor.Lead(ctx, in.Campaign, in.Lead)
			return status.tidy(), err
		})
	route(s, op(http.MethodPut, path, "change-lead", tag, "Change a lead",
		"From the answer on the lead is never dialed as it was.", changes),
		func(ctx context.Context, in *leadChangeInput) (LeadStatus, error) {
			b := in.Body
			status, err := s.floor.UpdateLead(ctx, in.Campaign, lead.Lead{
				ID: in.Lead, List: b.List, Numbers: b.Numbers, Priority: b.Priority,
				Due: b.Due, Deadline: b.Deadline, TimeZone: b.TimeZone, Fields: b.Fields,
			})
			return status.tidy(), err
		})
	command(s, op(http.MethodDelete, path, "withdraw-lead", tag, "Withdraw a lead",
		"From the answer on it is not dialed any more.", changes),
		func(ctx context.Context, in *leadPath) error { return s.floor.WithdrawLead(ctx, in.Campaign, in.Lead) })
	route(s, op(http.MethodGet, path+"/explanation", "explain-lead", tag, "Why a lead is not dialed",
		"Each rule as it judges the lead now, and its attempts so far.", reads),
		func(ctx context.Context, in *leadPath) (LeadExplanation, error) {
			e, err := s.floor.ExplainLead(ctx, in.Campaign, in.Lead)
			return e.tidy(), err
		})
	s.exportRoute(tag)
}

// exportRoute streams the leads as CSV. A failure after the first byte breaks the
// connection, so that no half list is taken for a whole one.
func (s *Server) exportRoute(tag string) {
	o := op(http.MethodGet, "/v1/campaigns/{campaign}/leads", "export-leads", tag, "All leads as CSV",
		"With a header line. A connection that ends early means that the list is not whole.",
		access{role: RoleAdmin, stream: true})
	o.Responses = plain("200", "The leads", "text/csv")
	huma.Register(s.huma, o, func(_ context.Context, in *campaignPath) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			_, w := humago.Unwrap(ctx)
			out := &pacedWriter{ctx: ctx, rc: unhurried(w), contentType: "text/csv; charset=utf-8"}
			err := s.floor.ExportLeads(ctx.Context(), in.Campaign, out)
			switch {
			case err != nil && !out.begun:
				s.writeProblem(ctx, problem(ctx.Context(), s.log, err))
			case err != nil:
				s.log.WarnContext(ctx.Context(), "export of leads broke off", "campaign", in.Campaign, "error", err)
				panic(http.ErrAbortHandler)
			case !out.begun: // nothing to export is an empty file
				out.begin()
			}
		}}, nil
	})
}

// writeProblem answers with a problem document from inside a stream.
func (s *Server) writeProblem(ctx huma.Context, err error) {
	var model *huma.ErrorModel
	if !errors.As(err, &model) {
		model = &huma.ErrorModel{Status: http.StatusInternalServerError, Detail: err.Error()}
	}
	details := make([]error, len(model.Errors))
	for i, d := range model.Errors {
		details[i] = d
	}
	_ = huma.WriteErr(s.huma, ctx, model.Status, model.Detail, details...)
}

// unhurried lifts the server's deadline from an answer that may begin late.
func unhurried(w http.ResponseWriter) *http.ResponseController {
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Time{}) // a test's recorder has none
	return rc
}

// pacedWriter writes an answer of any length: the client has streamTimeout for each
// piece. The header goes out before the first byte.
type pacedWriter struct {
	ctx         huma.Context
	rc          *http.ResponseController
	contentType string
	begun       bool
}

func (p *pacedWriter) begin() {
	p.begun = true
	p.ctx.SetHeader("Content-Type", p.contentType)
	p.ctx.SetStatus(http.StatusOK)
}

func (p *pacedWriter) Write(b []byte) (int, error) {
	if !p.begun {
		p.begin()
	}
	// A writer without deadlines (a test's recorder) needs none.
	if err := p.rc.SetWriteDeadline(time.Now().Add(streamTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.ctx.BodyWriter().Write(b)
}

// pacedReader reads a body of any length: the client has streamTimeout for each
// piece.
type pacedReader struct {
	r  io.Reader
	rc *http.ResponseController
}

func (p *pacedReader) Read(b []byte) (int, error) {
	if err := p.rc.SetReadDeadline(time.Now().Add(streamTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.r.Read(b)
}
