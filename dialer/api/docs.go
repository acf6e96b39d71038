package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"sort"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html.tmpl
var docsPage string

// docsRoute serves the OpenAPI document and a page made from it, all rendered
// once: nothing is fetched from the net, so that a floor without it can read them.
// It must be the last to register.
func (s *Server) docsRoute() {
	document := s.huma.OpenAPI()
	asJSON, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		panic("api: the OpenAPI document cannot be written: " + err.Error()) // a fault of the program
	}
	asYAML, err := document.YAML()
	if err != nil {
		panic("api: the OpenAPI document cannot be written: " + err.Error())
	}
	var page bytes.Buffer
	t := template.Must(template.New("docs").Parse(docsPage))
	if err := t.Execute(&page, chapters(document)); err != nil {
		panic("api: the page of the API: " + err.Error())
	}
	s.mux.Handle("GET /openapi.json", fixed("application/openapi+json", asJSON))
	s.mux.Handle("GET /openapi.yaml", fixed("application/openapi+yaml", asYAML))
	s.mux.Handle("GET /docs", fixed("text/html; charset=utf-8", page.Bytes()))
}

func fixed(contentType string, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, _ = w.Write(body)
	})
}

type docsEntry struct {
	Method, Path string
	*huma.Operation
}

type docsChapter struct {
	Tag     string
	Entries []docsEntry
}

type docsContent struct {
	Title, Version, Text string
	Chapters             []docsChapter
}

// chapters groups the operations by tag.
func chapters(document *huma.OpenAPI) docsContent {
	byTag := make(map[string][]docsEntry)
	for path, item := range document.Paths {
		for method, o := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodDelete: item.Delete,
		} {
			if o != nil {
				byTag[o.Tags[0]] = append(byTag[o.Tags[0]], docsEntry{method, path, o})
			}
		}
	}
	content := docsContent{Title: document.Info.Title, Version: document.Info.Version, Text: document.Info.Description}
	for tag, entries := range byTag {
		sort.Slice(entries, func(i, j int) bool {
			if entries[i].Path != entries[j].Path {
				return entries[i].Path < entries[j].Path
			}
			return entries[i].Method < entries[j].Method
		})
		content.Chapters = append(content.Chapters, docsChapter{tag, entries})
	}
	sort.Slice(content.Chapters, func(i, j int) bool { return content.Chapters[i].Tag < content.Chapters[j].Tag })
	return content
}
