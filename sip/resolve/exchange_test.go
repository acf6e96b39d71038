package resolve

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"ringpace/sip/resolve/resolvetest"
)

func TestTruncation(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, zone)
	server.Truncate()
	r, _ := newResolver(t, Config{}, server)
	if got := found(t, r, Query{Host: "a.example.com", Port: 5060, IPv4: true}); got != "udp 192.0.2.1:5060" {
		t.Error(got)
	}
	if server.Asked("A a.example.com") != 1 || server.Asked("tcp A a.example.com") != 1 {
		t.Error("not asked by UDP, then by TCP")
	}
}

// The second name server answers when the first does not, and is asked first then.
func TestSecondNameServer(t *testing.T) {
	t.Parallel()
	bad, good := resolvetest.Serve(t, ""), resolvetest.Serve(t, zone)
	bad.Break(dns.RcodeRefused)
	r, _ := newResolver(t, Config{}, bad, good)
	found(t, r, Query{Host: "a.example.com", Port: 5060, IPv4: true})
	found(t, r, Query{Host: "b.example.com", Port: 5060, IPv4: true})
	if bad.Asked("A a.example.com") != 1 || bad.Asked("A b.example.com") != 0 || good.Asked("A b.example.com") != 1 {
		t.Error("wrong server asked")
	}
}

// One question is asked once, however many wait.
func TestOneQuestion(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, zone)
	r, _ := newResolver(t, Config{}, server)
	ask, gate := r.ask, make(chan struct{})
	r.ask = func(k key, f *flight) { <-gate; ask(k, f) }
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { found(t, r, Query{Host: "a.example.com", Port: 5060, IPv4: true}) })
	}
	close(gate)
	wait.Wait()
	if got := server.Asked("A a.example.com"); got != 1 {
		t.Errorf("asked %d times", got)
	}
}

func TestCancelAndClose(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, zone)
	server.Silence("A")
	r, _ := newResolver(t, Config{Timeout: 10 * patience}, server)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for server.Asked("A a.example.com") == 0 && t.Context().Err() == nil {
			runtime.Gosched()
		}
		cancel()
	}()
	q := Query{Host: "a.example.com", Port: 5060, IPv4: true}
	if _, err := r.Resolve(ctx, q); !errors.Is(err, ErrNoAnswer) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	begun := time.Now()
	r.Close()
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("closing took %s", took)
	}
	q.Host = "b.example.com"
	if _, err := resolve(t, r, q); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("%v", err)
	}
}

// Whatever a name server sends: records of the type asked for, or an error.
func FuzzRecords(f *testing.F) {
	for _, rr := range []string{"a. 5 IN A 192.0.2.1", "a. 5 IN CNAME a.", "a. 5 IN SRV 0 0 1 b.", `a. 5 IN NAPTR 1 1 "s" "SIP+D2U" "" b.`} {
		m := new(dns.Msg).SetQuestion("a.", dns.TypeA)
		record, err := dns.NewRR(rr)
		if err != nil {
			f.Fatal(err)
		}
		m.Answer = append(m.Answer, record)
		packed, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		m := new(dns.Msg)
		if m.Unpack(packed) != nil {
			return
		}
		for _, kind := range []uint16{dns.TypeA, dns.TypeSRV, dns.TypeNAPTR} {
			rrs, _, err := records(m, key{"a", kind})
			if (len(rrs) == 0) != (err != nil) {
				t.Errorf("%v %v", rrs, err)
			}
			for _, rr := range rrs {
				if rr.Header().Rrtype != kind {
					t.Errorf("%v", rr)
				}
			}
		}
	})
}
