package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// ndjson is the type of a stream of JSON values, one a line.
const ndjson = "application/x-ndjson"

// rejectsShown bounds the rejected rows in an answer that is no stream.
const rejectsShown = 1000

// ImportAnswer is the result of an import that was not streamed.
type ImportAnswer struct {
	ImportResult
	Header  []string      `json:"header" doc:"The columns of the file"`
	Rejects []RejectedRow `json:"rejects" doc:"The first thousand rows that were not taken"`
}

// ImportLine is one line of a streamed import; exactly one field is set. The first
// names the columns, the last holds the result or the error.
type ImportLine struct {
	Header   []string         `json:"header,omitempty"`
	Progress *ImportProgress  `json:"progress,omitempty"`
	Reject   *RejectedRow     `json:"reject,omitempty"`
	Result   *ImportResult    `json:"result,omitempty"`
	Error    *huma.ErrorModel `json:"error,omitempty"`
}

type importInput struct {
	Campaign string   `path:"campaign" maxLength:"128" doc:"Name of the campaign"`
	List     string   `query:"list" required:"true" minLength:"1" maxLength:"128" doc:"Name of the list; the leads keep it"`
	Region   string   `query:"region" pattern:"^[A-Z]{2}$" doc:"Of numbers without a country code, such as DE; as configured where it is left out"`
	Encoding string   `query:"encoding" enum:"utf-8,gb18030" doc:"Found from the text where it is left out"`
	Columns  []string `query:"column,explode" maxItems:"64" doc:"HEADING=NAME: the column with that heading is what Ringpace calls NAME"`
	Accept   string   `header:"Accept" doc:"application/x-ndjson streams progress and every rejected row"`
}

// importRoute takes a CSV file as the body. The answer streams along while the
// body still comes in (HTTP/1.1 in full duplex) if the client asks for NDJSON;
// otherwise it is one JSON document at the end.
func (s *Server) importRoute() {
	o := op(http.MethodPost, "/v1/campaigns/{campaign}/leads", "import-leads", "leads", "Add leads from a CSV file",
		"The first line names the columns. Rows that are wrong or known already are left out and told with their lines; the rest is taken. "+
			"Importing the same file again adds nothing. With Accept: application/x-ndjson the answer streams progress and every rejected row, "+
			"and the client must read it while it sends.",
		access{role: RoleAdmin, stream: true})
	o.RequestBody = &huma.RequestBody{
		Required: true, Description: "The file",
		Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}
	o.Errors = append(o.Errors, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	schemas := s.huma.OpenAPI().Components.Schemas
	o.Responses = map[string]*huma.Response{"200": {
		Description: "What the import came to",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemas.Schema(typeOf[ImportAnswer](), true, "")},
			ndjson:             {Schema: schemas.Schema(typeOf[ImportLine](), true, "")},
		},
	}}
	huma.Register(s.huma, o, func(_ context.Context, in *importInput) (*huma.StreamResponse, error) {
		columns, err := columnMap(in.Columns)
		if err != nil {
			return nil, err
		}
		opts := ImportOptions{List: in.List, Region: in.Region, Encoding: in.Encoding, Columns: columns}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			if t, _, _ := strings.Cut(ctx.Header("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(t), "text/csv") {
				s.refuse(ctx, http.StatusUnsupportedMediaType, "The body must be a CSV file: Content-Type: text/csv.")
				return
			}
			if strings.Contains(in.Accept, ndjson) {
				s.importStream(ctx, in.Campaign, opts)
			} else {
				s.importWhole(ctx, in.Campaign, opts)
			}
		}}, nil
	})
}

func columnMap(pairs []string) (map[string]string, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	m := make(map[string]string, len(pairs))
	for _, p := range pairs {
		heading, name, ok := strings.Cut(p, "=")
		if !ok || heading == "" || name == "" {
			return nil, huma.Error422UnprocessableEntity("column must be HEADING=NAME, not " + p + ".")
		}
		m[heading] = name
	}
	return m, nil
}

// importWhole answers once, when the file has been read.
func (s *Server) importWhole(ctx huma.Context, campaign string, opts ImportOptions) {
	body := s.importBody(ctx)
	var header []string
	var rejects []RejectedRow
	result, err := s.floor.ImportLeads(ctx.Context(), campaign, body, opts, ImportWatch{
		Header:   func(columns []string) { header = columns },
		Progress: func(ImportProgress) {},
		Reject: func(r RejectedRow) {
			if len(rejects) < rejectsShown {
				rejects = append(rejects, r)
			}
		},
	})
	if err != nil {
		s.writeProblem(ctx, s.importProblem(ctx, err))
		return
	}
	out := &pacedWriter{ctx: ctx, rc: body.rc, contentType: "application/json"}
	_ = json.NewEncoder(out).Encode(ImportAnswer{result, list(header), list(rejects)}) // the client has gone, then
}

// importStream answers line by line. Until the first line a refusal still has a
// status of its own; after it, it is the last line.
func (s *Server) importStream(ctx huma.Context, campaign string, opts ImportOptions) {
	body := s.importBody(ctx)
	// HTTP/2 and a test's recorder are full duplex, or need not be, as they are.
	if err := body.rc.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.writeProblem(ctx, problem(ctx.Context(), s.log, err))
		return
	}
	importing, stop := context.WithCancelCause(ctx.Context())
	defer stop(nil)
	out := &pacedWriter{ctx: ctx, rc: body.rc, contentType: ndjson}
	lines := json.NewEncoder(out)
	say := func(line ImportLine) {
		if err := lines.Encode(line); err != nil {
			stop(err) // nobody listens any more; the floor stops at its next look
			return
		}
		if line.Reject == nil { // those come in crowds
			_ = body.rc.Flush()
		}
	}
	result, err := s.floor.ImportLeads(importing, campaign, body, opts, ImportWatch{
		Header:   func(columns []string) { say(ImportLine{Header: list(columns)}) },
		Progress: func(p ImportProgress) { say(ImportLine{Progress: &p}) },
		Reject:   func(r RejectedRow) { say(ImportLine{Reject: &r}) },
	})
	if err == nil {
		say(ImportLine{Result: &result})
		return
	}
	err = s.importProblem(ctx, err)
	var model *huma.ErrorModel
	if !out.begun || !errors.As(err, &model) {
		ctx.SetHeader("Connection", "close") // the rest of the body is not read
		s.writeProblem(ctx, err)
		return
	}
	say(ImportLine{Error: model})
}

// importBody is the request's body, bounded in size and, piece by piece, in time.
func (s *Server) importBody(ctx huma.Context) *pacedReader {
	r, w := humago.Unwrap(ctx)
	return &pacedReader{r: http.MaxBytesReader(w, r.Body, s.maxImport), rc: unhurried(w)}
}

func (s *Server) importProblem(ctx huma.Context, err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return huma.NewError(http.StatusRequestEntityTooLarge, "The file is larger than this server takes. What was read so far is in; split the rest.")
	}
	return problem(ctx.Context(), s.log, err)
}
