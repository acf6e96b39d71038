package document

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// Bounds of what a hostile or mistaken file can make of aliases: how many may lead
// to one another, and how many merges there may be.
const (
	maxChain  = 16
	maxMerges = 1000
)

// Resolve strips anchors, aliases and tags. It returns nil for what is empty.
func (d *Document) Resolve(n ast.Node, key string) ast.Node {
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
				d.Fault(PlaceOf(v), key, "no anchor &%s in this file", name)
				return nil
			}
			n = to
		case *ast.NullNode, nil:
			return nil
		default:
			return n
		}
	}
	d.Fault(Beginning(), key, "the aliases lead in a circle")
	return nil
}

// What names the kind of a node for people.
func What(n ast.Node) string {
	switch v := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return strconv.FormatBool(v.Value) + " (a boolean)"
	}
	return strconv.Quote(Text(n))
}

// Text is a scalar as it stands in the file, so that 0100 and +4930 stay what they are.
func Text(n ast.Node) string {
	if l, ok := n.(*ast.LiteralNode); ok {
		return l.Value.Value
	}
	return n.GetToken().Value
}

// Scalar tells whether a node is a single word or number.
func Scalar(n ast.Node) bool {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode, *ast.IntegerNode, *ast.FloatNode:
		return true
	}
	return false
}

// Int reads a whole number of at most 32 bits; what is none is a fault.
func (d *Document) Int(n ast.Node, key string) (i int64, ok bool) {
	i, err := strconv.ParseInt(Text(n), 10, 32)
	if !Scalar(n) || err != nil {
		d.Fault(PlaceOf(n), key, "%s is not a whole number", What(n))
		return 0, false
	}
	return i, true
}

// Float reads a finite number; what is none is a fault.
func (d *Document) Float(n ast.Node, key string) (f float64, ok bool) {
	f, err := Number(Text(n))
	if !Scalar(n) || err != nil {
		d.Fault(PlaceOf(n), key, "%s is not a number", What(n))
		return 0, false
	}
	return f, true
}

// Number reads a finite number.
func Number(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return f, nil
}

// Pair is one key of a mapping and what stands under it.
type Pair struct {
	Key   string
	At    Place // of the key
	Value ast.Node
}

// Pairs lists a mapping's keys: its own, then those merged in (<<) that it does
// not have itself. What is no mapping, and a key that stands there twice, is a fault.
func (d *Document) Pairs(n ast.Node, path string) []Pair {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		d.Fault(PlaceOf(n), path, "%s where a mapping (key: value) is wanted", What(n))
		return nil
	}
	var own, merged []Pair
	seen := make(map[string]bool)
	for _, v := range values {
		if v.Key == nil {
			continue
		}
		if v.Key.IsMergeKey() {
			merged = append(merged, d.merge(v.Value, path)...)
			continue
		}
		p := Pair{Key: v.Key.GetToken().Value, At: PlaceOf(v.Key), Value: v.Value}
		if seen[p.Key] {
			d.Fault(p.At, Join(path, p.Key), "stands here twice; keep one")
			continue
		}
		seen[p.Key] = true
		own = append(own, p)
	}
	for _, p := range merged {
		if !seen[p.Key] {
			seen[p.Key] = true
			own = append(own, p)
		}
	}
	return own
}

// merge lists what "<<: *anchor" or "<<: [*a, *b]" brings in, nearest first.
func (d *Document) merge(n ast.Node, path string) []Pair {
	if d.merges++; d.merges > maxMerges {
		if d.merges == maxMerges+1 {
			d.Fault(PlaceOf(n), path, "more than %d merges (<<), or they lead in a circle", maxMerges)
		}
		return nil
	}
	n = d.Resolve(n, path)
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		if n == nil {
			return nil
		}
		return d.Pairs(n, path)
	}
	var all []Pair
	for _, e := range list.Values {
		all = append(all, d.merge(e, path)...)
	}
	return all
}

// Join is the path of a key that stands in what has that path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Fields are those of a struct that have a key, those of embedded structs among them.
func Fields(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Anonymous })
}
