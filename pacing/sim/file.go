package sim

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a scenario's file, in octets.
const maxFile = 1 << 20

// Load reads a scenario from a file. See Parse.
func Load(path string) (Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return Scenario{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Scenario{}, err
	}
	return Parse(path, data)
}

// Parse reads a scenario, in YAML with the keys of the structs' tags. Times have a unit
// (18s, 2m, 8h), shares may be written as 0.2 or 20%. It must tell its crews and people;
// what else it does not tell is as in the preset A20, and its name is that of the file.
// What is wrong with it comes as Faults, all at once, with their places.
func Parse(file string, data []byte) (Scenario, error) {
	s, _ := FindScenario("A20")
	s.Name, s.About, s.Crews, s.People = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), "", nil, nil
	r := &reader{file: file, at: make(map[string]position), anchors: make(map[string]ast.Node)}
	if body := r.document(data); body != nil {
		r.value(body, reflect.ValueOf(&s).Elem(), "", "")
	}
	if len(r.faults) == 0 {
		var v validator
		v.all(&s)
		for _, f := range v.faults {
			r.fault(r.nearest(f.Key), f.Key, "%s", f.Text)
		}
	}
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b Fault) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return Scenario{}, r.faults
	}
	return s, nil
}

// YAML writes a scenario so that Parse reads the same.
func (s *Scenario) YAML() ([]byte, error) {
	return yaml.MarshalWithOptions(plain(reflect.ValueOf(s).Elem(), ""), yaml.IndentSequence(true))
}

// reader walks over the syntax tree by the types that it fills: the library's decoder
// stops at its first fault, and keeps no places for what validation finds.
type reader struct {
	file    string
	at      map[string]position // of every key that the file has
	anchors map[string]ast.Node
	faults  Faults
}

type position struct{ line, column int }

func positionOf(n ast.Node) position {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return position{t.Position.Line, t.Position.Column}
	}
	return position{1, 1}
}

func (r *reader) fault(p position, key, format string, args ...any) {
	r.faults = append(r.faults, Fault{File: r.file, Line: p.line, Column: p.column, Key: key, Text: fmt.Sprintf(format, args...)})
}

// nearest is where a key stands, or else what it belongs to.
func (r *reader) nearest(key string) position {
	for key != "" {
		if p, ok := r.at[key]; ok {
			return p
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return position{1, 1}
}

// Visit collects the anchors; it makes the reader an ast.Visitor.
func (r *reader) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil && a.Value != nil {
		r.anchors[a.Name.GetToken().Value] = a.Value
	}
	return r
}

// document is the one document of a file; nil where there is none.
func (r *reader) document(data []byte) ast.Node {
	if len(data) > maxFile {
		r.fault(position{1, 1}, "", "the file is larger than 1 MiB")
		return nil
	}
	f, err := parse(data)
	if err != nil {
		at, text := position{1, 1}, err.Error()
		var placed yaml.Error
		if errors.As(err, &placed) {
			text = placed.GetMessage()
			if t := placed.GetToken(); t != nil && t.Position != nil {
				at = position{t.Position.Line, t.Position.Column}
			}
		}
		r.fault(at, "", "not valid YAML: %s", text)
		return nil
	}
	var body ast.Node
	for _, d := range f.Docs {
		if d.Body == nil {
			continue
		}
		if _, comment := d.Body.(*ast.CommentGroupNode); comment {
			continue
		}
		if body != nil {
			r.fault(positionOf(d.Body), "", "a second document (---); a file is one scenario")
			return nil
		}
		body = d.Body
	}
	if body != nil {
		ast.Walk(r, body)
	}
	return body
}

// parse turns a panic of the library into an error.
func parse(data []byte) (f *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser gave up (%v)", p)
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// mostAliases is how many may lead to one another.
const mostAliases = 8

// resolve strips anchors and aliases; nil is what is empty.
func (r *reader) resolve(n ast.Node, key string) ast.Node {
	for range mostAliases {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			to, ok := r.anchors[v.Value.GetToken().Value]
			if !ok {
				r.fault(positionOf(v), key, "there is no anchor &%s", v.Value.GetToken().Value)
				return nil
			}
			n = to
		case *ast.NullNode, nil:
			return nil
		default:
			return n
		}
	}
	r.fault(positionOf(n), key, "the aliases lead in a circle")
	return nil
}

// value reads n into v, whose field has that unit.
func (r *reader) value(n ast.Node, v reflect.Value, key, unit string) {
	if n = r.resolve(n, key); n == nil {
		return // as if it were not there
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(n, v.Elem(), key, unit)
	case reflect.Struct:
		r.mapping(n, v, key)
	case reflect.Slice:
		r.list(n, v, key)
	default:
		r.scalar(n, v, key, unit)
	}
}

func (r *reader) list(n ast.Node, v reflect.Value, key string) {
	l, ok := n.(*ast.SequenceNode)
	if !ok {
		r.fault(positionOf(n), key, "a list is wanted here: each item after a dash")
		return
	}
	v.SetZero()
	for i, n := range l.Values {
		path := fmt.Sprintf("%s[%d]", key, i)
		r.at[path] = positionOf(n)
		item := reflect.New(v.Type().Elem()).Elem()
		r.value(n, item, path, "")
		v.Set(reflect.Append(v, item))
	}
}

func (r *reader) mapping(n ast.Node, v reflect.Value, key string) {
	var pairs []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	default:
		r.fault(positionOf(n), key, "a mapping (key: value) is wanted here")
		return
	}
	if key != "" {
		v.SetZero()
	}
	fields := keys(v.Type())
	seen := make(map[string]bool)
	for _, p := range pairs {
		if p.Key == nil {
			continue
		}
		word := p.Key.GetToken().Value
		path := strings.TrimPrefix(key+"."+word, ".")
		i := slices.IndexFunc(fields, func(f reflect.StructField) bool { return name(f) == word })
		switch {
		case i < 0:
			words := make([]string, len(fields))
			for j := range fields {
				words[j] = name(fields[j])
			}
			r.fault(positionOf(p.Key), path, "is not known; there are %s", strings.Join(words, ", "))
		case seen[word]:
			r.fault(positionOf(p.Key), path, "stands here twice")
		case word == "mix" && strings.HasSuffix(key, "]"):
			r.fault(positionOf(p.Key), path, "a mix holds no mixes") // and aliases could make them boundless
		default:
			seen[word] = true
			r.at[path] = positionOf(p.Key)
			r.value(p.Value, v.FieldByIndex(fields[i].Index), path, fields[i].Tag.Get("unit"))
		}
	}
}

// scalar reads a single word.
func (r *reader) scalar(n ast.Node, v reflect.Value, key, unit string) {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode, *ast.IntegerNode, *ast.FloatNode:
	default:
		r.fault(positionOf(n), key, "a single value is wanted here")
		return
	}
	r.at[key] = positionOf(n)
	text := n.GetToken().Value
	if l, ok := n.(*ast.LiteralNode); ok {
		text = l.Value.Value
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int:
		var i int64
		if i, err = strconv.ParseInt(text, 10, 32); err != nil {
			err = fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(i)
	default:
		var f float64
		f, err = number(text, unit)
		v.SetFloat(f)
	}
	if err != nil {
		r.fault(positionOf(n), key, "%v", err)
	}
}

// number reads a time, a share, or what has no unit.
func number(text, unit string) (float64, error) {
	switch unit {
	case "s", "h":
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, fmt.Errorf("%q is not a time with its unit, such as 18s, 2m or 8h", text)
		}
		if unit == "h" {
			return float64(d) / float64(time.Hour), nil
		}
		return d.Seconds(), nil
	case "share":
		if percent, ok := strings.CutSuffix(text, "%"); ok {
			f, err := number(strings.TrimSpace(percent), "")
			return f / 100, err
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return f, nil
}

// keys are the fields that have a key, those of embedded structs among them.
func keys(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Anonymous })
}

func name(f reflect.StructField) string {
	word, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return word
}

// plain is a value as the library writes it: with times and their units.
func plain(v reflect.Value, unit string) any {
	switch v.Kind() {
	case reflect.Pointer:
		return plain(v.Elem(), unit)
	case reflect.Struct:
		var m yaml.MapSlice
		for _, f := range keys(v.Type()) {
			field := v.FieldByIndex(f.Index)
			if field.IsZero() && strings.HasSuffix(f.Tag.Get("yaml"), ",omitempty") {
				continue
			}
			m = append(m, yaml.MapItem{Key: name(f), Value: plain(field, f.Tag.Get("unit"))})
		}
		return m
	case reflect.Slice:
		l := make([]any, v.Len())
		for i := range l {
			l[i] = plain(v.Index(i), "")
		}
		return l
	case reflect.Float64:
		switch unit {
		case "s":
			return span(time.Duration(math.Round(v.Float() * float64(time.Second))))
		case "h":
			return span(time.Duration(math.Round(v.Float() * float64(time.Hour))))
		}
	}
	return v.Interface()
}

// span writes a time without the zeros that it may end with: 8h, not 8h0m0s.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
