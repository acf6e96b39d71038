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

// TestEveryEndpointSettingIsHandedOn is the same for signalling as a whole. What is
// missing here are the daemon's own parts, which openSignalling adds.
func TestEveryEndpointSettingIsHandedOn(t *testing.T) {
	var c config.Config
	c.Node.ID = "dialer-1"
	c.SIP.Listen = []config.Listen{{Transport: config.TLS, Addr: netip.MustParseAddrPort("192.0.2.1:5061")}}
	c.SIP.UserAgent = "x"
	c.SIP.TLS = config.ListenTLS{CertFile: "cert", KeyFile: "key"}
	c.SIP.DNSServers = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}
	got := endpointConfig(&c)
	if len(got.Listen) != 1 || got.Listen[0].Transport != "tls" || got.Listen[0].Addr != c.SIP.Listen[0].Addr {
		t.Errorf("listens on %+v", got.Listen)
	}
	if got.UserAgent != "x" || got.Node != "dialer-1" || got.CertFile != "cert" || got.KeyFile != "key" {
		t.Errorf("%+v", got)
	}
	if len(got.Resolver.Servers) != 1 || got.Resolver.Servers[0] != c.SIP.DNSServers[0] {
		t.Errorf("asks %v", got.Resolver.Servers)
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
