package sim

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"ringpace/configs/document"
	"ringpace/configs/duration"
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
	r := reader{document.New(file)}
	r.scenario(data, &s)
	if len(r.Problems) == 0 {
		var v validator
		v.all(&s)
		for _, f := range v.faults {
			r.Fault(r.Nearest(f.Key), f.Key, "%s", f.Text)
		}
	}
	if len(r.Problems) > 0 {
		r.Problems.Sort()
		return Scenario{}, Faults(r.Problems)
	}
	return s, nil
}

// YAML writes a scenario so that Parse reads the same.
func (s *Scenario) YAML() ([]byte, error) {
	return yaml.MarshalWithOptions(plain(reflect.ValueOf(s).Elem(), ""), yaml.IndentSequence(true))
}

// reader fills a Scenario from a parsed document, by the types that it fills.
type reader struct{ *document.Document }

func (r reader) scenario(data []byte, s *Scenario) {
	if len(data) > maxFile {
		r.Fault(document.Beginning(), "", "the file is larger than 1 MiB")
		return
	}
	if body, _ := r.Parse(data); body != nil {
		r.value(body, reflect.ValueOf(s).Elem(), "", "")
	}
}

// value reads n into v, whose field has that unit.
func (r reader) value(n ast.Node, v reflect.Value, key, unit string) {
	if n = r.Resolve(n, key); n == nil {
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

func (r reader) list(n ast.Node, v reflect.Value, key string) {
	l, ok := n.(*ast.SequenceNode)
	if !ok {
		r.Fault(document.PlaceOf(n), key, "%s where a list is wanted; write each entry after a dash", document.What(n))
		return
	}
	v.SetZero()
	for i, n := range l.Values {
		path := fmt.Sprintf("%s[%d]", key, i)
		r.Note(path, document.PlaceOf(n), nil)
		item := reflect.New(v.Type().Elem()).Elem()
		r.value(n, item, path, "")
		v.Set(reflect.Append(v, item))
	}
}

func (r reader) mapping(n ast.Node, v reflect.Value, key string) {
	if key != "" {
		v.SetZero()
	}
	fields := document.Fields(v.Type())
	known := make([]string, len(fields))
	for i := range fields {
		known[i] = name(fields[i])
	}
	for _, p := range r.Pairs(n, key) {
		path := document.Join(key, p.Key)
		i := slices.Index(known, p.Key)
		switch {
		case i < 0:
			r.Fault(p.At, path, "unknown key%s", document.Suggest(p.Key, known))
		case p.Key == "mix" && strings.HasSuffix(key, "]"):
			r.Fault(p.At, path, "a mix holds no mixes") // and aliases could make them boundless
		default:
			r.Note(path, p.At, p.Value)
			r.value(p.Value, v.FieldByIndex(fields[i].Index), path, fields[i].Tag.Get("unit"))
		}
	}
}

// scalar reads a single word.
func (r reader) scalar(n ast.Node, v reflect.Value, key, unit string) {
	switch {
	case !document.Scalar(n):
		r.Fault(document.PlaceOf(n), key, "%s where a single value is wanted", document.What(n))
	case v.Kind() == reflect.String:
		v.SetString(document.Text(n))
	case v.Kind() == reflect.Int:
		i, _ := r.Int(n, key)
		v.SetInt(i)
	default:
		f, err := number(document.Text(n), unit)
		if err != nil {
			r.Fault(document.PlaceOf(n), key, "%v", err)
		}
		v.SetFloat(f)
	}
}

// number reads a time, a share, or what has no unit.
func number(text, unit string) (float64, error) {
	switch unit {
	case "s", "h":
		d, err := duration.Parse(text)
		if err != nil {
			return 0, err
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
	return document.Number(text)
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
		for _, f := range document.Fields(v.Type()) {
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
			return duration.Format(time.Duration(math.Round(v.Float() * float64(time.Second))))
		case "h":
			return duration.Format(time.Duration(math.Round(v.Float() * float64(time.Hour))))
		}
	}
	return v.Interface()
}
