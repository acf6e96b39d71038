package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"ringpace/configs/document"
	"ringpace/configs/duration"
	"ringpace/dialer/gate"
)

// decoder fills a Config from a parsed document, by the types that it fills.
type decoder struct {
	*document.Document
	dir    string // of the file: secrets' paths begin there
	config *Config
}

// value decodes n into v, whose field has that tag.
func (d *decoder) value(n ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	n = d.Resolve(n, path)
	if n == nil {
		return // "key:" with nothing after it: as if it were not there
	}
	if parse := scalarParser(v.Type()); parse != nil {
		if !document.Scalar(n) {
			d.Fault(document.PlaceOf(n), path, "%s where a single value is wanted", document.What(n))
			return
		}
		got, err := parse(document.Text(n))
		if err != nil {
			d.Fault(document.PlaceOf(n), path, "%v", err)
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
		if document.Scalar(n) {
			p.Name = document.Text(n)
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
		if !document.Scalar(n) {
			d.Fault(document.PlaceOf(n), path, "%s where a text is wanted; quote it if it is meant literally", document.What(n))
			return
		}
		d.enum(n, document.Text(n), path, tag)
		v.SetString(document.Text(n))
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
		} else {
			d.Fault(document.PlaceOf(n), path, "%s is not a boolean; write true or false", document.What(n))
		}
	case reflect.Int:
		if i, ok := d.Int(n, path); ok {
			v.SetInt(i)
		}
	case reflect.Float64:
		if f, ok := d.Float(n, path); ok {
			v.SetFloat(f)
		}
	default:
		panic("config: no decoding for " + v.Type().String())
	}
}

// scalarParser returns how a type is read from a single value; nil for others.
func scalarParser(t reflect.Type) func(string) (any, error) {
	switch reflect.Zero(t).Interface().(type) {
	case time.Duration:
		return func(s string) (any, error) { return duration.Parse(s) }
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
		d.Fault(document.PlaceOf(n), path, "%q is not known%s", word, document.Suggest(word, words))
	}
}

// renamed is what a key of earlier versions is called now; "" where it has not been one.
func renamed(key string) string {
	if key == "media.ring_back" {
		return "media.tones.country"
	}
	return ""
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string) {
	given := make(map[string]document.Pair)
	fields := document.Fields(v.Type())
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.Tag.Get("yaml")
	}
	for _, p := range d.Pairs(n, path) {
		if !slices.Contains(known, p.Key) {
			if now := renamed(document.Join(path, p.Key)); now != "" {
				d.Fault(p.At, document.Join(path, p.Key), "is called %s now", now)
				continue
			}
			d.Fault(p.At, document.Join(path, p.Key), "unknown key%s", document.Suggest(p.Key, known))
			continue
		}
		given[p.Key] = p
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
		key := document.Join(path, p.Key)
		d.Note(key, p.At, p.Value)
		d.value(p.Value, v.FieldByIndex(f.Index), key, f.Tag)
	}
}
