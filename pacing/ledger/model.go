package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"ringpace/pacing"
)

// modelMeaning is raised when what a field of pacing.Model means changes while its shape
// does not.
const modelMeaning = 1

// modelVersion tells models apart that must not be taken for one another: by their
// meaning and by their shape.
var modelVersion = fmt.Sprintf("%d-%.6x", modelMeaning, sha256.Sum256([]byte(shape(reflect.TypeFor[pacing.Model]()))))

// shape describes the JSON form of a type: names of fields, kinds, lengths of arrays.
func shape(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		var b strings.Builder
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() || f.Anonymous {
				fmt.Fprintf(&b, "%s %q %s;", f.Name, f.Tag.Get("json"), shape(f.Type))
			}
		}
		return "{" + b.String() + "}"
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), shape(t.Elem()))
	case reflect.Slice, reflect.Pointer:
		return t.Kind().String() + " " + shape(t.Elem())
	case reflect.Map:
		return "map " + shape(t.Key()) + " " + shape(t.Elem())
	}
	return t.Kind().String()
}

// Save stores what a campaign has learned. epoch is its owner's fencing epoch: ErrFenced
// where there is a newer one.
func (l *Ledger) Save(ctx context.Context, campaign string, epoch int64, model pacing.Model) error {
	sp, err := spaceOf(campaign)
	if err != nil {
		return err
	}
	text, err := json.Marshal(model)
	if err != nil {
		return fmt.Errorf("ledger: what campaign %s has learned: %w", campaign, err)
	}
	_, err = l.run(ctx, l.scripts.save, []string{sp.learned(), sp.campaign()}, epoch, modelVersion, text)
	return err
}

// Load returns what a campaign had learned, and whether there is something: a model of a
// version that is not known is passed over, for a cold start does no harm.
func (l *Ledger) Load(ctx context.Context, campaign string) (pacing.Model, bool, error) {
	sp, err := spaceOf(campaign)
	if err != nil {
		return pacing.Model{}, false, err
	}
	short, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	got, err := l.cfg.Redis.HMGet(short, sp.learned(), "version", "model").Result()
	if err != nil {
		return pacing.Model{}, false, explain(err)
	}
	version, stored := got[0].(string)
	if !stored {
		return pacing.Model{}, false, nil
	}
	text, _ := got[1].(string)
	model, err := parseModel(version, text)
	if err != nil {
		l.log.Warn("what the campaign had learned is of no use; it starts cold", "campaign", campaign, "err", err)
		return pacing.Model{}, false, nil
	}
	return model, true, nil
}

var errModel = errors.New("ledger: no model of this version")

func parseModel(version, text string) (model pacing.Model, err error) {
	if version != modelVersion {
		return pacing.Model{}, fmt.Errorf("%w: %s, not %s", errModel, version, modelVersion)
	}
	if err = json.Unmarshal([]byte(text), &model); err != nil {
		return pacing.Model{}, fmt.Errorf("%w: %w", errModel, err)
	}
	return model, nil
}
