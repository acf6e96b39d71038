package config

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"ringpace/dialer/gate"
)

// decoder fills a Config from a parsed document. It is our own walk over the
// syntax tree, not the library's Unmarshal, because that stops at its first
// fault and forgets where each value stood.
type decoder struct {
	file     string
	dir      string // of the file: secrets' paths begin there
	config   *Config
	at       map[string]place // of every key that the file has
	anchors  map[string]ast.Node
	merges   int // so far, bounded by maxMerges
	problems []Problem
}

type place struct{ line, column int }

func placeOf(n ast.Node) place {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return place{t.Position.Line, t.Position.Column}
	}
	return place{1, 1}
}

func (d *decoder) fault(p place, key, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		File: d.file, Line: p.line, Column: p.column, Key: key, Text: fmt.Sprintf(format, args...),
	})
}

// Visit collects the anchors; it makes the decoder an ast.Visitor.
func (d *decoder) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil && a.Value != nil {
		d.anchors[a.Name.GetToken().Value] = a.Value
	}
	return d
}

// Bounds of what a hostile or mistaken file can make of aliases: how many may lead
// to one another, and how many merges there may be.
const (
	maxChain  = 16
	maxMerges = 1000
)

// resolve strips anchors, aliases and tags. It returns nil for what is empty.
func (d *decoder) resolve(n ast.Node, path string) ast.Node {
	for range maxChain {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.TagNode:
			n = v.Value
		case *ast.AliasNode:
			name := v.Value.GetToken().Value
			to, ok := d.anchors[name]
			if !ok {
				d.fault(placeOf(v), path, "no anchor &%s in this file", name)
				return nil
			}
			n = to
		case *ast.NullNode, nil:
			return nil
		default:
			return n
		}
	}
	d.fault(place{1, 1}, path, "the aliases lead in a circle")
	return nil
}

// what names the kind of a node for people.
func what(n ast.Node) string {
	switch v := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return strconv.FormatBool(v.Value) + " (a boolean)"
	}
	return strconv.Quote(text(n))
}

// text is a scalar as it stands in the file, so that 0100 and +4930 stay what
// they are.
func text(n ast.Node) string {
	if l, ok := n.(*ast.LiteralNode); ok {
		return l.Value.Value
	}
	return n.GetToken().Value
}

func scalar(n ast.Node) bool {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode, *ast.IntegerNode, *ast.FloatNode:
		return true
	}
	return false
}

// value decodes n into v, whose field has that tag.
func (d *decoder) value(n ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	n = d.resolve(n, path)
	if n == nil {
		return // "key:" with nothing after it: as if it were not there
	}
	if parse := scalarParser(v.Type()); parse != nil {
		if !scalar(n) {
			d.fault(placeOf(n), path, "%s where a single value is wanted", what(n))
			return
		}
		got, err := parse(text(n))
		if err != nil {
			d.fault(placeOf(n), path, "%v", err)
			return
		}
		v.Set(reflect.ValueOf(got))
		return
	}
	switch p := v.Addr().Interface().(type) {
	case *Secret:
		d.secret(n, p, path)
		return
	case *gate.Hours:
		d.hours(n, p, path)
		return
	case *Disposition:
		if scalar(n) {
			p.Name = text(n)
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		e := reflect.New(v.Type().Elem())
		d.value(n, e.Elem(), path, tag)
		v.Set(e)
	case reflect.Struct:
		d.mapping(n, v, path)
	case reflect.Map:
		d.outcomes(n, v, path)
	case reflect.Slice:
		d.list(n, v, path, tag)
	case reflect.String:
		if !scalar(n) {
			d.fault(placeOf(n), path, "%s where a text is wanted; quote it if it is meant literally", what(n))
			return
		}
		d.enum(n, text(n), path, tag)
		v.SetString(text(n))
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
		} else {
			d.fault(placeOf(n), path, "%s is not a boolean; write true or false", what(n))
		}
	case reflect.Int:
		i, err := strconv.ParseInt(text(n), 10, 32)
		if !scalar(n) || err != nil {
			d.fault(placeOf(n), path, "%s is not a whole number", what(n))
			return
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text(n), 64)
		if !scalar(n) || err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			d.fault(placeOf(n), path, "%s is not a number", what(n))
			return
		}
		v.SetFloat(f)
	default:
		panic("config: no decoding for " + v.Type().String())
	}
}

// scalarParser returns how a type is read from a single value; nil for others.
func scalarParser(t reflect.Type) func(string) (any, error) {
	switch reflect.Zero(t).Interface().(type) {
	case time.Duration:
		return func(s string) (any, error) { return parseDuration(s) }
	case Size:
		return func(s string) (any, error) { return parseSize(s) }
	case Percent:
		return func(s string) (any, error) { return parsePercent(s) }
	case PortRange:
		return func(s string) (any, error) { return parsePortRange(s) }
	case Listen:
		return func(s string) (any, error) { return parseListen(s) }
	case netip.AddrPort:
		return func(s string) (any, error) { return parseNameServer(s) }
	case netip.Prefix:
		return func(s string) (any, error) { return parsePrefix(s) }
	case netip.Addr:
		return func(s string) (any, error) {
			a, err := netip.ParseAddr(s)
			if err != nil {
				return nil, fmt.Errorf("%q is not an IP address; write for example 192.0.2.10", s)
			}
			return a, nil
		}
	}
	return nil
}

func (d *decoder) enum(n ast.Node, word, path string, tag reflect.StructTag) {
	allowed := tag.Get("enum")
	if allowed == "" {
		return
	}
	words := strings.Split(allowed, ",")
	if !slices.Contains(words, word) {
		d.fault(placeOf(n), path, "%q is not known%s", word, suggest(word, words))
	}
}

// pair is one key of a mapping.
type pair struct {
	key   string
	at    place
	value ast.Node
}

// pairs lists a mapping's keys: its own, then those merged in (<<) that it does
// not have itself.
func (d *decoder) pairs(n ast.Node, path string) []pair {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		d.fault(placeOf(n), path, "%s where a mapping (key: value) is wanted", what(n))
		return nil
	}
	var own, merged []pair
	seen := make(map[string]bool)
	for _, v := range values {
		if v.Key == nil {
			continue
		}
		if v.Key.IsMergeKey() {
			merged = append(merged, d.merge(v.Value, path)...)
			continue
		}
		p := pair{key: v.Key.GetToken().Value, at: placeOf(v.Key), value: v.Value}
		if seen[p.key] {
			d.fault(p.at, join(path, p.key), "stands here twice; keep one")
			continue
		}
		seen[p.key] = true
		own = append(own, p)
	}
	for _, p := range merged {
		if !seen[p.key] {
			seen[p.key] = true
			own = append(own, p)
		}
	}
	return own
}

// merge lists what "<<: *anchor" or "<<: [*a, *b]" brings in, nearest first.
func (d *decoder) merge(n ast.Node, path string) []pair {
	if d.merges++; d.merges > maxMerges {
		if d.merges == maxMerges+1 {
			d.fault(placeOf(n), path, "more than %d merges (<<), or they lead in a circle", maxMerges)
		}
		return nil
	}
	n = d.resolve(n, path)
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		if n == nil {
			return nil
		}
		return d.pairs(n, path)
	}
	var all []pair
	for _, e := range list.Values {
		all = append(all, d.merge(e, path)...)
	}
	return all
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// renamed is what a key of earlier versions is called now; "" where it has not been one.
func renamed(key string) string {
	if key == "media.ring_back" {
		return "media.tones.country"
	}
	return ""
}

// keys are the fields that have a key, those of embedded structs among them.
func keys(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Anonymous })
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string) {
	given := make(map[string]pair)
	fields := keys(v.Type())
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.Tag.Get("yaml")
	}
	for _, p := range d.pairs(n, path) {
		if !slices.Contains(known, p.key) {
			if now := renamed(join(path, p.key)); now != "" {
				d.fault(p.at, join(path, p.key), "is called %s now", now)
				continue
			}
			d.fault(p.at, join(path, p.key), "unknown key%s", suggest(p.key, known))
			continue
		}
		given[p.key] = p
	}
	if k, ok := v.Addr().Interface().(*Campaign); ok {
		if p := d.profile(given["compliance"]); p != nil {
			k.choose(*p)
		}
	}
	// In the struct's order, not the file's: agents need agent_defaults.
	for i, f := range fields {
		p, ok := given[known[i]]
		if !ok {
			continue
		}
		key := join(path, p.key)
		d.note(key, p.at, p.value)
		d.value(p.value, v.FieldByIndex(f.Index), key, f.Tag)
	}
}

// note remembers where a key's value stands: the value itself where it is one
// word, else the key.
func (d *decoder) note(path string, key place, value ast.Node) {
	d.at[path] = key
	if value != nil && scalar(value) {
		d.at[path] = placeOf(value)
	}
}
