// Package document reads a YAML file by hand of its syntax tree, so that all that is wrong
// with it comes at once, each fault with its place and its key. The library's own decoder
// stops at its first fault and forgets where each value stood, which validation wants to
// tell as well.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Document is a file with the places of its values, and what was found wrong with it.
type Document struct {
	File     string // as it is named in problems; "" for what was made in code
	Problems Problems

	at      map[string]Place // of every key that the file has
	anchors map[string]ast.Node
	merges  int // so far, bounded by maxMerges
}

// New is the document of a file that is yet to be parsed.
func New(file string) *Document {
	return &Document{File: file, at: make(map[string]Place), anchors: make(map[string]ast.Node)}
}

// Aside is the same document for a look ahead: what is found wrong and where values stand
// is forgotten with it.
func (d *Document) Aside() *Document {
	return &Document{File: d.File, at: make(map[string]Place), anchors: d.anchors}
}

// Place is where something stands in a file: line and column, from 1.
type Place struct{ Line, Column int }

// Beginning is the place of what has none.
func Beginning() Place { return Place{1, 1} }

// PlaceOf is where a node stands.
func PlaceOf(n ast.Node) Place {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return Place{t.Position.Line, t.Position.Column}
	}
	return Beginning()
}

// Note remembers where a key stands: its value where that is one word, else the key.
func (d *Document) Note(key string, at Place, value ast.Node) {
	d.at[key] = at
	if value != nil && Scalar(value) {
		d.at[key] = PlaceOf(value)
	}
}

// Given tells whether the file has the key.
func (d *Document) Given(key string) bool {
	_, given := d.at[key]
	return given
}

// Nearest is where the key stands, else the nearest key above it.
func (d *Document) Nearest(key string) Place {
	for key != "" {
		if p, ok := d.at[key]; ok {
			return p
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return Beginning()
}

// Fault adds a problem.
func (d *Document) Fault(at Place, key, format string, args ...any) {
	d.Problems = append(d.Problems, d.Problem(at, key, format, args...))
}

// Problem is one of this document, which is not added to those that it has.
func (d *Document) Problem(at Place, key, format string, args ...any) Problem {
	return Problem{File: d.File, Line: at.Line, Column: at.Column, Key: key, Text: fmt.Sprintf(format, args...)}
}

// Parse reads the file's one document; nil where it is empty, not ok where it is none.
func (d *Document) Parse(data []byte) (body ast.Node, ok bool) {
	file, err := parse(bytes.TrimPrefix(data, []byte("\uFEFF")))
	if err != nil {
		at, message := Beginning(), err.Error()
		var positioned yaml.Error
		if errors.As(err, &positioned) {
			message = positioned.GetMessage()
			if t := positioned.GetToken(); t != nil && t.Position != nil {
				at = Place{t.Position.Line, t.Position.Column}
			}
		}
		d.Fault(at, "", "not valid YAML: %s", message)
		return nil, false
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if _, comment := doc.Body.(*ast.CommentGroupNode); comment {
			continue
		}
		if body != nil {
			d.Fault(PlaceOf(doc.Body), "", "a second document (---); there may be one only")
			return nil, false
		}
		body = doc.Body
	}
	if body == nil {
		return nil, true
	}
	ast.Walk(d, body)
	return d.Resolve(body, ""), true
}

// parse turns a panic of the library into an error: an operator's typing error must not
// take the daemon down at a reload.
func parse(data []byte) (f *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser gave up (%v)", r)
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// Visit collects the anchors; it makes the document an ast.Visitor.
func (d *Document) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil && a.Value != nil {
		d.anchors[a.Name.GetToken().Value] = a.Value
	}
	return d
}
