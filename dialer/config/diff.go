package config

import (
	"fmt"
	"reflect"
	"strings"

	"ringpace/configs/document"
	"ringpace/configs/duration"
	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
)

// Change is one difference between two configurations.
type Change struct {
	Key        string // campaigns[welcome].ratio: list entries by name or id
	Old, New   string // as the file would have them; "" is absent. Secrets are masked
	Reloadable bool   // takes effect on a reload; otherwise at the next start
}

// String writes the change on one line.
func (c Change) String() string {
	text := fmt.Sprintf("%s: %s -> %s", c.Key, orNothing(c.Old), orNothing(c.New))
	if !c.Reloadable {
		text += " (at the next start)"
	}
	return text
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// Diff lists what differs, in the order of the configuration.
func Diff(before, after *Config) []Change {
	var d differ
	d.structs("", reflect.ValueOf(*before), reflect.ValueOf(*after), false)
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) add(key, before, after string, live bool) {
	d.changes = append(d.changes, Change{Key: key, Old: before, New: after, Reloadable: live})
}

func (d *differ) structs(path string, a, b reflect.Value, live bool) {
	for _, f := range document.Fields(a.Type()) {
		d.field(document.Join(path, f.Tag.Get("yaml")), f, a.FieldByIndex(f.Index), b.FieldByIndex(f.Index), reloadable(f, live))
	}
}

func (d *differ) field(key string, f reflect.StructField, a, b reflect.Value, live bool) {
	switch x := a.Interface().(type) {
	case Secret:
		d.secret(key, x, b.Interface().(Secret), live)
		return
	case map[cdr.Outcome]gate.Retry:
		y := b.Interface().(map[cdr.Outcome]gate.Retry)
		for _, o := range cdr.All() {
			if x[o] != y[o] {
				d.add(document.Join(key, string(o)), showRetry(x[o]), showRetry(y[o]), live)
			}
		}
		return
	case []CallerIDRule:
		if before, after := showRules(x), showRules(b.Interface().([]CallerIDRule)); before != after {
			d.add(key, before, after, live)
		}
		return
	case []Disposition:
		if before, after := showDispositions(x), showDispositions(b.Interface().([]Disposition)); before != after {
			d.add(key, before, after, live)
		}
		return
	}
	switch {
	case kindOf(f.Type, f.Tag.Get("enum")) != "":
		if before, after := show(a), show(b); before != after {
			d.add(key, before, after, live)
		}
	case f.Type.Kind() == reflect.Slice:
		d.lists(key, a, b, live, live && f.Tag.Get("reload") != "fields")
	default:
		d.structs(key, a, b, live)
	}
}

func (d *differ) secret(key string, a, b Secret, live bool) {
	switch {
	case a.value == b.value: // the same, from another place
	case a.Set() && b.Set():
		d.add(key, a.String(), b.String()+" (another)", live)
	default:
		d.add(key, a.String(), b.String(), live)
	}
}

// lists compares lists of trunks, agents and so on by name. entries: new and
// removed ones take effect at once.
func (d *differ) lists(key string, a, b reflect.Value, live, entries bool) {
	before, after := byName(a), byName(b)
	for i := range a.Len() {
		name := nameOf(a.Index(i))
		if now, ok := after[name]; ok {
			d.structs(fmt.Sprintf("%s[%s]", key, name), a.Index(i), now, live)
		} else {
			d.add(fmt.Sprintf("%s[%s]", key, name), "present", "", entries)
		}
	}
	for i := range b.Len() {
		name := nameOf(b.Index(i))
		if _, ok := before[name]; !ok {
			d.add(fmt.Sprintf("%s[%s]", key, name), "", "present", entries)
		}
	}
}

func byName(list reflect.Value) map[string]reflect.Value {
	m := make(map[string]reflect.Value, list.Len())
	for i := range list.Len() {
		m[nameOf(list.Index(i))] = list.Index(i)
	}
	return m
}

func nameOf(v reflect.Value) string {
	if f := v.FieldByName("ID"); f.IsValid() {
		return f.String()
	}
	return v.FieldByName("Name").String()
}

func showRetry(r gate.Retry) string {
	return fmt.Sprintf("{delay: %s, max: %d}", duration.Format(r.Delay), r.Max)
}

func showDispositions(all []Disposition) string {
	parts := make([]string, len(all))
	for i, d := range all {
		parts[i] = d.Name
		if d.Outcome != "" {
			parts[i] += fmt.Sprintf(" (%s)", d.Outcome)
		}
		if d.Retry != nil {
			parts[i] += " " + showRetry(*d.Retry)
		}
	}
	return fmt.Sprint(parts)
}

func showRules(all []CallerIDRule) string {
	parts := make([]string, len(all))
	for i, r := range all {
		parts[i] = fmt.Sprintf("{%v: %v}", r.Prefixes, r.CallerIDs)
	}
	return strings.Join(parts, " ")
}
