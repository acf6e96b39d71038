package dialer

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/config"
	"ringpace/sip"
)

// TestEveryTrunkSettingIsHandedOn fills every field of a trunk's and a peer's
// configuration and holds that signalling gets all of them: a setting that reaches
// nobody is a fault.
func TestEveryTrunkSettingIsHandedOn(t *testing.T) {
	var trunk config.Trunk
	fill(t, reflect.ValueOf(&trunk).Elem())
	trunk.Calls.Refresher = "uac"
	var peer config.Peer
	fill(t, reflect.ValueOf(&peer).Elem())
	peer.Calls.Refresher = "uas"
	for name, got := range map[string]sip.TrunkConfig{"trunk": trunkConfig(trunk), "peer": linkConfig(peer.Link)} {
		for _, field := range unset("", reflect.ValueOf(got)) {
			if name == "peer" && (strings.HasPrefix(field, ".Identity.") || field == ".BulkContact" || field == ".RejectAnonymous") {
				continue // a PBX gets extensions, and no caller IDs
			}
			t.Errorf("%s: nothing sets %s", name, field)
		}
	}
	if p := policyOf(config.Calls{Refresher: "any"}); p.Refresher != "" {
		t.Errorf("refresher any is %q", p.Refresher)
	}
}

// fill sets every field to something.
func fill(t *testing.T, v reflect.Value) {
	switch v.Interface().(type) {
	case config.Secret:
		v.Set(reflect.ValueOf(config.NewSecret("secret")))
		return
	case time.Duration:
		v.SetInt(int64(time.Minute))
		return
	case netip.Prefix:
		v.Set(reflect.ValueOf(netip.MustParsePrefix("192.0.2.0/24")))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1)
	default:
		t.Fatalf("no value for a %s", v.Type())
	}
}

// unset lists the fields that are zero.
func unset(path string, v reflect.Value) []string {
	if v.Kind() == reflect.Struct {
		if _, ok := v.Interface().(netip.Prefix); !ok {
			var list []string
			for i := range v.NumField() {
				list = append(list, unset(path+"."+v.Type().Field(i).Name, v.Field(i))...)
			}
			return list
		}
	}
	if v.IsZero() {
		return []string{path}
	}
	return nil
}
