package config

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
)

func (d *decoder) list(n ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	var items []ast.Node
	switch s := n.(type) {
	case *ast.SequenceNode:
		items = s.Values
	default:
		if !scalar(n) {
			d.fault(placeOf(n), path, "%s where a list is wanted; write each entry after a dash", what(n))
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
			d.at[key] = d.firstKey(item)
		}
		d.value(item, e, key, tag)
		out = reflect.Append(out, e)
	}
	v.Set(out)
}

// profile is the one that a campaign's compliance names, of which its other values depend;
// nil where it names none that there is. Faults are told when the campaign is decoded.
func (d *decoder) profile(compliance pair) *Profile {
	quiet := decoder{file: d.file, config: d.config, at: map[string]place{}, anchors: d.anchors}
	n := quiet.resolve(compliance.value, "")
	if n == nil {
		return nil
	}
	for _, p := range quiet.pairs(n, "") {
		if name := quiet.resolve(p.value, ""); p.key == "profile" && name != nil && scalar(name) {
			return profileOf(text(name))
		}
	}
	return nil
}

// firstKey is where a list's entry begins.
func (d *decoder) firstKey(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && m.Values[0].Key != nil {
		return placeOf(m.Values[0].Key)
	}
	return placeOf(n)
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
	for _, p := range d.pairs(n, path) {
		key := join(path, p.key)
		if !slices.Contains(names, p.key) {
			d.fault(p.at, key, "unknown outcome%s", suggest(p.key, names))
			continue
		}
		d.note(key, p.at, p.value)
		r := retry[cdr.Outcome(p.key)]
		d.value(p.value, reflect.ValueOf(&r).Elem(), key, "")
		retry[cdr.Outcome(p.key)] = r
	}
}

func (d *decoder) hours(n ast.Node, h *gate.Hours, path string) {
	items := []ast.Node{n}
	if s, ok := n.(*ast.SequenceNode); ok {
		items = s.Values
	} else if scalar(n) && text(n) == "always" {
		*h = gate.Always()
		return
	}
	*h = nil
	for i, item := range items {
		key := fmt.Sprintf("%s[%d]", path, i)
		if item = d.resolve(item, key); item == nil {
			continue
		}
		if !scalar(item) {
			d.fault(placeOf(item), key, "%s where a window is wanted; write \"mon-fri 09:00-20:00\", or hours: always", what(item))
			continue
		}
		w, err := gate.ParseWindow(text(item))
		if err != nil {
			d.fault(placeOf(item), key, "%v", err)
			continue
		}
		*h = append(*h, w)
	}
}
