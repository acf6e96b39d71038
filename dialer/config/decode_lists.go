package config

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"ringpace/configs/document"
	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
)

func (d *decoder) list(n ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	var items []ast.Node
	switch s := n.(type) {
	case *ast.SequenceNode:
		items = s.Values
	default:
		if !document.Scalar(n) {
			d.Fault(document.PlaceOf(n), path, "%s where a list is wanted; write each entry after a dash", document.What(n))
			return
		}
		items = []ast.Node{n} // a list of one may be written without brackets
	}
	out := reflect.MakeSlice(v.Type(), 0, len(items))
	for i, item := range items {
		key := fmt.Sprintf("%s[%d]", path, i)
		e := reflect.New(v.Type().Elem()).Elem()
		d.preset(e)
		if item != nil {
			d.Note(key, firstKey(item), nil)
		}
		d.value(item, e, key, tag)
		out = reflect.Append(out, e)
	}
	v.Set(out)
}

// profile is the one that a campaign's compliance names, of which its other values depend;
// nil where it names none that there is. Faults are told when the campaign is decoded.
func (d *decoder) profile(compliance document.Pair) *Profile {
	quiet := d.Aside()
	n := quiet.Resolve(compliance.Value, "")
	if n == nil {
		return nil
	}
	for _, p := range quiet.Pairs(n, "") {
		if name := quiet.Resolve(p.Value, ""); p.Key == "profile" && name != nil && document.Scalar(name) {
			return profileOf(document.Text(name))
		}
	}
	return nil
}

// firstKey is where a list's entry begins.
func firstKey(n ast.Node) document.Place {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && m.Values[0].Key != nil {
		return document.PlaceOf(m.Values[0].Key)
	}
	return document.PlaceOf(n)
}

// preset gives a list's new entry its defaults.
func (d *decoder) preset(e reflect.Value) {
	switch p := e.Addr().Interface().(type) {
	case *Trunk:
		*p = DefaultTrunk()
	case *Peer:
		*p = DefaultPeer()
	case *Agent:
		*p = DefaultAgent(d.config.AgentDefaults)
	case *Campaign:
		*p = DefaultCampaign()
	}
}

// outcomes decodes retry rules over the defaults.
func (d *decoder) outcomes(n ast.Node, v reflect.Value, path string) {
	retry := v.Interface().(map[cdr.Outcome]gate.Retry)
	names := make([]string, 0, len(cdr.All()))
	for _, o := range cdr.All() {
		names = append(names, string(o))
	}
	for _, p := range d.Pairs(n, path) {
		key := document.Join(path, p.Key)
		if !slices.Contains(names, p.Key) {
			d.Fault(p.At, key, "unknown outcome%s", document.Suggest(p.Key, names))
			continue
		}
		d.Note(key, p.At, p.Value)
		r := retry[cdr.Outcome(p.Key)]
		d.value(p.Value, reflect.ValueOf(&r).Elem(), key, "")
		retry[cdr.Outcome(p.Key)] = r
	}
}

func (d *decoder) hours(n ast.Node, h *gate.Hours, path string) {
	items := []ast.Node{n}
	if s, ok := n.(*ast.SequenceNode); ok {
		items = s.Values
	} else if document.Scalar(n) && document.Text(n) == "always" {
		*h = gate.Always()
		return
	}
	*h = nil
	for i, item := range items {
		key := fmt.Sprintf("%s[%d]", path, i)
		if item = d.Resolve(item, key); item == nil {
			continue
		}
		if !document.Scalar(item) {
			d.Fault(document.PlaceOf(item), key, "%s where a window is wanted; write \"mon-fri 09:00-20:00\", or hours: always", document.What(item))
			continue
		}
		w, err := gate.ParseWindow(document.Text(item))
		if err != nil {
			d.Fault(document.PlaceOf(item), key, "%v", err)
			continue
		}
		*h = append(*h, w)
	}
}
