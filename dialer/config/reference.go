package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"time"

	"ringpace/configs"
	"ringpace/configs/document"
	"ringpace/configs/duration"
	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
)

// Reference returns the configuration reference as a table in Markdown. Keys,
// types, defaults and what may be reloaded are those of Config; the meanings are
// the comments of configs/ringpace.yaml, so that there is one text of each.
func Reference() string {
	meaning := comments(configs.Commented())
	var b strings.Builder
	b.WriteString("| key | type | default | reload | meaning |\n|---|---|---|---|---|\n")
	for _, e := range entries() {
		reload := ""
		if e.live {
			reload = "live"
		}
		text := strings.ReplaceAll(meaning[e.plain()], "|", `\|`)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", e.key, e.kind, code(e.standard), reload, text)
	}
	return b.String()
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// entry is one key of the configuration.
type entry struct {
	key      string // trunks[].identity.format
	kind     string // in words; "" for a section
	standard string // the default, as it would be written
	live     bool   // taken over by a reload
}

// plain is the key as comments has it.
func (e entry) plain() string { return strings.ReplaceAll(e.key, "[]", "") }

// entries lists every key, sections before what is in them.
func entries() []entry {
	c := Default()
	c.Node.ID = "" // the host name of wherever this runs
	var all []entry
	structEntries(&all, "", reflect.ValueOf(*c), false)
	return all
}

func structEntries(all *[]entry, path string, v reflect.Value, live bool) {
	for _, f := range document.Fields(v.Type()) {
		key, value := document.Join(path, f.Tag.Get("yaml")), v.FieldByIndex(f.Index)
		fieldLive := reloadable(f, live)
		e := entry{key: key, kind: kindOf(f.Type, f.Tag.Get("enum")), standard: show(value), live: fieldLive}
		switch of := value.Interface().(type) {
		case map[cdr.Outcome]gate.Retry:
			*all = append(*all, entry{key: key, live: fieldLive})
			for _, o := range cdr.All() {
				*all = append(*all, entry{
					key: document.Join(key, string(o)), kind: "retry", standard: showRetry(of[o]), live: fieldLive,
				})
			}
			continue
		case *gate.Retry:
			*all = append(*all, entry{key: key, live: fieldLive})
			structEntries(all, key, reflect.ValueOf(gate.Retry{}), fieldLive)
			continue
		}
		switch {
		case e.kind != "":
			*all = append(*all, e)
		case f.Type.Kind() == reflect.Slice:
			*all = append(*all, entry{key: key, live: fieldLive})
			d := decoder{config: Default()}
			element := reflect.New(f.Type.Elem()).Elem()
			d.preset(element)
			structEntries(all, key+"[]", element, fieldLive)
		default:
			*all = append(*all, entry{key: key, live: fieldLive})
			structEntries(all, key, value, fieldLive)
		}
	}
}

// reloadable reports what a field's tag says, else what holds above it.
func reloadable(f reflect.StructField, above bool) bool {
	switch f.Tag.Get("reload") {
	case "live", "fields":
		return true
	case "restart":
		return false
	}
	return above
}

// kindOf names a type for people; "" is a section.
func kindOf(t reflect.Type, enum string) string {
	switch reflect.Zero(t).Interface().(type) {
	case time.Duration:
		return "duration"
	case Size:
		return "size"
	case Percent:
		return "share"
	case PortRange:
		return "range of ports"
	case []Listen:
		return "list of listeners"
	case netip.Addr:
		return "address"
	case []netip.Prefix:
		return "list of networks"
	case []netip.AddrPort:
		return "list of addresses"
	case Secret:
		return "secret"
	case gate.Hours:
		return "list of windows, or always"
	}
	if enum != "" {
		enum = strings.ReplaceAll(enum, ",", ", ")
		if t.Kind() == reflect.Slice {
			return "list of " + enum
		}
		return enum
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Int, reflect.Float64:
		return "number"
	case reflect.Bool:
		return "true, false"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return "list of texts"
		}
	}
	return ""
}

// show writes a value as the file would; "" for what is empty.
func show(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return duration.Format(x)
	case bool, int, float64:
		return fmt.Sprint(x)
	case Secret:
		return x.String()
	case netip.Addr:
		if !x.IsValid() {
			return ""
		}
		return x.String()
	case gate.Hours:
		if len(x) == 0 {
			return ""
		}
		return x.String()
	case fmt.Stringer:
		return x.String()
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = show(v.Index(i))
		}
		if len(parts) == 0 {
			return ""
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return ""
}

var keyLine = regexp.MustCompile(`^( *)(#?)(- )?([a-z0-9_]+):( |$)`)

// comments returns the comment that stands before each key of a commented file,
// by key without list indexes. A key may itself be commented out: #key: value,
// without a space.
func comments(file string) map[string]string {
	type level struct {
		indent int
		key    string
	}
	var above []level
	var text []string
	found := make(map[string]string)
	for line := range strings.Lines(file) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimSpace(line)
		if comment, ok := strings.CutPrefix(trimmed, "# "); ok {
			text = append(text, comment)
			continue
		}
		if m := keyLine.FindStringSubmatch(line); m != nil {
			indent := len(m[1]) + len(m[3])
			for len(above) > 0 && above[len(above)-1].indent >= indent {
				above = above[:len(above)-1]
			}
			key := m[4]
			if len(above) > 0 {
				key = above[len(above)-1].key + "." + key
			}
			above = append(above, level{indent, key})
			if _, known := found[key]; !known {
				found[key] = strings.Join(text, " ")
			}
		}
		text = nil
	}
	return found
}
