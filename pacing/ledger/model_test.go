package ledger

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"ringpace/pacing"
)

// learned is a model that differs from a new one, whatever models are made of.
func learned(t testing.TB) pacing.Model {
	t.Helper()
	var m pacing.Model
	if !fill(reflect.ValueOf(&m).Elem()) {
		t.Fatal("a model has nothing that could be learned")
	}
	return m
}

// fill sets the first number that it finds.
func fill(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Float64:
		v.SetFloat(0.125)
		return true
	case reflect.Int:
		v.SetInt(7)
		return true
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && fill(v.Field(i)) {
				return true
			}
		}
	case reflect.Array:
		return v.Len() > 0 && fill(v.Index(0))
	}
	return false
}

func asJSON(t testing.TB, m pacing.Model) string {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWhatWasLearnedOutlivesItsOwner(t *testing.T) {
	onEach(t, func(f *floor) {
		a, b := f.node("a"), f.node("b")
		if m, found, err := a.Load(f.Context(), f.campaign); found || err != nil || asJSON(f, m) != asJSON(f, pacing.Model{}) {
			f.Errorf("before anything was learned: %v, %v", found, err)
		}
		want := learned(f)
		if err := a.Save(f.Context(), f.campaign, 3, want); err != nil {
			f.Fatal(err)
		}
		got, found, err := b.Load(f.Context(), f.campaign)
		if !found || err != nil || asJSON(f, got) != asJSON(f, want) {
			f.Errorf("%+v, %v, %v", got, found, err)
		}
		// A former owner comes late.
		if err := b.Save(f.Context(), f.campaign, 4, want); err != nil {
			f.Fatal(err)
		}
		if err := a.Save(f.Context(), f.campaign, 3, pacing.Model{}); !errors.Is(err, ErrFenced) {
			f.Errorf("a stale epoch: %v", err)
		}
		// The campaign has an owner who has not saved yet.
		sp, _ := spaceOf(f.campaign)
		if err := f.client.HSet(f.Context(), sp.campaign(), "epoch", 5).Err(); err != nil {
			f.Fatal(err)
		}
		if err := b.Save(f.Context(), f.campaign, 4, pacing.Model{}); !errors.Is(err, ErrFenced) {
			f.Errorf("a stale epoch: %v", err)
		}
		if got, _, err := a.Load(f.Context(), f.campaign); err != nil || asJSON(f, got) != asJSON(f, want) {
			f.Errorf("a stale owner has changed the model: %+v, %v", got, err)
		}
		// Another version of the program knows other models.
		for _, spoil := range [][]string{{"version", "0"}, {"version", modelVersion, "model", `{`}, {"model", ""}} {
			if err := f.client.HSet(f.Context(), sp.learned(), spoil).Err(); err != nil {
				f.Fatal(err)
			}
			if got, found, err := a.Load(f.Context(), f.campaign); found || err != nil || asJSON(f, got) != asJSON(f, pacing.Model{}) {
				f.Errorf("%v: %v, %v", spoil, found, err)
			}
		}
	})
}

// What must not be taken for one another has another shape.
func TestShape(t *testing.T) {
	type inner struct{ X [3]float64 }
	types := []reflect.Type{
		reflect.TypeFor[struct{ A float64 }](),
		reflect.TypeFor[struct{ B float64 }](),
		reflect.TypeFor[struct {
			A float64 `json:"a"`
		}](),
		reflect.TypeFor[struct{ A int }](),
		reflect.TypeFor[struct{ A []float64 }](),
		reflect.TypeFor[struct{ A [2]float64 }](),
		reflect.TypeFor[struct{ A [3]float64 }](),
		reflect.TypeFor[struct{ A inner }](),
		reflect.TypeFor[struct{ A *inner }](),
		reflect.TypeFor[struct{ A map[string]inner }](),
		reflect.TypeFor[struct{ A map[string]float64 }](),
	}
	seen := make(map[string]reflect.Type)
	for _, typ := range types {
		s := shape(typ)
		if other, ok := seen[s]; ok {
			t.Errorf("%v and %v have the same shape %s", typ, other, s)
		}
		seen[s] = typ
	}
	if a, b := shape(types[0]), shape(reflect.TypeFor[struct {
		A float64
		b int
	}]()); a != b {
		t.Errorf("what JSON does not show changes the shape: %s, %s", a, b)
	}
}

func FuzzModel(f *testing.F) {
	f.Add(modelVersion, asJSON(f, learned(f)))
	f.Add(modelVersion, `{"calls":null}`)
	f.Add("0", "{}")
	f.Fuzz(func(t *testing.T, version, text string) {
		m, err := parseModel(version, text)
		if err != nil {
			return
		}
		if again, err := parseModel(modelVersion, asJSON(t, m)); err != nil || asJSON(t, again) != asJSON(t, m) {
			t.Errorf("%s: %v", text, err)
		}
	})
}
