package store

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ringpace/sip/registrar"
)

func contact(uri string, expires time.Duration) registrar.Contact {
	return registrar.Contact{
		URI: uri, Q: 700, Instance: "<urn:uuid:1>", RegID: 2, Path: []string{"sip:edge;lr"},
		Source: netip.MustParseAddrPort("192.0.2.7:5062"), Local: netip.MustParseAddrPort("198.51.100.1:5060"),
		Transport: "tcp", UserAgent: "phone", Expires: time.Now().Add(expires), CallID: "c", Seq: 7,
	}
}

func TestContactsAreKept(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		s := b.open(t, Config{})
		ctx := context.Background()
		keeper := s.Contacts()
		save := func(entries ...registrar.Entry) {
			t.Helper()
			if err := keeper.Save(ctx, entries); err != nil {
				t.Fatal(err)
			}
		}
		users := func(node string) map[string][]registrar.Contact {
			t.Helper()
			entries, err := keeper.Of(ctx, node)
			if err != nil {
				t.Fatal(err)
			}
			m := map[string][]registrar.Contact{}
			for _, e := range entries {
				m[e.User] = e.Contacts
			}
			return m
		}
		long, short := contact("sip:long@h", time.Hour), contact("sip:short@h", 50*time.Millisecond)
		short.Addr = netip.MustParseAddrPort("192.0.2.7:5060")
		save(registrar.Entry{User: "100", Contacts: []registrar.Contact{long, short}}, registrar.Entry{User: "200", Contacts: []registrar.Contact{short}})

		waitFor(t, "the short ones to expire", func() bool { return len(users(s.Node())) == 1 })
		got := users(s.Node())["100"]
		if len(got) != 1 {
			t.Fatalf("%+v", got)
		}
		if drift := got[0].Expires.Sub(long.Expires).Abs(); drift > 5*time.Second {
			t.Errorf("expires %s off", drift)
		}
		got[0].Expires = long.Expires
		if fmt.Sprint(got[0]) != fmt.Sprint(long) {
			t.Errorf("got  %+v\nwant %+v", got[0], long)
		}
		// What has lapsed leaves Redis with the next change of anybody.
		save(registrar.Entry{User: "300", Contacts: []registrar.Contact{long}})
		sp, err := nodeSpace(s.Node())
		if err != nil {
			t.Fatal(err)
		}
		if n := s.redis.HLen(ctx, sp.key("contacts")).Val(); n != 2 {
			t.Errorf("%d users are kept", n)
		}
		// Another node sees them, and has its own.
		other := b.open(t, Config{})
		if mine, err := other.Contacts().Load(ctx); err != nil || len(mine) != 0 {
			t.Errorf("%v %v", mine, err)
		}
		if theirs, err := other.Contacts().Of(ctx, s.Node()); err != nil || len(theirs) != 2 {
			t.Errorf("%v %v", theirs, err)
		}
		save(registrar.Entry{User: "100"}, registrar.Entry{User: "300"})
		if left := users(s.Node()); len(left) != 0 {
			t.Errorf("%v", left)
		}
	})
}

// More users than fit into one answer.
func TestManyContacts(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		s := b.open(t, Config{})
		var entries []registrar.Entry
		for i := range 3 * contactPage {
			entries = append(entries, registrar.Entry{User: fmt.Sprint(i), Contacts: []registrar.Contact{contact("sip:x@h", time.Hour)}})
		}
		if err := s.Contacts().Save(context.Background(), entries); err != nil {
			t.Fatal(err)
		}
		got, err := s.Contacts().Load(context.Background())
		if err != nil || len(got) != len(entries) {
			t.Errorf("%d of %d, %v", len(got), len(entries), err)
		}
	})
}
